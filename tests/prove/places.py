"""Where events are made and passed on, found by rule.

An *edge* is where something leaves a function for good: into a store's events, the log, the broker, a socket, a queue in
memory, or to whoever waits for a wake-up. A function *publishes* when it has an edge in it, or calls or passes on one
that does. A *place* is every edge, every call of what publishes, every reference to it, and every event put into a change.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.prove.code import Code
from tests.prove.source import Class, Function, own_nodes

PACKAGE = "app"
ELSEWHERE = {
    "app.cli": "the commands: clients of the service, or starters of its processes",
    "app.client": "watches the service from outside, over HTTP and WebSockets",
    "app.supervisor": "starts and ends processes; what it sets wakes its own loops",
    "app.extraction": "pure: bytes in, knowledge out",
    "app.processes": "starts a real process: the live lane is its proof",
    "app.wiring": "names adapters for a real process: the live lane is its proof",
}
"""Modules and packages of which nothing is deleted. Whatever is new in the package is looked at."""

EDGES = (
    r"starlette\.websockets\.WebSocket\.(accept|close|send\w*)",
    r".*[Tt]ransport\.(write|writelines|abort|close)",
    r"anyio\.Event\.set|asyncio\.Event\.set",
    r"celery\.Task\.(delay|apply_async)|.*\.send_task",
    r"redis\.asyncio\.Redis\.(xadd|publish|zadd|lpush|rpush|set)",
    r"collections\.deque\.(append|extend)(left)?|.*Queue\.put(_nowait)?|.*SendStream\.send(_nowait)?",
)
"""Functions of other packages, dotted."""
STORE_WRITES = re.compile(r"insert_\w+|update_\w+|replace_one|bulk_write|delete_\w+|find_one_and_\w+|execute(many)?")
STORED_EVENTS = re.compile(r"\boutbox\b|\b_events\.|(INTO|UPDATE|FROM) events\b")
SQL_READ = re.compile(r"\s*\(*SELECT", re.IGNORECASE)
SCRIPTED = re.compile(r"redis\.call\('(?:XADD|PUBLISH)'.*?\)(?=\n| end\b)")

AWAITED = re.compile(r"Async|Awaitable|Coroutine|\.send_")
DO_NOTHING = "(lambda *_, **__: None)"
DO_NOTHING_ASYNC = "(lambda *_, **__: __import__('anyio').sleep(0))"


@dataclass(frozen=True)
class Place:
    """Something to delete: bytes `start` to `end` of a file, and what is left there instead."""

    path: Path
    where: str
    """The function, dotted within its module."""
    code: str
    start: int
    end: int
    instead: str

    @property
    def name(self) -> str:
        return f"{self.path} · {self.where} · {self.code}"

    def delete(self, source: str) -> str:
        encoded = source.encode()
        return (encoded[: self.start] + self.instead.encode() + encoded[self.end :]).decode()


def find_places(root: Path, package: str = PACKAGE) -> list[Place]:
    """All places of the package at `root`, in the order of the files; names are unique."""
    code = Code(root, package)
    places: list[Place] = []
    publishing = Publishing(code)
    for module in code.modules.values():
        if not is_elsewhere(module.name):
            found = [
                place
                for scope in code.functions.values()
                if scope.module is module
                for place in publishing.places(scope)
            ]
            places += [*found, *_scripted(module.path, module.source)]
    seen: dict[str, int] = {}
    unique = []
    for place in sorted(places, key=lambda place: (place.path, place.start)):
        seen[place.name] = count = seen.get(place.name, 0) + 1
        again = f" (#{count})" if count > 1 else ""
        unique.append(Place(place.path, place.where, place.code + again, place.start, place.end, place.instead))
    return unique


def is_elsewhere(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in ELSEWHERE)


class Publishing:
    """Which functions, parameters and attributes publish."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._functions: set[Function] = set()
        self._callables: set[tuple[str, str]] = set()
        """(function, parameter) and (class, attribute) that hold something that publishes."""
        self._scopes = [scope for scope in code.functions.values() if not is_elsewhere(scope.module.name)]
        known = -1
        while known != len(self._functions) + len(self._callables):
            known = len(self._functions) + len(self._callables)
            for scope in self._scopes:
                self._look_into(scope)

    def places(self, scope: Function) -> Iterator[Place]:
        parents = {child: node for node in [scope.node, *own_nodes(scope.node)] for child in ast.iter_child_nodes(node)}
        for node in own_nodes(scope.node):
            if isinstance(node, ast.Call):
                if self._publishes(node, scope):
                    yield self._place_of_call(node, scope, parents)
                elif (first := self._changes(node, scope)) is not None:
                    yield _place(node, scope, ast.unparse(first))
                yield from self._places_of_entries(node, scope)
            elif isinstance(node, ast.Attribute | ast.Name) and self._is_passed_on(node, scope, parents):
                is_async = any(map(AWAITED.search, self._answers(node, scope)))
                yield _place(node, scope, DO_NOTHING_ASYNC if is_async else DO_NOTHING)

    # -- what publishes

    def _look_into(self, scope: Function) -> None:
        parents = {child: node for node in [scope.node, *own_nodes(scope.node)] for child in ast.iter_child_nodes(node)}
        for node in own_nodes(scope.node):
            if isinstance(node, ast.Call):
                self._bind(node, scope)
                if self._publishes(node, scope) and not self._is_parameter(node.func, scope):
                    self._functions.add(scope)  # what calls what it is given publishes only with what it is given
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and scope.owner is not None:
                if (scope.name, node.value.id) in self._callables:
                    kept = [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
                    self._callables |= {(scope.owner.name, name) for name in kept}
            elif isinstance(node, ast.Attribute | ast.Name) and self._is_passed_on(node, scope, parents):
                call = _call_around(node, parents)
                if self._is_parameter(node, scope):
                    continue
                if (
                    call is None or self._constructed(call, scope) is None
                ):  # to construct something with it is not to use it
                    self._functions.add(scope)

    def _bind(self, call: ast.Call, scope: Function) -> None:
        """Notes which parameters get something that publishes."""
        given: list[tuple[int | str, ast.expr]] = [*enumerate(call.args)]
        given += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
        for at, value in given:
            parts = [value, *ast.walk(value)]
            if not any(isinstance(part, ast.expr) and self._refers(part, scope) for part in parts):
                continue
            for callee in self._code.callees(call.func, scope):
                parameters = callee.parameters[1:] if callee.owner and callee.outer is None else callee.parameters
                for index, parameter in enumerate(parameters):
                    mentions = self._code.mentions(parameter.annotation, callee.module)
                    if at in (index, parameter.arg) and "collections.abc.Callable" in mentions:
                        self._callables.add((callee.name, parameter.arg))

    def _constructed(self, call: ast.Call, scope: Function) -> Class | None:
        return self._code.classes.get(self._code.dotted(call.func, scope.module) or "")

    def _is_parameter(self, node: ast.expr, scope: Function) -> bool:
        at: Function | None = scope
        while at is not None and isinstance(node, ast.Name):
            if any(parameter.arg == node.id for parameter in at.parameters):
                return True
            at = at.outer
        return False

    def _publishes(self, call: ast.Call, scope: Function) -> bool:
        return self._is_edge(call, scope) or self._refers(call.func, scope)

    def _refers(self, node: ast.expr, scope: Function) -> bool:
        """Whether the expression is a function that publishes, or holds one."""
        if not isinstance(node, ast.Attribute | ast.Name) or not isinstance(node.ctx, ast.Load):
            return False
        if any(re.fullmatch(edge, name) for name in self._code.outside(node, scope) for edge in EDGES):
            return True
        if isinstance(node, ast.Attribute):
            known = self._code.types(node.value, scope)
            if any(
                (found.name, node.attr) in self._callables
                for name in known
                for found in self._code.with_relatives(name)
            ):
                return True
        else:
            at: Function | None = scope
            while at is not None:
                if (at.name, node.id) in self._callables:
                    return True
                at = at.outer
        return any(found in self._functions and not found.is_property for found in self._code.callees(node, scope))

    def _answers(self, node: ast.expr, scope: Function) -> Iterator[str]:
        """What is known of the function's answer."""
        for found in self._code.callees(node, scope):
            yield type(found.node).__name__
        yield from self._code.types(node, scope)
        yield from self._code.outside(node, scope)

    def _is_edge(self, call: ast.Call, scope: Function) -> bool:
        if not isinstance(call.func, ast.Attribute):
            return False
        if STORE_WRITES.fullmatch(call.func.attr) and "adapters" in scope.module.name:
            text = ast.get_source_segment(scope.module.source, call) or ""
            if isinstance(call.args[0], ast.Name):  # the statement has a name in this function
                values = [node for node in own_nodes(scope.node) if isinstance(node, ast.Constant)]
                text = " ".join(str(node.value) for node in values) or text
            return bool(STORED_EVENTS.search(text)) and not SQL_READ.match(text)
        return isinstance(call.func.value, ast.Name) and self._is_script(call.func.attr, scope)

    def _is_script(self, attribute: str, scope: Function) -> bool:
        """Whether `self.<attribute>` is a script registered with Redis that adds to a stream."""
        start = scope.owner.methods.get("__init__") if scope.owner is not None else None
        for node in own_nodes(start.node) if start is not None else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == f"self.{attribute}":
                if isinstance(node.value, ast.Call) and ast.unparse(node.value.func).endswith("register_script"):
                    return True
        return False

    def _is_passed_on(self, node: ast.Attribute | ast.Name, scope: Function, parents: dict[ast.AST, ast.AST]) -> bool:
        parent = parents.get(node)
        called = isinstance(parent, ast.Call) and parent.func is node
        kept = isinstance(parent, ast.Assign) and isinstance(node, ast.Name)  # self._on_events = on_events
        return not called and not kept and not isinstance(parent, ast.Attribute) and self._refers(node, scope)

    # -- what to delete

    def _place_of_call(self, call: ast.Call, scope: Function, parents: dict[ast.AST, ast.AST]) -> Place:
        node: ast.AST = parents[call] if isinstance(parents.get(call), ast.Await) else call
        if isinstance(parents.get(node), ast.Expr):
            return _place(node, scope, "pass")
        returned = {
            ast.unparse(found.node.returns or ast.Constant(None)) for found in self._code.callees(call.func, scope)
        }
        return _place(node, scope, "True" if returned == {"bool"} else "None")

    def _changes(self, call: ast.Call, scope: Function) -> ast.expr | None:
        """The change that goes into a function which answers it with more events."""
        for found in self._code.callees(call.func, scope):
            takes = [argument for argument in found.parameters[:1] if _is(argument.annotation, "Change")]
            if takes and _is(found.node.returns, "Change") and call.args:
                return call.args[0]
        return None

    def _places_of_entries(self, call: ast.Call, scope: Function) -> Iterator[Place]:
        """Events among the arguments: those of a `Change`, and those of a document that is written."""
        constructed = self._constructed(call, scope)
        if constructed is not None and constructed.name.endswith(".Change"):
            for keyword in call.keywords:
                if keyword.arg == "events":
                    elements = keyword.value.elts if isinstance(keyword.value, ast.Tuple) else [keyword.value]
                    for element in elements:
                        yield _place(element, scope, "*()" if isinstance(keyword.value, ast.Tuple) else "()")
        if isinstance(call.func, ast.Attribute) and STORE_WRITES.fullmatch(call.func.attr):
            for document in (node for node in ast.walk(call) if isinstance(node, ast.Dict)):
                for key, value in zip(document.keys, document.values, strict=True):
                    adds = any(isinstance(node, ast.Call) for node in ast.walk(value))
                    if isinstance(key, ast.Constant) and key.value == "outbox" and adds:
                        yield _place(value, scope, "[]" if isinstance(value, ast.Call) else "{'$each': []}")


def _call_around(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.Call | None:
    at = parents.get(node)
    while at is not None and not isinstance(at, ast.Call | ast.stmt):
        at = parents.get(at)
    return at if isinstance(at, ast.Call) else None


def _is(annotation: ast.expr | None, name: str) -> bool:
    return annotation is not None and ast.unparse(annotation) == name


def _place(node: ast.AST, scope: Function, instead: str) -> Place:
    assert isinstance(node, ast.expr)
    offset = _offsets(scope.module.source)
    where = scope.name.removeprefix(f"{scope.module.name}.")
    end = offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    return Place(
        scope.module.path, where, _short(ast.unparse(node)), offset(node.lineno, node.col_offset), end, instead
    )


def _scripted(path: Path, source: str) -> Iterator[Place]:
    """What a script in a string adds to a stream."""
    for found in SCRIPTED.finditer(source):
        start = len(source[: found.start()].encode())
        yield Place(path, "script", _short(found[0]), start, start + len(found[0].encode()), "")


def _offsets(source: str) -> Callable[[int, int], int]:
    lines = source.encode().splitlines(keepends=True)
    return lambda line, column: sum(map(len, lines[: line - 1])) + column


def _short(code: str) -> str:
    code = " ".join(code.split()).replace("|", "/").replace("`", "'")
    return code if len(code) <= 100 else f"{code[:97]}..."
