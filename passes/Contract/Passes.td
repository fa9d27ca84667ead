//===- Passes.td - Contract: what each stage promises -----*- tablegen -*-===//
#ifndef QCC_PASSES_CONTRACT
#define QCC_PASSES_CONTRACT

include "mlir/Pass/PassBase.td"

def VerifyContract : Pass<"qcc-verify-contract", "mlir::ModuleOp"> {
  let summary = "fail on what a stage should have left none of";
  let description = [{
    Runs after each stage. An operation that the stage's contract (docs/Pipeline.md) rules out is an
    error with a note that names the pass to suspect.

    ```mlir
    // qcc-verify-contract{stage=quantize}
    %y = nn.linear %x, %w : ...  // error: 'nn.linear' op is left after stage quantize
                                 // note: qcc-quantize-weights should have rewritten it
    ```
  }];
  let options = [Option<"stage", "stage", "std::string", "", "the stage that has just run">];
}

#endif // QCC_PASSES_CONTRACT
