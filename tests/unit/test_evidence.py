"""The scripts that prove that nothing changed, and that tests notice faults, can do so."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_deliberate_fault_can_be_made() -> None:
    done = subprocess.run([ROOT / "scripts/mutate", "--check"], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.slow
def test_versions_that_differ_are_told_apart(tmp_path: Path) -> None:
    """Beside itself this tree shows no difference; beside one with a fault it shows where, and exits with 1."""

    def compared(after: Path) -> tuple[int, str]:
        command = [ROOT / "scripts/compare_versions", "--before", ROOT, "--after", after, "--only", "2"]
        done = subprocess.run([*command, "--keep", tmp_path / "kept"], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, said = compared(ROOT)
    assert (code, said.splitlines()[-1]) == (0, "No difference.")
    wrong = _with_a_fault(tmp_path / "wrong")
    code, said = compared(wrong)
    assert code == 1
    assert "standard output differs" in said
    assert "differences in 1 projects: 2" in said


def _with_a_fault(folder: Path) -> Path:
    """The code in a folder, with plans that do not say which approvals a change resets."""
    shutil.copytree(ROOT / "offerkit", folder / "offerkit", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "offerkit/governance/approvals.py"
    text = path.read_text(encoding="utf-8")
    assert text.count("        if lost:\n") == 1
    path.write_text(text.replace("        if lost:\n", "        if not lost:\n"), encoding="utf-8")
    return folder
