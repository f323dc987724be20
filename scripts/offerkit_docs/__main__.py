"""``python -m offerkit_docs [--check]``."""

from __future__ import annotations

import sys

from offerkit_docs import PAGES, outdated, write


def main(arguments: list[str]) -> int:
    """Write the generated pages, or with ``--check`` only compare them; 1 when they are not up to date."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: scripts/docs [--check]\n")
        return 1
    if arguments:
        old = outdated()
        for path in old:
            sys.stdout.write(f"{path} is not up to date; run scripts/docs\n")
        return 1 if old else 0
    for path in write():
        sys.stdout.write(f"written: {path}\n")
    sys.stdout.write(f"{len(PAGES)} pages are up to date\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
