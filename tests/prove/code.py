"""The code of a package as syntax trees, and which of its functions a call may reach.

What an expression is an instance of is told from annotations and constructors alone: the set of the classes they
mention, those of other packages too. Where nothing is known, every method of that name is meant: too many rather than
too few.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

Names = frozenset[str]
NOTHING: Names = frozenset()
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
STATEMENTS_WITH_A_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(eq=False)
class Module:
    name: str
    path: Path
    source: str
    tree: ast.Module
    names: dict[str, str] = field(default_factory=dict)
    """What a name at its top level stands for, dotted."""


@dataclass(eq=False)
class Function:
    name: str
    """Dotted, from the package on."""
    node: FunctionNode
    module: Module
    owner: "Class | None"
    outer: "Function | None"
    inner: "dict[str, Function]" = field(default_factory=dict)

    @cached_property
    def parameters(self) -> list[ast.arg]:
        arguments = self.node.args
        return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]

    @property
    def is_property(self) -> bool:
        return any("property" in ast.unparse(decorator) for decorator in self.node.decorator_list)


@dataclass(eq=False)
class Class:
    name: str
    node: ast.ClassDef
    module: Module
    methods: dict[str, Function] = field(default_factory=dict)

    @cached_property
    def fields(self) -> list[str]:
        """Those declared in its body, in order: what a dataclass is constructed with."""
        return [
            node.target.id
            for node in self.node.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        ]


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What is inside, but not inside another function or class in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, STATEMENTS_WITH_A_SCOPE):
            yield child
            yield from own_nodes(child)


class Code:
    """A package, read once."""

    def __init__(self, root: Path, package: str) -> None:
        self.modules: dict[str, Module] = {}
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, Class] = {}
        self._aliases: dict[str, tuple[ast.expr, Module]] = {}
        self._package = package
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            source = path.read_text(encoding="utf-8")
            module = self.modules[name] = Module(name, path.relative_to(root), source, ast.parse(source))
            self._read_names(module)
            self._read_scope(module.tree.body, module, module.name, None, None)
        self._by_name: defaultdict[str, list[Function]] = defaultdict(list)
        for found in self.classes.values():
            for name, method in found.methods.items():
                self._by_name[name].append(method)
        self._locals: dict[Function, dict[str, Names]] = {}
        self._attributes: dict[tuple[str, str], Names] = {}
        self._relatives = {name: self._find_relatives(found) for name, found in self.classes.items()}

    def _read_names(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    module.names[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    module.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for statement in module.tree.body:
            if isinstance(statement, STATEMENTS_WITH_A_SCOPE):
                module.names[statement.name] = f"{module.name}.{statement.name}"
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        module.names[target.id] = f"{module.name}.{target.id}"
                        meant = statement.annotation if isinstance(statement, ast.AnnAssign) else statement.value
                        self._aliases[f"{module.name}.{target.id}"] = (meant, module)

    def _read_scope(
        self, body: list[ast.stmt], module: Module, prefix: str, owner: Class | None, outer: Function | None
    ) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                found = self.classes[f"{prefix}.{node.name}"] = Class(f"{prefix}.{node.name}", node, module)
                self._read_scope(node.body, module, found.name, found, None)
            elif isinstance(node, FunctionNode):
                function = Function(
                    f"{prefix}.{node.name}", node, module, owner or (outer.owner if outer else None), outer
                )
                self.functions[function.name] = function
                if owner is not None:
                    owner.methods[node.name] = function
                if outer is not None:
                    outer.inner[node.name] = function
                self._read_scope(node.body, module, function.name, None, function)
            else:
                blocks = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
                blocks += [handler.body for handler in getattr(node, "handlers", [])]
                for block in blocks:
                    self._read_scope(block, module, prefix, owner, outer)

    # -- what names mean

    def dotted(self, node: ast.expr, module: Module) -> str | None:
        """Of a name or of an attribute of a module."""
        if isinstance(node, ast.Name):
            return module.names.get(node.id)
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value, module)
            return f"{before}.{node.attr}" if before else None
        return None

    def mentions(self, annotation: ast.AST | None, module: Module, seen: Names = NOTHING) -> Names:
        """The classes an annotation speaks of, ours and others, through aliases."""
        found: set[str] = set()
        for node in ast.walk(annotation) if annotation is not None else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                try:
                    found |= self.mentions(ast.parse(node.value, mode="eval"), module, seen)
                except SyntaxError:
                    continue
            elif isinstance(node, ast.Name | ast.Attribute):
                dotted = self.dotted(node, module) or (f"builtins.{node.id}" if isinstance(node, ast.Name) else None)
                if dotted in self._aliases and dotted not in seen:
                    found |= self.mentions(*self._aliases[dotted], seen | {dotted})
                elif dotted is not None:
                    found.add(dotted)
        return frozenset(found)

    def with_relatives(self, name: str) -> list[Class]:
        """The class of that name, its bases, and what stands in for it: subclasses, and whoever has all methods of a protocol."""
        return self._relatives.get(name, [])

    def _find_relatives(self, wanted: Class) -> list[Class]:
        bases = self._bases(wanted)
        found = [wanted]
        for other in self.classes.values():
            provides = "typing.Protocol" in bases and wanted.methods.keys() <= other.methods.keys()
            if other is not wanted and (provides or wanted.name in self._bases(other) or other.name in bases):
                found.append(other)
        return found

    def _bases(self, wanted: Class) -> set[str | None]:
        return {self.dotted(base, wanted.module) for base in wanted.node.bases}

    # -- what expressions are

    def types(self, node: ast.AST, scope: Function) -> Names:
        """The classes an expression may be an instance of, or hold; empty where nothing is known."""
        match node:
            case ast.Name(id=name):
                return self._type_of_name(name, scope)
            case ast.Attribute(value=value, attr=attribute):
                known = self.types(value, scope)
                ours = [
                    self._type_of_attribute(found, attribute) for name in known for found in self.with_relatives(name)
                ]
                return frozenset().union(*ours, {f"{name}.{attribute}" for name in known if name not in self.classes})
            case ast.Call(func=ast.Name(id=name) as function, args=arguments) if self._is_builtin(function, scope):
                return frozenset({f"builtins.{name}"}).union(*(self.types(argument, scope) for argument in arguments))
            case ast.Call(func=function):
                return self._type_of_call(function, scope)
            case ast.Constant(value=value):
                return frozenset({f"builtins.{type(value).__name__}"})
            case ast.Await(value=value) | ast.Starred(value=value) | ast.Subscript(value=value):
                return self.types(value, scope)
            case ast.List(elts=elements) | ast.Set(elts=elements) | ast.Tuple(elts=elements):
                return frozenset({"builtins.list"}).union(*(self.types(element, scope) for element in elements))
            case ast.Lambda() | ast.Compare():
                return frozenset({"builtins.object"})
        return frozenset().union(*(self.types(child, scope) for child in ast.iter_child_nodes(node)))

    def _type_of_name(self, name: str, scope: Function) -> Names:
        at: Function | None = scope
        while at is not None:
            if name in self.locals(at):
                return self.locals(at)[name]
            at = at.outer
        alias = self._aliases.get(scope.module.names.get(name, ""))
        return self.mentions(*alias) if alias is not None else NOTHING

    def _type_of_attribute(self, owner: Class, attribute: str) -> Names:
        key = (owner.name, attribute)
        if key in self._attributes:
            return self._attributes[key]
        self._attributes[key] = NOTHING  # what refers to itself adds nothing
        found: set[str] = set()
        method = owner.methods.get(attribute)
        if method is not None:
            found |= self.mentions(method.node.returns, owner.module)
        for node in owner.node.body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == attribute:
                found |= self.mentions(node.annotation, owner.module)
        for method in owner.methods.values():
            for part in own_nodes(method.node):
                for target, value, annotation in _assignments(part):
                    if ast.unparse(target) == f"self.{attribute}":
                        found |= self.mentions(annotation, owner.module) or self.types(value, method)
        self._attributes[key] = frozenset(found)
        return self._attributes[key]

    def _type_of_call(self, function: ast.expr, scope: Function) -> Names:
        dotted = self.dotted(function, scope.module) if not self._is_local(function, scope) else None
        if dotted is not None and dotted not in self.functions:
            return frozenset({dotted})
        found = [self.mentions(callee.node.returns, callee.module) for callee in self.callees(function, scope)]
        answers = {f"{name}()" for name in self.outside(function, scope)}
        if isinstance(function, ast.Name):  # what is given as a parameter answers something its annotation mentions
            answers |= self.types(function, scope)
        return frozenset(answers).union(*found)

    def _is_builtin(self, node: ast.Name, scope: Function) -> bool:
        return node.id not in scope.module.names and not self._is_local(node, scope)

    def _is_local(self, node: ast.expr, scope: Function) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        at: Function | None = scope
        while at is not None and isinstance(node, ast.Name):
            if node.id in self.locals(at) or node.id in at.inner:
                return True
            at = at.outer
        return False

    def locals(self, function: Function) -> dict[str, Names]:
        """The types of a function's parameters and variables."""
        if function in self._locals:
            return self._locals[function]
        known = self._locals[function] = {
            argument.arg: self.mentions(argument.annotation, function.module) for argument in function.parameters
        }
        for rest, kind in ((function.node.args.vararg, "builtins.tuple"), (function.node.args.kwarg, "builtins.dict")):
            if rest is not None:
                known[rest.arg] = self.mentions(rest.annotation, function.module) | {kind}
        if function.owner is not None and function.parameters and function.outer is None:
            known.setdefault(function.parameters[0].arg, NOTHING)
            known[function.parameters[0].arg] |= {function.owner.name}
        for part in own_nodes(function.node):
            for target, value, annotation in _assignments(part):
                for name in ast.walk(target):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                        found = self.mentions(annotation, function.module) or self.types(value, function)
                        known[name.id] = known.get(name.id, NOTHING) | found
        return known

    # -- what calls reach

    def callees(self, node: ast.expr, scope: Function) -> list[Function]:
        """The functions of the package that the expression may be; a class stands for its `__init__`."""
        at: Function | None = scope
        while at is not None and isinstance(node, ast.Name):
            if node.id in at.inner:
                return [at.inner[node.id]]
            at = at.outer
        if not self._is_local(node, scope):
            dotted = self.dotted(node, scope.module)
            if dotted is not None:
                wanted = f"{dotted}.__init__" if dotted in self.classes else dotted
                return [self.functions[wanted]] if wanted in self.functions else []
        if isinstance(node, ast.Attribute):
            known = self.types(node.value, scope)
            if not known:
                return self._by_name[node.attr]
            relatives = [found for name in known for found in self.with_relatives(name)]
            return [found.methods[node.attr] for found in dict.fromkeys(relatives) if node.attr in found.methods]
        return []

    def outside(self, node: ast.expr, scope: Function) -> list[str]:
        """The functions of other packages that the expression may be, dotted: `anyio.Event.set`."""
        if not self._is_local(node, scope):
            dotted = self.dotted(node, scope.module)
            if dotted is not None:
                return [] if dotted.startswith(f"{self._package}.") else [dotted]
        if isinstance(node, ast.Attribute):
            return [f"{name}.{node.attr}" for name in self.types(node.value, scope) if name not in self.classes]
        return []


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.AST, ast.expr | None]]:
    """Target, value and annotation of all that gives a name or an attribute its value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value, None) for target in targets)
        case ast.AnnAssign(target=target, value=value, annotation=annotation):
            yield target, value or ast.Constant(None), annotation
        case ast.NamedExpr(target=target, value=value):
            yield target, value, None
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield target, value, None
        case ast.comprehension(target=target, iter=value):
            yield target, value, None
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            yield target, value, None
