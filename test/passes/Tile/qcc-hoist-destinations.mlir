// RUN: qcc-opt %s --pass-pipeline="builtin.module(func.func(qcc-hoist-destinations))" | FileCheck %s

// The regions of a choice write one buffer, made before it from what is known there.

// CHECK-LABEL: func @shared
// CHECK-SAME: (%[[KIND:.*]]: index, %[[X:.*]]: tensor<?x64xf32>)
// CHECK: %[[T:.*]] = tensor.dim %[[X]]
// CHECK: %[[OUT:.*]] = bufferization.alloc_tensor(%[[T]]) : tensor<?x64xf32>
// CHECK: scf.index_switch %[[KIND]]
// CHECK: case 1
// CHECK: shared_outs(%{{.*}} = %[[OUT]])
// CHECK: default
// CHECK: shared_outs(%{{.*}} = %[[OUT]])
func.func @shared(%kind: index, %x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = scf.index_switch %kind -> tensor<?x64xf32>
  case 1 {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %x, %c0 : tensor<?x64xf32>
    %a = tensor.empty(%t) : tensor<?x64xf32>
    %r = scf.forall (%i) in (64) shared_outs(%o = %a) -> tensor<?x64xf32> {
      scf.forall.in_parallel {
      }
    }
    scf.yield %r : tensor<?x64xf32>
  }
  default {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %x, %c0 : tensor<?x64xf32>
    %b = tensor.empty(%t) : tensor<?x64xf32>
    %r = scf.forall (%i) in (32) shared_outs(%o = %b) -> tensor<?x64xf32> {
      scf.forall.in_parallel {
      }
    }
    scf.yield %r : tensor<?x64xf32>
  }
  return %y : tensor<?x64xf32>
}

// One region yields what another operation made: nothing to share.

// CHECK-LABEL: func @given
// CHECK-NOT: bufferization.alloc_tensor
// CHECK: return
func.func @given(%kind: index, %x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = scf.index_switch %kind -> tensor<?x64xf32>
  case 1 {
    scf.yield %x : tensor<?x64xf32>
  }
  default {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %x, %c0 : tensor<?x64xf32>
    %b = tensor.empty(%t) : tensor<?x64xf32>
    %r = scf.forall (%i) in (32) shared_outs(%o = %b) -> tensor<?x64xf32> {
      scf.forall.in_parallel {
      }
    }
    scf.yield %r : tensor<?x64xf32>
  }
  return %y : tensor<?x64xf32>
}

// A size that is only known within the choice: an impure operation stays where it is.

func.func private @size() -> index

// CHECK-LABEL: func @within
// CHECK-NOT: bufferization.alloc_tensor
// CHECK: return
func.func @within(%kind: index) -> tensor<?x64xf32> {
  %y = scf.index_switch %kind -> tensor<?x64xf32>
  default {
    %t = func.call @size() : () -> index
    %b = tensor.empty(%t) : tensor<?x64xf32>
    %r = scf.forall (%i) in (32) shared_outs(%o = %b) -> tensor<?x64xf32> {
      scf.forall.in_parallel {
      }
    }
    scf.yield %r : tensor<?x64xf32>
  }
  return %y : tensor<?x64xf32>
}
