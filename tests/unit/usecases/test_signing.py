"""Signed decisions: each signature counts for one decision, at one place of one history, by keys valid then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.ssh_keys import KeyPair, new_key
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.fingerprint import JsonMap
from offerkit.governance.anchors import Anchor
from offerkit.governance.approvals import Decision
from offerkit.governance.signatures import GivenSignature, facts_of
from offerkit.store import RevisionRow
from offerkit.store.signed_revisions import SignedRevisions, signable_of
from offerkit.times import instant, utc
from offerkit.usecases.accept_lost import accept_lost
from offerkit.usecases.apply import apply
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.audit import AuditedStore, audit, write_history
from offerkit.usecases.audit_file import audit_file
from offerkit.usecases.requests import ApprovalRequest, ScheduleRequest, StopRequest
from offerkit.usecases.run_due import DueOutcome, run_due
from offerkit.usecases.schedule import schedule
from offerkit.usecases.session import Session
from offerkit.usecases.stop import resume, stop

OFFER = "shop/offer.safari"
WISH = ApprovalRequest((OFFER,))


@dataclass
class Pen:
    """Signs with a key as SshSigner does, and remembers what it signed."""

    key: KeyPair
    signed: list[tuple[bytes, str]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def sign(self, statement: bytes, keys: list[JsonMap]) -> str:
        text = self.key.sign(statement)
        self.signed.append((statement, text))
        self.meanwhile()
        return text


@pytest.fixture(scope="module")
def pens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KeyPair]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: new_key(folder, name) for name in ("ada", "omar", "olga", "stranger")}


@pytest.fixture
def shop(tmp_path: Path, pens: dict[str, KeyPair]) -> Workspace:
    """The small project, applied; approvals, promotions and stops have to be signed."""
    return _shop(tmp_path / "shop", pens)


def _shop(root: Path, pens: dict[str, KeyPair], **keys: Any) -> Workspace:
    workspace = Workspace(root)
    declared = {name: {"keys": [pens[name].public]} for name in ("ada", "omar")}
    workspace.change(
        {
            "specs/shared.yaml": {"operators": {**declared, **keys}},
            "environments/shop.yaml": {
                "environment": {"promotion": {"signatures": ["approvals", "promotions", "stops"]}}
            },
        }
    )
    workspace.apply("ada")
    return workspace


def refused(code: Code, why: str, act: Callable[[], object]) -> None:
    with pytest.raises(Refused) as error:
        act()
    found = error.value.diagnostics
    assert [each.code for each in found] == [code]
    assert why in f"{found[0].summary} {found[0].detail}", found[0]


def approve(session: Session, wish: ApprovalRequest = WISH) -> object:
    return approve_or_reject(session, wish, Decision.APPROVED)


def audited(shop: Workspace) -> int:
    """How many signatures the store has, and as many its export."""
    path = shop.root / "history.jsonl"
    with shop.store() as store:
        signatures = audit(AuditedStore(store)).signatures
        with path.open("wb") as file:
            write_history(store, file)
    assert audit_file(path).signatures == signatures
    return signatures


def given(shop: Workspace, who: str, key: KeyPair, **more: Any) -> tuple[Session, GivenSignature, bytes]:
    """A session of ``who``, and a signature for approving the offer that was made and not used."""
    pen = Pen(key, meanwhile=_stop_here)
    session = shop.session(who, signer=pen, **more)
    with pytest.raises(_MadeError):
        approve(session)
    statement, text = pen.signed[0]
    with shop.store() as store:
        parent = store.head()
    return replace(session, signer=None), GivenSignature(session.now, parent, text), statement


class _MadeError(Exception):
    """The signature was made, and is not used yet."""


def _stop_here() -> None:
    raise _MadeError


def test_what_is_not_signed_is_refused(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    refused(Code.SIGNATURE_DEMANDED, "approve is not signed", lambda: shop.approve("omar", OFFER))
    refused(
        Code.SIGNATURE_DEMANDED, "stop is not signed", lambda: stop(shop.session("omar"), StopRequest((OFFER,), "x"))
    )
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    refused(Code.SIGNATURE_DEMANDED, "promote is not signed", lambda: shop.promote("ada"))
    assert audited(shop) == 1


def test_a_signature_is_kept_in_the_history(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    pen = Pen(pens["omar"])
    approve(shop.session("omar", signer=pen))
    with shop.store() as store:
        row = store.revisions(limit=1)[0]
    assert row.details["signature"]["text"] == pen.signed[0][1]  # type: ignore[index, call-overload]
    stop(shop.session("omar", signer=pen), StopRequest((OFFER,), "wrong"))
    approve(shop.session("omar", signer=pen))
    resume(shop.session("ada", signer=Pen(pens["ada"])), StopRequest((OFFER,)))
    assert audited(shop) == 4
    assert shop.verified() == []


@pytest.mark.parametrize("who", ["olga", "stranger"])
def test_another_key_is_refused(shop: Workspace, pens: dict[str, KeyPair], who: str) -> None:
    act = lambda: approve(shop.session("omar", signer=Pen(pens[who])))  # noqa: E731
    refused(Code.BAD_SIGNATURE, "which is not a key of omar", act)


def test_a_forged_signature_is_refused(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    session, signature, _ = given(shop, "omar", pens["omar"])
    for text, why in (
        ("hello", "not an SSH signature"),
        (signature.text.replace("U1NIU0lH", "U1NIU0lI", 1), "damaged"),
        (pens["omar"].sign(b"something else"), "made for another one, or forged"),
        (pens["omar"].sign(b"something else", "git"), "made for “git”"),
    ):
        forged = replace(session, signature=signature._replace(text=text))
        refused(Code.BAD_SIGNATURE, why, lambda forged=forged: approve(forged))  # type: ignore[misc]


def test_a_signature_serves_no_other_decision(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    """Nor another offer, nor a rejection, nor another reason, nor other aspects, nor another operator."""
    session, signature, _ = given(shop, "omar", pens["omar"])
    session = replace(session, signature=signature)
    for wish in (
        ApprovalRequest(("shop/offer.saver",)),
        replace(WISH, comment="Fine"),
        replace(WISH, eligibility=True),
        ApprovalRequest(("shop/offer.*",)),
    ):
        refused(Code.BAD_SIGNATURE, "another one, or forged", lambda wish=wish: approve(session, wish))  # type: ignore[misc]
    act = lambda: approve_or_reject(session, WISH, Decision.REJECTED)  # noqa: E731
    refused(Code.BAD_SIGNATURE, "another one, or forged", act)
    refused(Code.BAD_SIGNATURE, "not a key of ada", lambda: approve(replace(session, operator="ada")))
    act = lambda: stop(session, StopRequest((OFFER,), "x"))  # noqa: E731
    refused(Code.BAD_SIGNATURE, "another one, or forged", act)
    approve(session)  # what it was made for


def test_a_replayed_signature_is_refused(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    session, signature, _ = given(shop, "omar", pens["omar"])
    session = replace(session, signature=signature)
    approve(session)
    approve_or_reject(shop.session("omar", signer=Pen(pens["omar"])), WISH, Decision.REJECTED)
    refused(Code.SIGNED_FOR_EARLIER, "has changed since", lambda: approve(session))
    with shop.store() as store:
        lying = replace(session, signature=signature._replace(parent=store.head()))
    refused(Code.BAD_SIGNATURE, "another one, or forged", lambda: approve(lying))


def test_a_signature_of_another_project_is_refused(tmp_path: Path, pens: dict[str, KeyPair]) -> None:
    """Two projects with the same specs, the same revisions, the same times."""
    one, two = (_shop(tmp_path / name, pens) for name in ("one", "two"))
    _, signature, _ = given(one, "omar", pens["omar"])
    session = two.session("omar")
    with two.store() as store:
        foreign = replace(session, signature=signature._replace(parent=store.head()))
    refused(Code.BAD_SIGNATURE, "another one, or forged", lambda: approve(foreign))


def test_a_store_that_changes_meanwhile_is_said(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    def other() -> None:
        approve(shop.session("ada", signer=Pen(pens["ada"])), ApprovalRequest(("shop/offer.saver",)))

    act = lambda: approve(shop.session("omar", signer=Pen(pens["omar"], meanwhile=other)))  # noqa: E731
    refused(Code.SIGNED_FOR_EARLIER, "has changed since this was signed", act)
    assert audited(shop) == 1


def test_an_old_signature_has_expired(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    session, signature, _ = given(shop, "omar", pens["omar"])
    for minutes, works in ((20, False), (-20, False), (10, True)):
        late = replace(session, now=utc(instant(session.now) + timedelta(minutes=minutes)), signature=signature)
        if works:
            approve(late)
        else:
            refused(Code.BAD_SIGNATURE, "20 minutes", lambda late=late: approve(late))  # type: ignore[misc]


def _with_days(key: KeyPair, **days: str) -> dict[str, Any]:
    return {"keys": [{"key": key.public, **days}]}


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ({"from": "2026-01-02"}, "is valid from 2026-01-02, and it was made on 2026-01-01"),
        ({"until": "2025-12-31"}, "was valid until 2025-12-31, and it is 2026-01-01 now"),
        ({"from": "2026-01-01", "until": "2026-01-01"}, ""),
    ],
)
def test_keys_are_valid_by_time(tmp_path: Path, pens: dict[str, KeyPair], days: dict[str, str], why: str) -> None:
    shop = _shop(tmp_path / "shop", pens, omar=_with_days(pens["omar"], **days))
    session = shop.session("omar", signer=Pen(pens["omar"]))
    if why:
        refused(Code.BAD_SIGNATURE, why, lambda: approve(session))
    else:
        approve(session)
        assert audited(shop) == 1


def test_a_clock_that_was_set_back_revives_no_key(tmp_path: Path, pens: dict[str, KeyPair]) -> None:
    """The history shows that it is later than the signer's clock says."""
    shop = _shop(tmp_path / "shop", pens, omar=_with_days(pens["omar"], until="2026-01-31"))
    shop.later(days=60)
    approve(shop.session("ada", signer=Pen(pens["ada"])), ApprovalRequest(("shop/offer.saver",)))
    shop.later(days=-50)
    act = lambda: approve(shop.session("omar", signer=Pen(pens["omar"])))  # noqa: E731
    refused(Code.BAD_SIGNATURE, "was valid until 2026-01-31, and it is 2026-03-02 now", act)


def test_what_was_signed_before_a_key_was_removed_still_verifies(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    shop.change({"specs/shared.yaml": {"operators": {"omar": {"keys": [pens["stranger"].public]}}}})
    shop.apply("ada")
    assert audited(shop) == 1
    act = lambda: approve_or_reject(shop.session("omar", signer=Pen(pens["omar"])), WISH, Decision.REJECTED)  # noqa: E731
    refused(Code.BAD_SIGNATURE, "which is not a key of omar", act)
    plan = shop.promotion("ada", OFFER)  # the approval still counts
    assert not [each for each in plan.blocked if each.address == OFFER]


def test_a_key_that_comes_later_verifies_nothing_earlier(tmp_path: Path, pens: dict[str, KeyPair]) -> None:
    """What somebody writes into the store with a key that is declared afterwards does not count."""
    from helpers.tampering import execute

    shop = _shop(tmp_path / "shop", pens)
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    shop.change({"specs/shared.yaml": {"operators": {"omar": {"keys": [pens["stranger"].public]}}}})
    shop.apply("ada")
    with shop.store() as store:
        signed = next(row for row in store.revisions() if "signature" in row.details)
    record = signed.details["signature"]
    assert isinstance(record, dict)
    forged = pens["stranger"].sign(_statement_of(shop, signed.serial, str(record["time"])))
    text = str(record["text"]).replace("\n", "\\n")
    execute(
        shop.location,
        f"UPDATE revision SET details = replace(details, '{text}', '{forged.replace(chr(10), chr(92) + 'n')}')",
    )
    with shop.store() as store:
        fault = SignedRevisions(store.database, store.project).fault(signed.serial)
    assert "which is not a key of omar" in fault


def _statement_of(shop: Workspace, serial: int, time: str) -> bytes:
    with shop.store() as store:
        (recorded,) = (each for each in store.recorded() if each.revision.serial == serial)
        return signable_of(store.project, recorded).statement(time)


def test_an_unsigned_approval_from_before_does_not_count(tmp_path: Path, pens: dict[str, KeyPair]) -> None:
    """Who wants signatures wants them of what is not live yet, too."""
    shop = Workspace(tmp_path / "shop")
    shop.apply("ada")
    shop.approve("omar", OFFER)
    assert OFFER not in {each.address for each in shop.promotion("ada").blocked}
    shop.change(
        {
            "specs/shared.yaml": {"operators": {"omar": {"keys": [pens["omar"].public]}}},
            "environments/shop.yaml": {"environment": {"promotion": {"signatures": ["approvals"]}}},
        }
    )
    shop.apply("ada")
    blocked = [each for each in shop.promotion("ada").blocked if each.address == OFFER]
    assert {each.why.partition(" was ")[2] for each in blocked} == {"approved by omar without a signature that counts"}
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    assert OFFER not in {each.address for each in shop.promotion("ada").blocked}


def test_who_needs_no_signature_can_give_one(tmp_path: Path, pens: dict[str, KeyPair]) -> None:
    shop = Workspace(tmp_path / "shop")
    shop.change({"specs/shared.yaml": {"operators": {"omar": {"keys": [pens["omar"].public]}}}})
    shop.apply("ada")
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    assert audited(shop) == 1


def test_the_whole_history_is_judged(shop: Workspace, pens: dict[str, KeyPair], tmp_path: Path) -> None:
    """What was written into the store without a signature, digests and all, is found."""
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    from offerkit.governance.approvals import Approval
    from offerkit.plans.plan import Aspect
    from offerkit.store import Draft, Store

    with Store.open(shop.location, write=True) as store, store.transaction():
        (row,) = (row for row in store.approvals() if row.key.aspect is Aspect.ELIGIBILITY)
        again = Approval(row.key, Decision.APPROVED, "omar")
        store.append(Draft("approve", "omar", shop.session().now, approvals=(again,)))
    assert shop.verified() == []  # the digests are right
    with shop.store() as store:
        refused(Code.SIGNATURE_DEMANDED, "revision 3 (approve) is not signed", lambda: audit(AuditedStore(store)))
    shutil.copy(shop.root / ".offerkit/store.db", tmp_path / "kept.db")


def test_the_reason_for_exceeding_a_limit_is_signed(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    """As it was given, whether it was needed or not; another one that is recorded fits no signature."""
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    pen = Pen(pens["ada"])
    plan = shop.promotion("ada", OFFER)
    row = apply(shop.session("ada", signer=pen, override_impact="Sales agree"), plan).revision
    assert b'"Sales agree"' in pen.signed[0][0]
    assert audited(shop) == 2
    recorded = {**row.details, "impact": {"override": "Sales agree"}}
    assert facts_of("promote", recorded) == facts_of("promote", row.details)
    other = {**row.details, "impact": {"override": "Another reason"}}
    assert facts_of("promote", other) != facts_of("promote", row.details)


def _scheduled(shop: Workspace, pens: dict[str, KeyPair], **more: Any) -> RevisionRow:
    plan = shop.promotion("ada", OFFER)
    session = shop.session("ada", **more)
    return schedule(session, plan, ScheduleRequest(utc(shop.now + timedelta(hours=24))))


def _due(shop: Workspace) -> DueOutcome:
    shop.later(hours=25)
    (outcome,) = run_due(shop.session(), lambda: shop.now)
    return outcome


def test_a_scheduled_promotion_is_signed_when_it_is_scheduled(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    refused(Code.SIGNATURE_DEMANDED, "schedule is not signed", lambda: _scheduled(shop, pens))
    row = _scheduled(shop, pens, signer=Pen(pens["ada"]))
    outcome = _due(shop)
    assert outcome.findings == ()
    assert outcome.revision.details["scheduled"] == row.serial
    assert audited(shop) == 2


def test_a_scheduled_promotion_whose_key_was_removed_is_not_carried_out(
    shop: Workspace, pens: dict[str, KeyPair]
) -> None:
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    _scheduled(shop, pens, signer=Pen(pens["ada"]))
    shop.change({"specs/shared.yaml": {"operators": {"ada": {"keys": [pens["stranger"].public]}}}})
    shop.apply("ada")
    assert [each.code for each in _due(shop).findings] == [Code.SIGNATURE_DEMANDED]
    assert OFFER not in shop.active()


def _live(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    approve(shop.session("omar", signer=Pen(pens["omar"])))
    apply(shop.session("ada", signer=Pen(pens["ada"])), shop.promotion("ada", OFFER))


def test_an_unsigned_stop_of_what_is_live_is_refused(shop: Workspace, pens: dict[str, KeyPair]) -> None:
    _live(shop, pens)
    act = lambda: stop(shop.session("omar"), StopRequest((OFFER,), "x"))  # noqa: E731
    refused(Code.SIGNATURE_DEMANDED, "stop is not signed", act)
    stop(shop.session("omar", signer=Pen(pens["omar"])), StopRequest((OFFER,), "x"))
    assert audited(shop) == 3


def test_a_stop_brings_nothing_into_live(tmp_path: Path, pens: dict[str, KeyPair]) -> None:
    """Where only promotions must be signed, an offer can be stopped without a signature."""
    shop = _shop(tmp_path / "shop", pens)
    demanded = {"environment": {"promotion": {"signatures": ["promotions"]}}}
    shop.change({"environments/shop.yaml": demanded})
    shop.apply("ada")
    _live(shop, pens)
    stop(shop.session("omar"), StopRequest((OFFER,), "x"))
    assert audited(shop) == 2


def test_accepting_lost_anchors_is_signed(shop: Workspace, pens: dict[str, KeyPair], tmp_path: Path) -> None:
    """Where promotions are to be signed; what is accepted is a part of what is signed."""
    place = tmp_path / "anchors.jsonl"
    shop.change({"environments/shop.yaml": {"environment": {"promotion": {"anchors": [f"file:{place}"]}}}})
    shop.apply("ada")
    with shop.store() as store:
        place.write_bytes(Anchor(store.project, 99, "0" * 64, "promote", shop.session().now).line())
    refused(Code.SIGNATURE_DEMANDED, "accept-lost", lambda: accept_lost(shop.session("ada"), "Monday"))
    pen = Pen(pens["ada"])
    anchored, failed = accept_lost(shop.session("ada", signer=pen), "Monday")
    assert anchored.accepted is not None and not failed
    assert b'"digest":"' + b"0" * 64 in pen.signed[0][0]
    assert audited(shop) == 1
