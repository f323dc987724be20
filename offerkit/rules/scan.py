"""Splits text into tokens, and refuses what can be refused before parsing, with its exact position.

After the scan there are only names, constants, operators of the language, commas and balanced parentheses, nested no
deeper than :data:`NESTING`; sqlglot never sees anything else.
"""

from __future__ import annotations

import re

from sqlglot.errors import TokenError

from offerkit.rules import refusals
from offerkit.rules.functions import FUNCTIONS, UNITS, WRITTEN
from offerkit.rules.grammar import DIALECT, WORDS, Token, TokenType
from offerkit.rules.problems import ProblemList, shortened

LENGTH = 10_000
"""The most characters of an expression."""
TOKENS = 2_000
"""The most words, numbers, texts and signs of an expression."""
NESTING = 25
"""The most levels of parentheses, calls and ``case``: sqlglot uses some 20 Python frames for each."""

_NAME = re.compile(r"[^\W\d]\w*\Z")
_ODD = re.compile(r"\W")
_NUMBER = re.compile(r"\d+(\.\d+)?\Z", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_IN_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

T = TokenType
COMPARISONS = {T.EQ, T.NEQ, T.LT, T.LTE, T.GT, T.GTE}
_CONSTANTS = {T.STRING, T.NUMBER, T.NULL, T.TRUE, T.FALSE}
NAMES = {T.VAR, T.IDENTIFIER}
BEGINS = _CONSTANTS | NAMES | {T.CASE}
"""Tokens that a value can begin with, besides parentheses."""
ENDS = _CONSTANTS | NAMES | {T.END, T.R_PAREN}
"""Tokens that a value can end with."""
_NEGATED = {T.IN, T.LIKE, T.BETWEEN}
_NEED_BEFORE = COMPARISONS | _NEGATED | {T.AND, T.OR, T.IS, T.SLASH, T.MOD, T.DPIPE}
_ALLOWED = (
    BEGINS
    | ENDS
    | COMPARISONS
    | set(WORDS.values())
    | {
        T.L_PAREN,
        T.COMMA,
        T.DOT,
        T.DASH,
        T.PLUS,
        T.STAR,
        T.SLASH,
        T.MOD,
        T.DPIPE,
    }
)
INTERVAL_WORDS = frozenset(form for unit in UNITS for form in (unit, unit + "s"))
"""The units that can follow ``interval 3``."""


def ends_value(token: Token) -> bool:
    """Whether a value can end with ``token``."""
    return token.token_type in ENDS


def scan(text: str, report: ProblemList) -> list[Token]:
    """The tokens for the parser. Raises RuleError with every problem found so far."""
    if len(text) > LENGTH:
        report.add(
            LENGTH, len(text), f"The expression is longer than {LENGTH:,} characters", hint="Split it into filters."
        )
        raise report.stop()
    if odd := _CONTROL.search(text):
        report.add(odd.start(), odd.end(), f"The expression contains a control character (U+{ord(odd[0]):04X})")
        raise report.stop()
    try:
        tokens = list(DIALECT.tokenize(text))
    except TokenError:
        start = _open_quote(text)
        report.add(
            start,
            len(text),
            f"The quote {text[start : start + 1]} is never closed",
            hint="A quote inside a text is written twice: 'l''été'.",
        )
        raise report.stop() from None
    _gaps(text, tokens, report)
    if not tokens and not report.problems:
        report.add(0, len(text), "The expression is empty")
    if len(tokens) > TOKENS:
        report.add(
            tokens[TOKENS].start,
            len(text),
            f"The expression has more than {TOKENS:,} words and signs",
            hint="Split it into filters.",
        )
    if not report.problems:
        tokens = _names_after_dots(tokens)
        for index in range(len(tokens)):
            _token(tokens, index, report)
        _nesting(tokens, report)
        if not report.problems:
            neighbours(tokens, report)
    if report.problems:
        raise report.stop()
    return rewritten(tokens)


def _open_quote(text: str) -> int:
    """The index of the quote that is never closed."""
    opened = -1
    for index, char in enumerate(text):
        if opened < 0 and char in "'\"":
            opened = index
        elif opened >= 0 and char == text[opened]:
            opened = -1
    return max(opened, 0)


def _gaps(text: str, tokens: list[Token], report: ProblemList) -> None:
    """Report anything but white space between tokens: sqlglot skips comments there."""
    at = 0
    for start, end in [*((token.start, token.end + 1) for token in tokens), (len(text), len(text))]:
        gap = text[at:start]
        if gap and not gap.isspace():
            gap_end = at + len(gap) - len(gap.lstrip())
            report.add(
                gap_end,
                at + len(gap.rstrip()),
                "Comments are not allowed in an expression",
                hint="Write the comment in YAML, after #; for two minus signs write - (-1).",
            )
        at = end


def _names_after_dots(tokens: list[Token]) -> list[Token]:
    """Turn words such as ``end`` into names if they are next to a dot."""
    words = set(WORDS.values())
    last = len(tokens) - 1
    return [
        Token(T.IDENTIFIER, token.text, token.line, token.col, token.start, token.end)
        if token.token_type in words
        and (
            (index and tokens[index - 1].token_type == T.DOT)
            or (index < last and tokens[index + 1].token_type == T.DOT)
        )
        else token
        for index, token in enumerate(tokens)
    ]


def _token(tokens: list[Token], index: int, report: ProblemList) -> None:
    token = tokens[index]
    kind, start, end = token.token_type, token.start, token.end + 1
    before = tokens[index - 1].token_type if index else None
    after = tokens[index + 1].token_type if index + 1 < len(tokens) else None
    if kind not in _ALLOWED:
        summary, hint = _sign(report.text[start:end])
        report.add(start, end, summary, hint=hint)
    elif kind == T.VAR and not _NAME.match(token.text):
        odd = _ODD.search(token.text)
        at = start + (odd.start() if odd and report.text.startswith(token.text, start) else 0)
        summary, hint = _sign(report.text[at])
        report.add(at, at + 1 if at > start else end, summary, hint=hint)
    elif kind == T.NUMBER and (
        not _NUMBER.match(report.text[start:end]) or (after == T.VAR and tokens[index + 1].start == end)
    ):
        report.add(start, end, f"{report.quote(start, end)} is not a number here", hint="Write 1500 or 0.25.")
    elif kind == T.STRING and (odd := _IN_TEXT.search(report.text, start, end)):
        report.add(
            odd.start(),
            odd.end(),
            "A text contains a line break or control character",
            hint="Write the text on one line.",
        )
    elif kind == T.STRING and report.text[start] != "'":
        report.add(start, end, "A text is written in single quotes, without a prefix", hint="Write 'text'.")
    elif kind == T.VAR and T.DOT not in (before, after) and _refused_word(token.text, after, before):
        summary, hint = refusals.WORDS[token.text.lower()]
        report.add(start, end, summary, hint=hint)
    elif kind == T.L_PAREN and before == T.VAR and index > 1 and tokens[index - 2].token_type == T.DOT:
        report.add(
            tokens[index - 1].start,
            start,
            "A function is called by its name alone, without a dot before it",
            hint=f"Write {shortened(tokens[index - 1].text)}(…).",
        )
    elif kind == T.DOT and before not in NAMES and (before is None or before in _ALLOWED):
        report.add(start, end, "A dot is only allowed between two names", hint="A number begins with a digit: 0.5.")
    elif kind == T.PLUS and before not in ENDS:
        report.add(start, end, "A + must stand between two values", hint="Remove it.")
    elif kind == T.NOT and token.text == "!":
        report.add(start, end, *refusals.SIGNS["!"][:1], hint=refusals.SIGNS["!"][1])


def _sign(sign: str) -> tuple[str, str]:
    known = refusals.SIGNS.get(sign) or refusals.SIGNS.get(sign[:1])
    if known is None and not sign.isprintable():
        return f"The expression contains an invisible character (U+{ord(sign[0]):04X})", "Retype this part."
    return known or (f"“{sign}” is not part of the language", "")


def _refused_word(word: str, after: TokenType | None, before: TokenType | None) -> bool:
    lower = word.lower()
    if lower not in refusals.WORDS:
        return False
    if lower == "from" and before in ENDS:  # extract(year from x): handled by rewritten()
        return False
    if after == T.L_PAREN:  # mod(…) is a function; most others are, too, or get a better hint as unknown functions
        return lower not in ("mod", "isnull", "filter", "match", "set", "call", "copy") or before in ENDS
    return True


def _nesting(tokens: list[Token], report: ProblemList) -> None:
    """Report parentheses and ``case`` that are not closed or are nested too deeply."""
    opened: list[Token] = []
    signs = 0
    for token in tokens:
        kind = token.token_type
        if kind == T.COMMA and not opened:
            report.add(
                token.start,
                token.end + 1,
                "A comma is only allowed inside parentheses",
                hint=_comma(report.text, token),
            )
            return
        signs = signs + 1 if kind in (T.NOT, T.DASH) else 0
        if kind in (T.L_PAREN, T.CASE):
            opened.append(token)
        elif kind in (T.R_PAREN, T.END):
            expected = T.L_PAREN if kind == T.R_PAREN else T.CASE
            if not opened or opened.pop().token_type != expected:
                report.add(
                    token.start,
                    token.end + 1,
                    f"“{token.text}” has no matching “{'(' if kind == T.R_PAREN else 'case'}” before it",
                )
                return
        if len(opened) > NESTING or signs > NESTING:
            report.add(
                token.start,
                token.end + 1,
                f"The expression is nested deeper than {NESTING} levels",
                hint="Split it into filters.",
            )
            return
    for token in opened:
        missing = ")" if token.token_type == T.L_PAREN else "end"
        report.add(token.start, token.end + 1, f"“{token.text}” is never closed", hint=f"“{missing}” is missing.")


def _comma(text: str, token: Token) -> str:
    number = re.compile(r"\d+\Z").search(text[: token.start])
    rest = re.compile(r"\d+").match(text, token.end + 1)
    return f"Write a decimal number with a point: {number[0]}.{rest[0]}." if number and rest else ""


def neighbours(tokens: list[Token], report: ProblemList) -> None:
    """Report the first pair of values without an operator between them, or operator without a value before it.

    Checked before parsing, because the parser would stop too late, or not at all.
    """
    for index, token in enumerate(tokens):
        start, end = token.start, token.end + 1
        if index and _unjoined(tokens, index):
            report.add(
                start, end, f"An operator is missing before {report.quote(start, end)}", hint=_joining(tokens, index)
            )
            return
        if token.token_type in _NEED_BEFORE and not _has_value_before(tokens, index):
            report.add(
                start, end, f"A value is missing before {report.quote(start, end)}", hint=_lacking(tokens, index)
            )
            return
        if token.token_type == T.BETWEEN and _in_parentheses(tokens, index + 1):
            report.add(start, end, "The limits of between are not a list", hint="Write x between 18 and 25.")
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
    return "Add a value, or remove the operator."


def _in_parentheses(tokens: list[Token], index: int) -> bool:
    kinds = [token.token_type for token in tokens[index : index + 3]]
    return len(kinds) == 3 and kinds[0] == T.L_PAREN and kinds[1] in _CONSTANTS and kinds[2] == T.COMMA


def _unjoined(tokens: list[Token], index: int) -> bool:
    """Whether two values are adjacent, except in ``interval '3 days'``, ``date '…'``, ``extract(… from …)``."""
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
        return f"Write the digits of a number together: {before.text}{token.text}."
    if before.token_type == T.NUMBER and word in INTERVAL_WORDS:
        return f"Write interval '{before.text} {token.text}'."
    if token.token_type == T.VAR and word in WRITTEN:
        return f"{word} is a function: write {FUNCTIONS[word].example}."
    return "Write and, or, =, a comma … between them."


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
