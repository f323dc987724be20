"""Which parser reads a text: the C parser, or by the letter of YAML 1.2 where that one refuses or may be wrong.

The C parser is some 15 times as fast, and right about nearly every file (docs/adr/0028-yaml-1-2.md).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import _ruamel_yaml as c

from offerkit.specs.limits import MAX_SECOND_OPINION
from offerkit.specs.yaml12_scanner import CHECK, LINE_END, NotYaml, starts_of_lines

T = TypeVar("T")


class Events(Protocol):
    """Either parser."""

    def get_event(self) -> Any:
        """The next event, as ruamel.yaml has them."""


class Doubtful(Exception):  # noqa: N818 - never reaches a user: the text is read by the letter instead
    """The C parser accepted a text that is perhaps not YAML 1.2."""


_DOUBTFUL = (
    re.compile("[\x85\u2028\u2029\ufeff]"),  # no line ends any more; a byte order mark stands at the beginning only
    # Such a sign can be part of an anchor's name; behind it, “:x” is a text in brackets.
    re.compile(r"[&*](?<![^ \t\r\n\[{,].)[0-9A-Za-z_-]+(?:[:?%@`]|[ \t\r\n]+:[^ \t\r\n])"),
    # In brackets, “?x” is a text, and “-” alone is nothing.
    re.compile(r"\?(?<![^ \t\r\n\[{,].)[^ \t\r\n]|-(?<![^ \t\r\n\[{,:?].)[,\]}]"),
)
"""Where the C parser reads something else than YAML 1.2 has it, or may. (One by one they are fast, as one slow.)"""
_UNSPACED_COMMENT = re.compile(r"#(?<=[\[\]{}\"',|>0-9+-]#)")
_LINE_OR_COMMENT = re.compile("[\n\r#]")
_SPACED_FIRST_LINES = re.compile(r"[|>][^\r\n]*(?:\r?\n *)*?\r?\n +(?=[\r\n]|\Z)")


def built(content: bytes, text: str, build: Callable[[Events, Doubts | None], T]) -> T:
    """What ``build`` makes of the events of ``content``; ``text`` is the same, without a byte order mark.

    Raises NotYaml where it is not YAML 1.2.
    """
    small = len(text) <= MAX_SECOND_OPINION
    if not (small and _doubtful(text)):
        try:
            return build(c.CParser(content), Doubts(text) if small else None)
        except Doubtful:
            pass
        except c.YAMLError as error:
            if not small:
                raise _not_yaml(content, error) from None
    from offerkit.specs.yaml12_parser import Yaml12Parser

    return build(Yaml12Parser(text), None)


def _doubtful(text: str) -> bool:
    # Spaces at the end of the text may be the last line of a block text, which needs no line end.
    return text[-1:] == " " or any(pattern.search(text) for pattern in _DOUBTFUL)


class Doubts:
    """Checks for errors that the C parser misses; each raises Doubtful. Its events tell texts from comments."""

    def __init__(self, text: str) -> None:
        """``text`` is what is being read."""
        self._text = text
        self._lines: list[str] | None = None
        self._comments = [match.start() for match in _UNSPACED_COMMENT.finditer(text)]
        self._scalars: list[tuple[int, int]] = []
        self.wants_all = bool(self._comments)
        """Whether :meth:`scalar` needs the plain scalars, too."""

    def indented(self, first: int, last: int, outer: int, *, brackets: bool = False) -> None:
        """The lines after ``first`` up to ``last`` of a value must be indented deeper than ``outer``.

        In ``brackets``, one that closes may stand there.
        """
        if self._lines is None:
            self._lines = LINE_END.split(self._text)
        for line in self._lines[first + 1 : last + 1]:
            begin = line.lstrip(" ")
            least = outer if brackets and begin[:1] in ("]", "}") else outer + 1
            if len(line) - len(begin) < least and begin.strip():
                raise Doubtful

    def scalar(self, event: Any, outer: int) -> None:
        """A scalar in a map or list whose column is ``outer``."""
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">"):
            start = self._text.index(event.style, start)
            column = event.start_mark.column + start - event.start_mark.index
            if _LINE_OR_COMMENT.search(self._text, event.start_mark.index, start):  # behind an anchor
                raise Doubtful
            if column <= outer and not self._text[start - column : start].strip():
                raise Doubtful
            if event.value[:1] in ("", "\n") and _SPACED_FIRST_LINES.match(self._text, start):
                raise Doubtful
            if self.wants_all:
                header = LINE_END.search(self._text, start)
                start = header.start() if header is not None else end
        elif not event.implicit[0] and (last := event.end_mark.line) != (first := event.start_mark.line):
            self.indented(first, last, outer)
        if self.wants_all:
            self._scalars.append((start, end))

    def whole(self) -> None:
        """All was read: every “#” directly behind something must be part of a scalar."""
        for at in self._comments:
            number = bisect_right(self._scalars, (at, len(self._text))) - 1
            if number < 0 or at >= self._scalars[number][1]:
                raise Doubtful


def _not_yaml(content: bytes, error: Exception) -> NotYaml:
    """What the C parser says of a file that is too large for the other one."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    context = getattr(error, "context", None)
    text = content.decode()
    starts = starts_of_lines(text)
    position = getattr(error, "position", None)
    at = mark.index if mark is not None else position if isinstance(position, int) else 0
    hint = f"{CHECK} A file of more than {MAX_SECOND_OPINION:,} characters must be YAML for older parsers, too."
    return NotYaml(f"{context}: {problem}" if context else str(problem), starts, min(at, len(text)), hint)
