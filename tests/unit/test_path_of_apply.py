"""``docs/architecture.md`` leads along the path of ``offerkit apply``: these modules run, and no others of these packages.

A real run is traced, from the entry of the program to its exit: each function of offerkit that is called counts for its
module, except while modules are being imported.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHOLE = ("cli", "usecases", "state", "plans", "governance", "applier.py", "staleness.py")
"""Of these, every module that runs is on the path ..."""
LEAVES = {"cli/options.py", "cli/complete.py"}
"""... but for those that only declare options; of the packages below, the entry is."""
ENTRIES = {"specs/load.py", "store/store.py", "reports/plan_text.py"}
MOST = 27
"""Of their own are: what decisions are bound to, also by declared fields; profiles; former names; stops; who wrote it."""

TRACE = """
import json, os, sys
from offerkit.cli.main import run

package, out = sys.argv.pop(1), sys.argv.pop(1)
found, importing = set(), 0

def traced(frame, event, _):
    global importing
    code = frame.f_code
    if not code.co_filename.startswith(package):
        return
    if code.co_name == "<module>":
        importing += {"call": 1, "return": -1}.get(event, 0)
    elif event == "call" and not importing and code.co_flags & 3 == 3:  # a function's, not a class's
        found.add(code.co_filename.removeprefix(package))

def leave(code):
    sys.setprofile(None)
    with open(out, "w") as file:
        json.dump([code, sorted(found)], file)
    leaving(code)

leaving, os._exit = os._exit, leave
sys.setprofile(traced)
run()
"""


def ran(project: Path, *command: str) -> set[str]:
    """The modules that a run of ``offerkit`` goes through."""
    out = project / "trace.json"
    program = [sys.executable, "-c", TRACE, f"{ROOT}/offerkit/", str(out), "--as", "ada", *command]
    done = subprocess.run(program, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code, found = json.loads(out.read_text())
    assert code == 0
    return set(found)


def path_of(found: set[str]) -> set[str]:
    """Those of them that are on the path."""
    whole = {module for module in found if module.partition("/")[0] in WHOLE} - LEAVES
    return whole | (found & ENTRIES)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The path of an apply on a new store, and of one that changes what was approved."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("specs", "environments", "data"):
        shutil.copytree(ROOT / folder, project / folder)
    first = ran(project, "apply", "--yes")
    ran(project, "approve", "recipients/offer.*", "--eligibility")
    templates = project / "specs/recipients/templates.yaml"
    for file in (templates, *(project / "specs/recipients/offers").glob("*.yaml")):
        file.write_text(re.sub(r"weight: [0-9]+", "weight: 7", file.read_text()))
    second = ran(project, "apply", "--yes")
    assert "governance/approvals.py" in second  # approvals stop counting
    return path_of(first) | path_of(second)


def test_it_is_short(path: set[str]) -> None:
    assert len(path) <= MOST, sorted(path)


def test_the_architecture_leads_along_it_and_nowhere_else(path: set[str]) -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = text.partition("## The path of `offerkit apply`\n")[2].partition("\nA promotion differs")[0]
    named = re.findall(r"`offerkit/([\w/]+\.py)`", section)
    assert len(named) == len(set(named))
    assert set(named) == path
