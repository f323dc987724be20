"""The diagnostic itself, and the one exception that carries diagnostics to the shell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from offerkit.diagnostics.codes import Code


class Severity(StrEnum):
    """An error stops the run; a warning does not; a note only tells."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Position(NamedTuple):
    """A place in a file of the project: its path from the project's root, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a stable code, what is wrong, why it matters, how to mend it, and where it is."""

    code: Code
    summary: str
    detail: str = ""
    hint: str = ""
    address: str = ""
    position: Position | None = None
    severity: Severity = Severity.ERROR
    related: tuple[tuple[str, Position], ...] = field(default=())

    def at(self, position: Position | None, address: str = "") -> Diagnostic:
        """The same finding, placed."""
        return replace(self, position=position or self.position, address=address or self.address)


class Refused(Exception):  # noqa: N818 - it is a refusal with reasons, not an error of the program
    """The user can fix this: the shell prints every diagnostic and exits with 1; nothing was changed."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep ``diagnostics`` in their stable order."""
        self.diagnostics = ordered(diagnostics)
        super().__init__("; ".join(d.summary for d in self.diagnostics))


def refuse(code: Code, summary: str, *, detail: str = "", hint: str = "", address: str = "") -> Refused:
    """A refusal with a single diagnostic, to be raised."""
    return Refused([Diagnostic(code, summary, detail, hint, address)])


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Without repetitions, by file, line and column, then code and text: the same on every run."""
    placed = {(d.position or Position("", 0, 0), d.code.value, d.address, d.summary): d for d in diagnostics}
    return tuple(placed[key] for key in sorted(placed))


def reason_of(error: BaseException) -> str:
    """Why the system refused a file or a program, as it says itself; Python's own words are for nobody who uses it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeError):
        return "the name has characters that this system's file names cannot have"
    if isinstance(error, ValueError):
        return "the name has a null character"
    seconds = getattr(error, "timeout", None)
    return f"it took longer than {seconds:.0f} seconds" if isinstance(seconds, int | float) else "no reason given"
