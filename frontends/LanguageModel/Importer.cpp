//===- Importer.cpp - A decoder model as tensor-level IR ----------------------===//

#include "frontends/LanguageModel/Importer.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace mlir;

namespace qcc {
namespace {

/// The roles that one layer has, in the order they are used.
constexpr Role kLayerRoles[] = {
    Role::AttnNorm, Role::Q,      Role::QBias, Role::K,        Role::KBias, Role::V,
    Role::VBias,    Role::O,      Role::OBias, Role::FfnNorm,  Role::Gate,  Role::GateBias,
    Role::Up,       Role::UpBias, Role::Down,  Role::DownBias,
};

/// Layers that differ in nothing but their numbers are of one kind.
struct LayerKinds {
  SmallVector<int64_t> kindOf;              ///< of each layer
  SmallVector<int64_t> instanceOf;          ///< of each layer, among those of its kind
  SmallVector<SmallVector<int64_t>> layers; ///< of each kind
};

/// Numbers for schemes, apart from those of element types.
class SchemeNumbers {
public:
  int number(const Scheme &scheme) {
    size_t place = llvm::find(schemes, scheme) - schemes.begin();
    if (place == schemes.size())
      schemes.push_back(scheme);
    return 1000 + static_cast<int>(place);
  }

private:
  std::vector<Scheme> schemes;
};

LayerKinds findKinds(const LanguageModelSource &source) {
  LayerKinds kinds;
  SchemeNumbers schemes;
  std::vector<std::vector<int>> signatures;
  for (int64_t layer = 0; layer < source.config.numLayers; ++layer) {
    std::vector<int> signature;
    for (Role role : kLayerRoles) {
      const SourceTensor *tensor = source.tensor(role, layer);
      const PackedWeight *packed = source.packed(role, layer);
      signature.push_back(tensor   ? static_cast<int>(tensor->dtype)
                          : packed ? schemes.number(packed->scheme)
                                   : -1);
      const LoraFactors *lora = source.lora(role, layer);
      signature.push_back(lora ? static_cast<int>(lora->a->dtype) : -1);
      signature.push_back(lora ? static_cast<int>(lora->b->dtype) : -1);
    }
    size_t kind = llvm::find(signatures, signature) - signatures.begin();
    if (kind == signatures.size()) {
      signatures.push_back(signature);
      kinds.layers.emplace_back();
    }
    kinds.kindOf.push_back(kind);
    kinds.instanceOf.push_back(kinds.layers[kind].size());
    kinds.layers[kind].push_back(layer);
  }
  return kinds;
}

class Importer {
public:
  Importer(MLIRContext *context, const LanguageModelSource &source,
           const LanguageModelImportOptions &options)
      : source(source), config(source.config), options(options),
        b(NameLoc::get(StringAttr::get(context, source.path)), context), kinds(findKinds(source)) {}

  OwningOpRef<ModuleOp> run() {
    module = ModuleOp::create(b.getLoc());
    b.setInsertionPointToEnd(module->getBody());
    importWeights();
    importForward("prefill", ShapedType::kDynamic);
    importForward("decode", 1);
    importHead();
    return std::move(module);
  }

private:
  //===--- weights ---------------------------------------------------------===//

  std::string symbol(Role role, int64_t kind) const {
    if (!isPerLayer(role))
      return roleName(role);
    std::string prefix = kinds.layers.size() == 1 ? "layer" : ("layer" + Twine(kind)).str();
    return prefix + "." + roleName(role);
  }

  void importWeight(Role role, int64_t kind, ArrayRef<int64_t> layers) {
    if (source.packed(role, layers.front()))
      return importPacked(role, kind, layers);
    const SourceTensor *first = source.tensor(role, layers.front());
    if (!first)
      return;
    SmallVector<Attribute> names;
    for (int64_t layer : layers)
      names.push_back(b.getStringAttr(source.tensor(role, layer)->name));
    RowOrder order = source.rowOrder(role);
    bool interleaved = order.kind == RowOrder::Kind::InterleavedToHalfSplit;
    auto weight = nn::WeightOp::create(b, symbol(role, kind), weightType(*first), names,
                                       StringRef(info(first->dtype).name).lower(),
                                       interleaved ? "interleaved" : "natural");
    if (interleaved)
      weight.setHeadDim(order.headDim);
    if (role == Role::TokenEmbedding || role == Role::Output)
      weight.setRole(role == Role::Output ? "output" : "embedding");
    importAdapter(weight, role, kind, layers);
  }

  /// The adapter's change of a matrix: a note on the weight, or factors as weights of their own.
  void importAdapter(nn::WeightOp weight, Role role, int64_t kind, ArrayRef<int64_t> layers) {
    const LoraFactors *first = source.lora(role, layers.front());
    if (!first)
      return;
    SmallVector<Attribute> modules, down, up;
    for (int64_t layer : layers) {
      modules.push_back(b.getStringAttr(moduleName(role, layer)));
      down.push_back(b.getStringAttr(source.lora(role, layer)->a->name));
      up.push_back(b.getStringAttr(source.lora(role, layer)->b->name));
    }
    if (options.mergeAdapter) {
      weight.setMergedAttr(b.getArrayAttr(modules));
      return;
    }
    auto factor = [&](StringRef suffix, const SourceTensor &tensor, ArrayRef<Attribute> names) {
      auto op = nn::WeightOp::create(b, symbol(role, kind) + suffix.str(), weightType(tensor),
                                     names, StringRef(info(tensor.dtype).name).lower());
      op.setRole("adapter");
    };
    factor("_lora_a", *first->a, down);
    factor("_lora_b", *first->b, up);
  }

  /// A matrix that another tool quantized, in the order of columns that it is stored in.
  void importPacked(Role role, int64_t kind, ArrayRef<int64_t> layers) {
    SmallVector<Attribute> modules;
    for (int64_t layer : layers)
      modules.push_back(b.getStringAttr(source.packed(role, layer)->module));
    auto weight = nn::WeightOp::create(b, symbol(role, kind), f32(expectedShape(role, config)),
                                       modules, methodName(source.quantization->method));
    weight.setSourceSchemeAttr(
        quant_ext::SchemeAttr::get(b.getContext(), source.packed(role, layers.front())->scheme));
    if (role == Role::Output)
      weight.setRole("output");
    importAdapter(weight, role, kind, layers);
    importOrder(role, kind, layers);
  }

  /// The order of a packed matrix' columns, if any layer of the kind has one of its own. Matrices
  /// that agree in it share one symbol, and so the activations put in that order.
  void importOrder(Role role, int64_t kind, ArrayRef<int64_t> layers) {
    auto orderOf = [&](Role r, int64_t layer) -> const std::vector<int32_t> & {
      return source.packed(r, layer)->columnOrder;
    };
    if (llvm::all_of(layers, [&](int64_t layer) { return orderOf(role, layer).empty(); }))
      return;
    for (auto &[other, name] : orders)
      if (other.second == kind && llvm::all_of(layers, [&, r = other.first](int64_t layer) {
            return orderOf(r, layer) == orderOf(role, layer);
          })) {
        orders[{role, kind}] = std::string(name);
        return;
      }
    SmallVector<Attribute> modules;
    for (int64_t layer : layers)
      modules.push_back(b.getStringAttr(source.packed(role, layer)->module));
    std::string name = symbol(role, kind) + "_order";
    auto type = RankedTensorType::get(expectedShape(role, config)[1], b.getI32Type());
    nn::WeightOp::create(b, name, type, modules, "column_order");
    orders[{role, kind}] = name;
  }

  /// Matrices keep the file's element type when it is a float; blocks and vectors are f32 to the
  /// IR.
  RankedTensorType weightType(const SourceTensor &tensor) {
    Type element = b.getF32Type();
    if (tensor.shape.size() == 2 && tensor.dtype == DType::F16)
      element = b.getF16Type();
    if (tensor.shape.size() == 2 && tensor.dtype == DType::BF16)
      element = b.getBF16Type();
    return RankedTensorType::get(tensor.shape, element);
  }

  void importWeights() {
    importWeight(Role::TokenEmbedding, 0, {0});
    for (auto [kind, layers] : llvm::enumerate(kinds.layers))
      for (Role role : kLayerRoles)
        importWeight(role, kind, layers);
    importWeight(Role::OutputNorm, 0, {0});
    if (!config.tieEmbeddings)
      importWeight(Role::Output, 0, {0});
  }

  Value load(Role role, int64_t kind = 0, Value instance = {}) {
    return load(symbol(role, kind), instance);
  }

  Value load(StringRef name, Value instance) {
    auto weight = module->lookupSymbol<nn::WeightOp>(name);
    if (!weight)
      return {};
    return nn::LoadWeightOp::create(b, TypeRange{weight.getSourceType()}, weight.getSymNameAttr(),
                                    instance)
        .getResult(0);
  }

  //===--- tensor helpers -----------------------------------------------------===//

  RankedTensorType f32(ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, b.getF32Type());
  }

  /// result[t, n] = body(operands at [t, n]); vectors are broadcast over rows. With `into`, its
  /// element is the last operand and the result takes its place.
  Value elementwise(ValueRange operands, function_ref<Value(ArrayRef<Value>)> body,
                    Value into = {}) {
    auto type = cast<RankedTensorType>(operands.front().getType());
    SmallVector<Value> dynamic;
    if (type.isDynamicDim(0))
      dynamic.push_back(tensor::DimOp::create(b, operands.front(), 0));
    Value init = into ? into : Value(tensor::EmptyOp::create(b, type, dynamic));
    SmallVector<AffineMap> maps;
    for (Value operand : operands)
      maps.push_back(cast<RankedTensorType>(operand.getType()).getRank() == 2
                         ? b.getMultiDimIdentityMap(2)
                         : AffineMap::get(2, 0, b.getAffineDimExpr(1)));
    maps.push_back(b.getMultiDimIdentityMap(2));
    SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
    auto generic =
        linalg::GenericOp::create(b, TypeRange{type}, operands, ValueRange{init}, maps, iterators,
                                  [&](OpBuilder &builder, Location loc, ValueRange args) {
                                    OpBuilder::InsertionGuard guard(b);
                                    b.setInsertionPointToEnd(builder.getInsertionBlock());
                                    SmallVector<Value> inputs(into ? args : args.drop_back());
                                    linalg::YieldOp::create(b, body(inputs));
                                  });
    return generic.getResult(0);
  }

  /// x + y in the place of x: the residual stream is one buffer through all layers.
  Value accumulate(Value x, Value y) {
    return elementwise(
        y, [&](ArrayRef<Value> v) -> Value { return arith::AddFOp::create(b, v[1], v[0]); }, x);
  }

  /// silu(gate) * up = gate / (1 + exp(-gate)) * up.
  Value gated(Value gate, Value up) {
    return elementwise({gate, up}, [&](ArrayRef<Value> v) -> Value {
      Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1));
      Value e = math::ExpOp::create(b, arith::NegFOp::create(b, v[0]));
      Value silu = arith::DivFOp::create(b, v[0], arith::AddFOp::create(b, one, e));
      return arith::MulFOp::create(b, silu, v[1]);
    });
  }

  Value norm(Value x, Value weight) {
    return nn::RMSNormOp::create(b, x, weight, b.getF32FloatAttr(config.rmsNormEps));
  }

  static std::optional<Role> biasOf(Role role) {
    switch (role) {
    case Role::Q:
      return Role::QBias;
    case Role::K:
      return Role::KBias;
    case Role::V:
      return Role::VBias;
    case Role::O:
      return Role::OBias;
    case Role::Gate:
      return Role::GateBias;
    case Role::Up:
      return Role::UpBias;
    case Role::Down:
      return Role::DownBias;
    default:
      return std::nullopt;
    }
  }

  /// (x A^T) B^T, or null where no adapter stands beside the matrix.
  Value adapterPath(Value x, Role role, int64_t kind, Value instance) {
    Value down = load(symbol(role, kind) + "_lora_a", instance);
    if (!down)
      return {};
    return product(product(x, down), load(symbol(role, kind) + "_lora_b", instance));
  }

  /// x W^T.
  Value product(Value x, Value weight) {
    int64_t tokens = cast<RankedTensorType>(x.getType()).getDimSize(0);
    int64_t n = cast<RankedTensorType>(weight.getType()).getDimSize(0);
    return nn::LinearOp::create(b, f32({tokens, n}), x, weight);
  }

  /// The linear layer that `role` is the matrix of, with its bias if it has one.
  Value linear(Value x, Role role, int64_t kind = 0, Value instance = {}) {
    Value weight = load(role, kind, instance), bias;
    if (std::optional<Role> biasRole = biasOf(role))
      bias = load(*biasRole, kind, instance);
    Value change = adapterPath(x, role, kind, instance);
    auto order = orders.find({role, kind});
    if (order != orders.end())
      x = nn::GatherColumnsOp::create(b, x.getType(), x, load(order->second, instance));
    Value y = product(x, weight);
    if (change)
      y = elementwise({y, change}, [&](ArrayRef<Value> v) -> Value {
        Value scale = arith::ConstantOp::create(b, b.getF32FloatAttr(source.adapter->scale));
        return arith::AddFOp::create(b, v[0], arith::MulFOp::create(b, scale, v[1]));
      });
    return bias ? elementwise({y, bias},
                              [&](ArrayRef<Value> v) -> Value {
                                return arith::AddFOp::create(b, v[0], v[1]);
                              })
                : y;
  }

  /// values[index] of a constant table.
  Value lookup(ArrayRef<int64_t> values, Value index) {
    if (llvm::all_equal(values))
      return arith::ConstantIndexOp::create(b, values.front());
    auto type = RankedTensorType::get(values.size(), b.getIndexType());
    Value table = arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
    return tensor::ExtractOp::create(b, table, index);
  }

  //===--- entry points ---------------------------------------------------------===//

  struct Forward {
    Value position, cos, sin;
  };

  /// One layer of a kind: x, keys, values, scales of int8 caches -> the same.
  SmallVector<Value> importLayer(const Forward &f, int64_t kind, Value layer, Value instance,
                                 ArrayRef<Value> state) {
    Value x = state[0], keys = state[1], values = state[2];
    Value scales = options.int8Cache ? state[3] : Value();
    auto project = [&](Value from, Role role) { return linear(from, role, kind, instance); };
    Value h = norm(x, load(Role::AttnNorm, kind, instance));
    Value q = project(h, Role::Q), k = project(h, Role::K), v = project(h, Role::V);
    q = nn::RopeOp::create(b, q, f.cos, f.sin, config.headDim);
    k = nn::RopeOp::create(b, k, f.cos, f.sin, config.headDim);
    auto append = nn::KVAppendOp::create(b, keys.getType(), values.getType(),
                                         scales ? scales.getType() : Type(), k, v, keys, values,
                                         layer, f.position, scales);
    Value window;
    if (llvm::any_of(config.slidingWindow, [](int64_t w) { return w != 0; }))
      window = lookup(config.slidingWindow, layer);
    float scale = 1.0f / std::sqrt(static_cast<float>(config.headDim));
    Value attention = nn::AttentionOp::create(b, q, append.getKeyResult(), append.getValueResult(),
                                              layer, f.position, window, append.getScalesResult(),
                                              config.numHeads, llvm::APFloat(scale));
    x = accumulate(x, project(attention, Role::O));
    h = norm(x, load(Role::FfnNorm, kind, instance));
    Value gate = project(h, Role::Gate), up = project(h, Role::Up);
    x = accumulate(x, project(gated(gate, up), Role::Down));
    SmallVector<Value> results{x};
    llvm::append_range(results, append.getResults());
    return results;
  }

  /// Dispatches to the layer's kind; a plain call of importLayer when there is only one.
  SmallVector<Value> importAnyLayer(const Forward &f, Value layer, ArrayRef<Value> state) {
    if (kinds.layers.size() == 1)
      return importLayer(f, 0, layer, layer, state);
    Value kind = lookup(kinds.kindOf, layer), instance = lookup(kinds.instanceOf, layer);
    SmallVector<int64_t> cases;
    for (size_t i = 1; i < kinds.layers.size(); ++i)
      cases.push_back(i);
    auto choice =
        scf::IndexSwitchOp::create(b, TypeRange(ValueRange(state)), kind, cases, cases.size());
    for (size_t i = 0; i < kinds.layers.size(); ++i) {
      Region &region = i == 0 ? choice.getDefaultRegion() : choice.getCaseRegions()[i - 1];
      OpBuilder::InsertionGuard guard(b);
      b.createBlock(&region);
      scf::YieldOp::create(b, importLayer(f, i, layer, instance, state));
    }
    return llvm::to_vector_of<Value>(choice.getResults());
  }

  /// The same for all layers.
  SmallVector<Value> allLayers(const Forward &f, ArrayRef<Value> init) {
    Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
    Value count = arith::ConstantIndexOp::create(b, config.numLayers);
    auto loop = scf::ForOp::create(
        b, zero, count, one, init,
        [&](OpBuilder &builder, Location loc, Value layer, ValueRange state) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToEnd(builder.getInsertionBlock());
          scf::YieldOp::create(b, importAnyLayer(f, layer, SmallVector<Value>(state)));
        });
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  Value logits(Value hidden) {
    return linear(norm(hidden, load(Role::OutputNorm)),
                  config.tieEmbeddings ? Role::TokenEmbedding : Role::Output);
  }

  DictionaryAttr argAttrs(StringRef name, Attribute value, StringRef dims = {},
                          bool state = false) {
    SmallVector<NamedAttribute> attrs{b.getNamedAttr(name, value)};
    if (!dims.empty())
      attrs.push_back(b.getNamedAttr("nn.dims", b.getStrArrayAttr({dims})));
    if (state)
      attrs.push_back(b.getNamedAttr("bufferization.writable", b.getBoolAttr(true)));
    return b.getDictionaryAttr(attrs);
  }

  func::FuncOp function(StringRef name, TypeRange inputs, TypeRange results,
                        ArrayRef<DictionaryAttr> inputAttrs, ArrayRef<DictionaryAttr> resultAttrs) {
    auto f = func::FuncOp::create(b, name, b.getFunctionType(inputs, results));
    f->setAttr("nn.entry", b.getUnitAttr());
    for (auto [i, attrs] : llvm::enumerate(inputAttrs))
      f.setArgAttrs(i, attrs);
    for (auto [i, attrs] : llvm::enumerate(resultAttrs))
      f.setResultAttrs(i, attrs);
    f.addEntryBlock();
    return f;
  }

  /// The types of the parts of the state.
  SmallVector<Type> stateTypes() {
    int64_t l = config.numLayers, h = config.numKvHeads, d = config.headDim, c = options.context;
    Type cell = options.int8Cache    ? Type(b.getI8Type())
                : options.floatCache ? Type(b.getF32Type())
                                     : b.getF16Type();
    SmallVector<Type> types{RankedTensorType::get({l, h, c / 16, d, 16}, cell),
                            RankedTensorType::get({l, h, c, d}, cell)};
    if (options.int8Cache)
      types.push_back(f32({l, h, 2, c}));
    return types;
  }

  /// prefill (T dynamic): hidden states of T tokens. decode (T = 1): logits of the next token.
  void importForward(StringRef name, int64_t tokens) {
    OpBuilder::InsertionGuard guard(b);
    bool decode = tokens == 1;
    StringRef rows = decode ? "" : "T";
    SmallVector<Type> inputs{RankedTensorType::get(tokens, b.getI32Type()), b.getIndexType()};
    SmallVector<Type> results{f32({tokens, decode ? config.vocabSize : config.hiddenSize})};
    SmallVector<DictionaryAttr> attrs{argAttrs("nn.input", b.getStringAttr("tokens"), rows),
                                      argAttrs("nn.dim", b.getStringAttr("position"))};
    for (auto [type, offset] : llvm::zip(stateTypes(), stateLayout(config, options))) {
      inputs.push_back(type);
      results.push_back(type);
      attrs.push_back(argAttrs("nn.state", b.getI64IntegerAttr(offset), {}, true));
    }
    auto f = function(name, inputs, results, attrs,
                      {argAttrs("nn.output", b.getStringAttr(decode ? "logits" : "hidden"), rows)});
    b.setInsertionPointToStart(&f.getBody().front());
    Value tokenIds = f.getArgument(0), position = f.getArgument(1);
    Value x = nn::EmbeddingOp::create(b, f32({tokens, config.hiddenSize}), tokenIds,
                                      load(Role::TokenEmbedding));
    Forward forward{position, {}, {}};
    std::tie(forward.cos, forward.sin) = ropeTable(tokenIds, position, tokens);
    SmallVector<Value> state{x};
    llvm::append_range(state, f.getArguments().drop_front(2));
    state = allLayers(forward, state);
    if (decode)
      state[0] = logits(state[0]);
    func::ReturnOp::create(b, state);
  }

  std::pair<Value, Value> ropeTable(Value tokenIds, Value position, int64_t tokens) {
    std::vector<float> frequencies = config.ropeFrequencies();
    auto type = f32({static_cast<int64_t>(frequencies.size())});
    Value f = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(frequencies)));
    Value rows;
    if (ShapedType::isDynamic(tokens))
      rows = tensor::DimOp::create(b, tokenIds, 0);
    Type table = f32({tokens, type.getDimSize(0)});
    auto op = nn::RopeTableOp::create(b, table, table, position, f, rows,
                                      llvm::APFloat(config.ropeAttentionFactor()));
    return {op.getCos(), op.getSin()};
  }

  void importHead() {
    OpBuilder::InsertionGuard guard(b);
    Type in = f32({ShapedType::kDynamic, config.hiddenSize});
    Type out = f32({ShapedType::kDynamic, config.vocabSize});
    auto f = function("head", {in}, {out}, {argAttrs("nn.input", b.getStringAttr("hidden"), "T")},
                      {argAttrs("nn.output", b.getStringAttr("logits"), "T")});
    b.setInsertionPointToStart(&f.getBody().front());
    func::ReturnOp::create(b, logits(f.getArgument(0)));
  }

  const LanguageModelSource &source;
  const ModelConfig &config;
  const LanguageModelImportOptions &options;
  OwningOpRef<ModuleOp> module;
  ImplicitLocOpBuilder b;
  LayerKinds kinds;
  /// Symbol of the order that a matrix' columns are stored in, by role and kind.
  std::map<std::pair<Role, int64_t>, std::string> orders;
};

} // namespace

std::vector<int64_t> stateLayout(const ModelConfig &config,
                                 const LanguageModelImportOptions &options) {
  int64_t vectors = config.numLayers * config.numKvHeads * options.context;
  int64_t cell = options.int8Cache ? 1 : options.floatCache ? 4 : 2;
  std::vector<int64_t> offsets{0};
  auto add = [&](int64_t bytes) { offsets.push_back(llvm::alignTo(offsets.back() + bytes, 64)); };
  add(vectors * config.headDim * cell);
  add(vectors * config.headDim * cell);
  if (options.int8Cache)
    add(vectors * 2 * sizeof(float));
  return offsets;
}

OwningOpRef<ModuleOp> importLanguageModel(MLIRContext *context, const LanguageModelSource &source,
                                          const LanguageModelImportOptions &options) {
  context->loadDialect<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                       quant_ext::QuantExtDialect, math::MathDialect, nn::NNDialect,
                       scf::SCFDialect, tensor::TensorDialect>();
  return Importer(context, source, options).run();
}

} // namespace qcc
