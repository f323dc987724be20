"""Weights that never win, offers that are always outweighed, rules contained in another; and near misses of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.linting import ENVIRONMENT, SPACES, linted, place, written

from offerkit.diagnostics import Code, Diagnostic, Severity

CONTENT = "content: {title: x}"
ONE_SPACE = {
    "specs/shop/spaces.yaml": """version: 1
spaces:
  web: {channel: inbound-web, unitary: true, fields: [{name: title}], identification: {keys: [id]}}
typologies: {t: {rules: []}}
"""
}


def weights(*rows: str, offer: str = "") -> str:
    """A catalog with one offer that has these weights."""
    listed = "".join(f"\n      - {{{row}}}" if not row.startswith("‸") else f"\n      - ‸{{{row[1:]}}}" for row in rows)
    return f"categories: {{c: {{}}}}\noffers:\n  a:\n    category: c\n    {CONTENT}\n{offer}    weights:{listed}\n"


def of(code: Code, root: Path) -> list[Diagnostic]:
    """The findings with a code; some of these conditions also have parts that add nothing."""
    return [found for found in linted(root).diagnostics if found.code is code]


NEVER_WINS = {
    "a lower one beside one for everybody": weights("weight: 5", "‸weight: 3, when: person.age > 30"),
    "an equal one beside one for everybody": weights("weight: 5", "‸weight: 5, when: person.age > 30"),
    "the later one of two that are the same": weights("weight: 5", "‸weight: 5"),
    "the same condition": weights("‸weight: 3, when: person.age > 30", "weight: 5, when: person.age > 30", "weight: 1"),
    "all parts of the condition, and one more": weights(
        "weight: 5, when: person.age > 30", "‸weight: 3, when: person.score > 0 and person.age > 30", "weight: 1"
    ),
    "a part that is the offer's own": weights(
        "weight: 5, when: person.age > 30", "‸weight: 3", offer="    eligible: {when: person.age > 30}\n"
    ),
    "days within the other one's": weights(
        "weight: 5, from: 2026-07-01, until: 2026-07-31", "‸weight: 3, from: 2026-07-10, until: 2026-07-31", "weight: 1"
    ),
    "days that have begun": weights("weight: 5, from: 2026-06-15", "‸weight: 3, from: 2026-01-01"),
    "a space of the other one": weights("weight: 5", "‸weight: 3, spaces: [app]"),
    "a space that the offer is not shown on": weights(
        "weight: 5, spaces: [web]", "‸weight: 3, spaces: [app, web]", offer="    spaces: [web]\n"
    ),
    "the same formula": weights("formula: person.score", "‸formula: person.score, when: person.age > 30"),
}


@pytest.mark.parametrize("name", NEVER_WINS)
def test_a_weight_that_never_wins(name: str, tmp_path: Path) -> None:
    (where,) = written(tmp_path, NEVER_WINS[name])
    (found,) = of(Code.WEIGHT_NEVER_WINS, tmp_path)
    assert (found.code, found.severity, place(found)) == (Code.WEIGHT_NEVER_WINS, Severity.WARNING, where)
    assert "never wins: whenever it holds, weight" in found.summary and len(found.related) == 1


CAN_WIN = {
    "a higher one": weights("weight: 5", "weight: 7, when: person.age > 30"),
    "the other one has a condition": weights("weight: 5, when: person.age > 30", "weight: 3"),
    "the other one's condition is another one": weights(
        "weight: 5, when: person.age > 30", "weight: 3, when: person.score > 0", "weight: 1"
    ),
    "the other one begins tomorrow": weights("weight: 5, from: 2026-06-16", "weight: 3"),
    "the other one ends before": weights("weight: 5, until: 2026-12-30", "weight: 3, until: 2026-12-31"),
    "the other one ends, and this one does not": weights("weight: 5, until: 2026-12-31", "weight: 3"),
    "the other one is for a space less": weights("weight: 5, spaces: [web]", "weight: 3, spaces: [app, web]"),
    "a dynamic one that comes first": weights("weight: 5, dynamic: hotels, when: person.age > 30", "weight: 5"),
    "a formula that nothing is known about": weights("formula: person.score", "weight: 3"),
    "text in a literal that differs in blanks": weights(
        "weight: 5, when: \"person.country = 'A  B'\"", "weight: 3, when: \"person.country = 'A B'\"", "weight: 1"
    ),
}


@pytest.mark.parametrize("name", CAN_WIN)
def test_a_weight_that_can_win(name: str, tmp_path: Path) -> None:
    written(tmp_path, CAN_WIN[name])
    assert linted(tmp_path).diagnostics == ()


def test_a_weight_of_a_template_is_found_only_if_it_never_wins_in_any_offer(tmp_path: Path) -> None:
    text = f"""categories: {{c: {{}}}}
templates:
  t: {{weights: [{{weight: 5, when: person.age > 30}}, ‸{{weight: 3}}]}}
offers:
  a: {{category: c, template: t, {CONTENT}, eligible: {{when: person.age > 30}}}}
  b: {{category: c, template: t, {CONTENT}, eligible: {{when: person.age > 30 and person.score > 1}}}}
"""
    (where,) = written(tmp_path, text)
    (found,) = of(Code.WEIGHT_NEVER_WINS, tmp_path)
    assert (found.code, found.address, place(found)) == (Code.WEIGHT_NEVER_WINS, "shop/template.t", where)
    written(tmp_path, text.replace("person.age > 30 and person.score > 1", "person.score > 1"))
    assert of(Code.WEIGHT_NEVER_WINS, tmp_path) == []


OUTWEIGHED = f"""categories: {{c: {{}}}}
offers:
  big: {{category: c, {CONTENT}, weights: [{{weight: 10}}]}}
  ‸small: {{category: c, {CONTENT}, eligible: {{when: person.age > 30}}, weights: [{{weight: 9}}, {{weight: 8, when: person.age > 60}}]}}
""".replace(", {weight: 8, when: person.age > 60}", "")


def test_an_offer_that_is_always_outweighed(tmp_path: Path) -> None:
    """On the only space, in the same category, without rules or hooks: nothing takes the other one away."""
    (where,) = written(tmp_path, OUTWEIGHED, ONE_SPACE)
    (found,) = linted(tmp_path).diagnostics
    assert (found.code, found.severity, place(found)) == (Code.OUTWEIGHED, Severity.WARNING, where)
    assert found.summary == (
        "calls for one offer on web never get small: big is always there and weighs more (10, not 9 or less)"
    )
    assert found.detail == "Nothing can take big away there."


NOT_OUTWEIGHED = {
    "as heavy: they take turns": ("weight: 10", "weight: 9"),
    "a formula": ("[{weight: 9}]", "[{formula: person.score}]"),
    "a weight for some contacts": ("[{weight: 9}]", "[{weight: 9}, {weight: 11, when: person.age > 60}]"),
    "a heavier weight that begins later": ("[{weight: 9}]", "[{weight: 9}, {weight: 11, from: 2027-01-01}]"),
    "the other one is not for everybody": ("weights: [{weight: 10}]", "weights: [{weight: 10, when: person.age > 0}]"),
    "the other one ends": ("weights: [{weight: 10}]", "eligible: {until: 2029-12-31}, weights: [{weight: 10}]"),
    "the other one begins tomorrow": (
        "weights: [{weight: 10}]",
        "eligible: {from: 2026-06-16}, weights: [{weight: 10}]",
    ),
    "the other one is dynamic": ("{weight: 10}", "{weight: 10, dynamic: hotels}"),
    "the other one's multiplier takes weight away for a day": (
        "categories: {c: {}}",
        "categories: {c: {}, d: {multiplier: {factor: 0.5, from: 2026-08-01, until: 2026-08-01}}}",
    ),
    "its own multiplier adds weight for a day": (
        "categories: {c: {}}",
        "categories: {c: {}, d: {multiplier: {factor: 2, from: 2026-08-01, until: 2026-08-01}}}",
    ),
}


@pytest.mark.parametrize("name", NOT_OUTWEIGHED)
def test_an_offer_that_is_not_always_outweighed(name: str, tmp_path: Path) -> None:
    before, after = NOT_OUTWEIGHED[name]
    text = OUTWEIGHED.replace("‸", "")
    if name.startswith("as heavy"):
        before, after = "weight: 9", "weight: 10"
    if "multiplier" in name:
        who = "big" if name.startswith("the other") else "small"
        text = text.replace(f"{who}: {{category: c", f"{who}: {{category: d")
    assert before in text
    written(tmp_path, text.replace(before, after), ONE_SPACE)
    assert linted(tmp_path).diagnostics == ()


SPACE = ONE_SPACE["specs/shop/spaces.yaml"]
TAKEN_AWAY = {
    "a presentation rule (once) leaves it out": {
        "specs/shop/spaces.yaml": SPACE.replace("rules: []", "rules: [once]")
        + "rules: {once: {applies_to: {offers: [big]}, max: 1}}\n"
    },
    "the hook “mixed” leaves it out or moves it back": {
        "specs/shop/spaces.yaml": SPACE.replace("unitary: true", "unitary: true, hooks: {post_processing: mixed}")
    },
    "another space of the same call proposes it first": {"specs/shop/spaces.yaml": SPACES},
    "a delivery names its offers": {"specs/shop/spaces.yaml": SPACE.replace("inbound-web", "email")},
}


@pytest.mark.parametrize("why", TAKEN_AWAY)
def test_what_can_take_the_other_one_away_is_told_and_makes_it_a_note(why: str, tmp_path: Path) -> None:
    written(tmp_path, OUTWEIGHED, TAKEN_AWAY[why])
    (found,) = linted(tmp_path).diagnostics
    assert (found.severity, found.detail) == (Severity.NOTE, f"Unless {why}.")


def test_who_is_always_there_can_take_a_proof(tmp_path: Path) -> None:
    """Its condition asks for no more than the environment does; one that asks for a little more is not always there."""
    files = {**ONE_SPACE, "environments/shop.yaml": ENVIRONMENT + "  when: person.age >= 18\n"}
    for age, outweighed in ((17, 1), (18, 1), (19, 0)):
        condition = f"{CONTENT}, eligible: {{when: person.age >= {age}}}, weights: [{{weight: 10}}]"
        written(tmp_path, OUTWEIGHED.replace(f"{CONTENT}, weights: [{{weight: 10}}]", condition), files)
        assert len(of(Code.OUTWEIGHED, tmp_path)) == outweighed, age


def test_a_rule_that_leaves_out_both_takes_nothing_away(tmp_path: Path) -> None:
    rule = "rules: {cap: {counted: {of: all}, max: 1}}\n"
    written(tmp_path, OUTWEIGHED, {"specs/shop/spaces.yaml": SPACE.replace("rules: []", "rules: [cap]") + rule})
    assert [found.severity for found in linted(tmp_path).diagnostics] == [Severity.WARNING]


def test_a_call_can_ask_for_the_categories_of_one_alone(tmp_path: Path) -> None:
    apart = OUTWEIGHED.replace("{c: {}}", "{c: {}, d: {}}").replace("small: {category: c", "small: {category: d")
    written(tmp_path, apart, ONE_SPACE)
    (found,) = linted(tmp_path).diagnostics
    assert found.detail == "Unless the call asks for categories or themes that it does not have."
    written(tmp_path, apart.replace("{c: {}", "{c: {always_include: true}"), ONE_SPACE)
    assert [found.severity for found in linted(tmp_path).diagnostics] == [Severity.WARNING]
    below = apart.replace("d: {}", "c/d: {}").replace("category: d", "category: c/d")
    written(tmp_path, below, ONE_SPACE)  # a call for c/d does not have big, which is in c
    assert [found.severity for found in linted(tmp_path).diagnostics] == [Severity.NOTE]
    above = (
        below.replace("category: c/d", "category: x").replace("category: c,", "category: c/d,").replace(": x,", ": c,")
    )
    written(tmp_path, above, ONE_SPACE)  # whoever asks for c has c/d, too
    assert [found.severity for found in linted(tmp_path).diagnostics] == [Severity.WARNING]
    defaults = {"specs/shop/spaces.yaml": SPACE.replace("unitary: true", "unitary: true, defaults: {categories: [d]}")}
    written(tmp_path, apart, defaults)  # by default, the heavier one is not in the slice
    assert linted(tmp_path).diagnostics == ()


def rules(wide: str, narrow: str) -> tuple[str, dict[str, str]]:
    """A catalog with two rules, and the files beside it."""
    return (
        f"categories: {{c: {{}}, d: {{}}}}\nrules:\n  wide: {{{wide}}}\n  ‸narrow: {{{narrow}}}\n"
        f"offers:\n  a: {{category: c, {CONTENT}}}\n  b: {{category: d, {CONTENT}}}\n",
        {"specs/shop/spaces.yaml": SPACES.replace("rules: []", "rules: [wide, narrow]")},
    )


CONTAINED = {
    "a higher maximum": ("max: 1", "max: 2"),
    "a shorter period": ("max: 1, period: {before: 30d}", "max: 1, period: {before: 7d}"),
    "fewer offers": ("max: 1", "max: 1, applies_to: {offers: [a]}"),
    "offers of a category": ("max: 1, applies_to: {categories: [c, d]}", "max: 1, applies_to: {offers: [a]}"),
    "one channel": ("max: 1", "max: 1, channel: inbound-web"),
    "some contacts": ("max: 1", "max: 1, contacts: person.age > 30"),
    "contacts of both": ("max: 1, contacts: person.age > 3", "max: 1, contacts: person.age > 3 and person.score > 1"),
    "contacts, which takes a proof": ("max: 1, contacts: person.age > 3", "max: 1, contacts: person.age > 5"),
    "a status": ("max: 1", "max: 1, counted: {status: accepted}"),
    "one of two statuses": (
        "max: 1, counted: {status: accepted-or-rejected}",
        "max: 1, counted: {status: rejected}",
    ),
    "the same channel only": ("max: 1", "max: 1, counted: {same_channel: true}"),
    "propositions with a condition": ("max: 1", "max: 1, counted: {when: proposition.rank = 1}"),
    "all offers are counted": ("max: 2, counted: {of: all}", "max: 2, counted: {of: category}"),
    "the same": ("max: 1", "max: 1"),
}


@pytest.mark.parametrize("name", CONTAINED)
def test_a_rule_in_another(name: str, tmp_path: Path) -> None:
    text, files = rules(*CONTAINED[name])
    (where,) = written(tmp_path, text, files)
    if name == "the same":  # names decide the order; the last one goes
        where = where._replace(line=where.line - 1, column=where.column)
    (found,) = [item for item in linted(tmp_path).diagnostics if item.code is not Code.OUTWEIGHED]
    assert (found.code, place(found)) == (Code.RULE_CONTAINED, where)
    assert found.severity is Severity.WARNING


APART = {
    "a lower maximum": ("max: 2", "max: 1"),
    "a longer period": ("max: 1, period: {before: 7d}", "max: 1, period: {before: 8d}"),
    "a period after": ("max: 1", "max: 1, period: {after: 1d}"),
    "another channel": ("max: 1, channel: inbound-mobile", "max: 1, channel: inbound-web"),
    "other offers": ("max: 1, applies_to: {offers: [b]}", "max: 1, applies_to: {offers: [a]}"),
    "other contacts": ("max: 1, contacts: person.age > 30", "max: 1, contacts: person.score > 1"),
    "all contacts": ("max: 1, contacts: person.age > 30", "max: 1"),
    "other statuses": ("max: 1, counted: {status: accepted}", "max: 1, counted: {status: accepted-or-rejected}"),
    "the category it is in now, where the offer was in another one": (
        "max: 1, counted: {of: category}",
        "max: 1, counted: {of: offer}",
    ),
    "what the rule applies to, which differs": (
        "max: 2, counted: {of: applies-to}",
        "max: 2, counted: {of: applies-to}, applies_to: {offers: [a]}",
    ),
    "offers that depend on the clock": (
        "max: 1, applies_to: {when: current_date > date '2026-01-01'}",
        "max: 1, applies_to: {offers: [a]}",
    ),
}


@pytest.mark.parametrize("name", APART)
def test_rules_that_only_look_alike(name: str, tmp_path: Path) -> None:
    text, files = rules(*APART[name])
    written(tmp_path, text, files)
    assert "shop/rule.narrow" not in {found.address for found in of(Code.RULE_CONTAINED, tmp_path)}
