"""GitLab's REST API, version 4; and its GraphQL API for the accounts of commits, which REST does not give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote

from offerkit.fingerprint import Json
from offerkit.forges import fields
from offerkit.forges.api import Api
from offerkit.forges.forge import (
    Account,
    CommitAccounts,
    ForgeComment,
    Issue,
    PullRequestInfo,
    PullState,
    Review,
    ReviewState,
)

_STATES = {"opened": PullState.OPEN, "locked": PullState.OPEN, "closed": PullState.CLOSED, "merged": PullState.MERGED}
_APPROVED, _UNAPPROVED = "approved this merge request", "unapproved this merge request"
"""Notes that GitLab itself adds to a merge request; only GitLab writes ``system`` notes."""
_ACCOUNT = "author { id username } "
_COMMIT = "query($path: ID!, $sha: String!) { project(fullPath: $path) { repository { commit(ref: $sha) { %s} } } }"
_COMMIT_QUERY = _COMMIT % ("sha message authorEmail committerEmail signature { verificationStatus } " + _ACCOUNT)
PLAN_JOB = "offerkit-plan"
"""The name of the job that stores a bundle."""
_MOST_COMMITS = 1000
"""The most commits of a merge request that are requested one by one."""


def gitlab_headers(token: str) -> dict[str, str]:
    """The headers of every request to GitLab."""
    return {"PRIVATE-TOKEN": token, "Accept": "application/json"}


@dataclass
class GitLab:
    """A project at GitLab, by its number or its full path; a :class:`Forge`."""

    api: Api
    project: str

    name: ClassVar[str] = "gitlab"
    comment_limit: ClassVar[int] = 900_000

    def account(self) -> Account:
        """The token's account; for the token of a project or group, its bot."""
        user = self.api.get("/user")
        return self.api.read(lambda: Account(fields.number(user, "id"), fields.text(user, "username")))

    def login(self, account: int) -> str:
        """The current login of an account; empty if the id does not exist."""
        user = self.api.find(f"/users/{account}")
        return "" if user is None else self.api.read(lambda: fields.text(user, "username"))

    def default_branch(self) -> str:
        """The name of the repository's default branch."""
        project = self.api.get(self._project())
        return self.api.read(lambda: fields.text(project, "default_branch"))

    def pull_request(self, number: int) -> PullRequestInfo:
        """One merge request, as it is now."""
        merge_request = self.api.get(self._project(f"/merge_requests/{number}"))
        return self.api.read(lambda: _merge_request(merge_request))

    def open_pull_requests(self) -> list[PullRequestInfo]:
        """All merge requests that are open, those of forks too."""
        merge_requests = self.api.pages(self._project("/merge_requests"), {"state": "opened", "scope": "all"})
        return self.api.read(lambda: [_merge_request(merge_request) for merge_request in merge_requests])

    def pull_requests_of(self, commit: str) -> list[PullRequestInfo]:
        """The merge requests that brought ``commit`` into its branch, or hold it."""
        merge_requests = self.api.pages(self._project(f"/repository/commits/{quote(commit, safe='')}/merge_requests"))
        numbers = self.api.read(lambda: [fields.number(merge_request, "iid") for merge_request in merge_requests])
        return [self.pull_request(number) for number in numbers]  # the list lacks some fields

    def reviews(self, number: int) -> list[Review]:
        """The approvals that count now, oldest first. If GitLab gives no time for one, the time of its own note counts.

        An approval's commit is the head that the merge request had by then, by GitLab's own clock.
        """
        response = self.api.get(self._project(f"/merge_requests/{number}/approvals"))
        approvals = self.api.read(lambda: _approvals(response))
        if not approvals:
            return []
        heads = self._heads(number)
        noted = self._noted(number) if any(approved_at is None for _, approved_at in approvals) else {}
        reviews = []
        for account, approved_at in approvals:
            submitted = approved_at or noted.get(account.id)
            if submitted is None:
                raise self.api.strange(f"it does not tell when {self.api.shown(account.login)} approved {number}")
            commit = next((head for since, head in reversed(heads) if since <= submitted), "")
            reviews.append(
                Review(f"{account.id}@{submitted.isoformat()}", account, ReviewState.APPROVED, commit, submitted)
            )
        return sorted(reviews, key=lambda review: review.submitted)

    def _heads(self, number: int) -> list[tuple[datetime, str]]:
        """All heads of a merge request, each with the time since which it was the head."""
        versions = self.api.pages(self._project(f"/merge_requests/{number}/versions"))
        return self.api.read(
            lambda: sorted(
                (fields.moment(version, "created_at"), fields.commit_id(version, "head_commit_sha"))
                for version in versions
            )
        )

    def _noted(self, number: int) -> dict[int, datetime]:
        """When each account last approved or withdrew its approval, by GitLab's notes."""

        def read() -> dict[int, datetime]:
            approved_at: dict[int, datetime] = {}
            for note in sorted(notes, key=lambda note: fields.moment(note, "created_at")):
                account = fields.account(fields.record(note).get("author"), "username")
                body = fields.text(note, "body")
                if account is not None and fields.flag(note, "system") and body in (_APPROVED, _UNAPPROVED):
                    approved_at[account.id] = fields.moment(note, "created_at")
            return approved_at

        notes = self.api.pages(self._project(f"/merge_requests/{number}/notes"))
        return self.api.read(read)

    def commits_of(self, number: int) -> list[CommitAccounts]:
        """All commits of a merge request."""
        listed = self.api.pages(self._project(f"/merge_requests/{number}/commits"))
        commits = self.api.read(lambda: [fields.commit_id(commit, "id") for commit in listed])
        if len(commits) > _MOST_COMMITS:
            raise self.api.strange(f"merge request {number} has more than {_MOST_COMMITS:,} commits")
        return self._accounts(commits)

    def commit(self, commit: str) -> CommitAccounts:
        """One commit of the repository."""
        (accounts,) = self._accounts([commit])
        return accounts

    def _accounts(self, commits: Sequence[str]) -> list[CommitAccounts]:
        """The accounts of commits: REST gives only e-mail addresses, GraphQL the author's account."""
        if not commits:
            return []
        project = self.api.get(self._project())
        path = self.api.read(lambda: fields.text(project, "path_with_namespace"))
        url = self.api.url.removesuffix("/v4") + "/graphql"
        return [self._account_of(url, path, commit) for commit in commits]

    def _account_of(self, url: str, path: str, commit: str) -> CommitAccounts:
        data = self.api.query(url, _COMMIT_QUERY, {"path": path, "sha": commit})
        return self.api.read(lambda: _commit(data, commit))

    def bundle(self, head: str) -> bytes | None:
        """The artifacts of the newest job ``offerkit-plan`` of a merge request's pipeline for ``head``, as a zip.

        None without one. A project may let the pipelines of forks run in it: they do not count.
        """
        requests = [request for request in self.pull_requests_of(head) if request.head == head]
        if any(request.from_fork for request in requests):
            return None
        for request in requests:
            for pipeline, commit in sorted(self._pipelines(request.number), reverse=True):
                job = self._planned(pipeline) if commit == head or head in self._parents(commit) else 0
                if job:
                    return self.api.download(self._project(f"/jobs/{job}/artifacts"))
        return None

    def _pipelines(self, number: int) -> list[tuple[int, str]]:
        pipelines = self.api.pages(self._project(f"/merge_requests/{number}/pipelines"))
        return self.api.read(
            lambda: [(fields.number(pipeline, "id"), fields.commit_id(pipeline, "sha")) for pipeline in pipelines]
        )

    def _parents(self, commit: str) -> list[str]:
        """The parents of a commit: a pipeline of merged results is of a merge of the head with its target."""
        response = self.api.find(self._project(f"/repository/commits/{commit}"))
        parents = fields.record(response).get("parent_ids") if isinstance(response, dict) else None
        return [parent for parent in parents if isinstance(parent, str)] if isinstance(parents, list) else []

    def _planned(self, pipeline: int) -> int:
        """The newest job of a pipeline that stored a bundle; 0 without one."""
        jobs_of_pipeline = self.api.pages(self._project(f"/pipelines/{pipeline}/jobs"))
        plan_jobs = [
            job
            for job in jobs_of_pipeline
            if isinstance(job, dict) and job.get("name") == PLAN_JOB and job.get("artifacts_file")
        ]
        return self.api.read(lambda: max((fields.number(job, "id") for job in plan_jobs), default=0))

    def comments(self, number: int) -> list[ForgeComment]:
        """All comments of a merge request, oldest first, without GitLab's own notes."""
        notes = self.api.pages(
            self._project(f"/merge_requests/{number}/notes"), {"sort": "asc", "order_by": "created_at"}
        )
        return self.api.read(lambda: [_comment(note) for note in notes if not fields.flag(note, "system")])

    def create_comment(self, number: int, body: str) -> ForgeComment:
        """Comment on a merge request."""
        return self.api.create(self._project(f"/merge_requests/{number}/notes"), {"body": body}, _comment)

    def update_comment(self, number: int, comment: int, body: str) -> bool:
        """Replace a comment's text; False if the comment no longer exists."""
        return self.api.change("PUT", self._project(f"/merge_requests/{number}/notes/{comment}"), {"body": body})

    def delete_comment(self, number: int, comment: int) -> None:
        """Delete a comment; not an error if it no longer exists."""
        self.api.change("DELETE", self._project(f"/merge_requests/{number}/notes/{comment}"), None)

    def issues(self, author: Account) -> list[Issue]:
        """The open issues that ``author`` opened, oldest first."""
        query = {
            "state": "opened",
            "author_id": str(author.id),
            "scope": "all",
            "order_by": "created_at",
            "sort": "asc",
        }
        listed = self.api.pages(self._project("/issues"), query)
        issues = self.api.read(lambda: [_issue(data) for data in listed])
        return [issue for issue in issues if issue.author is not None and issue.author.id == author.id]

    def create_issue(self, title: str, body: str) -> Issue:
        """Open an issue."""
        return self.api.create(self._project("/issues"), {"title": title, "description": body}, _issue)

    def update_issue(self, number: int, *, title: str, body: str, is_open: bool) -> bool:
        """Replace an issue's title and text, and close or open it; False if it no longer exists."""
        event = "reopen" if is_open else "close"
        facts: Json = {"title": title, "description": body, "state_event": event}
        return self.api.change("PUT", self._project(f"/issues/{number}"), facts)

    def _project(self, path: str = "") -> str:
        return f"/projects/{quote(self.project, safe='')}{path}"


def _merge_request(data: Json) -> PullRequestInfo:
    state = fields.text(data, "state")
    if state not in _STATES:
        raise fields.Unlike("state")
    merged = state == "merged"
    merged_as = next((text for name in _MERGED_AS if (text := fields.text(data, name))), "") if merged else ""
    references = fields.record(data).get("diff_refs")
    return PullRequestInfo(
        fields.number(data, "iid"),
        _STATES[state],
        fields.commit_id(data, "sha"),
        fields.text(data, "target_branch"),
        fields.account(fields.record(data).get("author"), "username"),
        fields.number(data, "source_project_id") != fields.number(data, "target_project_id")
        if fields.record(data).get("source_project_id") is not None
        else True,  # the fork was deleted
        merged_as if fields.is_commit(merged_as) else "",
        fields.text(references, "base_sha") if references else "",
    )


_MERGED_AS = ("merge_commit_sha", "squash_commit_sha", "sha")
"""The fields that name the commit merged into the target branch: a merge commit, a squashed one, or the head itself."""


def _approvals(data: Json) -> list[tuple[Account, datetime | None]]:
    approved_by = fields.record(data).get("approved_by")
    if not isinstance(approved_by, list):
        raise fields.Unlike("approved_by")
    approvals = []
    for approval in approved_by:
        account = fields.account(fields.record(approval).get("user"), "username")
        if account is None:
            raise fields.Unlike("approved_by.user")
        approvals.append(
            (account, fields.moment(approval, "approved_at") if fields.text(approval, "approved_at") else None)
        )
    return approvals


def _commit(data: dict[str, Json], commit: str) -> CommitAccounts:
    fields_of_commit = fields.record(data, "project", "repository", "commit")
    if fields.commit_id(fields_of_commit, "sha") != commit:
        raise fields.Unlike("sha")
    signature, author = fields_of_commit.get("signature"), fields_of_commit.get("author")
    account = Account(_number_of(fields.text(author, "id")), fields.text(author, "username")) if author else None
    emails = fields.text(fields_of_commit, "authorEmail"), fields.text(fields_of_commit, "committerEmail")
    return CommitAccounts(
        commit,
        account,
        account if emails[0] == emails[1] else None,
        bool(signature) and fields.text(signature, "verificationStatus") == "VERIFIED",
        *emails,
        fields.text(fields_of_commit, "message"),
    )


def _number_of(global_id: str) -> int:
    """The number in ``gid://gitlab/User/12``."""
    head, _, number = global_id.rpartition("/")
    if head != "gid://gitlab/User" or not number.isascii() or not number.isdigit():
        raise fields.Unlike("id")
    return int(number)


def _comment(note: Json) -> ForgeComment:
    author = fields.account(fields.record(note).get("author"), "username")
    return ForgeComment(fields.number(note, "id"), author, fields.text(note, "body"))


def _issue(data: Json) -> Issue:
    return Issue(
        fields.number(data, "iid"),
        fields.account(fields.record(data).get("author"), "username"),
        fields.text(data, "state") == "opened",
        fields.text(data, "title"),
        fields.text(data, "description"),
        fields.text(data, "web_url"),
    )
