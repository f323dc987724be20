"""What is asked of a forge, in words that fit both GitHub and GitLab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody at a forge. Only ``id`` identifies them: a login can be given up and taken by somebody else."""

    id: int
    login: str


class PullState(StrEnum):
    """What has become of a pull request."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class PullRequestInfo:
    """A pull request as the forge has it now; GitLab calls it a merge request.

    ``head`` is the commit that would be merged, ``base`` the branch it goes into and ``base_commit`` where it goes on
    from there (empty when the forge does not tell). ``author`` is None when the account
    was deleted. ``merged_as`` is the commit that the base got when it was merged: a merge commit, a squashed one, or
    the last one of a rebase.
    """

    number: int
    state: PullState
    head: str
    base: str
    author: Account | None
    from_fork: bool
    merged_as: str = ""
    base_commit: str = ""


@dataclass(frozen=True, slots=True)
class ForgeComment:
    """A comment of a pull request; ``author`` is None when the account was deleted."""

    id: int
    author: Account | None
    body: str
    url: str = ""


class ReviewState(StrEnum):
    """What a review says. A reviewer's later comment takes back neither an approval nor a request for changes."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Review:
    """One review of a pull request, as it was submitted.

    ``commit`` is the head that was reviewed; empty when the forge does not know it. GitLab keeps no list of reviews:
    there is one for each account that approves the merge request now, and its commit is the head that the merge
    request had at ``submitted``.
    """

    id: str
    account: Account | None
    state: ReviewState
    commit: str
    submitted: datetime

    @property
    def dismissed(self) -> bool:
        """Whether somebody took its meaning away."""
        return self.state is ReviewState.DISMISSED


@dataclass(frozen=True, slots=True)
class CommitAccounts:
    """Whose work a commit is, as far as the forge can tell by the addresses that the commit names.

    None stands for an address that belongs to no account. A commit's addresses are free text: ``verified`` tells
    whether the commit is signed with a key that the forge knows to be its committer's.
    """

    commit: str
    author: Account | None
    committer: Account | None
    verified: bool
    author_email: str = ""
    committer_email: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue of the repository."""

    number: int
    author: Account | None
    open: bool
    title: str
    body: str
    url: str = ""


class Forge(Protocol):
    """A repository at a forge, seen with one token. Every method asks the API, and raises Refused where it gives no
    usable answer; texts that come back are other people's and as hostile as they like.

    A ``create_…`` raises :class:`offerkit.forges.api.AnswerLost` when it is not known whether it was carried out:
    look before asking again.
    """

    name: ClassVar[str]
    """``github`` or ``gitlab``; what operators' ``accounts`` are keyed by."""
    comment_limit: ClassVar[int]
    """Bytes of UTF-8 that a comment or an issue may have at most."""

    def account(self) -> Account:
        """Whose token it is."""

    def login(self, account: int) -> str:
        """What an account is called now; empty when there is none with this id."""

    def default_branch(self) -> str:
        """The name of the repository's default branch."""

    def pull_request(self, number: int) -> PullRequestInfo:
        """One pull request, as it is now."""

    def open_pull_requests(self) -> Sequence[PullRequestInfo]:
        """All pull requests that are open, those of forks too."""

    def pull_requests_of(self, commit: str) -> Sequence[PullRequestInfo]:
        """The pull requests that brought ``commit`` into its branch, or hold it."""

    def reviews(self, number: int) -> Sequence[Review]:
        """All submitted reviews of a pull request, oldest first."""

    def commits_of(self, number: int) -> Sequence[CommitAccounts]:
        """All commits of a pull request; never only some of them."""

    def commit(self, commit: str) -> CommitAccounts:
        """One commit of the repository."""

    def bundle(self, head: str) -> bytes | None:
        """The newest bundle of ``offerkit ci plan`` for a head that a run of this repository kept: a zip, to be read
        as hostile data. None when there is none, or it has expired. A fork's own runs never count."""

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """All comments of a pull request, oldest first."""

    def create_comment(self, number: int, body: str) -> ForgeComment:
        """Comment on a pull request."""

    def update_comment(self, number: int, comment: int, body: str) -> bool:
        """Give a comment of a pull request another text; False when it is gone."""

    def delete_comment(self, number: int, comment: int) -> None:
        """Take a comment away; one that is gone already is no error."""

    def issues(self, author: Account) -> Sequence[Issue]:
        """The open issues that ``author`` opened, oldest first."""

    def create_issue(self, title: str, body: str) -> Issue:
        """Open an issue."""

    def update_issue(self, number: int, *, title: str, body: str, is_open: bool) -> bool:
        """Give an issue another title and text, and close or open it; False when it is gone."""
