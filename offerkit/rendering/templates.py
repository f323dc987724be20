"""What a template uses and whether it can be read; nothing is rendered here.

The language is a part of minijinja's (docs/rendering.md, docs/adr/0005-template-engine.md): templates reach only
the plain values they are given, never Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from offerkit.rendering.language import FUNCTIONS
from offerkit.rendering.places import exposed
from offerkit.rendering.scan import pieces, troubles

if TYPE_CHECKING:
    from minijinja import Environment


@dataclass(frozen=True, slots=True)
class Inspected:
    """The dotted names a template uses (``recipient.first_name``), or why it cannot be read."""

    variables: tuple[str, ...] = ()
    error: str = ""
    line: int = 0


def is_template(text: str) -> bool:
    """Whether ``text`` has anything for the template engine."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from minijinja import Environment

    return Environment()


@lru_cache(maxsize=16_384)
def inspect(text: str, *, html: bool = False) -> Inspected:
    """What ``text`` uses; its first error, with the line inside it (from 1), when it has one.

    An error is wrong syntax, or a filter, test, function or statement that the language does not have. ``html``:
    the text is HTML, and its values have to stand where escaping keeps them harmless (not inside a script, say).
    """
    if not is_template(text):
        return Inspected()
    from minijinja import TemplateError

    try:
        names = _environment().undeclared_variables_in_str(text, nested=True)
        # The engine reports what a template uses even of one that cannot be compiled.
        _environment().add_template("inspected", text)
    except TemplateError as error:
        message = error.detail or error.message or "syntax error"
        return Inspected(error=str(message), line=error.line or 0)
    parts = pieces(text)
    trouble = next(troubles(parts), None) or next(exposed(parts, html=html), None)
    if trouble is not None:
        return Inspected(error=trouble.text, line=text.count("\n", 0, trouble.start) + 1)
    return Inspected(variables=tuple(sorted(name for name in names if name not in FUNCTIONS)))
