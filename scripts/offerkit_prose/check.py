"""Finds faults in passages of prose: paragraphs of Markdown, and strings that the program shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from offerkit_strings import strings_of
from proselint.checks import __register__
from proselint.config import DEFAULT, Config
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

from offerkit_prose.phrases import ALLOWED, phrases

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^( *)(`{3,}).*?^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`{1,2})(?!`)[^`]+\1(?!`)")
_LINK = re.compile(r"\]\([^)\s]*\)")
_REMARK = re.compile(r"<!--.*?-->", re.DOTALL)
_QUOTE = re.compile(r"\B['\"“”‘’]|['\"“”‘’]\B")
"""proselint passes over what is quoted, and would pair quotes of different passages."""
_BREAK = "\n¶\n"
"""Between passages, so that nothing is found across two."""

_NOT_OURS = re.compile(
    r"annotations|archaism|industrial_language|lexical_illusions|needless_variants|typography|uncomparables"
    r"|misc\.(?:capitalization|preferred_forms|tense_present)|spelling\.(?:consistency|ve_of)|weasel_words"
)
"""Checks of proselint that take our words for faults: color, applier, “for everybody” (found as “for ever”)."""


class Passage(NamedTuple):
    """A piece of prose that is read in one go; ``where`` tells the line of an offset in ``text``."""

    file: str
    line: int
    text: str


class Finding(NamedTuple):
    """A fault: where, what was written, and the advice."""

    file: str
    line: int
    words: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: “{self.words}”: {self.advice}"


def passages_of(path: Path) -> Iterator[Passage]:
    """The passages of a page, of a file with strings, or of all such files below a folder."""
    if path.is_dir():
        pages = [] if path.resolve().is_relative_to(ROOT / "offerkit") else sorted(path.rglob("*.md"))
        for page in pages:
            yield from passages_of(page)
        if not pages:
            yield from _strings(path)
    elif path.suffix == ".md":
        yield from _paragraphs(path)
    else:
        yield from _strings(path)


def _strings(path: Path) -> Iterator[Passage]:
    for string in strings_of(path):
        yield Passage(string.file, string.line, _CODE.sub("‹code›", string.text))


def _paragraphs(path: Path) -> Iterator[Passage]:
    """Paragraphs, items and rows of tables; code, targets of links and remarks are blanked."""
    markdown = path.read_text(encoding="utf-8")
    for pattern, stead in ((_FENCE, ""), (_REMARK, ""), (_CODE, "‹code›"), (_LINK, "]")):
        markdown = pattern.sub(_blank(stead), markdown)
    begun, rows = 1, list[str]()
    for number, row in enumerate([*markdown.splitlines(), ""], 1):
        if not row.strip() or re.match(r"\s*(?:[-*|>#]|\d+\.) ?", row):
            if rows:
                yield Passage(str(path), begun, " ".join(" ".join(rows).split()))
            rows = []
        if row.strip():
            begun = begun if rows else number
            rows.append(row)


def _blank(stead: str) -> Callable[[re.Match[str]], str]:
    """Keeps the line breaks of what is replaced, so that lines stay true."""
    return lambda match: stead + "\n" * match[0].count("\n")


def faults_of(passages: Iterable[Passage]) -> list[Finding]:
    """Our own phrases and what proselint finds, by file and line."""
    read = [passage for passage in passages if passage.text not in ALLOWED]
    return sorted([*_phrases(read), *_proselint(read)])


def _phrases(passages: list[Passage]) -> Iterator[Finding]:
    table = phrases()
    for passage in passages:
        for phrase in table:
            for match in phrase.pattern.finditer(passage.text):
                yield Finding(passage.file, passage.line, match[0].strip(" .:;"), phrase.instead)


def _proselint(passages: list[Passage]) -> Iterator[Finding]:
    """All passages in one text, which proselint reads at once; its lines lead back to them."""
    registry = CheckRegistry()
    if not registry.checks:
        registry.register_many(__register__)
    text = _QUOTE.sub(" ", _BREAK.join(passage.text for passage in passages))
    if not text:
        return
    for found in LintFile("prose", text).lint(Config(max_errors=10_000, checks=DEFAULT["checks"])):
        check = found.check_result
        if not _NOT_OURS.match(check.check_path):
            start, end = check.span  # in the text with a line break before it
            passage = passages[text.count(_BREAK, 0, start - 1)]
            yield Finding(passage.file, passage.line, text[start - 1 : end - 1].strip(), check.message)
