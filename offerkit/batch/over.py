"""Presentation rules for many contacts: who was offered enough of what, counted in the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from offerkit.batch.program import Program
from offerkit.engine.catalog import PresentationRule
from offerkit.engine.history import Past
from offerkit.engine.lineup import bits_of
from offerkit.engine.presentation import Moment, applied, reached_by


@dataclass(frozen=True)
class Over:
    """Contacts (by key) for whom a rule's maximum is reached, and the items that this takes from them.

    ``contacts``: the number of the condition that the rule is limited to, if it is.
    """

    rule: PresentationRule
    contacts: int | None
    keys: Mapping[str, tuple[int, ...]]


def over(program: Program, histories: Iterable[tuple[str, list[Past]]]) -> list[Over]:
    """What the rules take from whom; ``histories`` are the propositions of each contact that has any."""
    catalog, line = program.catalog, program.line
    space = catalog.spaces[program.call.space]
    moment = Moment(program.call.now, space.name, space.channel)
    rules = [(place, rule) for place, rule in enumerate(catalog.rules) if rule.channel in ("", space.channel)]
    if not rules:
        return []
    about = {}
    for place, rule in rules:
        known = line.about[place]
        about[place] = bits_of(applied(catalog, rule, program.facts), line.of_offer) if known is None else known
    found: dict[int, dict[str, tuple[int, ...]]] = defaultdict(dict)
    items: dict[int, tuple[int, ...]] = {}
    for key, history in histories:
        for place, rule in rules:
            if not about[place] or len(history) < rule.maximum:
                continue
            reached = reached_by(catalog, place, moment, history, program.facts)
            if reached is None:
                continue
            bits = about[place]
            match rule.of:
                case "offer":
                    places = {catalog.place_of[name] for name in reached.by if name in catalog.place_of}
                    bits &= bits_of(places, line.of_offer)
                case "category":
                    bits &= sum(line.of_category.get(path, 0) for path in reached.by)
                case _:
                    pass
            if bits:
                found[place][key] = items.setdefault(bits, tuple(_items(bits, len(program.items))))
    return [
        Over(rule, None if rule.contacts is None else program.number(rule.contacts.gate), found[place])
        for place, rule in rules
        if found[place]
    ]


def _items(bits: int, size: int) -> Iterator[int]:
    """The items of the bits: the highest bit is item 0."""
    while bits:
        low = bits & -bits
        yield size - low.bit_length()
        bits ^= low
