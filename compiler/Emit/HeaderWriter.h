//===- HeaderWriter.h - The C header of a model library
//--------------------===//
//
// A tensor model compiled with -emit=shared or -emit=static comes with a C
// header that says its names, element types and shapes, and declares create,
// run and destroy.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_EMIT_HEADERWRITER_H
#define QCC_COMPILER_EMIT_HEADERWRITER_H

#include "runtime/include/qcc/abi.h"

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace qcc {

/// One tensor of the model's boundary, as in QccTensor.
struct HeaderTensor {
  std::string name;
  QccType type = QCC_F32;
  std::vector<int64_t> dims; ///< >= 0, or -1-s for symbol s, or INT64_MIN
};

/// What the header says of a model.
struct HeaderModel {
  std::string name; ///< as the user named it; made a C identifier
  std::vector<HeaderTensor> inputs, outputs;
  std::vector<std::string> dimNames;
  std::vector<int64_t> dimMax; ///< INT64_MAX when open
  uint64_t weightBytes = 0;
  bool weightsBeside = false; ///< static library: weights are a file of their own
};

/// A C identifier made from a name: other characters become '_', never empty,
/// and never a leading digit.
std::string cIdentifier(llvm::StringRef name);

/// The header's text, for C11 and C++.
std::string headerText(const HeaderModel &model);

} // namespace qcc

#endif // QCC_COMPILER_EMIT_HEADERWRITER_H
