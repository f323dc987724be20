"""JSON Schema of the files of decision cases, from the lists that reading them goes by (engine/cases.py).

What a case may hold is closed; which spaces, offers and fields there are, only ``offerkit test`` knows.
"""

from __future__ import annotations

from typing import Any

from offerkit.address import SECTIONS
from offerkit.engine.cases import EXPECTATIONS, HISTORY_KEYS, KEYS, OUT_KEYS
from offerkit.engine.reasons import DECIDED
from offerkit.models.expression_scopes import STATUSES

_TEXT: dict[str, Any] = {"type": ["string", "number"]}
_NAMES: dict[str, Any] = {"type": "array", "items": _TEXT}
_MOMENT: dict[str, Any] = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}.*)?$"}
_COUNT: dict[str, Any] = {"type": ["integer", "string"], "pattern": "^[0-9]+$"}
_VALUE: dict[str, Any] = {"type": ["string", "number", "boolean", "array", "null"]}
_WHY: dict[str, Any] = {"enum": [str(reason) for reason in DECIDED]}
_ACTIVATED: dict[str, Any] = {"type": ["object", "null"], "additionalProperties": _NAMES}
_OFFERS: dict[str, Any] = {"type": ["array", "object"], "items": _TEXT, "additionalProperties": _NAMES}

_PAST = {
    "offer": _TEXT,
    "category": _TEXT,
    "space": {**_TEXT, "description": "Absent: the first space that is asked."},
    "channel": _TEXT,
    "status": {"enum": list(STATUSES), "description": "Absent: presented."},
    "at": {**_MOMENT, "description": "When it was made."},
    "ago": {
        "type": "string", "pattern": r"^([0-9]{1,5}d( ?[0-9]{1,7}h)?|[0-9]{1,7}h)$",
        "description": "How long before the call it was made, as in 2d 6h.",
    },
    "weight": {"type": ["number", "string"]},
    "rank": _COUNT,
}  # fmt: skip
_OUT = {
    "why": _WHY,
    "by": {**_TEXT, "description": "How the address of what leaves it out ends."},
    "says": {**_TEXT, "description": "A part of the sentence."},
}
_EXPECT = {
    "offers": {**_OFFERS, "description": "Exactly these, in this order; with several spaces a list for each."},
    "any_order": {**_OFFERS, "description": "Exactly these, in any order."},
    "weights": {"type": "object", "additionalProperties": {"type": ["number", "string"]}},
    "out": {
        "type": "object", "description": "Offers that are left out, and why.",
        "additionalProperties": {"anyOf": [_WHY, {"type": "object", "properties": _OUT, "required": ["why"],
                                                  "additionalProperties": False}]},
    },
    "nothing": {**_WHY, "description": "Why nothing is proposed at all."},
    "reports": {**_NAMES, "description": "Each a code or a part of a warning; empty: no warnings."},
    "refused": {"type": "array", "items": {"type": "string", "pattern": "^OFR[0-9]{3}$"},
                "description": "The codes with which the call is refused."},
}  # fmt: skip
_CASE = {
    "note": {**_VALUE, "description": "For whoever reads the case."},
    "space": {**_TEXT, "description": "ENVIRONMENT/SPACE."},
    "spaces": {**_NAMES, "minItems": 1, "description": "Several spaces of one environment, asked in one call."},
    "contact": {
        "type": ["object", "string", "number", "null"], "additionalProperties": _VALUE,
        "description": "Its fields (others are unknown), the key of a stored contact, or absent: nobody.",
    },
    "key": {**_TEXT, "description": "The key that ties are shuffled by."},
    "now": {**_MOMENT, "description": "When, on the wall clock of the environment or with an offset."},
    "n": {**_COUNT, "description": "How many offers; absent: 10."},
    "categories": _NAMES,
    "themes": _NAMES,
    "data": {"type": "object", "additionalProperties": _VALUE, "description": "Call data."},
    "seed": _TEXT,
    "exclude": {**_NAMES, "description": "Offers already proposed in this call."},
    "history": {
        "type": "array", "description": "Propositions made before.",
        "items": {
            "type": "object", "properties": _PAST, "additionalProperties": False,
            "oneOf": [{"required": ["at"]}, {"required": ["ago"]}],
        },
    },
    "activated": {**_ACTIVATED, "description": "By offer, the spaces that it is supposed to be live on."},
    "expect": {"type": "object", "properties": _EXPECT, "minProperties": 1, "additionalProperties": False},
}  # fmt: skip
KNOWN = {"a case": (_CASE, KEYS), "history": (_PAST, HISTORY_KEYS), "expect": (_EXPECT, EXPECTATIONS),
         "out": (_OUT, OUT_KEYS)}  # fmt: skip
"""What is described, beside what reading takes: a test holds them together."""


def case_properties(sections: dict[str, Any], environment: dict[str, Any]) -> dict[str, Any]:
    """The keys of a file of cases, ``version`` aside; ``sections`` and ``environment`` are those of a catalog in it."""
    case = {
        "type": "object", "properties": _CASE, "required": ["now", "expect"], "additionalProperties": False,
        "oneOf": [{"required": ["space"]}, {"required": ["spaces"]}],
    }  # fmt: skip
    catalog = {"environment": environment, **{section: sections[section] for section in SECTIONS}}
    return {
        "catalog": {
            "description": "A catalog of the file's own, in place of the project's.",
            "type": ["object", "null"], "properties": catalog, "additionalProperties": False,
        },
        "activated": {**_ACTIVATED, "description": "The same for all cases of the file."},
        "cases": {
            "description": "Cases by a sentence that says what must come of them.",
            "type": "object", "minProperties": 1, "additionalProperties": case,
        },
    }  # fmt: skip
