//===- CpuFeaturesTest.cpp
//-------------------------------------------------===//
#include "runtime/src/CpuFeatures.h"
#include "TempFile.h"

using namespace qcc::rt;

#if defined(__x86_64__)
static const char kBase[] = "sse2", kAbsent[] = "xop,fma4";
#else
static const char kBase[] = "neon", kAbsent[] = "sm4,rand";
#endif

TEST(CpuFeatures, KnowsTheBase) {
  EXPECT_EQ(cpuFeature(kBase), Feature::Present);
  EXPECT_EQ(cpuFeature("warp-drive"), Feature::Unknown);
}

TEST(CpuFeatures, ReadsLists) {
  std::vector<std::string> unknown;
  std::string list = std::string("+") + kBase + ",-whatever,,fast-bytes";
  EXPECT_TRUE(missingFeatures(list.c_str(), &unknown).empty());
  EXPECT_EQ(unknown, std::vector<std::string>{"fast-bytes"});
  EXPECT_TRUE(missingFeatures(nullptr, nullptr).empty());
  EXPECT_TRUE(missingFeatures("", nullptr).empty());
}

TEST(CpuFeatures, NamesWhatIsMissing) {
  // Features that no one processor has, at least one of them missing.
  std::vector<std::string> missing = missingFeatures(kAbsent, nullptr);
  if (missing.empty())
    GTEST_SKIP() << "this processor has " << kAbsent;
  Status status = checkProcessor("model", kAbsent);
  expectFailure(status, kNotSupported, "this processor lacks what model was");
  expectFailure(status, kNotSupported, missing.back());
  expectFailure(status, kNotSupported, "compile it again");
  EXPECT_FALSE(checkProcessor("model", kBase).failed());
}

#if defined(__x86_64__)
TEST(CpuFeatures, AgreesWithTheCompiler) {
  struct {
    const char *name;
    bool have;
  } const cases[] = {
      {"avx2", __builtin_cpu_supports("avx2") != 0},
      {"fma", __builtin_cpu_supports("fma") != 0},
      {"bmi2", __builtin_cpu_supports("bmi2") != 0},
      {"avx512f", __builtin_cpu_supports("avx512f") != 0},
      {"avx512vl", __builtin_cpu_supports("avx512vl") != 0},
      {"avx512vnni", __builtin_cpu_supports("avx512vnni") != 0},
      {"popcnt", __builtin_cpu_supports("popcnt") != 0},
  };
  for (const auto &c : cases)
    EXPECT_EQ(cpuFeature(c.name) == Feature::Present, c.have) << c.name;
}
#endif
