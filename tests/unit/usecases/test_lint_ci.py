"""What ``ci plan`` reports of lint: what is new, in the comment, as annotations; never as a failure."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from helpers.inside import offerkit
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Severity
from offerkit.reports.pull_request import pull_request_of
from offerkit.usecases.ci import planned, save
from offerkit.usecases.ci_bundle import PullRequestRef

OFFERS = "specs/shop/offers.yaml"
HELLO = {"category": "bank", "content": {"title": "Hello", "html": "<p>Hello</p>"}}
ZERO = {OFFERS: {"offers": {"gold-card": {"weights": [{"weight": 0}]}, "hello": HELLO}}}
YOUNG = {OFFERS: {"offers": {"saver": {"eligible": {"when": "person.country = 'FR' and person.country = 'DE'"}}}}}


class Printed(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def run(shop: Workspace, *words: str) -> Printed:
    """A command in the shop."""
    done = offerkit(words, shop.root, {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    return Printed(done.code, done.out.decode(), done.err.decode())


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """The shop, applied with an offer that can never be eligible; then another becomes like it."""
    shop = Workspace(tmp_path / "shop")
    shop.change(ZERO)
    shop.apply("ada")
    shop.change(YOUNG)
    return shop


def test_only_what_is_new_is_reported(shop: Workspace, tmp_path: Path) -> None:
    found = planned(shop.session(), PullRequestRef(7, "a" * 40, "main"), None, prove=True)
    assert [(each.code, each.address) for each in found.findings] == [(Code.NOBODY_MEETS, "shop/offer.saver")]
    (request,) = [each for each in found.requests if each.environment == "shop"]
    assert [each for each in request.warnings if each.code is Code.NOBODY_MEETS] == list(found.findings)
    save(found, tmp_path / "bundle")
    comment = (tmp_path / "bundle/shop/comment.md").read_text()
    assert "Warning OFR440" in comment and "OFR449" not in comment
    read = pull_request_of((tmp_path / "bundle/shop/report.json").read_text())
    assert [each.code for each in read.warnings] == [each.code for each in request.warnings]


def test_the_meaning_is_the_same_with_and_without(shop: Workspace) -> None:
    subject = PullRequestRef(7, "a" * 40, "main")
    session = shop.session()
    with_findings, without = (planned(session, subject, None, prove=prove) for prove in (True, False))
    assert without.findings == () != with_findings.findings
    assert with_findings.bundle.meaning == without.bundle.meaning
    assert orjson.dumps(with_findings.bundle.facts) == orjson.dumps(without.bundle.facts)


def test_findings_are_annotations_and_no_failure(shop: Workspace, tmp_path: Path) -> None:
    words = ["ci", "plan", "--no-impact", "--head", "a" * 40, "--out"]
    done = run(shop, *words, str(tmp_path / "one"), "--format", "github")
    assert done.code == 0
    (row,) = done.out.splitlines()
    assert row.startswith(f"::warning file={OFFERS},line=") and "title=OFR440::no contact can meet both" in row
    done = run(shop, *words, str(tmp_path / "two"))
    assert done.code == 0 and "warning[OFR440]" in done.err and "shop: " in done.out


def test_validate_reports_it_with_strict_alone(shop: Workspace) -> None:
    assert "OFR4" not in run(shop, "validate").err
    done = run(shop, "validate", "--strict")
    assert done.code == 1 and "warning[OFR440]" in done.err and "warning[OFR449]" in done.err
    found = json.loads(run(shop, "validate", "--strict", "--format", "json").out)
    assert {each["code"] for each in found} >= {"OFR440", "OFR449"}
    assert all(each["line"] for each in found)


def test_lint_exits_with_1_only_if_strict(shop: Workspace) -> None:
    assert [run(shop, "lint", *strict).code for strict in ((), ("--strict",))] == [0, 1]
    for state, expected in (("design", {"OFR449"}), ("specs", {"OFR440", "OFR449"}), ("shop@live", set[str]())):
        found = json.loads(run(shop, "lint", state, "--format", "json").out)
        codes = {each["code"] for each in found if each["severity"] == Severity.WARNING}
        assert codes - {Code.EMPTY_CATEGORY} == expected, state
    assert "error[" in run(shop, "lint", "nowhere@live").err


def test_a_git_revision_has_its_own_places(shop: Workspace) -> None:
    for words in (["init", "-qb", "main"], ["add", "-A", "specs", "environments"]):
        _git(shop.root, *words)
    _git(shop.root, "commit", "-qm", "one")
    found = json.loads(run(shop, "lint", "git:main", "--format", "json").out)
    assert {each["file"] for each in found if each["code"] == "OFR440"} == {f"main:{OFFERS}"}


def _git(root: Path, *words: str) -> None:
    name = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *name, *words], cwd=root, check=True, capture_output=True)
