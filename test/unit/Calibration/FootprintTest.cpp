//===- FootprintTest.cpp - The memory that a compiled model takes -----------------------===//
//
// families/llama: 86016 weights in the matrices of two layers, 32 channels of keys and of values.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/Footprint.h"
#include "test/unit/Calibration/TestModel.h"

using namespace qcc;
using namespace qcc::test;

namespace {

class Footprints : public TestModel {
protected:
  Footprint measure(int64_t bits, int64_t context) {
    CompilerOptions options;
    options.bits = bits;
    options.context = context;
    options.activations = Activations::F32;
    options.kv = KVCache::F16;
    options.calibration = "not read";
    llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
        model->import(&this->context, options);
    if (!module) {
      ADD_FAILURE() << failureOf(module.takeError()).text;
      return {};
    }
    llvm::Expected<Footprint> footprint = measureFootprint(**module, *model, options, 2);
    if (footprint)
      return *footprint;
    ADD_FAILURE() << failureOf(footprint.takeError()).text;
    return {};
  }
};

TEST_F(Footprints, CountWhatTheyShould) {
  Footprint footprint = measure(4, 128);
  EXPECT_EQ(footprint.layers, 86016 * 9 / 16); // 4 bits, and a binary16 for each 32
  EXPECT_GT(footprint.weights, footprint.layers);
  EXPECT_EQ(footprint.state, 2 * 2 * 128 * 32 * 2);
  EXPECT_GT(footprint.scratch, 128 * 160 * 4);
}

TEST_F(Footprints, DifferInTheLayersAlone) {
  Footprint four = measure(4, 128), eight = measure(8, 128);
  EXPECT_EQ(eight.layers, 86016 * 17 / 16);
  EXPECT_EQ(four.withoutLayers(), eight.withoutLayers());
}

TEST_F(Footprints, GrowWithTheContext) {
  EXPECT_EQ(measure(4, 256).state, 2 * measure(4, 128).state);
}

} // namespace
