"""Is it alive, is it ready, and what does it measure: for whoever runs it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from offerkit.fingerprint import Json
from offerkit.server.addresses import is_local
from offerkit.server.callers import operator_of
from offerkit.server.desk import Desk
from offerkit.server.metrics import Metrics
from offerkit.server.problems import trouble
from offerkit.server.wire import json_answer, refusals


def routes(desk: Desk, metrics: Metrics) -> APIRouter:
    """Health, readiness and measures of ``desk``."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", operation_id="live", responses=refusals(401, 429))
    async def live() -> Response:
        """The process answers."""
        return json_answer({"status": "alive"})

    @router.get("/health/ready", operation_id="ready", responses=refusals(401, 429, 503))
    async def ready() -> Response:
        """Calls can be answered and stored: what is live is compiled, and the store can be read."""
        trouble_ = desk.trouble()
        made: dict[str, Json] = {"status": "not ready" if trouble_ else "ready", "revision": desk.served.serial}
        if desk.standing.reason:
            made["reason"] = desk.standing.reason
        return json_answer(made, 503 if trouble_ else 200)

    @router.get("/metrics", operation_id="metrics", response_class=PlainTextResponse, responses=refusals(401, 403, 429))
    async def measures(request: Request) -> Response:
        """Prometheus's text format; for callers on this machine, and for operators."""
        if not (is_local(request) or operator_of(request)):
            return trouble(403, "Not allowed", "the measures are for this machine and for operators")
        metrics.revision.set(desk.served.serial)
        metrics.stopped.set(desk.served.stopped)
        metrics.waiting.set(desk.writer.waiting)
        body, media_type = metrics.exposed()
        return Response(body, headers={"Content-Type": media_type})

    return router
