"""Every result in every format it has: ``render(result, "html")`` is what all commands and pages call.

To add a format, write a function from the result and a :class:`Presentation` to text, and name it in :data:`FORMATS`.
The choices of ``--format`` follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from offerkit.diagnostics import Code, or_list, refuse
from offerkit.reports.style import PRESENTATION, Presentation

FORMATS: Mapping[str, Mapping[str, str]] = {
    "History": {
        "text": "offerkit.reports.history.history_text",
        "json": "offerkit.reports.history.history_json",
        "markdown": "offerkit.reports.history.history_markdown",
        "html": "offerkit.reports.history.history_html",
    },
}
"""By the class of a result, the function of each of its formats; it is imported when it is first asked for."""


def formats(result: str) -> list[str]:
    """The formats of the results of a class, as ``--format`` takes them."""
    return list(FORMATS[result])


def render(result: object, form: str, presentation: Presentation = PRESENTATION) -> str:
    """``result`` as text in the format ``form``. Raises Refused where it has no such format."""
    name = type(result).__name__
    functions = FORMATS[name]
    if form not in functions:
        raise refuse(
            Code.REPORT_FORMAT,
            f"there is no {form:.40} format of a {name}",
            hint=f"Use {or_list(tuple(functions))}.",
        )
    module, _, function = functions[form].rpartition(".")
    text: str = getattr(import_module(module), function)(result, presentation)
    return text
