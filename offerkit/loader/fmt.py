"""``fmt``: spec files in their canonical form, with every comment, and never with another meaning."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity, masked
from offerkit.loader.parse import Parsed, parse_file
from offerkit.loader.project import Project, SpecFile, read_files
from offerkit.loader.shapes import document
from offerkit.loader.source import comments, read
from offerkit.loader.writer import Writer

_URL = re.compile(r"(?<!\w)url[\"']?\s*:")


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


def spec_files(project: Project, paths: Sequence[Path]) -> list[SpecFile]:
    """The files that ``paths`` name, each a file or folder of the project; none: all of them.

    Raises Refused when one names no spec file, or what it names cannot be read.
    """
    files, found = read_files(project.root)
    names = [*(file.path for file in files), *(d.position.file for d in found if d.position is not None)]
    wanted = {path: _prefix(project.root, path) for path in paths} or {project.root: ""}
    empty = [path for path, prefix in wanted.items() if not any(_below(name, prefix) for name in names)]
    if paths and empty:
        raise Refused(
            Diagnostic(
                Code.NO_MATCH,
                f"{path!s:.200} is no spec file of this project, and no folder with one",
                hint="Name files or folders in specs/ or environments/.",
            )
            for path in empty
        )
    chosen = {name for name in names if any(_below(name, prefix) for prefix in wanted.values())}
    mistakes = [d for d in found if d.position is None or d.position.file in chosen]
    if mistakes:
        raise Refused(mistakes)
    return [file for file in files if file.path in chosen]


def _prefix(root: Path, path: Path) -> str | None:
    """``path`` from the project's root, with ``/``; empty for the root itself, None outside of it."""
    try:
        relative = os.path.relpath(os.path.abspath(path), os.path.abspath(root))  # noqa: PTH100 - links stay links
    except ValueError:
        return None
    return None if relative.startswith("..") else "" if relative == "." else relative.replace(os.sep, "/")


def _below(name: str, prefix: str | None) -> bool:
    return prefix is not None and (not prefix or name == prefix or name.startswith(f"{prefix}/"))


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
        if after == file.content or _same(before, file, after):
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


def unified(file: Formatted) -> Iterator[str]:
    """What would change, as a unified diff without line ends; a URL of a database is shown without its secret."""
    from difflib import unified_diff

    before, after = (content.decode("utf-8-sig").splitlines() for content in (file.before, file.after))
    for line in unified_diff(before, after, file.path, file.path, lineterm=""):
        yield masked(line) if _URL.search(line) else line
