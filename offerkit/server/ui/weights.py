"""The weights of all offers below a category, beside each other."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Code, refuse
from offerkit.reports.weights import COLUMNS, cells, title_of
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages, query_text
from offerkit.store.stage_snapshots import stage_view
from offerkit.usecases.open_engine import open_stage
from offerkit.usecases.session import Session
from offerkit.usecases.weights import weight_table

MOST = 500
"""Weights on one page."""
_STAGES = (str(Stage.DESIGN), str(Stage.LIVE))


def routes(pages: Pages) -> list[Operation]:
    """The page of weights."""

    async def weights(request: Request) -> Response:
        asked = _Asked(
            query_text(request, "below").strip()[:300],
            query_text(request, "stage", _STAGES[0]),
            query_text(request, "at").strip()[:40],
        )
        return await pages.show(request, "weights.html", lambda session: _weights(session, asked))

    return [Operation("GET", "/ui/weights", weights)]


class _Asked(NamedTuple):
    """What the page's address asks for: a category or pattern, a stage, a day; empty is not given."""

    below: str
    stage: str
    at: str


def _weights(session: Session, asked: _Asked) -> Facts:
    """The weights below a category or those that a pattern selects; without either, those below the first category."""
    below, stage, at = asked
    if stage not in _STAGES:
        raise refuse(Code.BAD_POINT, f"there is no stage {stage[:60]}", hint="Use design or live.")
    with session.existing() as store:
        known = sorted(stage_view(store, Stage(stage)).of_kind(Kind.CATEGORY), key=_in_order)
    below = below or str(next(iter(known), ""))
    facts = {"columns": COLUMNS, "known": known, "below": below, "stage": stage, "stages": _STAGES, "at": at}
    if not below:
        return {**facts, "title": f"Weights in {stage}", "rows": [], "left": 0}
    with open_stage(session, stage) as engine:
        table = weight_table(engine.catalogs, (below,), at, session.now)
    rows = [(weight.offer, cells(weight)[1:]) for weight in islice(table.weights, MOST)]
    return {**facts, "title": title_of(table), "rows": rows, "left": len(table.weights) - len(rows)}


def _in_order(category: Address) -> tuple[str, str]:
    return category.environment, category.name
