"""Which functions of a package a call may reach.

What an expression is an instance of is told from annotations and constructors alone: the set of the classes they
mention, those of other packages too. Where nothing is known, every method of that name is meant: too many rather than
too few.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.prove.source import NOTHING, Class, Function, Names, Source, own_nodes


class Code(Source):
    """A package, read once, and what its expressions may be."""

    def __init__(self, root: Path, package: str) -> None:
        super().__init__(root, package)
        self._by_name: defaultdict[str, list[Function]] = defaultdict(list)
        for found in self.classes.values():
            for name, method in found.methods.items():
                self._by_name[name].append(method)
        self._locals: dict[Function, dict[str, Names]] = {}
        self._attributes: dict[tuple[str, str], Names] = {}

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
        alias = self.aliases.get(scope.module.names.get(name, ""))
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
