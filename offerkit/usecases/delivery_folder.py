"""The files of a delivery: written part by part to ``DIR.partial``, which is renamed when everything is stored.

Finished parts survive if a run is killed; the next run with the same inputs continues after them.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from offerkit.diagnostics import Code, reason_of, refuse
from offerkit.fingerprint import Json
from offerkit.reports.csv_file import CsvWriter
from offerkit.usecases.delivery_messages import Message

STATE = "run.json"
SUMMARY = "delivery.json"
LOCK = ".lock"


@dataclass(frozen=True)
class UnfinishedRun:
    """What a killed run left: its id, the delivery, the digest of its inputs, its proposition date."""

    id: str
    delivery: str
    inputs: str
    time: str


def unfinished_of(target: Path) -> Path:
    """Where files are while they are being written to ``target``, and stay if the run is killed before it renames."""
    return target.with_name(f"{target.name}.partial")


class DeliveryFolder:
    """The output folder of a delivery."""

    def __init__(self, target: Path) -> None:
        """``target``: the folder for the finished files; it must not exist yet."""
        self.target = target
        self.partial = unfinished_of(target)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Lock the partial folder. Raises Refused if another process has it, or the target exists."""
        from filelock import FileLock, Timeout

        if self.target.exists():
            raise refuse(
                Code.TARGET_EXISTS, f"{self.target} already exists", hint="Move it away, or name another with --out."
            )
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            names = {path.name for path in self.partial.iterdir()}
            if names and not names & {STATE, LOCK}:
                raise refuse(
                    Code.TARGET_EXISTS,
                    f"{self.partial} already exists and does not belong to a delivery",
                    detail="A delivery is written there before the folder gets its final name.",
                    hint="Move it away, or name another folder with --out.",
                )
            with FileLock(self.partial / LOCK, timeout=0):
                yield
        except Timeout:
            raise refuse(
                Code.DELIVERY_RUNNING,
                f"another run is making {self.target}",
                detail="Two runs of a delivery would write the same messages.",
                hint="Wait until it has finished. It was not disturbed.",
            ) from None
        except OSError as error:
            raise unwritable(self.partial, error) from error

    def unfinished(self) -> UnfinishedRun | None:
        """What a killed run left here, or None."""
        try:
            state = orjson.loads((self.partial / STATE).read_bytes())
            return UnfinishedRun(*(str(state[name]) for name in ("id", "delivery", "inputs", "time")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, state: UnfinishedRun) -> None:
        """Delete the files of an interrupted run, and start a new one."""
        for path in self.partial.iterdir():
            if path.name != LOCK:
                path.unlink()
        _write_whole(self.partial / STATE, orjson.dumps(asdict(state)))

    def has(self, part: int) -> bool:
        """Whether a part is finished."""
        return self._part(part).exists()

    @contextmanager
    def writing(self, part: int) -> Iterator[DeliveryPart]:
        """Write a part; it counts only when complete."""
        path, aside = self._part(part), self._aside(part)
        delivery_part = DeliveryPart(path.with_suffix(".tmp"), aside)
        with delivery_part:
            yield delivery_part
        delivery_part.keep(path)

    def messages(self) -> Iterator[Message]:
        """All messages in order."""
        for path in sorted(self.partial.glob("messages-*.jsonl")):
            with path.open("rb") as lines:
                for line in lines:
                    yield orjson.loads(line)

    def asides(self) -> Iterator[tuple[str, str]]:
        """All contacts without a message, with the reason."""
        for path in sorted(self.partial.glob("set-aside-*.csv")):
            with path.open(newline="", encoding="utf-8") as lines:
                yield from ((row[0], row[1]) for row in csv.reader(lines))

    def finish(self, summary: Mapping[str, Json], samples: Mapping[str, str]) -> None:
        """Write the list of contacts set aside, the summary and the samples, still in the partial folder."""
        list_path = self.partial / "set-aside.csv"
        with list_path.with_suffix(".tmp").open("w", newline="", encoding="utf-8") as out:
            CsvWriter(out, ("contact", "reason")).write(self.asides())
        list_path.with_suffix(".tmp").replace(list_path)
        for name, text in samples.items():
            _write_whole(self.partial / name, text.encode())
        _write_whole(self.partial / SUMMARY, orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")

    def publish(self) -> None:
        """Rename the folder: the last step, after the propositions are stored."""
        try:
            self.partial.rename(self.target)
        except OSError as error:
            raise refuse(
                Code.UNREADABLE,
                f"{self.partial} cannot be renamed to {self.target}: {reason_of(error)}",
                detail="The delivery is made and its files are complete; only the folder was not renamed.",
                hint="Move away what is in the way, and run the same command again.",
            ) from error
        for path in [*self.target.glob("set-aside-*.csv"), self.target / STATE, self.target / LOCK]:
            path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the partial folder."""
        shutil.rmtree(self.partial, ignore_errors=True)

    def _part(self, part: int) -> Path:
        return self.partial / f"messages-{part:05}.jsonl"

    def _aside(self, part: int) -> Path:
        return self.partial / f"set-aside-{part:05}.csv"


class DeliveryPart:
    """A part being written."""

    def __init__(self, path: Path, aside: Path) -> None:
        """Both files are overwritten."""
        self._path = path
        self._messages = path.open("wb")
        self._asides = aside.open("w", newline="", encoding="utf-8")
        self._csv = csv.writer(self._asides)

    def __enter__(self) -> DeliveryPart:
        return self

    def __exit__(self, *_: object) -> None:
        self._messages.close()
        self._asides.close()

    def message(self, message: Message) -> None:
        """Write a message as a line of JSON."""
        self._messages.write(orjson.dumps(message) + b"\n")

    def aside(self, contact: str, reason: str) -> None:
        """Write a contact without a message."""
        self._csv.writerow((contact, reason))

    def keep(self, path: Path) -> None:
        """Mark the part as finished."""
        with self._path.open("rb") as written:
            os.fsync(written.fileno())
        self._path.replace(path)


def unwritable(path: Path, error: OSError) -> Exception:
    """The refusal if files of a delivery cannot be written."""
    return refuse(
        Code.UNREADABLE,
        f"{path} cannot be written: {reason_of(error)}",
        detail="No proposition was stored. Finished parts are kept, and the next run continues after them.",
        hint="Free up space, or name another folder with --out.",
    )


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.tmp")
    partial.write_bytes(content)
    partial.replace(path)
