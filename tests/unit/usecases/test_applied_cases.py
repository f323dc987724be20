"""Cases as resources: what is applied of them, what plans show, and what is exported again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.models.cases import MAX_CASES
from offerkit.reports.plan_html import plan_html
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport, plan_text
from offerkit.specs import load_folder
from offerkit.usecases.export import export

ENVIRONMENT, SHARED = "environments/shop.yaml", "specs/shared.yaml"
PEOPLE = "id,email,first_name,age,country\n1,a@example.org,Ana,30,FR\n"
ASKED = {"space": "shop/web", "now": "2026-02-01T10:00", "expect": {"offers": ["safari"]}}


def cases(**named: Any) -> dict[str, Any]:
    """A file of cases, each with what is said of it here."""
    return {"version": 1, "cases": {name: {**ASKED, **said} for name, said in named.items()}}


def prints(folder: Path) -> dict[str, str]:
    return {address: record.fingerprint for address, record in load_folder(folder).records.items()}


def refused(shop: Workspace) -> list[Code]:
    """The codes with which the specs are refused."""
    with pytest.raises(Refused) as error:
        shop.plan()
    return [found.code for found in error.value.diagnostics]


def test_a_file_gives_a_resource_for_each_environment(shop: Workspace) -> None:
    other = {"version": 1, "environment": {"dimension": "person"}}
    shop.change({"environments/other.yaml": other})
    shop.change({"cases/sub/all.yaml": cases(one={"contact": 1}, two={"space": "other/web"}, three={})})
    steps = {step.address: step for step in shop.plan().steps}
    assert {a for a in steps if "/cases." in a} == {"shop/cases.sub/all", "other/cases.sub/all"}
    position = steps["other/cases.sub/all"].source
    assert position is not None
    assert position.file == "cases/sub/all.yaml"


def test_a_file_with_its_own_catalog_is_not_applied(shop: Workspace) -> None:
    shop.change({"cases/own.yaml": {**cases(one={"space": "web"}), "catalog": {}}})
    assert not [step for step in shop.plan().steps if "/cases." in step.address]


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("cases/home page.yaml", cases(one={}), Code.BAD_NAME),
        ("cases/a.yaml", cases(one={"space": "web"}), Code.BAD_CASE),
        ("cases/a.yaml", cases(one={"space": "a/b/web"}), Code.BAD_CASE),
        ("cases/a.yaml", cases(one={"expect": {}}), Code.BAD_CASE),
        ("cases/a.yaml", cases(**{"x" * 501: {}}), Code.BAD_CASE),
        ("cases/a.yaml", cases(one={"space": "gone/web"}), Code.UNKNOWN_REFERENCE),
        ("cases/a.yaml", {"version": 1, "cases": {}}, Code.BAD_CASE),
        ("cases/a.yaml", {"version": 2, "cases": {"one": ASKED}}, Code.BAD_CASE),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_when_it_is_read(shop: Workspace, path: str, content: Any, code: Code) -> None:
    shop.change({path: content})
    assert refused(shop) == [code]


def test_a_file_has_only_so_many(shop: Workspace) -> None:
    shop.change({"cases/a.yaml": cases(**{f"case {number}": {} for number in range(MAX_CASES + 1)})})
    assert refused(shop) == [Code.CASES_TOO_MANY]


def test_no_plan_shows_the_contact_of_a_case(shop: Workspace) -> None:
    shop.change({"cases/a.yaml": cases(one={"contact": "k-4711", "key": "k-4711"}, two={})})
    created = shop.plan()
    shop.apply("ada")
    promoted = shop.promotion("ada")
    shop.change({"cases/a.yaml": cases(one={"contact": {"email": "ana-4711@example.org"}, "n": 3, "key": "x-4711"})})
    changed = shop.plan()
    for plan in (created, promoted, changed):
        for shown in (form(PlanReport(plan, "")) for form in (plan_text, plan_markdown, plan_html)):
            assert "4711" not in shown
            assert "one" in shown
    (step,) = changed.steps
    assert {change.path for change in step.changes} == {
        "cases.one.contact", "cases.one.key", "cases.one.n",
    }  # fmt: skip
    assert "4711" not in str(step.changes)


@pytest.mark.embedded
def test_an_export_has_them_again(shop: Workspace, tmp_path: Path) -> None:
    shop.change({"environments/other.yaml": {"version": 1, "environment": {"dimension": "person"}}})
    both = cases(one={"contact": "01307", "note": "true"}, two={"space": "other/web", "data": {"a": "1e3", "b": True}})
    shop.change({"cases/sub/all.yaml": {**both, "activated": {"safari": ["web"]}}})
    shop.apply("ada")
    target = tmp_path / "out"
    export(shop.session(), "design", target)
    assert {a: p for a, p in prints(target).items() if "/cases." in a} == {
        a: p for a, p in prints(shop.root).items() if "/cases." in a
    }


@pytest.mark.embedded
def test_a_forced_export_leaves_files_that_are_not_applied(shop: Workspace, tmp_path: Path) -> None:
    shop.change({"cases/a.yaml": cases(one={})})
    shop.apply("ada")
    target = tmp_path / "out"
    export(shop.session(), "design", target)
    (target / "cases/old.yaml").write_bytes((target / "cases/a.yaml").read_bytes())
    (target / "cases/own.yaml").write_text("version: 1\ncatalog: {}\ncases: {x: {}}\n")
    (target / "cases/README.md").write_text("Read me")
    export(shop.session(), "design", target, force=True)
    assert sorted(path.name for path in (target / "cases").iterdir()) == ["README.md", "a.yaml", "own.yaml"]


def test_contacts_that_are_in_no_file_any_more_stop_a_promotion(shop: Workspace) -> None:
    shop.change({
        "data/people.csv": PEOPLE,
        SHARED: {"dimensions": {"person": {"source": {"format": "csv", "path": "data/people.csv"}}}},
        ENVIRONMENT: {"environment": {"promotion": {"tests": True}}},
        "cases/a.yaml": cases(one={"contact": 1, "expect": {"out": {}}}),
    })  # fmt: skip
    shop.go_live()
    shop.change({SHARED: {"dimensions": {"person": {"source": None}}}})
    shop.apply("ada")
    with pytest.raises(Refused) as error:
        shop.promotion("ada")
    assert Code.CONTACTS_OTHER in [found.code for found in error.value.diagnostics]


def test_the_digest_of_the_contacts_is_kept_and_nothing_else_of_them(shop: Workspace) -> None:
    shop.change({
        "data/people.csv": PEOPLE,
        SHARED: {"dimensions": {"person": {"source": {"format": "csv", "path": "data/people.csv"}}}},
        "cases/a.yaml": cases(one={"contact": 1}, two={}),
        "cases/b.yaml": cases(three={"contact": {"age": 3}}),
    })  # fmt: skip
    shop.apply("ada")
    with shop.store() as store:
        (kept,) = [row.details["contacts"] for row in store.revisions() if "contacts" in row.details]
    assert isinstance(kept, dict)
    assert list(kept) == ["shop/cases.a"]
    assert len(str(kept["shop/cases.a"])) == 64
