"""A YAML builder over a parser's events.

Plain Python values, with the line and column of every key and value beside them. Much faster than ruamel's
own constructors (docs/adr/0003-yaml-events.md), and where limits on depth and aliases are enforced.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.specs.limits import MAX_ALIASED_NODES, MAX_DEPTH
from offerkit.specs.scalars import Scalar, resolve
from offerkit.specs.yaml12_scanner import NotYaml
from offerkit.specs.yaml_parsers import Doubts, Events, built
from offerkit.specs.yaml_values import SHIFT, Value, YamlList, YamlMap, stop, unpack


def read_events(file: str, content: bytes, text: str) -> tuple[Value, list[Diagnostic]]:
    """The one document of ``content``, which is ``text`` in UTF-8, with its duplicate keys as mistakes.

    Raises Refused where reading cannot go on.
    """
    try:
        return built(content, text.removeprefix("\ufeff"), partial(_document, file))
    except NotYaml as error:
        raise Refused([_syntax(file, error)]) from None


def _document(file: str, events: Events, doubts: Doubts | None) -> tuple[Value, list[Diagnostic]]:
    builder = _ValueBuilder(file, doubts)
    value = builder.document(events)
    if doubts is not None:
        doubts.whole()
    return value, builder.diagnostics


def _syntax(file: str, error: NotYaml) -> Diagnostic:
    at = error.at.line << SHIFT | error.at.column
    return Diagnostic(
        Code.YAML_SYNTAX, f"this is not YAML: {error.problem}", hint=error.hint, position=unpack(file, at)
    )


class _ValueBuilder:
    """One document's builder; recursion is bounded by MAX_DEPTH."""

    def __init__(self, file: str, doubts: Doubts | None) -> None:
        self.file = file
        self.doubts = doubts
        self.plain_doubts = doubts if doubts is not None and doubts.wants_all else None
        self.outer = -1
        """The column of the innermost map or list in block style."""
        self.diagnostics: list[Diagnostic] = []
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.nodes = 0
        self.aliased = 0

    def document(self, parser: Any) -> Value:
        """The only document of the stream."""
        parser.get_event()
        start = parser.get_event()
        if isinstance(start, StreamEndEvent):
            stop(
                self.file,
                0,
                Code.EMPTY_FILE,
                "the file is empty",
                "Start it with “version: 1”, or remove it.",
            )
        if start.version is not None and tuple(start.version) != (1, 2):
            stop(
                self.file,
                0,
                Code.YAML_SYNTAX,
                "the file requires another version of YAML than 1.2",
                "Remove the %YAML line.",
            )
        value = self.node(parser, parser.get_event(), 0)
        parser.get_event()
        after = parser.get_event()
        if not isinstance(after, StreamEndEvent):
            stop(
                self.file,
                _at(after),
                Code.YAML_SYNTAX,
                "a second document begins here",
                "A file can hold only one document; remove the “---”.",
            )
        return value

    def node(self, parser: Any, event: Any, depth: int) -> Value:
        """The value that begins with ``event``."""
        kind = type(event)
        if kind is AliasEvent:
            return self.alias(event)
        if event.tag is not None:
            stop(
                self.file,
                _at(event),
                Code.CUSTOM_TAG,
                f"a tag ({event.tag}) is not allowed in a spec file",
                "Spec files are plain data; remove the tag and write the value itself.",
            )
        before = self.nodes
        self.nodes += 1
        anchor = event.anchor
        if anchor is not None:
            self.anchors[anchor] = None
        value: Value
        if kind is ScalarEvent:
            value = resolve(event.value) if event.implicit[0] and self.plain_doubts is None else self.scalar(event)
        elif depth >= MAX_DEPTH:
            stop(self.file, _at(event), Code.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels", "Flatten it.")
        else:
            value = self.collection(parser, event, depth + 1)
        if anchor is not None:
            self.anchors[anchor] = (value, self.nodes - before)
        return value

    def scalar(self, event: Any) -> Scalar:
        """The value of a scalar."""
        plain = event.implicit[0]
        doubts = self.plain_doubts if plain else self.doubts
        if doubts is not None:
            doubts.scalar(event, self.outer)
        return resolve(event.value) if plain else event.value

    def collection(self, parser: Any, event: Any, depth: int) -> YamlMap | YamlList:
        """The map or list that begins with ``event``."""
        outer = self.outer
        if not event.flow_style:
            self.outer = event.start_mark.column
        build = self.mapping if type(event) is MappingStartEvent else self.sequence
        value, end = build(parser, depth)
        self.outer = outer
        if event.flow_style and self.doubts is not None and (last := end.end_mark.line) != event.start_mark.line:
            self.doubts.indented(event.start_mark.line, last, outer, brackets=True)
        return value

    def mapping(self, parser: Any, depth: int) -> tuple[YamlMap, Any]:
        """The map whose start was just read, and the event that ends it."""
        result = YamlMap()
        keys_at, values_at = result.keys_at, result.values_at
        get_event, end, scalar = parser.get_event, MappingEndEvent, ScalarEvent
        doubtful = self.plain_doubts is not None
        while True:
            event = get_event()
            if type(event) is end:
                return result, event
            mark = event.start_mark
            at = mark.line << SHIFT | mark.column
            if type(event) is not scalar:
                stop(
                    self.file,
                    at,
                    Code.YAML_SYNTAX,
                    "a key must be a plain word or a quoted text",
                    "Quote a text that begins with *, { or [.",
                )
            if event.tag is not None or event.anchor is not None:
                stop(self.file, at, Code.CUSTOM_TAG, "a key cannot have a tag or an anchor", "Remove it.")
            key = event.value
            if doubtful or not event.implicit[0]:
                self.scalar(event)
            value_event = get_event()
            mark = value_event.start_mark
            value = self.node(parser, value_event, depth)
            if key in result:
                self.duplicate(key, at, keys_at[key])
                continue
            result[key] = value
            keys_at[key] = at
            values_at[key] = mark.line << SHIFT | mark.column

    def sequence(self, parser: Any, depth: int) -> tuple[YamlList, Any]:
        """The list whose start was just read, and the event that ends it."""
        result = YamlList()
        while True:
            event = parser.get_event()
            if type(event) is SequenceEndEvent:
                return result, event
            result.items_at.append(_at(event))
            result.append(self.node(parser, event, depth))

    def alias(self, event: Any) -> Value:
        """What an alias stands for, within the budget."""
        known = self.anchors.get(event.anchor)
        if known is None:
            what = "refers to itself" if event.anchor in self.anchors else "has no anchor"
            stop(self.file, _at(event), Code.YAML_SYNTAX, f"the alias *{event.anchor} {what}", "Write it out.")
        value, size = known
        self.nodes += size
        self.aliased += size
        if self.aliased > MAX_ALIASED_NODES:
            stop(
                self.file,
                _at(event),
                Code.ALIAS_BUDGET,
                f"the aliases of this file expand to more than {MAX_ALIASED_NODES:,} nodes",
                "Use a template for what offers share.",
            )
        return value  # type: ignore[no-any-return]

    def duplicate(self, key: str, at: int, first: int) -> None:
        """Note that ``key`` stands twice; the first one is kept."""
        self.diagnostics.append(
            Diagnostic(
                Code.DUPLICATE_KEY,
                f"the key “{key[:80]}” appears twice in this map",
                "Only one of them would be used, and which one depends on the parser.",
                "Rename or remove one of them.",
                position=unpack(self.file, at),
                related=(("first here", unpack(self.file, first)),),
            )
        )


def _at(event: Any) -> int:
    mark = event.start_mark
    return int(mark.line << SHIFT | mark.column)
