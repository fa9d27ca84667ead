//===- EmitEntryPoints.cpp - Functions that take the runtime's frame -----------===//
//
// The layout of the frame is that of QccFrame in runtime/include/qcc/abi.h: eight words.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/LowerToLLVM/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_EMITENTRYPOINTS
#include "passes/LowerToLLVM/Passes.h.inc"

namespace {

/// Words of QccFrame.
enum FrameWord { kWeights, kArena, kState, kInputs, kOutputs, kDims, kNumThreads, kBarrier };

class EntryEmitter {
public:
  explicit EntryEmitter(func::FuncOp f) : f(f), b(f.getLoc(), f) {
    for (Attribute name : f->getAttrOfType<ArrayAttr>("nn.dim_names"))
      dimNames.push_back(cast<StringAttr>(name));
  }

  LogicalResult emitRun() {
    auto run = wrapper("qcc_" + f.getName().str(), {pointer(), b.getI64Type()});
    frame = run.getArgument(0);
    SmallVector<Value> args;
    for (unsigned i = 0; i < f.getNumArguments(); ++i) {
      FailureOr<Value> arg = argument(i, run.getArgument(1));
      if (failed(arg))
        return f.emitOpError("argument ") << i << " has no source in the frame";
      args.push_back(*arg);
    }
    func::CallOp::create(b, f, args);
    func::ReturnOp::create(b);
    f.setPrivate();
    return success();
  }

  /// out[0] = arena bytes, then the dimensions of the outputs.
  void emitSizes(func::FuncOp sizes) {
    auto run =
        wrapper("qcc_" + f.getName().str() + "_sizes", {pointer(), b.getI64Type(), pointer()});
    Value dims = run.getArgument(0), out = run.getArgument(2);
    SmallVector<Value> args;
    for (size_t i = 0; i < dimNames.size(); ++i)
      args.push_back(toIndex(loadWord(dims, i, b.getI64Type())));
    args.push_back(toIndex(run.getArgument(1)));
    Value bytes = func::CallOp::create(b, sizes, args).getResult(0);
    int64_t at = 0;
    auto store = [&](Value v) {
      LLVM::StoreOp::create(b, v, element(out, at++));
    };
    store(arith::IndexCastOp::create(b, b.getI64Type(), bytes));
    for (unsigned i = 0; i < f.getNumArguments(); ++i) {
      if (!f.getArgAttr(i, "nn.output"))
        continue;
      auto type = cast<MemRefType>(f.getArgument(i).getType());
      unsigned dynamic = 0;
      for (int64_t d : type.getShape())
        store(ShapedType::isDynamic(d)
                  ? loadWord(dims, dimNumber(i, dynamic++), b.getI64Type())
                  : Value(arith::ConstantOp::create(b, b.getI64IntegerAttr(d))));
    }
    func::ReturnOp::create(b);
    sizes.setPrivate();
  }

private:
  Type pointer() { return LLVM::LLVMPointerType::get(b.getContext()); }

  func::FuncOp wrapper(const std::string &name, ArrayRef<Type> inputs) {
    b.setInsertionPointAfter(f);
    auto run = func::FuncOp::create(b, name, b.getFunctionType(inputs, {}));
    b.setInsertionPointToStart(run.addEntryBlock());
    return run;
  }

  Value toIndex(Value v) { return arith::IndexCastOp::create(b, b.getIndexType(), v); }

  Value element(Value base, int64_t i) {
    return LLVM::GEPOp::create(b, pointer(), b.getI64Type(), base,
                               ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
  }
  Value loadWord(Value base, int64_t i, Type type) {
    return LLVM::LoadOp::create(b, type, element(base, i));
  }
  Value frameWord(FrameWord word) { return loadWord(frame, word, pointer()); }

  int64_t dimNumber(unsigned arg, unsigned dynamic) {
    auto names = f.getArgAttrOfType<ArrayAttr>(arg, "nn.dims");
    return llvm::find(dimNames, names[dynamic]) - dimNames.begin();
  }

  FailureOr<Value> argument(unsigned i, Value thread) {
    auto has = [&](StringRef name) { return bool(f.getArgAttr(i, name)); };
    if (has("nn.thread"))
      return toIndex(thread);
    if (has("nn.threads"))
      return toIndex(loadWord(frame, kNumThreads, b.getI64Type()));
    if (has("nn.barrier"))
      return frameWord(kBarrier);
    if (auto name = f.getArgAttrOfType<StringAttr>(i, "nn.dim"))
      return toIndex(loadWord(frameWord(kDims), llvm::find(dimNames, name) - dimNames.begin(),
                              b.getI64Type()));
    if (has("nn.weights"))
      return memref(i, frameWord(kWeights));
    if (has("nn.arena"))
      return memref(i, frameWord(kArena));
    if (auto offset = f.getArgAttrOfType<IntegerAttr>(i, "nn.state")) {
      Value base = LLVM::GEPOp::create(
          b, pointer(), b.getI8Type(), frameWord(kState),
          ValueRange{LLVM::ConstantOp::create(b, b.getI64Type(), offset)});
      return memref(i, base);
    }
    if (has("nn.input"))
      return memref(i, loadWord(frameWord(kInputs), inputs++, pointer()));
    if (has("nn.output"))
      return memref(i, loadWord(frameWord(kOutputs), outputs++, pointer()));
    return failure();
  }

  /// A memref descriptor of contiguous memory at `base`. Sizes of weights and arena do not matter:
  /// nothing asks for them.
  Value memref(unsigned i, Value base) {
    auto type = cast<MemRefType>(f.getArgument(i).getType());
    int64_t rank = type.getRank();
    Type i64 = b.getI64Type();
    auto array = LLVM::LLVMArrayType::get(i64, rank);
    SmallVector<Type> fields{pointer(), pointer(), i64};
    if (rank > 0)
      fields.append(2, array);
    Value d = LLVM::UndefOp::create(b, LLVM::LLVMStructType::getLiteral(b.getContext(), fields));
    auto insert = [&](Value v, ArrayRef<int64_t> at) {
      d = LLVM::InsertValueOp::create(b, d, v, at);
    };
    auto constant = [&](int64_t v) -> Value {
      return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(v));
    };
    insert(base, {0});
    insert(base, {1});
    insert(constant(0), {2});
    unsigned dynamic = type.getNumDynamicDims();
    bool named = f.getArgAttr(i, "nn.dims") != nullptr;
    Value stride = constant(1);
    for (int64_t dim = rank; dim-- > 0;) {
      Value size;
      if (!type.isDynamicDim(dim))
        size = constant(type.getDimSize(dim));
      else if (named)
        size = loadWord(frameWord(kDims), dimNumber(i, --dynamic), i64);
      else
        size = constant(std::numeric_limits<int64_t>::max());
      insert(size, {3, dim});
      insert(stride, {4, dim});
      stride = LLVM::MulOp::create(b, stride, size);
    }
    return UnrealizedConversionCastOp::create(b, type, d).getResult(0);
  }

  func::FuncOp f;
  ImplicitLocOpBuilder b;
  SmallVector<StringAttr> dimNames;
  Value frame;
  int64_t inputs = 0, outputs = 0;
};

struct EmitEntryPoints final : impl::EmitEntryPointsBase<EmitEntryPoints> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> entries;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (f->hasAttr("nn.entry"))
        entries.push_back(f);
    for (func::FuncOp f : entries) {
      auto sizes = symbols.lookup<func::FuncOp>((f.getName() + ".sizes").str());
      if (!sizes || !f->hasAttr("nn.dim_names")) {
        f.emitOpError("has no size function").attachNote() << "qcc-plan-arena makes it";
        return signalPassFailure();
      }
      EntryEmitter emitter(f);
      if (failed(emitter.emitRun()))
        return signalPassFailure();
      emitter.emitSizes(sizes);
    }
  }
};

} // namespace
} // namespace qcc
