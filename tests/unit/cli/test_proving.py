"""Proofs beside plans: the plan stays what it is, whatever happens to the solver; and what each command shows of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.workspace import Workspace

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.plans.plan import decode, encode, plan_digest
from offerkit.prove import solver
from offerkit.usecases import proofs, prove_conditions

CATALOG, OFFERS = "specs/shop/catalog.yaml", "specs/shop/offers.yaml"
AT = ("--at", "2026-11-29")
NARROWER = {CATALOG: {"filters": {"adults": {"when": "person.age > 18"}}}}


def run(workspace: Workspace, *args: str) -> Result:
    """A command by ada; refusals are raised as they are."""
    return CliRunner().invoke(cli, ["-C", str(workspace.root), "--as", "ada", *args], standalone_mode=False)


@pytest.fixture
def narrowed(shop: Workspace) -> Workspace:
    """What is live, and a filter that is narrower in the specs."""
    shop.go_live()
    shop.change(NARROWER)
    return shop


def _without(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    for module in (solver, proofs, prove_conditions):
        monkeypatch.setattr(module, "solver_path", lambda: None)


def _killed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    fake = folder / "z3"
    fake.write_text("#!/bin/sh\nkill -9 $$\n")
    fake.chmod(0o755)
    monkeypatch.setattr(solver, "solver_path", lambda: fake)


def _as_it_is(_monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    pass


STATES: dict[str, tuple[Callable[[pytest.MonkeyPatch, Path], None], str, str]] = {
    "with": (_as_it_is, "--prove", "age 18"),
    "unwanted": (_as_it_is, "--no-prove", ""),
    "without": (_without, "--prove", "Not shown: proofs"),
    "killed": (_killed, "--prove", "is not decided"),
}
"""What happens to the solver, the option, and what the text of the plan then has."""


@pytest.mark.parametrize("command", [("plan",), ("promote", "--plan-only")], ids=["plan", "promote"])
def test_the_plan_its_digest_and_the_exit_code_are_the_same_whatever_the_solver_does(
    narrowed: Workspace, tmp_path: Path, command: tuple[str, ...]
) -> None:
    if command[0] == "promote":
        narrowed.apply("ada")
        narrowed.approve_all()
    seen = set()
    for name, (prepare, option, words) in STATES.items():
        file = tmp_path / f"{name}.json"
        with pytest.MonkeyPatch.context() as patch:
            prepare(patch, tmp_path)
            text = run(
                narrowed,
                *command,
                option,
                *(AT if option == "--prove" else ()),
                "--out",
                str(file),
                "--detailed-exitcode",
            )
            data = run(narrowed, *command, option, "--format", "json", "--detailed-exitcode")
        assert (words or "Proofs") in text.stdout or not words
        assert ("Proofs" in text.stdout) is (name in ("with", "killed"))
        plan = decode(file.read_bytes(), name)
        digest = re.search(r"plan  ([0-9a-f]{12})", text.stdout)
        assert digest is not None
        assert plan_digest(plan).startswith(digest[1])
        seen.add((file.read_bytes(), data.stdout, digest[1], text.return_value, data.return_value))
        assert encode(plan).decode() == data.stdout.rstrip("\n")
    assert len(seen) == 1


def test_json_of_proofs_is_beside_the_plan(narrowed: Workspace) -> None:
    alone = run(narrowed, "plan", "--format", "json")
    asked = run(narrowed, "plan", "--format", "json", "--prove", *AT)
    assert alone.stdout == asked.stdout
    assert alone.stderr == ""
    (change,) = json.loads(asked.stderr)["changes"]
    assert (change["now"]["gained"], change["now"]["lost"]) == ("none", "some")
    assert change["now"]["witnesses"] == {"gained": None, "lost": {"person.age": 18}}
    assert change["offers"] == [{"offer": "shop/offer.gold-card", "spaces": ["mail", "web"], "edited": False}]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_proofs_are_shown_in_the_formats_of_plans_and_differences(narrowed: Workspace, form: str) -> None:
    for command in (("plan",), ("diff", "shop@design"), ("prove", "shop@design", "specs")):
        shown = re.sub(r"\s+", " ", run(narrowed, *command, *AT, "--format", form).stdout)
        assert "Nobody becomes eligible." in shown
        assert "a contact with age 18" in shown
        assert "Ranking, presentation rules" in shown
        if command[0] != "prove":
            assert "Nobody becomes eligible." not in run(narrowed, *command, "--no-prove", "--format", form).stdout


def test_json_of_a_difference_has_proofs_unless_they_are_unwanted(narrowed: Workspace) -> None:
    with_proofs = json.loads(run(narrowed, "diff", "shop@design", *AT, "--format", "json").stdout)
    assert with_proofs.pop("proofs")["changes"][0]["verdict"] == "fewer"
    assert with_proofs == json.loads(run(narrowed, "diff", "shop@design", "--no-prove", "--format", "json").stdout)


def test_two_states_are_proved_about_as_they_are_named(narrowed: Workspace) -> None:
    assert "fewer" in run(narrowed, "prove", "shop@live", "specs", *AT).stdout
    assert "more" in run(narrowed, "prove", "specs", "shop@live", *AT).stdout
    assert run(narrowed, "prove", "shop@live", "shop@live").stdout == "Nothing changes who can be eligible.\n"
    for narrow in (("offer.safari",), ("--exclude", "shop/filter.*")):
        told = run(narrowed, "prove", "shop@live", "specs", *narrow).stdout
        assert "None of the chosen changes changes who can be eligible" in told
        assert "Nothing changes" not in told, "what is left out changes it"


def test_conditions_and_states_are_not_mixed(narrowed: Workspace) -> None:
    mixed = run(narrowed, "prove", "true", "false", "offer.safari", "--environment", "shop")
    assert "With --environment, two conditions are compared" in str(mixed.exception)


def test_nothing_is_proved_between_states_without_the_solver(
    narrowed: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _without(monkeypatch, tmp_path)
    refused = run(narrowed, "prove", "shop@live", "specs").exception
    assert isinstance(refused, Refused)
    assert refused.diagnostics[0].code is Code.NO_SOLVER


def test_apply_proves_only_where_somebody_is_asked(narrowed: Workspace) -> None:
    assert "Proofs" not in run(narrowed, "apply", "--yes").stdout


def test_apply_shows_proofs_before_it_asks(narrowed: Workspace) -> None:
    shown = run(narrowed, "apply")
    assert isinstance(shown.exception, Refused), "there is no terminal to ask at"
    assert "Nobody becomes eligible." in shown.stdout


def test_an_interruption_leaves_the_plan_and_says_so(narrowed: Workspace, tmp_path: Path) -> None:
    """Ctrl-C while the solver thinks."""
    started = tmp_path / "started"
    fake = tmp_path / "z3"
    fake.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 60\n")
    fake.chmod(0o755)
    program = (
        # A run in the background of a shell ignores SIGINT, and so would what it starts.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import sys; from pathlib import Path; from offerkit.prove import solver\n"
        f"solver.solver_path = lambda: Path({str(fake)!r})\n"
        "from offerkit.cli.main import run; run()"
    )
    arguments = ["-C", str(narrowed.root), "--as", "ada", "plan", "--detailed-exitcode"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not started.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert errors == ""
    assert "~ shop/filter.adults" in shown
    assert "not decided: it was interrupted" in re.sub(r"\s+", " ", shown)
