"""Messages with slots agree with single calls on random catalogs: who gets what, with data of the run, cells, and offers
that a field names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import md5
from random import Random
from typing import Any, cast

import pytest
from helpers import random_catalog
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decisions_agree import _store as store_of  # the same random histories

from offerkit.address import Address, Kind
from offerkit.batch import open_contact_table
from offerkit.engine.call import CallContext
from offerkit.engine.call_facts import BATCH, with_call_facts
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.condition import facts_at
from offerkit.engine.decide import decide, decide_many
from offerkit.engine.expressions import Expressions
from offerkit.engine.hooks import NO_HOOKS
from offerkit.models.campaign import Campaign, Delivery
from offerkit.models.expression_scopes import CALL_FACTS
from offerkit.rules.types import Row
from offerkit.usecases import delivery_selection as selecting
from offerkit.usecases.planned_delivery import PlannedDelivery, PlannedPart
from offerkit.usecases.propose import REFILLS

NOBODY_PAGE = ("/a", "/b", None)


def _part(made: Catalog, campaign: Campaign, name: str, part: Any, path: tuple[str | int, ...]) -> PlannedPart:
    no_space = cast(Any, None)  # selecting renders nothing
    return PlannedPart(name, part, no_space, made, campaign.offers_of(part), campaign.wanted(part), path)


def _order(made: Catalog, delivery: dict[str, Any]) -> PlannedDelivery:
    campaign = Campaign.model_validate({"deliveries": {"it": delivery}})
    body: Delivery = campaign.deliveries["it"]
    parts = tuple(
        _part(made, campaign, name, part, path)
        for (name, part), (path, _) in zip(body.parts, body.part_paths(), strict=True)
    )
    return PlannedDelivery("shop", "june", "it", body, "", made, random_catalog.NOW, parts)


def _people(rng: Random, made: Catalog) -> list[dict[str, Any]]:
    """Contacts whose tier may be the name of an offer."""
    tiers = (None, "", "gold", "silver", "o-nothing", *made.position_of)
    return [
        {"id": number, "age": rng.choice((None, 20, 33, 40, 70)), "tier": rng.choice(tiers), "score": None}
        for number in range(rng.choice((1, 7, 40)))
    ]


def _slots(rng: Random) -> list[dict[str, Any]]:
    slots = []
    for number in range(rng.randint(1, 3)):
        asked = {
            "categories": sorted(rng.sample(random_catalog.PATHS, rng.choice((0, 0, 1, 2)))),
            "themes": sorted(rng.sample(("x", "y", "z"), rng.choice((0, 0, 1)))),
            "count": rng.randint(1, 4),
        }
        space = rng.choice(sorted(random_catalog.CHANNELS))
        slots.append({"name": f"s{number}", "space": space, "engine": asked})
    return slots


def _shown(choose: Callable[[frozenset[str]], Sequence[str]], count: int, broken: frozenset[str]) -> list[str]:
    """What is shown of ``count`` offers if those that are ``broken`` cannot be rendered; as calls do."""
    failed: frozenset[str] = frozenset()
    for _ in range(REFILLS):
        names = choose(failed)[:count]
        if not broken & {*names}:
            break
        failed |= broken & {*names}
    return [name for name in names if name not in broken]


def _taken(
    parts: Sequence[selecting.ChoosePart], order: PlannedDelivery, broken: frozenset[str] = frozenset()
) -> list[list[str]]:
    """What the writer of messages takes when all offers but the ``broken`` ones can be rendered."""
    used: frozenset[str] = frozenset()
    taken: list[list[str]] = []

    def names(planned: PlannedPart, choose: selecting.ChoosePart, failed: frozenset[str]) -> list[str]:
        found = (planned.catalog.offers[choice.position].name for choice in choose(used | failed).choices)
        return [name for name in found if name not in used | failed]

    for planned, choose in zip(order.parts, parts, strict=True):
        taken.append(_shown(partial(names, planned, choose), planned.count, broken))
        used |= frozenset(taken[-1])
    return taken


class _Case:
    """A catalog without or with hooks, contacts, histories and pages, made up from a seed."""

    def __init__(self, seed: int, *, hooks: bool) -> None:
        self.rng = rng = Random(seed)
        made = random_catalog.catalog(rng, filtered=True)
        if not hooks:
            spaces = {name: replace(space, post_processing="") for name, space in made.spaces.items()}
            made = replace(made, hooks=NO_HOOKS, spaces=spaces)
        self.catalog = made
        self.contacts = _people(rng, made)
        self.past = {str(row["id"]): random_catalog.history(rng, made) for row in self.contacts if rng.random() < 0.6}
        self.pages = {str(row["id"]): rng.choice(NOBODY_PAGE) for row in self.contacts}

    def chosen(self, delivery: dict[str, Any], broken: frozenset[str] = frozenset()) -> dict[str, list[list[str]]]:
        """The offers of each contact by slot, as a delivery gives them; of those in the target."""
        made, order = self.catalog, _order(self.catalog, delivery)
        selection = selecting.delivery_selection(order, "s", {}, frozenset({"page"}))
        fields = dict(made.dimension.fields)
        with open_contact_table(self.contacts, ("id",), fields) as table, store_of(made, self.past) as store:
            pages = [(key, page) for key, page in self.pages.items()]
            table.connection.execute("CREATE TABLE page (k VARCHAR, d_page VARCHAR)")
            table.connection.executemany("INSERT INTO page VALUES (?, ?)", pages)
            table.connection.execute(
                "CREATE OR REPLACE TABLE contact AS SELECT contact.*, d_page FROM contact LEFT JOIN page USING (k) ORDER BY n"
            )
            table.data = {"page": made.call_data["page"].type}
            return {
                recipient.key: _taken(recipient.parts, order, broken)
                for part in selecting.recipients(table, selection, store)
                for recipient in part
                if recipient.parts is not None
            }

    def call(self, space: str, row: Row, count: int = 1, **asked: Any) -> Any:
        key = str(row["id"])
        who = CallContext(row, key, random_catalog.NOW, "s", many=True)
        call = make_call(self.catalog, space, who=who, n=count, data={"page": self.pages[key]}, **asked)
        return call._replace(contact=row)

    def in_target(self, row: Row, *spaces: str) -> bool:
        """Whether the filters of the environment hold on any of the spaces."""
        return any(decide(self.catalog, self.call(space, row), ()).because is None for space in spaces)


def _slots_agree(seed: int, *, hooks: bool) -> None:
    case = _Case(seed, hooks=hooks)
    slots = _slots(case.rng)
    names = sorted(case.catalog.position_of)
    broken = frozenset(case.rng.sample(names, case.rng.choice((0, 0, 1, len(names) // 2, len(names)))))
    found = case.chosen({"slots": slots, "data": ["page"]}, broken)
    expected = {}
    for row in case.contacts:
        if case.in_target(row, *(slot["space"] for slot in slots)):
            calls = [
                case.call(
                    slot["space"],
                    row,
                    slot["engine"]["count"],
                    categories=slot["engine"]["categories"],
                    themes=slot["engine"]["themes"],
                )
                for slot in slots
            ]
            past = case.past.get(str(row["id"]), [])
            decisions = decide_many(case.catalog, calls, past)
            expected[str(row["id"])] = [[chosen.offer for chosen in decision.chosen] for decision in decisions]
            if broken:
                expected[str(row["id"])] = _one_by_one(case, calls, past, broken)
    assert found == expected


def _one_by_one(case: _Case, calls: Sequence[Any], past: Any, broken: frozenset[str]) -> list[list[str]]:
    """The same if some offers cannot be rendered: what a call puts in their place."""
    shown: list[list[str]] = []
    for call in calls:
        used = frozenset(name for names in shown for name in names)

        def names(failed: frozenset[str], call: Any = call, used: frozenset[str] = used) -> list[str]:
            decision = decide(case.catalog, call._replace(exclude=used | failed), past)
            return [chosen.offer for chosen in decision.chosen]

        shown.append(_shown(names, call.n, broken))
    return shown


@pytest.mark.slow
@settings(max_examples=often(40, 150), deadline=None)
@given(st.integers(0, 2**32))
def test_slots_are_a_call_for_several_spaces(seed: int) -> None:
    _slots_agree(seed, hooks=False)


@pytest.mark.slow
@settings(max_examples=often(18, 60), deadline=None)
@given(st.integers(0, 2**32))
def test_slots_are_a_call_for_several_spaces_with_hooks(seed: int) -> None:
    _slots_agree(seed, hooks=True)


@pytest.mark.slow
@pytest.mark.parametrize("one_by_one", [False, True])
@settings(max_examples=often(26, 100), deadline=None)
@given(st.integers(0, 2**32))
def test_an_offer_that_a_field_names_is_one_that_the_engine_finds_eligible(one_by_one: bool, seed: int) -> None:
    case = _Case(seed, hooks=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selecting, "uses_hooks", lambda program: one_by_one)
        _named_agree(case)


def _named_agree(case: _Case) -> None:
    space = case.rng.choice(sorted(random_catalog.CHANNELS))
    found = case.chosen({"space": space, "offer_from": "person.tier", "data": ["page"]})
    expected: dict[str, list[list[str]]] = {}
    for row in case.contacts:
        if case.in_target(row, space):
            named = frozenset({row["tier"]} & case.catalog.position_of.keys())
            call = case.call(space, row)._replace(offers=named)
            unruled = replace(case.catalog, rules=())
            chosen = decide(unruled, call, case.past.get(call.key, [])).chosen if named else ()
            expected[str(row["id"])] = [[one.offer for one in chosen]]
    assert found == expected


@pytest.mark.slow
@settings(max_examples=often(26, 100), deadline=None)
@given(st.integers(0, 2**32))
def test_cells_with_limits_take_the_lowest_hashes(seed: int) -> None:
    case = _Case(seed, hooks=False)
    rng, made = case.rng, case.catalog
    whens = [rng.choice((*random_catalog.CONDITIONS, "true")) for _ in range(rng.randint(1, 4))]
    cells = [
        {
            "when": when,
            "offer": rng.choice(sorted(made.position_of)),
            **({"limit": rng.randint(1, 6)} if limited else {}),
        }
        for when in whens
        for limited in [rng.random() < 0.7]
    ]
    found = case.chosen({"space": "web", "cells": cells, "data": ["page"]})
    types = {name: field.type for name, field in made.call_data.items()}
    names = Expressions(made.dimension.name, made.dimension.fields, types, made.offer_fields, made.zone)
    left = {str(row["id"]): row for row in case.contacts if case.in_target(row, "web")}
    expected: dict[str, list[list[str]]] = {key: [[]] for key in left}
    for number, cell in enumerate(cells):
        condition = names.target(str(cell["when"]), Address("shop", Kind.CAMPAIGN, "june"), ())
        came = [key for key, row in left.items() if _holds(case, condition, row)]
        prefix = f"s\nshop/june/it\n\n{number}\n"
        came.sort(key=lambda key: md5((prefix + key).encode(), usedforsecurity=False).hexdigest())
        for key in came[: cast(int, cell.get("limit", len(came)))]:
            expected[key] = [[str(cell["offer"])]]
            del left[key]
    assert found == expected


def _holds(case: _Case, condition: Any, row: Row) -> bool:
    made = case.catalog
    facts = tuple(name for name in CALL_FACTS if name not in made.call_data)
    data = with_call_facts(replace(made, call_facts=facts), case.call("web", row).data, "web", BATCH)
    call = case.call("web", row)._replace(data=data)
    return condition.value(facts_at(call.now, case.catalog.zone, row, call.data)) is True
