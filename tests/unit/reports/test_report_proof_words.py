"""The words of proofs: whose value a field is, and texts that could be read as something else."""

from __future__ import annotations

from datetime import datetime

import pytest

from offerkit.prove.result import CommonFact, Witness
from offerkit.reports.proof_words import described, example
from offerkit.rules.types import Value

AT = datetime(2026, 11, 29, 12)


def test_a_parameter_is_not_a_field_of_the_contact() -> None:
    values: dict[tuple[str, str], Value] = {
        ("person", "age"): 3,
        ("interaction", "page"): "a",
        ("offer", "code"): "X",
        ("parameter", "least"): 4,
    }
    text = "a contact with age 3, in a call with page a, for an offer with code X, with parameters least 4 (invented)"
    assert example(Witness(values, AT)) == text
    assert example(Witness({("parameter", "least"): 4}, AT)) == "any contact, with parameters least 4 (invented)"


def test_whose_value_a_fact_is() -> None:
    facts = tuple(
        CommonFact((namespace, "x"), least=1) for namespace in ("person", "interaction", "offer", "parameter")
    )
    assert described(facts) == (
        "contacts whose x is at least 1, in calls whose x is at least 1, for offers whose x is at least 1,"
        " with parameters whose x is at least 1"
    )
    assert described(facts[:1]) == "contacts whose x is at least 1"
    assert described(facts[1:2]) == "contacts in calls whose x is at least 1"


@pytest.mark.parametrize(("count", "end"), [(8, "g or h"), (9, "h or i"), (10, "h or one of 2 others")])
def test_a_list_is_cut_only_if_that_saves_something(count: int, end: str) -> None:
    assert described((CommonFact(("person", "x"), among=tuple("abcdefghij"[:count])),)).endswith(end)


def test_a_text_does_not_read_as_another_value() -> None:
    assert example(Witness({("person", "city"): "unknown"}, AT)) == "a contact with city “unknown” (invented)"
    assert example(Witness({("person", "city"): None}, AT)) == "a contact with city unknown (invented)"
    assert example(Witness({("person", "city"): ""}, AT)) == "a contact with city “” (invented)"
    assert example(Witness({("person", "city"): " "}, AT)) == "a contact with city “ ” (invented)"
    assert example(Witness({("person", "city"): "Paris"}, AT)) == "a contact with city Paris (invented)"
