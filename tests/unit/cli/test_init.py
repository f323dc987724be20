"""A new project can be planned, applied, approved and promoted at once."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import jsonschema
import pytest
from click.testing import CliRunner, Result
from helpers.workspace import Workspace
from ruamel.yaml import YAML

from offerkit.cli import init_command
from offerkit.cli.init_command import _starter, command
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, Refused
from offerkit.governance.approvals import Decision
from offerkit.plans.make import AddressPatterns
from offerkit.specs import Project
from offerkit.specs.fmt import format_files
from offerkit.specs.json_schema import cases_schema, environment_schema, specs_schema
from offerkit.specs.project import read_files
from offerkit.usecases.apply import apply
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.init import init_project, pipeline_of
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.plan import plan as make_plan
from offerkit.usecases.promote import promote
from offerkit.usecases.requests import ApprovalRequest
from offerkit.usecases.session import Session

EMAIL = "kim@example.org"


@pytest.fixture(autouse=True)
def _git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_command, "git_email", lambda folder: EMAIL)


def run(*arguments: str) -> Result:
    """The command."""
    return CliRunner().invoke(command, list(arguments), obj=Shell(color="never"), standalone_mode=False)


def session(root: Path, minute: int) -> Session:
    """A run in the new project by whoever git knows."""
    return Session(Project(root), f"2026-11-01T00:{minute:02}:00.000000Z", email=EMAIL, use_cache=False, backend=LOCAL)


@pytest.mark.parametrize("environment", ["recipients", "members-2027"])
def test_the_whole_main_path(tmp_path: Path, environment: str) -> None:
    root = tmp_path / "deep" / "new"
    result = run(str(root), "--environment", environment)
    assert result.exception is None
    assert f"  + environments/{environment}.yaml\n" in result.stdout
    everything = AddressPatterns.of((), ())
    made = make_plan(session(root, 1), everything)
    assert len(made.steps) >= 10
    assert not made.blocked
    apply(session(root, 2), made)
    assert make_plan(session(root, 3), everything).empty
    approve_or_reject(session(root, 4), ApprovalRequest(("*/offer.*",)), Decision.APPROVED)
    promotion = promote(session(root, 5), (), everything)
    assert not promotion.blocked
    apply(session(root, 6), promotion)
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
        data = YAML(typ="safe", pure=True).load(
            re.sub(r": (\d{4}-\d\d-\d\d(?:T[\d:]+)?)", r": '\1'", file.content.decode())
        )
        schema_of = cases_schema if file.has_cases else environment_schema if file.declares else specs_schema
        jsonschema.validate(data, schema_of())
        assert lines[1].startswith("# ")


def test_names_and_the_readme(tmp_path: Path) -> None:
    run(str(tmp_path / "new"), "--environment", "shop")
    texts = [path.read_text() for path in (tmp_path / "new").rglob("*") if path.suffix != ".json" and path.is_file()]
    assert not any("recipients" in text for text in texts)
    assert f"email: {EMAIL}\n" in (tmp_path / "new" / "specs" / "shared.yaml").read_text()
    assert len((tmp_path / "new" / "README.md").read_text().splitlines()) <= 25
    assert (tmp_path / "new" / ".gitignore").read_text().endswith(".offerkit/\n")
    assert (tmp_path / "new" / "plans" / "README.md").read_text().startswith("# Plans")


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
    assert "  = README.md (exists; not changed)\n" in result.stdout
    assert (tmp_path / "README.md").read_text() == (tmp_path / ".gitignore").read_text() == "mine"


def contents(root: Path) -> dict[str, bytes]:
    """All files but those of the store, which SQLite tidies up by itself when a connection goes."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(".offerkit/")}


def test_a_store_without_a_project_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".offerkit").mkdir()
    result = run(str(tmp_path))
    assert isinstance(result.exception, Refused)
    assert result.exception.diagnostics[0].code is Code.TARGET_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == [".offerkit"]


def test_a_project_that_is_there_gets_what_it_lacks(tmp_path: Path) -> None:
    shop = Workspace(tmp_path / "shop")
    shop.apply("ada")
    before = contents(shop.root)
    for words in (
        ["  + .schema/cases.json", "  + README.md", "specs/, environments/ (the project's own", "Added what was missing to the project"],
        ["  = .schema/cases.json (exists; not changed)", "Nothing is missing in the project"],
    ):  # fmt: skip
        result = run(str(shop.root))
        assert result.exception is None
        assert all(word in result.stdout for word in words), result.stdout
        assert "offerkit plan" not in result.stdout
        after = contents(shop.root)
        assert {path: content for path, content in after.items() if path in before} == before
        assert not any(path.startswith(("specs/", "environments/")) for path in after.keys() - before.keys())
    (shop.root / ".schema" / "specs.json").write_text("{}")
    assert "specs.json (exists; not changed; renew it with: offerkit schema" in run(str(shop.root)).stdout
    assert (shop.root / ".schema" / "specs.json").read_text() == "{}"


@pytest.mark.parametrize("folder", ["specs", "environments", "specs/recipients"])
def test_empty_folders_are_no_project_yet(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert run(str(tmp_path)).exception is None
    assert read_files(tmp_path)[1] == []


def test_what_was_begun_is_completed_wherever_it_was_killed(tmp_path: Path) -> None:
    run(str(tmp_path / "whole"))
    whole = contents(tmp_path / "whole")
    for count in range(len(whole)):
        part = tmp_path / str(count)
        for path in sorted(whole)[:count]:
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_bytes(whole[path])
        assert run(str(part)).exception is None
        assert contents(part) == whole


def test_two_at_once_make_one_project(tmp_path: Path) -> None:
    run(str(tmp_path / "whole"))
    with ThreadPoolExecutor(4) as pool:
        starter = dict(_starter(files("offerkit.cli").joinpath("starter")))
        for turn in range(3):
            root = tmp_path / str(turn)
            begun = list(pool.map(lambda _, root=root: init_project(root, starter, "recipients", EMAIL), range(4)))
            assert sorted(path for one in begun for path in one.written) == sorted(contents(tmp_path / "whole"))
            assert contents(root) == contents(tmp_path / "whole")


def test_links_and_files_in_the_way_are_not_followed_or_replaced(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "README.md").symlink_to(tmp_path / "nowhere")
    assert run(str(tmp_path / "new")).exception is None
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "specs").write_text("mine")
    result = run(str(tmp_path / "other"))
    assert isinstance(result.exception, Refused)
    assert contents(tmp_path / "other") == {"specs": b"mine"}


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
    assert "Colleagues and CI install what requirements.txt names: name the source of offerkit there" in result.stdout
    assert requirements(tmp_path / "new") == []


def test_requirements_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mine\n")
    assert "name the source of offerkit there.\n" in run(str(tmp_path)).stdout
    result = run(str(tmp_path), "--install", "offerkit==0.1.0")
    assert requirements(tmp_path) == ["mine"]
    assert "name the source of offerkit there with the line: offerkit==0.1.0\n" in result.stdout
    (tmp_path / "requirements.txt").write_text("mine\n  offerkit==0.1.0\n")
    assert "name the source" not in run(str(tmp_path), "--install", "offerkit==0.1.0").stdout
    assert "name the source" not in run(str(tmp_path)).stdout
    assert "with the line: offerkit==0.2.0\n" in run(str(tmp_path), "--install", "offerkit==0.2.0").stdout
    (tmp_path / "requirements.txt").write_text("mine  # not offerkit\n")
    assert "name the source" in run(str(tmp_path)).stdout


def test_a_whole_project_that_gets_a_wheel_is_not_a_new_one(tmp_path: Path) -> None:
    run(str(tmp_path / "new"))
    before = contents(tmp_path / "new")
    result = run(str(tmp_path / "new"), "--install", str(wheel(tmp_path)))
    assert f"  + vendor/{WHEEL}\n" in result.stdout
    assert "Added what was missing to the project" in result.stdout
    assert f"with the line: ./vendor/{WHEEL}\n" in result.stdout
    assert "offerkit plan" not in result.stdout
    after = contents(tmp_path / "new")
    assert {path: after[path] for path in before} == before


def test_what_comes_next_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("my offers; ls").stdout.endswith("Now: cd 'my offers; ls' && offerkit plan\n")
    monkeypatch.chdir("my offers; ls")
    assert "Nothing is missing in the project in this folder.\n" in run(".").stdout
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    shown = run("./").stdout
    assert "A new project in this folder.\n" in shown
    assert shown.endswith("Now: offerkit plan\n")


@pytest.mark.parametrize("folder", ["specs", "specs/recipients", "specs/new/deep", "environments"])
def test_no_project_among_the_specs_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    run(str(tmp_path / "new"))
    before = contents(tmp_path / "new")
    result = run(str(tmp_path / "new" / folder))
    assert isinstance(result.exception, Refused)
    assert result.exception.diagnostics[0].code is Code.INSIDE_SPECS
    monkeypatch.chdir(tmp_path / "new" / "specs" / "recipients")
    assert isinstance(run(".").exception, Refused)
    assert contents(tmp_path / "new") == before
    assert run(str(tmp_path / "new" / "examples" / folder / "small")).exception is None  # beside the specs, or no specs


@pytest.mark.parametrize("empty", ["", "  "])
def test_a_folder_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(run(empty).exception, Refused)
    assert list(tmp_path.iterdir()) == []


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
    assert {".gitignore", "plans/README.md", "requirements.txt"} <= dict(_starter(starter)).keys()
    pipelines = files("offerkit.cli").joinpath("pipelines")
    assert not list(Path(str(pipelines)).rglob(".*"))
    assert {".gitlab-ci.yml", ".gitlab/offerkit.yml"} <= dict(_starter(pipelines.joinpath("gitlab"))).keys()


# --- the pipeline of a forge


PIPELINES = {
    "github": [".github/workflows/offers-forks.yml", ".github/workflows/offers.yml", ".pre-commit-config.yaml"],
    "gitlab": [".gitlab-ci.yml", ".gitlab/offerkit.yml", ".pre-commit-config.yaml"],
}


def git(folder: Path, *words: str) -> str:
    """What git answers."""
    done = subprocess.run(
        ["git", "-c", "user.name=kim", "-c", f"user.email={EMAIL}", *words],
        cwd=folder, env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("forge", PIPELINES)
def test_a_pipeline_is_written_when_it_is_asked_for(tmp_path: Path, forge: str) -> None:
    assert not any(path in run(str(tmp_path / "none")).stdout for paths in PIPELINES.values() for path in paths)
    said = run(str(tmp_path / "new"), "--ci", forge).stdout
    assert all(f"  + {path}\n" in said for path in PIPELINES[forge])
    assert "left as it is;" not in run(str(tmp_path / "new"), "--ci", forge).stdout
    assert "'svn' is not one of 'github', 'gitlab'" in str(run(str(tmp_path / "new"), "--ci", "svn").exception)


@pytest.mark.parametrize("forge", PIPELINES)
def test_a_project_in_a_folder_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forge: str) -> None:
    """Forges read pipelines at the top; the branch is the one of the repository."""
    git(tmp_path, "init", "-q", "-b", "trunk")
    run(str(tmp_path / "shop's" / "offers"))
    before = contents(tmp_path)
    monkeypatch.chdir(tmp_path / "shop's" / "offers")
    result = run("--ci", forge)
    assert result.exception is None
    assert all(f"  + ../../{path}\n" in result.stdout for path in PIPELINES[forge])
    after = contents(tmp_path)
    assert {path for path in after.keys() - before.keys() if not path.startswith(".git/")} == set(PIPELINES[forge])
    assert {path: after[path] for path in before} == before
    texts = {path: after[path].decode() for path in PIPELINES[forge]}
    loaded = {path: YAML(typ="safe").load(text) for path, text in texts.items() if not path.endswith("offerkit.yml")}
    assert loaded[".pre-commit-config.yaml"]["repos"][0]["hooks"][0]["args"] == ["--project", "shop's/offers"]
    if forge == "github":
        workflow = loaded[".github/workflows/offers.yml"]
        assert workflow["env"]["OFFERKIT_PROJECT"] == "shop's/offers"
        assert workflow["on"]["push"]["branches"] == ["trunk"]
    else:
        assert loaded[".gitlab-ci.yml"]["include"][0]["inputs"] == {"project": "shop's/offers"}


def test_a_pipeline_that_is_there_stays_and_it_is_said_what_it_lacks(tmp_path: Path) -> None:
    run(str(tmp_path), "--ci", "github")
    own = {".github/workflows/offers.yml": "mine", ".gitlab-ci.yml": "mine", ".pre-commit-config.yaml": "mine"}
    for path, text in own.items():
        (tmp_path / path).write_text(text)
    said = run(str(tmp_path), "--ci", "github").stdout + run(str(tmp_path), "--ci", "gitlab").stdout
    assert all((tmp_path / path).read_text() == text for path, text in own.items())
    for words in ("offers.yml (exists; not changed; this offerkit writes another one", "offers-forks.yml (exists; not changed)",
                  'include: [{local: /.gitlab/offerkit.yml, inputs: {project: "."}}]', "its hooks may be"):  # fmt: skip
        assert words in said, words
    (tmp_path / ".gitlab-ci.yml").write_text("include: [{local: /.gitlab/offerkit.yml}]\n")
    assert ".gitlab-ci.yml (exists; not changed)\n" in run(str(tmp_path), "--ci", "gitlab").stdout


def test_the_folder_is_left_out_only_for_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Missing argument 'DIR'" in str(run().exception)
    assert list(tmp_path.iterdir()) == []
    assert "A new project in this folder." in run("--ci", "gitlab").stdout


@pytest.mark.parametrize(
    ("words", "branch"),
    [
        ([], "main"),
        (["init -q -b trunk"], "trunk"),
        (["init -q -b topic", "commit -qm. --allow-empty", "branch master"], "master"),
        (["init -q -b topic", "commit -qm. --allow-empty", "branch main", "branch master"], "main"),
        (["init -q -b topic", "commit -qm. --allow-empty", "branch main",
          "update-ref refs/remotes/origin/1.x HEAD", "symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/1.x"], "1.x"),
    ],
)  # fmt: skip
def test_the_default_branch(tmp_path: Path, words: list[str], branch: str) -> None:
    for line in words:
        git(tmp_path, *line.split())
    assert pipeline_of(tmp_path / "deep" / "new", {}).branch == branch
