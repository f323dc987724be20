"""``fmt``: spec files in their canonical form, with every comment, and never with another meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity
from offerkit.loader.parse import Parsed, parse_file
from offerkit.loader.project import SpecFile
from offerkit.loader.shapes import document
from offerkit.loader.source import comments, read
from offerkit.loader.writer import Writer


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file before and after; ``path`` is from the project's root."""

    path: str
    before: bytes
    after: bytes

    @property
    def changed(self) -> bool:
        """Whether the file was not in canonical form."""
        return self.before != self.after


def format_files(files: Iterable[SpecFile]) -> list[Formatted]:
    """Every file in canonical form. Raises Refused with all mistakes of all files that cannot be read."""
    found: list[Diagnostic] = []
    results: list[Formatted] = []
    for file in files:
        try:
            results.append(Formatted(file.path, file.content, formatted(file)))
        except Refused as refused:
            found += refused.diagnostics
    if found:
        raise Refused(found)
    return results


def formatted(file: SpecFile) -> bytes:
    """The canonical form of ``file``.

    Raises Refused when the file has mistakes, and, should formatting ever change what it means, rather than
    return that.
    """
    before = parse_file(file)
    errors = [d for d in before.found if d.severity is Severity.ERROR]
    if errors:
        raise Refused(errors)
    # A key that is moved may take an anchor behind its alias: then every key stays where it is.
    for reorder in (True, False):
        after = _written(file, reorder=reorder)
        if _same(before, file, after):
            return after
    raise Refused([_changed(file)])


def _written(file: SpecFile, *, reorder: bool) -> bytes:
    root = read(file.content)
    writer = Writer(authored=True, reorder=reorder)
    if root.children:
        first = root.children[0]
        writer.lines += [comment for part in first.above for comment in ([""] if part.blank else []) + [part.text]]
        if first.above and first.blank:
            writer.lines.append("")
        first.above, first.blank = (), False
        if writer.lines and not writer.lines[0]:
            del writer.lines[0]
    writer.map(root, document(declares=file.declares), 0)
    return ("\n".join(writer.lines) + "\n").encode()


def _same(before: Parsed, file: SpecFile, content: bytes) -> bool:
    after = parse_file(file._replace(content=content))
    return (
        not any(d.severity is Severity.ERROR for d in after.found)
        and _prints(before) == _prints(after)
        and {old: move[0] for old, move in before.moves.items()} == {old: move[0] for old, move in after.moves.items()}
        and comments(file.content) == comments(content)
    )


def _prints(parsed: Parsed) -> dict[str, str]:
    return {record.address: record.fingerprint for record in parsed.records}


def _changed(file: SpecFile) -> Diagnostic:
    return Diagnostic(
        Code.BUG,
        "this file is left as it is: formatting it would have changed its meaning or lost a comment",
        hint="Please report it, with the file. The other files can be formatted by name.",
        position=Position(file.path, 1, 1),
    )
