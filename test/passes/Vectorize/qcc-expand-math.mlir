// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-expand-math))' | FileCheck %s

// What LLVM would call a library for becomes arithmetic; what it expands itself stays.
// CHECK-LABEL: func.func @functions
// CHECK-NOT: math.{{exp|log|erf|tanh}} %
// CHECK: math.sqrt
func.func @functions(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.log %0 : vector<16xf32>
  %2 = math.erf %1 : vector<16xf32>
  %3 = math.tanh %2 : vector<16xf32>
  %4 = math.sqrt %3 : vector<16xf32>
  return %4 : vector<16xf32>
}
