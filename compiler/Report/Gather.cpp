//===- Gather.cpp - What a compiled module's weights take -----------------------------===//

#include "compiler/Report/Gather.h"
#include "dialects/NN/IR/CalibratedWeights.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/Codec/Presets.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <set>
#include <sys/resource.h>

using namespace llvm;

namespace qcc {
namespace {

/// The symbol without the number that qcc-split-weights appends.
StringRef kindOf(nn::WeightOp weight) {
  auto [kind, number] = weight.getSymName().rsplit('.');
  return !number.empty() && all_of(number, isDigit) ? kind : weight.getSymName();
}

/// What its bytes count as.
StringRef categoryOf(nn::WeightOp weight, int64_t rank) {
  StringRef name = kindOf(weight).rsplit('.').second;
  if (name.empty())
    name = kindOf(weight);
  if (weight.getRole() == "embedding" || weight.getRole() == "output")
    return "embedding";
  if (weight.getRole())
    return *weight.getRole();
  if (name == nn::kInputScale)
    return "scales";
  if (is_contained({nn::kOutliers, nn::kInliers, nn::kOutlierColumns}, name))
    return "outliers";
  if (rank == 1)
    return name.contains("norm") ? "norms" : "biases";
  return StringSwitch<StringRef>(name)
      .Cases({"q", "k", "v", "o"}, "attention")
      .Cases({"gate", "up", "down"}, "ffn")
      .Default("other");
}

/// The report's entry of these, made when there is none.
GridUse &gridUse(CompileReport &report, StringRef kind, const std::string &grid) {
  auto found = find_if(report.grids,
                       [&](const GridUse &use) { return use.kind == kind && use.grid == grid; });
  if (found != report.grids.end())
    return *found;
  report.grids.push_back({kind.str(), grid});
  return report.grids.back();
}

} // namespace

std::string describeGrid(const Scheme &scheme) {
  switch (scheme.code) {
  case CodeKind::F32:
    return "f32";
  case CodeKind::F16:
    return "f16";
  case CodeKind::BF16:
    return "bf16";
  case CodeKind::Integer:
  case CodeKind::Codebook:
  case CodeKind::FloatCodebook:
    break;
  }
  std::string text =
      (scheme.code == CodeKind::Integer                             ? "int"
       : scheme.code == CodeKind::Codebook                          ? "codebook"
       : scheme.floatCodebook == nf4Scheme(64, false).floatCodebook ? "nf"
                                                                    : "float codebook") +
      std::to_string(scheme.bits);
  text += scheme.groupSize ? " in groups of " + std::to_string(scheme.groupSize) : " by rows";
  if (scheme.scale == ScaleKind::Super)
    text += ", int8 scales";
  if (scheme.superSize)
    text += ", super-blocks of " + std::to_string(scheme.superSize);
  if (scheme.min != MinKind::None)
    text += ", asymmetric";
  return text;
}

void addWeights(mlir::ModuleOp module, CompileReport &report) {
  MapVector<StringRef, uint64_t> categories;
  std::set<std::string> methods;
  double layerBits = 0;
  int64_t layerElements = 0;
  for (auto weight : module.getOps<nn::WeightOp>()) {
    auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
    bool matrix = type.getRank() == 2 && weight.getScheme();
    int64_t instances = weight.getSources().size();
    int64_t elements = type.getNumElements() * instances;
    uint64_t bytes = static_cast<uint64_t>(*weight.getStride()) * instances;
    StringRef category = categoryOf(weight, type.getRank());
    categories[category] += bytes;
    bool outliers = category == "outliers"; // a second copy of some columns
    if (category != "scales" && !outliers)
      report.parameters += elements;
    if (!matrix)
      continue;
    Scheme scheme = cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
    if (outliers) {
      layerBits += scheme.bitsPerWeight(type.getDimSize(1)) * elements;
      continue;
    }
    GridUse &use = gridUse(report, kindOf(weight), describeGrid(scheme));
    use.instances += instances;
    use.elements += elements;
    use.bytes += bytes;
    if (weight.getRole())
      continue;
    layerBits += scheme.bitsPerWeight(type.getDimSize(1)) * elements;
    layerElements += elements;
    methods.insert(weight.getMethod().value_or("").str());
  }
  for (auto &[name, bytes] : categories)
    report.bytes.push_back({name.str(), bytes});
  report.layerBits = layerElements ? layerBits / layerElements : 0;
  report.methods = join(methods, ", ");
}

uint64_t peakMemory() {
  rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<uint64_t>(usage.ru_maxrss) * 1024 : 0;
}

} // namespace qcc
