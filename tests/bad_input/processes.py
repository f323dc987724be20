"""``offerkit`` as a process of its own, for what cannot be tried inside this one."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PR_CAPBSET_DROP = 24


def _drop_capabilities() -> None:
    """Give up root's right to read and write everything: from the next exec on it is an owner like others."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def offerkit(
    project: Path, *args: str, rights: bool = True, before: Callable[[], None] | None = None, who: str = "ada"
) -> subprocess.CompletedProcess[str]:
    """Run it; without ``rights`` even root is refused what the permissions refuse."""

    def prepare() -> None:
        if not rights:
            _drop_capabilities()
        if before is not None:
            before()

    return subprocess.run(
        [sys.executable, "-m", "offerkit.cli.main", "--as", who, *args],
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "NO_COLOR": "1",
            "COLUMNS": "200",
            "LANG": "C.UTF-8",
            # Python 3.11 cuts the compiled modules that it writes at a file limit, and everybody then imports those.
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        preexec_fn=None if rights and before is None else prepare,
    )


def _bypasses() -> bool:
    """Whether root stays root here: dropping capabilities has no effect (no Linux, or a sandbox forbids it)."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        locked = Path(folder) / "locked"
        locked.write_text("x")
        locked.chmod(0)
        done = subprocess.run(["cat", str(locked)], capture_output=True, check=False, preexec_fn=_drop_capabilities)
        return done.returncode == 0


ROOT_BYPASSES = _bypasses()
