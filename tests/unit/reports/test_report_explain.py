"""What ``--explain`` says of weights."""

from __future__ import annotations

from datetime import UTC, datetime

from offerkit.engine.call import Call
from offerkit.engine.decide import decide
from offerkit.engine.hooks import Hooks
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.reports.explain import explanation_text
from offerkit.reports.style import Style

SECTIONS = {
    "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}}}},
    "environment": {"dimension": "person"},
    "spaces": {"home": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
    "categories": {"stay": {"multiplier": {"factor": 1.2}}, "stay/city": {"multiplier": {"factor": 3}}},
    "offers": {
        "hotel": {"category": "stay/city", "weights": [{"weight": 8, "dynamic": "rates"}]},
        "inn": {"category": "stay/city", "weights": [{"weight": 2}]},
    },
}


def test_a_dynamic_offer_has_the_weight_of_its_product_before_multipliers() -> None:
    hooks = Hooks(dynamic_offer={"rates": lambda offer, contact, data: [({}, 7), ({}, 20)]})
    catalog = inline_catalog(SECTIONS, hooks=hooks)
    call = Call("home", 2, (), (), {}, {"id": 1}, "1", datetime(2026, 11, 24, tzinfo=UTC))
    trace = decide(catalog, call, [], explain=True).trace
    assert trace is not None
    text = "\n".join(explanation_text(trace, Style(), 100, lambda finding: ""))
    assert "hotel  weight 72 = 20 (its product) × 1.2 (stay) × 3 (stay/city)" in text
    assert "inn    weight 7.2 = 2 × 1.2 (stay) × 3 (stay/city)" in text
