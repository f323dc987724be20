"""The history, one revision with what it changed, and the difference between any two states of the stages."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from offerkit.diagnostics import Code, refuse
from offerkit.plans.make import AddressPatterns
from offerkit.reports.words import difference as difference_words
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages, query_flag, query_text
from offerkit.server.ui.steps import shown
from offerkit.usecases.diff import difference
from offerkit.usecases.history import history, revision_details
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import open_states

FEW, MANY = 100, 1_000
_STATE = re.compile(r"specs|(?:[A-Za-z0-9_-]{1,128}@)?(?:design|live)(?::[0-9TZ:+.-]{1,40})?")
"""A state that a page may show: not the files and git revisions that the command line takes as well."""


def routes(pages: Pages) -> list[Operation]:
    """What was, and what differs."""

    async def all_revisions(request: Request) -> Response:
        stage, address = query_text(request, "stage"), query_text(request, "address")
        more = query_flag(request, "more")
        return await pages.show(
            request, "history.html", lambda session: _history(session, stage[:200], address[:300], more)
        )

    async def one_revision(request: Request) -> Response:
        serial, full = request.path_params["serial"], query_flag(request, "full")
        return await pages.show(request, "revision.html", lambda session: _revision(session, serial, full=full))

    async def differs(request: Request) -> Response:
        a, b = query_text(request, "a", "live"), query_text(request, "b", "design")
        only, full = query_text(request, "only"), query_flag(request, "full")
        return await pages.show(request, "diff.html", lambda session: _diff(session, (a, b), only, full=full))

    return [
        Operation("GET", "/ui/history", all_revisions),
        Operation("GET", "/ui/history/{serial}", one_revision),
        Operation("GET", "/ui/diff", differs),
    ]


def _history(session: Session, stage: str, address: str, more: bool) -> Facts:
    limit = MANY if more else FEW
    with session.existing() as store:
        lines = history(store, stage, address, limit)
        stages = sorted(store.heads())
    return {
        "lines": lines,
        "stage": stage,
        "address": address,
        "stages": stages,
        "full": len(lines) == limit,
        "more": more,
    }


def _revision(session: Session, text: str, *, full: bool) -> Facts:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise refuse(Code.BAD_POINT, f"“{text[:40]}” is not a revision number")
    with session.existing() as store:
        details = revision_details(store, int(text))
        return {
            "line": details.line,
            "approvals": details.approvals,
            "impact": details.impact,
            "unmeasured": details.unmeasured,
            **shown(details.steps, details.bodies, full=full),
            "last": store.last_serial(),
        }


def check_state(text: str) -> None:
    """Raise Refused unless ``text`` names a state that a page may show."""
    if not _STATE.fullmatch(text):
        raise refuse(
            Code.BAD_POINT,
            f"“{text[:60]}” is not a state that can be shown here",
            hint="One of: design, live, ENVIRONMENT@design, ENVIRONMENT@live (with :REVISION or :TIME), specs.",
        )


def _diff(session: Session, states: tuple[str, str], only: str, *, full: bool) -> Facts:
    a, b = (text.strip() for text in states)
    for text in (a, b):
        check_state(text)
    only = only.strip()[:300]
    with open_states(session, a, b) as (left, right), session.existing() as store:
        diff = difference(session, left, right, AddressPatterns.of((only,) if only else ()))
        steps = shown(diff.steps, diff.bodies, full=full, across=diff.across)
        known = ["design", "live", "specs", *(s for s in sorted(store.heads()) if not s.startswith("shared@"))]
        summary = difference_words(diff.steps, (left.title, right.title))
    return {
        "a": a,
        "b": b,
        "only": only,
        "summary": summary,
        "states": known,
        **steps,
    }
