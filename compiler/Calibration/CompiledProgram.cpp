//===- CompiledProgram.cpp - A compiled module that runs inside the compiler ----------===//

#include "compiler/Calibration/CompiledProgram.h"
#include "compiler/Codegen/Codegen.h"
#include "compiler/Model.h"
#include "compiler/Pipeline.h"
#include "compiler/Weights/Materialize.h"
#include "frontends/Common/Error.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Calibrate/Passes.h"
#include "runtime/src/Program.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;

namespace qcc {
namespace {

Error failure(ExitCode code, const Twine &what) {
  return make_error<ModelError>(code, what.str());
}

Error toError(const rt::Status &status) {
  return status.failed() ? failure(static_cast<ExitCode>(status.code), status.message)
                         : Error::success();
}

/// Memory of a file that has no name: its pages can be written back instead of kept.
class FileMemory {
public:
  ~FileMemory() {
    if (start)
      munmap(start, bytes);
  }

  Error open(uint64_t size) {
    int fd = -1;
    SmallString<128> path;
    if (std::error_code code = sys::fs::createTemporaryFile("qcc", "weights", fd, path))
      return failure(ExitCode::DoesNotFit, "no temporary file: " + code.message());
    sys::fs::remove(path);
    bytes = std::max<uint64_t>(size, 1);
    void *pages = MAP_FAILED;
    // Room is claimed at once: a full disk later would be a signal.
    bool room = posix_fallocate(fd, 0, bytes) == 0;
    if (room)
      pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (pages == MAP_FAILED)
      return failure(ExitCode::DoesNotFit, "calibration needs " + Twine(bytes >> 20) +
                                               " MiB in the temporary directory; set TMPDIR to one "
                                               "with room");
    start = static_cast<uint8_t *>(pages);
    return Error::success();
  }

  void drop(uint64_t offset, uint64_t size) const {
    uint64_t page = sysconf(_SC_PAGESIZE);
    uint64_t first = alignTo(offset, page), last = alignDown(std::min(offset + size, bytes), page);
    if (first < last)
      madvise(start + first, last - first, MADV_DONTNEED);
  }

  uint8_t *start = nullptr;
  uint64_t bytes = 0;
};

} // namespace

Error prepareToWatch(mlir::ModuleOp module, StringRef path, bool layers) {
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
    diagnostics += (diagnostics.empty() ? "" : "; ") + diagnostic.str();
    return mlir::success();
  });
  mlir::PassManager manager(module.getContext());
  manager.addPass(createInsertObservers());
  if (layers)
    manager.addPass(createExposeLayers());
  manager.addNestedPass<mlir::func::FuncOp>(createTapObservers());
  if (mlir::failed(manager.run(module)))
    return unsupported(path, "this model cannot be calibrated", {diagnostics});
  return Error::success();
}

struct CompiledProgram::State {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelDescriptor descriptor;
  LLVMContext llvmContext;
  std::unique_ptr<orc::LLJIT> jit;
  FileMemory weights;
  QccModel model{};
  std::unique_ptr<rt::Program> program;
  rt::Memory kvCache;

  Error runPhases(const Model &source, const CompilerOptions &options) {
    std::string diagnostics;
    mlir::ScopedDiagnosticHandler handler(module->getContext(), [&](mlir::Diagnostic &diagnostic) {
      diagnostics += diagnostic.str() + "; ";
      return mlir::success();
    });
    for (const PhaseInfo &phase : phases()) {
      if (phase.phase == Phase::Import)
        continue;
      if (phase.phase == Phase::LLVM)
        if (Error error = describe(source, options))
          return error;
      mlir::PassManager manager(module->getContext());
      buildPipeline(manager, phase.phase, options);
      if (mlir::failed(manager.run(*module)))
        return failure(ExitCode::Internal,
                       "calibration: stage " + phase.name + ": " + diagnostics);
    }
    return Error::success();
  }

  Error describe(const Model &source, const CompilerOptions &options) {
    Expected<std::vector<EntryDescriptor>> entries = collectEntries(*module);
    if (!entries)
      return entries.takeError();
    descriptor.entries = std::move(*entries);
    descriptor.name = source.name;
    descriptor.weightBytes = weightBytes(*module);
    source.describe(options, descriptor);
    return Error::success();
  }

  Error load(const TargetSpec &host) {
    Expected<std::unique_ptr<llvm::Module>> translated =
        translateToLLVM(*module, descriptor, host, llvmContext);
    if (!translated)
      return translated.takeError();
    Expected<SmallVector<char, 0>> code = emitCode(**translated, host, false);
    if (!code)
      return code.takeError();
    InitializeNativeTarget();
    Expected<std::unique_ptr<orc::LLJIT>> created = orc::LLJITBuilder().create();
    if (!created)
      return created.takeError();
    jit = std::move(*created);
    orc::SymbolMap runtime;
    runtime[jit->mangleAndIntern("qcc_barrier")] = {orc::ExecutorAddr::fromPtr(&qcc_barrier),
                                                    JITSymbolFlags::Exported};
    if (Error error = jit->getMainJITDylib().define(orc::absoluteSymbols(std::move(runtime))))
      return error;
    if (Error error = jit->addObjectFile(
            MemoryBuffer::getMemBufferCopy(StringRef(code->data(), code->size()), "calibration")))
      return error;
    Expected<orc::ExecutorAddr> address = jit->lookup("qcc_model");
    if (!address)
      return address.takeError();
    model = *address->toPtr<const QccModel *>();
    return Error::success();
  }

  Error start(unsigned jobs) {
    if (Error error = weights.open(weightBytes(*module)))
      return error;
    program = std::make_unique<rt::Program>(model);
    program->file.weights = {weights.start, static_cast<size_t>(weights.bytes)};
    if (Error error = toError(program->team.start(jobs)))
      return error;
    uint64_t cache = descriptor.languageModel ? descriptor.languageModel->stateBytes : 0;
    return toError(kvCache.reserve(cache, "the KV cache", false));
  }
};

CompiledProgram::CompiledProgram(std::unique_ptr<State> state) : state(std::move(state)) {}
CompiledProgram::~CompiledProgram() = default;

Expected<std::unique_ptr<CompiledProgram>>
CompiledProgram::create(mlir::OwningOpRef<mlir::ModuleOp> module, const Model &model,
                        const CompilerOptions &options, unsigned jobs) {
  auto state = std::make_unique<State>();
  state->module = std::move(module);
  Expected<TargetSpec> host = resolveTarget("native", "", "");
  if (!host)
    return host.takeError();
  setTarget(*state->module, *host);
  if (Error error = state->runPhases(model, options))
    return std::move(error);
  if (Error error = state->load(*host))
    return std::move(error);
  if (Error error = state->start(jobs))
    return std::move(error);
  return std::unique_ptr<CompiledProgram>(new CompiledProgram(std::move(state)));
}

mlir::ModuleOp CompiledProgram::module() const { return *state->module; }
const ModelDescriptor &CompiledProgram::descriptor() const { return state->descriptor; }

const EntryDescriptor &CompiledProgram::entry(StringRef name) const {
  for (const EntryDescriptor &entry : state->descriptor.entries)
    if (entry.name == name)
      return entry;
  llvm_unreachable("callers name entries that they made");
}

int64_t CompiledProgram::scratchBytes(StringRef name) const {
  const QccEntry *found = state->program->entry(name.str().c_str());
  return state->program->sizes(*found, entry(name).dimMax.data())[0];
}

MutableArrayRef<uint8_t> CompiledProgram::weights() const {
  return {state->weights.start, static_cast<size_t>(state->weights.bytes)};
}

void CompiledProgram::dropPages(uint64_t offset, uint64_t size) const {
  state->weights.drop(offset, size);
}

Error CompiledProgram::call(StringRef entry, ArrayRef<int64_t> dims, ArrayRef<const void *> inputs,
                            ArrayRef<void *> outputs, ArrayRef<uint8_t> weights) {
  const QccEntry *found = state->program->entry(entry.str().c_str());
  if (!found)
    return failure(ExitCode::Internal, "calibration: no entry point " + entry);
  ArrayRef<uint8_t> own = this->weights(), used = weights.empty() ? own : weights;
  state->program->file.weights = {used.data(), used.size()};
  rt::Status status = state->program->call(*found, dims.data(), inputs.data(), outputs.data(),
                                           state->kvCache.data());
  state->program->file.weights = {own.data(), own.size()};
  return toError(status);
}

} // namespace qcc
