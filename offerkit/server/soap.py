"""SOAP 1.2 at ``/interaction/<env>/<space>``, for call centres and older back ends (domain.md §5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import Response

from offerkit.diagnostics import Code, Refused
from offerkit.engine.call import MAX_COUNT
from offerkit.reports.answer import propositions_xml
from offerkit.server import soap_xml
from offerkit.server.decision_service import DecisionService
from offerkit.server.json_bodies import UnreadableError, only_utf8
from offerkit.server.problems import NOTHING_HERE, problem_response, public_message, status_of, without_hidden_spaces
from offerkit.server.rate_limit import own_origin
from offerkit.server.request_limits import content_of
from offerkit.server.routing import Operation
from offerkit.server.soap_xml import MEDIA_TYPE, PARTS, PROPOSITION_SERVICE, SERVICE, SERVICES, SoapFault
from offerkit.server.thread_worker import now
from offerkit.store.proposition_rows import LONGEST_KEY
from offerkit.usecases.requests import ProposeRequest, SpaceRequest
from offerkit.usecases.update_status import StatusUpdate

MOST_NAMES, LONGEST_NAME = 50, 500
"""Categories or themes of one call, and the characters of one, as over JSON."""
LONGEST_DIV = 200
"""Characters of a place's name, as on a page."""
_YES, _NO = ("true", "1"), ("", "false", "0")


def routes(service: DecisionService, status_base: str, public_url: str) -> list[Operation]:
    """The service on ``service``; ``status_base`` is where tracked links lead."""

    async def described(request: Request) -> Response:
        """What the service is, as WSDL."""
        environment, space = request.path_params["environment"], request.path_params["space"]
        if not _is_live(service, environment.removesuffix("@live"), space):
            return problem_response(404, "Not taken", NOTHING_HERE, request.url.path)
        address = f"{public_url or str(request.base_url).rstrip('/')}{request.url.path}"
        service_asked = f"urn:{request.query_params.get('service', '').removeprefix('urn:')}"
        of = service_asked if service_asked == PROPOSITION_SERVICE else SERVICE
        return Response(wsdl(address, of), media_type="application/wsdl+xml")

    async def asked(request: Request) -> Response:
        """Propose or UpdateStatus."""
        environment, space = request.path_params["environment"].removesuffix("@live"), request.path_params["space"]
        try:
            if not environment:  # an update of no environment in particular could reach any
                raise SoapFault("Sender", "the path names no environment", Code.UNKNOWN_SPACE)
            origin = request.headers.get("origin", "")  # a browser sends such texts for any page, without asking first
            allowed = service.served.inbound.may_ask(environment, origin) or origin == own_origin(request, public_url)
            if origin and not allowed:
                return _fault(SoapFault("Sender", "origin not allowed", Code.BAD_REQUEST), 403)
            content_type = request.headers.get("content-type", "")
            only_utf8(content_type)
            action = soap_xml.action_of(content_type, request.headers.get("soapaction", ""))
            soap_request = soap_xml.read(await content_of(request), action)
            if soap_request.operation == "Propose":
                envelope = await _propose(service, _ask(environment, space, soap_request, status_base), soap_request)
            else:
                envelope = await _update(service, environment, soap_request)
        except SoapFault as found:
            return _fault(found, 400)
        except UnreadableError as found:
            return _fault(SoapFault("Sender", found.message, Code.BAD_REQUEST), found.status)
        except Refused as refused:
            return _refused(refused)
        return Response(envelope, media_type=MEDIA_TYPE)

    path = "/interaction/{environment}/{space}"
    return [Operation("GET", path, described), Operation("POST", path, asked)]


def _ask(environment: str, space: str, soap_request: soap_xml.SoapRequest, status_base: str) -> ProposeRequest:
    values = soap_request.values
    no_prop = values.get("noProp", "").lower()
    whole = _place(values, f"{environment}/{space}", SpaceRequest(space))
    if no_prop not in (*_YES, *_NO):
        raise SoapFault("Sender", "noProp is true or false", Code.BAD_REQUEST)
    keys = (values.get("targetId", ""), values.get("uuid") or values.get("nli", ""), values.get("nli", ""))
    if max(map(len, keys)) > LONGEST_KEY:
        raise SoapFault("Sender", "a key is too long", Code.BAD_REQUEST)
    return ProposeRequest(
        spaces=(whole.space,),
        at=now(),
        contact=keys[0],
        cookie=keys[1],
        session=values.get("nli", ""),
        wanted=tuple(_place(place, whole.space, whole) for place in soap_request.places) or (whole,),
        data=soap_request.context,
        store=no_prop not in _YES,
        outputs=("xml",),
        own_html=True,
        status_base=status_base,
        hints=False,
    )


def _place(values: Mapping[str, str], space: str, otherwise: SpaceRequest) -> SpaceRequest:
    """What is wanted for a place; what it does not say is that of the whole call."""
    count = values.get("maxCount") or str(otherwise.n)
    if not count.isascii() or not count.isdecimal() or len(count) > 9 or not 1 <= int(count) <= MAX_COUNT:
        raise SoapFault("Sender", f"maxCount is a number from 1 to {MAX_COUNT}", Code.BAD_COUNT)
    if len(values.get("div", "")) > LONGEST_DIV:
        raise SoapFault("Sender", f"div has at most {LONGEST_DIV} characters", Code.BAD_REQUEST)
    return SpaceRequest(
        space,
        int(count),
        _names(values, "categories") or otherwise.categories,
        themes=_names(values, "themes") or otherwise.themes,
    )


def _names(values: Mapping[str, str], part: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in values.get(part, "").split(",") if name.strip())
    if len(names) > MOST_NAMES or max(map(len, names), default=0) > LONGEST_NAME:
        most = f"{part} can have at most {MOST_NAMES} names of at most {LONGEST_NAME} characters"
        raise SoapFault("Sender", most, Code.BAD_REQUEST)
    return names


def _is_live(service: DecisionService, environment: str, space: str) -> bool:
    catalogs = service.served.catalogs
    found = catalogs[environment].spaces.get(space) if environment in catalogs else None
    return found is not None and found.unitary


async def _propose(service: DecisionService, ask: ProposeRequest, soap_request: soap_xml.SoapRequest) -> bytes:
    """The answer; a new cookie of the visitor is given back in the part in which the old one came."""
    found, _ = await service.propose(ask)
    divs = [place.get("div", "") for place in soap_request.places]
    parts = {"interactionId": escape(found.interaction), "propositions": propositions_xml(found, divs)}
    if found.cookie:
        parts["uuid" if soap_request.values.get("uuid") else "nli"] = escape(found.cookie)
    return soap_xml.answer(soap_request, parts)


async def _update(service: DecisionService, environment: str, soap_request: soap_xml.SoapRequest) -> bytes:
    proposition, status = soap_request.values.get("proposition", ""), soap_request.values.get("status", "")
    if not proposition or len(proposition) > LONGEST_KEY or not status:
        raise SoapFault("Sender", "UpdateStatus needs proposition and status", Code.BAD_REQUEST)
    await service.update(StatusUpdate(proposition, status, soap_request.context, now(), environment))
    return soap_xml.answer(soap_request, {})


def _refused(refused: Refused) -> Response:
    refused = without_hidden_spaces(refused)
    status = status_of(refused)
    first = refused.diagnostics[0]
    if status >= 500:
        return _fault(SoapFault("Receiver", "the service cannot answer now", first.code), status)
    said = "; ".join(public_message(found) for found in refused.diagnostics)
    return _fault(SoapFault("Sender", said, first.code), 400)


def _fault(soap_fault: SoapFault, status: int) -> Response:
    return Response(soap_xml.fault(soap_fault), status, media_type=MEDIA_TYPE)


_SEQUENCE = ("<xsd:complexType><xsd:sequence>", "</xsd:sequence></xsd:complexType>")
_MESSAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Propose": PARTS["Propose"],
    "ProposeResponse": (("interactionId", "string"), ("propositions", ""), ("uuid", "string"), ("nli", "string")),
    "UpdateStatus": PARTS["UpdateStatus"],
    "UpdateStatusResponse": (),
}


def wsdl(address: str, service: str = SERVICE) -> str:
    """The description of ``service`` at ``address``."""
    operations = [name for name, services in SERVICES.items() if service in services]
    described = {name: parts for name, parts in _MESSAGES.items() if name.removesuffix("Response") in operations}
    elements = "".join(_element(name, parts) for name, parts in described.items())
    messages = "".join(
        f'<message name="{name}"><part name="parameters" element="tns:{name}"/></message>' for name in described
    )
    name_of = service.rpartition(":")[2]
    ports = "".join(
        f'<operation name="{name}"><input message="tns:{name}"/><output message="tns:{name}Response"/></operation>'
        for name in operations
    )
    bound = "".join(
        f'<operation name="{name}"><soap12:operation soapAction="{service}#{name}"/>'
        '<input><soap12:body use="literal"/></input><output><soap12:body use="literal"/></output></operation>'
        for name in operations
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<definitions name="{name_of}" targetNamespace="{service}" xmlns="http://schemas.xmlsoap.org/wsdl/"'
        f' xmlns:tns="{service}" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f'<types><xsd:schema targetNamespace="{service}" elementFormDefault="qualified">{elements}</xsd:schema></types>'
        f'{messages}<portType name="{name_of}Port">{ports}</portType>'
        f'<binding name="{name_of}Binding" type="tns:{name_of}Port">'
        f'<soap12:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>'
        f'<service name="{name_of}"><port name="{name_of}" binding="tns:{name_of}Binding">'
        f"<soap12:address location={quoteattr(address)}/></port></service></definitions>\n"
    )


def _element(name: str, parts: Iterable[tuple[str, str]]) -> str:
    inner = "".join(_part(part, type_) for part, type_ in parts)
    return f'<xsd:element name="{name}">{_SEQUENCE[0]}{inner}{_SEQUENCE[1]}</xsd:element>'


def _part(name: str, type_: str) -> str:
    if type_:
        return f'<xsd:element name="{name}" type="xsd:{type_}" minOccurs="0"/>'
    most = "unbounded" if name in ("propositions", "places") else "1"
    anything = f'<xsd:any minOccurs="0" maxOccurs="{most}" processContents="skip"/>'
    return f'<xsd:element name="{name}" minOccurs="0">{_SEQUENCE[0]}{anything}{_SEQUENCE[1]}</xsd:element>'
