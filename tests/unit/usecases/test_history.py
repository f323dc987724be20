"""Looking back and going back: points, differences, history, rollback, purge."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.files import base
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import Step
from offerkit.store import Store
from offerkit.usecases.diff import compare, difference, stamp_of
from offerkit.usecases.history import history
from offerkit.usecases.plan_files import save_plan
from offerkit.usecases.purge import plan_purge
from offerkit.usecases.rollback import plan_rollback
from offerkit.usecases.state_refs import open_states

OFFERS = "specs/shop/offers.yaml"


def differing(workspace: Workspace, a: str, b: str, *targets: str) -> list[str]:
    session = workspace.session()
    with open_states(session, a, b) as (one, two):
        found = difference(session, one, two, AddressPatterns.of(targets))
        assert found.bodies.keys() >= {step.after.fingerprint for step in found.steps if step.after}
    return told(found.steps)


def told(steps: Iterable[Step]) -> list[str]:
    return [f"{step.action} {step.address}" + (f" from {step.moved_from}" if step.moved_from else "") for step in steps]


def code_of(call: Any) -> tuple[Code, str]:
    with pytest.raises(Refused) as caught:
        call()
    found = caught.value.diagnostics[0]
    return Code(found.code), f"{found.summary} {found.hint}"


@pytest.fixture
def history_shop(live_shop: Workspace) -> Workspace:
    """Live at revision 5; then safari renamed to tigers in label (6), approved … and promoted (7), specs ahead."""
    live_shop.later(days=1)
    live_shop.change(
        {OFFERS: {"offers": {"safari": {"label": "Tigers"}, "fund": {"category": "bank", "content": {"title": "F"}}}}}
    )
    live_shop.apply("omar")
    live_shop.promote("omar")
    live_shop.change({OFFERS: {"offers": {"saver": {"label": "ahead"}}}})
    return live_shop


def test_any_two_states_can_be_compared(history_shop: Workspace) -> None:
    assert differing(history_shop, "shop@live", "shop@design") == ["create shop/offer.fund"]
    assert differing(history_shop, "shop@design", "shop@live") == ["delete shop/offer.fund"]
    assert differing(history_shop, "shop@live:5", "shop@live") == ["update shop/offer.safari"]
    assert differing(history_shop, "shop@live:5", "shop@live:7") == ["update shop/offer.safari"]
    assert differing(history_shop, "shop@design:1", "shop@design") == [
        "create shop/offer.fund",
        "update shop/offer.safari",
    ]
    assert differing(history_shop, "shop@design", "specs") == ["update shop/offer.saver"]
    assert differing(history_shop, "specs", "specs") == []
    assert {"create shop/space.mail", "create shop/space.web"} <= set(
        differing(history_shop, "shop@live:0", "shop@live:5")
    )
    assert differing(history_shop, "design:1", "design") == differing(history_shop, "shop@design:1", "shop@design")
    assert differing(history_shop, "live", "design") == ["create shop/offer.fund"]


def test_a_difference_can_be_narrowed(history_shop: Workspace) -> None:
    assert differing(history_shop, "shop@design:1", "shop@design", "shop/offer.safari") == ["update shop/offer.safari"]
    assert (
        code_of(lambda: differing(history_shop, "shop@live", "specs", "shop/offer.none"))[0] == Code.PLAN_EMPTY_TARGET
    )


def test_times_mean_what_stood_then(history_shop: Workspace) -> None:
    assert differing(history_shop, "shop@live:2026-01-01", "shop@live:5") == []  # a day means its end
    assert differing(history_shop, "shop@live:2026-01-02", "shop@live") == []
    assert differing(history_shop, "shop@live:2026-01-01T23:59", "shop@live") == ["update shop/offer.safari"]
    assert differing(history_shop, "shop@live:2026-01-01T00:59+01:00", "shop@live:0") == []
    assert differing(history_shop, "shop@live:2025-12-31", "shop@live:0") == []


def label_at(workspace: Workspace, label: str, **later: float) -> str:
    """Apply a label after moving the clock, back as well; the time before and the time after."""
    workspace.later(**later)
    workspace.change({OFFERS: {"offers": {"safari": {"label": label}}}})
    workspace.apply("omar")
    return f"{workspace.now:%Y-%m-%dT%H:%M}"


def test_a_time_that_was_twice_is_ambiguous(shop: Workspace) -> None:
    shop.apply("ada")
    label_at(shop, "one", hours=1)
    label_at(shop, "two", hours=2)
    just_before = f"{shop.now - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}"
    back = label_at(shop, "three", hours=-1)
    end = label_at(shop, "four", hours=5)
    for text in ("shop@design:" + back, "design:" + back):
        code, told = code_of(lambda text=text: differing(shop, text, "specs"))
        assert code == Code.AMBIGUOUS_TIME
        assert f"“{back}” is ambiguous" in told
    with pytest.raises(Refused) as caught:
        shop.rollback_plan("shop@design", back)
    assert "revision 2 (made at" in caught.value.diagnostics[0].detail
    assert "or 4 (made at" in caught.value.diagnostics[0].detail
    assert code_of(lambda: shop.rollback_plan("shop@design", just_before))[0] == Code.AMBIGUOUS_TIME
    assert shop.rollback_plan("shop@design", end).to == 5
    assert shop.rollback_plan("shop@design", "2026-01-01T00:30").to == 1
    assert shop.rollback_plan("shop@design", "2025-12-31").to == 0
    assert shop.rollback_plan("shop@design", "2026-01-01").to == 5
    assert shop.rollback_plan("shop@design", "2").to == 2


def test_a_time_that_was_twice_is_clear_where_nothing_changed(live_shop: Workspace) -> None:
    """What is done to design meanwhile leaves no doubt about live."""
    with live_shop.store() as store:
        last = store.last_serial()
    label_at(live_shop, "one", hours=2)
    back = label_at(live_shop, "two", hours=-1)
    assert live_shop.rollback_plan("shop@live", back).to == last + 2
    assert differing(live_shop, "shop@live:" + back, "shop@live") == []
    assert code_of(lambda: live_shop.rollback_plan("shop@design", back))[0] == Code.AMBIGUOUS_TIME


def test_the_result_of_a_saved_plan(history_shop: Workspace, tmp_path: Path) -> None:
    path = str(save_plan(history_shop.plan(), tmp_path / "plan.json"))
    assert differing(history_shop, "shop@design", path) == ["update shop/offer.saver"]
    assert differing(history_shop, path, "specs") == []


def test_the_specs_at_a_git_revision(history_shop: Workspace) -> None:
    def git(*words: str) -> None:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@y.z", *words]
        subprocess.run(command, cwd=history_shop.root, check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", "specs", "environments")
    git("commit", "-m", "x")
    history_shop.change({OFFERS: {"offers": {"saver": None}}})
    assert differing(history_shop, "git:main", "specs") == ["delete shop/offer.saver"]
    assert differing(history_shop, "git:HEAD", "git:main") == []
    for ref in ("nowhere", "--help", ""):
        assert code_of(lambda ref=ref: differing(history_shop, f"git:{ref}", "specs"))[0] == Code.GIT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shop@live:99", "there is no revision 99"),
        ("shop@live:yesterday", "neither a revision nor a time"),
        ("shop@life", "is not a stage"),
        ("shop@live:", "is not a stage"),
        ("shpo@live", "there is no stage shpo@live"),
        ("nonsense", "is not a stage"),
        ("shop@live:2026-13-01", "neither a revision nor a time"),
        ("shop@live:-1", "neither"),
    ],
)
def test_no_state(history_shop: Workspace, text: str, words: str) -> None:
    code, told = code_of(lambda: differing(history_shop, text, "specs"))
    assert code == Code.BAD_POINT
    assert words in told


def test_without_a_store_there_are_only_the_specs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert differing(workspace, "specs", "specs") == []
    assert code_of(lambda: differing(workspace, "shop@live", "specs"))[0] == Code.STORE_MISSING


def lines(workspace: Workspace, stage: str = "", address: str = "", limit: int = 0) -> list[tuple[int, str, str, str]]:
    with workspace.store() as store:
        return [(line.serial, line.actor, line.action, line.summary) for line in history(store, stage, address, limit)]


def test_the_history(history_shop: Workspace) -> None:
    assert lines(history_shop) == [
        (7, "omar", "promote", "1 changed"),
        (6, "omar", "apply", "1 added, 1 changed"),
        (5, "ada", "promote", "14 added"),
        (
            4,
            "omar",
            "approve",
            "approved content and eligibility of safari on web; content and eligibility of saver on mail, web",
        ),
        (3, "risk", "approve", "approved eligibility of gold-card"),
        (2, "brand", "approve", "approved content of gold-card on mail, web"),
        (1, "ada", "apply", "20 added"),
    ]
    assert [serial for serial, *_ in lines(history_shop, "shop@live")] == [7, 5]
    assert [serial for serial, *_ in lines(history_shop, address="shop/offer.safari")] == [7, 6, 5, 4, 1]
    assert [serial for serial, *_ in lines(history_shop, "shop@live", "shop/offer.gold-card")] == [5]
    assert [serial for serial, *_ in lines(history_shop, limit=2)] == [7, 6]
    assert code_of(lambda: lines(history_shop, "shop@life"))[0] == Code.BAD_POINT
    assert code_of(lambda: lines(history_shop, address="offer.x"))[0] == Code.BAD_ADDRESS


def test_a_rollback_goes_back_exactly(history_shop: Workspace) -> None:
    with history_shop.store() as store:
        then, digest = store.entries_at("shop@live", 5), store.heads()["shop@live"].digest
    plan = history_shop.rollback("omar", "shop@live", 5)
    assert [(s.action, s.address, s.reason) for s in plan.steps] == [("update", "shop/offer.safari", "rolled-back")]
    with history_shop.store() as store:
        assert store.entries("shop@live") == then
        assert store.heads()["shop@live"].digest != digest
    assert history_shop.rollback_plan("shop@live", 5).empty
    assert history_shop.rollback_plan("shop@live", "2026-01-01").empty


def test_design_can_be_rolled_back_by_who_may_write_it(history_shop: Workspace) -> None:
    plan = history_shop.rollback_plan("shop@design", 1)
    assert [(s.action, s.address) for s in plan.steps] == [
        ("update", "shop/offer.safari"), ("delete", "shop/offer.fund"),
    ]  # fmt: skip
    with pytest.raises(Refused):
        history_shop.execute("dora", plan)
    history_shop.execute("olga", plan)


@pytest.mark.parametrize(
    ("stage", "to", "words"),
    [("shop@live", "99", "no revision 99"), ("shpo@live", "1", "Did you mean shop@live"), ("shop", "1", "not a stage"),
     ("shop@live", "", "neither"), ("shop@live", "x", "neither")],
)  # fmt: skip
def test_no_rollback(history_shop: Workspace, stage: str, to: str, words: str) -> None:
    session = history_shop.session()

    def attempt() -> None:
        with session.existing() as store:
            plan_rollback(session, store, stage, to)

    code, told = code_of(attempt)
    assert code == Code.BAD_POINT
    assert words in told


@pytest.mark.parametrize(("hours", "purged"), [(59, False), (60, True)])
def test_retention_is_counted_to_the_minute(history_shop: Workspace, hours: int, purged: bool) -> None:
    history_shop.change({"environments/shop.yaml": {"environment": {"promotion": {"retention": "2d 12h"}}}})
    history_shop.change({OFFERS: {"offers": {"safari": None}}})
    history_shop.apply("ada")
    history_shop.promote("ada")
    history_shop.later(hours=hours, minutes=-1)
    session = history_shop.session("ada")
    with session.existing() as store:
        plan = plan_purge(session, store, ("shop",))
    assert [s.address for s in plan.steps] == (["shop/offer.safari"] if purged else [])


def test_what_was_purged_is_still_in_the_history(history_shop: Workspace) -> None:
    history_shop.change({OFFERS: {"offers": {"safari": None}}})
    history_shop.apply("ada")
    history_shop.promote("ada")
    history_shop.later(days=91)
    history_shop.purge("ada")
    assert "shop/offer.safari" not in history_shop.active()
    assert [serial for serial, *_ in lines(history_shop, address="shop/offer.safari")] == [10, 9, 8, 7, 6, 5, 4, 1]
    assert history_shop.verified() == []
    plan = history_shop.rollback_plan("shop@live", 7)
    assert "shop/offer.safari" not in {step.address for step in plan.steps}  # what was retired stays out
    history_shop.rollback("ada", "shop@live", 7, withdrawn=True)
    assert history_shop.active()["shop/offer.safari"] == ("web",)


RENAMED = {
    OFFERS: {
        "moved": {"offer.safari": "offer.big-five", "offer.saver": "offer.gold-card", "offer.gold-card": "offer.saver"},
        "offers": {
            "safari": None,
            "big-five": {"category": "travel", "weights": [{"label": "base", "weight": 5}], "content": {"title": "Lions"}},
            "saver": {
                "label": "Gold card", "template": "plain", "category": "bank/cards", "eligible": {"filters": ["adults"]},
                "weights": [{"weight": 10}], "content": {"title": "Gold", "html": "<p>Gold</p>", "text": "Shiny"},
            },
            "gold-card": {
                "label": None, "template": None, "category": "bank", "eligible": None, "weights": None,
                "content": {"title": "Save", "html": "<p>Save</p>", "text": None},
            },
        },
    }
}  # fmt: skip
THERE = [
    "move shop/offer.big-five from shop/offer.safari",
    "move shop/offer.gold-card from shop/offer.saver",
    "move shop/offer.saver from shop/offer.gold-card",
]
BACK = [
    "move shop/offer.gold-card from shop/offer.saver",
    "move shop/offer.safari from shop/offer.big-five",
    "move shop/offer.saver from shop/offer.gold-card",
]


def test_a_rollback_takes_renames_back_as_renames(live_shop: Workspace) -> None:
    """What differs afterwards is a rename again, in live and in design, and approvals go along."""
    with live_shop.store() as store:
        first = store.last_serial()
        was = store.entries("shop@live")
    live_shop.change(RENAMED)
    live_shop.apply("ada")
    live_shop.promote("ada")
    plan = live_shop.rollback("ada", "shop@live", first)
    assert told(plan.steps) == BACK
    with live_shop.store() as store:
        assert store.entries("shop@live") == was
    assert differing(live_shop, "shop@live", "shop@design") == THERE
    assert live_shop.promotion("ada").steps == ()  # held back, as what else is rolled back
    again = live_shop.promotion("ada", include_rolled_back=True)
    assert told(again.steps) == THERE
    plan = live_shop.rollback("ada", "shop@design", first)
    assert told(plan.steps) == BACK
    assert differing(live_shop, "shop@live", "shop@design") == []
    assert live_shop.promotion("ada", include_rolled_back=True).steps == ()
    assert live_shop.verified() == []


def test_a_rollback_planned_by_an_earlier_version_is_carried_out(
    live_shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It deletes, creates and changes what was renamed; what is the same offer is still told after it."""
    with live_shop.store() as store:
        first = store.last_serial()
        was = store.entries("shop@live")
    live_shop.change(RENAMED)
    live_shop.apply("ada")
    live_shop.promote("ada")
    with monkeypatch.context() as earlier:
        earlier.setattr(Store, "renames_since", lambda *asked: {})
        plan = live_shop.rollback_plan("shop@live", first)
    assert not any(step.moved_from for step in plan.steps)
    live_shop.execute("ada", plan)
    with live_shop.store() as store:
        assert store.entries("shop@live") == was
    assert differing(live_shop, "shop@live", "shop@design") == THERE


def test_a_rollback_of_live_takes_nothing_from_design(live_shop: Workspace) -> None:
    """Names that only design has swapped, and has swapped still when live goes back to an earlier state."""
    with live_shop.store() as store:
        first = store.last_serial()
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Other"}}}})
    live_shop.apply("ada")
    live_shop.approve_all()
    live_shop.promote("ada")
    live_shop.change(RENAMED)
    live_shop.apply("ada")
    live_shop.rollback("ada", "shop@live", first)
    assert differing(live_shop, "shop@live", "shop@design") == THERE


def test_a_difference_follows_renames_before_and_after_they_are_made(live_shop: Workspace) -> None:
    """One offer is renamed, two swap their names: seen from every state to every other, in both directions."""
    commit(live_shop, "before")
    live_shop.change(RENAMED)
    commit(live_shop, "after")
    with live_shop.store() as store:
        first = store.last_serial()
    for a in ("shop@design", "shop@live", "design", "git:before"):  # not applied yet
        assert differing(live_shop, a, "specs") == THERE, a
        assert differing(live_shop, "specs", a) == BACK, a
    assert differing(live_shop, "git:before", "git:after") == THERE
    plan = live_shop.plan()
    save_plan(plan, live_shop.root / "plan.json")
    assert differing(live_shop, "live", str(live_shop.root / "plan.json")) == THERE
    live_shop.execute("ada", plan)
    old = (f"shop@design:{first}", "shop@live", "git:before", f"live:{first}")
    for a in old:  # in design
        for b in ("shop@design", "specs", "git:after"):
            assert differing(live_shop, a, b) == THERE, (a, b)
            assert differing(live_shop, b, a) == BACK, (a, b)
    promotion = live_shop.promotion("ada")
    save_plan(promotion, live_shop.root / "live.json")
    assert differing(live_shop, "live", str(live_shop.root / "live.json")) == THERE
    assert differing(live_shop, str(live_shop.root / "live.json"), "specs") == []
    live_shop.execute("ada", promotion)
    for b in ("shop@live", "shop@design", "specs", "live"):
        assert differing(live_shop, f"live:{first}", b) == THERE
        assert differing(live_shop, b, f"shop@design:{first}") == BACK
    assert differing(live_shop, "live", "design") == differing(live_shop, "specs", "live") == []
    assert differing(live_shop, f"live:{first}", "live", "shop/offer.safari") == THERE[:1]
    live_shop.change({OFFERS: {"moved": None}})  # what the entries said is history now
    assert differing(live_shop, f"live:{first}", "specs") == THERE


def commit(workspace: Workspace, tag: str) -> None:
    if not (workspace.root / ".git").exists():
        git(workspace.root, "init", "-q")
    git(workspace.root, "add", "specs", "environments")
    git(workspace.root, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", tag)
    git(workspace.root, "tag", tag)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def test_two_environments_are_compared_by_the_names_of_what_they_hold(duo: Workspace) -> None:
    expected = [
        "update environment.guests", "update guests/space.web", "create guests/offer.hello", "delete guests/offer.saver",
    ]  # fmt: skip
    for a, b in (("shop@design", "guests@design"), ("shop@live", "guests@design"), ("shop@design:1", "guests@live")):
        assert differing(duo, a, b) == expected
    for pattern in ("offer.saver", "shop/offer.saver", "guests/offer.saver"):
        assert differing(duo, "shop@design", "guests@design", pattern) == ["delete guests/offer.saver"]
    assert code_of(lambda: differing(duo, "shop@design", "shared@design"))[0] is Code.BAD_POINT
    assert differing(duo, "shared@design", "design") == []


@pytest.fixture
def duo(tmp_path: Path) -> Workspace:
    """Two environments, live."""
    workspace = Workspace(tmp_path / "duo", base("duo"))
    workspace.apply("ada")
    workspace.approve("olga")
    workspace.promote("omar", environments=("shop",))
    workspace.promote("omar", environments=("guests",))
    return workspace


def test_a_page_of_a_difference_names_the_states_as_revisions_record_them(history_shop: Workspace) -> None:
    """Of live at two times: their digests are those of the outcomes that an export of the history has."""
    with history_shop.store() as store:
        outcomes = {
            row.revision.serial: dict(row.outcomes)["shop@live"]
            for row in store.recorded()
            if "shop@live" in dict(row.outcomes)
        }
    first, last = min(outcomes), max(outcomes)
    session = history_shop.session("omar")
    stamp = stamp_of(session, compare(session, f"shop@live:{first}", "shop@live"))
    assert [(state.environment, state.revision, state.digest) for state in stamp.states] == [
        ("shop", first, outcomes[first]),
        ("shop", last, outcomes[last]),
    ]
    assert (stamp.by, stamp.time) == ("omar", session.now[:19] + "Z")
    specs = stamp_of(session, compare(session, "shop@design", "specs"))
    assert [state.revision > 0 for state in specs.states] == [True, False]
    assert specs.states[0].digest != specs.states[1].digest
