"""What a YAML document becomes: plain Python values, with the line and column of every key and value beside them."""

from __future__ import annotations

from typing import Any, NoReturn, TypeAlias

from offerkit.diagnostics import Code, Diagnostic, Position, Refused
from offerkit.specs.scalars import Scalar

Value: TypeAlias = "Scalar | YamlMap | YamlList"
SHIFT = 24
"""Positions are packed as line << 24 | column: one small integer instead of a tuple per node.

No file is longer than 2^24 bytes (limits.py), so no column is."""


class YamlMap(dict[str, Any]):
    """A map with the positions of its keys and values, by key; values behind a key, a colon and a space have none."""

    __slots__ = ("keys_at", "values_at")

    def __init__(self) -> None:
        """An empty map."""
        self.keys_at: dict[str, int] = {}
        self.values_at: dict[str, int] = {}

    def value_position(self, key: str) -> int:
        """The packed position of the value of ``key``."""
        at = self.values_at.get(key)
        return self.keys_at[key] + len(key) + 2 if at is None else at


class YamlList(list[Any]):
    """A list with the positions of its items."""

    __slots__ = ("items_at",)

    def __init__(self) -> None:
        """An empty list."""
        self.items_at: list[int] = []


def unpack(file: str, packed: int) -> Position:
    """The position that a packed integer stands for, counted from 1."""
    return Position(file, (packed >> SHIFT) + 1, (packed & ((1 << SHIFT) - 1)) + 1)


def stop(file: str, at: int, code: Code, summary: str, hint: str) -> NoReturn:
    """Raise Refused: reading ``file`` cannot go on at a packed position."""
    raise Refused([Diagnostic(code, summary, hint=hint, position=unpack(file, at))])


def locate(value: Value, path: tuple[str | int, ...], *, on_key: bool = False) -> int:
    """The packed position of the entry at ``path``: its key if ``on_key``, else its value.

    If the path does not exist, the position of its last part that does.
    """
    at = 0
    for place, part in enumerate(path):
        last = place == len(path) - 1
        if isinstance(value, YamlMap) and part in value:
            at = value.keys_at[str(part)] if last and on_key else value.value_position(str(part))
            if not last and (isinstance(value[str(part)], YamlMap | YamlList)) and path[place + 1 :]:
                at = value.keys_at[str(part)]
            value = value[str(part)]
        elif isinstance(value, YamlList) and isinstance(part, int) and part < len(value):
            at = value.items_at[part]
            value = value[part]
        else:
            break
    return at


def value_at(value: Value, path: tuple[str | int, ...]) -> Value:
    """The value at ``path``; None if the path does not exist."""
    for part in path:
        if isinstance(value, YamlMap) and part in value:
            value = value[str(part)]
        elif isinstance(value, YamlList) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def text_at(value: Value, path: tuple[str | int, ...]) -> str:
    """The text that stands at ``path``; empty where none does."""
    diagnostics = value_at(value, path)
    return diagnostics if isinstance(diagnostics, str) else ""
