"""Restricts ``*`` to numbers: minijinja would also repeat texts and lists, beyond any limit.

Each operand of ``*`` gets a filter that only accepts numbers. Templates cannot use its name, which begins with ``_``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offerkit.templates.scan import Piece, Token

FILTER = "_factor"
_CLOSES = {"(": ")", "[": "]", "{": "}"}


def factor(value: object) -> object:
    """``value``, if it can be multiplied. Raises ValueError for texts and lists."""
    if isinstance(value, str | list | tuple | dict):
        raise ValueError("only numbers can be multiplied")
    return value


def guarded(source: str, parts: Sequence[Piece]) -> str:
    """The template with both sides of each ``*`` checked."""
    ends = sorted({end for piece in parts for end in _places(piece.tokens)})
    checked, at = [], 0
    for end in ends:
        checked += [source[at:end], f"|{FILTER}"]
        at = end
    return "".join(checked) + source[at:]


def _places(tokens: Sequence[Token]) -> Iterator[int]:
    """The offsets at which operands of ``*`` end."""
    for index, token in enumerate(tokens):
        if index and token.kind == "sign" and token.text == "*":
            yield _end(tokens[index - 1])
            yield _end(tokens[_operand(tokens, index + 1)])


def _end(token: Token) -> int:
    return token.at + len(token.text)


def _operand(tokens: Sequence[Token], index: int) -> int:
    """The last token of the operand that begins at ``index``, with its filters."""
    last = len(tokens) - 1
    while index < last and tokens[index].text in ("-", "+"):
        index += 1
    index = _closing(tokens, index)
    while index < last:
        following = tokens[index + 1]
        if following.kind == tokens[index].kind == "string":
            index += 1
        elif following.kind == "sign" and following.text in (".", "|"):
            index = min(index + 2, last)
        elif following.kind == "sign" and following.text in ("(", "["):
            index = _closing(tokens, index + 1)
        else:
            break
    return index


def _closing(tokens: Sequence[Token], index: int) -> int:
    """The token that closes what the one at ``index`` opens; that one itself when it opens nothing."""
    opened = 0
    for position in range(index, len(tokens)):
        token = tokens[position]
        if token.kind == "sign":
            opened += (token.text in _CLOSES) - (token.text in _CLOSES.values())
        if opened <= 0:
            return position
    return len(tokens) - 1
