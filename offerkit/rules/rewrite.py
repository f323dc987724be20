"""Turns the few forms of SQL that are not calls into calls, so that the parser needs no rules for them."""

from __future__ import annotations

from offerkit.rules.functions import UNITS
from offerkit.rules.grammar import Token, TokenType

T = TokenType
INTERVAL_WORDS = frozenset(form for unit in UNITS for form in (unit, unit + "s"))
"""The units that can follow ``interval 3``."""


def rewritten(tokens: list[Token]) -> list[Token]:
    """The tokens with ``date '…'``, ``timestamp '…'`` and ``interval …`` as calls of names that nobody can write, and
    with commas for the ``from`` and ``for`` of ``extract`` and ``substring``."""
    result: list[Token] = []
    calls: list[str] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        free = token.token_type == T.VAR and not (result and result[-1].token_type == T.DOT)
        word = token.text.lower() if free else ""
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.token_type == T.L_PAREN:
            calls.append(result[-1].text.lower() if result and result[-1].token_type == T.VAR else "")
        elif token.token_type == T.R_PAREN:
            calls.pop()
        if word in ("date", "timestamp", "interval") and after and after.token_type in (T.STRING, T.NUMBER):
            index += _constant(tokens, index, word, result)
        elif word in ("from", "for") and calls and calls[-1] in ("extract", "substring"):
            result.append(_at(token, T.COMMA, ","))
            index += 1
        else:
            result.append(token)
            index += 1
    return result


def _constant(tokens: list[Token], index: int, word: str, result: list[Token]) -> int:
    """Append the call for the constant at ``index``; returns how many tokens the constant has."""
    name, value = tokens[index], tokens[index + 1]
    result += [_at(name, T.VAR, f"{word} constant"), _at(name, T.L_PAREN, "("), value]
    unit = tokens[index + 2] if index + 2 < len(tokens) else None
    if word != "interval" or unit is None or unit.token_type != T.VAR or unit.text.lower() not in INTERVAL_WORDS:
        result.append(_at(value, T.R_PAREN, ")"))
        return 2
    result += [_at(value, T.COMMA, ","), unit, _at(unit, T.R_PAREN, ")")]
    return 3


def _at(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end)
