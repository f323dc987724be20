"""A review counts as its reviewer's approval: of what was read, as it was applied, and of nobody's own work."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from attacking import Done, Session, broken_if, variants
from helpers.server_process import serving
from helpers.ssh_keys import new_key
from reviewing import HEAVY, NUMBER, Repository


@pytest.fixture
def repository(team: Session) -> Iterator[Repository]:
    """The project, live and at GitHub."""
    made = Repository(team)
    yield made
    made.github.close()
    assert not made.github.problems


def test_honest_review(repository: Repository) -> None:
    """omar's pull request, approved by olga; the history says whose review it is."""
    head = repository.propose()
    review = repository.review("olga", head)
    repository.merge()
    repository.apply()
    broken_if(not repository.relayed(), "what olga has approved in a review is not live")
    rows = json.loads(repository.team.do("", "history --format json"))
    (found,) = (row["review"] for row in rows if row["action"] == "approve" and row["actor"] == "robot")
    told = {"reviewer": "olga", "review": str(review), "pull_request": NUMBER, "forge": "github"}
    broken_if(not told.items() <= found.items(), "the history does not say whose review it is")
    broken_if(str(review) not in repository.team.do("", "audit export"), "the audit's export does not say it")
    approvals = repository.team.do("", "approvals --all --format json")
    broken_if(
        f"Review {review} of pull request 12 (github), recorded by robot" not in approvals, "approvals do not say it"
    )


def test_honest_second_pull_request(repository: Repository) -> None:
    """It goes on from one that was reviewed, and is not promoted yet."""
    first = repository.propose(offers={"saver": {"weights": [{"weight": 98}]}}, number=11)
    repository.review("olga", first)
    repository.merge(11)
    repository.apply(11)
    repository.team.do("robot", "ci approve --bundle 11.zip")
    repository.github.reviews.clear()
    repository.review("olga", repository.propose())
    repository.merge()
    repository.apply()
    broken_if(not repository.relayed(), "what olga has approved in a review is not live")


@pytest.mark.slow
def test_honest_pipeline(repository: Repository) -> None:
    """It names neither number nor bundle: the commit says which, the forge keeps it; other commits are none's."""
    head = repository.propose()
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    folder = repository.team.root / ".offerkit/kept"
    folder.mkdir()
    artifact = repository.github.artifact(f"offerkit-{head}")
    (repository.team.root / "12.zip").rename(folder / str(artifact))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder)) as files:
        threading.Thread(target=files.serve_forever, args=(0.02,), daemon=True).start()
        repository.github.elsewhere = f"http://127.0.0.1:{files.server_port}"
        _in_a_pipeline(repository)
        files.shutdown()


def _in_a_pipeline(repository: Repository) -> None:
    told = repository.team.do("robot", "ci approve")
    broken_if("olga" not in told, f"the review is not found: {told}")
    repository.team.do("omar", "promote --yes")
    told = repository.team.do("robot", "ci approve")
    broken_if("recorded already" not in told, "a job that runs again fails")
    repository.team.save("README.md", "Nothing of the specs")
    repository.commit("ada")
    told = repository.team.do("robot", "ci approve")
    broken_if("Nothing to do" not in told, "a commit that changes nothing fails")


def _second_account(repository: Repository, head: str) -> None:
    """olga commits with an account that nobody knows, and reviews with hers."""
    other = repository.github.person("olga-private", 22)
    repository.github.commits.clear()
    repository.github.commit(head, other, other)
    repository.github.commits[0]["commit"]["author"]["email"] = "olga@home.example"
    repository.github.commits[0]["commit"]["committer"]["email"] = "olga@home.example"
    repository.review("olga", head)


def _own_account(repository: Repository, head: str) -> None:
    repository.github.commit(head[::-1], repository.people["olga"], repository.people["omar"])
    repository.github.pulls[NUMBER]["commits"] = 2
    repository.review("olga", head)


def _own_pull_request(repository: Repository, head: str) -> None:
    repository.github.pulls[NUMBER]["user"] = repository.github.user(repository.people["olga"])
    repository.review("olga", head)


def _dismissed(repository: Repository, head: str) -> None:
    repository.review("olga", head, "DISMISSED")


def _changes_requested(repository: Repository, head: str) -> None:
    repository.review("olga", head)
    repository.review("olga", head, "CHANGES_REQUESTED")


def _older_head(repository: Repository, head: str) -> None:
    repository.review("olga", "f" * 40)


def _commented(repository: Repository, head: str) -> None:
    repository.review("olga", head, "COMMENTED")


def _nobody(repository: Repository, head: str) -> None:
    repository.github.review(repository.github.person("olga", 77), "APPROVED", head, "2026-01-02T00:00:00Z")


def _the_relay_itself(repository: Repository, head: str) -> None:
    repository.github.review(repository.github.person("robot", 9), "APPROVED", head, "2026-01-02T00:00:00Z")


def _who_may_not(repository: Repository, head: str) -> None:
    repository.review("brand", head)


@pytest.mark.parametrize(
    "review",
    variants(
        [
            _second_account, _dismissed, _own_account, _own_pull_request, _changes_requested, _older_head, _commented,
            _nobody, _the_relay_itself, _who_may_not,
        ],
        quick=3,
    ),
)  # fmt: skip
def test_review_that_is_none(repository: Repository, review: Callable[[Repository, str], None]) -> None:
    review(repository, repository.propose())
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(), "it is live by a review that does not count")


def test_pushed_after_the_review(repository: Repository) -> None:
    """olga approves something harmless; the branch is force-pushed, planned anew and merged."""
    head = repository.propose(offers={"saver": {"label": "A saver"}})
    repository.review("olga", head)
    repository.team.edit(offers=HEAVY)
    new = repository.commit("omar")
    repository.plan()
    repository.opened(NUMBER, new, "omar")
    repository.github.commits[0]["sha"] = new
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(), "what was pushed after the review is live by it")


def test_bundle_of_another_pull_request(repository: Repository) -> None:
    """The reviews of pull request 11, whose number stands in the bundle of 12."""
    harmless = repository.propose(offers={"safari": {"label": "A safari"}}, number=11)
    repository.review("olga", harmless)
    repository.merge(11)
    repository.apply(11)
    repository.team.do("robot", "ci approve --bundle 11.zip --pull-request 11")
    repository.propose()
    repository.merge()
    repository.github.commits[0]["sha"] = harmless
    repository.team.do("ada", f"ci plan --no-impact --pull-request 11 --head {harmless} --out forged")
    repository.team.attempt("ada", "ci apply --bundle 12.zip --pull-request 11", "ci apply --bundle 12.zip")
    for number, bundle in ((11, "12.zip"), (11, "11.zip"), (11, "forged"), (12, "11.zip")):
        broken_if(repository.relayed(number, bundle=bundle), "it is live by the review of another pull request")


def test_forged_bundle(repository: Repository) -> None:
    """The bundle says that the reviewed head means what was applied, which another commit has brought."""
    head = repository.propose(offers={"saver": {"label": "A saver"}})
    repository.review("olga", head)
    repository.team.edit(offers=HEAVY)
    repository.commit("omar")
    repository.team.do("ada", f"ci plan --no-impact --pull-request {NUMBER} --out other")
    index = json.loads((repository.team.root / "other/offerkit-ci.json").read_text())
    index["subject"]["head"] = head
    (repository.team.root / "other/offerkit-ci.json").write_text(
        json.dumps(index, separators=(",", ":"), sort_keys=True) + "\n"
    )
    repository.merge()
    repository.merged()
    repository.github.pulls[NUMBER]["merge_commit_sha"] = repository.head("pull-12~1")
    repository.team.attempt("ada", "ci apply --bundle other")
    broken_if(repository.relayed(bundle="other"), "it is live by a review of another commit")


@pytest.mark.parametrize("signs", [False, True])
def test_where_signatures_are_demanded_a_relayed_review_does_not_count(
    repository: Repository, tmp_path: Path, signs: bool
) -> None:
    """The automation cannot sign for the reviewer, who approves in person instead."""
    keys = {name: new_key(tmp_path / "keys", name) for name in ("ada", "alan", "olga", "omar")}
    team = repository.team
    team.edit(operators={name: {"keys": [key.public]} for name, key in keys.items()})
    team.edit(environment={"promotion": {"separation_of_duties": True, "signatures": ["approvals"]}})
    repository.commit("ada")
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    repository.review("olga", repository.propose())
    repository.merge()
    repository.apply()
    if signs:
        team.do("olga", f"approve offer.saver --sign {keys['olga'].path}")
    live = repository.relayed()
    broken_if(live and not signs, "it is live by a review that its reviewer has not signed")
    broken_if(signs and not live, "what the reviewer has signed is not live")
    if not signs:
        refused = team.run("robot", f"ci approve --bundle {NUMBER}.zip --pull-request {NUMBER}")
        broken_if("own signature" not in refused.err, f"the relay does not say why: {refused.err}")


@pytest.mark.parametrize(
    "before", variants([{"dora": {"accounts": {"github": 6}}}, {"brand": {"profile": "offer-manager"}}])
)
def test_mapped_by_the_pull_request(repository: Repository, before: dict[str, Any]) -> None:
    """The pull request gives the reviewer the account, or the profile."""
    repository.people["dora"] = repository.github.person("dora", 6)
    change = {**before, **({"dora": {"profile": "offer-manager", **before["dora"]}} if "dora" in before else {})}
    head = repository.propose(author="ada", operators=change)
    repository.review(next(iter(change)), head)
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(), "a pull request has made its own reviewer")


def test_the_same_review_again(repository: Repository) -> None:
    """Approved by a review, then rejected: the review is not played back."""
    head = repository.propose()
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    repository.team.do("robot", "ci approve --bundle 12.zip")
    repository.team.do("olga", "reject offer.saver")
    broken_if(repository.relayed(), "a review counts again after a rejection")


def test_something_else_was_changed_since(repository: Repository) -> None:
    """Applied as it was reviewed, and changed by omar before the review is recorded."""
    head = repository.propose(offers={"saver": {"label": "A saver", "weights": [{"weight": 98}]}})
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    repository.team.edit(offers=HEAVY)
    repository.team.do("omar", "apply --yes")
    broken_if(repository.relayed(), "what was changed after the review is live by it")


def test_what_waited_before(repository: Repository) -> None:
    """A change that nobody approved, and a pull request that adds a little to it."""
    repository.team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    repository.commit("omar")
    repository.team.do("omar", "apply --yes")
    head = repository.propose(offers={"saver": {"eligible": {"filters": ["adults"]}}})
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(), "a review has approved what it was not shown")


def test_applied_though_different(repository: Repository) -> None:
    """Applied with --allow-different: nobody has read that."""
    head = repository.propose(offers={"saver": {"label": "A saver"}})
    repository.review("olga", head)
    repository.merge()
    repository.team.edit(offers=HEAVY)
    repository.commit("omar")
    repository.merged()
    repository.team.do("ada", "ci apply --bundle 12.zip --allow-different 'In a hurry'")
    broken_if(repository.relayed(), "what nobody has read is live by a review")


@pytest.mark.parametrize("who", variants(["omar", "ada"], quick=1))
def test_relayed_by_a_person(repository: Repository, who: str) -> None:
    head = repository.propose()
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(who=who), "a person has recorded the approval of another")


def test_the_reviewer_is_disabled(repository: Repository) -> None:
    repository.team.edit(operators={"olga": {"enabled": False}})
    repository.commit("ada")
    repository.team.do("ada", "apply --yes")
    head = repository.propose()
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(), "it is live by the review of somebody who is disabled")


@pytest.mark.slow
def test_through_a_server(repository: Repository) -> None:
    """Plan, apply and approve by tokens of one scope each; one that was revoked or is for something else does nothing."""
    team = repository.team
    tokens = {
        name: team.do("ada", f"token create {who} --scope {scope}").strip()
        for name, who, scope in (
            ("read", "olga", "read"), ("apply", "ada", "apply"), ("approve", "olga", "approve"),
            ("all", "robot", "all"), ("relay", "robot", "relay"), ("revoked", "robot", "relay"),
        )
    }  # fmt: skip
    team.do("ada", f"token revoke {tokens['revoked'].split('_')[1]}")
    with serving(team.root) as server:
        team.environ["OFFERKIT_STORE"] = f"http://127.0.0.1:{server.port}"

        def run(token: str, line: str) -> Done:
            team.environ["OFFERKIT_TOKEN"] = tokens[token]
            return team.run("", line)

        team.environ["OFFERKIT_TOKEN"] = tokens["read"]
        team.git("checkout --quiet -b pull-12 main")
        team.edit(offers=HEAVY)
        head = repository.commit("omar")
        broken_if(run("read", "ci plan --no-impact --pull-request 12 --out 12.zip").code, "a reader cannot plan")
        repository.opened(NUMBER, head, "omar")
        repository.github.commit(head, repository.people["omar"], repository.people["omar"])
        repository.review("olga", head)
        repository.merge()
        broken_if(not run("relay", "ci apply --bundle 12.zip").code, "a token for relay has applied something")
        done = run("apply", "ci apply --bundle 12.zip")
        broken_if(done.code, f"what was read is not applied: {done.err}")
        for token in ("revoked", "all", "approve", "apply", "read"):
            broken_if(not run(token, "ci approve --bundle 12.zip").code, f"a token for {token} has relayed a review")
        broken_if(not run("relay", "approve offer.saver").code, "a token for relay has approved something by itself")
        done = run("relay", "ci approve --bundle 12.zip --format json")
        broken_if(done.code, f"the review is not recorded: {done.err}")
        (made,) = json.loads(done.out)["recorded"]
        broken_if(made["reviewer"] != "olga", "it is not olga's approval")
        broken_if(not run("relay", "promote --yes").code, "a token for relay has promoted something")
    del team.environ["OFFERKIT_STORE"], team.environ["OFFERKIT_TOKEN"]
    team.do("omar", "promote --yes")
    broken_if(team.live().weight("saver") != 99, "what olga has approved in a review is not live")


def test_rejected_before_it_is_recorded(repository: Repository) -> None:
    """olga approves on the forge; what was applied is rejected before the pipeline records the older review."""
    head = repository.propose()
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    repository.team.do("olga", "reject offer.saver --eligibility")
    broken_if(repository.relayed(), "an older review has taken back a rejection")


def test_stopped_before_it_is_recorded(repository: Repository) -> None:
    """It is not live yet when it is stopped; then the pipeline records the older review, and its author resumes it."""
    new = {"label": "New", "category": "travel", "weights": [{"weight": 1}], "content": {"title": "New"}}
    head = repository.propose(offers={"new": new})
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    repository.team.do("ada", "stop offer.new --message wrong")
    repository.team.attempt("robot", "ci approve --bundle 12.zip")
    repository.team.attempt("omar", "resume offer.new --message fine", "promote --yes")
    broken_if(repository.team.live()["offer.new"] is not None, "a review of before the stop counts after it")


@pytest.mark.parametrize(
    "address", variants(["olga@example.com", "2+olga@users.noreply.github.com", "olga@home.example"], quick=1)
)
def test_co_author_of_a_squashed_commit(repository: Repository, address: str) -> None:
    """olga is a co-author by a trailer, which the squashed commit does not repeat."""
    head = repository.propose()
    repository.github.commits[0]["commit"]["message"] = f"Heavier\n\nCo-authored-by: Olga <{address}>\n"
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(), "a co-author has approved")


def test_account_given_to_another_before(repository: Repository) -> None:
    """ada has taken another account, and given dora hers, in an apply before."""
    repository.team.edit(operators={"ada": {"accounts": {"github": 7}}, "dora": {"accounts": {"github": 1}}})
    repository.commit("ada")
    repository.team.do("ada", "apply --yes")
    head = repository.propose()
    repository.github.commits.clear()
    repository.github.commit(head, repository.people["ada"], repository.people["ada"])
    repository.github.commits[0]["commit"]["author"]["email"] = "private@home.example"
    repository.github.commits[0]["commit"]["committer"]["email"] = "private@home.example"
    repository.github.review(repository.github.person("ada2", 7), "APPROVED", head, "2026-01-02T00:00:00Z")
    repository.merge()
    repository.apply(who="omar")
    broken_if(repository.relayed(), "an author approves with a second account")


@pytest.mark.slow
def test_another_plan_claimed_as_the_merged_commit(repository: Repository) -> None:
    """omar sends a server a plan of his own, as what his reviewed pull request was merged as; a bundle goes with it."""
    team = repository.team
    head = repository.propose(offers={"saver": {"label": "A saver"}})
    repository.review("olga", head)
    team.git("checkout --quiet -b forged")
    team.edit(offers=HEAVY)
    repository.commit("omar")
    team.do("ada", f"ci plan --no-impact --pull-request {NUMBER} --out other")
    index = json.loads((team.root / "other/offerkit-ci.json").read_text())
    index["subject"]["head"] = head
    (team.root / "other/offerkit-ci.json").write_text(json.dumps(index, separators=(",", ":"), sort_keys=True) + "\n")
    repository.merge()
    token = team.do("ada", "token create omar --scope apply").strip()
    sent = {
        "plan": (team.root / "other/plan.json").read_text(),
        "origin": {"commit": repository.head(), "whole": True, "authors": ["omar"]},
        "as_read": {"meaning": index["meaning"], "pull_request": NUMBER, "head": head},
    }
    with serving(team.root) as server:
        said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Offerkit-Protocol": "1"}
        url = f"http://127.0.0.1:{server.port}/api/v1/store/apply"
        urlopen(Request(url, json.dumps(sent).encode(), said)).close()
    broken_if(team.design().weight("saver") != 99, "what omar may apply is not applied")
    broken_if(repository.relayed(bundle="other"), "a review counts for a plan that only claims to be its commit")


@pytest.mark.parametrize("approver", variants(["olga", "alan"]))
def test_pushed_to_another_s_branch_and_squashed(repository: Repository, approver: str) -> None:
    """olga's commit on omar's branch becomes his by a squash without trailers, and an automation applies it.

    She does not approve it by hand; another administrator does.
    """
    team = repository.team
    repository.propose(author="olga")
    repository.opened(NUMBER, repository.head(), "omar")
    team.git("checkout --quiet main")
    team.git("merge --quiet --squash pull-12")
    who = {"GIT_AUTHOR_NAME": "omar", "GIT_AUTHOR_EMAIL": "omar@example.com", "GIT_COMMITTER_NAME": "GitHub"}
    team.git("commit --quiet -m Squashed", **who, GIT_COMMITTER_EMAIL="noreply@github.com")
    repository.merged()
    repository.github.merges[-1]["author"] = repository.github.user(repository.people["omar"])
    repository.apply(who="robot")
    team.attempt(approver, "approve offer.saver")
    team.attempt("omar", "promote --yes")
    live = team.live().weight("saver") == 99
    broken_if(live and approver == "olga", "who wrote it has approved it")
    broken_if(not live and approver != "olga", "what another administrator has approved is not live")


def test_a_pull_request_that_widens_the_profile_of_its_reviewer(repository: Repository) -> None:
    """olga may only read; the pull request that lets her profile approve is approved by her."""
    team = repository.team
    team.edit(profiles={"checker": {"rights": [{"verb": "read"}]}}, operators={"olga": {"profile": "checker"}})
    repository.commit("ada")
    team.do("ada", "apply --yes")
    head = repository.propose(author="ada", profiles={"checker": {"rights": [{"verb": "read"}, {"verb": "approve"}]}})
    repository.review("olga", head)
    repository.merge()
    repository.apply()
    broken_if(repository.relayed(), "a pull request has let its own reviewer approve")
