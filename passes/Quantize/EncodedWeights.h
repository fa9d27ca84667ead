//===- EncodedWeights.h - The weights whose codes are still to be chosen ------===//
#ifndef QCC_PASSES_QUANTIZE_ENCODEDWEIGHTS_H
#define QCC_PASSES_QUANTIZE_ENCODEDWEIGHTS_H

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace qcc {

/// Calls `visit` for every quant_ext.encode to codes (no floats) that does not keep those of the
/// file, with the weight it encodes; weights with a role are left out.
void forEachEncodedWeight(mlir::ModuleOp module,
                          llvm::function_ref<void(quant_ext::EncodeOp, nn::WeightOp)> visit);

/// Appends a step to the method of an encode: "importance" and "gptq" make "importance+gptq"; "rtn"
/// is replaced.
void appendMethod(quant_ext::EncodeOp encode, llvm::StringRef step);

/// Whether a step of a method chooses scales or codes; other steps only change what is quantized.
bool choosesCodes(llvm::StringRef method);

} // namespace qcc

#endif // QCC_PASSES_QUANTIZE_ENCODEDWEIGHTS_H
