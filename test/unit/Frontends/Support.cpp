//===- Support.cpp - Helpers of the readers' tests
//--------------------------===//
//
// Writers of small model files.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace llvm;

namespace qcc::test {

TempDir::TempDir() {
  SmallString<128> name;
  if (std::error_code ec = sys::fs::createUniqueDirectory("qcc-test", name))
    ADD_FAILURE() << ec.message();
  directory = std::string(name);
}

TempDir::~TempDir() { sys::fs::remove_directories(directory); }

std::string TempDir::path(StringRef name) const {
  SmallString<128> full(directory);
  if (!name.empty())
    sys::path::append(full, name);
  return std::string(full);
}

std::string TempDir::write(StringRef name, StringRef text) const {
  std::string full = path(name);
  std::error_code ec =
      sys::fs::create_directories(sys::path::parent_path(full));
  if (!ec)
    raw_fd_ostream(full, ec) << text;
  EXPECT_FALSE(ec) << ec.message();
  return full;
}

std::string TempDir::write(StringRef name, const Bytes &bytes) const {
  return write(name, toStringRef(bytes));
}

Failure failureOf(Error error) {
  Failure failure;
  handleAllErrors(
      std::move(error),
      [&](const ModelError &e) {
        failure.code = e.code();
        failure.text = e.message();
      },
      [&](const ErrorInfoBase &e) {
        failure.code = ExitCode::Internal;
        failure.text = e.message();
      });
  return failure;
}

void expectFailure(const Failure &failure, ExitCode code, StringRef part) {
  EXPECT_EQ(failure.code, code) << failure.text;
  EXPECT_NE(failure.text.find(part.str()), std::string::npos)
      << "expected: " << part.str() << "\nis: " << failure.text;
}

std::string sharedData(StringRef name) {
  SmallString<128> path(
      sys::Process::GetEnv("QCC_SHARED").value_or(QCC_DEFAULT_SHARED));
  sys::path::append(path, "data", name);
  return sys::fs::exists(path) ? std::string(path) : "";
}

Bytes readBytes(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file) {
    ADD_FAILURE() << toString(file.takeError());
    return {};
  }
  return (*file)->bytes().vec();
}

std::shared_ptr<const MappedFile> inMemory(Bytes bytes) {
  return MappedFile::fromMemory("memory", std::move(bytes));
}

Bytes toBytes(StringRef text) { return Bytes(text.begin(), text.end()); }

Bytes safetensors(StringRef header, size_t dataSize) {
  Bytes bytes;
  for (int i = 0; i < 8; ++i)
    bytes.push_back(uint8_t(uint64_t(header.size()) >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + dataSize);
  return bytes;
}

GgufBuilder::GgufBuilder(uint32_t version, uint64_t tensors,
                         uint64_t keyValues) {
  bytes = toBytes("GGUF");
  u32(version).u64(tensors).u64(keyValues);
}

GgufBuilder &GgufBuilder::raw(uint64_t v, unsigned size) {
  for (unsigned i = 0; i < size; ++i)
    bytes.push_back(uint8_t(v >> (8 * i)));
  return *this;
}

GgufBuilder &GgufBuilder::f32(float v) { return u32(bit_cast<uint32_t>(v)); }

GgufBuilder &GgufBuilder::text(StringRef s) {
  u64(s.size());
  bytes.insert(bytes.end(), s.begin(), s.end());
  return *this;
}

GgufBuilder &GgufBuilder::tensor(StringRef name, std::vector<uint64_t> dims,
                                 uint32_t type, uint64_t offset) {
  text(name).u32(uint32_t(dims.size()));
  for (uint64_t dim : dims)
    u64(dim);
  return u32(type).u64(offset);
}

GgufBuilder &GgufBuilder::pad(uint64_t alignment) {
  bytes.resize(alignTo(bytes.size(), alignment));
  return *this;
}

GgufBuilder &GgufBuilder::zeros(size_t count) {
  bytes.resize(bytes.size() + count);
  return *this;
}

/// Applies overrides to a list that keeps its order.
static Members merged(Members members, const Members &overrides) {
  for (const auto &[name, value] : overrides) {
    auto it = llvm::find_if(
        members, [&, &key = name](const auto &m) { return m.first == key; });
    if (it == members.end())
      members.emplace_back(name, value);
    else
      it->second = value;
  }
  return members;
}

std::string tinyConfig(const Members &overrides) {
  Members members = merged({{"architectures", "[\"LlamaForCausalLM\"]"},
                            {"model_type", "\"llama\""},
                            {"hidden_size", "8"},
                            {"intermediate_size", "12"},
                            {"num_hidden_layers", "2"},
                            {"num_attention_heads", "2"},
                            {"num_key_value_heads", "1"},
                            {"vocab_size", "10"},
                            {"max_position_embeddings", "64"},
                            {"rms_norm_eps", "1e-5"},
                            {"bos_token_id", "1"},
                            {"eos_token_id", "2"}},
                           overrides);
  std::string text = "{";
  for (const auto &[name, value] : members)
    if (!value.empty())
      text += (text.size() > 1 ? ",\"" : "\"") + name + "\":" + value;
  return text + "}";
}

static std::vector<uint64_t> parseShape(StringRef text) {
  std::vector<uint64_t> shape;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts)
    shape.push_back(std::strtoull(part.str().c_str(), nullptr, 10));
  return shape;
}

Bytes tinyWeights(const Members &overrides, StringRef dtype) {
  Members tensors = {{"model.embed_tokens.weight", "10,8"},
                     {"model.norm.weight", "8"},
                     {"lm_head.weight", "10,8"}};
  for (std::string layer : {"model.layers.0.", "model.layers.1."})
    for (auto [name, shape] : Members{{"input_layernorm.weight", "8"},
                                      {"post_attention_layernorm.weight", "8"},
                                      {"self_attn.q_proj.weight", "8,8"},
                                      {"self_attn.k_proj.weight", "4,8"},
                                      {"self_attn.v_proj.weight", "4,8"},
                                      {"self_attn.o_proj.weight", "8,8"},
                                      {"mlp.gate_proj.weight", "12,8"},
                                      {"mlp.up_proj.weight", "12,8"},
                                      {"mlp.down_proj.weight", "8,12"}})
      tensors.emplace_back(layer + name, shape);
  std::string header = "{";
  uint64_t offset = 0;
  for (const auto &[name, shape] : merged(tensors, overrides)) {
    if (shape == "-")
      continue;
    uint64_t size = dtype == "F32" ? 4 : dtype == "I8" ? 1 : 2;
    for (uint64_t dim : parseShape(shape))
      size *= dim;
    header += (header.size() > 1 ? ",\"" : "\"") + name + "\":{\"dtype\":\"" +
              dtype.str() + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(offset) + "," + std::to_string(offset + size) +
              "]}";
    offset += size;
  }
  return safetensors(header + "}", offset);
}

Bytes tinyGguf(const std::vector<GgufKey> &overrides, const Members &shapes,
               uint32_t type) {
  std::map<std::string, Bytes> keys;
  auto put = [&](const std::string &name, const GgufBuilder &value) {
    // Without the file header that every builder begins with.
    keys[name] = Bytes(value.bytes.begin() + 24, value.bytes.end());
  };
  auto u32 = [](uint32_t v) { return GgufBuilder().u32(4).u32(v); };
  put("general.architecture", GgufBuilder().u32(8).text("llama"));
  put("llama.embedding_length", u32(8));
  put("llama.feed_forward_length", u32(12));
  put("llama.block_count", u32(2));
  put("llama.attention.head_count", u32(2));
  put("llama.attention.head_count_kv", u32(1));
  put("llama.context_length", u32(64));
  put("llama.vocab_size", u32(10));
  put("llama.attention.layer_norm_rms_epsilon", GgufBuilder().u32(6).f32(1e-5));
  put("tokenizer.ggml.bos_token_id", u32(1));
  put("tokenizer.ggml.eos_token_id", u32(2));
  for (const GgufKey &key : overrides)
    put(key.name, key.value);
  for (auto it = keys.begin(); it != keys.end();)
    it = it->second.empty() ? keys.erase(it) : std::next(it);

  Members tensors = {{"token_embd.weight", "8,10"},
                     {"output_norm.weight", "8"},
                     {"output.weight", "8,10"}};
  for (std::string layer : {"blk.0.", "blk.1."})
    for (auto [name, shape] : Members{{"attn_norm.weight", "8"},
                                      {"ffn_norm.weight", "8"},
                                      {"attn_q.weight", "8,8"},
                                      {"attn_k.weight", "8,4"},
                                      {"attn_v.weight", "8,4"},
                                      {"attn_output.weight", "8,8"},
                                      {"ffn_gate.weight", "8,12"},
                                      {"ffn_up.weight", "8,12"},
                                      {"ffn_down.weight", "12,8"}})
      tensors.emplace_back(layer + name, shape);
  tensors = merged(tensors, shapes);
  llvm::erase_if(tensors, [](const auto &t) { return t.second == "-"; });

  GgufBuilder file(3, tensors.size(), keys.size());
  for (const auto &[name, value] : keys) {
    file.text(name);
    file.bytes.insert(file.bytes.end(), value.begin(), value.end());
  }
  uint64_t offset = 0;
  for (const auto &[name, shape] : tensors) {
    std::vector<uint64_t> dims = parseShape(shape);
    uint64_t size = type == 0 ? 4 : type == 24 ? 1 : 2;
    for (uint64_t dim : dims)
      size *= dim;
    file.tensor(name, dims, type, offset);
    offset += alignTo(size, 32);
  }
  return file.pad().zeros(offset).bytes;
}

} // namespace qcc::test
