//===- Json.cpp - JSON of model files
//---------------------------------------===//
//
// A document builder on nlohmann-json's event interface, which is the only
// place where duplicate keys can be seen.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/Json.h"

#include "frontends/Common/Error.h"
#include "frontends/Common/MappedFile.h"

#include "llvm/ADT/StringExtras.h"

using nlohmann::json;
using namespace llvm;

namespace qcc {
namespace {

/// Far beyond any real file, far below what recursion over the result can take.
constexpr size_t kMaxDepth = 64;

/// Builds a document and stops at the first duplicate key or at too deep a
/// nesting.
class DocumentBuilder : public nlohmann::json_sax<json> {
public:
  json root;
  std::string error;

  bool null() override { return put(nullptr); }
  bool boolean(bool v) override { return put(v); }
  bool number_integer(number_integer_t v) override { return put(v); }
  bool number_unsigned(number_unsigned_t v) override { return put(v); }
  bool number_float(number_float_t v, const string_t &) override {
    return put(v);
  }
  bool string(string_t &v) override { return put(std::move(v)); }
  bool binary(binary_t &) override { return fail("binary value"); }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t &name) override {
    auto [it, fresh] =
        stack.back()->get_ref<json::object_t &>().emplace(name, nullptr);
    if (!fresh)
      return fail("the key \"" + name + "\" occurs twice");
    member = &it->second;
    return true;
  }

  bool parse_error(size_t, const std::string &,
                   const nlohmann::json::exception &e) override {
    // "[json.exception.parse_error.101] parse error at line 1, ...": drop the
    // tag.
    StringRef text = e.what();
    return fail(text.substr(text.find("] ") + 2).str());
  }

private:
  std::vector<json *> stack;
  json *member = nullptr;

  json *place(json value) {
    if (stack.empty()) {
      root = std::move(value);
      return &root;
    }
    if (stack.back()->is_array()) {
      auto &array = stack.back()->get_ref<json::array_t &>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *member = std::move(value);
    return member;
  }
  bool put(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    if (stack.size() == kMaxDepth)
      return fail("nested deeper than " + std::to_string(kMaxDepth) +
                  " levels");
    stack.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack.pop_back();
    return true;
  }
  bool fail(std::string why) {
    error = std::move(why);
    return false;
  }
};

} // namespace

Expected<json> parseJson(StringRef path, StringRef text) {
  DocumentBuilder builder;
  if (!json::sax_parse(text.begin(), text.end(), &builder))
    return badModel(path, "", "is not valid JSON: " + builder.error);
  return std::move(builder.root);
}

Expected<json> readJson(StringRef path) {
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parseJson(path, toStringRef((*file)->bytes()));
}

const json *findMember(const json &object, StringRef key) {
  if (!object.is_object())
    return nullptr;
  auto it = object.find(key.str());
  return it == object.end() ? nullptr : &*it;
}

StringRef stringOf(const json &value) {
  return value.get_ref<const json::string_t &>();
}

std::optional<uint64_t> unsignedOf(const json &value) {
  // The library types every integer without a minus sign as unsigned.
  if (!value.is_number_unsigned())
    return std::nullopt;
  return value.get<uint64_t>();
}

} // namespace qcc
