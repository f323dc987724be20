"""The contact sources of a stage's environments, each opened once."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import tzinfo
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, NamedTuple, Self

from offerkit.address import SHARED, Address, Kind
from offerkit.contacts.bad_rows import BadRows
from offerkit.contacts.files import Stamp
from offerkit.contacts.key_index import IndexingError, KeyIndex
from offerkit.contacts.keys import key_text
from offerkit.contacts.open import open_contacts
from offerkit.contacts.source import Contacts, no_contact
from offerkit.diagnostics import Refused
from offerkit.engine.bounded_cache import BoundedCache
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import contact_row
from offerkit.fingerprint import JsonMap
from offerkit.models.dimension import Dimension, DimensionField, Source
from offerkit.reports.csv_file import CsvWriter
from offerkit.rules.types import Row
from offerkit.specs.output_files import SET_ASIDE, check_output, writing
from offerkit.usecases.catalogs import Catalogs

_FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
_FRESH: Final = 0.1
"""Seconds during which a contact file is assumed unchanged."""


class FoundContact(NamedTuple):
    """A contact with all fields, and its primary key as text; None and empty if no contact has the given key."""

    row: Row | None
    key: str = ""


def _find(catalog: Catalog, contacts: Contacts, text: str, keys: tuple[str, ...]) -> FoundContact:
    row = contacts.find(contacts.parse_key(text, keys))
    return FoundContact(contact_row(catalog, row), contacts.key_of(row)) if row is not None else FoundContact(None)


class _OpenSource(NamedTuple):
    """The contacts of an environment, and what they follow from: the dimension's name and body, and the time zone."""

    declared: tuple[str, JsonMap | None, tzinfo]
    contacts: Contacts


class ContactSources:
    """Opens the source of a dimension when a contact is first looked up, and closes all sources at the end."""

    def __init__(
        self, catalogs: Catalogs, root: Path, environ: Mapping[str, str], *, remember: int = 0, background: bool = False
    ) -> None:
        """``root``: the project folder. ``environ``: the variables that hold secret URLs.

        ``remember``: how many contacts' profiles to cache while their file stays unchanged.
        ``background``: as :attr:`Contacts.background`.
        """
        self._remembered: BoundedCache[tuple[object, ...], FoundContact] | None = (
            BoundedCache(remember) if remember else None
        )
        self._catalogs, self._root, self._environ = catalogs, root, environ
        self._background = background
        self._open: dict[str, _OpenSource] = {}
        self._stamps: dict[str, tuple[Stamp | None, float]] = {}
        self._declared: dict[str, bool] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for source in self._open.values():
            source.contacts.close()
        self._stack.close()

    def follow(self, catalogs: Catalogs) -> None:
        """Read contacts as ``catalogs`` declare them. What is declared as before stays open, and is remembered."""
        self._catalogs = catalogs
        self._declared.clear()
        for environment, source in list(self._open.items()):
            if environment not in catalogs or self._declaration(environment) != source.declared:
                source.contacts.close()
                del self._open[environment]
                self._stamps.pop(environment, None)
                if self._remembered is not None:
                    self._remembered.clear()

    def _declaration(self, environment: str) -> tuple[str, JsonMap | None, tzinfo]:
        catalog = self._catalogs[environment]
        name = catalog.dimension.name
        return name, self._catalogs.snapshot(Address(SHARED, Kind.DIMENSION, name)), catalog.zone

    def of(self, environment: str, file: str = "") -> Contacts:
        """The contacts of an environment's dimension. Raises Refused if it declares no readable source.

        ``file``: a CSV, JSON Lines or Parquet file of the project to read instead.
        """
        if environment not in self._open:
            name, body, zone = declared = self._declaration(environment)
            model = Dimension.model_validate(body)
            if file:
                model = model.model_copy(update={"source": source_file(file) or Source(format="csv", path=file)})
            contacts = open_contacts(name, model, self._root, self._environ, zone)
            contacts.background = self._background
            self._open[environment] = _OpenSource(declared, contacts)
        return self._open[environment].contacts

    def indexing(self) -> Iterator[Future[KeyIndex | None]]:
        """What calls have to wait for that identify contacts as their space does, begun by now.

        What cannot be read is left to the calls, which refuse it.
        """
        for environment in self._catalogs.names:
            if environment not in self._catalogs or not self.has_source(environment):
                continue
            spaces = [name for name, space in self._catalogs[environment].spaces.items() if space.unitary]
            keys = {self._catalogs.space(environment, name).identification.keys for name in spaces}
            for names in sorted(keys):
                try:
                    contacts = self.of(environment)
                    contacts.prepare(names or contacts.key)
                except IndexingError as indexing:
                    yield indexing.made
                except Refused:
                    continue

    def data(
        self, environment: str, source: Source, fields: Mapping[str, DimensionField], key: tuple[str, ...]
    ) -> Contacts:
        """Data for each contact in a source of its own, with the ``key`` of the environment's contacts.

        Raises Refused if the source is not supported.
        """
        catalog = self._catalogs[environment]
        model = Dimension(key=key, fields=dict(fields), source=source)
        return self._stack.enter_context(
            open_contacts(catalog.dimension.name, model, self._root, self._environ, catalog.zone)
        )

    def has_source(self, environment: str) -> bool:
        """Whether the environment's dimension declares a contact source."""
        declared = self._declared.get(environment)
        if declared is None:
            declared = self._declared[environment] = "source" in (self._declaration(environment)[1] or {})
        return declared

    def by_key(self, environment: str, text: str, keys: tuple[str, ...] = ()) -> Row | None:
        """The contact with the key ``text`` in the fields ``keys`` (default: the primary key), or None."""
        return self.found(environment, text, keys).row

    def found(self, environment: str, text: str, keys: tuple[str, ...] = ()) -> FoundContact:
        """The contact that :meth:`by_key` gives, with its primary key."""
        contacts = self.of(environment)
        stamp = self._stamp(environment, contacts) if self._remembered is not None else None
        if stamp is None or self._remembered is None:
            return _find(self._catalogs[environment], contacts, text, keys)
        return self._remembered.get(
            (environment, text, keys, stamp), lambda: _find(self._catalogs[environment], contacts, text, keys)
        )

    def _stamp(self, environment: str, contacts: Contacts) -> Stamp | None:
        """Identifies the current version of the file; checked a few times a second at most."""
        now = monotonic()
        known = self._stamps.get(environment)
        if known is None or known[1] < now:
            known = self._stamps[environment] = contacts.stamp(), now + _FRESH
        return known[0]

    @staticmethod
    def as_key(text: str) -> str:
        """``text`` as a single-field key, whatever characters it contains."""
        return key_text([text])

    def known(self, catalog: Catalog, text: str, keys: tuple[str, ...] = ()) -> Row:
        """The contact with that key. Raises Refused if the key is unknown."""
        contacts = self.of(catalog.environment)
        values = contacts.parse_key(text, keys)
        row = contacts.find(values)
        if row is None:
            raise no_contact(catalog.dimension.name, values)
        return row

    def chosen(self, catalog: Catalog, text: str) -> Row:
        """The contact given on a command line: a primary key, or ``field=value``. Raises Refused if it is unknown."""
        name, equals, value = text.partition("=")
        if equals and name in catalog.dimension.fields:
            return self.known(catalog, value, (name,))
        return self.known(catalog, text)


def source_file(path: str) -> Source | None:
    """A file of contacts in the format that its name tells; None if it tells none."""
    format_ = _FORMATS.get(Path(path).suffix)
    return Source.model_validate({"format": format_, "path": path}) if format_ is not None else None


@contextmanager
def bad_rows(target: Path | None) -> Iterator[BadRows]:
    """Collect unreadable contacts in the file ``target``; without a ``target`` the first one stops the run.

    Raises Refused at once if ``target`` exists and is a different kind of file.
    """
    if target is None:
        yield BadRows()
        return
    check_output(target, SET_ASIDE)
    with ExitStack() as stack:
        yield BadRows(_SetAsideFile(target, stack))


class _SetAsideFile:
    """The CSV file of unreadable contacts: created with the first row, given its final name when complete."""

    def __init__(self, target: Path, stack: ExitStack) -> None:
        self.name = str(target)
        self._target = target
        self._stack = stack
        self._rows: CsvWriter | None = None

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Append rows of (where, code, reason)."""
        if self._rows is None:
            file = self._stack.enter_context(writing(self._target, SET_ASIDE))
            text = self._stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
            self._rows = CsvWriter(text, ("where", "code", "reason"))
        self._rows.write(rows)

    def close(self) -> None:
        self._stack.close()
