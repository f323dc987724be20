"""The example in plans/: it is what the planner makes of the bundled project, and a new store takes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import envelope, plan_digest
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport
from offerkit.specs import Project
from offerkit.usecases.apply import apply
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.plan import plan as make_plan
from offerkit.usecases.plan_files import load_plan
from offerkit.usecases.session import Session

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "plans" / "anonymous-pages.json"
CHOSEN = AddressPatterns.of(("visitors", "operator.ada"), ())
AGAIN = "plans/ is not what the planner makes of the specs: run scripts/example_plan, and read what is different"


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    """A copy of the bundled specs without a store."""
    for folder in ("specs", "environments"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def session(root: Path, minute: int, who: str = "ada") -> Session:
    """A run in the project."""
    return Session(Project(root), f"2026-11-01T00:{minute:02}:00.000000Z", operator=who, use_cache=False, backend=LOCAL)


def test_a_new_store_takes_it_and_the_specs_then_agree(bundled: Path) -> None:
    plan = load_plan(EXAMPLE)
    applied = apply(session(bundled, 1), plan)
    assert applied.revision.serial == 1
    assert len(plan.steps) >= 20
    assert make_plan(session(bundled, 2), CHOSEN).empty
    with pytest.raises(Refused) as refused:
        apply(session(bundled, 3), plan)
    assert {found.code for found in refused.value.diagnostics} == {Code.PLAN_STALE}


def test_it_is_what_the_planner_makes_and_what_reviewers_read(bundled: Path) -> None:
    made = make_plan(session(bundled, 1), CHOSEN)
    assert EXAMPLE.read_bytes() == envelope(made), AGAIN
    assert EXAMPLE.with_suffix(".md").read_text(encoding="utf-8") == plan_markdown(
        PlanReport(made, plan_digest(made))
    ), AGAIN
