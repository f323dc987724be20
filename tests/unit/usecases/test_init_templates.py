"""Templates that init brings: each on a new project and on the bundled one, and everything that stands against them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from offerkit.cli import init_command
from offerkit.cli.init_command import command
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, Refused
from offerkit.specs.fmt import format_files
from offerkit.specs.load import load_folder
from offerkit.specs.project import read_files
from offerkit.usecases.init_templates import DEFAULT_NAMES

ROOT = Path(__file__).resolve().parents[3]
ALL = tuple(DEFAULT_NAMES)
BUNDLED = ("specs", "environments", "data")


@pytest.fixture(autouse=True)
def _git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_command, "git_email", lambda folder: "kim@example.org")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), obj=Shell(color="never"), standalone_mode=False)


def added(root: Path, *templates: str, environment: str = "") -> Result:
    more = [word for template in templates for word in ("--template", template)]
    return run(str(root), *more, *(("--environment", environment) if environment else ()))


def refused(root: Path, *templates: str, environment: str = "") -> list[tuple[Code, str]]:
    """Why; nothing may have been written."""
    before = everything(root)
    result = added(root, *templates, environment=environment)
    assert isinstance(result.exception, Refused), result.output
    assert everything(root) == before
    return [(one.code, f"{one.summary} {one.hint}") for one in result.exception.diagnostics]


def everything(root: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    root = tmp_path / "bundled"
    for name in BUNDLED:
        shutil.copytree(ROOT / name, root / name)
    return root


def test_there_is_a_text_for_each() -> None:
    brought = files("offerkit.cli").joinpath("brought")
    assert {entry.name for entry in brought.iterdir()} == {f"{name}.yaml" for name in DEFAULT_NAMES}


@pytest.mark.parametrize("template", ALL)
def test_each_on_a_new_project(tmp_path: Path, template: str) -> None:
    root = tmp_path / "new"
    result = added(root, template)
    assert result.exception is None and "A new project in" in result.output
    name = DEFAULT_NAMES[template]
    records = load_folder(root).records
    assert f"recipients/template.{name}-offer" in records
    assert f"recipients/{'category' if template == 'fallback' else 'space'}.{name}" in records
    assert not any(file.changed for file in format_files(read_files(root)[0]))


@pytest.mark.parametrize("template", ALL)
@pytest.mark.parametrize("environment", ["recipients", "visitors"])
def test_each_on_the_bundled_project(bundled: Path, template: str, environment: str) -> None:
    if environment == "visitors" and template in ("email", "sms"):
        assert refused(bundled, template, environment=environment) == [
            (
                Code.ANONYMOUS,
                f"visitors is anonymous, and cannot have the space of the template “{template}” Name another"
                " environment with --environment.",
            )
        ]
        return
    before = everything(bundled)
    assert added(bundled, template, environment=environment).exception is None
    now = everything(bundled)
    assert all(now[path] == content for path, content in before.items())
    assert f"{environment}/template.{DEFAULT_NAMES[template]}-offer" in load_folder(bundled).records


def test_all_at_once_with_names_of_ones_own(bundled: Path) -> None:
    assert added(bundled, *(f"{name}=my-{name}" for name in ALL), environment="recipients").exception is None
    records = load_folder(bundled).records
    assert all(f"recipients/template.my-{name}-offer" in records for name in ALL)


def test_the_dimension_need_not_have_an_email(bundled: Path) -> None:
    key = load_folder(bundled).records
    added(bundled, "banner=hero", environment="recipients")
    assert "email" not in (bundled / "specs/recipients/hero.yaml").read_text()
    assert "identification" in (bundled / "specs/recipients/hero.yaml").read_text()
    added(bundled, "banner=hero", environment="visitors")
    assert "identification" not in (bundled / "specs/visitors/hero.yaml").read_text()
    assert len(load_folder(bundled).records) == len(key) + 4


def test_without_a_folder_it_is_the_project_around(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundled / "data")
    assert run("--template", "banner", "--environment", "recipients").exception is None
    assert (bundled / "specs/recipients/banner.yaml").is_file() and not (bundled / "data/specs").exists()


def test_what_is_added_to_a_project_is_all_that_is_said(tmp_path: Path) -> None:
    root = tmp_path / "new"
    assert added(root, "banner").exception is None
    for template in ("sms", "email"):
        said = added(root, template).output
        assert "(exists; not changed)" not in said and "A new project" not in said
        assert "Added to the project in" in said and "see the head of each new file" in said


def test_names_that_are_taken_are_told_before_anything_is_written(bundled: Path) -> None:
    (bundled / "specs/recipients/mine.yaml").write_text("version: 1\n")
    told = refused(bundled, "email=email", "sms=mine", "app=one", "banner=one", environment="recipients")
    assert (
        Code.TARGET_EXISTS,
        "specs/recipients/mine.yaml already exists Choose another name: --template sms=NAME.",
    ) in told
    assert [code for code, text in told if "space.email is already declared" in text] == [Code.DECLARED_TWICE]
    assert [code for code, text in told if "two of the templates would declare recipients/space.one" in text]


def test_a_new_project_has_taken_names_as_well(tmp_path: Path) -> None:
    assert refused(tmp_path / "new", "email=email")[0][0] is Code.DECLARED_TWICE
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("baner", Code.BAD_VALUE),
        ("", Code.BAD_VALUE),
        ("=x", Code.BAD_VALUE),
        ("banner=", Code.BAD_NAME),
        ("banner=../x", Code.BAD_NAME),
        ("banner=a b", Code.BAD_NAME),
        (f"banner={'x' * 64}", Code.BAD_NAME),
        ("banner=x: y", Code.BAD_NAME),
    ],
)
def test_wrong_names_are_refused(bundled: Path, template: str, code: Code) -> None:
    assert [one for one, _ in refused(bundled, template, environment="recipients")] == [code]


def test_an_environment_must_be_there(bundled: Path) -> None:
    assert refused(bundled, "banner", environment="recipient") == [
        (Code.NO_MATCH, "the project has no environment “recipient” Did you mean recipients?")
    ]
    shutil.rmtree(bundled / "specs/recipients")
    (bundled / "environments/recipients.yaml").unlink()
    assert added(bundled, "banner").exception is None, "there is only one left"
    assert (bundled / "specs/visitors/banner.yaml").exists()


@pytest.mark.parametrize("linked", ["specs/recipients", "specs"])
def test_a_link_that_leads_out_is_refused(bundled: Path, tmp_path: Path, linked: str) -> None:
    outside = tmp_path / "outside"
    shutil.move(bundled / linked, outside)
    (bundled / linked).symlink_to(outside)
    assert Code.LINK_OUTSIDE in [code for code, _ in refused(bundled, "banner", environment="recipients")]
    assert not (outside / "banner.yaml").exists()


def test_a_link_of_an_empty_folder_is_refused_too(tmp_path: Path) -> None:
    root, outside = tmp_path / "new", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "specs").symlink_to(outside)
    assert Code.LINK_OUTSIDE in [code for code, _ in refused(root, "banner")]
    assert list(outside.iterdir()) == []


def test_a_dangling_link_of_that_name_is_refused(bundled: Path, tmp_path: Path) -> None:
    (bundled / "specs/recipients/banner.yaml").symlink_to(tmp_path / "nowhere")
    assert [code for code, _ in refused(bundled, "banner", environment="recipients")] != []
    assert not (tmp_path / "nowhere").exists()


def test_a_project_with_mistakes_is_left_alone(bundled: Path) -> None:
    (bundled / "specs/recipients/wrong.yaml").write_text("version: 1\noffers: {x: {}}\n")
    assert [text for _, text in refused(bundled, "banner", environment="recipients") if "category" in text]


def test_too_many_at_once(bundled: Path) -> None:
    many = [f"banner=b{number}" for number in range(21)]
    assert [code for code, _ in refused(bundled, *many, environment="recipients")] == [Code.BAD_VALUE]
