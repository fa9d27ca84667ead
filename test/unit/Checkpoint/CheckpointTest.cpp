//===- CheckpointTest.cpp - Linear layers quantized by other tools --------===//
//
// Real checkpoints against the dequantized weights of the tools that made them
// (SHA-256 of all values), published words of each packing, and malformed
// configs and tensors.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Reference.h"
#include "frontends/Checkpoint/PackedLinear.h"
#include "frontends/Common/Error.h"
#include "frontends/Safetensors/Safetensors.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace llvm;
using namespace qcc;

namespace {

std::string sharedData(StringRef name) {
  SmallString<128> path(sys::Process::GetEnv("QCC_SHARED").value_or(QCC_DEFAULT_SHARED));
  sys::path::append(path, "data", name);
  return std::string(path);
}

void expectFailure(Error error, ExitCode code, StringRef part) {
  ASSERT_TRUE(bool(error)) << "no failure, expected: " << part.str();
  handleAllErrors(std::move(error), [&](const ModelError &e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_NE(e.what().find(part.str()), std::string::npos)
        << "expected: " << part.str() << "\nis: " << e.what();
  });
}

std::string sha256(ArrayRef<float> values) {
  auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
  auto digest = SHA256::hash(ArrayRef(bytes, values.size() * 4));
  return toHex(digest, /*LowerCase=*/true);
}

struct Checkpoint {
  const char *name;
  bool schemeIsExact; ///< else within 2^-22 of the value
  bool reordered;
};
class Checkpoints : public testing::TestWithParam<Checkpoint> {};

/// W in logical order from the scheme alone, read three rows at a time.
std::vector<float> fromScheme(const PackedLinear &linear) {
  std::vector<float> w(linear.n() * linear.k());
  QuantizedMatrix rows;
  for (int64_t first = 0; first < linear.n(); first += 3) {
    int64_t count = std::min<int64_t>(3, linear.n() - first);
    linear.readRows(first, count, rows);
    EXPECT_EQ(checkMatrix(rows), "");
    for (int64_t i = 0; i < count; ++i)
      for (int64_t p = 0; p < linear.k(); ++p) {
        int64_t col = linear.columnOrder().empty() ? p : linear.columnOrder()[p];
        w[(first + i) * linear.k() + col] = dequantizeElement(rows, i, p);
      }
  }
  return w;
}

TEST_P(Checkpoints, DequantizeToTheToolsOwnValues) {
  std::string directory = sharedData(std::string("checkpoints/") + GetParam().name);
  if (!sys::fs::exists(directory))
    GTEST_SKIP() << "no shared data";
  auto config = cantFail(readQuantizationConfig(directory));
  ASSERT_TRUE(config.has_value());
  TensorTable tensors = cantFail(readSafetensorsDirectory(directory));
  nlohmann::json golden = cantFail(readJson(directory + "/weights.json"));
  unsigned seen = 0, reordered = 0;
  for (const auto &[name, expected] : golden.get_ref<const nlohmann::json::object_t &>()) {
    SCOPED_TRACE(name);
    StringRef prefix = StringRef(name).drop_back(strlen(".weight"));
    if (!PackedLinear::isPresent(*config, tensors, prefix))
      continue;
    ++seen;
    auto opened = PackedLinear::open(*config, tensors, prefix);
    ASSERT_TRUE(bool(opened)) << toString(opened.takeError());
    PackedLinear &linear = **opened;
    reordered += !linear.columnOrder().empty();
    EXPECT_EQ(linear.scheme().check(), "");
    ASSERT_EQ(linear.n(), expected["shape"][0].get<int64_t>());
    ASSERT_EQ(linear.k(), expected["shape"][1].get<int64_t>());
    std::vector<float> values(linear.n() * linear.k());
    for (int64_t row = 0; row < linear.n(); ++row)
      linear.readValues(row, values.data() + row * linear.k());
    for (int i = 0; i < 8; ++i)
      EXPECT_EQ(values[i], expected["first"][i].get<float>());
    EXPECT_EQ(sha256(values), expected["sha256_f32"].get<std::string>());
    std::vector<float> scheme = fromScheme(linear);
    if (GetParam().schemeIsExact)
      EXPECT_EQ(sha256(scheme), sha256(values));
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_LE(std::fabs(scheme[i] - values[i]), std::fabs(values[i]) * 0x1p-22f);
    linear.dropPages();
  }
  EXPECT_EQ(seen, 14u);
  EXPECT_EQ(reordered > 0, GetParam().reordered);
}

INSTANTIATE_TEST_SUITE_P(
    All, Checkpoints,
    testing::Values(Checkpoint{"gptq-b3-g32-asym", true, false},
                    Checkpoint{"gptq-b4-g128-act", true, true},
                    Checkpoint{"gptq-b4-g32-asym", true, false},
                    Checkpoint{"gptq-b4-g32-sym", true, false},
                    Checkpoint{"gptq-b8-g64-sym", true, false},
                    Checkpoint{"awq-b4-g32", true, false}, Checkpoint{"bnb-nf4", true, false},
                    Checkpoint{"bnb-nf4-dq", true, false}, Checkpoint{"bnb-int8", false, false},
                    Checkpoint{"ct-w4a16", true, false}, Checkpoint{"ct-w8a8-dyn", true, false}));

/// A tensor in memory; `data` is copied.
template <typename T>
void addTensor(TensorTable &table, StringRef name, DType dtype, std::vector<int64_t> shape,
               const std::vector<T> &data) {
  auto bytes = std::make_shared<std::vector<uint8_t>>(data.size() * sizeof(T));
  memcpy(bytes->data(), data.data(), bytes->size());
  SourceTensor tensor;
  tensor.name = name.str();
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.bytes = *bytes;
  tensor.memory = bytes;
  ASSERT_TRUE(table.add(std::move(tensor)));
}

QuantizationConfig configOf(StringRef text) {
  return cantFail(parseQuantizationConfig("c.json", cantFail(parseJson("c.json", text))));
}

/// One GPTQ column repeated over 32 columns, one group of 32.
TensorTable gptqTable(unsigned bits, const std::vector<uint32_t> &column, uint32_t zeros = 0,
                      float scale = 1, std::vector<int32_t> gIdx = std::vector<int32_t>(32)) {
  TensorTable table;
  std::vector<uint32_t> words;
  for (uint32_t word : column)
    words.insert(words.end(), 32, word);
  addTensor(table, "l.qweight", DType::I32, {int64_t(column.size()), 32}, words);
  addTensor(table, "l.qzeros", DType::I32, {1, bits}, std::vector<uint32_t>(bits, zeros));
  addTensor(table, "l.scales", DType::F32, {1, 32}, std::vector<float>(32, scale));
  addTensor(table, "l.g_idx", DType::I32, {int64_t(gIdx.size())}, gIdx);
  return table;
}

std::string gptqConfig(unsigned bits, StringRef format = "gptq") {
  return ("{\"quant_method\":\"gptq\",\"group_size\":32,\"bits\":" + Twine(bits) +
          ",\"checkpoint_format\":\"" + format + "\"}")
      .str();
}

TEST(GptqTest, PublishedWords) {
  struct {
    unsigned bits, n;
    std::vector<uint32_t> words;
  } cases[] = {
      {2, 0, {0xE4E4E4E4, 0xE4E4E4E4}},
      {2, 1, {0x93939393, 0x93939393}},
      {3, 0, {0xA878CEA8, 0xCEA878CE, 0x78CEA878}},
      {3, 1, {0x43C67543, 0x7543C675, 0xC67543C6}},
      {4, 0, {0x3E94FA50, 0xB61C72D8, 0x3E94FA50, 0xB61C72D8}},
      {4, 1, {0x61C72D83, 0xE94FA50B, 0x61C72D83, 0xE94FA50B}},
  };
  for (const auto &c : cases) {
    TensorTable table = gptqTable(c.bits, c.words);
    auto linear = cantFail(PackedLinear::open(configOf(gptqConfig(c.bits)), table, "l"));
    QuantizedMatrix rows;
    linear->readRows(0, 1, rows);
    for (unsigned k = 0; k < 32; ++k)
      EXPECT_EQ(rows.codes[k], (5 * k + 3 * c.n) % (1u << c.bits));
  }
}

TEST(GptqTest, ZeroPointsOfBothVersions) {
  struct {
    const char *format;
    uint32_t stored;
    int zero; ///< -1: the middle, held as the offset
  } cases[] = {{"gptq", 0x77777777, -1},
               {"gptq_v2", 0x88888888, -1},
               {"gptq", 0xFFFFFFFF, 0},
               {"gptq_v2", 0xFFFFFFFF, 15},
               {"gptq_v2", 0x77777777, 7}};
  for (const auto &c : cases) {
    TensorTable table = gptqTable(4, {0, 0, 0, 0}, c.stored);
    auto linear = cantFail(PackedLinear::open(configOf(gptqConfig(4, c.format)), table, "l"));
    QuantizedMatrix rows;
    linear->readRows(0, 1, rows);
    EXPECT_EQ(linear->scheme().offset, c.zero < 0 ? 8 : 0);
    if (c.zero >= 0)
      EXPECT_EQ(rows.zeroPoints[0], c.zero);
  }
}

TEST(GptqTest, ScalesBeyondHalfAreKept) {
  TensorTable table = gptqTable(4, {0, 0, 0, 0}, 0, 0.1f);
  auto linear = cantFail(PackedLinear::open(configOf(gptqConfig(4)), table, "l"));
  EXPECT_EQ(linear->scheme().scale, ScaleKind::F32);
}

TEST(GptqTest, MalformedTensors) {
  struct {
    TensorTable table;
    const char *message;
  } cases[] = {
      {TensorTable(), "l.qweight: this tensor of a quantized layer is missing"},
      {gptqTable(4, {0, 0, 0}), "l.g_idx: has shape [32], not [24]"},
      {gptqTable(2, {0, 0, 0, 0}), "l.qzeros: has shape [1, 2], not [1, 4]"},
      {gptqTable(4, {0, 0, 0, 0}, 0, NAN), "l.scales: element 0 is not finite"},
      {gptqTable(4, {0, 0, 0, 0}, 0, 1, std::vector<int32_t>(32, -1)),
       "l.g_idx: element 0 is -1; there are 1 groups"},
  };
  for (const auto &c : cases)
    expectFailure(PackedLinear::open(configOf(gptqConfig(4)), c.table, "l").takeError(),
                  ExitCode::BadModel, c.message);
}

TEST(AwqTest, PublishedWords) {
  TensorTable table;
  std::vector<uint32_t> words = {0x5F932C60, 0xD71BA4E8, 0xA4E871B5, 0x2C60F93D};
  words.resize(64);
  addTensor(table, "l.qweight", DType::I32, {32, 2}, words);
  addTensor(table, "l.qzeros", DType::I32, {1, 2}, std::vector<uint32_t>(2));
  addTensor(table, "l.scales", DType::F32, {1, 16}, std::vector<float>(16, 1));
  auto linear = cantFail(PackedLinear::open(
      configOf(R"({"quant_method":"awq","bits":4,"group_size":32})"), table, "l"));
  QuantizedMatrix rows;
  linear->readRows(0, 16, rows);
  for (unsigned n = 0; n < 16; ++n)
    for (unsigned k = 0; k < 2; ++k)
      EXPECT_EQ(rows.codes[n * 32 + k], (5 * k + 3 * n) % 16);
}

TEST(ConfigTest, MalformedAndUnsupported) {
  struct {
    const char *text;
    ExitCode code;
    const char *message;
  } cases[] = {
      {"[]", ExitCode::BadModel, "quantization_config: is not an object"},
      {"{}", ExitCode::BadModel, "quant_method: is missing"},
      {R"({"quant_method":3})", ExitCode::BadModel, "is not a string"},
      {R"({"quant_method":"fp8"})", ExitCode::Unsupported, "\"fp8\""},
      {R"({"quant_method":"gptq"})", ExitCode::BadModel, "bits: is missing"},
      {R"({"quant_method":"gptq","bits":"4"})", ExitCode::BadModel,
       "bits: is \"4\", not an integer within 1..32"},
      {R"({"quant_method":"gptq","bits":5,"group_size":32})", ExitCode::Unsupported,
       "gptq with bits 5"},
      {R"({"quant_method":"gptq","bits":4,"group_size":0})", ExitCode::BadModel,
       "group_size: is 0"},
      {R"({"quant_method":"gptq","bits":4,"group_size":32,"desc_act":1})", ExitCode::BadModel,
       "desc_act: is neither true nor false"},
      {R"({"quant_method":"gptq","bits":4,"group_size":32,"format":"marlin"})",
       ExitCode::Unsupported, "checkpoint_format \"marlin\""},
      {R"({"quant_method":"awq","bits":4,"group_size":32,"version":"GEMV"})", ExitCode::Unsupported,
       "version \"gemv\""},
      {R"({"quant_method":"bitsandbytes"})", ExitCode::BadModel,
       "exactly one of load_in_4bit and load_in_8bit"},
      {R"({"quant_method":"compressed-tensors"})", ExitCode::BadModel,
       "config_groups: is not an object"},
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":{
          "targets":["Linear"],"weights":{"num_bits":4}}}})",
       ExitCode::Unsupported, "config_groups.g: format \"\""},
      {R"({"quant_method":"compressed-tensors","format":"pack-quantized",
          "config_groups":{"g":{"targets":["re:\\d"],"weights":{}}}})",
       ExitCode::Unsupported, "the regular expression \"\\d\""},
  };
  for (const auto &c : cases)
    expectFailure(parseQuantizationConfig("c.json", cantFail(parseJson("c", c.text))).takeError(),
                  c.code, c.message);
}

} // namespace
