"""Markup in every field of an offer, in profiles, call data, headers, cookies and addresses: it stays text everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

pytestmark = pytest.mark.embedded

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]><x/>&amp;&lt;",
    "</xmlOfferView></proposition></propositions><a/>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% for x in y %}",
    "\u2028</title>\u202e",
]
WEB = {
    "fields": [
        {"name": "title", "required": True},
        {"name": "text"},
        {"name": "html"},
        {"name": "target_url"},
    ],
    "render": {"html": '<a href="{{ target_url }}" title="{{ title }}">{{ text }} {{ offer.label }}</a>{{ html }}'},
}
PAGE, API, SOAP = "/nl/propose?env=shop", "/api/v1/propose", "/interaction/shop/web"
ENVELOPE = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><Propose xmlns="urn:nms:interaction">'
    "<targetId>ann@example.com</targetId></Propose></e:Body></e:Envelope>"
)


def shop_of(shop: Workspace, nasty: str) -> Workspace:
    """The small project with ``nasty`` wherever content comes from."""
    with_people(shop)
    name = nasty.replace('"', '""')
    (shop.root / "people.csv").write_text(
        f'id,email,first_name,age,country\n1,ann@example.com,"{name}",41,\n', encoding="utf-8"
    )
    written = "{% raw %}" + nasty + "{% endraw %}" if "{%" in nasty else nasty
    content = {
        "title": f"{written} {{{{ person.first_name }}}}",
        "text": f"{written} {{{{ interaction.page }}}}",
        "html": "<p>{{ person.first_name }} {{ interaction.page }}</p>",
        "target_url": "https://bank.example/?q={{ person.first_name }}&r={{ interaction.page }}",
    }
    shop.change({"environments/shop.yaml": {"environment": {"call_data": {"page": {"type": "string"}}}}})
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"web": WEB}}})
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": nasty[:60], "content": content}}}})
    return shop.go_live()


@pytest.fixture(params=NASTY)
def nasty(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(shop: Workspace, nasty: str) -> Iterator[TestClient]:
    with client(shop_of(shop, nasty)) as found:
        yield found


class Seen(HTMLParser):
    """The elements of some HTML with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def harmless(html: str, nasty: str) -> None:
    seen = Seen(html)
    assert [tag for tag, _ in seen.tags] == ["a", "p"], html
    (_, link), (_, paragraph) = seen.tags
    assert set(link) == {"href", "title"} and not paragraph
    assert str(link["href"]).startswith("https://bank.example/?q=") and nasty not in str(link["href"])
    assert link["title"] == f"{nasty} {nasty}"
    assert seen.text.count(nasty) == 5  # text, call data, label, and both in the html field


def test_html_of_offers(site: TestClient, nasty: str) -> None:
    body = {"divs": [{"id": "i_web"}], "target": "ann@example.com", "categories": ["travel"], "data": {"page": nasty}}
    harmless(site.post(PAGE, json=body).json()["divs"]["i_web"], nasty)
    asked = {"spaces": ["shop/web"], "contact": "ann@example.com", "categories": ["travel"], "data": {"page": nasty}}
    answer = site.post(API, json={**asked, "outputs": ["html", "xml", "text"]})
    assert (
        answer.headers["content-type"] == "application/json" and answer.headers["x-content-type-options"] == "nosniff"
    )
    (proposed,) = answer.json()["spaces"][0]["propositions"]
    harmless(proposed["rendered"]["html"], nasty)
    ElementTree.fromstring(f"<r>{proposed['rendered']['xml']}</r>")


def test_xml_of_offers(site: TestClient, nasty: str) -> None:
    body = {"divs": [{"id": "i_web"}], "target": "ann@example.com", "categories": ["travel"], "data": {"page": nasty}}
    answer = site.post(PAGE, json={**body, "xml": True})
    data = f"<context><interaction page={quoteattr(nasty)}/></context>"
    envelope = ENVELOPE.replace("</targetId>", f"</targetId><categories>travel</categories>{data}")
    for text, views in ((answer.text, 1), (site.post(SOAP, content=envelope).text, 2)):
        (proposition,) = (one for one in ElementTree.fromstring(text).iter() if one.tag.endswith("proposition"))
        view, *others = proposition
        assert len(others) == views - 1
        for html in others:
            (source,) = html
            harmless(source.text or "", nasty)
        assert [child.tag.rpartition("}")[2] for child in view] == ["title", "text", "html", "target_url"]
        assert view[0].text == f"{nasty} {nasty}"


MARK = 'zq9"><script>'


@pytest.mark.parametrize("nasty", ["plain"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PAGE, {"divs": [{"id": "i_web"}]}),
        ("POST", API, {"spaces": ["shop/web"]}),
        ("POST", "/api/v1/update", {"proposition": "x", "status": "accepted"}),
        ("POST", SOAP, None),
        ("GET", "/o?a=UpdateStatus&p=x&st=2&r=https://evil.example/", None),
        ("GET", "/o?r=/next", None),
        ("GET", "/nl/interactionProposal.js", None),
        ("GET", "/health/ready", None),
        ("GET", "/nothing", None),
        ("GET", "/openapi.json", None),
    ],
)
def test_nothing_of_headers_and_cookies_comes_back(site: TestClient, method: str, path: str, body: Any) -> None:
    headers = {
        "user-agent": MARK,
        "referer": f"https://evil.example/{MARK}",
        "x-request-id": MARK,
        "accept": MARK,
        "x-forwarded-for": MARK,
        "x-forwarded-host": MARK,
        "x-forwarded-proto": MARK,
        "forwarded": f"host={MARK}",
        "cookie": f"uuid230={MARK}; nlid={MARK}; {MARK}=1",
        "accept-language": MARK,
        "x-original-url": f"/{MARK}",
        "host": MARK,
    }
    given = {"json": body} if body else {"content": ENVELOPE} if method == "POST" else {}
    answer = site.request(method, path, headers=headers, follow_redirects=False, **given)  # type: ignore[arg-type]
    assert answer.status_code < 500
    assert "zq9" not in answer.text and "zq9" not in str(answer.headers)


@pytest.mark.parametrize("nasty", ["plain"])
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "%3Cscript%3E", "\"'><x>", "%0d%0aSet-Cookie:%20a=b", "%00"]
)
def test_names_that_are_markup_are_told_as_data(site: TestClient, name: str) -> None:
    """Where a name comes back, it is in JSON or XML that no browser shows as a page."""
    answers = [
        site.get(f"/{name}"),
        site.get(f"/interaction/{name}/{name}?wsdl"),
        site.post(f"/interaction/{name}/{name}", content=ENVELOPE),
        site.post(f"/nl/propose?env={name}", json={"divs": [{"id": name}]}),
        site.post(PAGE, json={"divs": [{"id": name, "space": name}], "data": {name: name}}),
        site.post(API, json={"spaces": [name, f"shop/{name}"], name: name}),
        site.get("/o", params={"a": name, "p": name, "st": name, "r": name}),
        site.get(f"/nl/interactionProposal.js?env={name}&cb={name}"),
    ]
    for answer in answers:
        assert answer.status_code < 500
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "a=b" not in answer.headers.get("set-cookie", "")
        if answer.headers.get("content-type", "").startswith(("text/html", "text/javascript")):
            assert name not in answer.text
    if answers[2].status_code == 400:  # names with a slash make another path
        ElementTree.fromstring(answers[2].content)
