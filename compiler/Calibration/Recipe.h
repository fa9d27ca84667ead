//===- Recipe.h - Which grid every weight is held on ---------------------------------------===//
//
// What -bits=auto chose, or a person wrote: a grid for each weight matrix of the model file, by the tensor's
// name. As a file it is JSON:
//
//   {"weights": {"model.layers.0.mlp.up_proj.weight": {"bits": 4, "group": 32, "grid": "codebook",
//                                                      "scales": "super"}, ...}}
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_RECIPE_H
#define QCC_COMPILER_CALIBRATION_RECIPE_H

#include "dialects/QuantExt/Codec/Presets.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <map>

namespace qcc {

struct Recipe {
  std::map<std::string, GridChoice> weights; ///< by source tensor
};

/// Errors name the file (BadModel when it cannot be read or is no JSON), the tensor and the key (WrongUse).
llvm::Expected<Recipe> readRecipe(llvm::StringRef path);
llvm::Error writeRecipe(const Recipe &recipe, llvm::StringRef path);

/// Gives the choices to the nn.weights of a module that was just imported. Layers that the recipe
/// does not name, of a weight that it names for others, are held on the grid `other`. Errors
/// (WrongUse) list the names that the model lacks.
llvm::Error applyRecipe(const Recipe &recipe, mlir::ModuleOp module, const GridChoice &other,
                        llvm::StringRef path);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_RECIPE_H
