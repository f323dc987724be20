"""Whatever a resource holds, what is written loads to the same fingerprint, and fmt finds nothing to do."""

from __future__ import annotations

import io
import random
from pathlib import Path

import orjson
import pytest
from helpers.repeats import often
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from nasty import NASTY
from ruamel.yaml import YAML

from offerkit.address import SECTION_OF, SHARED, SHARED_KINDS, Kind
from offerkit.diagnostics import Refused
from offerkit.fingerprint import canonical, fingerprint
from offerkit.models import model_of
from offerkit.models.base import Number
from offerkit.specs.fmt import formatted
from offerkit.specs.parse import parse_file
from offerkit.specs.project import SpecFile, read_files
from offerkit.specs.serialize import resource_text, section_text
from offerkit.specs.yaml_reader import parse

texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.sampled_from("ab \n\t'\"\\:#-,[]{}&*!|>%@?~0é\u2028\x85\ufeff\r"), max_size=40),
    st.text(max_size=200),
    st.lists(st.sampled_from(["word", "a:", "#b", "'", "-", "é", "  "]), max_size=60).map(" ".join),
).filter(lambda text: not any(0xD800 <= ord(sign) < 0xE000 for sign in text))
plain_texts = texts.filter(lambda text: "{" not in text)
values = texts.filter(lambda text: "\0" not in text)
"""What a parameter can be: no text of a rule has a null character."""
labels = plain_texts.map(lambda text: text[:200])
names = st.one_of(
    st.sampled_from(["no", "true", "null", "010", "1e3", "0x1F", "y", "a-b", "A_1", "2026-01-01", "x" * 64]),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True),
)
name_sets = st.lists(names, unique=True, max_size=30).map(sorted)
conditions = texts.filter(bool)
days = st.dates().map(lambda day: day.isoformat())
amounts = st.decimals(0, 10**6, places=3, allow_nan=False).map(lambda number: str(number.normalize()))


def some(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Maps with any of ``fields``; ``from_`` and ``with_`` lose their underscore."""
    return st.fixed_dictionaries({}, optional={key.rstrip("_"): value for key, value in fields.items()})


content = st.dictionaries(
    st.one_of(st.sampled_from(["title", "html", "text", "image_url"]), names), plain_texts, max_size=4
)
filter_uses = st.one_of(
    st.builds(lambda name: {"filter": name}, names),
    st.builds(
        lambda name, values: {"filter": name, "with": values},
        names,
        st.dictionaries(names, texts, min_size=1, max_size=3),
    ),
)
weights = st.builds(
    lambda value, more: {**value, **more},
    st.one_of(st.builds(lambda n: {"weight": n}, amounts), st.builds(lambda f: {"formula": f}, conditions)),
    some(label=labels, from_=days, when=conditions, spaces=name_sets, dynamic=names),
)
resources = st.one_of(
    st.tuples(
        st.just(Kind.OFFER),
        st.builds(
            lambda category, more: {"category": category, **more},
            st.lists(names, min_size=1, max_size=3).map("/".join),
            some(
                label=labels,
                description=texts,
                protected=st.booleans(),
                code=labels,
                enabled=st.booleans(),
                template=names,
                eligible=some(from_=days, filters=st.lists(filter_uses, max_size=3), when=conditions),
                weights=st.lists(weights, max_size=3),
                themes=name_sets,
                content=content,
                spaces=name_sets,
                representations=st.dictionaries(names, content, max_size=2),
                reviewers=some(content=name_sets, eligibility=name_sets),
            ),
        ),
    ),
    st.tuples(
        st.just(Kind.FILTER),
        st.builds(
            lambda when, parameters: {"when": when, "parameters": parameters},
            conditions,
            st.dictionaries(names, some(label=labels, default=values), max_size=3),
        ),
    ),
    st.tuples(
        st.just(Kind.DIMENSION),
        st.builds(
            lambda name, values, label: {
                "key": [name],
                "fields": {name: {"type": "enumeration", "values": values, "label": label}},
            },
            names,
            st.lists(texts, min_size=1, max_size=8),
            labels,
        ),
    ),
    st.tuples(
        st.just(Kind.SPACE),
        st.builds(
            lambda fields, render, data: {
                "channel": "other",
                "fields": fields,
                "render": render,
                "storage": {"proposed_data": data},
            },
            st.lists(
                st.builds(lambda name, label: {"name": name, "label": label}, names, labels),
                min_size=1,
                max_size=4,
                unique_by=lambda f: f["name"],
            ),
            some(html=plain_texts, text=plain_texts),
            st.dictionaries(names, conditions, max_size=3),
        ),
    ),
)


def spec_file(kind: Kind, text: str) -> SpecFile:
    """A file that holds resources of ``kind``."""
    environment = SHARED if kind in SHARED_KINDS else "shop"
    return SpecFile(f"specs/{SECTION_OF[kind]}.yaml", environment, False, text.encode())


def round_trip(kind: Kind, name: str, given_body: object) -> str:
    """Write a resource and check everything that is promised of the text."""
    body = canonical(model_of(kind).model_validate(given_body).body())
    text = section_text(kind, [resource_text(kind, name, body)])
    file = spec_file(kind, text)
    parsed = parse_file(file)
    assert [d.summary for d in parsed.diagnostics] == []
    assert [(record.name, record.fingerprint) for record in parsed.records] == [(name, fingerprint(kind, body))], text
    assert formatted(file).decode() == text
    return text


@settings(max_examples=often(40, 150))
@given(resource=resources, name=names)
def test_any_resource_is_read_back_as_it_was(resource: tuple[Kind, object], name: str) -> None:
    kind, body = resource
    round_trip(kind, name, body)


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text)[:30])
def test_nasty_texts_in_every_place(text: str) -> None:
    body = {
        "category": "a/b",
        "description": text,
        "label": text[:200],
        "code": text[:200],
        "content": {"title": text, "html": f"<p>{text}</p>"},
        "eligible": {"filters": [{"filter": "f", "with": {"a": text}}], **({"when": text} if text else {})},
        "weights": [{"label": text[:200], "weight": 1, **({"when": text} if text else {})}],
    }
    round_trip(Kind.OFFER, "no", body)
    for many in ([text], [text, "b"], ["a", text, "c"] * 9):
        round_trip(Kind.DIMENSION, "d", {"key": ["k"], "fields": {"k": {"type": "enumeration", "values": many}}})


@settings(max_examples=often(26, 100))
@given(title=plain_texts, name=names, values=st.lists(texts, min_size=1, max_size=5))
@example(title="\x85", name="no", values=["a,b", "~"])
def test_another_reader_of_yaml_reads_the_same(title: str, name: str, values: list[str]) -> None:
    """ruamel's own reader, written in Python, with no idea of numbers or dates."""
    reader = YAML(typ="base", pure=True)
    text = round_trip(
        Kind.OFFER,
        name,
        {"category": "c", "content": {"title": title}, "weights": [{"label": title[:200], "formula": "1"}]},
    )
    offer = reader.load(io.StringIO(text))["offers"][name]
    assert offer["content"]["title"] == title
    assert offer["weights"][0].get("label", "") == title[:200]
    text = round_trip(Kind.DIMENSION, "d", {"key": ["k"], "fields": {"k": {"type": "enumeration", "values": values}}})
    assert reader.load(io.StringIO(text))["dimensions"]["d"]["fields"]["k"]["values"] == values


ROOT = Path(__file__).resolve().parents[2]
BUNDLED = {file.path: file for file in read_files(ROOT)[0]}


@settings(max_examples=often(17, 60))
@given(path=st.sampled_from(sorted(BUNDLED)), seed=st.integers(0, 2**32))
def test_comments_anywhere_stay_and_change_nothing(path: str, seed: int) -> None:
    """Comments and blank lines put at random places of the bundled specs survive, and fmt is idempotent."""
    generator = random.Random(seed)
    lines = []
    for line in BUNDLED[path].content.decode().splitlines():
        while generator.random() < 0.12:
            lines.append(generator.choice(["", "", " " * generator.randrange(12) + f"# c{len(lines)} - x: y"]))
        lines.append(line + (f"{' ' * generator.randrange(1, 5)}# b{len(lines)}" if generator.random() < 0.1 else ""))
    file = BUNDLED[path]._replace(content="\n".join(lines).encode())
    assume(not parse_file(file).diagnostics)  # a comment within a text can make it another text, or none
    once = formatted(file)
    assert formatted(file._replace(content=once)) == once


@settings(max_examples=often(17, 60))
@given(path=st.sampled_from(sorted(BUNDLED)), seed=st.integers(0, 2**32))
def test_other_spellings_come_out_the_same(path: str, seed: int) -> None:
    """The same data as JSON with its keys shuffled: same fingerprints, and what comes out is canonical."""
    generator = random.Random(seed)

    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            keys = list(value)
            generator.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        if isinstance(value, Number):
            return orjson.Fragment(value.encode())
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    data, _ = parse(path, BUNDLED[path].content)
    text = orjson.dumps(shuffled(data), option=orjson.OPT_INDENT_2 if seed % 2 else 0)
    file = BUNDLED[path]._replace(content=text)
    once = formatted(file)
    assert formatted(file._replace(content=once)) == once
    before, after = parse_file(BUNDLED[path]), parse_file(file._replace(content=once))
    assert {r.address: r.fingerprint for r in before.records} == {r.address: r.fingerprint for r in after.records}


@settings(max_examples=often(17, 60))
@given(st.binary(max_size=200))
def test_any_bytes_are_formatted_or_refused(content: bytes) -> None:
    file = SpecFile("specs/shop/a.yaml", "shop", False, content)
    try:
        once = formatted(file)
    except Refused:
        return
    assert formatted(file._replace(content=once)) == once
