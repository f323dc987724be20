"""Text functions as SMT-LIB (rules/text.py): sequences of code points; upper and lower case against fixed texts.

Letter case has no function in SMT-LIB. Compared with a fixed text, ``lower(x)`` says which characters each position of
``x`` can have: a regular expression. Anywhere else it is opaque.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from offerkit.prove.smt import HIGHEST, NoEncodingError, app, conj, disj, ite, neg, text
from offerkit.prove.terms import Term
from offerkit.rules.nodes import CallNode, Node
from offerkit.rules.text import LONGEST, lower, upper

ANY = "re.allchar"
_MAPPINGS: dict[str, Callable[[str], str]] = {"lower": lower, "upper": upper}
_SPACES = f"(re.* (str.to_re {text(' ')}))"
_NO_SPACE = f"(re.inter {ANY} (re.comp (str.to_re {text(' ')})))"
_TRIMMED = f'(re.union (str.to_re "") {_NO_SPACE} (re.++ {_NO_SPACE} re.all {_NO_SPACE}))'
"""Texts without leading and trailing spaces."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A text that ``lower``, ``upper`` and ``trim`` were applied to: the innermost node, and what was applied.

    ``case``: the functions of letter case, the first applied first; ``trimmed``: whether ``trim`` is among them.
    """

    inner: Node
    case: tuple[str, ...] = ()
    trimmed: bool = False


def mapped(node: Node) -> Mapped | None:
    """What is applied to a text; None if nothing is."""
    case: list[str] = []
    trimmed = False
    inner = node
    while isinstance(inner, CallNode) and inner.name in ("lower", "upper", "trim"):
        if inner.name == "trim":
            trimmed = True
        else:
            case.insert(0, inner.name)
        inner = inner.args[0]
    return None if inner is node else Mapped(inner, tuple(case), trimmed)


def matches(name: str, fixed: str, subject: Mapped, value: str) -> str:
    """Whether ``value``, mapped as ``subject`` says, equals, begins with … or is like the ``fixed`` text."""
    match name:
        case "eq":
            pattern = list(fixed)
        case "starts_with":
            pattern = [*fixed, "%%"]
        case "ends_with":
            pattern = ["%%", *fixed]
        case "contains":
            pattern = ["%%", *fixed, "%%"]
        case "like":
            pattern = ["%%" if char == "%" else "__" if char == "_" else char for char in fixed]
        case _:
            raise NoEncodingError(name)
    special = {"%%": "re.all", "__": ANY}
    language = joined([special.get(char) or _characters(char, subject.case) for char in pattern])
    if subject.trimmed:
        language = f"(re.++ {_SPACES} (re.inter {language} {_TRIMMED}) {_SPACES})"
    return app("str.in_re", value, language)


def joined(parts: list[str]) -> str:
    """Regular expressions one after the other."""
    if len(parts) > 1:
        return f"(re.++ {' '.join(parts)})"
    return parts[0] if parts else '(str.to_re "")'


def _characters(char: str, case: tuple[str, ...]) -> str:
    """The characters that become ``char``."""
    wanted = {char}
    for name in reversed(case):
        origins = _origins(name)
        wanted = {
            origin
            for each in wanted
            for origin in (*origins.get(each, ()), *((each,) if _MAPPINGS[name](each) == each else ()))
        }
    options = [f"(str.to_re {text(each)})" for each in sorted(wanted)]
    if not options:
        return "re.none"
    return options[0] if len(options) == 1 else f"(re.union {' '.join(options)})"


@cache
def _origins(name: str) -> dict[str, tuple[str, ...]]:
    """For each character, the others that ``name`` makes it of."""
    result: dict[str, list[str]] = {}
    function = _MAPPINGS[name]
    for code in (*range(0xD800), *range(0xE000, HIGHEST + 1)):
        char = chr(code)
        target = function(char)
        if target != char:
            result.setdefault(target, []).append(char)
    return {target: tuple(chars) for target, chars in result.items()}


def test(name: str, terms: list[Term], pattern: str) -> Term:
    """Whether a text begins with, ends with or contains another, or is like a ``pattern``."""
    null = disj(*(term.null for term in terms))
    value = terms[0].value
    match name:
        case "starts_with":
            return Term(null, app("str.prefixof", terms[1].value, value))
        case "ends_with":
            return Term(null, app("str.suffixof", terms[1].value, value))
        case "contains":
            return Term(null, app("str.contains", value, terms[1].value))
        case "like":
            return Term(null, _like(value, pattern))
        case _:
            raise NoEncodingError(name)


def _like(value: str, pattern: str) -> str:
    """Simple patterns as parts of the text: a solver finds these much faster than regular expressions."""
    plain = pattern.strip("%")
    if "_" in pattern or "%%" in pattern:
        return _general(value, pattern)
    if not pattern.strip("%"):
        return "true" if pattern else app("=", value, '""')
    begins, ends = not pattern.startswith("%"), not pattern.endswith("%")
    if "%" not in plain:
        if begins and ends:
            return app("=", value, text(plain))
        if begins or ends:
            return app("str.prefixof" if begins else "str.suffixof", text(plain), value)
        return app("str.contains", value, text(plain))
    first, *middle, last = pattern.split("%")
    if any(middle):
        return _general(value, pattern)
    return conj(
        app("str.prefixof", text(first), value),
        app("str.suffixof", text(last), value),
        f"(<= {len(first) + len(last)} (str.len {value}))",
    )


def _general(value: str, pattern: str) -> str:
    special = {"%": "re.all", "_": ANY}
    return app("str.in_re", value, joined([special.get(char) or f"(str.to_re {text(char)})" for char in pattern]))


def function(node: CallNode, terms: list[Term]) -> Term:
    """The value of a text function for arguments that are encoded."""
    null = disj(*(term.null for term in terms))
    value = terms[0].value
    match node.name:
        case "length":
            return Term(null, app("str.len", value))
        case "concat":
            return Term(null, value if len(terms) == 1 else app("str.++", *(term.value for term in terms)))
        case "replace":
            old, new = terms[1].value, terms[2].value
            result = app("str.replace_all", value, old, new)
            grows = f"(> (str.len {new}) (str.len {old}))"
            too_long = conj(neg(app("=", old, '""')), grows, f"(> (str.len {result}) {LONGEST})")
            return Term(disj(null, too_long), result)
        case "substring":
            return _substring(null, value, terms)
        case _:
            raise NoEncodingError(node.name)


def _substring(null: str, value: str, terms: list[Term]) -> Term:
    """Positions begin with 1; those below count for the length but are empty."""
    start = terms[1].value
    begin = ite(app("<", start, "1"), "0", app("-", start, "1"))
    if len(terms) == 2:
        return Term(null, app("str.substr", value, begin, app("str.len", value)))
    length = terms[2].value
    last = app("+", start, length)
    end = ite(app("<", last, "1"), "0", app("-", last, "1"))
    return Term(disj(null, app("<", length, "0")), app("str.substr", value, begin, app("-", end, begin)))
