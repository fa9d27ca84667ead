//===- NNOps.td - Model-level operations ------------------*- tablegen -*-===//
//
// The operations of transformer models that linalg cannot name, and weights as symbols.
// Shapes: T tokens (rows), H = heads * D features, D head dimension, C context length.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_NN_OPS
#define QCC_NN_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::qcc::nn";
  let summary = "Model-level operations: weights, attention, norms, rotary embedding";
  let description = [{
    A weight is a symbol with where it comes from and what is to be done to it; its bytes are never in
    the IR. The other operations are those that importers need and linalg has no name for.
  }];
}

class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, traits>;

def NN_F32Matrix : RankedTensorOf<[F32]>;
def NN_Cache : RankedTensorOf<[F16, F32, I8]>;
def NN_CacheScales : RankedTensorOf<[F32]>;
def NN_AnyTensor : RankedTensorOf<[AnyFloat, AnyInteger]>;

def NN_WeightOp : NN_Op<"weight", [Symbol]> {
  let summary = "a weight: where it comes from and its recipe";
  let description = [{
    One symbol stands for the same weight of every layer of a kind: `sources` names the tensor of each
    instance in the model file, all of type `source_type` ([N, K] for matrices). `format` is how the
    file holds it (a GGUF block format or an element type). `order` says how the rows lie there:
    `natural`, `transposed` ([K, N]), or `interleaved` with `head_dim` (rotary pairs are adjacent
    rows of a head; the recipe puts them half a head apart). `role` is `embedding` or `output` for
    the tables at a model's ends, which lose more from few bits than the rest, or `adapter` for the
    factors of a low-rank adapter, which lie in the adapter's file and keep its precision. `merged` names
    for each instance the adapter's module whose product is added to the weight. `observer` names the
    statistics of what the weight is multiplied with (`qcc-insert-observers`).
    `column_factors` and `row_divisors` name the observer whose channel factors the recipe multiplies into
    the columns, or divides the rows (of a vector, the elements) by (`qcc-fold-scales`).
    `choices` are the schemes that a recipe or `-bits=auto` gives the instances, one for each
    (`qcc-split-weights`).
    A layer that another tool quantized is named by its module ("model.layers.0.mlp.up_proj"), its format
    by the tool ("gptq"), and `source_scheme` says what exactly the codes are.

    The Pack stage adds the rest of the recipe (`scheme`, `method`, `lanes`) and the place in the
    blob: component c of instance i is at `offset + i * stride + component_offsets[c]`.

    ```mlir
    nn.weight @attn_q : tensor<576x576xf16> sources ["blk.0.attn_q.weight", "blk.1.attn_q.weight"]
        format "q4_0" order "interleaved" {head_dim = 64 : i64}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$source_type, StrArrayAttr:$sources,
                       StrAttr:$format, StrAttr:$order, OptionalAttr<I64Attr>:$head_dim,
                       OptionalAttr<StrAttr>:$role, OptionalAttr<StrAttr>:$observer,
                       OptionalAttr<StrAttr>:$column_factors, OptionalAttr<StrAttr>:$row_divisors,
                       OptionalAttr<AnyAttr>:$source_scheme, OptionalAttr<ArrayAttr>:$choices,
                       OptionalAttr<StrArrayAttr>:$merged,
                       OptionalAttr<AnyAttr>:$scheme, OptionalAttr<StrAttr>:$method,
                       OptionalAttr<I64Attr>:$lanes, OptionalAttr<TypeArrayAttr>:$component_types,
                       OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$stride,
                       OptionalAttr<DenseI64ArrayAttr>:$component_offsets);
  let assemblyFormat = [{
    $sym_name `:` $source_type `sources` $sources `format` $format `order` $order attr-dict
  }];
  let builders = [
    // A private weight without a recipe.
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::RankedTensorType":$type,
                   "::llvm::ArrayRef<::mlir::Attribute>":$sources, "::llvm::StringRef":$format,
                   CArg<"::llvm::StringRef", "\"natural\"">:$order)>];
  let hasVerifier = 1;
}

def NN_LoadWeightOp : NN_Op<"load_weight", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight, for one of its instances";
  let description = [{
    Before Pack it yields the matrix as the source has it; afterwards its packed components. `instance`
    is the layer number among those that share the symbol.
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, Optional<Index>:$instance);
  let results = (outs Variadic<NN_AnyTensor>:$components);
  let assemblyFormat = "$weight (`[` $instance^ `]`)? attr-dict `:` type($components)";
}

def NN_LinearOp : NN_Op<"linear", [Pure]> {
  let summary = "y = x W^T";
  let description = "[T, K] times the transpose of [N, K]: [T, N].";
  let arguments = (ins NN_F32Matrix:$input, NN_AnyTensor:$weight);
  let results = (outs NN_F32Matrix:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input) `,` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def NN_EmbeddingOp : NN_Op<"embedding", [Pure]> {
  let summary = "rows of a table";
  let description = "y[t, :] = W[ids[t], :], as f32.";
  let arguments = (ins RankedTensorOf<[I32, I64]>:$ids, NN_AnyTensor:$weight);
  let results = (outs NN_F32Matrix:$result);
  let assemblyFormat = "$ids `,` $weight attr-dict `:` type($ids) `,` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def NN_GatherColumnsOp : NN_Op<"gather_columns", [Pure]> {
  let summary = "some columns of activations, or all in another order";
  let description = [{
    y[t, p] = x[t, columns[p]], all of `columns` in 0 .. K-1. A weight that was quantized in activation
    order (GPTQ, Frantar et al. 2022) is stored with the columns of a group side by side; this puts the
    activations in the same order. Channels that are kept in float (`qcc-keep-outliers`) are taken out of the
    activations by it.

    ```mlir
    %columns = nn.load_weight @layer.q_order[%layer] : tensor<576xi32>
    %y = nn.gather_columns %x, %columns : tensor<?x576xf32>, tensor<576xi32> -> tensor<?x576xf32>
    ```
  }];
  let arguments = (ins NN_F32Matrix:$input, RankedTensorOf<[I32]>:$columns);
  let results = (outs NN_F32Matrix:$result);
  let assemblyFormat = [{
    $input `,` $columns attr-dict `:` type($input) `,` type($columns) `->` type($result)
  }];
  let hasVerifier = 1;
}

def NN_RMSNormOp : NN_Op<"rms_norm", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "root mean square normalization of rows";
  let description = [{
    y[t, k] = x[t, k] / sqrt(mean over k of x[t, k]^2 + epsilon) * w[k] (Zhang and Sennrich 2019).
  }];
  let arguments = (ins NN_F32Matrix:$input, NN_F32Matrix:$weight, F32Attr:$epsilon);
  let results = (outs NN_F32Matrix:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input) `,` type($weight)";
  let hasVerifier = 1;
}

def NN_RopeTableOp : NN_Op<"rope_table", [Pure]> {
  let summary = "cosines and sines of rotary position embedding";
  let description = [{
    cos[t, j] = scale * cos((position + t) * f[j]), sin likewise, for the D/2 inverse frequencies f.
    Angles are rounded to f32 as the models were trained with, then reduced in f64, so large positions stay exact.
  }];
  let arguments = (ins Index:$position, NN_F32Matrix:$frequencies, Optional<Index>:$rows,
                       F32Attr:$scale);
  let results = (outs NN_F32Matrix:$cos, NN_F32Matrix:$sin);
  let assemblyFormat = [{
    $position `,` $frequencies (`rows` $rows^)? attr-dict `:` type($frequencies) `->`
    type($cos) `,` type($sin)
  }];
  let hasVerifier = 1;
}

def NN_RopeOp : NN_Op<"rope", [Pure, AllTypesMatch<["input", "result"]>,
                               AllTypesMatch<["cos", "sin"]>]> {
  let summary = "rotary position embedding of heads";
  let description = [{
    For each head of `head_dim` features, elements j and j + D/2 turn by the angle of table entry [t, j]:
    (a, b) -> (a cos - b sin, b cos + a sin) (Su et al. 2021, half-split order).
  }];
  let arguments = (ins NN_F32Matrix:$input, NN_F32Matrix:$cos, NN_F32Matrix:$sin, I64Attr:$head_dim);
  let results = (outs NN_F32Matrix:$result);
  let assemblyFormat = "$input `,` $cos `,` $sin attr-dict `:` type($input) `,` type($cos)";
  let hasVerifier = 1;
}

def NN_KVAppendOp : NN_Op<"kv_append", [Pure, AllTypesMatch<["key_cache", "key_result"]>,
                                        AllTypesMatch<["value_cache", "value_result"]>]> {
  let summary = "keys and values of new tokens into the cache";
  let description = [{
    Token t goes to position `position + t` of layer `layer`. Keys lie [layers, heads, C/16, D, 16], so that 16 positions are
    the lanes of a score; values [layers, heads, C, D], so that features are the lanes of the output.

    Int8 caches have `scales` [layers, heads, 2, C], of keys and of values: a head of a token is one group
    of docs/QuantizationSemantics.md, Q13.
  }];
  let arguments = (ins NN_F32Matrix:$key, NN_F32Matrix:$value, NN_Cache:$key_cache,
                       NN_Cache:$value_cache, Index:$layer, Index:$position,
                       Optional<NN_CacheScales>:$scales);
  let results = (outs NN_Cache:$key_result, NN_Cache:$value_result,
                      Optional<NN_CacheScales>:$scales_result);
  let assemblyFormat = [{
    $key `,` $value `into` $key_cache `,` $value_cache (`scales` `(` $scales^ `)`)? `layer` $layer
    `at` $position attr-dict `:` type($key) `,` type($value) `into` type($key_cache) `,`
    type($value_cache) (`scales` type($scales)^ `->` type($scales_result))?
  }];
  let hasVerifier = 1;
}

def NN_AttentionOp : NN_Op<"attention", [Pure, AttrSizedOperandSegments,
                                         AllTypesMatch<["query", "result"]>]> {
  let summary = "causal grouped-query attention over the cache";
  let description = [{
    out[t, h] = softmax over j of (scale * q[t, h] . K[j, h / G]) V[j, h / G] for positions
    position + t - window < j <= position + t (window 0: all). Online softmax over blocks of positions
    (Milakov and Gimelshein 2018): no [T, C] matrix is ever in memory. Int8 caches come with their
    scales (see `kv_append`).
  }];
  let arguments = (ins NN_F32Matrix:$query, NN_Cache:$key_cache,
                       NN_Cache:$value_cache, Index:$layer, Index:$position,
                       Optional<Index>:$window, Optional<NN_CacheScales>:$scales,
                       I64Attr:$heads, F32Attr:$scale);
  let results = (outs NN_F32Matrix:$result);
  let assemblyFormat = [{
    $query `,` $key_cache `,` $value_cache (`scales` `(` $scales^ `)`)? `layer` $layer `at` $position
    (`window` $window^)? attr-dict `:` type($query) `,` type($key_cache) `,` type($value_cache)
    (`scales` type($scales)^)?
  }];
  let hasVerifier = 1;
}

#endif // QCC_NN_OPS
