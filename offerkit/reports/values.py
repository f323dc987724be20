"""Field values on one line, or as YAML-like lines."""

from __future__ import annotations

import re
from typing import assert_never

from offerkit.fingerprint import Json
from offerkit.reports.escape import clip
from offerkit.reports.style import ALL

_BARE = re.compile(r"-?\d+(?:\.\d+)?|\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)?)?")
"""Numbers and dates are text in canonical bodies, but are shown without quotes."""
_NEEDS_QUOTES = re.compile(
    r"^$|^[\s\[\]{}&*!|>%@`\"'#,?-]|[:\s]$|: | #|^(?:true|false|yes|no|on|off|null|~)$", re.IGNORECASE
)
_FIRST = {
    key: place
    for place, key in enumerate(
        (
            *("label", "name", "title", "type", "verb", "filter", "offer", "category", "theme", "channel"),
            *("enabled", "weight", "factor", "from", "min"),
        )
    )
}
_STRING = 100
"""Characters of one string in a list of fields."""


def quoted(text: str) -> str:
    """``text`` between double quotes."""
    return '"' + text.replace('"', '\\"') + '"'


def inline(value: Json) -> str:
    """``value`` on one line, texts quoted, as in ``"old" → "new"``."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return value if _BARE.fullmatch(value) else quoted(value)
        case list():
            return "[" + ", ".join(inline(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{key}: {inline(value[key])}" for key in ordered_keys(value)) + "}"
        case _ as never:
            assert_never(never)


def ordered_keys(value: dict[str, Json]) -> list[str]:
    """The keys in the order users write them: identifying keys first, the rest by name."""
    return sorted(value, key=lambda key: (_FIRST.get(key, len(_FIRST)), key))


def yaml_lines(value: Json, width: int, most: int) -> list[str]:
    """``value`` as YAML-like lines; no field takes more than ``most`` lines."""
    match value:
        case dict():
            return [line for key in ordered_keys(value) for line in _entry(key, value[key], width, most)]
        case list():
            return [line for item in value for line in _item(item, width, most)]
        case str() if "\n" in value:
            return _cut(value.rstrip("\n").split("\n"), most)
        case _:
            return [_plain(value, most)]


def _entry(key: str, value: Json, width: int, most: int) -> list[str]:
    """``key: value``, on one line where it fits."""
    if isinstance(value, str) and "\n" in value:
        return [f"{key}: |", *(f"  {line}" for line in yaml_lines(value, width, most))]
    short = _plain(value, most)
    if not isinstance(value, dict | list) or (len(key) + len(short) + 2 <= width and _flat(value)):
        return [f"{key}: {short}"]
    return [f"{key}:", *(f"  {line}" for line in yaml_lines(value, width - 2, most))]


def _item(value: Json, width: int, most: int) -> list[str]:
    """``- value``, on one line where it fits."""
    short = _plain(value, most)
    if not isinstance(value, dict | list) or (len(short) + 2 <= width and _flat(value)):
        return [f"- {short}"]
    lines = yaml_lines(value, width - 2, most)
    return [f"{'  ' if index else '- '}{line}" for index, line in enumerate(lines)]


def _flat(value: Json) -> bool:
    """Whether a map or list reads well on one line: few plain values."""
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    plain = [item for item in items if not isinstance(item, dict)]
    lists = [item for item in plain if isinstance(item, list)]
    return len(plain) == len(items) and not any(isinstance(item, dict | list) for part in lists for item in part)


def _plain(value: Json, most: int) -> str:
    """``value`` on one line, quoted only where YAML needs it."""
    match value:
        case str():
            if _BARE.fullmatch(value):
                return value
            cut = clip(value, _STRING) if most < ALL else value
            text = quoted(cut) if _NEEDS_QUOTES.search(cut) else cut
            return text if cut == value else f"{text} ({len(value):,} characters)"
        case list():
            return "[" + ", ".join(_plain(item, most) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{key}: {_plain(value[key], most)}" for key in ordered_keys(value)) + "}"
        case _:
            return inline(value)


def _cut(lines: list[str], most: int) -> list[str]:
    """The first ``most`` lines, each of them clipped, then how many more there are."""
    shown = [clip(line, _STRING) for line in lines[:most]] if most < ALL else lines
    return shown + ([f"… {len(lines) - most:,} more lines"] if len(lines) > most else [])
