"""Collects the strings of a file by its type: Python, templates, JavaScript, or text that is shipped as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from offerkit_strings.pages import html_strings, script_strings, text_strings
from offerkit_strings.python import KINDS, String, python_strings

__all__ = ["KINDS", "String", "strings_of"]

_READERS = {
    ".py": python_strings,
    ".html": html_strings,
    ".j2": html_strings,
    ".js": script_strings,
    ".md": text_strings,
    ".txt": text_strings,
    ".yaml": text_strings,
    ".yml": text_strings,
}


def strings_of(path: Path) -> list[String]:
    """The strings of one file, or of all files below a folder, by file and line."""
    found = [string for file in _files(path) for string in _READERS[file.suffix](file)]
    return sorted(found, key=lambda string: (string.file, string.line))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        if path.suffix in _READERS:
            yield path
        return
    for file in sorted(path.rglob("*")):
        if file.suffix in _READERS and file.is_file() and "__pycache__" not in file.parts:
            yield file
