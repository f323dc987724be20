"""A time without a zone is read in the environment's, wherever it stands; where environments differ, in UTC."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from helpers.workspace import Workspace

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.store import Store
from offerkit.times import common_zone
from offerkit.usecases.argument_values import DAY_BEGINS, names_zone, parse_time
from offerkit.usecases.diff import differing
from offerkit.usecases.export import export
from offerkit.usecases.state_refs import open_states

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
NEW_YORK, PARIS = ZoneInfo("America/New_York"), ZoneInfo("Europe/Paris")
OFFERS, ENVIRONMENT = "specs/shop/offers.yaml", "environments/shop.yaml"


@pytest.fixture
def zoned(shop: Workspace) -> Workspace:
    """In New York: live since 2026-01-01 00:0x UTC; the label is changed 03:00 UTC of the second, which is 22:00 there."""
    shop.change({ENVIRONMENT: {"environment": {"time_zone": "America/New_York"}}})
    shop.go_live(anew=True)
    shop.now = datetime(2026, 1, 2, 3, tzinfo=UTC)
    shop.change({OFFERS: {"offers": {"safari": {"label": "Tigers"}}}})
    shop.apply("ada")
    return shop


def changed(workspace: Workspace, a: str, b: str = "specs") -> bool:
    with open_states(workspace.session(), a, b) as (left, right):
        return bool(differing(left, right))


def titles(workspace: Workspace, *texts: str) -> list[str]:
    with open_states(workspace.session(), *texts) as points:
        return [point.title for point in points]


def with_another(workspace: Workspace, zone: str) -> None:
    """A second environment, in ``zone``."""
    dimension = workspace.files[ENVIRONMENT]["environment"]["dimension"]
    environment = {"dimension": dimension, "time_zone": zone}
    workspace.change({"environments/other.yaml": {"version": 1, "environment": environment}})
    workspace.now = datetime(2026, 1, 3, tzinfo=UTC)
    workspace.apply("ada")


@pytest.mark.parametrize("state", ["shop@design", "design"])
def test_a_state_at_a_time_is_on_the_environments_clock(zoned: Workspace, state: str) -> None:
    assert changed(zoned, f"{state}:2026-01-01T21:59"), "two hours and a minute before midnight there: not yet"
    assert not changed(zoned, f"{state}:2026-01-01T22:05")
    assert changed(zoned, f"{state}:2026-01-02T02:59Z") and not changed(zoned, f"{state}:2026-01-02T03:05Z")
    assert not changed(zoned, f"{state}:2026-01-01"), "the day ends at five in the morning, UTC"


def test_which_zone_it_was_is_said(zoned: Workspace) -> None:
    assert titles(zoned, "shop@live:2026-01-01", "live:2026-01-01T10:00", "shop@live:2", "shop@live", "specs") == [
        "shop@live:2026-01-01 (America/New_York)", "live:2026-01-01T10:00 (America/New_York)", "shop@live:2", "shop@live",
        "specs",
    ]  # fmt: skip
    assert titles(zoned, "shop@live:2026-01-01T10:00Z", "shop@live:2026-01-01T10:00-05:00") == [
        "shop@live:2026-01-01T10:00Z", "shop@live:2026-01-01T10:00-05:00",
    ]  # fmt: skip
    assert titles(zoned, "shared@design:2026-01-01") == ["shared@design:2026-01-01 (America/New_York)"]


def test_several_zones_mean_utc_and_each_its_own_alone(zoned: Workspace) -> None:
    with_another(zoned, "Europe/Paris")
    assert titles(zoned, "design:2026-01-01", "shop@design:2026-01-01", "other@design:2026-01-04") == [
        "design:2026-01-01 (UTC)", "shop@design:2026-01-01 (America/New_York)", "other@design:2026-01-04 (Europe/Paris)",
    ]  # fmt: skip
    assert changed(zoned, "shop@design:2026-01-01T21:59", "shop@design")
    assert not changed(zoned, "shop@design:2026-01-01T22:05", "shop@design")


def test_several_environments_of_one_zone_mean_that(zoned: Workspace) -> None:
    with_another(zoned, "America/New_York")
    assert titles(zoned, "live:2026-01-01") == ["live:2026-01-01 (America/New_York)"]


def test_a_rollback_goes_back_to_the_environments_time_and_says_so(zoned: Workspace) -> None:
    assert [step.address for step in zoned.rollback_plan("shop@design", "2026-01-01T21:59").steps] == [
        "shop/offer.safari"
    ]
    assert zoned.rollback_plan("shop@design", "2026-01-01T22:05").steps == ()
    (note,) = zoned.rollback_plan("shop@design", "2026-01-01T21:59").notes
    assert "the last one at 2026-01-01T21:59 (America/New_York)" in note
    (note,) = zoned.rollback_plan("shop@design", "2026-01-02T02:59Z").notes
    assert "the last one at 2026-01-02T02:59Z." in note


def test_an_export_says_which_revision_a_time_was(zoned: Workspace, tmp_path: Path) -> None:
    exported, _ = export(zoned.session(), "shop@design:2026-01-01T21:59", tmp_path / "out")
    assert "Tigers" not in exported.body("shop/offer.safari")
    assert any("at 2026-01-01T21:59 (America/New_York)" in note for note in exported.notes)


@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31", "9999-12-31T23:59", "0001-01-01T00:00+14:00"])
def test_times_at_the_calendars_ends_are_refused(zoned: Workspace, time: str) -> None:
    with pytest.raises(Refused) as caught:
        changed(zoned, f"shop@live:{time}")
    assert [(found.code, "outside the calendar" in found.summary) for found in caught.value.diagnostics] == [
        (Code.BAD_POINT, True)
    ]


def test_zones() -> None:
    assert common_zone([PARIS, PARIS]) is PARIS
    assert common_zone([]) is UTC and common_zone([PARIS, NEW_YORK]) is UTC
    for day in ("2026-06-01", "20260601", "2026-W23-1", "2026W231"):
        assert parse_time(day, PARIS, "") == datetime(2026, 6, 1, 10, tzinfo=UTC)
    assert parse_time("2026-06-01", PARIS, "", DAY_BEGINS) == datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert parse_time("2026-10-25T02:30", PARIS, "") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "the first of both"
    assert parse_time("2026-10-25T02:30+01:00", PARIS, "") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert not names_zone("2026-10-25") and not names_zone("2026-10-25T02:30") and not names_zone("soon")
    assert names_zone("2026-10-25T02:30Z") and names_zone("2026-10-25T02:30+01:00")


@pytest.fixture
def deciding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """People in Paris with propositions, and visitors in UTC."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    for args in ("apply", "--yes"), ("approve", "*/offer.*"), ("promote", "--yes"):
        offerkit(*args)
    for day, hour in ((31, 23), (1, 1), (1, 11)):
        month = 5 if day == 31 else 6
        offerkit(
            "propose",
            "--space",
            "people/home",
            "--contact",
            "ana@example.com",
            "--at",
            f"2026-{month:02}-{day:02}T{hour:02}:30",
            "--live-now",
        )
    return made


def offerkit(*args: str) -> Result:
    done = CliRunner().invoke(cli, ["--as", "ada", *args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def listed(*args: str) -> tuple[int, str]:
    done = offerkit("propositions", *args, "--format", "csv")
    return len(done.stdout.splitlines()) - 1, done.stderr


def test_propositions_are_looked_for_on_the_environments_clock(deciding: Path) -> None:
    """Those of Paris's first of June are two: one in its first hours, when it is May in UTC still."""
    assert listed("--space", "people/home", "--since", "2026-06-01")[0] == 2
    assert listed("--space", "people/home", "--since", "2026-06-01T01:00", "--until", "2026-06-01T02:00")[0] == 1
    assert listed("--space", "people/home", "--until", "2026-06-01")[0] == 1
    assert listed("-e", "people", "--since", "2026-06-01", "--until", "2026-06-02") == (
        2, "Times that name no time zone are read in Europe/Paris.\n",
    )  # fmt: skip
    assert listed("--since", "2026-06-01") == (1, "Times that name no time zone are read in UTC.\n")
    assert listed("--since", "2026-05-31T22:00Z") == (2, "")


def test_an_update_is_on_the_environments_clock(deciding: Path) -> None:
    with Store.open(Path(".offerkit/store.db")) as store:
        row = store.propositions(limit=1)[0]
    done = offerkit("update", row.id, "accepted", "--at", "2026-06-01T12:00")
    assert "is accepted since 2026-06-01 12:00 CEST; it was presented" in done.stdout
    with Store.open(Path(".offerkit/store.db")) as store:
        changed_ = store.proposition(row.id)
    assert changed_ is not None and changed_.changed == "2026-06-01T10:00:00.000000Z"


def test_an_impact_on_several_environments_has_one_time(deciding: Path) -> None:
    offers: dict[str, Any] = {
        "people/offers": "label: Loan => label: Loan!",
        "guests/catalog": "label: A tour => label: Tour",
    }
    for name, text in offers.items():
        specs = deciding / f"specs/{name}.yaml"
        specs.write_text(specs.read_text().replace(*text.split(" => ")))
    told = offerkit("plan", "--impact", "--at", "2026-06-01T12:00").stdout
    assert "2026-06-01 12:00 UTC" in told and "CEST" not in told
    environment = deciding / "environments/guests.yaml"
    environment.write_text(environment.read_text() + "  time_zone: Europe/Paris\n")
    assert "2026-06-01 12:00 CEST" in offerkit("plan", "--impact", "--at", "2026-06-01T12:00").stdout


def test_offsets_are_left_alone(deciding: Path) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    text = datetime(2026, 6, 1, 12, tzinfo=there).isoformat()
    told = offerkit(
        "propose", "--space", "people/home", "--contact", "ana@example.com", "--at", text, "--live-now", "--no-store"
    ).stdout
    assert "2026-06-01 08:30 CEST" in told
