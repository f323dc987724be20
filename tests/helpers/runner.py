"""Carries out generated workflows on this machine: real clones, real shells, the program itself; and a forge's events.

It knows of GitHub's runner what these workflows use, and fails on everything else.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from helpers.fake_forge import TOKEN, Answer, Request
from helpers.fake_github import REPOSITORY, FakeGitHub

MAIN = "main"
GITHUB = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}
"""The forge commits merges itself, for whoever merges."""
_TOKEN = re.compile(r"\s*(?:('[^']*')|(&&|\|\||[!=]=|[!()])|([A-Za-z_][\w.-]*))")
_PYTHON = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "(": "(", ")": ")"}


def evaluated(expression: str, context: Mapping[str, Any]) -> Any:
    """An expression of a workflow, as far as ours go; what is not there is empty."""
    python, rest = "", expression.strip()
    while rest:
        match = _TOKEN.match(rest)
        assert match is not None, f"the runner does not know: {rest}"
        text, sign, name = match.groups()
        rest = rest[match.end() :]
        if name == "cancelled":
            assert rest.startswith("()")
            rest, python = rest[2:], f"{python} False "
        elif name:
            python += repr(_looked_up(name, context))
        else:
            python += text or _PYTHON[sign]
    return eval(python, {"__builtins__": {}})


def _looked_up(name: str, context: Mapping[str, Any]) -> Any:
    value: Any = context
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None else value


def interpolated(text: Any, context: Mapping[str, Any]) -> str:
    """A value with its ``${{ }}`` replaced."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: _text(evaluated(match[1], context)), _text(text))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Hub(FakeGitHub):
    """GitHub, which also knows the commits that it made of pull requests."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[dict[str, Any]] = []

    def merge(self, sha: str, author: dict[str, Any], web: dict[str, Any]) -> None:
        """A commit of the forge's own, for the author of a pull request."""
        self.commit(sha, author, web, verified=True)
        self.made.append(self.commits.pop())

    def _of_pull_request(self, found: Request, short: str) -> Answer:
        if short == "/commits/{ref}":
            return Answer(200, next(c for c in [*self.made, *self.commits] if c["sha"] == found.path["ref"]))
        return super()._of_pull_request(found, short)


@dataclass
class Job:
    """How a job ended: ``success``, ``failure`` or ``skipped``, what it printed, and the outputs of its steps."""

    result: str
    said: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Machine:
    """A forge with one repository, and runners for its workflows."""

    root: Path
    bare: Path
    forge: Hub
    environ: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    runs: int = 0
    summaries: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        machine = self

        class Blobs(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = machine.blobs[self.path.strip("/").partition("?")[0]]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self.storage = ThreadingHTTPServer(("127.0.0.1", 0), Blobs)
        threading.Thread(target=self.storage.serve_forever, args=(0.02,), daemon=True).start()
        self.forge.elsewhere = f"http://127.0.0.1:{self.storage.server_address[1]}"

    def close(self) -> None:
        """End the storage of artifacts."""
        self.storage.shutdown()
        self.storage.server_close()

    def git(self, *words: str, folder: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """What git answers, in the forge's repository unless another folder is named."""
        done = subprocess.run(
            ["git", *words],
            cwd=folder or self.bare,
            env={**self.environ, **(env or {})},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"git {words}\n{done.stderr}"
        return done.stdout.strip()

    def run(self, workflow: str, name: str, ref: str, sha: str, **facts: Any) -> dict[str, Job]:
        """Carry out a workflow for an event; it is the one of ``sha``, as at the forge."""
        self.runs += 1
        whole = YAML(typ="safe").load(self.git("show", f"{sha}:.github/workflows/{workflow}"))
        assert name in whole["on"], f"{workflow} does not start on {name}"
        run = self.root / f"run-{self.runs}"
        repository = {"default_branch": MAIN}
        github = {
            "event_name": name, "event": {"repository": repository, **facts}, "repository": REPOSITORY, "token": TOKEN,
            "ref_name": ref.removeprefix("refs/heads/"), "ref": ref, "sha": sha, "run_id": self.runs,
        }  # fmt: skip
        context = {"github": github, "vars": self.variables, "inputs": facts.get("inputs", {}), "needs": {}}
        done: dict[str, Job] = {}
        for job, body in whole["jobs"].items():
            needs = [body["needs"]] if isinstance(body.get("needs"), str) else body.get("needs", [])
            context["needs"] = {n: {"result": done[n].result, "outputs": done[n].outputs} for n in needs}
            condition = str(body.get("if", "true")).removeprefix("${{").removesuffix("}}")
            stopped = "cancelled()" not in condition and any(done[each].result != "success" for each in needs)
            wanted = condition == "true" or evaluated(condition, context)
            done[job] = self._job(run / job, whole, body, context) if wanted and not stopped else Job("skipped")
        return done

    def _job(self, folder: Path, whole: Any, body: Any, context: Mapping[str, Any]) -> Job:
        temp, workspace = folder / "temp", folder / "work"
        temp.mkdir(parents=True)
        workspace.mkdir()
        here = {**context, "secrets": self.secrets, "runner": {"temp": str(temp)}, "steps": {}, "env": {}}
        github = context["github"]
        environ = {
            **self.environ, "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_API_URL": self.forge.url,
            "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_REF": github["ref"], "GITHUB_SHA": github["sha"],
            "GITHUB_EVENT_NAME": github["event_name"], "GITHUB_RUN_ID": str(self.runs),
            "GITHUB_TRIGGERING_ACTOR": "omar", "GITHUB_WORKSPACE": str(workspace), "RUNNER_TEMP": str(temp),
            "GITHUB_STEP_SUMMARY": str(temp / "summary.md"), "GITHUB_BASE_REF": MAIN if "pull_request" in github["event"] else "",
        }  # fmt: skip
        for part in (whole, body):
            here["env"] |= {key: interpolated(value, here) for key, value in part.get("env", {}).items()}
        job = Job("success")
        for step in body["steps"]:
            condition = str(step.get("if", "")).removeprefix("${{").removesuffix("}}")
            if job.result != "success" and "cancelled()" not in condition:
                continue
            if condition and not evaluated(condition, here):
                continue
            if "uses" in step:
                self._uses(step, workspace, here)
                continue
            more = {key: interpolated(value, here) for key, value in step.get("env", {}).items()}
            assert "${{" not in step["run"]
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", f"exec 2>&1\n{step['run']}"],
                cwd=workspace, env=environ | here["env"] | more, capture_output=True, text=True, timeout=600,
            )  # fmt: skip
            job.said += f"$ {step['run']}\n{done.stdout}"
            if done.returncode:
                job.result = "failure"
        if (temp / "summary.md").is_file():
            self.summaries.append((temp / "summary.md").read_text(encoding="utf-8"))
        job.outputs = {key: interpolated(value, here) for key, value in body.get("outputs", {}).items()}
        shutil.rmtree(folder)
        return job

    def _uses(self, step: Any, workspace: Path, context: dict[str, Any]) -> None:
        given = {key: interpolated(value, context) for key, value in step.get("with", {}).items()}
        match re.fullmatch(r"actions/([a-z-]+)@[0-9a-f]{40}", step["uses"]):
            case re.Match() as match if match[1] == "setup-python":
                return
            case re.Match() as match if match[1] == "checkout":
                self._checkout(workspace, context["github"], given.get("fetch-depth", "1"))
            case re.Match() as match if match[1] == "upload-artifact":
                if not Path(given["path"]).is_dir():
                    assert given["if-no-files-found"] == "ignore"
                    return
                zipped = io.BytesIO()
                with zipfile.ZipFile(zipped, "w") as archive:
                    for path in sorted(Path(given["path"]).rglob("*")):
                        archive.write(path, path.relative_to(given["path"]))
                number = self.forge.artifact(given["name"], context["github"]["event_name"])
                self.blobs[str(number)] = zipped.getvalue()
                context["steps"][step["id"]] = {"outputs": {"artifact-url": f"https://github.example/{number}"}}
            case re.Match() as match if match[1] == "download-artifact":
                number = max(each["id"] for each in self.forge.artifacts if each["name"] == given["name"])
                with zipfile.ZipFile(io.BytesIO(self.blobs[str(number)])) as archive:
                    archive.extractall(given["path"])
            case _:
                raise AssertionError(step["uses"])

    def _checkout(self, folder: Path, github: Mapping[str, Any], depth: str) -> None:
        """As the action does: the event's commit alone, or the history of all branches."""
        ref, sha = github["ref"], github["sha"]
        self.git("init", "-q", str(folder))
        self.git("remote", "add", "origin", self.bare.as_uri(), folder=folder)
        if depth == "0":
            self.git("fetch", "-q", "--prune", "origin", "+refs/heads/*:refs/remotes/origin/*", folder=folder)
            self.git("fetch", "-q", "origin", sha, folder=folder)
        else:
            self.git("fetch", "-q", f"--depth={depth}", "origin", sha, folder=folder)
        where = ["-B", ref.removeprefix("refs/heads/")] if ref.startswith("refs/heads/") else ["--detach"]
        self.git("checkout", "-q", *where, sha, folder=folder)

    # --- what happens at the forge

    def opened(self, number: int, branch: str, author: dict[str, Any], fork: Path | None = None) -> dict[str, Job]:
        """A pull request is opened, or pushed to: its own run, and what that starts."""
        source = fork or self.bare
        self.git("fetch", "-q", str(source), f"+refs/heads/{branch}:refs/pull/{number}/head")
        head, base = self.git("rev-parse", f"refs/pull/{number}/head"), self.git("rev-parse", MAIN)
        tree = self.git("merge-tree", "--write-tree", base, head).splitlines()[0]
        merged = self.git("commit-tree", tree, "-p", base, "-p", head, "-m", "Merge")
        self.git("update-ref", f"refs/pull/{number}/merge", merged)
        pull = self.forge.pulls.get(number) or self.forge.pull(number, head, author)
        pull["head"]["sha"], pull["head"]["ref"] = head, branch
        self.forge.commits.clear()
        listed = self.git("rev-list", "--reverse", f"{base}..{head}").split()
        for commit in listed:
            self.forge.commit(commit, author, author, verified=False)
        pull["commits"] = len(listed)
        full = REPOSITORY if fork is None else "eve/offers"
        if fork is not None:
            pull["head"]["repo"]["id"] = 99
        facts = {"number": number, "head": {"sha": head, "repo": {"full_name": full}}}
        ref = f"refs/pull/{number}/merge"
        done = self.run("offers.yml", "pull_request", ref, merged, pull_request=facts)
        if fork is not None:
            ended = "failure" if any(job.result == "failure" for job in done.values()) else "success"
            run = {
                "event": "pull_request",
                "conclusion": ended,
                "head_sha": head,
                "head_repository": {"full_name": full},
            }
            after = self.run("offers-forks.yml", "workflow_run", f"refs/heads/{MAIN}", base, workflow_run=run)
            done |= {f"forks {name}": job for name, job in after.items()}
        return done

    def queued(self, number: int) -> dict[str, Job]:
        """A merge queue asks of the merge of a pull request with what main is now."""
        head, base = self.git("rev-parse", f"refs/pull/{number}/head"), self.git("rev-parse", MAIN)
        tree = self.git("merge-tree", "--write-tree", base, head).splitlines()[0]
        group = self.git("commit-tree", tree, "-p", base, "-p", head, "-m", "Merge")
        ref = f"refs/heads/gh-readonly-queue/{MAIN}/pr-{number}-{base}"
        self.git("update-ref", ref, group)
        return self.run("offers.yml", "merge_group", ref, group)

    def merged(self, number: int, how: str = "merge") -> dict[str, Job]:
        """A pull request is merged in one of the three ways; the default branch's run."""
        head, base = self.git("rev-parse", f"refs/pull/{number}/head"), self.git("rev-parse", MAIN)
        tree = self.git("merge-tree", "--write-tree", base, head).splitlines()[0]
        parents = ["-p", base, "-p", head] if how == "merge" else ["-p", base]
        commit = self.git("commit-tree", tree, *parents, "-m", f"Change offers (#{number})", env=GITHUB)
        self.git("update-ref", f"refs/heads/{MAIN}", commit)
        author = self.forge.pulls[number]["user"]
        self.forge.merge(commit, self.forge.people[author["id"]], self.forge.person("web-flow", 19864447))
        self.forge.pulls[number].update(
            merged=True, state="closed", merge_commit_sha=commit, merged_at="2026-01-01T00:00:00Z"
        )
        return self.run("offers.yml", "push", f"refs/heads/{MAIN}", commit)

    def dispatched(self, **inputs: Any) -> dict[str, Job]:
        """A person starts the default branch's workflow by hand."""
        return self.run(
            "offers.yml", "workflow_dispatch", f"refs/heads/{MAIN}", self.git("rev-parse", MAIN), inputs=inputs
        )

    def night(self) -> dict[str, Job]:
        """The schedule."""
        return self.run("offers.yml", "schedule", f"refs/heads/{MAIN}", self.git("rev-parse", MAIN))

    def said(self) -> list[str]:
        """The comments and issues of the workflow's own account."""
        mine = [each for each in self.forge.comments.values() if each["user"]["login"] == "github-actions[bot]"]
        return [each["body"] for each in mine]


def tools(folder: Path) -> None:
    """Programs that a runner has and that are no part of the test: pip, which installs what is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    pip = folder / "pip"
    pip.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    pip.chmod(0o755)


def environ_of(folder: Path) -> dict[str, str]:
    """The variables of a runner before anything runs on it."""
    return {
        "PATH": os.pathsep.join([str(folder), "/usr/bin", "/bin"]), "HOME": str(folder), "LANG": "C.UTF-8",
        "NO_COLOR": "1", "COLUMNS": "160", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{role}_NAME": "Ana" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "ana@example.com" for role in ("AUTHOR", "COMMITTER")},
    }  # fmt: skip
