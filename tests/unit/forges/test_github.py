"""GitHub, asked as its own description of the API says, and with all that goes wrong between here and there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers.fake_forge import HERE, TOKEN, Answer, FakeForge, Fault, cut, half, lost, raw, status
from helpers.fake_github import BOT, REPOSITORY, FakeGitHub

from offerkit.diagnostics import Refused
from offerkit.forges import api as http
from offerkit.forges.api import AnswerLost, Api
from offerkit.forges.forge import Account, PullState, ReviewState
from offerkit.forges.github import GitHub, github_headers

pytestmark = pytest.mark.embedded
HEAD, OTHER = "a" * 40, "b" * 40


def refused(ask: Callable[[], object]) -> str:
    """The one finding, without the token."""
    with pytest.raises(Refused) as caught:
        ask()
    (found,) = caught.value.diagnostics
    assert TOKEN not in repr(caught.value) + found.summary + found.detail + found.hint
    return f"{found.code}: {found.summary}"


def test_whose_token_it_is(fake: FakeGitHub, github: GitHub) -> None:
    assert github.account() == Account(BOT["id"], BOT["login"])  # a workflow's: by GraphQL
    fake.user_is_told = True
    assert github.account() == Account(BOT["id"], BOT["login"])
    assert github.default_branch() == "main"
    fake.person("ana", 1)
    assert (github.login(1), github.login(2)) == ("ana", "")


def test_a_pull_request_and_its_reviews(fake: FakeGitHub, github: GitHub) -> None:
    ana, ben = fake.person("ana", 1), fake.person("ben", 2)
    fake.pull(7, HEAD, ana)
    found = github.pull_request(7)
    assert (found.state, found.head, found.base, found.author, found.from_fork) == (
        PullState.OPEN,
        HEAD,
        "main",
        Account(1, "ana"),
        False,
    )
    fake.pull(8, HEAD, ana, state="closed", merged=True, merged_at="2026-01-02T03:04:05Z", merge_commit_sha=OTHER)
    fake.pulls[8]["head"]["repo"] = None
    assert (github.pull_request(8).state, github.pull_request(8).merged_as, github.pull_request(8).from_fork) == (
        PullState.MERGED,
        OTHER,
        True,
    )
    assert [each.number for each in github.pull_requests_of(OTHER)] == [7, 8]
    assert [each.number for each in github.open_pull_requests()] == [7]
    fake.review(ben, "DISMISSED", OTHER, "2026-01-02T03:04:05Z")
    fake.review(ben, "APPROVED", HEAD, "2026-01-01T03:04:05+02:00")
    fake.review(None, "COMMENTED", HEAD, "2026-01-03T00:00:00Z")
    reviews = github.reviews(7)
    assert [(r.account and r.account.id, r.state, r.commit) for r in reviews] == [
        (2, ReviewState.APPROVED, HEAD), (2, ReviewState.DISMISSED, OTHER), (None, ReviewState.COMMENTED, HEAD)
    ]  # fmt: skip
    assert str(reviews[0].submitted) == "2026-01-01 01:04:05+00:00"
    assert refused(lambda: github.pull_request(9)).startswith(
        "OFR926: GitHub refuses GET /repos/acme/offers/pulls/9 with 404"
    )


def test_all_commits_or_none(fake: FakeGitHub, github: GitHub) -> None:
    ana = fake.person("ana", 1)
    fake.pull(7, HEAD, ana, commits=3)
    fake.commit(HEAD, ana, None, verified=True)
    fake.commit(OTHER, None, ana)
    assert (
        refused(lambda: github.commits_of(7))
        == "OFR925: GitHub gives no usable answer: pull request 7 has 3 commits, and 2 are listed"
    )
    fake.pulls[7]["commits"] = 2
    first, second = github.commits_of(7)
    assert (first.author, first.committer, first.verified) == (Account(1, "ana"), None, True)
    assert (second.author, second.committer, second.verified) == (None, Account(1, "ana"), False)
    assert github.commit(HEAD) == first
    for number in range(300):
        fake.commit(f"{number:040x}", ana, ana)
    fake.pulls[7]["commits"] = 302  # more than GitHub lists of a pull request
    assert len(github.commits_of(7)) == 302


def test_a_thousand_comments(fake: FakeGitHub, github: GitHub) -> None:
    for number in range(1000):
        fake.comment(BOT, str(number))
    assert [each.body for each in github.comments(7)] == [str(number) for number in range(1000)]
    assert len(fake.asked) == 10


LIMITED = {
    "429": (status(429, Retry_After="3"), "3 s"),
    "primary": (
        status(403, x_ratelimit_remaining="0", x_ratelimit_reset="1767225600", Date="Wed, 31 Dec 2025 23:59:30 GMT"),
        "31 s",
    ),
    "a date": (status(429, Retry_After="Thu, 01 Jan 2026 00:00:07 GMT", Date="Thu, 01 Jan 2026 00:00:00 GMT"), "7 s"),
    "secondary": (status(403, {"message": "You have exceeded a secondary rate limit"}), "60 s"),
    "nonsense": (status(429, Retry_After="-7", x_ratelimit_reset="soon"), "60 s"),
}


@pytest.mark.parametrize("name", LIMITED)
def test_a_rate_limit_is_waited_for_and_told(fake: FakeGitHub, github: GitHub, told: list[str], name: str) -> None:
    fault, seconds = LIMITED[name]
    fake.fault("POST .*comments", fault, fault)
    assert github.create_comment(7, "x").body == "x"
    assert told == [f"GitHub limits the rate of requests; trying again in {seconds}"] * 2
    assert len(fake.comments) == 1


def test_a_limit_that_is_too_long_is_told_at_once(fake: FakeGitHub, github: GitHub) -> None:
    fake.fault("GET", status(429, Retry_After="3000"))
    assert refused(lambda: github.comments(7)) == (
        "OFR927: GitHub limits the rate of requests: GET /repos/acme/offers/issues/7/comments would have to wait 50 min"
    )
    fake.fault("GET", *[status(429, Retry_After="400")] * 3)
    assert refused(lambda: github.comments(7)).startswith("OFR927")  # 600 s are waited at most, all in all


def test_a_limit_of_a_second_is_not_asked_about_each_second(fake: FakeGitHub, github: GitHub) -> None:
    fake.fault("GET", *[status(429, Retry_After="0")] * 20)
    assert refused(lambda: github.comments(7)).startswith("OFR927")
    assert len(fake.asked) == 10


ONCE_BROKEN: dict[str, Fault] = {
    "502": status(502),
    "503": status(503, Retry_After="2"),
    "500": status(500),
    "nothing": lost,
    "cut": cut,
    "half": half,
    "a page": raw(b"<html>We'll be back</html>"),
    "empty": raw(b""),
}
CREATING = {**ONCE_BROKEN, "a list": raw(b"[]", 201)}


@pytest.mark.parametrize("name", ONCE_BROKEN)
def test_what_breaks_is_asked_again(fake: FakeGitHub, github: GitHub, told: list[str], name: str) -> None:
    number = fake.comment(BOT, "old")
    fake.fault("GET", *[ONCE_BROKEN[name]] * 3)
    assert [each.body for each in github.comments(7)] == ["old"]
    assert len(told) == 3
    fake.fault("GET", *[ONCE_BROKEN[name]] * 4)
    assert refused(lambda: github.comments(7)).startswith(
        "OFR925: GitHub cannot be used: GET /repos/acme/offers/issues/7/comments: "
    )
    if name in ("502", "nothing", "cut"):
        fake.fault("PATCH", ONCE_BROKEN[name])
        assert github.update_comment(7, number, "new")
        assert fake.comments[number]["body"] == "new"


@pytest.mark.parametrize("name", ["nothing", "cut", "half", "502", "500", "503", "a page", "a list"])
def test_what_may_have_been_created_is_not_created_again(fake: FakeGitHub, github: GitHub, name: str) -> None:
    fake.fault("POST", CREATING[name])
    with pytest.raises(AnswerLost):
        github.create_comment(7, "x")
    assert sum(line.startswith("POST") for line in fake.asked) == 1


def test_what_is_gone_is_no_error(fake: FakeGitHub, github: GitHub) -> None:
    assert not github.update_comment(7, 99, "x")
    github.delete_comment(7, 99)
    number = fake.comment(BOT, "x")
    fake.fault("DELETE", lost)  # the second try finds nothing
    github.delete_comment(7, number)
    assert not fake.comments


def test_nobody_else_is_asked(fake: FakeGitHub, github: GitHub) -> None:
    """A link, a redirect: the token stays with the host that was named."""
    elsewhere = FakeGitHub()
    page, moved = f'<{elsewhere.url}/repos/acme/offers/issues/7/comments?page=2>; rel="next"', f"{elsewhere.url}/x"
    for fault, what in (
        (status(200, [], Link=page), "a page"),
        (status(307, Location=moved), "a redirect"),
        (status(302, Location="//evil.example/x"), "a redirect"),
        (status(301, Location="http://user@127.0.0.1/x"), "a redirect"),
        (status(200, [], Link='<http://[::1/x>; rel="next"'), "a page"),
    ):
        fake.fault("GET", fault)
        assert f"leads with {what} to another host" in refused(lambda: github.comments(7)), what
    assert elsewhere.asked == []
    elsewhere.close()


def test_a_renamed_repository_is_followed(fake: FakeGitHub, github: GitHub) -> None:
    fake.comment(BOT, "x")
    fake.fault("GET", status(301, Location=f"{fake.url}/repos/acme/offers/issues/7/comments"))
    assert len(github.comments(7)) == 1
    fake.fault("GET", *[status(301, Location="/repos/acme/offers/issues/7/comments")] * 9)
    assert "redirected without end" in refused(lambda: github.comments(7))


@pytest.mark.parametrize(
    "answer",
    [
        b"{}",
        b"[1]",
        b'[{"id": "1"}]',
        b'[{"id": true, "user": null, "body": ""}]',
        b'[{"id": 1, "user": {"id": -1}}]',
        b"null",
        b'"x"',
        b"[{}]",
    ],
)
def test_wrong_json_is_told(fake: FakeGitHub, github: GitHub, answer: bytes) -> None:
    fake.fault("GET", raw(answer))
    assert refused(lambda: github.comments(7)).startswith("OFR925: GitHub gives no usable answer: ")


def test_an_answer_is_bounded(fake: FakeGitHub, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST", 1024**2)
    fake.fault("GET", raw(b"[" + b" " * 2 * 1024**2 + b"]"))
    assert "larger than 1 MB" in refused(lambda: github.comments(7))
    monkeypatch.setattr(http, "MOST_PAGES", 2)
    for number in range(300):
        fake.comment(BOT, str(number))
    assert "has no last page" in refused(lambda: github.comments(7))


def test_a_silent_server_is_told(fake: FakeGitHub, github: GitHub) -> None:
    import threading

    github.api.timeouts = (0.2, 0.2)
    hold = threading.Event()

    def silent(carry_out: object) -> None:
        hold.wait(5)

    fake.fault("GET", silent)  # type: ignore[arg-type] # it closes the connection at last
    fake.fault("GET", *[status(502)] * 3)
    try:
        assert refused(lambda: github.comments(7)).startswith("OFR925: GitHub cannot be used")
    finally:
        hold.set()


def test_what_a_forge_says_is_one_short_line(fake: FakeGitHub, github: GitHub) -> None:
    fake.fault("GET", status(422, {"message": f"bad \x1b[31m {TOKEN}\nline\u202e" + "x" * 5000}))
    told = refused(lambda: github.comments(7))
    assert "\x1b" not in told and "\n" not in told and "\u202e" not in told and len(told) < 400
    fake.fault("GET", status(401, {"message": "Bad credentials"}))
    assert refused(lambda: github.comments(7)).endswith("with 401: Bad credentials")


@pytest.mark.parametrize(
    "url",
    [
        "http://github.example",
        "ftp://x",
        "https://",
        "https://a:b@x",
        "https://x/?a=1",
        "https://x:0",
        "x",
        "https://[::1",
        "http://127.0.0.1.evil.example",
    ],
)
def test_only_tls_or_this_machine(url: str) -> None:
    assert "OFR928" in refused(lambda: Api("GitHub", url, TOKEN, {}, print))


def test_nobody_listens(told: list[str]) -> None:
    gone = FakeGitHub()
    gone.close()
    github = GitHub(
        Api("GitHub", gone.url, TOKEN, github_headers(TOKEN), told.append, sleep=lambda seconds: None), REPOSITORY
    )
    assert "connection refused" in refused(lambda: github.create_comment(7, "x"))
    assert len(told) == 3  # nothing can have been created


class Storage(FakeForge):
    """Where GitHub keeps artifacts: another host, which must not hear the token."""

    def headers_problem(self, headers: dict[str, str]) -> str:
        return "the token was sent" if "authorization" in headers or TOKEN in str(headers) else ""

    def special(self, method: str, path: str, body: bytes) -> Answer:
        return Answer(200, raw=b"PK" + path.encode())


def test_the_newest_bundle_of_the_repository_itself(fake: FakeGitHub, github: GitHub) -> None:
    storage = Storage(HERE / "gitlab_api.json")
    fake.elsewhere = storage.url
    assert github.bundle(HEAD) is None
    fake.artifact(f"offerkit-{HEAD}", of=99)  # a fork's
    fake.artifact(f"offerkit-{HEAD}", "push")
    fake.artifact(f"offerkit-{HEAD}", expired=True)
    fake.artifact(f"offerkit-{OTHER}")
    assert github.bundle(HEAD) is None
    older, newer = fake.artifact(f"offerkit-{HEAD}"), fake.artifact(f"offerkit-{HEAD}", "workflow_run")
    fake.artifact(f"offerkit-{HEAD}", of=99)
    assert github.bundle(HEAD) == f"PK/{newer}".encode() != f"PK/{older}".encode()
    storage.fault("GET", status(503), cut, lost)
    assert github.bundle(HEAD) == f"PK/{newer}".encode()
    storage.fault("GET", status(302, Location=fake.url))
    assert "redirected twice" in refused(lambda: github.bundle(HEAD))
    storage.close()
    assert not storage.problems
    for elsewhere in ("http://storage.example", "https://user:secret@x", "file:///etc", "//[::1"):
        fake.elsewhere = elsewhere
        told = refused(lambda: github.bundle(HEAD))
        assert "not https" in told and "secret" not in told
