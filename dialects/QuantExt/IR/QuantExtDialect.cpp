//===- QuantExtDialect.cpp - Dialect, scheme attribute, component types ------===//

#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qcc::quant_ext;

#include "dialects/QuantExt/IR/QuantExtDialect.cpp.inc"
#include "dialects/QuantExt/IR/QuantExtEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/QuantExt/IR/QuantExtAttrs.cpp.inc"

void QuantExtDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/QuantExt/IR/QuantExtAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/QuantExt/IR/QuantExtOps.cpp.inc"
      >();
}

// The enums of the attribute and of the codec have the same cases in the same order.
static qcc::Scheme makeScheme(Code code, unsigned bits, unsigned group, int offset, Scale scale,
                              Min min, unsigned superSize, ArrayRef<int8_t> codebook,
                              DenseElementsAttr floatCodebook) {
  qcc::Scheme result;
  result.code = static_cast<qcc::CodeKind>(code);
  result.bits = bits;
  result.groupSize = group;
  result.offset = offset;
  result.scale = static_cast<qcc::ScaleKind>(scale);
  result.min = static_cast<qcc::MinKind>(min);
  result.superSize = superSize;
  result.codebook.assign(codebook.begin(), codebook.end());
  if (floatCodebook)
    llvm::append_range(result.floatCodebook, floatCodebook.getValues<float>());
  return result;
}

LogicalResult SchemeAttr::verify(function_ref<InFlightDiagnostic()> emitError, Code code,
                                 unsigned bits, unsigned group, int offset, Scale scale, Min min,
                                 unsigned superSize, ArrayRef<int8_t> codebook,
                                 DenseElementsAttr floatCodebook) {
  if (floatCodebook && !floatCodebook.getElementType().isF32())
    return emitError() << "scheme: floatCodebook must have elements of type f32";
  std::string wrong =
      makeScheme(code, bits, group, offset, scale, min, superSize, codebook, floatCodebook).check();
  if (!wrong.empty())
    return emitError() << "scheme: " << wrong;
  return success();
}

SchemeAttr SchemeAttr::get(MLIRContext *context, const qcc::Scheme &s) {
  return get(context, static_cast<Code>(s.code), s.bits, s.groupSize, s.offset,
             static_cast<Scale>(s.scale), static_cast<Min>(s.min), s.superSize, s.codebook,
             s.floatCodebook.empty()
                 ? DenseElementsAttr()
                 : DenseElementsAttr::get(
                       RankedTensorType::get(s.floatCodebook.size(), Float32Type::get(context)),
                       ArrayRef(s.floatCodebook)));
}

qcc::Scheme SchemeAttr::toScheme() const {
  return makeScheme(getCode(), getBits(), getGroup(), getOffset(), getScale(), getMin(),
                    getSuperSize(), getCodebook(), getFloatCodebook());
}

static Type elementType(MLIRContext *context, qcc::Component::Element element) {
  switch (element) {
  case qcc::Component::Element::I8:
    return IntegerType::get(context, 8);
  case qcc::Component::Element::I32:
    return IntegerType::get(context, 32);
  case qcc::Component::Element::F16:
    return Float16Type::get(context);
  case qcc::Component::Element::BF16:
    return BFloat16Type::get(context);
  case qcc::Component::Element::F32:
    return Float32Type::get(context);
  }
  llvm_unreachable("all element types covered");
}

SmallVector<RankedTensorType> qcc::quant_ext::packedTypes(SchemeAttr scheme, int64_t n, int64_t k,
                                                          int64_t lanes) {
  return llvm::map_to_vector(
      packedComponents(scheme.toScheme(), n, k, lanes), [&](const Component &c) {
        return RankedTensorType::get(c.shape, elementType(scheme.getContext(), c.element));
      });
}

SmallVector<RankedTensorType> qcc::quant_ext::logicalTypes(SchemeAttr scheme, int64_t n,
                                                           int64_t k) {
  Scheme s = scheme.toScheme();
  return llvm::map_to_vector(packedComponents(s, n, k, /*lanes=*/1), [&](const Component &c) {
    MLIRContext *context = scheme.getContext();
    if (c.name == "codes")
      return RankedTensorType::get({n, k}, s.isFloat() ? elementType(context, c.element)
                                                       : IntegerType::get(context, 8));
    return RankedTensorType::get({n, c.shape[1]}, elementType(context, c.element));
  });
}
