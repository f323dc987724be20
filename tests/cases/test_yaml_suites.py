"""The public test suites of YAML and JSON (tests/cases/yaml, each with its licence), through offerkit's reader.

Every valid document is read with the value that the suite gives, or refused for a reason that docs/spec-files.md
lists; every invalid one is refused.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.models.base import Number
from offerkit.specs.yaml_reader import parse

FOLDER = Path(__file__).parent / "yaml"
YAML: list[dict[str, Any]] = json.loads((FOLDER / "yaml-test-suite.json").read_text())
JSON = {
    **{name: base64.b64decode(content or "") for name, content in json.loads((FOLDER / "json-test-suite.json").read_text())},
    # Two files of the suite that are too large to keep:
    "n_structure_100000_opening_arrays.json": b"[" * 100_000,
    "n_structure_open_array_object.json": b'[{"":' * 50_000 + b"\n",
}  # fmt: skip

VALID_YAML = set((FOLDER / "json-test-suite-valid-yaml.txt").read_text().split())
"""What is no JSON and is YAML 1.2: a comma may end a list, quotes may be single or missing, # begins a comment …"""

ESCAPES = {"n": "\n", "t": "\t", "b": "\b", "r": "\r", "\\": "\\"}
WORDS = {None: "", True: "true", False: "false"}


def expected(case: dict[str, Any], events: list[str]) -> set[Code]:
    """Why a valid document is refused on purpose; empty where it is read."""
    if not any(event.startswith("+DOC") for event in events):
        return {Code.EMPTY_FILE}
    another = re.search(r"^%YAML[ \t]+(?!1\.2\b)", case["yaml"], re.MULTILINE)
    return {*reasons(events), *([Code.YAML_SYNTAX] if another else [])}


def reasons(events: list[str]) -> Iterator[Code]:
    """Every reason against a stream of events, in the suite's notation."""
    if sum(event.startswith("+DOC") for event in events) > 1:
        yield Code.YAML_SYNTAX
    is_map: list[bool] = []
    keys: list[set[str]] = []
    at_key: list[bool] = []
    for event in events:
        kind = event[:4]
        node = kind in ("+MAP", "+SEQ", "=VAL", "=ALI")
        key = node and bool(is_map) and is_map[-1] and at_key[-1]
        marked = re.match(r"(?:[+=]\w\w\w)(?: \{\}| \[\])?(?: &\S+)?( <\S*>)?", event)
        if node and marked is not None and marked[1]:
            yield Code.CUSTOM_TAG
        if key:
            if kind != "=VAL":
                yield Code.YAML_SYNTAX  # not a text
            elif " &" in event[:6]:
                yield Code.CUSTOM_TAG  # with an anchor
            text = re.sub(r"^[\"':|>]", "", event[5:])
            if text in keys[-1]:
                yield Code.DUPLICATE_KEY
            keys[-1].add(text)
        if node and at_key:
            at_key[-1] = not at_key[-1]
        if kind in ("+MAP", "+SEQ"):
            is_map.append(kind == "+MAP")
            at_key.append(True)
            keys.append(set())
        elif kind in ("-MAP", "-SEQ"):
            is_map.pop()
            at_key.pop()
            keys.pop()


def composed(events: Iterator[str]) -> Any:
    """The document of a stream of events, its scalars as texts."""
    anchors: dict[str, Any] = {}

    def node(event: str) -> Any:
        anchor = re.match(r".{4}(?: \{\}| \[\])? &(\S+)", event)
        match event[:4]:
            case "=ALI":
                return anchors[event[6:]]
            case "=VAL":
                text = re.sub(r"^(&\S+ )?[\"':|>]", "", event[5:])
                value: Any = re.sub(r"\\(.)", lambda found: ESCAPES[found[1]], text)
            case "+SEQ":
                value = [node(item) for item in iter(lambda: next(events), "-SEQ")]
            case _:
                value = {node(key): node(next(events)) for key in iter(lambda: next(events), "-MAP")}
        if anchor is not None:
            anchors[anchor[1]] = value
        return value

    return node(next(event for event in events if event[:4] not in ("+STR", "+DOC")))


def texts(value: Any) -> Any:
    """The reader's value with texts for what it resolved."""
    if isinstance(value, dict):
        return {key: texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return WORDS.get(value, value) if isinstance(value, bool | None) else str(value)


def read(content: bytes) -> tuple[Any, Code | None]:
    """What the reader makes of ``content``, or the code of its refusal."""
    try:
        value, found = parse("x.yaml", content)
    except Refused as refused:
        return None, refused.diagnostics[0].code
    return value, found[0].code if found else None


def same(value: Any, wanted: Any) -> bool:
    """Whether the reader's value is what JSON says, whose numbers are not kept as text."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(same(value[key], wanted[key]) for key in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(same, value, wanted))
    if isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        return type(value) in (type(wanted), str if isinstance(wanted, str) else type(wanted)) and value == wanted
    return isinstance(value, Number) and math.isclose(float(value), wanted)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in YAML if not case["fail"]])
def test_valid_yaml(case: dict[str, Any]) -> None:
    value, code = read(case["yaml"].encode())
    events = [line.lstrip(" ") for line in case["tree"].splitlines()]
    refused = expected(case, events)
    assert code in refused or (code is None and not refused)
    if code is None:
        assert texts(value) == composed(iter(events))
        assert case["json"] is None or same(value, json.loads(case["json"])), value


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in YAML if case["fail"]])
def test_invalid_yaml(case: dict[str, Any]) -> None:
    _, code = read(case["yaml"].encode())
    assert code is not None


@pytest.mark.parametrize("name", sorted(JSON))
def test_json(name: str) -> None:
    value, code = read(JSON[name])
    if name.startswith("y_object_duplicated_key"):
        assert code == Code.DUPLICATE_KEY
    elif name.startswith("y_"):
        assert code is None
        assert same(value, json.loads(JSON[name]))
    elif name.startswith("n_"):
        assert (code is None) == (name.removeprefix("n_").removesuffix(".json") in VALID_YAML)
