//===- CalibratedWeights.h - Weights whose values calibration finds --------------===//
//
// Code is generated before calibration runs, so what calibration finds are weights like any other:
// an nn.weight beside the matrix it belongs to, whose instances come from tensors
// "calibration:TENSOR:WHAT" instead of the model's file. Passes make them, the compiler fills them;
// the names are here.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_NN_IR_CALIBRATEDWEIGHTS_H
#define QCC_DIALECTS_NN_IR_CALIBRATEDWEIGHTS_H

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace qcc::nn {

/// f32 [1] or [ceil(K / 32)]: static scales of what a weight is multiplied with.
inline constexpr llvm::StringLiteral kInputScale = "input_scale";
/// i32 [C]: the input channels that are kept in float.
inline constexpr llvm::StringLiteral kOutliers = "outliers";
/// f32 [K]: 0 for those channels, 1 for all others.
inline constexpr llvm::StringLiteral kInliers = "inliers";
/// f32 [N, C]: the weight's columns that meet those channels.
inline constexpr llvm::StringLiteral kOutlierColumns = "outlier_columns";

/// The symbol of `what` beside the nn.weight `symbol`.
std::string symbolBeside(llvm::StringRef symbol, llvm::StringRef what);

/// What an instance of it is read from, when the weight's own is `tensor`.
std::string calibratedSource(llvm::StringRef tensor, llvm::StringRef what);

/// The tensor that such a source belongs to, and what it is of it.
struct CalibratedSource {
  llvm::StringRef tensor, what;
};

/// Nothing for a source in the model's file.
std::optional<CalibratedSource> parseCalibratedSource(llvm::StringRef source);

} // namespace qcc::nn

#endif // QCC_DIALECTS_NN_IR_CALIBRATEDWEIGHTS_H
