//===- QuantExtDialect.td - The quantization dialect ------*- tablegen -*-===//
//
// What upstream `quant` cannot say at the size of a language model: group-wise, codebook
// and block formats with scales as operands, and matmul on packed weights.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_QUANTEXT_DIALECT
#define QCC_QUANTEXT_DIALECT

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def QuantExt_Dialect : Dialect {
  let name = "quant_ext";
  let cppNamespace = "::qcc::quant_ext";
  let summary = "Quantization of weights and activations with scales as operands";
  let description = [{
    A scheme (`#quant_ext.scheme`) says how a matrix is held as codes, scales and minima;
    the components themselves are SSA values, never part of a type. Weights become
    components through `encode`, take the order that kernels read through `repack`, and
    are multiplied by `matmul`. Both conversions are folded into the weight's recipe and
    run at compile time. Activations are quantized on the fly by `choose_qparams`,
    `quantize` and `group_sums`.
  }];
  let useDefaultAttributePrinterParser = 1;
}

class QuantExt_Enum<string name, string summary, list<I32EnumCase> cases>
    : I32Enum<name, summary, cases> {
  let cppNamespace = "::qcc::quant_ext";
}

def QuantExt_Code : QuantExt_Enum<"Code", "what a code is", [
  I32EnumCase<"F32", 0, "f32">, I32EnumCase<"F16", 1, "f16">, I32EnumCase<"BF16", 2, "bf16">,
  I32EnumCase<"Integer", 3, "integer">, I32EnumCase<"Codebook", 4, "codebook">,
  I32EnumCase<"FloatCodebook", 5, "float_codebook">]>;

def QuantExt_Scale : QuantExt_Enum<"Scale", "how scales are held", [
  I32EnumCase<"None", 0, "none">, I32EnumCase<"F16", 1, "f16">, I32EnumCase<"F32", 2, "f32">,
  I32EnumCase<"Super", 3, "super">]>;

def QuantExt_Min : QuantExt_Enum<"Min", "what is added after scaling", [
  I32EnumCase<"None", 0, "none">, I32EnumCase<"F16", 1, "f16">, I32EnumCase<"Super", 2, "super">,
  I32EnumCase<"ZeroPoint", 3, "zero_point">]>;

class QuantExt_Attr<string name, string attrMnemonic> : AttrDef<QuantExt_Dialect, name> {
  let mnemonic = attrMnemonic;
}

// int8_t is a character to streams.
def QuantExt_Codebook : OptionalArrayRefParameter<"int8_t"> {
  let printer = [{
    ::llvm::interleaveComma($_self, $_printer, [&](int8_t entry) { $_printer << int(entry); })
  }];
}

def QuantExt_SchemeAttr : QuantExt_Attr<"Scheme", "scheme"> {
  let summary = "how a matrix is held as codes, scales and minima";
  let description = [{
    The fields of `qcc::Scheme` (dialects/QuantExt/Codec/Scheme.h), which defines the value of a
    code. `group = 0` is one scale for a whole row. `floatCodebook` (tensor<16xf32>) are the values of codes that
    are `float_codebook` (NF4, FP4).

    ```mlir
    // 4-bit codes around 8, a binary16 scale for each 32: GGUF's Q4_0.
    #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
    ```
  }];
  let parameters = (ins
    EnumParameter<QuantExt_Code>:$code,
    "unsigned":$bits,
    DefaultValuedParameter<"unsigned", "0">:$group,
    DefaultValuedParameter<"int", "0">:$offset,
    EnumParameter<QuantExt_Scale>:$scale,
    EnumParameter<QuantExt_Min>:$min,
    DefaultValuedParameter<"unsigned", "0">:$superSize,
    QuantExt_Codebook:$codebook,
    OptionalParameter<"::mlir::DenseElementsAttr">:$floatCodebook);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static SchemeAttr get(::mlir::MLIRContext *context, const ::qcc::Scheme &scheme);
    ::qcc::Scheme toScheme() const;
  }];
}

#endif // QCC_QUANTEXT_DIALECT
