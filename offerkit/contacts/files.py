"""Files of the project that hold contacts: opened only if they are regular files inside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, reason_of


def inside(root: Path, path: str) -> Path:
    """The real path of ``path``. Raises Refused when it is outside of the project (as for its YAML files)."""
    try:
        real = os.path.realpath(root / path)
    except ValueError as error:  # a NUL in the path
        raise _refused(Code.CONTACTS_SOURCE, path, f"this is not a valid path: {reason_of(error)}") from error
    real_root = os.path.realpath(root)
    if not real.startswith(real_root.rstrip(os.sep) + os.sep):
        raise _refused(
            Code.LINK_OUTSIDE,
            path,
            "this file is outside of the project",
            "Data for decisions must be inside the project, or be named by a URL.",
            "Copy the file into the project, or use a source of format sql.",
        )
    return Path(real)


def open_file(root: Path, path: str) -> BinaryIO:
    """Open the file at ``path`` in the project. Raises Refused when it is missing, unreadable or not a regular file."""
    real = inside(root, path)
    try:
        # O_NONBLOCK: otherwise, opening a named pipe would wait for a writer forever.
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        hint = "The path is relative to the project's folder; that of contacts is “source” in the dimension."
        raise _refused(Code.CONTACTS_SOURCE, path, "this file does not exist", hint=hint) from error
    except OSError as error:
        hint = "Check the file's permissions."
        raise _refused(Code.CONTACTS_SOURCE, path, f"cannot be read: {error.strerror}", hint=hint) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _refused(Code.CONTACTS_SOURCE, path, "this is not a regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _refused(code: Code, path: str, summary: str, detail: str = "", hint: str = "") -> Refused:
    return Refused([Diagnostic(code, summary, detail, hint, position=Position(path.replace("\0", "␀"), 1, 1))])
