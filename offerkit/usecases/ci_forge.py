"""The bundles that a forge stores for pull requests, and which pull request a commit belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.forges.forge import Forge, PullRequestInfo, PullState
from offerkit.usecases.ci import check, compare
from offerkit.usecases.ci_bundle import Opened, PullRequestRef, opened_bytes
from offerkit.usecases.ci_states import checked_out, expected, has_commit
from offerkit.usecases.session import Session


def bundle_at(session: Session, forge: Forge, requested: PullRequestRef) -> tuple[Opened, PullRequestRef]:
    """The reviewed bundle, and the pull request that it must be of, in its current state at the forge.

    Options or the CI name the pull request; otherwise it is the one that was merged as the checked-out commit. Raises
    Refused if that is not exactly one, or if no run of this repository stored a bundle for its head.
    """
    expected_request = expected(session, requested)
    info = (
        forge.pull_request(expected_request.number)
        if expected_request.number
        else _merged_as(forge, checked_out(session))
    )
    if requested.head and expected_request.head != info.head:
        raise refuse(
            Code.BUNDLE_OTHER,
            f"the head of pull request {info.number} is {info.head[:12]}, not {expected_request.head[:12]}",
            hint="It has new commits: run this on its head.",
        )
    content = forge.bundle(info.head)
    if content is None:
        raise refuse(
            Code.BUNDLE,
            f"there is no bundle for {info.head[:12]}, the head of pull request {info.number}",
            detail="The run of “offerkit ci plan” for that commit stores it, and it expires after some time.",
            hint="Run that job again, or name a bundle with --bundle.",
        )
    return opened_bytes(content, f"the bundle of {info.head[:12]}"), PullRequestRef(info.number, info.head, info.base)


@dataclass(frozen=True)
class Checked:
    """The check of an open pull request: how it differs from its bundle (``found``), or why it was ``skipped``."""

    number: int
    head: str
    found: tuple[Diagnostic, ...] = ()
    skipped: str = ""


def check_open(session: Session, forge: Forge, base: str) -> Iterator[Checked]:
    """Check every open pull request into ``base`` (empty: any), as merged into the checked-out commit, against the
    bundle that its own run stored.
    """
    for info in forge.open_pull_requests():
        if base and info.base != base:
            continue
        content = forge.bundle(info.head)
        if content is None or not has_commit(session, info.head):
            why = "it has no bundle" if content is None else "its head is not in this clone"
            yield Checked(info.number, info.head, skipped=why)
            continue
        try:
            read = opened_bytes(content, f"the bundle of {info.head[:12]}")
            check(compare(session, read.bundle, PullRequestRef(info.number, info.head, info.base), merged=True), read)
        except Refused as refused:
            yield Checked(info.number, info.head, refused.diagnostics)
        else:
            yield Checked(info.number, info.head)


def _merged_as(forge: Forge, commit: str) -> PullRequestInfo:
    """The pull request that brought ``commit`` into its branch."""
    pull_requests = [
        info for info in forge.pull_requests_of(commit) if info.state is PullState.MERGED and info.merged_as == commit
    ]
    if len(pull_requests) == 1:
        return pull_requests[0]
    reason = "no pull request was" if not pull_requests else "several pull requests were"
    raise refuse(
        Code.BUNDLE_OTHER,
        f"{reason} merged as {commit[:12]}, which is checked out",
        detail="What is applied here must have been reviewed in a pull request.",
        hint="Name it with --pull-request, or apply without a pull request: offerkit apply.",
    )
