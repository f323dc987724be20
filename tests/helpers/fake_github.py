"""GitHub on this machine, for one repository; answers are the vendor's examples with the facts of the test in them."""

from __future__ import annotations

import json
from typing import Any

from helpers.fake_forge import HERE, TOKEN, Answer, FakeForge, Request

BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
REPOSITORY = "acme/offers"


class FakeGitHub(FakeForge):
    """The API as ``@octokit/openapi`` describes it, and of GraphQL the one query for whose token it is."""

    def __init__(self) -> None:
        super().__init__(HERE / "github_api.json")
        self.description.undescribed = {"head/repo: type", "0/head/repo: type"}  # null when the fork was deleted
        self.people: dict[int, dict[str, Any]] = {BOT["id"]: BOT}
        self.comments: dict[int, dict[str, Any]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.reviews: list[dict[str, Any]] = []
        self.commits: list[dict[str, Any]] = []
        self.merges: list[dict[str, Any]] = []
        self.user_is_told = False
        self.artifacts: list[dict[str, Any]] = []
        self.events: dict[int, str] = {}
        self.elsewhere = ""
        self.last = 100

    # What a test sets.

    def person(self, login: str, number: int) -> dict[str, Any]:
        """An account."""
        self.people[number] = {"login": login, "id": number, "type": "User"}
        return self.people[number]

    def pull(self, number: int, head: str, author: dict[str, Any], **facts: Any) -> dict[str, Any]:
        """An open pull request."""
        made = self.description.example("/repos/{owner}/{repo}/pulls/{pull_number}")
        made.update(number=number, state="open", merged=False, merged_at=None, user=self.user(author))
        made["head"]["sha"], made["base"]["ref"] = head, "main"
        made["head"]["repo"]["id"] = made["base"]["repo"]["id"]
        made.update(facts)
        self.pulls[number] = made
        return made

    def comment(self, author: dict[str, Any], body: str) -> int:
        """A comment of somebody."""
        self.last += 1
        made = self.description.example("/repos/{owner}/{repo}/issues/{issue_number}/comments", "post")
        made.update(id=self.last, body=body, user=self.user(author))
        self.comments[self.last] = made
        return self.last

    def issue(self, author: dict[str, Any], title: str, body: str, **facts: Any) -> dict[str, Any]:
        """An issue of somebody."""
        self.last += 1
        made = self.description.example("/repos/{owner}/{repo}/issues", "post")
        made.update(number=self.last, title=title, body=body, user=self.user(author), state="open", **facts)
        made.pop("pull_request", None)  # the vendor's example is a pull request
        self.issues[self.last] = made
        return made

    def review(self, author: dict[str, Any] | None, state: str, commit: str, at: str) -> int:
        """A review of somebody."""
        self.last += 1
        made = self.description.example("/repos/{owner}/{repo}/pulls/{pull_number}/reviews")[0]
        made.update(id=self.last, state=state, commit_id=commit, submitted_at=at, user=author and self.user(author))
        self.reviews.append(made)
        return self.last

    def commit(
        self, sha: str, author: dict[str, Any] | None, committer: dict[str, Any] | None, verified: bool = False
    ) -> None:
        """A commit of the pull request."""
        made = self.description.example("/repos/{owner}/{repo}/pulls/{pull_number}/commits")[0]
        made.update(sha=sha, author=author and self.user(author), committer=committer and self.user(committer))
        made["commit"]["verification"]["verified"] = verified
        self.commits.append(made)

    def artifact(self, name: str, event: str = "pull_request", of: int = 1296269, **facts: Any) -> int:
        """An artifact of a run of ``event`` in the repository, or in the fork ``of``."""
        self.last += 1
        made = self.description.example("/repos/{owner}/{repo}/actions/artifacts")["artifacts"][0]
        made.update({"id": self.last, "name": name, "expired": False, **facts})
        made["workflow_run"].update(id=self.last, repository_id=1296269, head_repository_id=of)
        self.events[self.last] = event
        self.artifacts.append(made)
        return self.last

    def user(self, person: dict[str, Any]) -> dict[str, Any]:
        """An account as it stands in answers."""
        made = self.description.example("/repos/{owner}/{repo}/issues/{issue_number}/comments")[0]["user"]
        return {**made, **person}

    # What a client asks.

    def headers_problem(self, headers: dict[str, str]) -> str:
        """GitHub refuses requests without a user agent."""
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return "another token"
        if (
            headers.get("accept") != "application/vnd.github+json"
            or headers.get("x-github-api-version") != "2022-11-28"
        ):
            return "another version of the API"
        return "" if headers.get("user-agent") else "no user agent"

    def special(self, method: str, path: str, body: bytes) -> Answer | None:
        """GraphQL."""
        if (method, path) != ("POST", "/graphql"):
            return None
        assert json.loads(body)["query"] == "query { viewer { login databaseId } }"
        return Answer(200, {"data": {"viewer": {"login": BOT["login"], "databaseId": BOT["id"]}}})

    def answer(self, found: Request) -> Answer:
        """Carry it out."""
        path, short = found.path, found.template.removeprefix("/repos/{owner}/{repo}")
        if "repo" in path and f"{path['owner']}/{path['repo']}" != REPOSITORY:
            return Answer(404, {"message": "Not Found"})
        match found.method, short:
            case "GET", "/user":
                if not self.user_is_told:
                    return Answer(403, {"message": "Resource not accessible by integration"})
                return Answer(200, {**self.description.example("/user"), **BOT})
            case "GET", "/user/{account_id}":
                person = self.people.get(int(path["account_id"]))
                whole = self.description.example("/user/{account_id}")
                return Answer(200, {**whole, **person}) if person else Answer(404, {"message": "Not Found"})
            case "GET", "":
                return Answer(200, {**self.description.example("/repos/{owner}/{repo}"), "default_branch": "main"})
            case "GET", "/issues/{issue_number}/comments":
                return self.page(list(self.comments.values()), found)
            case "POST", "/issues/{issue_number}/comments":
                return Answer(201, self.comments[self.comment(BOT, found.body["body"])])
            case "PATCH", "/issues/comments/{comment_id}":
                return self._changed(self.comments, int(path["comment_id"]), found.body)
            case "DELETE", "/issues/comments/{comment_id}":
                gone = self.comments.pop(int(path["comment_id"]), None) is None
                return Answer(404, {"message": "Not Found"}) if gone else Answer(204)
            case "GET", "/issues":
                wanted = found.query.get("creator")
                kept = [i for i in self.issues.values() if i["state"] == "open" and i["user"]["login"] == wanted]
                return self.page(kept, found)
            case "POST", "/issues":
                return Answer(201, self.issue(BOT, **found.body))
            case "PATCH", "/issues/{issue_number}":
                return self._changed(self.issues, int(path["issue_number"]), found.body)
            case _:
                return self._of_pull_request(found, short)

    def _of_pull_request(self, found: Request, short: str) -> Answer:
        match short:
            case "/pulls/{pull_number}":
                pull = self.pulls.get(int(found.path["pull_number"]))
                return Answer(404, {"message": "Not Found"}) if pull is None else Answer(200, pull)
            case "/pulls/{pull_number}/reviews":
                return self.page(self.reviews, found)
            case "/pulls/{pull_number}/commits":
                return self.page(self.commits[:250], found)
            case "/compare/{basehead}":
                whole = self.description.example("/repos/{owner}/{repo}/compare/{basehead}")
                return self.page(self.commits, found, lambda items: {**whole, "commits": items})
            case "/actions/artifacts":
                wanted = [a for a in self.artifacts if a["name"] == found.query["name"]]
                return self.page(wanted, found, lambda items: {"total_count": len(wanted), "artifacts": items})
            case "/actions/runs/{run_id}":
                number = int(found.path["run_id"])
                return Answer(
                    200, {**self.description.example(found.template), "id": number, "event": self.events[number]}
                )
            case "/actions/artifacts/{artifact_id}/{archive_format}":
                return Answer(302, None, {"Location": f"{self.elsewhere}/{found.path['artifact_id']}?sig=secret"})
            case "/commits/{ref}":
                known = {commit["sha"]: commit for commit in (*self.commits, *self.merges)}
                commit = known.get(found.path["ref"])
                return Answer(404, {"message": "Not Found"}) if commit is None else Answer(200, commit)
            case "/pulls" | "/commits/{commit_sha}/pulls":
                example = self.description.example(found.template)[0]
                return self.page(
                    [
                        {**example, **{k: v for k, v in p.items() if k in example}}
                        for p in self.pulls.values()
                        if found.query.get("state", p["state"]) == p["state"]
                    ],
                    found,
                )
        raise AssertionError(short)

    @staticmethod
    def _changed(things: dict[int, dict[str, Any]], number: int, facts: dict[str, Any]) -> Answer:
        if number not in things:
            return Answer(404, {"message": "Not Found"})
        things[number].update(facts)
        return Answer(200, things[number])
