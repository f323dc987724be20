"""The OpenAPI document, made of the table of routes."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from offerkit import __version__
from offerkit.server.json_bodies import body_description
from offerkit.server.routing import Description, Handler, Operation

PATH = "/openapi.json"
_ABOUT = "Which offer does this contact get, here, now? Answers come from what is live, always."


def openapi_operations(operations: Iterable[Operation]) -> list[Operation]:
    """GET and HEAD of the document that describes ``operations``."""
    document = orjson.dumps(openapi_document(operations))

    async def openapi(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return [Operation(method, PATH, openapi) for method in ("GET", "HEAD")]


def openapi_document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The description of ``operations``, as OpenAPI 3.1."""
    described = [(operation, operation.description) for operation in operations if operation.description is not None]
    models = {description.answer for _, description in described if description.answer is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "serialization") for model in ordered], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation, description in described:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation.handler, description)
    return {
        "openapi": "3.1.0",
        "info": {"title": "offerkit", "description": _ABOUT, "version": __version__},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {})},
    }


def _operation(handler: Handler, description: Description) -> dict[str, Any]:
    made: dict[str, Any] = {
        "tags": [description.tag],
        "summary": description.id.replace("-", " ").capitalize(),
        "description": cleandoc(handler.__doc__ or ""),
        "operationId": description.id,
    }
    if description.query:
        made["parameters"] = [_query_parameter(name) for name in description.query]
    if description.body is not None:
        made |= body_description(description.body)
    responses = {str(status): dict(response) for status, response in description.responses.items()}
    success = {"description": "Success.", **responses.get("200", {})}
    success["content"] = _content(description.answer, success.get("content"))
    made["responses"] = {**responses, "200": success}
    return made


def _query_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string", "default": ""}}


def _content(answer: type[BaseModel] | None, others: dict[str, Any] | None) -> dict[str, Any]:
    if answer is not None:
        reference = {"$ref": f"#/components/schemas/{answer.__name__}"}
        return {"application/json": {"schema": reference}, **(others or {})}
    return others if others is not None else {"application/json": {"schema": {}}}
