// RUN: qcc-opt %s --split-input-file --verify-diagnostics

func.func @result_type() {
  // expected-error @+1 {{'spmd.thread_id' op result #0 must be index, but got 'i32'}}
  %id = "spmd.thread_id"() : () -> i32
  return
}

// -----

func.func @operand(%a: index) {
  // expected-error @+1 {{'spmd.barrier' op requires zero operands}}
  "spmd.barrier"(%a) : (index) -> ()
  return
}
