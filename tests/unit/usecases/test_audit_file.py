"""Exports without their store: what they prove of promotions, and what was live by them."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.judged import export, findings, forge, verified
from helpers.workspace import Workspace

from offerkit.address import Address, Stage, parse_address, parse_stage
from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance.approvals import Approval, Decision
from offerkit.governance.aspects import approval_keys
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.specs.output_files import HISTORY, writing
from offerkit.state.changes import Body, Entry
from offerkit.store import ChangeRow, Store
from offerkit.store.history_file import HistoryLines
from offerkit.store.rows import RecordedRevision
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases import audit_gates
from offerkit.usecases.audit import AuditedStore, audit
from offerkit.usecases.audit_file import audit_file, live_then, overview
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import stop

LIVE = parse_stage("shop@live")


def live_entry(shop: Workspace, address: str) -> tuple[Address, Entry]:
    with shop.store() as store:
        entry = store.entry(LIVE, parse_address(address))
    assert entry is not None
    return parse_address(address), entry


def other(label: str) -> tuple[Body, str]:
    body = Body("offer", canonical({"label": label, "category": "bank", "content": {"title": label}}).decode())
    return body, fingerprint(body.kind, body.text.encode())


def test_an_honest_history(live_shop: Workspace) -> None:
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "Safari by night"}}}})
    live_shop.apply("ada")
    live_shop.approve_all()
    live_shop.promote("ada")
    live_shop.rollback("ada", "shop@live", 1)
    stop(live_shop.session("omar"), StopRequest(("shop/offer.safari",), "wrong"))
    found = verified(live_shop)
    with live_shop.store() as store:
        assert (found.revisions, found.digest) == (store.last_serial(), store.head())
        same = audit(AuditedStore(store), store.head())
    assert found.judged >= 2 and found.unprovable
    assert (same.revisions, same.digest, same.judged, same.unprovable) == (
        found.revisions,
        found.digest,
        found.judged,
        found.unprovable,
    )


@pytest.mark.parametrize("action", ["promote", "rollback", "apply", "purge", "stop", "approve", "x"])
def test_a_forged_promotion_is_found(live_shop: Workspace, action: str) -> None:
    """Whatever it calls itself: live has an offer that nobody approved, or that it never had."""
    address, entry = live_entry(live_shop, "shop/offer.safari")
    body, print_ = other("Cheaper")
    forge(
        live_shop,
        action,
        ChangeRow(0, LIVE, address, "update", entry, replace(entry, fingerprint=print_)),
        bodies=(body,),
    )
    assert live_shop.verified() == []  # the digests are all right
    (found, *_) = findings(live_shop)
    assert found.code is Code.RECORD_UNCOVERED
    assert "by ada) would not pass the gate" in found.summary and found.address == address


def changed_in_design(workspace: Workspace) -> tuple[Address, Entry, Entry]:
    """An offer whose title was changed, with what live and design have of it."""
    workspace.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "New title"}}}}})
    workspace.apply("ada")
    address, entry = live_entry(workspace, "shop/offer.safari")
    with workspace.store() as store:
        design = store.entry(parse_stage("shop@design"), address)
    assert design is not None
    return address, entry, design


def test_a_forged_promotion_of_what_design_has_needs_approvals(live_shop: Workspace) -> None:
    address, entry, design = changed_in_design(live_shop)
    forge(
        live_shop,
        "promote",
        ChangeRow(0, LIVE, address, "update", entry, replace(entry, fingerprint=design.fingerprint)),
    )
    found = findings(live_shop)
    assert {one.code for one in found} == {Code.RECORD_UNCOVERED}
    assert any("without approval" in one.summary for one in found)


def test_what_is_stopped_cannot_be_brought_back_by_a_forged_rollback(live_shop: Workspace) -> None:
    address, entry = live_entry(live_shop, "shop/offer.safari")
    stop(live_shop.session("omar"), StopRequest((address,), "wrong"))
    _, stopped = live_entry(live_shop, address)
    forge(live_shop, "promote", ChangeRow(0, LIVE, address, "update", stopped, entry))
    assert {one.code for one in findings(live_shop)} == {Code.RECORD_UNCOVERED}


@pytest.mark.parametrize(
    "body",
    [
        Body("offer", "[]"),
        Body("offer", '{"category":7,"content":[],"weights":{},"spaces":3,"eligible":{"when":["x"]}}'),
        Body("offer", "not JSON"),
        Body("offer", '{"eligible":{"from":"soon","when":"1 +"},"weights":[{"weight":"x"}],"content":{"title":null}}'),
        Body("space", "{}"),
    ],
)
def test_bodies_that_no_specs_lead_to_are_no_crash(live_shop: Workspace, body: Body) -> None:
    address, entry = live_entry(live_shop, "shop/offer.safari")
    print_ = fingerprint(body.kind, body.text.encode())
    with live_shop.store() as store:
        design = store.entry(parse_stage("shop@design"), address)
    assert design is not None
    forge(
        live_shop,
        "apply",
        ChangeRow(0, parse_stage("shop@design"), address, "update", design, Entry(print_)),
        bodies=(body,),
    )
    forge(live_shop, "promote", ChangeRow(0, LIVE, address, "update", entry, replace(entry, fingerprint=print_)))
    assert {one.code for one in findings(live_shop)} == {Code.RECORD_UNCOVERED}
    path = export(live_shop)
    assert overview(path).revisions and live_then(path, "2099-01-01").environments


def test_a_digest_noted_elsewhere(live_shop: Workspace) -> None:
    path = export(live_shop)
    digest = audit_file(path).digest
    assert audit_file(path, digest[:12].upper()).digest == digest
    with pytest.raises(Refused) as caught:
        audit_file(path, "0" * 64)
    assert [one.code for one in caught.value.diagnostics] == [Code.HISTORY_BROKEN]


def test_a_short_digest_proves_nothing(live_shop: Workspace) -> None:
    """One character is the start of some digest in nearly every history."""
    path = export(live_shop)
    digest = audit_file(path).digest
    with live_shop.store() as store:
        audited = AuditedStore(store)
        for short in (digest[:1], digest[:11], "g"):
            for verify in (lambda given: audit_file(path, given), lambda given: audit(audited, given)):
                with pytest.raises(Refused, match="too short") as caught:
                    verify(short)
                assert [one.code for one in caught.value.diagnostics] == [Code.BAD_VALUE]
        assert audit(audited, digest[:12]).digest == digest


def test_a_store_is_judged_while_it_is_counted(live_shop: Workspace) -> None:
    counted: list[int] = []

    @contextmanager
    def progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
        counted.append(-length)
        yield counted.append

    with live_shop.store() as store:
        audit(AuditedStore(store), progress=progress)
    assert len(counted) > 2 and sum(counted) == 0


def test_what_was_live_at_a_time(live_shop: Workspace) -> None:
    with live_shop.store() as store:
        first = store.last_serial()
    stop(live_shop.session("omar"), StopRequest(("shop/offer.safari",), "too dear"))
    path = export(live_shop)
    then, now = live_then(path, str(first), "shop"), live_then(path, "2099-01-01")
    assert then.revision is not None and then.revision.revision == first
    (state,) = then.environments
    assert "shop/offer.safari" in [offer.address for offer in state.offers] and not then.stopped
    assert all(offer.since.actor and offer.spaces for offer in state.offers)
    assert "shop/offer.safari" not in [offer.address for state in now.environments for offer in state.offers]
    (stopped,) = now.stopped
    assert (stopped.address, stopped.operator, stopped.reason) == ("shop/offer.safari", "omar", "too dear")
    assert live_then(path, "0").revision is None
    assert overview(path).stopped == ("shop/offer.safari",)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda path: live_then(path, "soon"), Code.BAD_POINT),
        (lambda path: live_then(path, "999"), Code.BAD_POINT),
        (lambda path: live_then(path, "1", "shup"), Code.NO_MATCH),
        (lambda path: audit_file(path.parent), Code.UNREADABLE),
        (lambda path: audit_file(path / "none"), Code.UNREADABLE),
        (lambda path: overview(Path("a\0b")), Code.UNREADABLE),
    ],
)
def test_what_cannot_be_answered(live_shop: Workspace, ask: Callable[[Path], object], code: Code) -> None:
    with pytest.raises(Refused) as caught:
        ask(export(live_shop))
    assert [one.code for one in caught.value.diagnostics] == [code]


def test_a_pipe_is_read_as_well(live_shop: Workspace) -> None:
    content = export(live_shop).read_bytes()
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(content)
    assert audit_file(Path(f"/dev/fd/{reading}")).revisions == audit_file(export(live_shop)).revisions
    os.close(reading)


def test_approvals_of_other_states_do_not_cover_it(live_shop: Workspace) -> None:
    """An approval of something else is in the record; the fingerprint decides."""
    address, entry, design = changed_in_design(live_shop)
    rows = tuple(
        Approval(ApprovalKey(address, Aspect.CONTENT, space, "0" * 64), Decision.APPROVED, "brand")
        for space in entry.activation or ()
    )
    forge(live_shop, "approve", approvals=rows)
    forge(
        live_shop,
        "promote",
        ChangeRow(0, LIVE, address, "update", entry, replace(entry, fingerprint=design.fingerprint)),
    )
    assert {one.code for one in findings(live_shop)} == {Code.RECORD_UNCOVERED}


@pytest.mark.parametrize("space", ["", "x", "shop/offer.", "shop/category.bank", "7", "\u202e"])
@pytest.mark.parametrize("decision", [Decision.STOPPED, Decision.RESUMED, Decision.APPROVED])
def test_stops_that_offerkit_never_writes_are_no_crash(live_shop: Workspace, space: str, decision: Decision) -> None:
    address, entry = live_entry(live_shop, "shop/offer.safari")
    row = Approval(ApprovalKey(address, Aspect.STOP, space, "-1"), decision, "mallory", "0")
    forge(live_shop, "stop", approvals=(row,))
    forge(live_shop, "promote", ChangeRow(0, LIVE, address, "deactivate", entry, replace(entry, activation=())))
    path = export(live_shop)
    try:
        audit_file(path)
    except Refused as refused:
        assert {found.code for found in refused.diagnostics} == {Code.RECORD_UNCOVERED}
    assert overview(path).revisions and live_then(path, "2099-01-01").environments


NEW_TITLE = {"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "New title"}}}}}
APART = {"environments/shop.yaml": {"environment": {"promotion": {"separation_of_duties": True}}}}


def decisions(shop: Workspace, operator: str, decision: Decision = Decision.APPROVED) -> tuple[Approval, ...]:
    """Decisions on safari's content as it is in design, with the right fingerprints."""
    with shop.store() as store:
        view = Stages(store).side(Stage.DESIGN)
        keys = approval_keys(view, parse_address("shop/offer.safari"))
        return tuple(Approval(key, decision, operator) for key in keys if key.aspect is Aspect.CONTENT)


@pytest.mark.parametrize(
    ("action", "actor", "operator", "what"),
    [
        ("approve", "mallory", "mallory", "there was no operator mallory"),
        ("approve", "ada", "olga", "a decision of olga, who did not make it"),
        (
            "approve",
            "risk",
            "risk",
            "risk (delivery-manager) was not allowed to decide on the content of shop/offer.safari",
        ),
        ("apply", "olga", "olga", "a revision of that kind cannot decide on shop/offer.safari"),
        ("reject", "olga", "olga", "a revision of that kind cannot decide on shop/offer.safari"),
        ("x", "olga", "olga", "a revision of that kind cannot decide on shop/offer.safari"),
    ],
)
def test_forged_approvals_are_found(live_shop: Workspace, action: str, actor: str, operator: str, what: str) -> None:
    """With right digests and fingerprints, but by somebody else, or in another kind of revision."""
    live_shop.change(NEW_TITLE)
    live_shop.apply("ada")
    forge(live_shop, action, actor=actor, approvals=decisions(live_shop, operator))
    assert what in "\n".join(found.summary for found in findings(live_shop))


def test_an_honest_approval_is_none(live_shop: Workspace) -> None:
    live_shop.change(NEW_TITLE)
    live_shop.apply("ada")
    forge(live_shop, "approve", actor="olga", approvals=decisions(live_shop, "olga"))
    assert verified(live_shop).revisions


def test_the_forged_approval_of_an_author_is_found(live_shop: Workspace) -> None:
    """Where duties are separated, nobody approves what they wrote, nor before they write it."""
    live_shop.change(APART)
    live_shop.apply("ada")
    live_shop.change(NEW_TITLE)
    live_shop.execute("ada", live_shop.plan())
    before = verified(live_shop).revisions
    forge(live_shop, "approve", actor="ada", approvals=decisions(live_shop, "ada"))
    assert any(
        f"revision {before + 1} " in found.summary and "they changed shop/offer.safari" in found.summary
        for found in findings(live_shop)
    )


def test_an_approval_from_before_its_subject_is_found(live_shop: Workspace) -> None:
    with live_shop.store() as store:
        last = store.last_serial()
    live_shop.change(NEW_TITLE)
    live_shop.apply("ada")
    rows = decisions(live_shop, "olga")
    live_shop.rollback("ada", "shop@design", last)
    forge(live_shop, "approve", actor="olga", approvals=rows)
    assert any("was not what it decides on" in found.summary for found in findings(live_shop))


@pytest.mark.parametrize("actor", ["mallory", "brand", "risk"])
def test_a_forged_promotion_by_somebody_else_is_found(live_shop: Workspace, actor: str) -> None:
    """Everything was approved, but who made it live may not."""
    live_shop.change(NEW_TITLE)
    live_shop.apply("ada")
    live_shop.approve("olga")
    address, entry = live_entry(live_shop, "shop/offer.safari")
    with live_shop.store() as store:
        design = store.entry(parse_stage("shop@design"), address)
    assert design is not None
    change = ChangeRow(0, LIVE, address, "update", entry, replace(entry, fingerprint=design.fingerprint))
    forge(live_shop, "promote", change, actor=actor)
    (found,) = findings(live_shop)
    assert found.code is Code.RECORD_UNCOVERED and actor in found.summary


@pytest.mark.parametrize("what", ["file", "store"])
def test_what_judged_a_revision_is_given_back(live_shop: Workspace, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The command line runs without the collector of garbage; a long history must not fill the memory."""
    words = [str(export(live_shop))] if what == "file" else ["--store", live_shop.named()]
    collecting: list[bool] = []

    def watched(store: Store, recorded: RecordedRevision) -> list[Diagnostic]:
        collecting.append(gc.isenabled())
        return []

    monkeypatch.setattr(audit_gates, "uncovered", watched)
    gc.disable()
    try:
        assert cli.main(["audit", "verify", *words], standalone_mode=False) in (None, 0)
    finally:
        gc.enable()
    assert collecting and all(collecting)


@pytest.mark.parametrize("lines", [0, 1, 5, 40])
def test_an_export_that_is_killed_leaves_no_file(live_shop: Workspace, lines: int) -> None:
    """Nor one beside it that passes for a whole one."""
    out = live_shop.root / "out/history.jsonl"
    out.parent.mkdir()
    child = os.fork()
    if not child:
        try:
            with live_shop.store() as store, writing(out, HISTORY) as file:
                for number, line in enumerate(HistoryLines(store.database)):
                    if number == lines:
                        file.flush()
                        os.kill(os.getpid(), signal.SIGKILL)
                    file.write(line)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert not out.exists()
    for left in out.parent.iterdir():
        with pytest.raises(Refused):
            audit_file(left)
