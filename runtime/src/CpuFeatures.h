//===- CpuFeatures.h - Whether this processor can run the program
//----------===//
//
// A program is compiled for certain instructions. Where they are missing it
// says so in a sentence instead of dying of an illegal instruction.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_CPUFEATURES_H
#define QCC_RUNTIME_SRC_CPUFEATURES_H

#include "runtime/src/Support.h"

namespace qcc::rt {

enum class Feature { Present, Missing, Unknown };

/// Whether processor and system have an LLVM feature ("avx2", "dotprod").
/// Unknown for names that are no feature of this architecture's instructions.
Feature cpuFeature(const std::string &name);

/// The features in a comma separated list (a leading '+' is skipped, "-x"
/// ignored) that are missing, or that nothing is known of: `unknown` gets the
/// latter.
std::vector<std::string> missingFeatures(const char *list, std::vector<std::string> *unknown);

/// Fails with kNotSupported, naming what is missing. Features without a test
/// pass.
Status checkProcessor(const char *program, const char *features);

/// Ends the process with a sentence at an instruction that the processor lacks:
/// for features without a test. Not for libraries: the handler is the
/// process's.
void reportIllegalInstructions();

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_CPUFEATURES_H
