"""``fmt``: spec files in their canonical form, with every comment, and never with another meaning."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity, masked
from offerkit.specs.cache import Cache, code_digest, content_key, users_secret
from offerkit.specs.comments import comments, read
from offerkit.specs.parallel import WORTH_IT, spread, workers
from offerkit.specs.parse import Parsed, parse_file
from offerkit.specs.project import Project, SpecFile, read_files
from offerkit.specs.shapes import cases_document, document
from offerkit.specs.yaml12_scanner import LINE_END
from offerkit.specs.yaml_reader import parse
from offerkit.specs.yaml_writer import YamlWriter

NO_CACHE = Cache(None)
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
    files, diagnostics = read_files(project.root)
    names = [*(file.path for file in files), *(d.position.file for d in diagnostics if d.position is not None)]
    prefixes = {path: _prefix(project.root, path) for path in paths} or {project.root: ""}
    empty = [path for path, prefix in prefixes.items() if not any(_below(name, prefix) for name in names)]
    if paths and empty:
        raise Refused(
            Diagnostic(
                Code.NO_MATCH,
                f"{path!s:.200} is not a spec file of this project, nor a folder with one",
                hint="Name files or folders in specs/, environments/ or cases/.",
            )
            for path in empty
        )
    chosen = {name for name in names if any(_below(name, prefix) for prefix in prefixes.values())}
    mistakes = [d for d in diagnostics if d.position is None or d.position.file in chosen]
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


def format_files(files: Sequence[SpecFile], cache: Cache = NO_CACHE) -> list[Formatted]:
    """Every file in canonical form. Raises Refused with all mistakes of all files that cannot be read.

    ``cache`` remembers which files are in canonical form.
    """
    code = code_digest() if cache.usable else b""
    keys = _canonical_keys(files, code) if cache.usable else {}
    canonical = cache.get(keys.values())
    remaining = [file for file in files if keys.get(file.path) not in canonical]
    several = workers() if sum(len(file.content) for file in remaining) >= WORTH_IT else 1
    answers = dict(zip((file.path for file in remaining), spread(remaining, _answers, _answers, several), strict=True))
    diagnostics: list[Diagnostic] = []
    results: list[Formatted] = []
    for file in files:
        answer = answers.get(file.path, True)
        try:
            content = file.content if answer is True else answer.encode() if answer is not None else formatted(file)
        except Refused as refused:
            diagnostics += refused.diagnostics
            continue
        results.append(Formatted(file.path, file.content, content))
    fresh = {
        keys[file.path]: True for file in results if file.path in answers and file.path in keys and not file.changed
    }
    if fresh:
        cache.put(fresh, {*keys.values(), *(content_key(code, file) for file in files)})
    if diagnostics:
        raise Refused(diagnostics)
    return results


def _canonical_keys(files: Iterable[SpecFile], code: bytes) -> dict[str, bytes]:
    """By path, the key under which the cache says that a file is canonical; none where this user has no secret.

    Nothing proves such a row but that only this user can know its key (docs/adr/0010-parse-cache.md).
    """
    secret = users_secret()
    if secret is None:
        return {}
    return {file.path: hmac.digest(secret, b"canonical" + content_key(code, file), "sha256") for file in files}


def _answers(files: Iterable[SpecFile]) -> list[str | bool | None]:
    """The canonical form of each file; True if the file has it already, None if the file has mistakes."""
    answers: list[str | bool | None] = []
    for file in files:
        try:
            content = formatted(file)
        except Refused:
            answers.append(None)
        else:
            answers.append(content == file.content or content.decode())
    return answers


def formatted(file: SpecFile) -> bytes:
    """The canonical form of ``file``.

    Raises Refused when the file has mistakes, and, should formatting ever change what it means, rather than
    return that.
    """
    parsed = parse_file(file)
    errors = [d for d in parsed.diagnostics if d.severity is Severity.ERROR]
    if errors:
        raise Refused(errors)
    # A key that is moved may take an anchor behind its alias: then every key stays where it is.
    for reorder in (True, False):
        content = _written(file, reorder=reorder)
        if content == file.content or _same(parsed, file, content):
            return content
    raise Refused([_changed(file)])


def _written(file: SpecFile, *, reorder: bool) -> bytes:
    root = read(file.content)
    first_end = LINE_END.search(file.content.decode())
    writer = YamlWriter(authored=True, reorder=reorder)
    if root.children:
        first = root.children[0]
        writer.lines += [comment for part in first.above for comment in ([""] if part.blank else []) + [part.text]]
        if first.above and first.blank:
            writer.lines.append("")
        first.above, first.blank = (), False
        if writer.lines and not writer.lines[0]:
            del writer.lines[0]
    writer.map(root, cases_document() if file.has_cases else document(declares=file.declares), 0)
    # A checkout may have other line ends than the repository: the kind of the first one is kept.
    end = "\r\n" if first_end is not None and first_end[0] == "\r\n" else "\n"
    return "".join(f"{line}{end}" for line in writer.lines).encode()


def _same(before: Parsed, file: SpecFile, content: bytes) -> bool:
    after = parse_file(file._replace(content=content))
    return (
        not any(d.severity is Severity.ERROR for d in after.diagnostics)
        and _prints(before) == _prints(after)
        and {old: move[0] for old, move in before.moves.items()} == {old: move[0] for old, move in after.moves.items()}
        and comments(file.content) == comments(content)
        and (not file.has_cases or _data(file.content) == _data(content))
    )


def _data(content: bytes) -> object:
    """What a file says that declares nothing: cases with a catalog of their own."""
    return parse("", content)[0]


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
    """What would change, as a unified diff without line ends; a URL of a database is shown without its secret.

    Line ends that are not the canonical form's are spelled out.
    """
    from difflib import unified_diff

    after = file.after.decode()
    match = LINE_END.search(after)
    end = match[0] if match is not None else "\n"
    for line in unified_diff(_shown(file.before.decode(), end), _shown(after, end), file.path, file.path, lineterm=""):
        yield from (masked(line) if _URL.search(line) else line).split("\n")


def _shown(text: str, end: str) -> list[str]:
    """The lines of ``text``, with their line ends where those are not ``end``."""
    lines: list[str] = []
    start = 0
    for match in LINE_END.finditer(text):
        shown = "" if match[0] == end else match[0].replace("\r", "\\r").replace("\n", "\\n")
        lines.append(text[start : match.start()] + shown)
        start = match.end()
    return [*lines, text[start:] + "\n\\ No newline at end of file"] if text[start:] else lines
