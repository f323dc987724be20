"""SOAP 1.2: propose, update, faults for everything else."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

PATH = "/interaction/shop/web"
XSD = "{http://www.w3.org/2001/XMLSchema}"
ENV, OURS = "{http://www.w3.org/2003/05/soap-envelope}", "{urn:nms:interaction}"


@pytest.fixture
def served(shop: Workspace) -> Workspace:
    with_people(shop)
    call_data = {"navigation_language": {"type": "enumeration", "values": ["de", "fr"]}}
    shop.change({"environments/shop.yaml": {"environment": {"call_data": call_data}}})
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "<b>&]]>Lions"}}}}})
    return shop.go_live()


@pytest.fixture
def asking(served: Workspace) -> Iterator[TestClient]:
    with client(served) as found:
        yield found


def envelope(body: str, version: str = "http://www.w3.org/2003/05/soap-envelope") -> str:
    return f'<e:Envelope xmlns:e="{version}"><e:Body>{body}</e:Body></e:Envelope>'


def propose(**parts: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    return envelope(f'<Propose xmlns="urn:nms:interaction">{inner}</Propose>')


def update(proposition: str, status: str = "accepted") -> str:
    inner = f"<proposition>{proposition}</proposition><status>{status}</status><context><empty/></context>"
    return envelope(f'<UpdateStatus xmlns="urn:nms:interaction">{inner}</UpdateStatus>')


def sent(asking: TestClient, content: str | bytes, path: str = PATH) -> tuple[int, ElementTree.Element]:
    answer = asking.post(path, content=content, headers={"Content-Type": "application/soap+xml"})
    assert answer.headers["content-type"].startswith("application/soap+xml"), answer.text
    return answer.status_code, ElementTree.fromstring(answer.content)


def test_propose_and_update(asking: TestClient, served: Workspace) -> None:
    status, root = sent(asking, propose(targetId="ann@example.com", maxCount="2", context="<empty/>"))
    assert status == 200
    found = root.findall(f".//{OURS}proposition")
    assert [(p.get("offer-id"), p.get("rank"), p.get("space")) for p in found] == [
        ("gold-card", "1", "web"), ("safari", "2", "web"),
    ]  # fmt: skip
    assert root.findtext(f".//{OURS}interactionId")
    assert "".join(found[1].itertext()).strip().startswith("<b>&]]>Lions"), "values are escaped, and come back whole"
    id_ = found[0].get("id")
    assert id_
    assert sent(asking, update(id_))[0] == 200
    with served.store() as store:
        row = store.proposition(id_)
        assert row is not None
        assert row.status == "accepted"
    assert sent(asking, update(id_, "3"))[0] == 200, "once more changes nothing"


def test_what_is_asked_for_is_heeded(asking: TestClient, served: Workspace) -> None:
    asked = propose(
        targetId="ann@example.com", maxCount="5", categories="travel, nothing", themes="",
        context="<interaction navigationLanguage='fr'/>", noProp="true",
    )  # fmt: skip
    _, root = sent(asking, asked, f"{PATH.replace('shop', 'shop@live')}")
    assert [p.get("offer-id") for p in root.findall(f".//{OURS}proposition")] == ["safari"]
    with served.store() as store:
        assert store.propositions() == []


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9)
) + "]>" + propose(targetId="&j;")  # fmt: skip
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + propose(targetId="&a;")
DEEP = "<a>" * 5_000 + "</a>" * 5_000


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("", "Sender", "well-formed"),
        ("<", "Sender", "well-formed"),
        ("not xml", "Sender", "well-formed"),
        (b"\xff\xfe\x00", "Sender", "well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "Sender", "well-formed"),
        (BOMB, "Sender", "no document type"),
        (EXTERNAL, "Sender", "no document type"),
        (DEEP, "Sender", "levels deep"),
        (propose(x="<a/>" * 600), "Sender", "elements"),
        ("<a/>", "Sender", "one request"),
        (envelope(""), "Sender", "one request"),
        (envelope('<Propose xmlns="urn:other"/>'), "Sender", "operations are"),
        (envelope('<Drop xmlns="urn:nms:interaction"/>'), "Sender", "operations are"),
        (envelope("", "http://schemas.xmlsoap.org/soap/envelope/"), "VersionMismatch", "SOAP 1.2"),
        (propose(targetId="a", maxCount="abc"), "Sender", "maxCount"),
        (propose(targetId="a", maxCount="-1"), "Sender", "maxCount"),
        (propose(targetId="a", maxCount="9" * 500), "Sender", "maxCount"),
        (propose(targetId="a", maxCount="000000001" + "9" * 5_000), "Sender", "maxCount"),
        (propose(targetId="a", noProp="perhaps"), "Sender", "noProp"),
        (propose(targetId="a" * 600), "Sender", "too long"),
        (propose(targetId="a", context="<interaction><b/></interaction>"), "Sender", "context"),
        (propose(targetId="a", context="<interaction colour='red'/>"), "Sender", "colour"),
        (propose(targetId="a", context="<interaction navigationLanguage='xx'/>"), "Sender", "navigation_language"),
        (propose(targetId="a") .replace("</targetId>", "</targetId><targetId>b</targetId>"), "Sender", "twice"),
        (propose(targetId="a", context="<interaction aB='1' a_b='2'/>"), "Sender", "given twice"),
        (
            envelope("").replace("<e:Body>", "<e:Header><h e:mustUnderstand='true'/></e:Header><e:Body>"),
            "MustUnderstand",
            "header",
        ),
        (update("nothing"), "Sender", "no proposition"),
        (update("x", "9"), "Sender", "status"),
        (update("", "accepted"), "Sender", "needs"),
    ],
)  # fmt: skip
def test_everything_else_is_a_fault(asking: TestClient, content: str | bytes, code: str, says: str) -> None:
    status, root = sent(asking, content)
    assert status == 400
    assert root.findtext(f".//{ENV}Value") == f"env:{code}"
    reason = root.findtext(f".//{ENV}Text") or ""
    assert says in reason
    assert "root:" not in reason
    assert "Traceback" not in reason


@pytest.mark.parametrize("path", ["/interaction/nowhere/web", "/interaction/shop/wbe", "/interaction/shop/mail",
                                  "/interaction/..%2f..%2fetc/web", "/interaction/%00/web", "/interaction/ѕhop/web",
                                  "/interaction/" + "a" * 3000 + "/web"])  # fmt: skip
def test_places_that_are_none(asking: TestClient, path: str) -> None:
    answer = asking.post(path, content=propose(targetId="ann@example.com"))
    assert answer.status_code in (400, 404)
    assert "etc" not in answer.text.replace("../../etc", "")


def test_a_proposition_of_another_environment_is_not_there(asking: TestClient) -> None:
    _, root = sent(asking, propose(targetId="ann@example.com"))
    id_ = root.findall(f".//{OURS}proposition")[0].get("id")
    status, fault = sent(asking, update(str(id_)), "/interaction/other/web")
    assert (status, "no proposition" in str(fault.findtext(f".//{ENV}Text"))) == (400, True)


def test_an_update_of_no_environment_reaches_none(asking: TestClient, served: Workspace) -> None:
    _, root = sent(asking, propose(targetId="ann@example.com"))
    id_ = str(root.findall(f".//{OURS}proposition")[0].get("id"))
    assert sent(asking, update(id_), "/interaction/@live/web")[0] == 400
    with served.store() as store:
        row = store.proposition(id_)
        assert row is not None
        assert row.status == "presented"


def test_too_large(asking: TestClient) -> None:
    assert asking.post(PATH, content=propose(targetId="a" * 70_000)).status_code == 413


def test_the_service_is_described(asking: TestClient) -> None:
    answer = asking.get(f"{PATH}?wsdl")
    root = ElementTree.fromstring(answer.content)
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    assert {o.get("name") for o in root.findall(f"./{wsdl}portType/{wsdl}operation")} == {"Propose", "UpdateStatus"}
    (many,) = root.findall(f".//{XSD}element[@name='propositions']//{XSD}any")
    assert many.get("maxOccurs") == "unbounded", "a client made of it reads more than one proposition"
    (address,) = root.findall(".//{http://schemas.xmlsoap.org/wsdl/soap12/}address")
    assert str(address.get("location")).endswith(PATH)
