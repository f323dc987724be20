"""GitHub's REST API, version 2022-11-28; and its GraphQL API for the account of a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

from offerkit.diagnostics import Code, Refused
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

VERSION = "2022-11-28"
_LISTED = 250
"""The most commits of a pull request that GitHub lists; comparing its base with its head gives all."""
_EVENTS = ("pull_request", "workflow_run", "merge_group", "workflow_dispatch")
"""The events that start the runs whose bundles count."""
_STATES = {
    "APPROVED": ReviewState.APPROVED,
    "CHANGES_REQUESTED": ReviewState.CHANGES_REQUESTED,
    "COMMENTED": ReviewState.COMMENTED,
    "DISMISSED": ReviewState.DISMISSED,
}


def github_headers(token: str) -> dict[str, str]:
    """The headers of every request to GitHub."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": VERSION,
    }


@dataclass
class GitHub:
    """The repository ``owner/name`` at GitHub or at a GitHub Enterprise Server; a :class:`Forge`."""

    api: Api
    repository: str

    name: ClassVar[str] = "github"
    comment_limit: ClassVar[int] = 60_000

    def account(self) -> Account:
        """The token's account. A workflow's own token cannot read it from REST, but from GraphQL."""
        try:
            account = fields.account(self.api.get("/user"), "login")
        except Refused as error:
            if error.diagnostics[0].code is not Code.FORGE_REFUSES:
                raise
            data = self.api.query(self._graphql(), "query { viewer { login databaseId } }", {})
            return self.api.read(lambda: self._viewer(data))
        if account is None:
            raise self.api.strange("GET /user")
        return account

    def _viewer(self, data: dict[str, Json]) -> Account:
        viewer = fields.record(data, "viewer")
        return Account(fields.number(viewer, "databaseId"), fields.text(viewer, "login"))

    def _graphql(self) -> str:
        return self.api.url.removesuffix("/v3") + "/graphql"  # an Enterprise Server has /api/v3 and /api/graphql

    def login(self, account: int) -> str:
        """The current login of an account; empty if the id does not exist."""
        user = self.api.find(f"/user/{account}")
        return "" if user is None else self.api.read(lambda: fields.text(user, "login"))

    def default_branch(self) -> str:
        """The name of the repository's default branch."""
        repository = self.api.get(self._repo())
        return self.api.read(lambda: fields.text(repository, "default_branch"))

    def pull_request(self, number: int) -> PullRequestInfo:
        """One pull request, as it is now."""
        data = self.api.get(self._repo(f"/pulls/{number}"))
        return self.api.read(lambda: _pull_request(data))

    def open_pull_requests(self) -> list[PullRequestInfo]:
        """All pull requests that are open, those of forks too."""
        pull_requests = self.api.pages(self._repo("/pulls"), {"state": "open"})
        return self.api.read(lambda: [_pull_request(pull_request) for pull_request in pull_requests])

    def pull_requests_of(self, commit: str) -> list[PullRequestInfo]:
        """The pull requests that brought ``commit`` into the default branch, or hold it."""
        pull_requests = self.api.pages(self._repo(f"/commits/{quote(commit, safe='')}/pulls"))
        return self.api.read(lambda: [_pull_request(pull_request) for pull_request in pull_requests])

    def reviews(self, number: int) -> list[Review]:
        """All submitted reviews of a pull request, oldest first."""
        listed = self.api.pages(self._repo(f"/pulls/{number}/reviews"))
        reviews = self.api.read(lambda: [_review(data) for data in listed if fields.text(data, "state") != "PENDING"])
        return sorted(reviews, key=lambda review: review.submitted)

    def commits_of(self, number: int) -> list[CommitAccounts]:
        """All commits of a pull request; if there are more than GitHub lists, by comparing base and head."""
        pull_request = self.api.get(self._repo(f"/pulls/{number}"))
        expected = self.api.read(lambda: fields.number(pull_request, "commits"))
        if expected <= _LISTED:
            commits = self.api.pages(self._repo(f"/pulls/{number}/commits"))
        else:
            base, head = self.api.read(
                lambda: tuple(fields.commit_id(fields.record(pull_request, end), "sha") for end in ("base", "head"))
            )
            commits = self.api.pages(self._repo(f"/compare/{base}...{head}"), of="commits")
        if len(commits) != expected:
            raise self.api.strange(f"pull request {number} has {expected:,} commits, and {len(commits):,} are listed")
        return self.api.read(lambda: [_commit(commit) for commit in commits])

    def commit(self, commit: str) -> CommitAccounts:
        """One commit of the repository."""
        data = self.api.get(self._repo(f"/commits/{quote(commit, safe='')}"))
        return self.api.read(lambda: _commit(data))

    def bundle(self, head: str) -> bytes | None:
        """The newest artifact ``offerkit-HEAD`` of a run of this repository itself, as a zip; None without one."""
        name = f"offerkit-{head}"
        response = self.api.get(self._repo())
        repository = self.api.read(lambda: fields.number(response, "id"))
        artifacts = self.api.pages(self._repo("/actions/artifacts"), {"name": name}, of="artifacts")
        runs_of_artifacts = self.api.read(
            lambda: [run for artifact_data in artifacts if (run := _artifact(artifact_data, name, repository))]
        )
        for artifact, run in sorted(runs_of_artifacts, reverse=True):
            if self._event(run) in _EVENTS:
                return self.api.download(self._repo(f"/actions/artifacts/{artifact}/zip"))
        return None

    def _event(self, run: int) -> str:
        run_data = self.api.get(self._repo(f"/actions/runs/{run}"))
        return self.api.read(lambda: fields.text(run_data, "event"))

    def comments(self, number: int) -> list[ForgeComment]:
        """All comments of a pull request, oldest first."""
        listed = self.api.pages(self._repo(f"/issues/{number}/comments"))
        return self.api.read(lambda: [_comment(comment) for comment in listed])

    def create_comment(self, number: int, body: str) -> ForgeComment:
        """Comment on a pull request."""
        return self.api.create(self._repo(f"/issues/{number}/comments"), {"body": body}, _comment)

    def update_comment(self, number: int, comment: int, body: str) -> bool:
        """Replace a comment's text; False if the comment no longer exists."""
        return self.api.change("PATCH", self._repo(f"/issues/comments/{comment}"), {"body": body})

    def delete_comment(self, number: int, comment: int) -> None:
        """Delete a comment; not an error if it no longer exists."""
        self.api.change("DELETE", self._repo(f"/issues/comments/{comment}"), None)

    def issues(self, author: Account) -> list[Issue]:
        """The open issues that ``author`` opened, oldest first."""
        query = {"state": "open", "creator": author.login, "sort": "created", "direction": "asc"}
        listed = self.api.pages(self._repo("/issues"), query)
        issues = self.api.read(
            lambda: [_issue(data) for data in listed if fields.record(data).get("pull_request") is None]
        )
        return [issue for issue in issues if issue.author is not None and issue.author.id == author.id]

    def create_issue(self, title: str, body: str) -> Issue:
        """Open an issue."""
        return self.api.create(self._repo("/issues"), {"title": title, "body": body}, _issue)

    def update_issue(self, number: int, *, title: str, body: str, is_open: bool) -> bool:
        """Replace an issue's title and text, and close or open it; False if it no longer exists."""
        state = {"state": "open"} if is_open else {"state": "closed", "state_reason": "completed"}
        return self.api.change("PATCH", self._repo(f"/issues/{number}"), {"title": title, "body": body, **state})

    def _repo(self, path: str = "") -> str:
        return f"/repos/{self.repository}{path}"


def _artifact(data: Json, name: str, repository: int) -> tuple[int, int] | None:
    """The ids of an artifact and of its run; None for one of another name, of a fork, or that has expired."""
    run = fields.record(data).get("workflow_run")
    if fields.text(data, "name") != name or fields.flag(data, "expired") or not run:
        return None
    if {fields.number(run, "repository_id"), fields.number(run, "head_repository_id")} != {repository}:
        return None
    return fields.number(data, "id"), fields.number(run, "id")


def _user(value: Json, name: str) -> Account | None:
    return fields.account(fields.record(value).get(name), "login")


def _pull_request(data: Json) -> PullRequestInfo:
    head, base = fields.record(data, "head"), fields.record(data, "base")
    merged = bool(fields.text(data, "merged_at"))
    state = fields.text(data, "state")
    if state not in ("open", "closed"):
        raise fields.Unlike("state")
    source, target = head.get("repo"), fields.record(base, "repo")
    return PullRequestInfo(
        fields.number(data, "number"),
        PullState.MERGED if merged else PullState(state),
        fields.commit_id(head, "sha"),
        fields.text(base, "ref"),
        _user(data, "user"),
        source is None or fields.number(source, "id") != fields.number(target, "id"),  # None: a fork that was deleted
        fields.commit_id(data, "merge_commit_sha") if merged else "",
        fields.commit_id(base, "sha"),
    )


def _review(data: Json) -> Review:
    state = fields.text(data, "state")
    if state not in _STATES:
        raise fields.Unlike("state")
    commit = fields.text(data, "commit_id")
    return Review(
        str(fields.number(data, "id")),
        _user(data, "user"),
        _STATES[state],
        commit if fields.is_commit(commit) else "",
        fields.moment(data, "submitted_at"),
    )


def _commit(data: Json) -> CommitAccounts:
    commit = fields.record(data, "commit")
    signature = commit.get("verification")
    return CommitAccounts(
        fields.commit_id(data, "sha"),
        _user(data, "author"),
        _user(data, "committer"),
        signature is not None and fields.flag(signature, "verified"),
        _email(commit, "author"),
        _email(commit, "committer"),
        fields.text(commit, "message"),
    )


def _email(commit: Json, name: str) -> str:
    person = fields.record(commit).get(name)
    return fields.text(person, "email") if person else ""


def _comment(data: Json) -> ForgeComment:
    return ForgeComment(
        fields.number(data, "id"), _user(data, "user"), fields.text(data, "body"), fields.text(data, "html_url")
    )


def _issue(data: Json) -> Issue:
    return Issue(
        fields.number(data, "number"),
        _user(data, "user"),
        fields.text(data, "state") == "open",
        fields.text(data, "title"),
        fields.text(data, "body"),
        fields.text(data, "html_url"),
    )
