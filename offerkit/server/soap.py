"""SOAP 1.2 at ``/interaction/<env>/<space>``: how call centres and older back ends ask (domain.md §5)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response

from offerkit.diagnostics import Code, Refused
from offerkit.engine.call import MAX_COUNT
from offerkit.reports.answer import propositions_xml
from offerkit.server import soap_xml
from offerkit.server.bodies import UnreadableError, only_utf8
from offerkit.server.desk import Desk
from offerkit.server.gate import own_origin
from offerkit.server.problems import NOTHING_HERE, outside, status_of, trouble, unseen
from offerkit.server.seat import now
from offerkit.server.soap_xml import MEDIA_TYPE, SoapFault
from offerkit.server.wsdl import wsdl
from offerkit.store.proposition_rows import LONGEST_KEY
from offerkit.usecases.requests import ProposeRequest
from offerkit.usecases.update_status import StatusUpdate

MOST_NAMES, LONGEST_NAME = 50, 500
"""Categories or themes of one call, and the characters of one, as over JSON."""
_YES, _NO = ("true", "1"), ("", "false", "0")


def routes(desk: Desk, status_base: str, public_url: str) -> APIRouter:
    """The service on ``desk``; ``status_base`` is where tracked links lead."""
    router = APIRouter(prefix="/interaction", tags=["soap"])

    @router.get("/{environment}/{space}", operation_id="wsdl", include_in_schema=False)
    async def described(environment: str, space: str, request: Request) -> Response:
        """What the service is, as WSDL."""
        if not _is_live(desk, environment.removesuffix("@live"), space):
            return trouble(404, "Not taken", NOTHING_HERE, request.url.path)
        address = f"{public_url or str(request.base_url).rstrip('/')}{request.url.path}"
        return Response(wsdl(address), media_type="application/wsdl+xml")

    @router.post("/{environment}/{space}", operation_id="soap", include_in_schema=False)
    async def asked(environment: str, space: str, request: Request) -> Response:
        """Propose or UpdateStatus."""
        environment = environment.removesuffix("@live")
        try:
            if not environment:  # an update of no environment in particular could reach any
                raise SoapFault("Sender", "the path names no environment", Code.UNKNOWN_SPACE)
            origin = request.headers.get("origin", "")  # a browser sends such texts for any page, without asking first
            allowed = desk.served.declared.may_ask(environment, origin) or origin == own_origin(request, public_url)
            if origin and not allowed:
                return _fault(SoapFault("Sender", "this page may not ask", Code.BAD_REQUEST), 403)
            only_utf8(request.headers.get("content-type", ""))
            wanted = soap_xml.read(await request.body())
            if wanted.operation == "Propose":
                made = await _propose(desk, _ask(environment, space, wanted, status_base), wanted)
            else:
                made = await _update(desk, environment, wanted)
        except SoapFault as found:
            return _fault(found, 400)
        except UnreadableError as found:
            return _fault(SoapFault("Sender", found.detail, Code.BAD_REQUEST), found.status_code)
        except Refused as refused:
            return _refused(refused)
        return Response(made, media_type=MEDIA_TYPE)

    return router


def _ask(environment: str, space: str, wanted: soap_xml.Request, status_base: str) -> ProposeRequest:
    values = wanted.values
    count, no_prop = values.get("maxCount") or "1", values.get("noProp", "").lower()
    if not count.isascii() or not count.isdecimal() or len(count) > 9 or not 1 <= int(count) <= MAX_COUNT:
        raise SoapFault("Sender", f"maxCount is a number from 1 to {MAX_COUNT}", Code.BAD_COUNT)
    if no_prop not in (*_YES, *_NO):
        raise SoapFault("Sender", "noProp is true or false", Code.BAD_REQUEST)
    keys = (values.get("targetId", ""), values.get("uuid") or values.get("nli", ""))
    if max(map(len, keys)) > LONGEST_KEY:
        raise SoapFault("Sender", "a key is too long", Code.BAD_REQUEST)
    return ProposeRequest(
        spaces=(f"{environment}/{space}",),
        at=now(),
        contact=keys[0],
        cookie=keys[1],
        n=int(count),
        categories=_names(values, "categories"),
        themes=_names(values, "themes"),
        data=wanted.context,
        store=no_prop not in _YES,
        outputs=("xml",),
        own_html=True,
        status_base=status_base,
        hints=False,
    )


def _names(values: Mapping[str, str], part: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in values.get(part, "").split(",") if name.strip())
    if len(names) > MOST_NAMES or max(map(len, names), default=0) > LONGEST_NAME:
        most = f"{part} are {MOST_NAMES} names at most, of {LONGEST_NAME} characters at most"
        raise SoapFault("Sender", most, Code.BAD_REQUEST)
    return names


def _is_live(desk: Desk, environment: str, space: str) -> bool:
    catalogs = desk.served.catalogs
    found = catalogs[environment].spaces.get(space) if environment in catalogs else None
    return found is not None and found.unitary


async def _propose(desk: Desk, ask: ProposeRequest, wanted: soap_xml.Request) -> bytes:
    """The answer; a new cookie of the visitor is given back in the part in which the old one came."""
    found, _ = await desk.propose(ask)
    parts = {"interactionId": escape(found.interaction), "propositions": propositions_xml(found)}
    if found.cookie:
        parts["uuid" if wanted.values.get("uuid") else "nli"] = escape(found.cookie)
    return soap_xml.answer(wanted, parts)


async def _update(desk: Desk, environment: str, wanted: soap_xml.Request) -> bytes:
    proposition, status = wanted.values.get("proposition", ""), wanted.values.get("status", "")
    if not proposition or len(proposition) > LONGEST_KEY or not status:
        raise SoapFault("Sender", "UpdateStatus needs proposition and status", Code.BAD_REQUEST)
    await desk.update(StatusUpdate(proposition, status, wanted.context, now(), environment))
    return soap_xml.answer(wanted, {})


def _refused(refused: Refused) -> Response:
    refused = unseen(refused)
    status = status_of(refused)
    first = refused.diagnostics[0]
    if status >= 500:
        return _fault(SoapFault("Receiver", "the service cannot answer now", first.code), status)
    said = "; ".join(outside(found) for found in refused.diagnostics)
    return _fault(SoapFault("Sender", said, first.code), 400)


def _fault(found: SoapFault, status: int) -> Response:
    return Response(soap_xml.fault(found), status, media_type=MEDIA_TYPE)
