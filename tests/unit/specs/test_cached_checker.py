"""Expressions are looked at once, on all cores, and what was sound is remembered with the code that said so."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope
from offerkit.specs import conditions, parallel
from offerkit.specs.cache import Cache
from offerkit.specs.conditions import WORTH_IT, CachedChecker, ExpressionCheck, check_expressions

SCOPE = NameScope({"person": {"age": FieldType(BaseType.INTEGER)}})


def request(text: str, scope: NameScope = SCOPE, wanted: ExpectedResult = ExpectedResult.CONDITION) -> ExpressionCheck:
    return ExpressionCheck(text, scope, wanted)


def remember(cache: Cache, checks: list[ExpressionCheck], code: bytes = b"code") -> CachedChecker:
    checker = CachedChecker(cache, code)
    assert [bool(problems) for problems in checker(checks)] == ["agee" in asked.text for asked in checks]
    cache.put(checker.row, {checker.key})
    return checker


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed in this process."""
    texts: list[str] = []

    def watched(checks: list[ExpressionCheck]) -> object:
        texts.extend(each.text for each in checks)
        return check_expressions(checks)

    monkeypatch.setattr(conditions, "check_expressions", watched)
    return texts


def test_only_what_is_new_or_wrong_is_parsed(tmp_path: Path, asked: list[str]) -> None:
    cache = Cache(tmp_path / "c.db")
    remember(cache, [request("person.age > 1"), request("person.agee > 1")])
    assert asked == ["person.age > 1", "person.agee > 1"]
    asked.clear()
    remember(cache, [request("person.age > 1"), request("person.agee > 1"), request("person.age > 2")])
    assert asked == ["person.agee > 1", "person.age > 2"]
    asked.clear()
    checker = remember(cache, [request("person.age > 1"), request("person.age > 2")])
    assert (asked, checker.row) == ([], {})


def test_other_names_other_wants_or_other_code_ask_again(tmp_path: Path, asked: list[str]) -> None:
    cache = Cache(tmp_path / "c.db")
    known = [request("person.age > 1")]
    remember(cache, known)
    asked.clear()
    decimals = NameScope({"person": {"age": FieldType(BaseType.DECIMAL)}})
    remember(
        cache, [*known, request("person.age > 1", decimals), request("person.age > 1", wanted=ExpectedResult.VALUE)]
    )
    assert len(asked) == 2
    remember(cache, known, b"other code")
    assert len(asked) == 3


def test_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c.db")
    checker = remember(cache, [request(f"person.age > {number}") for number in range(9)])
    remember(cache, [request("person.age > 1")])
    assert len(cache.get([checker.key])[checker.key]["sound"]) == 32


@pytest.mark.parametrize("row", [None, [], "text", {"sound": 3}, {"sound": ["a"]}, {"other": ""}, {"sound": "abc"}])
def test_a_row_of_another_shape_is_as_good_as_none(tmp_path: Path, row: object) -> None:
    cache = Cache(tmp_path / "c.db")
    key = CachedChecker(cache, b"code").key
    cache.put({key: row}, {key})
    remember(cache, [request("person.age > 1"), request("person.agee > 1")])


def test_sqlglot_is_not_imported_for_what_is_known(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c.db")
    remember(cache, [request("person.age > 1")])
    program = (
        "import sys; from test_cached_checker import *; from pathlib import Path; "
        f"remember(Cache(Path({str(tmp_path / 'c.db')!r})), [request('person.age > 1')]); "
        "assert 'sqlglot' not in sys.modules, 'sqlglot'"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    assert os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-c", program], environment) == 0


@pytest.mark.skipif(not hasattr(os, "fork") or threading.active_count() > 1, reason="nothing can be forked here")
@pytest.mark.parametrize("failing", [False, True])
def test_many_are_shared_among_processes(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    """What a child finds wrong, and all of a child that failed, is looked at again here."""
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: 3)
    if failing:
        monkeypatch.setattr(conditions, "_sound_places", lambda checks: 1 / 0)
    count = WORTH_IT + 1
    checks = [request(f"person.{'agee' if number in (7, 8) else 'age'} > {number}") for number in range(count)]
    checker = remember(Cache(tmp_path / "c.db"), checks)
    assert len(checker.row[checker.key]["sound"]) == 32 * (count - 2)
    assert len(asked) == (count if failing else len(checks[::3]) + 2)
