"""What somebody who knows SQL tries first, and what they are told: the place, and what to write."""

from __future__ import annotations

import pytest

from offerkit.rules.check import RuleError, check
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope

SCOPE = NameScope({
    "recipient": {
        "age": FieldType(BaseType.INTEGER), "score": FieldType(BaseType.DECIMAL), "country": FieldType(BaseType.STRING),
        "active": FieldType(BaseType.BOOLEAN), "born": FieldType(BaseType.DATE), "seen": FieldType(BaseType.TIMESTAMP),
        "tags": FieldType(BaseType.LIST), "x-y": FieldType(BaseType.STRING),
    },
    "interaction": {},
})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("r.born > CURRENT_DATE - 30", "30", "Write CURRENT_DATE - interval '30 days'."),
        ("r.seen > now() - '30 days'", "'30 days'", "Write interval '30 days'."),
        ("r.seen > now() - 30 days", "days", "Write interval '30 days'."),
        ("r.seen > now - interval 30", "interval 30", "The unit is missing: interval '30 days'."),
        ("DATEADD(day, 30, r.born) > now", "DATEADD", "Write x + interval '3 days'."),
        ("r.seen > date_sub(now(), interval 30 day)", "date_sub", "Write x - interval '3 days'."),
        ("DATEDIFF(day, r.born, now) > 3", "DATEDIFF", "Write date_diff('day', x, y)."),
        ("date(r.seen) = current_date", "date", "date_trunc('day', x)"),
        ("dayofweek(r.born) = 1", "dayofweek", "Write extract(dow from x); 0 is Sunday."),
        ("r.born > 2000-01-01", "2000-01-01", "Write the date in quotes: '2000-01-01'."),
        ("r.born > #2000-01-01#", "#", "dates stand in quotes"),
        ("r.country is empty", "empty", "Write x = '' or x is null."),
        ("r.country is not 'FR'", "'FR'", "Write <> to compare."),
        ("r.country is distinct from 'FR'", "distinct", "Write x <> y"),
        ("r.country not = 'FR'", "=", "Write x <> …"),
        ("r.country = 'FR' or = 'BE'", "=", "Write the name on both sides of or: x = … or x = …"),
        ("r.country = 'FR' or 'BE'", "'BE'", "with several: x in ('BE', …)."),
        ("r.country contains 'F'", "contains", "contains is a function: write contains(x, 'gold')."),
        ("'a' in r.tags", "r.tags", "write contains(recipient.tags, 'a')."),
        ("'a' not in r.tags", "r.tags", "write contains(recipient.tags, 'a')."),
        ("r.tags like '%a%'", "r.tags", "write contains(recipient.tags, 'text')."),
        ("r.country || r.age = 'x'", "r.age", "|| joins texts only."),
        ("and r.age > 18", "and", "remove the operator"),
        ("r.age > 1 and between 2 and 3", "between", "Write the name on both sides of and"),
        ("r.age between (18, 25)", "between", "Write x between 18 and 25."),
        ("r.score > 0,5", ",", "Write a decimal number with a point: 0.5."),
        ("r.score > 1 000", "000", "Write the digits of a number together: 1000."),
        ("r.country = ‘FR’", "‘", "Write straight quotes: 'text'."),
        ("r.country = “FR”", "“", "Write straight quotes: 'text'."),
        ("r.age ≥ 18", "≥", "Write >=."),
        ("r.age − 1 > 18", "−", "Write -."),
        ("r.age\u200b > 18", "\u200b", "Retype this part."),
        ("r.active = yes", "yes", "Write true; or as a text: 'yes'."),
        ("18 < r.age < 25", "18 < r.age < 25", "b between a and c"),
        ("isnull(r.age, 0) > 3", "isnull", "coalesce(x, y)"),
    ],
)
def test_one_problem_at_its_place_with_what_to_write(text: str, at: str, said: str) -> None:
    text, at = (part.replace("r.", "recipient.") for part in (text, at))
    with pytest.raises(RuleError) as caught:
        check(text, SCOPE, ExpectedResult.CONDITION)
    (problem, *others) = caught.value.problems
    assert text[problem.start : problem.end].startswith(at)
    assert said in problem.hint
    assert not [other for other in others if other.hint != problem.hint]


@pytest.mark.parametrize(
    "text",
    [
        "extract(year from (recipient.born)) = 2000", "substring(recipient.country from (1) for (2)) = 'FR'",
        "extract(day from (recipient.born + interval '1 day')) = 1", "not recipient.country in ('a') and (true)",
        "case when recipient.active then 1 end is null", "-recipient.age > - 3", "recipient.age >\u00a018",
    ],
)  # fmt: skip
def test_what_is_said_rightly(text: str) -> None:
    assert check(text, SCOPE, ExpectedResult.CONDITION)
