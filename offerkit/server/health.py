"""Is it alive, is it ready, and what does it measure: for whoever runs it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from offerkit.fingerprint import Json
from offerkit.server.authentication import operator_of
from offerkit.server.client_address import is_local
from offerkit.server.decision_service import DecisionService
from offerkit.server.metrics import Metrics
from offerkit.server.problems import problem_response
from offerkit.server.schemas import json_answer, refusals


def routes(service: DecisionService, metrics: Metrics) -> APIRouter:
    """Health, readiness and measures of ``service``."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", operation_id="live", responses=refusals(401, 429))
    async def live() -> Response:
        """The process answers."""
        return json_answer({"status": "alive"})

    @router.get("/health/ready", operation_id="ready", responses=refusals(401, 429, 503))
    async def ready() -> Response:
        """Calls can be answered and stored: what is live is compiled, and the store can be read."""
        trouble_ = service.trouble()
        made: dict[str, Json] = {"status": "not ready" if trouble_ else "ready", "revision": service.served.serial}
        if service.presence.reason:
            made["reason"] = service.presence.reason
        return json_answer(made, 503 if trouble_ else 200)

    @router.get("/metrics", operation_id="metrics", response_class=PlainTextResponse, responses=refusals(401, 403, 429))
    async def measures(request: Request) -> Response:
        """Prometheus's text format; for callers on this machine, and for operators."""
        if not (is_local(request) or operator_of(request)):
            return problem_response(403, "Not allowed", "the measures are for this machine and for operators")
        metrics.revision.set(service.served.serial)
        metrics.stopped.set(service.served.stopped)
        metrics.waiting.set(service.writer.waiting)
        body, media_type = metrics.exposed()
        return Response(body, headers={"Content-Type": media_type})

    return router
