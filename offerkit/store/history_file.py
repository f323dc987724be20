"""An exported history: one canonical JSON object a line, from which the whole record can be proved without a store.

The lines are: a head with the project and the columns, every body by its fingerprint, every revision followed by its
changes, its approvals and the stages after it, and an end with the SHA-256 of all lines before. The same history always
gives the same bytes, so a file that differs in one byte is not what was exported
(docs/adr/0075-exports-that-prove-themselves.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, TypeAlias

import orjson

from offerkit.address import parse_address, parse_stage
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, refuse, upgrade_hint
from offerkit.fingerprint import Json, canonical
from offerkit.governance.approvals import Decision
from offerkit.plans.plan import Aspect
from offerkit.state.changes import Action
from offerkit.store import bodies, revisions, schema
from offerkit.store.approvals import COLUMNS as APPROVAL
from offerkit.store.database import Database
from offerkit.store.rows import ChangeText, RecordedRevision, RevisionText
from offerkit.times import check_utc, instant

FORMAT = 2
"""The format of the files; format 1 had the revisions only, without bodies and without an end."""
LONGEST_LINE = 64 << 20
"""Bytes of a line, at most: several times the largest body."""
MOST_ROWS = 1_000_000
"""Changes, approvals and stages of one revision, at most; a reader keeps one revision in memory."""
_LONGEST_HEAD = 1 << 20
_HEAD, _BODY, _REVISION, _END = "history", "body", "revision", "end"
_CHANGE, _APPROVAL, _OUTCOME = "change", "approval", "outcome"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    _BODY: ("fingerprint", "kind", "body"),
    _REVISION: RevisionText._fields,
    _CHANGE: ChangeText._fields,
    _APPROVAL: tuple(APPROVAL.split(", ")),
    _OUTCOME: ("stage", "digest"),
    _END: ("bodies", "revisions", "digest", "sha256"),
}
"""What each kind of line holds, besides ``record``, which names the kind."""
_NUMBERS = {"serial", "bodies", "revisions"}
_ROWS = (_CHANGE, _APPROVAL, _OUTCOME)
"""The kinds of lines that follow a revision, in their order."""
_KEYS = {_CHANGE: 2, _APPROVAL: 3, _OUTCOME: 1}
"""How many of the first columns order the lines of a kind, and are unique in a revision."""

BodyRow: TypeAlias = tuple[str, str, str]
"""Fingerprint, kind and text of a body."""


class HistoryEnd(NamedTuple):
    """The end of an export: how much it holds, the digest of the last revision, and of all bytes before the end."""

    bodies: int
    revisions: int
    digest: str
    sha256: str


class HistoryLines:
    """The whole history as the lines of a file; one revision, or one page of bodies, is in memory at a time.

    Iterate over it once, where all reads see one state; ``end`` is known then. ``advance`` counts revisions.
    """

    end: HistoryEnd

    def __init__(self, db: Database, advance: Callable[[int], None] = lambda count: None) -> None:
        self._db, self._advance = db, advance

    def __iter__(self) -> Iterator[bytes]:
        project = schema.read_meta(self._db)["project"]
        head = _head(project, schema.current_format())
        hasher = hashlib.sha256(head)
        yield head
        count = {_BODY: 0, _REVISION: 0}
        last = schema.genesis(project)
        for kind, cells in _records(self._db):
            if kind in count:
                count[kind] += 1
            if kind == _REVISION:
                last = str(cells[2])
                self._advance(1)
            line = _line(kind, cells)
            hasher.update(line)
            yield line
        self.end = HistoryEnd(count[_BODY], count[_REVISION], last, hasher.hexdigest())
        yield _line(_END, tuple(self.end))


def _head(project: str, store_format: int) -> bytes:
    columns = {kind: list(names) for kind, names in COLUMNS.items()}
    head = {"record": _HEAD, "format": FORMAT, "project": project, "store_format": store_format, "columns": columns}
    return canonical(head) + b"\n"


def _records(db: Database) -> Iterator[tuple[str, tuple[Json, ...]]]:
    """Every body, then every revision with its rows: the kind of a line and its cells."""
    for body in bodies.every(db):
        yield _BODY, body
    for recorded in revisions.recorded(db):
        yield _REVISION, (*recorded.revision[:-1], revisions.details_of(recorded.revision))
        for kind, rows in ((_CHANGE, recorded.changes), (_APPROVAL, recorded.approvals), (_OUTCOME, recorded.outcomes)):
            for row in rows:
                yield kind, tuple(row)


def _line(kind: str, cells: tuple[Json, ...]) -> bytes:
    return canonical({"record": kind, **dict(zip(COLUMNS[kind], cells, strict=True))}) + b"\n"


class HistoryReader:
    """Reads an exported history line by line, and raises Refused at the first line that is not as it was written."""

    def __init__(self, source: BinaryIO, name: str) -> None:
        """Read the head. ``name``: of the file, for messages. Raises Refused if this is not an export."""
        self._source, self._name, self.line = source, name, 0
        self._hasher = hashlib.sha256()
        self.read = 0
        """Bytes read so far."""
        self.end: HistoryEnd | None = None
        """Known once :meth:`records` has come to its end."""
        self.project, self.store_format = self._read_head()

    def records(self) -> Iterator[BodyRow | RecordedRevision]:
        """All bodies, then all revisions. Raises Refused at the first fault, and if the file was cut."""
        count = {_BODY: 0, _REVISION: 0}
        fingerprint, last = "", schema.genesis(self.project)
        revision: _RevisionLines | None = None
        while (found := self._next()) is not None:
            kind, record = found
            if kind in _ROWS:
                if revision is None:
                    raise self.broken(f"this {kind} belongs to no revision")
                revision.add(self, kind, record)
                continue
            if revision is not None:
                yield revision.recorded
                revision = None if kind == _END else revision
            if kind == _END:
                self._close(record, count, last)
                return
            count[kind] += 1
            if kind == _REVISION:
                revision = _RevisionLines(self._revision(record, count[_REVISION]))
                last = revision.recorded.revision.digest
                continue
            texts = _texts(record, COLUMNS[_BODY])
            if revision is not None or texts[0] <= fingerprint:
                raise self.broken("this body is not in its place", "Bodies come first, ordered by their fingerprints.")
            fingerprint = texts[0]
            yield texts[0], texts[1], texts[2]
        raise self.broken("the file was cut off: it has no end", "The last line of an export says that it is the last.")

    def broken(self, what: str, detail: str = "") -> Refused:
        """The refusal of a file that is not as it was exported, at the line that was read last."""
        found = Diagnostic(
            Code.EXPORT_BROKEN,
            what,
            detail or "The file was edited, reordered or damaged after the export.",
            "Compare with another copy of the file, or export the history again: “offerkit audit export”.",
            position=Position(self._name, max(self.line, 1), 1),
        )
        return Refused([found])

    def _unreadable(self, what: str, detail: str = "", hint: str = "") -> Refused:
        return refuse(
            Code.EXPORT_UNREADABLE,
            f"{self._name[:200]} {what}",
            detail=detail,
            hint=hint or "Name a file that “offerkit audit export --out FILE” has written.",
        )

    def _read_head(self) -> tuple[str, int]:
        raw = self._source.readline(_LONGEST_HEAD + 1)
        if not raw:
            raise self._unreadable("is empty")
        self.line = 1
        try:
            head = orjson.loads(raw) if len(raw) <= _LONGEST_HEAD else None
        except orjson.JSONDecodeError:
            head = None
        match head:
            case {"record": "history", "format": int(number)} if number > FORMAT:
                raise self._unreadable(f"has format {number}; this offerkit reads format {FORMAT}", hint=upgrade_hint())
            case {"record": "history", "project": str(project), "store_format": int(store_format)}:
                if raw != _head(project, store_format):
                    raise self.broken("the first line is not as it was exported")
                if store_format > schema.current_format():
                    raise self._unreadable(
                        f"is of a store of format {store_format}; this offerkit knows formats up to"
                        f" {schema.current_format()}",
                        hint=upgrade_hint(),
                    )
                self._hasher.update(raw)
                return project, store_format
            case {"serial": 1, "parent_digest": _, "changes": _}:
                raise self._unreadable(
                    "is an export of an earlier offerkit (format 1)",
                    "It has neither bodies nor an end, so it proves neither what was approved nor that it is whole.",
                    "Export the history again: “offerkit audit export --out FILE”. The digests of its revisions can be"
                    " compared: “offerkit audit verify --expect DIGEST”.",
                )
            case _:
                raise self._unreadable("is not an exported history")

    def _next(self) -> tuple[str, dict[str, Json]] | None:
        """The next line: its kind and all of it; None at the end of the bytes."""
        raw = self._source.readline(LONGEST_LINE + 1)
        if not raw:
            return None
        self.line += 1
        self.read += len(raw)
        if len(raw) > LONGEST_LINE:
            raise self.broken(f"the line is longer than {LONGEST_LINE >> 20} MiB", "No line of an export is that long.")
        if not raw.endswith(b"\n"):
            raise self.broken("the file was cut off within this line")
        try:
            record = orjson.loads(raw)
            exact = isinstance(record, dict) and canonical(record) + b"\n" == raw
        except (ValueError, TypeError):  # not JSON; or nested deeper than anything that is written
            record, exact = None, False
        if not exact:
            raise self.broken("the line is not written as offerkit writes it")
        kind = record.get("record")
        columns = COLUMNS.get(kind) if isinstance(kind, str) else None
        if columns is None or record.keys() != {"record", *columns}:
            raise self.broken("the line is none of an export: it has other columns")
        for name in columns:
            expected = int if name in _NUMBERS else dict if name == "details" else str
            if type(record[name]) is not expected:
                raise self.broken(f"“{name}” has a value of the wrong type")
        if kind != _END:
            self._hasher.update(raw)
        return kind, record

    def _revision(self, record: dict[str, Json], number: int) -> RevisionText:
        serial = record["serial"]
        if serial != number:
            raise self.broken(f"revision {number} should be here, not {serial}", "Revisions have no gaps.")
        details = canonical(record["details"]).decode()
        revision = RevisionText(number, *_texts(record, COLUMNS[_REVISION][1:-1]), details)  # type: ignore[call-arg]
        with self.valid("time"):
            check_utc(revision.time)
            instant(revision.time)
        return revision

    @contextmanager
    def valid(self, what: str) -> Iterator[None]:
        """Raises Refused for a ValueError: ``what`` is wrong in the line that was read last."""
        try:
            yield
        except ValueError:
            raise self.broken(f"the line has no valid {what}") from None

    def _close(self, record: dict[str, Json], count: Mapping[str, int], last: str) -> None:
        digest, sha256 = _texts(record, ("digest", "sha256"))
        found = self._hasher.hexdigest()
        if sha256 != found:
            raise self.broken(
                "the bytes of the file are not those that were exported",
                f"Their SHA-256 is {found}; the end says {sha256[:64]}.",
            )
        if (record["bodies"], record["revisions"]) != (count[_BODY], count[_REVISION]):
            raise self.broken("the file does not hold as much as its end says")
        if digest != last:
            raise self.broken("the end names another digest than the last revision has")
        if self._source.read(1):
            raise self.broken("something follows the end of the file")
        self.end = HistoryEnd(count[_BODY], count[_REVISION], digest, sha256)


class _RevisionLines:
    """A revision while the lines that belong to it are read."""

    def __init__(self, revision: RevisionText) -> None:
        self.recorded = RecordedRevision(revision, [], [], [])
        self._rows = 0
        self._place: tuple[int, tuple[str, ...]] = (0, ())

    def add(self, reader: HistoryReader, kind: str, record: dict[str, Json]) -> None:
        texts = _texts(record, COLUMNS[kind])
        place = (_ROWS.index(kind), texts[: _KEYS[kind]])
        self._rows += 1
        if place <= self._place and self._rows > 1:
            raise reader.broken(f"this {kind} is not in its place", "The lines of a revision are ordered.")
        if self._rows > MOST_ROWS:
            raise reader.broken(f"the revision has more than {MOST_ROWS:,} lines", "No revision has that many.")
        self._place = place
        with reader.valid("address, stage or decision"):
            match kind:
                case "change":
                    change = ChangeText(*texts)
                    _check_change(change)
                    self.recorded.changes.append(change)
                case "approval":
                    parse_address(texts[0])
                    Aspect(texts[1])
                    Decision(texts[4])
                    self.recorded.approvals.append(texts)  # type: ignore[arg-type]
                case _:
                    _check_stage(texts[0])
                    self.recorded.outcomes.append((texts[0], texts[1]))


def _check_change(change: ChangeText) -> None:
    """Raises ValueError for columns that are never written."""
    _check_stage(change.stage)
    for address in filter(None, (change.address, change.moved_from)):
        parse_address(address)
    Action(change.action)
    if not change.address or not (change.before_fingerprint or change.after_fingerprint):
        raise ValueError("a change of nothing")


def _check_stage(text: str) -> None:
    """Raises ValueError unless ``text`` is a stage, and not one in the past."""
    if parse_stage(text).at is not None:
        raise ValueError("a stage in the past")


def _texts(record: Mapping[str, Json], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(record[name]) for name in names)
