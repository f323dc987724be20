"""Decision cases as they are applied: what must come of calls, by a sentence that says so.

Here a case is plain data: what one may say is the engine's to know (``offerkit.engine.cases``), asked when it is loaded
and when it is run. What was applied with an earlier release stays readable.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import Resource

MAX_CASES = 2_000
"""Cases of one environment in one file."""
MAX_NAME = 500
MAX_BODY = 4_000_000
"""Bytes of all of them in canonical form: a plan that brings them has to be read."""
_MAX_DEPTH = 12


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Data that canonical bytes can hold, not nested deeper than any case is."""
    pending: list[tuple[Any, int]] = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise PydanticCustomError("nested", "a case is nested too deeply")
        if isinstance(item, dict):
            pending += [(child, depth + 1) for child in (*item, *item.values())]
        elif isinstance(item, list):
            pending += [(child, depth + 1) for child in item]
        elif item is not None and not isinstance(item, str | bool | int):
            raise PydanticCustomError("plain", "a case can hold only text, whole numbers, lists and maps")
    return value


def _named(cases: dict[str, Any]) -> dict[str, Any]:
    for name in cases:
        if not name.strip() or len(name) > MAX_NAME:
            raise PydanticCustomError(
                "case_name",
                "“{name}” cannot be the name of a case; write 1 to {most} characters",
                {"name": name[:60], "most": MAX_NAME},
            )
    return cases


Plain = Annotated[dict[str, Any], AfterValidator(_plain)]


class Cases(Resource):
    """The decision cases of one file that ask one environment (docs/engine.md)."""

    kind = Kind.CASES

    activated: Plain = Field({}, description="By offer, the spaces that it is supposed to be live on in all cases.")
    cases: Annotated[dict[str, Any], AfterValidator(_plain), AfterValidator(_named)] = Field(
        min_length=1, max_length=MAX_CASES, description="The cases by name."
    )
