"""Contact keys as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from contacts_samples import ANA_ROW, only
from hypothesis import given
from hypothesis import strategies as st

from offerkit.contacts import Contacts, key_text, no_contact, split_key
from offerkit.diagnostics import Code

Csv = Callable[..., Contacts]


@given(st.lists(st.text(alphabet="a|\\b"), min_size=1, max_size=4))
def test_parts_come_back(parts: list[str]) -> None:
    assert split_key(key_text(parts)) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a|b", ["a", "b"]),
        ("a\\|b", ["a|b"]),
        ("a\\\\|b", ["a\\", "b"]),
        ("a\\n\\", ["a\\n\\"]),
        ("|", ["", ""]),
    ],
)
def test_bars_and_backslashes(text: str, parts: list[str]) -> None:
    assert split_key(text) == parts


def test_keys_have_the_fields_types(csv: Csv) -> None:
    contacts = csv()
    assert contacts.parse_key("20417") == {"id": 20417}
    assert contacts.parse_key("20417|1984-02-29", ["id", "born"]) == {"id": 20417, "born": date(1984, 2, 29)}
    assert contacts.parse_key("a\\|b@example.com", ["email"]) == {"email": "a|b@example.com"}
    assert contacts.key_of(ANA_ROW) == "1"


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("7", "contacts are identified here by id|born: 2 parts are needed, 1 was given"),
        ("7|1984-02-29|x", "contacts are identified here by id|born: 2 parts are needed, 3 were given"),
    ],
)
def test_a_wrong_number_of_parts(csv: Csv, text: str, summary: str) -> None:
    [problem] = only(lambda: csv().parse_key(text, ["id", "born"]), Code.CONTACT_KEY)
    assert problem.summary == summary


def test_parts_of_the_wrong_type_are_told_one_by_one(csv: Csv) -> None:
    contacts = csv()
    only(lambda: contacts.parse_key("x|y", ["id", "born"]), Code.CONTACT_KEY, 2)
    only(lambda: contacts.parse_key("x|1984-02-29", ["id", "born"]), Code.CONTACT_KEY)
    for empty in ("", "|1984-02-29"):
        only(lambda empty=empty: contacts.parse_key(empty, ["id", "born"][: empty.count("|") + 1]), Code.CONTACT_KEY)  # type: ignore[misc]
    only(lambda: contacts.parse_key("", ["email"]), Code.CONTACT_KEY)
    [problem] = only(lambda: contacts.parse_key("9" * 4000), Code.CONTACT_KEY)
    assert len(problem.summary) < 250
    only(lambda: contacts.parse_key("9" * 5000), Code.CONTACT_KEY)


def test_nobody_has_the_key() -> None:
    refused = no_contact("recipient", {"id": 7, "born": date(1984, 2, 29)})
    assert str(refused) == "no recipient has id “7” and born “1984-02-29”"
