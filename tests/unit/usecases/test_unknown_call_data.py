"""Outside of a call there is no call data: samples are for previews, and decide nothing for anybody."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.usecases import deliver as delivering

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
REQUIRED = """  call_data:
    basket: {type: decimal, sample: 900, required: true}
    step: {type: enumeration, values: [search, pay], required: true}
"""
CAMPAIGN = """version: 1
campaigns:
  june:
    outlines: {all: {offers: [card, loan]}}
    deliveries:
      best: {space: mail, engine: {count: 1}, show_nothing_where_missing: true}
      basket: {space: mail, target: interaction.basket >= 500, offers: [loan], show_nothing_where_missing: true}
      cells: {space: mail, cells: [{when: interaction.basket >= 500, offer: loan}], show_nothing_where_missing: true}
      fixed: {space: mail, offers: [loan, beach], show_nothing_where_missing: true}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every call has to pass two data, one of them with a sample that would change who gets what."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    environment = made / "environments/people.yaml"
    head, _, _ = environment.read_text().partition("  call_data:\n")
    environment.write_text(head + REQUIRED)
    return made


@pytest.fixture
def live(root: Path) -> Path:
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
    (root / "specs/people/campaigns.yaml").write_text(CAMPAIGN)
    offerkit("apply", "--yes")
    return root


def offerkit(*args: str) -> Result:
    done = CliRunner().invoke(cli, ["--as", "ada", *args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def simulated(*more: str, count: int = 1) -> tuple[dict[str, int], str]:
    done = offerkit("simulate", "people", "--space", "side", "--stage", "specs", "--at", "2026-06-01", "-n", str(count),
                    "--format", "json", *more)  # fmt: skip
    (space,) = json.loads(done.stdout)["spaces"]
    return {offer["offer"]: offer["contacts"] for offer in space["offers"] if offer["contacts"]}, done.stderr


def delivered(name: str, *more: str) -> tuple[dict[str, Any], str]:
    done = offerkit("deliver", f"june/{name}", "--at", "2026-06-01", "--dry-run", "--format", "json", *more)
    return json.loads(done.stdout), done.stderr


def test_a_sample_decides_nothing_in_a_simulation(root: Path) -> None:
    offers, told = simulated()
    assert offers == {"card": 1, "private": 1, "beach": 1}
    assert "OFR630" in told and "basket" in told and "environment.people" in told


def test_supposed_data_decide(root: Path) -> None:
    offers, told = simulated("--data", "basket=500", "--data", "step=pay")
    assert offers == {"loan": 1, "private": 1, "beach": 1}
    assert "OFR630" not in told


def test_out_and_emitted_queries_suppose_the_same(root: Path) -> None:
    for more, expected in ((), "card"), (("--data", "basket=500.00"), "loan"):
        simulated("--out", "who.csv", *more)
        rows = [line.split(",") for line in Path("who.csv").read_text().splitlines()[1:]]
        assert {row[1]: row[3] for row in rows}["1"] == expected
        sql = offerkit("simulate", "people", "--space", "side", "--stage", "specs", "--at", "2026-06-01", "-n", "1",
                       "--emit-sql", "duckdb", *more).stdout  # fmt: skip
        with duckdb.connect() as database:
            database.execute("CREATE TABLE person AS SELECT * FROM read_csv('data/people.csv')")
            database.execute(
                "CREATE TABLE proposition (contact TEXT, environment TEXT, space TEXT, channel TEXT, offer TEXT,"
                " category TEXT, rank INT, status INT, weight TEXT, time TEXT)"
            )
            found = Counter(row[3] for row in database.execute(sql.rstrip().rstrip(";")).fetchall() if row[1] == "1")
        assert found == {expected: 1}


def test_a_sample_decides_nothing_in_an_impact(root: Path) -> None:
    offerkit("apply", "--yes")
    specs = root / "specs/people/offers.yaml"
    specs.write_text(specs.read_text().replace("when: interaction.basket >= 500", "when: interaction.basket >= 5000"))
    done = offerkit("plan", "--impact", "--at", "2026-06-01", "--format", "json")
    assert done.exit_code == 0
    # Guests may get the same two offers in the other order: ties are broken anew each day, and the plan compares with now.
    spaces = {space["space"]: space["changed"] for space in json.loads(done.stderr)["spaces"]}
    assert [changed for space, changed in spaces.items() if space.startswith("people/")] == [0] * 4


def test_a_sample_decides_nothing_in_a_delivery(live: Path) -> None:
    assert set(delivered("best")[0]["offers"]) == {"card", "private"}
    assert delivered("basket")[0]["set_aside"] == {"not in the target": 4}
    assert delivered("cells")[0]["offers"] == {}


def test_a_delivery_supposes_what_is_given(live: Path) -> None:
    assert set(delivered("best", "--data", "basket=500")[0]["offers"]) == {"loan", "private"}
    assert delivered("basket", "--data", "basket=500")[0]["offers"] == {"loan": [3]}
    assert delivered("cells", "--data", "basket=500")[0]["offers"] == {"loan": [3]}


def test_texts_show_nothing_for_what_is_unknown_and_that_is_said_once(live: Path) -> None:
    made, told = delivered("fixed")
    assert made["offers"] == {"loan": [3, 0]} and made["not_rendered"]["beach"]["contacts"] == 3
    assert told.count("OFR630") == 1 and "texts have nothing in its place (--data step=VALUE)" in told
    made, told = delivered("fixed", "--data", "step=pay")
    assert made["offers"] == {"loan": [3, 0], "beach": [0, 3]} and "OFR630" not in told


@pytest.mark.parametrize("value", ["", " ", "NaN", "Infinity"])
def test_a_value_that_is_unknown_supposes_nothing(live: Path, value: str) -> None:
    offers, told = simulated("--data", f"basket={value}", "--data", "step=pay")
    assert offers == {"card": 1, "private": 1, "beach": 1} and "OFR630" in told
    made, told = delivered("cells", "--data", f"basket={value}")
    assert made["offers"] == {} and "OFR630" in told


def test_what_was_supposed_is_said(live: Path) -> None:
    asked = ("--at", "2026-06-01", "--data", "basket=500")
    assert "12:00 CEST, basket = 500\n" in offerkit("simulate", "people", *asked).stdout
    assert "12:00 CEST, basket = 500 · live revision" in offerkit("deliver", "june/best", "--dry-run", *asked).stdout
    assert delivered("best", "--data", "basket=500")[0]["data"] == {"basket": "500"}


def test_nothing_is_said_of_data_that_nothing_reads(live: Path) -> None:
    assert "OFR630" not in delivered("basket", "--data", "basket=1")[1]


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (["baskets=1"], {Code.UNKNOWN_CALL_DATA}),
        (["basket=much", "step=fly"], {Code.BAD_CALL_DATA}),
        (["basket"], {Code.BAD_CALL_DATA}),
        (["basket=1", "basket=2"], {Code.BAD_CALL_DATA}),
    ],
)
def test_what_is_supposed_is_checked_as_of_a_call(live: Path, data: list[str], codes: set[Code]) -> None:
    options = [word for datum in data for word in ("--data", datum)]
    for command in (["simulate", "people"], ["deliver", "june/best", "--dry-run"], ["simulate", "people", "--emit-sql",
                    "postgres"]):  # fmt: skip
        with pytest.raises(Refused) as refused:
            offerkit(*command, *options)
        assert {found.code for found in refused.value.diagnostics} == codes


def test_a_call_still_has_to_pass_what_is_required(live: Path) -> None:
    with pytest.raises(Refused) as refused:
        offerkit("propose", "--space", "people/side", "--contact", "ana@example.com")
    assert [found.code for found in refused.value.diagnostics] == [Code.MISSING_CALL_DATA] * 2


def test_a_run_with_other_data_does_not_go_on_with_what_was_left(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", cut_off)
        offerkit("deliver", "june/best", "--at", "2026-06-01", "--out", "made")
    assert Path("made.partial/messages-00001.jsonl").exists()
    offerkit("deliver", "june/best", "--at", "2026-06-01", "--out", "made", "--data", "basket=500")
    assert set(json.loads(Path("made/delivery.json").read_text())["offers"]) == {"loan", "private"}


def test_emitted_queries_warn_as_a_simulation_does(root: Path) -> None:
    asked = ("simulate", "people", "--space", "side", "--stage", "specs", "--emit-sql", "postgres")
    assert "OFR630" in offerkit(*asked).stderr
    assert offerkit(*asked, "--data", "basket=1", "--data", "step=pay", "--out", "who.sql").stderr == ""
    assert "There is no category “none”" in offerkit(*asked, "--category", "none").stderr


@pytest.mark.parametrize("one", ["out", "html"])
def test_two_options_do_not_write_one_file(root: Path, one: str) -> None:
    with pytest.raises(Refused) as refused:
        CliRunner().invoke(
            cli, ["--as", "ada", "simulate", "people", f"--{one}", "./same.csv", "--set-aside", "same.csv"],
            standalone_mode=False, catch_exceptions=False,
        )  # fmt: skip
    assert [told.code for told in refused.value.diagnostics] == [Code.SIMULATION_OPTIONS]
    assert not Path("same.csv").exists()


def test_an_environment_without_spaces_has_nothing_to_simulate(root: Path) -> None:
    (root / "environments/empty.yaml").write_text("version: 1\nenvironment: {dimension: person}\n")
    assert offerkit("simulate", "empty", "--stage", "specs").exit_code == 0
    assert offerkit("simulate", "empty", "--stage", "specs", "--emit-sql", "spark").stdout == ""
    with pytest.raises(Refused, match="has no space"):
        CliRunner().invoke(
            cli, ["simulate", "empty", "--stage", "specs", "--engine", "spark", "--out", "who.csv"],
            standalone_mode=False, catch_exceptions=False,
        )  # fmt: skip
