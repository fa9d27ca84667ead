//===- BitsAndBytesLinear.cpp - int8, NF4 and FP4 of bitsandbytes ---------===//
//
// int8:  W[n, k] = q[n, k] * SCB[n] / 127
// 4 bit: W = map[code] * absmax[i / blocksize], i the index in the flattened
//        [N, K]; the first element of a byte is its high nibble. With double
//        quantization absmax itself is map2[u8] * absmax2[.] + offset.
//
// Source: bitsandbytes 0.4x.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/LinearSource.h"
#include "frontends/Common/Error.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <numeric>

using namespace llvm;

namespace qcc {
namespace {

class Int8Linear : public PackedLinear {
public:
  Error open(const LinearSource &source);
  void readValues(int64_t row, float *out) const override;

private:
  void readRow(int64_t row, const RowView &view) const override;
  const uint8_t *codesOf(int64_t row) const { return sources[0].bytes.data() + row * columnCount; }
};

Error Int8Linear::open(const LinearSource &source) {
  Expected<SourceTensor> weight = source.require("weight", DType::I8, 2);
  if (!weight)
    return weight.takeError();
  rowCount = weight->shape[0];
  columnCount = weight->shape[1];
  int64_t groupSize = 0;
  if (Error error = source.checkGroups(rowCount, columnCount, groupSize))
    return error;
  Expected<SourceTensor> absmax = source.requireShape("SCB", DType::F32, {rowCount});
  if (!absmax)
    return absmax.takeError();
  Expected<ScaleKind> finite = source.scaleKind("SCB", *absmax);
  if (!finite)
    return finite.takeError();
  if (const SourceTensor *format = source.find("weight_format"))
    if (format->bytes.size() != 1 || format->bytes[0] != 0)
      return source.notSupported("weight_format is not 0 (row-major); save the model again with a "
                                 "current bitsandbytes");
  grid.code = CodeKind::Integer;
  grid.bits = 8;
  grid.offset = 128;
  grid.scale = ScaleKind::F32;
  sources = {std::move(*weight), std::move(*absmax)};
  return Error::success();
}

void Int8Linear::readRow(int64_t row, const RowView &view) const {
  for (int64_t col = 0; col < columnCount; ++col)
    view.codes[col] = codesOf(row)[col] ^ 0x80;
  view.scales[0] = floatAt(sources[1], row) / 127.0f;
}

void Int8Linear::readValues(int64_t row, float *out) const {
  float absmax = floatAt(sources[1], row);
  for (int64_t col = 0; col < columnCount; ++col)
    out[col] = static_cast<float>(static_cast<int8_t>(codesOf(row)[col])) * absmax / 127.0f;
}

/// A float tensor of `count` finite elements.
Expected<std::vector<float>> readTable(const LinearSource &source, StringRef suffix,
                                       int64_t count) {
  Expected<SourceTensor> tensor = source.requireShape(suffix, DType::F32, {count});
  if (!tensor)
    return tensor.takeError();
  if (Error error = source.scaleKind(suffix, *tensor).takeError())
    return error;
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = floatAt(*tensor, i);
  return values;
}

class Book4Linear : public PackedLinear {
public:
  Error open(const LinearSource &source);

private:
  Error openState(const LinearSource &source, const nlohmann::json &state);
  Error openScales(const LinearSource &source, const nlohmann::json &state);
  Error openNested(const LinearSource &source, const nlohmann::json &state, int64_t blocks);
  void readRow(int64_t row, const RowView &view) const override;

  StringRef stateName;
  int64_t blockSize = 0;
  std::vector<float> absmax; ///< one for each block of the flattened matrix
};

Error Book4Linear::open(const LinearSource &source) {
  stateName = "weight.quant_state.bitsandbytes__nf4";
  if (!source.find(stateName) && source.find("weight.quant_state.bitsandbytes__fp4"))
    stateName = "weight.quant_state.bitsandbytes__fp4";
  Expected<SourceTensor> text = source.require(stateName, DType::U8, 1);
  if (!text)
    return text.takeError();
  Expected<nlohmann::json> state = parseJson(text->name, toStringRef(text->bytes));
  if (!state)
    return state.takeError();
  if (Error error = openState(source, *state))
    return error;
  Expected<std::vector<float>> map = readTable(source, "weight.quant_map", 16);
  if (!map)
    return map.takeError();
  if (Error error = openScales(source, *state))
    return error;
  // Blocks run on across row ends: groups are what both divide.
  int64_t groupSize = std::gcd(blockSize, columnCount);
  if (Error error = source.checkGroups(rowCount, columnCount, groupSize))
    return error;
  grid.code = CodeKind::FloatCodebook;
  grid.bits = 4;
  grid.groupSize = groupSize;
  grid.scale = ScaleKind::F32;
  grid.floatCodebook = std::move(*map);
  return Error::success();
}

/// Sizes, and the weight's bytes.
Error Book4Linear::openState(const LinearSource &source, const nlohmann::json &state) {
  const nlohmann::json *shape = findMember(state, "shape");
  if (!shape || !shape->is_array() || shape->size() != 2)
    return source.bad(stateName, "shape is not two sizes");
  std::optional<uint64_t> n = unsignedOf((*shape)[0]), k = unsignedOf((*shape)[1]);
  if (!n || !k || *n == 0 || *k == 0 || *n > INT32_MAX || *k > INT32_MAX)
    return source.bad(stateName, "shape is not two positive 31-bit sizes");
  rowCount = *n;
  columnCount = *k;
  const nlohmann::json *block = findMember(state, "blocksize");
  std::optional<uint64_t> size = block ? unsignedOf(*block) : std::nullopt;
  if (!size || !isPowerOf2_64(*size) || *size < 32 || *size > 4096)
    return source.bad(stateName, "blocksize is not a power of two within 32..4096");
  blockSize = *size;
  // quant_storage may be any type: only the bytes count.
  const SourceTensor *weight = source.find("weight");
  if (!weight)
    return source.bad("weight", "this tensor of a quantized layer is missing");
  int64_t bytes = ceilDiv(rowCount * columnCount, 2);
  if (int64_t(weight->bytes.size()) != bytes)
    return source.bad("weight", "has " + Twine(weight->bytes.size()) +
                                    " bytes; its quant_state wants " + Twine(bytes));
  sources.push_back(*weight);
  return Error::success();
}

Error Book4Linear::openScales(const LinearSource &source, const nlohmann::json &state) {
  int64_t blocks = ceilDiv(rowCount * columnCount, blockSize);
  if (findMember(state, "nested_blocksize"))
    return openNested(source, state, blocks);
  Expected<std::vector<float>> values = readTable(source, "weight.absmax", blocks);
  if (!values)
    return values.takeError();
  absmax = std::move(*values);
  return Error::success();
}

Error Book4Linear::openNested(const LinearSource &source, const nlohmann::json &state,
                              int64_t blocks) {
  std::optional<uint64_t> size = unsignedOf(*findMember(state, "nested_blocksize"));
  if (!size || *size == 0 || *size > INT32_MAX)
    return source.bad(stateName, "nested_blocksize is not a positive number");
  const nlohmann::json *member = findMember(state, "nested_offset");
  if (!member || !member->is_number())
    return source.bad(stateName, "nested_offset is not a number");
  float offset = member->get<double>();
  Expected<SourceTensor> codes = source.requireShape("weight.absmax", DType::U8, {blocks});
  if (!codes)
    return codes.takeError();
  Expected<std::vector<float>> map = readTable(source, "weight.nested_quant_map", 256);
  if (!map)
    return map.takeError();
  int64_t nested = *size;
  Expected<std::vector<float>> scales =
      readTable(source, "weight.nested_absmax", ceilDiv(blocks, nested));
  if (!scales)
    return scales.takeError();
  absmax.resize(blocks);
  for (int64_t i = 0; i < blocks; ++i) {
    absmax[i] = (*map)[codes->bytes[i]] * (*scales)[i / nested] + offset;
    if (!std::isfinite(absmax[i]))
      return source.bad("weight.absmax", "the scale of block " + Twine(i) + " is not finite");
  }
  return Error::success();
}

void Book4Linear::readRow(int64_t row, const RowView &view) const {
  int64_t first = row * columnCount;
  const uint8_t *bytes = sources[0].bytes.data();
  for (int64_t col = 0; col < columnCount; ++col) {
    int64_t i = first + col;
    view.codes[col] = i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4;
  }
  int64_t groups = numGroups(grid, columnCount);
  for (int64_t g = 0; g < groups; ++g)
    view.scales[g] = absmax[(first + g * grid.groupSize) / blockSize];
}

} // namespace

OpenedLinear openBitsAndBytes(const LinearSource &source) {
  return source.config.bits == 8 ? openAs<Int8Linear>(source) : openAs<Book4Linear>(source);
}

} // namespace qcc
