"""The look of text: ANSI colours that can be switched off, and columns that stay straight."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from offerkit.reports.escape import ascii_only, clip
from offerkit.state.changes import Action


class Style(NamedTuple):
    """How text is painted: with ANSI ``colour`` or without; ``ascii`` where nothing else can be shown."""

    colour: bool = False
    ascii: bool = False

    def paint(self, codes: str, text: str) -> str:
        """``text`` between the ANSI ``codes`` and a reset; untouched when colours are off."""
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colour and text else text

    def bold(self, text: str) -> str:
        """What to read first."""
        return self.paint("1", text)

    def dim(self, text: str) -> str:
        """What can be skipped."""
        return self.paint("2", text)

    def red(self, text: str) -> str:
        """What goes, and errors."""
        return self.paint("31", text)

    def green(self, text: str) -> str:
        """What comes."""
        return self.paint("32", text)

    def yellow(self, text: str) -> str:
        """What changes, and warnings."""
        return self.paint("33", text)

    def cyan(self, text: str) -> str:
        """What moves, and pointers into files."""
        return self.paint("36", text)

    def action(self, action: Action, text: str) -> str:
        """``text`` in the colour of ``action``."""
        match action:
            case Action.CREATE:
                return self.green(text)
            case Action.UPDATE:
                return self.yellow(text)
            case Action.MOVE:
                return self.cyan(text)
            case Action.DELETE:
                return self.red(text)
            case Action.DEACTIVATE:
                return self.paint("35", text)
            case _ as never:
                assert_never(never)

    def mark(self, mark: str, text: str) -> str:
        """``text`` in the colour of a line diff's ``mark``."""
        match mark:
            case "+":
                return self.green(text)
            case "-":
                return self.red(text)
            case "~":
                return self.yellow(text)
            case "@":
                return self.dim(text)
            case _:
                return text

    def finish(self, text: str) -> str:
        """The whole report, as the terminal can show it."""
        return ascii_only(text) if self.ascii else text


PLAIN = Style()
"""No colours."""


ALL = 1_000_000_000
"""No limit: larger than any number that occurs."""


class Layout(NamedTuple):
    """How much is shown; beyond these numbers, things are counted instead of listed."""

    limit: int = 200
    """Steps of one action and kind in one stage."""
    bodies: int = 20
    """Resources of one kind that are created with their fields shown; more are listed by name."""
    names: int = 10
    """Names in one list."""
    fields: int = 40
    """Changed fields of one resource."""
    lines: int = 40
    """Lines of one field."""
    width: int = 100
    """Columns that text is wrapped to."""
    table: int = ALL
    """Columns that rows of a table may take. Only a terminal has an end: programs expect one row for each item."""

    def everything(self) -> Layout:
        """The same layout without limits."""
        return self._replace(limit=ALL, bodies=ALL, names=ALL, fields=ALL, lines=ALL)

    def clipped(self, text: str, most: int) -> str:
        """``text``, cut to ``most`` characters unless the layout has no limits."""
        return clip(text, most) if self.concise else text

    @property
    def concise(self) -> bool:
        """Whether long texts are cut."""
        return self.lines < ALL


CONCISE = Layout()
"""The default."""

GITHUB_LIMIT = 65_536
"""The most characters that GitHub takes in a comment; counted here in bytes, which are never fewer."""


class Presentation(NamedTuple):
    """How a report is shown; a format takes from it what it knows: text the style, Markdown the limit."""

    style: Style = PLAIN
    layout: Layout = CONCISE
    limit: int = GITHUB_LIMIT
    """Bytes of Markdown."""
    verbose: bool = False
    """Whether what is as expected is listed, too."""


PRESENTATION = Presentation()
"""Without colours, concise."""


def display_width(text: str) -> int:
    """The columns that ``text`` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def pad(text: str, width: int) -> str:
    """``text`` filled with spaces to ``width`` columns."""
    return text + " " * (width - display_width(text))


def wrap(text: str, width: int, *, whole: bool = False) -> list[str]:
    """``text`` in rows of at most ``width`` characters, broken at spaces where there are any.

    With ``whole`` nowhere else: a row is as long as a word that is longer, such as a path in a command.
    """
    rows = []
    while len(text) > width:
        cut = text.rfind(" ", width // 2, width + 1)
        if whole and cut <= 0:
            cut = max(text.rfind(" ", 0, width), 0) or text.find(" ", width)
            if cut <= 0:
                break
        rows.append(text[: cut if cut > 0 else width])
        text = text[cut + 1 if cut > 0 else width :]
    return [*rows, text]


def indented(prefix: str, text: str, width: int, *, whole: bool = False) -> list[str]:
    """``prefix`` and ``text`` wrapped to ``width``, further rows hanging below the text's first."""
    room = max(20, width - len(prefix))
    rows = wrap(text, room, whole=whole)
    return [prefix + rows[0], *(" " * len(prefix) + row for row in rows[1:])]
