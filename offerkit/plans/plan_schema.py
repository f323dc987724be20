"""JSON Schema (2020-12) of plans: of a plan file, and of what “offerkit plan --format json” prints.

Generated from the classes that plans are read with, so that other programs (conftest, OPA) can rely on it.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from offerkit.plans.plan import FORMAT, Plan, PlanRequest

_HEX = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_ADDRESS = {"type": "string", "description": "The address of a resource: recipients/offer.canada-rockies."}
_STAGE = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}@(design|live)$"}
_FORMER = {"type": "string", "description": "Where it stood before, if that was another address; else empty."}
_ANY = {"description": "Any JSON value."}
_POSITION = {
    "type": "object",
    "description": "A place in the spec files.",
    "properties": {
        "file": {"type": "string"},
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
    },
    "required": ["file", "line", "column"],
    "additionalProperties": False,
}
_KNOWN: dict[tuple[str, str], dict[str, Any]] = {
    ("Dependence", "fingerprint"): {"type": "string", "pattern": "^([0-9a-f]{64})?$"},
    ("ApprovalKey", "fingerprint"): {"type": "string"},
    ("Plan", "format"): {"type": "integer", "minimum": 1, "maximum": FORMAT},
    ("Plan", "asked"): {"$ref": "#/$defs/Asked"},
}
_BY_NAME: dict[str, dict[str, Any]] = {
    "address": _ADDRESS,
    "stage": _STAGE,
    "fingerprint": _HEX,
    "digest": _HEX,
    "moved_from": _FORMER,
}


def plan_schema() -> dict[str, Any]:
    """The schema; what it describes as a ``Plan`` is also that part of a plan file."""
    schema = TypeAdapter(Plan).json_schema(ref_template="#/$defs/{model}")
    parts: dict[str, Any] = schema.pop("$defs")
    parts["Plan"] = schema
    parts["Asked"] = parts.pop(PlanRequest.__name__)  # the name under which the schema was published
    parts = {name: _tidy(name, part) for name, part in sorted(parts.items())}
    parts["Position"] = _POSITION
    parts["Plan"]["properties"]["bodies"]["propertyNames"] = {"pattern": _HEX["pattern"]}
    file = {
        "type": "object",
        "description": "A plan file, as --out writes it: the plan beside the sha256 of its canonical bytes.",
        "properties": {"digest": _HEX, "plan": {"$ref": "#/$defs/Plan"}},
        "required": ["digest", "plan"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of offerkit",
        "anyOf": [{"$ref": "#/$defs/Plan"}, file],
        "$defs": parts,
    }


def _tidy(name: str, part: dict[str, Any]) -> dict[str, Any]:
    """A definition without titles and defaults: plans write all keys, and no others."""
    result = {key: value for key, value in part.items() if key != "title"}
    if "description" in result:
        result["description"] = " ".join(result["description"].split()).replace("``", "")
    if "properties" not in result:
        return result
    properties = {key: _property(name, key, value) for key, value in result["properties"].items() if key[0] != "_"}
    return {
        **result,
        "properties": properties,
        "required": sorted(_REQUIRED.get(name, properties)),
        "additionalProperties": False,
    }


_REQUIRED = {
    # plans of format 1 have fewer keys
    "Plan": (
        "kind",
        "project",
        "offerkit",
        "base",
        "steps",
        "blocked",
        "depends",
        "approvals",
        "notes",
        "targets",
        "bodies",
        "to",
        "format",
    ),
    "Blocked": ("address", "stage", "code", "why", "how", "who", "live", "source"),
}


def _property(name: str, key: str, value: dict[str, Any]) -> dict[str, Any]:
    known = _KNOWN.get((name, key)) or _BY_NAME.get(key)
    if known is not None:
        return known
    result = {word: content for word, content in value.items() if word not in ("title", "default")}
    return result or _ANY
