//===- TargetSpec.cpp - The machine that is compiled for -------------------------===//

#include "compiler/Target/TargetSpec.h"
#include "frontends/Common/Error.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Target/TargetInfo.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace qcc {

namespace {

struct NamedTarget {
  StringLiteral name, triple, cpu;
};
constexpr NamedTarget kTargets[] = {
    {"x86-64-v3", "x86_64-unknown-linux-gnu", "x86-64-v3"},
    {"x86-64-v4", "x86_64-unknown-linux-gnu", "x86-64-v4"},
    {"arm64", "aarch64-unknown-linux-gnu", "generic"},
};

Error unknownTarget(StringRef name) {
  std::string known = "native";
  for (const NamedTarget &target : kTargets)
    known += (", " + target.name).str();
  return make_error<ModelError>(ExitCode::WrongUse,
                                ("unknown target '" + name + "'; known are " + known).str());
}

void initializeTargets() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMInitializeAArch64AsmParser();
}

Expected<const Target *> lookup(const std::string &triple) {
  initializeTargets();
  std::string error;
  if (const Target *target = TargetRegistry::lookupTarget(Triple(triple), error))
    return target;
  return make_error<ModelError>(ExitCode::Internal, error);
}

/// All features that `cpu` with `attributes` has; fails for an unknown CPU or feature.
Expected<std::vector<std::string>> allFeatures(const TargetSpec &spec, StringRef attributes) {
  Expected<const Target *> target = lookup(spec.triple);
  if (!target)
    return target.takeError();
  std::unique_ptr<MCSubtargetInfo> info(
      (*target)->createMCSubtargetInfo(Triple(spec.triple), "", ""));
  if (!info->isCPUStringValid(spec.cpu)) {
    std::vector<std::string> names;
    for (const SubtargetSubTypeKV &entry : info->getAllProcessorDescriptions())
      names.push_back(entry.Key);
    return make_error<ModelError>(ExitCode::WrongUse,
                                  "unknown CPU '" + spec.cpu + "' for " +
                                      Triple(spec.triple).getArchName().str() + "; known are " +
                                      join(names, ", "));
  }
  SmallVector<StringRef> parts;
  attributes.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    StringRef name = part.ltrim("+-");
    bool known = any_of(info->getAllProcessorFeatures(),
                        [&](const SubtargetFeatureKV &f) { return name == f.Key; });
    if (!known || name.size() == part.size())
      return make_error<ModelError>(ExitCode::WrongUse,
                                    ("-mattr: '" + part + "' is not +feature or -feature of " +
                                     Triple(spec.triple).getArchName())
                                        .str());
  }
  info.reset((*target)->createMCSubtargetInfo(Triple(spec.triple), spec.cpu, attributes));
  std::vector<std::string> features;
  for (const SubtargetFeatureKV &feature : info->getAllProcessorFeatures())
    if (info->getFeatureBits().test(feature.Value))
      features.push_back(feature.Key);
  return features;
}

} // namespace

Expected<TargetSpec> resolveTarget(StringRef name, StringRef cpu, StringRef attributes) {
  TargetSpec spec;
  std::string all = attributes.str();
  if (name == "native") {
    spec.triple = Triple(sys::getProcessTriple()).isAArch64() ? "aarch64-unknown-linux-gnu"
                                                              : "x86_64-unknown-linux-gnu";
    spec.cpu = sys::getHostCPUName().str();
    // What the processor says, which under a hypervisor may be less than its name promises.
    if (cpu.empty()) {
      std::string host;
      for (const auto &feature : sys::getHostCPUFeatures())
        host += (feature.second ? "+" : "-") + feature.first().str() + ",";
      all = host + all;
    }
  } else {
    const NamedTarget *found = find_if(kTargets, [&](const NamedTarget &t) { return t.name == name; });
    if (found == std::end(kTargets))
      return unknownTarget(name);
    spec.triple = found->triple;
    spec.cpu = found->cpu;
  }
  if (!cpu.empty())
    spec.cpu = cpu.str();
  Expected<std::vector<std::string>> features = allFeatures(spec, all);
  if (!features)
    return features.takeError();
  spec.features = std::move(*features);
  return spec;
}

std::vector<std::string> neededFeatures(const TargetSpec &spec) {
  static const StringSet<> used = {
      "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "f16c", "bmi", "bmi2",
      "lzcnt", "movbe", "adx", "gfni", "avxvnni", "avx512f", "avx512bw", "avx512dq", "avx512vl",
      "avx512cd", "avx512vnni", "avx512vbmi", "avx512vbmi2", "avx512bf16", "avx512fp16",
      "avx512ifma", "avx512bitalg", "avx512vpopcntdq", "avxvnniint8", "avxneconvert", "avxifma",
      // arm64
      "fp-armv8", "neon", "fullfp16", "dotprod", "i8mm", "bf16", "lse", "rcpc", "rdm", "crc",
      "sve", "sve2"};
  std::vector<std::string> result;
  copy_if(spec.features, std::back_inserter(result),
          [](const std::string &feature) { return used.contains(feature); });
  return result;
}

std::string featureString(const TargetSpec &spec) {
  std::string text;
  for (const std::string &feature : spec.features)
    text += (text.empty() ? "+" : ",+") + feature;
  return text;
}

Expected<std::unique_ptr<TargetMachine>> createTargetMachine(const TargetSpec &spec) {
  Expected<const Target *> target = lookup(spec.triple);
  if (!target)
    return target.takeError();
  TargetOptions options;
  return std::unique_ptr<TargetMachine>((*target)->createTargetMachine(
      Triple(spec.triple), spec.cpu, featureString(spec), options, Reloc::PIC_,
      CodeModel::Small, CodeGenOptLevel::Aggressive));
}

void setTarget(mlir::ModuleOp module, const TargetSpec &spec) {
  mlir::MLIRContext *context = module.getContext();
  context->loadDialect<mlir::LLVM::LLVMDialect>();
  auto text = [&](StringRef s) { return mlir::StringAttr::get(context, s); };
  auto features = mlir::LLVM::TargetFeaturesAttr::get(context, featureString(spec));
  module->setAttr(kTargetAttrName,
                  mlir::LLVM::TargetAttr::get(context, text(spec.triple), text(spec.cpu), features));
}

} // namespace qcc
