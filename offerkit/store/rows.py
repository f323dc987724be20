"""What the store takes and gives: plain frozen rows, and how entries are spelled in columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from offerkit.address import Address, StageRef, parse_address, parse_stage
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval
from offerkit.state.changes import Body, Entry, FormerAddress

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
    stage: StageRef
    address: Address
    action: str
    before: Entry | None = None
    after: Entry | None = None
    moved_from: FormerAddress = ""
    reason: str = ""


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


class ChangeText(NamedTuple):
    """A change as it stands in columns, without its serial."""

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
        """Where the entry before the change stood."""
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
    """A revision as it stands in columns; ``details`` is canonical JSON text."""

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
"""Address, aspect, space, fingerprint, decision, operator and comment, as they stand in columns."""

Outcome: TypeAlias = tuple[str, str]
"""A stage that a revision touched, and the manifest digest it then had."""


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


def change_text(row: ChangeRow) -> ChangeText:
    """``row`` as it stands in columns."""
    before, after = entry_text(row.before), entry_text(row.after)
    states = (before[0], after[0], before[1], after[1])
    return ChangeText(row.stage, row.address, row.action, *states, row.moved_from, row.reason)


def change_row(serial: int, text: ChangeText, activations: Activations) -> ChangeRow:
    """The change that columns spell."""
    before, after = entry_of(text.before, activations), entry_of(text.after, activations)
    moved_from: FormerAddress = parse_address(text.moved_from) if text.moved_from else ""
    stage, address = parse_stage(text.stage), parse_address(text.address)
    return ChangeRow(serial, stage, address, text.action, before, after, moved_from, text.reason)
