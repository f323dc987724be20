"""Runs hooks: Python functions of the user's project that take part in decisions (types: :mod:`offerkit.hooks`).

The caller loads them; the engine runs them. If a hook is missing, raises or returns something unusable, that is
reported and the call continues without it. Hooks get read-only arguments.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from offerkit import hooks as public
from offerkit.diagnostics import Code
from offerkit.engine.report import Report

if TYPE_CHECKING:  # at runtime they go through __getattr__, for hooks that still import them from here
    from offerkit.hooks import Candidate as Candidate
    from offerkit.hooks import DynamicOffer as DynamicOffer
    from offerkit.hooks import PostProcessing as PostProcessing
    from offerkit.hooks import Product as Product
    from offerkit.hooks import Row as Row
    from offerkit.hooks import TargetLoading as TargetLoading
    from offerkit.hooks import Value as Value

__all__ = [
    "HOOK_ERRORS",
    "MAX_PRODUCTS",
    "MAX_WEIGHT",
    "NO_HOOKS",
    "Hooks",
    "load_target",
    "post_process",
    "products",
    "unusable_answer",
    *public.__all__,
]
"""Includes the public names, so that ``import *`` from here still works, with a deprecation warning."""

HOOK_ERRORS = (Exception, SystemExit)
"""What a hook may raise without ending the call; includes sys.exit(), which would silently end the process."""
MAX_PRODUCTS = 1000
MAX_WEIGHT = Decimal(10) ** 16


@dataclass(frozen=True)
class Hooks:
    """The available hooks, by the name that spaces and weights use."""

    target_loading: Mapping[str, TargetLoading] = field(default_factory=lambda: MappingProxyType({}))
    dynamic_offer: Mapping[str, DynamicOffer] = field(default_factory=lambda: MappingProxyType({}))
    post_processing: Mapping[str, PostProcessing] = field(default_factory=lambda: MappingProxyType({}))


NO_HOOKS = Hooks()


def load_target(hooks: Hooks, name: str, contact: Row, data: Row) -> tuple[Mapping[str, object], Report | None]:
    """The call data that the target-loading hook ``name`` adds; if it fails, nothing and a report.

    The caller must check the values against the declared call data.
    """
    hook = hooks.target_loading.get(name)
    if hook is None:
        return {}, _missing("target-loading", name)
    try:
        added: object = hook(MappingProxyType(dict(contact)), MappingProxyType(dict(data)))
        if not isinstance(added, Mapping) or not all(isinstance(key, str) for key in added):
            return {}, unusable_answer("target-loading", name, "it must return a mapping of call data by name")
        return dict(added), None
    except HOOK_ERRORS as error:  # whatever a hook raises, the call continues
        return {}, _failed("target-loading", name, error)


def products(
    hooks: Hooks, name: str, offer: str, contact: Row, data: Row
) -> tuple[tuple[tuple[Product, Decimal], ...] | None, Report | None]:
    """The products that the dynamic-offer hook ``name`` returns for ``offer``; if it fails, None and a report."""
    hook = hooks.dynamic_offer.get(name)
    if hook is None:
        return None, _missing("dynamic-offer", name)
    try:
        answer: object = hook(offer, MappingProxyType(dict(contact)), MappingProxyType(dict(data)))
        if not isinstance(answer, Sequence) or isinstance(answer, str) or len(answer) > MAX_PRODUCTS:
            requirement = f"it must return at most {MAX_PRODUCTS} (product, weight) pairs"
            return None, unusable_answer("dynamic-offer", name, requirement, offer)
        return tuple((_product(product), _weight(weight)) for product, weight in answer), None
    except _UnusableAnswerError as error:
        return None, unusable_answer("dynamic-offer", name, str(error), offer)
    except HOOK_ERRORS as error:  # whatever a hook raises, the call continues
        return None, _failed("dynamic-offer", name, error, offer)


def post_process(hooks: Hooks, name: str, candidates: Sequence[Candidate]) -> tuple[list[int] | None, Report | None]:
    """The indexes of the candidates that the hook keeps, in its order; if it fails, None and a report."""
    hook = hooks.post_processing.get(name)
    if hook is None:
        return None, _missing("post-processing", name)
    position_of = {id(candidate): position for position, candidate in enumerate(candidates)}
    try:
        answer: object = hook(tuple(candidates))
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            return None, unusable_answer("post-processing", name, "it must return a list of candidates")
        positions = [position_of.get(id(candidate)) for candidate in answer]
    except HOOK_ERRORS as error:  # whatever a hook raises, the call continues
        return None, _failed("post-processing", name, error)
    known = [position for position in positions if position is not None]
    if len(known) != len(positions):
        return None, unusable_answer("post-processing", name, "it returned something that is not one of the candidates")
    if len(set(known)) != len(known):
        return None, unusable_answer("post-processing", name, "it returned a candidate twice")
    return known, None


class _UnusableAnswerError(ValueError):
    """A hook returned something unusable; the message says what."""


def _product(product: object) -> Product:
    if not isinstance(product, Mapping):
        raise _UnusableAnswerError(f"a product must be a mapping, not {type(product).__name__}")
    return MappingProxyType({_field_name(name): _plain(name, value) for name, value in product.items()})


def _field_name(name: object) -> str:
    if not isinstance(name, str):
        raise _UnusableAnswerError("the field names of a product must be texts")
    return name


def _plain(name: object, value: object) -> Value:
    if isinstance(value, float):
        return Decimal(repr(value)) if value == value and abs(value) < float(MAX_WEIGHT) else None
    if value is None or isinstance(value, str | int | Decimal | bool | date):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise _UnusableAnswerError(
        f"field “{str(name)[:80]}” of a product is a {type(value).__name__}; it must be a text, number or date"
    )


def _weight(weight: object) -> Decimal:
    if isinstance(weight, bool) or not isinstance(weight, int | float | Decimal):
        raise _UnusableAnswerError(f"a weight must be a number, not {type(weight).__name__}")
    number = Decimal(repr(weight)) if isinstance(weight, float) else Decimal(weight)
    if not number.is_finite() or not 0 <= number < MAX_WEIGHT:
        raise _UnusableAnswerError(f"{str(number)[:80]} is not a weight; weights are 0 or more")
    return number


def unusable_answer(kind: str, name: str, what: str, where: str = "") -> Report:
    """The report about a hook that returned something unusable."""
    return Report(Code.HOOK_ANSWER, f"The {kind} hook “{name}” was ignored: {what}.", where or name)


def _missing(kind: str, name: str) -> Report:
    return Report(Code.HOOK_MISSING, f"There is no {kind} hook “{name}”; the call continued without it.", name)


def _failed(kind: str, name: str, error: BaseException, where: str = "") -> Report:
    try:
        text = str(error)[:200]
    except Exception:  # an exception whose text cannot be computed
        text = ""
    message = f"The {kind} hook “{name}” failed and was ignored: {type(error).__name__}{': ' if text else ''}{text}"
    return Report(Code.HOOK_FAILED, message, where or name)


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
