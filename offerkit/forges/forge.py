"""The operations of a forge that offerkit uses, in terms that fit both GitHub and GitLab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a forge. Only ``id`` identifies them: a login can be released and taken by another user."""

    id: int
    login: str


class PullState(StrEnum):
    """The state of a pull request."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class PullRequestInfo:
    """The current state of a pull request; GitLab calls it a merge request.

    ``head`` is the commit that would be merged, ``base`` the target branch and ``base_commit`` the commit where the
    pull request left it (empty if the forge does not give it). ``author`` is None if the account was deleted.
    ``merged_as`` is the commit that merging added to the base: a merge commit, a squashed one, or the last one of a
    rebase.
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
    """A comment of a pull request; ``author`` is None if the account was deleted."""

    id: int
    author: Account | None
    body: str
    url: str = ""


class ReviewState(StrEnum):
    """The verdict of a review. A later comment withdraws neither an approval nor a request for changes."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Review:
    """One review of a pull request, as it was submitted.

    ``commit`` is the head that was reviewed; empty if the forge does not know it. GitLab does not store reviews: each
    account that approves the merge request now counts as one review, and its commit is the head at ``submitted``.
    """

    id: str
    account: Account | None
    state: ReviewState
    commit: str
    submitted: datetime

    @property
    def dismissed(self) -> bool:
        """Whether the review was dismissed, and no longer counts."""
        return self.state is ReviewState.DISMISSED


@dataclass(frozen=True, slots=True)
class CommitAccounts:
    """The accounts behind a commit, as far as the forge knows them from the commit's e-mail addresses.

    None: the address belongs to no account. A commit's addresses are free text; ``verified`` tells whether the commit
    is signed with a key that the forge has registered for its committer.
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
    """A repository at a forge, accessed with one token. Every method calls the API, and raises Refused if the answer is
    unusable. Texts in answers are untrusted.

    A ``create_…`` raises :class:`offerkit.forges.api.AnswerLost` if its result is unknown: look before you retry.
    """

    name: ClassVar[str]
    """``github`` or ``gitlab``: the key in operators' ``accounts``."""
    comment_limit: ClassVar[int]
    """The largest size of a comment or an issue, in bytes of UTF-8."""

    def account(self) -> Account:
        """The account of the token."""

    def login(self, account: int) -> str:
        """The current login of an account; empty if the id does not exist."""

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
        """All commits of a pull request, never a part."""

    def commit(self, commit: str) -> CommitAccounts:
        """One commit of the repository."""

    def bundle(self, head: str) -> bytes | None:
        """The newest bundle of ``offerkit ci plan`` for a head that a run of this repository stored: an untrusted zip.
        None if missing or expired. A fork's own runs never count."""

    def comments(self, number: int) -> Sequence[ForgeComment]:
        """All comments of a pull request, oldest first."""

    def create_comment(self, number: int, body: str) -> ForgeComment:
        """Comment on a pull request."""

    def update_comment(self, number: int, comment: int, body: str) -> bool:
        """Replace a comment's text; False if the comment no longer exists."""

    def delete_comment(self, number: int, comment: int) -> None:
        """Delete a comment; not an error if it no longer exists."""

    def issues(self, author: Account) -> Sequence[Issue]:
        """The open issues that ``author`` opened, oldest first."""

    def create_issue(self, title: str, body: str) -> Issue:
        """Open an issue."""

    def update_issue(self, number: int, *, title: str, body: str, is_open: bool) -> bool:
        """Replace an issue's title and text, and close or open it; False if it no longer exists."""
