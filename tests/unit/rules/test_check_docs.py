"""docs/rules.md says what is so: every function is on it, and its examples check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offerkit.models.expression_scopes import CATEGORY_FIELDS, OFFER_FIELDS
from offerkit.rules.check import check
from offerkit.rules.functions import FUNCTIONS, WRITTEN
from offerkit.rules.types import Base, FieldType, Scope, Wanted

PAGE = Path(__file__).parents[3].joinpath("docs/rules.md").read_text(encoding="utf-8")
EXAMPLES = [line for block in re.findall(r"```sql\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
SCOPE = Scope(
    {
        "recipient": {
            "country": FieldType(Base.STRING), "products": FieldType(Base.LIST), "trips_last_year": FieldType(Base.INTEGER),
            "frequent_flyer_tier": FieldType(Base.ENUMERATION, ("gold", "platinum")), "birth_date": FieldType(Base.DATE),
            "customer_since": FieldType(Base.DATE), "last_login": FieldType(Base.TIMESTAMP), "score": FieldType(Base.DECIMAL),
        },
        "interaction": {"basket": FieldType(Base.DECIMAL), "destination": FieldType(Base.STRING)},
        "offer": OFFER_FIELDS,
        "category": CATEGORY_FIELDS,
    }
)  # fmt: skip


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_check(text: str) -> None:
    check(text, SCOPE, Wanted.VALUE)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_function_is_on_the_page(name: str) -> None:
    signature = next(signature for signature in FUNCTIONS.values() if signature.written == name)
    assert f"| `{signature.example}` |" in PAGE
