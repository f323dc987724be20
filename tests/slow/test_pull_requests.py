"""The generated workflows, carried out in order on real repositories, with a real store and a forge on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.fake_github import FakeGitHub
from helpers.forked import forks_of_this_process
from helpers.runner import Job, Machine, environ_of, evaluated, tools

pytestmark = pytest.mark.slow

OPERATORS = """operators:
  admin: {label: Ana, protected: true, profile: administrator, email: ana@example.com, accounts: {github: 1}}
  rita: {label: Rita, profile: offer-manager, email: rita@example.com, accounts: {github: 2}}
  ci: {label: Pipeline, profile: administrator, automation: true}
"""


class Team:
    """A clone of somebody, and the machine of the forge."""

    def __init__(self, machine: Machine, clone: Path, store: Path) -> None:
        self.machine, self.clone, self.store = machine, clone, store

    def offerkit(self, *words: str) -> str:
        """What the program prints here, as an administrator, on the store."""
        environ = {**self.machine.environ, "OFFERKIT_STORE": str(self.store), "OFFERKIT_OPERATOR": "admin"}
        child = forks_of_this_process().start(list(words), self.clone, environ)
        said = "".join(child.communicate())
        assert child.wait() == 0, said
        return said

    def git(self, *words: str) -> str:
        """What git answers in the clone."""
        return self.machine.git(*words, folder=self.clone)

    def branch(self, name: str, old: str, new: str, path: str = "specs/recipients/offers.yaml") -> None:
        """A branch of main with one change, pushed."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", name, "origin/main")
        self.change(old, new, path)
        self.push(name)

    def change(self, old: str, new: str, path: str = "specs/recipients/offers.yaml") -> None:
        """A commit."""
        file = self.clone / path
        content = file.read_bytes()
        assert old.encode() in content
        file.write_bytes(content.replace(old.encode(), new.encode()))
        self.git("commit", "-qam", f"Write {new.strip()[:40]}")

    def push(self, name: str, where: str = "origin") -> None:
        """To the forge, whatever was there."""
        self.git("push", "-qf", where, f"HEAD:refs/heads/{name}")


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A project that is live, at a forge, with the pipeline that init writes."""
    forge = FakeGitHub()
    folder = tmp_path / "tools"
    tools(folder)
    forks_of_this_process().install(folder)
    bare, clone, store = tmp_path / "offers.git", tmp_path / "clone", tmp_path / "srv" / "store.db"
    environ = environ_of(folder)
    machine = Machine(tmp_path, bare, forge, {**environ, "OFFERKIT_OPERATOR": "ci"}, variables={"OFFERKIT_STORE": str(store)})
    bare.mkdir()
    machine.git("init", "-q", "--bare", "-b", "main", ".")
    machine.git("config", "uploadpack.allowAnySHA1InWant", "true")
    machine.git("init", "-q", "-b", "main", str(clone))
    made = Team(machine, clone, store)
    made.offerkit("init", "--ci", "github", "--install", "offerkit==0.1.0")
    shared = clone / "specs/shared.yaml"
    text = shared.read_text(encoding="utf-8")
    shared.write_text(text[: text.index("operators:")] + OPERATORS, encoding="utf-8")
    made.offerkit("fmt")
    made.offerkit("apply", "--yes", "--create-store")
    made.offerkit("approve", "offer.*")
    made.offerkit("promote", "--yes")
    made.git("remote", "add", "origin", bare.as_uri())
    made.git("add", "-A")
    made.git("commit", "-qm", "Begin")
    made.git("push", "-q", "origin", "main")
    forge.person("ana", 1)
    forge.person("rita", 2)
    yield made
    machine.close()
    forge.close()
    assert forge.problems == []


def results(jobs: dict[str, Job]) -> dict[str, str]:
    """The jobs that were not skipped, and how they ended."""
    failed = [f"{name}:\n{job.said}" for name, job in jobs.items() if job.result == "failure"]
    assert not failed, "\n".join(failed)
    return {name: job.result for name, job in jobs.items() if job.result != "skipped"}


def test_from_a_branch_to_live(team: Team) -> None:
    machine, forge = team.machine, team.machine.forge
    team.branch("summer", "weight: 20", "weight: 30")
    ran = results(machine.opened(1, "summer", forge.people[1]))
    assert ran == dict.fromkeys(("validate", "plan", "comment", "check"), "success")
    [comment] = machine.said()
    assert "canada-rockies" in comment
    forge.review(forge.people[2], "APPROVED", forge.pulls[1]["head"]["sha"], "2026-11-01T00:00:00Z")
    assert results(machine.queued(1)) == {"validate": "success", "check": "success"}
    assert results(machine.merged(1, "squash")) == {"apply": "success"}
    assert "No changes" in team.offerkit("plan", "--project", str(team.clone))


def test_the_runner_reads_expressions() -> None:
    context = {"github": {"event_name": "push"}, "vars": {}, "needs": {"plan": {"result": "success"}}}
    assert evaluated("github.event_name == 'push' && vars.STORE != ''", context) is False
    assert evaluated("!cancelled() && (vars.STORE != '' || needs.plan.result == 'success')", context) is True
    assert evaluated("github.event.pull_request.number || github.event_name", context) == "push"
