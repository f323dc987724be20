"""The names that an expression can use, by its role (docs/rules.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, get_args

from offerkit.rules.types import BaseType, FieldType, NameScope

if TYPE_CHECKING:
    from offerkit.models.dimension import TypedField

_TEXT = FieldType(BaseType.STRING)
STATUSES = ("generated", "presented", "interested", "accepted", "scheduled", "rejected")
Channel = Literal[
    "email",
    "sms",
    "phone",
    "paper",
    "mobile",
    "fax",
    "inbound-web",
    "inbound-call-center",
    "inbound-mobile",
    "other",
    "agency",
    "ios",
    "android",
    "inbound-agency",
    "inbound-ios",
    "inbound-android",
]
CHANNELS: tuple[str, ...] = get_args(Channel)

IDENTIFICATIONS = ("explicit", "implicit", "anonymous", "batch")
"""How the contact of a call was identified: by key, by cookie, not at all; or all contacts in a batch."""
CALL_FACTS: dict[str, FieldType] = {
    "space": _TEXT,
    "channel": FieldType(BaseType.ENUMERATION, CHANNELS),
    "environment": _TEXT,
    "identification": FieldType(BaseType.ENUMERATION, IDENTIFICATIONS),
}
"""``interaction.<field>`` that every call has, unless the environment declares call data of that name."""

OFFER_FIELDS: dict[str, FieldType] = {"name": _TEXT, "code": _TEXT, "label": _TEXT, "category": _TEXT}
"""``offer.<field>``: covered by eligibility approvals (governance/approvals.py). The code defaults to the name."""
APPLIES_TO_FIELDS: dict[str, FieldType] = {
    **OFFER_FIELDS,
    "from": FieldType(BaseType.DATE),
    "until": FieldType(BaseType.DATE),
    "themes": FieldType(BaseType.LIST),
    "weight": FieldType(BaseType.DECIMAL),
}
"""``offer.<field>`` where a presentation rule applies: the days on which the offer and its categories can be proposed,
its themes and those of its categories, and its final weight for this contact."""
CATEGORY_FIELDS: dict[str, FieldType] = {"path": _TEXT, "label": _TEXT}
"""``category.<field>``: the offer's own category."""
PROPOSITION_FIELDS: dict[str, FieldType] = {
    "space": _TEXT,
    "channel": FieldType(BaseType.ENUMERATION, CHANNELS),
    "offer": _TEXT,
    "category": _TEXT,
    "status": FieldType(BaseType.ENUMERATION, STATUSES),
    "weight": FieldType(BaseType.DECIMAL),
    "rank": FieldType(BaseType.INTEGER),
    "time": FieldType(BaseType.TIMESTAMP),
}
"""``proposition.<field>``: a stored proposition, or the one being stored."""
COUNTED_FIELDS: dict[str, FieldType] = {**PROPOSITION_FIELDS, "campaign": _TEXT, "delivery": _TEXT}
"""``proposition.<field>`` where propositions are counted: also the campaign and the delivery that made it, if any."""

OFFER_VARIABLES = ("offer.category", "offer.code", "offer.label", "offer.name")
"""The offer's variables in texts."""
PROPOSITION_VARIABLES = ("proposition.id", "proposition.rank", "proposition.weight")
"""The proposition's variables in rendering functions."""


class ExpressionRole(StrEnum):
    """The role of an expression: what it is a condition on."""

    TARGET = "target"
    """``when`` of environments; a rule's ``contacts``; what campaigns select."""
    OFFER = "offer"
    """``when`` of categories, offers and weights; weight formulas: also ``offer.<field>``."""
    FILTER = "filter"
    """A predefined filter: also ``offer.<field>`` and ``parameter.<name>``."""
    APPLIES_TO = "applies-to"
    """A rule's ``applies_to.when``: the offer and its category only."""
    COUNTED = "counted"
    """A rule's ``counted.when``: the stored proposition only, with the data and the product stored with it."""
    STORED = "stored"
    """A space's extra data: contact, call data, offer, the proposition itself, and its product."""
    POLICY = "policy"
    """A policy's ``require``: its names follow from what it applies to (policy_names.py)."""

    __hash__ = str.__hash__  # a role that is only text, as in records, finds the same


def field_types(fields: Mapping[str, TypedField]) -> dict[str, FieldType]:
    """The types of declared fields, call data or parameters."""
    return {name: field.value_type for name, field in fields.items()}


def known_call_facts(environment: str, spaces: Iterable[str]) -> dict[str, FieldType]:
    """The types of built-in facts where the spaces are known, so that others are reported; call data goes above them.

    What is live is checked without them: it may name a space that only design has.
    """
    names = {"space": tuple(spaces), "environment": (environment,)}
    return {name: FieldType(BaseType.ENUMERATION, values) for name, values in names.items() if values}


def counted_scope(stored: Mapping[str, FieldType], product: Mapping[str, FieldType]) -> NameScope:
    """The names for a rule's ``counted.when``: ``stored`` by spaces, ``product`` as the environment declares it."""
    return NameScope({"proposition": COUNTED_FIELDS, "stored": stored, "product": product})


def expression_scope(
    role: ExpressionRole,
    dimension: str,
    fields: Mapping[str, FieldType],
    call_data: Mapping[str, FieldType],
    parameters: Mapping[str, FieldType] | None = None,
    offer_fields: Mapping[str, FieldType] | None = None,
    product_fields: Mapping[str, FieldType] | None = None,
) -> NameScope:
    """The names for an expression in ``role``, in an environment of ``dimension`` with ``call_data``.

    ``offer_fields``: those that the environment declares; the built-in ones are always there. ``product_fields``: those
    that it declares for products; without any, there is no ``product``.
    """
    contact: dict[str, Mapping[str, FieldType]] = {dimension: fields, "interaction": {**CALL_FACTS, **call_data}}
    offer = {**offer_fields, **OFFER_FIELDS} if offer_fields else OFFER_FIELDS
    match role:
        case ExpressionRole.TARGET:
            return NameScope(contact)
        case ExpressionRole.OFFER:
            return NameScope({**contact, "offer": offer})
        case ExpressionRole.FILTER:
            return NameScope({**contact, "offer": offer, "parameter": parameters or {}})
        case ExpressionRole.APPLIES_TO:
            return NameScope({"offer": {**offer, **APPLIES_TO_FIELDS}, "category": CATEGORY_FIELDS})
        case ExpressionRole.COUNTED:
            return counted_scope({}, product_fields or {})
        case ExpressionRole.POLICY:
            return NameScope({})  # of contacts; its own are those of policy_names.py
        case ExpressionRole.STORED:
            stored = {**contact, "offer": offer, "proposition": PROPOSITION_FIELDS}
            return NameScope({**stored, "product": product_fields} if product_fields else stored)
