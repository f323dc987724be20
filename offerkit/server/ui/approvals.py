"""The page of approvals: what is waiting, and the form to approve or reject."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from offerkit.address import Address, Stage
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.governance.approval_items import ApprovalItem, ReviewedAspect
from offerkit.governance.approvals import Decision
from offerkit.governance.rights import TokenScope, missing_scopes
from offerkit.governance.settings import keys_to_decide as keys_of
from offerkit.plans.plan import Aspect
from offerkit.reports.steps_html import reviewed_html
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Form, Pages, first, query_text
from offerkit.server.ui.steps import layout_of
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.awaited_approvals import decidable_by, list_approvals
from offerkit.usecases.requests import ApprovalOutcome, ApprovalRequest
from offerkit.usecases.review import review_tokens, reviewed_aspects
from offerkit.usecases.session import Session, who_is

MOST = 300
"""Offers on one page."""
LONGEST_COMMENT = 2_000
_DECISIONS = {"approve": Decision.APPROVED, "reject": Decision.REJECTED}


@dataclass(frozen=True)
class OfferApprovals:
    """An offer with its aspects; ``mine``: whether the reader can decide on one of them.

    ``shown`` is what the page's form sends for it: its address, and a name of the content that the page shows.
    """

    address: str
    label: str
    live: bool
    mine: bool
    rows: tuple[ApprovalItem, ...]
    shown: str


def routes(pages: Pages) -> list[Operation]:
    """Approvals, to see and to give."""

    async def approvals(request: Request) -> Response:
        q, show, done = (query_text(request, name) for name in ("q", "show", "done"))
        return await pages.show(
            request, "approvals.html", lambda session: waiting_facts(session, q.strip()[:200], show or "waiting", done)
        )

    async def decided(request: Request) -> Response:
        try:
            viewer, fields = await pages.form(request)
            wish, decision = _wish(fields)
            outcome = await asyncio.to_thread(approve_or_reject, pages.session(viewer), wish, decision)
        except Refused as refused:
            return await pages.form_refused(request, refused)
        if outcome.refused:
            return pages.refusal(request, viewer, Refused(outcome.refused), revision=_done(outcome))
        return RedirectResponse(f"/ui/approvals?done={_done(outcome)}", 303)

    return [
        Operation("GET", "/ui/approvals", approvals),
        Operation("POST", "/ui/approvals", decided),
    ]


def waiting_facts(session: Session, q: str, show: str, done: str) -> Facts:
    """What the page of approvals shows: what waits, what is the viewer's, or (``show`` is ``all``) everything."""
    with session.existing() as store:
        rows = list_approvals(store, now=session.now)
        own = set(decidable_by(rows, who_is(session, store))) if session.operator else set()
        names = review_tokens(store, {row.address for row in own})
    if show != "all":
        rows = [row for row in rows if row.state == "waiting"]
    overdue = sum(row.overdue for row in rows)
    if show == "overdue":
        rows = [row for row in rows if row.overdue]
    if show == "mine":
        rows = [row for row in rows if row in own]
    word = q.casefold()
    rows = [row for row in rows if word in row.address.casefold() or word in row.label.casefold()]
    offers = grouped(rows, decidable(session, own), names)
    with session.existing() as store:
        changes = changes_of(store, [row for offer in offers[:MOST] for row in offer.rows])
    return {
        "changes": changes,
        "offers": offers[:MOST],
        "left": max(0, len(offers) - MOST),
        "q": q,
        "show": show,
        "overdue": overdue,
        "done": done if done.isdecimal() else "",
        "waiting": sum(row.state == "waiting" for row in rows),
    }


def changes_of(store: Store, rows: Iterable[ApprovalItem]) -> dict[Address, Markup]:
    """What approving would change in live, by offer: of each aspect that waits, its fields before and after."""
    waiting: dict[tuple[Address, Aspect], set[str]] = {}
    for row in rows:
        if row.state == "waiting":
            waiting.setdefault((row.address, row.aspect), set()).update(row.spaces or ("",))
    stages = Stages(store)
    design = stages.side(Stage.DESIGN)
    addresses = dict.fromkeys(address for address, _ in waiting)
    keys = [key for a in addresses for key in keys_of(design, a) if key.space in waiting.get((a, key.aspect), ())]
    by_offer: dict[Address, list[ReviewedAspect]] = {}
    for reviewed in reviewed_aspects(keys, stages):
        by_offer.setdefault(reviewed.key.address, []).append(reviewed)
    return {a: Markup(reviewed_html(reviewed, layout_of(len(keys), full=False))) for a, reviewed in by_offer.items()}  # noqa: S704 - escaped there


def decidable(session: Session, own: set[ApprovalItem]) -> set[ApprovalItem]:
    """What of the operator's own can be decided here: nothing with a token that is not for approving."""
    return set() if missing_scopes(session.scopes, (TokenScope.APPROVE,), session.operator) else own


def grouped(rows: list[ApprovalItem], own: set[ApprovalItem], names: Mapping[str, str]) -> list[OfferApprovals]:
    """The rows by offer; ``names``: of what was seen, by offer."""
    by_offer: dict[str, list[ApprovalItem]] = {}
    for row in rows:
        by_offer.setdefault(row.address, []).append(row)
    return [
        OfferApprovals(
            address,
            offer_rows[0].label,
            offer_rows[0].live,
            any(row in own for row in offer_rows),
            tuple(offer_rows),
            f"{address} {names.get(address, '')}",
        )
        for address, offer_rows in by_offer.items()
    ]


def _wish(fields: Form) -> tuple[ApprovalRequest, Decision]:
    ticked = [text.partition(" ") for text in fields.get("offer", ())]
    offers = tuple(address for address, _, _ in ticked)
    decision = _DECISIONS.get(first(fields, "decision"))
    if decision is None:
        raise refuse(Code.BAD_REQUEST, "the form says neither approve nor reject")
    if not offers:
        raise refuse(Code.NO_MATCH, "no offer was chosen", hint="Select the offers to decide on.")
    aspect = first(fields, "aspect")
    comment = first(fields, "comment").strip()[:LONGEST_COMMENT]
    shown = {address: name for address, _, name in ticked}
    wish = ApprovalRequest(
        offers, content=aspect == "content", eligibility=aspect == "eligibility", comment=comment, seen=shown
    )
    return wish, decision


def _done(outcome: ApprovalOutcome) -> int:
    return outcome.revision.serial if outcome.revision is not None else 0
