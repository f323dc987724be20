"""What a branch changes, without a store: on real repositories with branches, renames, rebases and shallow clones."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.address import parse_address
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.impact import Impact
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import PlanOrigin
from offerkit.reports.diff import DiffReport, diff_html, diff_json, diff_markdown, diff_text
from offerkit.reports.reached import condition_text
from offerkit.usecases.apply import apply
from offerkit.usecases.diff import Difference, compare, impact_between
from offerkit.usecases.impact import impact_of_plan
from offerkit.usecases.outdated_checkout import checkout_warnings, outdated_checkout
from offerkit.usecases.requests import ImpactRequest

pytestmark = pytest.mark.embedded
SHARED, OFFERS, CATALOG, SHOP = (
    "specs/shared.yaml", "specs/shop/offers.yaml", "specs/shop/catalog.yaml", "environments/shop.yaml",
)  # fmt: skip
PEOPLE = "id,email,first_name,age,country\n" + "".join(f"{n},p{n}@example.com,P{n},{n},FR\n" for n in range(1, 101))
IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@y.z",
    "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@y.z",
}  # fmt: skip


def git(root: Path, *words: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True, env=environ | IDENTITY)
    return done.stdout.strip()


class Branches:
    """A project in a repository, with the branches ``main`` and ``topic``; nothing was ever applied."""

    def __init__(self, root: Path) -> None:
        self.shop = Workspace(root)
        self.root = root
        source = {"source": {"format": "csv", "path": "data/people.csv"}}
        self.shop.change({SHARED: {"dimensions": {"person": source}}, "data/people.csv": PEOPLE})
        (root / ".gitignore").write_text(".offerkit/\n")
        git(root, "init", "-q", "-b", "main")
        self.commit("begin")
        git(root, "branch", "topic")
        self._files = {"main": self.shop.files, "topic": self.shop.files}

    def commit(self, message: str = "x") -> str:
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.root, "rev-parse", "HEAD")

    def on(self, branch: str, patch: dict[str, Any]) -> str:
        """Change the specs on a branch, and stay there."""
        git(self.root, "checkout", "-q", branch)
        self.shop.files = self._files[branch]
        self.shop.change(patch)
        self._files[branch] = self.shop.files
        return self.commit()

    def between(self, base: str = "git:main", head: str = "specs", *only: str) -> Difference:
        return compare(self.shop.session(environ=dict(os.environ)), base, head, AddressPatterns.of(only))

    def impact(self, found: Difference, *contacts: str, **asked: Any) -> Impact:
        return impact_between(self.shop.session(environ=dict(os.environ)), found, ImpactRequest(**asked), contacts)


@pytest.fixture
def branches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Branches:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    return Branches(tmp_path / "project")


def _report(found: Difference, impact: Impact | None = None) -> DiffReport:
    return DiffReport(found.steps, found.bodies, found.titles, beside=found.beside(impact))


def done(steps: Iterable[Any]) -> list[str]:
    return [f"{step.action} {step.address.name}" for step in steps]


def offer(**more: Any) -> dict[str, Any]:
    return {"category": "travel", "content": {"title": "Tigers"}, **more}


def test_what_main_has_since_is_no_change_of_a_branch(branches: Branches) -> None:
    branches.on("main", {
        OFFERS: {"offers": {"tigers": offer(), "safari": {"label": "Safari"}, "saver": None}},
        CATALOG: {"rules": {"monthly": {"max": 9, "period": {"before": "30d"}}}},
    })  # fmt: skip
    branches.on("topic", {OFFERS: {"offers": {"gold-card": {"weights": [{"weight": 20}]}}}})
    for head in ("specs", "git:topic", "git:HEAD"):
        found = branches.between(head=head)
        assert done(found.steps) == ["update gold-card"]
        assert (found.behind.commits, found.behind.doubt) == (1, None)
        assert sorted(done(found.behind.steps)) == [
            "create saver", "delete monthly", "delete tigers", "update safari",
        ]  # fmt: skip
    assert done(branches.between("git:main...HEAD").steps) == ["update gold-card"]
    assert branches.between("git:main...HEAD").behind.steps == ()
    assert done(branches.between("git:main", "specs", "shop/offer.tigers").behind.steps) == ["delete tigers"]
    git(branches.root, "merge", "-q", "-m", "m", "main")
    assert done(branches.between().steps) == ["update gold-card"] and not branches.between().behind.commits


def test_what_a_branch_deletes_it_deletes(branches: Branches) -> None:
    """Also where main changed it since, and where main lacks it for another reason."""
    branches.on("main", {OFFERS: {"offers": {"safari": {"label": "Safari"}}}})
    branches.on("topic", {OFFERS: {"offers": {"safari": None, "saver": None}}})
    found = branches.between()
    assert sorted(done(found.steps)) == ["delete safari", "delete saver"]
    assert found.behind.steps == () and found.behind.commits == 1


def test_renames_on_either_side(branches: Branches) -> None:
    branches.on("main", {OFFERS: {"moved": {"offer.saver": "offer.thrift"}, "offers": {
        "saver": None, "thrift": {"category": "bank", "content": {"title": "Save", "html": "<p>Save</p>"}}}}})  # fmt: skip
    branches.on("topic", {OFFERS: {"moved": {"offer.safari": "offer.lions"}, "offers": {
        "safari": None, "lions": {"category": "travel", "weights": [{"label": "base", "weight": 5}],
                                  "content": {"title": "Lions"}}}}})  # fmt: skip
    found = branches.between()
    (step,), (lacking,) = found.steps, found.behind.steps
    assert (step.action, step.moved_from.name, step.address.name) == ("move", "safari", "lions")
    assert (lacking.action, lacking.moved_from.name, lacking.address.name) == ("move", "thrift", "saver")
    assert [offer.offer for space in branches.impact(found).spaces for offer in space.offers] == []


def test_after_a_rebase_and_a_squash_merge(branches: Branches) -> None:
    branches.on("topic", {OFFERS: {"offers": {"tigers": offer()}}})
    branches.on("topic", {OFFERS: {"offers": {"lynx": offer()}}})
    git(branches.root, "checkout", "-q", "main")
    git(branches.root, "merge", "-q", "--squash", "topic")
    branches.commit("squashed")
    branches.on("topic", {OFFERS: {"offers": {"safari": {"label": "Safari"}}}})
    found = branches.between()
    assert done(found.steps) == ["update safari"] and found.behind.steps == ()
    branches.on("topic", {OFFERS: {"offers": {"lynx": None}}})
    merged = branches.between().behind.steps  # main got it by other commits: merging brings it back
    assert done(merged) == ["delete lynx"]
    git(branches.root, "checkout", "-q", "main")
    branches.commit("more")
    git(branches.root, "checkout", "-q", "topic")
    git(branches.root, "rebase", "-q", "--onto", "main", "HEAD~1")
    found = branches.between()
    assert done(found.steps) == ["delete lynx"] and found.behind.steps == ()


def test_histories_that_were_merged_crosswise(branches: Branches) -> None:
    a = branches.on("main", {OFFERS: {"offers": {"tigers": offer()}}})
    b = branches.on("topic", {OFFERS: {"offers": {"lynx": offer()}}})
    git(branches.root, "merge", "-q", "-m", "m", "-X", "ours", a)
    git(branches.root, "checkout", "-q", "main")
    git(branches.root, "merge", "-q", "-m", "m", "-X", "ours", b)
    assert len(git(branches.root, "merge-base", "--all", "main", "topic").split()) == 2
    branches.on("main", {OFFERS: {"offers": {"tigers": offer(), "lynx": offer()}}})
    branches.on("topic", {OFFERS: {"offers": {"tigers": offer(), "lynx": offer(label="L")}}})
    branches.on("topic", {OFFERS: {"offers": {"lynx": None}}})
    found = branches.between()  # one of both merge bases has no lynx either
    assert done(found.steps) == ["delete lynx"] and found.behind.steps == ()


def test_a_shallow_clone(branches: Branches, tmp_path: Path) -> None:
    branches.on("main", {OFFERS: {"offers": {"tigers": offer()}}})
    branches.on("topic", {OFFERS: {"offers": {"saver": None}}})
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "-b", "topic", f"file://{branches.root}", "clone")
    branches.root = clone
    branches.shop.root = clone
    with pytest.raises(Refused) as refused:
        branches.between("git:origin/main")
    assert "fetch-depth: 0" in refused.value.diagnostics[0].hint
    git(clone, "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    found = branches.between("git:origin/main")
    doubt = found.behind.doubt
    assert doubt is not None and doubt.code is Code.BEHIND_UNTOLD and "fetch-depth: 0" in doubt.hint
    assert sorted(done(found.steps)) == ["delete saver", "delete tigers"]
    assert "shallow" in diff_markdown(_report(found))
    git(clone, "fetch", "-q", "--unshallow")
    assert done(branches.between("git:origin/main").behind.steps) == ["delete tigers"]


def test_line_ends_are_no_difference(branches: Branches) -> None:
    text = (branches.root / OFFERS).read_text()
    (branches.root / OFFERS).write_bytes(text.replace("\n", "\r\n").encode())
    assert branches.between().steps == []
    git(branches.root, "config", "core.autocrlf", "true")
    git(branches.root, "checkout", "-q", "-f", "topic")
    branches.on("topic", {OFFERS: {"offers": {"safari": {"label": "Safari"}}}})
    (branches.root / OFFERS).unlink()
    git(branches.root, "checkout", "-q", "--", OFFERS)
    assert b"\r\n" in (branches.root / OFFERS).read_bytes()
    found = branches.between()
    assert done(found.steps) == ["update safari"]
    lines = (branches.root / OFFERS).read_text().splitlines()
    assert '"label": "Safari"' in lines[found.steps[0].source.line - 1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "@everyone", "a`b`c", "é\u202eb", "$(id)", "x'\"&", "-x"]
)
def test_hostile_names_of_branches(branches: Branches, name: str) -> None:
    branches.on("main", {OFFERS: {"offers": {"tigers": offer()}}})
    git(branches.root, "update-ref", f"refs/heads/{name}", "main")
    branches.on("topic", {OFFERS: {"offers": {"safari": None}}})
    name = f"heads/{name}" if name.startswith("-") else name
    found = branches.between(f"git:{name}", "git:topic")
    assert done(found.steps) == ["delete safari"] and done(found.behind.steps) == ["delete tigers"]
    report = _report(found, branches.impact(found))
    markdown, page, text = diff_markdown(report), diff_html(report), diff_text(report)
    assert "<script>" not in page and "<script>" not in re.sub("`[^`]*`", "", markdown)
    assert "\u202e" not in page + markdown + text
    assert " @everyone" not in markdown
    assert json.loads(diff_json(report))["from"] == f"git:{name}"


def test_places_on_both_sides(branches: Branches) -> None:
    lines = (branches.root / OFFERS).read_text().splitlines()
    was = next(n for n, line in enumerate(lines, 1) if '"label": "base"' in line)
    branches.on("topic", {OFFERS: {"offers": {
        "lynx": offer(), "saver": None, "safari": {"weights": [{"label": "base", "weight": 7}]}}}})  # fmt: skip
    found = branches.between()
    places = {step.address.name: (step, found.positions[step.address]) for step in found.steps}
    now = (branches.root / OFFERS).read_text().splitlines()
    step, place = places["safari"]
    assert place.before is not None and place.after is not None
    assert (place.before.line, lines[place.before.line - 1].strip()) == (was + 1, '"weight": 5')
    assert now[place.after.line - 1].strip() == '"weight": 7' and step.source == place.after
    assert places["saver"][1].after is None and '"saver"' in lines[places["saver"][1].before.line - 1]  # type: ignore[union-attr]
    assert places["lynx"][1].before is None and '"lynx"' in now[places["lynx"][1].after.line - 1]  # type: ignore[union-attr]
    text = diff_text(_report(found))
    assert f"main:{OFFERS}:{places['saver'][1].before.line}" in text  # type: ignore[union-attr]


def test_the_place_of_a_case_that_changed(branches: Branches) -> None:
    case = {"space": "shop/web", "now": "2026-06-01T10:00", "contact": "1", "expect": {"offers": ["saver"]}}
    branches.on("main", {"cases/good.yaml": {"version": 1, "cases": {"it is offered": case}}})
    branches.on("topic", {"cases/good.yaml": {"version": 1, "cases": {
        "it is offered": {**case, "expect": {"offers": ["safari"]}}}}})  # fmt: skip
    (step,) = branches.between("git:main", "specs", "shop/cases.good").steps
    assert step.source is not None
    line = (branches.root / "cases/good.yaml").read_text().splitlines()[step.source.line - 1]
    assert "safari" in line or "offers" in line


@pytest.mark.parametrize(
    ("patch", "reached", "gone", "come"),
    [
        ({CATALOG: {"categories": {"bank": {"eligible": {"when": "person.age > 30"}}}}}, ["gold-card", "saver"], [],
         ["when person.age > 30"]),
        ({CATALOG: {"filters": {"adults": {"when": "person.age >= 21"}}}}, ["gold-card"],
         ["filter adults: person.age >= 18"], ["filter adults: person.age >= 21"]),
        ({SHOP: {"environment": {"when": "person.country = 'FR'", "time_zone": "Europe/Paris"}}},
         ["gold-card", "safari", "saver"], [], ["days of Europe/Paris", "when person.country = 'FR'"]),
        ({CATALOG: {"templates": {"plain": {"eligible": {"until": "2027-01-01"}}}}}, ["gold-card"], [],
         ["until 2027-01-01"]),
        ({CATALOG: {"categories": {"bank": {"multiplier": {"factor": 2, "from": "2026-01-01"}, "enabled": False}}}},
         ["gold-card", "saver"], [], ["not enabled", "multiplier 2 from 2026-01-01"]),
        ({OFFERS: {"offers": {"saver": {"category": "travel"}}}}, ["saver"], ["themes money"], []),
        ({OFFERS: {"offers": {"saver": {"eligible": {"when": "person.age > 3"}}}}}, [], [], []),
        ({CATALOG: {"moved": {"category.travel": "category.trips"}, "categories": {"travel": None, "trips": {"label": "Travel"}}},
          OFFERS: {"offers": {"safari": {"category": "trips"}}}}, [], [], []),
        ({CATALOG: {"moved": {"filter.adults": "filter.grown"},
                    "filters": {"adults": None, "grown": {"when": "person.age >= 18"}}},
          OFFERS: {"offers": {"gold-card": {"eligible": {"filters": ["grown"]}}}}}, [], [], []),
    ],
)  # fmt: skip
def test_whom_a_change_reaches(
    branches: Branches, patch: dict[str, Any], reached: list[str], gone: list[str], come: list[str]
) -> None:
    branches.on("topic", patch)
    groups = branches.between().reached
    assert sorted(offer.name for group in groups for offer in group.offers) == reached
    assert [condition_text(each) for group in groups for each in group.gone] == gone
    assert [condition_text(each) for group in groups for each in group.come] == come


def test_the_impact_is_that_of_a_plan(branches: Branches) -> None:
    """With what main has applied, a plan of the branch says the same: the store adds nothing."""
    git(branches.root, "checkout", "-q", "main")
    branches.shop.apply("ada")
    branches.on("topic", {
        CATALOG: {"categories": {"travel": {"eligible": {"when": "person.age > 40"}}}},
        OFFERS: {"offers": {"gold-card": {"label": "Other"}}},
    })  # fmt: skip
    found = branches.between()
    session = branches.shop.session(environ=dict(os.environ))
    asked = ImpactRequest(by=("person.country",), sample=50)
    planned = impact_of_plan(session, branches.shop.plan(), asked)
    assert impact_between(session, found, asked) == planned
    assert {space.space: space.changed for space in branches.impact(found).spaces}["shop/web"] == 40
    (branches.root / "data/few.csv").write_text("\n".join(PEOPLE.splitlines()[:11]) + "\n")
    for contacts in ("data/few.csv", "person=data/few.csv"):
        assert {space.contacts for space in branches.impact(found, contacts).spaces} == {10}
    for contacts in ("prson=data/few.csv", "person="):
        with pytest.raises(Refused) as refused:
            branches.impact(found, contacts)
        assert refused.value.diagnostics[0].code is Code.NO_IMPACT


def test_the_impact_of_stages(branches: Branches) -> None:
    shop = branches.shop.go_live()
    branches.on("topic", {CATALOG: {"categories": {"travel": {"eligible": {"when": "person.age > 40"}}}}})
    shop.apply("ada")
    for a, b in (("shop@live", "specs"), ("shop@design:1", "shop@design"), ("live", "design"), ("shop@live", "design")):
        session = shop.session(environ=dict(os.environ))
        found = compare(session, a, b, whole=True)
        spaces = impact_between(session, found, ImpactRequest(at="2027-01-01")).spaces
        assert {space.space: space.changed for space in spaces}["shop/web"] == 40, (a, b)
    with pytest.raises(Refused):
        branches.impact(branches.between("git:HEAD...nowhere"))


# A plan against a store whose applied commit is not part of what is checked out


def applied(branches: Branches, commit: str) -> None:
    apply(branches.shop.session("ada", origin=PlanOrigin(commit=commit, whole=True)), branches.shop.plan())


def told(branches: Branches) -> list[Diagnostic]:
    return checkout_warnings(branches.shop.session(environ=dict(os.environ)), branches.shop.plan())


def test_a_plan_takes_back_what_was_applied_from_main(branches: Branches) -> None:
    commit = branches.on("main", {OFFERS: {"offers": {"tigers": offer(), "safari": {"label": "Safari"}}}})
    applied(branches, commit)
    assert told(branches) == []
    branches.on("topic", {OFFERS: {"offers": {"saver": None}}})
    found = outdated_checkout(branches.shop.session(environ=dict(os.environ)), branches.shop.plan())
    assert found is not None and (found.commit, found.serial, found.behind) == (commit, 1, 1)
    assert sorted(done(found.steps)) == ["delete tigers", "update safari"]
    assert found.gone == (parse_address("shop/offer.tigers"),)
    (only,) = told(branches)  # that main declares it is the same thing
    assert only.code is Code.NOT_ON_APPLIED
    assert "deletes shop/offer.tigers; changes back shop/offer.safari" in only.detail
    git(branches.root, "merge", "-q", "-m", "m", "-X", "ours", "main")
    assert told(branches) == []


def test_a_commit_that_is_not_here(branches: Branches) -> None:
    applied(branches, "1234567890" * 4)
    branches.on("topic", {OFFERS: {"offers": {"saver": {"label": "Saver"}}}})
    (found,) = told(branches)
    assert "is not in this clone" in found.summary and "git fetch" in found.hint
    tip = git(branches.root, "rev-parse", "HEAD")
    (branches.root / ".git/shallow").write_text(tip + "\n")
    assert told(branches) == []  # a shallow clone may well go on from it
    branches.on("topic", {OFFERS: {"offers": {"saver": None}}})
    assert "fetch-depth: 0" in told(branches)[0].hint
