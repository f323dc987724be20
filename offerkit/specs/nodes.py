"""A document to be written: values with their comments, anchors and line folds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from offerkit.fingerprint import Json


class Comment(NamedTuple):
    """A comment with its “#”, the column to begin in if there is room, and whether a blank line stands before it."""

    text: str
    column: int = 0
    blank: bool = False


NodeValue: TypeAlias = "str | bool | dict[str, Node] | list[Node] | None"


class Node:
    """A value and what belongs to it.

    ``above``: comments on lines of their own before it; ``beside``: the one on its line; ``foot``: those at
    the end of a map or list. ``blank``: a blank line stands before it. ``lines``: where a folded text was
    broken. Only what differs from the class's values is set on a node, so that plain ones stay small.
    """

    above: tuple[Comment, ...] = ()
    beside: Comment | None = None
    foot: tuple[Comment, ...] = ()
    blank: bool = False
    anchor: str = ""
    alias: str = ""
    lines: tuple[str, ...] = ()

    def __init__(self, value: NodeValue) -> None:
        """A value without anything beside it."""
        self.value = value

    @property
    def bare(self) -> bool:
        """Whether no comment belongs to it, so that it can stand on one line with others."""
        return not (self.above or self.beside or self.foot)


def node_of(value: Json | Mapping[str, Json]) -> Node:
    """A canonical body as a document."""
    if isinstance(value, str | bool) or value is None:
        return Node(value)
    if isinstance(value, Mapping):
        return Node({key: node_of(item) for key, item in value.items()})
    if isinstance(value, list):
        return Node([node_of(item) for item in value])
    return Node(str(value))
