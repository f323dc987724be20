"""Loads a whole project, or reports everything that is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offerkit.address import Address, Kind, parse_address
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity
from offerkit.fingerprint import fingerprint, manifest_digest
from offerkit.specs.cache import Cache, bodies_key, code_digest, content_key, decode
from offerkit.specs.progress import Progress, no_progress
from offerkit.specs.project import CASES, Project, SpecFile, read_all
from offerkit.specs.record import Index, Mistake, Record
from offerkit.state.changes import Body, Entry, final_names
from offerkit.state.snapshot import Snapshot

if TYPE_CHECKING:
    from offerkit.specs.conditions import Checker
    from offerkit.specs.parse import Parsed


@dataclass
class Loaded:
    """A valid project.

    ``digests``: the digest of each environment's design manifest (and ``shared``), as a stage would have it;
    ``campaigns``: their fingerprints by address (they go to live, not to design); ``moves``: renames.
    These are always set; records and bodies are made on demand, since a run without changes never needs them.
    """

    files: list[SpecFile]
    digests: dict[str, str]
    campaigns: dict[Address, str]
    moves: dict[Address, Address]
    _cache: Cache
    _keys: dict[str, bytes]
    _records: list[Record] | None = None
    _bodies: dict[Address, bytes] = field(default_factory=dict)
    _fresh: set[str] = field(default_factory=set)
    """The files that were parsed in this run, whose bodies the cache does not have."""

    @cached_property
    def records(self) -> dict[Address, Record]:
        """All records by address."""
        if self._records is None:
            rows = self._cache.get(self._keys.values())
            self._records = []
            for file in self.files:
                row = rows.get(self._keys[file.path])
                self._records += decode(file.path, row["records"]) if row is not None else self._parse(file)
        return {record.address: record for record in self._records}

    @cached_property
    def snapshot(self) -> Snapshot:
        """The specs as a state, including campaigns."""
        entries = {address: Entry(record.fingerprint) for address, record in self.records.items()}
        texts = self.bodies(entries)
        return Snapshot(entries, {e.fingerprint: Body(a.kind, texts[a].decode()) for a, e in entries.items()})

    def _parse(self, file: SpecFile) -> list[Record]:
        from offerkit.specs.parse import parse_file

        self._fresh.add(file.path)
        return self._take(parse_file(file))

    def _take(self, parsed: Parsed) -> list[Record]:
        if parsed.diagnostics:
            raise Refused(parsed.diagnostics)
        self._bodies |= parsed.bodies
        return parsed.records

    def placed(self, findings: list[Mistake]) -> list[Diagnostic]:
        """Mistakes as diagnostics with their exact positions."""
        from offerkit.specs.parse import diagnostics_of

        return diagnostics_of(self.files, findings)

    def doubts(self) -> list[Diagnostic]:
        """Warnings about what is valid but looks like a mistake."""
        from offerkit.specs.themes import lonely_themes

        findings = list(lonely_themes(Index.of(self.records.values())))
        return [replace(d, severity=Severity.WARNING) for d in self.placed(findings)] if findings else []

    def bodies(self, addresses: Iterable[Address]) -> dict[Address, bytes]:
        """The canonical bodies of ``addresses``: as they were remembered, if they have the fingerprints, else from
        the YAML.
        """
        records = [self.records[address] for address in addresses]
        keys = {record.position.file: bodies_key(self._keys[record.position.file]) for record in records}
        missing = [record for record in records if record.address not in self._bodies]
        if missing:
            rows = self._cache.get({keys[record.position.file] for record in missing})
            for record in missing:
                body = rows.get(keys[record.position.file], {}).get(record.address, "").encode()
                if fingerprint(record.kind, body) == record.fingerprint:
                    self._bodies[record.address] = body
            self._make_bodies({record.position.file for record in missing if record.address not in self._bodies})
        self._remember(keys)
        return {record.address: self._bodies[record.address] for record in records}

    def keep_bodies(self) -> None:
        """Keep the bodies of all files that were parsed in this run: a plan asks for them next."""
        self._remember({path: bodies_key(self._keys[path]) for path in self._fresh})

    def _make_bodies(self, paths: set[str]) -> None:
        """The bodies of files from their YAML."""
        if not paths:
            return
        from offerkit.specs.parallel import parse_files

        files = [file for file in self.files if file.path in paths]
        for parsed in parse_files(files):
            self._take(parsed)
            for record in parsed.records:
                if record.fingerprint != self.records[record.address].fingerprint:  # the cache was wrong
                    self._cache.forget()
                    raise RuntimeError(f"{record.address} has another fingerprint than when it was cached")
        self._fresh |= paths

    def _remember(self, keys: Mapping[str, bytes]) -> None:
        """Keep the bodies of files that were parsed now for the next run: an apply asks for those of the plan."""
        if not (self._fresh and self._fresh.intersection(keys) and self._cache.usable):
            return
        rows: dict[bytes, dict[str, str]] = {keys[path]: {} for path in sorted(self._fresh.intersection(keys))}
        for record in self.records.values():
            row = rows.get(keys.get(record.position.file, b""))
            if row is not None:
                row[record.address] = self._bodies[record.address].decode()
        self._cache.put(rows)
        self._fresh -= keys.keys()


def load(project: Project, *, use_cache: bool = True, progress: Progress = no_progress, cases: bool = True) -> Loaded:
    """Read, check and fingerprint the whole project; without ``cases``, except its files of decision cases.

    Raises Refused with every mistake in every file.
    """
    files, diagnostics = read_all(project)
    aside = [] if cases else [file for file in files if file.has_cases]
    if aside:
        files = [file for file in files if not file.has_cases]
        diagnostics = [d for d in diagnostics if d.position is None or not d.position.file.startswith(f"{CASES}/")]
    return load_files(files, diagnostics, Cache.of(project, use=use_cache), progress, aside)


def load_folder(root: Path) -> Loaded:
    """Load a temporary project in ``root``, without a cache: an export, or the specs at a git revision."""
    return load(Project(root), use_cache=False)


def load_files(
    files: list[SpecFile],
    diagnostics: list[Diagnostic],
    cache: Cache,
    progress: Progress = no_progress,
    aside: Iterable[SpecFile] = (),
) -> Loaded:
    """:func:`load` for files that are already read; ``diagnostics``: the mistakes found so far.

    ``aside``: files that are left out this time; the cache keeps their rows, and those of the project without cases.
    """
    code = code_digest()
    keys = {file.path: content_key(code, file) for file in files}
    project_key = _whole(keys)
    all_keys = keys | {file.path: content_key(code, file) for file in aside}
    specs_keys = {file.path: keys[file.path] for file in files if not file.has_cases}
    other_keys = frozenset({*all_keys.values(), _whole(all_keys), _whole(specs_keys)})
    if not diagnostics:
        row = cache.get([project_key]).get(project_key)
        if row is not None:
            campaigns = {parse_address(text): print_ for text, print_ in row["campaigns"].items()}
            moves = {parse_address(old): parse_address(new) for old, new in row["moves"].items()}
            return Loaded(files, row["digests"], campaigns, moves, cache, keys)
    return _load_all(files, diagnostics, cache, (code, keys, project_key, other_keys), progress)


def _whole(keys: Mapping[str, bytes]) -> bytes:
    return hashlib.sha256(b"project" + b"".join(p.encode() + b"\0" + keys[p] for p in sorted(keys))).digest()


def _load_all(
    files: list[SpecFile],
    diagnostics: list[Diagnostic],
    cache: Cache,
    cache_keys: tuple[bytes, dict[str, bytes], bytes, frozenset[bytes]],
    progress: Progress,
) -> Loaded:
    code, keys, project_key, other_keys = cache_keys
    rows = cache.get(keys.values())
    parsed = _parse([file for file in files if keys[file.path] not in rows], progress)
    from offerkit.specs.conditions import CachedChecker

    fresh: dict[bytes, Any] = {}
    records: list[Record] = []
    bodies: dict[Address, bytes] = {}
    moves: dict[Address, Address] = {}
    positions: dict[Address, Position] = {}
    unsure: set[str] = set()
    for file in files:
        row = rows.get(keys[file.path])
        if row is not None:
            records += decode(file.path, row["records"])
            new_moves = {
                parse_address(old_address): (parse_address(new_address), line, column)
                for old_address, new_address, line, column in row["moves"]
            }
        else:
            result = next(parsed)
            records += result.records
            bodies |= result.bodies
            diagnostics += result.diagnostics
            new_moves = result.moves
            if result.names_lost:
                unsure.add(file.environment)
            if not result.diagnostics:
                fresh[keys[file.path]] = result.row
        for old_address, (new_address, line, column) in new_moves.items():
            position = Position(file.path, line, column)
            if old_address in moves:
                diagnostics.append(_moved_twice(old_address, position, positions[old_address]))
            moves[old_address] = new_address
            positions[old_address] = position
    diagnostics += _bad_moves(moves, positions, {record.address for record in records}) if not unsure else []
    if moves and not any(d.severity is Severity.ERROR for d in diagnostics):
        from offerkit.specs.cases import former_names

        diagnostics += former_names(files, moves, {record.address for record in records})
    checker = CachedChecker(cache, code)
    _check(files, records, diagnostics, frozenset(unsure), checker)
    fresh |= checker.row
    kept_keys = {*other_keys, checker.key}
    if any(d.severity is Severity.ERROR for d in diagnostics):
        cache.put(fresh, kept_keys)
        raise Refused(diagnostics)
    digests, campaigns = _digests(records)
    cache.put(
        {**fresh, project_key: {"digests": digests, "campaigns": campaigns, "moves": moves}}, {*kept_keys, project_key}
    )
    paths = {file.path for file in files if keys[file.path] not in rows}
    return Loaded(files, digests, campaigns, moves, cache, keys, records, bodies, paths)


def _parse(files: list[SpecFile], progress: Progress) -> Iterator[Parsed]:
    """Parse the files that are not cached; pydantic and the YAML parser are only imported if there are any."""
    if not files:
        return iter(())
    from offerkit.specs.parallel import parse_files

    with progress("Reading", sum(len(file.content) for file in files) // 1024) as advance:
        return iter(parse_files(files, advance, _import_checks))


def _import_checks() -> None:
    """Import what the checks after parsing need; sqlglot alone takes 0.1 s."""
    import offerkit.rules.infer
    import offerkit.specs.check  # noqa: F401


def _check(
    files: list[SpecFile],
    records: list[Record],
    diagnostics: list[Diagnostic],
    unsure: frozenset[str],
    checker: Checker,
) -> None:
    from offerkit.specs.check import check

    findings = list(check(records, unsure, checker))
    if findings:
        from offerkit.specs.parse import diagnostics_of

        diagnostics += diagnostics_of(files, findings)


def _digests(records: list[Record]) -> tuple[dict[str, str], dict[Address, str]]:
    entries: dict[str, list[tuple[str, str, str]]] = {}
    campaigns: dict[Address, str] = {}
    for record in records:
        if record.kind is Kind.CAMPAIGN:
            campaigns[record.address] = record.fingerprint
        else:
            entries.setdefault(record.environment, []).append((record.address, record.fingerprint, "-"))
    return {environment: manifest_digest(rows) for environment, rows in sorted(entries.items())}, campaigns


def _moved_twice(address: str, position: Position, first: Position) -> Diagnostic:
    return Diagnostic(
        Code.BAD_MOVE,
        f"{address} is renamed twice",
        hint="Remove one of the two entries.",
        address=address,
        position=position,
        related=(("first here", first),),
    )


def _bad_moves(
    moves: dict[Address, Address], positions: dict[Address, Position], declared: set[Address]
) -> list[Diagnostic]:
    diagnostics = []
    finals = final_names(moves, declared)
    targets = Counter(moves.values())
    for old_address, new_address in moves.items():
        if old_address in declared and old_address not in targets:  # else another takes its place: names are swapped
            reason = f"{old_address} is still declared"
        elif finals[old_address] not in declared:
            reason = f"{new_address} is not declared"
        elif targets[new_address] > 1:
            reason = f"two resources would become {new_address}"
        else:
            continue
        diagnostics.append(
            Diagnostic(
                Code.BAD_MOVE,
                f"{old_address} cannot move to {new_address}: {reason}",
                hint="Rename the resource itself as well, or remove the entry.",
                address=old_address,
                position=positions[old_address],
            )
        )
    return diagnostics
