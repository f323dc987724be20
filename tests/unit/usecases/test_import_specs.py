"""An import adds what is missing, and never changes, overwrites or half-writes anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.files import Files, base, patched, write
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.specs import load_folder
from offerkit.specs.fmt import format_files
from offerkit.specs.project import read_files
from offerkit.usecases.import_specs import PlannedImport, plan_import, write_import

pytestmark = pytest.mark.embedded

NEW = {
    "version": 1,
    "offers": {"loan": {"category": "bank/loans", "content": {"title": "Lend", "html": "<p>a\nb</p>\n"}}},
    "categories": {"bank/loans": {"label": "Loans"}},
}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another checkout of the shop, with a category and an offer more."""
    folder = tmp_path / "other"
    write(folder, {**base(), "specs/shop/more.yaml": NEW})
    return folder


def run(workspace: Workspace, folder: Path, *names: str) -> PlannedImport:
    """Import, and check that the project is valid and the new files are canonical."""
    session = workspace.session()
    planned = plan_import(session, folder, names)
    before = {file.path for file in read_files(workspace.root)[0]}
    write_import(session, planned)
    files = read_files(workspace.root)[0]
    assert {file.path for file in files} - before == set(planned.files)
    assert not any(file.changed for file in format_files(file for file in files if file.path in planned.files))
    theirs, ours = load_folder(folder).records, load_folder(workspace.root).records
    assert all(ours[address].fingerprint == theirs[address].fingerprint for address in (*planned.added, *planned.same))
    return planned


def refusals(workspace: Workspace, folder: Path, *names: str) -> list[Diagnostic]:
    """Why an import is refused; nothing is changed by it."""
    before = {path: path.read_bytes() for path in workspace.root.rglob("*.yaml")}
    with pytest.raises(Refused) as refused:
        plan_import(workspace.session(), folder, names)
    assert {path: path.read_bytes() for path in workspace.root.rglob("*.yaml")} == before
    return list(refused.value.diagnostics)


def test_what_is_missing_is_added_and_what_is_the_same_is_skipped(shop: Workspace, other: Path) -> None:
    planned = run(shop, other)
    assert planned.added == ("shop/category.bank/loans", "shop/offer.loan")
    assert list(planned.files) == ["specs/shop/imported-categories.yaml", "specs/shop/imported-offers.yaml"]
    assert len(planned.same) == len(load_folder(other).records) - 2
    assert run(shop, other).files == {}


def test_files_are_never_overwritten(shop: Workspace, other: Path) -> None:
    run(shop, other)
    write(
        other,
        {
            **base(),
            "specs/shop/more.yaml": patched(NEW, {"offers": {"rent": {"category": "bank", "content": {"title": "R"}}}}),
        },
    )
    assert list(run(shop, other).files) == ["specs/shop/imported-offers.2.yaml"]


def test_into_an_empty_project(tmp_path: Path, other: Path) -> None:
    (tmp_path / "mine" / "specs").mkdir(parents=True)
    (tmp_path / "mine" / "environments").mkdir()
    empty = Workspace(tmp_path / "mine", {})
    planned = run(empty, other)
    assert planned.files.keys() >= {"environments/shop.yaml", "specs/imported-operators.yaml"}
    assert len(planned.added) == len(load_folder(other).records)


def test_all_conflicts_at_once_with_both_places(shop: Workspace, other: Path) -> None:
    change: Files = {"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Other"}, "safari": {"label": "Other"}}}}
    write(other, patched({**base(), "specs/shop/more.yaml": NEW}, change))
    found = refusals(shop, other)
    assert [(d.code, d.address) for d in found] == [
        (Code.DECLARED_TWICE, "shop/offer.saver"),
        (Code.DECLARED_TWICE, "shop/offer.safari"),
    ]
    for diagnostic in found:
        assert diagnostic.position is not None
        assert diagnostic.position.file == "specs/shop/offers.yaml"
        ((_, there),) = diagnostic.related
        assert there.file == "other/specs/shop/offers.yaml"
        assert (shop.root / there.file).is_file()


def test_mistakes_of_the_other_project_are_told_with_their_place(shop: Workspace, other: Path) -> None:
    write(other, patched(base(), {"specs/shop/more.yaml": "\tno", "specs/shop/worse.yaml": "version: 1\noffers: []\n"}))
    found = refusals(shop, other)
    assert {d.position.file for d in found if d.position} == {
        "other/specs/shop/more.yaml",
        "other/specs/shop/worse.yaml",
    }


def test_the_result_must_be_valid(shop: Workspace, other: Path) -> None:
    """Here the category has another body's parent: without “bank” the new category has none."""
    shop.change({"specs/shop/catalog.yaml": {"categories": {"bank/cards": None, "bank": None}}})
    shop.change({"specs/shop/offers.yaml": {"offers": {"gold-card": None, "saver": None}}})
    write(other, {**base(), "specs/shop/more.yaml": NEW})
    planned = run(shop, other)
    assert "shop/category.bank" in planned.added


def one_more_environment(other: Path) -> None:
    """A second environment there, whose space the first falls back to."""
    files: Files = {
        **base(),
        "environments/guests.yaml": {"version": 1, "environment": {"dimension": "guest", "anonymous": True}},
        "specs/guests.yaml": {
            "version": 1,
            "dimensions": {"guest": {"key": ["id"], "visitors": True, "fields": {"id": {}}}},
            "operators": {"zoe": {"profile": "offer-manager"}},
        },
        "specs/guests/spaces.yaml": {
            "version": 1,
            "spaces": {"home": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
        },
        "specs/shop/more.yaml": {
            "version": 1,
            "spaces": {
                "door": {
                    "channel": "inbound-web", "unitary": True, "fields": [{"name": "title", "required": True}],
                    "identification": {"keys": ["email"], "fallback": "guests/home"},
                }
            },
        },
    }  # fmt: skip
    write(other, files)


def test_one_environment_with_the_shared_ones_it_needs(shop: Workspace, other: Path) -> None:
    one_more_environment(other)
    planned = run(shop, other, "guests")
    assert planned.added == ("dimension.guest", "environment.guests", "guests/space.home")
    assert "operator.zoe" not in load_folder(shop.root).records


def test_what_needs_another_environment_is_refused_without_it(shop: Workspace, other: Path) -> None:
    one_more_environment(other)
    found = refusals(shop, other, "shop")
    assert [d.code for d in found] == [Code.UNKNOWN_REFERENCE]
    assert found[0].position is not None
    assert found[0].position.file == "other/specs/shop/more.yaml"
    assert run(shop, other, "shop", "guests").added


@pytest.mark.parametrize("name", ["nope", "../..", "shared", ""])
def test_environments_that_are_none(shop: Workspace, other: Path, name: str) -> None:
    assert refusals(shop, other, name)[0].code is Code.NO_MATCH


@pytest.mark.parametrize("folder", ["nope", "other/specs", "x" * 5000, "other/specs/shared.yaml"])
def test_folders_that_are_none(shop: Workspace, other: Path, folder: str) -> None:
    assert refusals(shop, other.parent / folder)[0].code is Code.NO_PROJECT


def test_a_failing_disk_leaves_nothing(shop: Workspace, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = shop.session()
    planned = plan_import(session, other)
    before = sorted(shop.root.rglob("*"))
    write: Any = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if "offers" in self.name:
            raise OSError(28, "No space left on device", str(self))
        return int(write(self, content))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Refused):
        write_import(session, planned)
    assert sorted(shop.root.rglob("*")) == before


def test_a_file_that_appeared_meanwhile_is_not_overwritten(shop: Workspace, other: Path) -> None:
    session = shop.session()
    planned = plan_import(session, other)
    mine = shop.root / "specs" / "shop" / "imported-offers.yaml"
    mine.write_text("mine")
    with pytest.raises(Refused) as refused:
        write_import(session, planned)
    assert refused.value.diagnostics[0].code is Code.TARGET_EXISTS
    assert mine.read_text() == "mine"
    assert not (shop.root / "specs" / "shop" / "imported-categories.yaml").exists()
