"""Writes files and folders: all of them or none, and never half a file."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from offerkit.diagnostics import Code, Refused, reason_of, refuse

TOP = ("environments", "specs", "cases")
"""The folders that hold a project's YAML; a forced export replaces these and nothing else."""


def add_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Write new files below ``root``; folders are made. Raises Refused when one exists or cannot be written."""
    created: list[Path] = []
    with _writing(root):
        try:
            for path, content in sorted(files.items()):
                _make_folders((root / path).parent, created)
                _add(root / path, content)
                created.append(root / path)
        except BaseException:
            _take_back(created)
            raise


def add_missing(root: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write those of ``files`` that do not exist yet, and return their paths. Existing files stay as they are.

    Raises Refused when one cannot be written, and removes those already written.
    """
    created: list[Path] = []
    written = []
    with _writing(root):
        try:
            for path, content in sorted(files.items()):
                if os.path.lexists(root / path):
                    continue
                _make_folders((root / path).parent, created)
                with contextlib.suppress(FileExistsError):  # of another run at the same moment
                    _put(root / path, content)
                    created.append(root / path)
                    written.append(path)
        except BaseException:
            _take_back(created)
            raise
    return tuple(written)


def _add(target: Path, content: bytes) -> None:
    try:
        _put(target, content)
    except FileExistsError:
        raise refuse(Code.TARGET_EXISTS, f"{target} already exists", hint="Rename or remove it first.") from None


def _put(target: Path, content: bytes) -> None:
    """A whole file where none is, or FileExistsError: also when another run makes it at the same moment."""
    partial = _partial(target)
    try:
        partial.write_bytes(content)
        try:
            os.link(partial, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
            partial.rename(target)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def replace_files(root: Path, files: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Replace the content of existing files below ``root``; ``files``: the expected old and the new content by path.

    Their modes stay. All are written beside the old ones first, so that a full disk or a read-only folder changes none.
    Raises Refused also when the content of a file is not the expected one: somebody has saved it meanwhile.
    """
    ready: list[tuple[Path, Path]] = []
    with _writing(root):
        try:
            for path, (_, content) in sorted(files.items()):
                target = Path(os.path.realpath(root / path))
                if not os.access(target, os.W_OK):
                    raise _refused(target, "it is read-only")
                partial = _partial(target)
                ready.append((partial, target))
                partial.write_bytes(content)
                partial.chmod(stat.S_IMODE(target.stat().st_mode))
            for (_, target), (_, contents) in zip(ready, sorted(files.items()), strict=True):
                if target.read_bytes() not in contents:
                    raise _refused(target, "it was changed in the meantime", "Run the command again.")
            for partial, target in ready:
                partial.replace(target)
        except BaseException:
            _take_back([partial for partial, _ in ready])
            raise


def write_project(target: Path, files: Mapping[str, bytes], *, force: bool) -> None:
    """Make ``target`` the folder of a project that holds ``files``.

    Raises Refused when it holds something already; ``force`` replaces its specs/ and environments/.
    """
    with _writing(target):
        check_target(target, force=force)
        exists = target.is_dir()
        if not exists:
            target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".offerkit-export-", dir=target if exists else target.parent))
        try:
            for folder in TOP[:2]:
                (staged / folder).mkdir()
            add_files(staged, files)
            if exists:
                _swap(staged, target)
            else:
                staged.chmod(0o777 & ~_umask())
                staged.rename(target)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def check_target(target: Path, *, force: bool) -> None:
    """Raises Refused when ``target`` is not a folder, or is not empty and ``force`` is not set."""
    with _writing(target):
        if target.is_dir():
            if force or not any(target.iterdir()):
                return
            summary, hint = f"{target} is not empty", "Name a new folder, or replace its specs with --force."
        elif os.path.lexists(target):
            summary, hint = f"{target} is not a folder", "Name a new folder."
        else:
            return
    raise refuse(Code.TARGET_EXISTS, summary, hint=hint)


def _swap(staged: Path, target: Path) -> None:
    """Put the folders of ``staged`` in place of those of ``target``, or leave all of them as they were."""
    previous_folders = staged / "old"
    previous_folders.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for folder in TOP:
            if os.path.lexists(target / folder):
                (target / folder).rename(previous_folders / folder)
                moved.append((previous_folders / folder, target / folder))
            if (staged / folder).is_dir():
                (staged / folder).rename(target / folder)
                moved.append((target / folder, staged / folder))
    except BaseException:
        for current, original in reversed(moved):
            current.rename(original)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.partial")


def _make_folders(folder: Path, created: list[Path]) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        try:
            path.mkdir()
        except FileExistsError:  # of another run at the same moment
            if not path.is_dir():
                raise
        else:
            created.append(path)


def _take_back(created: list[Path]) -> None:
    for path in reversed(created):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Turn errors of the operating system into Refused."""
    try:
        yield
    except OSError as error:
        name = str(error.filename or target)
        ours = ".offerkit-export-" in name or name.endswith(".partial")
        raise _refused(target if ours else Path(name), reason_of(error)) from None
    except ValueError as error:
        raise _refused(target, reason_of(error)) from None


def _refused(
    path: Path,
    reason: str,
    hint: str = "Check the permissions of the file and its folder, and the free disk space.",
) -> Refused:
    return refuse(
        Code.UNREADABLE, f"{path!s:.200} cannot be written: {reason}", detail="Nothing was changed.", hint=hint
    )
