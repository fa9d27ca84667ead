//===- Passes.td - Quantize: precision of weights and activations -*- tablegen -*-===//
#ifndef QCC_PASSES_QUANTIZE
#define QCC_PASSES_QUANTIZE

include "mlir/Pass/PassBase.td"

def SplitWeights : Pass<"qcc-split-weights", "mlir::ModuleOp"> {
  let summary = "a symbol for each scheme that the layers of a weight have";
  let description = [{
    A weight whose `choices` differ between instances becomes one weight for each scheme, and the
    linear operations that read it choose by the layer's number. Code grows with the number of
    schemes of a kind of weight, not with the number of layers.

    ```mlir
    nn.weight @q : ... sources ["q.0", "q.1", "q.2"] {choices = [#q4, #q5, #q4]}
    %w = nn.load_weight @q[%layer]
    %y = nn.linear %x, %w
    // becomes
    nn.weight @q.0 : ... sources ["q.0", "q.2"] {choices = [#q4, #q4]}
    nn.weight @q.1 : ... sources ["q.1"] {choices = [#q5]}
    %kind = tensor.extract dense<[0, 1, 0]>[%layer]
    %instance = tensor.extract dense<[0, 0, 1]>[%layer]
    %y = scf.index_switch %kind
      case 1 { load @q.1[%instance], linear, yield } default { load @q.0[%instance], linear, yield }
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect"];
}

def QuantizeWeights : Pass<"qcc-quantize-weights", "mlir::ModuleOp"> {
  let summary = "give every weight matrix a scheme";
  let description = [{
    Chooses a scheme for each weight that `nn.linear` and `nn.embedding` read, and rewrites them to
    operations on its components.

    ```mlir
    %y = nn.linear %x, %w : tensor<1x64xf32>, tensor<32x64xf16> -> tensor<1x32xf32>
    // becomes, with bits=4
    %codes, %scales = quant_ext.encode %w {method = "rtn", scheme = #q4} : ...
    %y = quant_ext.matmul %x weight(%codes, %scales) {scheme = #q4, k = 64 : i64} : ...
    ```
  }];
  let options = [
    Option<"bits", "bits", "int64_t", "0", "bits of a weight: 32, 16, 2..8; 0 keeps the file's precision">,
    Option<"group", "group", "int64_t", "32", "weights that share a scale; 0 is a whole row">,
    Option<"asymmetric", "asymmetric", "bool", "false", "zero points">,
    Option<"grid", "grid", "std::string", "\"integer\"", "integer, codebook, nf4 or kquant">,
    Option<"superScales", "super-scales", "bool", "false",
           "scales of groups as int8, with a binary16 for each row">];
  let dependentDialects = ["qcc::quant_ext::QuantExtDialect", "mlir::tensor::TensorDialect"];
}

def FoldScales : Pass<"qcc-fold-scales", "mlir::ModuleOp"> {
  let summary = "factors between the channels of weights and what feeds them";
  let description = [{
    W x = (W diag s)(x / s): finds where the inputs of weights that share an observer can be divided by s for nothing,
    and leaves it on the weights. The divisors go into the gain of an `nn.rms_norm`, the rows of the weight that a
    gate is multiplied with, or the rows of `v` where the input is attention's output (query heads that
    share values share factors; `head_dim` says which rows those are). What else reads the input, a
    bias in between, or weights that keep their codes rule it out, and nothing is left. `method` comes before
    what chooses scales and codes; anything else is an error.

    ```mlir
    nn.weight @norm ...
    nn.weight @q ... {observer = "q"}
    %h = nn.rms_norm %x, %norm : ...
    %o = quant_ext.observe %h "q" : ...
    %c, %s = quant_ext.encode %wq {method = "rtn", scheme = #q4}
    %y = quant_ext.matmul %o weight(%c, %s) ...
    // becomes, with method=awq
    nn.weight @norm ... {row_divisors = "q"}
    nn.weight @q ... {column_factors = "q", observer = "q"}
    %c, %s = quant_ext.encode %wq {method = "awq", scheme = #q4}
    ```
  }];
  let options = [Option<"method", "method", "std::string", "\"awq\"", "awq or smoothquant">];
}

def KeepOutliers : Pass<"qcc-keep-outliers", "mlir::ModuleOp"> {
  let summary = "outlier channels of activations stay in float";
  let description = [{
    Mixed-precision decomposition (LLM.int8, Dettmers et al. 2022, section 3), for every product of an
    observed input with a weight whose codes are to be chosen, where activations will be int8: up to `slots` input
    channels are taken out of the input, and go through a float product with the columns that
    meet them. Which channels is found by calibration, for each layer: the tensors
    `calibration:TENSOR:outliers` (their numbers), `:inliers` (0 for these channels, else 1) and
    `:outlier_columns` (of the weight [N, K], in f16). Products that read the same input share the channels.
    `method` comes after the factors of channels (`qcc-fold-scales`) and before what chooses scales and codes;
    anything else is an error.

    ```mlir
    nn.weight @q : tensor<32x64xf32> sources ["q.0", "q.1"] ... {observer = "q"}
    %w = nn.load_weight @q[%i]
    %c, %s = quant_ext.encode %w {method = "rtn", scheme = #q8}
    %y = quant_ext.matmul %x weight(%c, %s) {k = 64} : tensor<?x64xf32> weight ...
    // becomes
    nn.weight @q.outlier_columns : tensor<32x16xf32> sources ["calibration:q.0:outlier_columns", ...]
    nn.weight @q.inliers : tensor<64xf32> sources ["calibration:q.0:inliers", ...]
    nn.weight @q.outliers : tensor<16xi32> sources ["calibration:q.0:outliers", ...]
    %c, %s = quant_ext.encode %w {method = "llm.int8", scheme = #q8}
    %mask = nn.load_weight @q.inliers[%i]
    %in = linalg.generic %x * %mask
    %columns = nn.load_weight @q.outliers[%i]
    %out = nn.gather_columns %x, %columns : tensor<?x64xf32>, tensor<16xi32> -> tensor<?x16xf32>
    %k = nn.load_weight @q.outlier_columns[%i]
    %kept = quant_ext.encode %k {method = "keep", scheme = #f16}
    %part = quant_ext.matmul %out weight(%kept) {k = 16}
    %most = quant_ext.matmul %in weight(%c, %s) {k = 64}
    %y = linalg.generic %most + %part
    ```
  }];
  let options = [Option<"slots", "slots", "int64_t", "16",
                        "channels of an input that there is room for: a multiple of 16">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect", "qcc::nn::NNDialect",
                           "qcc::quant_ext::QuantExtDialect"];
}

def SearchScales : Pass<"qcc-search-scales", "mlir::ModuleOp"> {
  let summary = "scales that lose least instead of scales that cover the group";
  let description = [{
    Weights that would be rounded to nearest get the method `mse` (least squared error of the weights) or,
    with `importance`, the method of that name: errors weighted by the mean square of the channel they
    meet, which needs an observer.

    ```mlir
    quant_ext.encode %w {method = "rtn", scheme = #q4}
    // becomes
    quant_ext.encode %w {method = "importance", scheme = #q4}
    ```
  }];
  let options = [Option<"importance", "importance", "bool", "false", "weigh errors by what calibration saw">];
}

def ApplyGptaq : Pass<"qcc-gptaq", "mlir::ModuleOp"> {
  let summary = "weights that make up for what the quantized layers before changed";
  let description = [{
    Appends `gptaq` (asymmetric calibration, Li et al. 2025) to the method of every weight that has an
    observer: before codes are chosen the weights move towards those that give the float model's outputs from
    the quantized model's inputs. Comes before `qcc-gptq`.

    ```mlir
    quant_ext.encode %w {method = "importance", scheme = #q4}
    // becomes
    quant_ext.encode %w {method = "importance+gptaq", scheme = #q4}
    ```
  }];
}

def ApplyGptq : Pass<"qcc-gptq", "mlir::ModuleOp"> {
  let summary = "codes that make up for one another's rounding";
  let description = [{
    Appends `gptq` (Frantar et al. 2022) to the method of every weight that has an observer and an integer or codebook
    scheme: scales stay those of the method before.

    ```mlir
    quant_ext.encode %w {method = "importance", scheme = #q4}
    // becomes
    quant_ext.encode %w {method = "importance+gptq", scheme = #q4}
    ```
  }];
}

def ApplyDescent : Pass<"qcc-descend-codes", "mlir::ModuleOp"> {
  let summary = "single codes and scales changed where the output error gets less";
  let description = [{
    Appends `descent` to the method of every weight that has an observer: coordinate descent on codes and
    least squares for scales, on the output error that the Hessian of the inputs tells.

    ```mlir
    quant_ext.encode %w {method = "importance+gptq", scheme = #q4}
    // becomes
    quant_ext.encode %w {method = "importance+gptq+descent", scheme = #q4}
    ```
  }];
}

def QuantizeActivations : Pass<"qcc-quantize-activations", "mlir::ModuleOp"> {
  let summary = "int8 activations for matmuls with integer weights";
  let description = [{
    Where the target has a dot product of bytes, quantizes the activations of a matmul in groups of 32:

    ```mlir
    %y = quant_ext.matmul %x weight(...) : tensor<1x64xf32> weight ...
    // becomes
    %s = quant_ext.choose_qparams %x {group = 32 : i64} : ...
    %q = quant_ext.quantize %x, %s {group = 32 : i64} : ...
    %c = quant_ext.group_sums %q {group = 32 : i64, multiplier = -8 : i64} : ...
    %y = quant_ext.matmul %q scales(%s) corrections(%c) weight(...) : ...
    ```
  }];
  let dependentDialects = ["qcc::quant_ext::QuantExtDialect"];
}

def QuantizeActivationsStatic : Pass<"qcc-quantize-activations-static", "mlir::ModuleOp"> {
  let summary = "int8 activations with calibrated scales";
  let description = [{
    As qcc-quantize-activations, but with one scale for an input, or with `groups` one for each of its groups of
    32, known when the program is compiled: an `nn.weight` named after the weight it meets first, whose
    instances come from the tensors `calibration:TENSOR:input_scale`. Matmuls that read the same input share
    it.

    ```mlir
    nn.weight @q : tensor<32x64xf32> sources ["q.0", "q.1"] ...
    %w = nn.load_weight @q[%i]
    %c, %s = quant_ext.encode %w ...
    %y = quant_ext.matmul %x weight(%c, %s) : tensor<?x64xf32> weight ...
    // becomes
    nn.weight @q.input_scale : tensor<1xf32> sources ["calibration:q.0:input_scale", ...] ...
    %a = nn.load_weight @q.input_scale[%i] : tensor<1xf32>
    %q = quant_ext.quantize %x, %a {group = 32 : i64} : tensor<?x64xf32>, tensor<1xf32> -> ...
    %y = quant_ext.matmul %q scales(%a) weight(%c, %s) : ...
    ```
  }];
  let options = [
    Option<"groups", "groups", "bool", "false", "a scale for each 32 channels">,
    Option<"observed", "observed", "bool", "false",
           "only where calibration looks; other inputs are scaled while running">,
    Option<"dynamicProducts", "dynamic-products", "bool", "false",
           "inputs that are products of tensors, f(gate) * up, are scaled while running">];
  let dependentDialects = ["qcc::quant_ext::QuantExtDialect", "qcc::nn::NNDialect"];
}

def RemoveObservers : Pass<"qcc-remove-observers"> {
  let summary = "drop the places where calibration would look";
  let description = "Replaces `quant_ext.observe` by its operand.";
}

#endif // QCC_PASSES_QUANTIZE
