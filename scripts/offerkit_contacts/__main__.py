"""Writes data/contacts/, or with --check says what differs."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from offerkit_contacts import recipients, visitors

FOLDER = Path(__file__).resolve().parents[2] / "data" / "contacts"


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The file's bytes: UTF-8, commas, quotes where they are needed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def files() -> dict[str, bytes]:
    """Every file by its name."""
    return {
        "recipients.csv": as_csv(recipients.FIELDS, recipients.rows()),
        "visitors.csv": as_csv(visitors.FIELDS, visitors.rows()),
    }


def main(arguments: Sequence[str]) -> int:
    """Write the files, or compare them; 1 when one differs."""
    differs = False
    for name, content in files().items():
        path = FOLDER / name
        if "--check" in arguments:
            if not path.is_file() or path.read_bytes() != content:
                sys.stderr.write(f"{path} differs; run scripts/make_contacts\n")
                differs = True
            continue
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return int(differs)


sys.exit(main(sys.argv[1:])) if __name__ == "__main__" else None
