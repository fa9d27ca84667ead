//===- LanguageModel.h - A language model, whatever file it came from -----===//
//
// Where Hugging Face directories and GGUF files meet: a config, and for each
// role of each layer the tensor, or the packed linear layer of a quantized
// checkpoint, that plays it. Presence, shape and type of every weight were
// checked when the model was opened; an importer asks by role and never sees a
// name.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_LANGUAGEMODEL_LANGUAGEMODEL_H
#define QCC_FRONTENDS_LANGUAGEMODEL_LANGUAGEMODEL_H

#include "dialects/QuantExt/Codec/Scheme.h"
#include "frontends/Checkpoint/LoraAdapter.h"
#include "frontends/Checkpoint/QuantizationConfig.h"
#include "frontends/Common/TensorStorage.h"
#include "frontends/GGUF/GGUF.h"
#include "frontends/LanguageModel/ModelConfig.h"

namespace qcc {

/// What a tensor is for. H hidden, I intermediate, V vocabulary, D head size.
enum class Role : uint8_t {
  TokenEmbedding, ///< [V, H]
  OutputNorm,     ///< [H]
  Output,         ///< [V, H]; the token embedding when the two are tied
  RopeFreqs,      ///< [rope dims / 2], optional; already in config.rope.divisors
  AttnNorm,       ///< [H], and from here on one for each layer
  Q,              ///< [heads * D, H]
  K,              ///< [kvHeads * D, H]
  V,              ///< [kvHeads * D, H]
  O,              ///< [H, heads * D]
  QBias,          ///< [heads * D], as the other biases only if the config says so
  KBias,
  VBias,
  OBias,
  FfnNorm,  ///< [H]
  Gate,     ///< [I, H]
  Up,       ///< [I, H]
  Down,     ///< [H, I]
  GateBias, ///< [I]
  UpBias,
  DownBias,
};
inline constexpr unsigned kNumRoles = unsigned(Role::DownBias) + 1;

/// "q", "attn_norm", ...
const char *roleName(Role);
/// Whether there is one for each layer.
constexpr bool isPerLayer(Role role) { return role >= Role::AttnNorm; }

/// The order of a tensor's rows, as a recipe for whoever reads it. Rows mean
/// the first dimension: rows of a weight, elements of a bias.
struct RowOrder {
  enum class Kind : uint8_t {
    Natural,
    /// Each head's rows are stored as pairs for an interleaved rotary
    /// embedding; the half-split order that the IR uses takes row p * headDim/2
    /// + i of a head from stored row 2i + p.
    InterleavedToHalfSplit,
  };
  Kind kind = Kind::Natural;
  int64_t headDim = 0;

  /// The stored row that is row `row` in half-split order.
  int64_t sourceRow(int64_t row) const;
  bool operator==(const RowOrder &o) const { return kind == o.kind && headDim == o.headDim; }
};

/// A linear layer that another tool quantized, as it is stored; PackedLinear::open reads it.
struct PackedWeight {
  std::string module; ///< "model.layers.0.self_attn.q_proj"
  Scheme scheme;
  /// PackedLinear::columnOrder(): column columnOrder[p] of W is stored at p. Empty: as they are.
  std::vector<int32_t> columnOrder;
};

/// An opened model. Movable; pointers to tensors stay valid.
class LanguageModelSource {
public:
  ModelConfig config;
  TensorTable tensors; ///< all tensors of the file, also those without a role
  std::string path;    ///< the resolved directory or file
  /// The file, for its metadata and tokenizer (its tensors moved to `tensors`);
  /// null for a directory, whose tokenizer lies in `path`.
  std::shared_ptr<const GgufFile> gguf;
  /// How another tool quantized the checkpoint, if one did.
  std::optional<QuantizationConfig> quantization;
  /// A low-rank adapter; attach puts it here.
  std::optional<LoraAdapter> adapter;

  LanguageModelSource() = default;
  LanguageModelSource(LanguageModelSource &&) = default;
  LanguageModelSource &operator=(LanguageModelSource &&) = default;

  /// The tensor for a role; `layer` counts from 0 and is ignored by roles that
  /// exist once. Null only for roles the config rules out (biases, RopeFreqs) and for packed ones.
  const SourceTensor *tensor(Role role, int64_t layer = 0) const;

  /// The same for the matrices of a quantized checkpoint; null where they are plain tensors.
  const PackedWeight *packed(Role role, int64_t layer = 0) const;

  /// The adapter's change of a matrix; null where it makes none.
  const LoraFactors *lora(Role role, int64_t layer = 0) const;

  /// Takes an adapter whose every factor fits one of the model's linear layers; else BadModel or
  /// Unsupported.
  llvm::Error attach(LoraAdapter);

  /// Whether a matrix that the adapter changes is quantized in the file.
  bool adaptsQuantized() const;

  /// How the rows of that tensor are to be read.
  RowOrder rowOrder(Role role) const;

  /// Fills the table of roles: finds every tensor, checks shapes and types.
  /// Called by the readers once config and tensors are there.
  llvm::Error bind();

private:
  /// What plays a role: one of the two, or neither.
  struct Player {
    const SourceTensor *tensor = nullptr;
    std::unique_ptr<const PackedWeight> packed;
  };
  class Binder;
  const Player &player(Role role, int64_t layer) const;

  std::vector<Player> byRole; ///< [layer * kNumRoles + role]
};

/// A linear layer's name in Hugging Face's models, "model.layers.0.self_attn.q_proj"; empty for
/// other roles.
std::string moduleName(Role role, int64_t layer);

/// The shape that `config` asks of a role.
std::vector<int64_t> expectedShape(Role, const ModelConfig &);

/// Opens a Hugging Face directory, a .gguf file, or `org/name` from the local
/// hub cache
/// ($HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub). Errors: WrongUse
/// (no such model), BadModel, Unsupported (architecture, weight types,
/// quantized checkpoints).
llvm::Expected<LanguageModelSource> openLanguageModel(llvm::StringRef path);

/// Config and tensors as text, for `qcc inspect`.
std::string describe(const LanguageModelSource &);

} // namespace qcc

#endif // QCC_FRONTENDS_LANGUAGEMODEL_LANGUAGEMODEL_H
