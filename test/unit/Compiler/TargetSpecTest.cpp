//===- TargetSpecTest.cpp - Targets, CPUs and features ----------------------------===//
//
// What -target, -mcpu and -mattr come to, and what is said when they come to nothing.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/TargetSpec.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Target/TargetInfo.h"
#include "test/unit/Frontends/Support.h"
#include "llvm/ADT/STLExtras.h"

using namespace qcc;
using namespace qcc::test;
using Dot = TargetInfo::Dot;

namespace {

struct Target {
  const char *target, *cpu, *attributes;
  const char *triple, *resolvedCpu;
  std::vector<std::string> has, lacks;
  Dot dot;
};

const Target kTargets[] = {
    {"x86-64-v3",
     "",
     "",
     "x86_64-unknown-linux-gnu",
     "x86-64-v3",
     {"avx2", "fma", "f16c"},
     {"avx512f", "avxvnni"},
     Dot::Maddubs},
    {"x86-64-v3",
     "",
     "+avxvnni",
     "x86_64-unknown-linux-gnu",
     "x86-64-v3",
     {"avx2", "avxvnni"},
     {"avx512f"},
     Dot::VNNI256},
    {"x86-64-v4",
     "",
     "",
     "x86_64-unknown-linux-gnu",
     "x86-64-v4",
     {"avx512bw", "avx512vl"},
     {"avx512vnni"},
     Dot::Maddubs},
    {"x86-64-v4",
     "",
     "+avx512vnni",
     "x86_64-unknown-linux-gnu",
     "x86-64-v4",
     {"avx512bw", "avx512vnni"},
     {"amx-int8"},
     Dot::VNNI512},
    {"x86-64-v4",
     "znver5",
     "",
     "x86_64-unknown-linux-gnu",
     "znver5",
     {"avx512vnni"},
     {},
     Dot::VNNI512},
    {"x86-64-v4",
     "znver5",
     "-avx512vnni,-avxvnni",
     "x86_64-unknown-linux-gnu",
     "znver5",
     {"avx512bw"},
     {"avx512vnni", "avxvnni"},
     Dot::Maddubs},
    {"arm64", "", "", "aarch64-unknown-linux-gnu", "generic", {"neon"}, {"dotprod"}, Dot::None},
    {"arm64",
     "cortex-a76",
     "",
     "aarch64-unknown-linux-gnu",
     "cortex-a76",
     {"neon", "dotprod"},
     {},
     Dot::NeonDot},
    {"arm64",
     "",
     "+dotprod",
     "aarch64-unknown-linux-gnu",
     "generic",
     {"dotprod"},
     {},
     Dot::NeonDot},
};

bool has(const std::vector<std::string> &list, const std::string &name) {
  return llvm::is_contained(list, name);
}

TEST(TargetSpec, Resolves) {
  for (const Target &t : kTargets) {
    SCOPED_TRACE(std::string(t.target) + " " + t.cpu + " " + t.attributes);
    llvm::Expected<TargetSpec> spec = resolveTarget(t.target, t.cpu, t.attributes);
    ASSERT_TRUE(bool(spec)) << failureOf(spec.takeError()).text;
    EXPECT_EQ(spec->triple, t.triple);
    EXPECT_EQ(spec->cpu, t.resolvedCpu);
    EXPECT_TRUE(llvm::is_sorted(spec->features));
    for (const std::string &name : t.has)
      EXPECT_TRUE(has(spec->features, name)) << name;
    for (const std::string &name : t.lacks)
      EXPECT_FALSE(has(spec->features, name)) << name;
  }
}

TEST(TargetSpec, PassesSeeItsDotProduct) {
  for (const Target &t : kTargets) {
    SCOPED_TRACE(std::string(t.target) + " " + t.cpu + " " + t.attributes);
    llvm::Expected<TargetSpec> spec = resolveTarget(t.target, t.cpu, t.attributes);
    ASSERT_TRUE(bool(spec));
    mlir::MLIRContext context;
    mlir::OwningOpRef<mlir::ModuleOp> module =
        mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    setTarget(*module, *spec);
    EXPECT_EQ(TargetInfo::of(*module).dot, t.dot);
  }
}

TEST(TargetSpec, NativeIsThisMachine) {
  llvm::Expected<TargetSpec> spec = resolveTarget("native", "", "");
  ASSERT_TRUE(bool(spec));
  EXPECT_FALSE(spec->cpu.empty());
  EXPECT_FALSE(spec->features.empty());
}

TEST(TargetSpec, NeededFeaturesAreAmongAll) {
  for (const Target &t : kTargets) {
    llvm::Expected<TargetSpec> spec = resolveTarget(t.target, t.cpu, t.attributes);
    ASSERT_TRUE(bool(spec));
    std::vector<std::string> needed = neededFeatures(*spec);
    for (const std::string &name : needed)
      EXPECT_TRUE(has(spec->features, name)) << name;
    if (has(spec->features, "avx2"))
      EXPECT_TRUE(has(needed, "avx2"));
    EXPECT_FALSE(has(needed, "amx-int8"));
  }
}

TEST(TargetSpec, MakesACodeGenerator) {
  for (const char *name : {"native", "x86-64-v3", "x86-64-v4", "arm64"}) {
    llvm::Expected<TargetSpec> spec = resolveTarget(name, "", "");
    ASSERT_TRUE(bool(spec));
    auto machine = createTargetMachine(*spec);
    ASSERT_TRUE(bool(machine)) << name;
    EXPECT_EQ((*machine)->getTargetTriple().str(), spec->triple);
  }
}

TEST(TargetSpec, Errors) {
  struct {
    const char *target, *cpu, *attributes, *message;
  } cases[] = {
      {"vax", "", "", "unknown target 'vax'; known are native, x86-64-v3, x86-64-v4, arm64"},
      {"", "", "", "unknown target ''"},
      {"arm64", "znver5", "", "unknown CPU 'znver5' for aarch64; known are "},
      {"x86-64-v3", "cortex-a76", "", "unknown CPU 'cortex-a76' for x86_64; known are "},
      {"x86-64-v3", "", "+dotprod", "'+dotprod' is not +feature or -feature of x86_64"},
      {"arm64", "", "dotprod", "'dotprod' is not +feature or -feature of aarch64"},
      {"arm64", "", "+neon,+", "'+' is not +feature or -feature of aarch64"},
  };
  for (const auto &c : cases)
    expectFailure(failureOf(resolveTarget(c.target, c.cpu, c.attributes)), ExitCode::WrongUse,
                  c.message);
}

} // namespace
