"""GitLab on this machine, for one project.

GitLab publishes no description of these operations in any package registry; ``gitlab_api.json`` was written by hand
from its documentation: parameters, bodies, and those fields of answers that are always there.
"""

from __future__ import annotations

import json
from typing import Any

from helpers.fake_forge import HERE, TOKEN, Answer, FakeForge, Request

PROJECT = "42"
PATH = "acme/shop/offers"
OWN = {"id": 900, "username": "project_42_bot", "name": "offerkit", "state": "active"}
MISSING = Answer(404, {"message": "404 Not found"})


class FakeGitLab(FakeForge):
    """The API as its documentation has it, and of GraphQL the one query for a commit's account."""

    def __init__(self) -> None:
        super().__init__(HERE / "gitlab_api.json")
        self.comments: dict[int, dict[str, Any]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.approved: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.commits: dict[str, dict[str, Any]] = {}
        self.people: dict[int, dict[str, Any]] = {OWN["id"]: OWN}
        self.pipelines: dict[int, str] = {}
        self.parents: dict[str, list[str]] = {}
        self.jobs: dict[int, list[dict[str, Any]]] = {}
        self.last = 100

    @property
    def api(self) -> str:
        """What CI_API_V4_URL says."""
        return f"{self.url}/api/v4"

    # What a test sets.

    def person(self, login: str, number: int) -> dict[str, Any]:
        """An account."""
        self.people[number] = {"id": number, "username": login, "name": login.title(), "state": "active"}
        return self.people[number]

    def pull(self, number: int, head: str, author: dict[str, Any], **facts: Any) -> dict[str, Any]:
        """An open merge request."""
        self.pulls[number] = {
            "id": 1000 + number, "iid": number, "state": "opened", "target_branch": "main", "author": author, "sha": head,
            "source_project_id": 42, "target_project_id": 42, "merge_commit_sha": None, "squash_commit_sha": None,
            "diff_refs": {"base_sha": "c" * 40, "head_sha": head, "start_sha": "c" * 40}, "web_url": "https://x", **facts,
        }  # fmt: skip
        return self.pulls[number]

    def comment(
        self, author: dict[str, Any], body: str, *, system: bool = False, at: str = "2026-01-01T00:00:00.000Z"
    ) -> int:
        """A note of somebody, or of GitLab."""
        self.last += 1
        self.comments[self.last] = {"id": self.last, "body": body, "author": author, "created_at": at, "system": system}
        return self.last

    def approve(self, author: dict[str, Any], at: str | None) -> None:
        """An approval; older releases do not say when."""
        self.approved.append({"user": author} | ({"approved_at": at} if at else {}))

    def version(self, head: str, at: str) -> None:
        """A push."""
        self.last += 1
        self.versions.insert(0, {"id": self.last, "head_commit_sha": head, "created_at": at})

    def commit(self, sha: str, author: dict[str, Any] | None, emails: tuple[str, str], status: str = "") -> None:
        """A commit of the merge request."""
        self.commits[sha] = {
            "sha": sha, "message": "", "authorEmail": emails[0], "committerEmail": emails[1],
            "author": author and {"id": f"gid://gitlab/User/{author['id']}", "username": author["username"]},
            "signature": {"verificationStatus": status} if status else None,
        }  # fmt: skip

    # What a client asks.

    def headers_problem(self, headers: dict[str, str]) -> str:
        """The token is a header of its own."""
        return "" if headers.get("private-token") == TOKEN and "authorization" not in headers else "another token"

    def special(self, method: str, path: str, body: bytes) -> Answer | None:
        """GraphQL."""
        if (method, path) != ("POST", "/api/graphql"):
            return None
        asked = json.loads(body)
        assert asked["variables"]["path"] == PATH
        commit = self.commits.get(asked["variables"]["sha"])
        return Answer(200, {"data": {"project": {"repository": {"commit": commit}}}})

    def answer(self, found: Request) -> Answer:
        """Carry it out."""
        path, short = found.path, found.template.removeprefix("/api/v4/projects/{id}")
        if "projects" in found.template and path["id"] not in (PROJECT, PATH):
            return MISSING
        note, issue = int(path.get("note_id", 0)), int(path.get("issue_iid", 0))
        match found.method, short:
            case "GET", "/api/v4/user":
                return Answer(200, OWN)
            case "GET", "/api/v4/users/{id}":
                person = self.people.get(int(path["id"]))
                return Answer(200, person) if person else MISSING
            case "GET", "":
                return Answer(200, {"id": 42, "path_with_namespace": PATH, "default_branch": "main"})
            case "GET", "/merge_requests/{noteable_id}/notes":
                return self.page(list(self.comments.values()), found)
            case "POST", "/merge_requests/{noteable_id}/notes":
                return Answer(201, self.comments[self.comment(OWN, found.body["body"])])
            case "PUT", "/merge_requests/{noteable_id}/notes/{note_id}":
                return self._changed(self.comments, note, found.body)
            case "DELETE", "/merge_requests/{noteable_id}/notes/{note_id}":
                return MISSING if self.comments.pop(note, None) is None else Answer(204)
            case "GET", "/issues":
                who = int(found.query["author_id"])
                return self.page(
                    [i for i in self.issues.values() if i["state"] == "opened" and i["author"]["id"] == who], found
                )
            case "POST", "/issues":
                self.last += 1
                self.issues[self.last] = {
                    "id": self.last, "iid": self.last, "state": "opened", "author": OWN, "web_url": "https://x", **found.body
                }  # fmt: skip
                return Answer(201, self.issues[self.last])
            case "PUT", "/issues/{issue_iid}":
                event = {"close": {"state": "closed"}, "reopen": {"state": "opened"}}[found.body.pop("state_event")]
                return self._changed(self.issues, issue, found.body | event)
            case _:
                return self._of_merge_request(found, short)

    def _of_merge_request(self, found: Request, short: str) -> Answer:
        if short == "/merge_requests":
            return self.page([p for p in self.pulls.values() if p["state"] == "opened"], found)
        if short == "/repository/commits/{sha}":
            sha = found.path["sha"]
            return Answer(200, {"id": sha, "parent_ids": self.parents[sha]}) if sha in self.parents else MISSING
        if short == "/pipelines/{pipeline_id}/jobs":
            return self.page(self.jobs.get(int(found.path["pipeline_id"]), []), found)
        if short == "/jobs/{job_id}/artifacts":
            return Answer(200, raw=b"PK" + found.path["job_id"].encode())
        if short == "/repository/commits/{sha}/merge_requests":
            return self.page([{"id": p["id"], "iid": p["iid"]} for p in self.pulls.values()], found)
        pull = self.pulls.get(int(found.path["merge_request_iid"]))
        if pull is None:
            return MISSING
        match short.rpartition("/")[2]:
            case "approvals":
                return Answer(200, {"approved": bool(self.approved), "approved_by": self.approved})
            case "pipelines":
                return self.page([{"id": p, "sha": s, "status": "success"} for p, s in self.pipelines.items()], found)
            case "versions":
                return self.page(self.versions, found)
            case "commits":
                emails = {c["sha"]: (c["authorEmail"], c["committerEmail"]) for c in self.commits.values()}
                return self.page(
                    [{"id": s, "author_email": a, "committer_email": c} for s, (a, c) in emails.items()], found
                )
        return Answer(200, pull)

    @staticmethod
    def _changed(things: dict[int, dict[str, Any]], number: int, facts: dict[str, Any]) -> Answer:
        if number not in things:
            return MISSING
        things[number].update(facts)
        return Answer(200, things[number])
