"""Checks a template without rendering it: whether it is valid, and which names it uses.

The language is a part of minijinja's (docs/rendering.md, docs/adr/0005-template-engine.md): templates reach only
the plain values they are given, never Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from offerkit.templates.language import FUNCTIONS
from offerkit.templates.links import dead_links
from offerkit.templates.multiplication import guarded
from offerkit.templates.names_read import names_read
from offerkit.templates.scan import TemplateFault, is_template, pieces, troubles

if TYPE_CHECKING:
    from minijinja import Environment
import re
from collections.abc import Iterator, Sequence

from offerkit.templates.markup import LOADED, START, MarkupState, Mode, after
from offerkit.templates.scan import Branches, Piece, Token, trimmed


@dataclass(frozen=True, slots=True)
class Inspected:
    """The dotted names a template uses (``recipient.first_name``), or why it cannot be read.

    ``line`` (from 1; 0: not known) and ``at`` (an offset; None: no more than the line is known) say where the error is.
    ``guarded`` is what is given to the engine instead of the text (multiplication.py).
    """

    variables: tuple[str, ...] = ()
    error: str = ""
    line: int = 0
    at: int | None = None
    guarded: str = ""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from minijinja import Environment

    return Environment()


@lru_cache(maxsize=16_384)
def inspect(text: str, *, html: bool = False, xml: bool = False, markup: frozenset[str] = frozenset()) -> Inspected:
    """What ``text`` uses; its first error, with the line inside it (from 1), when it has one.

    An error is wrong syntax, or a filter, test, function or statement that the language does not have. ``html``
    or ``xml``: the format of the text; values are then only allowed where escaping makes them harmless (not inside a
    script, for example). ``markup``: the names that hold HTML, which are only allowed between tags.
    """
    if not (html or xml) and (blocks := _plain_blocks(text)) not in ("", text):
        known = inspect(blocks)
        if not known.error:
            return Inspected(known.variables, guarded=text)
    if not is_template(text):
        dead = next(dead_links(pieces(text), html=True), None) if html and "<" in text else None
        return _refused(text, dead) if dead else Inspected(guarded=text)
    from minijinja import TemplateError

    try:
        names = _environment().undeclared_variables_in_str(text, nested=True)
        # The engine reports what a template uses even of one that cannot be compiled.
        _environment().add_template("inspected", text)
    except TemplateError as error:
        message = error.detail or error.message or "syntax error"
        return Inspected(error=str(message), line=error.line or 0)
    parts = pieces(text)
    trouble = (
        next(troubles(parts), None)
        or next(exposed(parts, html=html, xml=xml, markup=markup), None)
        or next(dead_links(parts, html=html), None)
    )
    if trouble is not None:
        return _refused(text, trouble)
    # The engine takes a name that is set from itself for the template's own ({% set offer = offer.label %}),
    # and does not look into what is sliced ({{ offer['label'][:9] }}).
    variables = frozenset(name for name in names if name not in FUNCTIONS) | names_read(parts)
    return Inspected(variables=tuple(sorted(variables)), guarded=guarded(text, parts))


def _plain_blocks(text: str) -> str:
    """The blocks of a template that only writes values, which decide alone what is wrong with it and what it uses.

    Empty for any other text: thousands of titles differ in nothing but the words around the same blocks.
    """
    between = _PLAIN_BLOCK.split(text)
    if len(between) == 1 or any("{" in part or "}" in part for part in between):
        return ""
    return "".join(_PLAIN_BLOCK.findall(text))


@lru_cache(maxsize=16_384)
def names_by_engine(text: str) -> frozenset[str]:
    """The names that the engine reports for a template, without our analysis of scopes (as earlier versions did).

    Names that are set from themselves are missing. Empty when the template cannot be read.
    """
    from minijinja import TemplateError

    try:
        names = _environment().undeclared_variables_in_str(text, nested=True)
    except TemplateError:
        return frozenset()
    return frozenset(name for name in names if name not in FUNCTIONS)


def _refused(text: str, trouble: TemplateFault) -> Inspected:
    return Inspected(error=trouble.text, line=text.count("\n", 0, trouble.start) + 1, at=trouble.start)


_PLAIN_BLOCK = re.compile(r"""\{\{[^{}"'*]*\}\}""")
"""An expression without texts, maps and multiplications."""
_PROGRAM_ATTRIBUTE = re.compile(r"on\w+|style|srcdoc", re.IGNORECASE)
_MOST = 16
"""Places that are followed at once."""
_GIVES_MARKUP = frozenset({"default", "first", "join", "last", "unique"})
"""Filters that may give markup back as markup; all others give text, which is escaped."""
_OF_LOOP = frozenset(
    {"index", "index0", "first", "last", "length", "revindex", "revindex0", "depth", "depth0", "changed"}
)
"""The fields of ``loop`` that are numbers or booleans, whatever is looped over."""


def exposed(parts: Sequence[Piece], *, html: bool, xml: bool, markup: frozenset[str]) -> Iterator[TemplateFault]:
    """Values where they could do harm in HTML or XML, and names in ``markup`` where only text is allowed."""
    if not (html or xml):
        return
    branches = Branches(START)
    scopes = [markup]  # the names that may be markup, outside of all loops and in each open one
    for index, piece in enumerate(parts):
        word = piece.tokens[0].text if piece.kind == "statement" else ""
        if piece.kind == "text":
            text = trimmed(parts, index)
            branches.states = frozenset(after(state, text, html=html) for state in branches.states)
        elif piece.kind == "expression":
            reasons = (_reason(state, html, _is_markup(piece.tokens, scopes[-1])) for state in branches.states)
            yield from (TemplateFault(piece.start, reason) for reason in reasons if reason)
        elif word:
            loop_states = branches.repeated(word)
            if loop_states is not None:
                scopes.pop()  # what a loop's body sets ends with it; its else is outside
                if not branches.states <= loop_states:
                    yield TemplateFault(piece.start, "a loop must close the markup that it opens")
            _assign(word, piece.tokens, scopes)
            branches.follow(word)
        if len(branches.states) > _MOST:
            yield TemplateFault(
                piece.start, "its branches leave the markup in too many states; close in each branch what it opens"
            )
            return


def _assign(word: str, tokens: Sequence[Token], scopes: list[frozenset[str]]) -> None:
    """Update the names that may be markup after a statement."""
    if word == "set" and len(tokens) > 3:
        if _is_markup(tokens[3:], scopes[-1]):
            scopes[-1] |= {tokens[1].text}
    elif word == "for":
        middle = next((place for place, token in enumerate(tokens) if token.text == "in"), len(tokens))
        names = {token.text for token in tokens[1:middle] if token.kind == "name"} | {"loop"}
        other_names = scopes[-1] - names
        scopes.append(other_names | names if _is_markup(tokens[middle:], scopes[-1]) else other_names)


def _is_markup(tokens: Sequence[Token], names: frozenset[str]) -> str:
    """The name of markup that an expression may print unescaped; in doubt, it counts."""
    if not any(token.kind == "name" and token.text in names for token in tokens):
        return ""
    conditions = _conditions(tokens)
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text not in names or index in conditions:
            continue
        previous = tokens[index - 1] if index else None
        if previous is not None and previous.text in (".", "|", "not") and previous.kind != "string":
            continue  # a field of something else, a filter, or a yes or no
        following = tuple(token.text for token in tokens[index + 1 : index + 3])
        if token.text == "loop" and following[:1] == (".",) and following[1:] and following[1] in _OF_LOOP:
            continue
        if following[:1] == ("is",):
            continue
        if following[:1] != ("|",) or (following[1:] and following[1] in _GIVES_MARKUP):
            return token.text
    return ""


def _conditions(tokens: Sequence[Token]) -> frozenset[int]:
    """Which tokens of an expression are part of a condition (``A if CONDITION else B``), and so never printed."""
    in_condition: set[int] = set()
    reading = [False]  # whether a condition is read: outside of all brackets, and in each open one
    for index, token in enumerate(tokens):
        if token.kind == "sign" and token.text in ("(", "[", "{"):
            reading.append(reading[-1])
        elif token.kind == "sign" and token.text in (")", "]", "}") and len(reading) > 1:
            reading.pop()
        elif token.kind == "sign" and token.text in (",", ":"):  # an “if” without “else” ends there, too
            reading[-1] = len(reading) > 1 and reading[-2]
        elif token.kind == "name" and token.text in ("if", "else") and not (index and tokens[index - 1].text == "."):
            reading[-1] = token.text == "if" or (len(reading) > 1 and reading[-2])
        if reading[-1]:
            in_condition.add(index)
    return frozenset(in_condition)


def _reason(state: MarkupState, html: bool, markup: str) -> str:
    """Why no value is allowed in ``state``; empty when it is."""
    match state.mode:
        case Mode.EQUALS | Mode.BARE:
            return f'a value in an attribute needs quotes: {state.name}="{{{{ … }}}}"'
        case Mode.NAME | Mode.TAG | Mode.ATTRIBUTE | Mode.AFTER:
            return "a value is not allowed inside a tag, only in its quoted attributes"
        case Mode.QUOTED if html and _PROGRAM_ATTRIBUTE.fullmatch(state.name):
            return f"a value is not allowed in the attribute {state.name}, which runs as a script"
        case Mode.QUOTED if html and (state.tag, state.name) in LOADED and not state.hosted:
            return (
                f"a value cannot say where the {state.name} of <{state.tag}> is loaded from; write out scheme and host,"
                " with values behind them"
            )
        case Mode.RAW if state.name in ("script", "style"):
            return f"a value is not allowed inside <{state.name}>; put it in an attribute such as data-name"
        case Mode.COMMENT if not html:
            return "a value is not allowed in a comment or declaration"
        case Mode.TEXT:
            return ""
        case _:
            return f"{markup} is markup, which is only allowed between tags" if markup else ""
