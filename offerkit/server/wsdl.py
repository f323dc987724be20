"""The service ``nms:interaction`` as WSDL 1.1 with a SOAP 1.2 binding, for tools that make clients of it."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from offerkit.server.soap_xml import PARTS, SERVICE

_SEQUENCE = ("<xsd:complexType><xsd:sequence>", "</xsd:sequence></xsd:complexType>")
_MESSAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Propose": PARTS["Propose"],
    "ProposeResponse": (("interactionId", "string"), ("propositions", ""), ("uuid", "string"), ("nli", "string")),
    "UpdateStatus": PARTS["UpdateStatus"],
    "UpdateStatusResponse": (),
}


def wsdl(address: str) -> str:
    """The description of the service at ``address``."""
    elements = "".join(_element(name, parts) for name, parts in _MESSAGES.items())
    messages = "".join(
        f'<message name="{name}"><part name="parameters" element="tns:{name}"/></message>' for name in _MESSAGES
    )
    operations = ("Propose", "UpdateStatus")
    ports = "".join(
        f'<operation name="{name}"><input message="tns:{name}"/><output message="tns:{name}Response"/></operation>'
        for name in operations
    )
    bound = "".join(
        f'<operation name="{name}"><soap12:operation soapAction="{SERVICE}#{name}"/>'
        '<input><soap12:body use="literal"/></input><output><soap12:body use="literal"/></output></operation>'
        for name in operations
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<definitions name="interaction" targetNamespace="{SERVICE}" xmlns="http://schemas.xmlsoap.org/wsdl/"'
        f' xmlns:tns="{SERVICE}" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f'<types><xsd:schema targetNamespace="{SERVICE}" elementFormDefault="qualified">{elements}</xsd:schema></types>'
        f'{messages}<portType name="interactionPort">{ports}</portType>'
        '<binding name="interactionBinding" type="tns:interactionPort">'
        f'<soap12:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>'
        '<service name="interaction"><port name="interaction" binding="tns:interactionBinding">'
        f"<soap12:address location={quoteattr(address)}/></port></service></definitions>\n"
    )


def _element(name: str, parts: Iterable[tuple[str, str]]) -> str:
    inner = "".join(_part(part, type_) for part, type_ in parts)
    return f'<xsd:element name="{name}">{_SEQUENCE[0]}{inner}{_SEQUENCE[1]}</xsd:element>'


def _part(name: str, type_: str) -> str:
    if type_:
        return f'<xsd:element name="{name}" type="xsd:{type_}" minOccurs="0"/>'
    most = "unbounded" if name == "propositions" else "1"
    anything = f'<xsd:any minOccurs="0" maxOccurs="{most}" processContents="skip"/>'
    return f'<xsd:element name="{name}" minOccurs="0">{_SEQUENCE[0]}{anything}{_SEQUENCE[1]}</xsd:element>'
