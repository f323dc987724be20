"""Reviews of a pull request become approvals: whose, of what, and when they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.fake_forge import TOKEN
from helpers.fake_github import REPOSITORY, FakeGitHub
from helpers.serving import client
from helpers.tokens import token
from helpers.workspace import Workspace

from offerkit.applier import commit, verify
from offerkit.diagnostics import Code, Refused
from offerkit.forges.api import Api
from offerkit.forges.github import GitHub, github_headers
from offerkit.governance.rights import scopes_of
from offerkit.usecases.ci_approve import confirmed, reviewed
from offerkit.usecases.history import history
from offerkit.usecases.relay import relay
from offerkit.usecases.requests import RecordedReview, RelayOutcome, RelayRequest

OPERATORS, OFFERS = "specs/shared.yaml", "specs/shop/offers.yaml"
GOLD, SAVER = "shop/offer.gold-card", "shop/offer.saver"
ACCOUNTS = {"brand": 11, "risk": 12, "omar": 13, "olga": 14}
HEAD, MERGED, OTHER, MEANING = "a" * 40, "b" * 40, "c" * 40, "1:" + "d" * 64
NUMBER = 12


class Pull:
    """A pull request that omar wrote, and what has become of it."""

    def __init__(self, shop: Workspace) -> None:
        self.shop, self.fake = shop, FakeGitHub()
        self.people = {name: self.fake.person(name, number) for name, number in ACCOUNTS.items()}
        self.pull = self.fake.pull(
            NUMBER, HEAD, self.people["omar"], state="closed", merged_at="2026-01-02T00:00:00Z", merge_commit_sha=MERGED
        )
        self.fake.commit(HEAD, self.people["omar"], self.people["omar"], verified=True)
        self.forge = GitHub(
            Api("GitHub", self.fake.url, TOKEN, github_headers(TOKEN), print, sleep=lambda seconds: None), REPOSITORY
        )

    def apply(self, patch: dict[str, Any], who: str = "robot", **details: Any) -> int:
        """Change the specs and apply them as ``ci apply`` does."""
        self.shop.change(patch)
        session, plan = self.shop.session(who), self.shop.plan()
        said = {"authors": ["omar"], "commit": MERGED, "meaning": MEANING, "pull_request": NUMBER, "head": HEAD}
        with session.writing() as store, store.lock(who=who, timeout=0), store.transaction():
            done = commit(verify(plan, store), actor=who, time=session.now, details={**said, **details})
        return done.revision.serial

    def review(self, who: str, state: str = "APPROVED", head: str = HEAD) -> str:
        """A review, one second after the one before."""
        at = f"2026-01-02T00:00:{len(self.fake.reviews):02}Z"
        return str(self.fake.review(self.people[who], state, head, at))

    def read(self) -> RelayRequest:
        """What the forge tells."""
        self.pull["commits"] = len(self.fake.commits)
        return reviewed(self.shop.session("robot"), self.forge, NUMBER, HEAD, MEANING).request

    def relay(self, request: RelayRequest | None = None, who: str = "robot", **more: Any) -> RelayOutcome:
        """Record it."""
        return relay(self.shop.session(who, **more), request or self.read())


@pytest.fixture
def pull(shop: Workspace) -> Iterator[Pull]:
    known = {name: {"accounts": {"github": number}} for name, number in ACCOUNTS.items()}
    robot = {"profile": "administrator", "automation": True}
    shop.change({OPERATORS: {"operators": {**known, "robot": robot}}})
    made = Pull(shop.go_live())
    yield made
    made.fake.close()
    assert not made.fake.problems


def text(title: str) -> dict[str, Any]:
    return {OFFERS: {"offers": {"gold-card": {"content": {"title": title}}}}}


def decided(found: RecordedReview) -> set[str]:
    return {f"{key.aspect} {key.space} {key.address}".replace("  ", " ") for key in found.keys}


def why(pull: Pull, *, read: RelayRequest | None = None, code: Code = Code.NOT_REVIEWED) -> str:
    """Why nothing is recorded; and nothing is."""
    with pull.shop.store() as store:
        before = store.last_serial()
    with pytest.raises(Refused) as caught:
        pull.relay(read)
    with pull.shop.store() as store:
        assert store.last_serial() == before
    assert {found.code for found in caught.value.diagnostics} == {code}
    return "; ".join(f"{found.summary} {found.detail}" for found in caught.value.diagnostics)


def test_a_review_approves_what_its_reviewer_may_and_the_pull_request_changed(pull: Pull) -> None:
    pull.apply({OFFERS: {"offers": {"gold-card": {"content": {"title": "New"}, "weights": [{"weight": 11}]}}}})
    first = pull.review("brand")
    pull.review("risk")
    pull.review("olga")  # no reviewer of it
    done = pull.relay()
    brand, risk = done.recorded
    assert (brand.reviewer, brand.review) == ("brand", first)
    assert decided(brand) == {f"content mail {GOLD}", f"content web {GOLD}"}
    assert decided(risk) == {f"eligibility {GOLD}"}
    assert brand.left == (f"the eligibility of {GOLD} is for risk",)
    assert "olga (offer-manager) is not allowed to approve any of this" in done.refused[0].summary
    with pull.shop.store() as store:
        row = store.revision(brand.revision.serial)
        assert row is not None
        (given,) = {(one.operator, one.comment) for one in store.approvals() if one.revision == row.serial}
    assert (row.action, row.actor, given[0]) == ("approve", "robot", "brand")
    assert row.details["relay"] == {
        "forge": "github", "account": 11, "reviewer": "brand", "review": first, "pull_request": NUMBER, "head": HEAD,
        "meaning": MEANING, "revision": row.serial - 1,
    }  # fmt: skip
    assert given[1] == f"Review {first} of pull request {NUMBER} (github), recorded by robot"
    with pull.shop.store() as store:
        (line, *_) = history(store, "", GOLD, 0)
    assert line.read == f"approved by risk: review {risk.review} of pull request {NUMBER} (github)"
    assert line.review["account"] == 12
    assert pull.shop.promote("ada").steps, "it is approved"
    with pytest.raises(Refused, match="changed since"):
        pull.relay()


def test_a_review_is_recorded_once(pull: Pull) -> None:
    """Also where its approval was taken back since."""
    pull.apply(text("New"))
    pull.review("brand")
    serial = pull.relay().recorded[0].revision.serial
    assert "recorded already, in revision" in pull.relay().standing[0]
    pull.shop.reject("brand", GOLD, content=True)
    assert pull.relay() == RelayOutcome((), (f"review 101 is recorded already, in revision {serial}",), ())


@pytest.mark.parametrize(
    ("reviews", "note"),
    [
        ([("brand", "APPROVED", HEAD), ("brand", "CHANGES_REQUESTED", HEAD)], "is changes requested"),
        ([("brand", "DISMISSED", HEAD)], "is dismissed"),
        ([("brand", "APPROVED", HEAD), ("brand", "DISMISSED", HEAD)], "is dismissed"),
        ([("brand", "APPROVED", OTHER)], f"is of {OTHER[:12]}, not the head"),
        ([("brand", "APPROVED", HEAD), ("brand", "APPROVED", OTHER)], f"is of {OTHER[:12]}, not the head"),
        ([("brand", "COMMENTED", HEAD)], ""),
    ],
)
def test_the_last_word_counts(pull: Pull, reviews: list[tuple[str, str, str]], note: str) -> None:
    for who, state, head in reviews:
        pull.review(who, state, head)
    pull.read()
    found = reviewed(pull.shop.session("robot"), pull.forge, NUMBER, HEAD, MEANING)
    assert found.request.reviews == ()
    assert [note in each for each in found.notes] == ([True] if note else [])
    pull.review("brand")
    pull.review("brand", "COMMENTED")
    assert len(pull.read().reviews) == 1, "a comment takes no approval back"


def test_what_the_forge_says_of_the_pull_request(pull: Pull) -> None:
    for facts, told in (
        ({"head": {**pull.pull["head"], "sha": OTHER}}, f"is at {OTHER[:12]}, and the bundle is of {HEAD[:12]}"),
        ({"merged_at": None, "state": "open"}, "is open, not merged"),
        ({"merged_at": None, "state": "closed"}, "is closed, not merged"),
    ):
        kept = dict(pull.pull)
        pull.pull.update(facts)
        with pytest.raises(Refused, match=told):
            pull.read()
        pull.pull.update(kept)


def test_who_wrote_it_approves_nothing(pull: Pull) -> None:
    """By the pull request's account, by a commit's account or e-mail, by the history; be duties separated or not."""
    pull.apply({OFFERS: {"offers": {"saver": {"content": {"title": "New"}}}}}, authors=["olga"])
    pull.review("omar")
    pull.review("olga")
    told = why(pull)
    assert "omar is an author of the pull request" in told and "olga is an author of the pull request" in told
    assert pull.read().authors == ("omar",)
    stranger = pull.fake.person("omar-private", 99)
    pull.fake.commits.clear()
    pull.pull["user"] = pull.fake.user(stranger)
    pull.fake.commit(HEAD, stranger, pull.people["omar"])
    assert "the author of commit aaaaaaaaaaaa belongs to no operator, by account or e-mail" in pull.read().doubts
    pull.fake.reviews.clear()
    pull.review("olga")
    pull.fake.commit(OTHER, None, None)
    assert "author" in why(pull)


def test_it_is_not_known_who_wrote_it(pull: Pull) -> None:
    pull.apply({OFFERS: {"offers": {"saver": {"content": {"title": "New"}}}}})
    pull.fake.commits[0]["author"] = pull.fake.user(pull.fake.person("somebody", 99))
    pull.review("olga")
    assert "it is not sure that olga is no author: the author of commit aaaaaaaaaaaa" in why(pull)
    pull.fake.commits[0]["author"] = pull.fake.user(pull.people["omar"])
    assert decided(pull.relay().recorded[0]) == {f"content mail {SAVER}", f"content web {SAVER}"}


def test_whose_account_it_is_says_what_stood_before(pull: Pull) -> None:
    """A pull request that maps somebody, enables them or gives them another profile makes nobody a reviewer."""
    mapped: dict[str, Any] = {"dora": {"accounts": {"github": 55}}, "risk": {"accounts": {"github": 77}}}
    mapped["olga"] = {"profile": "administrator"}
    pull.people["dora"] = pull.fake.person("dora", 55)
    pull.apply({**text("New"), OPERATORS: {"operators": mapped}})
    for who in ("dora", "risk", "olga"):
        pull.review(who)
    told = why(pull)
    assert "no operator has that account dora got it by this pull request" in told
    assert told.count("the pull request changes operator") == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"enabled": False}, "the pull request changes operator brand"),
        ({"accounts": {"github": 99}}, "the pull request changes operator brand"),
    ],
)
def test_who_is_disabled_since_approves_nothing(pull: Pull, change: dict[str, Any], told: str) -> None:
    pull.apply({**text("New"), OPERATORS: {"operators": {"brand": change}}})
    pull.review("brand")
    assert told in why(pull)


def test_who_was_disabled_before_approves_nothing(pull: Pull) -> None:
    pull.shop.change({OPERATORS: {"operators": {"brand": {"enabled": False}}}})
    pull.shop.apply("ada")
    pull.apply(text("New"))
    pull.review("brand")
    assert "operator brand is disabled" in why(pull)


def test_an_automation_relays_and_never_approves(pull: Pull) -> None:
    pull.shop.change({OPERATORS: {"operators": {"robot": {"accounts": {"github": 66}}}}})
    pull.shop.apply("ada")
    pull.apply(text("New"))
    pull.people["robot"] = pull.fake.person("robot", 66)
    pull.review("robot")
    assert "robot is an automation, which cannot approve" in why(pull)
    with pytest.raises(Refused, match="ada is a person and cannot relay reviews"):
        pull.relay(who="ada")
    for scope in ("all", "read,approve", "read,apply,promote,stop"):
        with pytest.raises(Refused, match="lacks the scope relay"):
            pull.relay(scopes=scopes_of(scope))


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"meaning": "1:" + "e" * 64}, "has another meaning than what was reviewed"),
        ({"head": OTHER}, "is of another head"),
        ({"commit": OTHER}, f"has applied {OTHER[:12]}, and it was merged as {MERGED[:12]}"),
        ({"commit": None}, "has applied no commit"),
        ({"pull_request": 13}, "pull request 12 is not applied"),
        ({"allowed": "In a hurry"}, "is allowed to differ from what was reviewed"),
    ],
)
def test_what_was_applied_is_what_was_reviewed(pull: Pull, details: dict[str, Any], told: str) -> None:
    pull.apply(text("New"), **details)
    pull.review("brand")
    assert told in why(pull, code=Code.NOT_THE_REVIEWED)


def test_nothing_is_decided_when_something_moved(pull: Pull) -> None:
    pull.apply(text("New"))
    pull.review("brand")
    pull.shop.change({OFFERS: {"offers": {"saver": {"content": {"title": "Another"}}}}})
    pull.shop.apply("omar")
    assert "shop@design has changed since revision" in why(pull, code=Code.NOT_THE_REVIEWED)


def test_what_waited_before_was_not_shown(pull: Pull) -> None:
    """The second change of a text that nobody approved; another offer of the same pull request is approved."""
    pull.shop.change(text("Unseen"))
    pull.shop.apply("omar")
    saver = {"saver": {"content": {"title": "Save more"}}, "new": {"category": "bank", "content": {"title": "N"}}}
    pull.apply({OFFERS: {"offers": {"gold-card": {"content": {"title": "Seen"}}, **saver}}})
    pull.review("olga")
    (done,) = pull.relay().recorded
    assert decided(done) == {
        f"content mail {SAVER}", f"content web {SAVER}", "content web shop/offer.new", "eligibility shop/offer.new",
    }  # fmt: skip
    assert done.left == (f"the content of {GOLD} already waited before this pull request",)
    pull.review("brand")
    assert f"the content of {GOLD} waited already" in pull.relay().refused[-1].summary


def test_accounts_whose_signature_the_forge_has_verified(pull: Pull) -> None:
    pull.fake.commit("1" * 40, pull.people["olga"], pull.people["omar"], verified=False)
    pull.fake.commit("2" * 40, pull.people["olga"], pull.fake.person("web-flow", 19864447), verified=True)
    pull.fake.commit("3" * 40, pull.people["olga"], pull.fake.person("stranger", 99), verified=True)
    pull.fake.commit("4" * 40, pull.people["olga"], pull.people["omar"], verified=True)
    with pull.shop.store() as store:
        found = confirmed(store, "github", map(pull.forge.commit, (HEAD, *(digit * 40 for digit in "1234"))))
    assert found == {HEAD: ("omar",), "2" * 40: ("olga",), "4" * 40: ("omar",)}


def test_the_same_through_a_server(pull: Pull) -> None:
    pull.apply(text("New"))
    review = pull.review("brand")
    request = pull.read()
    body = {
        "forge": "github", "pull_request": NUMBER, "head": HEAD, "merged_as": MERGED, "meaning": MEANING,
        "reviews": [{"account": 11, "review": review}], "authors": list(request.authors),
    }  # fmt: skip
    with client(pull.shop) as asking:

        def post(secret: str, **other: Any) -> Any:
            headers = {"Authorization": f"Bearer {secret}"}
            return asking.post("/api/v1/store/relay", json={**body, **other}, headers=headers)

        for operator, scopes in (("robot", ("apply", "approve")), ("robot", ("all",)), ("brand", ("all",))):
            assert post(token(pull.shop, operator, *scopes)).json()["errors"][0]["code"] == "OFR708"
        secret = token(pull.shop, "robot", "relay")
        assert post(secret, meaning="x").status_code == 422
        answer = post(secret).json()
        assert [one["reviewer"] for one in answer["recorded"]] == ["brand"]
        assert "recorded already" in post(secret).json()["standing"][0]
    with pytest.raises(Refused, match="only an automation can have a token with the scope relay"):
        token(pull.shop, "brand", "relay")
