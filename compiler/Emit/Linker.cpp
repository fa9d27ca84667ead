//===- Linker.cpp - From object files to a program or library
//--------------===//
//
// See Linker.h. lld runs inside this process. Libraries take two steps: a
// relocatable link makes one object of model and runtime, then its
// qcc_library_* functions get the model's name and all other symbols become
// local, as llvm-objcopy does it.
//
//===----------------------------------------------------------------------===//
#include "compiler/Emit/Linker.h"

#include "compiler/Emit/Artifact.h"
#include "compiler/Emit/EmitError.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/Binary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace qcc {

/// The functions of runtime/src/Library.cpp, without their prefix.
static constexpr StringLiteral kLibraryFunctions[] = {"create", "run", "sizes", "destroy", "error"};

StringRef archDirectory(LinkArch arch) { return arch == LinkArch::X86_64 ? "x86-64" : "arm64"; }

Expected<LinkArch> archOfTriple(StringRef triple) {
  Triple parsed(Triple::normalize(triple));
  if (parsed.isOSLinux() && parsed.getArch() == Triple::x86_64)
    return LinkArch::X86_64;
  if (parsed.isOSLinux() && parsed.getArch() == Triple::aarch64)
    return LinkArch::AArch64;
  return emitError(ExitCode::Unsupported,
                   "cannot link programs for " + triple +
                       "; x86_64 and aarch64 Linux are supported, for others "
                       "use -emit=obj");
}

Expected<std::string> findRuntimeDir(StringRef program) {
  SmallString<256> path(sys::path::parent_path(program));
  sys::path::append(path, "..", "lib", "qcc");
  sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  if (sys::fs::is_directory(path))
    return std::string(path);
  return emitError(ExitCode::WrongUse, "qcc's runtime is missing: there is no directory " + path +
                                           "; install qcc with its lib/qcc beside its bin");
}

static StringRef emulation(LinkArch arch) {
  return arch == LinkArch::X86_64 ? "elf_x86_64" : "aarch64linux";
}

/// Runs lld. `output` is for messages.
static Error runLinker(const std::vector<std::string> &arguments, StringRef output) {
  // lld keeps its state in globals.
  static std::mutex one;
  std::lock_guard<std::mutex> lock(one);
  std::vector<const char *> raw{"ld.lld"};
  for (const std::string &argument : arguments)
    raw.push_back(argument.c_str());
  std::string text;
  raw_string_ostream stream(text);
  lld::Result result = lld::lldMain(raw, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode == 0)
    return Error::success();
  sys::fs::remove(output);
  StringRef said = StringRef(text).trim();
  bool full = said.contains("No space left") || said.contains("too large");
  bool place = said.contains("cannot open output file") || said.contains("failed to write");
  ExitCode code = full ? ExitCode::DoesNotFit : place ? ExitCode::WrongUse : ExitCode::Internal;
  return emitError(code, "cannot link " + output + ": " + said);
}

namespace {
/// Puts together the linker's arguments.
class Arguments {
public:
  explicit Arguments(const LinkOptions &options) : directory(options.runtimeDir) {
    sys::path::append(directory, archDirectory(options.arch));
    add({"-m", emulation(options.arch)});
    add({"--build-id=none", "--no-rosegment", "-z", "noexecstack"});
  }
  void add(ArrayRef<StringRef> more) {
    for (StringRef one : more)
      list.push_back(one.str());
  }
  void addFiles(ArrayRef<std::string> more) { list.insert(list.end(), more.begin(), more.end()); }
  /// Files of the runtime's directory.
  Error addOurs(ArrayRef<StringRef> names) {
    for (StringRef name : names) {
      SmallString<256> path(directory);
      sys::path::append(path, name);
      if (!sys::fs::exists(path))
        return emitError(ExitCode::WrongUse,
                         "qcc's runtime is incomplete: " + path + " is missing; install qcc again");
      list.push_back(std::string(path));
    }
    return Error::success();
  }
  std::vector<std::string> list;

private:
  SmallString<256> directory;
};
} // namespace

Error linkExecutable(const LinkOptions &options, ArrayRef<std::string> objects, StringRef output) {
  Arguments arguments(options);
  arguments.add({"-static", "--gc-sections", "--strip-all", "-O2", "--hash-style=gnu", "-z",
                 "relro", "-z", "now", "-o", output});
  if (Error error = arguments.addOurs({"crt1.o", "crti.o", "crtbeginT.o"}))
    return error;
  arguments.addFiles(objects);
  StringRef runtime =
      options.kind == RuntimeKind::LanguageModel ? "libqccrt_lm.a" : "libqccrt_tensor.a";
  if (Error error = arguments.addOurs(
          {runtime, "libm.a", "libc.a", "libgcc.a", "libgcc_eh.a", "crtend.o", "crtn.o"}))
    return error;
  return runLinker(arguments.list, output);
}

/// The same names as `names`, and nothing else.
static Error addNames(objcopy::NameMatcher &matcher, ArrayRef<std::string> names) {
  for (StringRef name : names)
    if (Error error = matcher.addMatcher(objcopy::NameOrPattern::create(
            name, objcopy::MatchStyle::Literal, [](Error error) { return error; })))
      return error;
  return Error::success();
}

/// Gives the library's functions the model's name and makes all else local.
static Expected<std::string> nameFunctions(StringRef object, StringRef name) {
  Expected<object::OwningBinary<object::Binary>> binary = object::createBinary(object);
  if (!binary)
    return binary.takeError();
  std::vector<std::string> before, after;
  for (StringRef function : kLibraryFunctions) {
    before.push_back(("qcc_library_" + function).str());
    after.push_back(("qcc_" + name + "_" + function).str());
  }
  objcopy::ConfigManager config;
  config.Common.InputFilename = object;
  config.Common.OutputFilename = object;
  for (auto [from, to] : zip_equal(before, after))
    config.Common.SymbolsToRename[from] = to;
  if (Error error = addNames(config.Common.SymbolsToKeepGlobal, before))
    return std::move(error);
  std::string bytes;
  raw_string_ostream stream(bytes);
  if (Error error = objcopy::executeObjcopyOnBinary(config, *binary->getBinary(), stream))
    return std::move(error);
  return bytes;
}

/// The bytes of one object of model and runtime, where only this model's
/// functions are global.
static Expected<std::string> linkObject(const LinkOptions &options, ArrayRef<std::string> objects,
                                        StringRef name) {
  SmallString<128> joined;
  if (std::error_code why = sys::fs::createTemporaryFile("qcc-library", "o", joined))
    return writeError("a temporary file", why);
  FileRemover remover(joined);
  Arguments arguments(options);
  // Without section groups: another object of the user's program must not
  // replace functions that became local.
  arguments.add({"-r", "--force-group-allocation", "-o", joined});
  for (StringRef function : kLibraryFunctions)
    arguments.list.push_back(("--undefined=qcc_library_" + function).str());
  arguments.addFiles(objects);
  if (Error error = arguments.addOurs({"libqccrt_library.a"}))
    return std::move(error);
  if (Error error = runLinker(arguments.list, joined))
    return std::move(error);
  return nameFunctions(joined, name);
}

Error linkShared(const LinkOptions &options, ArrayRef<std::string> objects, StringRef name,
                 StringRef soname, StringRef output) {
  Expected<std::string> bytes = linkObject(options, objects, name);
  if (!bytes)
    return bytes.takeError();
  SmallString<128> object;
  if (std::error_code why = sys::fs::createTemporaryFile("qcc-library", "o", object))
    return writeError("a temporary file", why);
  FileRemover remover(object);
  if (Error error = writeFileAtomically(object, *bytes))
    return error;

  Arguments arguments(options);
  arguments.add({"-shared", "--gc-sections", "--strip-all", "-O2", "-Bsymbolic", "-z", "defs", "-z",
                 "relro", "-z", "now", "--hash-style=gnu", "--exclude-libs=ALL", "-soname", soname,
                 "-o", output});
  if (Error error = arguments.addOurs({"crti.o", "crtbeginS.o"}))
    return error;
  arguments.add({object.str()});
  if (Error error = arguments.addOurs({"libgcc.a"}))
    return error;
  arguments.add({"--as-needed"});
  if (Error error = arguments.addOurs({"libc.so.6", "libm.so.6", "crtendS.o", "crtn.o"}))
    return error;
  return runLinker(arguments.list, output);
}

Error archiveStatic(const LinkOptions &options, ArrayRef<std::string> objects, StringRef name,
                    StringRef output) {
  Expected<std::string> bytes = linkObject(options, objects, name);
  if (!bytes)
    return bytes.takeError();
  std::string member = ("qcc_" + name + ".o").str();
  NewArchiveMember object(MemoryBufferRef(*bytes, member));
  Expected<std::unique_ptr<MemoryBuffer>> archive =
      writeArchiveToBuffer(object, SymtabWritingMode::NormalSymtab, object::Archive::K_GNU,
                           /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  return writeFileAtomically(output, (*archive)->getBuffer());
}

} // namespace qcc
