"""Any value in place of any other, in any file: exact diagnostics or a valid project, never an exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from wrong import PROJECT

from offerkit.address import SHARED, Kind
from offerkit.diagnostics import Refused
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import decode, envelope, plan_digest
from offerkit.reports.diagnostics_json import DiagnosticsReport
from offerkit.reports.diagnostics_text import diagnostics_text
from offerkit.reports.plan_html import plan_html
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport, plan_text
from offerkit.reports.render import formats, render
from offerkit.specs import Project
from offerkit.specs.cache import Cache
from offerkit.specs.load import load_files
from offerkit.specs.parse import parse_file
from offerkit.specs.project import SpecFile, read_files
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.plan import plan_design
from offerkit.usecases.session import Session

RICH = """
version: 1
spaces:
  rich:
    label: Rich
    description: All that a space can have
    protected: true
    channel: inbound-web
    unitary: true
    fields: [{name: title, label: Title, type: text, required: true}, {name: badge, type: html}]
    render: {html: "{{ title }}", text: "{{ title }}", xml: "<a>{{ title }}</a>", proposition: "<p>{{ title }}</p>"}
    identification: {keys: [email], implicit: true, fallback: guests/web, anonymous_categories: [all]}
    defaults: {categories: [bank], themes: [card]}
    storage:
      {enabled: true, proposed: presented, accepted: accepted, proposed_data: {a: 1 + 1}, accepted_data: {b: "2"},
       status_data: {rejected: {c: "3"}}, evidence: true, evidence_retention: 30d}
    hooks: {target_loading: hook, post_processing: hook}
filters:
  between: {label: B, when: person.age > parameter.from, parameters: {from: {type: integer, label: F, default: 18}}}
rules:
  rich:
    label: R
    enabled: false
    applies_to: {offers: [rich], categories: [bank], themes: [card], when: offer.weight > 1}
    channel: email
    contacts: 1 = 1
    counted: {of: applies-to, status: any, same_channel: true, when: 1 = 1}
    period: {before: 2d 6h, after: 1d}
    max: 2
categories:
  rich:
    label: C
    enabled: true
    eligible:
      {from: 2026-01-01, until: 2026-12-31, filters: [adults], when: 1 = 1,
       history: [{offer: rich, status: accepted, period: 30d, at_most: 2}]}
    themes: [card]
    multiplier: {factor: 1.5, from: 2026-01-01, until: 2026-12-31}
    always_include: true
templates:
  rich: {template: card, themes: [card], reviewers: {content: [brand], eligibility: [ada]}}
offers:
  rich:
    label: O
    description: D
    protected: false
    template: rich
    category: rich
    code: X-1
    enabled: true
    eligible:
      {from: 2026-01-01, until: 2026-12-31, filters: [adults, {filter: between, with: {from: "21"}}], when: 1 = 1,
       history: [{category: bank, status: any, at_least: 1}, {theme: card, at_most: 9}]}
    weights:
      - {weight: 1.5}
      - {label: w, formula: 1 + 1, from: 2026-01-01, until: 2026-12-31, filters: [adults], when: 1 = 1, spaces: [rich],
         dynamic: d}
    themes: [card]
    content: {title: "{{ person.email }}", badge: B}
    representations: {rich: {title: T}}
    spaces: [rich]
    reviewers: {content: [brand], eligibility: [ada]}
campaigns:
  rich:
    label: K
    from: 2026-01-01
    until: 2026-12-31
    outlines: {one: {label: L, description: D, offers: [rich]}, two: {offers: [rich], typology: calm}}
    deliveries:
      a: {label: L, space: email, contact_date: 2026-01-01, target: 1 = 1, offers: [rich]}
      b: {space: email, engine: {categories: [bank], themes: [card], count: 2}, show_nothing_where_missing: true}
      e: {space: email, engine: {}, exclude_recipients_with_too_few_offers: true}
      c: {space: email, outline: one}
      d: {space: email, cells: [{when: 1 = 1, offer: rich, limit: 5}, {when: 1 = 1, offer_from: person.email}]}
      f: {space: email, outline: two, count: 1}
      g: {space: email, offer_from: person.email}
      h:
        slots: [{name: top, label: T, space: email, offers: [rich]}, {name: rest, space: email, engine: {count: 2}}]
        body: {html: "<p>{{ slots.top }}</p>{{ slots.rest }}", text: "{{ slots.top }}{{ slots.rest }}"}
        data: [page]
moved: {offer.was: offer.rich}
"""
RICH_NAME = "specs/people/rich.yaml"
RICH_SHARED = """
version: 1
profiles:
  senders:
    label: S
    extends: delivery-manager
    rights: [{verb: write, kinds: [campaign], environments: [people]}, {verb: read}]
operators:
  kay:
    profile: senders
    keys: [{key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEdrM7hFbb0geEZ3pF6UmpwkTKsE7ptE8Oa6Oex4nCPX, from: 2026-01-01, until: 2026-12-31}]
webhooks:
  hub: {label: W, enabled: true, url: "https://hub.example/in", events: [offers.stopped], environments: [people]}
"""
RICH_SHARED_NAME = "specs/rich.yaml"
RICH_ENVIRONMENT = """
version: 1
environment:
  dimension: person
  typology: calm
  time_zone: Europe/Paris
  call_data:
    page: {sample: /home}
  promotion:
    retention: 30d
    windows: [{days: [mon, tue], from: "06:00", until: "18:00"}, {from: "22:00", until: "02:00"}, {until: "24:00"}]
    freezes:
      - {from: 2026-11-27, until: 2026-11-30, reason: Black Friday}
      - {from: 2026-12-31T18:00, until: 9999-12-31, reason: Closing}
"""
RICH_ENVIRONMENT_NAME = "environments/people.yaml"
SESSION = Session(Project(PROJECT), "2026-01-01T00:00:00.000000Z", backend=LOCAL)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "",
            " ",
            "gold",
            "web",
            "card",
            "bank",
            "bank/cards",
            "guests/web",
            "people/web",
            "people/rich",
            "rich",
            "ada",
            "a/b/c",
            "{{",
            "{{ x }}",
            "{{ person.email }}",
            "{% if %}",
            "{#",
            "2026-01-01",
            "2026-02-30",
            "2026-11-27T18:00",
            "9999-12-31",
            "24:00",
            "00:00",
            "mon",
            "1d",
            "0x",
            "0x10",
            "1e999999",
            ".inf",
            "é",
            "x" * 300,
            "\u202e",
            "\x00",
            "\n",
            "-1",
            "5d 99999h",
            "https://[::1",
            "offer.gold",
            "<<",
            "Europe/Paris",
            "email",
        ]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "weight",
                    "from",
                    "until",
                    "days",
                    "reason",
                    "filter",
                    "with",
                    "title",
                    "web",
                    "a",
                    "",
                    "<<",
                    "type",
                    "values",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@cache
def files() -> dict[str, tuple[SpecFile, Any]]:
    """Every file of the sound project and one that has every property, with what it holds."""
    rich = SpecFile(RICH_NAME, "people", False, RICH.encode())
    found = [
        file._replace(content=RICH_ENVIRONMENT.encode()) if file.path == RICH_ENVIRONMENT_NAME else file
        for file in read_files(PROJECT)[0]
    ]
    found += [rich, SpecFile(RICH_SHARED_NAME, SHARED, False, RICH_SHARED.encode())]
    return {file.path: (file, YAML(typ="rt").load(file.content.decode())) for file in found}


def plain(value: Any) -> Any:
    """Only what JSON has; what YAML makes of dates and numbers is written as it was."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """The document with another value at ``path``."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: replaced(item, path[1:], new) if key == path[0] else item for key, item in value.items()}
    return [replaced(item, path[1:], new) if key == path[0] else item for key, item in enumerate(value)]


PLACES = [(name, path) for name, (_, document) in files().items() for path in paths(plain(document))]


def judge(changed: SpecFile) -> None:
    """Load the project with one file changed: every mistake has a place and can be shown; a valid one is planned."""
    whole = [file if file.path != changed.path else changed for file, _ in files().values()]
    try:
        loaded = load_files(whole, [], Cache(None))
    except Refused as refused:
        assert refused.diagnostics
        lines = changed.content.decode("utf-8", "replace").splitlines()
        for diagnostic in refused.diagnostics:
            assert diagnostic.position is not None and diagnostic.summary
            assert diagnostic.position.file != changed.path or 1 <= diagnostic.position.line <= len(lines) + 1
        text = diagnostics_text(
            DiagnosticsReport(refused.diagnostics, lambda file: lines if file == changed.path else None)
        )
        assert "\x1b" not in text and "\u202e" not in text
        text.encode()
        json.loads(render(DiagnosticsReport(refused.diagnostics), "json"))
        for form in formats("DiagnosticsReport"):
            render(DiagnosticsReport(refused.diagnostics), form).encode()
        return
    plan = plan_design(SESSION, loaded, None, AddressPatterns())
    assert decode(envelope(plan), "plan") == plan
    for report in (plan_text, plan_markdown, plan_html):
        shown = report(PlanReport(plan, plan_digest(plan)))
        assert "\x1b" not in shown and "\u202e" not in shown


def test_the_rich_project_is_valid() -> None:
    """Or nothing here would be tried on it."""
    for name in (RICH_NAME, RICH_SHARED_NAME, RICH_ENVIRONMENT_NAME):
        assert not parse_file(files()[name][0]).diagnostics
        judge(files()[name][0])
    kinds = {Kind.ENVIRONMENT, Kind.DIMENSION, Kind.OPERATOR, Kind.TYPOLOGY, Kind.CASES, Kind.POLICY}
    assert {kind for kind in Kind if f"\n{kind}s:" in RICH + RICH_SHARED or kind in (Kind.CATEGORY,)} | kinds == set(
        Kind
    )


@pytest.mark.parametrize("examples", [12, pytest.param(often(25, 80), marks=pytest.mark.slow)])
def test_any_value_anywhere(examples: int) -> None:
    """JSON is YAML: the document is written as JSON, with any value where something else stood."""
    settings(max_examples=examples)(given(place=st.sampled_from(PLACES), value=values)(_value_at))()


def _value_at(place: tuple[str, tuple[str | int, ...]], value: Any) -> None:
    name, path = place
    file, document = files()[name]
    text = json.dumps(replaced(plain(document), path, value), ensure_ascii=False)
    judge(file._replace(content=text.encode("utf-8", "replace")))


@pytest.mark.parametrize("examples", [12, pytest.param(often(16, 40), marks=pytest.mark.slow)])
def test_any_document(examples: int) -> None:
    """Anything at all as the whole of a file."""
    settings(max_examples=examples)(given(value=values, name=st.sampled_from(sorted(files())))(_document))()


def _document(value: Any, name: str) -> None:
    judge(files()[name][0]._replace(content=json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")))


BYTES = st.binary(max_size=60) | st.text(alphabet="aé:-[]{}#&*!|>'\"%@`\t\n 1,.~?\x00\ufeff\u2028", max_size=60).map(
    str.encode
)


@pytest.mark.parametrize("examples", [20, pytest.param(often(25, 80), marks=pytest.mark.slow)])
def test_any_bytes(examples: int) -> None:
    """Whatever bytes a file may hold."""
    settings(max_examples=examples)(given(content=BYTES)(_bytes))()


def _bytes(content: bytes) -> None:
    judge(files()[RICH_NAME][0]._replace(content=content))


@pytest.mark.parametrize("examples", [12, pytest.param(often(25, 80), marks=pytest.mark.slow)])
def test_any_damage(examples: int) -> None:
    """A file with a piece cut out and another put in: what editors and merges leave behind."""
    settings(max_examples=examples)(given(data=st.data())(_damage))()


def _damage(data: st.DataObject) -> None:
    file = files()[data.draw(st.sampled_from(sorted(files())))][0]
    start = data.draw(st.integers(0, len(file.content)))
    end = data.draw(st.integers(start, min(len(file.content), start + 40)))
    piece = data.draw(
        st.sampled_from(
            [b"", b"\t", b"<<<<<<< HEAD\n", b"  ", b"\n", b":", b"- ", b"}", b"'", b"&a ", b"*a", b"!x ", b"\xff"]
        )
    )
    judge(file._replace(content=file.content[:start] + piece + file.content[end:]))


@pytest.mark.slow
def test_every_value_everywhere(tmp_path: Path) -> None:
    """All of a list of nasty values in every place of every file, one after the other, on its own."""
    nasty = [
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "{{",
        "\u202e",
        [],
        [[]],
        [None],
        ["a", "a"],
        {},
        {"a": {"a": 1}},
        {"": ""},
        "x" * 70_000,
    ]
    for name, path in PLACES:
        file, document = files()[name]
        for value in nasty:
            text = json.dumps(replaced(plain(document), path, value), ensure_ascii=False)
            for diagnostic in parse_file(file._replace(content=text.encode())).diagnostics:
                assert diagnostic.position is not None
