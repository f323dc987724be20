"""What the store takes and gives: plain frozen rows, and how entries are spelled in columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from offerkit.fingerprint import Json
from offerkit.governance.approval import Approval
from offerkit.planning.plan import Body, Entry

EntryText: TypeAlias = tuple[str, str]
"""An entry as it stands in columns: fingerprint and activation text; ``("", "")`` is no entry."""

NO_ENTRY: EntryText = ("", "")


@dataclass(frozen=True, slots=True)
class StageHead:
    """Where a stage stands: the last revision that changed it and the manifest digest of its entries."""

    revision: int
    digest: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of one address in one stage.

    ``before`` stood at ``moved_from`` when that is set, else at ``address``; ``after`` stands at ``address``.
    """

    serial: int
    stage: str
    address: str
    action: str
    before: Entry | None = None
    after: Entry | None = None
    moved_from: str = ""
    reason: str = ""

    @property
    def source(self) -> str:
        """Where ``before`` stood."""
        return self.moved_from or self.address


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One link of the history; ``digest`` covers everything in it and ``parent_digest``."""

    serial: int
    parent_digest: str
    digest: str
    action: str
    actor: str
    time: str
    message: str = ""
    plan_digest: str = ""
    details: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision to be appended.

    ``time`` is UTC as ``2026-11-01T12:00:00.000000Z``. The serials of ``changes`` and the revisions of
    ``approvals`` are given by the store. Of ``bodies`` those are kept that a change introduces.
    """

    action: str
    actor: str
    time: str
    message: str = ""
    plan_digest: str = ""
    changes: tuple[ChangeRow, ...] = ()
    approvals: tuple[Approval, ...] = ()
    bodies: Mapping[str, Body] = field(default_factory=dict)
    details: Mapping[str, Json] = field(default_factory=dict)


class Activations(dict[str, tuple[str, ...] | None]):
    """Activation texts and what they mean, each parsed once and its tuple shared."""

    def __init__(self) -> None:
        """Begin with the two texts that are not lists of spaces."""
        super().__init__({"-": None, "": ()})

    def __missing__(self, text: str) -> tuple[str, ...]:
        """Parse a list of spaces that is met for the first time."""
        spaces = self[text] = tuple(text.split(","))
        return spaces


def entry_text(entry: Entry | None) -> EntryText:
    """``entry`` as it stands in columns."""
    return NO_ENTRY if entry is None else (entry.fingerprint, entry.activation_text)


def entry_of(text: EntryText, activations: Activations) -> Entry | None:
    """The entry that two columns spell."""
    return Entry(text[0], activations[text[1]]) if text[0] else None
