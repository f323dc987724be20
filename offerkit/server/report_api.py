"""The API of operators' command lines about propositions and kept simulations: read, counted, removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import FailFast, Field
from starlette.requests import Request
from starlette.responses import Response

from offerkit.fingerprint import Json
from offerkit.server.authentication import acting
from offerkit.server.decision_service import DecisionService
from offerkit.server.json_bodies import read_body
from offerkit.server.operator_api import answer, operation, operator_caller
from offerkit.server.routing import Operation
from offerkit.server.schemas import RequestBody
from offerkit.usecases.export_propositions import LONGEST_CURSOR, export_page
from offerkit.usecases.keep_simulations import simulations
from offerkit.usecases.report_backends import EXPORT, REMOVAL, REPORT, SIMULATIONS
from offerkit.usecases.requests import ExportRequest, SimulationsRequest, StatusReportRequest
from offerkit.usecases.session import Session
from offerkit.usecases.status_report import status_report

_Text = Annotated[str, Field(max_length=500)]
_Names = Annotated[list[_Text], FailFast(), Field(max_length=1_000)]


class ExportBody(RequestBody):
    """Which changes of propositions are wanted: those after a cursor, of one environment or all."""

    since: Annotated[str, Field(max_length=LONGEST_CURSOR)] = ""
    environment: _Text = ""


class ReportBody(RequestBody):
    """How propositions are to be counted."""

    by: _Names = Field([])
    since: _Text = ""
    until: _Text = ""
    environment: _Text = ""
    spaces: _Names = Field([])
    offers: _Names = Field([])
    categories: _Names = Field([])


class SimulationsBody(RequestBody):
    """Which kept simulations are to be listed or read."""

    action: Literal["list", "read"] = "list"
    names: _Names = Field([])
    environment: _Text = ""


class RemovalBody(RequestBody):
    """Which kept simulations are to be removed."""

    names: _Names


def routes(service: DecisionService) -> list[Operation]:
    """The calls on propositions and kept simulations in the store of ``service``."""

    async def answered(request: Request, act: Callable[[Session], Json]) -> Response:
        session = acting(service.session, operator_caller(request), 0.0)
        return answer(await asyncio.to_thread(act, session))

    async def exporting(request: Request) -> Response:
        """The next changes of propositions, for operators who may read the contacts that they name."""
        body = await read_body(request, ExportBody)
        wish = ExportRequest(body.since, body.environment)
        return await answered(request, lambda session: asdict(export_page(session, wish)))

    async def reporting(request: Request) -> Response:
        """How many propositions were made, and their statuses, by groups."""
        body = await read_body(request, ReportBody)
        wish = StatusReportRequest(**body.model_dump())
        async with service.counting:
            return await answered(request, lambda session: asdict(status_report(session, wish)))

    async def kept(request: Request) -> Response:
        """List or read kept simulations."""
        body = await read_body(request, SimulationsBody)
        wish = SimulationsRequest(body.action, tuple(body.names), body.environment)
        return await answered(request, lambda session: asdict(simulations(session, wish)))

    async def removing(request: Request) -> Response:
        """Remove kept simulations: who kept them, and administrators, may."""
        wish = SimulationsRequest("remove", tuple((await read_body(request, RemovalBody)).names))
        return await answered(request, lambda session: asdict(simulations(session, wish)))

    return [
        operation("POST", EXPORT, exporting, ExportBody),
        operation("POST", REPORT, reporting, ReportBody),
        operation("POST", SIMULATIONS, kept, SimulationsBody),
        operation("POST", REMOVAL, removing, RemovalBody),
    ]
