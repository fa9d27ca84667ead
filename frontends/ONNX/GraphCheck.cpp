//===- GraphCheck.cpp - Structure of an ONNX graph
//--------------------------===//
//
// One walk over the nodes in file order with a chain of scopes. Recursion into
// subgraphs is bounded: the protobuf parser refuses messages nested deeper than
// 100.
//
//===----------------------------------------------------------------------===//
#include "frontends/ONNX/GraphCheck.h"

#include "frontends/Common/Error.h"

#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace qcc {
namespace {

/// Names visible in a graph: its own, then those of the graphs around it.
struct Scope {
  const Scope *outer = nullptr;
  StringSet<> names;

  bool sees(StringRef name) const {
    return names.contains(name) || (outer && outer->sees(name));
  }
};

class GraphChecker {
public:
  explicit GraphChecker(const OnnxModel &model) : model(model) {}
  Error check(const onnx::GraphProto &graph, const Scope *outer,
              const std::string &where);

private:
  const OnnxModel &model;

  Error bad(const std::string &where, const Twine &what) const {
    return badModel(model.path(), where, what);
  }
  Error defineInputs(const onnx::GraphProto &graph, Scope &scope,
                     const std::string &where);
  Error checkNode(const onnx::NodeProto &node, Scope &scope,
                  const StringMap<int> &producers,
                  const onnx::GraphProto &graph, const std::string &where);
  Error checkAttributes(const onnx::NodeProto &node, const Scope &scope,
                        const std::string &where);
};

std::string nodeName(const onnx::GraphProto &graph, int index) {
  const onnx::NodeProto &node = graph.node(index);
  std::string text = "node " + std::to_string(index);
  if (!node.name().empty())
    text += " \"" + node.name() + "\"";
  return text + " (" + node.op_type() + ")";
}

Error GraphChecker::defineInputs(const onnx::GraphProto &graph, Scope &scope,
                                 const std::string &where) {
  for (const onnx::ValueInfoProto &input : graph.input()) {
    if (input.name().empty())
      return bad(where, "has an input without a name");
    if (!scope.names.insert(input.name()).second)
      return bad(where, "has two inputs named \"" + input.name() + "\"");
  }
  // An initializer may give an input its default.
  StringSet<> initializers;
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    if (tensor.name().empty())
      return bad(where, "has an initializer without a name");
    if (!initializers.insert(tensor.name()).second)
      return bad(where, "has two initializers named \"" + tensor.name() + "\"");
    scope.names.insert(tensor.name());
  }
  return Error::success();
}

Error GraphChecker::checkAttributes(const onnx::NodeProto &node,
                                    const Scope &scope,
                                    const std::string &where) {
  StringSet<> names;
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    std::string here = where + ": attribute " + attribute.name();
    if (attribute.name().empty() || !names.insert(attribute.name()).second)
      return bad(here, "has no name or occurs twice");
    if (attribute.has_t())
      if (Error error = model.tensor(attribute.t(), here).takeError())
        return error;
    for (const onnx::TensorProto &tensor : attribute.tensors())
      if (Error error = model.tensor(tensor, here).takeError())
        return error;
    if (attribute.has_g())
      if (Error error = check(attribute.g(), &scope, here))
        return error;
    for (const onnx::GraphProto &graph : attribute.graphs())
      if (Error error = check(graph, &scope, here))
        return error;
  }
  return Error::success();
}

Error GraphChecker::checkNode(const onnx::NodeProto &node, Scope &scope,
                              const StringMap<int> &producers,
                              const onnx::GraphProto &graph,
                              const std::string &where) {
  if (node.op_type().empty())
    return bad(where, "has no operator");
  if (model.opset(node.domain()) == 0)
    return bad(where, "its domain \"" + node.domain() +
                          "\" is not among the model's opset imports");
  for (const std::string &input : node.input()) {
    if (input.empty() || scope.sees(input))
      continue;
    auto later = producers.find(input);
    if (later == producers.end())
      return bad(where, "its input \"" + input + "\" is defined nowhere");
    return bad(where, "its input \"" + input + "\" is made by " +
                          nodeName(graph, later->second) +
                          ", which does not come before it; nodes must be "
                          "sorted and must not form a cycle");
  }
  if (Error error = checkAttributes(node, scope, where))
    return error;
  for (const std::string &output : node.output())
    if (!output.empty() && !scope.names.insert(output).second)
      return bad(where, "its output \"" + output + "\" is defined already");
  return Error::success();
}

Error GraphChecker::check(const onnx::GraphProto &graph, const Scope *outer,
                          const std::string &where) {
  Scope scope;
  scope.outer = outer;
  if (Error error = defineInputs(graph, scope, where))
    return error;
  // The main graph's initializers were read when the model was loaded.
  if (outer)
    for (const onnx::TensorProto &tensor : graph.initializer())
      if (Error error = model.tensor(tensor, where).takeError())
        return error;
  StringMap<int> producers;
  for (int i = 0; i < graph.node_size(); ++i)
    for (const std::string &output : graph.node(i).output())
      producers.try_emplace(output, i);
  for (int i = 0; i < graph.node_size(); ++i) {
    std::string name = nodeName(graph, i);
    if (outer)
      name = where + ": " + name;
    if (Error error = checkNode(graph.node(i), scope, producers, graph, name))
      return error;
  }
  for (const onnx::ValueInfoProto &output : graph.output())
    if (!scope.sees(output.name()))
      return bad(where,
                 "its output \"" + output.name() + "\" is defined nowhere");
  return Error::success();
}

} // namespace

Error checkGraph(const OnnxModel &model) {
  return GraphChecker(model).check(model.graph(), nullptr, "graph");
}

} // namespace qcc
