//===- TemplateEval.h - Running a chat template ---------------------------===//
//
// The interpreter, and the objects that only exist while it runs. Filters, tests,
// methods and functions are in files of their own.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_TEMPLATEEVAL_H
#define QCC_RUNTIME_TEXT_TEMPLATEEVAL_H

#include "runtime/text/TemplateAst.h"
#include "runtime/text/TemplateOps.h"

namespace qcc::text {

/// Variables of a block that has its own: the template, a loop's iteration, a macro's call.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> parent) : parent(std::move(parent)) {}
  Value *find(const std::string &name) {
    for (auto &[n, v] : vars)
      if (n == name)
        return &v;
    return nullptr;
  }
  void set(const std::string &name, Value v) {
    if (Value *old = find(name))
      *old = std::move(v);
    else
      vars.emplace_back(name, std::move(v));
  }

  std::vector<std::pair<std::string, Value>> vars;
  std::shared_ptr<Scope> parent;
};

struct TemplateObject : Value::Object {
  enum Type : uint8_t { Namespace, Loop, Macro, Function, Method } type;
  explicit TemplateObject(Type type) : type(type) {}
};

/// namespace(): the only value that changes.
struct NamespaceObject : TemplateObject {
  NamespaceObject() : TemplateObject(Namespace), scope(nullptr) {}
  Scope scope;
};

/// `loop`.
struct LoopObject : TemplateObject {
  LoopObject() : TemplateObject(Loop) {}
  Value::List items;
  int64_t index = 0;
  Value lastChanged;
};

struct MacroObject : TemplateObject {
  MacroObject(const Node &node, std::shared_ptr<Scope> scope)
      : TemplateObject(Macro), node(node), scope(std::move(scope)) {}
  const Node &node;
  std::shared_ptr<Scope> scope;
};

/// A built-in function (Function), or a method with its object (Method).
struct CallableObject : TemplateObject {
  CallableObject(Type type, std::string name, Value self)
      : TemplateObject(type), name(std::move(name)), self(std::move(self)) {}
  std::string name;
  Value self;
};

/// The object of `v` when it is one of `type`, else null.
template <typename T> T *objectOf(const Value &v, TemplateObject::Type type) {
  if (v.kind() != Value::Kind::Object)
    return nullptr;
  auto *o = static_cast<TemplateObject *>(v.asObject());
  return o->type == type ? static_cast<T *>(o) : nullptr;
}

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// Argument `i`, which may also be given by `name`; null when it is missing.
  const Value *get(size_t i, std::string_view name) const {
    if (i < positional.size())
      return &positional[i];
    for (auto &[n, v] : named)
      if (n == name)
        return &v;
    return nullptr;
  }
  int64_t getInt(size_t i, std::string_view name, int64_t otherwise) const {
    const Value *v = get(i, name);
    return v && (v->isInt() || v->isBool()) ? v->asInt() : otherwise;
  }
  /// The argument as a string, or `otherwise`.
  std::string getText(size_t i, std::string_view name, const char *otherwise) const {
    const Value *v = get(i, name);
    return v ? toText(*v) : otherwise;
  }
  bool getFlag(size_t i, std::string_view name) const {
    const Value *v = get(i, name);
    return v && v->truth();
  }
};

class Interpreter : public Sandbox {
public:
  /// `now` is what strftime_now shows, in seconds since 1970.
  explicit Interpreter(int64_t now) : now(now), root(std::make_shared<Scope>(nullptr)) {}
  ~Interpreter();

  void define(const char *name, Value v) { root->set(name, std::move(v)); }
  /// Appends the template's output; errors are left in the sandbox, with their line.
  void run(const Node &block, std::string &out);

  /// base.name, as in {{ base.name }}.
  Value attribute(const Value &base, const std::string &name);
  /// base.name.more: a path as selectattr and map take it.
  Value attributePath(Value base, std::string_view path);
  Value filter(const std::string &name, const Value &in, const Arguments &);
  bool test(const std::string &name, const Value &v, const Arguments &);

  uint32_t errorLine() const { return line; }

private:
  enum class Flow : uint8_t { Normal, Break, Continue };
  using ScopePtr = std::shared_ptr<Scope>;
  struct Deeper;

  Flow exec(const Node &, const ScopePtr &);
  Flow execStatement(const Node &, const ScopePtr &);
  Flow execFor(const Node &, const ScopePtr &);
  void bind(const std::vector<std::string> &targets, const Value &, Scope &);
  void assign(const Node &, const Value &, const ScopePtr &);
  std::string capture(const Node &, const ScopePtr &);
  void write(std::string_view);

  Value eval(const Node &, const ScopePtr &);
  Value evalKind(const Node &, const ScopePtr &);
  Value evalCompare(const Node &, const ScopePtr &);
  Value evalContainer(const Node &, const ScopePtr &);
  Value evalMember(const Node &, const ScopePtr &);
  Value evalCall(const Node &, const ScopePtr &);
  Value variable(const std::string &name, const ScopePtr &);
  Arguments arguments(const Node &, const ScopePtr &);
  Value callMacro(const MacroObject &, const Arguments &);
  Value callFunction(const std::string &name, const Arguments &);
  Value callMethod(const CallableObject &, const Arguments &);
  Value callStringMethod(const std::string &self, const std::string &name, const Arguments &);
  Value callMapMethod(const Value &self, const std::string &name, const Arguments &);
  Value callListMethod(const Value &self, const std::string &name, const Arguments &);
  Value callLoopMethod(LoopObject &, const std::string &name, const Arguments &);
  /// The tests that compare with an argument: eq, lt, in, ...
  bool comparison(const std::string &name, const Value &v, const Value *other);
  Value makeNamespace(const Arguments &);
  Value range(const Arguments &);
  Value selected(const std::string &name, const Value &in, const Arguments &);
  Value mapped(const Value &in, const Arguments &);
  Value sorted(const Value &in, const Arguments &);
  Value extreme(const Value &in, const Arguments &, bool most);
  Value unique(const Value &in, const Arguments &);
  Value joined(const Value &in, const Arguments &);
  Value toJson(const Value &in, const Arguments &);
  Value toInt(const Value &in, const Arguments &);
  Value length(const Value &);
  Value textFilter(const std::string &name, const Value &in, const Arguments &, bool &known);
  Value listFilter(const std::string &name, const Value &in, const Arguments &, bool &known);

  int64_t now;
  std::shared_ptr<Scope> root;
  std::string *out = nullptr;
  uint32_t line = 1;
  int depth = 0;
  /// What may hold itself, and so would never be freed.
  std::vector<std::shared_ptr<NamespaceObject>> namespaces;
  std::vector<std::shared_ptr<Scope>> macroScopes;
};

/// True when `name` is a function of every template.
bool isFunction(std::string_view name);
/// True when values like `v` have a method `name`.
bool hasMethod(const Value &v, std::string_view name);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_TEMPLATEEVAL_H
