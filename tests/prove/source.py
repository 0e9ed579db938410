"""A package as syntax trees: its modules, functions and classes, and what their names mean."""

import ast
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


class Source:
    """A package, read once."""

    def __init__(self, root: Path, package: str) -> None:
        self.modules: dict[str, Module] = {}
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, Class] = {}
        self.aliases: dict[str, tuple[ast.expr, Module]] = {}
        self._package = package
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            source = path.read_text(encoding="utf-8")
            module = self.modules[name] = Module(name, path.relative_to(root), source, ast.parse(source))
            self._read_names(module)
            self._read_scope(module.tree.body, module, module.name, None, None)
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
                        self.aliases[f"{module.name}.{target.id}"] = (meant, module)

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
                if dotted in self.aliases and dotted not in seen:
                    found |= self.mentions(*self.aliases[dotted], seen | {dotted})
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
