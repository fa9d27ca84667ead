//===- Architecture.cpp - The table of known model families
//----------------===//
//
// One row for each family; see Architecture.h for the columns.
//
//===----------------------------------------------------------------------===//
#include "frontends/LanguageModel/Architecture.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qcc {

// clang-format off
static const Architecture table[] = {
    // name, class, GGUF name, qkvBiasAlways, biasKeys, ggufPermutesQK,
    //   sliding, window, maxWindowLayers, kvHeads, maxPositions, eps, theta
    {"llama", "LlamaForCausalLM", "llama", false, true, true,
     SlidingRule::None, 0, 0, 0, 2048, 1e-6, 1e4},
    {"mistral", "MistralForCausalLM", nullptr, false, false, true,
     SlidingRule::AllLayers, 4096, 0, 8, 4096 * 32, 1e-6, 1e4},
    {"qwen2", "Qwen2ForCausalLM", "qwen2", true, false, false,
     SlidingRule::LastLayers, 4096, 28, 32, 32768, 1e-6, 1e4},
};
// clang-format on

ArrayRef<Architecture> architectures() { return table; }

const Architecture *findHfArchitecture(StringRef nameOrClass) {
  for (const Architecture &row : table)
    if (nameOrClass == row.name || nameOrClass == row.hfClass)
      return &row;
  return nullptr;
}

const Architecture *findGgufArchitecture(StringRef name) {
  for (const Architecture &row : table)
    if (row.ggufName && name == row.ggufName)
      return &row;
  return nullptr;
}

std::string knownArchitectures() {
  return join(map_range(table, [](const Architecture &a) { return a.name; }),
              ", ");
}

} // namespace qcc
