//===- CpuFeatures.cpp - Whether this processor can run the program
//--------===//
//
// x86-64: the bits of CPUID (Intel SDM vol. 2A, "CPUID") and, for registers
// that the system must save, of XGETBV. arm64: the bits of AT_HWCAP and
// AT_HWCAP2 (Linux, Documentation/arch/arm64/elf_hwcaps.rst).
//
//===----------------------------------------------------------------------===//
#include "runtime/src/CpuFeatures.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace qcc::rt {

#if defined(__x86_64__)

namespace {
enum Register { EAX, EBX, ECX, EDX };
/// What of XCR0 a feature needs.
enum State { Any = 0, Avx = 0x6, Avx512 = 0xE6, Amx = 0x60006 };

struct Bit {
  const char *name;
  uint32_t leaf, subleaf;
  Register where;
  unsigned bit;
  State state;
};
} // namespace

static const Bit kBits[] = {
    {"cmov", 1, 0, EDX, 15, Any},
    {"cx8", 1, 0, EDX, 8, Any},
    {"mmx", 1, 0, EDX, 23, Any},
    {"fxsr", 1, 0, EDX, 24, Any},
    {"sse", 1, 0, EDX, 25, Any},
    {"sse2", 1, 0, EDX, 26, Any},
    {"sse3", 1, 0, ECX, 0, Any},
    {"pclmul", 1, 0, ECX, 1, Any},
    {"ssse3", 1, 0, ECX, 9, Any},
    {"fma", 1, 0, ECX, 12, Avx},
    {"cx16", 1, 0, ECX, 13, Any},
    {"sse4.1", 1, 0, ECX, 19, Any},
    {"sse4.2", 1, 0, ECX, 20, Any},
    {"movbe", 1, 0, ECX, 22, Any},
    {"popcnt", 1, 0, ECX, 23, Any},
    {"aes", 1, 0, ECX, 25, Any},
    {"xsave", 1, 0, ECX, 26, Any},
    {"avx", 1, 0, ECX, 28, Avx},
    {"f16c", 1, 0, ECX, 29, Avx},
    {"rdrnd", 1, 0, ECX, 30, Any},
    {"fsgsbase", 7, 0, EBX, 0, Any},
    {"bmi", 7, 0, EBX, 3, Any},
    {"avx2", 7, 0, EBX, 5, Avx},
    {"bmi2", 7, 0, EBX, 8, Any},
    {"avx512f", 7, 0, EBX, 16, Avx512},
    {"avx512dq", 7, 0, EBX, 17, Avx512},
    {"rdseed", 7, 0, EBX, 18, Any},
    {"adx", 7, 0, EBX, 19, Any},
    {"avx512ifma", 7, 0, EBX, 21, Avx512},
    {"clflushopt", 7, 0, EBX, 23, Any},
    {"clwb", 7, 0, EBX, 24, Any},
    {"avx512cd", 7, 0, EBX, 28, Avx512},
    {"sha", 7, 0, EBX, 29, Any},
    {"avx512bw", 7, 0, EBX, 30, Avx512},
    {"avx512vl", 7, 0, EBX, 31, Avx512},
    {"avx512vbmi", 7, 0, ECX, 1, Avx512},
    {"avx512vbmi2", 7, 0, ECX, 6, Avx512},
    {"gfni", 7, 0, ECX, 8, Any},
    {"vaes", 7, 0, ECX, 9, Avx},
    {"vpclmulqdq", 7, 0, ECX, 10, Avx},
    {"avx512vnni", 7, 0, ECX, 11, Avx512},
    {"avx512bitalg", 7, 0, ECX, 12, Avx512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, Avx512},
    {"avx512vp2intersect", 7, 0, EDX, 8, Avx512},
    {"amx-bf16", 7, 0, EDX, 22, Amx},
    {"avx512fp16", 7, 0, EDX, 23, Avx512},
    {"amx-tile", 7, 0, EDX, 24, Amx},
    {"amx-int8", 7, 0, EDX, 25, Amx},
    {"avxvnni", 7, 1, EAX, 4, Avx},
    {"avx512bf16", 7, 1, EAX, 5, Avx512},
    {"amx-fp16", 7, 1, EAX, 21, Amx},
    {"avxifma", 7, 1, EAX, 23, Avx},
    {"avxvnniint8", 7, 1, EDX, 4, Avx},
    {"avxneconvert", 7, 1, EDX, 5, Avx},
    {"avxvnniint16", 7, 1, EDX, 10, Avx},
    {"xsaveopt", 0xD, 1, EAX, 0, Any},
    {"xsavec", 0xD, 1, EAX, 1, Any},
    {"xsaves", 0xD, 1, EAX, 3, Any},
    {"sahf", 0x80000001, 0, ECX, 0, Any},
    {"lzcnt", 0x80000001, 0, ECX, 5, Any},
    {"sse4a", 0x80000001, 0, ECX, 6, Any},
    {"prfchw", 0x80000001, 0, ECX, 8, Any},
    {"xop", 0x80000001, 0, ECX, 11, Avx},
    {"fma4", 0x80000001, 0, ECX, 16, Avx},
    {"tbm", 0x80000001, 0, ECX, 21, Any},
};

/// Register states that the system saves (XCR0).
static uint64_t savedState() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27)))
    return 0;
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

static bool hasBit(const Bit &bit) {
  unsigned regs[4] = {0, 0, 0, 0};
  if (!__get_cpuid_count(bit.leaf, bit.subleaf, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX]))
    return false;
  // Leaf 7 says in EAX of subleaf 0 how many subleaves there are.
  if (bit.leaf == 7 && bit.subleaf != 0) {
    unsigned first[4];
    __get_cpuid_count(7, 0, &first[0], &first[1], &first[2], &first[3]);
    if (first[0] < bit.subleaf)
      return false;
  }
  return (regs[bit.where] >> bit.bit) & 1 &&
         (savedState() & bit.state) == static_cast<uint64_t>(bit.state);
}

static const char kAdvice[] = "compile it again with -target=native on this machine, or with "
                              "-target=x86-64-v3";

#elif defined(__aarch64__)

namespace {
struct Bit {
  const char *name;
  int type; ///< AT_HWCAP or AT_HWCAP2
  unsigned bit;
};
} // namespace

static const Bit kBits[] = {
    {"fp-armv8", AT_HWCAP, 0},      {"neon", AT_HWCAP, 1},      {"aes", AT_HWCAP, 3},
    {"sha2", AT_HWCAP, 6},          {"crc", AT_HWCAP, 7},       {"lse", AT_HWCAP, 8},
    {"fullfp16", AT_HWCAP, 10},     {"rdm", AT_HWCAP, 12},      {"jsconv", AT_HWCAP, 13},
    {"complxnum", AT_HWCAP, 14},    {"rcpc", AT_HWCAP, 15},     {"ccpp", AT_HWCAP, 16},
    {"sha3", AT_HWCAP, 17},         {"sm4", AT_HWCAP, 19},      {"dotprod", AT_HWCAP, 20},
    {"sve", AT_HWCAP, 22},          {"fp16fml", AT_HWCAP, 23},  {"dit", AT_HWCAP, 24},
    {"rcpc-immo", AT_HWCAP, 26},    {"flagm", AT_HWCAP, 27},    {"ssbs", AT_HWCAP, 28},
    {"sb", AT_HWCAP, 29},           {"pauth", AT_HWCAP, 30},    {"ccdp", AT_HWCAP2, 0},
    {"sve2", AT_HWCAP2, 1},         {"sve-aes", AT_HWCAP2, 2},  {"sve-bitperm", AT_HWCAP2, 4},
    {"sve2-bitperm", AT_HWCAP2, 4}, {"sve-sha3", AT_HWCAP2, 5}, {"sve-sm4", AT_HWCAP2, 6},
    {"altnzcv", AT_HWCAP2, 7},      {"fptoint", AT_HWCAP2, 8},  {"f32mm", AT_HWCAP2, 10},
    {"f64mm", AT_HWCAP2, 11},       {"i8mm", AT_HWCAP2, 13},    {"bf16", AT_HWCAP2, 14},
    {"rand", AT_HWCAP2, 16},        {"bti", AT_HWCAP2, 17},     {"mte", AT_HWCAP2, 18},
    {"sme", AT_HWCAP2, 23},
};

static bool hasBit(const Bit &bit) {
  return (getauxval(static_cast<unsigned long>(bit.type)) >> bit.bit) & 1;
}

static const char kAdvice[] =
    "compile it again with -target=arm64, or with -mcpu= for this processor";

#endif

Feature cpuFeature(const std::string &name) {
  for (const Bit &bit : kBits)
    if (name == bit.name)
      return hasBit(bit) ? Feature::Present : Feature::Missing;
  return Feature::Unknown;
}

std::vector<std::string> missingFeatures(const char *list, std::vector<std::string> *unknown) {
  std::vector<std::string> missing;
  for (const char *at = list == nullptr ? "" : list; *at != 0;) {
    size_t size = strcspn(at, ",");
    std::string name(at, size);
    at += size + (at[size] == ',');
    if (!name.empty() && name[0] == '+')
      name.erase(0, 1);
    if (name.empty() || name[0] == '-')
      continue;
    Feature feature = cpuFeature(name);
    if (feature == Feature::Missing)
      missing.push_back(name);
    else if (feature == Feature::Unknown && unknown != nullptr)
      unknown->push_back(name);
  }
  return missing;
}

static void onIllegalInstruction(int) {
  static const char text[] = "error: this processor lacks an instruction that the program was "
                             "compiled for; compile it again for this machine\n";
  ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
  (void)ignored;
  _exit(kNotSupported);
}

void reportIllegalInstructions() { signal(SIGILL, onIllegalInstruction); }

Status checkProcessor(const char *program, const char *features) {
  std::vector<std::string> missing = missingFeatures(features, nullptr);
  if (missing.empty())
    return {};
  std::string names;
  for (const std::string &name : missing)
    names += (names.empty() ? "" : ", ") + name;
  return fail(kNotSupported, "this processor lacks what %s was compiled for: %s; %s", program,
              names.c_str(), kAdvice);
}

} // namespace qcc::rt
