"""HTML and Markdown from templates: one Jinja2 environment, in which every value is escaped as :mod:`escape` says.

Templates are in ``templates/``, named by what they show. What the expressions of a ``.html`` template give is escaped
for HTML, what those of a ``.md`` template give for Markdown; only what a macro or a filter below has made is left as it
is. Jinja2 is imported when the first template is filled: most commands print text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offerkit.reports.escape import clip, fenced, html, markdown, markdown_code, one_line, summary_html

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(template: str, **values: object) -> str:
    """The text of a template, such as ``history.html``."""
    return environment(template.rpartition(".")[2]).get_template(template).render(values)


def call(template: str, macro: str, *values: object) -> str:
    """What one macro of a template makes of ``values``: a part of a page, or a row of a table."""
    made = getattr(_module(template), macro)(*values)
    return str.__str__(made)


def stylesheet() -> str:
    """What all reports look like, also on the pages of a server."""
    return (Path(__file__).parent / "templates" / "report.css").read_text()


@cache
def _module(template: str) -> Any:
    return environment(template.rpartition(".")[2]).get_template(template).module


@cache
def environment(language: str) -> Environment:
    """The environment of templates in a ``language``: ``html`` or ``md``. Templates are read once."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    escaping = {"html": html, "md": markdown}[language]

    def marked(function: Callable[..., str]) -> Callable[..., Markup]:
        """What gives text that is escaped already, so that it is not escaped again."""
        return lambda *given, **named: Markup(function(*given, **named))  # noqa: S704 - the functions of escape.py

    safe = marked(escaping)

    def escaped(value: object) -> object:
        return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    made = Environment(
        loader=PackageLoader("offerkit.reports"),
        autoescape=True,  # what macros give is marked as escaped, and never escaped again
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,  # an upgrade beneath a running server must not mix new pages with old code
    )
    made.filters |= {
        "clip": clip,
        "one_line": one_line,
        "thousands": lambda number: f"{number:,}",
        "percent": lambda part, whole, digits: f"{part / whole:.{digits}%}" if whole else "–",
        "lines": marked(partial(html, multiline=True)),
        "code": marked(markdown_code),
        "fenced": marked(fenced),
        "in_html": marked(summary_html),
    }
    return made
