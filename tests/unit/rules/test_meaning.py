"""The written form of conditions, which approvals are bound to: what is looked through, and what stands for itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from offerkit.rules.written_form import UNREAD, written_form

VECTORS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "cases/forms/forms.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["condition"])
def test_a_form_never_changes(vector: dict[str, Any]) -> None:
    assert json.loads(json.dumps(written_form(vector["condition"])[0])) == vector["form"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("r.a = 1 and r.b = 2 or r.c = 3", "r.a = 1 and (r.b = 2 or r.c = 3)"),
        ("not r.a = 1 and r.b = 2", "not (r.a = 1 and r.b = 2)"),
        ("r.a - 1 - 2 = 0", "r.a - (1 - 2) = 0"),
        ("r.a / 2 * 3 = 0", "r.a / (2 * 3) = 0"),
        ("-r.a + 1 = 0", "-(r.a + 1) = 0"),
        ("r.a in (1, 2)", "r.a in (2, 1)"),
        ("r.a = 'x'", "r.a = 'X'"),
        ("r.a = 'x y'", "r.a = 'x  y'"),
        ("r.a = 'and'", "r.a = 'AND'"),
        ("r.a = 1", "r.A = 1"),
        ("r.a = 1", 'r."a " = 1'),
        ("r.a = '1'", "r.a = 1"),
        ("r.a is true", "r.a"),
        ("r.a between 1 and 2 and r.b", "r.a between 1 and (2 and r.b)"),
        ("case when r.a then 1 else 2 end = 1", "case when r.a then 1 when r.b then 2 end = 1"),
        ("r.a = 1 = r.b", "(r.a = 1) = r.b"),
        ("r.a % 2 + 1 = 0", "r.a % (2 + 1) = 0"),
        ("interval '3 days' + r.a > now", "interval '3 hours' + r.a > now"),
    ],
)
def test_conditions_that_differ_have_other_forms(one: str, other: str) -> None:
    assert written_form(one)[0] != written_form(other)[0]


@pytest.mark.parametrize(
    "text",
    [
        "", "(", "r.a = ", "r.a = 1 extra", "'open", "r.a = 'a\\'", "r.a ? 1", "a.b.c = 1", "r.a = 1 /* x */", "1 1",
        "(" * 100 + "r.a" + ")" * 100, "not " * 100 + "r.a", "x" * 10_001, "r.a = b'x'", "- -r.a = 1", "r.a = 1e5",
        "case end", "r.a in 1", "r.a is 1", "r.a not 1", '"r" = 1', "\0",
    ],
)  # fmt: skip
def test_what_is_not_certain_stands_for_itself(text: str) -> None:
    assert written_form(text)[0] == [UNREAD, text]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("offer.code = 'x' and recipient.age > 1", {"code"}),
        ("case when offer.label = 'a' then true else offer.name = 'b' end", {"label", "name"}),
        ("OFFER . category = 'x'", {"category"}),
        ("recipient.offer = 'offer'", set()),
        ("offer.code = 1 = 2", {"*"}),
    ],
)
def test_what_is_asked_of_the_offer(text: str, fields: set[str]) -> None:
    assert written_form(text)[1] == fields
