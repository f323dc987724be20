"""A new project can be planned, applied, approved and promoted at once."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

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
    assert (tmp_path / "new" / "plans" / "README.md").read_text().startswith("# Plans")
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


WHEEL = "offerkit-0.1.0-py3-none-any.whl"


def wheel(folder: Path, inside: str = "offerkit/__init__.py", name: str = WHEEL) -> Path:
    """What looks like a wheel."""
    with ZipFile(folder / name, "w") as archive:
        archive.writestr(inside, "")
    return folder / name


def requirements(root: Path) -> list[str]:
    """The lines of requirements.txt that mean something."""
    return [line for line in (root / "requirements.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("git+https://git.example/o.git@0123abc", "offerkit @ git+https://git.example/o.git@0123abc"),
        ("git+ssh://git@git.example/o.git@v0.1", "offerkit @ git+ssh://git@git.example/o.git@v0.1"),
        (
            "git+https://git.example/a.git@v1#subdirectory=offers",
            "offerkit @ git+https://git.example/a.git@v1#subdirectory=offers",
        ),
        (f"https://files.example/{WHEEL}#sha256=00ff", f"offerkit @ https://files.example/{WHEEL}#sha256=00ff"),
        ("offerkit==0.1.0", "offerkit==0.1.0"),
    ],
)
def test_where_offerkit_comes_from(tmp_path: Path, source: str, line: str) -> None:
    result = run(str(tmp_path / "new"), "--install", source)
    assert result.exception is None
    assert requirements(tmp_path / "new") == [line]
    assert "name the source" not in result.stdout


def test_a_wheel_becomes_a_part_of_the_project(tmp_path: Path) -> None:
    result = run(str(tmp_path / "new"), "--install", str(wheel(tmp_path)))
    assert f"  + vendor/{WHEEL}\n" in result.stdout
    assert requirements(tmp_path / "new") == [f"./vendor/{WHEEL}"]
    assert (tmp_path / "new" / "vendor" / WHEEL).read_bytes() == (tmp_path / WHEEL).read_bytes()


def test_without_a_source_it_is_said_that_one_is_missing(tmp_path: Path) -> None:
    result = run(str(tmp_path / "new"))
    assert "Its workflow installs what requirements.txt names: name the source of offerkit there" in result.stdout
    assert requirements(tmp_path / "new") == []


def test_requirements_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mine\n")
    result = run(str(tmp_path), "--install", "offerkit==0.1.0")
    assert requirements(tmp_path) == ["mine"]
    assert "name the source" in result.stdout


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_text("no archive")
    other = tmp_path / "other"
    other.mkdir()
    refused = {
        "git+https://git.example/o.git": Code.BAD_VALUE,  # no revision: it would be another one tomorrow
        "git+https://me:hush@git.example/o.git@v1": Code.BAD_VALUE,
        "git+https://hush@git.example/o.git@v1": Code.BAD_VALUE,
        "https://hush@files.example/offerkit.whl": Code.BAD_VALUE,
        "git+file:///repository@v1": Code.BAD_VALUE,
        "http://files.example/offerkit.whl": Code.BAD_VALUE,
        "https://files.example/offerkit.whl?token=hush": Code.BAD_VALUE,
        "offerkit": Code.BAD_VALUE,
        "offerkit>=0.1": Code.BAD_VALUE,
        "offerkit==1\n--index-url https://evil.example": Code.BAD_VALUE,
        "git+https://git.example/o.git@v1\nother": Code.BAD_VALUE,
        "git+https://git.example/o.git@v1 --pre": Code.BAD_VALUE,
        str(tmp_path / "other-1.0-py3-none-any.whl"): Code.BAD_VALUE,
        str(wheel(other, "another/__init__.py")): Code.BAD_VALUE,
        str(tmp_path / WHEEL): Code.UNREADABLE,
        str(tmp_path / "none" / WHEEL): Code.UNREADABLE,
        str(tmp_path): Code.BAD_VALUE,
        "\0.whl": Code.BAD_VALUE,
    }
    for source, code in refused.items():
        result = run(str(tmp_path / "new"), "--install", source)
        assert isinstance(result.exception, Refused), source
        assert [found.code for found in result.exception.diagnostics] == [code], source
        assert "hush" not in str(result.exception), source
        assert not (tmp_path / "new").exists()


def test_the_starter_has_no_hidden_files() -> None:
    """Packaging tools leave out what begins with a dot; in the package such names begin with “dot-”."""
    starter = files("offerkit.cli").joinpath("starter")
    assert not list(Path(str(starter)).rglob(".*"))
    assert {".gitignore", "plans/README.md", "requirements.txt", ".github/workflows/offers.yml"} <= dict(
        _starter(starter)
    ).keys()
