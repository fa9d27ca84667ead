//===- LoraTest.cpp - Adapters of PEFT --------------------------------------===//
//
// A real adapter, and configs and tensors that are wrong in one way each.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/LoraAdapter.h"
#include "test/unit/Frontends/Support.h"

#include <cmath>

using namespace qcc;
using namespace qcc::test;

namespace {

constexpr const char *kConfig = R"({"peft_type":"LORA","r":2,"lora_alpha":3})";

/// One entry of a safetensors header: F32, from byte `begin` on.
std::string entry(const std::string &name, int64_t rows, int64_t columns, int64_t begin) {
  return "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[" + std::to_string(rows) + "," +
         std::to_string(columns) + "],\"data_offsets\":[" + std::to_string(begin) + "," +
         std::to_string(begin + rows * columns * 4) + "]}";
}

/// Factors [2, 8] and [4, 2] of module "m", by the names given.
Bytes factors(const std::string &a = "base_model.model.m.lora_A.weight",
              const std::string &b = "base_model.model.m.lora_B.weight") {
  return safetensors("{" + entry(a, 2, 8, 0) + "," + entry(b, 4, 2, 64) + "}", 96);
}

Failure openWith(const std::string &config, const Bytes &tensors) {
  TempDir dir;
  dir.write("adapter_config.json", config);
  dir.write("adapter_model.safetensors", tensors);
  return failureOf(LoraAdapter::open(dir.path()));
}

TEST(LoraTest, ReadsFactorsAndScale) {
  TempDir dir;
  dir.write("adapter_model.safetensors", factors());
  struct {
    const char *config;
    float scale;
  } cases[] = {{kConfig, 1.5f},
               {R"({"peft_type":"LORA","r":2,"lora_alpha":3,"use_rslora":true,"bias":"none",
                   "modules_to_save":null,"rank_pattern":{},"fan_in_fan_out":true})",
                3 / std::sqrt(2.0f)}};
  for (const auto &c : cases) {
    dir.write("adapter_config.json", c.config);
    auto adapter = LoraAdapter::open(dir.path());
    ASSERT_TRUE(bool(adapter)) << failureOf(adapter.takeError()).text;
    LoraAdapter moved = std::move(*adapter);
    EXPECT_FLOAT_EQ(moved.scale, c.scale);
    const LoraFactors *found = moved.find("m");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->a->shape, (std::vector<int64_t>{2, 8}));
    EXPECT_EQ(found->b->shape, (std::vector<int64_t>{4, 2}));
    EXPECT_EQ(moved.find("n"), nullptr);
  }
}

TEST(LoraTest, ReadsARealOne) {
  std::string path = sharedData("lora-llama");
  if (path.empty())
    GTEST_SKIP() << "no shared data";
  auto adapter = LoraAdapter::open(path);
  ASSERT_TRUE(bool(adapter)) << failureOf(adapter.takeError()).text;
  EXPECT_EQ(adapter->rank, 4);
  EXPECT_EQ(adapter->scale, 2.0f);
  EXPECT_TRUE(adapter->find("model.layers.0.self_attn.q_proj"));
}

TEST(LoraTest, MalformedAndUnsupported) {
  auto config = [](const std::string &more) {
    return R"({"peft_type":"LORA","r":2,"lora_alpha":3,)" + more + "}";
  };
  struct {
    std::string config;
    Bytes tensors;
    ExitCode code;
    const char *message;
  } cases[] = {
      {"[]", factors(), ExitCode::BadModel, "is not a JSON object"},
      {"{}", factors(), ExitCode::BadModel, "key peft_type"},
      {R"({"peft_type":"LORA","r":-1,"lora_alpha":3})", factors(), ExitCode::BadModel, "key r"},
      {R"({"peft_type":"LORA","r":1e99,"lora_alpha":3})", factors(), ExitCode::BadModel, "key r"},
      {R"({"peft_type":"LORA","r":2,"lora_alpha":1e300})", factors(), ExitCode::BadModel,
       "key lora_alpha"},
      {R"({"peft_type":"LORA","r":3,"lora_alpha":3})", factors(), ExitCode::BadModel,
       "does not fit the rank 3"},
      {config(R"("use_rslora":"yes")"), factors(), ExitCode::BadModel, "key use_rslora"},
      {config(R"("use_dora":true)"), factors(), ExitCode::Unsupported, "use_dora"},
      {config(R"("bias":"all")"), factors(), ExitCode::Unsupported, "bias other than none"},
      {config(R"("init_lora_weights":"pissa_niter_4")"), factors(), ExitCode::Unsupported,
       "init_lora_weights"},
      {kConfig, {}, ExitCode::BadModel, "adapter_model.safetensors"},
      {kConfig, toBytes("{}"), ExitCode::BadModel, "adapter_model.safetensors"},
      {kConfig, safetensors("{}", 0), ExitCode::BadModel, "has no factors"},
      {kConfig, factors("base_model.model.n.lora_A.weight"), ExitCode::BadModel, "has lora_"},
      {kConfig, factors("m.lora_A.weight"), ExitCode::Unsupported, "m.lora_A.weight"},
      {kConfig, factors("base_model.model.m.lora_magnitude_vector"), ExitCode::Unsupported,
       "lora_magnitude_vector"},
  };
  for (const auto &c : cases)
    expectFailure(openWith(c.config, c.tensors), c.code, c.message);
  TempDir empty;
  expectFailure(failureOf(LoraAdapter::open(empty.path())), ExitCode::BadModel,
                "has no adapter_config.json");
  empty.write("adapter_config.json", kConfig);
  expectFailure(failureOf(LoraAdapter::open(empty.path())), ExitCode::BadModel,
                "has no adapter_model.safetensors");
  empty.write("adapter_model.bin", "x");
  expectFailure(failureOf(LoraAdapter::open(empty.path())), ExitCode::BadModel,
                "save it as safetensors");
}

} // namespace
