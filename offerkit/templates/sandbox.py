"""The template engine, shut: one environment for each sink, never changed after it was made.

No loader, so nothing is included; a closed list of filters; fuel; strict about unknown names. What every value is
escaped for is decided by the sink, in the engine's finalizer, which each printed value goes through.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from offerkit.templates.filters import FILTERS, range_
from offerkit.templates.language import FUEL, MAX_OUTPUT
from offerkit.templates.products import FILTER, factor
from offerkit.templates.scan import is_template
from offerkit.templates.templates import inspect
from offerkit.templates.values import ESCAPING, NoTextError, Sink, shown, without_controls

if TYPE_CHECKING:
    from minijinja import Environment

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
    seen = inspect(text, html=html, xml=sink is Sink.XML, markup=markup)
    if seen.error:
        raise RenderFault(seen.error, seen.line)
    from minijinja import TemplateError

    try:
        result = _environment(sink).render_str(seen.guarded, sink.value, **context)
    except TemplateError as error:
        raise RenderFault(_reason(error), error.line or 0) from None
    except RenderFault:
        raise
    except (ValueError, NoTextError) as error:
        raise RenderFault(str(error)[:200]) from None
    except TypeError:
        raise RenderFault("a filter or function is given too few, too many or wrong arguments") from None
    except (ArithmeticError, LookupError):
        raise RenderFault("a value cannot be calculated") from None
    if len(result) > MAX_OUTPUT:
        raise RenderFault(f"it gives more than {MAX_OUTPUT:,} characters")
    return result


def _reason(error: Exception) -> str:
    if getattr(error, "kind", "") == "OutOfFuel":
        return "it takes too many steps"
    return str(getattr(error, "detail", None) or getattr(error, "message", None) or "it failed")[:200]
