"""SOAP 1.2 envelopes: what a caller wrote, read with care, and what is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from xml.etree.ElementTree import Element, TreeBuilder
from xml.sax.handler import ContentHandler
from xml.sax.saxutils import escape
from xml.sax.xmlreader import AttributesImpl

from offerkit.diagnostics import nearest
from offerkit.server.schemas import LONGEST_NAME, LONGEST_VALUE, MOST_DATA, call_data_name

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICE = "urn:nms:interaction"
PROPOSITION_SERVICE = "urn:nms:proposition"
SERVICES: Mapping[str, tuple[str, ...]] = {
    "Propose": (SERVICE, PROPOSITION_SERVICE),
    "UpdateStatus": (SERVICE,),
}
"""The namespaces of each operation; clients of the original also call ``nms:proposition#Propose``."""
NO_DATA = ("empty", "undef")
"""Elements that stand for no call data."""
MEDIA_TYPE = "application/soap+xml; charset=utf-8"
DEEPEST, MOST = 16, 500
"""Levels and elements of an envelope."""
MOST_NAMESPACES, LONGEST_NAMESPACE = 32, 500
"""Namespaces that are declared at once, and the characters of one."""
NOT_WELL_FORMED = "this is not well-formed XML"
PARTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Propose": (
        ("targetId", "string"),
        ("maxCount", "int"),
        ("categories", "string"),
        ("themes", "string"),
        ("context", ""),
        ("uuid", "string"),
        ("nli", "string"),
        ("noProp", "boolean"),
        ("places", ""),
    ),
    "UpdateStatus": (("proposition", "string"), ("status", "string"), ("context", "")),
}
"""The parts of each operation with their types in the WSDL; empty: elements."""
PASSED_OVER = ("sessiontoken", "securitytoken")
"""Parts that clients of the original send to every service, and that mean nothing here."""
MOST_TOLD = 5
"""Unknown parts that a fault names."""
MOST_PLACES = 20
"""The places of a call, as over JSON."""
_PLACE = ("div", "categories", "themes", "maxCount")
_ALIKE = 0.75
"""Finds a letter too many or too few in the shortest parts (uuid), and another form of the longer ones (category)."""
_DECLARED = re.compile(
    rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\sencoding\s*=\s*["'](?!utf-?8["']|us-ascii["'])""", re.IGNORECASE
)
"""An XML declaration that names another encoding."""
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SoapFault(Exception):  # noqa: N818 - SOAP's own word for it
    """An error that the caller gets instead of an answer; ``code`` is one of SOAP's: Sender, Receiver, …"""

    def __init__(self, code: str, reason: str, diagnostic: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.diagnostic = code, reason, diagnostic


@dataclass(frozen=True)
class SoapRequest:
    """The operation that is asked for; ``values`` are its texts by element, ``context`` the call data.

    ``service``: the namespace that it is written in, and answered. ``places``: what each place of the space wants, by
    attribute.
    """

    operation: str
    values: Mapping[str, str]
    context: Mapping[str, object]
    service: str = SERVICE
    places: tuple[Mapping[str, str], ...] = ()


_ACTION = re.compile(r"""(?:^|;)\s*action\s*=\s*(?:"([^"]*)"|([^\s;"]+))""", re.IGNORECASE)


def action_of(content_type: str, header: str) -> str:
    """The operation that the HTTP headers name: the ``action`` of SOAP 1.2's media type, or the header ``SOAPAction``.

    ``nms:proposition#Propose``, with or without ``urn:``, names Propose. Empty: the headers name none that is known.
    """
    match = _ACTION.search(content_type)
    written = (match[1] or match[2] or "") if match else header.strip().strip('"')
    service, _, operation = written.strip().removeprefix("urn:").partition("#")
    return operation if f"urn:{service}" in SERVICES.get(operation, ()) else ""


def read(content: bytes, action: str = "") -> SoapRequest:
    """The request in an envelope. Raises SoapFault for everything that is none.

    ``action``: the operation that the HTTP headers name. A proxy may have let the call pass because of it, so the body
    must hold this one and no other.

    No document type, no entity and nothing external is read; depth and number of elements are limited.
    """
    from xml.sax import SAXException

    from defusedxml.common import DefusedXmlException
    from defusedxml.sax import parseString

    tree = _EnvelopeReader()
    if _DECLARED.match(content) or not _is_utf8(content):
        raise SoapFault("Sender", "an envelope must be in UTF-8")
    try:
        parseString(content, tree, forbid_dtd=True)
        root = tree.root()
    except DefusedXmlException:
        raise SoapFault("Sender", "an envelope cannot contain a document type or entities") from None
    except (SAXException, ValueError, LookupError):
        raise SoapFault("Sender", NOT_WELL_FORMED) from None
    if root.tag == f"{{{ENVELOPE_11}}}Envelope":
        raise SoapFault("VersionMismatch", "this service uses SOAP 1.2")
    for header in root.findall(f"{{{ENVELOPE}}}Header/*"):
        if header.get(f"{{{ENVELOPE}}}mustUnderstand", "").strip() in ("1", "true"):
            raise SoapFault("MustUnderstand", "this service understands no SOAP headers")
    bodies = root.findall(f"{{{ENVELOPE}}}Body") if root.tag == f"{{{ENVELOPE}}}Envelope" else []
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise SoapFault("Sender", "the request must be a SOAP 1.2 envelope with one operation in its body")
    request = _request(bodies[0][0])
    if action not in ("", request.operation):
        raise SoapFault("Sender", f"the action names {action}, but the body holds {request.operation}")
    return request


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


class _EnvelopeReader(ContentHandler):
    """Builds the elements, and stops at the first one too many.

    Names are written out with their namespaces here and not by the parser, which would do so for thousands of names
    with a namespace of thousands of characters before anybody can count them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._builder = TreeBuilder()
        self._scopes = [{"": "", "xml": "http://www.w3.org/XML/1998/namespace"}]
        self._count = 0

    def root(self) -> Element:
        """The outermost element."""
        return self._builder.close()

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's own name
        self._count += 1
        if self._count > MOST:
            raise SoapFault("Sender", f"an envelope has at most {MOST} elements")
        if len(self._scopes) > DEEPEST:
            raise SoapFault("Sender", f"an envelope is at most {DEEPEST} levels deep")
        if len(attrs) > MOST_DATA + MOST_NAMESPACES:
            raise SoapFault("Sender", f"a call has at most {MOST_DATA} call data values")
        scope, attributes = self._scopes[-1], {}
        for key, value in attrs.items():
            if key == "xmlns" or key.startswith("xmlns:"):
                scope = {**scope, key[6:]: _namespace(value)}
            else:
                attributes[key] = value
        if len(scope) > MOST_NAMESPACES:
            raise SoapFault("Sender", f"an envelope has at most {MOST_NAMESPACES} namespaces")
        named = {_expanded(key, scope) if ":" in key else key: value for key, value in attributes.items()}
        if len(named) < len(attributes):
            raise SoapFault("Sender", NOT_WELL_FORMED)
        self._scopes.append(scope)
        self._builder.start(_expanded(name, scope), named)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's own name
        self._builder.end(_expanded(name, self._scopes.pop()))

    def characters(self, content: str) -> None:
        self._builder.data(content)


def _namespace(value: str) -> str:
    if len(value) > LONGEST_NAMESPACE:
        raise SoapFault("Sender", f"a namespace has at most {LONGEST_NAMESPACE} characters")
    return value


def _expanded(name: str, scope: Mapping[str, str]) -> str:
    """``prefix:name`` as ``{namespace}name``."""
    prefix, _, local = name.rpartition(":")
    if prefix not in scope or not local:
        raise SoapFault("Sender", NOT_WELL_FORMED)
    return f"{{{scope[prefix]}}}{local}" if scope[prefix] else local


def _request(element: Element) -> SoapRequest:
    service, name = _taken_apart(element.tag)
    if service not in SERVICES.get(name, ()):
        raise SoapFault("Sender", "the operations are Propose and UpdateStatus of urn:nms:interaction")
    known = {part.lower(): part for part, _ in PARTS[name]}
    values: dict[str, str] = {}
    context: Mapping[str, object] = {}
    places: tuple[Mapping[str, str], ...] = ()
    _refuse_attributes(element, name, "write it as an element in it")
    if any(text and text.strip() for text in (element.text, *(child.tail for child in element))):
        raise SoapFault("Sender", f"{name} must contain only elements, no text beside them")
    parts: list[tuple[str, Element]] = []
    wrong: dict[str, None] = {}
    for child in element:
        space, part = _taken_apart(child.tag)
        if known.get(part.lower()) == part and space in (service, ""):
            parts.append((part, child))
        elif (said := _not_passed_over(name, service, known, child)) is not None:
            wrong[said] = None
    if wrong:
        raise SoapFault("Sender", "; ".join(islice(wrong, MOST_TOLD)))
    for part, child in parts:
        _refuse_attributes(child, part, "call data are attributes of interaction in it" if part == "context" else "")
        if part in values:
            raise SoapFault("Sender", f"{part} is given twice")
        values[part] = (child.text or "").strip()
        if part == "context":
            context = _context(child)
        elif part == "places":
            places = _places(child)
        elif len(child):
            raise SoapFault(
                "Sender", f"{part} must be text; it cannot contain the element “{_taken_apart(child[0].tag)[1][:60]}”"
            )
    return SoapRequest(name, values, context, service, places)


def _places(element: Element) -> tuple[Mapping[str, str], ...]:
    """``<place div='hero' categories='travel' themes='' maxCount='1'/>``, one for each place of the space."""
    texts = (element.text, *(part for inner in element for part in (inner.text, inner.tail)))
    if any(text and text.strip() for text in texts) or any(len(inner) for inner in element):
        raise SoapFault("Sender", "places must contain only elements named place, with attributes")
    if len(element) > MOST_PLACES:
        raise SoapFault("Sender", f"a call has at most {MOST_PLACES} places")
    for inner in element:
        unknown = sorted(inner.attrib.keys() - set(_PLACE))
        if _taken_apart(inner.tag)[1] != "place" or unknown:
            wrong = f"the attribute “{unknown[0][:60]}”" if unknown else f"“{_taken_apart(inner.tag)[1][:60]}”"
            raise SoapFault("Sender", f"places has {wrong}; write place with {', '.join(_PLACE)}")
    return tuple(inner.attrib for inner in element)


def _refuse_attributes(element: Element, name: str, hint: str) -> None:
    """Raise SoapFault for an attribute that would mean nothing; ``xsi:type`` and other namespaces' are fine."""
    plain = next((key for key in element.attrib if not key.startswith("{")), None)
    if plain is not None:
        raise SoapFault("Sender", f"{name} cannot have the attribute “{plain[:60]}”{hint and f'; {hint}'}")


def _not_passed_over(operation: str, service: str, known: Mapping[str, str], child: Element) -> str | None:
    """What is wrong with an element that is no part: the call would be another one without it.

    None for a text in another namespace, or one that the original's clients send to every service.
    """
    space, part = _taken_apart(child.tag)
    meant = known.get(part.lower()) or next(iter(nearest(part, known.values(), 1, _ALIKE)), None)
    if meant is not None:
        hint = f"write {meant}" if meant != part else "it is in another namespace"
        return f"{operation} has no part “{part[:60]}”: {hint}"
    if space in (service, "") and part.lower() not in PASSED_OVER:
        return f"{operation} has no part “{part[:60]}”, only {', '.join(known.values())}"
    if len(child):
        return f"{operation} has no part “{part[:60]}”; only unknown parts with plain text are ignored"
    return None


def _taken_apart(tag: str) -> tuple[str, str]:
    """The namespace and the name of ``{namespace}name``."""
    space, _, name = tag.removeprefix("{").rpartition("}")
    return space, name


def _context(element: Element) -> dict[str, object]:
    """``<interaction navigationLanguage='fr'/>``; ``<empty/>``, ``<undef/>`` or nothing is no call data."""
    texts = (element.text, *(part for inner in element for part in (inner.text, inner.tail)))
    written = any(text and text.strip() for text in texts)
    if len(element) == 0 and not written:
        return {}
    (inner,) = element if len(element) == 1 else (None,)
    name = "" if inner is None else _taken_apart(inner.tag)[1]
    if inner is None or name not in ("interaction", *NO_DATA) or len(inner) or written:
        raise SoapFault("Sender", "context must contain one element: interaction or empty")
    if name in NO_DATA:
        if inner.attrib:
            raise SoapFault("Sender", f"{name} cannot have attributes; write call data as attributes of interaction")
        return {}
    if len(inner.attrib) > MOST_DATA:
        raise SoapFault("Sender", f"a call has at most {MOST_DATA} call data values")
    if any(len(key) > LONGEST_NAME or len(value) > LONGEST_VALUE for key, value in inner.attrib.items()):
        raise SoapFault(
            "Sender",
            f"call data has names of at most {LONGEST_NAME} characters, values of at most {LONGEST_VALUE:,}",
        )
    data: dict[str, object] = {call_data_name(key): value for key, value in inner.attrib.items()}
    if len(data) < len(inner.attrib):
        raise SoapFault("Sender", "the same call data is given twice")
    return data


def answer(request: SoapRequest, parts: Mapping[str, str]) -> bytes:
    """An envelope with the answer to ``request``; ``parts`` are XML already."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    envelope_body = f'<{request.operation}Response xmlns="{request.service}">{inner}</{request.operation}Response>'
    return _enveloped(envelope_body)


def fault(soap_fault: SoapFault) -> bytes:
    """An envelope with a fault."""
    reason = escape(_NOT_IN_XML.sub("\ufffd", soap_fault.reason))
    detail = f"<env:Detail><code>{escape(soap_fault.diagnostic)}</code></env:Detail>" if soap_fault.diagnostic else ""
    return _enveloped(
        f"<env:Fault><env:Code><env:Value>env:{soap_fault.code}</env:Value></env:Code>"
        f'<env:Reason><env:Text xml:lang="en">{reason}</env:Text></env:Reason>{detail}</env:Fault>'
    )


def _enveloped(body: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<env:Envelope xmlns:env="{ENVELOPE}"><env:Body>{body}</env:Body></env:Envelope>'.encode()
