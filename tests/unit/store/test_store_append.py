"""A revision is appended whole, against exactly what it was made for, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from store_samples import DESIGN, LIVE, append, approval, change, draft, entry, offer, print_of

from offerkit.diagnostics import Code, Refused
from offerkit.state.changes import Body
from offerkit.store import ChangeRow, Draft, Store


@pytest.mark.parametrize(
    ("stale", "address"),
    [
        (change("c", None, entry("one")), "c"),
        (change("c", entry("one"), entry("two")), "c"),
        (change("b", entry("two"), None), "b"),
        (change("a", entry("three"), entry("one")), "a"),
        (change("d", entry("one"), entry("one"), moved_from="c"), "c"),
        (change("b", entry("two", ("web",)), entry("two", ("email",)), stage=LIVE), "b"),
        (change("x", entry("one"), entry("two")), "x"),
    ],
)
def test_what_stands_otherwise_is_refused(history: Store, stale: ChangeRow, address: str) -> None:
    before = history.entries(DESIGN), history.entries(LIVE), history.heads()
    with pytest.raises(Refused) as refused:
        append(history, draft(stale, change("new", None, entry("one")), day=6))
    found = refused.value.diagnostics
    assert [(d.code, d.address) for d in found] == [(Code.PLAN_STALE, offer(address))]
    assert "Revision 5 by anna" in found[0].detail or address == "x"
    assert (history.entries(DESIGN), history.entries(LIVE), history.heads()) == before
    assert history.last_serial() == 5
    assert history.verify() == []


def test_every_conflict_is_told_at_once(history: Store) -> None:
    rows = [change("a", entry("one"), None), change("b", entry("one"), None), change("a", None, None, stage=LIVE)]
    rows[2] = replace(rows[2], after=entry("one"))
    with pytest.raises(Refused) as refused:
        append(history, draft(*rows, day=6))
    assert len(refused.value.diagnostics) == 3


def test_an_exception_rolls_back_all_revisions_of_the_transaction(history: Store) -> None:
    with pytest.raises(KeyboardInterrupt), history.transaction():
        history.append(draft(change("x", None, entry("one")), day=6))
        history.append(draft(change("y", None, entry("one")), day=7))
        assert history.last_serial() == 7
        raise KeyboardInterrupt
    assert history.last_serial() == 5
    assert history.verify() == []
    append(history, draft(change("x", None, entry("one")), day=6))
    assert history.verify() == []


@pytest.mark.parametrize("wrong", [None, Body("offer", '{"label":"other"}'), Body("space", '{"label":"four"}')])
def test_a_body_that_is_missing_or_wrong(history: Store, wrong: Body | None) -> None:
    after = entry("four")
    given = {after.fingerprint: wrong} if wrong else {}
    with pytest.raises(Refused) as refused:
        append(history, replace(draft(change("x", None, after), day=6), bodies=given))
    assert refused.value.diagnostics[0].code is Code.PLAN_UNREADABLE
    assert history.last_serial() == 5


def test_a_body_that_is_kept_already_need_not_be_given(history: Store) -> None:
    append(history, replace(draft(change("x", None, entry("one")), day=6), bodies={}))
    assert history.bodies([entry("one").fingerprint])


@pytest.mark.parametrize("field", ["actor", "message"])
@pytest.mark.parametrize("text", ["a\0b", "caf\udce9"])
def test_what_is_not_text_is_refused(history: Store, field: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        append(history, replace(draft(day=6), **{field: text}))
    assert refused.value.diagnostics[0].code is Code.BAD_VALUE


def test_strange_but_real_text_is_kept(history: Store) -> None:
    message = "‏שלום → 'x'; DROP TABLE revision; --\n" + "ü" * 10_000
    append(history, replace(draft(day=6), message=message, approvals=(replace(approval("a"), comment=message),)))
    row = history.revision(6)
    assert row is not None
    assert row.message == message
    assert history.approvals()[-1].comment == message
    assert history.verify() == []


def test_our_own_mistakes_are_not_told_as_the_users(history: Store) -> None:
    plain = draft(day=6)
    twice = (change("x", None, entry("one")), change("x", None, entry("two")))
    mistakes: list[Draft] = [
        replace(plain, time="2026-01-01"),
        replace(plain, changes=(change("x"),)),
        replace(plain, changes=twice),
        replace(plain, approvals=(approval("a"), approval("a"))),
    ]
    for mistake in mistakes:
        with pytest.raises(ValueError, match=r"time|nothing|twice"):
            append(history, mistake)
    with pytest.raises(RuntimeError):
        history.append(plain)
    with pytest.raises(RuntimeError), history.transaction(), history.transaction():
        pass
    assert history.last_serial() == 5


def test_a_revision_without_changes(history: Store) -> None:
    append(history, Draft("note", "anna", draft(day=6).time))
    assert history.heads()[DESIGN].revision == 5
    assert history.verify() == []


def test_a_history_that_lost_its_end_is_not_continued(history: Store, execute: Callable[..., None]) -> None:
    execute("DELETE FROM change WHERE serial = 5", "DELETE FROM outcome WHERE serial = 5")
    execute("DELETE FROM revision WHERE serial = 5")
    with pytest.raises(Refused) as refused:
        append(history, draft(day=6))
    assert refused.value.diagnostics[0].code is Code.STORE_DAMAGED


def test_a_reader_cannot_write(history: Store) -> None:
    with Store.open(history.location) as reader, pytest.raises(Refused) as refused:
        append(reader, draft(day=6))
    assert refused.value.diagnostics[0].code is Code.STORE_READ_ONLY


def test_the_fingerprint_of_a_body_does_not_depend_on_its_address(history: Store) -> None:
    assert print_of(Body("offer", '{"label":"one"}')) == entry("one").fingerprint
