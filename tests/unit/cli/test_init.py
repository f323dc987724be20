"""A new project can be planned, applied, approved and promoted at once."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from offerkit.cli import init_command
from offerkit.cli.init_command import _starter, command
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, Refused
from offerkit.governance.approval import Decision
from offerkit.loader import Project
from offerkit.loader.fmt import format_files
from offerkit.loader.json_schema import environment_schema, specs_schema
from offerkit.loader.project import read_files
from offerkit.planning.select import Patterns
from offerkit.workflow import main_path
from offerkit.workflow.approving import Wish, decide
from offerkit.workflow.session import Session

EMAIL = "kim@example.org"


@pytest.fixture(autouse=True)
def _git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_command, "git_email", lambda folder: EMAIL)


def run(*arguments: str) -> Result:
    """The command."""
    return CliRunner().invoke(command, list(arguments), obj=Shell(color="never"), standalone_mode=False)


def session(root: Path, minute: int) -> Session:
    """A run in the new project by whoever git knows."""
    return Session(Project(root), f"2026-11-01T00:{minute:02}:00.000000Z", email=EMAIL, use_cache=False)


@pytest.mark.parametrize("environment", ["recipients", "members-2027"])
def test_the_whole_main_path(tmp_path: Path, environment: str) -> None:
    root = tmp_path / "deep" / "new"
    result = run(str(root), "--environment", environment)
    assert result.exception is None
    assert f"  + environments/{environment}.yaml\n" in result.stdout
    everything = Patterns.of((), ())
    made = main_path.plan(session(root, 1), everything)
    assert len(made.steps) >= 10
    assert not made.blocked
    main_path.apply(session(root, 2), made)
    assert main_path.plan(session(root, 3), everything).empty
    decide(session(root, 4), Wish(("*/offer.*",)), Decision.APPROVED)
    promotion = main_path.promote(session(root, 5), (), everything)
    assert not promotion.blocked
    main_path.apply(session(root, 6), promotion)
    with session(root, 7).existing() as store:
        live = store.entries(f"{environment}@live")
    assert [entry.activation for address, entry in live.items() if "/offer." in address] == [
        ("email", "web-home"),
        ("web-home",),
    ]


def test_its_files_are_canonical_commented_and_known_to_editors(tmp_path: Path) -> None:
    assert run(str(tmp_path / "new")).exception is None
    specs, found = read_files(tmp_path / "new")
    assert not found
    assert not any(file.changed for file in format_files(specs))
    for file in specs:
        lines = file.content.decode().splitlines()
        schema = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", lines[0])
        assert schema is not None
        path = (tmp_path / "new" / file.path).parent / schema[1]
        assert path.is_file()
        data = YAML(typ="safe", pure=True).load(re.sub(r": (\d{4}-\d\d-\d\d)", r": '\1'", file.content.decode()))
        jsonschema.validate(data, environment_schema() if file.declares else specs_schema())
        assert lines[1].startswith("# ")


def test_names_and_the_readme(tmp_path: Path) -> None:
    run(str(tmp_path / "new"), "--environment", "shop")
    texts = [path.read_text() for path in (tmp_path / "new").rglob("*") if path.suffix != ".json" and path.is_file()]
    assert not any("recipients" in text for text in texts)
    assert f"email: {EMAIL}\n" in (tmp_path / "new" / "specs" / "shared.yaml").read_text()
    assert len((tmp_path / "new" / "README.md").read_text().splitlines()) <= 25
    assert (tmp_path / "new" / ".gitignore").read_text().endswith(".offerkit/\n")
    assert (tmp_path / "new" / "plans" / ".gitkeep").is_file()
    workflow = YAML(typ="safe").load((tmp_path / "new" / ".github" / "workflows" / "offers.yml").read_text())
    assert workflow["jobs"]["plan"]["steps"]
    assert "promote --plan-only --fail-on-blocked" in workflow["jobs"]["promotion"]["steps"][-1]["run"]


@pytest.mark.parametrize("email", ["", "x", "a: b@c", "a@b\n", "é@b.example", "'@b.example"])
def test_an_address_that_would_not_fit_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    monkeypatch.setattr(init_command, "git_email", lambda folder: email)
    run(str(tmp_path / "new"))
    assert "email: you@example.com\n" in (tmp_path / "new" / "specs" / "shared.yaml").read_text()


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    result = run(str(tmp_path))
    assert "  = README.md (was there; left as it is)\n" in result.stdout
    assert (tmp_path / "README.md").read_text() == (tmp_path / ".gitignore").read_text() == "mine"


@pytest.mark.parametrize("there", ["specs", "environments", ".offerkit"])
def test_a_project_is_never_touched(tmp_path: Path, there: str) -> None:
    (tmp_path / there).mkdir()
    result = run(str(tmp_path))
    assert isinstance(result.exception, Refused)
    assert result.exception.diagnostics[0].code is Code.TARGET_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == [there]


def test_places_and_names_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in ("file", "file/below", "x" * 300):
        assert isinstance(run(str(tmp_path / target)).exception, Refused)
    for name in ("shared", "../x", "", "a/b", "a b", "x" * 65, "é"):
        result = run(str(tmp_path / "new"), "--environment", name)
        assert isinstance(result.exception, Refused)
        assert result.exception.diagnostics[0].code is Code.BAD_NAME
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_starter_has_no_hidden_files() -> None:
    """Packaging tools leave out what begins with a dot; in the package such names begin with “dot-”."""
    starter = files("offerkit.cli").joinpath("starter")
    assert not list(Path(str(starter)).rglob(".*"))
    assert {".gitignore", "plans/.gitkeep", ".github/workflows/offers.yml"} <= dict(_starter(starter)).keys()
