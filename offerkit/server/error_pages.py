"""The form of refusals: browsers get a page with links back, all others a problem document."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from starlette.responses import Response
from starlette.types import Scope

from offerkit.reports.escape import visible
from offerkit.server.problems import MEDIA_TYPE

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_AGAIN = (429, 500, 503)
"""Statuses that may be another one a moment later."""


class Start(NamedTuple):
    """A page that this service begins with, and the style sheet of it and those below."""

    path: str
    name: str
    style: str


class ErrorPages:
    """What is answered, and with which status, stays; how a refusal is written is negotiated."""

    def __init__(self, starts: Sequence[Start]) -> None:
        """``starts``: the pages that lead back from an error."""
        self._starts = starts

    def write(self, scope: Scope, response: Response) -> None:
        """Make a refusal a page, if the request wants one."""
        if _is_problem(response) and wants_page(_accepted(scope)):
            response.body = page = self._page(bytes(response.body), scope["path"])
            response.headers["Content-Type"] = "text/html; charset=utf-8"
            response.headers["Content-Length"] = str(len(page))
            response.headers["Content-Security-Policy"] = _POLICY
            response.headers.add_vary_header("Accept")

    def _page(self, document: bytes, path: str) -> bytes:
        problem: dict[str, Any] = orjson.loads(document)
        status = int(problem["status"])
        name = HTTPStatus(status).phrase
        items = [_item(error) for error in problem["errors"]]
        listed = (
            f"<p>{items[0]}</p>" if len(items) == 1 else f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
        )
        again = "<p>Reload the page in a moment.</p>" if status in _AGAIN else ""
        nearest = sorted(self._starts, key=lambda start: not path.startswith(start.path))
        style = "".join(f'<link rel="stylesheet" href="{start.style}">' for start in nearest[:1])
        back = " · ".join(f'<a href="{start.path}">{start.name}</a>' for start in nearest)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{status} {name} · offerkit</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            f"{style}</head><body><main><h1>{status} {name}</h1>{listed}{again}"
            f"<p>{back or 'Go back to the previous page in your browser.'}</p></main></body></html>"
        ).encode()


def _item(error: dict[str, str]) -> str:
    more = [error[part] for part in ("detail", "hint") if error.get(part)]
    rest = "".join(f"<br>{_text(line)}" for line in more)
    return f"{_text(error['message'])}{rest} <small>{_text(error['code'])}</small>"


def _text(value: str) -> str:
    return escape(visible(value, multiline=True))


def _is_problem(response: Response) -> bool:
    return response.status_code >= 400 and response.headers.get("content-type", "").startswith(MEDIA_TYPE)


def _accepted(scope: Scope) -> str:
    return ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")


def wants_page(accepted: str) -> bool:
    """Whether an ``Accept`` header names HTML, and JSON not as much; whoever takes anything gets JSON."""
    qualities: dict[str, float] = {}
    for part in accepted.lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            qualities[kind] = float(quality)
        except ValueError:
            qualities[kind] = 0.0
    html = max(qualities.get("text/html", 0.0), qualities.get("application/xhtml+xml", 0.0))
    return html > max(0.0, qualities.get("application/json", 0.0), qualities.get(MEDIA_TYPE, 0.0))
