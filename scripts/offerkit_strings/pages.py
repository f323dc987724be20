"""The strings of files that are not Python: templates of pages, JavaScript, and texts that are shipped as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

from offerkit_strings.python import String

_WORD = re.compile(r"[^\W\d_]{2,}")
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
_REMARK = re.compile(r"\{#.*?#\}", re.DOTALL)
_QUOTED = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`")
_PIECE = re.compile(_QUOTED.pattern + r"|//\s*(.*)$")
_SHOWN = frozenset({"title", "alt", "placeholder", "aria-label", "data-label", "content", "value"})
_UNSHOWN = frozenset({"script", "style"})


def html_strings(path: Path) -> Iterator[String]:
    """The text between tags, the attributes that are read or read aloud, and words that the template chooses."""
    source = path.read_text(encoding="utf-8")
    for outer in (_EXPRESSION, _STATEMENT):
        for match in outer.finditer(source):
            for quoted in _QUOTED.finditer(match[0]):
                text = quoted[1] or quoted[2] or ""
                if re.search(r"\s", text.strip()) and "<" not in text:
                    yield String(str(path), _line(source, match.start() + quoted.start()), "page", text.strip())
    reader = _Reader()
    reader.feed(_STATEMENT.sub(_blank("\x00"), _EXPRESSION.sub(_blank("\x01"), _REMARK.sub(_blank(""), source))))
    reader.close()
    for line, text in reader.found:
        for part in re.split("\x00", text):
            shown = " ".join(re.sub("\x01+", "{…}", part).split())
            if _WORD.search(shown.replace("{…}", "")):
                yield String(str(path), line, "page", shown)


def _blank(sign: str) -> Callable[[re.Match[str]], str]:
    """Replaces a piece of template by a sign and keeps its line breaks, so that lines stay true."""
    return lambda match: sign + "\n" * match[0].count("\n")


def _line(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, str]] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag if tag in _UNSHOWN else ""
        self.found += [(self.getpos()[0], value) for name, value in attrs if name in _SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if not self._within:
            line = self.getpos()[0]
            self.found += [(line + number, row) for number, row in enumerate(data.split("\n"))]


def script_strings(path: Path) -> Iterator[String]:
    """Quoted strings of more than one word, and comments."""
    for number, row in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        remark = row.strip(" */") if re.match(r"\s*/?\*", row) else ""
        for piece in [] if remark else _PIECE.finditer(row):
            text = next(filter(None, piece.groups()), "")
            if piece[0].startswith("//"):
                remark = text
            elif re.search(r"[^\W\d_]{2,}\s+(?:[^\W\d_]|\$\{)|^[A-Z][a-z]+$", text):
                yield String(str(path), number, "page", re.sub(r"\$\{[^}]*\}", "{…}", text).strip())
        if _WORD.search(remark):
            yield String(str(path), number, "comment", remark.strip())


def text_strings(path: Path) -> Iterator[String]:
    """Every line with words of a text; of YAML and lists of requirements the comments, labels and messages."""
    listing = path.suffix in (".yaml", ".yml") or path.name == "requirements.txt"
    for number, row in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        shown = row.strip()
        if listing:
            match = re.search(r"(?:^|\s)#\s(.*)$|\b(?:label|name|message|comment|description):\s+(.+)$", row)
            shown = (match[1] or match[2]) if match else ""
        if _WORD.search(shown):
            yield String(str(path), number, "page", shown)
