//===- LanguageModel.cpp - A language model, whatever file it came from ---===//
//
// The table of roles: what each tensor is called in either format, and the
// checks that every role of a config is played by one tensor of the right shape
// and type.
//
//===----------------------------------------------------------------------===//
#include "frontends/LanguageModel/LanguageModel.h"

#include "frontends/Checkpoint/PackedLinear.h"
#include "frontends/Common/Error.h"
#include "frontends/LanguageModel/Architecture.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {
namespace {

/// Names of a role; names of layers are behind "model.layers.N." or "blk.N.".
struct RoleNames {
  Role role;
  const char *name;
  const char *hf; ///< null: there is none
  const char *gguf;
};

// In the order of the enum.
constexpr RoleNames kRoleNames[] = {
    {Role::TokenEmbedding, "token_embedding", "model.embed_tokens.weight", "token_embd.weight"},
    {Role::OutputNorm, "output_norm", "model.norm.weight", "output_norm.weight"},
    {Role::Output, "output", "lm_head.weight", "output.weight"},
    {Role::RopeFreqs, "rope_freqs", nullptr, "rope_freqs.weight"},
    {Role::AttnNorm, "attn_norm", "input_layernorm.weight", "attn_norm.weight"},
    {Role::Q, "q", "self_attn.q_proj.weight", "attn_q.weight"},
    {Role::K, "k", "self_attn.k_proj.weight", "attn_k.weight"},
    {Role::V, "v", "self_attn.v_proj.weight", "attn_v.weight"},
    {Role::O, "o", "self_attn.o_proj.weight", "attn_output.weight"},
    {Role::QBias, "q_bias", "self_attn.q_proj.bias", "attn_q.bias"},
    {Role::KBias, "k_bias", "self_attn.k_proj.bias", "attn_k.bias"},
    {Role::VBias, "v_bias", "self_attn.v_proj.bias", "attn_v.bias"},
    {Role::OBias, "o_bias", "self_attn.o_proj.bias", "attn_output.bias"},
    {Role::FfnNorm, "ffn_norm", "post_attention_layernorm.weight", "ffn_norm.weight"},
    {Role::Gate, "gate", "mlp.gate_proj.weight", "ffn_gate.weight"},
    {Role::Up, "up", "mlp.up_proj.weight", "ffn_up.weight"},
    {Role::Down, "down", "mlp.down_proj.weight", "ffn_down.weight"},
    {Role::GateBias, "gate_bias", "mlp.gate_proj.bias", "ffn_gate.bias"},
    {Role::UpBias, "up_bias", "mlp.up_proj.bias", "ffn_up.bias"},
    {Role::DownBias, "down_bias", "mlp.down_proj.bias", "ffn_down.bias"},
};
static_assert(std::size(kRoleNames) == kNumRoles);

bool isPresent(Role role, const ModelConfig &config) {
  switch (role) {
  case Role::Output:
    return !config.tieEmbeddings;
  case Role::RopeFreqs:
    return !config.rope.divisors.empty();
  case Role::QBias:
  case Role::KBias:
  case Role::VBias:
    return config.qkvBias;
  case Role::OBias:
    return config.outputBias;
  case Role::GateBias:
  case Role::UpBias:
  case Role::DownBias:
    return config.mlpBias;
  default:
    return true;
  }
}

/// Matrices that are multiplied, which other tools quantize.
bool isLinear(Role role) {
  switch (role) {
  case Role::Output:
  case Role::Q:
  case Role::K:
  case Role::V:
  case Role::O:
  case Role::Gate:
  case Role::Up:
  case Role::Down:
    return true;
  default:
    return false;
  }
}

/// Whether qcc can read this type in this place: blocks only where there are
/// rows.
bool isReadable(const SourceTensor &tensor) {
  if (isFloat(tensor.dtype))
    return tensor.dtype != DType::F64;
  return isBlock(tensor.dtype) && tensor.dtype <= DType::IQ4_XS && tensor.shape.size() == 2;
}

/// Tensors that some writers leave in the file and that no reader uses.
bool isIgnored(StringRef name, const ModelConfig &config) {
  return name.ends_with(".rotary_emb.inv_freq") ||
         (config.tieEmbeddings && name == "lm_head.weight");
}

std::string tensorName(const RoleNames &row, bool gguf, int64_t layer) {
  const char *name = gguf ? row.gguf : row.hf;
  if (!isPerLayer(row.role))
    return name;
  return (gguf ? "blk." : "model.layers.") + std::to_string(layer) + "." + name;
}

/// What is wrong with a model's tensors, all of it.
struct Problems {
  std::vector<std::string> missing, shapes, types;

  Error report(StringRef path) {
    if (!missing.empty())
      return badModel(path, "", "tensors are missing", std::move(missing));
    if (!shapes.empty())
      return badModel(path, "", "tensors have other shapes than the config says",
                      std::move(shapes));
    if (!types.empty())
      return unsupported(path, "tensors have types that are not supported here", std::move(types));
    return Error::success();
  }
};

void checkTensor(const SourceTensor &tensor, Role role, const ModelConfig &config,
                 Problems &problems) {
  std::vector<int64_t> shape = expectedShape(role, config);
  if (tensor.shape != shape)
    problems.shapes.push_back(tensor.name + ": is " + shapeString(tensor.shape) + ", expected " +
                              shapeString(shape));
  if (!isReadable(tensor))
    problems.types.push_back(tensor.name + ": " + info(tensor.dtype).name);
}

} // namespace

std::string moduleName(Role role, int64_t layer) {
  if (!isLinear(role))
    return "";
  StringRef name = kRoleNames[size_t(role)].hf;
  name.consume_back(".weight");
  return (isPerLayer(role) ? "model.layers." + std::to_string(layer) + "." : "") + name.str();
}

const char *roleName(Role role) { return kRoleNames[size_t(role)].name; }

std::vector<int64_t> expectedShape(Role role, const ModelConfig &config) {
  int64_t hidden = config.hiddenSize, inner = config.intermediateSize;
  int64_t q = config.numHeads * config.headDim;
  int64_t kv = config.numKvHeads * config.headDim;
  switch (role) {
  case Role::TokenEmbedding:
  case Role::Output:
    return {config.vocabSize, hidden};
  case Role::OutputNorm:
  case Role::AttnNorm:
  case Role::FfnNorm:
  case Role::OBias:
  case Role::DownBias:
    return {hidden};
  case Role::RopeFreqs:
    return {config.rope.dims / 2};
  case Role::Q:
    return {q, hidden};
  case Role::K:
  case Role::V:
    return {kv, hidden};
  case Role::O:
    return {hidden, q};
  case Role::QBias:
    return {q};
  case Role::KBias:
  case Role::VBias:
    return {kv};
  case Role::Gate:
  case Role::Up:
    return {inner, hidden};
  case Role::Down:
    return {hidden, inner};
  case Role::GateBias:
  case Role::UpBias:
    return {inner};
  }
  llvm_unreachable("all roles are listed");
}

int64_t RowOrder::sourceRow(int64_t row) const {
  if (kind == Kind::Natural)
    return row;
  int64_t head = row / headDim, inHead = row % headDim;
  int64_t half = headDim / 2;
  return head * headDim + 2 * (inHead % half) + inHead / half;
}

const LanguageModelSource::Player &LanguageModelSource::player(Role role, int64_t layer) const {
  if (role == Role::Output && config.tieEmbeddings)
    role = Role::TokenEmbedding;
  if (!isPerLayer(role))
    layer = 0;
  assert(layer >= 0 && layer < config.numLayers && !byRole.empty());
  return byRole[layer * kNumRoles + size_t(role)];
}

const SourceTensor *LanguageModelSource::tensor(Role role, int64_t layer) const {
  return player(role, layer).tensor;
}

const PackedWeight *LanguageModelSource::packed(Role role, int64_t layer) const {
  return player(role, layer).packed.get();
}

const LoraFactors *LanguageModelSource::lora(Role role, int64_t layer) const {
  return adapter ? adapter->find(moduleName(role, layer)) : nullptr;
}

Error LanguageModelSource::attach(LoraAdapter given) {
  StringSet<> known;
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (const RoleNames &row : kRoleNames) {
      std::string module = moduleName(row.role, layer);
      const LoraFactors *factors = module.empty() ? nullptr : given.find(module);
      if (!factors || !known.insert(module).second)
        continue;
      if (row.role == Role::Output && config.tieEmbeddings)
        return unsupported(given.path, "changes lm_head, which is the token embedding of this "
                                       "model, too");
      std::vector<int64_t> shape = expectedShape(row.role, config);
      if (factors->a->shape[1] != shape[1] || factors->b->shape[0] != shape[0])
        return badModel(given.path, module,
                        "has factors " + shapeString(factors->a->shape) + " and " +
                            shapeString(factors->b->shape) + ", which do not fit the layer's " +
                            shapeString(shape));
    }
  std::vector<std::string> strange;
  for (const auto &entry : given.modules)
    if (!known.contains(entry.getKey()))
      strange.push_back(entry.getKey().str());
  llvm::sort(strange);
  if (!strange.empty())
    return unsupported(given.path, "changes what are no linear layers of " + path,
                       std::move(strange));
  adapter = std::move(given);
  return Error::success();
}

bool LanguageModelSource::adaptsQuantized() const {
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    for (const RoleNames &row : kRoleNames)
      if (lora(row.role, layer) &&
          (packed(row.role, layer) || isBlock(tensor(row.role, layer)->dtype)))
        return true;
  return false;
}

RowOrder LanguageModelSource::rowOrder(Role role) const {
  bool rotated = role == Role::Q || role == Role::K || role == Role::QBias || role == Role::KBias;
  if (!gguf || !rotated || !findGgufArchitecture(config.architecture)->ggufPermutesQK)
    return {};
  return {RowOrder::Kind::InterleavedToHalfSplit, config.headDim};
}

/// Finds what plays each role.
class LanguageModelSource::Binder {
public:
  explicit Binder(LanguageModelSource &model) : model(model), config(model.config) {}

  Error run() {
    model.byRole.clear();
    model.byRole.resize(config.numLayers * kNumRoles);
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      for (const RoleNames &row : kRoleNames)
        if ((isPerLayer(row.role) || layer == 0) && isPresent(row.role, config))
          if (Error error = bind(row, layer))
            return error;
      // A count of layers far above the truth shows in the first one.
      if (problems.missing.size() > 100)
        break;
    }
    if (Error error = problems.report(model.path))
      return error;
    return refuseStrangers();
  }

private:
  Error bind(const RoleNames &row, int64_t layer) {
    LanguageModelSource::Player &player = model.byRole[layer * kNumRoles + size_t(row.role)];
    std::string name = tensorName(row, model.gguf != nullptr, layer);
    StringRef module = name;
    if (model.quantization && isLinear(row.role) && module.consume_back(".weight") &&
        PackedLinear::isPresent(*model.quantization, model.tensors, module))
      return bindPacked(row.role, module, player);
    player.tensor = model.tensors.find(name);
    if (!player.tensor) {
      problems.missing.push_back(std::move(name));
      return Error::success();
    }
    checkTensor(*player.tensor, row.role, config, problems);
    used.insert(player.tensor);
    return Error::success();
  }

  Error bindPacked(Role role, StringRef module, LanguageModelSource::Player &player) {
    Expected<std::unique_ptr<PackedLinear>> linear =
        PackedLinear::open(*model.quantization, model.tensors, module);
    if (!linear)
      return linear.takeError();
    std::vector<int64_t> shape{(*linear)->n(), (*linear)->k()};
    std::vector<int64_t> expected = expectedShape(role, config);
    if (shape != expected)
      problems.shapes.push_back(module.str() + ": is " + shapeString(shape) + ", expected " +
                                shapeString(expected));
    player.packed = std::make_unique<const PackedWeight>(
        PackedWeight{module.str(), (*linear)->scheme(), (*linear)->columnOrder()});
    packedModules.insert(module);
    // Only scales were looked at, and by now nothing is needed of them for a while.
    (*linear)->dropPages();
    return Error::success();
  }

  /// Whether a tensor is a part of a packed layer, or a bias of zeros that some tools give to each.
  bool isPartOfPacked(const SourceTensor &tensor) const {
    StringRef name = tensor.name;
    for (size_t dot = name.find('.'); dot != StringRef::npos; dot = name.find('.', dot + 1))
      if (packedModules.contains(name.take_front(dot))) {
        StringRef part = name.drop_front(dot + 1);
        return PackedLinear::isPart(*model.quantization, part) ||
               (part == "bias" && all_of(tensor.bytes, [](uint8_t byte) { return byte == 0; }));
      }
    return false;
  }

  Error refuseStrangers() {
    std::vector<std::string> strange;
    for (const SourceTensor &tensor : model.tensors)
      if (!used.contains(&tensor) && !isIgnored(tensor.name, config) && !isPartOfPacked(tensor))
        strange.push_back(tensor.name);
    if (strange.empty())
      return Error::success();
    return unsupported(model.path,
                       "has tensors that are no part of the architecture " + config.architecture,
                       std::move(strange));
  }

  LanguageModelSource &model;
  const ModelConfig &config;
  Problems problems;
  SmallPtrSet<const SourceTensor *, 32> used;
  StringSet<> packedModules;
};

Error LanguageModelSource::bind() { return Binder(*this).run(); }

std::string describe(const LanguageModelSource &model) {
  std::string text;
  raw_string_ostream os(text);
  os << (model.gguf ? "GGUF model\n" : "Hugging Face model\n") << describe(model.config);
  if (model.gguf)
    os << describeMetadata(*model.gguf);
  if (model.quantization)
    os << describe(*model.quantization);
  os << model.tensors.size() << " tensors\n" << describe(model.tensors);
  return text;
}

} // namespace qcc
