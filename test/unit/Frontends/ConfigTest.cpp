//===- ConfigTest.cpp - Configs of Hugging Face models and GGUF files
//-------===//
//
// What keys and their absence mean, and one row for each message.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "frontends/HuggingFace/Config.h"
#include "frontends/LanguageModel/GgufConfig.h"

using namespace qcc;
using namespace qcc::test;

namespace {

llvm::Expected<ModelConfig> readConfig(const std::string &text,
                                       const std::string &generation = "") {
  TempDir dir;
  dir.write("config.json", text);
  if (!generation.empty())
    dir.write("generation_config.json", generation);
  return readHfConfig(dir.path());
}

/// The config, which must be valid.
ModelConfig valid(const Members &overrides,
                  const std::string &generation = "") {
  auto config = readConfig(tinyConfig(overrides), generation);
  if (config)
    return *config;
  ADD_FAILURE() << failureOf(std::move(config)).text;
  return {};
}

TEST(HfConfig, ReadsTheTinyLlama) {
  ModelConfig config = valid({});
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.hiddenSize, 8);
  EXPECT_EQ(config.intermediateSize, 12);
  EXPECT_EQ(config.numLayers, 2);
  EXPECT_EQ(config.numHeads, 2);
  EXPECT_EQ(config.numKvHeads, 1);
  EXPECT_EQ(config.headDim, 4);
  EXPECT_EQ(config.vocabSize, 10);
  EXPECT_EQ(config.maxPositions, 64);
  EXPECT_EQ(config.rmsNormEps, 1e-5);
  EXPECT_EQ(config.rope.theta, 10000);
  EXPECT_EQ(config.rope.dims, 4);
  EXPECT_EQ(config.ropeFrequencies().size(), 2);
  EXPECT_EQ(config.ropeAttentionFactor(), 1.0f);
  EXPECT_EQ(config.slidingWindow, (std::vector<int64_t>{0, 0}));
  EXPECT_FALSE(config.qkvBias || config.outputBias || config.mlpBias ||
               config.tieEmbeddings);
  EXPECT_EQ(config.bosTokenId, 1);
  EXPECT_EQ(config.eosTokenIds, (std::vector<int64_t>{2}));
  std::string text = describe(config);
  EXPECT_NE(text.find("  heads: 2 of 4\n"), std::string::npos) << text;
}

TEST(HfConfig, MissingKeysTakeTheFamilysDefaults) {
  ModelConfig llama = valid({{"num_key_value_heads", ""},
                             {"rms_norm_eps", ""},
                             {"max_position_embeddings", ""}});
  EXPECT_EQ(llama.numKvHeads, 2);
  EXPECT_EQ(llama.rmsNormEps, 1e-6);
  EXPECT_EQ(llama.maxPositions, 2048);
  Members mistral = {{"model_type", "\"mistral\""}, {"architectures", ""}};
  EXPECT_EQ(valid(mistral).slidingWindow, (std::vector<int64_t>{4096, 4096}));
  mistral.emplace_back("sliding_window", "null");
  EXPECT_EQ(valid(mistral).slidingWindow, (std::vector<int64_t>{0, 0}));
  mistral.back().second = "16";
  EXPECT_EQ(valid(mistral).slidingWindow, (std::vector<int64_t>{16, 16}));
}

TEST(HfConfig, Qwen2) {
  Members qwen = {{"model_type", "\"qwen2\""}, {"architectures", ""}};
  EXPECT_TRUE(valid(qwen).qkvBias);
  EXPECT_FALSE(valid(qwen).outputBias);
  EXPECT_EQ(valid(qwen).slidingWindow, (std::vector<int64_t>{0, 0}));
  qwen.emplace_back("use_sliding_window", "true");
  qwen.emplace_back("sliding_window", "16");
  EXPECT_EQ(valid(qwen).slidingWindow, (std::vector<int64_t>{0, 0}));
  qwen.emplace_back("max_window_layers", "1");
  EXPECT_EQ(valid(qwen).slidingWindow, (std::vector<int64_t>{0, 16}));
  qwen.emplace_back("layer_types", R"(["sliding_attention","full_attention"])");
  EXPECT_EQ(valid(qwen).slidingWindow, (std::vector<int64_t>{16, 0}));
}

TEST(HfConfig, BiasesHeadsAndTokens) {
  ModelConfig config = valid({{"attention_bias", "true"},
                              {"mlp_bias", "true"},
                              {"head_dim", "6"},
                              {"tie_word_embeddings", "true"},
                              {"eos_token_id", "[5,3]"},
                              {"bos_token_id", "null"}},
                             R"({"eos_token_id":[3,7]})");
  EXPECT_TRUE(config.qkvBias && config.outputBias && config.mlpBias &&
              config.tieEmbeddings);
  EXPECT_EQ(config.headDim, 6);
  EXPECT_EQ(config.bosTokenId, std::nullopt);
  EXPECT_EQ(config.eosTokenIds, (std::vector<int64_t>{3, 5, 7}));
}

TEST(HfConfig, RopeOfBothDialects) {
  const char *llama3 = R"({"rope_type":"llama3","factor":8,
      "low_freq_factor":1.0,"high_freq_factor":4.0,
      "original_max_position_embeddings":32})";
  ModelConfig old = valid({{"rope_theta", "5e5"}, {"rope_scaling", llama3}});
  EXPECT_EQ(old.rope.type, RopeType::Llama3);
  EXPECT_EQ(old.rope.theta, 5e5);
  EXPECT_EQ(old.rope.originalMaxPositions, 32);
  std::string withTheta = llama3;
  withTheta.insert(1, "\"rope_theta\":9e5,");
  ModelConfig young = valid({{"rope_theta", "5e5"},
                             {"rope_scaling", "{\"type\":\"linear\"}"},
                             {"rope_parameters", withTheta}});
  EXPECT_EQ(young.rope.type, RopeType::Llama3);
  EXPECT_EQ(young.rope.theta, 9e5);
  ModelConfig yarn =
      valid({{"rope_scaling", R"({"type":"yarn","factor":4.0})"}});
  EXPECT_EQ(yarn.rope.type, RopeType::Yarn);
  EXPECT_EQ(yarn.rope.originalMaxPositions, 64);
  EXPECT_NEAR(yarn.ropeAttentionFactor(), 1.13862944f, 1e-6);
  EXPECT_EQ(
      valid({{"rope_scaling", R"({"type":"linear","factor":2})"}}).rope.type,
      RopeType::Linear);
}

TEST(HfConfig, Messages) {
  struct Case {
    Members overrides;
    ExitCode code;
    const char *message;
  };
  const ExitCode bad = ExitCode::BadModel, no = ExitCode::Unsupported;
  auto rope = [](const char *text) { return Members{{"rope_scaling", text}}; };
  const Case cases[] = {
      {{{"hidden_size", ""}}, bad, "key hidden_size: is missing"},
      {{{"hidden_size", "\"8\""}},
       bad,
       "key hidden_size: must be an integer from 1 to 2147483647"},
      {{{"hidden_size", "8.0"}}, bad, "key hidden_size: must be an integer"},
      {{{"hidden_size", "4294967304"}}, bad, "key hidden_size: must be"},
      {{{"num_attention_heads", "0"}}, bad, "key num_attention_heads: must be"},
      {{{"num_key_value_heads", "-1"}}, bad, "key num_key_value_heads: must"},
      {{{"num_key_value_heads", "3"}},
       bad,
       "key num_attention_heads: 2 is no multiple of num_key_value_heads = 3"},
      {{{"hidden_size", "9"}},
       bad,
       "key hidden_size: 9 is no multiple of num_attention_heads = 2, and "
       "head_dim is not given"},
      {{{"head_dim", "5"}}, bad, "key head_dim: a head of 5 elements cannot"},
      {{{"head_dim", "2147483646"}},
       bad,
       "key num_attention_heads: 2 heads of 2147483646 elements are too many"},
      {{{"num_hidden_layers", "2000000000"}},
       bad,
       "key num_hidden_layers: 2000000000 layers; at most 10000"},
      {{{"rms_norm_eps", "\"x\""}},
       bad,
       "key rms_norm_eps: must be a finite number"},
      {{{"rms_norm_eps", "-1"}}, bad, "epsilon of the norms"},
      {{{"tie_word_embeddings", "1"}},
       bad,
       "key tie_word_embeddings: must be true or false"},
      {{{"hidden_act", "1"}}, bad, "key hidden_act: must be a string"},
      {{{"eos_token_id", "[1,-1]"}}, bad, "key eos_token_id: must be a token"},
      {{{"bos_token_id", "10"}},
       bad,
       "key bos_token_id: 10 is outside the vocabulary of 10"},
      {{{"model_type", ""}, {"architectures", ""}},
       bad,
       "key model_type: is missing"},
      {{{"model_type", "\"mamba\""}},
       no,
       "the architecture \"mamba\" is not supported; known are llama, mistral, "
       "qwen2"},
      {{{"architectures", "[\"LlamaModel\"]"}},
       no,
       "the model class \"LlamaModel\" is not supported"},
      {{{"hidden_act", "\"gelu\""}},
       no,
       "the activation \"gelu\" (hidden_act) is not supported"},
      {{{"partial_rotary_factor", "0.5"}}, no, "a partial_rotary_factor other"},
      {{{"rope_theta", "1"}},
       bad,
       "key rope_theta: must be a finite number above 1"},
      {rope("[]"), bad, "key rope_scaling: must be an object or null"},
      {rope(R"({"type":"dynamic","factor":2})"), no,
       "the rotary embedding \"dynamic\" (rope_scaling) is not supported"},
      {rope(R"({"full_attention":{}})"), no,
       "rotary embeddings that differ between layers "
       "(rope_scaling.full_attention)"},
      {rope(R"({"type":"linear","partial_rotary_factor":0.5})"), no,
       "a partial_rotary_factor other"},
      {rope(R"({"type":3})"), bad, "key rope_scaling.type: must be a string"},
      {rope(R"({"type":"linear"})"), bad,
       "key rope_scaling.factor: is missing"},
      {rope(R"({"type":"linear","factor":"2"})"), bad,
       "key rope_scaling.factor: must be a finite number"},
      {rope(R"({"type":"linear","factor":0})"), bad,
       "key rope_scaling.factor: must be a finite number above 0"},
      {rope(R"({"rope_type":"llama3","factor":8,"low_freq_factor":1,
                "high_freq_factor":4})"),
       bad, "key rope_scaling.original_max_position_embeddings: is missing"},
      {rope(R"({"rope_type":"llama3","factor":8,"low_freq_factor":4,
                "high_freq_factor":4,"original_max_position_embeddings":8})"),
       bad, "high_freq_factor must be above low_freq_factor"},
      {rope(R"({"rope_type":"yarn","factor":8,"beta_fast":1})"), bad,
       "beta_fast must be above beta_slow"},
      {rope(R"({"rope_type":"yarn","factor":8,"attention_factor":-1})"), bad,
       "the attention factor must be a finite number above 0"},
  };
  for (const Case &c : cases)
    expectFailure(failureOf(readConfig(tinyConfig(c.overrides))), c.code,
                  c.message);
  Members qwen = {{"model_type", "\"qwen2\""},
                  {"architectures", ""},
                  {"use_sliding_window", "true"}};
  auto withKey = [&](const char *key, const char *value) {
    Members all = qwen;
    all.emplace_back(key, value);
    return failureOf(readConfig(tinyConfig(all)));
  };
  expectFailure(withKey("max_window_layers", "-1"), bad,
                "key max_window_layers: must be an integer of 0 or more");
  expectFailure(withKey("layer_types", "[]"), bad,
                "key layer_types: must be a list with one entry a layer");
  expectFailure(withKey("layer_types", "[1,2]"), bad,
                "key layer_types: entries must be full_attention or");
}

TEST(HfConfig, MessagesOfFiles) {
  TempDir dir;
  expectFailure(failureOf(readHfConfig(dir.path())), ExitCode::BadModel,
                "has no config.json; is this a Hugging Face model?");
  dir.write("config.json", "[]");
  expectFailure(failureOf(readHfConfig(dir.path())), ExitCode::BadModel,
                "is not a JSON object");
  dir.write("config.json", tinyConfig());
  dir.write("generation_config.json", R"({"eos_token_id":"x"})");
  expectFailure(failureOf(readHfConfig(dir.path())), ExitCode::BadModel,
                "generation_config.json: key eos_token_id: must be a token id");
}

llvm::Expected<ModelConfig> readGgufModel(const std::vector<GgufKey> &keys,
                                          const Members &tensors = {}) {
  auto gguf = readGguf(inMemory(tinyGguf(keys, tensors)));
  if (!gguf)
    return gguf.takeError();
  return readGgufConfig(*gguf);
}

GgufBuilder u32(uint32_t v) { return GgufBuilder().u32(4).u32(v); }
GgufBuilder f32(float v) { return GgufBuilder().u32(6).f32(v); }
GgufBuilder text(llvm::StringRef v) { return GgufBuilder().u32(8).text(v); }
GgufBuilder none() { return GgufBuilder(); }

TEST(GgufConfig, EqualsTheHuggingFaceConfig) {
  auto config = readGgufModel({});
  ASSERT_TRUE(bool(config)) << failureOf(std::move(config)).text;
  ModelConfig hf = valid({});
  // The epsilon is stored in 32 bits.
  EXPECT_FLOAT_EQ(config->rmsNormEps, hf.rmsNormEps);
  EXPECT_EQ(describe(*config), describe(hf));
  EXPECT_EQ(config->slidingWindow, hf.slidingWindow);
}

TEST(GgufConfig, WhatTensorsAndOldKeysSay) {
  auto config =
      readGgufModel({{"llama.rope.scale_linear", f32(2)},
                     {"llama.vocab_size", none()},
                     {"llama.attention.sliding_window", u32(16)},
                     {"llama.attention.head_count_kv",
                      GgufBuilder().u32(9).u32(5).u64(2).u32(2).u32(2)},
                     {"tokenizer.ggml.eot_token_id", u32(9)}},
                    {{"output.weight", "-"}, {"blk.0.attn_q.bias", "8"}});
  ASSERT_TRUE(bool(config)) << failureOf(std::move(config)).text;
  EXPECT_TRUE(config->tieEmbeddings);
  EXPECT_TRUE(config->qkvBias);
  EXPECT_EQ(config->numKvHeads, 2);
  EXPECT_EQ(config->vocabSize, 10);
  EXPECT_EQ(config->rope.type, RopeType::Linear);
  EXPECT_EQ(config->rope.factor, 2);
  EXPECT_EQ(config->slidingWindow, (std::vector<int64_t>{16, 16}));
  EXPECT_EQ(config->eosTokenIds, (std::vector<int64_t>{2, 9}));
}

TEST(GgufConfig, Yarn) {
  auto config =
      readGgufModel({{"llama.rope.scaling.type", text("yarn")},
                     {"llama.rope.scaling.factor", f32(4)},
                     {"llama.rope.scaling.attn_factor", f32(0.5)},
                     {"llama.rope.scaling.original_context_length", u32(16)}});
  ASSERT_TRUE(bool(config)) << failureOf(std::move(config)).text;
  EXPECT_EQ(config->rope.originalMaxPositions, 16);
  EXPECT_NEAR(config->ropeAttentionFactor(), 1.13862944f / 2, 1e-6);
}

TEST(GgufConfig, Messages) {
  struct Case {
    GgufKey key;
    ExitCode code;
    const char *message;
  };
  const ExitCode bad = ExitCode::BadModel, no = ExitCode::Unsupported;
  const Case cases[] = {
      {{"general.type", text("adapter")}, no, "a file of type \"adapter\""},
      {{"general.architecture", none()},
       bad,
       "key general.architecture: is missing or not a string"},
      {{"general.architecture", u32(1)}, bad, "is missing or not a string"},
      {{"general.architecture", text("rwkv")},
       no,
       "the architecture \"rwkv\" is not supported; known are llama, mistral"},
      {{"llama.expert_count", u32(8)}, no, "llama.expert_count"},
      {{"llama.logit_scale", f32(2)}, no, "llama.logit_scale"},
      {{"llama.embedding_length", none()},
       bad,
       "key llama.embedding_length: is missing"},
      {{"llama.block_count", u32(0)},
       bad,
       "key llama.block_count: must be an integer from 1 to"},
      {{"llama.block_count", u32(20000)}, bad, "20000 layers; at most 10000"},
      {{"llama.attention.head_count_kv",
        GgufBuilder().u32(9).u32(5).u64(2).u32(2).u32(1)},
       bad,
       "the same for all layers"},
      {{"llama.attention.head_count", text("2")}, bad, "must be an integer"},
      {{"llama.attention.layer_norm_rms_epsilon", none()},
       bad,
       "key llama.attention.layer_norm_rms_epsilon: is missing"},
      {{"llama.rope.freq_base", u32(10000)},
       bad,
       "key llama.rope.freq_base: must be a finite float"},
      {{"llama.rope.freq_base", f32(0)},
       bad,
       "key llama.rope.freq_base: must be a finite number above 1"},
      {{"llama.rope.scaling.type", u32(1)},
       bad,
       "key llama.rope.scaling.type: must be a string"},
      {{"llama.rope.scaling.type", text("longrope")},
       no,
       "the rotary embedding \"longrope\" (llama.rope.scaling.type) is not"},
      {{"llama.rope.dimension_count", u32(2)},
       no,
       "rotating a part of each head (llama.rope.dimension_count)"},
      {{"llama.attention.value_length", u32(8)},
       no,
       "values of another length than keys (llama.attention.value_length)"},
      {{"tokenizer.ggml.eos_token_id", f32(2)},
       bad,
       "key tokenizer.ggml.eos_token_id: must be a token id"},
      {{"tokenizer.ggml.bos_token_id", u32(10)},
       bad,
       "10 is outside the vocabulary of 10"},
  };
  for (const Case &c : cases)
    expectFailure(failureOf(readGgufModel({c.key})), c.code, c.message);
  expectFailure(failureOf(readGgufModel({{"llama.vocab_size", none()}},
                                        {{"token_embd.weight", "-"}})),
                bad, "key llama.vocab_size: there is neither this key");
  expectFailure(failureOf(readGgufModel({}, {{"rope_freqs.weight", "3"}})), bad,
                "tensor rope_freqs.weight: must be F32 of shape [2], is F32 of "
                "shape [3]");
  expectFailure(failureOf(readGgufModel({}, {{"rope_freqs.weight", "2"}})), bad,
                "must hold finite numbers above 0");
}

} // namespace
