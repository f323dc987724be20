"""Propositions of random catalogs, with evidence, are explained by exactly the decision that made them.

Between calls, other catalogs go live, contacts change, statuses are set and old propositions are purged. Explaining runs
no hook and reads no contact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from helpers import random_catalog
from helpers.random_catalog import CHANNELS, HOOKS, NOW, PATHS

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.engine.explained import ExplainedProposition
from offerkit.engine.hooks import NO_HOOKS
from offerkit.engine.inline_catalog import NAME, inline_bodies
from offerkit.fingerprint import JsonMap, canonical, fingerprint
from offerkit.models.status import Status
from offerkit.state.changes import Body, Entry
from offerkit.store import ChangeRow, Draft, Store
from offerkit.times import utc
from offerkit.usecases.catalogs import Catalogs, live_catalogs
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.explain import explain_proposition
from offerkit.usecases.propose import propose
from offerkit.usecases.requests import ProposeRequest

CONTACTS = "people.jsonl"
TITLES = (
    "A title",
    "{{ person.tier }}",
    "{{ person.tier }} {{ interaction.page }}",
    "{{ offer.code }}: {{ person.score }}",
)


class Shown(NamedTuple):
    """A stored proposition, and the fields that the contact saw."""

    id: str
    fields: Mapping[str, str]


class World:
    """A store with one environment that is live, and its contacts in a file."""

    def __init__(self, root: Path, seed: int, *, evidence: bool) -> None:
        self.rng, self.root, self.evidence = Random(seed), root, evidence
        self.store = Store.open(root / "store.db", create=True)
        self.now = NOW - timedelta(days=1)
        self.shown: list[Shown] = []

    @contextmanager
    def open(self) -> Iterator[World]:
        try:
            yield self
        finally:
            self.store.close()

    def go_live(self) -> None:
        """Another catalog, and other contacts."""
        self.now += timedelta(hours=self.rng.randint(1, 30))
        sections, activated = random_catalog.sections_of(self.rng, filtered=self.rng.random() < 0.2)
        sections["dimensions"]["person"]["source"] = {"format": "jsonl", "path": CONTACTS}
        for name, space in sections["spaces"].items():
            space["fields"] = [{"name": "title", "required": self.rng.random() < 0.4}]
            space["storage"] = {**space["storage"], "evidence": self.evidence}
            space.pop("identification", None) if name == random_catalog.DOOR.space else None
        for part in (*sections["categories"].values(), *sections["offers"].values()):
            if self.rng.random() < 0.6:  # otherwise few offers are eligible
                part.get("eligible", {}).clear()
        for offer in sections["offers"].values():
            offer["content"] = {"title": self.rng.choice(TITLES)}
        bodies = inline_bodies(sections)
        self._write(bodies, activated)
        people = [_contact(self.rng, number) for number in (1, 2, 3)]
        (self.root / CONTACTS).write_text("".join(f"{json.dumps(person)}\n" for person in people), encoding="utf-8")

    def _write(self, bodies: Mapping[Address, JsonMap], activated: Mapping[str, list[str]]) -> None:
        stored: dict[str, Body] = {}
        changes = []
        for side in (SHARED, NAME):
            stage = StageRef(side, Stage.LIVE)
            before = self.store.entries(stage) if stage in self.store.heads() else {}
            after: dict[Address, Entry] = {}
            for address, content in bodies.items():
                if address.environment != side:
                    continue
                text = canonical(content)
                print_ = fingerprint(address.kind, text)
                stored[print_] = Body(address.kind, text.decode())
                spaces = activated.get(address.name, [*CHANNELS]) if address.kind is Kind.OFFER else None
                after[address] = Entry(print_, None if spaces is None else tuple(sorted(spaces)))
            for address in sorted(before.keys() | after.keys()):
                was, will = before.get(address), after.get(address)
                action = "create" if was is None else "delete" if will is None else "update"
                if was != will:
                    changes.append(ChangeRow(0, stage, address, action, was, will, "", "declared"))  # type: ignore[arg-type]
        with self.store.transaction():
            self.store.append(Draft("promote", "omar", utc(self.now), changes=tuple(changes), bodies=stored))

    def call(self, catalogs: Catalogs, people: ContactSources) -> None:
        """One call on one or two spaces, for a contact; what is shown is accepted now and then."""
        rng = self.rng
        self.now += timedelta(minutes=rng.randint(1, 300))
        request = ProposeRequest(
            spaces=tuple(f"{NAME}/{space}" for space in rng.sample(sorted(CHANNELS), rng.choice((1, 1, 2)))),
            at=self.now,
            contact=str(rng.randint(1, 3)),
            session=rng.choice(("", "s-1")),
            data={"page": "/a"} if rng.random() < 0.5 else {},
            n=rng.choice((1, 2, 5)),
            categories=tuple(rng.sample((*PATHS, "nowhere"), rng.choice((0, 0, 1, 2)))),
            themes=tuple(rng.sample(("x", "y", "z"), rng.choice((0, 0, 1)))),
            seed=rng.choice(("", "seed")),
        )
        answer = propose(catalogs, people, self.store, request)
        for space in answer.spaces:
            for proposed in space.proposed:
                self.shown.append(Shown(proposed.id, proposed.fields))
                if rng.random() < 0.4:
                    status = rng.choice((Status.ACCEPTED, Status.REJECTED))
                    self.store.set_status(proposed.id, status, utc(self.now + timedelta(minutes=1)))

    def days(self, promotions: int, calls: int) -> None:
        """Some promotions with calls after each, then a purge of what is old."""
        for _ in range(promotions):
            self.go_live()
            catalogs = live_catalogs(self.store, lambda bodies: HOOKS)
            with ContactSources(catalogs, self.root, {}) as people:
                for _ in range(calls):
                    self.call(catalogs, people)
        before = utc(self.now - timedelta(days=3))
        while self.store.purge_propositions(NAME, before):
            pass
        (self.root / CONTACTS).unlink()

    def explained(self) -> list[tuple[Shown, ExplainedProposition]]:
        """Every proposition that is still stored, explained."""
        left = [shown for shown in self.shown if self.store.proposition(shown.id) is not None]
        return [(shown, explain_proposition(self.store, shown.id, lambda bodies: NO_HOOKS)) for shown in left]


def _contact(rng: Random, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "age": rng.choice((None, 20, 33, 40, 70)),
        "tier": rng.choice((None, "", "gold", "silver")),
        "score": rng.choice((None, 0, "0.7", 1)),
    }


def check(root: Path, seed: int) -> int:
    """How many propositions were repeated exactly."""
    with World(root, seed, evidence=True).open() as world:
        world.days(promotions=3, calls=25)
        found = world.explained()
    for shown, explained in found:
        assert explained.repeated is not None, (seed, shown)
        assert explained.repeated.differences == (), (seed, shown)
        assert explained.shown == shown.fields, (seed, shown)
        assert explained.repeated.trace is not None
        own = [one for one in explained.repeated.trace.offers if one.offer == explained.offer]
        assert [one.out for one in own] == [None], (seed, shown)
        assert [str(one.weight) for one in own] == [explained.weight]
        assert not [rule for rule in explained.rules if rule.result == "does not hold" and rule.part != "weight"], seed
        assert explained.unknown == (), (seed, explained.unknown)
    return len(found)


@pytest.mark.parametrize("seed", [1, 3])
def test_what_was_decided_is_repeated(tmp_path: Path, seed: int) -> None:
    assert check(tmp_path, seed) > 0


@pytest.mark.slow
def test_a_thousand_propositions_are_repeated(tmp_path: Path) -> None:
    """Over promotions, purges, changed contacts and hooks that are gone."""
    repeated, seed = 0, 100
    while repeated < 1_000:
        (root := tmp_path / str(seed)).mkdir()
        repeated += check(root, seed)
        seed += 1


def test_without_evidence_none_is_claimed(tmp_path: Path) -> None:
    with World(tmp_path, 7, evidence=False).open() as world:
        world.days(promotions=2, calls=12)
        found = world.explained()
        assert world.store.status().rows["evidence"] == 0
    assert found
    for _, explained in found:
        assert explained.repeated is None and not explained.shown
        assert {rule.result for rule in explained.rules} <= {""} and not any(rule.read for rule in explained.rules)
        assert any("which decisions on this space read" in sentence for sentence in explained.unknown)
        assert any(sentence.startswith("What the call asked for") for sentence in explained.unknown)


def test_an_edited_stored_answer_is_told(tmp_path: Path) -> None:
    with World(tmp_path, 1, evidence=True).open() as world:
        world.days(promotions=1, calls=12)
        shown = next(one for one in world.shown if world.store.proposition(one.id) is not None)
        with world.store.recording():
            world.store.database.run("UPDATE proposition SET weight = '77' WHERE id = ?", (shown.id,))
        explained = explain_proposition(world.store, shown.id, lambda bodies: NO_HOOKS)
    assert explained.repeated is not None
    assert any("with weight 77" in text for text in explained.repeated.differences)
