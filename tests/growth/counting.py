"""Counts what a program does, function by function: no clock, so the same input always gives the same figures.

Counting calls alone is blind to work that C does in one step: ``few - everything.keys()`` walks over everything, and is
one instruction. So the modules of a package are rewritten as they are imported, and each function counts

- every time it is called and every turn of its loops,
- the sizes of collections that it hands to an operator (``|``, ``-``, ``in`` of a list, …) or to what walks over them
  (``set``, ``sorted``, ``update``, ``join``, a slice, …); characters of texts, those of f-strings too, apart.

The steps of SQLite's virtual machine are counted for the function that runs the statement. Functions of other packages
are counted by :mod:`cProfile`, by their calls.
"""

from __future__ import annotations

import ast
import builtins
import cProfile
import hashlib
import operator
import sqlite3
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

work: defaultdict[str, int] = defaultdict(int)
"""What was done so far, by function."""

_VIEWS = (type({}.keys()), type({}.values()), type({}.items()))
_SETS = (set, frozenset, type({}.keys()), type({}.items()))
_SIZED = frozenset({set, frozenset, list, tuple, dict, defaultdict, Counter, OrderedDict, deque, range, *_VIEWS})
_TEXTS = frozenset({str, bytes, bytearray})
_LAZY = (map, filter, zip, enumerate, reversed)
_STEPS = 100
"""SQLite tells of its work each time it has done so many steps."""

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
}
_BUILTINS = frozenset(
    ["all", "any", "dict", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple", "Counter", "deque"]
)
_WALK_ARGUMENT = frozenset(
    [
        "update",
        "extend",
        "union",
        "symmetric_difference",
        "difference_update",
        "intersection_update",
        "issuperset",
        "join",
        "fromkeys",
        "from_iterable",
        "dumps",
        "loads",
        "writelines",
        "executemany",
        "search",
        "finditer",
        "findall",
    ]
)
_COMPARE = frozenset(["difference", "intersection", "isdisjoint", "issubset"])
_WALK_RECEIVER = frozenset(
    [
        "index",
        "remove",
        "insert",
        "count",
        "copy",
        "union",
        "symmetric_difference",
        "most_common",
        "replace",
        "split",
        "splitlines",
        "find",
        "partition",
        "encode",
        "decode",
    ]
)


def size(site: str, value: Any) -> Any:
    """Give ``value`` back, counted as walked over."""
    kind = type(value)
    if kind in _SIZED:
        work[site] += len(value)
    elif kind in _TEXTS:
        work[f"text of {site}"] += len(value)
    elif kind in _LAZY:
        return each(site, value)
    return value


def each(site: str, values: Any) -> Iterator[Any]:
    """``values``, each counted when it is asked for."""
    for value in values:
        work[site] += 1
        yield value


def listed(site: str, value: Any) -> Any:
    """Give back what something is looked up in; only lists and texts are walked over for that."""
    kind = type(value)
    if kind is list or kind is tuple:
        work[site] += len(value)
    elif kind in _TEXTS:
        work[f"text of {site}"] += len(value)
    return value


def binary(site: str, name: str, left: Any, right: Any) -> Any:
    """``left`` and ``right`` combined, counted as CPython does it."""
    one, other = type(left), type(right)
    if one in _SIZED or other in _SIZED:
        first, second = (len(value) if type(value) in _SIZED else 0 for value in (left, right))
        if name == "and_":
            work[site] += min(first, second)
        elif name == "sub" and other in (set, frozenset):
            work[site] += first
        else:
            work[site] += first + second
    elif one in _TEXTS:
        work[f"text of {site}"] += len(left) + len(right) if other is one else 0
    return getattr(operator, name)(left, right)


def method(site: str, name: str, receiver: Any, *values: Any) -> Any:
    """A method of a set that compares it with others: of two sets CPython walks over the smaller, but to copy."""
    if type(receiver) in (set, frozenset):
        for value in values:
            if type(value) not in _SIZED:
                continue
            walked = min(len(receiver), len(value)) if type(value) in (set, frozenset) else len(value)
            work[site] += walked if name != "difference" else max(walked, len(receiver))
    return getattr(receiver, name)(*values)


_HOOKS: dict[str, Callable[..., Any]] = {
    "size": size,
    "each": each,
    "listed": listed,
    "binary": binary,
    "method": method,
}


class _Rewriter(ast.NodeTransformer):
    def __init__(self, module: str) -> None:
        self.names = [module]

    @property
    def site(self) -> str:
        return ":".join([self.names[0], ".".join(self.names[1:])])

    def hook(self, name: str, *arguments: ast.expr) -> ast.expr:
        wrapped = ast.Call(ast.Name(f"_work_{name}", ast.Load()), [ast.Constant(self.site), *arguments], [])
        return ast.copy_location(wrapped, arguments[-1])

    def tick(self, at: ast.stmt) -> ast.stmt:
        place = ast.Subscript(ast.Name("_work_done", ast.Load()), ast.Constant(self.site), ast.Store())
        return ast.fix_missing_locations(ast.copy_location(ast.AugAssign(place, ast.Add(), ast.Constant(1)), at))

    def _function(self, node: Any) -> Any:
        self.names.append(node.name)
        node.body = [found for statement in node.body for found in _listed(self.visit(statement))]
        first = node.body[0]
        said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        node.body.insert(1 if said else 0, self.tick(first))
        self.names.pop()
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function  # noqa: N815 - ast calls them so

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        self.names.append(node.name)
        node.body = [found for statement in node.body for found in _listed(self.visit(statement))]
        self.names.pop()
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.value = self.visit(node.value) if node.value is not None else None
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        node.body = self.visit(node.body)
        return node

    def _loop(self, node: Any) -> Any:
        self.generic_visit(node)
        node.body.insert(0, self.tick(node.body[0]))
        return node

    visit_For = visit_AsyncFor = visit_While = _loop  # noqa: N815

    def _comprehension(self, node: Any) -> Any:
        self.generic_visit(node)
        lazy = isinstance(node, ast.GeneratorExp)
        for part in node.generators:
            if not part.is_async:
                part.iter = self.hook("each" if lazy else "size", part.iter)
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        name = _OPERATORS.get(type(node.op))
        return self.hook("binary", ast.Constant(name), node.left, node.right) if name else node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        node.value = self.visit(node.value)  # the format beside it must stay what it is
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        self.generic_visit(node)
        return self.hook("size", node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        if type(node.op) in _OPERATORS:
            node.value = self.hook("size", node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        node.comparators = [
            self.hook("listed", value)
            if isinstance(test, ast.In | ast.NotIn) and not isinstance(value, ast.Tuple | ast.Set | ast.Constant)
            else value
            for test, value in zip(node.ops, node.comparators, strict=True)
        ]
        return node

    def visit_Starred(self, node: ast.Starred) -> Any:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = self.hook("size", node.value)
        return node

    def visit_Dict(self, node: ast.Dict) -> Any:
        self.generic_visit(node)
        node.values = [
            self.hook("size", value) if key is None else value
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        sliced = isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load)
        return self.hook("size", node) if sliced else node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        match node.func:
            case ast.Name(id=name) if name in _BUILTINS and len(node.args) == 1:
                self._walk_arguments(node)
            case ast.Attribute(value=receiver, attr=name) if name in _COMPARE and not node.keywords:
                return self.hook("method", ast.Constant(name), receiver, *node.args)
            case ast.Attribute(attr=name) if name in _WALK_ARGUMENT | _WALK_RECEIVER:
                if name in _WALK_ARGUMENT:
                    self._walk_arguments(node)
                if name in _WALK_RECEIVER and not isinstance(node.func.value, ast.Constant):
                    node.func.value = self.hook("size", node.func.value)
        return node

    def _walk_arguments(self, node: ast.Call) -> None:
        node.args = [value if isinstance(value, ast.Starred) else self.hook("size", value) for value in node.args]


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


class _Loader(SourceFileLoader):
    """Compiles the rewritten source, and keeps what it compiled apart from the usual."""

    cache = ""

    def get_code(self, fullname: str) -> CodeType | None:
        before = sys.pycache_prefix, sys.dont_write_bytecode
        sys.pycache_prefix, sys.dont_write_bytecode = self.cache, False
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix, sys.dont_write_bytecode = before

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        tree = _Rewriter(self.name).visit(ast.parse(data, path))
        code: CodeType = compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True, optimize=_optimize)
        return code


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self._package:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
        return spec


def install(package: str, cache: Path) -> None:
    """Count in all modules of ``package`` that are imported from now on, and in SQLite."""
    _Loader.cache = str(cache / hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16])
    sys.meta_path.insert(0, _Finder(package))
    for name, hook in _HOOKS.items():
        setattr(builtins, f"_work_{name}", hook)
    setattr(builtins, "_work_done", work)  # noqa: B010 - builtins declares no such name
    connect = sqlite3.connect

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        made = connect(*args, **kwargs)
        made.set_progress_handler(lambda: _sqlite_stepped(package), _STEPS)
        return made

    sqlite3.connect = counting  # type: ignore[assignment]


class Calls:
    """Counts the calls of functions that are not rewritten, those of other packages and of C, while it is entered."""

    def __enter__(self) -> None:
        self._profile = cProfile.Profile()
        self._profile.enable()

    def __exit__(self, *raised: object) -> None:
        self._profile.disable()
        for entry in self._profile.getstats():
            code = entry.code
            if isinstance(code, str):
                name = code.partition(" at 0x")[0]
                if name.startswith("<built-in method builtins.") or "sqlite3" in name:
                    continue
            elif code.co_filename.endswith("counting.py"):
                continue
            else:
                name = f"{Path(code.co_filename).name}:{code.co_qualname}"
            work[f"calls of {name}"] += entry.callcount


def _sqlite_stepped(package: str) -> int:
    frame: FrameType | None = sys._getframe(1)
    passing = ("sqlite", "sqlite_file", "database", "locked")
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == package and module.rpartition(".")[2] not in passing:
            work[f"SQL of {module}:{frame.f_code.co_qualname}"] += _STEPS // 10
            break
        frame = frame.f_back
    return 0
