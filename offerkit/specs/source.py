"""A file → a document with the comments, blank lines, anchors and folds that its author gave it.

Made from the same events that loading reads, with the comments found between them: ruamel's round-trip loader
takes 20 times as long, and moves comments away from what they are about when keys change their order.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from offerkit.diagnostics import Refused
from offerkit.specs.comments import TO_LINE_END, Written, attach, scan
from offerkit.specs.quoting import indicators
from offerkit.specs.scalars import resolve
from offerkit.specs.yaml12_text import LINE_END
from offerkit.specs.yaml_events import parse
from offerkit.specs.yaml_parsers import Doubts, Events, built


def read(content: bytes) -> Written:
    """The document of a file that loads without a mistake."""
    root, text, scalars = _document(content)
    attach(root, text, scan(text, scalars))
    return root


def comments(content: bytes) -> list[str]:
    """The texts of all comments of a file, sorted: formatting may lose none."""
    _, text, scalars = _document(content)
    return sorted(found.text for found in scan(text, scalars))


def _document(content: bytes) -> tuple[Written, str, list[tuple[int, int]]]:
    text = content.decode("utf-8-sig")

    def build(events: Events, _: Doubts | None) -> _Builder:
        builder = _Builder(text, events)
        builder.root = builder.document()
        return builder

    builder = built(content, text, build)
    return builder.root, text, builder.scalars


class _Builder:
    """Events → nodes; also notes which stretches of the text are scalars, where “#” is no comment."""

    root: Written

    def __init__(self, text: str, parser: Events) -> None:
        self.text = text
        self.scalars: list[tuple[int, int]] = []
        self.parser = parser

    def document(self) -> Written:
        """The only document."""
        self.parser.get_event()
        self.parser.get_event()
        return self.node(self.parser.get_event())

    def node(self, event: Any) -> Written:
        node = Written(event)
        if type(event) is AliasEvent:
            node.alias = event.anchor
            return node
        if event.anchor is not None:
            node.anchor = event.anchor
        if type(event) is ScalarEvent:
            self._scalar(node, event)
        elif type(event) is MappingStartEvent:
            self._map(node)
        else:
            self._list(node)
        return node

    def _scalar(self, node: Written, event: Any) -> None:
        node.value = resolve(event.value) if event.implicit[0] else event.value
        start = node.start
        if event.style in ("|", ">"):
            node.tail = self.text.index(event.style, start + len(node.anchor))
            start = TO_LINE_END.match(self.text, node.tail).end()  # type: ignore[union-attr]
            node.lines = self._folds(event, start) if event.style == ">" else ()
        self.scalars.append((start, node.end))

    def _folds(self, event: Any, start: int) -> tuple[str, ...]:
        """The lines of a folded text of several lines, if writing them again gives the same text."""
        lines = LINE_END.split(self.text[start : event.end_mark.index])[1:]
        while lines and not lines[-1].strip():
            lines.pop()
        depth = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
        lines = [line[depth:] for line in lines]
        if len(lines) < 2 or event.value.endswith("\n\n"):
            return ()
        snippet = "".join(f"  {line}\n" if line else "\n" for line in lines)
        header = ">" + indicators(event.value, lines)
        try:
            again, _ = parse("", f"- {header}\n{snippet}".encode())
        except Refused:
            return ()
        return tuple(lines) if again == [event.value] else ()

    def _map(self, node: Written) -> None:
        node.value = below = {}
        while type(event := self.parser.get_event()) is not MappingEndEvent:
            key_start, key_end = event.start_mark.index, event.end_mark.index
            self.scalars.append((key_start, key_end))
            child = self.node(self.parser.get_event())
            child.entry = key_start
            below[event.value] = child
        node.end = node.tail = event.end_mark.index

    def _list(self, node: Written) -> None:
        node.value = below = []
        while type(event := self.parser.get_event()) is not SequenceEndEvent:
            below.append(self.node(event))
        node.end = node.tail = event.end_mark.index
