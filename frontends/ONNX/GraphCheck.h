//===- GraphCheck.h - Structure of an ONNX graph
//----------------------------===//
//
// Names defined once and before they are used, in the main graph and in the
// graphs that attributes hold. Internal to the ONNX reader.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_GRAPHCHECK_H
#define QCC_FRONTENDS_ONNX_GRAPHCHECK_H

#include "frontends/ONNX/OnnxModel.h"

namespace qcc {

/// Checks the main graph of `model` and all graphs in it. Errors are BadModel
/// and name the node. Tensors in attributes are checked, too.
llvm::Error checkGraph(const OnnxModel &model);

} // namespace qcc

#endif // QCC_FRONTENDS_ONNX_GRAPHCHECK_H
