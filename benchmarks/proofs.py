"""Measure proofs: plans of a project with 1 and with 100 changed rules, and ``lint``, with the solver and without.

Run it from the root of the project, on a quiet machine::

    pip install -e '.[dev]'
    python benchmarks/proofs.py --offers 1000 --runs 20

Each run is a process of its own. A plan is measured without proofs (``--no-prove``) and with them; the difference is
what they cost. A far-away change is one of a filter that a tenth of the offers use.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import offerkit_project
from catalog import ADMINISTRATOR, Shape

PROGRAM = "import sys; sys.argv[0] = 'offerkit'; from offerkit.cli.main import run; run()"
NOT_DECIDED = "not decided"


def offerkit(project: Path, *arguments: str) -> tuple[float, str]:
    """Run the program; returns its seconds and its output."""
    environment = {**os.environ, "OFFERKIT_OPERATOR": ADMINISTRATOR}
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - begun, done.stdout


def narrowed(project: Path, rules: int) -> None:
    """Narrow the conditions of the first ``rules`` offers by a year."""
    left = rules
    for path in sorted((project / "specs" / "recipients" / "offers").glob("*.yaml")):
        if not left:
            return
        text, changed = re.subn(
            r"(when: .*recipient\.age >=) (\d+)", _older, path.read_text(encoding="utf-8"), count=left
        )
        left -= changed
        path.write_text(text, encoding="utf-8")


def _older(match: re.Match[str]) -> str:
    return f"{match[1]} {int(match[2]) + 1}"


def widened_filter(project: Path) -> None:
    """Widen one filter by a year."""
    path = project / "specs" / "recipients" / "filters.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(when: recipient\.age >=) 18", r"\1 17", text, count=1), encoding="utf-8")


JOBS: dict[str, Callable[[Path], None]] = {
    "1 changed rule": lambda project: narrowed(project, 1),
    "100 changed rules": lambda project: narrowed(project, 100),
    "1 changed filter": widened_filter,
}


def measured(project: Path, runs: int, *arguments: str) -> dict[str, float]:
    """The median and the 99th percentile of some runs, in seconds."""
    offerkit(project, *arguments)
    seconds = sorted(offerkit(project, *arguments)[0] for _ in range(runs))
    return {"median": seconds[len(seconds) // 2], "p99": seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]}


def linted(shape: Shape, runs: int) -> dict[str, object]:
    """Findings about all of the specs, with the solver and without it (``--no-prove``)."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        offerkit_project.write_project(project, shape)
        return {
            "without": measured(project, runs, "lint", "--no-prove"),
            "with": measured(project, runs, "lint"),
            "findings": len(json.loads(offerkit(project, "lint", "--format", "json")[1])),
        }


def main() -> None:
    """Measure every job, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--offers", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=20, help="of each plan; p99 of 20 is the slowest")
    parser.add_argument("--lint-runs", type=int, default=20, help="of lint, which takes longest")
    options = parser.parse_args()
    shape = Shape(options.offers)
    figures: dict[str, object] = {"lint": linted(shape, options.lint_runs)}
    print(json.dumps(figures), flush=True)
    for name, change in JOBS.items():
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            offerkit_project.write_project(project, shape)
            offerkit(project, "apply", "--yes")
            change(project)
            answers = json.loads(offerkit(project, "diff", "design", "specs", "--format", "json")[1])["proofs"][
                "changes"
            ]
            figures[name] = {
                "without": measured(project, options.runs, "plan", "--no-prove"),
                "with": measured(project, options.runs, "plan", "--prove"),
                "answers": len(answers),
                "offers": len({offer["offer"] for answer in answers for offer in answer["offers"]}),
                "undecided": sum(NOT_DECIDED in answer["verdict"] for answer in answers),
            }
            print(json.dumps({name: figures[name]}), flush=True)


if __name__ == "__main__":
    main()
