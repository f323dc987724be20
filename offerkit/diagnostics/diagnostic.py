"""A diagnostic, and the exception that carries diagnostics to the shell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from offerkit.diagnostics.codes import Code


class Severity(StrEnum):
    """An error stops the run; a warning or a note does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Position(NamedTuple):
    """A position in a file: the path relative to the project's root; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What is wrong (``summary``), why it matters (``detail``), how to fix it (``hint``), and where it is."""

    code: Code
    summary: str
    detail: str = ""
    hint: str = ""
    address: str = ""
    position: Position | None = None
    severity: Severity = Severity.ERROR
    related: tuple[tuple[str, Position], ...] = field(default=())

    def at(self, position: Position | None, address: str = "") -> Diagnostic:
        """A copy with a position and an address, where these are given."""
        return replace(self, position=position or self.position, address=address or self.address)


class Refused(Exception):  # noqa: N818 - a refusal with reasons, not an error in the program
    """Raised for what the user can fix: the shell prints every diagnostic and exits with 1. Nothing was changed."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Sort ``diagnostics`` and remove repetitions."""
        self.diagnostics = ordered(diagnostics)
        super().__init__("; ".join(d.summary for d in self.diagnostics))


def refuse(code: Code, summary: str, *, detail: str = "", hint: str = "", address: str = "") -> Refused:
    """A ``Refused`` with a single diagnostic, to be raised."""
    return Refused([Diagnostic(code, summary, detail, hint, address)])


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """``diagnostics`` without repetitions, sorted by file, line, column, code, address and summary."""
    placed = {(d.position or Position("", 0, 0), d.code.value, d.address, d.summary): d for d in diagnostics}
    return tuple(placed[key] for key in sorted(placed))


def reason_of(error: BaseException) -> str:
    """The operating system's reason for refusing a file or program; Python's own messages mean nothing to users."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeError):
        return "the name has characters that this system's file names cannot have"
    if isinstance(error, ValueError):
        return "the name has a null character"
    seconds = getattr(error, "timeout", None)
    return f"it took longer than {seconds:.0f} seconds" if isinstance(seconds, int | float) else "no reason given"
