"""YAML 1.2 → events, by the letter of the specification: the second opinion behind the C parser.

The C parser (libyaml) is of YAML 1.1's generation: it refuses some of what YAML 1.2, and so JSON, allows, and
takes some of it for something else. The events are those of ruamel.yaml, as the C parser gives them. Work grows
with the length of the text (docs/adr/0028-yaml-1-2.md).
"""

from __future__ import annotations

import re
from typing import NoReturn

from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from offerkit.specs.limits import MAX_DEPTH
from offerkit.specs.yaml12_scanner import BLANK, CHECK, FLOW_SIGNS, Properties, Scanner

MAX_KEY = 1024
"""How long a key may be that is not marked by “?” (the specification's limit)."""
_YAML = re.compile(r"%YAML(?=[ \t\n\r]|\Z)")
_VERSION = re.compile(r"%YAML[ \t]+([0-9]{1,9})\.([0-9]{1,9})(?:[ \t]+#.*|[ \t]*)")
_UNKEYED = "Check the indentation of this line; quote a text that holds a colon followed by a space."
_QUOTES = "A quoted text ends at the next quote: inside of it write '' for ', and \\\" for \"."


class Yaml12Parser:
    """The events of a text, one after the other.

    Raises NotYaml when made. What follows the beginning of a second document, or lies below MAX_DEPTH, is not
    read: whoever builds a value from the events refuses both.
    """

    def __init__(self, text: str) -> None:
        """``text`` has no byte order mark."""
        self._events = iter(_EventReader(text).stream())

    def get_event(self) -> Event:
        """The next event."""
        return next(self._events)


class _Enough(Exception):  # noqa: N818 - ends the reading, no error
    """What follows is never looked at."""


class _EventReader(Scanner):
    """Recursive descent over the structure: documents, block collections, flow collections."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._events: list[Event] = []

    # ---- the stream

    def stream(self) -> list[Event]:
        """All events."""
        self.check_controls()
        start = self.mark(0)
        self._events.append(StreamStartEvent(start, start))
        try:
            self._document()
        except _Enough:
            pass
        else:
            self.check_printable()
        end = self.mark(len(self.text))
        self._events.append(StreamEndEvent(end, end))
        return self._events

    def _document(self) -> None:
        version = self._directives()
        start, marker = self.at, self.marker()
        if marker == "...":
            if not self._another():
                return
            start, marker, version = self.at, self.marker(), self._directives()
        elif not self.char():
            return
        if marker:
            self.at += 3
        self._events.append(DocumentStartEvent(self.mark(start), self.mark(self.at), version=version))
        self._block_node(-1)
        self.skip()
        self._events.append(DocumentEndEvent(self.mark(self.at), self.mark(self.at)))
        if not self.char():
            return
        marker = self.marker() if self.fresh else ""
        if not marker:
            self._unexpected()
        if marker == "---" or self._another():
            mark = self.mark(self.at)
            self._events.append(DocumentStartEvent(mark, mark))
            raise _Enough

    def _another(self) -> bool:
        """Whether a document follows the “...” that stands here; passes it."""
        while self.marker() == "...":
            self.at += 3
            self.skip()
            if self.char() and not self.fresh:
                self.stop("only a comment can follow “...” on its line")
        return bool(self.char())

    def _directives(self) -> tuple[int, int] | None:
        """The version of YAML that lines beginning with “%” ask for; other such lines are reserved, and ignored."""
        version: tuple[int, int] | None = None
        some = False
        self.skip()
        while self.char() == "%" and self.fresh and not self.column(self.at):
            some, start = True, self.at
            line = self.line_rest()
            if _YAML.match(line):
                match = _VERSION.fullmatch(line)
                if match is None or version is not None:
                    self.stop("there can be one %YAML line, with one version", start, "Remove the %YAML line.")
                version = int(match[1]), int(match[2])
            self.skip()
        if some and self.marker() != "---":
            self.stop("“---” must follow the lines that begin with %", hint="Remove the lines that begin with %.")
        return version

    def _unexpected(self) -> NoReturn:
        if self.tabs and self.fresh:
            self._tab()
        if self.indicator(":"):
            self.stop("a map cannot begin here", hint=_UNKEYED)
        last = self._events[-1]
        if isinstance(last, ScalarEvent) and last.style in ("'", '"') and not self.fresh:
            self.stop("this cannot follow a quoted text", hint=_QUOTES)
        self.stop("this cannot follow what comes before it")

    def _tab(self) -> NoReturn:
        at = self.at - self.column(self.at) + self.indent if self.fresh else self.text.rindex("\t", 0, self.at)
        self.stop("a tab cannot indent", at, "Indent with spaces.")

    # ---- nodes

    def _empty(self, at: int, properties: Properties | None = None) -> None:
        mark = self.mark(at)
        begin = self.mark(properties.start) if properties else mark
        anchor, tag = (properties.anchor, properties.tag) if properties else (None, None)
        self._events.append(ScalarEvent(anchor, tag, (tag is None, False), "", begin, mark, style=""))

    def _scalar(
        self, start: int, value: str, style: str, properties: Properties | None, end: int | None = None
    ) -> None:
        begin = properties.start if properties else start
        anchor, tag = (properties.anchor, properties.tag) if properties else (None, None)
        plain = not style and tag is None
        marks = self.mark(begin), self.mark(self.at if end is None else end)
        self._events.append(ScalarEvent(anchor, tag, (plain, not plain and tag is None), value, *marks, style=style))

    def _open(self, kind: type, number: int, start: int, properties: Properties | None, *, flow: bool = False) -> None:
        """Let a map or list begin, with the event number ``number``."""
        begin = self.mark(properties.start if properties else start)
        anchor, tag = (properties.anchor, properties.tag) if properties else (None, None)
        self._events.insert(number, kind(anchor, tag, tag is None, begin, self.mark(start), flow_style=flow))
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Enough

    def _close(self, kind: type, end: int) -> None:
        self._events.append(kind(self.mark(self.at), self.mark(end)))
        self.at = end
        self._depth -= 1

    def _inline(self, outer: int, properties: Properties | None, *, flow: bool) -> bool:
        """A flow collection, quoted or plain text, or alias; whether it is one of the first two (“JSON-like”)."""
        start, char = self.at, self.char()
        if char in ("[", "{"):
            self._flow(outer, properties)
            return True
        if char in ("'", '"'):
            self._scalar(start, self.quoted(outer), char, properties)
            return True
        if char == "*":
            name = self.name()
            if properties is not None:
                self.stop("an alias cannot have an anchor or a tag", start, "Remove them.")
            self._events.append(AliasEvent(name, self.mark(start), self.mark(self.at)))
            return False
        self._scalar(start, self.plain(outer, flow=flow), "", properties)
        return False

    # ---- block style

    def _block_node(self, outer: int, *, compact: bool = False, indentless: bool = False) -> None:
        """The node behind an indicator, which may be empty.

        ``compact``: a list or map may begin on the indicator's line. ``indentless``: a list may begin at the column
        of the map it is in.
        """
        after = self.at
        early: Properties | None = None  # on lines above the value: those of a whole map or list
        late: Properties | None = None  # on the line of the value: those of its first key
        self.skip()
        nested = compact and not self.tabs
        while True:
            if self.fresh:
                early, late = self.merged(early, late), None
                nested = True
                if self._outside(outer, indentless=indentless):
                    break
            if self.char() not in ("&", "!"):
                break
            late = self.properties(late)
            after = self.at
            self.skip()
        if not self.char() or (self.fresh and self._outside(outer, indentless=indentless)):
            self._empty(after, self.merged(early, late))
        elif self.char() in ("|", ">"):
            start, style, both = self.at, self.char(), self.merged(early, late)
            self._scalar(start, self.block_scalar(outer), style, both)
        else:
            self._block_content(outer, early, late, nested=nested)

    def _outside(self, outer: int, *, indentless: bool) -> bool:
        """Whether the token here, the first of its line, is not part of a node below ``outer``."""
        if not self.char() or self.marker():
            return True
        return self.indent <= outer and not (indentless and self.indent == outer and self.indicator("-"))

    def _block_content(self, outer: int, early: Properties | None, late: Properties | None, *, nested: bool) -> None:
        start, number = late.start if late else self.at, len(self._events)
        tabs = self.fresh and self.tabs and not late
        for sign in "-?":
            if self.indicator(sign):
                if tabs:
                    self._tab()
                if not nested or late is not None:
                    self.stop(f"a {'list' if sign == '-' else 'map'} cannot begin here", hint="Begin it on a new line.")
        if self.indicator("-"):
            self._open(SequenceStartEvent, number, start, early)
            self._block_list(self.column(start))
        elif self.indicator("?"):
            self._open(MappingStartEvent, number, start, early)
            self._block_map(self.column(start))
        else:
            self._key_or_value(outer, (early, late), start, nested=nested, tabs=tabs)

    def _key_or_value(
        self, outer: int, both: tuple[Properties | None, Properties | None], start: int, *, nested: bool, tabs: bool
    ) -> None:
        """Parse a node that is the first key of a map if a colon follows it, else a value."""
        early, late = both
        number = len(self._events)
        if self.indicator(":"):
            self._empty(self.at, late)
        else:
            self._inline(outer, late, flow=False)
        end = self.at
        self.at = self.after_spaces()
        if not self.indicator(":"):
            self.at = end
            if early is not None:
                self._belongs(number, self.merged(early, late))
            return
        if tabs:
            self.stop("a tab cannot indent", start - self.column(start), "Indent with spaces.")
        if not nested:
            self.stop("a map cannot begin here", hint=_UNKEYED)
        self._check_key(start)
        self._open(MappingStartEvent, number, start, early)
        self._block_map(self.column(start), key_read=True)

    def _belongs(self, number: int, properties: Properties | None) -> None:
        event = self._events[number]
        if isinstance(event, AliasEvent):
            self.stop("an alias cannot have an anchor or a tag", event.start_mark.index, "Remove them.")
        assert isinstance(event, NodeEvent)
        assert properties is not None
        event.anchor, event.start_mark = properties.anchor, self.mark(properties.start)
        if properties.tag:
            event.ctag = properties.tag  # type: ignore[attr-defined]

    def _check_key(self, start: int) -> None:
        """Refuse a key from ``start`` up to here that is too long, or not on one line."""
        if not self.one_line(start, self.at):
            self.stop("a key must be on one line, with its colon", hint="Is a colon missing above?")
        if self.at - start > MAX_KEY:
            self.stop(f"a key can have at most {MAX_KEY:,} characters", start)

    def _block_list(self, column: int) -> None:
        """The items of a list; the first dash stands here, in ``column``."""
        while True:
            self.at += 1
            self._block_node(column, compact=True)
            if not self._goes_on(column) or not self.indicator("-"):
                break
        self._close(SequenceEndEvent, self.at)

    def _block_map(self, column: int, *, key_read: bool = False) -> None:
        """The entries of a map whose keys stand in ``column``; ``key_read``: behind the first one, at its colon."""
        while True:
            explicit = not key_read and self.indicator("?")
            if explicit:
                self.at += 1
                self._block_node(column, compact=True, indentless=True)
            elif not key_read:
                self._implicit_key()
            key_read = False
            if explicit and not (self._goes_on(column) and self.indicator(":")):
                self._empty(self.at)
            else:
                self.at += 1
                self._block_node(column, compact=explicit, indentless=True)
            if not self._goes_on(column):
                break
            if self.indicator("-"):
                self.stop("an item of a list is not allowed among the keys of a map")
        self._close(MappingEndEvent, self.at)

    def _implicit_key(self) -> None:
        start = self.at
        properties: Properties | None = None
        while self.char() in ("&", "!"):
            properties = self.properties(properties)
            self.skip()
            if self.fresh:
                self.stop("a key must be on the same line as its anchor or tag", start)
        if self.indicator(":"):
            self._empty(self.at, properties)
        else:
            self._inline(self.column(start), properties, flow=False)
        self.at = self.after_spaces()
        if not self.indicator(":"):
            self.stop("a colon is missing after this key", start, "Write “key: value”; a space follows the colon.")
        self._check_key(start)

    def _goes_on(self, column: int) -> bool:
        """Whether another entry of a collection in ``column`` begins here."""
        self.skip()
        if not self.char() or (self.fresh and self.marker()):
            return False
        if not self.fresh:
            self._unexpected()
        if self.indent < column:
            return False
        if self.tabs:
            self._tab()
        if self.indent > column:
            self.stop("this line is indented deeper than the entries before it")
        return True

    # ---- flow style

    def _flow_skip(self, outer: int, opened: int = -1) -> str:
        """The next character inside of brackets, whose lines are indented deeper than ``outer``."""
        self.skip()
        char = self.char()
        if not char:
            self.stop("the bracket that begins here is not closed", max(opened, 0), "Add the missing bracket.")
        if self.fresh and (
            # A closing bracket below its key is not by the letter; everybody writes it, and it means one thing only.
            self.indent < outer + (char not in "]}") or self.marker()
        ):
            if self.tabs:
                self._tab()
            hint = "Add the missing bracket, or indent the line with spaces."
            self.stop("a list or map in brackets continues here, not indented deeper than its key", hint=hint)
        return char

    def _flow(self, outer: int, properties: Properties | None) -> None:
        """The list or map whose bracket stands here."""
        opened, is_map = self.at, self.char() == "{"
        closing, kind = ("}", MappingStartEvent) if is_map else ("]", SequenceStartEvent)
        self._open(kind, len(self._events), opened, properties, flow=True)
        self.at += 1
        while (char := self._flow_skip(outer, opened)) != closing:
            if char == ",":
                self.stop("there is nothing before this comma", hint="Remove it.")
            if is_map:
                self._flow_entry(outer, opened)
            else:
                self._flow_item(outer, opened)
            char = self._flow_skip(outer, opened)
            if char == ",":
                self.at += 1
            elif char != closing:
                hint = "Quote a text with a bracket or brace in it." if char in ("[", "{") and not self.fresh else CHECK
                self.stop(f"“,” or “{closing}” is missing here", hint=hint)
        self._close(MappingEndEvent if is_map else SequenceEndEvent, self.at + 1)

    def _flow_entry(self, outer: int, opened: int) -> None:
        """A key and its value; either may be missing."""
        json = False
        if self.indicator("?"):
            self.at += 1
            self._flow_skip(outer, opened)
        after = self.at
        if self._ends_entry() or self._colon(json=False):
            self._empty(after)
        else:
            json = self._flow_node(outer, opened)
            after = self.at
        self._flow_skip(outer, opened)
        self._flow_value(outer, opened, after, json=json)

    def _flow_value(self, outer: int, opened: int, after: int, *, json: bool) -> None:
        """The value of an entry: behind the colon, if there is one here."""
        if self._colon(json=json):
            self.at += 1
            after = self.at
            self._flow_skip(outer, opened)
            if not self._ends_entry():
                self._flow_node(outer, opened)
                return
        self._empty(after)

    def _flow_item(self, outer: int, opened: int) -> None:
        """An item of a list; with a colon in it, it is a map of one entry."""
        start, number = self.at, len(self._events)
        if self.indicator("?"):
            self._open(MappingStartEvent, number, start, None, flow=True)
            self._flow_entry(outer, opened)
        else:
            json = False
            if self._colon(json=False):
                self._empty(self.at)
            else:
                json = self._flow_node(outer, opened)
            end = self.at
            self.at = self.after_spaces()
            if not self._colon(json=json):
                self.at = end
                return
            self._check_key(start)
            self._open(MappingStartEvent, number, start, None, flow=True)
            self._flow_value(outer, opened, self.at, json=json)
        self._close(MappingEndEvent, self.at)

    def _flow_node(self, outer: int, opened: int) -> bool:
        """The node that stands here; whether it is a bracket's or in quotes."""
        properties: Properties | None = None
        after = self.at
        while self.char() in ("&", "!"):
            properties = self.properties(properties)
            after = self.at
            self._flow_skip(outer, opened)
        if properties is not None and (self._ends_entry() or self._colon(json=False)):
            self._empty(after, properties)
            return False
        return self._inline(outer, properties, flow=True)

    def _ends_entry(self) -> bool:
        return self.char() in (",", "]", "}")

    def _colon(self, *, json: bool) -> bool:
        """Whether a colon here ends a key: behind quotes and brackets no blank need follow it."""
        return self.char() == ":" and (json or self.char(1) in BLANK or self.char(1) in FLOW_SIGNS)
