"""What is counted is told once, and at once, whoever asks how often."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from offerkit.engine.answer import Answer, ProposedOffer, SpaceAnswer
from offerkit.engine.identify import IdentifiedBy
from offerkit.engine.reasons import ExclusionReason
from offerkit.server.metrics import Metrics

pytestmark = pytest.mark.embedded

OFFER = ProposedOffer("", "safari", "Safari", "trips", 1, Decimal(1), "presented", {}, {})
SPACE = SpaceAnswer("shop/web", "shop", "web", IdentifiedBy.EXPLICIT, "1", 1, (OFFER, OFFER), ())
ANSWER = Answer(
    "i",
    datetime(2026, 1, 1, tzinfo=UTC),
    (
        SPACE._replace(excluded={ExclusionReason.PRESENTATION_RULE: 3, "beyond-n": 0}),
        SPACE._replace(proposed=(), how=IdentifiedBy.NOBODY),
    ),
)
EXPECTED = """\
offerkit_requests_total{method="POST",route="/x",status="200"} 2.0
offerkit_request_seconds_count{route="/x"} 2.0
offerkit_decisions_total{identified="explicit",space="shop/web"} 2.0
offerkit_decisions_total{identified="nobody",space="shop/web"} 2.0
offerkit_propositions_total{space="shop/web"} 4.0
offerkit_excluded_offers_total{reason="presentation-rule"} 6.0
"""


def test_what_was_counted_before_and_between_is_told() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.answered(ANSWER)
        metrics.told("/x", "POST", 200, 0.003)
        metrics.exposed()
    for _ in range(2):
        lines = metrics.exposed()[0].decode().splitlines()
        assert [line for line in EXPECTED.splitlines() if line not in lines] == []
        assert not any("beyond-n" in line for line in lines), "what never happened is no measure"
