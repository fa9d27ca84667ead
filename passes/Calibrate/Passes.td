//===- Passes.td - Calibrate: looking at what weights multiply -*- tablegen -*-===//
#ifndef QCC_PASSES_CALIBRATE
#define QCC_PASSES_CALIBRATE

include "mlir/Pass/PassBase.td"

def InsertObservers : Pass<"qcc-insert-observers", "mlir::ModuleOp"> {
  let summary = "observe what each weight is multiplied with";
  let description = [{
    Puts a `quant_ext.observe` before the linear operations of a value, named after the first weight
    that multiplies it, and leaves that name on the weights. A model's ends (weights with a `role`)
    are left out: they keep 8 bits.

    ```mlir
    %q = nn.linear %x, %wq : ...
    %k = nn.linear %x, %wk : ...
    // becomes, with nn.weight @q and nn.weight @k {observer = "q"}
    %o = quant_ext.observe %x "q" : ...
    %q = nn.linear %o, %wq : ...
    %k = nn.linear %o, %wk : ...
    ```
  }];
  let dependentDialects = ["qcc::quant_ext::QuantExtDialect"];
}

def ExposeLayers : Pass<"qcc-expose-layers", "mlir::ModuleOp"> {
  let summary = "entry points that run a language model layer by layer";
  let description = [{
    Splits `prefill` into `embed` (tokens to hidden states) and `layers` (hidden states through layers
    first .. last - 1), and drops `prefill` and `decode`. `head` stays.

    ```mlir
    func.func @prefill(%tokens, %position, ...) {
      %x = nn.embedding %tokens, %table
      scf.for %layer = %c0 to %c30 step %c1 iter_args(%h = %x, ...)
    // becomes
    func.func @embed(%tokens) -> hidden
    func.func @layers(%hidden, %first, %last, %position, ...) {
      scf.for %layer = %first to %last step %c1 iter_args(%h = %hidden, ...)
    ```
  }];
  let dependentDialects = ["mlir::func::FuncDialect", "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect"];
}

def TapObservers : Pass<"qcc-tap-observers", "mlir::func::FuncOp"> {
  let summary = "what observers see as results of the entry point";
  let description = [{
    Every `quant_ext.observe` of an entry point becomes a result named `tap:` and its name. In a loop it
    is what the last iteration saw.

    ```mlir
    %r = scf.for ... iter_args(%h = %x) {
      %o = quant_ext.observe %n "q" : tensor<?x64xf32>
    // becomes
    %r:2 = scf.for ... iter_args(%h = %x, %t = %empty) { ... %c = copy of %n into %t; scf.yield %y, %c }
    return %r#0, %r#1   // with {nn.output = "tap:q", nn.dims = ["T"]}
    ```
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect"];
}

#endif // QCC_PASSES_CALIBRATE
