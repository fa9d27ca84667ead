//===- Recipe.cpp - Which grid every weight is held on -------------------------------------===//

#include "compiler/Calibration/Recipe.h"
#include "compiler/Emit/Artifact.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "frontends/Common/Error.h"
#include "frontends/Common/Json.h"
#include <set>

using namespace llvm;

namespace qcc {
namespace {
constexpr const char *kDirect = "f16", *kSuper = "super";

/// One entry of "weights"; what is wrong with it otherwise.
std::string parseChoice(const nlohmann::json &json, GridChoice &choice) {
  if (!json.is_object())
    return "expected an object like {\"bits\": 4, \"group\": 32}";
  for (const auto &[key, value] : json.items()) {
    if (key == "bits" || key == "group") {
      if (!value.is_number_unsigned() || value.get<uint64_t>() > 4096)
        return "'" + key + "' must be a number from 0 to 4096";
      (key == "bits" ? choice.bits : choice.group) = value.get<unsigned>();
    } else if (key == "asymmetric" && value.is_boolean()) {
      choice.asymmetric = value.get<bool>();
    } else if (key == "grid" && value.is_string() && gridOfName(value.get<std::string>())) {
      choice.kind = *gridOfName(value.get<std::string>());
    } else if (key == "scales" && (value == kDirect || value == kSuper)) {
      choice.superScales = value == kSuper;
    } else {
      return "'" + key + "' is unknown or has a value that it cannot have; expected bits, group, "
             "grid (integer, codebook, nf4 or kquant), scales (f16 or super) and asymmetric (true or false)";
    }
  }
  return checkGrid(choice);
}
} // namespace

Expected<Recipe> readRecipe(StringRef path) {
  Expected<nlohmann::json> json = readJson(path);
  if (!json)
    return json.takeError();
  if (!json->is_object() || !json->contains("weights") || !(*json)["weights"].is_object())
    return wrongUse("-recipe=" + path, "expected an object with 'weights'");
  Recipe recipe;
  for (const auto &[name, value] : (*json)["weights"].items()) {
    GridChoice choice;
    if (std::string wrong = parseChoice(value, choice); !wrong.empty())
      return wrongUse("-recipe=" + path, name + ": " + wrong);
    recipe.weights[name] = choice;
  }
  return recipe;
}

Error writeRecipe(const Recipe &recipe, StringRef path) {
  nlohmann::ordered_json weights = nlohmann::ordered_json::object();
  for (const auto &[name, choice] : recipe.weights) {
    nlohmann::ordered_json entry = {{"bits", choice.bits}};
    if (choice.bits != 16) {
      entry["group"] = choice.group;
      entry["grid"] = gridName(choice.kind);
      entry["scales"] = choice.superScales ? kSuper : kDirect;
      if (choice.asymmetric)
        entry["asymmetric"] = true;
    }
    weights[name] = entry;
  }
  return writeFileAtomically(path, nlohmann::ordered_json{{"weights", weights}}.dump(1) + "\n");
}

Error applyRecipe(const Recipe &recipe, mlir::ModuleOp module, const GridChoice &other,
                  StringRef path) {
  std::set<std::string> unknown;
  for (const auto &entry : recipe.weights)
    unknown.insert(entry.first);
  mlir::MLIRContext *context = module.getContext();
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (cast<mlir::RankedTensorType>(weight.getSourceType()).getRank() != 2)
      continue;
    SmallVector<mlir::Attribute> choices;
    bool named = false;
    for (auto source : weight.getSources().getAsRange<mlir::StringAttr>()) {
      auto found = recipe.weights.find(source.str());
      named |= found != recipe.weights.end();
      unknown.erase(source.str());
      choices.push_back(quant_ext::SchemeAttr::get(
          context, gridScheme(found == recipe.weights.end() ? other : found->second)));
    }
    if (named)
      weight.setChoicesAttr(mlir::ArrayAttr::get(context, choices));
  }
  if (unknown.empty())
    return Error::success();
  return make_error<ModelError>(
      ExitCode::WrongUse, ("-recipe=" + path + " names weight matrices that the model lacks").str(),
      std::vector<std::string>(unknown.begin(), unknown.end()));
}

} // namespace qcc
