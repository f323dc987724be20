"""Documents → lines in canonical form. The one place where that form is decided, for fmt and export alike.

Two spaces for each level, keys in the order of their shape. On one line, if it ends before column 100: lists
of plain values, and maps of such values and lists, unless their shape says otherwise. Texts with line ends
are literal blocks, long ones are folded.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from offerkit.specs.nodes import Comment, Node
from offerkit.specs.quoting import (
    LINE,
    decimal,
    folded,
    indicators,
    literal,
    number,
    plain,
    plain_in_flow,
    quoted,
)
from offerkit.specs.shapes import Form, Shape

FLOW = 100
"""A list or map that would reach beyond this column is written with one item on each line."""


class YamlWriter:
    """Collects lines. ``authored``: maps by name keep their order, since a person chose it."""

    def __init__(self, *, authored: bool = False, reorder: bool = True) -> None:
        """Nothing is written yet; ``reorder`` false leaves even known keys in their order."""
        self.lines: list[str] = []
        self._authored = authored
        self._reorder = reorder

    def map(self, node: Node, shape: Shape, indent: int, dash: str = "") -> None:
        """The entries of a map; ``dash`` begins the first line where the map is an item of a list."""
        assert isinstance(node.value, dict)
        margin = " " * indent
        for index, (key, child) in enumerate(self._ordered(node.value, shape)):
            on_dash = bool(dash) and index == 0
            self._above(child, indent - 2 if on_dash else indent, fresh=index == 0)
            self.put(f"{dash if on_dash else margin}{key_text(key)}:", child, shape.below(key), indent)
        self._comments(node.foot, indent, fresh=False)

    def put(self, head: str, node: Node, shape: Shape, indent: int) -> None:
        """A value after ``head`` (``key:`` or ``-``), which stands at ``indent``."""
        value = node.value
        if node.anchor:
            head = f"{head} &{node.anchor}"
        if isinstance(value, str) and not node.alias:
            self._text(head, node, value, shape, indent)
            return
        line = self._on_one_line(node, shape, FLOW - len(head) - 1)
        if line is not None and (line[0] not in "[{" or not value or _fits(head, line, node.beside)):
            self._line(f"{head} {line}", node.beside)
        elif head.endswith("-") and isinstance(value, dict) and not node.anchor:
            if node.beside is not None:
                self._comments([node.beside], indent, fresh=True)
            self.map(node, shape, indent + 2, f"{head} ")
        else:
            self._line(head, node.beside)
            if isinstance(value, dict):
                self.map(node, shape, indent + 2)
            else:
                self._list(node, shape, indent + 2)

    def _list(self, node: Node, shape: Shape, indent: int) -> None:
        assert isinstance(node.value, list)
        head = " " * indent + "-"
        for index, child in enumerate(node.value):
            self._above(child, indent, fresh=index == 0)
            self.put(head, child, shape.below(""), indent)
        self._comments(node.foot, indent, fresh=False)

    def _ordered(self, value: dict[str, Node], shape: Shape) -> Iterable[tuple[str, Node]]:
        if shape.form is Form.NAMES:
            if self._authored or not shape.first:
                return value.items()
            ranks = {key: index for index, key in enumerate(shape.first)}
            return sorted(value.items(), key=lambda pair: ranks.get(pair[0], len(ranks)))
        if not self._reorder:
            return value.items()
        known = [(key, value[key]) for key in shape.keys if key in value]
        return known if len(known) == len(value) else [*known, *(p for p in value.items() if p[0] not in shape.keys)]

    def _on_one_line(self, node: Node, shape: Shape, room: int) -> str | None:
        """The value in flow style, if it may and can stand there; comments beside it do not matter."""
        value = node.value
        if node.alias:
            return f"*{node.alias}"
        if isinstance(value, str):
            return self._in_flow(value, node, shape)
        if isinstance(value, dict):
            if _short(node, shape):
                return self._on_one_line(value[shape.short], shape.below(shape.short), room)
            return None if value and (shape.block or node.foot) else self._flow(value, shape, room)
        if isinstance(value, list):
            return None if node.foot else self._flow(value, shape, room)
        return "null" if value is None else "true" if value else "false"

    def _flow(self, value: dict[str, Node] | list[Node], shape: Shape, room: int) -> str | None:
        """The items between brackets: plain values, and in a map lists of them."""
        is_map = isinstance(value, dict)
        parts: list[str] = []
        for key, child in self._ordered(value, shape) if isinstance(value, dict) else [("", child) for child in value]:
            below = shape.below(key)
            deep = isinstance(child.value, dict) or (isinstance(child.value, list) and not is_map)
            if not child.bare or (deep and child.value and not _short(child, below)):
                return None
            text = self._on_one_line(child, below, room)
            if text is None:
                return None
            if child.anchor:
                text = f"&{child.anchor} {text}"
            parts.append(f"{key_text(key)}: {text}" if is_map else text)
            room -= len(parts[-1]) + 2
            if room < 0:
                return None
        inner = ", ".join(parts)
        return f"{{{inner}}}" if is_map else f"[{inner}]"

    def _in_flow(self, value: str, node: Node, shape: Shape) -> str | None:
        """A text in flow style; None where a block is better or needed."""
        if node.lines or "\n" in value:
            return None
        if _unquoted_number(value, shape) or plain_in_flow(value):
            return value
        return None if shape.form is Form.SQL and plain(value) else quoted(value)

    def _text(self, head: str, node: Node, value: str, shape: Shape, indent: int) -> None:
        block: tuple[str, list[str]] | None = None
        line = value
        if node.lines:
            block = ">" + indicators(value, list(node.lines)), list(node.lines)
        elif (
            _unquoted_number(value, shape) or plain(value) or ("\n" in value and (block := literal(value)) is not None)
        ):
            pass
        else:
            line = quoted(value)
        if block is None and len(head) + 1 + len(line) > LINE:
            lines = folded(value, LINE - indent - 2)
            block = (">-", lines) if lines is not None else None
        if block is None:
            self._line(f"{head} {line}", node.beside)
            return
        self._line(f"{head} {block[0]}", node.beside)
        margin = " " * (indent + 2)
        self.lines += [margin + part if part else "" for part in block[1]]

    def _above(self, node: Node, indent: int, *, fresh: bool) -> None:
        self._comments(node.above, indent, fresh=fresh)
        if node.blank and not (fresh and not node.above):
            self._blank()

    def _comments(self, comments: Iterable[Comment], indent: int, *, fresh: bool) -> None:
        for comment in comments:
            if comment.blank and not fresh:
                self._blank()
            self.lines.append(" " * indent + comment.text)
            fresh = False

    def _blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def _line(self, text: str, beside: Comment | None) -> None:
        if beside is not None:
            text = text.ljust(max(beside.column, len(text) + 2)) + beside.text
        self.lines.append(text)


def _short(node: Node, shape: Shape) -> bool:
    """Whether one key's value says all that the map says."""
    value = node.value
    if not shape.short or not isinstance(value, dict) or len(value) != 1 or node.anchor or node.foot:
        return False
    return shape.short in value and value[shape.short].bare


def _fits(head: str, line: str, beside: Comment | None) -> bool:
    """Whether a comment behind a list or map on one line can still be read there."""
    return beside is None or len(head) + len(line) + 3 + len(beside.text) <= LINE


@lru_cache(maxsize=4096)
def key_text(name: str) -> str:
    """A key as it is written: quoted where another reader would take it for something else than text."""
    return name if plain_in_flow(name) else quoted(name)


def _unquoted_number(value: str, shape: Shape) -> bool:
    return (shape.form is Form.NUMBER and number(value)) or (shape.form is Form.EITHER and decimal(value))
