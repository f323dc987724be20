"""GitLab, asked as its documentation says: notes, approvals with the head that they are of, commits, issues."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.fake_forge import TOKEN, cut, lost, status
from helpers.fake_gitlab import OWN, PATH, FakeGitLab

from offerkit.diagnostics import Refused
from offerkit.forges.api import AnswerLost, Api
from offerkit.forges.forge import Account, PullState
from offerkit.forges.gitlab import GitLab, gitlab_headers

pytestmark = pytest.mark.embedded
HEAD, OTHER = "a" * 40, "b" * 40


@pytest.fixture
def fake() -> Iterator[FakeGitLab]:
    """A GitLab that nobody asks for what its API does not have."""
    made = FakeGitLab()
    yield made
    made.close()
    assert not made.problems


@pytest.fixture
def gitlab(fake: FakeGitLab) -> GitLab:
    """The client, with a project's full path."""
    return GitLab(
        Api("GitLab", fake.api, TOKEN, gitlab_headers(TOKEN), lambda text: None, sleep=lambda seconds: None), PATH
    )


def test_who_and_what(fake: FakeGitLab, gitlab: GitLab) -> None:
    ana = fake.person("ana", 1)
    assert gitlab.account() == Account(OWN["id"], OWN["username"])
    assert (gitlab.login(1), gitlab.login(2), gitlab.default_branch()) == ("ana", "", "main")
    fake.pull(7, HEAD, ana)
    fake.pull(8, HEAD, ana, state="merged", squash_commit_sha=OTHER, source_project_id=None)
    fake.pull(9, HEAD, ana, state="merged", source_project_id=7)
    first, second, third = gitlab.pull_requests_of(OTHER)
    assert (first.number, first.state, first.head, first.base, first.author, first.from_fork, first.merged_as, first.base_commit) == (
        7, PullState.OPEN, HEAD, "main", Account(1, "ana"), False, "", "c" * 40
    )  # fmt: skip
    assert gitlab.open_pull_requests() == [first]
    assert (second.state, second.from_fork, second.merged_as) == (PullState.MERGED, True, OTHER)
    assert (third.from_fork, third.merged_as) == (True, HEAD)
    with pytest.raises(Refused, match="refuses GET /api/v4/projects/acme%2Fshop%2Foffers/merge_requests/6 with 404"):
        gitlab.pull_request(6)


def test_an_approval_is_of_the_head_of_its_time(fake: FakeGitLab, gitlab: GitLab) -> None:
    ana, ben, cleo = fake.person("ana", 1), fake.person("ben", 2), fake.person("cleo", 3)
    fake.pull(7, OTHER, ana)
    assert gitlab.reviews(7) == []
    fake.version(HEAD, "2026-01-01T10:00:00.000Z")
    fake.version(OTHER, "2026-01-01T12:00:00.000Z")
    fake.approve(cleo, "2026-01-01T11:00:00.000Z")
    fake.approve(ben, None)  # an older GitLab
    fake.comment(ben, "approved this merge request", at="2026-01-01T13:30:00.000Z")  # a person wrote that
    with pytest.raises(Refused, match="does not tell when ben approved 7"):
        gitlab.reviews(7)
    fake.comment(ben, "approved this merge request", system=True, at="2026-01-01T11:30:00.000Z")
    fake.comment(ben, "approved this merge request", system=True, at="2026-01-01T12:30:00.000Z")
    assert [(r.account, r.commit, r.dismissed) for r in gitlab.reviews(7)] == [
        (Account(3, "cleo"), HEAD, False),
        (Account(2, "ben"), OTHER, False),
    ]
    fake.approved[0]["approved_at"] = "2025-01-01T11:00:00.000Z"  # before there was anything to approve
    assert gitlab.reviews(7)[0].commit == ""


def test_the_accounts_of_commits(fake: FakeGitLab, gitlab: GitLab) -> None:
    fake.pull(7, HEAD, fake.person("ana", 1))
    fake.commit(HEAD, fake.people[1], ("a@x", "a@x"), "VERIFIED")
    fake.commit(OTHER, fake.people[1], ("a@x", "b@x"), "UNVERIFIED")
    fake.commit("c" * 40, None, ("?@x", "?@x"))
    assert [(c.author, c.committer, c.verified) for c in gitlab.commits_of(7)] == [
        (Account(1, "ana"), Account(1, "ana"), True), (Account(1, "ana"), None, False), (None, None, False)
    ]  # fmt: skip
    assert gitlab.commit(OTHER).author_email == "a@x"
    with pytest.raises(Refused, match="missing or of another type"):
        gitlab.commit("d" * 40)


def test_notes_and_issues(fake: FakeGitLab, gitlab: GitLab) -> None:
    fake.comment(OWN, "added 1 commit", system=True)
    made = gitlab.create_comment(7, "x" * 70_000)
    assert gitlab.comments(7) == [made]
    assert gitlab.update_comment(7, made.id, "y")
    assert not gitlab.update_comment(7, 1, "y")
    fake.fault("DELETE", cut, status(502))
    gitlab.delete_comment(7, made.id)
    gitlab.delete_comment(7, made.id)
    fake.fault("POST", lost)
    with pytest.raises(AnswerLost):
        gitlab.create_comment(7, "z")
    issue = gitlab.create_issue("drift", "body")
    own = gitlab.account()
    assert gitlab.issues(own) == [issue]
    assert gitlab.update_issue(issue.number, title="t", body="b", is_open=False)
    assert gitlab.issues(own) == []
    assert not gitlab.update_issue(1, title="t", body="b", is_open=True)


def test_the_newest_bundle_of_the_project_itself(fake: FakeGitLab, gitlab: GitLab) -> None:
    kept = {"filename": "artifacts.zip", "size": 1}
    assert gitlab.bundle(HEAD) is None
    merge = "d" * 40
    fake.pull(7, HEAD, fake.person("ana", 1))
    fake.pipelines.update({8: HEAD, 10: merge, 9: HEAD, 11: OTHER})
    fake.parents[merge] = ["e" * 40, OTHER]
    plan = {"name": "offerkit-plan", "status": "success", "artifacts_file": kept}
    fake.jobs[9] = [{"id": 90, "name": "offerkit-plan", "status": "failed"}, {**plan, "id": 91, "name": "test"}]
    fake.jobs[10] = [{**plan, "id": 100}]
    fake.jobs[11] = [{**plan, "id": 110}]
    assert gitlab.bundle(HEAD) is None
    fake.jobs[8] = [{**plan, "id": 81}, {**plan, "id": 80}]
    assert gitlab.bundle(HEAD) == b"PK81"
    fake.parents[merge] = ["e" * 40, HEAD]  # a pipeline of merged results
    assert gitlab.bundle(HEAD) == b"PK100"
    fake.pulls[7]["source_project_id"] = 66
    assert gitlab.bundle(HEAD) is None
