//===- HeaderWriter.cpp - The C header of a model library
//------------------===//
//
// See HeaderWriter.h. What it declares is defined in runtime/src/Library.cpp.
//
//===----------------------------------------------------------------------===//
#include "compiler/Emit/HeaderWriter.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {

std::string cIdentifier(StringRef name) {
  std::string out;
  for (char c : name)
    out += isAlnum(c) ? c : '_';
  if (out.empty() || isDigit(out[0]))
    out.insert(out.begin(), '_');
  return out;
}

static StringRef cType(QccType type) {
  switch (type) {
  case QCC_F32:
    return "float";
  case QCC_F16:
    return "uint16_t (IEEE binary16)";
  case QCC_I64:
    return "int64_t";
  case QCC_I32:
    return "int32_t";
  case QCC_I8:
    return "int8_t";
  case QCC_U8:
    return "uint8_t";
  case QCC_BOOL:
    return "uint8_t (0 or 1)";
  case QCC_F64:
    return "double";
  }
  return "?";
}

/// A name inside a C comment: it must not end it, nor the line.
static std::string commentText(StringRef text) {
  std::string out;
  for (char c : text)
    out += isPrint(c) && c != '*' && c != '\\' && c != '?' ? c : '_';
  return out;
}

static void writeTensors(raw_ostream &os, const HeaderModel &model, StringRef what,
                         ArrayRef<HeaderTensor> tensors) {
  os << "   " << what << ":\n";
  for (auto [i, tensor] : enumerate(tensors)) {
    os << "     " << i << "  " << commentText(tensor.name) << ": " << cType(tensor.type) << " [";
    ListSeparator separator;
    for (int64_t d : tensor.dims) {
      os << separator;
      if (d >= 0)
        os << d;
      else if (d == INT64_MIN)
        os << "see sizes";
      else
        os << commentText(model.dimNames[static_cast<size_t>(-1 - d)]);
    }
    os << "]\n";
  }
}

static void writeIndices(raw_ostream &os, StringRef prefix, StringRef kind,
                         ArrayRef<std::string> names) {
  os << "enum {\n";
  // Two names may become the same identifier: those have their numbers.
  std::vector<std::string> taken;
  for (auto [i, name] : enumerate(names)) {
    std::string id = cIdentifier(name);
    if (is_contained(taken, id))
      id += "_" + std::to_string(i);
    taken.push_back(id);
    os << "  " << prefix << "_" << kind << "_" << id << " = " << i << ",\n";
  }
  os << "  " << prefix << "_num_" << kind << "s = " << names.size() << "\n};\n";
}

static std::vector<std::string> namesOf(ArrayRef<HeaderTensor> tensors) {
  std::vector<std::string> out;
  for (const HeaderTensor &tensor : tensors)
    out.push_back(tensor.name);
  return out;
}

static void writeIntroduction(raw_ostream &os, const HeaderModel &model) {
  os << "/* " << commentText(model.name) << ", compiled by qcc.\n\n";
  writeTensors(os, model, "Inputs", model.inputs);
  writeTensors(os, model, "Outputs", model.outputs);
  if (!model.dimNames.empty()) {
    os << "   Dimensions that a call chooses:\n";
    for (auto [i, name] : enumerate(model.dimNames)) {
      os << "     " << i << "  " << commentText(name);
      if (model.dimMax[i] != INT64_MAX)
        os << " (at most " << model.dimMax[i] << ")";
      os << "\n";
    }
  }
  os << "   Weights: " << model.weightBytes << " bytes"
     << (model.weightsBeside ? ", in a file beside the library" : "") << ", mapped read-only.\n\n"
     << "   Tensors are dense, in C order, aligned for their element type. "
        "There is no\n   global state; one object serves one call at a time. "
        "Functions return 0, or a\n   code and a message: 1 wrong use, 2 a "
        "damaged file, 3 a processor that lacks\n   instructions, 4 no memory, "
        "5 an internal error. */\n";
}

static void writeFunctions(raw_ostream &os, const HeaderModel &model, StringRef p) {
  os << "typedef struct " << p << " " << p << ";\n\n"
     << "typedef struct " << p << "_options {\n"
     << "  int32_t threads;          /* 0: as many as there are processors */\n"
     << "  int32_t reserved;         /* 0 */\n"
     << "  const char *weights_file; /* ";
  os << (model.weightsBeside ? "where the weights lie */\n"
                             : "NULL: in the library's own file */\n");
  os << "} " << p << "_options;\n\n"
     << "/* Makes an object. options may be NULL"
     << (model.weightsBeside ? " only when the weights lie in the program's "
                               "own file"
                             : "")
     << ". message, of\n   message_size bytes, gets what was wrong; it may be "
        "NULL. */\n"
     << "int " << p << "_create(const " << p << "_options *options, " << p
     << " **out,\n    char *message, size_t message_size);\n\n"
     << "/* Bytes of scratch memory for a call with these dimensions, and the "
        "dimensions of\n   all outputs one after another. Either may be NULL. "
        "*/\n"
     << "int " << p << "_sizes(" << p
     << " *model, const int64_t *dims,\n    size_t *arena_bytes, int64_t "
        "*output_dims);\n\n"
     << "/* Runs the model. arena is scratch memory of the caller, aligned to "
        "64 bytes; NULL:\n   the object's own, which grows as needed. */\n"
     << "int " << p << "_run(" << p
     << " *model, const void *const *inputs,\n    void *const *outputs, const "
        "int64_t *dims, void *arena);\n\n"
     << "/* What was wrong with the last sizes or run. */\n"
     << "const char *" << p << "_error(const " << p << " *model);\n\n"
     << "void " << p << "_destroy(" << p << " *model);\n";
}

std::string headerText(const HeaderModel &model) {
  std::string prefix = "qcc_" + cIdentifier(model.name);
  std::string guard = StringRef(prefix).upper() + "_H";
  std::string text;
  raw_string_ostream os(text);
  writeIntroduction(os, model);
  os << "#ifndef " << guard << "\n#define " << guard
     << "\n\n#include <stddef.h>\n#include <stdint.h>\n\n#ifdef __cplusplus\n"
     << "extern \"C\" {\n#endif\n\n";
  writeIndices(os, prefix, "input", namesOf(model.inputs));
  writeIndices(os, prefix, "output", namesOf(model.outputs));
  writeIndices(os, prefix, "dim", model.dimNames);
  os << "\n";
  writeFunctions(os, model, prefix);
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
  return text;
}

} // namespace qcc
