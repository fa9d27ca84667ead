//===- LinkerTest.cpp
//------------------------------------------------------===//
//
// Errors of linking; links that succeed are in artifact_test.py.
//
//===----------------------------------------------------------------------===//
#include "compiler/Emit/Linker.h"
#include "EmitTesting.h"

using namespace qcc;

TEST(Linker, KnowsTriples) {
  EXPECT_EQ(*archOfTriple("x86_64-unknown-linux-gnu"), LinkArch::X86_64);
  EXPECT_EQ(*archOfTriple("aarch64-linux-gnu"), LinkArch::AArch64);
  for (const char *bad : {"riscv64-linux-gnu", "x86_64-apple-darwin", ""})
    expectError(archOfTriple(bad), ExitCode::Unsupported, "cannot link programs for");
}

TEST(Linker, FindsTheRuntimeBesideIt) {
  TempDir dir;
  std::string program = dir.file("bin/qcc");
  expectError(findRuntimeDir(program), ExitCode::WrongUse,
              "install qcc with its lib/qcc beside its bin");
  std::filesystem::create_directories(dir.file("lib/qcc"));
  EXPECT_EQ(*findRuntimeDir(program), dir.file("lib/qcc"));
}

TEST(Linker, MissingPartsAreNamed) {
  TempDir dir;
  LinkOptions options;
  options.runtimeDir = dir.path;
  expectError(linkExecutable(options, {}, dir.file("out")), ExitCode::WrongUse,
              "x86-64/crt1.o is missing; install qcc again");
  expectError(linkShared(options, {}, "m", "m.so", dir.file("out")), ExitCode::WrongUse,
              "libqccrt_library.a is missing");
  expectError(archiveStatic(options, {}, "m", dir.file("out")), ExitCode::WrongUse,
              "libqccrt_library.a is missing");
}

TEST(Linker, SaysWhatTheLinkerSays) {
  TempDir dir;
  std::filesystem::create_directories(dir.file("x86-64"));
  for (const char *name : {"crt1.o", "crti.o", "crtbeginT.o", "libqccrt_tensor.a", "libm.a",
                           "libc.a", "libgcc.a", "libgcc_eh.a", "crtend.o", "crtn.o"})
    dir.write(std::string("x86-64/") + name, "not an object");
  LinkOptions options;
  options.runtimeDir = dir.path;
  // Twice: lld can run again in the same process.
  for (int i = 0; i < 2; ++i)
    expectError(linkExecutable(options, {}, dir.file("out")), ExitCode::Internal,
                "cannot link " + dir.file("out"));
  EXPECT_FALSE(std::filesystem::exists(dir.file("out")));
}
