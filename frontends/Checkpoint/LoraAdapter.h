//===- LoraAdapter.h - A low-rank adapter of PEFT -------------------------===//
//
// Reads adapter_config.json and adapter_model.safetensors: for some linear
// layers y = x W^T two factors that change it to
//
//   y = x W^T + scale * (x A^T) B^T,   scale = alpha / r, or alpha / sqrt(r)
//
// (Hu et al. 2021, LoRA; Kalajdzievski 2023 for the root). Settings that mean
// another formula are refused by name.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_CHECKPOINT_LORAADAPTER_H
#define QCC_FRONTENDS_CHECKPOINT_LORAADAPTER_H

#include "frontends/Common/TensorStorage.h"

#include "llvm/Support/Error.h"

namespace qcc {

/// The factors of one linear layer [N, K]: float tensors of `tensors`.
struct LoraFactors {
  const SourceTensor *a = nullptr; ///< [r, K]
  const SourceTensor *b = nullptr; ///< [N, r]
};

class LoraAdapter {
public:
  /// Reads a directory. Errors: BadModel (a file or factor is missing, shapes do not fit the rank),
  /// Unsupported (DoRA, modules_to_save, ranks that differ between layers, ...).
  static llvm::Expected<LoraAdapter> open(llvm::StringRef directory);

  /// Of module "model.layers.0.self_attn.q_proj"; null where the adapter changes nothing.
  const LoraFactors *find(llvm::StringRef module) const;

  std::string path;
  TensorTable tensors;
  llvm::StringMap<LoraFactors> modules;
  int64_t rank = 0;
  float scale = 0;

private:
  llvm::Error readConfig();
  llvm::Error readFactors();
};

} // namespace qcc

#endif // QCC_FRONTENDS_CHECKPOINT_LORAADAPTER_H
