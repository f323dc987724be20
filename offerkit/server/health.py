"""Health, readiness and metrics, for operating the server."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from offerkit.fingerprint import Json
from offerkit.server.authentication import operator_of
from offerkit.server.client_address import is_local
from offerkit.server.decision_service import DecisionService
from offerkit.server.metrics import Metrics
from offerkit.server.problems import problem_response
from offerkit.server.routing import Description, Operation
from offerkit.server.schemas import json_answer, refusals


def routes(service: DecisionService, metrics: Metrics) -> list[Operation]:
    """Health, readiness and metrics of ``service``."""

    async def live(_: Request) -> Response:
        """The process answers."""
        return json_answer({"status": "alive"})

    async def ready(_: Request) -> Response:
        """Calls can be answered and stored: what is live is compiled, and the store can be read."""
        reason = service.trouble()
        made: dict[str, Json] = {"status": "not ready" if reason else "ready", "revision": service.served.serial}
        if service.presence.reason:
            made["reason"] = service.presence.reason
        return json_answer(made, 503 if reason else 200)

    async def measures(request: Request) -> Response:
        """Metrics in Prometheus's text format, for callers on this machine and for operators."""
        if not (is_local(request) or operator_of(request)):
            return problem_response(403, "Not allowed", "only callers on this machine and operators may read metrics")
        metrics.revision.set(service.served.serial)
        metrics.stopped.set(service.served.stopped)
        metrics.waiting.set(service.writer.waiting)
        body, media_type = metrics.exposed()
        return Response(body, headers={"Content-Type": media_type})

    described = partial(Description, tag="operations")
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    return [
        Operation("GET", "/health/live", live, described(id="live", responses=refusals(401, 429))),
        Operation("GET", "/health/ready", ready, described(id="ready", responses=refusals(401, 429, 503))),
        Operation(
            "GET", "/metrics", measures, described(id="metrics", responses={200: text, **refusals(401, 403, 429)})
        ),
    ]
