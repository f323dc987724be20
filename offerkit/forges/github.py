"""GitHub's REST API, version 2022-11-28; and its GraphQL API for whose token it is."""

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
"""Commits of a pull request that GitHub lists at most; comparing its base with its head gives all."""
_EVENTS = ("pull_request", "workflow_run", "merge_group", "workflow_dispatch")
"""What starts the runs whose bundles count."""
_STATES = {
    "APPROVED": ReviewState.APPROVED,
    "CHANGES_REQUESTED": ReviewState.CHANGES_REQUESTED,
    "COMMENTED": ReviewState.COMMENTED,
    "DISMISSED": ReviewState.DISMISSED,
}


def github_headers(token: str) -> dict[str, str]:
    """What every request to GitHub carries."""
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
        """Whose token it is. A workflow's own token may not ask for its user, but GraphQL tells it."""
        try:
            found = fields.account(self.api.get("/user"), "login")
        except Refused as error:
            if error.diagnostics[0].code is not Code.FORGE_REFUSES:
                raise
            data = self.api.query(self._graphql(), "query { viewer { login databaseId } }", {})
            return self.api.read(lambda: self._viewer(data))
        if found is None:
            raise self.api.strange("GET /user")
        return found

    def _viewer(self, data: dict[str, Json]) -> Account:
        viewer = fields.record(data, "viewer")
        return Account(fields.number(viewer, "databaseId"), fields.text(viewer, "login"))

    def _graphql(self) -> str:
        return self.api.url.removesuffix("/v3") + "/graphql"  # an Enterprise Server has /api/v3 and /api/graphql

    def login(self, account: int) -> str:
        """What an account is called now; empty when there is none with this id."""
        found = self.api.find(f"/user/{account}")
        return "" if found is None else self.api.read(lambda: fields.text(found, "login"))

    def default_branch(self) -> str:
        """The name of the repository's default branch."""
        found = self.api.get(self._repo())
        return self.api.read(lambda: fields.text(found, "default_branch"))

    def pull_request(self, number: int) -> PullRequestInfo:
        """One pull request, as it is now."""
        found = self.api.get(self._repo(f"/pulls/{number}"))
        return self.api.read(lambda: _pull_request(found))

    def open_pull_requests(self) -> list[PullRequestInfo]:
        """All pull requests that are open, those of forks too."""
        found = self.api.pages(self._repo("/pulls"), {"state": "open"})
        return self.api.read(lambda: [_pull_request(one) for one in found])

    def pull_requests_of(self, commit: str) -> list[PullRequestInfo]:
        """The pull requests that brought ``commit`` into the default branch, or hold it."""
        found = self.api.pages(self._repo(f"/commits/{quote(commit, safe='')}/pulls"))
        return self.api.read(lambda: [_pull_request(one) for one in found])

    def reviews(self, number: int) -> list[Review]:
        """All submitted reviews of a pull request, oldest first."""
        found = self.api.pages(self._repo(f"/pulls/{number}/reviews"))
        made = self.api.read(lambda: [_review(one) for one in found if fields.text(one, "state") != "PENDING"])
        return sorted(made, key=lambda review: review.submitted)

    def commits_of(self, number: int) -> list[CommitAccounts]:
        """All commits of a pull request; more than GitHub lists of one are found by comparing base and head."""
        whole = self.api.get(self._repo(f"/pulls/{number}"))
        wanted = self.api.read(lambda: fields.number(whole, "commits"))
        if wanted <= _LISTED:
            found = self.api.pages(self._repo(f"/pulls/{number}/commits"))
        else:
            base, head = self.api.read(
                lambda: tuple(fields.commit_id(fields.record(whole, end), "sha") for end in ("base", "head"))
            )
            found = self.api.pages(self._repo(f"/compare/{base}...{head}"), of="commits")
        if len(found) != wanted:
            raise self.api.strange(f"pull request {number} has {wanted:,} commits, and {len(found):,} are listed")
        return self.api.read(lambda: [_commit(one) for one in found])

    def commit(self, commit: str) -> CommitAccounts:
        """One commit of the repository."""
        found = self.api.get(self._repo(f"/commits/{quote(commit, safe='')}"))
        return self.api.read(lambda: _commit(found))

    def bundle(self, head: str) -> bytes | None:
        """The newest artifact ``offerkit-HEAD`` of a run of this repository itself, as a zip; None without one."""
        name = f"offerkit-{head}"
        whole = self.api.get(self._repo())
        repository = self.api.read(lambda: fields.number(whole, "id"))
        found = self.api.pages(self._repo("/actions/artifacts"), {"name": name}, of="artifacts")
        candidates = self.api.read(lambda: [run for one in found if (run := _artifact(one, name, repository))])
        for artifact, run in sorted(candidates, reverse=True):
            if self._event(run) in _EVENTS:
                return self.api.download(self._repo(f"/actions/artifacts/{artifact}/zip"))
        return None

    def _event(self, run: int) -> str:
        found = self.api.get(self._repo(f"/actions/runs/{run}"))
        return self.api.read(lambda: fields.text(found, "event"))

    def comments(self, number: int) -> list[ForgeComment]:
        """All comments of a pull request, oldest first."""
        found = self.api.pages(self._repo(f"/issues/{number}/comments"))
        return self.api.read(lambda: [_comment(one) for one in found])

    def create_comment(self, number: int, body: str) -> ForgeComment:
        """Comment on a pull request."""
        return self.api.create(self._repo(f"/issues/{number}/comments"), {"body": body}, _comment)

    def update_comment(self, number: int, comment: int, body: str) -> bool:
        """Give a comment of a pull request another text; False when it is gone."""
        return self.api.change("PATCH", self._repo(f"/issues/comments/{comment}"), {"body": body})

    def delete_comment(self, number: int, comment: int) -> None:
        """Take a comment away; one that is gone already is no error."""
        self.api.change("DELETE", self._repo(f"/issues/comments/{comment}"), None)

    def issues(self, author: Account) -> list[Issue]:
        """The open issues that ``author`` opened, oldest first."""
        query = {"state": "open", "creator": author.login, "sort": "created", "direction": "asc"}
        found = self.api.pages(self._repo("/issues"), query)
        made = self.api.read(lambda: [_issue(one) for one in found if fields.record(one).get("pull_request") is None])
        return [issue for issue in made if issue.author is not None and issue.author.id == author.id]

    def create_issue(self, title: str, body: str) -> Issue:
        """Open an issue."""
        return self.api.create(self._repo("/issues"), {"title": title, "body": body}, _issue)

    def update_issue(self, number: int, *, title: str, body: str, is_open: bool) -> bool:
        """Give an issue another title and text, and close or open it; False when it is gone."""
        state = {"state": "open"} if is_open else {"state": "closed", "state_reason": "completed"}
        return self.api.change("PATCH", self._repo(f"/issues/{number}"), {"title": title, "body": body, **state})

    def _repo(self, path: str = "") -> str:
        return f"/repos/{self.repository}{path}"


def _artifact(found: Json, name: str, repository: int) -> tuple[int, int] | None:
    """The ids of an artifact and of its run; None for one of another name, of a fork, or that has expired."""
    run = fields.record(found).get("workflow_run")
    if fields.text(found, "name") != name or fields.flag(found, "expired") or not run:
        return None
    if {fields.number(run, "repository_id"), fields.number(run, "head_repository_id")} != {repository}:
        return None
    return fields.number(found, "id"), fields.number(run, "id")


def _user(value: Json, name: str) -> Account | None:
    return fields.account(fields.record(value).get(name), "login")


def _pull_request(found: Json) -> PullRequestInfo:
    head, base = fields.record(found, "head"), fields.record(found, "base")
    merged = bool(fields.text(found, "merged_at"))
    state = fields.text(found, "state")
    if state not in ("open", "closed"):
        raise fields.Unlike("state")
    source, target = head.get("repo"), fields.record(base, "repo")
    return PullRequestInfo(
        fields.number(found, "number"),
        PullState.MERGED if merged else PullState(state),
        fields.commit_id(head, "sha"),
        fields.text(base, "ref"),
        _user(found, "user"),
        source is None or fields.number(source, "id") != fields.number(target, "id"),  # None: a fork that was deleted
        fields.commit_id(found, "merge_commit_sha") if merged else "",
        fields.commit_id(base, "sha"),
    )


def _review(found: Json) -> Review:
    state = fields.text(found, "state")
    if state not in _STATES:
        raise fields.Unlike("state")
    commit = fields.text(found, "commit_id")
    return Review(
        str(fields.number(found, "id")),
        _user(found, "user"),
        _STATES[state],
        commit if fields.is_commit(commit) else "",
        fields.moment(found, "submitted_at"),
    )


def _commit(found: Json) -> CommitAccounts:
    commit = fields.record(found, "commit")
    signature = commit.get("verification")
    return CommitAccounts(
        fields.commit_id(found, "sha"),
        _user(found, "author"),
        _user(found, "committer"),
        signature is not None and fields.flag(signature, "verified"),
        _email(commit, "author"),
        _email(commit, "committer"),
        fields.text(commit, "message"),
    )


def _email(commit: Json, name: str) -> str:
    person = fields.record(commit).get(name)
    return fields.text(person, "email") if person else ""


def _comment(found: Json) -> ForgeComment:
    return ForgeComment(
        fields.number(found, "id"), _user(found, "user"), fields.text(found, "body"), fields.text(found, "html_url")
    )


def _issue(found: Json) -> Issue:
    return Issue(
        fields.number(found, "number"),
        _user(found, "user"),
        fields.text(found, "state") == "open",
        fields.text(found, "title"),
        fields.text(found, "body"),
        fields.text(found, "html_url"),
    )
