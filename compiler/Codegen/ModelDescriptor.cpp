//===- ModelDescriptor.cpp - What the runtime is told of a compiled model ----------===//

#include "compiler/Codegen/ModelDescriptor.h"
#include "frontends/Common/Error.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/include/qcc/abi.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

using namespace llvm;

namespace qcc {

std::optional<int32_t> boundaryType(mlir::Type type) {
  if (type.isF32())
    return QCC_F32;
  if (type.isF16())
    return QCC_F16;
  if (type.isF64())
    return QCC_F64;
  if (type.isInteger(64))
    return QCC_I64;
  if (type.isInteger(32))
    return QCC_I32;
  if (type.isUnsignedInteger(8))
    return QCC_U8;
  if (type.isInteger(8))
    return QCC_I8;
  if (type.isInteger(1))
    return QCC_BOOL;
  return std::nullopt;
}

std::optional<int32_t> boundaryType(mlir::func::FuncOp entry, unsigned argument) {
  auto type = cast<mlir::ShapedType>(entry.getArgument(argument).getType());
  std::optional<int32_t> result = boundaryType(type.getElementType());
  if (result == QCC_I8 && entry.getArgAttr(argument, "nn.unsigned"))
    return QCC_U8;
  return result;
}

static Expected<TensorDescriptor> describe(mlir::func::FuncOp f, unsigned i, StringRef name,
                                           ArrayRef<std::string> dimNames) {
  auto type = cast<mlir::MemRefType>(f.getArgument(i).getType());
  TensorDescriptor result;
  result.name = name.str();
  std::optional<int32_t> element = boundaryType(f, i);
  if (!element) {
    std::string text;
    raw_string_ostream(text) << type.getElementType();
    return unsupported(name, "tensors of type " + text + " at the boundary");
  }
  result.type = *element;
  auto names = f.getArgAttrOfType<mlir::ArrayAttr>(i, "nn.dims");
  unsigned dynamic = 0;
  for (int64_t d : type.getShape()) {
    if (mlir::ShapedType::isDynamic(d)) {
      StringRef symbol = cast<mlir::StringAttr>(names[dynamic++]).getValue();
      auto it = find(dimNames, symbol);
      d = it == dimNames.end() ? INT64_MIN : -1 - (it - dimNames.begin());
    }
    result.dims.push_back(d);
  }
  return result;
}

/// The runtime knows sizes that are dimensions of the inputs, and no arithmetic on them.
static Error checkDimensions(mlir::func::FuncOp f) {
  StringSet<> known;
  std::vector<std::string> expressions;
  for (bool input : {true, false})
    for (unsigned i = 0; i < f.getNumArguments(); ++i) {
      auto name = f.getArgAttrOfType<mlir::StringAttr>(i, input ? "nn.input" : "nn.output");
      auto dims = f.getArgAttrOfType<mlir::ArrayAttr>(i, "nn.dims");
      if (!name || !dims)
        continue;
      for (auto dim : dims.getAsRange<mlir::StringAttr>()) {
        bool expression = dim.getValue().find_first_of("+*(") != StringRef::npos;
        if (input && !expression)
          known.insert(dim.getValue());
        else if (expression || !known.contains(dim.getValue()))
          expressions.push_back(
              ((input ? "input \"" : "output \"") + name.getValue() + "\": " + dim.getValue()).str());
      }
    }
  if (expressions.empty())
    return Error::success();
  return unsupported(f.getName(),
                     "sizes that are computed from other sizes; fix the inputs' with -shape",
                     std::move(expressions));
}

Expected<std::vector<EntryDescriptor>> collectEntries(mlir::ModuleOp module) {
  std::vector<EntryDescriptor> entries;
  for (auto f : module.getOps<mlir::func::FuncOp>()) {
    if (!f->hasAttr("nn.entry"))
      continue;
    if (Error error = checkDimensions(f))
      return std::move(error);
    EntryDescriptor entry;
    entry.name = f.getName().str();
    for (mlir::Attribute name : f->getAttrOfType<mlir::ArrayAttr>("nn.dim_names")) {
      entry.dimNames.push_back(cast<mlir::StringAttr>(name).getValue().str());
      auto limits = f->getAttrOfType<mlir::DictionaryAttr>("nn.dim_max");
      auto limit = limits ? limits.getAs<mlir::IntegerAttr>(entry.dimNames.back()) : nullptr;
      entry.dimMax.push_back(limit ? limit.getInt() : INT64_MAX);
    }
    for (unsigned i = 0; i < f.getNumArguments(); ++i)
      for (bool input : {true, false})
        if (auto name =
                f.getArgAttrOfType<mlir::StringAttr>(i, input ? "nn.input" : "nn.output")) {
          Expected<TensorDescriptor> tensor = describe(f, i, name.getValue(), entry.dimNames);
          if (!tensor)
            return tensor.takeError();
          (input ? entry.inputs : entry.outputs).push_back(std::move(*tensor));
        }
    entries.push_back(std::move(entry));
  }
  return entries;
}

namespace {

/// Builds the constants of the descriptor from the leaves up.
class DescriptorEmitter {
public:
  explicit DescriptorEmitter(Module &module)
      : module(module), context(module.getContext()), pointer(PointerType::get(context, 0)) {}

  void emit(const ModelDescriptor &model) {
    std::vector<Constant *> entries;
    for (const EntryDescriptor &e : model.entries)
      entries.push_back(entry(e));
    Constant *lm = ConstantPointerNull::get(pointer);
    if (model.languageModel) {
      const LanguageModelDescriptor &m = *model.languageModel;
      lm = global(structure({i64(m.vocabulary), i64(m.hidden), i64(m.context), i64(m.chunk),
                             i64(m.stateBytes)}));
    }
    Constant *root = structure({i32(QCC_ABI_VERSION), i32(entries.size()), array(entries), lm,
                                text(model.name), text(model.features), text(model.info),
                                i64(model.weightBytes), ConstantPointerNull::get(pointer)});
    new GlobalVariable(module, root->getType(), /*isConstant=*/true, GlobalValue::ExternalLinkage,
                       root, "qcc_model");
  }

private:
  Constant *i32(int64_t v) { return ConstantInt::get(Type::getInt32Ty(context), v); }
  Constant *i64(int64_t v) { return ConstantInt::get(Type::getInt64Ty(context), v); }
  Constant *structure(ArrayRef<Constant *> fields) {
    return ConstantStruct::getAnon(context, fields);
  }
  Constant *global(Constant *value) {
    return new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                              GlobalValue::PrivateLinkage, value, "qcc.descriptor");
  }
  Constant *text(StringRef s) { return global(ConstantDataArray::getString(context, s)); }
  Constant *array(ArrayRef<Constant *> elements) {
    if (elements.empty())
      return ConstantPointerNull::get(pointer);
    return global(
        ConstantArray::get(ArrayType::get(elements[0]->getType(), elements.size()), elements));
  }
  Constant *numbers(ArrayRef<int64_t> values) {
    std::vector<Constant *> constants;
    for (int64_t v : values)
      constants.push_back(i64(v));
    return array(constants);
  }
  Constant *tensors(ArrayRef<TensorDescriptor> list) {
    std::vector<Constant *> constants;
    for (const TensorDescriptor &t : list)
      constants.push_back(
          structure({text(t.name), i32(t.type), i32(t.dims.size()), numbers(t.dims)}));
    return array(constants);
  }
  Constant *entry(const EntryDescriptor &e) {
    std::vector<Constant *> names;
    for (const std::string &name : e.dimNames)
      names.push_back(text(name));
    return structure({text(e.name), function("qcc_" + e.name), function("qcc_" + e.name + "_sizes"),
                      i32(e.inputs.size()), i32(e.outputs.size()), i32(e.dimNames.size()),
                      tensors(e.inputs), tensors(e.outputs), array(names), numbers(e.dimMax)});
  }
  Constant *function(const std::string &name) {
    Function *f = module.getFunction(name);
    assert(f && "the LLVM stage emits every entry point");
    f->setVisibility(GlobalValue::HiddenVisibility);
    return f;
  }

  Module &module;
  LLVMContext &context;
  PointerType *pointer;
};

} // namespace

void emitModelDescriptor(Module &module, const ModelDescriptor &model) {
  DescriptorEmitter(module).emit(model);
}

} // namespace qcc
