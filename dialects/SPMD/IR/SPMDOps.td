//===- SPMDOps.td - Threads and barriers ------------------*- tablegen -*-===//
//
// All threads run the same function. What a thread is, and where threads wait for each other.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_SPMD_OPS
#define QCC_SPMD_OPS

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def SPMD_Dialect : Dialect {
  let name = "spmd";
  let cppNamespace = "::qcc::spmd";
  let summary = "Threads that run the same function, and barriers between them";
  let description = [{
    Upstream's gpu and omp dialects bring a launch and a team of their own; here the whole entry
    point already runs on every thread, and three operations are all there is to say.
  }];
}

class SPMD_Op<string mnemonic, list<Trait> traits = []> : Op<SPMD_Dialect, mnemonic, traits>;

def SPMD_ThreadIdOp : SPMD_Op<"thread_id", [Pure]> {
  let summary = "number of this thread, from 0";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def SPMD_NumThreadsOp : SPMD_Op<"num_threads", [Pure]> {
  let summary = "how many threads run the entry point";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def SPMD_BarrierOp : SPMD_Op<"barrier"> {
  let summary = "all threads wait here for each other";
  let assemblyFormat = "attr-dict";
}

#endif // QCC_SPMD_OPS
