"""``audit verify FILE`` and ``audit show FILE``: an exported history, without its store and its project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path

import orjson

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused, reason_of, refuse, suggestion
from offerkit.governance.stops import Stops
from offerkit.reports.audit import (
    EnvironmentThen,
    LiveThen,
    OfferThen,
    RecordedLine,
    RecordOverview,
    StoppedThen,
    VerifiedRecord,
)
from offerkit.state.changes import Entry
from offerkit.store import RevisionRow, Store
from offerkit.store.history_file import HistoryReader
from offerkit.store.replay import replayed
from offerkit.store.rows import RecordedRevision
from offerkit.store.signed_history import verify_signatures
from offerkit.store.stage_snapshots import environments
from offerkit.usecases.anchor import accepted_losses
from offerkit.usecases.argument_values import zone_of_stage
from offerkit.usecases.audit import CompareAnchors, check_digest, noted_elsewhere
from offerkit.usecases.audit_gates import NOT_PROVABLE, JudgedHistory
from offerkit.usecases.state_refs import serial_of, zone_said


def audit_file(
    path: Path,
    head: str = "",
    advance: Callable[[int], None] = lambda count: None,
    compare: CompareAnchors | None = None,
) -> VerifiedRecord:
    """Verify an export. Raises Refused with what is wrong with it.

    ``head``: the start of a digest noted elsewhere; it must belong to a revision. ``advance`` gets the bytes read.
    ``compare``: compares the history with its anchors.
    """
    check_digest(head)
    judged = JudgedHistory()
    with _read(path, judged.judge, advance) as (store, reader):
        findings = [*judged.findings, *store.verify(tokens_too=False)]
        signatures, faults = verify_signatures(store)
        accepted = accepted_losses(store)
        anchors, unanchored = compare(store) if compare is not None else (0, [])
        missing = noted_elsewhere(store.every_digest().values(), head)
    findings += [*faults, *unanchored]
    if missing is not None:
        findings.append(missing)
    if findings:
        raise Refused([_of_file(found) for found in findings])
    assert reader.end is not None
    end = reader.end
    return VerifiedRecord(
        file=str(path),
        project=reader.project,
        revisions=end.revisions,
        bodies=end.bodies,
        digest=end.digest,
        sha256=end.sha256,
        judged=judged.live,
        unprovable=NOT_PROVABLE,
        signatures=signatures,
        anchors=anchors,
        accepted=accepted,
    )


def overview(path: Path) -> RecordOverview:
    """What an export holds, as a whole. Raises Refused as :func:`audit_file` does, but for its promotions."""
    actions: Counter[str] = Counter()
    with _read(path, lambda store, recorded: actions.update([recorded.revision.action])) as (store, reader):
        rows = store.revisions()
        stops = Stops(store.stops())
        names = environments(store)
        live = {name: _live_offers(store.entries(StageRef(name, Stage.LIVE))) for name in names}
    assert reader.end is not None
    return RecordOverview(
        str(path),
        reader.project,
        reader.end.revisions,
        reader.end.bodies,
        reader.end.digest,
        first=_line(rows[-1]) if rows else None,
        last=_line(rows[0]) if rows else None,
        actions=dict(sorted(actions.items())),
        live={name: len(offers) for name, offers in live.items()},
        stopped=tuple(sorted({str(row.key.address) for row in stops})),
    )


def live_then(path: Path, at: str, environment: str = "") -> LiveThen:
    """What was live at a time (or right after a revision), in one environment or all.

    Raises Refused as :func:`overview` does, for a time that cannot be read, and for an unknown environment.
    """
    with _read(path) as (store, _):
        known = environments(store)
        if environment and environment not in known:
            hint = suggestion(environment, known, f"Environments: {', '.join(known)}.")
            raise refuse(Code.NO_MATCH, f"there is no environment “{environment[:80]}” in the export", hint=hint)
        chosen = [environment] if environment else known
        zone = _zone(store, chosen)
        serials = {name: serial_of(store, StageRef(name, Stage.LIVE, at), zone) for name in chosen or [SHARED]}
        serial = max(serials.values())
        row = store.revision(serial)
        stops = Stops(found for found in store.stops() if found.revision <= serial)
        stopped = tuple(
            StoppedThen(str(stop.key.address), stop.operator, stop.comment, stops.since(stop), stop.revision)
            for stop in stops
            if stop.key.address.environment in chosen
        )
        states = tuple(_environment_then(store, name, serials[name]) for name in chosen)
    shown = at + zone_said(at, zone)
    return LiveThen(str(path), shown, _line(row) if row is not None else None, states, stopped)


def _environment_then(store: Store, name: str, serial: int) -> EnvironmentThen:
    stage = StageRef(name, Stage.LIVE)
    if stage not in store.heads():
        return EnvironmentThen(name, None, (), ())
    entries = store.entries_at(stage, serial)
    arrived: dict[Address, int] = {}
    last = 0
    for change in store.changes_since(stage, 0):
        if change.serial > serial:
            break
        arrived[change.address] = last = change.serial
    rows = {number: store.revision(number) for number in {last, *arrived.values()} if number}
    offers = _live_offers(entries)
    bodies = store.bodies({entry.fingerprint for entry in offers.values()})
    lines = []
    for address, entry in offers.items():
        row = rows[arrived[address]]
        assert row is not None
        label = _label(bodies[entry.fingerprint].text)
        lines.append(OfferThen(str(address), label, entry.activation or (), entry.fingerprint, _line(row)))
    head = rows.get(last)
    spaces = tuple(sorted(address.name for address in entries if address.kind is Kind.SPACE))
    return EnvironmentThen(name, _line(head) if head is not None else None, spaces, tuple(lines))


def _live_offers(entries: Mapping[Address, Entry]) -> dict[Address, Entry]:
    return {address: entry for address, entry in entries.items() if address.kind is Kind.OFFER and entry.activation}


def _label(text: str) -> str:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:  # a body that no offerkit has written
        return ""
    label = body.get("label", "") if isinstance(body, dict) else ""
    return label if isinstance(label, str) else ""


def _zone(store: Store, names: Sequence[str]) -> tzinfo:
    """The time zone of some environments in live; UTC if a body that no offerkit has written does not name one."""
    try:
        return zone_of_stage(store, Stage.LIVE, names)
    except (ValueError, LookupError):
        return UTC


def _line(row: RevisionRow) -> RecordedLine:
    return RecordedLine(row.serial, row.time[:19] + "Z", row.action, row.actor, row.message, row.digest)


def _nothing(store: Store, recorded: RecordedRevision) -> None:
    """What is done before a revision is added: nothing."""


@contextmanager
def _read(
    path: Path,
    visit: Callable[[Store, RecordedRevision], None] = _nothing,
    advance: Callable[[int], None] = lambda count: None,
) -> Iterator[tuple[Store, HistoryReader]]:
    """The store that an export holds. Raises Refused if it cannot be read, or is not as it was exported."""
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise _unreadable(path, error) from None
    with file:
        try:
            reader = HistoryReader(file, str(path))
            place = 0

            def visited(store: Store, recorded: RecordedRevision) -> None:
                nonlocal place
                visit(store, recorded)
                place, before = reader.read, place
                advance(place - before)

            with replayed(reader, visited) as store:
                yield store, reader
        except OSError as error:
            raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> Refused:
    return refuse(
        Code.UNREADABLE,
        f"{str(path)[:200]} cannot be read: {reason_of(error)}",
        hint="Name a file that “offerkit audit export --out FILE” has written.",
    )


def _of_file(found: Diagnostic) -> Diagnostic:
    if found.code is not Code.HISTORY_BROKEN:
        return found
    return replace(found, hint="Compare with another copy of the file, or with the store that it was exported from.")
