"""JSON Schema (2020-12) of a project's files, so that editors complete and check while one types.

pydantic's own schema, with what it cannot see: the validators that read numbers, dates, durations and names.
References and the rules of the domain stay with “offerkit validate”.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from offerkit.address import NAME, PATH, SECTION_OF, SECTIONS, Kind
from offerkit.engine.cases import EXPECTATIONS, HISTORY_KEYS, KEYS, OUT_KEYS
from offerkit.engine.reasons import DECIDED
from offerkit.models import base, model_of, policy
from offerkit.models.expression_scopes import IDENTIFICATIONS, STATUSES
from offerkit.models.filter import FilterUse
from offerkit.plans.plan_schema import plan_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME, _PATH = f"^{NAME.pattern}$", f"^{PATH.pattern}$"
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_DURATION = "^([0-9]{1,5}d( ?[0-9]{1,5}h)?|[0-9]{1,5}h)$"
_PERCENTAGE = r"^(100(\.0{1,4})?|0?[0-9]{1,2}(\.[0-9]{1,4})?) ?%$"
_NUMBER = r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"
_ADDRESS = rf"^({NAME.pattern}/)?({'|'.join(SECTION_OF)})\..+$"


class _Schema(GenerateJsonSchema):
    """pydantic's generator, told what our validators accept."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No titles: they would only repeat the keys."""
        return False

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        """A filter may be given by its name alone."""
        result = super().model_schema(schema)
        if schema["cls"] is FilterUse:
            return {"anyOf": [{**_text(_NAME), "description": "The name of a filter."}, result]}
        return result

    def function_before_schema(self, schema: Any) -> JsonSchemaValue:
        """Fields whose text offerkit reads itself."""
        function = schema["function"]["function"]
        if function is base._day:
            return {"type": "string", "pattern": _DAY}
        if function is base._duration:
            return {"type": "string", "pattern": _DURATION}
        if function is base._percentage:
            return {"type": "string", "pattern": _PERCENTAGE}
        inner = self.generate_inner(schema["schema"])
        if function is base._amount:
            return {"anyOf": [inner, {"type": "string", "pattern": _NUMBER}]}
        return inner

    def function_after_schema(self, schema: Any) -> JsonSchemaValue:
        """Names, and lists that name nothing twice."""
        function = schema["function"]["function"]
        if function is base._name:
            return _text(_NAME)
        if function is base._path:
            return _text(_PATH)
        if function is policy._applicable:
            return {"type": "array", "items": {"enum": list(policy.APPLICABLE)}, "uniqueItems": True, "minItems": 1}
        inner = self.generate_inner(schema["schema"])
        if function in (base._unique, base.unique_sorted):
            inner["uniqueItems"] = True
        return inner

    def str_schema(self, schema: Any) -> JsonSchemaValue:
        """Text; what looks like a number may stay unquoted, and is text all the same."""
        return {**super().str_schema(schema), "type": ["string", "number"]}

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        """The number that an amount may be."""
        return {"type": "number", **({"minimum": int(schema["ge"])} if "ge" in schema else {})}

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        """Maps by name."""
        least = {"minProperties": schema["min_length"]} if schema.get("min_length") else {}
        return {
            "type": "object",
            **least,
            "propertyNames": {"pattern": _NAME},
            "additionalProperties": self.generate_inner(schema["values_schema"]),
        }


def _text(pattern: str) -> JsonSchemaValue:
    """A name: text, or digits that were left unquoted."""
    return {"type": ["string", "integer"], "pattern": pattern}


def specs_schema() -> dict[str, Any]:
    """The schema of the files of ``specs/``."""
    refs, definitions = _definitions(list(SECTIONS.values()))
    sections = _sections(refs)
    moved = {
        "description": "Renames: the old address and the new one, as in “offer.old-name: offer.new-name”.",
        "type": ["object", "null"],
        "propertyNames": {"pattern": _ADDRESS},
        "additionalProperties": {"type": "string", "pattern": _ADDRESS},
    }
    return _file("A spec file of offerkit", {**sections, "moved": moved}, [], definitions)


def environment_schema() -> dict[str, Any]:
    """The schema of the files of ``environments/``."""
    refs, definitions = _definitions([Kind.ENVIRONMENT])
    return _file("An environment of offerkit", {"environment": refs[Kind.ENVIRONMENT]}, ["environment"], definitions)


def cases_schema() -> dict[str, Any]:
    """The schema of the files of ``cases/``."""
    from offerkit.specs.json_schema import case_properties

    refs, definitions = _definitions([Kind.ENVIRONMENT, *SECTIONS.values()])
    properties = case_properties(_sections(refs), refs[Kind.ENVIRONMENT])
    return _file("Decision cases of offerkit", properties, ["cases"], definitions)


def _sections(refs: dict[Kind, Any]) -> dict[str, Any]:
    return {
        section: {
            "description": _sentence(kind),
            "type": ["object", "null"],
            "propertyNames": {"pattern": _PATH if kind is Kind.CATEGORY else _NAME},
            "additionalProperties": refs[kind],
        }
        for section, kind in SECTIONS.items()
    }


@cache
def schema_files() -> Mapping[str, bytes]:
    """All schemas as files by name."""
    schemas = {
        "specs": specs_schema(),
        "environment": environment_schema(),
        "cases": cases_schema(),
        "plan": plan_schema(),
    }
    return {f"{name}.json": schema_bytes(schema) for name, schema in schemas.items()}


def schema_bytes(schema: dict[str, Any]) -> bytes:
    """A schema as a file."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"


def _definitions(kinds: list[Kind]) -> tuple[dict[Kind, Any], dict[str, Any]]:
    models = {kind: model_of(kind) for kind in kinds}
    refs, definitions = models_json_schema(
        [(model, "validation") for model in models.values()], by_alias=True, schema_generator=_Schema
    )
    schemas: dict[str, Any] = definitions["$defs"]
    _tidy(schemas, names=True)
    return {kind: refs[model, "validation"] for kind, model in models.items()}, schemas


_BOUNDS = {"ge": "minimum", "le": "maximum"}


def _tidy(value: Any, *, names: bool = False) -> None:
    """Leave out the defaults that say nothing: some editors would write them into the file.

    ``names``: the keys of ``value`` are names, not words of JSON Schema.
    """
    if isinstance(value, list):
        for item in value:
            _tidy(item)
    elif isinstance(value, dict):
        if not names:
            if value.get("default", True) in (None, "", [], {}) or isinstance(value.get("default"), dict):
                del value["default"]
            # pydantic leaves bounds that it cannot place under names that nothing reads
            bounded = value["anyOf"][0] if "anyOf" in value else value
            bounded |= {word: value.pop(bound) for bound, word in _BOUNDS.items() if bound in value}
        for key, item in value.items():
            _tidy(item, names=key == "properties" and not names)


def _file(title: str, properties: dict[str, Any], required: list[str], definitions: dict[str, Any]) -> dict[str, Any]:
    version = {"description": "The version of the format.", "const": 1}
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": {"version": version, **properties},
        "required": ["version", *required],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _sentence(kind: Kind) -> str:
    return (model_of(kind).__doc__ or "").strip().split("\n")[0]


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
    "space": {**_TEXT, "description": "Absent: the first space of the call."},
    "channel": _TEXT,
    "status": {"enum": list(STATUSES), "description": "Absent: presented."},
    "at": {**_MOMENT, "description": "When it was made."},
    "ago": {
        "type": "string",
        "pattern": r"^([0-9]{1,5}d( ?[0-9]{1,7}h)?|[0-9]{1,7}h)$",
        "description": "How long before the call it was made, as in 2d 6h.",
    },
    "weight": {"type": ["number", "string"]},
    "rank": _COUNT,
    "campaign": {**_TEXT, "description": "The campaign that made it; absent: a call."},
    "delivery": {**_TEXT, "description": "The delivery of that campaign."},
    "stored": {"type": "object", "additionalProperties": _VALUE, "description": "The extra data stored with it."},
    "product": {"type": "object", "additionalProperties": _VALUE, "description": "The product stored with it."},
}
_OUT = {
    "why": _WHY,
    "by": {**_TEXT, "description": "The end of the address of what leaves it out."},
    "says": {**_TEXT, "description": "A part of the sentence."},
}
_EXPECT = {
    "offers": {**_OFFERS, "description": "Exactly these, in this order; with several spaces a list for each."},
    "any_order": {**_OFFERS, "description": "Exactly these, in any order."},
    "weights": {"type": "object", "additionalProperties": {"type": ["number", "string"]}},
    "products": {
        "type": "object",
        "description": "Values of the products that dynamic offers become, by offer and name.",
        "additionalProperties": {"type": "object", "additionalProperties": _TEXT},
    },
    "out": {
        "type": "object",
        "description": "Offers that are left out, and why.",
        "additionalProperties": {
            "anyOf": [_WHY, {"type": "object", "properties": _OUT, "required": ["why"], "additionalProperties": False}]
        },
    },
    "nothing": {**_WHY, "description": "Why nothing is proposed at all."},
    "reports": {**_NAMES, "description": "Each is a code or part of a warning; empty: no warnings."},
    "refused": {
        "type": "array",
        "items": {"type": "string", "pattern": "^OFR[0-9]{3}$"},
        "description": "The codes that the call is refused with.",
    },
}
_CASE = {
    "note": {**_VALUE, "description": "A note for readers of the case."},
    "space": {**_TEXT, "description": "ENVIRONMENT/SPACE."},
    "spaces": {**_NAMES, "minItems": 1, "description": "Several spaces of one environment, in one call."},
    "contact": {
        "type": ["object", "string", "number", "null"],
        "additionalProperties": _VALUE,
        "description": "The contact's fields (others are unknown) or the key of a stored contact; absent: no contact.",
    },
    "key": {**_TEXT, "description": "The key that decides the order of ties."},
    "identification": {
        "enum": list(IDENTIFICATIONS),
        "description": "How the contact counts as identified; absent: by key, if there is a contact.",
    },
    "cookie": {**_TEXT, "description": "The id of the visitor's permanent cookie, for hooks."},
    "session": {**_TEXT, "description": "The id of the visitor's session, for hooks."},
    "now": {**_MOMENT, "description": "The time of the call: local time of the environment, or with an offset."},
    "n": {**_COUNT, "description": "How many offers; absent: 10."},
    "categories": _NAMES,
    "themes": _NAMES,
    "data": {"type": "object", "additionalProperties": _VALUE, "description": "Call data."},
    "seed": _TEXT,
    "exclude": {**_NAMES, "description": "Offers already proposed in this call."},
    "history": {
        "type": "array",
        "description": "Propositions made before.",
        "items": {
            "type": "object",
            "properties": _PAST,
            "additionalProperties": False,
            "oneOf": [{"required": ["at"]}, {"required": ["ago"]}],
        },
    },
    "activated": {**_ACTIVATED, "description": "By offer, the spaces that it is supposed to be live on."},
    "expect": {"type": "object", "properties": _EXPECT, "minProperties": 1, "additionalProperties": False},
}
KNOWN = {
    "a case": (_CASE, KEYS),
    "history": (_PAST, HISTORY_KEYS),
    "expect": (_EXPECT, EXPECTATIONS),
    "out": (_OUT, OUT_KEYS),
}
"""What is described, beside what reading takes: a test holds them together."""


def case_properties(sections: dict[str, Any], environment: dict[str, Any]) -> dict[str, Any]:
    """The keys of a file of cases, ``version`` aside; ``sections`` and ``environment`` are those of a catalog in it."""
    case = {
        "type": "object",
        "properties": _CASE,
        "required": ["now", "expect"],
        "additionalProperties": False,
        "oneOf": [{"required": ["space"]}, {"required": ["spaces"]}],
    }
    catalog = {"environment": environment, **{section: sections[section] for section in SECTIONS}}
    return {
        "catalog": {
            "description": "A catalog of the file's own, in place of the project's.",
            "type": ["object", "null"],
            "properties": catalog,
            "additionalProperties": False,
        },
        "activated": {**_ACTIVATED, "description": "The same for all cases of the file."},
        "cases": {
            "description": "Cases, each named by a sentence that says what must result.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": case,
        },
    }
