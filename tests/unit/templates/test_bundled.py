"""Every bundled offer renders on every space that it is for, in every output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from offerkit.address import parse_address
from offerkit.fingerprint import JsonMap
from offerkit.rules.types import Row, Value
from offerkit.specs.load import load_folder
from offerkit.state.effective import Inheritance
from offerkit.templates.render import Renderer
from offerkit.templates.variables import Variables

ROOT = Path(__file__).parents[3]
HOSTILE = "\"><script>alert('1')</script>&{{ 7*7 }}]]>\x00\n"
SAMPLES: dict[str, Value] = {
    "string": HOSTILE,
    "integer": 7,
    "decimal": Decimal("12.5"),
    "boolean": True,
    "date": date(2027, 2, 4),
    "timestamp": datetime(2027, 2, 4, 10, 0),
    "list": (HOSTILE, "b"),
}


@pytest.fixture(scope="module")
def bodies() -> dict[str, JsonMap]:
    loaded = load_folder(ROOT)
    return {address: json.loads(body) for address, body in loaded.bodies(loaded.records).items()}


def _row(fields: JsonMap, *, known: bool) -> Row:
    return (
        {
            name: field["values"][0] if "values" in field else SAMPLES[field.get("type", "string")]
            for name, field in fields.items()
        }
        if known
        else dict.fromkeys(fields)
    )


def _shown(bodies: dict[str, JsonMap]) -> Iterator[tuple[str, JsonMap, JsonMap]]:
    environments = {parse_address(address).environment for address in bodies if "/space." in address}
    for name in sorted(environments):
        around = Inheritance(name, bodies.get, [a for a in bodies if a.startswith(f"{name}/space.")])
        for address in bodies:
            if address.startswith(f"{name}/offer."):
                offer = around.offer(address)
                for space in around.spaces.values():
                    if not offer.missing(space.name):
                        yield address, bodies[space.address], offer.content(space.name)


@pytest.mark.parametrize("known", [True, False])
def test_every_offer_on_every_space(bodies: dict[str, JsonMap], known: bool) -> None:
    rendered = 0
    for address, space, given in _shown(bodies):
        environment = bodies[f"environment.{parse_address(address).environment}"]
        dimension = environment["dimension"]
        variables = Variables.of(
            dimension,
            _row(bodies[f"dimension.{dimension}"]["fields"], known=known),
            _row(environment["call_data"], known=known),
            "https://offers.example/o",
        ).about(
            {"name": "x", "code": "C<1>", "label": HOSTILE, "category": "a/b"},
            {"id": "a28002", "rank": 1, "weight": Decimal("1.5"), "space": "s"},
        )
        renderer = Renderer.of(space)
        content = renderer.content(given, variables)
        html = renderer.output(content, variables, "html")
        HTMLParser().feed(html)
        assert "<script" not in html
        assert "{{" not in html.replace("{{ 7*7 }}", "")
        ElementTree.fromstring(renderer.output(content, variables, "xml"))
        text = renderer.output(content, variables, "text")
        assert "&lt;" not in text
        assert "\x00" not in html + text
        rendered += 1
    assert rendered > 60
