"""The first page: every environment with its stages, what differs, what waits; the last revisions; the stylesheet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from offerkit.address import SHARED, Kind, Stage, StageRef
from offerkit.governance.approval_items import ApprovalItem
from offerkit.reports.templating import stylesheet
from offerkit.reports.words import DONE
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages
from offerkit.store import Store
from offerkit.store.stage_snapshots import environments
from offerkit.usecases.awaited_approvals import list_approvals
from offerkit.usecases.diff import differing
from offerkit.usecases.history import history
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import state_named

LAST = 8


@dataclass(frozen=True)
class EnvironmentRow:
    """An environment at a glance; a revision is 0 where nothing is in that stage yet."""

    name: str
    design: int
    live: int
    differs: str
    """What promoting all of it would change, in words; empty: nothing."""
    waiting: int
    offers: int


def routes(pages: Pages) -> list[Operation]:
    """The first page and what it looks like."""

    async def overview(request: Request) -> Response:
        return await pages.show(request, "overview.html", _overview)

    async def style(_: Request) -> Response:
        return Response(_style(), media_type="text/css", headers={"Cache-Control": "max-age=300"})

    async def previews(_: Request) -> Response:
        return Response(_file("previews.js"), media_type="text/javascript", headers={"Cache-Control": "max-age=300"})

    return [
        Operation("GET", "/ui", overview),
        Operation("GET", "/ui/style.css", style),
        Operation("GET", "/ui/previews.js", previews),
    ]


@cache
def _style() -> str:
    return stylesheet() + _file("style.css")


@cache
def _file(name: str) -> str:
    return files("offerkit.server.ui").joinpath(name).read_text("utf-8")


def _overview(session: Session) -> Facts:
    with session.existing() as store:
        waiting = [row for row in list_approvals(store, (), session.now) if row.state == "waiting"]
        rows = [_row(session, store, name, waiting) for name in (SHARED, *environments(store))]
        return {
            "rows": rows,
            "waiting": len(waiting),
            "overdue": sum(row.overdue for row in waiting),
            "waiting_offers": len({row.address for row in waiting}),
            "last": history(store, "", "", LAST),
            "project": store.project,
        }


def _row(session: Session, store: Store, name: str, waiting: list[ApprovalItem]) -> EnvironmentRow:
    heads = store.heads()
    design, live = (StageRef(name, stage) for stage in (Stage.DESIGN, Stage.LIVE))
    differs = ""
    if design in heads:
        differences = differing(state_named(session, store, live), state_named(session, store, design))
        differs = _counted(Counter(item.action.value for item in differences))
    return EnvironmentRow(
        name,
        heads[design].revision if design in heads else 0,
        heads[live].revision if live in heads else 0,
        differs,
        len({row.address for row in waiting if row.address.environment == name}),
        sum(entry.activation != () for entry in store.entries(live, Kind.OFFER).values()),
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[action]:,} {word}" for action, word in DONE.items() if counts[action])
