"""An interruption while DuckDB is loaded comes afterwards: in the midst of it, the process would be aborted."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, sys
from datetime import datetime

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "_duckdb":
            print("interrupting")
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
from offerkit.prove.question import FALSE, TRUE
from offerkit.prove.replay import DuckReplay
try:
    DuckReplay().denies(TRUE, FALSE, {}, datetime(2026, 11, 29))
except KeyboardInterrupt:
    print("interrupted", "loaded" if hasattr(sys.modules.get("duckdb"), "connect") else "in the midst")
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_duckdb_is_loaded_before_an_interruption_comes() -> None:
    child = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60)
    assert (child.stdout.splitlines(), child.returncode) == (["interrupting", "interrupted loaded", "True"], 0)
