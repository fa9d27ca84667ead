//===- TemplateParser.cpp - Tokens to a template's tree -------------------===//
//
// Recursive descent with Jinja2's precedences. The tree's height is bounded here, so
// that whatever walks it need not count.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/TemplateAst.h"
#include "runtime/text/TemplateLexer.h"

#include <algorithm>
#include <initializer_list>

namespace qcc::text {
namespace {

/// Bounds the parser's own recursion, and the height of the tree that it builds.
constexpr int kMaxDepth = 200, kMaxHeight = 400;

class Parser {
public:
  Parser(std::vector<Token> tokens, std::string &error) : tokens(std::move(tokens)), error(error) {}

  NodePtr parse() {
    NodePtr root = block({});
    if (error.empty() && cur().kind != TokenKind::End)
      fail("unexpected '" + cur().text + "'");
    return error.empty() ? std::move(root) : nullptr;
  }

private:
  /// Counts nesting for as long as it lives.
  struct Nested {
    explicit Nested(Parser &p) : parser(p) {
      if (++p.depth > kMaxDepth)
        p.fail("nested too deeply");
    }
    ~Nested() { --parser.depth; }
    Parser &parser;
  };

  void fail(const std::string &what) {
    if (error.empty())
      error = "line " + std::to_string(cur().line) + ": " + what;
    at = tokens.size() - 1; // the end: everything stops
  }
  const Token &cur() const { return tokens[at]; }
  const Token &peek(size_t n) const {
    return tokens[at + n < tokens.size() ? at + n : tokens.size() - 1];
  }
  void next() {
    if (at + 1 < tokens.size())
      ++at;
  }
  bool isOp(std::string_view op) const {
    return cur().kind == TokenKind::Operator && cur().text == op;
  }
  bool isName(std::string_view name) const {
    return cur().kind == TokenKind::Name && cur().text == name;
  }
  bool takeOp(std::string_view op) {
    bool is = isOp(op);
    if (is)
      next();
    return is;
  }
  bool takeName(std::string_view name) {
    bool is = isName(name);
    if (is)
      next();
    return is;
  }
  void expectOp(const char *op) {
    if (!takeOp(op))
      fail(std::string("expected '") + op + "'" + found());
  }
  void expectTagEnd() {
    if (cur().kind != TokenKind::TagEnd)
      return fail("expected '%}'" + found());
    next();
  }
  std::string found() const { return cur().text.empty() ? "" : ", found '" + cur().text + "'"; }
  std::string name() {
    std::string text = cur().text;
    if (cur().kind != TokenKind::Name)
      fail("expected a name" + found());
    next();
    return text;
  }

  NodePtr make(NodeKind kind, std::string text = "") const {
    return NodePtr(new Node{kind, 1, cur().line, std::move(text), Value(), {}, {}});
  }
  void adopt(Node &parent, NodePtr kid) {
    if (kid && kid->height >= parent.height)
      parent.height = static_cast<uint16_t>(kid->height + 1);
    if (parent.height > kMaxHeight)
      fail("an expression or block is nested too deeply");
    parent.kids.push_back(std::move(kid));
  }
  NodePtr make(NodeKind kind, std::string text, NodePtr a, NodePtr b = nullptr) {
    NodePtr n = make(kind, std::move(text));
    n->line = a ? a->line : n->line;
    adopt(*n, std::move(a));
    if (b)
      adopt(*n, std::move(b));
    return n;
  }

  // Statements.
  NodePtr block(std::initializer_list<std::string_view> ends);
  NodePtr statement();
  NodePtr ifStatement();
  NodePtr forStatement();
  NodePtr setStatement();
  NodePtr macroStatement();
  void endStatement(std::string_view keyword);
  std::vector<std::string> targets();

  // Expressions, from loosest to tightest.
  NodePtr expression();
  NodePtr tupleOr(bool parenthesized);
  NodePtr orExpr();
  NodePtr andExpr();
  NodePtr notExpr();
  NodePtr compare();
  NodePtr binary(int level);
  NodePtr unary(bool withFilter);
  NodePtr primary();
  NodePtr postfix(NodePtr);
  NodePtr subscript(NodePtr);
  NodePtr filtersAndTests(NodePtr);
  NodePtr filter(NodePtr);
  NodePtr test(NodePtr);
  NodePtr list();
  NodePtr map();
  void arguments(Node &call);

  std::vector<Token> tokens;
  std::string &error;
  size_t at = 0;
  int depth = 0, loops = 0;
};

/// Statements up to a tag that starts with one of `ends`, or the template's end. The tag's
/// "{%" is taken, its keyword is current.
NodePtr Parser::block(std::initializer_list<std::string_view> ends) {
  Nested nested(*this);
  NodePtr out = make(NodeKind::Block);
  while (cur().kind != TokenKind::End) {
    if (cur().kind == TokenKind::Text) {
      adopt(*out, make(NodeKind::Text, cur().text));
      next();
    } else if (cur().kind == TokenKind::OutputBegin) {
      next();
      adopt(*out, make(NodeKind::Output, "", tupleOr(false)));
      if (cur().kind != TokenKind::OutputEnd)
        fail("expected '}}'" + found());
      next();
    } else {
      next(); // "{%"
      for (std::string_view end : ends)
        if (isName(end))
          return out;
      if (NodePtr s = statement())
        adopt(*out, std::move(s));
    }
  }
  if (ends.size())
    fail("expected {% " + std::string(*(ends.end() - 1)) + " %} before the template's end");
  return out;
}

void Parser::endStatement(std::string_view keyword) {
  if (!takeName(keyword))
    fail("expected " + std::string(keyword) + found());
  expectTagEnd();
}

NodePtr Parser::statement() {
  if (isName("if"))
    return ifStatement();
  if (isName("for"))
    return forStatement();
  if (isName("set"))
    return setStatement();
  if (isName("macro"))
    return macroStatement();
  if (isName("break") || isName("continue")) {
    if (!loops)
      fail(cur().text + " outside a loop");
    NodePtr n = make(isName("break") ? NodeKind::Break : NodeKind::Continue);
    next();
    expectTagEnd();
    return n;
  }
  if (takeName("generation")) { // marks what is trained on
    expectTagEnd();
    NodePtr n = block({"endgeneration"});
    endStatement("endgeneration");
    return n;
  }
  fail("unknown statement '" + cur().text + "'");
  return nullptr;
}

NodePtr Parser::ifStatement() {
  NodePtr n = make(NodeKind::If);
  do {
    next(); // if, elif
    adopt(*n, tupleOr(false));
    expectTagEnd();
    adopt(*n, block({"elif", "else", "endif"}));
  } while (isName("elif"));
  if (takeName("else")) {
    expectTagEnd();
    adopt(*n, block({"endif"}));
  }
  endStatement("endif");
  return n;
}

std::vector<std::string> Parser::targets() {
  std::vector<std::string> out;
  bool paren = takeOp("(");
  do {
    if (!out.empty() && (isOp("=") || isName("in") || isOp(")")))
      break; // a trailing comma
    out.push_back(name());
  } while (takeOp(","));
  if (paren)
    expectOp(")");
  return out;
}

NodePtr Parser::forStatement() {
  NodePtr n = make(NodeKind::For);
  next();
  n->names = targets();
  if (!takeName("in"))
    fail("expected 'in'" + found());
  adopt(*n, orExpr());
  if (isOp(",")) { // a tuple without parentheses
    NodePtr tuple = make(NodeKind::Tuple, "", std::move(n->kids.back()));
    while (takeOp(",") && cur().kind != TokenKind::TagEnd && !isName("if"))
      adopt(*tuple, orExpr());
    n->kids.pop_back();
    adopt(*n, std::move(tuple));
  }
  adopt(*n, takeName("if") ? expression() : nullptr);
  if (takeName("recursive"))
    fail("recursive loops are not supported");
  expectTagEnd();
  ++loops;
  adopt(*n, block({"else", "endfor"}));
  --loops;
  adopt(*n, nullptr);
  if (takeName("else")) {
    expectTagEnd();
    n->kids.pop_back();
    adopt(*n, block({"endfor"}));
  }
  endStatement("endfor");
  return n;
}

NodePtr Parser::setStatement() {
  NodePtr n = make(NodeKind::Set);
  next();
  n->names = targets();
  if (n->names.size() == 1 && takeOp("."))
    n->names[0] += "." + name();
  if (takeOp("=")) {
    adopt(*n, tupleOr(false));
    expectTagEnd();
    return n;
  }
  n->kind = NodeKind::SetBlock;
  NodePtr filters;
  if (isOp("|"))
    filters = filtersAndTests(make(NodeKind::Name, "")); // the block's text
  expectTagEnd();
  adopt(*n, block({"endset"}));
  adopt(*n, std::move(filters));
  endStatement("endset");
  return n;
}

NodePtr Parser::macroStatement() {
  next();
  NodePtr n = make(NodeKind::Macro, name());
  adopt(*n, nullptr);
  expectOp("(");
  while (error.empty() && !isOp(")")) {
    n->names.push_back(name());
    adopt(*n, takeOp("=") ? expression() : nullptr);
    if (!takeOp(","))
      break;
  }
  expectOp(")");
  expectTagEnd();
  int outer = loops;
  loops = 0;
  NodePtr body = block({"endmacro"});
  n->height = static_cast<uint16_t>(std::max<int>(n->height, body->height + 1));
  n->kids[0] = std::move(body);
  loops = outer;
  if (takeName("endmacro") && cur().kind == TokenKind::Name)
    next(); // {% endmacro name %}
  expectTagEnd();
  return n;
}

NodePtr Parser::expression() {
  Nested nested(*this);
  NodePtr n = orExpr();
  while (error.empty() && takeName("if")) {
    NodePtr condition = orExpr();
    NodePtr otherwise = takeName("else") ? expression() : nullptr;
    n = make(NodeKind::Choose, "", std::move(n), std::move(condition));
    adopt(*n, std::move(otherwise));
  }
  return n;
}

/// An expression, or several with commas between them.
NodePtr Parser::tupleOr(bool parenthesized) {
  if (parenthesized && isOp(")"))
    return make(NodeKind::Tuple);
  NodePtr first = expression();
  if (!isOp(","))
    return first;
  NodePtr n = make(NodeKind::Tuple, "", std::move(first));
  while (error.empty() && takeOp(",")) {
    if (isOp(")") || cur().kind == TokenKind::TagEnd || cur().kind == TokenKind::OutputEnd)
      break;
    adopt(*n, expression());
  }
  return n;
}

NodePtr Parser::orExpr() {
  NodePtr n = andExpr();
  while (takeName("or"))
    n = make(NodeKind::Or, "", std::move(n), andExpr());
  return n;
}

NodePtr Parser::andExpr() {
  NodePtr n = notExpr();
  while (takeName("and"))
    n = make(NodeKind::And, "", std::move(n), notExpr());
  return n;
}

NodePtr Parser::notExpr() {
  Nested nested(*this);
  if (error.empty() && takeName("not"))
    return make(NodeKind::Not, "", notExpr());
  return compare();
}

NodePtr Parser::compare() {
  NodePtr first = binary(0), n;
  while (error.empty()) {
    std::string op;
    for (std::string_view o : {"==", "!=", "<=", ">=", "<", ">"})
      if (op.empty() && takeOp(o))
        op = o;
    if (op.empty() && takeName("in"))
      op = "in";
    if (op.empty() && isName("not") && peek(1).kind == TokenKind::Name && peek(1).text == "in") {
      next();
      next();
      op = "not in";
    }
    if (op.empty())
      break;
    if (!n)
      n = make(NodeKind::Compare, "", std::move(first));
    n->names.push_back(op);
    adopt(*n, binary(0));
  }
  return n ? std::move(n) : std::move(first);
}

/// Left-associative operators: level 0 + -, 1 ~, 2 * / // %, 3 **.
NodePtr Parser::binary(int level) {
  static constexpr std::initializer_list<const char *> levels[] = {
      {"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}};
  if (level == 4)
    return unary(true);
  NodePtr n = binary(level + 1);
  while (error.empty()) {
    std::string op;
    for (const char *o : levels[level])
      if (op.empty() && takeOp(o))
        op = o;
    if (op.empty())
      break;
    n = make(NodeKind::Binary, op, std::move(n), binary(level + 1));
  }
  return n;
}

NodePtr Parser::unary(bool withFilter) {
  Nested nested(*this);
  NodePtr n;
  if (!error.empty())
    return make(NodeKind::Literal);
  if (takeOp("-"))
    n = make(NodeKind::Negate, "", unary(false));
  else if (takeOp("+"))
    n = make(NodeKind::Plus, "", unary(false));
  else
    n = primary();
  n = postfix(std::move(n));
  return withFilter ? filtersAndTests(std::move(n)) : std::move(n);
}

NodePtr Parser::primary() {
  NodePtr n = make(NodeKind::Literal);
  const Token &t = cur();
  if (t.kind == TokenKind::String) {
    std::string s;
    for (; cur().kind == TokenKind::String; next())
      s += cur().text;
    n->value = std::move(s);
  } else if (t.kind == TokenKind::Number) {
    n->value = t.value;
    next();
  } else if (t.kind == TokenKind::Name) {
    if (t.text == "true" || t.text == "True")
      n->value = true;
    else if (t.text == "false" || t.text == "False")
      n->value = false;
    else if (t.text == "none" || t.text == "None")
      n->value = nullptr;
    else
      n = make(NodeKind::Name, t.text);
    next();
  } else if (takeOp("(")) {
    n = tupleOr(true);
    expectOp(")");
  } else if (isOp("[")) {
    return list();
  } else if (isOp("{")) {
    return map();
  } else {
    fail(t.text.empty() ? "expected an expression" : "unexpected '" + t.text + "'");
  }
  return n;
}

NodePtr Parser::list() {
  NodePtr n = make(NodeKind::List);
  expectOp("[");
  while (error.empty() && !isOp("]")) {
    adopt(*n, expression());
    if (!takeOp(","))
      break;
  }
  expectOp("]");
  return n;
}

NodePtr Parser::map() {
  NodePtr n = make(NodeKind::Map);
  expectOp("{");
  while (error.empty() && !isOp("}")) {
    adopt(*n, expression());
    expectOp(":");
    adopt(*n, expression());
    if (!takeOp(","))
      break;
  }
  expectOp("}");
  return n;
}

/// "(a, b, key=c)" into kids[1..] and names.
void Parser::arguments(Node &call) {
  expectOp("(");
  while (error.empty() && !isOp(")")) {
    std::string keyword;
    if (cur().kind == TokenKind::Name && peek(1).kind == TokenKind::Operator &&
        peek(1).text == "=") {
      keyword = name();
      next();
    } else if (!call.names.empty() && !call.names.back().empty()) {
      fail("positional argument after a keyword argument");
    }
    call.names.push_back(keyword);
    adopt(call, expression());
    if (!takeOp(","))
      break;
  }
  expectOp(")");
}

NodePtr Parser::subscript(NodePtr base) {
  NodePtr parts[3];
  bool slice = false;
  size_t count = 0;
  expectOp("[");
  for (; error.empty() && count < 3; ++count) {
    if (!isOp(":") && !isOp("]"))
      parts[count] = expression();
    if (!takeOp(":"))
      break;
    slice = true;
  }
  expectOp("]");
  NodePtr n = make(slice ? NodeKind::Slice : NodeKind::Subscript, "", std::move(base));
  if (!slice && !parts[0])
    fail("expected an expression between '[' and ']'");
  for (size_t i = 0; i < (slice ? 3 : 1); ++i)
    adopt(*n, std::move(parts[i]));
  return n;
}

NodePtr Parser::postfix(NodePtr n) {
  while (error.empty()) {
    if (takeOp(".")) {
      if (cur().kind == TokenKind::Number && cur().value.isInt()) {
        NodePtr index = make(NodeKind::Literal);
        index->value = cur().value;
        next();
        n = make(NodeKind::Subscript, "", std::move(n), std::move(index));
      } else {
        n = make(NodeKind::Attribute, name(), std::move(n));
      }
    } else if (isOp("[")) {
      n = subscript(std::move(n));
    } else if (isOp("(")) {
      n = make(NodeKind::Call, "", std::move(n));
      arguments(*n);
    } else {
      break;
    }
  }
  return n;
}

NodePtr Parser::filter(NodePtr n) {
  n = make(NodeKind::Filter, name(), std::move(n));
  if (isOp("("))
    arguments(*n);
  return n;
}

NodePtr Parser::test(NodePtr n) {
  bool negated = takeName("not");
  n = make(NodeKind::Test, name(), std::move(n));
  TokenKind k = cur().kind;
  bool keyword = isName("else") || isName("or") || isName("and") || isName("if") || isName("is") ||
                 isName("in") || isName("not");
  if (isOp("(")) {
    arguments(*n);
  } else if ((k == TokenKind::Name && !keyword) || k == TokenKind::String ||
             k == TokenKind::Number || isOp("[") || isOp("{")) {
    n->names.push_back("");
    adopt(*n, postfix(primary()));
  }
  return negated ? make(NodeKind::Not, "", std::move(n)) : std::move(n);
}

NodePtr Parser::filtersAndTests(NodePtr n) {
  while (error.empty()) {
    if (takeOp("|")) {
      n = filter(std::move(n));
    } else if (takeName("is")) {
      n = test(std::move(n));
    } else if (isOp("(")) {
      n = make(NodeKind::Call, "", std::move(n));
      arguments(*n);
    } else {
      break;
    }
  }
  return n;
}

} // namespace

NodePtr parseTemplate(std::string_view source, std::string &error) {
  std::vector<Token> tokens = lexTemplate(source, error);
  if (!error.empty())
    return nullptr;
  return Parser(std::move(tokens), error).parse();
}

} // namespace qcc::text
