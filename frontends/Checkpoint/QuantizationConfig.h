//===- QuantizationConfig.h - How another tool quantized a checkpoint -----===//
//
// What `quantization_config` of config.json, or a quantize_config.json beside
// it, says about the packed weights of a checkpoint. Only what decides the
// meaning of the stored numbers is kept; settings of the tool's own search or
// kernels are ignored, settings that change the layout are refused by name.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_CHECKPOINT_QUANTIZATIONCONFIG_H
#define QCC_FRONTENDS_CHECKPOINT_QUANTIZATIONCONFIG_H

#include "frontends/Common/Json.h"

#include <optional>
#include <string>
#include <vector>

namespace qcc {

enum class QuantizationMethod : uint8_t {
  Gptq,
  Awq,
  BitsAndBytes,
  CompressedTensors,
};

/// "gptq", "awq", "bitsandbytes", "compressed-tensors": as quant_method spells them.
llvm::StringRef methodName(QuantizationMethod);

/// One entry of compressed-tensors' `config_groups`: the layout of the modules
/// that it targets.
struct CompressedGroup {
  std::string name;
  std::vector<std::string> targets; ///< "Linear", "re:REGEX" or a module's name
  bool packed = true;               ///< pack-quantized, else int-quantized (one code a byte)
  unsigned bits = 0;                ///< of a code; 2..8
  int64_t groupSize = 0;            ///< columns that share a scale; 0: the row
  bool perTensor = false;           ///< one scale for the whole matrix
  bool symmetric = true;            ///< no zero points
};

/// The quantization of a checkpoint. Which fields count depends on `method`.
struct QuantizationConfig {
  std::string path; ///< of the file it came from, for messages
  QuantizationMethod method = QuantizationMethod::Gptq;
  unsigned bits = 0;                   ///< gptq: 2, 3, 4, 8; awq: 4; bitsandbytes: 4, 8
  int64_t groupSize = 0;               ///< gptq, awq: columns of a group; 0: the row
  bool activationOrder = false;        ///< gptq: desc_act
  bool zerosLessOne = false;           ///< gptq: zero points are stored minus one (v1)
  std::vector<CompressedGroup> groups; ///< compressed-tensors

  /// compressed-tensors: the group that targets module `name`; an exact name
  /// wins over a regular expression, that over "Linear". Null when none does.
  const CompressedGroup *groupOf(llvm::StringRef name) const;
};

/// Parses a quantization object. `path` names its file in errors. Fails with
/// BadModel (naming the key) where a value is missing or makes no sense, and
/// with Unsupported for methods, versions and formats that qcc does not read.
/// `assumed` is the method where the object names none ("" : that is an error).
llvm::Expected<QuantizationConfig> parseQuantizationConfig(llvm::StringRef path,
                                                           const nlohmann::json &object,
                                                           llvm::StringRef assumed = "");

/// One line, for `qcc inspect`.
std::string describe(const QuantizationConfig &);

/// Finds it in a model directory: config.json, else quantize_config.json, else
/// quant_config.json. Nothing when the model is not quantized.
llvm::Expected<std::optional<QuantizationConfig>> readQuantizationConfig(llvm::StringRef directory);

} // namespace qcc

#endif // QCC_FRONTENDS_CHECKPOINT_QUANTIZATIONCONFIG_H
