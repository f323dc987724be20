"""One file, parsed and checked on its own; and findings placed in the files they are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from offerkit.address import SECTION_OF, Address, Kind
from offerkit.diagnostics import Diagnostic, Position, Refused
from offerkit.fingerprint import JsonPath
from offerkit.specs.cases import applied_cases
from offerkit.specs.inside import Source
from offerkit.specs.project import SpecFile
from offerkit.specs.record import Finding, Record
from offerkit.specs.records import record_of, validate
from offerkit.specs.sections import moves, sections
from offerkit.specs.yaml_events import Value, YamlList, YamlMap, locate, parse, text_at, unpack, value_at
from offerkit.templates.scan import where_named


@dataclass
class Parsed:
    """What a file holds: records, canonical bodies by address, renames with their places, and mistakes.

    ``names_lost``: the file, or a part of it, could not be read far enough to know the names it declares.
    """

    records: list[Record] = field(default_factory=list)
    bodies: dict[Address, bytes] = field(default_factory=dict)
    moves: dict[Address, tuple[Address, int, int]] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    names_lost: bool = False

    def add(self, made: Iterable[tuple[Record, bytes]]) -> None:
        """Records with their canonical bodies."""
        for record, body in made:
            self.records.append(record)
            self.bodies[record.address] = body


def parse_file(file: SpecFile) -> Parsed:
    """Parse and check ``file``; its mistakes are collected, not raised."""
    parsed = Parsed()
    try:
        document, found = parse(file.path, file.content)
    except Refused as refused:
        parsed.found += refused.diagnostics
        parsed.names_lost = True
        return parsed
    parsed.found += found
    if file.has_cases:
        parsed.add(applied_cases(file, document, parsed.found))
        return parsed
    structural: list[Diagnostic] = []
    for raw in sections(file, document, structural):
        assert isinstance(document, YamlMap)
        resource = validate(file.path, document, raw, parsed.found)
        record, body = record_of(file, document, raw, resource, parsed.found)
        parsed.add([(record, body)])
    parsed.found += structural
    parsed.names_lost = bool(structural)
    for move in moves(file, document, parsed.found):
        at = unpack(file.path, locate(document, move.path, on_key=True))
        parsed.moves[move.before] = (move.after, at.line, at.column)
    return parsed


def place(files: list[SpecFile], findings: list[Finding]) -> list[Diagnostic]:
    """Findings as diagnostics, each at the exact key or value it is about."""
    documents: dict[str, Value] = {}
    sources: dict[str, Source] = {}
    contents = {file.path: file.content for file in files}

    def position(finding: Finding) -> Position:
        record = finding.record
        file = record.position.file
        if not finding.path:
            return record.position
        if file not in documents:
            documents[file] = parse(file, contents[file])[0]
        path = _to_item(documents[file], (*_root(record), *finding.path), finding.named)
        at = locate(documents[file], path, on_key=finding.on_key)
        offset = finding.offset
        if finding.named:
            offset = where_named(text_at(documents[file], path), finding.named)
        if offset is not None:
            if file not in sources:
                sources[file] = Source(contents[file])
            at = sources[file].inside(at, text_at(documents[file], path), offset)
        return unpack(file, at)

    return [
        Diagnostic(
            finding.code,
            finding.summary,
            finding.detail,
            finding.hint,
            finding.record.address,
            position(finding),
            related=tuple((text, record.position) for text, record in finding.related),
        )
        for finding in findings
    ]


def _to_item(document: Value, path: JsonPath, named: str) -> JsonPath:
    """``path``, which may count in another order than the file, to the item of a list of names that is ``named``."""
    items = value_at(document, path[:-1]) if isinstance(path[-1], int) else None
    return (*path[:-1], items.index(named)) if isinstance(items, YamlList) and named in items else path


def _root(record: Record) -> tuple[str, ...]:
    return ("environment",) if record.kind is Kind.ENVIRONMENT else (SECTION_OF[record.kind], record.name)
