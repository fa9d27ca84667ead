//===- Linker.h - From object files to a program or library
//----------------===//
//
// Links the generated object with qcc's runtime. The linker (lld) is part of
// qcc, and what a static link needs lies beside qcc in lib/qcc/<arch>, so the
// user's machine needs neither a compiler nor C library headers, for its own
// architecture or another.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_EMIT_LINKER_H
#define QCC_COMPILER_EMIT_LINKER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace qcc {

/// The machines artifacts are linked for.
enum class LinkArch { X86_64, AArch64 };

/// Which command line (and with it how much of the runtime) an artifact has.
enum class RuntimeKind { LanguageModel, TensorModel };

/// Name of the architecture's directory under lib/qcc: "x86-64" or "arm64".
llvm::StringRef archDirectory(LinkArch arch);

/// The architecture of an LLVM triple that artifacts can be linked for; fails
/// (exit code 3) for any other.
llvm::Expected<LinkArch> archOfTriple(llvm::StringRef triple);

struct LinkOptions {
  LinkArch arch = LinkArch::X86_64;
  RuntimeKind kind = RuntimeKind::TensorModel;
  /// Directory that holds x86-64/ and arm64/. See findRuntimeDir.
  std::string runtimeDir;
};

/// The directory lib/qcc that belongs to the running qcc: `../lib/qcc` as seen
/// from the directory of `program` (the path of its own executable). Fails when
/// absent.
llvm::Expected<std::string> findRuntimeDir(llvm::StringRef program);

/// Links object files, which define `qcc_model`, with the runtime into a static
/// executable without symbols. Its weights are appended afterwards
/// (Artifact.h).
llvm::Error linkExecutable(const LinkOptions &options, llvm::ArrayRef<std::string> objects,
                           llvm::StringRef output);

/// Links object files of a tensor model into a shared library that depends on
/// the C library alone and exports qcc_<name>_create, _run, ... (see
/// headerText) and no other symbol. `name` is a C identifier: see cIdentifier.
/// `soname` is the file name that the library will have in the end.
llvm::Error linkShared(const LinkOptions &options, llvm::ArrayRef<std::string> objects,
                       llvm::StringRef name, llvm::StringRef soname, llvm::StringRef output);

/// The same as a static library of one object file, in which everything else is
/// local, so that several models go into one program.
llvm::Error archiveStatic(const LinkOptions &options, llvm::ArrayRef<std::string> objects,
                          llvm::StringRef name, llvm::StringRef output);

} // namespace qcc

#endif // QCC_COMPILER_EMIT_LINKER_H
