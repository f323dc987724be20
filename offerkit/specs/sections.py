"""A file's document → raw resources: the version, the sections, the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from offerkit.address import SECTION_OF, SECTIONS, SHARED, SHARED_KINDS, Address, Kind, valid_name
from offerkit.diagnostics import Code, Diagnostic, suggestion
from offerkit.specs.project import SpecFile
from offerkit.specs.yaml_values import Value, YamlMap, locate, unpack

VERSION = "1"
MOVED = "moved"


class RawResource(NamedTuple):
    """A resource as written: its address, its value, and the path to it in its file's document."""

    address: Address
    value: Value
    path: tuple[str | int, ...]


class Move(NamedTuple):
    """A rename: from one address to another, and the path of its entry."""

    before: Address
    after: Address
    path: tuple[str | int, ...]


def sections(file: SpecFile, document: Value, diagnostics: list[Diagnostic]) -> Iterator[RawResource]:
    """The raw resources of ``document``; mistakes are appended to ``diagnostics``."""
    if not isinstance(document, YamlMap):
        what = "a list" if isinstance(document, list) else "a single value"
        diagnostics.append(
            Diagnostic(
                Code.WRONG_TYPE,
                f"a spec file is a map of sections, not {what}",
                hint="Start it with “version: 1”, then a section such as “offers:”.",
                position=unpack(file.path, 0),
            )
        )
        return
    if not _right_version(file, document, diagnostics):
        return
    for section, value in document.items():
        if section in ("version", MOVED):
            continue
        if file.declares:
            if section == "environment":
                yield RawResource(Address(file.environment, Kind.ENVIRONMENT, file.environment), value, (section,))
            else:
                diagnostics.append(_unknown_section(file, document, section, ["environment", "version"]))
            continue
        kind = SECTIONS.get(section)
        if kind is None:
            diagnostics.append(_unknown_section(file, document, section, [*SECTIONS, MOVED, "version"]))
        elif (kind in SHARED_KINDS) != (file.environment == SHARED):
            diagnostics.append(_misplaced(file, document, section, kind))
        else:
            yield from _resources(file, document, section, kind, diagnostics)
    if file.declares and "environment" not in document:
        diagnostics.append(
            Diagnostic(
                Code.MISSING,
                "the file declares no environment",
                hint="Add “environment:” with its dimension.",
                position=unpack(file.path, 0),
            )
        )


def _right_version(file: SpecFile, document: YamlMap, diagnostics: list[Diagnostic]) -> bool:
    if document.get("version") == VERSION:
        return True
    if "version" not in document:
        summary, hint = "the file has no version", "Write “version: 1” as its first line."
    else:
        summary = f"version {document['version']!s:.40} is not supported by this offerkit"
        hint = "Write “version: 1”, or use a newer offerkit."
    position = unpack(file.path, locate(document, ("version",)))
    diagnostics.append(Diagnostic(Code.VERSION, summary, hint=hint, position=position))
    return False


def _unknown_section(file: SpecFile, document: YamlMap, section: str, known: list[str]) -> Diagnostic:
    return Diagnostic(
        Code.UNKNOWN_KEY,
        f"there is no section “{section[:80]}” in this file",
        hint=suggestion(section, known),
        position=unpack(file.path, document.keys_at[section]),
    )


def _misplaced(file: SpecFile, document: YamlMap, section: str, kind: Kind) -> Diagnostic:
    if kind in SHARED_KINDS:
        summary, hint = f"{section} are shared by all environments", "Move the section to a file directly in specs/."
    else:
        summary = f"{section} belong to an environment"
        hint = "Move the section to a file in specs/ENVIRONMENT/."
    return Diagnostic(Code.MISPLACED, summary, hint=hint, position=unpack(file.path, document.keys_at[section]))


def _resources(
    file: SpecFile, document: YamlMap, section: str, kind: Kind, diagnostics: list[Diagnostic]
) -> Iterator[RawResource]:
    content = document[section]
    if content is None:
        return
    if not isinstance(content, YamlMap):
        what = "a list" if isinstance(content, list) else "a single value"
        diagnostics.append(
            Diagnostic(
                Code.WRONG_TYPE,
                f"{section} is a map by name, not {what}",
                hint=f"Write “{section}:” and below it “NAME:” for each.",
                position=unpack(file.path, document.value_position(section)),
            )
        )
        return
    for name, value in content.items():
        if valid_name(kind, name):
            yield RawResource(Address(file.environment, kind, name), value, (section, name))
        else:
            diagnostics.append(_bad_name(file, content, name, kind))


def _bad_name(file: SpecFile, content: YamlMap, name: str, kind: Kind) -> Diagnostic:
    shown = name[:60] + "…" if len(name) > 60 else name
    path = ", up to eight parts joined by “/”" if kind is Kind.CATEGORY else ""
    return Diagnostic(
        Code.BAD_NAME,
        f"“{shown}” cannot name a {kind}",
        f"Names are used in addresses and file names: ASCII letters, digits, - and _, at most 64 characters{path}.",
        "Choose a name of this form, and set label to the name to display.",
        position=unpack(file.path, content.keys_at[name]),
    )


def moves(file: SpecFile, document: Value, diagnostics: list[Diagnostic]) -> Iterator[Move]:
    """The renames of ``document``; addresses without an environment mean the file's own."""
    content = document.get(MOVED) if isinstance(document, YamlMap) and not file.declares else None
    if content is None:
        return
    if not isinstance(content, YamlMap):
        position = unpack(file.path, locate(document, (MOVED,)))
        diagnostics.append(Diagnostic(Code.WRONG_TYPE, "moved is a map: OLD ADDRESS: NEW ADDRESS", position=position))
        return
    for before, after in content.items():
        ends = [_own(file, end) for end in (before, after)]
        if ends[0] is None or ends[1] is None or ends[0].kind is not ends[1].kind or ends[0] == ends[1]:
            diagnostics.append(
                Diagnostic(
                    Code.BAD_MOVE,
                    f"“{before[:80]}” cannot move to “{after!s:.80}”",
                    "A rename needs two addresses of the same kind and environment.",
                    "Write it like “offer.old-name: offer.new-name”.",
                    position=unpack(file.path, content.keys_at[before]),
                )
            )
        else:
            yield Move(ends[0], ends[1], (MOVED, before))


def _own(file: SpecFile, text: object) -> Address | None:
    if not isinstance(text, str):
        return None
    kind, dot, name = text.removeprefix(f"{file.environment}/").partition(".")
    if not dot or f"{kind}" not in SECTION_OF or not valid_name(Kind(kind), name):
        return None
    if (Kind(kind) in SHARED_KINDS) != (file.environment == SHARED):
        return None
    return Address(file.environment, Kind(kind), name)
