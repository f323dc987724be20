"""The rows of the history: as frozen values, and as the columns of their tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from offerkit.address import Address, StageRef, parse_address, parse_stage
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval
from offerkit.governance.notices import Notice
from offerkit.state.changes import Action, Body, Delta, Entry, FormerAddress

EntryText: TypeAlias = tuple[str, str]
"""The columns of an entry: fingerprint and activation text; ``("", "")`` is no entry."""

NO_ENTRY: EntryText = ("", "")


@dataclass(frozen=True, slots=True)
class StageHead:
    """The last revision that changed a stage, and the manifest digest of its entries."""

    revision: int
    digest: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of one address in one stage.

    ``before`` was at ``moved_from`` if that is set, otherwise at ``address``; ``after`` is at ``address``.
    """

    serial: int
    stage: StageRef
    address: Address
    action: str
    before: Entry | None = None
    after: Entry | None = None
    moved_from: FormerAddress = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One link of the history; ``digest`` covers all of it and ``parent_digest``."""

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
    """A revision to append.

    ``time`` is UTC as ``2026-11-01T12:00:00.000000Z``. The store sets the serials of ``changes`` and the revisions of
    ``approvals``. Of ``bodies``, it stores those that a change introduces. ``notices`` go to the outbox.
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
    notices: tuple[Notice, ...] = ()


class ChangeText(NamedTuple):
    """The columns of a change, without its serial."""

    stage: str
    address: str
    action: str
    before_fingerprint: str
    after_fingerprint: str
    before_activation: str
    after_activation: str
    moved_from: str
    reason: str

    @property
    def source(self) -> str:
        """The address before the change."""
        return self.moved_from or self.address

    @property
    def before(self) -> EntryText:
        """The entry before the change."""
        return (self.before_fingerprint, self.before_activation)

    @property
    def after(self) -> EntryText:
        """The entry after the change."""
        return (self.after_fingerprint, self.after_activation)


class RevisionText(NamedTuple):
    """The columns of a revision; ``details`` is canonical JSON."""

    serial: int
    parent_digest: str
    digest: str
    action: str
    actor: str
    time: str
    message: str
    plan_digest: str
    details: str


ApprovalText: TypeAlias = tuple[str, str, str, str, str, str, str]
"""The columns address, aspect, space, fingerprint, decision, operator and comment."""

Outcome: TypeAlias = tuple[str, str]
"""A stage that a revision touched, and its manifest digest after it."""


class RecordedRevision(NamedTuple):
    """A revision with all its rows, as their columns; everything that its digest covers."""

    revision: RevisionText
    changes: list[ChangeText]
    approvals: list[ApprovalText]
    outcomes: list[Outcome]


class Activations(dict[str, tuple[str, ...] | None]):
    """Spaces by activation text, each text parsed once and its tuple shared."""

    def __init__(self) -> None:
        super().__init__({"-": None, "": ()})

    def __missing__(self, text: str) -> tuple[str, ...]:
        spaces = self[text] = tuple(text.split(","))
        return spaces


def entry_text(entry: Entry | None) -> EntryText:
    """The columns of ``entry``."""
    return NO_ENTRY if entry is None else (entry.fingerprint, entry.activation_text)


def entry_of(text: EntryText, activations: Activations) -> Entry | None:
    """The entry of two columns."""
    return Entry(text[0], activations[text[1]]) if text[0] else None


def change_text(row: ChangeRow) -> ChangeText:
    """The columns of ``row``."""
    before, after = entry_text(row.before), entry_text(row.after)
    states = (before[0], after[0], before[1], after[1])
    return ChangeText(row.stage, row.address, row.action, *states, row.moved_from, row.reason)


def change_row(serial: int, text: ChangeText, activations: Activations) -> ChangeRow:
    """The change of some columns."""
    before, after = entry_of(text.before, activations), entry_of(text.after, activations)
    moved_from: FormerAddress = parse_address(text.moved_from) if text.moved_from else ""
    stage, address = parse_stage(text.stage), parse_address(text.address)
    return ChangeRow(serial, stage, address, text.action, before, after, moved_from, text.reason)


def deltas_of(changes: Iterable[ChangeRow]) -> list[Delta]:
    """Recorded changes as differences, from which steps are made."""
    return [Delta(row.address, row.stage, Action(row.action), row.before, row.after, row.moved_from) for row in changes]
