"""The written form of a condition, as data; approvals are bound to it (docs/adr/0040-fingerprint-schemes.md).

The grammar is part of a fingerprint scheme and never changes within one. This module has its own parser, so that
neither the checker's parser nor its version decides what an approval covers, and so that it is fast: approvals of
thousands of offers are compared at once. It ignores only what certainly has no meaning: blanks, the case of words,
``!=`` instead of ``<>``, and parentheses. If anything is uncertain, the text itself is the written form.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from offerkit.fingerprint import Json

WrittenForm: TypeAlias = Json
"""A word, name or text, or a list that begins with what it is (``["ge", ["field", …], ["number", "18"]]``)."""

UNREAD = "unread"
"""The head of a written form that is the text itself."""

_LENGTH = 10_000
_DEPTH = 60
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<name>[^\W\d]\w*)
    | (?P<number>\d+(?:\.\d+)?(?!\w))
    | (?P<text>'(?:[^'\\]|'')*')
    | (?P<quoted>"[^"\\]*")
    | (?P<sign><>|!=|<=|>=|\|\||[-+*/%(),.=<>])
    )\s*""",
    re.VERBOSE,
)
_WORDS = frozenset(
    {
        "and",
        "between",
        "case",
        "else",
        "end",
        "false",
        "in",
        "is",
        "like",
        "not",
        "null",
        "or",
        "then",
        "true",
        "when",
    }
)
"""The words that cannot be names (except next to a dot)."""
_COMPARISONS = {"=": "eq", "<>": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_ADDITIVE = {"+": "add", "-": "sub"}
_MULTIPLICATIVE = {"*": "mul", "/": "div"}
_CONSTANTS = ("date", "timestamp")
_COMMAS = {"extract": ("from",), "substring": ("from", "for")}
_NOW = {"now": "now", "current_timestamp": "now", "current_date": "current_date"}


class _Token(NamedTuple):
    """``word`` of the language (lower case), ``name``, ``number``, ``text``, ``quoted`` name or ``sign``."""

    kind: str
    text: str


_END = _Token("end", "")


class _UncertainError(Exception):
    """The text cannot be read with certainty."""


@lru_cache(maxsize=16_384)
def written_form(text: str) -> tuple[Json, frozenset[str]]:
    """The written form of an expression, and the names of the offer's fields in it.

    If the text cannot be read with certainty, it is its own written form, and counts as naming every field (``*``) if
    it contains the word ``offer``.
    """
    try:
        tree = _FormReader(_tokens(text)).expression()
    except _UncertainError:
        return [UNREAD, text], frozenset(["*"] if re.search(r"\boffer\b", text, re.IGNORECASE) else [])
    return tree, frozenset(_offer_fields(tree))


def _offer_fields(tree: WrittenForm) -> list[str]:
    names: list[str] = []
    pending = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            if part[:1] == ["field"] and str(part[1]).lower() == "offer":
                names.append(str(part[2]))
            pending += part
    return names


def _tokens(text: str) -> list[_Token]:
    if len(text) > _LENGTH or "--" in text or "/*" in text:
        raise _UncertainError
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _UncertainError
        kind = str(match.lastgroup)
        value = match[kind]
        # Next to a dot, a word of the language is a name: recipient.end.
        beside_dot = bool(tokens and tokens[-1] == ("sign", ".")) or text.startswith(".", match.end())
        word = kind == "name" and not beside_dot and value.lower() in _WORDS
        tokens.append(_Token("word", value.lower()) if word else _Token(kind, value))
        position = match.end()
    return tokens


class _FormReader:
    """A recursive-descent parser: one method for each level of precedence, the lowest first."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = [*tokens, _END]
        self._at = 0
        self._depth = 0

    def expression(self) -> WrittenForm:
        tree = self._disjunction()
        if self._next is not _END:
            raise _UncertainError
        return tree

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _accept(self, kind: str, *texts: str) -> str:
        token = self._tokens[self._at]
        if token.kind == kind and token.text in texts:
            self._at += 1
            return token.text
        return ""

    def _expect(self, kind: str, text: str) -> None:
        if not self._accept(kind, text):
            raise _UncertainError

    def _disjunction(self) -> WrittenForm:
        self._depth += 1
        if self._depth > _DEPTH:
            raise _UncertainError
        parts = [self._conjunction()]
        while self._accept("word", "or"):
            parts.append(self._conjunction())
        self._depth -= 1
        return _joined("or", parts)

    def _conjunction(self) -> WrittenForm:
        parts = [self._negation()]
        while self._accept("word", "and"):
            parts.append(self._negation())
        return _joined("and", parts)

    def _negation(self) -> WrittenForm:
        count = 0
        while self._accept("word", "not"):
            count += 1
        tree = self._predicate()
        for _ in range(count):
            tree = ["not", tree]
            if count > _DEPTH:
                raise _UncertainError
        return tree

    def _predicate(self) -> WrittenForm:
        """At most one comparison or test, because the grouping of a chain is uncertain."""
        left = self._operand()
        token = self._next
        if token.kind == "sign" and token.text in _COMPARISONS:
            self._at += 1
            return [_COMPARISONS[token.text], left, self._operand()]
        if self._accept("word", "is"):
            negated = bool(self._accept("word", "not"))
            value = self._accept("word", "null", "true", "false")
            if not value:
                raise _UncertainError
            return _negated_if([f"is_{value}", left], negated)
        negated = bool(self._accept("word", "not"))
        if self._accept("word", "in"):
            self._expect("sign", "(")
            return _negated_if(["in", left, *self._arguments()], negated)
        if self._accept("word", "between"):
            low = self._operand()
            self._expect("word", "and")
            return _negated_if(["between", left, low, self._operand()], negated)
        if self._accept("word", "like"):
            return _negated_if(["like", left, self._operand()], negated)
        if negated:
            raise _UncertainError
        return left

    def _operand(self) -> WrittenForm:
        """Arithmetic; ``%`` and ``||`` next to other operators are uncertain."""
        left = self._product()
        if self._next.text in ("%", "||") and self._next.kind == "sign":
            sign = self._next.text
            parts = [left]
            while self._accept("sign", sign):
                parts.append(self._signed())
            if self._next.kind == "sign" and self._next.text in ("+", "-", "*", "/", "%", "||"):
                raise _UncertainError
            if sign == "||":
                return _joined("concat", parts)
            for part in parts[1:]:
                left = ["mod", left, part]
            return left
        while operator := self._accept("sign", *_ADDITIVE):
            left = [_ADDITIVE[operator], left, self._product()]
            if self._next.kind == "sign" and self._next.text in ("%", "||"):
                raise _UncertainError
        return left

    def _product(self) -> WrittenForm:
        left = self._signed()
        while operator := self._accept("sign", *_MULTIPLICATIVE):
            left = [_MULTIPLICATIVE[operator], left, self._signed()]
            if self._next.kind == "sign" and self._next.text in ("%", "||"):
                raise _UncertainError
        return left

    def _signed(self) -> WrittenForm:
        if not self._accept("sign", "-"):
            return self._primary()
        if self._next == ("sign", "-"):
            raise _UncertainError
        return ["neg", self._primary()]

    def _primary(self) -> WrittenForm:
        token = self._take()
        match token.kind:
            case "number":
                return ["number", token.text]
            case "text":
                return ["text", _unquoted(token.text)]
            case "quoted" | "name":
                return self._named(token)
            case "word" if token.text in ("true", "false", "null"):
                return [token.text]
            case "word" if token.text == "case":
                return self._case()
            case "sign" if token.text == "(":
                inside = self._disjunction()
                self._expect("sign", ")")
                return inside
            case _:
                raise _UncertainError

    def _named(self, token: _Token) -> WrittenForm:
        if self._accept("sign", "."):
            last = self._take()
            if last.kind not in ("name", "quoted"):
                raise _UncertainError
            return ["field", _bare(token), _bare(last)]
        if token.kind == "quoted":
            raise _UncertainError
        word = token.text.lower()
        if self._next.kind == "text" and word in _CONSTANTS:
            return [word, _unquoted(self._take().text)]
        if word == "interval":
            return self._interval()
        if self._accept("sign", "("):
            return ["call", _NOW.get(word, word), *self._arguments(_COMMAS.get(word, ()))]
        return ["call", _NOW[word]] if word in _NOW else ["name", word]

    def _interval(self) -> WrittenForm:
        amount = self._take()
        if amount.kind not in ("text", "number"):
            raise _UncertainError
        value = _unquoted(amount.text) if amount.kind == "text" else amount.text
        unit = self._take().text.lower() if self._next.kind == "name" else ""
        return ["interval", value, unit]

    def _arguments(self, words: tuple[str, ...] = ()) -> list[WrittenForm]:
        """The arguments up to the closing parenthesis; ``words`` can replace commas."""
        arguments: list[WrittenForm] = []
        if self._accept("sign", ")"):
            return arguments
        while True:
            arguments.append(self._disjunction())
            if self._accept("sign", ")"):
                return arguments
            if self._next.kind == "name" and self._next.text.lower() in words:
                self._at += 1
            else:
                self._expect("sign", ",")

    def _case(self) -> WrittenForm:
        tree: list[WrittenForm] = ["case"]
        if self._next != ("word", "when"):
            tree.append(["of", self._disjunction()])
        while self._accept("word", "when"):
            condition = self._disjunction()
            self._expect("word", "then")
            tree.append(["when", condition, self._disjunction()])
        if self._accept("word", "else"):
            tree.append(["else", self._disjunction()])
        self._expect("word", "end")
        return tree


def _joined(name: str, parts: list[WrittenForm]) -> WrittenForm:
    """Parts joined by an associative operator, in their order."""
    if len(parts) == 1:
        return parts[0]
    flat: list[WrittenForm] = []
    for part in parts:
        flat += part[1:] if isinstance(part, list) and part[0] == name else [part]
    return [name, *flat]


def _negated_if(tree: WrittenForm, negated: bool) -> WrittenForm:
    return ["not", tree] if negated else tree


def _bare(token: _Token) -> str:
    return token.text[1:-1] if token.kind == "quoted" else token.text


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")
