"""Decision cases as applied: the expected results of calls, by case name.

Here a case is plain data, so that cases applied with an earlier release stay readable. The engine
(``offerkit.engine.cases``) knows the fields of a case and checks them when it is loaded and run.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import Resource

MAX_CASES = 2_000
"""The most cases in one file."""
MAX_NAME = 500
MAX_BODY = 4_000_000
"""The largest file of cases, in bytes of canonical form, because plans contain it."""
_MAX_DEPTH = 12


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Check that the data can be canonical bytes and is not nested too deeply."""
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
    """The decision cases in one file, for one environment (docs/engine.md)."""

    kind = Kind.CASES

    activated: Plain = Field({}, description="By offer, the spaces it is assumed to be live on in all cases.")
    cases: Annotated[dict[str, Any], AfterValidator(_plain), AfterValidator(_named)] = Field(
        min_length=1, max_length=MAX_CASES, description="The cases by name."
    )
