"""The grammar: a sqlglot dialect with nothing but operators and ``case``. Importing this imports sqlglot.

sqlglot's own dialects know about a hundred statements and a thousand functions, many with special parsing. Here every
word that is not an operator is a name, and every call a plain call, so that only the closed list of functions.py
decides, and a new version of sqlglot cannot introduce new meanings.
"""

from __future__ import annotations

from sqlglot import Dialect as Dialect
from sqlglot import Token as Token
from sqlglot import TokenType as TokenType
from sqlglot.parser import Parser as BaseParser
from sqlglot.tokens import Tokenizer as BaseTokenizer

SIGNS = (
    "==",
    "===",
    "<=>",
    "=>",
    "=<",
    "->",
    "->>",
    ":=",
    "::",
    "&&",
    "**",
    "//",
    "!~",
    "~*",
    "~~",
    "<<",
    ">>",
    "@>",
    "??",
)
"""Operators of other languages, one token each, so that scan.py can refuse them by name."""

WORDS = {
    "AND": TokenType.AND,
    "BETWEEN": TokenType.BETWEEN,
    "CASE": TokenType.CASE,
    "ELSE": TokenType.ELSE,
    "END": TokenType.END,
    "FALSE": TokenType.FALSE,
    "IN": TokenType.IN,
    "IS": TokenType.IS,
    "LIKE": TokenType.LIKE,
    "NOT": TokenType.NOT,
    "NULL": TokenType.NULL,
    "OR": TokenType.OR,
    "THEN": TokenType.THEN,
    "TRUE": TokenType.TRUE,
    "WHEN": TokenType.WHEN,
}
"""The words that cannot be names (except after a dot)."""


class OfferkitRules(Dialect):
    """The rule language."""

    class Tokenizer(BaseTokenizer):
        """Splits text into tokens."""

        KEYWORDS = {  # noqa: RUF012 - as sqlglot declares it
            **WORDS,
            "<>": TokenType.NEQ,
            "!=": TokenType.NEQ,
            "<=": TokenType.LTE,
            ">=": TokenType.GTE,
            "||": TokenType.DPIPE,
            **dict.fromkeys(SIGNS, TokenType.UNKNOWN),
        }

    class Parser(BaseParser):
        """Parses tokens into a tree."""

        FUNCTIONS = {}  # noqa: RUF012
        FUNCTION_PARSERS = {}  # noqa: RUF012
        NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
        NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
            "CASE": BaseParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
        }


DIALECT = OfferkitRules()
