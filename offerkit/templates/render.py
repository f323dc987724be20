"""An offer on a space → its content → html, text or xml. Pure: all input is passed in.

domain.md §3 step 12. Two steps, because content is also wanted by itself (a preview, an answer as JSON):
:meth:`Renderer.content` personalises each field's own text, :meth:`Renderer.output` puts the fields into the
space's function. A value is escaped once in each step, for where it goes there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, assert_never

from offerkit.fingerprint import JsonMap
from offerkit.models.status import parse_status, status_number
from offerkit.templates.assets import OUTWARDS, completed, leads_out
from offerkit.templates.filters import FILTERS, range_
from offerkit.templates.inspection import inspect
from offerkit.templates.language import FUEL, MAX_OUTPUT
from offerkit.templates.links import RUNS_PROGRAM, may_track, runs_program, tracked
from offerkit.templates.multiplication import FILTER, factor
from offerkit.templates.scan import is_template
from offerkit.templates.space import ContentField, Format, Output, SpaceLayout, is_image
from offerkit.templates.urls import put_together, status_url
from offerkit.templates.values import ESCAPING, NoTextError, Sink, escape, shown, without_controls
from offerkit.templates.variables import Variables
from offerkit.templates.xml_text import node_trouble, xml_trouble

if TYPE_CHECKING:
    from minijinja import Environment


_SINKS = {Format.TEXT: Sink.TEXT, Format.HTML: Sink.HTML, Format.URL: Sink.URL}


class RenderError(Exception):
    """One proposition cannot be rendered: the field or output, the reason, and the line of the template (or 0)."""

    def __init__(self, where: str, reason: str, line: int = 0) -> None:
        super().__init__(f"{where}: {reason}" + (f" (line {line})" if line else ""))
        self.where = where
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class OfferContent:
    """An offer's fields on a space, personalised, in the space's order; fields that are not given are left out.

    A text field holds plain text, an html field markup, a url field an absolute http(s) URL.
    """

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders offers on one space."""

    look: SpaceLayout
    assets: str = ""

    @classmethod
    def of(cls, space: JsonMap, assets: str = "") -> Renderer:
        """The renderer of a space's canonical body; ``assets``: the environment's address of images, if it has one."""
        return cls(SpaceLayout.of(space), assets)

    def content(
        self, given: Mapping[str, str], variables: Variables, data: Mapping[str, str] = MappingProxyType({})
    ) -> OfferContent:
        """The offer's texts for this space (``given``, by field) with their values put in.

        ``data``: fields that replace the offer's and are not templates (a hook's product): plain text for a
        text field, plain text that is escaped for an html field, a URL or an image's path for a url field.

        Raises RenderError: a template fails, a required field is empty, a URL is not http(s).
        """
        fields: dict[str, str] = {}
        for field in self.look.fields:
            value = ""
            if field.name in data:
                value = fields[field.name] = self._plain(field, data[field.name])
            elif field.name in given:
                value = fields[field.name] = self._field(field, given[field.name], variables)
            if field.required and not value.strip():
                raise RenderError(field.name, "a required field is empty")
        return OfferContent(fields)

    def output(self, content: OfferContent, variables: Variables, output: str) -> str:
        """The space's function for ``output`` (html, text or xml), or the default one, filled with ``content``.

        Raises RenderError when it fails, and ValueError for another output.
        """
        kind = Output(output)
        function = self.look.functions.get(kind)
        sink = Sink.XML if kind is Output.PROPOSITION else Sink(kind)
        values = [(field, content.fields.get(field.name, "")) for field in self.look.fields]
        if function is None:
            return self._finished(kind, _DEFAULTS[kind](values), variables)
        html = kind is Output.HTML
        context = {field.name: _marked(kind, field, value) for field, value in values}
        try:
            text = run(
                function,
                sink,
                {**context, **self._context(variables)},
                html=html,
                markup=self.look.markup if html else frozenset(),
            )
        except RenderFault as error:
            raise RenderError(kind, error.reason, error.line) from None
        return self._finished(kind, text, variables)

    def constant(self, given: Mapping[str, str]) -> OfferContent | None:
        """The result of :meth:`content` when it is the same for every contact; None when it is not, or fails."""
        if any(is_template(text) or may_track(text) for text in given.values()):
            return None
        try:
            return self.content(given, Variables({}))
        except RenderError:
            return None

    def _field(self, field: ContentField, text: str, variables: Variables) -> str:
        path = text
        if field.format is Format.URL:
            text = completed(self.assets, field.name, text)
        value = text
        if is_template(text):
            try:
                value = run(text, _SINKS[field.format], self._context(variables), html=field.format is Format.HTML)
            except RenderFault as error:
                raise RenderError(field.name, error.reason, error.line) from None
        if field.format is Format.URL and value.strip():
            return _url(field, value, below_assets=text is not path)
        return self._linked(field.name, value, variables) if field.format is Format.HTML else value

    def _plain(self, field: ContentField, value: str) -> str:
        match field.format:
            case Format.TEXT:
                return without_controls(value)
            case Format.HTML:
                return escape(value)
            case Format.URL:
                given = without_controls(value)
                url = completed(self.assets, field.name, given)
                return _url(field, url, below_assets=url is not given) if url.strip() else ""
            case _:
                assert_never(field.format)

    def _finished(self, kind: Output, text: str, variables: Variables) -> str:
        if kind is Output.PROPOSITION:
            text = text.strip()
        if (check := _CHECKS.get(kind)) is not None and (trouble := check(text))[0]:
            raise RenderError(kind, *trouble)
        return self._linked(kind, text, variables) if kind is Output.HTML else text

    def _linked(self, name: str, html: str, variables: Variables) -> str:
        """``html`` with its tracked links rewritten. Raises RenderError for links that run a script."""
        try:
            html = tracked(html, lambda target: _through(variables, self.look.accepted, target))
        except ValueError as error:
            raise RenderError(name, f"a tracked link: {error}") from None
        if runs_program(html):
            raise RenderError(name, RUNS_PROGRAM)
        return html

    def _context(self, variables: Variables) -> dict[str, object]:
        return {**variables.namespaces, "status_url": _status_function(variables)}


def _url(field: ContentField, url: str, *, below_assets: bool) -> str:
    """The checked URL of a field. Raises RenderError if it is none, or a path that leads out of ``assets``."""
    if below_assets and leads_out(url):
        raise RenderError(field.name, OUTWARDS)
    try:
        return put_together(url)
    except ValueError as error:
        raise RenderError(field.name, str(error)) from None


def _marked(kind: Output, field: ContentField, value: str) -> str:
    if kind is Output.HTML and field.format is Format.HTML:
        from minijinja import safe

        return safe(value)
    return value


def _status_function(variables: Variables) -> Callable[[object, object], str]:
    def function(status: object, redirect: object = "") -> str:
        number = status if isinstance(status, int) else status_number(parse_status(str(status)))
        return status_url(variables.status_base, variables.proposition, number, str(redirect or ""))

    return function


def _through(variables: Variables, status: int, target: str) -> str:
    if not variables.status_base or not variables.proposition:
        return target
    return status_url(variables.status_base, variables.proposition, status, target)


def default_html(values: Iterable[tuple[ContentField, str]]) -> str:
    """An ``<article>`` with one element for each field that is not empty."""
    lines = ['<article class="offer">']
    for field, value in values:
        if not value:
            continue
        match field.format:
            case Format.HTML:
                lines.append(f'<div class="{field.name}">{value}</div>')
            case Format.TEXT:
                tag = "h3" if field.name == "title" else "p"
                lines.append(f'<{tag} class="{field.name}">{escape(value)}</{tag}>')
            case Format.URL if is_image(field.name):
                lines.append(f'<img class="{field.name}" src="{escape(value)}" alt="">')
            case Format.URL:
                lines.append(f'<a class="{field.name}" href="{escape(value)}">{escape(field.label or value)}</a>')
            case _:
                assert_never(field.format)
    return "\n".join([*lines, "</article>"])


def default_text(values: Iterable[tuple[ContentField, str]]) -> str:
    """One field a line."""
    return "\n".join(without_controls(value) for _, value in values if value)


def default_xml(values: Iterable[tuple[ContentField, str]]) -> str:
    """``<xmlOfferView>`` with one element for each field that is not empty (domain.md §5)."""
    elements = "".join(f"<{_element(field)}>{escape(value)}</{_element(field)}>" for field, value in values if value)
    return f"<xmlOfferView>{elements}</xmlOfferView>"


_DEFAULTS = {
    Output.HTML: default_html,
    Output.TEXT: default_text,
    Output.XML: default_xml,
    Output.PROPOSITION: default_xml,
}
_CHECKS = {Output.XML: xml_trouble, Output.PROPOSITION: node_trouble}


def _element(field: ContentField) -> str:
    # The name of an element cannot begin with a digit.
    return f"_{field.name}" if field.name[0].isdigit() else field.name


_LARGE = 1_000
_CLOSED = ("debug", "dict", "namespace", "cycler", "joiner", "lipsum")


class _State(Protocol):
    def get_temp(self, name: str, default: int) -> int: ...
    def set_temp(self, name: str, value: int) -> object: ...


class RenderFault(Exception):  # noqa: N818 - the error that callers see is render.RenderError
    """A template could not be rendered: why, and the line of it (from 1; 0 when not known)."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@lru_cache(maxsize=8)
def _environment(sink: Sink) -> Environment:
    from minijinja import Environment, pass_state, safe

    escaped = ESCAPING[sink]
    marked = sink is not Sink.TEXT
    markup: type = type(safe(""))

    def finalize(state: _State, value: object) -> object:
        # Markup is what we gave as such, or a mix of it and values that the engine has escaped.
        change = without_controls if sink is Sink.HTML and type(value) is markup else escaped
        text = change(shown(value))
        if len(text) > _LARGE:
            written = state.get_temp("written", 0) + len(text)
            if written > MAX_OUTPUT:
                raise RenderFault(f"it gives more than {MAX_OUTPUT:,} characters")
            state.set_temp("written", written)
        return safe(text) if marked else text

    environment = Environment(
        filters={**FILTERS, FILTER: factor},
        globals={"range": range_},
        fuel=FUEL,
        undefined_behavior="strict",
        auto_escape_callback=lambda name: "html" if marked else None,
        finalizer=pass_state(finalize),
        pycompat=False,
        debug=False,
    )
    for name in _CLOSED:
        environment.remove_global(name)
    return environment


def run(
    text: str, sink: Sink, context: Mapping[str, object], *, html: bool = False, markup: frozenset[str] = frozenset()
) -> str:
    """``text`` rendered for ``sink``; text that is no template is given back as it is.

    ``markup``: the names in ``context`` that are HTML.

    Raises RenderFault, whatever goes wrong; nothing that is refused when specs are read is rendered.
    """
    if not is_template(text):
        return text
    inspection = inspect(text, html=html, xml=sink is Sink.XML, markup=markup)
    if inspection.error:
        raise RenderFault(inspection.error, inspection.line)
    from minijinja import TemplateError

    try:
        result = _environment(sink).render_str(inspection.guarded, sink.value, **context)
    except TemplateError as error:
        raise RenderFault(_reason(error), error.line or 0) from None
    except RenderFault:
        raise
    except (ValueError, NoTextError) as error:
        raise RenderFault(str(error)[:200]) from None
    except TypeError:
        raise RenderFault("a filter or function has too few, too many or wrong arguments") from None
    except (ArithmeticError, LookupError):
        raise RenderFault("a value cannot be calculated") from None
    if len(result) > MAX_OUTPUT:
        raise RenderFault(f"it gives more than {MAX_OUTPUT:,} characters")
    return result


def _reason(error: Exception) -> str:
    if getattr(error, "kind", "") == "OutOfFuel":
        return "it takes too many steps"
    return str(getattr(error, "detail", None) or getattr(error, "message", None) or "it failed")[:200]
