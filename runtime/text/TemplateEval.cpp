//===- TemplateEval.cpp - Running a chat template -------------------------===//
//
// Walks the tree. After a failure every expression is undefined and statements stop.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/TemplateEval.h"

#include <algorithm>

namespace qcc::text {
namespace {

/// Levels of evaluation, over all macro calls; each takes less than a kilobyte of stack.
constexpr int kMaxEvalDepth = 1500;

/// How a message names an expression.
std::string describe(const Node &n) {
  if (n.kind == NodeKind::Name)
    return "'" + n.text + "'";
  if (n.kind == NodeKind::Attribute)
    return "'" + n.text + "'";
  if (n.kind == NodeKind::Subscript && n.kids[1]->kind == NodeKind::Literal)
    return toRepr(n.kids[1]->value);
  return "the value";
}

} // namespace

/// Counts nesting for as long as it lives.
struct Interpreter::Deeper {
  explicit Deeper(Interpreter &i) : interpreter(i) {
    if (++i.depth > kMaxEvalDepth)
      i.fail("nested too deeply");
  }
  ~Deeper() { --interpreter.depth; }
  Interpreter &interpreter;
};

Interpreter::~Interpreter() {
  for (auto &n : namespaces)
    n->scope.vars.clear();
  for (auto &s : macroScopes)
    s->vars.clear();
}

void Interpreter::run(const Node &block, std::string &output) {
  out = &output;
  exec(block, root);
}

void Interpreter::write(std::string_view text) {
  if (charge(text.size()))
    out->append(text);
}

std::string Interpreter::capture(const Node &block, const ScopePtr &scope) {
  std::string text, *outer = out;
  out = &text;
  exec(block, scope);
  out = outer;
  return text;
}

Interpreter::Flow Interpreter::exec(const Node &n, const ScopePtr &scope) {
  Deeper deeper(*this);
  if (failed())
    return Flow::Break;
  if (n.kind == NodeKind::Block) {
    for (const NodePtr &kid : n.kids)
      if (Flow f = exec(*kid, scope); f != Flow::Normal || failed())
        return f;
    return Flow::Normal;
  }
  line = n.line;
  return execStatement(n, scope);
}

Interpreter::Flow Interpreter::execStatement(const Node &n, const ScopePtr &scope) {
  switch (n.kind) {
  case NodeKind::Text:
    write(n.text);
    break;
  case NodeKind::Output: {
    Value v = eval(*n.kids[0], scope);
    if (!failed())
      write(v.isString() ? v.asString() : toText(v));
    break;
  }
  case NodeKind::If:
    for (size_t i = 0; i < n.kids.size() && !failed(); i += 2) {
      bool last = i + 1 == n.kids.size();
      if (last || eval(*n.kids[i], scope).truth())
        return failed() ? Flow::Break : exec(*n.kids[last ? i : i + 1], scope);
    }
    break;
  case NodeKind::For:
    return execFor(n, scope);
  case NodeKind::Set:
    assign(n, eval(*n.kids[0], scope), scope);
    break;
  case NodeKind::SetBlock: {
    auto inner = std::make_shared<Scope>(scope);
    Value text = made(capture(*n.kids[0], inner));
    if (n.kids[1]) { // the innermost input is the name ""
      inner->set("", text);
      text = eval(*n.kids[1], inner);
    }
    assign(n, text, scope);
    break;
  }
  case NodeKind::Macro:
    macroScopes.push_back(scope);
    scope->set(n.text, Value(std::make_shared<MacroObject>(n, scope)));
    break;
  case NodeKind::Break:
    return Flow::Break;
  case NodeKind::Continue:
    return Flow::Continue;
  default:
    fail("not a statement");
  }
  return Flow::Normal;
}

/// Gives the targets their values; several targets take a sequence apart.
void Interpreter::bind(const std::vector<std::string> &targets, const Value &v, Scope &scope) {
  if (targets.size() == 1)
    return scope.set(targets[0], v);
  Value::List items = elements(*this, v);
  if (!failed() && items.size() != targets.size())
    fail(std::to_string(items.size()) + " values for " + std::to_string(targets.size()) + " names");
  for (size_t i = 0; i < targets.size() && !failed(); ++i)
    scope.set(targets[i], items[i]);
}

void Interpreter::assign(const Node &n, const Value &v, const ScopePtr &scope) {
  if (failed())
    return;
  size_t dot = n.names[0].find('.');
  if (dot == std::string::npos)
    return bind(n.names, v, *scope);
  std::string name = n.names[0].substr(0, dot);
  auto *ns = objectOf<NamespaceObject>(variable(name, scope), TemplateObject::Namespace);
  if (!ns)
    fail("'" + name + "' is not a namespace, so its attributes cannot be set");
  else
    ns->scope.set(n.names[0].substr(dot + 1), v);
}

Interpreter::Flow Interpreter::execFor(const Node &n, const ScopePtr &scope) {
  Value iterable = eval(*n.kids[0], scope);
  auto loop = std::make_shared<LoopObject>();
  loop->items = elements(*this, iterable);
  if (n.kids[1]) {
    Value::List kept;
    for (const Value &v : loop->items) {
      auto inner = std::make_shared<Scope>(scope);
      bind(n.names, v, *inner);
      if (!failed() && eval(*n.kids[1], inner).truth())
        kept.push_back(v);
      if (failed())
        return Flow::Break;
    }
    loop->items = std::move(kept);
  }
  if (failed())
    return Flow::Break;
  if (loop->items.empty())
    return n.kids[3] ? exec(*n.kids[3], scope) : Flow::Normal;
  for (size_t i = 0; i < loop->items.size() && step(Value()); ++i) {
    auto inner = std::make_shared<Scope>(scope);
    loop->index = static_cast<int64_t>(i);
    inner->set("loop", Value(loop));
    bind(n.names, loop->items[i], *inner);
    if (failed() || exec(*n.kids[2], inner) == Flow::Break || failed())
      break;
  }
  loop->items.clear(); // whoever kept the loop keeps nothing more
  loop->lastChanged = Value();
  return failed() ? Flow::Break : Flow::Normal;
}

Value Interpreter::variable(const std::string &name, const ScopePtr &scope) {
  for (Scope *s = scope.get(); s; s = s->parent.get())
    if (Value *v = s->find(name))
      return *v;
  if (isFunction(name))
    return Value(std::make_shared<CallableObject>(TemplateObject::Function, name, Value()));
  return {};
}

Value Interpreter::eval(const Node &n, const ScopePtr &scope) {
  Deeper deeper(*this);
  if (failed())
    return {};
  Value v = evalKind(n, scope);
  if (!failed())
    step(v);
  return failed() ? Value() : v;
}

Value Interpreter::evalKind(const Node &n, const ScopePtr &scope) {
  auto kid = [&](size_t i) { return eval(*n.kids[i], scope); };
  switch (n.kind) {
  case NodeKind::Literal:
    return n.value;
  case NodeKind::Name:
    return variable(n.text, scope);
  case NodeKind::Attribute:
  case NodeKind::Subscript:
  case NodeKind::Slice:
    return evalMember(n, scope);
  case NodeKind::Call:
    return evalCall(n, scope);
  case NodeKind::Filter: {
    Value in = kid(0);
    Arguments args = arguments(n, scope);
    return failed() ? Value() : filter(n.text, in, args);
  }
  case NodeKind::Test: {
    Value v = kid(0);
    Arguments args = arguments(n, scope);
    return failed() ? Value() : Value(test(n.text, v, args));
  }
  case NodeKind::Not:
    return !kid(0).truth();
  case NodeKind::Negate:
    return negated(*this, kid(0));
  case NodeKind::Plus:
    return kid(0);
  case NodeKind::And: {
    Value v = kid(0);
    return v.truth() ? kid(1) : v;
  }
  case NodeKind::Or: {
    Value v = kid(0);
    return v.truth() ? v : kid(1);
  }
  case NodeKind::Choose:
    if (kid(1).truth())
      return kid(0);
    return n.kids[2] ? kid(2) : Value();
  case NodeKind::Binary: {
    Value a = kid(0), b = kid(1);
    for (size_t i : {0, 1})
      if ((i ? b : a).isUndefined() && n.text != "~")
        return fail(describe(*n.kids[i]) + " is undefined");
    return arithmetic(*this, n.text, a, b);
  }
  case NodeKind::Compare:
    return evalCompare(n, scope);
  default:
    return evalContainer(n, scope);
  }
}

Value Interpreter::evalCompare(const Node &n, const ScopePtr &scope) {
  Value a = eval(*n.kids[0], scope);
  for (size_t i = 0; i < n.names.size() && !failed(); ++i) {
    Value b = eval(*n.kids[i + 1], scope);
    const std::string &op = n.names[i];
    bool holds;
    if (failed() || !step(a))
      return {};
    if (op == "==" || op == "!=")
      holds = equal(a, b) == (op == "==");
    else if (op == "in" || op == "not in")
      holds = contains(*this, b, a) == (op == "in");
    else if (int o = order(*this, a, b); op[0] == '<')
      holds = o < 0 || (op == "<=" && o == 0);
    else
      holds = o > 0 || (op == ">=" && o == 0);
    if (!holds)
      return false;
    a = b;
  }
  return true;
}

Value Interpreter::evalContainer(const Node &n, const ScopePtr &scope) {
  if (n.kind == NodeKind::Map) {
    Value::Map map;
    for (size_t i = 0; i + 1 < n.kids.size() && !failed(); i += 2) {
      Value key = eval(*n.kids[i], scope), value = eval(*n.kids[i + 1], scope);
      auto old =
          std::find_if(map.begin(), map.end(), [&](const auto &e) { return equal(e.first, key); });
      if (old != map.end())
        old->second = std::move(value);
      else
        map.emplace_back(std::move(key), std::move(value));
    }
    return made(std::move(map));
  }
  Value::List list;
  for (const NodePtr &kid : n.kids)
    list.push_back(eval(*kid, scope));
  Value v = made(std::move(list));
  return n.kind == NodeKind::Tuple ? v.setTuple() : v;
}

Value Interpreter::evalMember(const Node &n, const ScopePtr &scope) {
  Value base = eval(*n.kids[0], scope);
  if (failed())
    return {};
  if (base.isUndefined())
    return fail(describe(*n.kids[0]) + " is undefined");
  if (n.kind == NodeKind::Attribute)
    return attribute(base, n.text);
  Value parts[3];
  for (size_t i = 1; i < n.kids.size(); ++i)
    if (n.kids[i])
      parts[i - 1] = eval(*n.kids[i], scope);
  if (failed() || !step(base))
    return {};
  if (n.kind == NodeKind::Slice)
    return slice(*this, base, parts[0], parts[1], parts[2]);
  Value v = subscript(base, parts[0]);
  return v.isUndefined() && parts[0].isString() ? attribute(base, parts[0].asString()) : v;
}

Value Interpreter::attribute(const Value &base, const std::string &name) {
  if (auto *ns = objectOf<NamespaceObject>(base, TemplateObject::Namespace)) {
    Value *v = ns->scope.find(name);
    return v ? *v : Value();
  }
  if (hasMethod(base, name))
    return Value(std::make_shared<CallableObject>(TemplateObject::Method, name, base),
                 base.depth());
  if (auto *loop = objectOf<LoopObject>(base, TemplateObject::Loop)) {
    int64_t size = static_cast<int64_t>(loop->items.size()), i = loop->index;
    const std::pair<std::string_view, Value> fields[] = {
        {"index", i + 1},
        {"index0", i},
        {"revindex", size - i},
        {"revindex0", size - i - 1},
        {"first", i == 0},
        {"last", i + 1 == size},
        {"length", size},
        {"depth", 1}, // loops are not recursive
        {"depth0", 0},
        {"previtem", i > 0 && i <= size ? loop->items[i - 1] : Value()},
        {"nextitem", i + 1 < size ? loop->items[i + 1] : Value()},
    };
    for (const auto &[field, v] : fields)
      if (field == name)
        return v;
    return {};
  }
  const Value *v = base.find(name);
  return v ? *v : Value();
}

Value Interpreter::attributePath(Value base, std::string_view path) {
  while (!failed() && !path.empty()) {
    size_t dot = path.find('.');
    std::string part(path.substr(0, dot));
    path.remove_prefix(dot == path.npos ? path.size() : dot + 1);
    if (base.isUndefined())
      return fail("'" + part + "' of an undefined value");
    bool isIndex =
        !part.empty() && part.find_first_not_of("0123456789") == part.npos && part.size() < 10;
    if (isIndex)
      base = subscript(base, static_cast<int64_t>(std::stoul(part)));
    else
      base = base.isMap() ? subscript(base, part) : attribute(base, part);
  }
  return base;
}

Arguments Interpreter::arguments(const Node &n, const ScopePtr &scope) {
  Arguments args;
  for (size_t i = 0; i < n.names.size() && !failed(); ++i) {
    Value v = eval(*n.kids[i + 1], scope);
    if (n.names[i].empty())
      args.positional.push_back(std::move(v));
    else
      args.named.emplace_back(n.names[i], std::move(v));
  }
  return args;
}

Value Interpreter::evalCall(const Node &n, const ScopePtr &scope) {
  Value callee = eval(*n.kids[0], scope);
  Arguments args = arguments(n, scope);
  if (failed())
    return {};
  line = n.line;
  if (callee.isUndefined())
    return fail(describe(*n.kids[0]) + " is undefined");
  if (auto *macro = objectOf<MacroObject>(callee, TemplateObject::Macro))
    return callMacro(*macro, args);
  if (auto *f = objectOf<CallableObject>(callee, TemplateObject::Function))
    return callFunction(f->name, args);
  if (auto *m = objectOf<CallableObject>(callee, TemplateObject::Method))
    return step(m->self) ? callMethod(*m, args) : Value();
  return fail(describe(*n.kids[0]) + " cannot be called");
}

Value Interpreter::callMacro(const MacroObject &macro, const Arguments &args) {
  const Node &n = macro.node;
  auto scope = std::make_shared<Scope>(macro.scope);
  if (args.positional.size() > n.names.size())
    return fail("macro '" + n.text + "' takes " + std::to_string(n.names.size()) + " arguments");
  for (const auto &[name, v] : args.named)
    if (std::find(n.names.begin(), n.names.end(), name) == n.names.end())
      return fail("macro '" + n.text + "' has no argument '" + name + "'");
  for (size_t i = 0; i < n.names.size() && !failed(); ++i) {
    const Value *v = args.get(i, n.names[i]);
    if (!v && n.kids[i + 1])
      scope->set(n.names[i], eval(*n.kids[i + 1], scope));
    else
      scope->set(n.names[i], v ? *v : Value());
  }
  std::string text = capture(*n.kids[0], scope);
  return made(std::move(text));
}

} // namespace qcc::text
