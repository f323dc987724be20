"""An export loads to exactly what the stage holds, and is written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from helpers.files import Files
from helpers.workspace import Workspace

from offerkit.address import SHARED, Kind
from offerkit.diagnostics import Code, Refused
from offerkit.plans.make import AddressPatterns
from offerkit.specs import Project, load_folder
from offerkit.specs.fmt import format_files
from offerkit.specs.project import read_files
from offerkit.usecases import export as exporting
from offerkit.usecases.export import Exported, export
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.plan import plan as make_plan
from offerkit.usecases.session import Session

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).resolve().parents[3]


def prints(folder: Path) -> dict[str, str]:
    """What the files in ``folder`` load to."""
    return {address: record.fingerprint for address, record in load_folder(folder).records.items()}


def held(workspace: Workspace, *stages: str) -> dict[str, str]:
    """What stages hold and an export takes: no deactivated offers."""
    with workspace.store() as store:
        entries = {a: e for stage in stages for a, e in store.entries(stage).items() if e.activation != ()}
    return {address: entry.fingerprint for address, entry in entries.items()}


def run(workspace: Workspace, stage: str, target: Path, *, force: bool = False) -> Exported:
    """Export, and check what holds of every export."""
    exported, count = export(workspace.session(), stage, target, force=force)
    files, found = read_files(target)
    assert not found
    assert len(files) == count
    assert [file.path for file in format_files(files) if file.changed] == []
    assert prints(target) == {address: entry.fingerprint for address, entry in exported.entries.items()}
    return exported


def refusal(workspace: Workspace, stage: str, target: Path, *, force: bool = False) -> Code:
    """The code with which an export is refused."""
    with pytest.raises(Refused) as refused:
        export(workspace.session(), stage, target, force=force)
    return refused.value.diagnostics[0].code


def test_design_and_live(live_shop: Workspace, tmp_path: Path) -> None:
    run(live_shop, "shop@design", tmp_path / "design")
    assert prints(tmp_path / "design") == held(live_shop, "shared@design", "shop@design")
    run(live_shop, "shop@live", tmp_path / "deep" / "live")
    operators = {a: p for a, p in held(live_shop, "shared@design").items() if a.startswith("operator.")}
    assert prints(tmp_path / "deep" / "live") == held(live_shop, "shared@live", "shop@live") | operators
    paths = sorted(path.relative_to(tmp_path / "design").as_posix() for path in (tmp_path / "design").rglob("*.yaml"))
    assert paths[:4] == [
        "environments/shop.yaml",
        "specs/dimensions.yaml",
        "specs/operators.yaml",
        "specs/shop/categories.yaml",
    ]
    assert [path for path in paths if "/offers/" in path] == [
        "specs/shop/offers/bank.yaml",
        "specs/shop/offers/travel.yaml",
    ]


def test_a_plan_of_an_export_is_empty(live_shop: Workspace, tmp_path: Path) -> None:
    run(live_shop, "shop@live", tmp_path / "out")
    session = live_shop.session()
    there = Session(Project(tmp_path / "out"), session.now, store_path=session.store, use_cache=False, backend=LOCAL)
    assert make_plan(there, AddressPatterns.of((), ())).empty


def test_the_bundled_project(tmp_path: Path) -> None:
    """Two environments that refer to each other, and campaigns."""
    files: Files = {file.path: file.content.decode() for file in read_files(ROOT)[0]}
    bundled = Workspace(tmp_path / "project", files)
    bundled.apply("ada")
    exported = run(bundled, "recipients@design", tmp_path / "one")
    assert exported.stages == ["recipients@design", "visitors@design"]
    assert "visitors@design is included" in exported.notes[0]
    everything = load_folder(ROOT).records
    assert prints(tmp_path / "one") == {a: r.fingerprint for a, r in everything.items() if r.kind is not Kind.CAMPAIGN}
    assert run(bundled, "design", tmp_path / "all").entries == exported.entries
    assert run(bundled, "visitors@design", tmp_path / "two").stages == ["visitors@design"]
    assert set(run(bundled, "shared@design", tmp_path / "shared").entries) == {
        address for address, record in everything.items() if record.environment == SHARED
    }


CAMPAIGN: Files = {
    "specs/shop/campaigns.yaml": {
        "version": 1,
        "campaigns": {"c": {"deliveries": {"d": {"space": "mail", "offers": ["saver"]}}}},
    }
}


def test_live_campaigns_come_with_either_stage(live_shop: Workspace, tmp_path: Path) -> None:
    live_shop.change(CAMPAIGN)
    live_shop.apply("ada")
    for number, stage in enumerate(("shop@design", "shop@live")):
        assert "shop/campaign.c" in run(live_shop, stage, tmp_path / str(number)).entries


def test_deactivated_offers_are_left_out_with_the_campaigns_that_name_them(
    live_shop: Workspace, tmp_path: Path
) -> None:
    live_shop.change(CAMPAIGN)
    live_shop.apply("ada")
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"saver": None}}, "specs/shop/campaigns.yaml": None})
    live_shop.apply("ada", "shop/offer.*")
    live_shop.promote("ada")
    assert live_shop.active()["shop/offer.saver"] == ()
    exported = run(live_shop, "shop@live", tmp_path / "out")
    assert "shop/offer.saver" not in exported.entries
    with live_shop.store() as store:
        assert "shop/campaign.c" in store.entries("shop@live")
    assert exported.notes == [
        "shop/campaign.c was left out because it refers to shop/offer.saver, which is not in the stage."
    ]


def test_a_deactivated_offer_that_a_rule_names_comes_along(live_shop: Workspace, tmp_path: Path) -> None:
    """Otherwise the rule could not be loaded."""
    rule = {"rules": {"weekly": {"applies_to": {"offers": ["saver"]}}}}
    live_shop.change({"specs/shop/catalog.yaml": rule})
    live_shop.apply("ada")
    live_shop.approve_all()
    live_shop.promote("ada")
    with live_shop.store() as store:
        real = store.entries

        def dormant(stage: str, kind: str = "") -> object:
            return {
                a: type(e)(e.fingerprint, ()) if a == "shop/offer.saver" and stage == "shop@live" else e
                for a, e in real(stage, kind).items()
            }

        store.entries = dormant  # type: ignore[method-assign, assignment]
        found = exporting._Collector(store, exporting._refs(store, "shop@live")).collect()
    assert "shop/offer.saver" in found.entries
    assert "shop/rule.weekly refers to it" in found.notes[0]


def test_as_it_was(live_shop: Workspace, tmp_path: Path) -> None:
    before = held(live_shop, "shared@design", "shop@design")
    new = {"category": "bank", "content": {"title": "New"}}
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Other"}, "new": new}}})
    live_shop.apply("ada")
    run(live_shop, "shop@design:1", tmp_path / "then")
    assert prints(tmp_path / "then") == before
    run(live_shop, "shop@design:2030-01-01", tmp_path / "now")
    assert prints(tmp_path / "now") == held(live_shop, "shared@design", "shop@design") != before


@pytest.mark.parametrize(
    "text", ["no\n", " lead\n\ttab # x\u2028\n\n", "1e3", "~", "👩‍👩‍👧: 'x' \"y\"", "x" * 5000, "word " * 5000]
)
def test_nasty_texts(shop: Workspace, tmp_path: Path, text: str) -> None:
    content = {"title": text, "html": f"<p>{text}\n</p>  \n", "text": text + "\n\n"}
    shop.change({"specs/shop/offers.yaml": {"offers": {"saver": {"description": text, "content": content}}}})
    shop.apply("ada")
    run(shop, "shop@design", tmp_path / "out")
    assert prints(tmp_path / "out") == prints(shop.root)


def test_large_sections_are_split(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "LIMIT", 2000)
    offers = {f"offer-{n}": {"category": "bank", "content": {"title": "T" * 100}} for n in range(40)}
    shop.change({"specs/shop/offers.yaml": {"offers": offers}})
    shop.apply("ada")
    run(shop, "shop@design", tmp_path / "out")
    names = {path.name for path in (tmp_path / "out" / "specs" / "shop" / "offers").iterdir()}
    assert {"bank.yaml", "bank.2.yaml", "bank.3.yaml"} <= names


def test_categories_that_differ_in_case_share_a_file(shop: Workspace, tmp_path: Path) -> None:
    shop.change({"specs/shop/catalog.yaml": {"categories": {"Bank": {}}}})
    shop.change({"specs/shop/offers.yaml": {"offers": {"x": {"category": "Bank", "content": {"title": "X"}}}}})
    shop.apply("ada")
    run(shop, "shop@design", tmp_path / "out")
    assert "  x:\n" in (tmp_path / "out" / "specs" / "shop" / "offers" / "bank.yaml").read_text()


def test_a_target_that_holds_something_is_refused(shop: Workspace, tmp_path: Path) -> None:
    shop.apply("ada")
    target = tmp_path / "out"
    target.mkdir()
    run(shop, "shop@design", target)  # an empty folder is as good as none
    (target / "specs" / "old.yaml").write_text("x")
    (target / "NOTES.md").write_text("mine")
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert refusal(shop, "shop@design", target) is Code.TARGET_EXISTS
    assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
    run(shop, "shop@design", target, force=True)
    assert sorted(path.name for path in target.iterdir()) == ["NOTES.md", "environments", "specs"]
    assert not (target / "specs" / "old.yaml").exists()
    assert refusal(shop, "shop@design", target / "NOTES.md", force=True) is Code.TARGET_EXISTS
    assert refusal(shop, "shop@design", target / "NOTES.md" / "x", force=True) is Code.UNREADABLE
    assert refusal(shop, "shop@design", tmp_path / ("x" * 300)) is Code.UNREADABLE


def test_nothing_is_half_written(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full after three files, or the last rename fails: what was there stays."""
    shop.apply("ada")
    target = tmp_path / "out"
    run(shop, "shop@design", target)
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    written, write = [], Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        written.append(self)
        if len(written) > 3:
            raise OSError(28, "No space left on device", str(self))
        return write(self, content)

    rename = Path.rename

    def stuck(self: Path, to: Path) -> Path:
        if to == target / "specs" and ".offerkit-export-" in str(self.parent) and self.parent.parent == target:
            raise OSError(5, "Input/output error", str(self))
        return rename(self, to)

    for name, broken in (("write_bytes", full), ("rename", stuck)):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, broken)
            assert refusal(shop, "shop@design", target, force=True) is Code.UNREADABLE
            written.clear()
            if name == "write_bytes":
                assert refusal(shop, "shop@design", tmp_path / "new") is Code.UNREADABLE
        assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
        assert sorted(path.name for path in target.iterdir()) == ["environments", "specs"]
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob(".offerkit-export-*"))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_new_folder_is_readable_as_any_other(shop: Workspace, tmp_path: Path) -> None:
    shop.apply("ada")
    (tmp_path / "plain").mkdir()
    run(shop, "shop@design", tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        ("shop", Code.BAD_POINT),
        ("", Code.BAD_POINT),
        ("../x@live", Code.BAD_POINT),
        ("shop@draft", Code.BAD_POINT),
        ("nope@live", Code.BAD_POINT),
        ("shop@live", Code.NO_MATCH),
        ("live", Code.NO_MATCH),
        ("shop@design:99", Code.BAD_POINT),
        ("shop@design:yesterday", Code.BAD_POINT),
        ("shop@design:1999-01-01", Code.NO_MATCH),
    ],
)
def test_stages_that_are_none(shop: Workspace, tmp_path: Path, stage: str, code: Code) -> None:
    shop.apply("ada")
    assert refusal(shop, stage, tmp_path / "out") is code
    assert not (tmp_path / "out").exists()


def test_without_a_store(shop: Workspace, tmp_path: Path) -> None:
    assert refusal(shop, "shop@design", tmp_path / "out") is Code.STORE_MISSING
