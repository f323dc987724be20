"""Words and signs that do not go together, found before the text is parsed: a parser stops too late, or nowhere."""

from __future__ import annotations

from offerkit.rules.functions import FUNCTIONS, WRITTEN
from offerkit.rules.grammar import Token, TokenType
from offerkit.rules.problems import Report
from offerkit.rules.rewrite import INTERVAL_WORDS

T = TokenType
COMPARISONS = {T.EQ, T.NEQ, T.LT, T.LTE, T.GT, T.GTE}
_CONSTANTS = {T.STRING, T.NUMBER, T.NULL, T.TRUE, T.FALSE}
NAMES = {T.VAR, T.IDENTIFIER}
BEGINS = _CONSTANTS | NAMES | {T.CASE}
"""Where a value can begin, besides parentheses."""
ENDS = _CONSTANTS | NAMES | {T.END, T.R_PAREN}
"""Where a value can end."""
_NEGATED = {T.IN, T.LIKE, T.BETWEEN}
_NEED_BEFORE = COMPARISONS | _NEGATED | {T.AND, T.OR, T.IS, T.SLASH, T.MOD, T.DPIPE}


def neighbours(tokens: list[Token], report: Report) -> None:
    """Report the first two values without an operator between them, or operator without a value before it."""
    for index, token in enumerate(tokens):
        start, end = token.start, token.end + 1
        if index and _unjoined(tokens, index):
            report.add(
                start, end, f"No operator stands before {report.quote(start, end)}", hint=_joining(tokens, index)
            )
            return
        if token.token_type in _NEED_BEFORE and not _has_value_before(tokens, index):
            report.add(start, end, f"No value stands before {report.quote(start, end)}", hint=_lacking(tokens, index))
            return
        if token.token_type == T.BETWEEN and _in_parentheses(tokens, index + 1):
            report.add(start, end, "The limits of between are no list", hint="Write x between 18 and 25.")
            return


def _has_value_before(tokens: list[Token], index: int) -> bool:
    before = index - 1
    if before >= 0 and tokens[before].token_type == T.NOT and tokens[index].token_type in _NEGATED:
        before -= 1
    return before >= 0 and tokens[before].token_type in ENDS


def _lacking(tokens: list[Token], index: int) -> str:
    sign, before = tokens[index].text, tokens[index - 1] if index else None
    if before is not None and before.token_type in (T.AND, T.OR) and tokens[index].token_type not in (T.AND, T.OR):
        return f"Write the name on both sides of {before.text}: x {sign} … {before.text} x {sign} …"
    if before is not None and before.token_type == T.NOT:
        return f"Write x <> …, or not x {sign} …" if sign == "=" else f"Write not x {sign} …"
    return "Something is missing, or it is one too many."


def _in_parentheses(tokens: list[Token], index: int) -> bool:
    kinds = [token.token_type for token in tokens[index : index + 3]]
    return len(kinds) == 3 and kinds[0] == T.L_PAREN and kinds[1] in _CONSTANTS and kinds[2] == T.COMMA


def _unjoined(tokens: list[Token], index: int) -> bool:
    """Whether two values stand side by side, except for ``interval '3 days'``, ``date '…'``, ``extract(… from …)``."""
    before, token = tokens[index - 1], tokens[index]
    kind = token.token_type
    if before.token_type not in ENDS or not (kind in BEGINS or kind == T.L_PAREN):
        return False
    free = before.token_type == T.VAR and (index < 2 or tokens[index - 2].token_type != T.DOT)
    word = before.text.lower() if free else ""
    if kind == T.L_PAREN:
        return before.token_type != T.VAR
    if word in ("date", "timestamp"):
        return kind != T.STRING
    if word == "interval":
        return kind not in (T.STRING, T.NUMBER)
    unit = index > 1 and tokens[index - 2].text.lower() == "interval" and token.text.lower() in INTERVAL_WORDS
    return not (unit or word in ("from", "for") or token.text.lower() in ("from", "for"))


def _joining(tokens: list[Token], index: int) -> str:
    before, token = tokens[index - 1], tokens[index]
    word = token.text.lower()
    if before.token_type == T.NUMBER and token.token_type == T.NUMBER:
        return f"The digits of a number stand together: {before.text}{token.text}."
    if before.token_type == T.NUMBER and word in INTERVAL_WORDS:
        return f"Write interval '{before.text} {token.text}'."
    if token.token_type == T.VAR and word in WRITTEN:
        return f"{word} is a function: write {FUNCTIONS[word].example}."
    return "Write and, or, =, a comma … between them."
