"""The bundled bank's page: what ``offerkit serve --demo`` shows."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, Response

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}


def routes() -> APIRouter:
    """The page and what it is made of: files of the package, and nothing from elsewhere."""
    router = APIRouter(include_in_schema=False)
    folder = files("offerkit.server") / "static" / "demo"
    for file in folder.iterdir():
        name, _, ending = file.name.rpartition(".")
        _serve(router, "/demo/" if name == "index" else f"/demo/{file.name}", file.read_bytes(), _TYPES[ending])

    @router.get("/demo")
    @router.get("/")
    async def begin() -> Response:
        """To the page."""
        return Response(status_code=307, headers={"Location": "/demo/"})

    return router


def _serve(router: APIRouter, path: str, body: bytes, media_type: str) -> None:
    async def file() -> Response:
        return Response(body, 200, {"Content-Security-Policy": _POLICY}, media_type)

    router.add_api_route(path, file)
