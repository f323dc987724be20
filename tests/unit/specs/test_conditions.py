"""Conditions, formulas and filters' parameters are checked where they stand, with the names known there."""

from __future__ import annotations

import pytest

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.specs.cache import Cache
from offerkit.specs.conditions import TAKEN, ExpressionCheck, bad_expressions, check_expressions
from offerkit.specs.load import load_files
from offerkit.specs.parse import parse_file
from offerkit.specs.project import SpecFile
from offerkit.specs.record import Index

SHARED = """\
version: 1
dimensions:
  person:
    key: [id]
    fields:
      id: {type: integer}
      age: {type: integer}
      name: {}
      tier: {type: enumeration, values: [gold, silver]}
      born: {type: date}
      tags: {type: list}
"""
ENVIRONMENT = """\
version: 1
environment:
  dimension: person
  time_zone: Europe/Paris
  call_data: {page: {sample: /home}, basket: {type: decimal}}
"""
CATALOG = """\
version: 1
categories:
  c: {}
filters:
  older:
    when: person.age >= parameter.least and offer.code <> 'x'
    parameters:
      least: {type: integer}
      tier: {type: enumeration, values: [gold, silver], default: gold}
  plain: {when: person.age >= 18}
spaces:
  web: {channel: inbound-web, unitary: true, fields: [{name: title}], identification: {keys: [id]}}
"""


def mistakes(more: str, environment: str = ENVIRONMENT, shared: str = SHARED) -> list[Diagnostic]:
    """What is wrong with a project that also holds the file ``more``."""
    files = [
        SpecFile("environments/shop.yaml", "shop", True, environment.encode()),
        SpecFile("specs/shared.yaml", "shared", False, shared.encode()),
        SpecFile("specs/shop/catalog.yaml", "shop", False, CATALOG.encode()),
        SpecFile("specs/shop/more.yaml", "shop", False, f"version: 1\n{more}".encode()),
    ]
    try:
        load_files(files, [], Cache(None))
    except Refused as refused:
        return list(refused.diagnostics)
    return []


def only(more: str, environment: str = ENVIRONMENT, shared: str = SHARED) -> Diagnostic:
    found = mistakes(more, environment, shared)
    assert len(found) == 1, [(d.summary, str(d.position)) for d in found]
    return found[0]


def offer(rest: str) -> str:
    return f"offers:\n  a: {{category: c, {rest}}}\n"


SOUND = """\
rules:
  r:
    applies_to: {when: offer.category like 'c%' and category.label <> ''}
    contacts: person.age > 18 and interaction.basket > 10
    counted: {when: proposition.space = 'web' and proposition.status = 'accepted'}
    max: 1
templates:
  t: {eligible: {when: person.tier = 'gold', filters: [{filter: older, with: {least: 18}}]}}
offers:
  a:
    template: t
    category: c
    eligible: {when: person.age >= 18, filters: [plain, {filter: older, with: {least: 18, tier: silver}}]}
    weights: [{formula: 10 + person.age, when: interaction.page = '/'}]
spaces:
  mail:
    channel: email
    fields: [{name: title}]
    storage:
      proposed_data: {tier: person.tier, weight: proposition.weight * 2}
      accepted_data: {page: interaction.page, code: offer.code}
campaigns:
  x: {deliveries: {d: {space: mail, target: person.age > 20, cells: [{when: person.age > 30, offer: a}]}}}
"""


def test_a_sound_project() -> None:
    assert mistakes(SOUND) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("person.tier = 'gold'", "person.teir = 'gold'"),
        ("person.age >= 18, filters", "person.agee >= 18, filters"),
        ("10 + person.age", "10 + person.agee"),
        ("when: interaction.page = '/'", "when: interaction.pages = '/'"),
        ("offer.category like", "offer.categories like"),
        ("category.label <>", "category.labels <>"),
        ("interaction.basket > 10", "interaction.baskets > 10"),
        ("proposition.space = 'web'", "proposition.spaces = 'web'"),
        ("tier: person.tier", "tier: person.tiers"),
        ("page: interaction.page", "page: interaction.pages"),
        ("target: person.age", "target: person.agee"),
        ("when: person.age > 30", "when: person.agee > 30"),
        # a name of another place
        ("when: proposition.space = 'web'", "when: person.age = 1"),
        ("when: offer.category like 'c%'", "when: person.age = 1"),
        ("contacts: person.age > 18", "contacts: offer.code = 'a'"),
        ("person.age >= 18, filters", "parameter.least >= 18, filters"),
        # of the wrong type: neither a condition nor a number
        ("person.age >= 18, filters", "person.age + 18, filters"),
        ("10 + person.age", "person.name"),
    ],
)
def test_every_expression_is_checked(old: str, new: str) -> None:
    """One mistake in each place where an expression may stand is told, right at the name or value."""
    assert SOUND.count(old) == 1
    found = only(SOUND.replace(old, new))
    assert found.code is Code.EXPRESSION
    assert found.position is not None
    lines = f"version: 1\n{SOUND.replace(old, new)}".split("\n")
    line = next(number for number, text in enumerate(lines) if new in text)
    assert found.position.file == "specs/shop/more.yaml"
    assert found.position.line == line + 1
    assert lines[line].index(new) < found.position.column <= lines[line].index(new) + len(new)


def test_environment_and_category() -> None:
    found = only("", ENVIRONMENT + "  when: person.agee > 1\n")
    assert (found.code, found.address) == (Code.EXPRESSION, "environment.shop")
    assert str(found.position) == "environments/shop.yaml:6:9"
    assert "age" in found.hint
    found = only("categories:\n  d: {eligible: {when: person.tier = 'bronze'}}\n")
    assert str(found.position) == "specs/shop/more.yaml:3:38"


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("person.age > 1 and person.agee > 2", "5:32"),
        ("'person.name = ''é'' and person.agee > 2'", "5:38"),
        ("\"person.name = '\\u00e9' and person.agee > 2\"", "5:41"),
        ("|\n        person.age > 1\n          and person.agee > 2\n", "7:15"),
        (">-\n        person.age > 1\n        and person.agee > 2\n", "7:13"),
        ("|\n        person.agee > 2\n", "6:9"),
        ("'person.agee > 2'", "5:14"),
        ("&known person.agee > 2", "5:20"),
        ("person.age > 1\n        and\n        person.agee > 2", "7:9"),
    ],
)
def test_the_column_inside_the_value(written: str, place: str) -> None:
    found = only(f"offers:\n  a:\n    category: c\n    eligible:\n      when: {written}\n")
    line, column = (int(part) for part in place.split(":"))
    assert (found.position and found.position[1:]) == (line + 1, column)


@pytest.mark.parametrize(
    ("uses", "place", "says"),
    [
        ("[{filter: older, with: {least: 1, leest: 2}}]", "leest", "no parameter “leest”"),
        ("[{filter: plain, with: {least: 1}}]", "least", "no parameters"),
        ("[older]", "older", "needs a value for its parameter “least”"),
        ("[plain, {filter: older, with: {tier: gold}}]", "{filter:", "needs a value for its parameter “least”"),
        ("[{filter: older, with: {least: some}}]", "some", "parameter least of filter older"),
        ("[{filter: older, with: {least: 1.5}}]", "1.5", "parameter least of filter older"),
        ("[{filter: older, with: {least: ''}}]", "''", "“” is not a value"),
        ("[{filter: older, with: {least: 1, tier: gould}}]", "gould", "Did you mean gold?"),
    ],
)
@pytest.mark.parametrize("of", ["offers:\n  a: {category: c, ", "templates:\n  t: {"])
def test_values_of_parameters(uses: str, place: str, says: str, of: str) -> None:
    text = f"{of}eligible: {{filters: {uses}}}}}\n"
    found = only(text)
    assert found.code is Code.PARAMETER
    line = text.split("\n")[1]
    assert (found.position and found.position[1:]) == (3, line.index(place) + 1)
    assert says in found.summary + found.detail + found.hint


def test_true_and_numbers_need_no_quotes() -> None:
    on = "filters:\n  f: {when: parameter.on and person.age > 1, parameters: {on: {type: boolean, default: %s}}}\n"
    assert mistakes(on % "true" + offer("eligible: {filters: [{filter: f, with: {on: false}}]}")) == []
    assert only(on % "maybe").code is Code.BAD_VALUE


def test_defaults_and_samples_fit_their_types() -> None:
    found = only("filters:\n  f: {when: 1 = 1, parameters: {x: {type: date, default: soon}}}\n")
    assert (found.code, str(found.position)) == (Code.BAD_VALUE, "specs/shop/more.yaml:3:58")
    found = only("", ENVIRONMENT.replace("type: decimal}", "type: decimal, sample: much}"))
    assert (found.code, str(found.position)) == (Code.BAD_VALUE, "environments/shop.yaml:5:70")


@pytest.mark.parametrize("name", TAKEN)
def test_a_dimension_may_not_hide_another_name(name: str) -> None:
    found = only("", shared=SHARED + f"  {name}: {{key: [id], fields: {{id: {{}}}}}}\n")
    assert (found.code, str(found.position)) == (Code.BAD_NAME, "specs/shared.yaml:12:3")


def test_a_field_that_goes_is_missed_by_its_expressions() -> None:
    found = mistakes(SOUND, shared=SHARED.replace("      tier: {type: enumeration, values: [gold, silver]}\n", ""))
    assert [d.code for d in found] == [Code.EXPRESSION, Code.EXPRESSION]


def test_what_is_not_known_is_no_second_mistake() -> None:
    """With a dimension, an environment or a filter that cannot be read, only that is told."""
    found = only(SOUND, shared=SHARED.replace("born: {type: date}", "born: {type: day}"))
    assert found.code is Code.BAD_VALUE
    found = only(SOUND, ENVIRONMENT.replace("time_zone", "timezone"))
    assert found.code is Code.UNKNOWN_KEY
    found = only(offer("eligible: {filters: [odler]}"))
    assert found.code is Code.UNKNOWN_REFERENCE


def test_all_problems_of_one_text_and_each_place_of_it() -> None:
    text = "offers:\n" + "".join(
        f"  a{number}: {{category: c, eligible: {{when: person.agee > 1 or person.nmae = 'x'}}}}\n" for number in (1, 2)
    )
    assert [d.position[1:] for d in mistakes(text) if d.position] == [(3, 38), (3, 57), (4, 38), (4, 57)]


def test_the_same_question_is_asked_once() -> None:
    files = [
        SpecFile("e", "shop", True, ENVIRONMENT.encode()),
        SpecFile("s", "shared", False, SHARED.encode()),
        SpecFile("c", "shop", False, CATALOG.encode()),
        SpecFile(
            "m",
            "shop",
            False,
            b"version: 1\noffers:\n"
            + b"".join(
                b"  a%d: {category: c, eligible: {when: person.age > %d}}\n" % (number, number % 3)
                for number in range(30)
            ),
        ),
    ]
    asked: list[ExpressionCheck] = []

    def checker(checks: object) -> object:
        asked.extend(checks)  # type: ignore[call-overload]
        return check_expressions(asked)

    index = Index.of(record for file in files for record in parse_file(file).records)
    assert list(bad_expressions(index, checker)) == []  # type: ignore[arg-type]
    assert sorted(request.text for request in asked) == [
        "person.age > 0",
        "person.age > 1",
        "person.age > 2",
        "person.age >= 18",
        "person.age >= parameter.least and offer.code <> 'x'",
    ]
