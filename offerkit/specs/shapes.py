"""The shape of every kind in a file: the order of its keys as a reader expects them, and how values are written.

Derived from the models, so that a new field is written without a line here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator

from offerkit.address import SECTIONS, Kind
from offerkit.models import model_of
from offerkit.models.base import Expression, Resource
from offerkit.models.typed_values import GivenValue, ValueText


class Form(Enum):
    """The form of a value in a file."""

    MAP = auto()
    """A map with a closed set of keys."""
    NAMES = auto()
    """A map by name."""
    LIST = auto()
    TEXT = auto()
    NUMBER = auto()
    """A number; it is never quoted."""
    EITHER = auto()
    """Text whose numbers stay unquoted, such as a sample value."""
    SQL = auto()
    """A condition or formula: rather a block than quotes."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One place: its form, and the shapes below it.

    ``block``: never on one line, however short. ``short``: the key whose value stands for the whole map when
    it is the only one.
    """

    form: Form
    keys: dict[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    block: bool = False
    short: str = ""
    first: tuple[str, ...] = ()

    def below(self, key: str) -> Shape:
        """The shape of the value of ``key``; text where the key is not known."""
        return self.keys.get(key) or self.item or TEXT


TEXT = Shape(Form.TEXT)
NUMBER = Shape(Form.NUMBER)
_EITHER = Shape(Form.EITHER)
_SQL = Shape(Form.SQL)

_FIRST = {
    "Offer": ("label", "description", "protected", "template", "category", "code", "enabled"),
    "Campaign": ("label", "description", "protected"),
    "Dimension": ("label", "description", "protected", "key", "visitors", "source", "history"),
    "Weight": ("label", "weight", "formula"),
    "Multiplier": ("factor",),
}
"""Keys that come first where the order of a model's fields, inherited ones before its own, reads badly."""
_BLOCK = ("Render", "Delivery", "Outline")
_SHORT = {"FilterUse": "filter"}
_AS_WRITTEN = [
    part for alias in (ValueText, GivenValue) for part in get_args(alias) if isinstance(part, BeforeValidator)
]
"""What marks a value that may be a number, true or false."""
_CASE_ORDER = (
    "note",
    "space",
    "spaces",
    "contact",
    "key",
    "cookie",
    "session",
    "identification",
    "now",
    "n",
    "categories",
    "themes",
    "data",
    "seed",
    "exclude",
    "history",
    "activated",
    "expect",
)
_CASE_DEPTH = 8
_CONTENT_FIRST = ("title", "text", "html", "image_url", "destination_url")
"""The usual order of content fields in what offerkit writes itself; fmt keeps the author's."""


@cache
def document(*, declares: bool) -> Shape:
    """The shape of a file of ``environments/`` (``declares``), or of ``specs/``."""
    keys = {"version": NUMBER}
    if declares:
        keys["environment"] = of_kind(Kind.ENVIRONMENT)
    else:
        keys |= {section: Shape(Form.NAMES, item=of_kind(kind), block=True) for section, kind in SECTIONS.items()}
    keys["moved"] = Shape(Form.NAMES, item=TEXT, block=True)
    return Shape(Form.MAP, keys, block=True)


@cache
def cases_document() -> Shape:
    """The shape of a file of decision cases; the keys of a case are in the order in which it is read."""
    from offerkit.specs.cases import KEYS

    value = _EITHER
    for _ in range(_CASE_DEPTH):
        value = Shape(Form.EITHER, item=value)
    case = Shape(Form.MAP, dict.fromkeys(_CASE_ORDER, value), item=value)
    keys = {"version": NUMBER, "catalog": value, "activated": Shape(Form.NAMES, item=value, block=True)}
    keys["cases"] = Shape(Form.NAMES, item=case, block=True)
    return Shape(Form.MAP, {key: keys[key] for key in KEYS}, block=True)


@cache
def of_kind(kind: Kind) -> Shape:
    """The shape of a resource of ``kind``."""
    return _model(model_of(kind))


@cache
def _model(model: type[BaseModel]) -> Shape:
    hints = get_type_hints(model, include_extras=True)
    keys: dict[str, Shape] = {}
    for name, info in model.model_fields.items():
        shape = _shape(hints[name])
        if (model.__name__ == "FilterUse" and name == "values") or get_args(hints[name])[1:] == (GivenValue,):
            shape = Shape(Form.NAMES, item=_EITHER)
        elif name == "content":
            shape = _content()
        elif name == "representations":
            shape = Shape(Form.NAMES, item=_content(), block=True)
        keys[info.alias or name] = shape
    first = _FIRST.get(model.__name__, ())
    ordered = {key: keys[key] for key in (*first, *(key for key in keys if key not in first))}
    if model.__name__ == "Dimension":
        ordered["fields"] = ordered.pop("fields")
    block = issubclass(model, Resource) or model.__name__ in _BLOCK
    return Shape(Form.MAP, ordered, block=block, short=_SHORT.get(model.__name__, ""))


def _content() -> Shape:
    return Shape(Form.NAMES, item=TEXT, block=True, first=_CONTENT_FIRST)


def _shape(hint: Any) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        expression = get_args(Expression)[1]
        if any(part in _AS_WRITTEN for part in arguments[1:]):
            return _EITHER
        return _SQL if any(part is expression for part in arguments[1:]) else _shape(arguments[0])
    if origin in (Union, UnionType):
        return _shape(next(part for part in arguments if part is not type(None)))
    if origin is dict:
        return Shape(Form.NAMES, item=_shape(arguments[1]), block=True)
    if origin is tuple:
        return Shape(Form.LIST, item=_shape(arguments[0]))
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _model(hint)
    return NUMBER if hint in (int, Decimal) else TEXT
