"""A file → a document with the comments, blank lines, anchors and folds that its author gave it.

Made from the same events that loading reads, with the comments found between them: ruamel's round-trip loader
takes 20 times as long, and moves comments away from what they are about when keys change their order.
"""

from __future__ import annotations

from typing import Any

import _ruamel_yaml as c

from offerkit.loader.comments import LINE_END, TO_LINE_END, Written, attach, scan
from offerkit.loader.quoting import indicators
from offerkit.loader.scalars import resolve


def read(content: bytes) -> Written:
    """The document of a file that loads without a mistake."""
    builder = _Builder(content)
    root = builder.document()
    attach(root, builder.text, scan(builder.text, builder.scalars))
    return root


def comments(content: bytes) -> list[str]:
    """The texts of all comments of a file, sorted: formatting may lose none."""
    builder = _Builder(content)
    builder.document()
    return sorted(found.text for found in scan(builder.text, builder.scalars))


class _Builder:
    """Events → nodes; also notes which stretches of the text are scalars, where “#” is no comment."""

    def __init__(self, content: bytes) -> None:
        self.text = content.decode("utf-8-sig")
        self.scalars: list[tuple[int, int]] = []
        self.parser = c.CParser(content)

    def document(self) -> Written:
        """The only document."""
        self.parser.get_event()
        self.parser.get_event()
        return self.node(self.parser.get_event())

    def node(self, event: Any) -> Written:
        node = Written(event)
        if type(event) is c.AliasEvent:
            node.alias = event.anchor
            return node
        if event.anchor is not None:
            node.anchor = event.anchor
        if type(event) is c.ScalarEvent:
            self._scalar(node, event)
        elif type(event) is c.MappingStartEvent:
            self._map(node)
        else:
            self._list(node)
        return node

    def _scalar(self, node: Written, event: Any) -> None:
        node.value = resolve(event.value) if event.implicit[0] else event.value
        start = node.start
        if event.style in ("|", ">"):
            node.tail = self.text.index(event.style, start)
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
        parser = c.CParser(f"- {header}\n{snippet}".encode())
        for _ in range(3):
            parser.get_event()
        try:
            same = parser.get_event().value == event.value
        except c.YAMLError:
            same = False
        return tuple(lines) if same else ()

    def _map(self, node: Written) -> None:
        node.value = below = {}
        while type(event := self.parser.get_event()) is not c.MappingEndEvent:
            key_start, key_end = event.start_mark.index, event.end_mark.index
            self.scalars.append((key_start, key_end))
            child = self.node(self.parser.get_event())
            child.entry = key_start
            below[event.value] = child
        node.end = node.tail = event.end_mark.index

    def _list(self, node: Written) -> None:
        node.value = below = []
        while type(event := self.parser.get_event()) is not c.SequenceEndEvent:
            below.append(self.node(event))
        node.end = node.tail = event.end_mark.index
