"""What is erased of a contact, in every format: counts, and never the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, pad
from offerkit.reports.words import count


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """What an environment has of the contact; ``visitor``: of visits that a cookie leads to."""

    environment: str
    propositions: int
    evidence: int
    cookies: int
    visitor: bool = False


@dataclass(frozen=True, slots=True)
class ErasedFiles:
    """What the files of a delivery have of the contact: messages, and how often others name it."""

    folder: str
    messages: int
    others: int


@dataclass(frozen=True, slots=True)
class ContactErasure:
    """What is to be erased or, with the number and digest of its revision, was erased."""

    rows: Sequence[ErasedRows]
    files: Sequence[ErasedFiles]
    revision: int = 0
    digest: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to erase."""
        return not self.rows and not self.files


def erasure_text(erasure: ContactErasure, presentation: Presentation = PRESENTATION) -> str:
    """A line for each environment and folder. Ends with a newline."""
    if erasure.empty:
        return "Nothing to erase.\n"
    rows = [(row.environment + (" (visits)" if row.visitor else ""), _row(row)) for row in erasure.rows]
    rows += [(one.folder, _files(one)) for one in erasure.files]
    wide = max(len(name) for name, _ in rows)
    lines = [f"{pad(visible(name), wide)}  {text}" for name, text in rows]
    return presentation.style.finish("\n".join(lines) + "\n")


def _row(row: ErasedRows) -> str:
    parts = [f"{count(row.propositions, 'proposition')} made anonymous"] if row.propositions else []
    parts += [f"{count(row.evidence, 'evidence record')} removed"] if row.evidence else []
    parts += [f"{count(row.cookies, 'cookie')} removed"] if row.cookies else []
    return ", ".join(parts)


def _files(files: ErasedFiles) -> str:
    parts = [f"{count(files.messages, 'message')} removed"] if files.messages else []
    parts += [f"{count(files.others, 'other place')} cleared"] if files.others else []
    return ", ".join(parts)


def erasure_json(erasure: ContactErasure, _presentation: Presentation = PRESENTATION) -> str:
    """The counts, and the revision with its full digest. Ends with a newline."""
    data: dict[str, Json] = {
        "environments": [asdict(row) for row in erasure.rows],
        "files": [asdict(one) for one in erasure.files],
        "revision": erasure.revision or None,
        "digest": erasure.digest,
    }
    return json_text(data)
