//===- QuantExtOps.td - Operations of the quantization dialect -*- tablegen -*-===//
//
// Shapes: T tokens (rows of activations), K input features, N output features,
// G = ceil(K / group). Formulas are those of dialects/QuantExt/Codec/Scheme.h.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_QUANTEXT_OPS
#define QCC_QUANTEXT_OPS

include "dialects/QuantExt/IR/QuantExtDialect.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class QuantExt_Op<string opMnemonic, list<Trait> traits = []>
    : Op<QuantExt_Dialect, opMnemonic, !listconcat([Pure], traits)>;

def F32Matrix : RankedTensorOf<[F32]>;
def AnyMatrix : RankedTensorOf<[AnyFloat, AnyInteger]>;

def QuantExt_EncodeOp : QuantExt_Op<"encode"> {
  let summary = "a weight matrix as the components of a scheme";
  let description = [{
    Turns a float matrix [N, K] into logical components: codes i8 [N, K] (or the float codes
    themselves), then scales, sub-scales, minima, sub-minima or zero points [N, G] as the scheme
    has them. `method` names how codes and scales are chosen; `keep` takes those of the source
    file. Folded into the weight's recipe; it never runs in the artifact.

    ```mlir
    %codes, %scales = quant_ext.encode %w {scheme = #s, method = "rtn"}
        : tensor<576x576xf16> -> tensor<576x576xi8>, tensor<576x18xf16>
    ```
  }];
  let arguments = (ins AnyMatrix:$source, QuantExt_SchemeAttr:$scheme, StrAttr:$method);
  let results = (outs Variadic<AnyMatrix>:$components);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($components)";
  let hasVerifier = 1;
}

def QuantExt_RepackOp : QuantExt_Op<"repack"> {
  let summary = "components in the order that kernels read";
  let description = [{
    Moves logical components [N, ..] to tiles of `lanes` rows with rows innermost
    (dialects/QuantExt/Codec/Layout.h). Folded into the weight's recipe.
  }];
  let arguments = (ins Variadic<AnyMatrix>:$components, QuantExt_SchemeAttr:$scheme,
                       I64Attr:$lanes);
  let results = (outs Variadic<AnyMatrix>:$packed);
  let assemblyFormat =
      "$components attr-dict `:` type($components) `->` type($packed)";
  let hasVerifier = 1;
}

def QuantExt_ChooseQParamsOp : QuantExt_Op<"choose_qparams"> {
  let summary = "scales of activations, for each group of a row";
  let description = [{
    scale[t, g] = max |x[t, k]| / 127 over k in group g; 0 for a group of zeros. [T, K] -> [T, G].
  }];
  let arguments = (ins F32Matrix:$source, I64Attr:$group);
  let results = (outs F32Matrix:$scales);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($scales)";
  let hasVerifier = 1;
}

def QuantExt_QuantizeOp : QuantExt_Op<"quantize"> {
  let summary = "activations as int8 with given scales";
  let description = [{
    q[t, k] = round_half_even(x[t, k] / scale[t, g]), 0 where the scale is 0. The result's rows are
    padded with zeros to a multiple of 32. [T, K], [T, G] -> i8 [T, ceil(K / 32) * 32].
    Scales [groups], or [1] for everything, are static: codes saturate at -127 and 127.
  }];
  let arguments = (ins F32Matrix:$source, F32Matrix:$scales, I64Attr:$group);
  let results = (outs RankedTensorOf<[I8]>:$codes);
  let assemblyFormat =
      "$source `,` $scales attr-dict `:` type($source) `,` type($scales) `->` type($codes)";
  let hasVerifier = 1;
}

def QuantExt_DequantizeOp : QuantExt_Op<"dequantize"> {
  let summary = "activations back from int8";
  let description = [{
    x[t, k] = q[t, k] * scale[t, g], or static scales [groups] or [1]. The inverse of `quantize` up to
    rounding.
  }];
  let arguments = (ins RankedTensorOf<[I8]>:$codes, F32Matrix:$scales, I64Attr:$group);
  let results = (outs F32Matrix:$result);
  let assemblyFormat =
      "$codes `,` $scales attr-dict `:` type($codes) `,` type($scales) `->` type($result)";
  let hasVerifier = 1;
}

def QuantExt_GroupSumsOp : QuantExt_Op<"group_sums"> {
  let summary = "sums of activations over groups";
  let description = [{
    s[t, g] = multiplier * sum of x[t, k] over k in group g. With int8 activations (i32 result) it is
    what corrects a dot product for the offset of unsigned codes; in float it multiplies minima.
    [T, K] -> [T, ceil(K / group)].
  }];
  let arguments = (ins RankedTensorOf<[I8, F32]>:$source, I64Attr:$group,
                       DefaultValuedAttr<I64Attr, "1">:$multiplier);
  let results = (outs RankedTensorOf<[I32, F32]>:$sums);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($sums)";
  let hasVerifier = 1;
}

def QuantExt_MatmulOp : QuantExt_Op<"matmul", [AttrSizedOperandSegments]> {
  let summary = "activations times the transpose of a quantized weight";
  let description = [{
    y[t, n] = sum over k of x[t, k] * W[n, k], W the matrix whose components are given. Activations
    are f32 [T, K], or int8 codes with scales [T, K / 32], or static ones, [K / 32] or [1]; then `corrections`,
    if there, are added to the integer dot product of each group (of `intSumLength` elements,
    dialects/QuantExt/Codec/Layout.h), and `sums` (f32, of the activations over groups of
    min(32, group)) multiply minima and zero points. Components are logical, or packed when `lanes` is set.

    ```mlir
    %y = quant_ext.matmul acts(%q, %s, %c : tensor<1x576xi8>, ...) weight(%codes, %scales : ...)
           {scheme = #s, k = 576 : i64, lanes = 16 : i64} : tensor<1x192xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32, I8]>:$acts,
                       Optional<F32Matrix>:$actScales,
                       Optional<RankedTensorOf<[I32]>>:$corrections,
                       Optional<F32Matrix>:$sums,
                       Variadic<AnyMatrix>:$weight,
                       QuantExt_SchemeAttr:$scheme,
                       I64Attr:$k,
                       OptionalAttr<I64Attr>:$lanes);
  let results = (outs F32Matrix:$result);
  let assemblyFormat = [{
    $acts (`scales` `(` $actScales^ `)`)? (`corrections` `(` $corrections^ `)`)?
    (`sums` `(` $sums^ `)`)? `weight` `(` $weight `)` attr-dict `:`
    type($acts) (`scales` type($actScales)^)? (`corrections` type($corrections)^)?
    (`sums` type($sums)^)? `weight` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
}

def QuantExt_GatherRowsOp : QuantExt_Op<"gather_rows"> {
  let summary = "rows of a quantized matrix, dequantized";
  let description = [{
    y[t, k] = W[ids[t], k]; an embedding lookup. Ids are clamped to 0 .. N-1.
  }];
  let arguments = (ins RankedTensorOf<[I32, I64]>:$ids, Variadic<AnyMatrix>:$weight,
                       QuantExt_SchemeAttr:$scheme, I64Attr:$rows, I64Attr:$k,
                       OptionalAttr<I64Attr>:$lanes);
  let results = (outs F32Matrix:$result);
  let assemblyFormat = [{
    $ids `weight` `(` $weight `)` attr-dict `:` type($ids) `weight` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
}

def QuantExt_ObserveOp : QuantExt_Op<"observe", [AllTypesMatch<["source", "result"]>]> {
  let summary = "a place where calibration collects statistics";
  let description = [{
    Passes its operand through. A calibration run collects statistics of it under `name`;
    `qcc-remove-observers` drops it from everything else.
  }];
  let arguments = (ins F32Matrix:$source, StrAttr:$name);
  let results = (outs F32Matrix:$result);
  let assemblyFormat = "$source $name attr-dict `:` type($source)";
}

#endif // QCC_QUANTEXT_OPS
