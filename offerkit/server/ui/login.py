"""Log in with an operator's token, and log out."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.server.problems import status_of
from offerkit.server.routing import Operation
from offerkit.server.ui.access import LONGEST_TOKEN, forget, keep
from offerkit.server.ui.pages import Pages, first, query_text

_INSIDE = re.compile(r"/ui(?:/[A-Za-z0-9_./-]{0,300})?")


def routes(pages: Pages) -> list[Operation]:
    """Login and logout."""

    async def form(request: Request) -> Response:
        viewer = await pages.viewer(request)
        return pages.written(
            request, "login.html", {"to": _inside(query_text(request, "to")), "findings": ()}, viewer, 200
        )

    async def login(request: Request) -> Response:
        to = "/ui"
        try:
            fields = await pages.fields(request)
            to = _inside(first(fields, "to"))
            token = first(fields, "token").strip()
            if not token or len(token) > LONGEST_TOKEN or not (await pages.named(request, token)).operator:
                raise refuse(
                    Code.NO_OPERATOR,
                    "this token is not valid",
                    hint="An administrator creates tokens: offerkit token create. After many wrong ones, wait.",
                )
        except Refused as refused:
            facts = {"to": to, "findings": pages.told(refused)}
            return pages.written(request, "login.html", facts, None, status_of(refused))
        response = RedirectResponse(to, 303)
        keep(response, request, token)
        return response

    async def logout(request: Request) -> Response:
        try:
            await pages.form(request)
        except Refused as refused:
            return await pages.form_refused(request, refused)
        response = RedirectResponse("/ui/login", 303)
        forget(response, request)
        return response

    return [
        Operation("GET", "/ui/login", form),
        Operation("POST", "/ui/login", login),
        Operation("POST", "/ui/logout", logout),
    ]


def _inside(to: str) -> str:
    """Where to go after the login: one of these pages, wherever ``to`` would lead."""
    return to if _INSIDE.fullmatch(to) and "//" not in to and ".." not in to else "/ui"
