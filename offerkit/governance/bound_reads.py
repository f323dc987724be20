"""What conditions, rules and texts of an environment read beyond their own bodies, so that approvals are bound to it.

Declared fields of offers: a field binds the aspect that reads it (docs/adr/0062-offer-fields.md): content on a space,
if a text or a rendering function there reads it; eligibility, if a condition, a filter or a weight does. What reads the
fields of every offer binds the eligibility of each: presentation rules of any typology, stored data, which rules can
count, and hooks that get whole offers. Declared values of products (docs/adr/0063-what-hooks-receive.md) bind the
content whose templates read them, by type.

Names: spaces are named by text (``interaction.space``), which stays as it is when spaces get other names: what was
approved for one space would hold on another. So what reads the name is bound to which space has it
(docs/adr/0061-contact-history.md). Nothing is added where no space was ever renamed, or ``interaction.space`` is call
data. Conditions of presentation rules name offers and categories in the same way; there it is the renamed offer whose
eligibility is bound to its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from offerkit.address import Address, Kind, environment_address
from offerkit.fingerprint import Json, JsonMap, json_map
from offerkit.rules.types import FieldType
from offerkit.rules.values import show, typed_fields
from offerkit.rules.written_form import UNREAD, written_form
from offerkit.state.effective import EffectiveOffer, Inheritance, filters_of, names_in
from offerkit.state.snapshot import Snapshot

EVERY = "*"
"""What reads this reads every field, or cannot be read with certainty."""
_SPACE = "space"
_RULE_TEXTS = (("applies_to", "when"), ("counted", "when"))
_NAMES_IN_RULES = {
    Kind.OFFER: (("offer", "name"), ("offer", "code"), ("proposition", "offer")),
    Kind.CATEGORY: (("offer", "category"), ("category", "path"), ("proposition", "category")),
}
"""The fields by which conditions of presentation rules name offers and categories; a code is the name unless given."""


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
    rules = _rules(view, environment)
    typologies, spaces = view.of_kind(Kind.TYPOLOGY, environment), view.of_kind(Kind.SPACE, environment)
    by_all = frozenset(name for when in _applies_when(view, environment) for name in _read_by(when))
    by_all = by_all.union(name for space in spaces for name in _read_by_space(view(space) or {}))
    addresses = frozenset([own, *rules, *spaces, *typologies])
    types = field_types(model.offer_fields)
    declared = (repr((name, type_.base.value, type_.values)) for name, type_ in sorted(types.items()))
    return OfferFieldReads(
        types, ZoneInfo(model.time_zone), by_all, addresses, (model.time_zone, *declared, "", *sorted(by_all))
    )


def rules_read_last_day(view: Snapshot, environment: str) -> bool:
    """Whether presentation rules apply to offers by their last day (``offer.until``)."""
    key = ("rules read the last day", environment)
    if key not in view.memo:
        view.memo[key] = any(
            "until" in names or (EVERY in names and "until" in str(when))
            for when in _applies_when(view, environment)
            for names in [_read_by(when)]
        )
    known: bool = view.memo[key]
    return known


def _applies_when(view: Snapshot, environment: str) -> list[Json]:
    """The conditions on offers of the rules of all typologies."""
    return [json_map((view(rule) or {}).get("applies_to")).get("when") for rule in _rules(view, environment)]


def _rules(view: Snapshot, environment: str) -> list[Address]:
    """The rules of all typologies: outlines of deliveries can name each of them."""
    typologies = view.of_kind(Kind.TYPOLOGY, environment)
    return sorted({each.beside(Kind.RULE, name) for each in typologies for name in names_in(view(each), "rules")})


def _read_by_space(space: JsonMap) -> Iterator[str]:
    """What the space stores of each offer; its hook gets offers with all their fields."""
    for text in stored_texts(space):
        yield from _read_by(text)
    if json_map(space.get("hooks")).get("post_processing"):
        yield EVERY


def stored_texts(space: JsonMap) -> Iterator[Json]:
    """The expressions of all extra data that a space stores."""
    storage = json_map(space.get("storage"))
    by_status = map(json_map, json_map(storage.get("status_data")).values())
    for texts in (*map(json_map, map(storage.get, ("proposed_data", "accepted_data"))), *by_status):
        yield from texts.values()


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


def renamed_call_spaces(view: Snapshot, around: Inheritance, text: str) -> JsonMap:
    """The renamed spaces that a condition tells apart by ``interaction.space``, by name, with their first names."""
    if not view.origins or not (names := _compared(text)) or _is_call_data(view, around.environment):
        return {}
    spaces = ((address.name, view.origins.of(address)) for address in around.space_addresses)
    return {name: first for name, first in spaces if first != name and (name in names or EVERY in names)}


def read_by_settings(view: Snapshot, space: Address) -> str:
    """The name of a renamed space, if settings of its environment read the name of the called space; else empty."""
    if not view.origins or view.origins.of(space) == space.name:
        return ""
    key = ("settings read spaces", space.environment)
    if key not in view.memo:
        texts = _settings_conditions(view, space.environment)
        view.memo[key] = any(map(_compared, texts)) and not _is_call_data(view, space.environment)
    return space.name if view.memo[key] else ""


def reads_renamed_space(view: Snapshot, around: Inheritance, space: str, texts: Iterable[Json]) -> bool:
    """Whether templates read the name of the space that is called, and ``space`` had another."""
    if not view.origins or view.origins.of(around.address(Kind.SPACE, space)) == space:
        return False
    read = not template_reads(texts, "interaction").isdisjoint({_SPACE, EVERY})
    return read and not _is_call_data(view, around.environment)


def names_in_rules(view: Snapshot, offer: EffectiveOffer) -> tuple[str, ...]:
    """The names of a renamed offer, or of one in a renamed category, as far as conditions of rules tell them apart.

    Such a rule would leave out, or count, another offer than before.
    """
    if not view.origins:
        return ()
    category = offer.around.address(Kind.CATEGORY, offer.category)
    return tuple(
        address.name
        for address in (offer.address, category)
        if (first := view.origins.of(address)) != address.name
        and not _named_by_rules(view, address).isdisjoint({address.name, first, EVERY})
    )


def _named_by_rules(view: Snapshot, address: Address) -> frozenset[str]:
    """The names of the kind of ``address`` that conditions of its environment's rules compare; or :data:`EVERY`."""
    key = (f"{address.kind} names in rules", address.environment)
    if key not in view.memo:
        rules = (view(rule) or {} for rule in view.of_kind(Kind.RULE, address.environment))
        texts = [json_map(rule.get(part)).get(name) for rule in rules for part, name in _RULE_TEXTS]
        fields = _NAMES_IN_RULES[address.kind]
        view.memo[key] = frozenset[str]().union(
            *(compared_names(text, *field) for text in texts if isinstance(text, str) for field in fields)
        )
    known: frozenset[str] = view.memo[key]
    return known


def _compared(text: str) -> frozenset[str]:
    return compared_names(text, "interaction", _SPACE)


@lru_cache(maxsize=16_384)
def compared_names(text: str, namespace: str, field: str) -> frozenset[str]:
    """The names that an expression compares a field with; :data:`EVERY` if it uses the field in another way."""
    tree, _ = written_form(text)
    if isinstance(tree, list) and tree[:1] == [UNREAD]:
        mentioned = re.search(rf"\b{namespace}\b.*\b{field}\b", text, re.IGNORECASE | re.DOTALL)
        return frozenset([EVERY] if mentioned else ())
    return frozenset(_names_in(tree, ["field", namespace, field]))


def _names_in(tree: Json, field: Json) -> Iterator[str]:
    if tree == field:
        yield EVERY
    elif isinstance(tree, list):
        others = [part for part in tree[1:] if part != field]
        texts = [str(part[1]) for part in others if isinstance(part, list) and part[:1] == ["text"]]
        alone = len(others) == len(tree) - 2 == len(texts)
        if alone and tree[0] in ("eq", "ne", "in"):
            yield from texts
        else:
            for part in tree:
                yield from _names_in(part, field)


def _settings_conditions(view: Snapshot, environment: str) -> Iterator[str]:
    """The conditions of an environment, its rules and its own filters, and what its spaces store."""
    own = environment_address(environment)
    body = view(own) or {}
    filters = (view(own.beside(Kind.FILTER, name)) for name in filters_of(body))
    rules = (view(rule) for rule in view.of_kind(Kind.RULE, environment))
    found = [body.get("when"), *((each or {}).get("when") for each in filters)]
    found += [(rule or {}).get("contacts") for rule in rules]
    for space in view.of_kind(Kind.SPACE, environment):
        found += stored_texts(view(space) or {})
    return (text for text in found if isinstance(text, str))


def _is_call_data(view: Snapshot, environment: str) -> bool:
    return _SPACE in json_map((view(environment_address(environment)) or {}).get("call_data"))
