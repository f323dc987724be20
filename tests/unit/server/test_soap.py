"""SOAP 1.2: propose, update, faults for everything else."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

pytestmark = pytest.mark.embedded

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
        ("gold-card", "1", "web"),
        ("safari", "2", "web"),
    ]
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
        targetId="ann@example.com",
        maxCount="5",
        categories="travel, nothing",
        themes="",
        context="<interaction navigationLanguage='fr'/>",
        noProp="true",
    )
    _, root = sent(asking, asked, f"{PATH.replace('shop', 'shop@live')}")
    assert [p.get("offer-id") for p in root.findall(f".//{OURS}proposition")] == ["safari"]
    with served.store() as store:
        assert store.propositions() == []


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
    + "]>"
    + propose(targetId="&j;")
)
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + propose(targetId="&a;")
MANY = " ".join(f"a{number}='1'" for number in range(101))
DEEP = "<a>" * 5_000 + "</a>" * 5_000


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("", "Sender", "well-formed"),
        ("<", "Sender", "well-formed"),
        ("not xml", "Sender", "well-formed"),
        (b"\xff\xfe\x00", "Sender", "must be in UTF-8"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "Sender", "must be in UTF-8"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?>" + propose(targetId="a").encode(), "Sender", "must be in UTF-8"),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-16'?>" + propose().encode(), "Sender", "must be in UTF-8"),
        (propose(targetId="\xe9").encode("latin-1"), "Sender", "must be in UTF-8"),
        (propose(targetId="a").encode("utf-16"), "Sender", "must be in UTF-8"),
        (BOMB, "Sender", "cannot contain a document type"),
        (EXTERNAL, "Sender", "cannot contain a document type"),
        ("<!DOCTYPE x>" + propose(targetId="a"), "Sender", "cannot contain a document type"),
        (
            '<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">' + propose(targetId="a"),
            "Sender",
            "cannot contain a document type",
        ),
        (DEEP, "Sender", "levels deep"),
        (propose(x="<a/>" * 600), "Sender", "elements"),
        (
            propose(targetId="a", colour="<b/>"),
            "Sender",
            "Propose has no part “colour”, only targetId, maxCount, categories",
        ),
        (
            propose(maxcount="1", ctx="<empty/>"),
            "Sender",
            "no part “maxcount”: write maxCount; Propose has no part “ctx”",
        ),
        (propose(noProposition="true"), "Sender", "Propose has no part “noProposition”, only targetId, maxCount"),
        (
            update("x").replace("<status>", "<ctx/><status>"),
            "Sender",
            "no part “ctx”, only proposition, status, context",
        ),
        (
            propose(**{"o:trace xmlns:o='urn:o'": "<a/>"}).replace("</o:trace xmlns:o='urn:o'>", "</o:trace>"),
            "Sender",
            "no part “trace”; only unknown parts with plain text are ignored",
        ),
        (
            propose(targetId="a").replace("<targetId>", "<targetId maxCount='2'>"),
            "Sender",
            "targetId cannot have the attr",
        ),
        (
            propose().replace("<Propose", "<Propose maxCount='2'"),
            "Sender",
            "Propose cannot have the attribute “maxCount”; write it as an element in it",
        ),
        (
            propose(**{"context navigationLanguage='fr'": ""}).replace(
                "</context navigationLanguage='fr'>", "</context>"
            ),
            "Sender",
            "context cannot have the attribute “navigationLanguage”; call data are attributes of interaction in it",
        ),
        (
            propose(targetId="a").replace("<targetId>", "maxCount=2<targetId>"),
            "Sender",
            "Propose must contain only elem",
        ),
        (propose(targetId="a", sessiontoken="<t>x</t>"), "Sender", "Propose has no part “sessiontoken”"),
        (propose(targetId="a", targetid="b"), "Sender", "no part “targetid”: write targetId"),
        (propose(targetID="a"), "Sender", "no part “targetID”: write targetId"),
        (propose(targetId="a", category="travel"), "Sender", "no part “category”: write categories"),
        (propose(targetId="a", maxCounts="1"), "Sender", "no part “maxCounts”: write maxCount"),
        (propose(Context="<empty/>"), "Sender", "no part “Context”: write context"),
        (
            propose().replace("<Propose", "<Propose xmlns:o='urn:other'").replace("></P", "><o:targetId/></P"),
            "Sender",
            "no part “targetId”: it is in another namespace",
        ),
        (
            update("x").replace("<status>", "<targetId><a/></targetId><status>"),
            "Sender",
            "UpdateStatus has no part “targetId”",
        ),
        (update("x").replace("urn:nms:interaction", "urn:nms:proposition"), "Sender", "operations are"),
        (propose(targetId="<key>a</key>"), "Sender", "targetId must be text; it cannot contain the element “key”"),
        (propose(targetId="a<b/>c"), "Sender", "targetId must be text"),
        (propose(categories="<item>travel</item>"), "Sender", "categories must be text"),
        (
            propose(targetId="a", categories=",".join(f"c{n}" for n in range(51))),
            "Sender",
            "categories can have at most 50 names",
        ),
        (
            propose(targetId="a", themes=",".join(f"c{n}" for n in range(51))),
            "Sender",
            "themes can have at most 50 names",
        ),
        (propose(targetId="a", categories="c" * 501), "Sender", "of at most 500 characters"),
        (propose(targetId="a", context="colour='red'"), "Sender", "context must contain"),
        (propose(targetId="a", context="<interaction>red</interaction>"), "Sender", "context must contain"),
        (propose(targetId="a", context="<interaction/>red"), "Sender", "context must contain"),
        (propose(targetId="a", context="<empty colour='red'/>"), "Sender", "empty cannot have attributes"),
        (propose(targetId="a", context="<undef colour='red'/>"), "Sender", "undef cannot have attributes"),
        (propose(targetId="a", context="<undef><a/></undef>"), "Sender", "context must contain"),
        (propose(targetId="a", context="<undef/><undef/>"), "Sender", "context must contain"),
        (propose(targetId="a", context="<Undef/>"), "Sender", "context must contain"),
        (propose(context=f"<interaction {MANY}/>"), "Sender", "100 call data"),
        (propose(context=f"<interaction navigationLanguage='{'f' * 2001}'/>"), "Sender", "2,000"),
        (propose(context=f"<interaction {'f' * 129}='1'/>"), "Sender", "128 characters"),
        ("<a/>", "Sender", "one operation"),
        (envelope(""), "Sender", "one operation"),
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
        (propose(targetId="a").replace("</targetId>", "</targetId><targetId>b</targetId>"), "Sender", "twice"),
        (propose(targetId="a", context="<interaction aB='1' a_b='2'/>"), "Sender", "given twice"),
        (
            envelope("").replace("<e:Body>", "<e:Header><h e:mustUnderstand='true'/></e:Header><e:Body>"),
            "MustUnderstand",
            "header",
        ),
        (propose(places="<place>x</place>"), "Sender", "places must contain only elements named place"),
        (propose(places="x"), "Sender", "places must contain only"),
        (propose(places="<place><a/></place>"), "Sender", "places must contain only"),
        (propose(places="<plaec/>"), "Sender", "places has “plaec”; write place with div"),
        (propose(places="<place category='travel'/>"), "Sender", "the attribute “category”"),
        (propose(places="<place/>" * 21), "Sender", "a call has at most 20 places"),
        (propose(places="<place maxCount='0'/>"), "Sender", "maxCount is a number"),
        (propose(places=f"<place div='{'d' * 201}'/>"), "Sender", "div has at most 200"),
        (propose(places=f"<place categories='{'c' * 501}'/>"), "Sender", "of at most 500 characters"),
        (update("nothing"), "Sender", "no proposition"),
        (update("x", "9"), "Sender", "status"),
        (update("", "accepted"), "Sender", "needs"),
    ],
)
def test_everything_else_is_a_fault(asking: TestClient, content: str | bytes, code: str, says: str) -> None:
    status, root = sent(asking, content)
    assert status == 400
    assert root.findtext(f".//{ENV}Value") == f"env:{code}"
    reason = root.findtext(f".//{ENV}Text") or ""
    assert says in reason
    assert "root:" not in reason
    assert "Traceback" not in reason


@pytest.mark.parametrize(
    "path",
    [
        "/interaction/nowhere/web",
        "/interaction/shop/wbe",
        "/interaction/shop/mail",
        "/interaction/shop/%EF%BF%BE",
        "/interaction/shop@live@live/web",
        "/interaction/..%2f..%2fetc/web",
        "/interaction/%00/web",
        "/interaction/ѕhop/web",
        "/interaction/" + "a" * 3000 + "/web",
    ],
)
def test_places_that_are_none(asking: TestClient, path: str) -> None:
    answer = asking.post(path, content=propose(targetId="ann@example.com"))
    assert answer.status_code in (400, 404)
    assert "etc" not in answer.text.replace("../../etc", "")
    if answer.status_code == 400:
        ElementTree.fromstring(answer.content)
    described = asking.get(f"{path}?wsdl")
    assert (described.status_code, described.headers["content-type"]) == (404, "application/problem+json")
    assert described.json()["errors"] == [{"code": "OFR751", "message": "there is nothing at this path"}]


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


def test_fifty_names_are_taken_and_parts_may_have_no_namespace(asking: TestClient) -> None:
    many = propose(targetId="ann@example.com", categories=",".join(["travel", *(f"c{n}" for n in range(49))]))
    plain = envelope(
        '<o:Propose xmlns:o="urn:nms:interaction"><targetId>ann@example.com</targetId>'
        "<categories>travel</categories></o:Propose>"
    )
    for body in (many, plain):
        status, root = sent(asking, body)
        assert status == 200
        assert [p.get("offer-id") for p in root.findall(f".//{OURS}proposition")] == ["safari"]


def test_undef_is_no_call_data(asking: TestClient) -> None:
    for context in ("<undef/>", "<empty/>", "", "<u:undef xmlns:u='urn:x'/>", " <undef> </undef> "):
        status, root = sent(asking, propose(targetId="ann@example.com", context=context))
        assert status == 200 and len(root.findall(f".//{OURS}proposition")) == 1, context
    id_ = str(root.findall(f".//{OURS}proposition")[0].get("id"))
    assert sent(asking, update(id_).replace("<empty/>", "<undef/>"))[0] == 200


@pytest.mark.parametrize("service", ["urn:nms:interaction", "urn:nms:proposition"])
def test_the_originals_own_call_is_taken(asking: TestClient, service: str) -> None:
    """As its clients write it: a session token that means nothing here, types, and either name of the service."""
    call = envelope(
        f'<Propose xmlns="{service}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<sessiontoken xsi:type="xsd:string">___abc</sessiontoken><sessiontoken/><securitytoken>@x</securitytoken>'
        "<targetId>ann@example.com</targetId><maxCount>2</maxCount><categories/><themes/><context><undef/></context>"
        '<o:trace xmlns:o="urn:other">7</o:trace></Propose>'
    )
    status, root = sent(asking, call)
    assert status == 200
    assert root.find(f".//{{{service}}}ProposeResponse") is not None
    assert [p.get("offer-id") for p in root.findall(f".//{{{service}}}proposition")] == ["gold-card", "safari"]


@pytest.mark.parametrize(
    ("headers", "fits"),
    [
        ({"Content-Type": 'application/soap+xml; action="nms:proposition#Propose"'}, True),
        ({"Content-Type": "application/soap+xml; charset=utf-8; action=urn:nms:interaction#Propose"}, True),
        ({"SOAPAction": '"nms:proposition#Propose"'}, True),
        ({"SOAPAction": "nms:interaction#Propose"}, True),
        ({"SOAPAction": '""'}, True),
        ({"SOAPAction": "http://tempuri.org/nothing"}, True),
        ({"Content-Type": 'application/soap+xml; action="nms:interaction#UpdateStatus"'}, False),
        ({"SOAPAction": '"urn:nms:interaction#UpdateStatus"'}, False),
    ],
)
def test_the_action_must_be_that_of_the_body(asking: TestClient, headers: dict[str, str], fits: bool) -> None:
    answer = asking.post(PATH, content=propose(targetId="ann@example.com"), headers=headers)
    root = ElementTree.fromstring(answer.content)
    assert answer.status_code == (200 if fits else 400)
    if not fits:
        said = "the action names UpdateStatus, but the body holds Propose"
        assert root.findtext(f".//{ENV}Text") == said


def test_places_of_one_space_have_categories_of_their_own(asking: TestClient, served: Workspace) -> None:
    places = "<place div='hero' categories='travel'/><place categories='bank'/><place div='&lt;x&quot;' maxCount='2'/>"
    status, root = sent(asking, propose(targetId="ann@example.com", categories="bank,travel", places=places))
    assert status == 200
    found = [(p.get("div"), p.get("offer-id"), p.get("rank")) for p in root.findall(f".//{OURS}proposition")]
    assert found[:2] == [("hero", "safari", "1"), ("i_web", "gold-card", "1")]
    assert {div for div, _, _ in found[2:]} <= {'<x"'} and len({offer for _, offer, _ in found}) == len(found)


NODE = '<offer xmlns="" key="{{ proposition.id }}" of="{{ offer.code }}"><t>{{ title }}</t></offer>'
NOT_NODES = [
    "plain",
    "<a/><b/>",
    "<!-- c --><a/>",
    "<?p?><a/>",
    "<x:a/>",
    "<a>",
    "</propositions><a/>",
    "<a/>x",
    "  ",
    "\ufeff<a/>",
    "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
]


def with_node(served: Workspace, node: str, html: str | None = None) -> Workspace:
    rendering = {"proposition": node, "html": html}
    served.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"render": rendering}}}})
    return served.go_live(anew=True)


def test_a_space_may_make_the_whole_element(served: Workspace) -> None:
    with client(with_node(served, NODE, "<b>{{ title }}</b>")) as asking:
        _, root = sent(asking, propose(targetId="ann@example.com", maxCount="2"))
        found = root.findall(f".//{OURS}propositions/offer")
        assert [(node.get("of"), node.get("div")) for node in found] == [("gold-card", "i_web"), ("safari", "i_web")]
        assert found[1].findtext("t") == "<b>&]]>Lions" and len(str(found[1].get("key"))) == 31
        assert (found[1].findtext(".//mdSource") or "").startswith("<b>&lt;b&gt;"), "with its html, as text"
        body = {"divs": [{"id": "hero", "space": "web"}], "target": "ann@example.com", "xml": True}
        page = asking.post("/nl/propose?env=shop@live", json=body)
        (node,) = ElementTree.fromstring(page.content)
        assert (node.tag, node.get("div"), node.findtext("t")) == ("offer", "hero", "Gold")


@pytest.mark.parametrize("node", NOT_NODES)
def test_what_is_not_one_element_is_left_out_and_never_breaks_the_answer(served: Workspace, node: str) -> None:
    with client(
        with_node(served, f"{{% if offer.name == 'safari' %}}{node}{{% else %}}<ok div='mine'/>{{% endif %}}")
    ) as asking:
        status, root = sent(asking, propose(targetId="ann@example.com", maxCount="3"))
        assert status == 200
        assert {one.get("div") for one in root.findall(f".//{OURS}ok")} == {"mine"}
        assert "safari" not in ElementTree.tostring(root, encoding="unicode")


@pytest.mark.parametrize(
    "xml", ['<?xml version="1.0"?><a>{{ title }}</a>', "<a>{{ title }}</a>", "<!-- c --><a/>", "{{ title }}"]
)
def test_the_inner_function_may_give_a_whole_document(served: Workspace, xml: str) -> None:
    served.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"render": {"xml": xml}}}}})
    with client(served.go_live(anew=True)) as asking:
        _, root = sent(asking, propose(targetId="ann@example.com"))
        assert len(root.findall(f".//{OURS}proposition")) == 1
        body = {"divs": [{"id": "i_web"}], "target": "ann@example.com", "xml": True}
        page = asking.post("/nl/propose?env=shop@live", json=body)
        assert ElementTree.fromstring(page.content).find("proposition/xmlOfferView") is not None


def test_an_undeclared_prefix_is_not_well_formed(served: Workspace) -> None:
    served.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"render": {"xml": "<x:a>{{ title }}</x:a>"}}}}})
    with client(served.go_live(anew=True)) as asking:
        _, root = sent(asking, propose(targetId="ann@example.com"))
        assert root.findall(f".//{OURS}proposition") == []


def test_the_service_of_propositions_is_described(asking: TestClient) -> None:
    for name in ("nms:proposition", "urn:nms:proposition"):
        root = ElementTree.fromstring(asking.get(f"{PATH}?wsdl&service={name}").content)
        wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
        assert root.get("targetNamespace") == "urn:nms:proposition"
        assert {o.get("name") for o in root.findall(f"./{wsdl}portType/{wsdl}operation")} == {"Propose"}
        (operation,) = root.findall(".//{http://schemas.xmlsoap.org/wsdl/soap12/}operation")
        assert operation.get("soapAction") == "urn:nms:proposition#Propose"


def test_propositions_carry_their_html_where_the_space_has_a_function(served: Workspace) -> None:
    rendering = '<p class="o">{{ title }} & more</p>'
    for html, expected in (None, []), (rendering, ['<p class="o">&lt;b&gt;&amp;]]&gt;Lions & more</p>']):
        served.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"render": {"html": html}}}}})
        served.go_live(anew=True)
        with client(served) as anew:
            _, root = sent(anew, propose(targetId="ann@example.com", maxCount="2"))
            assert len(root.findall(f".//{OURS}xmlOfferView")) == 2
            found = root.findall(f".//{OURS}proposition/*/{OURS}mdSource")
            assert [source.text for source in found[1:]] == expected


def test_another_charset_is_a_fault(asking: TestClient) -> None:
    answer = asking.post(PATH, content=propose(), headers={"content-type": "application/soap+xml; charset=utf-7"})
    assert answer.status_code == 415
    assert ElementTree.fromstring(answer.content).findtext(f".//{ENV}Value") == "env:Sender"
    utf7 = b'<?xml version="1.0" encoding="utf-7"?>' + propose().encode()
    assert sent(asking, utf7)[0] == 400


@pytest.mark.parametrize("host", ["a b", 'x"><y', "@", "/"])
def test_the_description_is_not_for_a_host_with_signs_that_no_host_has(asking: TestClient, host: str) -> None:
    assert asking.get(f"{PATH}?wsdl", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["[", "[::1", "x'&y", "x" * 5000])
def test_the_description_survives_a_nonsensical_host(asking: TestClient, host: str) -> None:
    answer = asking.get(f"{PATH}?wsdl", headers={"host": host})
    assert answer.status_code == 200
    ElementTree.fromstring(answer.content)


def test_too_large(asking: TestClient) -> None:
    assert asking.post(PATH, content=propose(targetId="a" * 70_000)).status_code == 413


def test_the_service_is_described(asking: TestClient) -> None:
    assert asking.get(f"{PATH.replace('shop', 'shop@live')}?wsdl").status_code == 200
    answer = asking.get(f"{PATH}?wsdl")
    root = ElementTree.fromstring(answer.content)
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    assert {o.get("name") for o in root.findall(f"./{wsdl}portType/{wsdl}operation")} == {"Propose", "UpdateStatus"}
    (many,) = root.findall(f".//{XSD}element[@name='propositions']//{XSD}any")
    assert many.get("maxOccurs") == "unbounded", "a client made of it reads more than one proposition"
    (address,) = root.findall(".//{http://schemas.xmlsoap.org/wsdl/soap12/}address")
    assert str(address.get("location")).endswith(PATH)
