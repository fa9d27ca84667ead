//===- Artifact.h - Writes the file that qcc hands out
//---------------------===//
//
// An artifact is: program | weights | tokenizer | chat template | report |
// trailer (abi.h). Weights are written one after another, or at any place in any
// order, so that the compiler never holds more of them than the one it works on. The
// file has a temporary name in the output's directory until commit(), and is
// removed when that is not reached.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_EMIT_ARTIFACT_H
#define QCC_COMPILER_EMIT_ARTIFACT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>

namespace qcc {

/// Writes one artifact. Errors carry an exit code: 4 when the disk is full or
/// the size limit of files is reached, 1 when the place cannot be written.
///
///   auto writer = ArtifactWriter::create("smol");
///   writer->setProgram("linked");             // absent: a file of weights
///   alone writer->beginWeights(totalBytes); writer->writeWeights(offset,
///   bytes);      // any order, or appendWeights(bytes)
///   writer->setTokenizer(bytes); writer->setChatTemplate(text);
///   writer->commit();
class ArtifactWriter {
public:
  /// Opens a temporary file beside `output`.
  static llvm::Expected<std::unique_ptr<ArtifactWriter>> create(llvm::StringRef output);

  /// Removes the temporary file unless committed.
  ~ArtifactWriter();
  ArtifactWriter(const ArtifactWriter &) = delete;
  ArtifactWriter &operator=(const ArtifactWriter &) = delete;

  /// Copies the linked program or shared library to the start. Called first, or
  /// never (then the artifact is a file of weights that lies beside a program).
  llvm::Error setProgram(llvm::StringRef path);

  /// Starts the weights section of `bytes` bytes, all zero until written. Fails
  /// at once (exit code 4) when the disk has no room for it.
  llvm::Error beginWeights(uint64_t bytes);

  /// Writes into the weights section at `offset`. Different threads may write
  /// different places at the same time.
  llvm::Error writeWeights(uint64_t offset, llvm::ArrayRef<uint8_t> bytes);

  /// Writes behind what was appended before.
  llvm::Error appendWeights(llvm::ArrayRef<uint8_t> bytes);

  /// The bytes of runtime/text's tokenizer, and the chat template's text.
  llvm::Error setTokenizer(llvm::ArrayRef<uint8_t> bytes);
  llvm::Error setChatTemplate(llvm::StringRef text);

  /// "key: value" lines that `info` shows beside those of the program.
  llvm::Error setReport(llvm::StringRef text);

  /// Writes the trailer, makes a program executable, and gives the file its
  /// name.
  llvm::Error commit();

  /// Size of the file so far, and of everything in it that is not weights.
  uint64_t size() const;
  uint64_t overheadBytes() const;

private:
  struct State;
  explicit ArtifactWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// Writes a small file (header, object, text) whole, under a temporary name
/// that is then renamed. `executable` sets the mode bits. Errors as for
/// ArtifactWriter.
llvm::Error writeFileAtomically(llvm::StringRef output, llvm::StringRef bytes,
                                bool executable = false);

} // namespace qcc

#endif // QCC_COMPILER_EMIT_ARTIFACT_H
