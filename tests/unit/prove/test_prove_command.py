"""``offerkit prove OLD NEW --environment E``: what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.usecases import prove_conditions

AT = ("--at", "2026-11-28T10:30")
WIDENED = ("recipient.age >= 21", "recipient.age >= 21 or current_date > date '2026-12-01'")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prove") / "project"
    assert CliRunner().invoke(cli, ["init", str(root)]).exit_code == 0
    return root


def prove(project: Path, *args: str) -> Result:
    arguments = ["-C", str(project), "prove", *args, "--environment", "recipients", *AT]
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


def proved(project: Path, *args: str) -> dict[str, Any]:
    result = prove(project, *args, "--format", "json")
    assert result.exception is None
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def refused(result: Result) -> list[Any]:
    assert isinstance(result.exception, Refused)
    return list(result.exception.diagnostics)


def test_one_contact_is_lost(project: Path) -> None:
    answer = proved(project, "recipient.age >= 18", "recipient.age > 18")
    side = {
        "gained": "none",
        "lost": "some",
        "verdict": "fewer",
        "witnesses": {"gained": None, "lost": {"recipient.age": 18}},
        "why": "",
        "at": "2026-11-28T10:30:00+00:00",
    }
    assert side.items() <= answer.items()
    assert side.items() <= answer["later"].items()
    assert answer["later"].keys() == answer.keys() - {"environment", "later"}


def test_what_widens_later_is_in_the_second_reading_only(project: Path) -> None:
    answer = proved(project, *WIDENED)
    assert (answer["verdict"], answer["witnesses"]["gained"]) == ("same", None)
    assert answer["later"]["verdict"] == "more"
    assert answer["later"]["witnesses"]["gained"]["recipient.age"] < 21
    assert answer["later"]["moments"]["gained"] >= "2026-12-02"


def test_the_text_says_both_readings_and_that_examples_are_invented(project: Path) -> None:
    text = " ".join(prove(project, *WIDENED).stdout.split())
    assert "At 2026-11-28 10:30 (UTC), and at every moment from then on, unless a sentence names its moment." in text
    assert "± same now, more later" in text
    assert "At this moment (2026-11-28 10:30), nobody becomes eligible." in text
    assert "At some moment from then on, more become eligible" in text and "(invented)" in text


def test_the_text_describes_who_it_is_about(project: Path) -> None:
    text = " ".join(prove(project, "recipient.age >= 18", "recipient.age > 18").stdout.split())
    assert "- fewer Nobody becomes eligible. Some stop being eligible: contacts whose age is 18, for example" in text
    assert "At this moment" not in text, "both readings are alike"


def test_every_mistake_is_reported_with_its_column(project: Path) -> None:
    diagnostics = refused(prove(project, "recipient.none > 1", "recipient.age > 'x' and recipient.age >"))
    assert {diagnostic.code for diagnostic in diagnostics} == {Code.EXPRESSION}
    assert sorted(diagnostic.summary.split(":")[0] for diagnostic in diagnostics) == [
        "the new condition, column 39",
        "the old condition, column 1",
    ]


def test_a_format_of_states_only_is_refused(project: Path) -> None:
    result = prove(project, "true", "false", "--format", "html")
    assert isinstance(result.exception, click.UsageError)
    assert "text and json, not html" in result.exception.message


def test_an_unknown_environment_is_refused(project: Path) -> None:
    arguments = ["-C", str(project), "prove", "true", "false", "-e", "recipient"]
    [diagnostic] = refused(CliRunner().invoke(cli, arguments, standalone_mode=False))
    assert (diagnostic.code, "recipients" in diagnostic.hint) == (Code.UNKNOWN_SPACE, True)


def test_without_the_solver_the_command_says_how_to_install_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_conditions, "solver_path", lambda: None)
    [diagnostic] = refused(prove(project, *WIDENED))
    assert (diagnostic.code, "prove]" in diagnostic.hint) == (Code.NO_SOLVER, True)
