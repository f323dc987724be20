"""What a pull request changes, and that nothing else is applied than what was read."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.files import base
from helpers.inside import offerkit
from helpers.serving import client
from helpers.tokens import token
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.forges.forge import PullRequestInfo, PullState
from offerkit.governance.rights import ALL_SCOPES
from offerkit.plans.meaning import facts_of, meaning_of
from offerkit.plans.plan import Plan, envelope
from offerkit.usecases.apply import apply
from offerkit.usecases.authorship import origin_of
from offerkit.usecases.ci import Compared, Planned, apply_read, check, compare, nothing_to_apply, planned, save
from offerkit.usecases.ci_bundle import GIT, INDEX, STORE, Bundle, PullRequestRef, index_bytes, opened, write
from offerkit.usecases.ci_forge import bundle_at, check_open
from offerkit.usecases.ci_states import expected, subject_of
from offerkit.usecases.history import history
from offerkit.usecases.requests import ImpactRequest, ReadPlan

OFFERS, CARD = "specs/shop/offers.yaml", "shop/offer.gold-card"
HERE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
OURS = PullRequestRef(7, "", "main")
ZERO = "0" * 40


def git(folder: Path, *words: str) -> str:
    people = {
        f"GIT_{role}_{what}": f"ada{at}"
        for role in ("AUTHOR", "COMMITTER")
        for what, at in (("NAME", ""), ("EMAIL", "@example.com"))
    }
    done = subprocess.run(["git", *words], cwd=folder, env=HERE | people, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(shop: Workspace, message: str = "Change") -> str:
    git(shop.root, "add", "-A")
    git(shop.root, "commit", "-qm", message)
    return git(shop.root, "rev-parse", "HEAD")


def offers(**changes: Any) -> dict[str, Any]:
    return {OFFERS: {"offers": {"gold-card" if name == "card" else name: one for name, one in changes.items()}}}


@pytest.fixture
def repository(tmp_path: Path) -> Workspace:
    """The shop on main, applied nowhere; checked out is a branch with a heavier card."""
    shop = Workspace(tmp_path / "shop")
    git(shop.root, "init", "-qb", "main")
    (shop.root / ".gitignore").write_text(".offerkit/\nread*\n")
    commit(shop)
    git(shop.root, "checkout", "-qb", "heavier")
    shop.change(offers(card={"weights": [{"weight": 77}]}))
    commit(shop)
    return shop


def applied(shop: Workspace) -> Workspace:
    """Main is applied."""
    git(shop.root, "checkout", "-qf", "main")
    shop.apply("ada")
    git(shop.root, "checkout", "-q", "heavier")
    return shop


def read(shop: Workspace, subject: PullRequestRef = OURS, **environ: str) -> Planned:
    return planned(shop.session("ada", environ=HERE | environ), subject, None)


def now(shop: Workspace, bundle: Bundle, subject: PullRequestRef = OURS, **environ: str) -> Compared:
    return compare(shop.session("ada", environ=HERE | environ), bundle, subject)


def refused(call: Any, *words: Any, **more: Any) -> list[Code]:
    with pytest.raises(Refused) as caught:
        call(*words, **more)
    return [found.code for found in caught.value.diagnostics]


def test_without_a_store(repository: Workspace) -> None:
    found = read(repository)
    (request,) = found.requests
    assert found.bundle.against == GIT and not found.bundle.plan
    assert [str(step.address) for step in request.plan.steps] == [CARD]
    assert request.environment == "shop" and request.meaning == found.bundle.parts[0].meaning
    assert [(row.aspect.value, row.who) for row in request.approvals or ()] == [("eligibility", ("risk",))]
    assert now(repository, found.bundle).same
    # What others merge meanwhile is no change of this pull request, behind or merged.
    git(repository.root, "checkout", "-q", "main")
    repository.files = base()
    repository.change(offers(saver={"label": "Other"}))
    commit(repository)
    git(repository.root, "checkout", "-q", "heavier")
    assert read(repository).bundle.meaning == found.bundle.meaning


def test_it_has_to_be_known_what_it_goes_into(repository: Workspace, tmp_path: Path) -> None:
    for branch in ("", "nowhere", "--output=x", "main..heavier"):
        assert refused(read, repository, PullRequestRef(7, "", branch)) == [Code.NO_BASE], branch
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository.root}", "shallow")
    git(tmp_path / "shallow", "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    shallow = Workspace.__new__(Workspace)
    shallow.root, shallow.location, shallow.now = tmp_path / "shallow", tmp_path / "none.db", repository.now
    assert refused(read, shallow) == [Code.GIT]


@pytest.mark.embedded
def test_what_was_read_without_a_store_is_held_against_one(repository: Workspace) -> None:
    bundle = read(repository).bundle
    applied(repository)
    assert now(repository, bundle).same
    repository.change(offers(saver={"label": "Not read"}))
    assert "shop/offer.saver" in {each.address for each in now(repository, bundle).differing}
    made = read(applied(repository)).bundle
    repository.location = repository.root / "none.db"
    assert refused(now, repository, made) == [Code.BUNDLE_OTHER]


@pytest.mark.embedded
def test_what_must_not_matter(repository: Workspace) -> None:
    """Comments, the files that it stands in, their order, and what others apply beside it."""
    bundle = read(applied(repository)).bundle
    assert bundle.against == STORE and bundle.plan
    text = (repository.root / OFFERS).read_text()
    (repository.root / OFFERS).unlink()
    (repository.root / "specs/shop/a-new-name.yaml").write_text(f"# about cards\n\n{text}")
    assert now(repository, bundle).same
    (repository.root / "specs/shop/a-new-name.yaml").unlink()
    repository.files = base()
    repository.change(offers(saver={"label": "Unrelated"}))
    repository.apply("ada")
    repository.change(offers(card={"weights": [{"weight": 77}]}))
    assert now(repository, bundle).same


@pytest.mark.embedded
@pytest.mark.parametrize(
    "patch, address",
    [
        (offers(card={"weights": [{"weight": 78}]}), CARD),
        (offers(card={"weights": None}), CARD),
        (offers(saver={"label": "Beside it"}), "shop/offer.saver"),
        (offers(saver=None), "shop/offer.saver"),
        ({"specs/shared.yaml": {"operators": {"eve": {"profile": "administrator"}}}}, "operator.eve"),
    ],
)
def test_what_matters(repository: Workspace, patch: dict[str, Any], address: str) -> None:
    bundle = read(applied(repository)).bundle
    repository.change(patch)
    found = now(repository, bundle)
    assert address in {each.address for each in found.differing}
    assert set(refused(check, found)) == {Code.MEANING}
    assert set(refused(apply_read, repository.session("ada", environ=HERE), found)) == {Code.MEANING}
    with repository.store() as store:
        assert store.last_serial() == 1


@pytest.mark.embedded
def test_what_somebody_else_changed_since(repository: Workspace) -> None:
    """What the offer was before is read as well: the same change of something else is another one."""
    bundle = read(applied(repository)).bundle
    was = repository.files[OFFERS]["offers"]["gold-card"]["weights"]
    repository.change(offers(card={"weights": [{"weight": 50}]}))
    repository.apply("olga")
    repository.change(offers(card={"weights": was}))
    assert [each.address for each in now(repository, bundle).differing] == [CARD]


@pytest.mark.embedded
def test_what_was_read_is_applied_and_recorded(repository: Workspace) -> None:
    bundle = read(applied(repository)).bundle
    made = apply_read(repository.session("ada", environ=HERE), now(repository, bundle), "for nothing").revision
    assert made.details["meaning"] == bundle.meaning
    assert (made.details["pull_request"], made.details["head"]) == (7, bundle.subject.head)
    assert not {"allowed", "read"} & made.details.keys()
    repository.change(offers(saver={"label": "Not read"}))
    other = now(repository, read(repository).bundle)
    late = replace(
        other, read=bundle, differing=compare(repository.session("ada", environ=HERE), bundle, OURS).differing
    )
    made = apply_read(repository.session("ada", environ=HERE), late, "the shop is on fire").revision
    assert made.details["meaning"] == meaning_of(facts_of(other.plan))
    assert (made.details["read"], made.details["allowed"]) == (bundle.meaning, "the shop is on fire")
    with repository.store() as store:
        different, as_read, _ = history(store, "", "", 0)
    assert as_read.read == f"as read in pull request 7: meaning {bundle.meaning[:14]}" and not as_read.override
    assert different.read.startswith("not as read in pull request 7") and "the shop is on fire" in different.override


@pytest.mark.embedded
def test_the_store_itself_tells_what_a_plan_means(repository: Workspace) -> None:
    """Who says over the network that a plan is what was read is not believed: the server looks."""
    plan = applied(repository).plan()
    lie = ReadPlan("1:" + "0" * 64, 7)
    assert refused(apply, repository.session("ada", as_read=lie), plan) == [Code.MEANING]
    asked = {"plan": envelope(plan).decode(), "as_read": {"meaning": lie.meaning, "pull_request": 7, "head": ZERO}}
    with client(repository) as asking:
        ada = {"Authorization": f"Bearer {token(repository, 'ada', ALL_SCOPES)}"}
        assert Code.MEANING in asking.post("/api/v1/store/apply", json=asked, headers=ada).text
        for wrong in ({"meaning": "x"}, {"meaning": lie.meaning, "head": "main"}, {"meaning": lie.meaning, "x": 1}):
            answer = asking.post("/api/v1/store/apply", json={**asked, "as_read": wrong}, headers=ada)
            assert answer.status_code == 422
        asked["as_read"]["meaning"] = meaning_of(facts_of(plan))  # type: ignore[index]
        details = asking.post("/api/v1/store/apply", json=asked, headers=ada).json()["revision"]["details"]
    assert (details["meaning"], details["pull_request"], details["head"]) == (meaning_of(facts_of(plan)), 7, ZERO)


@pytest.mark.embedded
def test_each_environment_that_changes_has_its_texts(repository: Workspace, tmp_path: Path) -> None:
    applied(repository).change({"specs/shared.yaml": {"operators": {"eve": {"profile": "administrator"}}}})
    commit(repository)
    save(read(repository), tmp_path / "read")
    there = sorted(path.relative_to(tmp_path / "read").as_posix() for path in (tmp_path / "read").rglob("*.*"))
    each = ("comment.md", "report.html", "report.json")
    assert there == [
        "offerkit-ci.json",
        "plan.json",
        *(f"{name}/{file}" for name in ("shared", "shop") for file in each),
    ]
    first = (tmp_path / "read/shop/comment.md").read_text().split("\n")[0]
    part = opened(tmp_path / "read").bundle.parts[1]
    head = git(repository.root, "rev-parse", "HEAD")
    assert first == f'<!-- offerkit {{"v":1,"env":"shop","meaning":"{part.meaning}","head":"{head}"}} -->'
    git(repository.root, "checkout", "-qf", "main")
    save(read(repository), tmp_path / "read")
    assert [path.name for path in (tmp_path / "read").iterdir()] == ["offerkit-ci.json"]
    assert opened(tmp_path / "read").bundle.parts == ()


@pytest.mark.embedded
def test_the_head_is_the_pull_requests_own_commit(repository: Workspace) -> None:
    """Also where a forge's merge of it is checked out; and what is not checked out is read from git."""
    head = git(repository.root, "rev-parse", "HEAD")
    made = read(applied(repository)).bundle.meaning
    git(repository.root, "checkout", "-q", "main")
    other = read(repository, PullRequestRef(7, head, "main"))
    assert (other.bundle.subject.head, other.bundle.meaning) == (head, made)
    repository.files = base()
    repository.change(offers(safari={"label": "Moved on"}))
    commit(repository)
    git(repository.root, "checkout", "-q", "--detach")
    git(repository.root, "merge", "-q", "--no-edit", "heavier")
    pulled = {"GITHUB_REF": "refs/pull/7/merge", "GITHUB_BASE_REF": "main"}
    assert subject_of(repository.session(environ=HERE | pulled), PullRequestRef()) == PullRequestRef(7, head, "main")
    assert read(repository, PullRequestRef(), **pulled).bundle.subject == PullRequestRef(7, head, "main")
    queued = {"GITHUB_REF": f"refs/heads/gh-readonly-queue/main/pr-7-{head}"}
    assert expected(repository.session(environ=HERE | queued), PullRequestRef()) == PullRequestRef(7, "", "")
    merged = {"CI_MERGE_REQUEST_IID": "9", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head}
    assert subject_of(repository.session(environ=HERE | merged), PullRequestRef()) == PullRequestRef(9, head, "")
    bundle = Bundle(PullRequestRef(7, head, "main"), STORE, ())
    for subject, environ in (
        (PullRequestRef(8), {}),
        (PullRequestRef(7, ZERO), {}),
        (PullRequestRef(), {"GITHUB_REF": "refs/pull/8/merge"}),
    ):
        assert refused(now, repository, bundle, subject, **environ) == [Code.BUNDLE_OTHER]
    assert refused(read, repository, PullRequestRef(7, "nowhere", "main")) == [Code.GIT]


class Kept:
    """A forge, as far as bundles are asked for: a pull request that was merged, and what runs kept."""

    def __init__(self, info: PullRequestInfo, bundles: dict[str, bytes]) -> None:
        self.info, self.bundles = info, bundles

    def pull_request(self, number: int) -> PullRequestInfo:
        assert number == self.info.number
        return self.info

    def pull_requests_of(self, commit: str) -> list[PullRequestInfo]:
        return [self.info, replace(self.info, number=8, state=PullState.OPEN)]

    def bundle(self, head: str) -> bytes | None:
        return self.bundles.get(head)


@pytest.mark.embedded
def test_the_bundle_that_the_forge_keeps(repository: Workspace, tmp_path: Path) -> None:
    """Of the pull request that was merged as what is checked out, or of the one that is named, by its head now."""
    head = git(applied(repository).root, "rev-parse", "HEAD")
    git(repository.root, "checkout", "-q", "main")
    git(repository.root, "merge", "-q", "--squash", "heavier")
    merged = commit(repository)
    write(tmp_path / "kept.zip", [(INDEX, index_bytes(Bundle(PullRequestRef(0, head), STORE, ())))])
    info = PullRequestInfo(7, PullState.MERGED, head, "main", None, True, merged)
    forge: Any = Kept(info, {head: (tmp_path / "kept.zip").read_bytes()})
    session = repository.session("ada", environ=HERE)
    for given in (PullRequestRef(), PullRequestRef(7), PullRequestRef(7, head)):
        found, wanted = bundle_at(session, forge, given)
        assert wanted == PullRequestRef(7, head, "main")
        assert compare(session, found.bundle, wanted).subject.number == 7  # a fork's was made without a number
    queued = repository.session(environ=HERE | {"GITHUB_REF": f"refs/heads/gh-readonly-queue/main/pr-7-{head}"})
    assert bundle_at(queued, forge, PullRequestRef())[1].head == head
    assert refused(bundle_at, session, forge, PullRequestRef(7, ZERO)) == [Code.BUNDLE_OTHER]
    for other in ({"merged_as": ZERO}, {"state": PullState.OPEN}):
        forge.info = replace(info, **other)
        assert refused(bundle_at, session, forge, PullRequestRef()) == [Code.BUNDLE_OTHER]
    forge.info = replace(info, head=ZERO)
    assert refused(bundle_at, session, forge, PullRequestRef(7)) == [Code.BUNDLE]
    forge.bundles[ZERO] = forge.bundles[head]  # kept under the name of another head
    found, wanted = bundle_at(session, forge, PullRequestRef(7))
    assert refused(compare, session, found.bundle, wanted) == [Code.BUNDLE_OTHER]


@pytest.mark.embedded
def test_what_is_not_checked_out_is_planned_as_it_would_be_merged(repository: Workspace) -> None:
    """A branch that is behind deletes nothing, and a schedule on main checks it as well."""
    head = git(applied(repository).root, "rev-parse", "HEAD")
    git(repository.root, "checkout", "-q", "main")
    repository.files = base()
    repository.change(offers(safari={"label": "Moved on"}, trip={"category": "travel", "content": {"title": "Trip"}}))
    commit(repository)
    repository.apply("ada")
    found = read(repository, PullRequestRef(7, head, "main"))
    assert [str(step.address) for step in found.plan.steps] == [CARD]
    session = repository.session("ada", environ=HERE)
    assert compare(session, found.bundle, PullRequestRef(7, head), merged=True).same
    assert not compare(session, found.bundle, PullRequestRef(7, head)).same
    repository.change(offers(card={"weights": [{"weight": 1}]}))
    commit(repository)
    conflicting = read(repository, PullRequestRef(7, head, "main"))  # it cannot be merged: as it is by itself
    assert "shop/offer.trip" in [str(step.address) for step in conflicting.plan.steps]
    assert not (repository.root / ".git/MERGE_HEAD").exists()


@pytest.mark.embedded
def test_the_fields_of_a_difference_are_told(repository: Workspace, tmp_path: Path) -> None:
    save(read(applied(repository)), tmp_path / "read")
    repository.change(offers(card={"weights": [{"weight": 78}]}))
    kept = opened(tmp_path / "read")
    with pytest.raises(Refused) as caught:
        check(now(repository, kept.bundle), kept)
    (told,) = caught.value.diagnostics
    assert "Read: weights[1].weight 10 → 77. Now: weights[1].weight 10 → 78." in told.detail
    (tmp_path / "read/shop/report.json").write_text("{}")  # it says less then, and decides the same
    assert refused(check, now(repository, kept.bundle), kept) == [Code.MEANING]


@pytest.mark.embedded
def test_all_that_is_open(repository: Workspace, tmp_path: Path) -> None:
    """On main, by a schedule: each as it would be merged; nothing is said to be checked that was not."""
    head = git(applied(repository).root, "rev-parse", "HEAD")
    save(read(repository), tmp_path / "kept.zip")
    git(repository.root, "checkout", "-q", "main")
    repository.files = base()
    info = PullRequestInfo(7, PullState.OPEN, head, "main", None, False)
    forge: Any = Kept(info, {head: (tmp_path / "kept.zip").read_bytes(), ZERO: b""})
    others = (replace(info, number=8, head=ZERO), replace(info, number=9, head="1" * 40), replace(info, base="other"))
    forge.open_pull_requests = lambda: [info, *others]
    session = repository.session("ada", environ=HERE)
    first, second, third = check_open(session, forge, "main")
    assert (first.number, first.found, first.skipped) == (7, (), "")
    assert (second.skipped, third.skipped) == ("its head is not in this clone", "it has no bundle")
    repository.change(offers(card={"weights": [{"weight": 50}]}))
    repository.apply("olga")
    first, *_ = check_open(session, forge, "main")
    assert {each.code for each in first.found} == {Code.MEANING}
    forge.bundles[head] = b"PK"
    first, *_ = check_open(session, forge, "main")
    assert {each.code for each in first.found} == {Code.BUNDLE}


@pytest.mark.embedded
def test_a_project_that_begins(tmp_path: Path) -> None:
    """Its first pull request has nothing before it, and its first apply makes the store."""
    shop = Workspace(tmp_path / "shop")
    git(shop.root, "init", "-qb", "main")
    (shop.root / ".gitignore").write_text(".offerkit/\n")
    git(shop.root, "add", ".gitignore")
    git(shop.root, "commit", "-qm", "Begin")
    git(shop.root, "checkout", "-qb", "begun")
    commit(shop)
    bundle = read(shop).bundle
    assert {fact[3] for fact in bundle.facts if fact[0] == "step"} == {"create"}
    session = shop.session("ada", environ=HERE)
    assert compare(session, bundle, OURS).same
    made = apply_read(session, compare(session, bundle, OURS, begins=True)).revision
    assert (made.serial, made.details["meaning"]) == (1, meaning_of(facts_of(planned_again(shop))))


def planned_again(shop: Workspace) -> Plan:
    shop.location = shop.root / "other.db"
    return shop.plan()


@pytest.mark.embedded
def test_a_checkout_that_is_older_than_what_was_applied(repository: Workspace) -> None:
    git(repository.root, "checkout", "-q", "main")
    repository.files = base()
    repository.change(offers(trip={"category": "travel", "content": {"title": "Trip"}}))
    commit(repository)
    session = repository.session("ada", environ=HERE)
    plan = repository.plan()
    apply(replace(session, origin=origin_of(session, plan, plan)), plan)
    git(repository.root, "checkout", "-q", "heavier")
    (request,) = read(repository).requests
    assert [found.code for found in request.warnings] == [Code.NOT_ON_APPLIED]
    assert request.behind is not None and [str(gone) for gone in request.behind.addresses] == ["shop/offer.trip"]


def test_what_a_policy_denies_is_said_and_not_applied(repository: Workspace, tmp_path: Path) -> None:
    shop = applied(repository)
    light = {"require": "offer.weight < 50", "message": "Too heavy."}
    shop.change({"specs/shop/policies.yaml": {"version": 1, "policies": {"light": light}}})
    commit(shop)
    found = read(shop)
    assert [each.code for each in found.denied] == [Code.POLICY_DENIED]
    [request] = found.requests
    assert request.warnings[0].severity.value == "error" and not found.bundle.plan
    save(found, tmp_path / "read")
    [text] = (tmp_path / "read").glob("*/comment.md")
    assert "**Denied by a policy**: shop/policy.light denies shop/offer.gold-card: Too heavy." in text.read_text()
    bundle = opened(tmp_path / "read").bundle
    assert refused(now, shop, bundle) == [Code.POLICY_DENIED]


def test_a_push_of_nothing_needs_no_pull_request(repository: Workspace) -> None:
    assert not nothing_to_apply(repository.session("ada", environ=HERE))
    shop = applied(repository)
    assert not nothing_to_apply(shop.session("ada", environ=HERE))
    git(shop.root, "checkout", "-q", "main")
    (shop.root / "README.md").write_text("Words.\n")
    commit(shop)
    done = offerkit(["ci", "apply"], shop.root, HERE)
    assert (done.code, done.out) == (0, b"Nothing to apply: the specs are in design already.\n")


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
def test_what_is_wrong_is_all_that_is_printed_for_a_forge(repository: Workspace, form: str) -> None:
    here = HERE | {"OFFERKIT_OPERATOR": "ada"}
    fine = offerkit(["ci", "plan", "--base", "main", "--out", "read.zip", "--format", form], repository.root, here)
    plan = offerkit(["plan", "--format", form], repository.root, here)
    check = offerkit(["ci", "check", "--bundle", "none.zip", "--format", form], repository.root, here)
    assert (fine.code, plan.code, check.code) == (0, 0, 1)
    for done, codes in ((fine, []), (plan, []), (check, ["OFR920"])):
        made = orjson.loads(done.out)
        found = made["runs"][0]["results"] if form == "sarif" else made
        assert [one.get("ruleId") or one["check_name"] for one in found] == codes
    assert b"Saved to" in fine.err


@pytest.mark.embedded
def test_whom_a_change_reaches_is_not_said_of_profiles_and_operators(repository: Workspace) -> None:
    source = {"specs/shared.yaml": {"dimensions": {"person": {"source": {"format": "csv", "path": "people.csv"}}}}}
    (repository.root / "people.csv").write_text("id,email,first_name,age,country\n8,ana@example.com,Ana,40,FR\n")
    git(repository.root, "checkout", "-qf", "main")
    repository.files = base()
    repository.change(source)
    commit(repository)
    repository.go_live()
    repository.change(offers(card={"eligible": {"when": "person.age > 90"}}))
    repository.change({"specs/shared.yaml": {"profiles": {"sender": {"rights": [{"verb": "deliver"}]}}}})
    shared, shop = planned(repository.session("ada", environ=HERE), OURS, ImpactRequest()).requests
    assert shop.impact is not None and any(space.changed for space in shop.impact.spaces)
    assert shared.impact is not None and not shared.impact.spaces
    repository.change({"specs/shared.yaml": {"dimensions": {"person": {"label": "Somebody"}}}})
    shared, _ = planned(repository.session("ada", environ=HERE), OURS, ImpactRequest()).requests
    assert shared.impact is not None and any(space.changed for space in shared.impact.spaces)


def test_contacts_that_cannot_be_read_are_not_described_to_those_who_read_the_report(
    repository: Workspace, tmp_path: Path
) -> None:
    git(repository.root, "checkout", "-qf", "main")
    source = {"format": "csv", "path": "people.csv"}
    repository.change({"specs/shared.yaml": {"dimensions": {"person": {"source": source}}}})
    (repository.root / "people.csv").write_text(
        "id,email,first_name,age,country\n8,ana@example.com,Ana,forty,FR\n7,,,9,\n7,,,9,\n"
    )
    commit(repository)
    git(repository.root, "checkout", "-qb", "light")
    repository.change(offers(card={"weights": [{"weight": 7}]}))
    commit(repository)
    made = planned(repository.session("ada", environ=HERE), OURS, ImpactRequest())
    save(made, tmp_path / "read")
    texts = [path.read_text() for path in (tmp_path / "read").rglob("*.*")]
    assert not [text for text in texts if "ana@" in text or "forty" in text or "“7”" in text]
    assert "the contacts of shop cannot be read" in (tmp_path / "read/shop/comment.md").read_text()
    assert "offerkit plan --impact" in (tmp_path / "read/shop/comment.md").read_text()
