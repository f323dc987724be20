"""Findings about conditions, proved by the solver: each where it is; near misses; what is unknown or begins tomorrow."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.linting import ENVIRONMENT, linted, place, session, written

from offerkit.diagnostics import Code, Severity
from offerkit.prove import solver
from offerkit.usecases import lint as lint_module

CONTENT = "content: {title: x}"
ADULTS = {"environments/shop.yaml": ENVIRONMENT + "  when: person.age >= 18 and person.country is not null\n"}
Z = f"  z: {{category: c, {CONTENT}}}\n"


def offer(when: str = "", more: str = "", category: str = "c: {}", before: str = "") -> str:
    """A catalog with an offer with this condition, and one for everybody."""
    eligible = f"\n      when: {when}" if when else " {}"
    return f"{before}categories:\n  {category}\noffers:\n  a:\n    category: c\n    {CONTENT}\n{more}    eligible:{eligible}\n{Z}"


FOUND: dict[str, tuple[Code, str, int, str]] = {
    "one filter with two values": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.age = parameter.age” (parameter.age is 18) and"
        " “person.age = parameter.age” (parameter.age is 60)",
        1,
        f"filters:\n  of-age: {{when: ‸person.age = parameter.age, parameters: {{age: {{type: integer}}}}}}\n"
        f"categories: {{c: {{}}}}\noffers:\n  a:\n    category: c\n    {CONTENT}\n    eligible:\n"
        "      filters: [{filter: of-age, with: {age: 18}}]\n"
        "    weights: [{weight: 2, filters: [{filter: of-age, with: {age: 60}}]}, {weight: 1}]\n" + Z,
    ),
    "parts of one condition": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.age > 60” and “person.age < 30”",
        1,
        offer("person.age > 60 and person.score > 1 and ‸person.age < 30"),
    ),
    "three parts, of which two are not enough": (
        Code.NOBODY_MEETS,
        "no contact can meet “person.age > person.id”, “person.id > 50” and “person.age < 50” together",
        2,
        offer("person.age > person.id and person.id > 50 and ‸person.age < 50"),
    ),
    "a single part": (
        Code.NOBODY_MEETS,
        "no contact can meet “person.age > person.age”",
        0,
        offer("‸person.age > person.age"),
    ),
    "a part and the environment": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.age >= 18” and “person.age < 18”",
        1,
        offer("‸person.age < 18"),
    ),
    "unknown is never equal": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.country is not null” and “person.country is null”",
        1,
        offer("person.score > 1 and ‸person.country is null"),
    ),
    "a value that an enumeration does not have": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.segment <> 'mass'” and “person.segment not in ('affluent', 'private')”",
        1,
        offer("person.segment <> 'mass' and ‸person.segment not in ('affluent', 'private')"),
    ),
    "a category's condition": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.age >= 18” and “person.age < 12”",
        1,
        f"categories:\n  c: {{}}\n  d: {{eligible: {{when: ‸person.age < 12}}}}\n"
        f"offers:\n{Z}  y: {{category: d, {CONTENT}}}\n",
    ),
    "a filter's condition, used twice": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.age >= 18” and “person.age < 12”",
        1,
        f"filters: {{kids: {{when: ‸person.age < 12}}}}\ncategories:\n  c: {{}}\noffers:\n{Z}"
        f"  a: {{category: c, {CONTENT}, eligible: {{filters: [kids]}}}}\n"
        f"  b: {{category: c, {CONTENT}, eligible: {{filters: [kids], when: person.score > 1}}}}\n",
    ),
    "a weight's condition": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.age < 30” and “person.age > 60”",
        1,
        offer("person.age < 30", "    weights: [{weight: 1}, {weight: 5, when: ‸person.age > 60}]\n"),
    ),
    "a rule's contacts": (
        Code.NOBODY_MEETS,
        "no contact can meet both “person.age >= 18” and “person.age < 12”",
        1,
        offer() + "rules:\n  kids: {contacts: ‸person.age < 12, max: 1}\n",
    ),
    "an offer that its category excludes": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        1,
        offer("‸person.age < 30", category="c: {eligible: {when: person.age > 60}}"),
    ),
    "an offer that its filter's parameters exclude": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        1,
        offer(
            "‸person.age < 30",
            before="filters: {older: {when: person.age > parameter.age, parameters: {age: {type: integer}}}}\n",
        ).replace("    eligible:\n", "    eligible:\n      filters: [{filter: older, with: {age: 60}}]\n"),
    ),
    "an offer whose weights exclude each contact": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        1,
        offer("‸person.score < 0.5", "    weights: [{formula: person.score - 1}]\n"),
    ),
    "a part that every contact meets": (
        Code.EVERYBODY_MEETS,
        "every contact meets “person.score is null or person.score <= 5 or person.score > 5”",
        0,
        offer("person.age < 60 and (‸person.score is null or person.score <= 5 or person.score > 5)"),
    ),
    "a day that has passed": (
        Code.EVERYBODY_MEETS,
        "every contact meets “current_date >= date '2026-06-01'”",
        0,
        offer("‸current_date >= date '2026-06-01'"),
    ),
    "a part that the environment implies": (
        Code.ADDS_NOTHING,
        "“person.age >= 16” adds nothing: “person.age >= 18” already implies it",
        1,
        offer("person.score > 1 and ‸person.age >= 16"),
    ),
    "a part that two others imply": (
        Code.ADDS_NOTHING,
        "“person.age > 20” adds nothing: “person.age > person.id” and “person.id > 20” already imply it",
        2,
        offer("person.age > person.id and ‸person.age > 20 and person.id > 20"),
    ),
    "the later one of two that are the same": (
        Code.ADDS_NOTHING,
        "“person.score > 1” adds nothing: “person.score > 1” already implies it",
        1,
        offer("person.score > 1 and ‸person.score > 1"),
    ),
    "a filter that the offer's category implies": (
        Code.ADDS_NOTHING,
        "filter rich adds nothing here: “person.score > 5” already implies it",
        2,
        offer(
            category="c: {eligible: {when: person.score > 5}}",
            before="filters: {rich: {when: person.score > 3}}\n",
        ).replace("    eligible: {}\n", "    eligible: {filters: [‸rich]}\n"),
    ),
    "a part of a weight that the offer implies": (
        Code.ADDS_NOTHING,
        "“person.score > 1” adds nothing: “person.score > 2” already implies it",
        1,
        offer(
            "person.score > 2",
            "    weights: [{weight: 1}, {weight: 5, when: ‸person.score > 1 and person.age > 60}]\n",
        ),
    ),
    "a part of a category that the one above implies": (
        Code.ADDS_NOTHING,
        "“person.score > 1” adds nothing: “person.score > 2” already implies it",
        1,
        f"categories:\n  c: {{eligible: {{when: person.score > 2}}}}\n  c/d: {{eligible: {{when: ‸person.score > 1}}}}\n"
        f"offers:\n{Z}  y: {{category: c/d, {CONTENT}}}\n",
    ),
    "a part of a filter that the environment implies": (
        Code.ADDS_NOTHING,
        "“person.age > 17” adds nothing: “person.age >= 18” already implies it",
        1,
        offer(before="filters: {rich: {when: person.score > 3 and ‸person.age > 17}}\n").replace(
            "    eligible: {}\n", "    eligible: {filters: [rich]}\n"
        ),
    ),
    "a part of a template that is of no use in all of its offers": (
        Code.ADDS_NOTHING,
        "“person.score > 1” adds nothing: “person.score > 2” already implies it",
        1,
        "templates: {t: {eligible: {when: person.age < 60 and ‸person.score > 1}}}\n"
        "categories:\n  c: {eligible: {when: person.score > 2}}\noffers:\n"
        f"  a: {{category: c, template: t, {CONTENT}}}\n  b: {{category: c, template: t, {CONTENT}}}\n",
    ),
    "a weight that a proof needs": (
        Code.WEIGHT_NEVER_WINS,
        "weight 2 never wins: whenever it holds, weight 1 also holds and is at least as high (5, not 3)",
        1,
        offer(
            more="    weights: [{weight: 5, when: person.score > 1}, ‸{weight: 3, when: person.score > 2}, {weight: 1}]\n"
        ),
    ),
    "a weight below a formula": (
        Code.WEIGHT_NEVER_WINS,
        "weight 2 never wins: whenever it holds, weight 1 also holds and is at least as high",
        1,
        offer(
            more="    weights: [{formula: 'greatest(10, coalesce(person.score, 0))'}, ‸{weight: 10, when: person.score > 2}]\n"
        ),
    ),
}
"""By name: the code, the summary, how many other places are named, and the specs."""


@pytest.mark.parametrize("name", FOUND)
def test_it_is_proved_and_found_where_it_is(name: str, tmp_path: Path) -> None:
    code, summary, related, text = FOUND[name]
    files = {**ADULTS}
    if "kids: {contacts" in text:
        from helpers.linting import SPACES

        files["specs/shop/spaces.yaml"] = SPACES.replace("rules: []", "rules: [kids]")
    marks = written(tmp_path, text, files)
    found = [item for item in linted(tmp_path).diagnostics if item.code not in (Code.OUTWEIGHED, Code.EMPTY_CATEGORY)]
    assert [(item.code, item.summary) for item in found] == [(code, summary)]
    assert [place(item) for item in found] == marks
    assert found[0].severity is Severity.WARNING and found[0].hint
    assert len(found[0].related) == related


CLEAN: dict[str, str] = {
    "neighbouring values": offer("person.age > 60 and person.age < 62"),
    "an age that is just an adult's": offer("person.age < 19"),
    "a comparison that unknown values do not meet": offer("person.score > 5 or person.score <= 5"),
    "a comparison with a field that can be unknown": offer("person.segment <> 'mass'"),
    "a negation that unknown values do not meet": offer("not (person.segment = 'mass')"),
    "all values of an enumeration, which can be unknown": offer("person.segment in ('mass', 'affluent', 'private')"),
    "something that begins tomorrow": offer("current_date >= date '2026-06-16'"),
    "something that ends": offer("current_date <= date '2026-06-15'"),
    "a widening that begins later": offer("person.age >= 21 or current_date > date '2026-12-01'"),
    "a later hour of today": offer("now > timestamp '2026-06-15 23:00:00'"),
    "an implication by a part that is a little weaker": offer("person.age >= 19"),
    "one more than there is may overflow": offer("person.age + 1 > person.age and person.id > 3"),
    "parts about other fields": offer("person.score > 1 and person.id > 1 and person.country = 'FR'"),
    "a filter with values that matter": offer(
        before="filters: {older: {when: person.age > parameter.age, parameters: {age: {type: integer}}}}\n"
    ).replace("    eligible: {}\n", "    eligible: {filters: [{filter: older, with: {age: 18}}]}\n"),
    "a template's part that one of its offers needs": (
        "templates: {t: {eligible: {when: person.age < 60 and person.score > 1}}}\n"
        "categories:\n  c: {eligible: {when: person.score > 2}}\n  d: {}\noffers:\n"
        f"  a: {{category: c, template: t, {CONTENT}}}\n  b: {{category: d, template: t, {CONTENT}}}\n"
    ),
    "an offer for one space alone": offer(
        "person.score < 0", "    weights: [{formula: person.score, spaces: [web]}, {weight: 1, spaces: [app]}]\n"
    ),
    "a higher weight for others": offer(
        more="    weights: [{weight: 5, when: person.score > 2}, {weight: 3, when: person.score > 1}, {weight: 1}]\n"
    ),
    "a formula that can be lower": offer(
        more="    weights: [{formula: '10 + coalesce(person.score, 0)'}, {weight: 10, when: person.age > 30}]\n"
    ),
}


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_meant_is_not_found(name: str, tmp_path: Path) -> None:
    written(tmp_path, CLEAN[name], ADULTS)
    result = linted(tmp_path)
    assert [item for item in result.diagnostics if item.code is not Code.OUTWEIGHED] == []
    assert result.asked > 0 and result.undecided == 0 and result.note == ""


def test_the_parts_are_told_with_their_places(tmp_path: Path) -> None:
    """Of several resources, in several files."""
    environment = {"environments/shop.yaml": ENVIRONMENT + "  when: >-\n    person.id > 0\n    and ‸person.age >= 18\n"}
    other, where = written(tmp_path, offer("person.score > 1 and ‸person.age < 18"), environment)
    (found,) = linted(tmp_path).diagnostics
    assert place(found) == where
    assert [(text, tuple(at)) for text, at in found.related] == [("“person.age >= 18”, of the environment", other)]


def test_without_the_solver_a_line_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs none is found all the same."""
    monkeypatch.setattr(solver, "solver_path", lambda: None)
    written(tmp_path, offer("person.age < 18", "    weights: [{weight: 0}]\n"), ADULTS)
    result = linted(tmp_path)
    assert [item.code for item in result.diagnostics] == [Code.LONE_ZERO]
    assert "are only found with a solver. Install it: " in result.note and "prove" in result.note


def test_what_is_not_decided_is_counted_and_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for all proofs is over before the first."""
    monkeypatch.setattr(lint_module, "SECONDS", 0.0)
    written(tmp_path, offer("person.age < 18"), ADULTS)
    result = linted(tmp_path)
    assert [item for item in result.diagnostics if item.code is not Code.OUTWEIGHED] == []
    assert result.undecided == result.asked > 0
    assert "questions about conditions were not decided; nothing is reported about them" in result.note


def test_the_moment_is_that_of_at(tmp_path: Path) -> None:
    written(tmp_path, offer("current_date >= date '2026-06-16'"), ADULTS)
    assert linted(tmp_path, at="2026-06-15").diagnostics == ()
    (found,) = linted(tmp_path, at="2026-06-16").diagnostics
    assert found.code is Code.EVERYBODY_MEETS
    assert found.detail.startswith("At every moment from 2026-06-16 12:00 on. ")


def test_what_is_removed_may_let_a_template_apply(tmp_path: Path) -> None:
    """The hint says so: an offer without a condition of its own has its template's."""
    text = (
        "templates: {t: {eligible: {when: person.id > 7}}}\ncategories:\n  c: {}\noffers:\n"
        f"  a: {{category: c, template: t, {CONTENT}, eligible: {{when: person.age >= 16}}}}\n"
        f"  b: {{category: c, {CONTENT}, eligible: {{when: person.age >= 17}}}}\n"
    )
    written(tmp_path, text, ADULTS)
    hints = {item.address: item.hint for item in linted(tmp_path).diagnostics if item.code is Code.ADDS_NOTHING}
    assert hints == {
        "shop/offer.a": "Remove it. If nothing is left there, shop/template.t applies instead.",
        "shop/offer.b": "Remove it.",
    }


def test_on_request_nothing_is_proved_and_nothing_is_said_of_it(tmp_path: Path) -> None:
    """Parts with equal texts are found all the same."""
    written(tmp_path, offer("person.age < 60 and person.age < 70 and person.age >= 18"), ADULTS)
    found = {
        prove: [item.summary for item in lint_module.lint(session(tmp_path), prove=prove).diagnostics]
        for prove in (True, False)
    }
    equal = "“person.age >= 18” adds nothing: “person.age >= 18” already implies it"
    assert found[False] == [equal]
    assert equal in found[True] and len(found[True]) == 2
    assert lint_module.lint(session(tmp_path), prove=False).note == ""


BEYOND_CONDITIONS: dict[str, tuple[Code, str, str]] = {
    "a space that the offer is not on": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        offer("‸interaction.space = 'app'", "    spaces: [web]\n"),
    ),
    "a channel that its space does not have": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        offer("‸interaction.channel = 'inbound-mobile'", "    spaces: [web]\n"),
    ),
    "a filter of its category": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        offer(
            "‸person.age < 60",
            category="c: {eligible: {filters: [old]}}",
            before="filters:\n  old: {when: person.age >= 60}\n",
        ),
    ),
    "a filter of a category that adds nothing": (
        Code.ADDS_NOTHING,
        "filter grown adds nothing here: “person.age >= 60” already implies it",
        offer(
            category="c: {eligible: {filters: [old, ‸grown]}}",
            before="filters:\n  old: {when: person.age >= 60}\n  grown: {when: person.age >= 30}\n",
        ),
    ),
    "histories of an offer and of its category": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        f"""categories:
  c: {{eligible: {{history: [{{offer: z, at_most: 1}}]}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{history: [‸{{offer: z, at_least: 2}}]}}}}
{Z}""",
    ),
}


@pytest.mark.parametrize("text", BEYOND_CONDITIONS)
def test_filters_histories_and_facts_of_the_call_are_known(text: str, tmp_path: Path) -> None:
    code, summary, content = BEYOND_CONDITIONS[text]
    (where,) = written(tmp_path, content, ADULTS)
    (found,) = linted(tmp_path).diagnostics
    assert (found.code, found.summary, place(found)) == (code, summary, where)


NEARLY = {
    "a space that the offer is on": offer("interaction.space = 'app' or person.age > 60"),
    "an identification": offer("interaction.identification <> 'batch'"),
    "histories that can both be": f"""categories:
  c: {{eligible: {{history: [{{offer: z, at_most: 1}}]}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{history: [{{offer: z, at_least: 1}}, {{offer: a, at_least: 2}}]}}}}
{Z}""",
}


@pytest.mark.parametrize("text", NEARLY)
def test_what_can_be_is_no_finding(text: str, tmp_path: Path) -> None:
    assert written(tmp_path, NEARLY[text], ADULTS) == []
    assert linted(tmp_path).diagnostics == ()
