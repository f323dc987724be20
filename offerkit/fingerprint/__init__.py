"""Canonical bytes and the fingerprints that name them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import orjson

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
"""What canonical bytes may hold. No floats: numbers with a fraction travel as text."""
JsonMap: TypeAlias = dict[str, Json]
"""A resource's body, or a part of it."""
JsonPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands inside a body: keys, and positions in lists."""


def path_text(path: Sequence[str | int]) -> str:
    """``weights[1].formula``: a path as it is shown everywhere, with the items of lists counted from 1."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def json_map(value: Json) -> JsonMap:
    """``value`` if it is a map, else an empty one: for a part of a body that may be missing."""
    return value if isinstance(value, dict) else {}


def canonical(value: object) -> bytes:
    """The one JSON spelling of ``value``: keys sorted, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def fingerprint(kind: str, body: bytes) -> str:
    """The name of a resource body: sha256 over its kind and canonical bytes, 64 hexadecimal digits.

    The address is not part of it, so that a renamed resource keeps its fingerprint.
    """
    return hashlib.sha256(kind.encode() + b"\n" + body).hexdigest()


def digest(*parts: bytes) -> str:
    """sha256 over ``parts``, each preceded by its length so that no two sequences share a digest."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(b"%d:" % len(part))
        hasher.update(part)
    return hasher.hexdigest()


def manifest_digest(entries: Iterable[tuple[str, str, str]]) -> str:
    """The digest of a stage: over its (address, fingerprint, activation) entries, in address order.

    ``activation`` is the comma-joined list of spaces an offer is live on, ``-`` where it does not apply.
    """
    lines = [f"{address} {print_} {activation}\n" for address, print_, activation in sorted(entries)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
