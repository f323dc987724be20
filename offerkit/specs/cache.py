"""The parse cache: the result of parsing a file, keyed by its content.

Every key covers the code that wrote the row, and every row is signed with a secret of this user, so rows that are
damaged, came with a checkout, or were written by somebody else are ignored (docs/adr/0010-parse-cache.md). Rows are
JSON. If anything is wrong with the cache, the run continues without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any

import orjson

from offerkit.address import Address, Kind, parse_address
from offerkit.diagnostics import Position
from offerkit.specs.record import DeclaredField, Expression, Misfit, Record, ResourceFacts
from offerkit.state.references import Ref

if TYPE_CHECKING:
    from offerkit.specs.project import Project, SpecFile

CODE_PARTS = ("models", "specs", "templates", "state", "rules", "fingerprint")
CODE_MODULES = ("address.py", "times.py", "engine/cases.py", "engine/case_values.py", "engine/reasons.py")


def code_digest() -> bytes:
    """A digest of the code whose results are cached: any change to it makes old rows unreachable.

    It includes the installed packages: another version of pydantic may judge the same text differently.
    """
    package = Path(__file__).parent.parent
    hasher = hashlib.sha256("\0".join([sys.version, *_installed()]).encode())
    for module in CODE_MODULES:
        hasher.update((package / module).read_bytes())
    for part in CODE_PARTS:
        for path in sorted((package / part).glob("*.py")):
            hasher.update(path.read_bytes())
    return hasher.digest()


def _installed() -> list[str]:
    """The names and versions of the installed distributions, from their metadata folders.

    importlib.metadata gives the same, but takes longer to import than a run without changes.
    """
    distributions: set[str] = set()
    for folder in sys.path:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            distributions.update(entry.name for entry in entries if entry.name.endswith((".dist-info", ".egg-info")))
    return sorted(distributions)


def content_key(code: bytes, file: SpecFile) -> bytes:
    """The cache key of ``file`` for code with the digest ``code``: it covers its content and role.

    For a file of cases also its path, because its resources are named after it.
    """
    role = f"{file.environment}\0{file.declares}\0{file.path if file.has_cases else ''}\0".encode()
    return hashlib.sha256(code + role + file.content).digest()


def bodies_key(key: bytes) -> bytes:
    """The key of the bodies of the file with the cache key ``key``.

    They have a row of their own, since few runs ask for any.
    """
    return hashlib.sha256(key + b"bodies").digest()


def users_secret() -> bytes | None:
    """32 random bytes, kept for this user outside all projects; None if they cannot be kept.

    They sign the rows of the cache.
    """
    with contextlib.suppress(OSError, RuntimeError):
        home = Path.home()
        folder = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "offerkit"
        path = folder / "secret"
        if not path.exists():
            import secrets
            import tempfile

            if not folder.is_absolute() or not home.is_dir():
                return None
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, buffering=0) as partial:  # for its owner only
                partial.write(secrets.token_bytes(32))
                with contextlib.suppress(FileExistsError):
                    os.link(partial.name, path)
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - never waits for a pipe
            status = os.fstat(file.fileno())
            secret = file.read(33)
        if (
            stat.S_ISREG(status.st_mode)
            and status.st_uid == os.geteuid()
            and not status.st_mode & 0o077
            and len(secret) == 32
        ):
            return secret
    return None


class Cache:
    """Rows by key in an SQLite file; with ``None`` as path, a cache that is always empty."""

    def __init__(self, path: Path | None) -> None:
        """Open the cache at ``path``. It stays empty if it is damaged or not writable, or without a secret."""
        self._db: sqlite3.Connection | None = None
        self._secret = (users_secret() if path is not None else None) or b""
        if path is not None and self._secret:
            with contextlib.suppress(sqlite3.Error, OSError):
                self._open(path)

    @classmethod
    def of(cls, project: Project, *, use: bool = True) -> Cache:
        """The cache of a project; without ``use``, one that is always empty."""
        if use:
            with contextlib.suppress(OSError):
                project.prepare_state()
        return cls(project.state / "cache" / "parse.db" if use else None)

    @property
    def usable(self) -> bool:
        """Whether it is open."""
        return self._db is not None

    def _open(self, path: Path) -> None:
        if path.is_symlink():  # it may have come with a checkout, and lead to another database of this user
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=1, isolation_level=None)
        try:
            db.execute("PRAGMA page_size=16384")  # rows of 20 kB take half as long to write
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=OFF")
            db.execute("CREATE TABLE IF NOT EXISTS row (key BLOB PRIMARY KEY, check_ BLOB, data BLOB) WITHOUT ROWID")
        except sqlite3.DatabaseError as error:
            db.close()
            if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise  # another run is writing it: it is not damaged
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            raise
        self._db = db

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Any]:
        """The rows of ``keys`` that exist and whose signature is valid."""
        known: dict[bytes, Any] = {}
        if self._db is None:
            return known
        with contextlib.suppress(sqlite3.Error):
            for key in keys:
                row = self._db.execute("SELECT check_, data FROM row WHERE key = ?", (key,)).fetchone()
                if row is not None and isinstance(row[1], bytes) and row[0] == self._signed(key, row[1]):
                    with contextlib.suppress(orjson.JSONDecodeError):
                        known[key] = orjson.loads(row[1])
        return known

    def put(self, rows: Mapping[bytes, Any], keep: set[bytes] | None = None) -> None:
        """Store ``rows``. When the cache has grown too large, drop all rows but those of ``keep`` and their bodies."""
        if self._db is None or not rows:
            return
        with contextlib.suppress(sqlite3.Error):
            encoded = [
                (key, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)) for key, value in sorted(rows.items())
            ]
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT OR REPLACE INTO row VALUES (?, ?, ?)",
                [(key, self._signed(key, data), data) for key, data in encoded],
            )
            count = self._db.execute("SELECT count(*) FROM row").fetchone()[0]
            if keep is not None and count > 4 * len(keep) + 100:
                kept = keep.union(map(bodies_key, keep))
                stale = [key for key in self._keys() if key[0] not in kept]
                self._db.executemany("DELETE FROM row WHERE key = ?", stale)
            self._db.execute("COMMIT")

    def _signed(self, key: bytes, data: bytes) -> bytes:
        return hashlib.blake2b(key + data, digest_size=32, key=self._secret).digest()

    def forget(self) -> None:
        """Drop all rows."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("DELETE FROM row")

    def _keys(self) -> Iterator[tuple[bytes]]:
        assert self._db is not None
        yield from self._db.execute("SELECT key FROM row").fetchall()

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None


def encode(records: Iterable[Record]) -> list[Any]:
    """Records as JSON, without the file, since several files can have the same content."""
    return [
        [
            r.environment,
            r.kind,
            r.name,
            r.fingerprint,
            r.position.line,
            r.position.column,
            [tuple(ref) for ref in r.refs],
            _facts_row(r.facts),
        ]
        for r in records
    ]


def decode(file: str, rows: list[Any]) -> list[Record]:
    """The records that :func:`encode` wrote, in ``file``."""
    kinds = {str(kind): kind for kind in Kind}
    return [
        Record(
            Address(environment, kinds[kind], name),
            environment,
            kinds[kind],
            name,
            print_,
            Position(file, line, column),
            tuple([Ref(parse_address(target), tuple(path)) for target, path in refs]),
            _facts(facts),
        )
        for environment, kind, name, print_, line, column, refs, facts in rows
    ]


def _facts_row(facts: ResourceFacts) -> list[Any]:
    *plain, misfits, expressions, filter_values, declared, given = facts
    return [
        *plain,
        [tuple(item) for item in misfits],
        [tuple(item) for item in expressions],
        filter_values,
        [tuple(item) for item in declared],
        given,
    ]


def _facts(row: list[Any]) -> ResourceFacts:
    (
        fields,
        required,
        representations,
        spaces,
        keys,
        variables,
        flags,
        types,
        themes,
        products,
        misfits,
        expressions,
        filters,
        declared,
        given,
    ) = row
    return ResourceFacts(
        fields=tuple(fields),
        required=tuple(required),
        representations={name: tuple(names) for name, names in representations.items()},
        spaces=tuple(spaces),
        keys=tuple(keys),
        variables=tuple([(name, tuple(path)) for name, path in variables]),
        flags=tuple(flags),
        types=tuple([(name, base, tuple(values)) for name, base, values in types]),
        themes=tuple([(name, tuple(path)) for name, path in themes]),
        product_fields=tuple([(name, base, tuple(values)) for name, base, values in products]),
        misfits=tuple(
            [Misfit(tuple(path), intern(form), intern(reason), offset) for path, form, reason, offset in misfits]
        ),
        # Many offers have the same conditions: each text is kept in memory once.
        expressions=tuple(
            [
                Expression(tuple(path), intern(text), intern(role), intern(expected))
                for path, text, role, expected in expressions
            ]
        ),
        filter_values=tuple([(tuple(path), values) for path, values in filters]),
        offer_fields=tuple([DeclaredField(name, base, tuple(values), *rest) for name, base, values, *rest in declared]),
        field_values={name: tuple(value) if isinstance(value, list) else value for name, value in given.items()},
    )
