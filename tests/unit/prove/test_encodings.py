"""The table of docs/proofs.md is true: which functions of the rule language are encoded exactly, and where they are not."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from helpers.rules import SCOPE, checked

from offerkit.prove.encode import Encoder
from offerkit.prove.question import Holds
from offerkit.rules.functions import FUNCTIONS, Signature
from offerkit.rules.types import ExpectedResult

PAGE = Path(__file__).resolve().parents[3] / "docs/proofs.md"
BEGIN, END = "UPDATE_GOLDEN=1 rewrites it -->\n", "<!-- end of table -->"
AT = datetime(2026, 11, 28, 10, 30)

EXACT: dict[str, tuple[str, ...]] = {
    "and": ("recipient.consent and recipient.age > 1",),
    "or": ("recipient.consent or recipient.age > 1",),
    "not": ("not recipient.consent",),
    "is_null": ("recipient.age is null", "recipient.products is null"),
    "is_true": ("recipient.consent is true",),
    "is_false": ("recipient.consent is false",),
    "eq": ("recipient.name = recipient.end", "recipient.age = recipient.score"),
    "ne": ("recipient.name <> recipient.end", "recipient.birth_date <> recipient.last_login"),
    "lt": ("recipient.name < recipient.end", "recipient.age < recipient.score"),
    "le": ("recipient.name <= recipient.end", "recipient.birth_date <= recipient.last_login"),
    "gt": ("recipient.name > recipient.end", "recipient.last_login > now"),
    "ge": ("recipient.name >= recipient.end", "recipient.birth_date >= current_date"),
    "in": ("recipient.name in ('a', recipient.end)", "recipient.country in ('FR', 'BE')"),
    "coalesce": ("coalesce(recipient.age, 1) > 0", "contains(coalesce(recipient.products, recipient.products), 'a')"),
    "nullif": ("nullif(recipient.age, 1) > 0", "nullif(recipient.name, 'a') = 'b'"),
    "greatest": ("greatest(recipient.age, 1) > 0", "greatest(recipient.name, 'a') = 'b'"),
    "least": ("least(recipient.age, 1) > 0", "least(recipient.birth_date, current_date) = current_date"),
    "add": ("recipient.age + recipient.age > 3", "recipient.score + recipient.age > 3"),
    "sub": ("recipient.age - recipient.age > 3", "recipient.score - recipient.age > 3"),
    "mul": ("recipient.age * recipient.age > 3", "recipient.score * recipient.score > 3"),
    "div": ("recipient.age / recipient.age > 3", "recipient.score / 3 > 1"),
    "mod": ("recipient.age % 3 = 1", "recipient.score % recipient.score > 1"),
    "neg": ("-recipient.age > 3", "-recipient.score > 3"),
    "abs": ("abs(recipient.age) > 3", "abs(recipient.score) > 3"),
    "round": ("round(recipient.score) > 3", "round(recipient.score, 2) > 3"),
    "floor": ("floor(recipient.score) > 3",),
    "ceil": ("ceil(recipient.score) > 3",),
    "to_decimal": ("recipient.age > recipient.score",),
    "length": ("length(recipient.name) > 3",),
    "substring": ("substring(recipient.name, 2) = 'a'", "substring(recipient.name, recipient.age, 3) = 'a'"),
    "concat": ("concat(recipient.name, recipient.end) = 'a'", "recipient.name || 'a' = recipient.end"),
    "replace": ("replace(recipient.name, 'a', recipient.end) = 'b'",),
    "starts_with": ("starts_with(recipient.name, recipient.end)",),
    "ends_with": ("ends_with(recipient.name, 'a')",),
    "contains": ("contains(recipient.name, recipient.end)",),
    "like": ("recipient.name like 'a%b_'", "recipient.name not like '%a%'"),
    "lower": ("lower(recipient.name) = 'é'", "lower(recipient.name) in ('a', 'b')", "lower(recipient.name) like 'a%'"),
    "upper": ("upper(recipient.name) = 'É'", "starts_with(upper(recipient.name), 'A')"),
    "trim": ("trim(recipient.name) = 'a'", "lower(trim(recipient.name)) in ('a', 'b')"),
    "list_contains": ("contains(recipient.products, 'a')", "contains(recipient.products, recipient.name)"),
    "list_length": ("length(recipient.products) > 2",),
    "now": ("recipient.last_login < now",),
    "current_date": ("recipient.birth_date < current_date",),
    "to_timestamp": ("recipient.birth_date < recipient.last_login",),
    "date_add": (
        "recipient.birth_date + interval '1 month' < current_date",
        "recipient.last_login - interval '5 minutes' < now",
    ),
    "date_trunc": (
        "date_trunc('month', recipient.birth_date) = current_date",
        "date_trunc('hour', recipient.last_login) < now",
    ),
    "date_diff": (
        "date_diff('month', recipient.birth_date, current_date) > 3",
        "date_diff('hour', recipient.last_login, now) > 3",
    ),
    "extract": ("extract(week from recipient.birth_date) = 3", "extract(dow from recipient.last_login) = 3"),
    "age_in_years": (
        "age_in_years(recipient.birth_date) >= 18",
        "age_in_years(recipient.birth_date, date '2026-01-01') = recipient.age",
    ),
    "days_since": ("days_since(recipient.birth_date) > 3",),
    "days_until": ("days_until(recipient.birth_date) > 3",),
}
"""By function, conditions that are encoded exactly."""
OPAQUE: dict[str, tuple[str, ...]] = {
    "lower": ("lower(recipient.name) = recipient.end", "length(lower(recipient.name)) = 3"),
    "upper": ("upper(recipient.name) = recipient.end",),
    "trim": ("trim(recipient.name) = recipient.end", "length(trim(recipient.name)) = 3"),
}
"""By function, conditions in which it is opaque."""
NOTES = {
    "lower": "compared with fixed texts (`=`, `in`, `like`, `starts_with`, …), `is null`; elsewhere opaque",
    "upper": "as `lower`",
    "trim": "as `lower`",
    "round": "half away from zero",
    "like": "",
    "add": "unknown where it leaves its range, as all arithmetic",
    "mul": "of two fields often too hard",
    "div": "by a field often too hard; by 0 unknown",
    "age_in_years": "compared with a number of years fastest",
}


def opaque(text: str, *, later: bool) -> set[str]:
    """The functions that are opaque in a condition."""
    encoder = Encoder(AT, later=later)
    encoder.formula(Holds(checked(text, ExpectedResult.CONDITION, SCOPE)))
    encoder.finish()
    return {part.name for part in encoder.opaque.values()}


@pytest.mark.parametrize("later", [False, True])
def test_what_the_table_says_is_so(later: bool) -> None:
    assert EXACT.keys() == FUNCTIONS.keys(), "a new function needs a row: is it encoded, or opaque?"
    assert {
        text: opaque(text, later=later) for texts in EXACT.values() for text in texts if opaque(text, later=later)
    } == {}
    assert all(name in opaque(text, later=later) for name, texts in OPAQUE.items() for text in texts)


def test_the_table_is_in_the_docs() -> None:
    rows = ["| Function | Example | Encoded | Remark |", "|:--|:--|:--|:--|"]
    for name, signature in FUNCTIONS.items():
        encoded = "partly" if name in OPAQUE else "exactly"
        rows.append(f"| {_name(signature)} | {_example(name, signature)} | {encoded} | {NOTES.get(name, '')} |")
    table = "\n".join(rows).replace("|  |", "| |") + "\n"
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}", encoding="utf-8")
    else:
        assert rest.partition(END)[0] == table, f"{PAGE.name}: UPDATE_GOLDEN=1 rewrites the table"


def _name(signature: Signature) -> str:
    return f"`{signature.written or signature.name}`"


def _example(name: str, signature: Signature) -> str:
    return f"`{signature.example or EXACT[name][0]}`".replace("|", "\\|")
