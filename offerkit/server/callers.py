"""Who is calling: an operator by their token, or somebody from outside."""

from __future__ import annotations

from starlette.requests import Request


def operator_of(request: Request) -> str:
    """The operator whose token the request carries; empty for somebody from outside."""
    return str(getattr(request.state, "operator", ""))
