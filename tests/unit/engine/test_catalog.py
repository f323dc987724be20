"""What compiling makes of bodies: sharing, rules that cannot be read, where things are said, caches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from offerkit.diagnostics import Code
from offerkit.engine.bounded_cache import BoundedCache
from offerkit.engine.call import Call, CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.compile import compile_catalog
from offerkit.engine.decide import decide
from offerkit.engine.hooks import Hooks
from offerkit.engine.inline_catalog import inline_bodies, inline_catalog
from offerkit.engine.reasons import ExclusionReason
from offerkit.rules import steps
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.python import compile_many

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
SECTIONS: dict[str, Any] = {
    "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}, "age": {"type": "integer"}}}},
    "environment": {"dimension": "person", "call_data": {"page": {"sample": "/a"}}, "typology": "t"},
    "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
    "typologies": {"t": {"rules": ["short", "long"]}},
    "rules": {
        "short": {"period": {"before": "2d 6h"}, "max": 1},
        "long": {"period": {"before": "1d", "after": "90d"}, "max": 1},
    },
    "filters": {
        "adult": {"when": "person.age >= 18"},
        "coded": {"when": "offer.code <> 'x' and person.age > 1"},
    },
    "templates": {"base": {"eligible": {"until": "2026-12-31", "filters": ["adult"]}, "weights": [{"weight": "3"}]}},
    "categories": {"all": {}},
    "offers": {
        "a": {"category": "all", "template": "base", "eligible": {"when": "person.age >= 18"}},
        "b": {"category": "all", "template": "base", "weights": []},
        "c": {"category": "all", "code": "k", "eligible": {"filters": ["coded"]}},
        "d": {"category": "all", "code": "k", "eligible": {"filters": ["coded"]}},
        "e": {"category": "all", "code": "x", "eligible": {"filters": ["coded"]}},
    },
}


def _changed(**sections: Any) -> Catalog:
    changed = copy.deepcopy(SECTIONS)
    for section, resources in sections.items():
        changed.setdefault(section, {}).update(resources)
    return inline_catalog(changed)


def _call(made: Catalog, **fields: Any) -> Call:
    return make_call(made, "web", who=CallContext(fields, "1", NOW), n=10)


def test_equal_rules_are_shared() -> None:
    a, b, c, d, e = inline_catalog(SECTIONS).offers
    assert a.requirements[0].condition is a.requirements[1].condition is b.requirements[0].condition
    assert c.requirements[0].condition is d.requirements[0].condition
    assert c.requirements[0].condition is not e.requirements[0].condition
    assert c.requirements[0].condition.expression is e.requirements[0].condition.expression


def test_history_needed() -> None:
    assert inline_catalog(SECTIONS).longest_period == timedelta(days=2, hours=6)
    assert _changed(environment={"typology": None}).longest_period == timedelta(0)


def test_who_says_what() -> None:
    made = inline_catalog(SECTIONS)
    a, b = made.offers[:2]
    assert a.where(("eligible", "until")) == ("shop/template.base", ("eligible", "until"))
    assert a.where(("eligible", "when")) == ("shop/offer.a", ("eligible", "when"))
    assert a.weights[0].address == "shop/template.base"
    assert a.where(("label",)) == ("shop/offer.a", ("label",))
    assert [str(weight.number) for weight in b.weights] == ["3"]  # an empty list is a default, left out of bodies


def test_a_rule_that_cannot_be_read_never_holds_and_is_told_of() -> None:
    made = _changed(
        offers={"a": {"category": "all", "eligible": {"when": "person.gone > 1"}}, "b": {"category": "all", "eligible": {"when": "person.gone > 1"}}},
        rules={"short": {"max": 1, "contacts": "person.age = 'x'"}},
    )  # fmt: skip
    assert [(problem.code, problem.where) for problem in made.problems] == [
        (Code.BROKEN_RULE, "shop/offer.a"),
        (Code.BROKEN_RULE, "shop/offer.b"),
        (Code.BROKEN_RULE, "shop/rule.short"),
    ]
    decision = decide(made, _call(made, age=30), [], explain=True)
    assert sorted(offer.offer for offer in decision.chosen) == ["c", "d"]
    assert decision.trace is not None
    finding = next(verdict.out for verdict in decision.trace.offers if verdict.offer == "a")
    assert (
        finding is not None
        and finding.reason is ExclusionReason.OFFER_CONDITION
        and "cannot be read" in finding.sentence
    )


def test_a_filter_that_is_gone_or_ill_used_never_holds() -> None:
    made = _changed(
        filters={"of": {"when": "person.age > parameter.n", "parameters": {"n": {"type": "integer"}}}},
        offers={
            "a": {"category": "all", "eligible": {"filters": ["gone"]}},
            "b": {"category": "all", "eligible": {"filters": [{"filter": "of", "with": {"n": "many"}}]}},
        },
    )
    assert [problem.where for problem in made.problems] == ["shop/offer.a", "shop/offer.b"]
    decision = decide(made, _call(made, age=30), [])
    assert sorted(offer.offer for offer in decision.chosen) == ["c", "d"]
    assert decide(made, _call(made, age=30), [], explain=True).chosen == decision.chosen


def test_unknown_environment() -> None:
    with pytest.raises(KeyError):
        compile_catalog("gone", inline_bodies(SECTIONS), {})


def test_the_failing_part_with_its_place_and_values() -> None:
    text = "person.age >= 18 and (person.age < 30 or person.id = 7) and person.id > 0"
    made = _changed(offers={"a": {"category": "all", "eligible": {"when": text}}})
    trace = decide(made, _call(made, age=40, id=1), [], explain=True).trace
    assert trace is not None
    finding = next(verdict.out for verdict in trace.offers if verdict.offer == "a")
    assert finding is not None
    assert (finding.address, finding.path, finding.step) == ("shop/offer.a", ("eligible", "when"), 5)
    assert finding.text in text and text[finding.offset :].startswith(finding.text)
    assert finding.values == (("person.age", 40), ("person.id", 1))


def test_a_part_on_several_fields_is_evaluated_once_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """What several conditions have in common; parts on one field are looked up."""
    evaluated: list[tuple[str, ...]] = []

    def recording(expressions: Sequence[CheckedExpression], namespaces: Sequence[str], *, exact: bool = True) -> Any:
        evaluate = compile_many(expressions, namespaces, exact=exact)

        def recorded(*rows: Any) -> Any:
            evaluated.append(tuple(name for expression in expressions for _, name in expression.fields))
            return evaluate(*rows)

        return recorded

    monkeypatch.setattr(steps, "compile_many", recording)
    texts = {"x": "person.age > person.id and person.id > 0", "y": "person.age < 90 and person.age > person.id"}
    made = _changed(offers={name: {"category": "all", "eligible": {"when": text}} for name, text in texts.items()})
    for times in (1, 2, 3):
        assert {"x", "y"} < {offer.offer for offer in decide(made, _call(made, age=30, id=7), []).chosen}
        assert evaluated == [("age", "id")] * times


def test_kept_lineups_are_bounded_and_threads_agree() -> None:
    made = inline_catalog(SECTIONS)
    answers: list[object] = []

    def ask() -> None:
        for day in range(600):
            call = make_call(made, "web", who=CallContext({"age": 30}, "1", NOW + timedelta(days=day)), n=10)
            answers.append((day, tuple(offer.offer for offer in decide(made, call, []).chosen)))

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made.cache.space_programs) <= 512
    assert len(answers) == 2400 and len(set(answers)) == 600


def test_bounded_forgets_the_oldest() -> None:
    kept: BoundedCache[int, int] = BoundedCache(3)
    assert [kept.get(key, lambda key=key: key * 10) for key in (1, 2, 3, 4)] == [10, 20, 30, 40]  # type: ignore[misc]
    assert len(kept) == 3
    assert kept.get(4, lambda: 0) == 40
    assert kept.get(1, lambda: 11) == 11


def test_bounded_keeps_what_is_asked_for() -> None:
    """However many new keys come, once each: what is asked for between two of them stays."""
    kept: BoundedCache[str, str] = BoundedCache(10)
    for number in range(1_000):
        assert kept.get("hot", lambda: "made") == "made"
        if number == 0:
            continue
        kept.get(f"new {number}", lambda: "")
        assert kept.get("hot", lambda: "made again") == "made"
    assert len(kept) == 10
    assert kept.known()[0] == "hot"


def test_bounded_by_weight() -> None:
    kept: BoundedCache[int, int] = BoundedCache(10, lambda value: value)
    for number in (4, 5, 3):
        kept.put(number, number)
    assert [kept.peek(number) for number in (4, 5, 3)] == [None, 5, 3]
    kept.put(5, 1)
    kept.put(6, 6)
    assert [kept.peek(number) for number in (3, 5, 6)] == [3, 1, 6]
    assert kept.get(7, lambda: 50) == 50
    assert len(kept) == 1
    kept.clear()
    kept.put(1, 10)
    assert kept.peek(1) == 10


def test_hooks_get_what_they_cannot_change() -> None:
    seen: list[Any] = []

    def change(contact: Any, data: Any) -> dict[str, object]:
        seen.append((contact, data))
        contact["age"] = 99
        return {}

    sections = copy.deepcopy(SECTIONS)
    sections["spaces"]["web"]["hooks"] = {"target_loading": "change"}
    made = inline_catalog(sections, hooks=Hooks(target_loading={"change": change}))
    decision = decide(made, _call(made, age=17), [])
    assert [report.code for report in decision.reports] == [Code.HOOK_FAILED]
    assert seen[0][0]["age"] == 17
    assert sorted(offer.offer for offer in decision.chosen) == ["c", "d"]
