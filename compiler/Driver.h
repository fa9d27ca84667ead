//===- Driver.h - From a model file to an artifact ----------------------------------===//
//
// The spine: open, import, run the stages, generate code, link, stream the weights.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_DRIVER_H
#define QCC_COMPILER_DRIVER_H

#include "compiler/CompilerOptions.h"
#include "llvm/Support/Error.h"

namespace qcc {

enum class Emit { Exe, Shared, Static, Obj, Asm, LLVM, MLIR };

/// One run of the compiler, as the command line says it.
struct CompileRequest {
  std::string model;
  std::string output; ///< empty: named after the model; "-": standard output (text forms only)
  std::string target = "native", cpu, attributes;
  Emit emit = Emit::Exe;
  Phase compileTo = Phase::LLVM; ///< stops after this phase and writes MLIR
  std::string dumpPhasesTo;      ///< directory for the IR after every phase
  std::string activationScales;  ///< JSON file with the scales of -act=static8
  std::string report; ///< file for the report: JSON, or HTML when it ends so; empty: none
  std::string program;           ///< path of qcc itself: the runtime lies beside it
  bool quiet = false;
  bool verbose = false; ///< lists every weight with its scheme and size
  bool resume = true;   ///< goes on with the journal of an interrupted calibration
  unsigned jobs = 0;    ///< threads of the compiler; 0: all the machine has
  CompilerOptions options;
};

llvm::Error compile(const CompileRequest &request);

/// What is inside a model file, as text.
llvm::Expected<std::string> inspect(llvm::StringRef model);

} // namespace qcc

#endif // QCC_COMPILER_DRIVER_H
