"""A hook that fails in whatever way is reported, and the call goes on."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial, wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.diagnostics import Code
from offerkit.engine.extra_data import stored_product
from offerkit.engine.hook_answers import MAX_PRODUCT_TEXT, MAX_WEIGHT
from offerkit.engine.hooks import Hooks, load_target, post_process, products
from offerkit.fingerprint import canonical
from offerkit.hooks import Candidate, HookCall, HookOffer, TargetLoading
from offerkit.rules.types import BaseType, FieldType, Row
from offerkit.rules.values import show
from offerkit.usecases.installed_hooks import load_hooks

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
CONTACT = {"id": 4711, "email": "ada@example.org", "city": "Oslo", "gold": True, "none": None, "likes": ("tea", "é")}
CALL = HookCall("shop/web", "inbound-web", NOW, 2, CONTACT, {"page": "/secret"}, "4711", "permanent-id", "session-id")
OFFER = HookOffer("bed", "BED", "A bed", "stay/hotels", ("x", "y"), Decimal(5), {"margin": Decimal("0.3")})


def _leave(*_: object) -> None:
    sys.exit(4)


def _loading(contact: Row, data: Row) -> Mapping[str, object]:
    _leave()
    return {}


def _making(offer: str, contact: Row, data: Row) -> Sequence[tuple[Mapping[str, object], object]]:
    _leave()
    return ()


def _sorting(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    _leave()
    return ()


def test_a_hook_that_exits_does_not_end_the_call() -> None:
    hooks = Hooks({"h": _loading}, {"h": _making}, {"h": _sorting})
    reports = [
        load_target(hooks, "h", CALL)[1],
        products(hooks, "h", OFFER, CALL, {})[1],
        post_process(hooks, "h", [], CALL)[1],
    ]
    assert [report.code for report in reports if report is not None] == [Code.HOOK_FAILED] * 3
    assert all("SystemExit: 4" in report.message for report in reports if report is not None)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("", "AttributeError"),
    ],
)
def test_a_hook_that_cannot_be_imported_says_why(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_hooks.py").write_text(source)
    about = tmp_path / "broken_hooks-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-hooks\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[offerkit.hooks]\nbroken = broken_hooks:loading\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_hooks", raising=False)
    hooks = load_hooks({"shop/space.web": {"hooks": {"target_loading": "broken"}}})
    for _ in range(2):
        added, report = load_target(hooks, "broken", CALL)
        assert added == {}
        assert report is not None
        assert report.code is Code.HOOK_FAILED
        assert "it cannot be imported" in report.message
        assert said in report.message


def test_a_hook_that_must_be_given_the_call_is_given_it() -> None:
    told: list[object] = []

    def loading(contact: Row, data: Row, call: HookCall) -> Mapping[str, object]:
        told.append((contact, data, call))
        return {"page": call.session}

    def making(
        offer: HookOffer, contact: Row, data: Row, call: HookCall
    ) -> Sequence[tuple[Mapping[str, object], object]]:
        told.append((offer, contact, data, call))
        return [({"code": offer.code, **offer.fields}, offer.weight)]

    def sorting(candidates: Sequence[Candidate], call: HookCall) -> Sequence[Candidate | tuple[Candidate, object]]:
        told.append((candidates, call))
        return [(candidates[1], 9), candidates[0]][: call.n]

    hooks = Hooks({"h": loading}, {"h": making}, {"h": sorting})
    candidates = (
        Candidate("a", "stay", Decimal(2)),
        Candidate("b", "stay", Decimal(1)),
        Candidate("c", "stay", Decimal(1)),
    )
    assert load_target(hooks, "h", CALL) == ({"page": "session-id"}, None)
    assert products(hooks, "h", OFFER, CALL, {}) == ((({"code": "BED", "margin": Decimal("0.3")}, Decimal(5)),), None)
    assert post_process(hooks, "h", candidates, CALL) == ([(1, Decimal(9)), (0, None)], None)
    assert told == [
        (CONTACT, CALL.data, CALL),
        (OFFER, CONTACT, CALL.data, CALL),
        (candidates, CALL),
    ]


def _old_loading(contact: Row, data: Row, client: str = "mine") -> Mapping[str, object]:
    return {"page": client}


def _with_client(hook: Callable[..., Mapping[str, object]]) -> Callable[..., Mapping[str, object]]:
    @wraps(hook)
    def called(contact: Row, data: Row) -> Mapping[str, object]:
        return hook(contact, data, "mine")

    return called


@_with_client
def _decorated(contact: Row, data: Row, client: str) -> Mapping[str, object]:
    return {"page": client}


class _Loading:
    """An object that is called; the first parameter is its own."""

    def __call__(self, contact: Row, data: Row) -> Mapping[str, object]:
        return {"page": "mine"}


@pytest.mark.parametrize(
    "hook",
    [
        _old_loading,
        _decorated,
        lambda *given: {"page": "mine" if len(given) == 2 else "another"},
        lambda contact, data, *more, client="mine": {"page": "another" if more else client},
        _Loading(),
        partial(lambda page, contact, data: {"page": page}, "mine"),
    ],
)
def test_a_hook_of_before_is_called_as_it_was(hook: TargetLoading) -> None:
    """Only what could not be called before is given the call: a parameter with a default stays the hook's own."""
    assert load_target(Hooks({"h": hook}), "h", CALL) == ({"page": "mine"}, None)


class _Text(str):
    def __str__(self) -> str:
        return "another"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "it must return at most 1,000 (product, weight) pairs"),
        ("text", "it must return at most 1,000"),
        ([({}, 1)] * 1001, "it must return at most 1,000"),
        ([({}, 1, 2)], "each must be a pair of a product and a weight"),
        ([{}], "each must be a pair"),
        ([None], "each must be a pair"),
        ([("product", 1)], "a product must be a mapping, not str"),
        ([({1: "x"}, 1)], "the names of the fields of a product must be texts"),
        ([({"x" * 101: 1}, 1)], "can have at most 100 characters"),
        ([({f"x{number}": 1 for number in range(201)}, 1)], "at most 200 values"),
        ([({"x": "y" * 65_537}, 1)], "field “x” of a product can have at most 65,536 characters"),
        ([({"x": "y" * 40_000, "z": "y" * 40_000}, 1)], "a product can have at most 65,536 characters"),
        ([({"x": ["y" * 40_000, "y" * 40_000]}, 1)], "a product can have at most 65,536 characters"),
        ([({"x": "\ud800"}, 1)], "half a character"),
        ([({"x": 10**500}, 1)], "more than 400 digits"),
        ([({"x": Decimal("1e-1000")}, 1)], "more than 400 digits"),
        ([({"x": object()}, 1)], "field “x” of a product is a object; it must be a text, number or date"),
        ([({"x": ["y", 1]}, 1)], "field “x” of a product is a list"),
        ([({"price": "dear"}, 1)], "field “price” of a product is not of type decimal, as product_fields declares it"),
        ([({}, "1")], "a weight must be a number, not str"),
        ([({}, True)], "a weight must be a number, not bool"),
        ([({}, -1)], "-1 is not a weight; weights are 0 or more"),
        ([({}, float("nan"))], "NaN is not a weight"),
        ([({}, Decimal("Infinity"))], "Infinity is not a weight"),
        ([({}, 10**5000)], "a number of that size is not a weight"),
        ([({}, Decimal("1e-100000"))], "a number of that size is not a weight"),
    ],
)
def test_products_are_held_to_types_and_sizes(answer: object, said: str) -> None:
    hooks = Hooks(dynamic_offer={"h": lambda offer, contact, data: cast("Any", answer)})
    made, report = products(hooks, "h", OFFER, CALL, {"price": FieldType(BaseType.DECIMAL)})
    assert made is None
    assert report is not None
    assert (report.code, report.where) == (Code.HOOK_ANSWER, "bed")
    assert report.message.startswith("The dynamic-offer hook “h” was ignored: ")
    assert said in report.message
    assert report.message.endswith("Return pairs of a product (a mapping of plain values) and a weight.")
    assert len(report.message) < 400


def test_products_become_plain_values() -> None:
    values = {
        "text": _Text("x"), "number": 1, "share": 0.5, "none": None, "flag": True, "nan": float("nan"),
        "endless": Decimal("Infinity"), "day": date(2026, 6, 1), "time": datetime(2026, 6, 1, 10), "list": ["a", "b"],
        "price": "12.5",
    }  # fmt: skip
    hooks = Hooks(dynamic_offer={"h": lambda offer, contact, data: [(values, 1)]})
    made, report = products(hooks, "h", OFFER, CALL, {"price": FieldType(BaseType.DECIMAL)})
    assert report is None
    assert made is not None
    assert dict(made[0][0]) == {
        **values, "share": Decimal("0.5"), "nan": None, "endless": None, "list": ("a", "b"), "price": Decimal("12.5"),
    }  # fmt: skip
    assert type(made[0][0]["text"]) is str


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "it must return a list of candidates"),
        (["x"], "something that is not one of the candidates"),
        ([Candidate("a", "stay", Decimal(2))], "something that is not one of the candidates"),
        ([0, 0], "it returned a candidate twice"),
        ([(0, 1), 0], "it returned a candidate twice"),
        ([(0, -1)], "-1 is not a weight"),
        ([(0, "9")], "a weight must be a number, not str"),
        ([(0, float("inf"))], "Infinity is not a weight"),
        ([(0, 1, 2)], "something that is not one of the candidates"),
    ],
)
def test_new_weights_are_held_to_bounds(answer: object, said: str) -> None:
    one = Candidate("a", "stay", Decimal(2))

    def candidates_for(item: object) -> object:
        if isinstance(item, tuple):
            return tuple(one if part == 0 else part for part in item)
        return one if item == 0 else item

    made = [candidates_for(item) for item in answer] if isinstance(answer, list) else answer
    hooks = Hooks(post_processing={"h": lambda candidates: cast("Any", made)})
    kept, report = post_process(hooks, "h", (one,), CALL)
    assert kept is None
    assert report is not None
    assert (report.code, report.where) == (Code.HOOK_ANSWER, "h")
    assert said in report.message


PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.dates(), st.datetimes(), st.text(),
    st.binary(), st.complex_numbers(), st.timedeltas(), st.lists(st.text(max_size=3), max_size=3),
)  # fmt: skip
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


@settings(deadline=None, max_examples=40)
@given(ANYTHING | st.lists(st.tuples(st.dictionaries(st.text(max_size=5), PLAIN, max_size=4), PLAIN), max_size=3))
def test_whatever_a_hook_returns_the_call_continues(answer: Any) -> None:
    """What is accepted can be stored, shown and compared; everything else is one report."""
    one = Candidate("a", "stay", Decimal(2))
    hooks = Hooks(
        {"h": lambda contact, data: answer},
        {"h": lambda offer, contact, data: answer},
        {"h": lambda candidates: answer if isinstance(answer, list) else [(one, answer)]},
    )
    added, report = load_target(hooks, "h", CALL)
    assert (report is None) == isinstance(answer, dict)
    assert all(isinstance(name, str) for name in added)
    made, report = products(hooks, "h", OFFER, CALL, {"price": FieldType(BaseType.DECIMAL)})
    assert (made is None) == (report is not None)
    for product, weight in made or ():
        assert 0 <= weight < MAX_WEIGHT
        assert len(canonical(stored_product(product))) < 8 * MAX_PRODUCT_TEXT
        assert all(len(show(value)) <= MAX_PRODUCT_TEXT for value in product.values())
    kept, report = post_process(hooks, "h", (one,), CALL)
    assert (kept is None) == (report is not None)
    assert all(weight is None or 0 < weight < MAX_WEIGHT for _, weight in kept or ())


def test_what_fails_repeats_nothing_about_the_contact() -> None:
    def fail(contact: Row, data: Row) -> Mapping[str, object]:
        raise ValueError(
            f"no answer for {contact['email']} (4711) in {contact['city']} with {data['page']}, permanent-id, session-id, "
            "tea; 47112 stays"
        )

    _, report = load_target(Hooks({"h": fail}), "h", CALL)
    assert report is not None
    assert report.message.endswith("ValueError: no answer for … (…) in … with …, …, …, …; 47112 stays")


def test_what_fails_repeats_nothing_however_it_is_written() -> None:
    """As Python writes values, in a URL, in other cases, within a longer word, on several lines."""
    born, seen = date(1984, 2, 29), datetime(2026, 1, 1, 5, tzinfo=UTC)
    row = MappingProxyType(
        {"name": "Zoë O'Brien", "born": born, "seen": seen, "worth": Decimal("12.50"), "odd": "x\ny"}
    )
    call = replace(CALL, contact=row, key="20417|1984-02-29")
    texts = (
        str(dict(row)), repr(row["seen"]), "ZOË O'BRIEN", quote("Zoë O'Brien"), "person_20417.json", f"{born:%d.%m.%Y}",
        f"{seen}", seen.isoformat(), "x\ny",
    )  # fmt: skip
    for text in texts:
        report = load_target(Hooks({"h": _raising(ValueError(text))}), "h", call)[1]
        assert report is not None
        assert "…" in report.message
        for told in ("zoë", "zo%", "brien", "1984", "2026", "12.5", "20417", "\n", "x y", r"x\ny"):
            assert told not in report.message.casefold(), text


def test_the_error_of_a_hook_is_one_short_line() -> None:
    long = type("N" * 9999, (Exception,), {})
    report = load_target(Hooks({"h": _raising(long("a\r\n  error: b " + "c" * 9999))}), "h", CALL)[1]
    assert report is not None
    assert "NNN: a error: b ccc" in report.message
    assert len(report.message) < 400


class _PanicError(BaseException):
    """As extensions in Rust raise it."""


@pytest.mark.parametrize("error", [_PanicError(), CancelledError(), GeneratorExit()])
def test_a_hook_cannot_end_the_call_with_what_is_no_exception(error: BaseException) -> None:
    report = load_target(Hooks({"h": _raising(error)}), "h", CALL)[1]
    assert report is not None
    assert report.code is Code.HOOK_FAILED
    with pytest.raises(KeyboardInterrupt):  # the user's own wish
        load_target(Hooks({"h": _raising(KeyboardInterrupt())}), "h", CALL)


def _raising(error: BaseException) -> TargetLoading:
    def hook(contact: Row, data: Row) -> Mapping[str, object]:
        raise error

    return hook
