"""What ``lint`` reports is true: all that it calls useless is taken out of random catalogs, and no decision changes.

Contacts have values at the borders of the conditions' own literals, and moments lie on both sides of every date.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from helpers import random_catalog
from helpers.random_catalog import CHANNELS, HOOKS, NOW, history
from helpers.repeats import often

from offerkit.address import SECTION_OF, Address, Kind
from offerkit.diagnostics import Code
from offerkit.engine.call import Call, CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.decision import DecisionNotes
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.prove.prover import Prover
from offerkit.prove.solver import Limits
from offerkit.state.snapshot import Snapshot
from offerkit.times import wall_clock
from offerkit.usecases.lint import findings_of
from offerkit.usecases.lint_findings import LintFinding, LintScope
from offerkit.usecases.lint_parts import PartProofs

CONDITIONS = (
    "person.age >= 18 and person.tier is not null", "person.age >= 18", "person.age > 17", "person.age < 12",
    "person.age between 18 and 60", "person.age >= 30 and person.age >= 20", "person.age < 60 or person.tier = 'gold'",
    "not (person.tier = 'gold') and person.tier <> 'gold'", "person.tier is null", "person.tier = 'gold' and person.tier = ''",
    "coalesce(person.score, 0) <= 1 or person.score > 1", "person.score > 0.5 and person.age > 20 and person.score > 0",
    "person.score > person.age and person.age > 40 and person.score < 41", "current_date >= date '2026-06-02'",
    "current_date > date '2026-01-01' and person.age > 29", "current_date < date '2026-06-01'",
    "person.age + 1 > person.age", "interaction.page = '/a' and interaction.page is not null",
    "lower(person.tier) = 'gold' or person.age is not null", "person.tier like 'g%' and person.tier <> 'silver'",
)  # fmt: skip
"""Redundant, contradictory, or nearly so."""
AT = NOW
MOMENTS = [AT + timedelta(days=days, minutes=1) for days in (0, 1, 2, 3, 5, 40, 220)]
AGES = (None, 0, 11, 12, 17, 18, 19, 20, 21, 29, 30, 33, 40, 41, 59, 60, 61, 2**63 - 1)
SCORES = (None, *map(Decimal, ("-1", "0", "0.5", "0.500001", "1", "1.000001", "40.5", "41", "99")))
TIERS = (None, "", "gold", "Gold", "silver", "g")


def contact(rng: Random) -> dict[str, Any]:
    """Anybody there can be."""
    return {"id": rng.randint(1, 9), "age": rng.choice(AGES), "tier": rng.choice(TIERS), "score": rng.choice(SCORES)}


def calls(rng: Random, catalog: Catalog, count: int) -> Iterator[Call]:
    """Calls from anybody from now on, for anything."""
    for _ in range(count):
        who = contact(rng)
        asked = make_call(
            catalog,
            rng.choice(sorted(CHANNELS)),
            who=CallContext(who, str(who["id"]), rng.choice(MOMENTS), "s"),
            n=rng.choice((1, 100)),
            data={"page": "/a"} if rng.random() < 0.5 else {},
        )
        every = frozenset(offer.name for offer in catalog.offers)
        yield asked._replace(offers=every) if rng.random() < 0.5 else asked


def found_in(catalog: Catalog, prover: Prover) -> list[LintFinding]:
    """All findings about a catalog that is given as sections."""
    scope = LintScope(catalog, Snapshot(), wall_clock(AT, catalog.zone))
    return list(findings_of(scope, PartProofs(prover, scope.at)))


class Removal:
    """Takes what findings call useless out of the sections of a catalog."""

    def __init__(self, sections: dict[str, Any]) -> None:
        self.sections = copy.deepcopy(sections)
        self._texts: dict[tuple[Address, tuple[object, ...]], list[tuple[int, int]]] = {}
        self._items: dict[tuple[Address, tuple[object, ...]], set[int]] = {}

    def take(self, finding: LintFinding) -> None:
        """Note what has to go."""
        place = finding.place
        match finding.code, place.path:
            case Code.EVERYBODY_MEETS | Code.ADDS_NOTHING, (*where, "filters" | "history" as listed, int(index)):
                self._items.setdefault((place.address, (*where, listed)), set()).add(index)
            case Code.EVERYBODY_MEETS | Code.ADDS_NOTHING, path:
                text = re.findall("“(.*?)”", finding.summary)[0]
                assert place.offset is not None
                self._texts.setdefault((place.address, path), []).append((place.offset, place.offset + len(text)))
            case Code.NOBODY_MEETS, ("weights", int(index), "when"):
                self._items.setdefault((place.address, ("weights",)), set()).add(index)
            case Code.WEIGHT_NEVER_WINS, ("weights", int(index)):
                self._items.setdefault((place.address, ("weights",)), set()).add(index)
            case ((Code.DATES_NEVER_MEET | Code.ENDED), ("weights", int(index), _)):
                self._items.setdefault((place.address, ("weights",)), set()).add(index)
            case ((Code.DATES_NEVER_MEET | Code.ENDED), ("multiplier", _)):
                del self._body(place.address)["multiplier"]
            case (Code.RULE_CONTAINED, _) | (Code.NOBODY_MEETS, ("contacts",)):
                rules = self.sections["typologies"]["t"]["rules"]
                if place.address.name in rules:
                    rules.remove(place.address.name)

    def done(self) -> dict[str, Any]:
        """The sections without all of it."""
        for (address, path), spans in self._texts.items():
            body: Any = self._body(address)
            for key in path[:-1]:
                body = body[key]
            for start, end in sorted(spans, reverse=True):
                body[path[-1]] = f"{body[path[-1]][:start]}true{body[path[-1]][end:]}"
        for (address, path), indexes in sorted(self._items.items(), key=lambda item: -len(item[0][1])):
            holder: Any = self._body(address)  # what is inside of a weight goes first
            for step in path[:-1]:
                holder = holder[step]
            kept = [item for index, item in enumerate(holder[path[-1]]) if index not in indexes]
            # an empty list means the template's, and without any weight an offer has one of 1
            holder[path[-1]] = kept or _NOTHING_ASKED[path[-1]]
        self.sections["filters"]["anything"] = {"when": "true"}
        return self.sections

    def _body(self, address: Address) -> dict[str, Any]:
        if address.kind is Kind.ENVIRONMENT:
            environment: dict[str, Any] = self.sections["environment"]
            return environment
        body: dict[str, Any] = self.sections[SECTION_OF[address.kind]][address.name]
        return body


_NOTHING_ASKED: dict[object, list[Any]] = {
    "weights": [{"weight": 0}],
    "filters": ["anything"],
    "history": [{"offer": "o1", "at_most": 1_000_000}],
}


@pytest.fixture(autouse=True)
def conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_catalog, "CONDITIONS", CONDITIONS)


def check(seeds: range, contacts: int) -> Counter[Code]:
    """The codes found in the catalogs of ``seeds``, each of them held against so many calls."""
    codes: Counter[Code] = Counter()
    with Prover(Limits(total_seconds=600)) as prover:
        for seed in seeds:
            rng = Random(seed)
            sections, activated = random_catalog.sections_of(rng, filtered=True)
            _part_dates(Random(f"dates {seed}"), sections)
            before = inline_catalog(sections, activated, hooks=HOOKS)
            findings = found_in(before, prover)
            removal = Removal(sections)
            for finding in findings:
                codes[finding.code] += 1
                removal.take(finding)
            after = inline_catalog(removal.done(), activated, hooks=HOOKS)
            never = {f.place.address.name for f in findings if f.code is Code.UNREACHABLE}
            never |= {f.place.address.name for f in findings if _whole_offer(f)}
            for call in calls(rng, before, contacts):
                past = history(rng, before)
                notes = DecisionNotes()
                decision = decide(before, call, past, notes=notes)
                again = decide(after, call, past)
                assert decision.chosen == again.chosen, (seed, call, findings)
                assert not never & {offer.offer for offer in decision.chosen}, (seed, call)
                _outweighed(before, call, findings)
    return codes


def _part_dates(rng: Random, sections: dict[str, Any]) -> None:
    """In some catalogs, let an offer end before its category begins: made up by itself, that never happens."""
    if rng.random() < 0.2:
        offer = sections["offers"][rng.choice(sorted(sections["offers"]))]
        offer["eligible"] = {**offer.get("eligible", {}), "from": "2026-01-01", "until": "2026-06-03"}
        category = sections["categories"][offer["category"]]
        category["eligible"] = {**category.get("eligible", {}), "from": "2026-06-05", "until": "2026-12-31"}


def _whole_offer(finding: LintFinding) -> bool:
    """Whether a finding says that an offer can never be proposed."""
    own = finding.place.address.kind is Kind.OFFER
    dates = finding.code in (Code.DATES_NEVER_MEET, Code.ENDED) and "weights" not in finding.place.path
    return own and (dates or (finding.code is Code.NOBODY_MEETS and "weights" not in finding.place.path))


def _outweighed(catalog: Catalog, call: Call, findings: list[LintFinding]) -> None:
    """A call for one, for the default slice, by somebody who was offered nothing yet, where no hook has a say."""
    if call.space == "hook":
        return
    chosen = decide(catalog, call._replace(n=1, offers=None), []).chosen
    for finding in findings:
        if finding.code is Code.OUTWEIGHED and chosen:
            spaces = re.findall(r"calls for one offer on (.*?) never get", finding.summary)[0]
            if call.space in re.split(r", | and ", spaces):
                assert chosen[0].offer != finding.place.address.name, (call, finding)


def test_what_is_reported_changes_no_decision() -> None:
    codes = check(range(12), 60)
    expected = {Code.NOBODY_MEETS, Code.EVERYBODY_MEETS, Code.ADDS_NOTHING, Code.UNREACHABLE, Code.WEIGHT_NEVER_WINS}
    assert expected <= set(codes), codes


@pytest.mark.slow
def test_what_is_reported_changes_no_decision_of_200_contacts() -> None:
    codes = check(range(1_000, 1_000 + often(40, 250)), 200)
    assert {*codes} >= {Code.OUTWEIGHED, Code.RULE_CONTAINED, Code.DATES_NEVER_MEET, Code.LONE_ZERO}, codes
