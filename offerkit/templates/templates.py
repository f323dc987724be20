"""What a template uses and whether it can be read; nothing is rendered here.

The language is a part of minijinja's (docs/rendering.md, docs/adr/0005-template-engine.md): templates reach only
the plain values they are given, never Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from offerkit.templates.language import FUNCTIONS
from offerkit.templates.links import dead_links
from offerkit.templates.places import exposed
from offerkit.templates.products import guarded
from offerkit.templates.reads import names_read
from offerkit.templates.scan import Trouble, is_template, pieces, troubles

if TYPE_CHECKING:
    from minijinja import Environment


@dataclass(frozen=True, slots=True)
class Inspected:
    """The dotted names a template uses (``recipient.first_name``), or why it cannot be read.

    ``line`` (from 1; 0: not known) and ``at`` (an offset; None: no more than the line is known) say where the error is.
    ``guarded`` is what is given to the engine instead of the text (products.py).
    """

    variables: tuple[str, ...] = ()
    error: str = ""
    line: int = 0
    at: int | None = None
    guarded: str = ""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from minijinja import Environment

    return Environment()


@lru_cache(maxsize=16_384)
def inspect(text: str, *, html: bool = False, xml: bool = False, markup: frozenset[str] = frozenset()) -> Inspected:
    """What ``text`` uses; its first error, with the line inside it (from 1), when it has one.

    An error is wrong syntax, or a filter, test, function or statement that the language does not have. ``html``
    or ``xml``: the text is that, and its values have to stand where escaping keeps them harmless (not inside a script,
    say). ``markup``: the names that are HTML already and so stand between tags only.
    """
    if not is_template(text):
        dead = next(dead_links(pieces(text), html=True), None) if html and "<" in text else None
        return _refused(text, dead) if dead else Inspected(guarded=text)
    from minijinja import TemplateError

    try:
        names = _environment().undeclared_variables_in_str(text, nested=True)
        # The engine reports what a template uses even of one that cannot be compiled.
        _environment().add_template("inspected", text)
    except TemplateError as error:
        message = error.detail or error.message or "syntax error"
        return Inspected(error=str(message), line=error.line or 0)
    parts = pieces(text)
    trouble = (
        next(troubles(parts), None)
        or next(exposed(parts, html=html, xml=xml, markup=markup), None)
        or next(dead_links(parts, html=html), None)
    )
    if trouble is not None:
        return _refused(text, trouble)
    # The engine takes a name that is set from itself for the template's own ({% set offer = offer.label %}),
    # and does not look into what is sliced ({{ offer['label'][:9] }}).
    read = frozenset(name for name in names if name not in FUNCTIONS) | names_read(parts)
    return Inspected(variables=tuple(sorted(read)), guarded=guarded(text, parts))


@lru_cache(maxsize=16_384)
def names_by_engine(text: str) -> frozenset[str]:
    """The names that the engine by itself takes for a template's, as it was judged before scopes were worked out.

    A name that is set from itself is not among them. Empty when the template cannot be read.
    """
    from minijinja import TemplateError

    try:
        names = _environment().undeclared_variables_in_str(text, nested=True)
    except TemplateError:
        return frozenset()
    return frozenset(name for name in names if name not in FUNCTIONS)


def _refused(text: str, trouble: Trouble) -> Inspected:
    return Inspected(error=trouble.text, line=text.count("\n", 0, trouble.start) + 1, at=trouble.start)
