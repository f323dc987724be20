"""Reads the YAML of a spec file: in the usual style line by line, otherwise with a parser."""

from __future__ import annotations

from offerkit.diagnostics import Code, Diagnostic
from offerkit.specs.limits import MAX_BYTES
from offerkit.specs.yaml_usual import read_usual
from offerkit.specs.yaml_values import SHIFT, Value, stop


def parse(file: str, content: bytes) -> tuple[Value, list[Diagnostic]]:
    """The one document of ``content`` with the mistakes that do not stop reading (duplicate keys).

    Raises Refused where reading cannot go on: not YAML, not UTF-8, over a limit, nothing in it.
    """
    if len(content) > MAX_BYTES:
        stop(
            file,
            0,
            Code.FILE_TOO_LARGE,
            f"the file has {len(content):,} bytes; at most {MAX_BYTES:,} are read",
            "Split it: the resources of an environment can be in any number of files.",
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n"), error.start - (before.rfind(b"\n") + 1)
        stop(
            file,
            line << SHIFT | column,
            Code.NOT_UTF8,
            "the file is not valid UTF-8",
            f"Byte 0x{content[error.start]:02x} is not allowed here; save the file as UTF-8.",
        )
    if (usual := read_usual(text)) is not None:
        return usual, []
    from offerkit.specs.yaml_events import (
        read_events,  # imports ruamel.yaml, which a file in the usual style does not need
    )

    return read_events(file, content, text)
