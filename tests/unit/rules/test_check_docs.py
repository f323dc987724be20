"""docs/rules.md says what is so: every function is on it, and its examples check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offerkit.models.expression_scopes import CALL_FACTS, CATEGORY_FIELDS, OFFER_FIELDS
from offerkit.rules.check import check
from offerkit.rules.functions import FUNCTIONS, WRITTEN
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope

TREES = Path(__file__).parents[2].joinpath("property/rule_trees.py").read_text(encoding="utf-8")
PAGE = Path(__file__).parents[3].joinpath("docs/rules.md").read_text(encoding="utf-8")
EXAMPLES = [line for block in re.findall(r"```sql\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
SCOPE = NameScope(
    {
        "recipient": {
            "country": FieldType(BaseType.STRING), "products": FieldType(BaseType.LIST), "trips_last_year": FieldType(BaseType.INTEGER),
            "frequent_flyer_tier": FieldType(BaseType.ENUMERATION, ("gold", "platinum")), "birth_date": FieldType(BaseType.DATE),
            "customer_since": FieldType(BaseType.DATE), "last_login": FieldType(BaseType.TIMESTAMP), "score": FieldType(BaseType.DECIMAL),
        },
        "interaction": {**CALL_FACTS, "basket": FieldType(BaseType.DECIMAL), "destination": FieldType(BaseType.STRING)},
        "offer": OFFER_FIELDS,
        "category": CATEGORY_FIELDS,
    }
)  # fmt: skip


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_check(text: str) -> None:
    check(text, SCOPE, ExpectedResult.VALUE)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_function_is_on_the_page(name: str) -> None:
    signature = next(signature for signature in FUNCTIONS.values() if signature.written == name)
    assert f"| `{signature.example}` |" in PAGE, f"docs/rules.md needs a row for {name}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_in_the_generated_expressions(name: str) -> None:
    """Only functions that the generator makes are compared; the comparison itself belongs to the slow run."""
    assert f'"{name}"' in TREES, f"a maker in tests/property/rule_trees.py must make {name}"
