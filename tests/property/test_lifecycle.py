"""Random sequences of edits, approvals, promotions and rollbacks, watched by an independent reading of the rules."""

from __future__ import annotations

import shutil
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers import meaning
from helpers.files import temporary
from helpers.projects import Model, category, condition, files_of, models, offer, space, template
from helpers.repeats import often
from helpers.workspace import Workspace
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from offerkit.diagnostics import Code, Refused
from offerkit.governance.approvals import Decision
from offerkit.plans.plan import Plan
from offerkit.state.changes import Entry
from offerkit.state.references import references_of
from offerkit.usecases.requests import ApprovalOutcome

Key = tuple[str, str, str, str]
"""Offer, aspect, space and meaning."""
State = dict[str, Entry]


def place_meaning(bodies: meaning.Bodies, address: str, place: str) -> str:
    """What is decided on for a space; on none, the eligibility."""
    if not place:
        return meaning.eligibility(bodies, address)
    return meaning.content(bodies, address, place) if f"shop/space.{place}" in bodies else ""


people = st.sampled_from(["ada", "omar", "brand", "risk"])
seeds = st.integers(1, 5)


class Lifecycle(RuleBasedStateMachine):
    """A project with all that can happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="offerkit-test-", dir=temporary()))
        self.decided: dict[Key, tuple[int, Decision]] = {}
        """The revision of the last decision, and what it was."""
        self.past: dict[int, State] = {}
        self.models: dict[int, Model] = {}
        self.saved: list[Plan] = []
        self.renamed = 0
        self.renames: set[frozenset[str]] = set()
        """Each address with its next one."""

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize(model=models(), seed=seeds)
    def begin(self, model: Model, seed: int) -> None:
        self.model = model
        self.space = Workspace(self.folder, files_of(model, seed))
        self.space.apply("ada")
        self._remember()

    # what people do

    @rule(data=st.data(), seed=seeds)
    def edit(self, data: st.DataObject, seed: int) -> None:
        section = data.draw(st.sampled_from(["offers", "offers", "categories", "filters", "templates", "spaces"]))
        names = sorted(self.model[section]) or {"filters": ["f1"], "templates": ["t1"], "offers": ["o9"]}[section]
        fresh = {
            "offers": offer(self.model), "categories": category, "filters": condition, "templates": template,
            "spaces": space,
        }[section]  # fmt: skip
        self.model[section][data.draw(st.sampled_from(names))] = data.draw(fresh)
        self._apply(seed)

    @rule(data=st.data(), seed=seeds)
    def add_or_remove_an_offer(self, data: st.DataObject, seed: int) -> None:
        names = sorted(self.model["offers"])
        if len(names) > 1 and data.draw(st.booleans()):
            del self.model["offers"][data.draw(st.sampled_from(names))]
        else:
            self.model["offers"][data.draw(st.sampled_from(["o0", "o1", "o8"]))] = data.draw(offer(self.model))
        self._apply(seed)

    @rule(data=st.data(), seed=seeds, change=st.booleans())
    def rename_an_offer(self, data: st.DataObject, seed: int, change: bool) -> None:
        names = sorted(self.model["offers"])
        if not names:
            return
        old = data.draw(st.sampled_from(names))
        self.renamed += 1
        new = f"r{self.renamed}"
        body = self.model["offers"].pop(old)
        self.model["offers"][new] = data.draw(offer(self.model)) if change else body
        self._follow({f"shop/offer.{old}": f"shop/offer.{new}"})
        self._apply(seed, {f"offer.{old}": f"offer.{new}"})

    @rule(data=st.data(), seed=seeds, changes=st.booleans())
    def pass_names_on(self, data: st.DataObject, seed: int, changes: bool) -> None:
        """Two or three swap their names, or each takes the next one's and the last a new one."""
        section = data.draw(st.sampled_from(["offers", "offers", "templates", "filters"]))
        names = data.draw(st.permutations(sorted(self.model[section])))[: data.draw(st.integers(2, 3))]
        if len(names) < 2:
            return
        self.renamed += 1
        last = data.draw(st.sampled_from([names[0], f"r{self.renamed}"]))
        moved = dict(zip(names, [*names[1:], last], strict=True))
        bodies = {name: self.model[section].pop(name) for name in names}
        self.model[section] |= {moved[name]: body for name, body in bodies.items()}
        if section != "offers":
            self._name_anew(section.removesuffix("s"), moved)
        if changes:
            fresh = {"offers": offer(self.model), "templates": template, "filters": condition}[section]
            self.model[section][moved[names[0]]] = data.draw(fresh)
        kind = section.removesuffix("s")
        was = self._state("design")
        self._apply(seed, {f"{kind}.{old}": f"{kind}.{new}" for old, new in moved.items()})
        now = self._state("design")
        with self.space.store() as store:
            rows = {row.moved_from: row.address for row in store.changes(store.last_serial()) if row.moved_from}
        full = {f"shop/{kind}.{old}": f"shop/{kind}.{new}" for old, new in moved.items()}
        if not changes and section == "offers":
            same = all(was[name] == now.get(name) for name in full)
            assert rows == ({} if same else full)
        self._follow(rows)

    def _name_anew(self, kind: str, moved: dict[str, str]) -> None:
        """Let offers name what was renamed by its new name."""
        for body in self.model["offers"].values():
            if kind == "template" and body.get("template") in moved:
                body["template"] = moved[body["template"]]
            limits = body.get("eligible", {})
            if kind == "filter" and "filters" in limits:
                limits["filters"] = [moved.get(name, name) for name in limits["filters"]]

    @rule(
        who=people, data=st.data(), decision=st.sampled_from([Decision.APPROVED, Decision.APPROVED, Decision.REJECTED])
    )
    def decide(self, who: str, data: st.DataObject, decision: Decision) -> None:
        names = [*sorted(self.model["offers"]), "*", "*"]
        wish: dict[str, Any] = data.draw(st.sampled_from([{}, {}, {"content": True}, {"eligibility": True}]))
        self._decide(who, decision, f"shop/offer.{data.draw(st.sampled_from(names))}", wish)

    @rule()
    def approve_everything(self) -> None:
        for who in ("ada", "brand", "risk"):
            self._decide(who, Decision.APPROVED, "shop/offer.*", {})

    @rule(data=st.data(), back=st.booleans())
    def promote(self, data: st.DataObject, back: bool) -> None:
        known = sorted({*self._state("design"), *self._state("live")} - {"dimension.person"})
        known = [address for address in known if not address.startswith("operator.")]
        targets = data.draw(st.lists(st.sampled_from(known), max_size=2))
        exclude = data.draw(st.lists(st.sampled_from(known), max_size=1)) if not targets else []
        plan = self.space.promotion("ada", *targets, exclude=tuple(exclude), include_rolled_back=back)
        if data.draw(st.booleans()):
            self.saved.append(plan)
        else:
            self._promote(plan)
            if {*targets, *exclude} <= {*self._state("design"), *self._state("live")}:  # a rename takes a name away
                again = self.space.promotion("ada", *targets, exclude=tuple(exclude), include_rolled_back=back)
                assert again.steps == ()

    @precondition(lambda self: self.saved)
    @rule()
    def apply_what_was_saved(self) -> None:
        plan = self.saved.pop(0)
        try:
            self._promote(plan)
        except Refused as refused:
            assert {d.code for d in refused.diagnostics} <= {Code.PLAN_STALE, Code.NOT_APPROVED}
        else:
            if plan.steps:
                self.saved.clear()

    @precondition(lambda self: self.past)
    @rule(data=st.data(), withdrawn=st.booleans())
    def roll_back(self, data: st.DataObject, withdrawn: bool) -> None:
        serial = data.draw(st.sampled_from(sorted(self.past)))
        if self._state("live"):
            live = self._bodies("live")
            plan = self.space.rollback("ada", "shop@live", serial, withdrawn=withdrawn)
            now, then = self._state("live"), self.past[serial]
            for address in {address for address, _ in now.items() ^ then.items()}:
                assert not withdrawn, f"{address} is not what it was"
                assert address in then, f"{address} was not there"
                why = next(note for note in plan.notes if note.startswith(f"{address} stays out"))
                self._stays_out_rightly(address, serial, why, (now.get(address), then[address], live))
            self._remember()

    def _stays_out_rightly(
        self, address: str, serial: int, why: str, entries: tuple[Entry | None, Entry, meaning.Bodies]
    ) -> None:
        """A rollback leaves out only what was withdrawn, and says how; each way is looked up in what the test knows."""
        now, then, live = entries
        if "its period was ended earlier" in why:
            assert now is not None
            assert self._ended_earlier(live[address], self._body(then))
            return
        if now is not None:
            assert now.fingerprint == then.fingerprint
            assert {*(now.activation or ())} < {*(then.activation or ())}
        if "rejected" in why:
            assert any(
                name == address and decision is Decision.REJECTED for (name, *_), (_, decision) in self.decided.items()
            ), f"{address} was never rejected"
            return
        names = {name.removeprefix("shop/offer.") for name in self._all_names(address)}
        since = [self.models[max(n for n in self.models if n <= serial)]]
        since += [model for n, model in self.models.items() if n > serial]
        assert any(
            self._withdrawn(model["offers"].get(name), {*(then.activation or ())}) for model in since for name in names
        ), f"{address} was never withdrawn"

    @staticmethod
    def _withdrawn(body: dict[str, Any] | None, spaces: set[str]) -> bool:
        """Whether design lacks the offer, switches it off or takes it from one of the ``spaces``."""
        return body is None or not body.get("enabled", True) or not spaces <= {*body.get("spaces", spaces)}

    @staticmethod
    def _ended_earlier(now: dict[str, Any], then: dict[str, Any]) -> bool:
        """Whether the two differ in nothing but an end that is earlier now."""
        ends = [body.get("eligible", {}).get("until", "9999") for body in (now, then)]
        rest = [
            {**body, "eligible": {key: value for key, value in body.get("eligible", {}).items() if key != "until"}}
            for body in (now, then)
        ]
        return ends[0] < ends[1] and rest[0] == rest[1]

    def _all_names(self, address: str) -> set[str]:
        """The name with all former and later ones."""
        names = {address}
        while more := {name for pair in self.renames if names & pair for name in pair} - names:
            names |= more
        return names

    @precondition(lambda self: self.models)
    @rule(data=st.data(), seed=seeds)
    def roll_design_back(self, data: st.DataObject, seed: int) -> None:
        serial = data.draw(st.sampled_from(sorted(self.models)))
        plan = self.space.rollback("ada", "shop@design", serial)
        self.model = deepcopy(self.models[serial])
        self._follow({step.moved_from: step.address for step in plan.steps if step.moved_from})
        self._apply(seed)

    def _follow(self, renamed: dict[str, str]) -> None:
        """Decisions on what had a name count for it under its next one, also on what it was meanwhile."""
        self.renames |= {frozenset(pair) for pair in renamed.items()}
        for (address, *rest), decided in list(self.decided.items()):
            if address in renamed:
                key = (renamed[address], *rest)
                self.decided[key] = max(decided, self.decided.get(key, decided))

    # what must hold

    @invariant()
    def the_history_is_sound(self) -> None:
        if hasattr(self, "space"):
            assert self.space.verified() == []

    @invariant()
    def nothing_dangles_in_live(self) -> None:
        if not hasattr(self, "space"):
            return
        bodies = self._bodies("live")
        live = self._state("live") | {"dimension.person": Entry("")}
        for address, entry in live.items():
            if entry.activation == () or address not in bodies:
                continue
            for target in references_of(address, bodies[address]):
                assert target in live or target.startswith("operator."), f"{address} names {target}"
            for active in entry.activation or ():
                assert f"shop/space.{active}" in live

    # how it is done

    def _apply(self, seed: int, moved: dict[str, str] | None = None) -> None:
        self.space.files = files_of(self.model, seed, moved)
        self.space.change({})
        self.space.apply("ada")
        assert self.space.plan().steps == ()
        with self.space.store() as store:
            self.models[store.last_serial()] = deepcopy(self.model)
        assert {a: e.fingerprint for a, e in self._state("design").items()}.keys() >= {
            f"shop/offer.{name}" for name in self.model["offers"]
        }
        self._remember()

    def _decide(self, who: str, decision: Decision, pattern: str, wish: dict[str, Any]) -> None:
        design = self._bodies("design")
        try:
            done: ApprovalOutcome = self.space.decide(who, decision, pattern, **wish)
        except Refused:
            return
        with self.space.store() as store:
            serial = store.last_serial()
        for key in done.keys:
            seen = place_meaning(design, key.address, key.space)
            self.decided[key.address, key.aspect, key.space, seen] = (serial, decision)
        self._remember()

    def _promote(self, plan: Plan) -> None:
        before, was = self._state("live"), self._bodies("live")
        if plan.steps:
            self.space.execute("ada", plan)
        after, bodies = self._state("live"), self._bodies("live")
        origin = {step.address: step.moved_from for step in plan.steps if step.moved_from}
        for address, entry in after.items():
            old = before.get(origin.get(address, address))
            if entry.activation:
                self._approved_or_as_before(address, entry, bodies, (origin.get(address, address), old, was))
        self._remember()

    def _approved_or_as_before(
        self, address: str, entry: Entry, bodies: meaning.Bodies, before: tuple[str, Entry | None, meaning.Bodies]
    ) -> None:
        name, old, was = before
        active = (old.activation if old is not None else None) or ()
        eligible = meaning.eligibility(bodies, address)
        if not (active and meaning.eligibility(was, name) == eligible):
            assert self._is_approved(address, "eligibility", "", eligible)
        for place in entry.activation or ():
            seen = meaning.content(bodies, address, place)
            if not (place in active and meaning.content(was, name, place) == seen):
                assert self._is_approved(address, "content", place, seen)

    def _is_approved(self, *key: str) -> bool:
        return self.decided.get(key, (0, None))[1] is Decision.APPROVED

    def _state(self, side: str) -> State:
        with self.space.store() as store:
            return store.entries(f"shop@{side}")

    def _bodies(self, side: str) -> meaning.Bodies:
        with self.space.store() as store:
            entries = store.entries(f"shop@{side}")
            found = store.bodies({entry.fingerprint for entry in entries.values()})
            return {address: orjson.loads(found[entry.fingerprint].text) for address, entry in entries.items()}

    def _body(self, entry: Entry) -> dict[str, Any]:
        with self.space.store() as store:
            body: dict[str, Any] = orjson.loads(store.bodies({entry.fingerprint})[entry.fingerprint].text)
            return body

    def _remember(self) -> None:
        with self.space.store() as store:
            self.past[store.last_serial()] = store.entries("shop@live")


class TestLifecycle(Lifecycle.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=4, stateful_step_count=15)


@pytest.mark.slow
class TestLongLifecycle(Lifecycle.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=often(9, 60), stateful_step_count=50)
