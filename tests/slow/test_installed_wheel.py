"""offerkit as a team has it: a wheel in a fresh environment, a project in git, and the workflow that init wrote, run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.wheelhouse import wheelhouse
from ruamel.yaml import YAML

from offerkit.diagnostics import install_command

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def run(command: str, folder: Path, environ: Mapping[str, str], code: int = 0) -> str:
    """What a command prints, in bash as a runner of GitHub starts it."""
    done = subprocess.run(
        ["bash", "-e", "-c", f"exec 2>&1\n{command}"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"{command}\n{done.stdout}"
    return done.stdout


def environment(folder: Path, wheels: Mapping[str, str]) -> dict[str, str]:
    """A fresh virtual environment, and the variables of a machine where its programs come first."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OFFERKIT_", "GIT_", "PYTHON"))}
    who = {f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        **kept,
        **who,
        **wheels,
        "PATH": os.pathsep.join([str(folder / "bin"), "/usr/bin", "/bin"]),
        "HOME": str(folder),
        "COLUMNS": "60",
        "PIP_NO_COMPILE": "1",  # most of what is installed is never imported
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where pip finds what it installs."""
    return wheelhouse(tmp_path_factory)


@pytest.fixture(scope="module")
def wheel(wheels: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "offerkit", source / "offerkit", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    built = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(built), str(source)]
    subprocess.run(words, env={**os.environ, **wheels}, check=True)
    [found] = built.iterdir()
    return found


@pytest.fixture(scope="module")
def machine(wheel: Path, wheels: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A machine on which offerkit was installed from the wheel."""
    environ = environment(tmp_path_factory.mktemp("machine"), wheels)
    run(f"pip install -q {shlex.quote(str(wheel))}", wheel.parent, environ)
    return environ


def origin(project: Path, environ: Mapping[str, str]) -> Path:
    """A bare repository that the project was pushed to."""
    bare = project.with_name(f"{project.name}.git")
    run(
        f"git init -q --bare -b main {bare} && git init -q -b main && git add -A && git commit -qm Begin"
        f" && git remote add origin {bare} && git push -q origin main",
        project,
        environ,
    )
    return bare


def jobs(workflow: Path) -> dict[str, list[str]]:
    """The commands of each job of a workflow, in order."""
    found = YAML(typ="safe").load(workflow.read_text(encoding="utf-8"))["jobs"]
    return {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in found.items()}


def test_the_generated_workflow_checks_what_is_proposed(
    machine: dict[str, str], wheel: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The job without secrets, which installs what requirements.txt names; all of them: test_pull_requests.py."""
    run(f"offerkit init offers --ci github --install {shlex.quote(str(wheel))}", tmp_path, machine)
    bare = origin(tmp_path / "offers", machine)
    again = f"pip install -q --force-reinstall --no-deps {shlex.quote(str(wheel))}"
    request.addfinalizer(lambda: run(again, wheel.parent, machine))
    run("pip uninstall -q -y offerkit", tmp_path, machine)
    run("offerkit --version", tmp_path, machine, 127)
    runner = machine | {"CI": "true", "OFFERKIT_PROJECT": "."}
    run(f"git clone -q {bare} checkout", tmp_path, runner)
    checkout = tmp_path / "checkout"
    found = jobs(checkout / ".github" / "workflows" / "offers.yml")
    commands = found.pop("validate")
    asked = ("pip install", "validate", "fmt", "test")
    assert all(re.search(word, command) for word, command in zip(asked, commands, strict=True))
    for command in commands:
        run(command, checkout, runner)
    for others in found.values():
        [installing] = [command for command in others if "pip install" in command]
        assert installing in commands[0]
    run(found["promotion"][0], checkout, runner)

    offers = checkout / "specs" / "recipients" / "offers.yaml"
    offers.write_text(offers.read_text(encoding="utf-8").replace("category: travel\n", "category: travels\n"))
    assert "::error file=specs/recipients/offers.yaml" in run(commands[1], checkout, runner, 1)


def test_the_workflow_in_the_docs_runs(machine: dict[str, str], wheel: Path, tmp_path: Path) -> None:
    """docs/plans.md: a pull request shows its plan, the merge applies it; only the place of the store is another."""
    project = tmp_path / "offers"
    run(f"offerkit init offers --install {shlex.quote(str(wheel))}", tmp_path, machine)
    for folder in ("specs", "environments"):
        shutil.rmtree(project / folder)
        shutil.copytree(ROOT / folder, project / folder)
    job = "version: 1\noperators: {ci: {label: The pipeline, profile: administrator, automation: true}}\n"
    (project / "specs" / "pipeline.yaml").write_text(job)
    path = project / "environments" / "visitors.yaml"  # where duties are separated the commits have to be signed
    path.write_text(
        path.read_text(encoding="utf-8").replace("separation_of_duties: true", "separation_of_duties: false")
    )
    bare = origin(project, machine)
    [workflow] = re.findall(r"^```yaml\n(# \.github/.*?)^```", (ROOT / "docs/plans.md").read_text(), re.M | re.S)
    (tmp_path / "offers.yml").write_text(workflow)
    store = tmp_path / "srv" / "store.db"
    runner = machine | {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "OFFERKIT_STORE": str(store)}
    run(f"git clone -q {bare} checkout", tmp_path, runner)
    commands = [command for job in jobs(tmp_path / "offers.yml").values() for command in job]
    assert sum(command.startswith(".venv/bin/offerkit") for command in commands) == 3
    assert "OFR606" in run("offerkit apply --as ada --yes", tmp_path / "checkout", runner, 1)
    run("offerkit apply operator.ada operator.ci --as ada --yes --create-store", tmp_path / "checkout", runner)
    for command in commands:
        run(command, tmp_path / "checkout", runner)
    assert "to create" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "No changes." in run("offerkit plan", tmp_path / "checkout", runner)


def test_a_workflow_that_does_not_know_where_offerkit_comes_from_says_so(
    machine: dict[str, str], tmp_path: Path
) -> None:
    said = run("offerkit init offers --ci github", tmp_path, machine)
    assert "requirements.txt" in said
    installing = jobs(tmp_path / "offers" / ".github" / "workflows" / "offers.yml")["validate"][0]
    runner = machine | {"OFFERKIT_PROJECT": "."}
    assert "::error file=requirements.txt::" in run(installing, tmp_path / "offers", runner, 1)
    (tmp_path / "offers" / "requirements.txt").unlink()
    assert "::error file=requirements.txt::" in run(installing, tmp_path / "offers", runner, 1)


def test_the_commands_of_hints_do_what_they_say(machine: dict[str, str], tmp_path: Path) -> None:
    run("offerkit init offers", tmp_path, machine)
    project = tmp_path / "offers"
    asks = {
        "serve": ("offerkit serve --port 0", "import offerkit.server.run"),
        "postgres": ("offerkit --store postgresql://nobody@127.0.0.1:1/none plan", "import psycopg"),
    }
    for extra, (command, proof) in asks.items():
        said = " ".join(run(command, project, machine, 1).split())
        hint = re.search(r"hint: Install it: (pip install '[^']+')", said)
        assert hint is not None, said
        assert f"[{extra}]" in hint[1]
        run(hint[1].replace("pip install", "pip install -q"), project, machine)
        run(f'python -c "{proof}"', project, machine)


@pytest.mark.parametrize("extra", ["serve", "postgres", "parquet", "spark"])
def test_from_a_checkout_as_well(extra: str, wheels: dict[str, str], tmp_path: Path) -> None:
    run(f"{install_command(extra)} -q --dry-run --no-deps", tmp_path, {**os.environ, **wheels})
