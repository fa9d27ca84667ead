//===- Describe.cpp - A GGUF file as text
//-----------------------------------===//
//
// What `qcc inspect` prints about a GGUF file.
//
//===----------------------------------------------------------------------===//
#include "frontends/GGUF/GGUF.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {
namespace {

constexpr size_t kMaxText = 60;
constexpr uint64_t kMaxArray = 16;

void printString(raw_ostream &os, StringRef text) {
  os << '"';
  printEscapedString(text.take_front(kMaxText), os);
  os << (text.size() > kMaxText ? "\"..." : "\"");
}

template <typename Values>
void printArray(raw_ostream &os, const Values &values) {
  os << '[';
  ListSeparator comma;
  for (const auto &value : values) {
    os << comma;
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, StringRef>)
      printString(os, value);
    else
      os << value;
  }
  os << ']';
}

void printValue(raw_ostream &os, const GgufValue &value) {
  if (auto text = value.asString())
    return printString(os, *text);
  if (auto flag = value.asBool())
    os << (*flag ? "true" : "false");
  else if (auto integer = value.asInteger())
    os << *integer;
  else if (auto number = value.asFloat())
    os << format("%g", *number);
  else if (value.isArray() && value.size() > kMaxArray)
    os << "array of " << value.size();
  else if (auto strings = value.asStrings())
    printArray(os, *strings);
  else if (auto integers = value.asIntegers())
    printArray(os, *integers);
  else if (auto floats = value.asFloats())
    printArray(os, *floats);
  else
    os << "array of " << value.size();
}

} // namespace

std::string describeMetadata(const GgufFile &gguf) {
  std::string text;
  raw_string_ostream os(text);
  os << "GGUF version " << gguf.version << ", alignment " << gguf.alignment
     << '\n';
  for (const auto &[key, value] : gguf.metadata) {
    os << "  ";
    printEscapedString(key, os);
    os << ": ";
    printValue(os, value);
    os << '\n';
  }
  return text;
}

std::string describe(const GgufFile &gguf) {
  return describeMetadata(gguf) + std::to_string(gguf.tensors.size()) +
         " tensors\n" + describe(gguf.tensors);
}

} // namespace qcc
