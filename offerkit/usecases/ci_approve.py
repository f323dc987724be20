"""``ci approve``: the reviews of a pull request become approvals of what was applied of it.

This part runs in the pipeline, and asks the forge who reviewed what and who wrote it. What that means is decided where
the store is, maybe behind a server (:mod:`offerkit.usecases.relay`, docs/adr/0049-reviews-as-approvals.md).
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
"""GitHub's own account: the committer of commits made on its pages, signed with GitHub's key."""
_TOLD = 20
"""The most commits with an unknown author that are listed."""
_VERDICTS = (ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED)
"""The reviews with a verdict; a later comment does not withdraw it."""


@dataclass(frozen=True)
class MergedPullRequest:
    """The reviews of a merged pull request that count, as a request to record them, and why others do not count."""

    request: RelayRequest
    notes: tuple[str, ...]


def approve(
    session: Session, forge: Forge, bundle: Bundle | None, number: int = 0
) -> tuple[MergedPullRequest, RelayOutcome] | None:
    """Record the reviews of pull request ``number`` as their reviewers' approvals; 0: that of the checked-out commit.

    ``bundle``: the reviewed one; None: the one that the forge stores for the applied head. Returns None if the
    checked-out commit was not applied from a pull request. Raises Refused if the reviewed state is not the current one,
    if no review may be recorded, and if the forge cannot be reached.
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
    pull_request = reviewed(session, forge, number, head, bundle.meaning)
    _check_claimed(session, number, pull_request.request.merged_as)
    return pull_request, relay(session, pull_request.request) if pull_request.request.reviews else RelayOutcome()


def _head(session: Session) -> str:
    process = run(session.project.root, ["rev-parse", "--verify", "HEAD^{commit}"], session.environ)
    if process.returncode:
        raise refuse(Code.GIT, "no commit is checked out", hint="Name the pull request: --pull-request NUMBER.")
    return process.stdout.decode("ascii", "replace").strip()


def reviewed(session: Session, forge: Forge, number: int, head: str, meaning: str) -> MergedPullRequest:
    """The reviews that approve pull request ``number`` at ``head``, and its authors, from the forge.

    Raises Refused if the pull request is not merged, or was merged from another head than the planned one.
    """
    info = forge.pull_request(number)
    _check(info, head)
    approving, notes = _latest(forge.reviews(number), head)
    with session.existing() as store:
        wrote, doubts = _wrote(store, forge, info)
    return MergedPullRequest(
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
    """Raise Refused unless what was applied matches ``commit``, if the commit was only claimed.

    Whoever sends a plan to a server claims its commit; only here is the repository to check the claim.
    """
    with session.existing() as store:
        applied = last_applied(store, number)
        if applied is None or applied.details.get("claimed") is not True:
            return
        entries = state_named(session, store, f"git:{commit}", cases=False).entries
        changes = [change for change in store.changes(applied.serial) if change.stage.stage is Stage.DESIGN]
    for change in changes:
        committed = entries.get(change.address)
        if change.address.kind is not Kind.CASES and _print(committed) != _print(change.after):
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
    """The last verdict of each account if it approves ``head``; and why other reviews do not count."""
    last: dict[int, Review] = {}
    notes = []
    for review in reviews:  # oldest first
        if review.account is None:
            notes.append(f"review {review.id} does not count: its account is deleted")
        elif review.state in _VERDICTS:
            last[review.account.id] = review
    approving = []
    for account, review in last.items():
        assert review.account is not None
        who = f"review {review.id} of {review.account.login} (account {account})"
        if review.state is not ReviewState.APPROVED:
            notes.append(f"{who} does not count: it is {review.state.value}")
        elif review.commit != head:
            notes.append(f"{who} does not count: it is of {review.commit[:12] or 'an unknown commit'}, not the head")
        else:
            approving.append(ForgeReview(account, review.id))
    return tuple(approving), notes


def confirmed_of(session: Session, forge: Forge, number: int) -> ForgeConfirmation:
    """The forge's confirmation of a pull request's commits and of the merged one: :func:`confirmed`, and the authors of
    commits that are not in the checked-out history because they were squashed or rebased.
    """
    info = forge.pull_request(number)
    own_commits = list(forge.commits_of(number))
    commits = list(own_commits)
    if info.merged_as and info.merged_as not in {commit.commit for commit in commits}:
        commits.append(forge.commit(info.merged_as))
    is_ancestor = ["merge-base", "--is-ancestor"]
    squashed = [
        own
        for own in own_commits
        if run(session.project.root, [*is_ancestor, own.commit, "HEAD"], session.environ).returncode
    ]
    with session.existing() as store:
        wrote, doubts = _writers(OperatorAccounts(store, operators(store)), forge.name, squashed)
        return ForgeConfirmation(confirmed(store, forge.name, commits), tuple(sorted(wrote)), tuple(doubts[:_TOLD]))


def confirmed(store: Store, forge: str, commits: Iterable[CommitAccounts]) -> dict[str, tuple[str, ...]]:
    """By commit, the operator for whose account the forge verified the signature; other commits are left out.

    The operator is the committer; for a commit made on GitHub's pages and signed by GitHub, the author.
    """
    owners = operators_by_account(operators(store), forge)
    operators_by_commit: dict[str, tuple[str, ...]] = {}
    for commit in commits:
        signer = commit.author if _by_forge(commit) else commit.committer
        names = owners.get(signer.id, ()) if signer is not None and commit.verified else ()
        if len(names) == 1:
            operators_by_commit[commit.commit] = names
    return operators_by_commit


def _by_forge(commit: CommitAccounts) -> bool:
    return commit.verified and commit.committer is not None and commit.committer.login == WEB_FLOW


def _wrote(store: Store, forge: Forge, info: PullRequestInfo) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The operators who wrote a pull request, and sentences about unknown authors.

    Authors are the accounts of the pull request and of its commits.
    """
    accounts = OperatorAccounts(store, operators(store))
    names, doubts = _writers(accounts, forge.name, forge.commits_of(info.number))
    names |= accounts.by_account(forge.name, info.author.id) if info.author is not None else set()
    return tuple(sorted(names)), tuple(doubts[:_TOLD])


def _writers(accounts: OperatorAccounts, forge: str, commits: Iterable[CommitAccounts]) -> tuple[set[str], list[str]]:
    """The operators who wrote ``commits``, and sentences about unknown authors.

    Operators are found by their current and former accounts and by the e-mail addresses in a commit; co-authors only by
    the addresses.
    """
    names: set[str] = set()
    doubts = []
    for commit in commits:
        identities = [("author", commit.author, commit.author_email)]
        identities += [] if _by_forge(commit) else [("committer", commit.committer, commit.committer_email)]
        identities += [("co-author", None, email) for email in co_authors(commit.message)]
        for role, account, email in identities:
            operators_named = {
                *(accounts.by_account(forge, account.id) if account is not None else ()),
                *accounts.named(email),
            }
            names |= operators_named
            if not operators_named:
                doubts.append(f"the {role} of commit {commit.commit[:12]} belongs to no operator, by account or e-mail")
    return names, doubts
