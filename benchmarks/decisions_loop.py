"""The plain loop: every offer of the catalog asked in turn, with no index and nothing shared between offers.

It decides as domain.md §3 says (what the generated catalog uses of it), with the same compiled rules, and stops
asking an offer at the first thing that rules it out. The benchmark holds the engine's answers against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from decisions_catalog import CHANNEL_OF, ENVIRONMENT, Live
from decisions_rules import CALL_DATA, NOW, RECIPIENT, TODAY, WALL_CLOCK, Contact
from decisions_ways import NAMESPACES, field_types

from offerkit.engine.history import PastProposition
from offerkit.models.expression_scopes import PROPOSITION_FIELDS
from offerkit.rules.check import check
from offerkit.rules.python import compile_one
from offerkit.rules.types import ExpectedResult, FieldType, NameScope, Row, Value

Condition = Callable[..., Value]


@dataclass(frozen=True, slots=True)
class Category:
    enabled: bool
    when: Condition | None
    factor: Decimal | None
    factor_first: date
    factor_last: date
    themes: frozenset[str]
    always: bool


@dataclass(frozen=True, slots=True)
class Weight:
    number: Decimal
    first: date | None
    last: date | None
    spaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Offer:
    name: str
    category: str
    chain: tuple[Category, ...]
    spaces: frozenset[str]
    first: date
    last: date
    conditions: tuple[Condition, ...]
    weights: tuple[Weight, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    categories: frozenset[str]
    channel: str | None
    contacts: Condition | None
    of: str
    status: str | None
    same_channel: bool
    when: Condition | None
    before: timedelta
    maximum: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: who, on which space, of which category or theme (empty: of all)."""

    contact: Contact
    history: Sequence[PastProposition]
    space: str
    category: str = ""
    theme: str = ""


class Loop:
    """The catalog as a list of offers."""

    def __init__(self, live: Live) -> None:
        """Read the bodies; a rule that two offers share is compiled once."""
        self._bodies: Mapping[str, Mapping[str, Any]] = {str(address): body for address, body in live.bodies.items()}
        self._compiled: dict[str, Condition] = {}
        environment = self._bodies[f"environment.{ENVIRONMENT}"]
        self._when = self._condition(str(environment["when"]))
        self._categories = {path: self._category(body) for path, body in self._of("category")}
        self._rules = [self._rule(body) for _, body in self._of("rule")]
        on = {str(address): spaces for address, spaces in live.activated.items()}
        self._offers = [self._offer(name, body, on[f"{ENVIRONMENT}/offer.{name}"]) for name, body in self._of("offer")]

    def decide(self, asked: Asked) -> list[tuple[Decimal, str]]:
        """Every offer that may be proposed with its weight, the highest first."""
        rows = asked.contact.recipient, asked.contact.interaction, WALL_CLOCK, TODAY
        if self._when(*rows) is not True:
            return []
        found: list[tuple[Decimal, str]] = []
        for offer in self._offers:
            if not self._in_slice(offer, asked) or not self._eligible(offer, asked.space, rows):
                continue
            weight = self._weight(offer, asked.space)
            if weight > 0 and not self._excluded(offer, asked, rows):
                found.append((weight, offer.name))
        return sorted(found, key=lambda pair: (-pair[0], pair[1]))

    def _in_slice(self, offer: Offer, asked: Asked) -> bool:
        if not asked.category and not asked.theme:
            return True
        if any(category.always for category in offer.chain):
            return True
        if asked.category and not f"{offer.category}/".startswith(f"{asked.category}/"):
            return False
        return not asked.theme or any(asked.theme in category.themes for category in offer.chain)

    def _eligible(self, offer: Offer, space: str, rows: tuple[object, ...]) -> bool:
        for category in offer.chain:
            if not category.enabled:
                return False
            if category.when is not None and category.when(*rows) is not True:
                return False
        if space not in offer.spaces or not offer.first <= TODAY <= offer.last:
            return False
        return all(condition(*rows) is True for condition in offer.conditions)

    def _weight(self, offer: Offer, space: str) -> Decimal:
        best = Decimal(0)
        for weight in offer.weights:
            here = not weight.spaces or space in weight.spaces
            if weight.number > best and here and _holds(weight.first, weight.last):
                best = weight.number
        for category in offer.chain:
            if category.factor is not None and category.factor_first <= TODAY <= category.factor_last:
                best *= category.factor
        return best

    def _excluded(self, offer: Offer, asked: Asked, rows: tuple[object, ...]) -> bool:
        return any(self._reached(rule, offer, asked, rows) for rule in self._rules)

    def _reached(self, rule: Rule, offer: Offer, asked: Asked, rows: tuple[object, ...]) -> bool:
        channel = CHANNEL_OF[asked.space]
        if rule.channel is not None and rule.channel != channel:
            return False
        if (rule.categories and not _below(offer.category, rule.categories)) or (
            rule.contacts is not None and rule.contacts(*rows) is not True
        ):
            return False
        counted = 0
        for past in asked.history:
            if not NOW - rule.before <= past.time <= NOW:
                continue
            if rule.status is not None and past.status != rule.status:
                continue
            if rule.same_channel and past.channel != channel:
                continue
            if rule.of == "offer" and past.offer != offer.name:
                continue
            if rule.of == "category" and past.category != offer.category:
                continue
            if rule.of == "applies-to" and not _below(past.category, rule.categories):
                continue
            if rule.when is not None and rule.when(_row(past), WALL_CLOCK, TODAY) is not True:
                continue
            counted += 1
        return counted >= rule.maximum

    def _of(self, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
        prefix = f"{ENVIRONMENT}/{kind}."
        return [(name.removeprefix(prefix), body) for name, body in self._bodies.items() if name.startswith(prefix)]

    def _condition(self, text: str) -> Condition:
        if text not in self._compiled:
            scope = NameScope({"recipient": field_types(RECIPIENT), "interaction": field_types(CALL_DATA)})
            self._compiled[text] = compile_one(check(text, scope, ExpectedResult.CONDITION), NAMESPACES, exact=False)
        return self._compiled[text]

    def _optional(self, body: Mapping[str, Any]) -> Condition | None:
        return self._condition(body["when"]) if "when" in body else None

    def _category(self, body: Mapping[str, Any]) -> Category:
        eligible, multiplier = body.get("eligible", {}), body.get("multiplier")
        return Category(
            enabled=body.get("enabled", True),
            when=self._optional(eligible),
            factor=Decimal(multiplier["factor"]) if multiplier else None,
            factor_first=date.fromisoformat(multiplier["from"]) if multiplier else TODAY,
            factor_last=date.fromisoformat(multiplier["until"]) if multiplier else TODAY,
            themes=frozenset(body.get("themes", ())),
            always=body.get("always_include", False),
        )

    def _offer(self, name: str, body: Mapping[str, Any], spaces: Sequence[str]) -> Offer:
        parts = body["category"].split("/")
        eligible = body["eligible"]
        texts = [self._bodies[f"{ENVIRONMENT}/filter.{use['filter']}"]["when"] for use in eligible.get("filters", ())]
        texts += [eligible["when"]] if "when" in eligible else []
        return Offer(
            name=name,
            category=body["category"],
            chain=tuple(self._categories["/".join(parts[: depth + 1])] for depth in range(len(parts))),
            spaces=frozenset(spaces),
            first=date.fromisoformat(eligible["from"]),
            last=date.fromisoformat(eligible["until"]),
            conditions=tuple(self._condition(text) for text in texts),
            weights=tuple(
                Weight(
                    Decimal(each["weight"]), _day(each, "from"), _day(each, "until"), frozenset(each.get("spaces", ()))
                )
                for each in body["weights"]
            ),
        )

    def _rule(self, body: Mapping[str, Any]) -> Rule:
        applies, counted = body.get("applies_to", {}), body["counted"]
        days, _, hours = body.get("period", {}).get("before", "30d").partition(" ")
        return Rule(
            categories=frozenset(applies.get("categories", ())),
            channel=body.get("channel"),
            contacts=self._condition(body["contacts"]) if "contacts" in body else None,
            of=counted["of"],
            status=counted.get("status"),
            same_channel=counted.get("same_channel", False),
            when=_compiled(counted, "proposition", PROPOSITION_FIELDS),
            before=timedelta(days=int(days.rstrip("d")), hours=int(hours.rstrip("h") or 0)),
            maximum=body["max"],
        )


def _compiled(body: Mapping[str, Any], namespace: str, fields: Mapping[str, FieldType]) -> Condition | None:
    """The condition of a presentation rule, if it has one."""
    if "when" not in body:
        return None
    return compile_one(
        check(body["when"], NameScope({namespace: fields}), ExpectedResult.CONDITION), (namespace,), exact=False
    )


def _weight(body: Mapping[str, Any]) -> Weight:
    spaces = frozenset(body.get("spaces", ()))
    return Weight(Decimal(body["weight"]), _day(body, "from"), _day(body, "until"), spaces)


def _holds(first: date | None, last: date | None) -> bool:
    return (first is None or first <= TODAY) and (last is None or last >= TODAY)


def _day(body: Mapping[str, Any], key: str) -> date | None:
    return date.fromisoformat(body[key]) if key in body else None


def _below(category: str, categories: frozenset[str]) -> bool:
    return any(f"{category}/".startswith(f"{above}/") for above in categories)


def _row(past: PastProposition) -> Row:
    return {"weight": past.weight, "rank": past.rank, "status": past.status, "space": past.space}
