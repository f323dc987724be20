"""``ci approve``: the reviews of a pull request become approvals of what was applied of it.

Here the forge is asked, where the pipeline runs: who reviewed what, and who wrote it. What that means is decided where
the store is, which may be behind a server (:mod:`offerkit.usecases.relay`, docs/adr/0049-reviews-as-approvals.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from offerkit.address import Kind, Stage
from offerkit.diagnostics import Code, refuse
from offerkit.forges.forge import CommitAccounts, Forge, PullRequestInfo, PullState, Review, ReviewState
from offerkit.specs.commits import co_authors
from offerkit.specs.git import run
from offerkit.state.changes import Entry
from offerkit.store import Store
from offerkit.usecases.authorship import ForgeConfirmation, OperatorAccounts, operators_by_account
from offerkit.usecases.ci_bundle import STORE, Bundle, expect, opened_bytes
from offerkit.usecases.relay import applied_as, applied_head, check_may_relay, last_applied, relay
from offerkit.usecases.requests import ForgeReview, RelayOutcome, RelayRequest
from offerkit.usecases.session import Session, operators
from offerkit.usecases.state_refs import state_named

WEB_FLOW = "web-flow"
"""GitHub's own account: the committer of what people commit on its pages, signed with GitHub's key."""
_TOLD = 20
"""Of many commits whose author is not known, those that are told."""
_VERDICTS = (ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED)
"""The reviews that say yes or no; a comment takes neither back."""


@dataclass(frozen=True)
class Reviewed:
    """What a forge tells of a pull request: the request to record it, and why other reviews do not count."""

    request: RelayRequest
    notes: tuple[str, ...]


def approve(
    session: Session, forge: Forge, bundle: Bundle | None, number: int = 0
) -> tuple[Reviewed, RelayOutcome] | None:
    """Record the reviews of pull request ``number`` as their reviewers' approvals; 0: of what is checked out.

    ``bundle``: what was read; None: the one that the forge keeps for the head that was applied. None: what is checked
    out was not applied from a pull request. Raises Refused when what was read is not what stands, when no review may
    be recorded, and when the forge cannot be asked.
    """
    check_may_relay(session)
    with session.existing() as store:
        number = number or (bundle.subject.number if bundle is not None else 0) or applied_as(store, _head(session))
        if not number:
            return None
        head = applied_head(store, number)
    if bundle is None:
        content = forge.bundle(head)
        if content is None:
            raise refuse(
                Code.NOT_THE_REVIEWED,
                f"the forge keeps no bundle for {head[:12]}, the head of pull request {number}",
                detail="The bundle holds what was reviewed. Forges keep such files for some months.",
                hint="Run “offerkit ci plan” for that head again, or approve by hand: offerkit approve --show.",
            )
        bundle = opened_bytes(content).bundle
    expect(bundle, number, head)
    if bundle.against != STORE:
        raise refuse(
            Code.NOT_THE_REVIEWED,
            "the bundle was made without the store",
            detail="Its reviewers did not see what it changes in the store, or which approvals it needs.",
            hint="Plan pull requests with the store (--store, OFFERKIT_STORE), or approve by hand.",
        )
    found = reviewed(session, forge, number, head, bundle.meaning)
    _check_claimed(session, number, found.request.merged_as)
    return found, relay(session, found.request) if found.request.reviews else RelayOutcome()


def _head(session: Session) -> str:
    done = run(session.project.root, ["rev-parse", "--verify", "HEAD^{commit}"], session.environ)
    if done.returncode:
        raise refuse(Code.GIT, "no commit is checked out", hint="Name the pull request: --pull-request NUMBER.")
    return done.stdout.decode("ascii", "replace").strip()


def reviewed(session: Session, forge: Forge, number: int, head: str, meaning: str) -> Reviewed:
    """The reviews that approve pull request ``number`` at ``head``, and who wrote it; all of it asked of the forge.

    Raises Refused when the pull request is not merged, or was merged from another head than was planned.
    """
    info = forge.pull_request(number)
    _check(info, head)
    approving, notes = _latest(forge.reviews(number), head)
    with session.existing() as store:
        wrote, doubts = _wrote(store, forge, info)
    return Reviewed(
        RelayRequest(forge.name, number, head, info.merged_as, meaning, approving, wrote, doubts), tuple(notes)
    )


def _check(info: PullRequestInfo, head: str) -> None:
    name = f"pull request {info.number}"
    if info.state is not PullState.MERGED or not info.merged_as:
        raise refuse(
            Code.NOT_THE_REVIEWED,
            f"{name} is {info.state.value}, not merged",
            detail="Its reviews are recorded as approvals after its changes were applied.",
            hint="Merge it, run “offerkit ci apply”, then run this command again.",
        )
    if info.head != head:
        raise refuse(
            Code.NOT_THE_REVIEWED,
            f"{name} is at {info.head[:12]}, and the bundle is of {head[:12]}",
            detail="Another commit was pushed after the plan was made.",
            hint="Use the bundle of the newest run.",
        )


def _check_claimed(session: Session, number: int, commit: str) -> None:
    """Raise Refused unless what was applied is what ``commit`` says, where only a person's word is for it.

    Whoever sends a plan to a server says which commit it is of. Here is the repository.
    """
    with session.existing() as store:
        applied = last_applied(store, number)
        if applied is None or applied.details.get("claimed") is not True:
            return
        there = state_named(session, store, f"git:{commit}", cases=False).entries
        changes = [change for change in store.changes(applied.serial) if change.stage.stage is Stage.DESIGN]
    for change in changes:
        said = there.get(change.address)
        if change.address.kind is not Kind.CASES and _print(said) != _print(change.after):
            raise refuse(
                Code.NOT_THE_REVIEWED,
                f"revision {applied.serial} by {applied.actor} is not what commit {commit[:12]} says",
                detail=f"{change.address} is something else there.",
                hint="Review the current state and approve it yourselves: offerkit approve --show.",
                address=change.address,
            )


def _print(entry: Entry | None) -> str:
    return entry.fingerprint if entry is not None else ""


def _latest(reviews: Sequence[Review], head: str) -> tuple[tuple[ForgeReview, ...], list[str]]:
    """The last word of each account, where it approves ``head``; and why others do not count."""
    last: dict[int, Review] = {}
    notes = []
    for review in reviews:  # oldest first
        if review.account is None:
            notes.append(f"review {review.id} does not count: its account is deleted")
        elif review.state in _VERDICTS:
            last[review.account.id] = review
    found = []
    for account, review in last.items():
        assert review.account is not None
        who = f"review {review.id} of {review.account.login} (account {account})"
        if review.state is not ReviewState.APPROVED:
            notes.append(f"{who} does not count: it is {review.state.value}")
        elif review.commit != head:
            notes.append(f"{who} does not count: it is of {review.commit[:12] or 'an unknown commit'}, not the head")
        else:
            found.append(ForgeReview(account, review.id))
    return tuple(found), notes


def confirmed_of(session: Session, forge: Forge, number: int) -> ForgeConfirmation:
    """What the forge tells of a pull request's commits and of what it was merged as: :func:`confirmed`, and who wrote
    those that are not checked out, since they were merged as other ones.
    """
    info = forge.pull_request(number)
    own = list(forge.commits_of(number))
    commits = list(own)
    if info.merged_as and info.merged_as not in {commit.commit for commit in commits}:
        commits.append(forge.commit(info.merged_as))
    words = ["merge-base", "--is-ancestor"]
    squashed = [
        each for each in own if run(session.project.root, [*words, each.commit, "HEAD"], session.environ).returncode
    ]
    with session.existing() as store:
        wrote, doubts = _writers(OperatorAccounts(store, operators(store)), forge.name, squashed)
        return ForgeConfirmation(confirmed(store, forge.name, commits), tuple(sorted(wrote)), tuple(doubts[:_TOLD]))


def confirmed(store: Store, forge: str, commits: Iterable[CommitAccounts]) -> dict[str, tuple[str, ...]]:
    """By commit, the operator as whose account the forge has verified its signature; others are left out.

    That is its committer; of what was made on GitHub's pages, and is signed by GitHub, its author.
    """
    owners = operators_by_account(operators(store), forge)
    found: dict[str, tuple[str, ...]] = {}
    for commit in commits:
        signer = commit.author if _by_forge(commit) else commit.committer
        names = owners.get(signer.id, ()) if signer is not None and commit.verified else ()
        if len(names) == 1:
            found[commit.commit] = names
    return found


def _by_forge(commit: CommitAccounts) -> bool:
    return commit.verified and commit.committer is not None and commit.committer.login == WEB_FLOW


def _wrote(store: Store, forge: Forge, info: PullRequestInfo) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The operators who wrote a pull request, and where it is not known who did.

    By its own account and those of its commits.
    """
    people = OperatorAccounts(store, operators(store))
    names, doubts = _writers(people, forge.name, forge.commits_of(info.number))
    names |= people.by_account(forge.name, info.author.id) if info.author is not None else set()
    return tuple(sorted(names)), tuple(doubts[:_TOLD])


def _writers(people: OperatorAccounts, forge: str, commits: Iterable[CommitAccounts]) -> tuple[set[str], list[str]]:
    """The operators who wrote ``commits``, and where it is not known who did.

    By the accounts that they have or had, and by the e-mails that a commit names. Co-authors have only those.
    """
    names: set[str] = set()
    doubts = []
    for commit in commits:
        named = [("author", commit.author, commit.author_email)]
        named += [] if _by_forge(commit) else [("committer", commit.committer, commit.committer_email)]
        named += [("co-author", None, email) for email in co_authors(commit.message)]
        for role, account, email in named:
            found = {*(people.by_account(forge, account.id) if account is not None else ()), *people.named(email)}
            names |= found
            if not found:
                doubts.append(f"the {role} of commit {commit.commit[:12]} belongs to no operator, by account or e-mail")
    return names, doubts
