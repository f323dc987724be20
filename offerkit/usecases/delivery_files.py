"""A contact in the files that deliveries wrote: messages, contacts set aside, samples, and the summary's examples.

Files are rewritten beside themselves and replaced whole, so a run that is killed has rewritten some of them; the next
one continues with the rest.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from html import escape
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import orjson

from offerkit.diagnostics import Code, Refused, reason_of, refuse
from offerkit.fingerprint import Json
from offerkit.reports.csv_file import defused
from offerkit.usecases.delivery_folder import LOCK, STATE, SUMMARY

DELIVERIES = "deliveries"
"""The folder of the project where deliveries write unless another one is named."""
MESSAGES, ASIDES = ("messages-*", ".messages-*.erasing"), ("set-aside*", ".set-aside*.erasing")
"""A run that erased another contact can have been killed before its file got its name."""
_DEEPEST = 8
_LONGEST_LINE = 64 << 20


@dataclass(frozen=True)
class DeliveryFiles:
    """The files of one delivery's folder that name a contact by one of ``keys``.

    ``messages``: how many messages are the contact's; ``others``: how often other files name it.
    """

    folder: Path
    environment: str
    keys: tuple[str, ...]
    messages: int
    others: int


def find_delivery_files(
    root: Path, folders: Sequence[Path], keys: Mapping[str, tuple[str, ...]]
) -> list[DeliveryFiles]:
    """The folders of deliveries, below ``root``'s and ``folders``, that name a contact; ``keys`` by environment.

    Raises Refused for folders that do not exist, and for files that cannot be read.
    """
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing:
        raise Refused(
            [
                refuse(
                    Code.UNREADABLE,
                    f"there is no folder {folder!s:.200}",
                    hint="Name the folder of a delivery, or one above it.",
                ).diagnostics[0]
                for folder in missing
            ]
        )
    found: list[DeliveryFiles] = []
    seen: set[Path] = set()
    for folder in (root / DELIVERIES, *folders):
        for delivery in _deliveries(folder, _DEEPEST):
            real = Path(os.path.realpath(delivery))
            if real not in seen:
                seen.add(real)
                environment = _environment(delivery)
                wanted = keys.get(environment, ()) if environment else tuple({k for own in keys.values() for k in own})
                found += _found(delivery, environment, wanted)
    return found


def messages_of(files: DeliveryFiles) -> Iterator[tuple[str, dict[str, Json]]]:
    """The contact's messages, each with the name of its file."""
    wanted = _Wanted(files.keys)
    for path in _files(files.folder, "messages-*.jsonl"):
        with _reading(path) as lines:
            for line in lines:
                if wanted.message(line):
                    yield path.name, orjson.loads(line)


def set_aside_in(files: DeliveryFiles) -> Iterator[tuple[str, str]]:
    """Why the contact got no message, each with the name of the file that says so."""
    wanted = _Wanted(files.keys)
    for path in _files(files.folder, "set-aside*.csv"):
        with _reading(path) as lines:
            yield from ((path.name, row[1]) for row in _rows(lines) if wanted.row(row) and len(row) > 1)


def erase_from(files: DeliveryFiles) -> None:
    """Take the contact out of the files. Raises Refused when one cannot be written, or a run is writing them."""
    from filelock import FileLock, Timeout

    wanted = _Wanted(files.keys)
    lock = files.folder / LOCK
    try:
        with FileLock(lock, timeout=0) if (files.folder / STATE).exists() else nullcontext():
            for path in _samples(files.folder, wanted):
                path.unlink(missing_ok=True)
            _clear_examples(files.folder / SUMMARY, wanted)
            for path in _files(files.folder, *ASIDES):
                if _set_aside(path, wanted):
                    _replace(path, partial(_copy_rows, path, wanted))
            for path in _files(files.folder, *MESSAGES):  # last: they tell that samples can be the contact's
                if _messages(path, wanted):
                    _replace(path, partial(_copy_messages, path, wanted))
    except Timeout:
        raise refuse(
            Code.DELIVERY_RUNNING,
            f"a run is making the delivery in {files.folder!s:.200}",
            detail="It would write the contact's message again.",
            hint="Wait until it has finished, and run the command again.",
        ) from None
    except OSError as error:
        raise _unusable(files.folder, error, "written") from error


def _deliveries(folder: Path, depth: int) -> Iterator[Path]:
    """The folders of deliveries at and below ``folder``, finished or not."""
    if not folder.is_dir():
        return
    if (folder / SUMMARY).is_file() or (folder / STATE).is_file() or any(folder.glob("messages-*.jsonl")):
        yield folder
        return
    if depth:
        try:
            below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
        except OSError as error:
            raise _unusable(folder, error, "read") from error
        for each in below:
            yield from _deliveries(each, depth - 1)


def _environment(folder: Path) -> str:
    """The environment of a delivery; empty if its files do not say."""
    for name in (SUMMARY, STATE):
        with suppress(OSError, ValueError):
            about = orjson.loads((folder / name).read_bytes())
            if isinstance(about, dict):
                return str(about.get("environment") or str(about.get("delivery", "")).partition("/")[0])
    return ""


def _found(folder: Path, environment: str, keys: tuple[str, ...]) -> list[DeliveryFiles]:
    if not keys:
        return []
    wanted = _Wanted(keys)
    messages = sum(_messages(path, wanted) for path in _files(folder, *MESSAGES))
    others = sum(_set_aside(path, wanted) for path in _files(folder, *ASIDES))
    others += len(_samples(folder, wanted)) if messages else 0
    others += len(_examples(folder / SUMMARY, wanted)[1])
    return [DeliveryFiles(folder, environment, keys, messages, others)] if messages or others else []


def _messages(path: Path, wanted: _Wanted) -> int:
    """How many messages of a file are the contact's."""
    with _reading(path) as lines:
        return sum(map(wanted.message, lines))


def _copy_messages(path: Path, wanted: _Wanted, out: BinaryIO) -> None:
    with _reading(path) as lines:
        out.writelines(line for line in lines if not wanted.message(line))


def _set_aside(path: Path, wanted: _Wanted) -> int:
    """How many rows of a file set the contact aside."""
    with _reading(path) as lines:
        return sum(map(wanted.row, _rows(lines)))


def _copy_rows(path: Path, wanted: _Wanted, out: BinaryIO) -> None:
    text = TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    with _reading(path) as lines:
        csv.writer(text).writerows(row for row in _rows(lines) if not wanted.row(row))
    text.detach()


def _rows(lines: Iterator[bytes]) -> Iterator[list[str]]:
    """The rows of a CSV file. Raises Refused when it is not one."""
    try:
        yield from csv.reader(line.decode() for line in lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse(
            Code.UNREADABLE,
            "a list of contacts that were set aside cannot be read: it is not a CSV file",
            hint="Remove it from the folder of the delivery, and run the command again.",
        ) from error


class _Wanted:
    """Whether lines name the contact."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys
        self._in_json = [orjson.dumps(key) for key in keys]
        self._in_csv = {*keys, *map(defused, keys)}

    def message(self, line: bytes) -> bool:
        """Whether a line is the contact's message."""
        if not any(key in line for key in self._in_json):
            return False
        try:
            message = orjson.loads(line)
        except ValueError:  # a part that was not finished
            return True
        return isinstance(message, dict) and message.get("contact") in self.keys

    def row(self, row: Sequence[str]) -> bool:
        """Whether a row sets the contact aside."""
        return bool(row) and row[0] in self._in_csv

    def text(self, content: str) -> bool:
        """Whether a text has the key in it, as it is or as HTML has it."""
        return any(key in content or escape(key) in content for key in self.keys)


@contextmanager
def _reading(path: Path) -> Iterator[Iterator[bytes]]:
    """The lines of a file, none longer than any message. Raises Refused."""
    try:
        with path.open("rb") as file:
            yield iter(lambda: file.readline(_LONGEST_LINE), b"")
    except OSError as error:
        raise _unusable(path, error, "read") from error


def _files(folder: Path, *patterns: str) -> list[Path]:
    """The files of a folder by pattern: what links lead to, since that has the contact."""
    found = {path.resolve() for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return sorted(found)


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file again, with the rights it has; all of it or nothing."""
    beside = path.with_name(f".{path.name}.erasing")
    try:
        with beside.open("wb") as out:
            os.fchmod(out.fileno(), path.stat().st_mode & 0o7777)
            write(out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _samples(folder: Path, wanted: _Wanted) -> list[Path]:
    """The samples in which the key is: maybe also one of somebody else, which are only there to be looked at."""
    return [path for path in _files(folder, "sample-*", ".sample-*") if wanted.text(path.read_text("utf-8", "replace"))]


def _examples(summary: Path, wanted: _Wanted) -> tuple[dict[str, Json], list[str]]:
    """The summary, and the offers whose example of what could not be rendered is the contact."""
    try:
        content = orjson.loads(summary.read_bytes())
    except (OSError, ValueError):
        return {}, []
    failures = content.get("not_rendered") if isinstance(content, dict) else None
    named = [
        offer
        for offer, failure in (failures.items() if isinstance(failures, dict) else ())
        if isinstance(failure, dict)
        and any(str(failure.get("example", "")).startswith(f"{key}: ") for key in wanted.keys)
    ]
    return content, named


def _clear_examples(summary: Path, wanted: _Wanted) -> None:
    content, named = _examples(summary, wanted)
    if named:
        for offer in named:
            content["not_rendered"][offer]["example"] = ""  # type: ignore[index,call-overload]
        _replace(summary, lambda out: out.write(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"))


def _unusable(path: Path, error: OSError, what: str) -> Refused:
    return refuse(
        Code.UNREADABLE,
        f"{path!s:.200} cannot be {what}: {reason_of(error)}",
        detail="It can name the contact.",
        hint="Mend that, and run the command again: it continues with the rest.",
    )
