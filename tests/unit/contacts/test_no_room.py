"""A disk without room for what a batch spills: one diagnostic, nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import resource
from hashlib import sha256
from offerkit.batch import open_contact_table, contact_table
from offerkit.diagnostics import Refused
from offerkit.rules.types import BaseType, FieldType

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # what a full disk does to a file that grows
contact_table.MEMORY = "24MB"
types = {"id": FieldType(BaseType.INTEGER), "text": FieldType(BaseType.STRING)}
rows = ({"id": number, "text": sha256(str(number).encode()).hexdigest() * 2} for number in range(400_000))
try:
    with open_contact_table(rows, ("id",), types):
        print("all of it found room")
except Refused as refused:
    (found,) = refused.diagnostics
    print(found.code.name, "|", found.detail)
"""


def test_spilling_without_room(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", SCRIPT], env={"TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("NO_ROOM | What does not fit into 24MB of memory"), (done.stdout, done.stderr)
    assert str(tmp_path) in done.stdout
    assert list(tmp_path.iterdir()) == []
