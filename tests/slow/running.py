"""A project of some hundred offers, and ``offerkit`` run on it as processes that can be killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from helpers.forked import Child, forks_of_this_process
from helpers.spark import SHORT_LIVED

from offerkit.store import Store

OFFERS = 400
FILES = 8
ENV = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1", "COLUMNS": "200", "LANG": "C.UTF-8",
    "SPARK_SUBMIT_OPTS": SHORT_LIVED,
}  # fmt: skip

_SHARED = """version: 1
dimensions:
  recipient: {key: [id], fields: {id: {type: integer}, email: {}}}
operators:
  ada: {profile: administrator}
  omar: {profile: offer-manager}
"""
_SPACES = """version: 1
spaces:
  email: {channel: email, fields: [{name: title, required: true}, {name: html}]}
  web: {channel: inbound-web, fields: [{name: title, required: true}, {name: html}]}
categories: {all: {}}
"""


def write_offers(root: Path, title: str, files: range = range(FILES)) -> None:
    """The offers of some files, all with this title."""
    for number in files:
        rows = [
            f"  offer-{offer:04d}: {{category: all, content: {{title: {title} {offer}, html: '{'x' * 300}'}}}}\n"
            for offer in range(number, OFFERS, FILES)
        ]
        (root / f"specs/recipients/offers-{number}.yaml").write_text("version: 1\noffers:\n" + "".join(rows))


def make_project(root: Path) -> Path:
    """The project, nothing applied."""
    (root / "environments").mkdir(parents=True)
    (root / "specs/recipients").mkdir(parents=True)
    (root / "environments/recipients.yaml").write_text("version: 1\nenvironment: {dimension: recipient}\n")
    (root / "specs/shared.yaml").write_text(_SHARED)
    (root / "specs/recipients/spaces.yaml").write_text(_SPACES)
    write_offers(root, "First")
    return root


def start(root: Path, *args: str, who: str = "ada", program: str = "") -> Child:
    """Begin a run, a process of its own; whoever asks may kill it, and hits what it does rather than its imports."""
    return forks_of_this_process().start(["--as", who, *args], root, ENV, program)


def begin(code: str, *args: str) -> Child:
    """Begin a program given as a text."""
    return forks_of_this_process().start(list(args), Path.cwd(), ENV, code)


@dataclass
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str
    seconds: float = 0.0


def run(root: Path, *args: str, who: str = "ada", program: str = "") -> Done:
    """A run from beginning to end."""
    began = time.monotonic()
    process = start(root, *args, who=who, program=program)
    out, err = process.communicate(timeout=600)
    return Done(process.returncode, out, err, time.monotonic() - began)


def sure(root: Path, *args: str, who: str = "ada", program: str = "") -> Done:
    """A run that must work."""
    done = run(root, *args, who=who, program=program)
    assert done.code == 0, (args, done.out[-2000:], done.err)
    return done


@dataclass(frozen=True)
class Standing:
    """Where every stage stands, how many revisions there are, and how many decisions."""

    stages: dict[str, str] = field(hash=False)
    revisions: int = 0
    approvals: int = 0


def standing(root: Path, store: Path | None = None) -> Standing:
    """What the store holds, once its whole history was found to be sound."""
    found_store = Store.find(store or root / ".offerkit/store.db")
    if found_store is None:
        return Standing({})
    with found_store as opened, opened.reading():
        found = opened.verify()
        assert not found, found
        heads = {stage: head.digest for stage, head in opened.heads().items()}
        return Standing(heads, opened.last_serial(), len(opened.approvals()))


def kill_at(process: Child, moment: float, note: Path | None = None) -> bool:
    """Kill -9 after so many seconds (with ``note``: after it appeared); whether the run had ended before."""
    if note is not None:
        while process.poll() is None and not note.exists():
            time.sleep(0.0005)
    limit = time.monotonic() + moment
    while process.poll() is None and time.monotonic() < limit:
        time.sleep(0.0005)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return ended


def copied(source: Path, target: Path) -> Path:
    """A copy of a project with its store."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def chance(seed: str) -> random.Random:
    """Chance that can be repeated."""
    return random.Random(seed)
