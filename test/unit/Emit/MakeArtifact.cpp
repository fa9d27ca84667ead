//===- MakeArtifact.cpp - Links an artifact for a test
//---------------------===//
//
// make-artifact KIND ARCH OUTPUT WEIGHTS OBJECT...: KIND is lm, tensor, shared,
// static or external; WEIGHTS a file with the weights. Stands for qcc's driver
// in tests of what comes after it.
//
//===----------------------------------------------------------------------===//
#include "compiler/Emit/Artifact.h"
#include "compiler/Emit/HeaderWriter.h"
#include "compiler/Emit/Linker.h"
#include "frontends/Common/Error.h"
#include "frontends/Tokenizer/TokenizerBuilder.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace qcc;

/// The header of FakeTensorModel.c.
static HeaderModel header(bool weightsBeside) {
  HeaderModel model;
  model.name = "adder";
  model.inputs = {{"x", QCC_F32, {-1, -2}}, {"y:0", QCC_F32, {-2}}};
  model.outputs = {{"sum/out:0", QCC_F32, {-1, -2}}, {"count", QCC_I64, {}}};
  model.dimNames = {"batch", "n"};
  model.dimMax = {INT64_MAX, 1000};
  model.weightBytes = 4;
  model.weightsBeside = weightsBeside;
  return model;
}

static Error writeWeights(ArtifactWriter &writer, ArrayRef<uint8_t> weights) {
  if (Error error = writer.beginWeights(weights.size()))
    return error;
  // In two pieces, the last one first.
  size_t half = weights.size() / 2;
  if (Error error = writer.writeWeights(half, weights.drop_front(half)))
    return error;
  return writer.appendWeights(weights.take_front(half));
}

static Error writeTokenizer(ArtifactWriter &writer, StringRef directory) {
  Expected<TokenizerSpec> spec = readTokenizerDirectory(directory);
  if (!spec)
    return spec.takeError();
  Expected<std::vector<uint8_t>> blob = buildTokenizer(*spec);
  if (!blob)
    return blob.takeError();
  if (Error error = writer.setTokenizer(*blob))
    return error;
  return writer.setChatTemplate(spec->chatTemplate);
}

static Error make(StringRef kind, const LinkOptions &options, StringRef output,
                  StringRef weightsFile, StringRef tokenizer, ArrayRef<std::string> objects) {
  auto weights = MemoryBuffer::getFile(weightsFile, false, false);
  if (!weights)
    return errorCodeToError(weights.getError());
  std::string linked = (output + ".linked").str();
  bool library = kind == "shared" || kind == "static";
  Error error = kind == "shared"
                    ? linkShared(options, objects, "adder", sys::path::filename(output), linked)
                : kind == "static" ? archiveStatic(options, objects, "adder", output)
                                   : linkExecutable(options, objects, linked);
  if (error)
    return error;
  if (library)
    if (Error bad =
            writeFileAtomically((output + ".h").str(), headerText(header(kind == "static"))))
      return bad;
  bool beside = kind == "static" || kind == "external";
  if (kind == "external") {
    auto program = ArtifactWriter::create(output);
    if (!program)
      return program.takeError();
    // A program without a trailer: its weights are found beside it.
    auto bytes = MemoryBuffer::getFile(linked, false, false);
    if (Error bad = writeFileAtomically(output, (*bytes)->getBuffer(), true))
      return bad;
  }
  auto writer = ArtifactWriter::create(beside ? (output + ".weights").str() : output.str());
  if (!writer)
    return writer.takeError();
  if (!beside)
    if (Error bad = (*writer)->setProgram(linked))
      return bad;
  if (Error bad = writeWeights(**writer, arrayRefFromStringRef((*weights)->getBuffer())))
    return bad;
  if (!tokenizer.empty())
    if (Error bad = writeTokenizer(**writer, tokenizer))
      return bad;
  sys::fs::remove(linked);
  return (*writer)->commit();
}

int main(int argc, char **argv) {
  if (argc < 7)
    return 1;
  LinkOptions options;
  options.kind = StringRef(argv[1]) == "lm" ? RuntimeKind::LanguageModel : RuntimeKind::TensorModel;
  options.arch = StringRef(argv[2]) == "arm64" ? LinkArch::AArch64 : LinkArch::X86_64;
  Expected<std::string> directory = findRuntimeDir(argv[0]);
  if (!directory)
    return static_cast<int>(reportError(directory.takeError(), errs()));
  options.runtimeDir = *directory;
  std::vector<std::string> objects(argv + 6, argv + argc);
  if (Error error = make(argv[1], options, argv[3], argv[4], argv[5], objects))
    return static_cast<int>(reportError(std::move(error), errs()));
  return 0;
}
