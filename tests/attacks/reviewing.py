"""A project in a repository on a forge, whose pull requests are reviewed."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import Any

from attacking import Session
from helpers.fake_forge import TOKEN
from helpers.fake_github import REPOSITORY, FakeGitHub

ACCOUNTS = {"ada": 1, "olga": 2, "omar": 3, "brand": 4, "risk": 5}
HEAVY: dict[str, Any] = {"saver": {"weights": [{"weight": 99}]}}
NUMBER = 12


@dataclass
class Repository:
    """The project in git and at GitHub, with an automation that relays reviews."""

    team: Session
    github: FakeGitHub = field(default_factory=FakeGitHub)

    def __post_init__(self) -> None:
        self.people = {name: self.github.person(name, number) for name, number in ACCOUNTS.items()}
        self.team.environ |= {
            "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": self.github.url, "GITHUB_REPOSITORY": REPOSITORY,
        }  # fmt: skip
        known = {name: {"accounts": {"github": number}} for name, number in ACCOUNTS.items()}
        robot = {"profile": "offer-manager", "automation": True, "accounts": {"github": 9}}
        self.team.save(".gitignore", ".offerkit/\nexported/\n*.zip\n*.log\n")
        self.team.git("init --quiet --initial-branch main")
        self.team.edit(operators={**known, "robot": robot})
        self.commit("ada")
        self.team.do("ada", "apply --yes")

    def commit(self, author: str, **more: str) -> str:
        """Commit all there is in somebody's name; its id."""
        who = {"NAME": author, "EMAIL": f"{author}@example.com"}
        environ = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in who.items()}
        self.team.git("add --all")
        self.team.git("commit --quiet -m Change", **environ, **more)
        return self.head()

    def head(self, name: str = "HEAD") -> str:
        done = subprocess.run(
            ["git", "rev-parse", name], cwd=self.team.root, env=self.team.environ, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def propose(
        self, author: str = "omar", number: int = NUMBER, offers: dict[str, Any] | None = None, **sections: Any
    ) -> str:
        """A branch of ``author`` with a change, planned, as a pull request; its head."""
        self.team.git(f"checkout --quiet -b pull-{number} main")
        self.team.edit(offers=offers or HEAVY, **sections)
        head = self.commit(author)
        self.plan(number)
        self.opened(number, head, author)
        self.github.commits.clear()
        self.github.commit(head, self.people[author], self.people[author])
        return head

    def plan(self, number: int = NUMBER) -> None:
        self.team.do("ada", f"ci plan --no-impact --pull-request {number} --out {number}.zip")

    def opened(self, number: int, head: str, author: str) -> None:
        self.github.pull(number, head, self.people[author])["commits"] = 1

    def merge(self, number: int = NUMBER) -> None:
        """Merge it, on the forge and here."""
        self.team.git("checkout --quiet main")
        who = {
            f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        self.team.git(f"merge --quiet --no-ff -m Merge pull-{number}", **who)
        self.merged(number)

    def merged(self, number: int = NUMBER) -> None:
        facts = {"merged_at": "2026-01-02T00:00:00Z", "merge_commit_sha": self.head()}
        self.github.pulls[number].update(state="closed", **facts)
        self.github.commit(self.head(), self.people["ada"], self.github.person("web-flow", 19864447), verified=True)
        self.github.merges.append(self.github.commits.pop())

    def apply(self, number: int = NUMBER, who: str = "ada") -> None:
        self.team.do(who, f"ci apply --bundle {number}.zip --pull-request {number}")

    def review(self, who: str, head: str, state: str = "APPROVED") -> int:
        """A review, a second after the one before."""
        return self.github.review(self.people[who], state, head, f"2026-01-02T00:00:{len(self.github.reviews):02}Z")

    def relayed(self, number: int = NUMBER, *, bundle: str = "", who: str = "robot") -> bool:
        """Whether the change is live once reviews were recorded and omar has promoted."""
        line = f"ci approve --bundle {bundle or f'{number}.zip'} --pull-request {number}"
        self.team.attempt(who, line)
        self.team.attempt("omar", "promote --yes")
        return bool(self.team.live().weight("saver") == 99)
