"""The strings of a Python file, from its syntax tree; comments from its tokens."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

KINDS = ("message", "help", "page", "docstring", "comment")
"""What a string is to its reader; a ``page`` is HTML, a template, or a file that is shipped as it is."""


class String(NamedTuple):
    """A string as a reader sees it; what a program fills in stands as ``{…}``."""

    file: str
    line: int
    kind: str
    text: str


_HELP = frozenset({"help", "short_help", "epilog", "metavar", "description"})
_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"[^\W\d_][,.:;!?”’)]*\s+[“(‘]?(?:[^\W\d_]|\{…\})|\{…\}[,.:;!?”’)]*\s+[“(‘]?[^\W\d_]")
_OPENING = re.compile(r"[^\w{]*[A-Z][a-z]+\b")
_SQL = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA|BEGIN|WITH|FROM|WHERE|ORDER BY|GROUP BY|LEFT JOIN|JOIN"
    r"|HAVING|AND|OR|SET|VALUES|LIMIT|COPY|NOTIFY|LISTEN|LOCK TABLE|VACUUM|ON CONFLICT)\b"
    r"|.*(?:\bCAST\(|\bSELECT |\bVARCHAR\b|\bBIGINT\b|\bDECIMAL\(|\bNUMERIC\()",
    re.DOTALL,
)
_CODE_CALLS = frozenset({"compile", "getLogger", "TypeVar", "NewType", "namedtuple"})
_TAG = re.compile(r"</?[a-z][\w-]*[\s>/]")


def python_strings(path: Path) -> Iterator[String]:
    """Docstrings, help, pages and messages of a file, and its comments."""
    source = path.read_text(encoding="utf-8")
    reader = _Reader(str(path))
    reader.visit(ast.parse(source))
    yield from reader.found
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and _SENTENCE.search(token.string):
            yield String(str(path), token.start[0], "comment", token.string.lstrip("#! "))


class _Reader(ast.NodeVisitor):
    """Walks a module; a string within a string (what is filled in) is found, too."""

    def __init__(self, file: str) -> None:
        self.found: list[String] = []
        self._file = file
        self._filled = 0

    def visit_Module(self, node: ast.Module) -> None:
        self._body(node, "docstring")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._body(node, "docstring")

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._body(node, "help" if any(_is_command(each) for each in node.decorator_list) else "docstring")

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def _body(self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> None:
        for number, each in enumerate(node.body):
            if (
                isinstance(each, ast.Expr)
                and isinstance(each.value, ast.Constant)
                and isinstance(each.value.value, str)
            ):
                self._keep(each.value.lineno, kind if number == 0 else "docstring", each.value.value)
            else:
                self.visit(each)
        for name, value in ast.iter_fields(node):
            if name not in ("body", "returns", "type_params"):
                for each in value if isinstance(value, list) else [value]:
                    if isinstance(each, ast.AST):
                        self.visit(each)

    def visit_arg(self, node: ast.arg) -> None:
        """An annotation is not shown to anybody."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in _CODE_CALLS:
            return
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            text = _text(keyword.value)
            if keyword.arg in _HELP and text is not None:
                self._keep(keyword.value.lineno, "help", text)
                self._within(keyword.value)
            else:
                self.visit(keyword.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._string(node.lineno, _text(node) or "")
        self._within(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._string(node.lineno, node.value)

    def _within(self, node: ast.AST) -> None:
        """What is filled into a string: words chosen there are part of a sentence, however short."""
        self._filled += 1
        for each in ast.walk(node):
            if isinstance(each, ast.FormattedValue):
                self.visit(each.value)
        self._filled -= 1

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """A key is not shown to anybody."""
        self.visit(node.value)
        if not isinstance(node.slice, ast.Constant):
            self.visit(node.slice)

    def visit_Compare(self, node: ast.Compare) -> None:
        """What a value is compared with is not shown to anybody."""
        for each in (node.left, *node.comparators):
            if not isinstance(each, ast.Constant):
                self.visit(each)

    def _string(self, line: int, text: str) -> None:
        if _SQL.match(text):
            return
        if _TAG.search(text):
            self._keep(line, "page", text)
        elif _SENTENCE.search(text) or _OPENING.match(text) or self._filled:
            self._keep(line, "message", text)

    def _keep(self, line: int, kind: str, text: str) -> None:
        shown = " ".join(text.split())
        if _WORD.search(shown):
            string = String(self._file, line, kind, shown)
            if string not in self.found:
                self.found.append(string)


def _is_command(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("command", "group")


def _text(node: ast.expr) -> str | None:
    """A string's text, with ``{…}`` for each value that is filled in; None for what is no string."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "{…}" if isinstance(part, ast.Constant) else "{…}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else f"{left or '{…}'}{right or '{…}'}"
    return None
