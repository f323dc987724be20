"""Which renamed spaces, offers and categories conditions, settings and texts read by name.

They name spaces by text (``interaction.space``), which stays as it is when spaces get other names: what was approved
for one space would hold on another. So what reads the name is bound to which space has it
(docs/adr/0061-contact-history.md). Nothing is added where no space was ever renamed, or ``interaction.space`` is call
data. Conditions of presentation rules name offers and categories in the same way; there it is the renamed offer whose
eligibility is bound to its name, as it is to the fields that rules read (docs/adr/0062-offer-fields.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from offerkit.address import Address, Kind, environment_address
from offerkit.fingerprint import Json, JsonMap, json_map
from offerkit.governance.offer_fields import EVERY, stored_texts, template_reads
from offerkit.rules.written_form import UNREAD, written_form
from offerkit.state.effective import EffectiveOffer, Inheritance, filters_of
from offerkit.state.snapshot import Snapshot

_SPACE = "space"
_RULE_TEXTS = (("applies_to", "when"), ("counted", "when"))
_NAMES_IN_RULES = {
    Kind.OFFER: (("offer", "name"), ("offer", "code"), ("proposition", "offer")),
    Kind.CATEGORY: (("offer", "category"), ("category", "path"), ("proposition", "category")),
}
"""The fields by which conditions of presentation rules name offers and categories; a code is the name unless given."""


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
