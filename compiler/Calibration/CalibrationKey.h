//===- CalibrationKey.h - A hash of what a calibration follows from ------------------------===//
//
// Two compilations with the same key find the same, so one may go on with what the other has left.
// What the result follows from is hashed itself (modules, tensors, tokens), not the options that
// led to it: an option that is new is in the key without anyone remembering it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_CALIBRATIONKEY_H
#define QCC_COMPILER_CALIBRATION_CALIBRATIONKEY_H

#include "compiler/Weights/WeightSource.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"
#include <array>

namespace qcc {

/// A SHA-256.
using CalibrationKey = std::array<uint8_t, 32>;

class CalibrationKeyBuilder {
public:
  /// Something with a name; names tell apart what happens to have the same bytes.
  void add(llvm::StringRef name, llvm::ArrayRef<uint8_t> bytes);
  void add(llvm::StringRef name, llvm::StringRef text) {
    add(name, llvm::arrayRefFromStringRef(text));
  }
  template <typename T> void addArray(llvm::StringRef name, llvm::ArrayRef<T> values) {
    add(name, {reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(T)});
  }

  /// The compiler at `executable`, to the byte, and the processor, whose vectors decide the order
  /// of sums.
  void addCompiler(llvm::StringRef executable);
  /// Names, types, shapes and contents, by XXH3-128. Reads them all once, and drops their pages.
  void addTensors(llvm::StringRef name, const TensorTable &tensors);
  void addFiles(const WeightFiles &files);
  /// All of a module.
  void addModule(mlir::ModuleOp module);

  CalibrationKey finish() { return hash.final(); }

private:
  llvm::SHA256 hash;
};

/// Of the weights that `module` asks for, after the Pack stage: their schemes and methods.
CalibrationKey keyOfWeights(mlir::ModuleOp module);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_CALIBRATIONKEY_H
