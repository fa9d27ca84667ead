//===- MutationTest.cpp - Damaged files never crash a reader
//----------------===//
//
// Deterministic byte flips over small files. A reader must refuse or accept
// each of them; run under the sanitizers, this finds what the tables of
// malformed files missed.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "frontends/LanguageModel/GgufConfig.h"
#include "frontends/LanguageModel/LanguageModel.h"
#include "frontends/ONNX/OnnxModel.h"
#include "frontends/Safetensors/Safetensors.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <random>

using namespace qcc;
using namespace qcc::test;

namespace {

using Consumer = llvm::function_ref<void(std::shared_ptr<const MappedFile>)>;

/// Feeds `rounds` damaged copies of `original`. Damage is in the first `reach`
/// bytes: behind the header, it would only change weights.
void mutate(const Bytes &original, size_t reach, int rounds, Consumer consume) {
  std::mt19937 random(20240601);
  reach = std::min(reach, original.size());
  for (int round = 0; round < rounds; ++round) {
    Bytes bytes = original;
    int flips = 1 + random() % 4;
    for (int i = 0; i < flips; ++i) {
      uint8_t &byte = bytes[random() % reach];
      // Bit flips, and the values that turn sizes into extremes.
      switch (random() % 4) {
      case 0:
        byte = 0xff;
        break;
      case 1:
        byte = 0;
        break;
      default:
        byte ^= uint8_t(1u << random() % 8);
      }
    }
    if (random() % 8 == 0)
      bytes.resize(random() % bytes.size());
    consume(inMemory(std::move(bytes)));
  }
}

/// Reads every byte that a tensor claims to have.
unsigned touch(const TensorTable &tensors) {
  unsigned sum = 0;
  for (const SourceTensor &tensor : tensors)
    if (!tensor.bytes.empty())
      sum += tensor.bytes.front() + tensor.bytes.back();
  return sum;
}

void consumeGguf(std::shared_ptr<const MappedFile> file) {
  auto gguf = readGguf(std::move(file));
  if (!gguf) {
    llvm::consumeError(gguf.takeError());
    return;
  }
  (void)describe(*gguf);
  touch(gguf->tensors);
  auto config = readGgufConfig(*gguf);
  if (!config) {
    llvm::consumeError(config.takeError());
    return;
  }
  LanguageModelSource model;
  model.config = std::move(*config);
  model.tensors = std::move(gguf->tensors);
  model.gguf = std::make_shared<const GgufFile>(std::move(*gguf));
  llvm::consumeError(model.bind());
}

void consumeSafetensors(std::shared_ptr<const MappedFile> file) {
  auto contents = readSafetensors(std::move(file));
  if (contents)
    touch(contents->tensors);
  else
    llvm::consumeError(contents.takeError());
}

void consumeOnnx(std::shared_ptr<const MappedFile> file) {
  auto model = OnnxModel::parse(std::move(file));
  if (!model) {
    llvm::consumeError(model.takeError());
    return;
  }
  (void)describe(**model);
  touch((*model)->initializers());
}

TEST(Mutation, Gguf) { mutate(tinyGguf(), SIZE_MAX, 20000, consumeGguf); }

TEST(Mutation, Safetensors) {
  mutate(tinyWeights(), 3000, 20000, consumeSafetensors);
}

TEST(Mutation, Config) {
  TempDir dir;
  dir.write("model.safetensors", tinyWeights());
  mutate(toBytes(tinyConfig(
             {{"rope_scaling", R"({"rope_type":"yarn","factor":4})"}})),
         SIZE_MAX, 3000, [&](std::shared_ptr<const MappedFile> file) {
           dir.write("config.json", file->bytes().vec());
           auto model = openLanguageModel(dir.path());
           if (!model)
             llvm::consumeError(model.takeError());
         });
}

TEST(Mutation, Onnx) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto *graph = model.mutable_graph();
  for (int depth = 0; depth < 3; ++depth) {
    graph->add_input()->set_name("x" + std::to_string(depth));
    onnx::TensorProto &weight = *graph->add_initializer();
    weight.set_name("w" + std::to_string(depth));
    weight.set_data_type(onnx::TensorProto::INT8 + depth);
    weight.add_dims(3);
    for (int i = 0; i < 3; ++i)
      weight.add_int32_data(i - depth);
    onnx::NodeProto &node = *graph->add_node();
    node.set_op_type("Loop");
    node.add_input("w" + std::to_string(depth));
    node.add_output("y" + std::to_string(depth));
    graph->add_output()->set_name("y" + std::to_string(depth));
    node.add_attribute()->set_name("body");
    graph = node.mutable_attribute(0)->mutable_g();
  }
  ASSERT_TRUE(
      bool(OnnxModel::parse(inMemory(toBytes(model.SerializeAsString())))));
  mutate(toBytes(model.SerializeAsString()), SIZE_MAX, 20000, consumeOnnx);
}

TEST(Mutation, SharedFiles) {
  if (sharedData("gguf").empty())
    GTEST_SKIP() << "the shared data is not there";
  mutate(readBytes(sharedData("gguf/q2_k.gguf")), 30000, 300, consumeGguf);
  mutate(readBytes(sharedData("families/llama/model.safetensors")), 3000, 500,
         consumeSafetensors);
  mutate(readBytes(sharedData("onnx/mnist/model.onnx")), SIZE_MAX, 3000,
         consumeOnnx);
  mutate(readBytes(sharedData("onnx/silero_vad/model.onnx")), SIZE_MAX, 100,
         consumeOnnx);
}

} // namespace
