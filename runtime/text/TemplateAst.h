//===- TemplateAst.h - A parsed chat template -----------------------------===//
//
// One node type for statements and expressions: the tree is small, lives as long as
// its template, and the meaning of each kind's fields is listed once, here.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_TEMPLATEAST_H
#define QCC_RUNTIME_TEXT_TEMPLATEAST_H

#include "runtime/text/Value.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qcc::text {

enum class NodeKind : uint8_t {
  // Expressions.
  Literal,   ///< value
  Name,      ///< text
  Attribute, ///< kids[0].text
  Subscript, ///< kids[0][kids[1]]
  Slice,     ///< kids[0][kids[1]:kids[2]:kids[3]]; kids may be null
  Call,      ///< kids[0](kids[1..]); names[i] is the keyword of kids[i + 1], or empty
  Filter,    ///< kids[0] | text(kids[1..]), names as for Call
  Test,      ///< kids[0] is text(kids[1..]), names as for Call
  Not,       ///< not kids[0]
  Negate,    ///< -kids[0]
  Plus,      ///< +kids[0]
  Binary,    ///< kids[0] text kids[1]: + - * / // % ** ~
  Compare,   ///< kids[0] names[0] kids[1] names[1] kids[2] ...
  And,       ///< kids[0] and kids[1]
  Or,        ///< kids[0] or kids[1]
  Choose,    ///< kids[0] if kids[1] else kids[2], which may be null
  List,      ///< [kids...]
  Tuple,     ///< (kids...)
  Map,       ///< {kids[0]: kids[1], ...}
  // Statements.
  Text,     ///< text
  Output,   ///< {{ kids[0] }}
  Block,    ///< kids in order
  If,       ///< condition, block, condition, block, ... and at the end maybe a block
  For,      ///< names = targets, kids = iterable, condition or null, block, else block or null
  Set,      ///< names = targets ("ns.x" for an attribute), kids[0]
  SetBlock, ///< names[0] = block kids[0], filtered by kids[1] (a Filter chain) or null
  Macro,    ///< text(names, defaults kids[1..], or null) = block kids[0]
  Break,
  Continue,
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  NodeKind kind;
  uint16_t height; ///< 1 for a leaf
  uint32_t line;
  std::string text;
  Value value;
  std::vector<std::string> names;
  std::vector<NodePtr> kids;
};

/// Parses a template. On failure the result is null and `error` is "line N: ...".
NodePtr parseTemplate(std::string_view source, std::string &error);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_TEMPLATEAST_H
