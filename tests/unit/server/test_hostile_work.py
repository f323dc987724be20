"""What it costs to refuse junk: counted, not timed. Bounds are judged before anything is worked on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from pydantic import BaseModel

from offerkit.server import json_bodies, soap_xml
from offerkit.server.schemas import ProposeBody, UpdateBody
from offerkit.server.store_writer import StoreWriter
from offerkit.server.web import PageBody

pytestmark = pytest.mark.embedded

MODELS: dict[type[BaseModel], str] = {
    ProposeBody: '"spaces":["shop/web"]',
    UpdateBody: '"proposition":"x","status":"accepted"',
    PageBody: '"divs":[{"id":"i_web"}]',
}
JUNK: dict[str, Callable[[int], str]] = {
    "a list of objects": lambda size: f'"data":{{"k":[{",".join(["{}"] * size)}]}}',
    "lists of objects": lambda size: (
        '"data":{' + ",".join(f'"k{n}":[{"{}," * 99}{{}}]' for n in range(size // 100)) + "}"
    ),
    "call data": lambda size: '"data":{' + ",".join(f'"k{n}":0' for n in range(size)) + "}",
    "unknown names": lambda size: ",".join(f'"k{n}":0' for n in range(size)),
    "names that are none": lambda size: f'"themes":[{",".join(["{}"] * size)}]',
    "brackets": lambda size: '"data":' + "[" * size + "]" * size,
    "texts without commas": lambda size: '""' * size,
    "divs": lambda size: '"divs":[' + '{"a":1},' * size + "{}]",
}


def work(content: bytes, model: type[BaseModel]) -> int:
    """How many functions are called until ``content`` is refused, those written in C included."""
    count = 0

    def counted(_frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        json_bodies.parse_body(content, model)
    except (json_bodies.UnreadableError, json_bodies.InvalidRequestError) as refused:
        errors = refused.errors if isinstance(refused, json_bodies.InvalidRequestError) else [refused.message]
        assert 1 <= len(errors) <= 60
        return count
    finally:
        sys.setprofile(None)
    raise AssertionError("it was taken")


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("model", MODELS)
def test_refusing_junk_takes_no_more_for_ten_times_as_much(model: type[BaseModel], name: str) -> None:
    bodies_ = [f"{{{MODELS[model]},{JUNK[name](size)}}}".encode() for size in (3_000, 30_000)]
    if name == "divs" and model is PageBody:
        bodies_ = [body.replace(b'"divs":[{"id":"i_web"}],', b"") for body in bodies_]
    some, many = (work(body, model) for body in bodies_)
    assert many <= some + 8 * json_bodies.MEMBERS, (some, many)
    assert many <= 60_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"k": {}}, "k: expected is a text"),
        ({"k": [[]]}, "k: expected"),
        ({"k": ["x"] * 101}, "k: expected"),
        ({"k": "x" * 2_001}, "k: expected"),
        ({f"k{n}": {} for n in range(9)}, "k0, k1, k2, k3, k4 and 4 more: expected"),
        ({f"k{n}": 0 for n in range(101)}, "at most 100 call data"),
        ([], "an object with names and values"),
        (None, "an object with names and values"),
    ],
)
def test_call_data_that_no_field_could_take_is_one_mistake(data: Any, why: str) -> None:
    body = json.dumps({"spaces": ["shop/web"], "data": data, "n": 0}).encode()
    with pytest.raises(json_bodies.InvalidRequestError) as refused:
        json_bodies.parse_body(body, ProposeBody)
    assert {error["loc"] for error in refused.value.errors} == {("body", "data"), ("body", "n")}
    assert any(why in error["msg"] for error in refused.value.errors)


@pytest.mark.parametrize(
    "value", ["é" * 2_000, "a,b[c]{d}" * 200, '\\"' * 500, True, 0, -1.5, 10**60, None, ["x", 1, None] * 33, []]
)
def test_call_data_that_some_field_could_take_is_read(value: Any) -> None:
    body = json.dumps({"spaces": ["shop/web"], "data": {"k": value}}).encode()
    assert json_bodies.parse_body(body, ProposeBody).data == {"k": value}


@pytest.mark.parametrize("number", ["9" * 65, "1." + "3" * 64, "1e" + "0" * 70 + "1"])
def test_a_number_has_few_characters(number: str) -> None:
    with pytest.raises(json_bodies.UnreadableError, match="64 characters"):
        json_bodies.parse_body(f'{{"spaces":["shop/web"],"n":{number}}}'.encode(), ProposeBody)


def test_no_name_is_compared_with_others_for_callers_from_outside(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compared(*_: object, **__: object) -> Any:
        raise AssertionError("this takes time, and nobody outside hears of it")

    shop = with_people(shop).go_live()
    with client(shop) as asking:
        monkeypatch.setattr("difflib.get_close_matches", compared)
        names = [f"bank-{number}" for number in range(50)]
        body = {"spaces": ["shop/web"], "contact": "ann@example.com", "categories": names, "themes": names}
        assert asking.post("/api/v1/propose", json=body).status_code == 200
        answer = asking.post("/api/v1/propose", json={**body, "spaces": ["shop/wob"], "data": dict.fromkeys(names, 1)})
    assert answer.status_code == 422
    said = [error["message"] for error in answer.json()["errors"]]
    assert len(said) == 7 and "45 more call data are not declared" in said


def test_an_update_that_makes_no_sense_costs_no_transaction(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that fails makes all that share its transaction run again, each alone."""
    shop = with_people(shop).go_live()
    with client(shop) as asking:
        asked = {"spaces": ["shop/web"], "contact": "ann@example.com"}
        id_ = asking.post("/api/v1/propose", json=asked).json()["spaces"][0]["propositions"][0]["id"]
        assert asking.post("/api/v1/update", json={"proposition": id_, "status": "rejected"}).status_code == 200
        monkeypatch.setattr(StoreWriter, "submit", None)
        for proposition, status, expected in ((id_, "accepted", 409), ("unknown", "accepted", 404)):
            answer = asking.post("/api/v1/update", json={"proposition": proposition, "status": status})
            assert answer.status_code == expected, answer.text


ENVELOPE = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><Propose xmlns="urn:nms:interaction">%s'
    "</Propose></e:Body></e:Envelope>"
)


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ("<a/>" * 10_000, "500 elements"),
        ("<a>" * 5_000, "16 levels"),
        (f"<context><interaction {' '.join(f'a{n}=%s' % repr('') for n in range(5_000))}/></context>", "100 call data"),
        (f"<context xmlns:b='{'c' * 20_000}'/>", "500 characters"),
        (f"<a {' '.join(f'xmlns:n{n}=%s' % repr('u') for n in range(40))}/>", "32 namespaces"),
    ],
)
def test_an_envelope_is_read_no_further_than_its_bounds(inner: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = 0
    start = soap_xml._EnvelopeReader.startElement

    def counted(*given: Any) -> None:
        nonlocal begun
        begun += 1
        start(*given)

    monkeypatch.setattr(soap_xml._EnvelopeReader, "startElement", counted)
    with pytest.raises(soap_xml.SoapFault, match=why):
        soap_xml.read((ENVELOPE % inner).encode())
    assert begun <= soap_xml.MOST + 1


def test_names_in_an_envelope_belong_to_their_namespaces() -> None:
    prefixed = ENVELOPE.replace("<Propose xmlns=", "<p:Propose xmlns:p=").replace("</Propose>", "</p:Propose>")
    read = soap_xml.read((prefixed % "<p:targetId>a</p:targetId><maxCount>2</maxCount>").encode())
    assert read.values == {"targetId": "a", "maxCount": "2"}
    for wrong in ("<q:targetId/>", "<p:/>", "<x xmlns:a='u' xmlns:b='u' a:c='' b:c=''/>", "<a:b:c xmlns:a='u'/>"):
        with pytest.raises(soap_xml.SoapFault):
            soap_xml.read((prefixed % wrong).encode())
