"""SOAP 1.2 envelopes: what a caller wrote, read with care, and what is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from offerkit.server.wire import call_data_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICE = "urn:nms:interaction"
MEDIA_TYPE = "application/soap+xml; charset=utf-8"
DEEPEST, MOST = 16, 500
"""Levels and elements of an envelope."""
PARTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Propose": (
        ("targetId", "string"), ("maxCount", "int"), ("categories", "string"), ("themes", "string"), ("context", ""),
        ("uuid", "string"), ("nli", "string"), ("noProp", "boolean"),
    ),
    "UpdateStatus": (("proposition", "string"), ("status", "string"), ("context", "")),
}  # fmt: skip
"""The parts of each operation with their types in the WSDL; empty: elements."""
MOST_DATA, LONGEST_NAME, LONGEST_VALUE = 100, 128, 2_000
"""Call data of a call, and the characters of one, as over JSON."""
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SoapFault(Exception):  # noqa: N818 - SOAP's own word for it
    """What a caller is told instead of an answer; ``code`` is one of SOAP's: Sender, Receiver, …"""

    def __init__(self, code: str, reason: str, diagnostic: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.diagnostic = code, reason, diagnostic


@dataclass(frozen=True)
class Request:
    """The operation that is asked for; ``values`` are its texts by element, ``context`` the call data."""

    operation: str
    values: Mapping[str, str]
    context: Mapping[str, object]


def read(content: bytes) -> Request:
    """The request in an envelope. Raises SoapFault for everything that is none.

    No document type, no entity and nothing external is read; depth and number of elements are limited.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise SoapFault("Sender", "an envelope has no document type and no entities") from None
    except (ParseError, ValueError, LookupError):
        raise SoapFault("Sender", "this is no well-formed XML") from None
    _within_limits(root)
    if root.tag == f"{{{ENVELOPE_11}}}Envelope":
        raise SoapFault("VersionMismatch", "SOAP 1.2 is spoken here")
    for header in root.findall(f"{{{ENVELOPE}}}Header/*"):
        if header.get(f"{{{ENVELOPE}}}mustUnderstand", "").strip() in ("1", "true"):
            raise SoapFault("MustUnderstand", "no header of an envelope is understood here")
    bodies = root.findall(f"{{{ENVELOPE}}}Body") if root.tag == f"{{{ENVELOPE}}}Envelope" else []
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise SoapFault("Sender", "a SOAP 1.2 envelope with one request in its body is expected")
    return _request(bodies[0][0])


def _within_limits(root: Element) -> None:
    count, level = 0, [root]
    for _ in range(DEEPEST):
        count += len(level)
        if count > MOST:
            raise SoapFault("Sender", f"an envelope has {MOST} elements at most")
        level = [child for element in level for child in element]
        if not level:
            return
    raise SoapFault("Sender", f"an envelope is {DEEPEST} levels deep at most")


def _request(element: Element) -> Request:
    space, name = _taken_apart(element.tag)
    if space != SERVICE or name not in PARTS:
        raise SoapFault("Sender", "the operations are Propose and UpdateStatus of urn:nms:interaction")
    known = {part for part, _ in PARTS[name]}
    values: dict[str, str] = {}
    context: Mapping[str, object] = {}
    for child in element:
        space, part = _taken_apart(child.tag)
        if part not in known or space not in (SERVICE, ""):
            raise SoapFault("Sender", f"{name} has no part “{part[:60]}”")
        if part in values:
            raise SoapFault("Sender", f"{part} is given twice")
        values[part] = (child.text or "").strip()
        if part == "context":
            context = _context(child)
        elif len(child):
            raise SoapFault("Sender", f"{part} is a text, without the element “{_taken_apart(child[0].tag)[1][:60]}”")
    return Request(name, values, context)


def _taken_apart(tag: str) -> tuple[str, str]:
    """The namespace and the name of ``{namespace}name``."""
    space, _, name = tag.removeprefix("{").rpartition("}")
    return space, name


def _context(element: Element) -> dict[str, object]:
    """``<interaction navigationLanguage='fr'/>``; ``<empty/>`` or nothing is no call data."""
    texts = (element.text, *(one for inner in element for one in (inner.text, inner.tail)))
    written = any(text and text.strip() for text in texts)
    if len(element) == 0 and not written:
        return {}
    (inner,) = element if len(element) == 1 else (None,)
    name = "" if inner is None else _taken_apart(inner.tag)[1]
    if inner is None or name not in ("interaction", "empty") or len(inner) or written:
        raise SoapFault("Sender", "context holds one element, interaction or empty")
    if name == "empty":
        if inner.attrib:
            raise SoapFault("Sender", "empty is no call data; write it as attributes of interaction")
        return {}
    if len(inner.attrib) > MOST_DATA:
        raise SoapFault("Sender", f"a call has {MOST_DATA} call data at most")
    if any(len(key) > LONGEST_NAME or len(value) > LONGEST_VALUE for key, value in inner.attrib.items()):
        raise SoapFault(
            "Sender", f"names of call data have {LONGEST_NAME} characters at most, values {LONGEST_VALUE:,}"
        )
    data: dict[str, object] = {call_data_name(key): value for key, value in inner.attrib.items()}
    if len(data) < len(inner.attrib):
        raise SoapFault("Sender", "the same call data is given twice")
    return data


def answer(operation: str, parts: Mapping[str, str]) -> bytes:
    """An envelope with the answer; ``parts`` are XML already."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    made = f'<{operation}Response xmlns="{SERVICE}">{inner}</{operation}Response>'
    return _enveloped(made)


def fault(found: SoapFault) -> bytes:
    """An envelope with a fault."""
    reason = escape(_NOT_IN_XML.sub("\ufffd", found.reason))
    detail = f"<env:Detail><code>{escape(found.diagnostic)}</code></env:Detail>" if found.diagnostic else ""
    return _enveloped(
        f"<env:Fault><env:Code><env:Value>env:{found.code}</env:Value></env:Code>"
        f'<env:Reason><env:Text xml:lang="en">{reason}</env:Text></env:Reason>{detail}</env:Fault>'
    )


def _enveloped(body: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<env:Envelope xmlns:env="{ENVELOPE}"><env:Body>{body}</env:Body></env:Envelope>'.encode()
