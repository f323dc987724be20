"""Contact keys as text: ``20417|1984-02-29``, the parts of a composite key joined by ``|`` (domain.md §2, space)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.rules.types import FieldType, Value
from offerkit.rules.values import parse_value, show

MAX_KEY = 4096
"""Characters of a key, at most."""


def split_key(text: str) -> list[str]:
    """The parts of a key; ``\\|`` is a bar and ``\\\\`` a backslash within a part."""
    parts = [""]
    escaped = False
    for character in text:
        if escaped:
            parts[-1] += character if character in "\\|" else "\\" + character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "|":
            parts.append("")
        else:
            parts[-1] += character
    if escaped:
        parts[-1] += "\\"
    return parts


def key_text(values: Iterable[Value]) -> str:
    """A key as text, which :func:`split_key` splits again; equal keys have equal texts."""
    return "|".join(show(value).replace("\\", "\\\\").replace("|", "\\|") for value in values)


def parse_key(text: str, keys: Sequence[str], types: Mapping[str, FieldType], zone: tzinfo) -> dict[str, Value]:
    """The values of ``keys`` in ``text``.

    Raises Refused, with one diagnostic for a wrong number of parts, or one for each part of the wrong type.
    """
    if len(text) > MAX_KEY:
        raise refuse(Code.CONTACT_KEY, f"the contact key has {len(text):,} characters; at most {MAX_KEY:,} are allowed")
    parts = split_key(text)
    if len(parts) != len(keys):
        raise _parts(len(parts), keys)
    values: dict[str, Value] = {}
    problems: list[Diagnostic] = []
    for name, part in zip(keys, parts, strict=True):
        try:
            values[name] = parse_value(part, types[name], zone)
        except ValueError as error:
            problems.append(_wrong(name, types[name], str(error)))
        else:
            if values[name] in (None, ""):
                problems.append(_wrong(name, types[name], "it is empty"))
    if problems:
        raise Refused(problems)
    return values


def _parts(count: int, keys: Sequence[str]) -> Refused:
    needed = f"{len(keys)} part is" if len(keys) == 1 else f"{len(keys)} parts are"
    was = "1 was" if count == 1 else f"{count} were"
    return refuse(
        Code.CONTACT_KEY,
        f"contacts are identified here by {'|'.join(keys)}: {needed} needed, {was} given",
        hint="Parts are joined by “|”; a bar within a part is written “\\|”.",
    )


def _wrong(name: str, type_: FieldType, reason: str) -> Diagnostic:
    return Diagnostic(
        Code.CONTACT_KEY,
        f"the contact key's part “{name}” is not a value of type {type_.base.value}: {reason}",
    )
