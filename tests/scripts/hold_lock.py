"""Hold the store's lock in the current project, print ``held``, and let go after so many seconds."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from offerkit.store import write_lock

if __name__ == "__main__":
    with write_lock(Path(".offerkit/store.db").absolute(), who="someone else", timeout=0):
        print("held", flush=True)
        sys.stdout.close()  # so that a pipe that waits for “held” ends
        time.sleep(float(sys.argv[1]))
