"""What offerkit's server is measured beside, each one core, one process, the same server:

``starlette``: a route that takes the same body, checks it and answers a constant, in the framework that offerkit uses.
``fastapi``: the same in the framework that most services of this kind are written in, and offerkit's was. ``zen``: the
same 200 rules, asked of zen-engine for one contact that the call carries whole, and nothing else done, with Starlette.
Started as ``python serving_peers.py starlette|fastapi|zen PORT``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import uvicorn
from decisions_rules import contacts, flat, rules, zen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from offerkit.server.schemas import ProposeBody

ANSWER = json.dumps({"interaction": "0" * 20, "spaces": [{"space": "recipients/web-home", "propositions": []}]})


def bare_fastapi() -> Any:
    """FastAPI answering a constant: it reads and checks the body by the handler's annotation."""
    app = import_module("fastapi").FastAPI()  # not imported by name: types are checked without the peers, too

    async def propose(body: ProposeBody) -> Response:
        return Response(ANSWER, media_type="application/json")

    app.post("/api/v1/propose")(propose)
    return app


def bare_starlette() -> Starlette:
    """Starlette answering a constant, once the body is read and checked."""

    async def propose(request: Request) -> Response:
        ProposeBody.model_validate_json(await request.body())
        return Response(ANSWER, media_type="application/json")

    return _app(propose)


def zen_rules() -> Starlette:
    """200 rules of zen-engine, one after the other, over a contact that the caller passes."""
    engine = import_module("zen")

    compiled = [engine.compile_expression(zen(rule, guarded=True)) for rule in rules(200)]
    known: list[dict[str, Any]] = [json.loads(json.dumps(flat(contact), default=str)) for contact in contacts(1_000)]

    async def propose(request: Request) -> Response:
        body = await request.json()
        contact = known[int(body["contact"][2:]) % len(known)]
        eligible = [place for place, rule in enumerate(compiled) if rule.evaluate(contact)]
        return Response(json.dumps({"eligible": eligible[:3]}), media_type="application/json")

    return _app(propose)


def _app(propose: Callable[[Request], Awaitable[Response]]) -> Starlette:
    async def ready(_: Request) -> Response:
        return Response("ready")

    return Starlette(routes=[Route("/api/v1/propose", propose, methods=["POST"]), Route("/openapi.json", ready)])


if __name__ == "__main__":
    made = {"starlette": bare_starlette, "fastapi": bare_fastapi, "zen": zen_rules}[sys.argv[1]]
    uvicorn.run(made(), port=int(sys.argv[2]), log_level="warning", access_log=False)
