"""What was read of a pull request, as its forge keeps it: which pull request it is, and the bundle of its own run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.forges.forge import Forge, PullRequestInfo, PullState
from offerkit.usecases.ci import check, compare
from offerkit.usecases.ci_bundle import Opened, Subject, opened_bytes
from offerkit.usecases.ci_states import checked_out, expected, here
from offerkit.usecases.session import Session


def bundle_at(session: Session, forge: Forge, given: Subject) -> tuple[Opened, Subject]:
    """The bundle that was read, and what it has to be of: what the forge says now of the pull request.

    Which one that is, options or the CI say; else it is the one that was merged as what is checked out. Raises Refused
    when that is not one, or when no run of this repository kept a bundle for its head.
    """
    wanted = expected(session, given)
    info = forge.pull_request(wanted.number) if wanted.number else _merged_as(forge, checked_out(session))
    if given.head and wanted.head != info.head:
        raise refuse(
            Code.BUNDLE_OTHER,
            f"the head of pull request {info.number} is {info.head[:12]}, not {wanted.head[:12]}",
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
    return opened_bytes(content, f"the bundle of {info.head[:12]}"), Subject(info.number, info.head, info.base)


@dataclass(frozen=True)
class Checked:
    """An open pull request: why it is not what was read any more (``found``), or why that was not looked at."""

    number: int
    head: str
    found: tuple[Diagnostic, ...] = ()
    skipped: str = ""


def check_open(session: Session, forge: Forge, base: str) -> Iterator[Checked]:
    """Every open pull request into ``base`` (empty: any), each as it would be once it is merged into what is checked
    out, held against the bundle that its own run kept.
    """
    for info in forge.open_pull_requests():
        if base and info.base != base:
            continue
        content = forge.bundle(info.head)
        if content is None or not here(session, info.head):
            why = "it has no bundle" if content is None else "its head is not in this clone"
            yield Checked(info.number, info.head, skipped=why)
            continue
        try:
            read = opened_bytes(content, f"the bundle of {info.head[:12]}")
            check(compare(session, read.bundle, Subject(info.number, info.head, info.base), merged=True), read)
        except Refused as refused:
            yield Checked(info.number, info.head, refused.diagnostics)
        else:
            yield Checked(info.number, info.head)


def _merged_as(forge: Forge, commit: str) -> PullRequestInfo:
    """The pull request that brought ``commit`` into its branch."""
    found = [
        info for info in forge.pull_requests_of(commit) if info.state is PullState.MERGED and info.merged_as == commit
    ]
    if len(found) == 1:
        return found[0]
    what = "no pull request was" if not found else "several pull requests were"
    raise refuse(
        Code.BUNDLE_OTHER,
        f"{what} merged as {commit[:12]}, which is checked out",
        detail="What is applied here must have been reviewed in a pull request.",
        hint="Name it with --pull-request, or apply without a pull request: offerkit apply.",
    )
