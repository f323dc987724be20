"""GitLab's REST API, version 4; and its GraphQL API for the accounts of commits, which REST does not tell."""

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
"""What GitLab itself notes of a merge request; only it writes notes that are ``system``."""
_ACCOUNT = "author { id username } "
_COMMIT = "query($path: ID!, $sha: String!) { project(fullPath: $path) { repository { commit(ref: $sha) { %s} } } }"
_COMMIT_QUERY = _COMMIT % ("sha message authorEmail committerEmail signature { verificationStatus } " + _ACCOUNT)
PLAN_JOB = "offerkit-plan"
"""What the job that keeps a bundle is called."""
_MOST_COMMITS = 1000
"""Commits of a merge request that are asked for one by one."""


def gitlab_headers(token: str) -> dict[str, str]:
    """What every request to GitLab carries."""
    return {"PRIVATE-TOKEN": token, "Accept": "application/json"}


@dataclass
class GitLab:
    """A project at GitLab, by its number or its full path; a :class:`Forge`."""

    api: Api
    project: str

    name: ClassVar[str] = "gitlab"
    comment_limit: ClassVar[int] = 900_000

    def account(self) -> Account:
        """Whose token it is: for a project's or a group's token its bot."""
        found = self.api.get("/user")
        return self.api.read(lambda: Account(fields.number(found, "id"), fields.text(found, "username")))

    def login(self, account: int) -> str:
        """What an account is called now; empty when there is none with this id."""
        found = self.api.find(f"/users/{account}")
        return "" if found is None else self.api.read(lambda: fields.text(found, "username"))

    def default_branch(self) -> str:
        """The name of the repository's default branch."""
        found = self.api.get(self._project())
        return self.api.read(lambda: fields.text(found, "default_branch"))

    def pull_request(self, number: int) -> PullRequestInfo:
        """One merge request, as it is now."""
        found = self.api.get(self._project(f"/merge_requests/{number}"))
        return self.api.read(lambda: _merge_request(found))

    def open_pull_requests(self) -> list[PullRequestInfo]:
        """All merge requests that are open, those of forks too."""
        found = self.api.pages(self._project("/merge_requests"), {"state": "opened", "scope": "all"})
        return self.api.read(lambda: [_merge_request(one) for one in found])

    def pull_requests_of(self, commit: str) -> list[PullRequestInfo]:
        """The merge requests that brought ``commit`` into its branch, or hold it."""
        found = self.api.pages(self._project(f"/repository/commits/{quote(commit, safe='')}/merge_requests"))
        numbers = self.api.read(lambda: [fields.number(one, "iid") for one in found])
        return [self.pull_request(number) for number in numbers]  # what is listed lacks some of the facts

    def reviews(self, number: int) -> list[Review]:
        """The approvals that count now, oldest first. When GitLab does not say when one was given, its own note does.

        An approval's commit is the head that the merge request had by then, by GitLab's own clock.
        """
        found = self.api.get(self._project(f"/merge_requests/{number}/approvals"))
        given = self.api.read(lambda: _approvals(found))
        if not given:
            return []
        heads = self._heads(number)
        noted = self._noted(number) if any(at is None for _, at in given) else {}
        made = []
        for account, at in given:
            when = at or noted.get(account.id)
            if when is None:
                raise self.api.strange(f"it does not tell when {self.api.shown(account.login)} approved {number}")
            commit = next((head for since, head in reversed(heads) if since <= when), "")
            made.append(Review(f"{account.id}@{when.isoformat()}", account, ReviewState.APPROVED, commit, when))
        return sorted(made, key=lambda review: review.submitted)

    def _heads(self, number: int) -> list[tuple[datetime, str]]:
        """The heads that a merge request had, each since when."""
        found = self.api.pages(self._project(f"/merge_requests/{number}/versions"))
        return self.api.read(
            lambda: sorted(
                (fields.moment(one, "created_at"), fields.commit_id(one, "head_commit_sha")) for one in found
            )
        )

    def _noted(self, number: int) -> dict[int, datetime]:
        """When each account approved last, as GitLab notes it."""

        def read() -> dict[int, datetime]:
            at: dict[int, datetime] = {}
            for note in sorted(notes, key=lambda note: fields.moment(note, "created_at")):
                who = fields.account(fields.record(note).get("author"), "username")
                said = fields.text(note, "body")
                if who is not None and fields.flag(note, "system") and said in (_APPROVED, _UNAPPROVED):
                    at[who.id] = fields.moment(note, "created_at")
            return at

        notes = self.api.pages(self._project(f"/merge_requests/{number}/notes"))
        return self.api.read(read)

    def commits_of(self, number: int) -> list[CommitAccounts]:
        """All commits of a merge request."""
        found = self.api.pages(self._project(f"/merge_requests/{number}/commits"))
        commits = self.api.read(lambda: [fields.commit_id(one, "id") for one in found])
        if len(commits) > _MOST_COMMITS:
            raise self.api.strange(f"merge request {number} has more than {_MOST_COMMITS:,} commits")
        return self._accounts(commits)

    def commit(self, commit: str) -> CommitAccounts:
        """One commit of the repository."""
        (found,) = self._accounts([commit])
        return found

    def _accounts(self, commits: Sequence[str]) -> list[CommitAccounts]:
        """REST has the addresses of a commit alone; whose they are is told by GraphQL, for the author."""
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
        found = self.api.pages(self._project(f"/merge_requests/{number}/pipelines"))
        return self.api.read(lambda: [(fields.number(one, "id"), fields.commit_id(one, "sha")) for one in found])

    def _parents(self, commit: str) -> list[str]:
        """The parents of a commit: a pipeline of merged results is of a merge of the head with its target."""
        found = self.api.find(self._project(f"/repository/commits/{commit}"))
        parents = fields.record(found).get("parent_ids") if isinstance(found, dict) else None
        return [one for one in parents if isinstance(one, str)] if isinstance(parents, list) else []

    def _planned(self, pipeline: int) -> int:
        """The newest job of a pipeline that has kept a bundle; 0 without one."""
        found = self.api.pages(self._project(f"/pipelines/{pipeline}/jobs"))
        jobs = [
            one for one in found if isinstance(one, dict) and one.get("name") == PLAN_JOB and one.get("artifacts_file")
        ]
        return self.api.read(lambda: max((fields.number(one, "id") for one in jobs), default=0))

    def comments(self, number: int) -> list[ForgeComment]:
        """All comments of a merge request, oldest first, without what GitLab notes itself."""
        found = self.api.pages(
            self._project(f"/merge_requests/{number}/notes"), {"sort": "asc", "order_by": "created_at"}
        )
        return self.api.read(lambda: [_comment(one) for one in found if not fields.flag(one, "system")])

    def create_comment(self, number: int, body: str) -> ForgeComment:
        """Comment on a merge request."""
        return self.api.create(self._project(f"/merge_requests/{number}/notes"), {"body": body}, _comment)

    def update_comment(self, number: int, comment: int, body: str) -> bool:
        """Give a comment of a merge request another text; False when it is gone."""
        return self.api.change("PUT", self._project(f"/merge_requests/{number}/notes/{comment}"), {"body": body})

    def delete_comment(self, number: int, comment: int) -> None:
        """Take a comment away; one that is gone already is no error."""
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
        found = self.api.pages(self._project("/issues"), query)
        made = self.api.read(lambda: [_issue(one) for one in found])
        return [issue for issue in made if issue.author is not None and issue.author.id == author.id]

    def create_issue(self, title: str, body: str) -> Issue:
        """Open an issue."""
        return self.api.create(self._project("/issues"), {"title": title, "description": body}, _issue)

    def update_issue(self, number: int, *, title: str, body: str, is_open: bool) -> bool:
        """Give an issue another title and text, and close or open it; False when it is gone."""
        event = "reopen" if is_open else "close"
        facts: Json = {"title": title, "description": body, "state_event": event}
        return self.api.change("PUT", self._project(f"/issues/{number}"), facts)

    def _project(self, path: str = "") -> str:
        return f"/projects/{quote(self.project, safe='')}{path}"


def _merge_request(found: Json) -> PullRequestInfo:
    state = fields.text(found, "state")
    if state not in _STATES:
        raise fields.Unlike("state")
    merged = state == "merged"
    into = next((text for name in _MERGED_AS if (text := fields.text(found, name))), "") if merged else ""
    references = fields.record(found).get("diff_refs")
    return PullRequestInfo(
        fields.number(found, "iid"),
        _STATES[state],
        fields.commit_id(found, "sha"),
        fields.text(found, "target_branch"),
        fields.account(fields.record(found).get("author"), "username"),
        fields.number(found, "source_project_id") != fields.number(found, "target_project_id")
        if fields.record(found).get("source_project_id") is not None
        else True,  # the fork was deleted
        into if fields.is_commit(into) else "",
        fields.text(references, "base_sha") if references else "",
    )


_MERGED_AS = ("merge_commit_sha", "squash_commit_sha", "sha")
"""What the target branch got: a merge commit, a squashed one, or with a fast-forward the head itself."""


def _approvals(found: Json) -> list[tuple[Account, datetime | None]]:
    given = fields.record(found).get("approved_by")
    if not isinstance(given, list):
        raise fields.Unlike("approved_by")
    made = []
    for one in given:
        account = fields.account(fields.record(one).get("user"), "username")
        if account is None:
            raise fields.Unlike("approved_by.user")
        made.append((account, fields.moment(one, "approved_at") if fields.text(one, "approved_at") else None))
    return made


def _commit(data: dict[str, Json], commit: str) -> CommitAccounts:
    found = fields.record(data, "project", "repository", "commit")
    if fields.commit_id(found, "sha") != commit:
        raise fields.Unlike("sha")
    signature, author = found.get("signature"), found.get("author")
    account = Account(_number_of(fields.text(author, "id")), fields.text(author, "username")) if author else None
    emails = fields.text(found, "authorEmail"), fields.text(found, "committerEmail")
    return CommitAccounts(
        commit,
        account,
        account if emails[0] == emails[1] else None,
        bool(signature) and fields.text(signature, "verificationStatus") == "VERIFIED",
        *emails,
        fields.text(found, "message"),
    )


def _number_of(global_id: str) -> int:
    """The number in ``gid://gitlab/User/12``."""
    head, _, number = global_id.rpartition("/")
    if head != "gid://gitlab/User" or not number.isascii() or not number.isdigit():
        raise fields.Unlike("id")
    return int(number)


def _comment(found: Json) -> ForgeComment:
    author = fields.account(fields.record(found).get("author"), "username")
    return ForgeComment(fields.number(found, "id"), author, fields.text(found, "body"))


def _issue(found: Json) -> Issue:
    return Issue(
        fields.number(found, "iid"),
        fields.account(fields.record(found).get("author"), "username"),
        fields.text(found, "state") == "opened",
        fields.text(found, "title"),
        fields.text(found, "description"),
        fields.text(found, "web_url"),
    )
