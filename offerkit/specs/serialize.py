"""Canonical bodies → the text of spec files, in the form of ``offerkit fmt``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import orjson

from offerkit.address import SECTION_OF, Kind
from offerkit.fingerprint import JsonMap
from offerkit.specs.nodes import node_of
from offerkit.specs.shapes import cases_document, of_kind
from offerkit.specs.yaml_writer import YamlWriter, key_text

VERSION_LINE = "version: 1\n"


def environment_text(body: bytes | str) -> str:
    """The file of ``environments/`` that declares what ``body`` says."""
    return VERSION_LINE + resource_text(Kind.ENVIRONMENT, "environment", body, indent=0)


def cases_text(bodies: Iterable[bytes | str]) -> str | None:
    """The file of cases of several environments; None where one file cannot hold them all.

    That is so where two have a case of the same name, or suppose different offers to be activated in all cases.
    """
    cases_by_file = [orjson.loads(body) for body in bodies]
    supposed = [cases.get("activated", {}) for cases in cases_by_file]
    names = [name for cases in cases_by_file for name in cases["cases"]]
    if len(set(names)) < len(names) or any(activated != supposed[0] for activated in supposed):
        return None
    document: JsonMap = {"activated": supposed[0]} if supposed[0] else {}
    document["cases"] = {name: case for cases in cases_by_file for name, case in sorted(cases["cases"].items())}
    writer = YamlWriter()
    writer.map(node_of(document), cases_document(), 0)
    return VERSION_LINE + "\n".join(writer.lines) + "\n"


def section_text(kind: Kind, texts: Iterable[str]) -> str:
    """A file with one section, of resources that :func:`resource_text` wrote."""
    return f"{VERSION_LINE}{SECTION_OF[kind]}:\n" + "\n".join(texts)


def resource_text(kind: Kind, name: str, body: bytes | str, *, indent: int = 2) -> str:
    """One resource with its name, each line ended."""
    writer = YamlWriter()
    content = orjson.loads(body)
    assert isinstance(content, Mapping)
    writer.put(" " * indent + key_text(name) + ":", node_of(content), of_kind(kind), indent)
    return "\n".join(writer.lines) + "\n"


def section_texts(kind: Kind, resources: Iterable[tuple[str, bytes | str]], limit: int) -> Iterator[tuple[str, int]]:
    """The files that hold ``resources`` (name, body), sorted by name, and how many each holds.

    There are several where one would exceed ``limit`` bytes.
    """
    texts: list[str] = []
    size = 0
    for name, body in sorted(resources):
        text = resource_text(kind, name, body)
        length = len(text) if text.isascii() else len(text.encode())
        if texts and size + length > limit:
            yield section_text(kind, texts), len(texts)
            texts, size = [], 0
        texts.append(text)
        size += length
    if texts:
        yield section_text(kind, texts), len(texts)
