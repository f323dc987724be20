"""SMT-LIB 2 text: terms with the simplest folding, and a script of declarations, definitions and constraints."""

from __future__ import annotations

from dataclasses import dataclass, field

HIGHEST = 0x2FDFF
"""The highest code point of a character in a condition. Those above it that SMT-LIB has, up to U+2FFFF, are in the
solver's texts all the others that a contact's text can have: they are ordered, and none is in any condition.
"""


class NoEncodingError(Exception):
    """A part of an expression that cannot be written exactly; the call around it becomes opaque."""


def conj(*terms: str) -> str:
    """All of ``terms``."""
    return _joined("and", "true", "false", terms)


def disj(*terms: str) -> str:
    """At least one of ``terms``."""
    return _joined("or", "false", "true", terms)


def _joined(name: str, neutral: str, decisive: str, terms: tuple[str, ...]) -> str:
    if decisive in terms:
        return decisive
    rest = list(dict.fromkeys(term for term in terms if term != neutral))
    if len(rest) > 1:
        return f"({name} {' '.join(rest)})"
    return rest[0] if rest else neutral


def neg(term: str) -> str:
    """Not ``term``."""
    if term in ("true", "false"):
        return "false" if term == "true" else "true"
    return term[5:-1] if term.startswith("(not ") else f"(not {term})"


def ite(test: str, then: str, other: str) -> str:
    """``then`` where ``test`` is true, else ``other``."""
    if test in ("true", "false") or then == other:
        return then if test != "false" else other
    return f"(ite {test} {then} {other})"


def app(name: str, *terms: str) -> str:
    """The function ``name`` of ``terms``."""
    return f"({name} {' '.join(terms)})"


def number(value: int) -> str:
    """An integer."""
    return str(value) if value >= 0 else f"(- {-value})"


def constant(term: str) -> int | None:
    """The value of an integer literal; None if ``term`` is none."""
    if term.isdecimal():
        return int(term)
    return -int(term[3:-1]) if term.startswith("(- ") and term[3:-1].isdecimal() else None


def text(value: str) -> str:
    """A string. Raises NoEncodingError for characters above :data:`HIGHEST`."""
    if any(ord(char) > HIGHEST for char in value):
        raise NoEncodingError("a rare character")
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"\\u{{{ord(char):x}}}"


@dataclass
class Script:
    """Declarations, definitions and constraints, in order. A definition names a term, so that it is written once.

    ``slow``: constraints that are left out at first, and added in these two steps. Without them there is more that
    fits: if nothing does, nothing does with them, and a solution must be confirmed.
    """

    lines: list[str] = field(default_factory=list)
    slow: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    _defined: dict[tuple[str, str], str] = field(default_factory=dict)

    def declare(self, sort: str, name: str) -> str:
        """A new constant."""
        self.lines.append(f"(declare-const {name} {sort})")
        return name

    def declare_function(self, name: str, sort: str, result: str) -> None:
        """A new function of one argument, about which nothing is known."""
        self.lines.append(f"(declare-fun {name} ({sort}) {result})")

    def name(self, sort: str, term: str) -> str:
        """A name for ``term``, however short it is."""
        if " " not in term and not term.startswith('"'):
            return term
        key = (sort, term)
        if key not in self._defined:
            self._defined[key] = f"d{len(self._defined)}"
            self.lines.append(f"(define-fun {self._defined[key]} () {sort} {term})")
        return self._defined[key]

    def define(self, sort: str, term: str) -> str:
        """A name for ``term``; short terms stay as they are."""
        if " " not in term or len(term) < 24:
            return term
        return self.name(sort, term)

    def require(self, term: str) -> None:
        """A constraint that always holds."""
        if term != "true":
            self.lines.append(f"(assert {term})")

    def require_later(self, step: int, term: str) -> None:
        """A constraint that always holds, and is left out until the step 0 or 1."""
        self.slow[step].append(f"(assert {term})")

    def __str__(self) -> str:
        """The whole text."""
        return "\n".join(self.lines)
