"""The body of a message: a template for each format, in which ``slots.NAME`` is what a slot shows.

A slot is put in as it was rendered for the format, so it is markup in HTML, where it is only allowed between tags; all
other values are escaped as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from offerkit.templates.inspection import inspect
from offerkit.templates.links import RUNS_PROGRAM, runs_program, tracked
from offerkit.templates.render import RenderError, RenderFault, run
from offerkit.templates.values import Sink
from offerkit.templates.variables import Variables

_SLOTS = "slots"
_BETWEEN = {"html": "\n", "text": "\n\n"}
"""What separates the offers of a slot, and slots where a format has no template."""


@dataclass(frozen=True)
class MessageTemplate:
    """The templates of a message by format (html, text); a format without one shows the slots one after another."""

    templates: Mapping[str, str]

    def render(self, output: str, slots: Mapping[str, Sequence[str]], variables: Variables) -> str:
        """The message in ``output`` (html or text), from the rendered offers of each slot.

        Raises RenderError when the template fails for these values.
        """
        shown = {name: _BETWEEN[output].join(parts) for name, parts in slots.items()}
        template = self.templates.get(output)
        if template is None:
            return _BETWEEN[output].join(text for text in shown.values() if text)
        html = output == "html"
        if html:
            from minijinja import safe

            shown = {name: safe(text) for name, text in shown.items()}
        context = {**variables.namespaces, _SLOTS: MappingProxyType(shown)}
        try:
            text = run(template, Sink(output), context, html=html, markup=frozenset({_SLOTS}) if html else frozenset())
        except RenderFault as error:
            raise RenderError(f"the body as {output}", error.reason, error.line) from None
        return _checked(text) if html else text

    def data_read(self) -> set[str]:
        """The names of the call data that the templates read."""
        names = (name.split(".") for text in self.templates.values() for name in inspect(text).variables)
        return {parts[1] for parts in names if parts[0] == "interaction" and len(parts) > 1}


def _checked(html: str) -> str:
    """``html`` with the marks of its tracked links removed: around the offers there is no proposition to track."""
    try:
        html = tracked(html, lambda target: target)
    except ValueError as error:
        raise RenderError("the body as html", f"a tracked link: {error}") from None
    if runs_program(html):
        raise RenderError("the body as html", RUNS_PROGRAM)
    return html
