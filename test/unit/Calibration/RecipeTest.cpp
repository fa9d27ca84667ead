//===- RecipeTest.cpp - Which grid every weight is held on ----------------------------===//
//
// Files that people write by hand: what they say comes back, and every mistake has a message.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/Recipe.h"
#include "compiler/Pipeline.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Parser/Parser.h"
#include "test/unit/Frontends/Support.h"

using namespace qcc;
using namespace qcc::test;

namespace {

TEST(Recipe, ComesBack) {
  TempDir directory;
  Recipe recipe;
  recipe.weights["a"] = {4, 32, false, GridKind::Codebook, true};
  recipe.weights["b"] = {8, 0, false, GridKind::Integer, false};
  recipe.weights["c"] = {3, 64, true, GridKind::Integer, false};
  recipe.weights["e"] = {4, 64, false, GridKind::Nf4, true};
  recipe.weights["f"] = {5, 32, false, GridKind::KQuant, false};
  recipe.weights["d"] = {16, 32, false, GridKind::Integer, false};
  std::string path = directory.path("recipe.json");
  ASSERT_EQ(failureOf(writeRecipe(recipe, path)).code, ExitCode::Done);
  llvm::Expected<Recipe> read = readRecipe(path);
  ASSERT_TRUE(bool(read)) << failureOf(read.takeError()).text;
  EXPECT_EQ(read->weights, recipe.weights);
}

TEST(Recipe, HasDefaults) {
  TempDir directory;
  llvm::Expected<Recipe> read =
      readRecipe(directory.write("r.json", R"({"weights": {"a": {"bits": 3}, "b": {}}})"));
  ASSERT_TRUE(bool(read)) << failureOf(read.takeError()).text;
  EXPECT_EQ(read->weights["a"], (GridChoice{3, 32, false, GridKind::Integer, false}));
  EXPECT_EQ(read->weights["b"], GridChoice());
}

struct BadFile {
  const char *text, *message;
  ExitCode code = ExitCode::WrongUse;
};

class BadRecipe : public testing::TestWithParam<BadFile> {};

TEST_P(BadRecipe, IsRefused) {
  TempDir directory;
  std::string path = directory.write("r.json", GetParam().text);
  Failure failure = failureOf(readRecipe(path));
  expectFailure(failure, GetParam().code, GetParam().message);
  expectFailure(failure, GetParam().code, path);
}

std::string entry(const char *text) {
  return std::string(R"({"weights": {"layer.q": )") + text + "}}";
}

const std::string kEntries[] = {
    entry("4"),
    entry(R"({"bits": -4})"),
    entry(R"({"bits": "4"})"),
    entry(R"({"group": 4112})"),
    entry(R"({"bits": 9})"),
    entry(R"({"bits": 1})"),
    entry(R"({"group": 24})"),
    entry(R"({"group": 0, "scales": "super"})"),
    entry(R"({"bit": 4})"),
    entry(R"({"grid": "nf5"})"),
    entry(R"({"scales": 4})"),
    entry(R"({"asymmetric": "yes"})"),
};

INSTANTIATE_TEST_SUITE_P(
    , BadRecipe,
    testing::Values(
        BadFile{"[]", "expected an object with 'weights'"},
        BadFile{"{}", "expected an object with 'weights'"},
        BadFile{R"({"weights": []})", "expected an object with 'weights'"},
        BadFile{R"({"weights": )", "is not valid JSON", ExitCode::BadModel},
        BadFile{kEntries[0].c_str(), "layer.q: expected an object like"},
        BadFile{kEntries[1].c_str(), "layer.q: 'bits' must be a number from 0 to 4096"},
        BadFile{kEntries[2].c_str(), "layer.q: 'bits' must be a number from 0 to 4096"},
        BadFile{kEntries[3].c_str(), "layer.q: 'group' must be a number from 0 to 4096"},
        BadFile{kEntries[4].c_str(), "layer.q: bits must be 2 to 8, or 16"},
        BadFile{kEntries[5].c_str(), "layer.q: bits must be 2 to 8, or 16"},
        BadFile{kEntries[6].c_str(), "layer.q: a group must be a multiple of 16"},
        BadFile{kEntries[7].c_str(), "layer.q: scales in int8 need groups"},
        BadFile{kEntries[8].c_str(), "layer.q: 'bit' is unknown"},
        BadFile{kEntries[9].c_str(),
                "layer.q: 'grid' is unknown or has a value that it cannot have"},
        BadFile{kEntries[10].c_str(), "layer.q: 'scales' is unknown or has a value"},
        BadFile{kEntries[11].c_str(), "layer.q: 'asymmetric' is unknown or has a value"}));

TEST(Recipe, MustBeThere) {
  TempDir directory;
  expectFailure(failureOf(readRecipe(directory.path("none.json"))), ExitCode::BadModel,
                "none.json");
}

constexpr llvm::StringLiteral kModule = R"(
  nn.weight @q : tensor<32x64xf32> sources ["q.0", "q.1"] format "f32" order "natural"
  nn.weight @k : tensor<32x64xf32> sources ["k.0", "k.1"] format "f32" order "natural"
  nn.weight @norm : tensor<64xf32> sources ["norm.0", "norm.1"] format "f32" order "natural"
)";

class AppliedRecipe : public testing::Test {
protected:
  AppliedRecipe() : context(registry()) {
    context.loadAllAvailableDialects();
    module = mlir::parseSourceString<mlir::ModuleOp>(kModule, &context);
  }
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }
  nn::WeightOp weight(llvm::StringRef name) { return module->lookupSymbol<nn::WeightOp>(name); }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(AppliedRecipe, GivesChoices) {
  ASSERT_TRUE(module);
  Recipe recipe;
  GridChoice five{5, 32, false, GridKind::Codebook, true}, other{3, 64, false, GridKind::Integer, false};
  recipe.weights["q.1"] = five;
  ASSERT_EQ(failureOf(applyRecipe(recipe, *module, other, "r.json")).code, ExitCode::Done);
  mlir::ArrayAttr choices = weight("q").getChoicesAttr();
  ASSERT_TRUE(choices && choices.size() == 2);
  EXPECT_EQ(choices[0], quant_ext::SchemeAttr::get(&context, gridScheme(other)));
  EXPECT_EQ(choices[1], quant_ext::SchemeAttr::get(&context, gridScheme(five)));
  EXPECT_FALSE(weight("k").getChoicesAttr());
  EXPECT_FALSE(weight("norm").getChoicesAttr());
}

TEST_F(AppliedRecipe, ListsWhatTheModelLacks) {
  ASSERT_TRUE(module);
  Recipe recipe;
  recipe.weights["q.0"] = recipe.weights["v.0"] = recipe.weights["norm.1"] = GridChoice();
  Failure failure = failureOf(applyRecipe(recipe, *module, GridChoice(), "r.json"));
  expectFailure(failure, ExitCode::WrongUse,
                "-recipe=r.json names weight matrices that the model lacks");
  expectFailure(failure, ExitCode::WrongUse, "v.0");
  expectFailure(failure, ExitCode::WrongUse, "norm.1");
  EXPECT_EQ(failure.text.find("q.0"), std::string::npos);
}

} // namespace
