"""The Markdown of the project as data: files, anchors, links, fenced blocks, commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changelog.d/*.md"), *ROOT.glob("plans/README.md")]
)
FENCE = re.compile(r"^( *)(`{3,})(\w*)[^\n]*\n(.*?)^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
SHELLS = ("bash", "console", "sh")
VARIABLE = re.compile(r"\A[A-Z_][A-Z0-9_]*=")


class Command(NamedTuple):
    """An ``offerkit`` command as a page gives it: where, and the words after ``offerkit``."""

    page: str
    text: str
    words: tuple[str, ...]


def name(page: Path) -> str:
    """A page's path from the repository's root."""
    return page.relative_to(ROOT).as_posix()


def text(page: Path) -> str:
    """A page's Markdown."""
    return page.read_text(encoding="utf-8")


def without_code(markdown: str) -> str:
    """A page's prose: no fenced blocks, no code spans."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", markdown))


def anchors(markdown: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    result = set()
    for heading in re.findall(r"^#{1,6} +(.+)$", FENCE.sub("", markdown), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain.replace("`", "")).strip().replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        result.add(f"{slug}-{count}" if count else slug)
    return result


def links(markdown: str) -> list[str]:
    """The targets of a page's links and images."""
    return re.findall(r"\]\(([^)\s]+)\)", without_code(markdown))


def commands(page: Path) -> Iterator[Command]:
    """Every ``offerkit`` command in the shell blocks of a page."""
    for _, _, language, body in FENCE.findall(text(page)):
        if language not in SHELLS:
            continue
        lines = body.replace("\\\n", " ").splitlines()
        if language == "console":
            lines = [line.lstrip()[2:] for line in lines if line.lstrip().startswith("$ ")]
        for line in lines:
            yield from _in_line(name(page), line)


def _in_line(page: str, line: str) -> Iterator[Command]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word and set(word) <= set("|&;<>"):
            yield from _command(page, line, words)
            words = []
        else:
            words.append(word)


def _command(page: str, line: str, words: list[str]) -> Iterator[Command]:
    while words and VARIABLE.match(words[0]):
        words = words[1:]
    if words and words[0].rpartition("/")[2] == "offerkit":
        yield Command(page, line.strip(), tuple(words[1:]))
