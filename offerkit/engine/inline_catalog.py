"""Catalogs that are written in a file of decision cases: the spec sections of one environment, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pydantic import ValidationError

from offerkit.address import SECTIONS, SHARED, SHARED_KINDS, Address, Kind, environment_address
from offerkit.diagnostics import suggestion
from offerkit.engine.case_values import CaseError, known_keys, map_of, names_of
from offerkit.engine.catalog import Catalog
from offerkit.engine.compile import compile_catalog
from offerkit.engine.hooks import NO_HOOKS, Hooks
from offerkit.fingerprint import JsonMap
from offerkit.models.base import Number
from offerkit.models.registry import model_of
from offerkit.models.validation_errors import explain

NAME = "shop"
"""The environment's name, unless the spaces of the cases name another."""


def inline_bodies(sections: Mapping[str, object], environment: str = NAME) -> dict[Address, JsonMap]:
    """Canonical bodies by address. ``environment`` is a section of its own, as in an environment's file.

    Raises CaseError for the first resource that is wrong.
    """
    known_keys(sections, ("environment", *SECTIONS), "catalog")
    bodies = {environment_address(environment): _body(Kind.ENVIRONMENT, environment, sections.get("environment", {}))}
    for section, resources in sections.items():
        if section == "environment":
            continue
        kind = SECTIONS[section]
        for name, raw in map_of(resources, section).items():
            position = SHARED if kind in SHARED_KINDS else environment
            bodies[Address(position, kind, name)] = _body(kind, name, raw)
    dimension = str(bodies[environment_address(environment)].get("dimension", ""))
    if Address(SHARED, Kind.DIMENSION, dimension) not in bodies:
        known = [address.name for address in bodies if address.kind is Kind.DIMENSION]
        raise CaseError(f"the catalog has no dimension “{dimension[:80]}”. {suggestion(dimension, known)}".strip())
    return bodies


def inline_catalog(
    sections: Mapping[str, object],
    activated: Mapping[str, object] | None = None,
    environment: str = NAME,
    hooks: Hooks = NO_HOOKS,
) -> Catalog:
    """The catalog of ``sections``. ``activated``: spaces by offer; an offer that is missing there is on every space."""
    bodies = inline_bodies(sections, environment)
    activation = {name: names_of(spaces, "activated") for name, spaces in (activated or {}).items()}
    everywhere = tuple(map_of(sections.get("spaces", {}), "spaces"))
    live = {
        Address(environment, Kind.OFFER, name): activation.get(name, everywhere)
        for name in map_of(sections.get("offers", {}), "offers")
    }
    return compile_catalog(environment, bodies, live, hooks)


def _body(kind: Kind, name: str, raw: object) -> JsonMap:
    model = model_of(kind)
    try:
        body: JsonMap = model.model_validate(_written(raw)).body()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        _, summary, hint = explain(model, first, first["loc"] or (name,))
        where = ", ".join((f"{kind} “{name}”", *(str(part) for part in first["loc"][:-1])))
        raise CaseError(f"{where}: {summary}. {hint}".strip()) from error
    return body


def _written(value: object) -> object:
    """Plain data as specs are loaded: numbers and dates as text, which each field then interprets."""
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Number(str(value))
    return value.isoformat() if isinstance(value, date) else value
