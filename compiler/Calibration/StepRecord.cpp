//===- StepRecord.cpp - What calibration decided in one step -------------------------------===//

#include "compiler/Calibration/StepRecord.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/EndianStream.h"

using namespace llvm;

namespace qcc {
namespace {

/// Little endian; texts and lists have their length (8 bytes) in front.
class Writer {
public:
  explicit Writer(raw_ostream &os) : os(os), endian(os, endianness::little) {}

  void number(int64_t value) { endian.write(value); }
  void number(double value) { endian.write(value); }
  void bytes(ArrayRef<uint8_t> value) {
    number(static_cast<int64_t>(value.size()));
    os << toStringRef(value);
  }
  void text(StringRef value) { bytes(arrayRefFromStringRef(value)); }
  template <typename List, typename Write> void list(const List &values, Write write) {
    number(static_cast<int64_t>(values.size()));
    for (const auto &value : values)
      write(value);
  }

private:
  raw_ostream &os;
  support::endian::Writer endian;
};

/// The same backwards. After the first thing that is not there all reads give nothing.
class Reader {
public:
  explicit Reader(ArrayRef<uint8_t> bytes)
      : data(bytes, /*IsLittleEndian=*/true, /*AddressSize=*/8), at(0) {}
  ~Reader() { consumeError(at.takeError()); }

  int64_t number() { return data.getS64(at); }
  double real() { return bit_cast<double>(data.getU64(at)); }
  ArrayRef<uint8_t> bytes() {
    uint64_t size = data.getU64(at);
    return arrayRefFromStringRef(data.getBytes(at, size));
  }
  std::string text() { return toStringRef(bytes()).str(); }
  /// A list may be as long as the bytes that are left: an element has at least one.
  template <typename Value, typename Read> void list(std::vector<Value> &values, Read read) {
    uint64_t count = data.getU64(at);
    for (uint64_t i = 0; at && i < count; ++i) {
      values.emplace_back();
      read(values.back());
    }
  }
  bool good() { return static_cast<bool>(at); }
  bool atEnd() { return good() && data.eof(at); }

private:
  DataExtractor data;
  DataExtractor::Cursor at;
};

ArrayRef<uint8_t> bytesOf(const std::vector<float> &values) {
  return {reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(float)};
}

bool readFloats(ArrayRef<uint8_t> bytes, std::vector<float> &out) {
  if (bytes.size() % sizeof(float) != 0)
    return false;
  out.resize(bytes.size() / sizeof(float));
  copy(bytes, reinterpret_cast<uint8_t *>(out.data()));
  return true;
}

/// False for a type that does not exist, and bytes that are not those of the shape.
bool readTensor(Reader &reader, SourceTensor &tensor) {
  tensor.name = reader.text();
  uint64_t type = reader.number();
  reader.list(tensor.shape, [&](int64_t &size) { size = reader.number(); });
  ArrayRef<uint8_t> bytes = reader.bytes();
  if (!reader.good() || type > static_cast<uint64_t>(DType::Q2_0) ||
      type == static_cast<uint64_t>(DType::String))
    return false;
  tensor.dtype = static_cast<DType>(type);
  auto memory = std::make_shared<std::vector<uint8_t>>(bytes.vec());
  tensor.bytes = *memory;
  tensor.memory = std::move(memory);
  return numBytes(tensor.dtype, tensor.shape) == bytes.size();
}

} // namespace

void writeStep(const StepRecord &record, raw_ostream &os) {
  Writer writer(os);
  writer.number(record.step);
  writer.list(record.folds, [&](const FoldFactors &fold) {
    writer.text(fold.observer);
    writer.bytes(bytesOf(fold.factors));
  });
  writer.list(record.tensors, [&](const SourceTensor &tensor) {
    writer.text(tensor.name);
    writer.number(static_cast<int64_t>(tensor.dtype));
    writer.list(tensor.shape, [&](int64_t size) { writer.number(size); });
    writer.bytes(tensor.bytes);
  });
  writer.list(record.rows, [&](const PackedRows &rows) {
    writer.text(rows.symbol);
    writer.number(rows.instance);
    writer.number(rows.firstRow);
    writer.number(rows.count);
    writer.list(rows.components, [&](const std::vector<uint8_t> &bytes) { writer.bytes(bytes); });
  });
  writer.number(record.tokens);
  writer.number(record.mostChannels);
  writer.number(record.deadChannels);
  writer.text(record.firstDead);
  writer.number(static_cast<int64_t>(record.hidden.has_value()));
  writer.number(record.hidden.value_or(0));
  writer.list(record.errors, [&](const MatrixError &error) {
    writer.text(error.source);
    writer.number(error.relative);
  });
}

std::optional<StepRecord> parseStep(ArrayRef<uint8_t> bytes) {
  Reader reader(bytes);
  StepRecord record;
  bool valid = true;
  record.step = reader.number();
  reader.list(record.folds, [&](FoldFactors &fold) {
    fold.observer = reader.text();
    valid &= readFloats(reader.bytes(), fold.factors);
  });
  reader.list(record.tensors, [&](SourceTensor &tensor) { valid &= readTensor(reader, tensor); });
  reader.list(record.rows, [&](PackedRows &rows) {
    rows.symbol = reader.text();
    rows.instance = reader.number();
    rows.firstRow = reader.number();
    rows.count = reader.number();
    reader.list(rows.components,
                [&](std::vector<uint8_t> &component) { component = reader.bytes().vec(); });
  });
  record.tokens = reader.number();
  record.mostChannels = reader.number();
  record.deadChannels = reader.number();
  record.firstDead = reader.text();
  bool hasHidden = reader.number() != 0;
  double hidden = reader.real();
  if (hasHidden)
    record.hidden = hidden;
  reader.list(record.errors, [&](MatrixError &error) {
    error.source = reader.text();
    error.relative = reader.real();
  });
  if (!valid || !reader.atEnd())
    return std::nullopt;
  return record;
}

} // namespace qcc
