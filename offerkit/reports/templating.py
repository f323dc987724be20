"""HTML and Markdown from templates: one Jinja2 environment, in which every value is escaped as :mod:`escape` says.

Templates are in ``templates/``, named by what they show. The expressions of a ``.html`` template are escaped for HTML,
those of a ``.md`` template for Markdown. Only the results of the filters below stay as they are, and the output of
macros, which templates mark as ``safe``. Without that mark it is escaped twice, which shows and does no harm. Jinja2 is
imported when the first template is filled: most commands print text.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offerkit.reports.escape import clip, fenced, html, markdown, markdown_code, one_line, summary_html

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(template: str, **values: object) -> str:
    """The text of a template, such as ``history.html``."""
    return environment(template.rpartition(".")[2]).get_template(template).render(values)


def call(template: str, macro: str, *values: object, **named_values: object) -> str:
    """Render one macro of a template with values, given in order or by parameter: part of a page, or a table row."""
    text: str = getattr(_module(template), macro)(*values, **named_values)
    return text


def stylesheet() -> str:
    """The style sheet of all reports and of the server's pages."""
    return (Path(__file__).parent / "templates" / "report.css").read_text()


@cache
def _module(template: str) -> Any:
    return environment(template.rpartition(".")[2]).get_template(template).module


class Escaped(str):
    """Text that needs no escaping."""

    __slots__ = ()


@cache
def environment(language: str) -> Environment:
    """The environment of templates in a ``language``: ``html`` or ``md``. Templates are read once."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    escape = {"html": html, "md": markdown}[language]

    def finalize(value: object) -> object:
        return value if type(value) is Escaped or not isinstance(value, str) else escape(value)

    created = Environment(  # noqa: S701 - “finalize” escapes everything; autoescape would do it in another way
        loader=PackageLoader("offerkit.reports"),
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,  # an upgrade beneath a running server must not mix new pages with old code
    )
    created.filters |= {
        "safe": Escaped,
        "clip": clip,
        "one_line": one_line,
        "thousands": lambda number: Escaped(f"{number:,}"),
        "hundredths": lambda number: Escaped(f"{number:.2f}"),
        "percent": lambda part, whole, digits: Escaped(f"{part / whole:.{digits}%}" if whole else "–"),
        "lines": lambda text: Escaped(html(text, multiline=True)),
        "code": lambda text: Escaped(markdown_code(text)),
        "fenced": lambda text, info="": Escaped(fenced(text, info)),
        "in_html": lambda text: Escaped(summary_html(text)),
    }
    return created
