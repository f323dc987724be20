"""What a template uses and whether it can be read; nothing is rendered here.

The language is minijinja's (docs/adr/0005-template-engine.md): templates reach only the plain values they
are given, never Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

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


@lru_cache(maxsize=4096)
def inspect(text: str) -> Inspected:
    """What ``text`` uses; its syntax error, with the line inside it (from 1), when it has one."""
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
    return Inspected(variables=tuple(sorted(names)))
