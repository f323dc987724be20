"""``scripts/prose [PATH…]``: the faults of pages and strings; exits with 1 if there is one."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from offerkit_prose import faults_of, passages_of
from offerkit_prose.check import ROOT

_DESCRIPTION = """
Check the English of pages (*.md) and of every string that a person may see (Python, templates, JavaScript, YAML):
spelling with typos, common faults with proselint, and the phrases of docs/style.md. Without a path: the documentation
and offerkit/.
"""
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
    paths = parser.parse_args(arguments).paths or [*PAGES, ROOT / "offerkit"]
    if missing := [path for path in paths if not path.exists()]:
        parser.error(f"{missing[0]} does not exist")
    typos = shutil.which("typos", path=f"{Path(sys.executable).parent}:")
    if typos is None:
        parser.error("typos and proselint are missing: pip install -e '.[dev]'")
    found = faults_of(passage for path in paths for passage in passages_of(path))
    for finding in found:
        file = Path(finding.file).resolve()
        print(finding._replace(file=str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file)))
    print(f"{len(found)} faults of phrasing." if found else "No faults of phrasing.", flush=True)
    command = [typos, "--config", str(ROOT / "pyproject.toml"), "--format", "brief", *map(str, paths)]
    spelling = subprocess.run(command, check=False)
    return 1 if found or spelling.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
