"""``scripts/strings [PATH…]``: the strings of files or folders, as text or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import groupby
from pathlib import Path

from offerkit_strings import KINDS, strings_of

_DESCRIPTION = """
List every string that a person may see, file by file: messages, help of commands and options, pages (HTML, templates,
JavaScript, files that are shipped as they are), and docstrings. Without a path: all of offerkit/. What a program fills
in is shown as {…}.
"""


def main(arguments: list[str]) -> int:
    """Print the strings; 2 for a path that does not exist."""
    parser = argparse.ArgumentParser("scripts/strings", description=_DESCRIPTION)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a file or a folder (default: offerkit)")
    parser.add_argument(
        "--kind", action="append", choices=KINDS, help="only strings of this kind; may be given several times"
    )
    parser.add_argument("--comments", action="store_true", help="list comments, too")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: file, line, kind, text")
    given = parser.parse_args(arguments)
    kinds = given.kind or [kind for kind in KINDS if kind != "comment" or given.comments]
    paths = given.paths or [Path(__file__).resolve().parents[2] / "offerkit"]
    if missing := [path for path in paths if not path.exists()]:
        parser.error(f"{missing[0]} does not exist")
    found = [string for path in paths for string in strings_of(path) if string.kind in kinds]
    if given.json:
        for string in found:
            print(json.dumps(string._asdict(), ensure_ascii=False))
        return 0
    for file, group in groupby(found, key=lambda string: string.file):
        print(file)
        for string in group:
            print(f"  {string.line:>4} {string.kind:<9} {string.text}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        sys.stderr.close()
