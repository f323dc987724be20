"""``scripts/prose [PATH…]``: the faults of pages and strings; exits with 1 if there is one."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from offerkit_prose import Finding, faults_of, passages_of
from offerkit_prose.check import ROOT

_DESCRIPTION = """
Check the English of pages (*.md) and of every string that a person may see (Python, templates, JavaScript, YAML):
spelling with typos, common faults with proselint, and the phrases of docs/style.md. Without a path: the documentation
and offerkit/; faults that scripts/offerkit_prose/pending.txt still allows are then passed over.
"""
PENDING = Path(__file__).with_name("pending.txt")
"""The number of faults that each listed file may still have: none, unless a new phrase finds old texts."""
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "adr" not in path.parts and path.name != "style.md"),
)
"""ADRs are history and keep their words; the page of style quotes what not to write."""


def main(arguments: list[str]) -> int:
    """Print every fault; 1 if there is one, 2 if a path or a checker is missing."""
    parser = argparse.ArgumentParser("scripts/prose", description=_DESCRIPTION)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a file or a folder")
    parser.add_argument("--pending", action="store_true", help="write pending.txt: what is left now")
    given = parser.parse_args(arguments)
    paths = given.paths or [*PAGES, ROOT / "offerkit"]
    if missing := [path for path in paths if not path.exists()]:
        parser.error(f"{missing[0]} does not exist")
    typos = shutil.which("typos", path=f"{Path(sys.executable).parent}:")
    if typos is None:
        parser.error("typos and proselint are missing: pip install -e '.[dev]'")
    found = [_placed(finding) for finding in faults_of(passage for path in paths for passage in passages_of(path))]
    if given.pending:
        counted = sorted(Counter(finding.file for finding in found).items())
        PENDING.write_text("".join(f"{count} {file}\n" for file, count in counted), encoding="utf-8")
    if not given.paths:
        allowed, counts = pending(), Counter(finding.file for finding in found)
        found = [finding for finding in found if counts[finding.file] > allowed.get(finding.file, 0)]
    for finding in found:
        print(finding)
    print(f"{len(found)} faults of phrasing." if found else "No faults of phrasing.", flush=True)
    command = [typos, "--config", str(ROOT / "pyproject.toml"), "--format", "brief", *map(str, paths)]
    spelling = subprocess.run(command, check=False)
    return 1 if found or spelling.returncode else 0


def pending() -> dict[str, int]:
    """How many faults each file of the list may still have."""
    rows = (row.split(" ", 1) for row in PENDING.read_text(encoding="utf-8").splitlines())
    return {file: int(count) for count, file in rows}


def _placed(finding: Finding) -> Finding:
    """The finding with its file as it is called from the root of the repository."""
    file = Path(finding.file).resolve()
    return finding._replace(file=file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
