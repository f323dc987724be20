"""Names and bodies that the sample plans are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping

from offerkit.plans.plan import ChangeOp, FieldChange
from offerkit.state.changes import Body

DESIGN, LIVE = "recipients@design", "recipients@live"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
OFFERS = "specs/recipients/offers.yaml"

HTML_BEFORE = "\n".join(
    [
        "<article class='offer'>",
        "  <h2>Ten days in the Rockies</h2>",
        "  <p>From Calgary to Vancouver, by train.</p>",
        "  <ul>",
        "    <li>Panorama coach</li>",
        "    <li>Breakfast</li>",
        "    <li>Guided walk at Lake Louise</li>",
        "  </ul>",
        "  <p>Departures every Saturday.</p>",
        "  <p>Children travel at half price.</p>",
        "  <p>Pay in three instalments, without interest, when you book before the end of March; "
        "the offer holds for up to four persons who travel together and depart on the same day.</p>",
        "</article>",
    ]
)
HTML_AFTER = (
    HTML_BEFORE.replace("<li>Breakfast</li>", "<li>Breakfast and dinner</li>")
    .replace("    <li>Panorama coach</li>\n", "    <li>Panorama coach</li>\n    <li>Window seat</li>\n")
    .replace("up to four persons", "up to six persons")
)


def change(path: str, before: object = None, after: object = None) -> FieldChange:
    """A field change; what is None came or went."""
    op = ChangeOp.ADD if before is None else ChangeOp.REMOVE if after is None else ChangeOp.CHANGE
    return FieldChange(op, path, before, after)  # type: ignore[arg-type]


def body(kind: str, **fields: object) -> Body:
    """A body in canonical JSON."""
    return Body(kind, json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


BODIES: Mapping[str, Body] = {
    "f-rule": body(
        "rule",
        label="Canada once",
        applies_to={"categories": ["travel/americas/canada"]},
        count={"of": "the-offer", "status": "any"},
        max=1,
        period={"before": "7d"},
    ),
    "f-canada": body(
        "category", label="Canada", multiplier={"factor": "1.5", "from": "2026-12-01", "until": "2026-12-31"}
    ),
    "f-rockies": body(
        "offer",
        label="Rockies by train",
        category="travel/americas/canada",
        eligible={
            "from": "2026-01-01",
            "until": "2027-06-30",
            "filters": [{"filter": "frequent-travelers"}],
            "when": "recipient.country <> 'CA' and recipient.age >= 18",
        },
        weights=[
            {"weight": "10"},
            {
                "label": "summer",
                "weight": "20",
                "from": "2026-06-01",
                "until": "2026-08-31",
                "spaces": ["web-home"],
                "when": "recipient.segment = 'family'",
            },
        ],
        content={
            "title": "Ten days in the Rockies",
            "destination_url": "https://travel.example/rockies",
            "html": HTML_BEFORE,
        },
        representations={"email": {"title": "{{ recipient.first_name }}, ten days in the Rockies"}},
        reviewers={"content": ["brand"], "eligibility": ["risk"]},
    ),
}
