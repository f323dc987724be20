"""The lexical half of the YAML 1.2 parser: places, separation, anchors and tags, and scalars.

Rules are named as in the specification, https://yaml.org/spec/1.2.2/; its n, the indentation of the enclosing
block collection (-1 at the top level), is called ``outer``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple, NoReturn

LINE_END = re.compile("\r\n|[\n\r]")
"""What ends a line in YAML 1.2."""
BLANK = ("", " ", "\t", "\n", "\r")
"""What separates tokens; the empty string stands for the end of the text."""
FLOW_SIGNS = (",", "[", "]", "{", "}")

CHECK = "Check the indentation, the quotes, and the colon after each key."
"""The hint where no better one is known."""
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_SPACES = re.compile(r" *")
_INLINE = re.compile(r"[ \t]*")
_REST_OF_LINE = re.compile(r"[^\n\r]*")
_PLAIN_IN_BLOCK = re.compile(r"(?:[^ \t\n\r:#]+|:(?=[^ \t\n\r])|(?<=[^ \t\n\r])#|[ \t]+(?=[^ \t\n\r#]))*")
_PLAIN_IN_FLOW = re.compile(
    r"(?:[^ \t\n\r:#,\[\]{}]+|:(?=[^ \t\n\r,\[\]{}])|(?<=[^ \t\n\r])#|[ \t]+(?=[^ \t\n\r#,\[\]{}]))*"
)
_NAME = re.compile(r"[^ \t\n\r,\[\]{}]+")
_TAG = re.compile(r"!<[^ \t\n\r<>]+>|![^ \t\n\r,\[\]{}]*")
_HEADER = re.compile(r"[|>](?:([-+])([1-9])?|([1-9])([-+])?)?(?:[ \t]+#[^\n\r]*|[ \t]*)(?=[\n\r]|\Z)")
_MARKER = re.compile(r"(?:---|\.\.\.)(?=[ \t\n\r]|\Z)")
_IN_SINGLE = re.compile(r"[^'\n\r]*")
_IN_DOUBLE = re.compile(r'[^"\\\n\r]*')
_HEX = re.compile(r"[0-9a-fA-F]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
WIDTHS = {"x": 2, "u": 4, "U": 8}


class Mark:
    """A place in a text, counted from 0, in characters; line and column are looked up when asked for."""

    __slots__ = ("_starts", "index")

    def __init__(self, index: int, starts: list[int]) -> None:
        """``starts``: where the text's lines begin."""
        self.index, self._starts = index, starts

    @property
    def line(self) -> int:
        """How many lines stand before it."""
        return bisect_right(self._starts, self.index) - 1

    @property
    def column(self) -> int:
        """How many characters stand before it on its line."""
        return self.index - self._starts[self.line]


def starts_of_lines(text: str) -> list[int]:
    """Where each line begins."""
    return [0, *(match.end() for match in LINE_END.finditer(text))]


class NotYaml(Exception):  # noqa: N818 - becomes a diagnostic
    """The text is not YAML 1.2: what is wrong, where, and how to mend it."""

    def __init__(self, problem: str, starts: list[int], at: int, hint: str) -> None:
        """``problem`` continues “this is not YAML:”; ``starts``: where the text's lines begin."""
        super().__init__(problem)
        self.problem, self.at, self.hint = problem, Mark(at, starts), hint


class Properties(NamedTuple):
    """An anchor and a tag, and where the first of them begins."""

    start: int
    anchor: str | None = None
    tag: str | None = None


class Scanner:
    """A text that is read from left to right; ``at`` is the place reached.

    After :meth:`skip` that is the place of a token: ``fresh`` says whether it is the first one of its line, ``indent``
    how many spaces that line begins with, ``tabs`` whether a tab stands between them, or the last token, and it.
    """

    def __init__(self, text: str) -> None:
        """``text`` has no byte order mark."""
        self.text = text
        self.at = 0
        self.fresh, self.indent, self.tabs = True, 0, False
        self._skipped = -1
        self._starts = starts_of_lines(text)
        self._quoted: list[tuple[int, int]] = []

    # ---- places and mistakes

    def mark(self, at: int) -> Mark:
        """The place ``at`` with its line and column."""
        return Mark(at, self._starts)

    def column(self, at: int) -> int:
        """How many characters stand before ``at`` on its line."""
        return self.mark(at).column

    def one_line(self, begin: int, end: int) -> bool:
        """Whether both places are on one line."""
        return bisect_right(self._starts, begin) == bisect_right(self._starts, end)

    def stop(self, problem: str, at: int | None = None, hint: str = CHECK) -> NoReturn:
        """Raise NotYaml, about the place reached unless another is given."""
        raise NotYaml(problem, self._starts, self.at if at is None else at, hint)

    def check_controls(self) -> None:
        """Refuse the control characters that cannot stand anywhere."""
        control = _CONTROL.search(self.text)
        if control is not None:
            self._unprintable(control.start())

    def check_printable(self) -> None:
        """Refuse what can only stand in quotes, as in JSON (nb-json), and does not; all was read before."""
        for char in _UNPRINTABLE.finditer(self.text):
            number = bisect_right(self._quoted, (char.start(), len(self.text))) - 1
            if number < 0 or self._quoted[number][1] <= char.start():
                self._unprintable(char.start())

    def _unprintable(self, at: int) -> NoReturn:
        what = "a byte order mark" if self.text[at] == "\ufeff" else "a control character"
        self.stop(f"{what} is not allowed here", at, "Remove it, or write it in a quoted escape.")

    # ---- between tokens

    def char(self, ahead: int = 0) -> str:
        """The character at the place reached, or ``ahead`` of it; empty at the end of the text."""
        at = self.at + ahead
        return self.text[at : at + 1]

    def indicator(self, sign: str) -> bool:
        """Whether ``sign`` stands here as an indicator: with a blank behind it."""
        return self.char() == sign and self.char(1) in BLANK

    def marker(self) -> str:
        """The “---” or “...” that stands here at the beginning of a line."""
        if self.char() not in ("-", ".") or self.column(self.at):
            return ""
        match = _MARKER.match(self.text, self.at)
        return match[0] if match else ""

    def line_rest(self) -> str:
        """Read the rest of this line."""
        match = _REST_OF_LINE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return match[0]

    def after_spaces(self) -> int:
        """The place behind the spaces and tabs that stand here."""
        match = _INLINE.match(self.text, self.at)
        assert match is not None
        return match.end()

    def skip(self) -> None:
        """Pass spaces, comments and line ends (s-separate, s-l-comments), up to the next token."""
        if self.at == self._skipped:
            return
        text, begin = self.text, self.at
        self.fresh = not begin or text[begin - 1] in "\n\r"
        while True:
            at = self.at = self.after_spaces()
            if text[at : at + 1] == "#" and (at > begin or self.fresh or text[at - 1] in " \t"):
                self.line_rest()
            if not self._pass_line_end():
                break
            begin, self.fresh = self.at, True
        spaces = _SPACES.match(text, begin)
        assert spaces is not None
        # ``begin`` is where the line begins, or where the last token on it ended.
        self.indent, self.tabs = spaces.end() - begin, "\t" in text[begin : self.at]
        self._skipped = self.at

    def _pass_line_end(self) -> bool:
        char = self.char()
        if char not in ("\n", "\r") or not char:
            return False
        self.at += 2 if char == "\r" and self.char(1) == "\n" else 1
        return True

    # ---- anchors, tags, aliases

    def properties(self, before: Properties | None) -> Properties:
        """The anchor or tag that stands here, with what was read ``before``."""
        start = self.at
        if self.char() == "&":
            properties = Properties(start, anchor=self.name())
            if self.char() in ("[", "{"):
                self.stop("an anchor's name must be followed by a space")
        else:
            match = _TAG.match(self.text, start)
            assert match is not None
            self.at = match.end()
            if self.char() not in BLANK and self.char() not in FLOW_SIGNS:
                self.stop("this is not a valid tag")
            properties = Properties(start, tag=match[0])
        merged = self.merged(before, properties)
        assert merged is not None
        return merged

    def merged(self, before: Properties | None, more: Properties | None) -> Properties | None:
        """Both as those of one node."""
        if before is None or more is None:
            return before or more
        if (before.anchor and more.anchor) or (before.tag and more.tag):
            self.stop("a value can have at most one anchor and one tag", more.start, "Remove one of them.")
        return Properties(before.start, before.anchor or more.anchor, before.tag or more.tag)

    def name(self) -> str:
        """The name of the anchor or alias whose sign stands here."""
        match = _NAME.match(self.text, self.at + 1)
        if match is None:
            self.stop(f"“{self.char()}” must be followed by a name", hint="Quote a text that begins with & or *.")
        self.at = match.end()
        return match[0]

    # ---- scalars in flow style: quoted and plain

    def _next_line(self, outer: int, opened: int) -> str:
        """Pass the line end that stands here and blank lines; what they come to in a flow scalar (s-flow-folded)."""
        breaks = -1
        while self._pass_line_end():
            begin = self.at
            self.at = self.after_spaces()
            breaks += 1
        char = self.char()
        spaces = _SPACES.match(self.text, begin)
        assert spaces is not None
        if not char:
            self.stop("the quoted text that begins here is not closed", opened, "Add the missing quote.")
        if spaces.end() - begin <= outer or self.marker():
            problem = (
                f"the quoted text that begins here is neither closed nor indented on line {self.mark(self.at).line + 1}"
            )
            self.stop(
                problem,
                opened,
                "Add the missing quote, or indent its other lines deeper than its key, with spaces.",
            )
        return "\n" * breaks or " "

    def quoted(self, outer: int) -> str:
        """The text in quotes that begins here."""
        opened, quote = self.at, self.char()
        pattern = _IN_SINGLE if quote == "'" else _IN_DOUBLE
        self.at += 1
        parts: list[str] = []
        while True:
            match = pattern.match(self.text, self.at)
            assert match is not None
            self.at = match.end()
            char = self.char()
            if char in ("\n", "\r"):
                parts += [match[0].rstrip(" \t"), self._next_line(outer, opened)]
                continue
            parts.append(match[0])
            if char == "\\":
                parts.append(self._escape(outer, opened))
            elif quote == "'" and self.char(1) == "'":
                parts.append("'")
                self.at += 2
            elif char:
                self.at += 1
                self._quoted.append((opened, self.at))
                return "".join(parts)
            else:
                self.stop("the quoted text that begins here is not closed", opened, "Add the missing quote.")

    def _escape(self, outer: int, opened: int) -> str:
        """What the escape that begins here stands for."""
        start, char = self.at, self.char(1)
        if char in ("\n", "\r"):
            self.at += 1
            folded = self._next_line(outer, opened)
            return "" if folded == " " else folded
        self.at += 2
        if char in ESCAPES:
            return ESCAPES[char]
        if char not in WIDTHS:
            self.stop(
                f"“\\{char}” is not an escape" if char else "a quoted text is not closed",
                start,
                "Write \\\\ for a backslash.",
            )
        code = self._hex(WIDTHS[char], start)
        if 0xD800 <= code < 0xDC00 and self.char() == "\\" and self.char(1) == "u":
            # JSON writes a character beyond U+FFFF as two escapes.
            self.at += 2
            low = self._hex(4, start)
            code = 0x10000 + (code - 0xD800 << 10) + low - 0xDC00 if 0xDC00 <= low < 0xE000 else code
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            self.stop("this escape is not a character", start, "A character beyond U+FFFF is two escapes or one \\U.")
        return chr(code)

    def _hex(self, width: int, start: int) -> int:
        match = _HEX.fullmatch(self.text, self.at, min(self.at + width, len(self.text)))
        if match is None or len(match[0]) < width:
            self.stop(f"this escape needs {width} hexadecimal digits", start)
        self.at += width
        return int(match[0], 16)

    def plain(self, outer: int, *, flow: bool) -> str:
        """The plain scalar that begins here; ``at`` is then behind its last character."""
        char, after = self.char(), self.char(1)
        if char in _INDICATORS and not (char in "-?:" and after not in BLANK and not (flow and after in FLOW_SIGNS)):
            self.stop(f"a value cannot begin with “{char}”", hint="Quote the text.")
        pattern = _PLAIN_IN_FLOW if flow else _PLAIN_IN_BLOCK
        parts: list[str] = []
        while True:
            match = pattern.match(self.text, self.at)
            assert match is not None
            parts.append(match[0].rstrip(" \t"))
            end = self.at = self.at + len(parts[-1])
            self.at = self.after_spaces()
            if self.char() not in ("\n", "\r"):  # a comment, a sign, or the end
                break
            breaks = -1
            while self._pass_line_end():
                begin = self.at
                self.at = self.after_spaces()
                breaks += 1
            spaces = _SPACES.match(self.text, begin)
            assert spaces is not None
            char = self.char()
            if not char or char == "#" or spaces.end() - begin <= outer or self.marker():
                break
            if (flow and char in FLOW_SIGNS) or (char == ":" and self._no_plain(flow=flow)):
                break
            parts.append("\n" * breaks or " ")
        self.at = end
        return "".join(parts)

    def _no_plain(self, *, flow: bool) -> bool:
        return self.char(1) in BLANK or (flow and self.char(1) in FLOW_SIGNS)

    # ---- scalars in block style

    def block_scalar(self, outer: int) -> str:
        """The literal or folded text that begins here; ``at`` is then the beginning of the line after it."""
        folds = self.char() == ">"
        header = _HEADER.match(self.text, self.at)
        if header is None:
            self.stop(
                f"“{self.char()}” can be followed by 1 to 9, + or -, and a comment",
                hint="Begin the text on the next line.",
            )
        self.at = header.end()
        self._pass_line_end()
        indent = int(header[2] or header[3] or 0)
        lines, ended = self._block_lines(max(outer, 0) + indent if indent else self._block_indent(outer))
        blank = 0
        while lines and not lines[-1]:
            lines.pop()
            blank += 1
        chomp = header[1] or header[4]
        text = _folded(lines) if folds else "\n".join(lines)
        last = "\n" if lines and (ended or blank) else ""
        return text if chomp == "-" else text + last + "\n" * blank if chomp == "+" else text + last

    def _line(self, start: int) -> tuple[int, int]:
        """The spaces that the line at ``start`` begins with, and where it ends."""
        spaces, line = _SPACES.match(self.text, start), _REST_OF_LINE.match(self.text, start)
        assert spaces is not None
        assert line is not None
        return spaces.end() - start, line.end()

    def _block_indent(self, outer: int) -> int:
        """The indentation of the block scalar whose first line begins here: that of its first line with a text."""
        start, deepest = self.at, 0
        while True:
            spaces, end = self._line(start)
            if start + spaces < end:
                break
            deepest = max(deepest, spaces)
            if end == len(self.text):
                return max(deepest, outer + 1)
            start = end + (2 if self.text.startswith("\r\n", end) else 1)
        if spaces <= outer or _MARKER.match(self.text, start):
            return max(deepest, outer + 1)
        if deepest > spaces:
            hint = "Give the indentation as a number behind “|” or “>”, or remove the spaces of the blank lines."
            self.stop("a blank line before this text has more spaces than it", start + spaces, hint)
        return spaces

    def _block_lines(self, indent: int) -> tuple[list[str], bool]:
        """The lines of the block scalar that begins here, and whether a line end follows the last one."""
        lines: list[str] = []
        while self.at < len(self.text):
            spaces, end = self._line(self.at)
            blank = self.at + spaces == end
            if spaces < indent and not blank:
                if self.text[self.at + spaces] == "\t":
                    self.stop("a tab cannot indent", self.at + spaces, "Indent with spaces.")
                break
            if not indent and _MARKER.match(self.text, self.at):
                break
            lines.append(self.text[self.at + indent : end])
            self.at = end
            if not self._pass_line_end():
                return lines, blank
        return lines, True


def _folded(lines: list[str]) -> str:
    """The lines of a “>” scalar as one text: single line ends between lines that are not indented are spaces."""
    parts: list[str] = []
    empty, previous = 0, ""
    for line in lines:
        if not line:
            empty += 1
            continue
        keeps_breaks = line[0] in " \t" or previous in (" ", "\t")
        if parts:
            parts.append("\n" * (empty + 1) if keeps_breaks else "\n" * empty or " ")
        else:
            parts.append("\n" * empty)
        parts.append(line)
        empty, previous = 0, line[0]
    return "".join(parts)
