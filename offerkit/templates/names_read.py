"""The names that a template reads, with scopes: which names are its own, and the namespaces they may stand for.

In doubt it assumes more: a name that only one branch sets may also be the one from outside, and a name that was ever
set to a whole namespace (``offer``, in a list, behind a filter, on one branch) reads that namespace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from offerkit.templates.language import FUNCTIONS, TESTS
from offerkit.templates.scan import Piece, Token

_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "elif", "for", "set", "endif", "endfor", "recursive"})
_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None"})
_NEIGHBOURS = ("previtem", "nextitem")
_LOOP = "loop"


def names_read(parts: Sequence[Piece]) -> frozenset[str]:
    """The dotted names that a compiled template may read from outside (``offer.label``; ``offer``: all of it)."""
    stands_for: dict[str, frozenset[str]] = {}
    while True:  # names may be set to one another, also by an earlier round of a loop
        walk = _NameReader(stands_for)
        walk.template(parts)
        if walk.stands_for == stands_for:
            return frozenset(walk.found)
        stands_for = walk.stands_for


@dataclass(slots=True)
class _ScopeBlock:
    """An open ``if`` or ``for``: the template's own names before it, and those that each finished branch has set."""

    word: str
    before: frozenset[str]
    branches: list[frozenset[str]] = field(default_factory=list)
    complete: bool = False
    """Whether it has an ``else``."""


class _NameReader:
    """One reading of a template from top to bottom."""

    def __init__(self, stands_for: dict[str, frozenset[str]]) -> None:
        """``stands_for``: the whole namespaces that names of the template itself may be, as far as it is known."""
        self.stands_for = dict(stands_for)
        self.found: set[str] = set()
        self._own: frozenset[str] = frozenset()
        self._blocks: list[_ScopeBlock] = []

    def template(self, parts: Sequence[Piece]) -> None:
        for piece in parts:
            if piece.kind == "expression":
                self._expression(piece.tokens)
            elif piece.kind == "statement" and piece.tokens:
                self._statement(piece.tokens[0].text, piece.tokens[1:])

    def _statement(self, word: str, tokens: Sequence[Token]) -> None:
        match word:
            case "set":
                namespaces = self._expression(tokens[2:])
                self._set(tokens[0].text if tokens else "", namespaces)
            case "if":
                self._expression(tokens)
                self._blocks.append(_ScopeBlock(word, self._own))
            case "elif" | "else" if self._blocks:
                block = self._blocks[-1]
                block.branches.append(self._own)
                block.complete = block.complete or word == "else"
                self._own = block.before
                self._expression(tokens)
            case "for":
                self._for(tokens)
            case "endif" | "endfor" if self._blocks:
                block = self._blocks.pop()
                set_by_all = frozenset.intersection(self._own, *block.branches)
                self._own = set_by_all if block.word == "if" and block.complete else block.before
            case _:
                pass

    def _for(self, tokens: Sequence[Token]) -> None:
        depth = 0
        targets: list[str] = []
        iterated: Sequence[Token] = ()
        for at, token in enumerate(tokens):
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
            if token.kind == "name" and token.text == "in" and depth == 0:
                iterated = tokens[at + 1 :]
                break
            if token.kind == "name":
                targets.append(token.text)
        chosen = _chosen(iterated)
        namespaces = self._expression(iterated[:chosen])
        self._blocks.append(_ScopeBlock("for", self._own))
        for name in (*targets, _LOOP):
            self._set(name, namespaces)
        self._expression(iterated[chosen:])

    def _set(self, name: str, namespaces: frozenset[str]) -> None:
        self.stands_for[name] = self.stands_for.get(name, frozenset()) | namespaces
        self._own |= {name}

    def _expression(self, tokens: Sequence[Token]) -> frozenset[str]:
        """Note the names that an expression reads. Returns the whole namespaces that its value may be, or hold."""
        namespaces: set[str] = set()
        for at in _operands(tokens):
            name, *fields = _path(tokens, at)
            if name not in self._own:
                self.found.add(".".join((name, *fields)))
                if not fields:
                    namespaces.add(name)
            for namespace in self.stands_for.get(name, ()):
                namespaces |= self._through(name, namespace, fields)
        return frozenset(namespaces)

    def _through(self, name: str, namespace: str, fields: list[str]) -> set[str]:
        """Note what a name that may stand for ``namespace`` reads of it. Returns the namespace if that is all of it."""
        if name == _LOOP:
            if not fields or fields[0] not in _NEIGHBOURS:
                return set()
            fields = fields[1:]
        self.found.add(".".join((namespace, *fields)))
        return set() if fields else {namespace}


def _chosen(tokens: Sequence[Token]) -> int:
    """The index of the ``if`` that filters a loop; the end without one, or for ``a if b else c``."""
    depth, start = 0, len(tokens)
    for at, token in enumerate(tokens):
        if token.kind == "sign":
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        elif token.kind == "name" and depth == 0 and token.text in ("if", "else"):
            start = at if token.text == "if" else len(tokens)
    return start


def _operands(tokens: Sequence[Token]) -> Iterator[int]:
    """The indexes of names of values: not of keywords, filters, tests, functions or argument names."""
    for at, token in enumerate(tokens):
        if token.kind != "name" or token.text in _WORDS or token.text in _CONSTANTS:
            continue
        previous = tokens[at - 1] if at else None
        following = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if previous is not None and previous.text in (".", "|") and previous.kind == "sign":
            continue
        if previous is not None and previous.kind == "name" and token.text in TESTS and _is_test(tokens, at):
            continue
        if (token.text in FUNCTIONS and following == "(") or (following == "=" and _in_call(tokens, at)):
            continue
        yield at


def _is_test(tokens: Sequence[Token], at: int) -> bool:
    """Whether the name at ``at`` follows ``is`` or ``is not``."""
    words = [token.text for token in tokens[max(at - 2, 0) : at] if token.kind == "name"]
    return words[-1:] == ["is"] or words == ["is", "not"]


def _in_call(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].kind == "sign" and tokens[at - 1].text in ("(", ",")


def _path(tokens: Sequence[Token], at: int) -> list[str]:
    """The name at ``at``, followed by the fields that ``.name`` and ``['name']`` read of it."""
    names = [tokens[at].text]
    at += 1
    while at + 1 < len(tokens) and tokens[at].kind == "sign":
        sign, following = tokens[at].text, tokens[at + 1]
        if sign == "." and following.kind in ("name", "number"):
            names.append(following.text)
            at += 2
        elif sign == "[" and following.kind == "string" and at + 2 < len(tokens) and tokens[at + 2].text == "]":
            names.append(following.text[1:-1])
            at += 3
        else:
            break
    return names
