//===- LanguageModelTest.cpp - Opening models by path and by name
//-----------===//
//
// Tiny models made here, the shared test models, and the ways to name a model.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "frontends/LanguageModel/LanguageModel.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstdlib>

using namespace qcc;
using namespace qcc::test;

namespace {

/// Writes a tiny model directory and opens it.
llvm::Expected<LanguageModelSource> openTiny(const Members &config,
                                             const Members &tensors,
                                             llvm::StringRef dtype = "F32") {
  TempDir dir;
  dir.write("config.json", tinyConfig(config));
  dir.write("model.safetensors", tinyWeights(tensors, dtype));
  return openLanguageModel(dir.path());
}

llvm::Expected<LanguageModelSource>
openTinyGguf(const std::vector<GgufKey> &keys, const Members &shapes,
             uint32_t type = 0) {
  TempDir dir;
  return openLanguageModel(dir.write("m.gguf", tinyGguf(keys, shapes, type)));
}

TEST(RowOrderTest, InvertsTheInterleavingOfGguf) {
  // GGUF rows hold the half-split rows 0 4 1 5 2 6 3 7.
  RowOrder order{RowOrder::Kind::InterleavedToHalfSplit, 8};
  const int64_t stored[] = {0, 4, 1, 5, 2, 6, 3, 7};
  for (int64_t row = 0; row < 8; ++row) {
    EXPECT_EQ(order.sourceRow(stored[row]), row);
    EXPECT_EQ(order.sourceRow(16 + stored[row]), 16 + row);
    EXPECT_EQ(RowOrder().sourceRow(row), row);
  }
}

TEST(LanguageModel, OpensHuggingFaceDirectories) {
  auto model = openTiny({}, {});
  ASSERT_TRUE(bool(model)) << failureOf(std::move(model)).text;
  LanguageModelSource moved = std::move(*model);
  EXPECT_EQ(moved.tensor(Role::TokenEmbedding)->name,
            "model.embed_tokens.weight");
  EXPECT_EQ(moved.tensor(Role::Output)->name, "lm_head.weight");
  EXPECT_EQ(moved.tensor(Role::Down, 1)->name,
            "model.layers.1.mlp.down_proj.weight");
  EXPECT_EQ(moved.tensor(Role::QBias, 0), nullptr);
  EXPECT_EQ(moved.rowOrder(Role::Q), RowOrder());
  EXPECT_NE(describe(moved).find("Hugging Face model\n"), std::string::npos);
}

TEST(LanguageModel, OpensGgufFiles) {
  auto model = openTinyGguf({}, {});
  ASSERT_TRUE(bool(model)) << failureOf(std::move(model)).text;
  EXPECT_EQ(model->tensor(Role::TokenEmbedding)->name, "token_embd.weight");
  EXPECT_EQ(model->tensor(Role::Down, 1)->name, "blk.1.ffn_down.weight");
  EXPECT_EQ(model->tensor(Role::Down, 1)->shape, (std::vector<int64_t>{8, 12}));
  RowOrder rotated{RowOrder::Kind::InterleavedToHalfSplit, 4};
  EXPECT_EQ(model->rowOrder(Role::Q), rotated);
  EXPECT_EQ(model->rowOrder(Role::KBias), rotated);
  EXPECT_EQ(model->rowOrder(Role::V), RowOrder());
  EXPECT_NE(model->gguf->find("llama.block_count"), nullptr);
  EXPECT_NE(describe(*model).find("  llama.block_count: 2\n"),
            std::string::npos);
}

TEST(LanguageModel, TiedEmbeddings) {
  auto hf = openTiny({{"tie_word_embeddings", "true"}}, {});
  ASSERT_TRUE(bool(hf)) << failureOf(std::move(hf)).text;
  EXPECT_EQ(hf->tensor(Role::Output), hf->tensor(Role::TokenEmbedding));
  auto gguf = openTinyGguf({}, {{"output.weight", "-"}});
  ASSERT_TRUE(bool(gguf)) << failureOf(std::move(gguf)).text;
  EXPECT_EQ(gguf->tensor(Role::Output), gguf->tensor(Role::TokenEmbedding));
}

TEST(LanguageModel, Biases) {
  Members biases = {{"model.layers.0.self_attn.q_proj.bias", "8"},
                    {"model.layers.0.self_attn.k_proj.bias", "4"},
                    {"model.layers.0.self_attn.v_proj.bias", "4"},
                    {"model.layers.1.self_attn.q_proj.bias", "8"},
                    {"model.layers.1.self_attn.k_proj.bias", "4"},
                    {"model.layers.1.self_attn.v_proj.bias", "4"}};
  Members qwen = {{"model_type", "\"qwen2\""}, {"architectures", ""}};
  auto model = openTiny(qwen, biases);
  ASSERT_TRUE(bool(model)) << failureOf(std::move(model)).text;
  EXPECT_EQ(model->tensor(Role::KBias, 1)->shape, std::vector<int64_t>{4});
  EXPECT_EQ(model->tensor(Role::OBias, 1), nullptr);
  expectFailure(failureOf(openTiny(qwen, {})), ExitCode::BadModel,
                "model.layers.0.self_attn.q_proj.bias");
}

TEST(LanguageModel, Messages) {
  expectFailure(
      failureOf(openTiny({}, {{"model.norm.weight", "-"},
                              {"model.layers.1.mlp.up_proj.weight", "-"}})),
      ExitCode::BadModel,
      "tensors are missing\n  model.norm.weight\n"
      "  model.layers.1.mlp.up_proj.weight");
  expectFailure(failureOf(openTiny({}, {{"model.norm.weight", "9"},
                                        {"lm_head.weight", "8,10"}})),
                ExitCode::BadModel,
                "tensors have other shapes than the config says\n"
                "  model.norm.weight: is [9], expected [8]\n"
                "  lm_head.weight: is [8, 10], expected [10, 8]");
  expectFailure(failureOf(openTiny({}, {{"model.layers.0.x.lora_A", "2"}})),
                ExitCode::Unsupported,
                "has tensors that are no part of the architecture llama\n"
                "  model.layers.0.x.lora_A");
  Failure types = failureOf(openTiny({}, {}, "I8"));
  expectFailure(types, ExitCode::Unsupported,
                "tensors have types that are not supported here\n"
                "  model.embed_tokens.weight: I8\n");
  // All of them.
  expectFailure(types, ExitCode::Unsupported,
                "model.layers.1.mlp.down_proj.weight: I8");
  expectFailure(failureOf(openTinyGguf({}, {}, 24)), ExitCode::Unsupported,
                "token_embd.weight: I8");
  // More layers than there are tensors for: not a list of thousands.
  Failure layers = failureOf(openTiny({{"num_hidden_layers", "10000"}}, {}));
  expectFailure(layers, ExitCode::BadModel, "tensors are missing");
  EXPECT_LT(layers.text.size(), 20000);
}

TEST(LanguageModel, IgnoresLeftovers) {
  auto model =
      openTiny({}, {{"model.layers.0.self_attn.rotary_emb.inv_freq", "2"}});
  EXPECT_TRUE(bool(model)) << failureOf(std::move(model)).text;
}

TEST(LanguageModel, WhatIsNoModel) {
  TempDir dir;
  expectFailure(failureOf(openLanguageModel(dir.path("none"))),
                ExitCode::BadModel, "there is no such file or directory");
  expectFailure(failureOf(openLanguageModel(dir.path())), ExitCode::BadModel,
                "has no config.json");
  expectFailure(failureOf(openLanguageModel(dir.write("a.txt", "hello"))),
                ExitCode::BadModel, "is no GGUF file");
  expectFailure(
      failureOf(openLanguageModel(dir.write("a.safetensors", "hello"))),
      ExitCode::WrongUse, "holds weights only; name the directory");
}

TEST(LanguageModel, FindsModelsInTheHubCache) {
  TempDir home;
  setenv("HF_HOME", home.path().c_str(), 1);
  unsetenv("HF_HUB_CACHE");
  expectFailure(failureOf(openLanguageModel("org/name")), ExitCode::BadModel,
                "is neither a file or directory nor a model in the local hub");
  std::string model = "hub/models--org--name/";
  home.write(model + "refs/main", "abc123\n");
  expectFailure(failureOf(openLanguageModel("org/name")), ExitCode::BadModel,
                "the hub cache has no snapshot abc123 of it");
  home.write(model + "refs/main", "../../x");
  expectFailure(failureOf(openLanguageModel("org/name")), ExitCode::BadModel,
                "does not hold a revision");
  home.write(model + "refs/main", "abc123");
  home.write(model + "snapshots/abc123/config.json", tinyConfig());
  // As the hub stores it: a link to a blob.
  std::string blob = home.write(model + "blobs/1", tinyWeights());
  ASSERT_FALSE(llvm::sys::fs::create_link(
      blob, home.path(model + "snapshots/abc123/model.safetensors")));
  auto opened = openLanguageModel("org/name");
  EXPECT_TRUE(bool(opened)) << failureOf(std::move(opened)).text;
  setenv("HF_HUB_CACHE", home.path("hub").c_str(), 1);
  setenv("HF_HOME", "/nonexistent", 1);
  opened = openLanguageModel("org/name");
  EXPECT_TRUE(bool(opened)) << failureOf(std::move(opened)).text;
  unsetenv("HF_HUB_CACHE");
  unsetenv("HF_HOME");
}

TEST(LanguageModel, SharedModels) {
  if (sharedData("families").empty())
    GTEST_SKIP() << "the shared data is not there";
  struct Case {
    const char *path;
    ExitCode code;
    const char *message;
  };
  const ExitCode done = ExitCode::Done, no = ExitCode::Unsupported;
  const Case cases[] = {
      {"families/llama", done, ""},
      {"families/llama3-rope", done, ""},
      {"families/llama-yarn", done, ""},
      {"families/mistral-sliding", done, ""},
      {"families/qwen2", done, ""},
      {"families/gpt2", no, "the architecture \"gpt2\" is not supported"},
      {"families/mixtral", no, "the architecture \"mixtral\""},
      {"checkpoints/base", done, ""},
      {"checkpoints/gptq-b4-g32-sym", done, ""},
      {"checkpoints/awq-b4-g32", done, ""},
      {"checkpoints/bnb-int8", done, ""},
      {"checkpoints/ct-w4a16", done, ""},
      {"stories260k", done, ""},
      {"gguf/f16.gguf", done, ""},
      {"gguf/iq4_nl.gguf", done, ""},
      {"gguf/iq4_xs.gguf", done, ""},
      {"gguf/q2_k.gguf", done, ""},
      {"gguf/q3_k_m.gguf", done, ""},
      {"gguf/q4_0.gguf", done, ""},
      {"gguf/q4_1.gguf", done, ""},
      {"gguf/q4_k_m.gguf", done, ""},
      {"gguf/q5_0.gguf", done, ""},
      {"gguf/q5_1.gguf", done, ""},
      {"gguf/q5_k_m.gguf", done, ""},
      {"gguf/q6_k.gguf", done, ""},
      {"gguf/q8_0.gguf", done, ""},
  };
  for (const Case &c : cases)
    expectFailure(failureOf(openLanguageModel(sharedData(c.path))), c.code,
                  c.message);
}

} // namespace
