"""The bundle that ``ci plan`` writes, and that ``ci check`` and ``ci apply`` read back: a folder of a few files.

``offerkit-ci.json`` has all that is decided by: which pull request, which head, and what the plan means. For each
environment that changes there is a folder with ``comment.md``, ``report.html`` and ``report.json``; ``plan.json`` is
the plan itself, where there is a store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from offerkit.fingerprint import canonical
from offerkit.loader.output import PLAN, Kind, writing
from offerkit.planning.meaning import Fact, meaning_of

FORMAT = 1
INDEX, PLAN_FILE = "offerkit-ci.json", "plan.json"
COMMENT, PAGE, REPORT = "comment.md", "report.html", "report.json"


@dataclass(frozen=True)
class Subject:
    """What is reviewed: a pull request by number (0: none), its head, and the commit that it goes on from."""

    number: int = 0
    head: str = ""
    base: str = ""


@dataclass(frozen=True)
class Part:
    """One environment that changes: what its share of the plan means, and how many steps that are.

    What environments share has a part of its own, ``shared``.
    """

    environment: str
    meaning: str
    steps: int


@dataclass(frozen=True)
class Bundle:
    """What was read: ``facts`` are what ``meaning`` is the digest of; ``against`` is ``store`` or ``git``.

    ``plan``: the digest of the saved plan; empty without a store.
    """

    subject: Subject
    against: str
    facts: tuple[Fact, ...]
    parts: tuple[Part, ...] = ()
    plan: str = ""
    offerkit: str = ""
    format: int = FORMAT

    @property
    def meaning(self) -> str:
        """The digest of the whole plan's meaning."""
        return meaning_of(self.facts)


_KINDS = {
    INDEX: Kind("the index of a bundle", lambda head, tail: b'"facts":' in head),
    PLAN_FILE: PLAN,
    COMMENT: Kind("a comment of offerkit", lambda head, tail: head.startswith(b"<!-- offerkit ")),
    PAGE: Kind("a page of offerkit", lambda head, tail: head.lower().startswith(b"<!doctype html>")),
    REPORT: Kind("a report of offerkit", lambda head, tail: head.lstrip().startswith(b"{")),
}


def index_bytes(bundle: Bundle) -> bytes:
    """``offerkit-ci.json``: canonical JSON."""
    data = asdict(bundle) | {"meaning": bundle.meaning, "facts": [list(fact) for fact in bundle.facts]}
    return canonical(data) + b"\n"


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files of a bundle, each by its path in it. Raises Refused when one cannot be written."""
    for path, content in files:
        with writing(folder / path, _KINDS[path.rpartition("/")[2]], folders=True) as out:
            out.write(content)
