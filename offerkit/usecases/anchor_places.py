"""Where anchors are: notes in the project's git repository, a file that is appended to, or a URL."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from offerkit.diagnostics import Code, Refused, reason_of, refuse
from offerkit.governance.anchors import LONGEST_LINE, Anchor, AnchorPlace, anchor_of
from offerkit.proxy import pool_for
from offerkit.receivers.post import ForbiddenPeerError, Guard, target_of
from offerkit.specs import git

GIT, FILE = "git", "file:"
NOTES = "refs/notes/offerkit"
"""The git notes that hold anchors; they are fetched and pushed like branches."""
_LOCK = "offerkit-anchors.lock"
"""In the folder of git: it adds a line to notes as it has read them, whoever has added another one meanwhile."""
LARGEST = 64 * 1024 * 1024
"""The most bytes of anchors that are read."""
_SECONDS = 10
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A link leads to where somebody else chose; opening a pipe would wait for its other end."""
_TYPE = "application/jsonl"


class AnchorStorage(Protocol):
    """A place of anchors. Both methods raise Refused if it cannot be used."""

    def read(self) -> AnchorPlace:
        """What it holds; empty if nothing was anchored there yet."""

    def add(self, anchor: Anchor) -> None:
        """Add an anchor behind the others."""


def place_of(text: str, root: Path, environ: Mapping[str, str]) -> AnchorStorage:
    """The place that an environment names: ``git``, ``file:PATH`` (from the project's folder) or a URL."""
    if text == GIT:
        return _GitNotes(root, environ)
    return _File(text, root / text.removeprefix(FILE)) if text.startswith(FILE) else _Url(text)


def _place(name: str, content: bytes) -> AnchorPlace:
    _check_size(name, len(content))
    lines = [line for line in content.splitlines() if line.strip()]
    anchors = [anchor for line in lines if (anchor := anchor_of(line)) is not None]
    return AnchorPlace(name, anchors, len(lines) - len(anchors))


def _check_size(name: str, size: int) -> None:
    if size > LARGEST:  # its newest anchors would be left out
        raise _unusable(name, f"it has more than {LARGEST >> 20} MiB", "Begin a new one, and keep this.")


def _unusable(name: str, why: str, hint: str = "") -> Refused:
    return refuse(Code.ANCHOR_PLACE, f"the anchors in {name[:200]} cannot be used: {why}", hint=hint)


def _lock(name: str, descriptor: int) -> None:
    """Wait for others who write to a place, but not for one that never ends."""
    end = time.monotonic() + _SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise _unusable(name, "another process has locked it", "Find out which one.") from None
            time.sleep(0.05)


class _GitNotes:
    """Notes of commits: the anchor is a line of the note of the commit that is checked out."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root, self._environ, self._name = root, environ, f"git ({NOTES})"

    def read(self) -> AnchorPlace:
        self._git("rev-parse", "--git-dir")
        known = self._git("for-each-ref", "--format=%(refname)", NOTES)
        listed = self._git("notes", f"--ref={NOTES}", "list").split() if known.strip() else []
        objects = b"".join(name + b"\n" for name in listed[::2])
        sizes = self._git("cat-file", "--batch-check=%(objectsize)", stdin=objects).split()
        _check_size(self._name, sum(int(size) for size in sizes if size.isdigit()))
        place = _place(self._name, self._git("cat-file", "--batch=", stdin=objects))
        return place._replace(anchors=sorted(place.anchors, key=lambda anchor: anchor.serial))

    def add(self, anchor: Anchor) -> None:
        text = anchor.line().decode().strip()
        shared = os.fsdecode(self._git("rev-parse", "--git-common-dir").rstrip(b"\n"))
        try:
            with os.fdopen(os.open(self._root / shared / _LOCK, os.O_RDWR | os.O_CREAT | _FLAGS, 0o644)) as file:
                _lock(self._name, file.fileno())
                self._git("notes", f"--ref={NOTES}", "append", f"--message={text}", "HEAD")
        except OSError as error:
            raise _unusable(self._name, reason_of(error), "Check who may write in the repository.") from None

    def _git(self, *words: str, stdin: bytes = b"") -> bytes:
        who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in _WHO.items()}
        done = git.run(self._root, words, self._environ, variables=who, stdin=stdin)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise _unusable(
                self._name, f"git says: {said[-1][:200] if said else 'nothing'}", "Run it in a clone with a commit."
            )
        return done.stdout


_WHO = {"NAME": "offerkit", "EMAIL": "offerkit@localhost"}


class _File:
    """A file with one anchor a line; it is only ever appended to."""

    def __init__(self, name: str, path: Path) -> None:
        self._name, self._path = name, path

    def read(self) -> AnchorPlace:
        try:
            with os.fdopen(os.open(self._path, os.O_RDONLY | _FLAGS), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise _unusable(self._name, "it is not a file")
                return _place(self._name, file.read(LARGEST + 1))
        except FileNotFoundError:
            return AnchorPlace(self._name, ())
        except (OSError, ValueError) as error:
            raise _unusable(self._name, reason_of(error)) from None

    def add(self, anchor: Anchor) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | _FLAGS
        try:
            with os.fdopen(os.open(self._path, flags, 0o644), "r+b", buffering=0) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise _unusable(self._name, "it is not a file")
                _lock(self._name, file.fileno())
                first = file.readline(LONGEST_LINE)
                if first and anchor_of(first) is None:
                    raise _unusable(self._name, "it begins with something that is no anchor", "Name another file.")
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 1))
                torn = end > 0 and file.read(1) != b"\n"  # the power failed while a line was written
                file.write((b"\n" if torn else b"") + anchor.line())
                os.fsync(file.fileno())
        except OSError as error:
            raise _unusable(self._name, reason_of(error), "Check the path and who may write there.") from None


class _Url:
    """A service that takes an anchor by POST, and answers GET with all of them, one a line."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self) -> AnchorPlace:
        status, content = self._ask("GET", None)
        if status == 404:
            return AnchorPlace(self._url, ())
        if status != 200:
            raise _unusable(self._url, f"it answers GET with {status}", "It must answer with its anchors, one a line.")
        return _place(self._url, content)

    def add(self, anchor: Anchor) -> None:
        status, _ = self._ask("POST", anchor.line())
        if not 200 <= status < 300:
            raise _unusable(self._url, f"it answers POST with {status}")

    def _ask(self, method: str, body: bytes | None) -> tuple[int, bytes]:
        """The status and the content of the answer. However slowly it comes, one deadline ends it."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        headers = {"Content-Type": _TYPE, "Accept": _TYPE}
        guard = Guard(_SECONDS, plain=urlsplit(self._url).scheme == "http")
        try:
            pool = pool_for(self._url, Timeout(connect=_SECONDS, read=_SECONDS), Code.ANCHOR_PLACE)
            with guard:
                proxied = getattr(pool, "proxy", None) is not None
                connections = guard.watching(pool.connection_from_url(self._url), proxied=proxied)
                answer = connections.urlopen(
                    method, target_of(self._url), body, headers, retries=False, redirect=False, preload_content=False
                )
                try:
                    content = answer.read(LARGEST + 1)
                    if guard.expired:  # it may be cut off
                        raise TimeoutError
                    return answer.status, content
                finally:
                    answer.close()
        except ForbiddenPeerError as error:
            raise _unusable(self._url, str(error)) from None
        except (HTTPError, OSError, ValueError) as error:
            why = f"no answer within {_SECONDS} seconds" if guard.expired else type(error).__name__
            raise _unusable(self._url, f"it cannot be reached ({why})") from None
