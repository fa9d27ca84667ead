//===- WeightsTest.cpp - Packed weights are the file's values ---------------------===//
//
// Recipes of whole models are run, and what they packed is unpacked and dequantized again: with
// `keep` it must be, bit for bit, what gguf-py makes of the file (data/gguf-values.json, by
// make_golden.py), or what the tool that quantized a checkpoint makes of it (weights.json).
//
//===----------------------------------------------------------------------===//

#include "compiler/Model.h"
#include "compiler/Pipeline.h"
#include "compiler/Weights/Materialize.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Matrix.h"
#include "dialects/QuantExt/Codec/Presets.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "dialects/QuantExt/Codec/Rtn.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "test/unit/Frontends/Support.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"
#include <fstream>
#include <nlohmann/json.hpp>

using namespace qcc;
using namespace qcc::test;
using llvm::StringRef;

namespace {

/// A model taken to the end of the Pack stage, and the blob its recipes make.
class PackedModel {
public:
  PackedModel() : context(registry()) { context.loadAllAvailableDialects(); }

  void open(const std::string &path, const CompilerOptions &options) {
    llvm::Expected<std::unique_ptr<Model>> opened = openModel(path, options);
    ASSERT_TRUE(bool(opened)) << failureOf(opened.takeError()).text;
    model = std::move(*opened);
    auto imported = model->import(&context, options);
    ASSERT_TRUE(bool(imported)) << failureOf(imported.takeError()).text;
    module = std::move(*imported);
    for (Phase phase : {Phase::Quantize, Phase::Pack}) {
      mlir::PassManager manager(&context);
      buildPipeline(manager, phase, options);
      ASSERT_TRUE(mlir::succeeded(manager.run(*module)));
    }
    blob.assign(weightBytes(*module), 0xEE);
    written.assign(blob.size(), false);
    auto sink = [this](uint64_t offset, llvm::ArrayRef<uint8_t> bytes) {
      EXPECT_LE(offset + bytes.size(), blob.size());
      for (size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_FALSE(written[offset + i]) << "byte " << offset + i << " is written twice";
        written[offset + i] = true;
        blob[offset + i] = bytes[i];
      }
      return llvm::Error::success();
    };
    Failure failure = failureOf(materializeWeights(*module, model->files(), path, sink, nullptr));
    ASSERT_EQ(failure.code, ExitCode::Done) << failure.text;
  }

  /// What a weight without a scheme holds, as int32; empty when there is no such weight.
  std::vector<int32_t> integers(StringRef name, size_t instance) {
    auto weight = module->lookupSymbol<nn::WeightOp>(name);
    if (!weight)
      return {};
    size_t count = llvm::cast<mlir::RankedTensorType>(weight.getSourceType()).getNumElements();
    std::vector<int32_t> result(count);
    std::memcpy(result.data(), blob.data() + *weight.getOffset() + instance * *weight.getStride(),
                count * sizeof(int32_t));
    return result;
  }

  /// visit(name of the source tensor, its values as they are packed, [N, K] for matrices).
  void forEach(llvm::function_ref<void(StringRef, const std::vector<float> &)> visit) {
    for (auto weight : module->getOps<nn::WeightOp>()) {
      if (weight.getFormat() == "column_order")
        continue;
      for (auto [i, source] : llvm::enumerate(weight.getSources().getAsRange<mlir::StringAttr>()))
        visit(source.getValue(), inLogicalOrder(weight, i));
    }
  }

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  /// Columns that a tool stored in another order, put back.
  std::vector<float> inLogicalOrder(nn::WeightOp weight, size_t instance) {
    std::vector<float> stored = values(weight, instance), result = stored;
    std::vector<int32_t> order = integers((weight.getSymName() + "_order").str(), instance);
    size_t k = order.size();
    for (size_t i = 0; k && i < stored.size(); ++i)
      result[i / k * k + order[i % k]] = stored[i];
    return result;
  }

  std::vector<float> values(nn::WeightOp weight, size_t instance) {
    std::vector<std::vector<uint8_t>> parts;
    for (auto [offset, type] :
         llvm::zip(*weight.getComponentOffsets(),
                   weight.getComponentTypesAttr().getAsValueRange<mlir::TypeAttr>())) {
      auto tensor = llvm::cast<mlir::RankedTensorType>(type);
      size_t begin = *weight.getOffset() + instance * *weight.getStride() + offset;
      size_t size = tensor.getNumElements() * (tensor.getElementTypeBitWidth() / 8);
      EXPECT_TRUE(std::all_of(written.begin() + begin, written.begin() + begin + size,
                              [](bool w) { return w; }));
      parts.emplace_back(blob.begin() + begin, blob.begin() + begin + size);
    }
    if (!weight.getScheme()) {
      std::vector<float> result(parts[0].size() / 4);
      std::memcpy(result.data(), parts[0].data(), parts[0].size());
      return result;
    }
    auto type = llvm::cast<mlir::RankedTensorType>(weight.getSourceType());
    Scheme scheme = llvm::cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
    return dequantize(
        unpack(scheme, type.getDimSize(0), type.getDimSize(1), *weight.getLanes(), parts));
  }

  mlir::MLIRContext context;
  std::unique_ptr<Model> model;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<uint8_t> blob;
  std::vector<bool> written;
};

std::string digest(const std::vector<float> &values) {
  llvm::SHA256 hash;
  hash.update({reinterpret_cast<const uint8_t *>(values.data()), values.size() * 4});
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

nlohmann::json expectedValues() {
  std::ifstream file(QCC_COMPILER_TEST_DATA "/gguf-values.json");
  return nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
}

/// The model in the shared data, or its copy in test/data.
std::string find(const std::string &name) {
  std::string path = sharedData(name);
  std::string copy = QCC_COMPILER_TEST_DATA "/../../../data/" + name;
  return !path.empty() ? path : std::ifstream(copy) ? copy : "";
}

class GgufWeights : public testing::TestWithParam<const char *> {};

TEST_P(GgufWeights, AreGgufPysValues) {
  std::string path = find("gguf/" + std::string(GetParam()) + ".gguf");
  if (path.empty())
    GTEST_SKIP() << "no shared data";
  nlohmann::json all = expectedValues();
  ASSERT_TRUE(all.contains(GetParam()));
  nlohmann::json expected = all[GetParam()];
  PackedModel model;
  ASSERT_NO_FATAL_FAILURE(model.open(path, CompilerOptions()));
  size_t seen = 0;
  model.forEach([&](StringRef name, const std::vector<float> &values) {
    ASSERT_TRUE(expected.contains(name.str())) << name.str();
    EXPECT_EQ(digest(values), expected[name.str()].get<std::string>()) << name.str();
    ++seen;
  });
  EXPECT_EQ(seen, expected.size());
}

INSTANTIATE_TEST_SUITE_P(, GgufWeights,
                         testing::Values("f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k",
                                         "q3_k_m", "q4_k_m", "q5_k_m", "q6_k", "iq4_nl", "iq4_xs"),
                         [](const auto &info) { return std::string(info.param); });

/// Checkpoints that other tools quantized.
class Checkpoints : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    path = find("checkpoints/" + std::string(GetParam()));
    if (path.empty())
      GTEST_SKIP() << "no shared data";
    expected = nlohmann::json::parse(std::ifstream(path + "/weights.json"), nullptr, false);
    ASSERT_TRUE(expected.is_object());
  }

  /// visit(values as packed, SHA-256 of the tool's own) for each layer that the tool quantized.
  void forEachLayer(const CompilerOptions &options,
                    llvm::function_ref<void(const std::vector<float> &, std::string)> visit) {
    PackedModel model;
    ASSERT_NO_FATAL_FAILURE(model.open(path, options));
    size_t seen = 0;
    model.forEach([&](StringRef module, const std::vector<float> &values) {
      std::string name = module.str() + ".weight";
      if (!expected.contains(name))
        return;
      SCOPED_TRACE(name);
      visit(values, expected[name]["sha256_f32"].get<std::string>());
      ++seen;
    });
    EXPECT_EQ(seen, 14u);
  }

  std::string path;
  nlohmann::json expected;
};

/// `keep` takes codes and scales over: the values are the tool's, bit for bit.
TEST_P(Checkpoints, AreKeptExactly) {
  bool roundsTwice = StringRef(GetParam()) == "bnb-int8"; // docs/QuantizationSemantics.md, Q8
  forEachLayer(CompilerOptions(), [&](const std::vector<float> &values, std::string sha256) {
    if (!roundsTwice)
      EXPECT_EQ(digest(values), sha256);
  });
}

/// Dequantized to f32 they are the tool's values, too.
TEST_P(Checkpoints, DequantizeExactly) {
  CompilerOptions options;
  options.bits = 32;
  forEachLayer(options, [&](const std::vector<float> &values, std::string sha256) {
    EXPECT_EQ(digest(values), sha256);
  });
}

INSTANTIATE_TEST_SUITE_P(, Checkpoints,
                         testing::Values("gptq-b3-g32-asym", "gptq-b4-g128-act", "bnb-nf4",
                                         "bnb-nf4-dq", "gptq-b4-g32-asym", "gptq-b4-g32-sym",
                                         "gptq-b8-g64-sym", "awq-b4-g32", "bnb-int8", "ct-w4a16",
                                         "ct-w8a8-dyn"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// With -bits=, packed weights are the codec's own rounding of the source.
TEST(RoundedWeights, AreTheCodecsRounding) {
  std::string path = find("families/llama");
  if (path.empty())
    GTEST_SKIP() << "no shared data";
  struct {
    int64_t bits, group;
    bool asymmetric;
  } cases[] = {{8, 32, false}, {4, 32, false}, {4, 64, true}, {3, 32, true}, {2, 0, false}};
  PackedModel source;
  CompilerOptions exact;
  exact.bits = 32;
  ASSERT_NO_FATAL_FAILURE(source.open(path, exact));
  llvm::StringMap<std::vector<float>> original;
  source.forEach([&](StringRef name, const std::vector<float> &v) { original[name] = v; });
  for (const auto &c : cases) {
    SCOPED_TRACE(c.bits);
    CompilerOptions options;
    options.bits = c.bits;
    options.group = c.group;
    options.asymmetric = c.asymmetric;
    PackedModel packed;
    ASSERT_NO_FATAL_FAILURE(packed.open(path, options));
    const std::string name = "model.layers.1.mlp.down_proj.weight";
    const int64_t n = 64, k = 160;
    packed.forEach([&](StringRef found, const std::vector<float> &values) {
      if (found != name)
        return;
      QuantizedMatrix rounded = makeMatrix(integerScheme(c.bits, c.group, c.asymmetric), n, k);
      for (int64_t r = 0; r < n; ++r)
        quantizeRow(original[name].data() + r * k, rounded.scheme, k, rowOf(rounded, r));
      EXPECT_EQ(values, dequantize(rounded));
    });
  }
}

} // namespace
