"""A file → a document with the comments, blank lines, anchors and folds that its author gave it.

Made from the same events that loading reads, with the comments found between them: ruamel's round-trip loader
takes 20 times as long, and moves comments away from what they are about when keys change their order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from offerkit.diagnostics import Refused
from offerkit.specs.nodes import Comment, Node
from offerkit.specs.quoting import indicators
from offerkit.specs.scalars import resolve
from offerkit.specs.yaml12_scanner import LINE_END
from offerkit.specs.yaml_parsers import Doubts, Events, built
from offerkit.specs.yaml_reader import parse


def read(content: bytes) -> CommentedNode:
    """The document of a file that loads without a mistake."""
    root, text, scalars = _document(content)
    attach(root, text, scan(text, scalars))
    return root


def comments(content: bytes) -> list[str]:
    """The texts of all comments of a file, sorted: formatting may lose none."""
    _, text, scalars = _document(content)
    return sorted(comment.text for comment in scan(text, scalars))


def _document(content: bytes) -> tuple[CommentedNode, str, list[tuple[int, int]]]:
    text = content.decode("utf-8-sig")

    def build(events: Events, _: Doubts | None) -> _DocumentBuilder:
        builder = _DocumentBuilder(text, events)
        builder.root = builder.document()
        return builder

    builder = built(content, text, build)
    return builder.root, text, builder.scalars


class _DocumentBuilder:
    """Events → nodes; also notes which stretches of the text are scalars, where “#” is no comment."""

    root: CommentedNode

    def __init__(self, text: str, parser: Events) -> None:
        self.text = text
        self.scalars: list[tuple[int, int]] = []
        self.parser = parser

    def document(self) -> CommentedNode:
        """The only document."""
        self.parser.get_event()
        self.parser.get_event()
        return self.node(self.parser.get_event())

    def node(self, event: Any) -> CommentedNode:
        node = CommentedNode(event)
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

    def _scalar(self, node: CommentedNode, event: Any) -> None:
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

    def _map(self, node: CommentedNode) -> None:
        node.value = children = {}
        while type(event := self.parser.get_event()) is not MappingEndEvent:
            key_start, key_end = event.start_mark.index, event.end_mark.index
            self.scalars.append((key_start, key_end))
            child = self.node(self.parser.get_event())
            child.entry = key_start
            children[event.value] = child
        node.end = node.tail = event.end_mark.index

    def _list(self, node: CommentedNode) -> None:
        node.value = children = []
        while type(event := self.parser.get_event()) is not SequenceEndEvent:
            children.append(self.node(event))
        node.end = node.tail = event.end_mark.index


TO_LINE_END = re.compile("[^\n\r]*")


class CommentedNode(Node):
    """A node with its positions, as offsets into the text.

    ``entry``: its key or dash. ``start``, ``end``: its value. ``tail``: the place whose line may have a comment
    about it.
    """

    def __init__(self, event: Any) -> None:
        """The node that begins with ``event``."""
        super().__init__(None)
        start = event.start_mark
        self.start: int = start.index
        self.end: int = event.end_mark.index
        self.tail: int = self.end
        self.entry: int = start.index
        self.in_flow: bool = bool(getattr(event, "flow_style", False))

    @property
    def children(self) -> list[CommentedNode]:
        """The nodes that it holds, in the order of the file."""
        value = self.value
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [item for item in items if isinstance(item, CommentedNode)]

    @property
    def is_block(self) -> bool:
        """Whether it is a map or list in block style."""
        return isinstance(self.value, dict | list) and not self.in_flow and not self.alias


@dataclass(slots=True)
class FoundComment:
    """A comment in the text; ``own``: only spaces precede it on its line."""

    at: int
    column: int
    text: str
    own: bool
    blank: bool

    def kept(self) -> Comment:
        """The comment as a node keeps it."""
        return Comment(self.text, self.column, self.blank)


class _Lines:
    """The lines of a text, asked for in ascending order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in LINE_END.finditer(text))]
        self._line = 0

    def start(self, at: int) -> int:
        """Where the line begins that ``at`` lies in."""
        starts = self._starts
        while self._line + 1 < len(starts) and starts[self._line + 1] <= at:
            self._line += 1
        while starts[self._line] > at:
            self._line -= 1
        return starts[self._line]

    def blank_above(self, at: int) -> bool:
        """Whether the line above the one of ``at`` is blank."""
        start = self.start(at)
        return self._line > 0 and not self._text[self._starts[self._line - 1] : start].strip()


def scan(text: str, scalars: list[tuple[int, int]]) -> list[FoundComment]:
    """Every comment: what begins with “#” outside of scalars, whose stretches are given in order."""
    comments: list[FoundComment] = []
    lines = _Lines(text)
    begins = [0, *(end for _, end in scalars)]
    ends = [*(start for start, _ in scalars), len(text)]
    for begin, end in zip(begins, ends, strict=True):
        at = text.find("#", begin, end)
        while at != -1:
            start = lines.start(at)
            if at > start and text[at - 1] not in " \t":  # part of an anchor's name
                at = text.find("#", at + 1, end)
                continue
            stop = _line_end(text, at)
            if begin or not text.startswith("%", start):
                before = text[start:at].rstrip(" \t")
                # Behind something, the column is only worth keeping where somebody aligned it.
                aligned = not before or at - start - len(before) > 2
                column = at - start if aligned else 0
                comments.append(FoundComment(at, column, text[at:stop].rstrip(), not before, lines.blank_above(at)))
            at = text.find("#", stop, end)
    return comments


def _line_end(text: str, at: int) -> int:
    match = TO_LINE_END.match(text, at)
    assert match is not None
    return match.end()


def attach(root: CommentedNode, text: str, found: Iterable[FoundComment]) -> None:
    """Give every comment, and every blank line between entries, to the node it belongs to."""
    _Placer(text, found).place(root)


class _Placer:
    """Walks the document in the order of the file and hands out the comments it passes."""

    def __init__(self, text: str, found: Iterable[FoundComment]) -> None:
        self._text = text
        self._lines = _Lines(text)
        self._pending = list(found)[::-1]
        self._stretches = [(comment.at, comment.at + len(comment.text)) for comment in reversed(self._pending)]

    def place(self, root: CommentedNode) -> None:
        """Hand out everything."""
        self._dashes(root)
        end = len(self._text) + 1
        if root.children:
            self._below(root, end, -1)
            # A comment behind “---” has no line of its own, so it moves above the first entry.
            beside, first = (root.beside,) if root.beside is not None else (), root.children[0]
            first.above = (*beside, *root.above, *first.above)
            root.beside, root.above = None, ()
        root.foot += tuple(self._take(end))

    def _dashes(self, parent: CommentedNode) -> None:
        """Let the items of lists in block style begin at their dashes."""
        at = parent.start + (len(parent.anchor) + 1 if parent.anchor else 0)
        for child in parent.children:
            if isinstance(parent.value, list) and parent.is_block:
                child.entry = self._dash(at, child.start)
                at = child.end
            self._dashes(child)

    def _dash(self, at: int, end: int) -> int:
        """The first dash from ``at`` on that is in no comment."""
        dash = self._text.find("-", at, end)
        for start, stop in self._stretches[bisect_left(self._stretches, (at, 0)) :]:
            if dash < start:
                break
            dash = self._text.find("-", stop, end)
        return dash

    def _take(self, until: int, *, own: bool | None = None, column: int = 0) -> Iterable[Comment]:
        """The next comments before ``until``, up to the first one that is not ``own`` or is left of ``column``."""
        pending = self._pending
        while pending and pending[-1].at < until and pending[-1].column >= column and own in (None, pending[-1].own):
            yield pending.pop().kept()

    def _below(self, parent: CommentedNode, until: int, outer: int) -> None:
        """Place the comments inside a map or list that ends before ``until``; ``outer``: the column of its parent."""
        children = parent.children
        column = children[0].entry - self._lines.start(children[0].entry)
        before = parent
        for child, following in zip(children, [*(child.entry for child in children[1:]), until], strict=True):
            _beside(before, self._take(child.entry, own=False))
            child.above = tuple(self._take(child.entry))
            child.blank = parent.is_block and self._lines.blank_above(child.entry)
            self._entry(child, following, column)
            before = child
        if parent.is_block:
            parent.foot += tuple(self._take(until, own=True, column=max(column, outer + 1)))
        else:
            _beside(before, self._take(parent.end, own=False))
            parent.foot += tuple(self._take(parent.end))

    def _entry(self, child: CommentedNode, until: int, outer: int) -> None:
        """Place the comments between a key or dash and the end of its value."""
        if child.is_block and child.children:
            _beside(child, self._take(child.children[0].entry, own=False))
            self._below(child, until, outer)
            return
        _beside(child, self._take(child.start, own=False))
        child.above += tuple(self._take(child.start))
        if child.children:
            self._below(child, child.end, -1)
        _beside(child, self._take(min(_line_end(self._text, child.tail), until), own=False))


def _beside(node: Node, comments: Iterable[Comment]) -> None:
    """Put the first comment beside a node, and the others above it."""
    for comment in comments:
        if node.beside is None:
            node.beside = comment
        else:
            node.above += (comment,)
