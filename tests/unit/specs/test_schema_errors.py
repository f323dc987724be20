"""Every kind of mistake in a resource: the right code, at the exact place, with words that help."""

from __future__ import annotations

import pytest

from offerkit.address import SHARED_KINDS, Kind
from offerkit.diagnostics import Code, Diagnostic
from offerkit.specs.parse import parse_file
from offerkit.specs.project import SpecFile

OFFER = "version: 1\noffers:\n  a:\n    category: c\n"
SPACE = "version: 1\nspaces:\n  s:\n    channel: email\n    fields: [{name: title}]\n"


def mistakes(text: str, environment: str = "shop", *, declares: bool = False) -> list[Diagnostic]:
    """What is wrong with a file that holds ``text``."""
    return parse_file(SpecFile("x.yaml", environment, declares, text.encode())).diagnostics


def only(text: str, environment: str = "shop", *, declares: bool = False) -> Diagnostic:
    found = mistakes(text, environment, declares=declares)
    assert len(found) == 1, [(d.summary, str(d.position)) for d in found]
    return found[0]


@pytest.mark.parametrize(
    ("more", "code", "place", "summary", "hint"),
    [
        # unknown keys
        ("    ttile: x\n", Code.UNKNOWN_KEY, "5:5", "unknown field “ttile”", ""),
        ("    catgeory: x\n", Code.UNKNOWN_KEY, "5:5", "“catgeory”", "Did you mean category?"),
        ("    eligible:\n      untill: 2026-01-01\n", Code.UNKNOWN_KEY, "6:7", "“untill”", "Did you mean until?"),
        (
            "    weights:\n      - weight: 1\n      - {weight: 1, wen: x}\n",
            Code.UNKNOWN_KEY,
            "7:21",
            "“wen”",
            "Did you mean when?",
        ),
        ("    reviewers: {contents: [a]}\n", Code.UNKNOWN_KEY, "5:17", "“contents”", "Did you mean content?"),
        ("    eligible: {filters: [{filter: f, wth: {}}]}\n", Code.UNKNOWN_KEY, "5:38", "“wth”", "Did you mean with?"),
        ("    eligible: {from_: 2026-01-01}\n", Code.UNKNOWN_KEY, "5:16", "“from_”", "Did you mean from?"),
        ("    <<: {label: x}\n", Code.UNKNOWN_KEY, "5:5", "“<<”", "no merge keys"),
        (
            "    eligible: {when: a in (1, 2)}\n",
            Code.UNKNOWN_KEY,
            "5:31",
            "unknown field “2)”",
            "needs quotes around commas",
        ),
        # wrong types
        ("    label: true\n", Code.WRONG_TYPE, "5:12", "“label” must be text, not true", "Quote it"),
        ("    label: [x]\n", Code.WRONG_TYPE, "5:12", "“label” must be text, not a list", ""),
        ("    label:\n", Code.WRONG_TYPE, "5:11", "“label” must be text, not nothing", ""),
        ("    enabled: no\n", Code.WRONG_TYPE, "5:14", "“enabled” must be true or false, not “no”", "write false"),
        ("    enabled: On\n", Code.WRONG_TYPE, "5:14", "must be true or false", "In YAML 1.2 On is text; write true."),
        ("    enabled: 1\n", Code.WRONG_TYPE, "5:14", "must be true or false, not the number 1", ""),
        ("    enabled: 'true'\n", Code.WRONG_TYPE, "5:14", "must be true or false, not “true”", ""),
        ("    eligible: x\n", Code.WRONG_TYPE, "5:15", "“eligible” must be a map, not “x”", ""),
        ("    eligible:\n", Code.WRONG_TYPE, "5:14", "“eligible” must be a map, not nothing", ""),
        ("    content: [x]\n", Code.WRONG_TYPE, "5:14", "“content” must be a map, not a list", ""),
        ("    content: {title: [x]}\n", Code.WRONG_TYPE, "5:22", "“title” must be text, not a list", ""),
        ("    representations: {s: x}\n", Code.WRONG_TYPE, "5:26", "“s” must be a map", ""),
        ("    themes: x\n", Code.WRONG_TYPE, "5:13", "“themes” must be a list, not “x”", "Write it as a list: [x]."),
        ("    themes: [x, [y]]\n", Code.WRONG_TYPE, "5:17", "must be text, not a list", ""),
        ("    weights: {weight: 1}\n", Code.WRONG_TYPE, "5:14", "“weights” must be a list, not a map", ""),
        ("    weights: [1]\n", Code.WRONG_TYPE, "5:15", "must be a map, not the number 1", ""),
        (
            "    eligible: {filters: [[f]]}\n",
            Code.BAD_VALUE,
            "5:26",
            "a filter's name, or {filter: NAME, with: {…}}",
            "",
        ),
        # values
        ("    weights: [{weight: x}]\n", Code.WRONG_TYPE, "5:24", "“weight”: “x” is not a number", ""),
        ("    weights: [{weight: -1}]\n", Code.BAD_VALUE, "5:24", "“weight” must be at least 0, not -1", ""),
        ("    weights: [{weight: .nan}]\n", Code.WRONG_TYPE, "5:24", "not a number", ""),
        ("    weights: [{weight: .inf}]\n", Code.WRONG_TYPE, "5:24", "not a number", ""),
        ("    weights: [{weight: true}]\n", Code.WRONG_TYPE, "5:24", "expected a number", ""),
        ("    weights: [{weight: 1e99}]\n", Code.WRONG_TYPE, "5:24", "too large, too small or too long", ""),
        ("    weights: [{weight: 1_000}]\n", Code.WRONG_TYPE, "5:24", "“1_000” is not a number", ""),
        ("    weights: [{weight: 1, formula: x}]\n", Code.BAD_VALUE, "5:15", "either weight (a number) or formula", ""),
        ("    weights: [{label: x}]\n", Code.BAD_VALUE, "5:15", "either weight (a number) or formula", ""),
        ("    weights: [{formula: ''}]\n", Code.BAD_VALUE, "5:25", "“formula” is empty", ""),
        (
            "    eligible: {from: 2026-13-01}\n",
            Code.WRONG_TYPE,
            "5:22",
            "“from”: “2026-13-01” is not a calendar date",
            "",
        ),
        (
            "    eligible: {from: 20260101}\n",
            Code.WRONG_TYPE,
            "5:22",
            "is not a calendar date; write YYYY-MM-DD",
            "",
        ),
        ("    eligible: {from: '2026-01-01T00:00'}\n", Code.WRONG_TYPE, "5:22", "is not a calendar date", ""),
        (
            "    eligible:\n      until: 2026-01-01\n      from: 2026-01-02\n",
            Code.PERIOD_ORDER,
            "6:7",
            "until (2026-01-01) is before from (2026-01-02)",
            "",
        ),
        (
            "    weights: [{weight: 1}, {weight: 1, from: 2026-02-01, until: 2026-01-01}]\n",
            Code.PERIOD_ORDER,
            "5:58",
            "is before from",
            "",
        ),
        ("    themes: [b, a, b]\n", Code.BAD_VALUE, "5:13", "“themes”: listed twice: b", ""),
        ("    themes: [a b]\n", Code.BAD_NAME, "5:14", "“a b” is not a name", "ASCII letters"),
        ("    content: {a b: x}\n", Code.BAD_NAME, "5:15", "“a b” is not a name", ""),
        ("    representations: {s/t: {title: x}}\n", Code.BAD_NAME, "5:23", "“s/t” is not a name", ""),
        (f"    label: {'x' * 201}\n", Code.BAD_VALUE, "5:12", "“label” is longer than 200", ""),
        ("    template: a b\n", Code.BAD_NAME, "5:15", "“a b” is not a name", ""),
        # templates
        ("    content: {title: '{{ a'}\n", Code.TEMPLATE_SYNTAX, "5:22", "the template cannot be read", "{{ recipient"),
        ("    content: {title: '{% if x %}'}\n", Code.TEMPLATE_SYNTAX, "5:22", "the template cannot be read", ""),
        ("    representations: {s: {title: '{{ 1 + }}'}}\n", Code.TEMPLATE_SYNTAX, "5:34", "cannot be read", ""),
    ],
)
def test_an_offer(more: str, code: Code, place: str, summary: str, hint: str) -> None:
    found = only(OFFER + more)
    assert (found.code, str(found.position)) == (code, f"x.yaml:{place}")
    assert summary in found.summary
    assert hint in found.hint
    assert found.address == "shop/offer.a"


@pytest.mark.parametrize(
    ("text", "code", "place", "summary", "hint"),
    [
        ("version: 1\noffers:\n  a: {}\n", Code.MISSING, "3:3", "the field “category” is missing", "Add “category:”."),
        ("version: 1\noffers:\n  a:\n", Code.WRONG_TYPE, "3:5", "must be a map, not nothing", ""),
        ("version: 1\noffers:\n  a: [x]\n", Code.WRONG_TYPE, "3:6", "must be a map, not a list", ""),
        ("version: 1\noffers:\n  a: {category: a//b}\n", Code.BAD_NAME, "3:17", "is not a category path", ""),
        ("version: 1\nspaces:\n  s: {channel: email, fields: []}\n", Code.BAD_VALUE, "3:31", "“fields” is empty", ""),
        (
            "version: 1\nspaces:\n  s: {channel: e-mail, fields: [{name: t}]}\n",
            Code.BAD_VALUE,
            "3:16",
            "“e-mail” is not a channel",
            "Did you mean email?",
        ),
        (
            "version: 1\nspaces:\n  s: {channel: email, fields: [{name: t}, {name: t}]}\n",
            Code.BAD_VALUE,
            "3:3",
            "fields with the same name: t",
            "",
        ),
        ("version: 1\nspaces:\n  s: {channel: email, fields: [{}]}\n", Code.MISSING, "3:32", "“name” is missing", ""),
        (
            SPACE + "    identification: {fallback: x}\n",
            Code.BAD_VALUE,
            "6:32",
            "write a fallback as ENVIRONMENT/SPACE",
            "",
        ),
        (SPACE + "    identification: {anonymous_categories: [a]}\n", Code.BAD_VALUE, "6:5", "need a fallback", ""),
        (SPACE + "    storage: {proposed: shown}\n", Code.BAD_VALUE, "6:25", "“proposed” cannot be “shown”", "Known:"),
        (SPACE + "    render: {html: '{{ x'}\n", Code.TEMPLATE_SYNTAX, "6:20", "cannot be read", ""),
        ("version: 1\nrules:\n  r: {}\n", Code.MISSING, "3:3", "“max” is missing", ""),
        ("version: 1\nrules:\n  r: {max: 0}\n", Code.BAD_VALUE, "3:12", "must be at least 1, not 0", ""),
        ("version: 1\nrules:\n  r: {max: 1.5}\n", Code.WRONG_TYPE, "3:12", "“1.5” is not a whole number", ""),
        ("version: 1\nrules:\n  r: {max: '1'}\n", Code.WRONG_TYPE, "3:12", "“1” is a text", "Write it without quotes."),
        ("version: 1\nrules:\n  r: {max: many}\n", Code.WRONG_TYPE, "3:12", "“many” is a text, not a whole number", ""),
        ("version: 1\nrules:\n  r: {max: [1]}\n", Code.WRONG_TYPE, "3:12", "expected a whole number", ""),
        (
            "version: 1\nrules:\n  r: {max: 1, period: 30d}\n",
            Code.WRONG_TYPE,
            "3:23",
            "“period” must be a map, not “30d”",
            "Write it as a map, with keys out of: before, after.",
        ),
        (
            "version: 1\ncampaigns:\n  c: {deliveries: {d: {slots: {hero: {space: x}}}}}\n",
            Code.WRONG_TYPE,
            "3:31",
            "“slots” must be a list, not a map",
            "Write it as a list: [{name: …}].",
        ),
        (
            "version: 1\ntypologies:\n  t: {rules: weekly-cap}\n",
            Code.WRONG_TYPE,
            "3:14",
            "“rules” must be a list, not “weekly-cap”",
            "Write it as a list: [weekly-cap].",
        ),
        (
            SPACE + "    storage: {proposed_data: [interaction.page]}\n",
            Code.WRONG_TYPE,
            "6:30",
            "“proposed_data” must be a map, not a list",
            "Write it as a map by name: {NAME: …}.",
        ),
        (
            "version: 1\nrules:\n  r: {max: 1, counted: {of: applies_to}}\n",
            Code.BAD_VALUE,
            "3:29",
            "“of” cannot be “applies_to”",
            "Did you mean applies-to?",
        ),
        (
            "version: 1\nspaces:\n  s: {channel: web, fields: [{name: t}]}\n",
            Code.BAD_VALUE,
            "3:16",
            "“web” is not a channel",
            "Did you mean inbound-web?",
        ),
        (
            "version: 1\ncategories:\n  c: {filters: [adults]}\n",
            Code.UNKNOWN_KEY,
            "3:7",
            "unknown field “filters”",
            "Write it under eligible: eligible: {filters: …}.",
        ),
        (
            "version: 1\ncampaigns:\n  c: {deliveries: {d: {slots: [{name: a, spce: x}]}}}\n",
            Code.UNKNOWN_KEY,
            "3:42",
            "unknown field “spce”",
            "Did you mean space?",
        ),
        (
            "version: 1\ncategories:\n  c: {eligible: {history: [{offer: a, status: refused, at_most: 0}]}}\n",
            Code.BAD_VALUE,
            "3:47",
            "“refused” is not a status",
            "Known: any, accepted-or-rejected,",
        ),
        ("version: 1\nrules:\n  r: {max: 0xFFFFFFFFFFFFFFFFFFFFFF}\n", Code.WRONG_TYPE, "3:12", "whole number", ""),
        (
            "version: 1\nrules:\n  r: {max: 1, period: {before: 2 weeks}}\n",
            Code.WRONG_TYPE,
            "3:32",
            "“before”: “2 weeks” is not a duration; write days and hours, as in 2d 6h",
            "",
        ),
        (
            "version: 1\nrules:\n  r: {max: 1, period: {before: 99999d 24h}}\n",
            Code.WRONG_TYPE,
            "3:32",
            "“before”: “99999d 24h” is too long; at most 99999d, or 99999h",
            "",
        ),
        (
            "version: 1\nrules:\n  r: {max: 1, period: {before: 99999999d}}\n",
            Code.WRONG_TYPE,
            "3:32",
            "“before”: “99999999d” is too long; at most 99999d, or 99999h",
            "",
        ),
        (
            "version: 1\nrules:\n  r: {max: 1, counted: {of: offers}}\n",
            Code.BAD_VALUE,
            "3:29",
            "“of” cannot be “offers”",
            "Did you mean offer?",
        ),
        (
            "version: 1\ncategories:\n  c: {multiplier: {factor: -1}}\n",
            Code.BAD_VALUE,
            "3:28",
            "must be at least 0, not -1",
            "",
        ),
        ("version: 1\ncategories:\n  c: {multiplier: {}}\n", Code.MISSING, "3:7", "“factor” is missing", ""),
        ("version: 1\ntypologies:\n  t: {}\n", Code.MISSING, "3:3", "“rules” is missing", ""),
        ("version: 1\nfilters:\n  f: {when: ''}\n", Code.BAD_VALUE, "3:13", "“when” is empty", ""),
        (
            "version: 1\nfilters:\n  f: {when: x, parameters: {p: {type: enumeration}}}\n",
            Code.BAD_VALUE,
            "3:32",
            "an enumeration needs values",
            "",
        ),
        (
            "version: 1\ncampaigns:\n  c: {deliveries: {d: {space: s}}}\n",
            Code.BAD_VALUE,
            "3:23",
            "exactly one of engine, offers, outline, cells and offer_from",
            "",
        ),
        (
            "version: 1\ncampaigns:\n  c: {deliveries: {d: {space: s, outline: o}}}\n",
            Code.BAD_VALUE,
            "3:43",
            "delivery “d” names outline “o”, which the campaign does not have",
            "",
        ),
        (
            "version: 1\ncampaigns:\n  c: {deliveries: {d: {space: s, engine: {count: 0}}}}\n",
            Code.BAD_VALUE,
            "3:50",
            "must be at least 1",
            "",
        ),
        (
            "version: 1\ncampaigns:\n  c: {deliveries: {d: {space: s, engine: {count: 101}}}}\n",
            Code.BAD_VALUE,
            "3:50",
            "must be at most 100",
            "",
        ),
    ],
)
def test_other_kinds(text: str, code: Code, place: str, summary: str, hint: str) -> None:
    found = only(text)
    assert (found.code, str(found.position)) == (code, f"x.yaml:{place}")
    assert summary in found.summary
    assert "“”" not in found.summary
    assert hint in found.hint


@pytest.mark.parametrize(
    ("text", "code", "place", "summary"),
    [
        ("version: 1\ndimensions:\n  d: {key: [id], fields: {}}\n", Code.BAD_VALUE, "3:26", "“fields” is empty"),
        ("version: 1\ndimensions:\n  d: {key: [], fields: {id: {}}}\n", Code.BAD_VALUE, "3:12", "“key” is empty"),
        (
            "version: 1\ndimensions:\n  d: {key: [x], fields: {id: {}}}\n",
            Code.BAD_VALUE,
            "3:12",
            "the key names “x”, which is not one of the fields",
        ),
        (
            "version: 1\ndimensions:\n  d: {key: [id], fields: {id: {type: int}}}\n",
            Code.BAD_VALUE,
            "3:38",
            "“int” is not a type",
        ),
        (
            "version: 1\ndimensions:\n  d: {key: [id], fields: {id: {}}, source: {format: sql, table: t, "
            "url: 'pg://u:p@h/d'}}\n",
            Code.BAD_VALUE,
            "3:73",
            "a URL in a spec must not contain a password",
        ),
        (
            "version: 1\ndimensions:\n  d: {key: [id], fields: {id: {}}, source: {format: sql, table: t}}\n",
            Code.BAD_VALUE,
            "3:44",
            "either url or url_env",
        ),
        (
            "version: 1\ndimensions:\n  d: {key: [id], fields: {id: {}}, source: {format: csv, table: t}}\n",
            Code.BAD_VALUE,
            "3:44",
            "a csv, jsonl or parquet source needs path",
        ),
        ("version: 1\noperators:\n  o: {profile: boss ltd}\n", Code.BAD_NAME, "3:16", "“boss ltd” is not a name"),
        (
            "version: 1\noperators:\n  o: {profile: administrator, email: x}\n",
            Code.BAD_VALUE,
            "3:38",
            "“x” is not an e-mail address",
        ),
    ],
)
def test_shared_kinds(text: str, code: Code, place: str, summary: str) -> None:
    found = only(text, "shared")
    assert (found.code, str(found.position)) == (code, f"x.yaml:{place}")
    assert summary in found.summary


@pytest.mark.parametrize(
    ("text", "code", "place", "summary"),
    [
        ("version: 1\nenvironment: {}\n", Code.MISSING, "2:1", "“dimension” is missing"),
        (
            "version: 1\nenvironment: {dimension: d, time_zone: Mars/Base}\n",
            Code.BAD_VALUE,
            "2:40",
            "is not a time zone",
        ),
        (
            "version: 1\nenvironment: {dimension: d, time_zone: ../../etc/passwd}\n",
            Code.BAD_VALUE,
            "2:40",
            "is not a time",
        ),
        (
            "version: 1\nenvironment: {dimension: d, call_data: {x: {type: enumeration, values: [a], sample: b}}}\n",
            Code.BAD_VALUE,
            "2:85",
            "the sample does not fit: “b”",
        ),
        (
            "version: 1\nenvironment: {dimension: d, promotion: {retention: 3}}\n",
            Code.WRONG_TYPE,
            "2:52",
            "not a duration",
        ),
        (
            "version: 1\nenvironment: {dimension: d, impact: {max_lost: 10}}\n",
            Code.WRONG_TYPE,
            "2:48",
            "“max_lost”: “10” is not a percentage; write it as in 10%",
        ),
        (
            "version: 1\nenvironment: {dimension: d, impact: {max_lost: 0.1}}\n",
            Code.WRONG_TYPE,
            "2:48",
            "“0.1” is not a",
        ),
        (
            "version: 1\nenvironment: {dimension: d, impact: {max_lost: -1%}}\n",
            Code.WRONG_TYPE,
            "2:48",
            "not a percentage",
        ),
        (
            "version: 1\nenvironment: {dimension: d, impact: {max_lost: 101%}}\n",
            Code.BAD_VALUE,
            "2:48",
            "“max_lost”: “101%” is more than 100%",
        ),
        (
            "version: 1\nenvironment: {dimension: d, impact: {max_lost: [10%]}}\n",
            Code.WRONG_TYPE,
            "2:48",
            "a percentage",
        ),
        ("version: 1\nenvironment: {dimension: d, impact: {max_gone: 10%}}\n", Code.UNKNOWN_KEY, "2:38", "“max_gone”"),
        ("version: 1\nenvironment:\n  dimension: d\n  promtion: {}\n", Code.UNKNOWN_KEY, "4:3", "“promtion”"),
    ],
)
def test_an_environment(text: str, code: Code, place: str, summary: str) -> None:
    found = only(text, declares=True)
    assert (found.code, str(found.position)) == (code, f"x.yaml:{place}")
    assert summary in found.summary


def test_all_mistakes_of_a_resource_are_told() -> None:
    text = (
        OFFER + "    labl: x\n    enabled: yes\n    weights: [{weight: -1}, {weight: x}]\n    content: {title: '{{'}\n"
    )
    found = {str(d.position): d.code for d in mistakes(text)}
    assert found == {
        "x.yaml:5:5": Code.UNKNOWN_KEY,
        "x.yaml:6:14": Code.WRONG_TYPE,
        "x.yaml:7:24": Code.BAD_VALUE,
        "x.yaml:7:38": Code.WRONG_TYPE,
    }


def test_a_mistake_in_a_multi_line_template_is_at_its_line() -> None:
    found = only(OFFER + "    content:\n      html: |\n        one\n          {{ two\n")
    assert str(found.position) == "x.yaml:8:11"
    found = only(OFFER + "    content:\n      html: >-\n\n        one\n\n        two\n\n        {{ three\n")
    assert str(found.position) == "x.yaml:12:9"


def test_a_value_inside_a_script_is_refused_in_html_alone() -> None:
    script = "'<script>var x = \"{{ title }}\"</script>'"
    assert only(SPACE + f"    render: {{html: {script}}}\n").code is Code.TEMPLATE_SYNTAX
    assert mistakes(SPACE + f"    render: {{text: {script}}}\n") == []


def test_a_mistake_in_an_aliased_template_names_the_line_inside() -> None:
    text = OFFER + "    description: &x |\n      one\n      {{ two\n    content: {html: *x}\n"
    found = only(text)
    assert "(line 2 of it)" in found.summary
    assert str(found.position) == "x.yaml:8:21"


def test_every_kind_refuses_an_unknown_key() -> None:
    for kind in Kind:
        section = {"dimension": "dimensions", "category": "categories", "typology": "typologies"}.get(kind, f"{kind}s")
        shared = kind in SHARED_KINDS
        text = f"version: 1\n{section}:\n  a: {{zzz: 1}}\n"
        declares = kind is Kind.ENVIRONMENT
        if declares:
            text = "version: 1\nenvironment: {zzz: 1}\n"
        found = mistakes(text, "shared" if shared else "shop", declares=declares)
        assert Code.UNKNOWN_KEY in [d.code for d in found], kind
