"""No plan gets past its checks: stages change by ``commit`` alone, which takes a plan only as ``verify`` gives it back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.workspace import Workspace

from offerkit.applier import commit, verify
from offerkit.diagnostics import Code, Refused
from offerkit.plans.plan import Plan, Reason
from offerkit.store import Store
from offerkit.usecases.apply import apply
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import stop

OFFERKIT = Path(__file__).resolve().parents[3] / "offerkit"


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """The modules that call something of that name, with each call."""
    for path in OFFERKIT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                if name == (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")):
                    yield path.relative_to(OFFERKIT).as_posix(), node


def test_nothing_but_verify_says_that_a_plan_is_verified() -> None:
    assert [module for module, _ in calls("Verified")] == ["applier.py"]


STOPPING = {"usecases/stop.py", "store/backups.py"}
"""A stop waits for no plan, and a restored backup keeps what is stopped out: both take away, and add nothing."""


def test_nothing_but_commit_changes_what_stands_in_a_stage() -> None:
    """A revision with changes or bodies; those of approvals and tokens have none, stops close what is live."""
    drafts = [*calls("Draft"), *((module, call) for module, call in calls("replace") if "draft" in ast.unparse(call))]
    changing = {
        module
        for module, call in drafts
        if len(call.args) > 5 or {"changes", "bodies", "plan_digest"} & {keyword.arg for keyword in call.keywords}
    }
    assert changing == {"applier.py"} | STOPPING
    assert {module for module, _ in calls("stop_deltas")} == STOPPING | {"usecases/audit_stops.py"}  # only compares
    committing = {module for module, call in calls("commit") if ast.unparse(call.func) != "forge.commit"}
    assert {module for module in committing if not module.startswith("store/")} == {"usecases/apply.py"}


def test_revisions_of_other_stores_are_only_taken_over_for_an_audit() -> None:
    assert [module for module, _ in calls("take_over")] == ["store/replay.py"]


@pytest.mark.parametrize("what", ["offer.safari", "category.bank", "space.web"])
def test_a_stop_takes_from_the_activation_of_live_and_adds_nothing(live_shop: Workspace, what: str) -> None:
    with live_shop.store() as store:
        stages = store.heads()
    made = stop(live_shop.session("omar"), StopRequest((f"shop/{what}",), "wrong")).revision
    assert made is not None
    with live_shop.store() as store:
        rows = list(store.changes(made.serial))
        assert {name for name, head in store.heads().items() if head != stages[name]} == {"shop@live"}
    assert rows
    for row in rows:
        assert (row.stage, row.reason) == ("shop@live", Reason.STOPPED)
        assert row.before is not None and row.after is not None
        assert row.before.fingerprint == row.after.fingerprint
        assert set(row.after.activation or ()) < set(row.before.activation or ())


def test_what_is_committed_is_what_was_verified(live_shop: Workspace) -> None:
    """``Verified`` cannot be made of one plan and committed with another, or to another store."""
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "x"}}}})
    plan = live_shop.plan()
    with Store.open(live_shop.location, write=True) as store, store.transaction():
        verified = verify(plan, store)
        assert (verified.plan, verified.store) == (plan, store)
        with pytest.raises(AttributeError):
            verified.plan = live_shop.plan()  # type: ignore[misc]
        made = commit(verified, actor="ada", time="2026-02-01T00:00:00.000000Z")
    assert made.revision.plan_digest
    assert live_shop.verified() == []


def test_a_plan_that_does_not_verify_is_not_applied_and_nothing_is_changed(live_shop: Workspace) -> None:
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "x"}}}})
    plan = live_shop.plan()
    (step,) = plan.steps
    with live_shop.store() as store:
        before = list(store.recorded())
    for wrong in (
        replace(plan, project="0" * 32),
        replace(plan, steps=(replace(step, stage="shop@live"),)),
        replace(plan, steps=(replace(step, before=None),)),
        replace(plan, steps=(replace(step, changes=()),)),
    ):
        with pytest.raises(Refused):
            apply(live_shop.session("ada"), wrong)
    with live_shop.store() as store:
        assert list(store.recorded()) == before


def test_a_promotion_brings_live_nothing_but_what_design_says(live_shop: Workspace) -> None:
    """Steps of an earlier plan on the base of today's: an environment's label, which no approval is about."""

    def labelled(text: str) -> Plan:
        live_shop.change({"environments/shop.yaml": {"environment": {"label": text}}})
        live_shop.apply("ada")
        return live_shop.promotion("ada")

    earlier, now = labelled("Earlier"), labelled("Now")
    assert [step.address for step in earlier.steps] == ["environment.shop"]
    wrong = replace(earlier, base=now.base, depends=now.depends)
    with pytest.raises(Refused) as refused:
        live_shop.execute("ada", wrong)
    assert [found.code for found in refused.value.diagnostics] == [Code.PLAN_EDITED]
    live_shop.execute("ada", now)
