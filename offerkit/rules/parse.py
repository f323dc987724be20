"""Text to sqlglot's tree, together with the tokens it was made from. Importing this imports sqlglot."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import ParseError

from offerkit.rules.grammar import DIALECT, Token
from offerkit.rules.problems import Report
from offerkit.rules.scan import NESTING, ends_value, scan


def parse(text: str, report: Report) -> tuple[exp.Expression, list[Token]]:
    """The one expression in ``text``. Raises RuleError."""
    tokens = scan(text, report)
    try:
        trees = DIALECT.parser().parse(tokens, text)
    except ParseError as error:
        _misread(error, tokens, report)
    except RecursionError:
        report.add(
            0, len(text), f"The expression is nested deeper than {NESTING} levels", hint="Split it into filters."
        )
    except Exception:  # sqlglot on odd input: AttributeError, IndexError and the like; what was written is at fault
        report.add(0, len(text), "The expression cannot be read", hint="Compare it with the examples in docs/rules.md.")
    else:
        if len(trees) == 1 and isinstance(tree := trees[0], exp.Expression):
            return tree, tokens
        report.add(0, len(text), "One expression is needed")
    raise report.stop()


def _misread(error: ParseError, tokens: list[Token], report: Report) -> None:
    """A problem at the token where sqlglot stopped."""
    first = error.errors[0] if error.errors else {}
    found = (first.get("line"), first.get("col"))
    token = next((token for token in tokens if (token.line, token.col) == found), tokens[-1])
    start, end = token.start, token.end + 1
    if token is tokens[-1] and not report.text[end:].strip() and not ends_value(token):
        report.add(start, end, f"The expression ends after {report.quote(start, end)}", hint="Something is missing.")
    else:
        report.add(start, end, f"{report.quote(start, end)} is not expected here",
                   hint="A value, an operator or a word before it is missing or too many.")  # fmt: skip
