"""Wrong projects and commands: the sound project to begin with, what is wrong about it, and what a run says."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from click.testing import CliRunner

from offerkit.cli.main import cli
from offerkit.diagnostics import Diagnostic, Refused
from offerkit.reports.diagnostics_json import DiagnosticsReport
from offerkit.reports.diagnostics_text import diagnostics_text
from offerkit.reports.render import formats, render

PROJECT = Path(__file__).resolve().parent / "project"
NEW = "specs/people/new.yaml"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code, what it printed, and every diagnostic it gave."""

    code: int
    out: str
    err: str
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def only(self) -> Diagnostic:
        """The one diagnostic there must be."""
        assert self.code == 1, self
        assert len(self.diagnostics) == 1, [(d.code.value, d.summary, str(d.position)) for d in self.diagnostics]
        return self.diagnostics[0]


def run(root: Path, *args: str, who: str = "ada") -> Outcome:
    """What ``offerkit`` does with ``args`` in the project ``root``, in this process; an exception is a failure."""
    result = CliRunner().invoke(cli, ["-C", str(root), "--as", who, *args], standalone_mode=False)
    error = result.exception
    if isinstance(error, Refused):
        text = diagnostics_text(DiagnosticsReport(error.diagnostics, lambda file: _lines(root / file)))
        if not any("\ud800" <= letter <= "\udfff" for letter in "".join(args) + who):
            for form in formats("DiagnosticsReport"):
                render(DiagnosticsReport(error.diagnostics), form)
            text.encode()  # nothing in it that a terminal could not be sent
        return Outcome(1, result.stdout, text, error.diagnostics)
    if isinstance(error, click.ClickException):
        return Outcome(1, result.stdout, error.format_message())
    if isinstance(error, click.exceptions.Exit | SystemExit):
        return Outcome(int(getattr(error, "exit_code", None) or getattr(error, "code", 0) or 0), result.stdout, "")
    if error is not None:
        raise error
    code = result.return_value if isinstance(result.return_value, int) else 0
    return Outcome(code, result.stdout, result.stderr)


def _lines(path: Path) -> list[str] | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(1_000_000).decode("utf-8", "replace").splitlines()
    except OSError:
        return None


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below ``root``."""
    for name, content in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.write_text(content, encoding="utf-8")


def edit(root: Path, edits: Mapping[str, tuple[str, str]]) -> None:
    """Replace a text that stands exactly once in a file."""
    for name, (old, new) in edits.items():
        text = (root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        (root / name).write_text(text.replace(old, new), encoding="utf-8")


def fresh(root: Path) -> Path:
    """The sound project in ``root``, nothing applied."""
    shutil.copytree(PROJECT, root, dirs_exist_ok=True)
    return root


def state(root: Path) -> dict[str, bytes]:
    """Every byte of the store, whichever files it is in: the database and its write-ahead log."""
    files = [root / ".offerkit" / name for name in ("store.db", "store.db-wal")]
    return {path.name: content for path in files if path.is_file() and (content := path.read_bytes())}
