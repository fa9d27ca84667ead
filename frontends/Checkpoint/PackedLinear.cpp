//===- PackedLinear.cpp - A linear layer that another tool quantized ------===//
//
// Chooses the decoder, and the streaming that all decoders share.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/PackedLinear.h"

#include "dialects/QuantExt/Codec/Reference.h"
#include "frontends/Checkpoint/LinearSource.h"

#include "llvm/ADT/STLExtras.h"

#include <cassert>

using namespace llvm;

namespace qcc {

PackedLinear::~PackedLinear() = default;

bool PackedLinear::isPresent(const QuantizationConfig &config, const TensorTable &tensors,
                             StringRef prefix) {
  LinearSource source(config, tensors, prefix);
  switch (config.method) {
  case QuantizationMethod::Gptq:
  case QuantizationMethod::Awq:
    return source.find("qweight");
  case QuantizationMethod::BitsAndBytes:
    return source.find("SCB") || source.find("weight.absmax");
  case QuantizationMethod::CompressedTensors:
    return source.find("weight_packed") || source.find("weight_scale");
  }
  llvm_unreachable("no such method");
}

bool PackedLinear::isPart(const QuantizationConfig &config, StringRef part) {
  switch (config.method) {
  case QuantizationMethod::Gptq:
    return is_contained({"qweight", "qzeros", "scales", "g_idx"}, part);
  case QuantizationMethod::Awq:
    return is_contained({"qweight", "qzeros", "scales"}, part);
  case QuantizationMethod::BitsAndBytes:
    return part == "weight" || part == "SCB" || part == "weight_format" ||
           part == "weight.absmax" || part == "weight.quant_map" ||
           part == "weight.nested_absmax" || part == "weight.nested_quant_map" ||
           part.starts_with("weight.quant_state.bitsandbytes__");
  case QuantizationMethod::CompressedTensors:
    return is_contained({"weight", "weight_packed", "weight_scale", "weight_zero_point",
                         "weight_shape", "weight_g_idx"},
                        part);
  }
  llvm_unreachable("no such method");
}

Expected<std::unique_ptr<PackedLinear>>
PackedLinear::open(const QuantizationConfig &config, const TensorTable &tensors, StringRef prefix) {
  LinearSource source(config, tensors, prefix);
  switch (config.method) {
  case QuantizationMethod::Gptq:
    return openGptq(source);
  case QuantizationMethod::Awq:
    return openAwq(source);
  case QuantizationMethod::BitsAndBytes:
    return openBitsAndBytes(source);
  case QuantizationMethod::CompressedTensors:
    break;
  }
  const CompressedGroup *group = config.groupOf(prefix);
  if (!group)
    return source.bad("weight_scale", "the layer is quantized, but no entry of config_groups "
                                      "targets it");
  return openCompressedTensors(source, *group);
}

void PackedLinear::readRows(int64_t first, int64_t count, QuantizedMatrix &rows) const {
  assert(first >= 0 && count >= 0 && first + count <= rowCount);
  if (rows.scheme == grid && rows.k == columnCount)
    reshape(rows, count);
  else
    rows = makeMatrix(grid, count, columnCount);
  for (int64_t i = 0; i < count; ++i)
    readRow(first + i, rowOf(rows, i));
}

void PackedLinear::readValues(int64_t row, float *out) const {
  QuantizedMatrix one;
  readRows(row, 1, one);
  if (order.empty())
    return dequantizeRow(one, 0, out);
  for (int64_t p = 0; p < columnCount; ++p)
    out[order[p]] = dequantizeElement(one, 0, p);
}

void PackedLinear::dropPages() const {
  for (const SourceTensor &source : sources)
    source.dropPages();
}

} // namespace qcc
