"""docs/reference/properties.md: every property of every kind, from the models."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from offerkit.address import SECTION_OF, SHARED_KINDS, Kind
from offerkit.models import base, model_of, typed_values
from offerkit_docs import markdown
from offerkit_docs.meanings import MEANINGS

TYPES: dict[str, tuple[object, str]] = {
    "text": (base.Text, "Up to 200,000 characters."),
    "label": (base.Label, "A text of up to 200 characters, for display."),
    "SQL": (base.Expression, "A SQL condition or formula, up to 10,000 characters ([rules](../rules.md))."),
    "value": (typed_values.GivenValue, "A text, a number, `true`, `false`, a date, or a list of texts, as declared."),
    "flag": (base.Flag, "`true` or `false`. YAML 1.2: `yes` and `no` are texts, and refused here."),
    "integer": (base.Integer, "A whole number; `010` is ten."),
    "number": (base.Amount, "A decimal number, exact: `10`, `10.0` and `1e1` are the same."),
    "weight": (base.Weighting, "A number that is not negative."),
    "date": (base.Day, "A whole day, `YYYY-MM-DD`, in the environment's time zone."),
    "duration": (base.Duration, "Days and hours: `30d`, `6h`, `2d 6h`."),
    "percentage": (base.Percentage, "A share from `0%` to `100%`, with at most four decimals: `10%`, `2.5%`."),
    "name": (base.Name, "ASCII letters, digits, `-` and `_`; begins with a letter or digit; at most 64 characters."),
    "path": (base.CategoryPath, "A category: up to eight names joined by `/`."),
    "names": (base.NameSet, "A list of names whose order means nothing."),
    "paths": (base.PathSet, "A list of categories whose order means nothing."),
    "ordered names": (base.NameList, "A list of names whose order counts."),
}
"""The words for the field types, and what they mean."""

INTRO = """\
Every property of every kind: its type, its default and what it means. A path such as `eligible.from` is the key
`from` below `eligible`; `weights[]` is an item of a list; `<name>` is a name that you choose. A default of “—”
means that nothing is there. A property that is left out and one that is given its default are the same, down to
the fingerprint; on an offer both mean “as the template says” ([templates](../spec-files.md#templates))."""


class Row(NamedTuple):
    """One property: where it stands, what it takes, what it is without it, what it means."""

    path: str
    type: str
    default: str
    meaning: str


def hints(model: type[BaseModel]) -> list[Any]:
    """The annotations of ``model``'s properties, in order."""
    found = get_type_hints(model, include_extras=True)
    return [found[name] for name in model.model_fields]


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[Row]:
    """Every property of ``model``, each followed by those below it."""
    for (name, info), hint in zip(model.model_fields.items(), hints(model), strict=True):
        path = prefix + (info.alias or name)
        word, inner, suffix = type_of(hint)
        yield Row(path, word + _limits(info), _default(info), _meaning(model, name, info, inner))
        if inner is not None:
            yield from rows(inner, f"{path}{suffix}.")


def type_of(hint: Any) -> tuple[str, type[BaseModel] | None, str]:
    """The word for a type; the model of what is below it, if any; how a path goes on to that."""
    for word, (alias, _) in TYPES.items():
        if hint is alias:
            return word, None, ""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return type_of(arguments[0])
    if origin in (Union, UnionType):
        return type_of(next(part for part in arguments if part is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments), None, ""
    if origin is dict:
        word, inner, _ = type_of(arguments[1])
        return ("map by name" if inner else f"map by name of {word}"), inner, ".<name>"
    if origin is tuple:
        word, inner, _ = type_of(arguments[0])
        return ("list" if inner else f"list of {word}"), inner, "[]" if inner else ""
    if _is_model(hint):
        return "map", hint, ""
    return "text", None, ""


def _is_model(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _limits(info: FieldInfo) -> str:
    low = next((part.ge for part in info.metadata if isinstance(part, Ge)), None)
    high = next((part.le for part in info.metadata if isinstance(part, Le)), None)
    least = next((part.min_length for part in info.metadata if isinstance(part, MinLen)), None)
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", at least {low}"
    many = get_origin(info.annotation) in (tuple, dict)
    return f", at least {least}" if least and many else ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if value in (None, "", (), {}) or isinstance(value, BaseModel):
        return "—"
    return f"`{value}`"


def _meaning(model: type[BaseModel], name: str, info: FieldInfo, inner: type[BaseModel] | None) -> str:
    """What a property means: its own description, else ours, else what the part below it says of itself."""
    owner = next(each for each in model.__mro__ if name in inspect.get_annotations(each))
    known = info.description or MEANINGS.get(f"{owner.__name__}.{name}", "")
    if not known and inner is not None:
        known = markdown.prose(inner.__doc__).partition("\n\n")[0]
    return markdown.prose(known)


def place(kind: Kind) -> str:
    """Where resources of ``kind`` are written and how they are addressed."""
    if kind is Kind.ENVIRONMENT:
        return "Key `environment` of `environments/NAME.yaml`. Address: `environment.NAME`."
    if kind is Kind.CASES:
        return "A file in `cases/`, for each environment that its cases ask. Address: `ENVIRONMENT/cases.PATH`."
    section = SECTION_OF[kind]
    if kind in SHARED_KINDS:
        return f"Section `{section}` of a file directly in `specs/`. Address: `{kind}.NAME`."
    name = "PATH" if kind is Kind.CATEGORY else "NAME"
    return f"Section `{section}` of a file in `specs/ENVIRONMENT/`. Address: `ENVIRONMENT/{kind}.{name}`."


def _section(kind: Kind) -> str:
    model = model_of(kind)
    found = [(f"`{row.path}`", row.type, row.default, row.meaning) for row in rows(model)]
    body = markdown.table(["Property", "Type", "Default", "Meaning"], found)
    return f"## {kind}\n\n{markdown.prose(model.__doc__)}\n\n{place(kind)}\n\n{body}"


def page() -> str:
    """The page."""
    types = markdown.table(["Type", "Meaning"], [(word, meaning) for word, (_, meaning) in TYPES.items()])
    return markdown.page("Properties", INTRO, [f"## Types\n\n{types}", *map(_section, Kind)])
