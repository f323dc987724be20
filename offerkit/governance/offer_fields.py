"""Which declared fields of its offers an environment reads in decisions, and the values that approvals are bound to.

A field binds the aspect that reads it (docs/adr/0062-offer-fields.md): content on a space, if a text or a rendering
function there reads it; eligibility, if a condition, a filter or a weight does. What reads the fields of every offer
binds the eligibility of each: presentation rules of any typology, stored data, which rules can count, and hooks that
get whole offers.

Conditions and texts that read ``interaction.space`` are bound to which space has the name.

Declared values of products (docs/adr/0063-what-hooks-receive.md) bind the content whose templates read them, by type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from offerkit.address import Address, Kind, environment_address
from offerkit.fingerprint import Json, JsonMap, json_map
from offerkit.rules.types import FieldType
from offerkit.rules.values import show, typed_fields
from offerkit.rules.written_form import UNREAD, written_form
from offerkit.state.effective import EffectiveOffer, Inheritance, names_in
from offerkit.state.snapshot import Snapshot

EVERY = "*"
"""What reads this reads every field, or cannot be read with certainty."""


class OfferFieldReads(NamedTuple):
    """The declared fields of an environment's offers, by name, and who reads them of all offers.

    ``addresses``: all resources that this depends on. ``key`` is equal for equal reads.
    """

    types: dict[str, FieldType]
    zone: ZoneInfo
    by_all: frozenset[str]
    addresses: frozenset[Address]
    key: tuple[str, ...]

    def known(self, names: frozenset[str]) -> frozenset[str]:
        """Those of ``names`` that are declared; all declared ones if it is uncertain which are read."""
        return frozenset(self.types) if EVERY in names else names & self.types.keys()

    def bound(self, offer: EffectiveOffer, names: frozenset[str]) -> JsonMap:
        """The type and value of each of ``names`` that is declared and has a value."""
        wanted = self.known(names)
        if not wanted:
            return {}
        values = typed_fields(offer.fields, {name: self.types[name] for name in sorted(wanted)}, self.zone)
        return {name: [self.types[name].base, show(value)] for name, value in values.items() if value is not None}


def offer_field_reads(view: Snapshot, environment: str) -> OfferFieldReads | None:
    """What ``environment`` declares and reads; None if it declares no fields of offers, as most do not."""
    key = ("offer fields", environment)
    if key not in view.memo:
        body = view(environment_address(environment)) or {}
        view.memo[key] = _reads(view, environment, body) if body.get("offer_fields") else None
    known: OfferFieldReads | None = view.memo[key]
    return known


def _reads(view: Snapshot, environment: str, body: JsonMap) -> OfferFieldReads:
    from offerkit.models.environment import Environment  # here, because they import pydantic, which most do not need
    from offerkit.models.expression_scopes import field_types

    model = Environment.model_validate(body)
    own = environment_address(environment)
    typologies = view.of_kind(Kind.TYPOLOGY, environment)  # outlines of deliveries can name each of them
    rules = sorted({own.beside(Kind.RULE, name) for each in typologies for name in names_in(view(each), "rules")})
    spaces = view.of_kind(Kind.SPACE, environment)
    by_all = frozenset(
        name
        for addresses, reads in ((rules, _read_by_rule), (spaces, _read_by_space))
        for address in addresses
        for name in reads(view(address) or {})
    )
    addresses = frozenset([own, *rules, *spaces, *typologies])
    types = field_types(model.offer_fields)
    declared = (repr((name, type_.base.value, type_.values)) for name, type_ in sorted(types.items()))
    return OfferFieldReads(
        types, ZoneInfo(model.time_zone), by_all, addresses, (model.time_zone, *declared, "", *sorted(by_all))
    )


def _read_by_rule(rule: JsonMap) -> Iterator[str]:
    yield from _read_by(json_map(rule.get("applies_to")).get("when"))


def _read_by_space(space: JsonMap) -> Iterator[str]:
    """What the space stores of each offer; its hook gets offers with all their fields."""
    storage = json_map(space.get("storage"))
    by_status = map(json_map, json_map(storage.get("status_data")).values())
    for texts in (*map(json_map, map(storage.get, ("proposed_data", "accepted_data"))), *by_status):
        for text in texts.values():
            yield from _read_by(text)
    if json_map(space.get("hooks")).get("post_processing"):
        yield EVERY


def _read_by(text: Json) -> frozenset[str]:
    return written_form(text)[1] if isinstance(text, str) else frozenset()


def product_declarations(view: Snapshot, environment: str) -> JsonMap:
    """What ``environment`` declares of its products' values: type and values of an enumeration, by name."""
    key = ("product fields", environment)
    if key not in view.memo:
        declared = json_map((view(environment_address(environment)) or {}).get("product_fields"))
        view.memo[key] = {name: product_field_meaning(field) for name, field in sorted(declared.items())}
    known: JsonMap = view.memo[key]
    return known


_FOR_PREVIEWS = frozenset({"label", "sample"})


def product_field_meaning(field: Json) -> Json:
    """A declared value of products without what only authors and previews see."""
    return {name: value for name, value in json_map(field).items() if name not in _FOR_PREVIEWS}


_CALLED_SPACE = ["field", "interaction", "space"]
"""``interaction.space`` in the written form of a condition."""
_COMPARISONS = ("eq", "ne", "in")


def renamed_call_spaces(view: Snapshot, around: Inheritance, text: str) -> JsonMap:
    """The renamed spaces that a condition compares ``interaction.space`` with, by name, with their first names.

    The condition names spaces by text, which stays as it is when two spaces swap their names. All renamed spaces, if
    it does anything else with it than to compare it with texts.
    """
    if not view.origins or _is_call_data(view, around, "space"):
        return {}
    compared = _compared_spaces(written_form(text)[0])
    renamed = ((a.name, view.origins.of(a)) for a in around.space_addresses if view.origins.of(a) != a.name)
    return {name: first for name, first in renamed if compared is None or name in compared}


def _compared_spaces(tree: Json) -> frozenset[str] | None:
    """The texts that a condition, in written form, compares the space that is called with; None: it may be any."""
    names: set[str] = set()
    pending = [tree]
    while pending:
        part = pending.pop()
        if not isinstance(part, list):
            continue
        if part == _CALLED_SPACE or (part[:1] == [UNREAD] and "interaction" in str(part[1]).lower()):
            return None
        others = [each for each in part[1:] if each != _CALLED_SPACE]
        if part[:1] and part[0] in _COMPARISONS and len(others) < len(part) - 1:
            texts = [each[1] for each in others if isinstance(each, list) and each[:1] == ["text"]]
            if len(texts) < len(others):
                return None
            names |= set(map(str, texts))
        else:
            pending += part
    return frozenset(names)


def reads_renamed_space(view: Snapshot, around: Inheritance, space: str, texts: Iterable[Json]) -> bool:
    """Whether templates read the name of the space that is called, and ``space`` had another."""
    if not view.origins or view.origins.of(around.address(Kind.SPACE, space)) == space:
        return False
    return not template_reads(texts, "interaction").isdisjoint({"space", EVERY}) and not _is_call_data(
        view, around, "space"
    )


def _is_call_data(view: Snapshot, around: Inheritance, name: str) -> bool:
    return name in json_map((view(environment_address(around.environment)) or {}).get("call_data"))


def template_reads(texts: Iterable[Json], namespace: str) -> frozenset[str]:
    """The fields of ``namespace`` that templates read; :data:`EVERY` for a template that cannot be parsed."""
    from offerkit.templates.inspection import inspect
    from offerkit.templates.scan import is_template  # every store loads this module; few runs read a template

    result: set[str] = set()
    for text in texts:
        if isinstance(text, str) and is_template(text):
            inspection = inspect(text)
            names = (name.partition(".") for name in inspection.variables)
            result |= {below or EVERY for head, _, below in names if head == namespace}
            if inspection.error:
                result.add(EVERY)
    return frozenset(result)
