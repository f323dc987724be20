"""Splits a template into pieces and tokens, and finds what the language does not allow.

The engine resolves filters, tests and functions only when it renders, and shows no syntax tree to Python. This
scanner reads the tokens inside ``{{ … }}`` and ``{% … %}`` of a template that the engine has already compiled, so
it may take the syntax as right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from offerkit.diagnostics import nearest, or_list
from offerkit.templates.language import (
    FILTERS,
    FUNCTIONS,
    MAX_LOOP_TEXT,
    MAX_RANGE,
    MAX_STEPS,
    MAX_WORDS,
    STATEMENTS,
    TESTS,
)

State = TypeVar("State")

_OPEN = re.compile(r"\{\{|\{%|\{#")
_RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>\d[\w]*(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>\w+)
    | (?P<end>[-+]?(?:\}\}|%\}))
    | (?P<sign>\*\*|//|==|!=|<=|>=|\S))""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "elif", "for", "set"})
_GROWING = frozenset({"+", "*", "**", "[", "{"})


class Token(NamedTuple):
    """A ``name``, ``string``, ``number`` or ``sign`` of an expression, and its offset in the template."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a template: plain ``text``, an ``expression``, a ``statement`` or a ``comment``, from an offset on."""

    kind: str
    start: int
    text: str
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """Why a template is refused, and the offset of the mistake."""

    start: int
    text: str


@dataclass(slots=True)
class _Block(Generic[State]):
    """An open ``if`` or ``for``: the states before it, those at the ends of its branches."""

    before: frozenset[State]
    ends: frozenset[State] = field(default_factory=frozenset)
    loop: bool = False
    always: bool = False
    """Whether one of the branches is taken whatever happens."""


class Branches(Generic[State]):
    """The states that a template may be in, followed along every branch; each loop is taken never or once."""

    def __init__(self, start: State) -> None:
        """Begin in the state ``start``."""
        self.states = frozenset((start,))
        self._blocks: list[_Block[State]] = []

    def repeated(self, word: str) -> frozenset[State] | None:
        """The states before the loop whose body ends with the statement ``word``; None if ``word`` ends no loop.

        The body is scanned again from these states for each round.
        """
        block = self._blocks[-1] if self._blocks else None
        ends = block is not None and block.loop and not block.always and word in ("else", "endfor")
        return block.before if block is not None and ends else None

    def follow(self, word: str) -> None:
        """Take the statement that begins with ``word``."""
        match word:
            case "if" | "for":
                self._blocks.append(_Block(self.states, loop=word == "for"))
            case "elif" | "else" if self._blocks:
                block = self._blocks[-1]
                block.ends |= self.states
                block.always |= word == "else"
                self.states = block.before
            case "endif" | "endfor" if self._blocks:
                block = self._blocks.pop()
                self.states |= block.ends | (frozenset() if block.always else block.before)
            case _:
                pass


def is_template(text: str) -> bool:
    """Whether ``text`` has anything for the template engine."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)


def trimmed(parts: Sequence[Piece], index: int) -> str:
    """The text of a piece, trimmed as ``-}}`` before it and ``{{-`` after it require."""
    text = parts[index].text
    if index and parts[index - 1].text[-3:-2] == "-":
        text = text.lstrip()
    if index + 1 < len(parts) and parts[index + 1].text[2:3] == "-":
        text = text.rstrip()
    return text


def pieces(source: str) -> tuple[Piece, ...]:
    """The parts of a template in order."""
    return tuple(_pieces(source))


def _pieces(source: str) -> Iterator[Piece]:
    at = 0
    while (opening := _OPEN.search(source, at)) is not None:
        if opening.start() > at:
            yield Piece("text", at, source[at : opening.start()])
        if opening.group() == "{#":
            end = source.find("#}", opening.end())
            at = len(source) if end < 0 else end + 2
            yield Piece("comment", opening.start(), source[opening.start() : at])
            continue
        tokens, at = _tokens(source, opening.end())
        kind = "expression" if opening.group() == "{{" else "statement"
        yield Piece(kind, opening.start(), source[opening.start() : at], tokens)
        if kind == "statement" and tokens and tokens[0].text == "raw":
            end_raw = _RAW_END.search(source, at)
            stop = end_raw.start() if end_raw else len(source)
            yield Piece("text", at, source[at:stop])
            at = end_raw.end() if end_raw else len(source)
            yield Piece("comment", stop, source[stop:at])
    if at < len(source):
        yield Piece("text", at, source[at:])


def _tokens(source: str, at: int) -> tuple[tuple[Token, ...], int]:
    if source[at : at + 1] in ("-", "+"):
        at += 1
    tokens: list[Token] = []
    closers = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            break
        kind = match.lastgroup
        if kind == "end" and not (closers and match.group().endswith("}}")):
            return tuple(tokens), match.end()
        if kind == "end":  # }} that closes maps, not the block
            kind, text = "sign", "}"
            at = match.start("end") + 1
        else:
            assert kind is not None, "each alternative has a name"
            text, at = match[kind], match.end()
        begin = at - len(text)
        if text in ("{", "}"):
            closers += 1 if text == "{" else -1
        tokens.append(Token(kind, text, begin))
    return tuple(tokens), at


def where_named(source: str, name: str) -> int | None:
    """The offset at which the template ``source`` first names ``name`` (``recipient.age``); None: nowhere as such."""
    for piece in pieces(source):
        for index, token in enumerate(piece.tokens):
            if token.kind == "name" and (index == 0 or piece.tokens[index - 1].text != "."):
                name_here = _dotted(piece.tokens, index)
                if name_here == name or name_here.startswith(f"{name}."):
                    return token.at
    return None


def troubles(parts: Sequence[Piece]) -> Iterator[TemplateFault]:
    """Everything in a compiled template that the language does not allow, in order."""
    loop_sizes: list[int] = []  # plain text met in each open loop
    blocks = 0
    for piece in parts:
        if piece.kind == "text":
            loop_sizes = [size + len(piece.text) for size in loop_sizes]
        if piece.kind in ("text", "comment"):
            continue
        blocks += 1
        if len(piece.tokens) > MAX_WORDS:
            yield TemplateFault(piece.start, f"a block has more than {MAX_WORDS:,} words and signs")
        word = piece.tokens[0].text if piece.kind == "statement" and piece.tokens else ""
        if word == "for":
            loop_sizes.append(0)
        elif word == "endfor" and loop_sizes and loop_sizes.pop() > MAX_LOOP_TEXT:
            yield TemplateFault(piece.start, f"a loop repeats more than {MAX_LOOP_TEXT:,} characters of text")
        if piece.kind == "statement":
            yield from _statement(word, piece)
        yield from _expression(piece.tokens)
    if blocks > MAX_STEPS:
        yield TemplateFault(0, f"it has {blocks:,} blocks; at most {MAX_STEPS:,} are allowed")


def _statement(word: str, piece: Piece) -> Iterator[TemplateFault]:
    if word not in STATEMENTS:
        allowed = or_list(name for name, text in STATEMENTS.items() if text)
        start = piece.tokens[0].at if piece.tokens else piece.start
        yield TemplateFault(start, f"“{word}” is not allowed here, only {allowed}")
    elif word == "for" and piece.tokens[-1].text == "recursive":
        yield TemplateFault(piece.tokens[-1].at, "a loop cannot be recursive")
    elif word == "set":
        yield from (TemplateFault(piece.start, text) for text in _set(piece.tokens))


def _set(tokens: Sequence[Token]) -> Iterator[str]:
    """Errors in a ``set``: its value must not be larger than its parts, or a few lines could fill the memory."""
    if len(tokens) < 3 or tokens[1].kind != "name" or tokens[2].text != "=":
        yield "“set” takes the form {% set name = value %}"
        return
    value = tokens[3:]
    if any(token.kind == "sign" and token.text in _GROWING for token in value):
        yield "the value of “set” cannot be built with + or *, and cannot be a list"
    calls: list[bool] = []
    for index, token in enumerate(value):
        if token.kind != "sign":
            continue
        if token.text == "(":
            calls.append(index > 0 and _ends_operand(value, index - 1))
        elif token.text == ")" and calls:
            calls.pop()
        elif token.text == "," and not (calls and calls[-1]):
            yield "the value of “set” cannot be a list"


def _expression(tokens: Sequence[Token]) -> Iterator[TemplateFault]:
    for index, token in enumerate(tokens):
        previous = tokens[index - 1] if index else None
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.kind == "sign":
            if token.text == "~":  # it writes unknown values as None, and functions with their address in memory
                yield TemplateFault(token.at, "“~” is not allowed; write values next to each other: {{ a }}{{ b }}")
            elif token.text == "|" and following is not None:
                yield from _listed("filter", tokens, index + 1, FILTERS)
            elif token.text == "(" and index and _ends_operand(tokens, index - 1):
                yield from _called(tokens, index)
        elif token.kind == "name" and token.text == "is" and (previous is None or previous.text != "."):
            skip = 2 if following is not None and following.text == "not" else 1
            yield from _listed("test", tokens, index + skip, TESTS)
        elif (token.kind == "name" and token.text.startswith("_")) or _hidden(token, previous):
            yield TemplateFault(token.at, f"“{token.text[:40]}”: names that begin with _ cannot be used")


def _hidden(token: Token, previous: Token | None) -> bool:
    return token.kind == "string" and token.text[1:2] == "_" and previous is not None and previous.text == "["


def _dotted(tokens: Sequence[Token], index: int) -> str:
    name = tokens[index].text if index < len(tokens) else ""
    while index + 2 < len(tokens) and tokens[index + 1].text == ".":
        name += "." + tokens[index + 2].text
        index += 2
    return name


def _listed(kind: str, tokens: Sequence[Token], index: int, allowed: dict[str, str]) -> Iterator[TemplateFault]:
    name = _dotted(tokens, index)
    if name not in allowed:
        near = nearest(name, allowed, 1)
        start = tokens[min(index, len(tokens) - 1)].at
        yield TemplateFault(start, f"unknown {kind} “{name[:40]}”" + (f"; did you mean “{near[0]}”?" if near else ""))


def _ends_operand(tokens: Sequence[Token], index: int) -> bool:
    """Whether the token ends a value, so that a ``(`` behind it calls."""
    token = tokens[index]
    if token.kind == "sign":
        return token.text in (")", "]", "}")
    if token.kind == "name" and token.text in _KEYWORDS:
        return index > 0 and tokens[index - 1].text == "."
    return True


def _called(tokens: Sequence[Token], index: int) -> Iterator[TemplateFault]:
    name = tokens[index - 1]
    previous = tokens[index - 2] if index > 1 else None
    if previous is not None and previous.kind == "sign" and previous.text == "|":
        return
    if previous is not None and previous.kind == "name" and previous.text in ("is", "not") and name.text in TESTS:
        return
    if name.kind != "name" or (previous is not None and previous.text == "."):
        yield TemplateFault(name.at, f"“{name.text[:40]}(…)”: values have no methods; use a filter")
    elif name.text not in FUNCTIONS:
        yield from _listed("function", tokens, index - 1, FUNCTIONS)
    elif name.text == "range":
        for token in tokens[index + 1 :]:
            if token.text == ")":
                return
            if token.kind == "number" and (not token.text.isdecimal() or int(token.text) > MAX_RANGE):
                yield TemplateFault(token.at, f"range can go to at most {MAX_RANGE:,}")
