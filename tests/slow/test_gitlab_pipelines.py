"""The generated GitLab pipeline, its jobs carried out in order on real repositories, with a store and a forge here."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.fake_forge import TOKEN, Answer, Request
from helpers.fake_gitlab import OWN, FakeGitLab
from helpers.forked import forks_of_this_process
from helpers.runner import environ_of, tools
from ruamel.yaml import YAML

pytestmark = pytest.mark.slow

OPERATORS = """operators:
  admin: {label: Ana, protected: true, profile: administrator, email: ana@example.com, accounts: {gitlab: 1}}
  rita: {label: Rita, profile: offer-manager, email: rita@example.com, accounts: {gitlab: 2}}
  ci: {label: Pipeline, profile: administrator, automation: true}
"""
POLICY = """version: 1
policies:
  arrivals:
    applies_to: [step]
    require: step.action <> 'create'
    message: New ones wait
"""
OFFERS = "specs/recipients/offers.yaml"


class Lab(FakeGitLab):
    """GitLab, which keeps the artifacts of jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[int, bytes] = {}

    def _of_merge_request(self, found: Request, short: str) -> Answer:
        if short == "/jobs/{job_id}/artifacts":
            return Answer(200, raw=self.kept[int(found.path["job_id"])])
        return super()._of_merge_request(found, short)


class Pipelines:
    """A project that is live, its repository at the forge, and runners of its jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.forge, self.runs = folder, Lab(), 0
        self.variables: dict[str, str] = {}
        programs = folder / "tools"
        tools(programs)
        forks_of_this_process().install(programs)
        self.environ = environ_of(programs)
        self.bare, self.clone, self.store = folder / "offers.git", folder / "clone", folder / "srv" / "store.db"
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), folder=folder)
        self.git("config", "uploadpack.allowAnySHA1InWant", "true", folder=self.bare)
        self.git("init", "-q", "-b", "main", str(self.clone), folder=folder)
        self.offerkit("init", "--ci", "gitlab", "--install", "offerkit==0.1.0")
        shared = self.clone / "specs/shared.yaml"
        text = shared.read_text(encoding="utf-8")
        shared.write_text(text[: text.index("operators:")] + OPERATORS, encoding="utf-8")
        self.offerkit("fmt")
        self.offerkit("apply", "--yes", "--create-store")
        self.offerkit("approve", "offer.*")
        self.offerkit("promote", "--yes")
        self.git("remote", "add", "origin", self.bare.as_uri())
        self.git("add", "-A")
        self.git("commit", "-qm", "Begin")
        self.git("push", "-q", "origin", "main")
        self.ana, self.rita = self.forge.person("ana", 1), self.forge.person("rita", 2)
        self.variables["OFFERKIT_STORE"] = str(self.store)
        self.environ["OFFERKIT_OPERATOR"] = "ci"

    def git(self, *words: str, folder: Path | None = None) -> str:
        """What git answers in the clone, or in another folder."""
        done = subprocess.run(
            ["git", *words], cwd=folder or self.clone, env=self.environ, capture_output=True, text=True
        )
        assert done.returncode == 0, f"git {words}\n{done.stderr}"
        return done.stdout.strip()

    def offerkit(self, *words: str) -> str:
        """What the program prints in the clone, as an administrator."""
        environ = {**self.environ, "OFFERKIT_STORE": str(self.store), "OFFERKIT_OPERATOR": "admin"}
        child = forks_of_this_process().start(list(words), self.clone, environ)
        said = "".join(child.communicate())
        assert child.wait() == 0, said
        return said

    def branch(self, name: str, old: str, new: str) -> str:
        """A branch of main with one change, pushed; its commit."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", name, "origin/main")
        text = (self.clone / OFFERS).read_text(encoding="utf-8")
        assert old in text
        (self.clone / OFFERS).write_text(text.replace(old, new), encoding="utf-8")
        self.git("commit", "-qam", f"Write {new}")
        self.git("push", "-qf", "origin", f"HEAD:refs/heads/{name}")
        return self.git("rev-parse", "HEAD")

    def run(self, sha: str, source: str, **facts: str) -> dict[str, tuple[bool, str]]:
        """Carry out a pipeline's jobs but for manual ones: whether each succeeded, and what it said."""
        self.runs += 1
        texts = self.git("show", f"{sha}:.gitlab/offerkit.yml", folder=self.bare)
        head, body = texts.split("\n---\n")
        for name, each in YAML(typ="safe").load(head)["spec"]["inputs"].items():
            body = body.replace(f"$[[ inputs.{name} ]]", each["default"])
        yaml = YAML(typ="safe")
        yaml.constructor.add_constructor("!reference", lambda loader, node: tuple(loader.construct_sequence(node)))
        jobs = yaml.load(body)
        given = {
            "CI": "true", "GITLAB_CI": "true", "CI_API_V4_URL": self.forge.api, "CI_PROJECT_ID": "42",
            "CI_PIPELINE_SOURCE": source, "CI_COMMIT_SHA": sha, "CI_DEFAULT_BRANCH": "main", "GITLAB_TOKEN": TOKEN,
            "CI_PIPELINE_URL": f"https://gitlab.example/pipelines/{self.runs}", **self.variables, **facts,
        }  # fmt: skip
        work = self.folder / f"run-{self.runs}"
        self.git("init", "-q", str(work), folder=self.folder)
        self.git("remote", "add", "origin", self.bare.as_uri(), folder=work)
        self.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*", sha, folder=work)
        self.git("checkout", "-q", "--detach", sha, folder=work)
        done: dict[str, tuple[bool, str]] = {}
        for name in [name for name in jobs if not name.startswith(".")]:
            job = self._whole(jobs, name)
            rule = next((rule for rule in self._rules(jobs, job["rules"]) if holds(rule["if"], given)), None)
            needed = [each["job"] if isinstance(each, dict) else each for each in job.get("needs", [])]
            waits = job.get("when") != "always" and any(done.get(n, (True,))[0] is False for n in needed)
            if rule is None or rule.get("when") == "manual" or waits:
                continue
            own = {key: expanded(value, given) for key, value in job["variables"].items()}
            ran = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", "exec 2>&1\n" + "\n".join([*job["before_script"], *job["script"]])],
                cwd=work, env=self.environ | given | own, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            done[name] = (ran.returncode == 0, ran.stdout)
            if name == "offerkit-plan" and (work / "offerkit-bundle").is_dir():
                self._keep(work, sha)
        return done

    def _whole(self, jobs: dict[str, Any], name: str) -> dict[str, Any]:
        job = jobs[name]
        below = self._whole(jobs, job["extends"]) if "extends" in job else {}
        return {**below, **job, "variables": below.get("variables", {}) | job.get("variables", {})}

    def _rules(self, jobs: dict[str, Any], rules: Any) -> Iterator[dict[str, Any]]:
        for rule in rules:
            if isinstance(rule, tuple):
                yield from self._rules(jobs, jobs[rule[0]][rule[1]])
            else:
                yield rule

    def _keep(self, work: Path, sha: str) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for path in sorted((work / "offerkit-bundle").rglob("*")):
                archive.write(path, path.relative_to(work))
        self.forge.pipelines[self.runs] = sha
        self.forge.jobs[self.runs] = [
            {"id": self.runs, "name": "offerkit-plan", "status": "success", "artifacts_file": {"filename": "x.zip"}}
        ]
        self.forge.kept[self.runs] = content.getvalue()

    def merge_of(self, head: str) -> str:
        """A commit that merges ``head`` into main."""
        base = self.git("rev-parse", "main", folder=self.bare)
        tree = self.git("merge-tree", "--write-tree", base, head, folder=self.bare).splitlines()[0]
        merged = self.git("commit-tree", tree, "-p", base, "-p", head, "-m", "Merge", folder=self.bare)
        self.forge.parents[merged] = [base, head]
        return merged

    def opened(self, number: int, head: str, kind: str = "detached") -> dict[str, tuple[bool, str]]:
        """A merge request is opened or pushed to; ``kind``: of its own commit, or of its merge with the target."""
        if number in self.forge.pulls:
            self.forge.pulls[number].update(sha=head)
        else:
            self.forge.pull(number, head, self.ana)
        self.git("update-ref", f"refs/merge-requests/{number}/head", head, folder=self.bare)
        self.forge.version(head, f"2026-01-{self.runs + 1:02}T00:00:00Z")
        self.forge.commit(head, self.ana, ("ana@example.com", "ana@example.com"))
        facts = {
            "CI_MERGE_REQUEST_IID": str(number), "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_EVENT_TYPE": kind,
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }  # fmt: skip
        if kind == "detached":
            return self.run(head, "merge_request_event", **facts)
        facts["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"] = head
        return self.run(self.merge_of(head), "merge_request_event", **facts)

    def merged(self, number: int, how: str) -> dict[str, tuple[bool, str]]:
        """A merge request is merged: as a merge commit, or squashed."""
        head = self.forge.pulls[number]["sha"]
        base = self.git("rev-parse", "main", folder=self.bare)
        tree = self.git("merge-tree", "--write-tree", base, head, folder=self.bare).splitlines()[0]
        squashed = self.git("commit-tree", tree, "-p", base, "-m", "Squash", folder=self.bare)
        facts = {"merge": ("merge_commit_sha", self.merge_of(head)), "squash": ("squash_commit_sha", squashed)}
        field, sha = facts[how]
        self.forge.pulls[number].update({"state": "merged", field: sha})
        self.forge.commit(sha, self.ana, ("ana@example.com", "ana@example.com"))
        self.git("update-ref", "refs/heads/main", sha, folder=self.bare)
        return self.run(sha, "push", CI_COMMIT_BRANCH="main")


def expanded(text: str, given: dict[str, str]) -> str:
    """A variable's value with others in it; what is not there is empty."""
    return re.sub(r"\$(\w+)", lambda match: given.get(match[1], ""), text)


def holds(condition: str, given: dict[str, str]) -> bool:
    """A rule's condition, as far as ours go."""
    python = re.sub(r"\$(\w+)", lambda match: repr(given.get(match[1], "")), condition)
    return bool(eval(python.replace("&&", " and ").replace("||", " or ").strip(), {"__builtins__": {}}))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Pipelines]:
    made = Pipelines(tmp_path)
    try:
        yield made
    finally:
        made.forge.close()
    assert made.forge.problems == []


def results(done: dict[str, tuple[bool, str]]) -> set[str]:
    """The jobs that ran; all of them have to have succeeded."""
    failed = [f"{name}:\n{said}" for name, (good, said) in done.items() if not good]
    assert not failed, "\n".join(failed)
    return {name.removeprefix("offerkit-") for name in done}


def said(lab: Pipelines) -> list[str]:
    """The comments of the pipeline."""
    return [each["body"] for each in lab.forge.comments.values() if each["author"]["id"] == OWN["id"]]


@pytest.mark.parametrize(("kind", "how"), [("detached", "squash"), ("merged_result", "merge")])
def test_from_a_branch_to_approved(lab: Pipelines, kind: str, how: str) -> None:
    head = lab.branch("summer", "weight: 20", "weight: 30")
    assert results(lab.opened(1, head, kind)) == {"validate", "plan", "comment", "check"}
    [comment] = said(lab)
    assert "canada-rockies" in comment and "https://gitlab.example/pipelines/1" in comment
    head = lab.branch("summer", "weight: 20", "weight: 40")
    results(lab.opened(1, head, kind))
    [comment] = said(lab)
    assert "40" in comment
    if kind != "detached":
        assert results(lab.opened(1, head, "merge_train")) == {"validate", "check"}
    lab.forge.approve(lab.rita, "2026-02-01T00:00:00Z")
    assert results(lab.run(lab.git("rev-parse", "origin/main"), "schedule", CI_COMMIT_BRANCH="main")) == {
        "check",
        "drift",
    }
    assert results(lab.merged(1, how)) == {"apply"}
    assert "rita" in lab.offerkit("history", "-n", "1")


def test_what_is_not_what_was_read_is_not_applied(lab: Pipelines) -> None:
    head = lab.branch("summer", "weight: 20", "weight: 30")
    results(lab.opened(1, head))
    lab.git("checkout", "-q", "-B", "elsewhere", "origin/main")
    offers = lab.clone / OFFERS
    offers.write_text(offers.read_text(encoding="utf-8").replace("weight: 20", "weight: 25"), encoding="utf-8")
    lab.offerkit("apply", "offer.canada-rockies", "--yes")
    night = lab.run(lab.git("rev-parse", "origin/main"), "schedule", CI_COMMIT_BRANCH="main")
    good, told = night["offerkit-check"]
    assert not good and "canada-rockies" in told and night["offerkit-drift"][0]
    good, told = lab.merged(1, "squash")["offerkit-apply"]
    assert not good and "OFR922" in told


def test_a_fork_is_planned_by_the_default_branch(lab: Pipelines) -> None:
    head = lab.branch("evil", "weight: 20", "weight: 30")
    lab.forge.pull(7, head, lab.forge.person("eve", 3), source_project_id=99)
    lab.git("update-ref", "refs/merge-requests/7/head", head, folder=lab.bare)
    main = lab.git("rev-parse", "origin/main")
    done = lab.run(main, "web", CI_COMMIT_BRANCH="main", OFFERKIT_PULL_REQUEST="7")
    assert results(done) == {"fork-plan", "fork-comment"}
    assert "canada-rockies" in said(lab)[0]


def test_without_a_store(lab: Pipelines) -> None:
    lab.variables.clear()
    head = lab.branch("summer", "weight: 20", "weight: 30")
    assert results(lab.opened(1, head)) == {"validate", "plan", "comment", "check"}
    assert "weights[Summer].weight: 30" in said(lab)[0]
    assert results(lab.merged(1, "squash")) == set()


def test_what_a_policy_denies_is_said_and_fails_the_pipeline(lab: Pipelines) -> None:
    lab.branch("summer", "weight: 20", "weight: 30")
    (lab.clone / "specs/recipients/policies.yaml").write_text(POLICY, encoding="utf-8")
    lab.git("add", "-A")
    lab.git("commit", "-qm", "Add a policy")
    lab.git("push", "-q", "origin", "HEAD:refs/heads/summer")
    head = lab.git("rev-parse", "HEAD")
    done = lab.opened(1, head)
    ended = {name.removeprefix("offerkit-"): good for name, (good, _) in done.items()}
    assert ended == {"validate": True, "plan": False, "comment": True}
    assert "Denied by a policy" in said(lab)[0]
