"""Runs hooks: Python functions of the user's project that take part in decisions (types: :mod:`offerkit.hooks`).

The caller loads them; the engine runs them. If a hook is missing, raises or returns something unusable, that is
reported and the call continues without it. Hooks get read-only arguments.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, quote_plus

from offerkit import hooks as public
from offerkit.diagnostics import Code
from offerkit.engine.hook_answers import UnusableAnswerError, added_data, kept_candidates, product_pairs
from offerkit.engine.hook_tape import HookTape
from offerkit.engine.report import Report
from offerkit.rules.types import FieldType
from offerkit.rules.values import show

if TYPE_CHECKING:  # at runtime they go through __getattr__, for hooks that still import them from here
    from offerkit.hooks import Candidate as Candidate
    from offerkit.hooks import DynamicOffer as DynamicOffer
    from offerkit.hooks import DynamicOfferHook as DynamicOfferHook
    from offerkit.hooks import HookCall as HookCall
    from offerkit.hooks import HookOffer as HookOffer
    from offerkit.hooks import PostProcessing as PostProcessing
    from offerkit.hooks import PostProcessingHook as PostProcessingHook
    from offerkit.hooks import Product as Product
    from offerkit.hooks import Row as Row
    from offerkit.hooks import TargetLoading as TargetLoading
    from offerkit.hooks import TargetLoadingHook as TargetLoadingHook
    from offerkit.hooks import Value as Value

__all__ = [
    "HOOK_ERRORS",
    "NO_HOOKS",
    "Hooks",
    "error_text",
    "load_target",
    "post_process",
    "products",
    "required_arguments",
    "unusable_answer",
    *public.__all__,
]
"""Includes the public names, so that ``import *`` from here still works, with a deprecation warning."""

HOOK_ERRORS = (BaseException,)
"""What a hook may raise without ending the call, after KeyboardInterrupt, by which the user ends it: also sys.exit(),
the cancellation of a task, and what extensions raise past Exception, such as the panic of one in Rust.
"""


@dataclass(frozen=True)
class Hooks:
    """The available hooks, by the name that spaces and weights use."""

    target_loading: Mapping[str, TargetLoading | TargetLoadingHook] = field(
        default_factory=lambda: MappingProxyType({})
    )
    dynamic_offer: Mapping[str, DynamicOffer | DynamicOfferHook] = field(default_factory=lambda: MappingProxyType({}))
    post_processing: Mapping[str, PostProcessing | PostProcessingHook] = field(
        default_factory=lambda: MappingProxyType({})
    )
    tape: HookTape | None = field(default=None, compare=False)
    """Where one decision's answers are noted, or what answers instead of the hooks."""
    _takes_call: dict[tuple[int, int], bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def taped(self, tape: HookTape) -> Hooks:
        """The same hooks for one decision, with a tape."""
        result = copy(self)
        object.__setattr__(result, "tape", tape)
        return result

    def takes_call(self, hook: object, parameters: int) -> bool:
        """Whether ``hook`` requires so many arguments; the last one is the call.

        A hook that works without the call is called without it, as in earlier versions.
        """
        key = (id(hook), parameters)
        known = self._takes_call.get(key)
        if known is None:
            known = self._takes_call[key] = required_arguments(hook) == parameters
        return known


NO_HOOKS = Hooks()
_LONGEST_TEXT = 200
_MOST_READ = 10 * _LONGEST_TEXT
_LONG_VALUE = 5
"""From how many characters on a value is also taken out of a longer word."""


def required_arguments(hook: object) -> int:
    """How many positional arguments ``hook`` cannot be called without; 0 if that is not known.

    Of a decorated hook the decorator's own parameters count: it may fill those of the hook itself.
    """
    try:
        parameters = inspect.signature(hook, follow_wrapped=False).parameters.values()  # type: ignore[arg-type]
    except Exception:  # of a function in C, or of an object that is anybody's
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(
        parameter.kind in positional and parameter.default is inspect.Parameter.empty for parameter in parameters
    )


def load_target(hooks: Hooks, name: str, call: HookCall) -> tuple[Mapping[str, object], Report | None]:
    """The call data that the target-loading hook ``name`` adds; if it fails, nothing and a report.

    The caller must check the values against the declared call data.
    """
    if hooks.tape is not None and hooks.tape.replays:
        return hooks.tape.loaded, None
    hook = hooks.target_loading.get(name)
    if hook is None:
        return {}, _missing("target-loading", name)
    contact, data = call.contact, call.data
    try:
        if hooks.takes_call(hook, 3):
            return added_data(cast("TargetLoadingHook", hook)(contact, data, call)), None
        return added_data(cast("TargetLoading", hook)(contact, data)), None
    except UnusableAnswerError as error:
        return {}, unusable_answer("target-loading", name, str(error))
    except KeyboardInterrupt:
        raise
    except HOOK_ERRORS as error:  # whatever a hook raises, the call continues
        return {}, _failed("target-loading", name, error, call)


def products(
    hooks: Hooks, name: str, offer: HookOffer, call: HookCall, declared: Mapping[str, FieldType]
) -> tuple[tuple[tuple[Product, Decimal], ...] | None, Report | None]:
    """The products that the dynamic-offer hook ``name`` returns for ``offer``; if it fails, None and a report.

    ``declared``: the environment's ``product_fields``; a product's values of these names have their types.
    """
    tape = hooks.tape
    if tape is not None and tape.replays:
        return tape.products.get(offer.name), None
    pairs, report = _products(hooks, name, offer, call, declared)
    if tape is not None:
        tape.products[offer.name] = pairs
    return pairs, report


def _products(
    hooks: Hooks, name: str, offer: HookOffer, call: HookCall, declared: Mapping[str, FieldType]
) -> tuple[tuple[tuple[Product, Decimal], ...] | None, Report | None]:
    hook = hooks.dynamic_offer.get(name)
    if hook is None:
        return None, _missing("dynamic-offer", name)
    contact, data, zone = call.contact, call.data, call.now.tzinfo or UTC
    try:
        answer: object
        if hooks.takes_call(hook, 4):
            answer = cast("DynamicOfferHook", hook)(offer, contact, data, call)
        else:
            answer = cast("DynamicOffer", hook)(offer.name, contact, data)
        return product_pairs(answer, declared, zone), None
    except UnusableAnswerError as error:
        return None, unusable_answer("dynamic-offer", name, str(error), offer.name)
    except KeyboardInterrupt:
        raise
    except HOOK_ERRORS as error:  # whatever a hook raises, the call continues
        return None, _failed("dynamic-offer", name, error, call, offer.name)


def post_process(
    hooks: Hooks, name: str, candidates: Sequence[Candidate], call: HookCall
) -> tuple[list[tuple[int, Decimal | None]] | None, Report | None]:
    """The indexes of the candidates that the hook keeps, in its order, each with its new weight if it has one.

    If the hook fails, None and a report.
    """
    tape = hooks.tape
    if tape is not None and tape.replays:
        return tape.kept_of(candidates), None
    kept, report = _post_process(hooks, name, candidates, call)
    if tape is not None:
        tape.note_kept(candidates, kept)
    return kept, report


def _post_process(
    hooks: Hooks, name: str, candidates: Sequence[Candidate], call: HookCall
) -> tuple[list[tuple[int, Decimal | None]] | None, Report | None]:
    hook = hooks.post_processing.get(name)
    if hook is None:
        return None, _missing("post-processing", name)
    try:
        answer: object
        if hooks.takes_call(hook, 2):
            answer = cast("PostProcessingHook", hook)(tuple(candidates), call)
        else:
            answer = cast("PostProcessing", hook)(tuple(candidates))
        return kept_candidates(answer, candidates), None
    except UnusableAnswerError as error:
        return None, unusable_answer("post-processing", name, str(error))
    except KeyboardInterrupt:
        raise
    except HOOK_ERRORS as error:  # whatever a hook raises, the call continues
        return None, _failed("post-processing", name, error, call)


_TO_RETURN = {
    "target-loading": "Return a mapping of call data that the environment declares, each of its type.",
    "dynamic-offer": "Return pairs of a product (a mapping of plain values) and a weight.",
    "post-processing": "Return the candidates themselves, or pairs of a candidate and its new weight.",
}


def unusable_answer(kind: str, name: str, what: str, where: str = "") -> Report:
    """The report about a hook that returned something unusable, with how to mend it."""
    message = f"The {kind} hook “{name}” was ignored: {what}. {_TO_RETURN[kind]}"
    return Report(Code.HOOK_ANSWER, message, where or name, (kind, name))


def _missing(kind: str, name: str) -> Report:
    message = f"There is no {kind} hook “{name}”; the call continued without it."
    return Report(Code.HOOK_MISSING, message, name, (kind, name))


def _failed(kind: str, name: str, error: BaseException, call: HookCall, where: str = "") -> Report:
    text = error_text(error, call)
    message = f"The {kind} hook “{name}” failed and was ignored: {text}"
    return Report(Code.HOOK_FAILED, message, where or name, (kind, name))


def error_text(error: BaseException, call: HookCall | None = None) -> str:
    """The kind and text of a hook's error in one line, without what it repeats of ``call``'s contact, data and ids."""
    try:
        text = str(error)
        text = " ".join((text if call is None else _without_values(text[:_MOST_READ], call)).split())[:_LONGEST_TEXT]
    except Exception:  # an exception whose text cannot be computed
        text = ""
    return f"{type(error).__name__[:80]}{': ' if text else ''}{text}"


def _without_values(text: str, call: HookCall) -> str:
    """``text`` without what it repeats of the contact, the call data and the ids of the call."""
    written = {call.key, *call.key.split("|"), call.permanent, call.session}
    values = [*written, *call.contact.values(), *call.data.values()]
    forms = {form for value in values for form in _forms(value)} - {""}
    for form in sorted(forms, key=len, reverse=True):
        if form.casefold() not in text.casefold():
            continue
        # In a longer word only what is long enough not to be there by chance
        start, end = ("", "") if len(form) >= _LONG_VALUE else (r"(?<![^\W_])", r"(?![^\W_])")
        text = re.sub(f"{start}{re.escape(form)}{end}", "…", text, flags=re.IGNORECASE)
    return text


def _forms(value: object) -> Iterator[str]:
    """How a message may write a value: as text, as Python writes it, or in a URL."""
    if isinstance(value, tuple):
        for item in value:
            yield from _forms(item)
    elif isinstance(value, str):
        yield from (value, value.strip(), repr(value)[1:-1], quote(value), quote_plus(value))
    elif value is not None and not isinstance(value, bool):
        yield from (show(cast("Value", value)), str(value), repr(value))
        if isinstance(value, date):
            yield from (value.isoformat(), f"{value:%d/%m/%Y}", f"{value:%m/%d/%Y}", f"{value:%d.%m.%Y}")


def __getattr__(name: str) -> object:
    """The public names, which hooks used to import from here before :mod:`offerkit.hooks` existed."""
    if name not in public.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"{__name__}.{name} has moved: import it from offerkit.hooks (from offerkit.hooks import {name})",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(public, name)
