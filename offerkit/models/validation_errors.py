"""Messages for invalid values in a resource; pydantic's own mention its types and our classes."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from offerkit.diagnostics import Code, nearest, or_list, suggestion
from offerkit.models.base import Number

EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
    "integer": "a whole number",
    "amount": "a number",
}
_CODES = {
    "name": Code.BAD_NAME,
    "period": Code.PERIOD_ORDER,
    "missing": Code.MISSING,
    "amount": Code.WRONG_TYPE,
    "integer": Code.WRONG_TYPE,
    "day": Code.WRONG_TYPE,
    "duration": Code.WRONG_TYPE,
    "percentage": Code.WRONG_TYPE,
}

_NOUNS = frozenset({"channel", "format", "severity", "status", "type", "verb"})
"""The fields that are called what their values are."""
_SURE = 0.65
"""How alike a word and what was meant must be."""
_FEW = 8
_LISTS = ("tuple_type", "list_type")


def explain(model: type[BaseModel], error: ErrorDetails, loc: tuple[str | int, ...]) -> tuple[Code, str, str]:
    """The code, message and hint for one of pydantic's errors in ``model``, at ``loc``."""
    kind = error["type"]
    field = str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        hint = _place_of_key(field, _at(model, loc[:-1]))
        if set(field) & set("()'") and error["input"] is None:
            hint = "Part of the value before? Quote that value: {…} needs quotes around commas, brackets and “: ”."
        if field == "<<":
            hint = "YAML 1.2 has no merge keys; put what offers share into a template."
        return Code.UNKNOWN_KEY, f"unknown field “{field[:80]}”", hint
    if kind == "missing":
        return Code.MISSING, f"the field “{field}” is missing", f"Add “{field}:”."
    if kind in EXPECTED and kind not in ("integer", "amount"):
        return (
            Code.WRONG_TYPE,
            f"“{field}” must be {EXPECTED[kind]}, not {_describe(error['input'])}",
            _hint(kind, error) or _shape(kind, error["input"], _at(model, (*loc, 0) if kind in _LISTS else loc)),
        )
    if kind == "literal_error":
        allowed = [str(word).strip("'") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        text = str(error["input"])
        summary = f"“{text[:80]}” is not a {field}" if field in _NOUNS else f"“{field}” cannot be “{text[:80]}”"
        return Code.BAD_VALUE, summary, _nearest_of(text, allowed)
    if kind in ("greater_than_equal", "less_than_equal"):
        word, bound = ("least", "ge") if kind == "greater_than_equal" else ("most", "le")
        return Code.BAD_VALUE, f"“{field}” must be at {word} {error['ctx'][bound]}, not {error['input']}", ""
    if kind in ("string_too_long", "string_too_short", "too_short", "too_long"):
        return Code.BAD_VALUE, f"“{field}” is {_length(kind, error)}", ""
    code = _CODES.get(kind, Code.BAD_VALUE)
    if kind == "name":
        return code, error["msg"], "A name consists of ASCII letters, digits, - and _, at most 64 characters."
    prefix = f"“{field}”: " if kind in ("integer", "amount", "day", "duration", "percentage", "share", "twice") else ""
    return code, prefix + error["msg"], str(error.get("ctx", {}).get("hint", ""))


def _place_of_key(key: str, target: type[BaseModel] | None) -> str:
    """Where an unknown key belongs: a key that is spelled alike, or the map of this place that has it."""
    known = sorted(_keys(target))
    if nearest(key, known, alike=_SURE):
        return suggestion(key, known)
    below = [name for name in known if target is not None and key in _keys(_at(target, (name,)))]
    if below:
        return f"Write it under {below[0]}: {below[0]}: {{{key}: …}}."
    return f"Known here: {', '.join(known)}." if known else ""


def _nearest_of(text: str, allowed: list[str]) -> str:
    """A hint with the words that are spelled like ``text`` or contain it; else all that are allowed."""
    near = nearest(text, allowed, alike=_SURE) or [word for word in allowed if text in word.split("-")]
    return f"Did you mean {or_list(near)}?" if near else f"Known: {', '.join(allowed)}."


def _shape(kind: str, value: object, target: type[BaseModel] | None) -> str:
    """How the expected list or map is written. ``target``: the model of the map, or of the list's items."""
    keys = list(_keys(target))
    if kind in _LISTS:
        plain = value if isinstance(value, str) and value.replace("-", "a").replace(".", "a").isalnum() else "a, b"
        return f"Write it as a list: [{f'{{{keys[0]}: …}}' if keys else plain[:40]}]."
    if kind == "dict_type":
        return "Write it as a map by name: {NAME: …}."
    return f"Write it as a map, with keys out of: {', '.join(keys)}." if 0 < len(keys) <= _FEW else ""


def _length(kind: str, error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if kind in ("string_too_short", "too_short"):
        return "empty" if context.get("min_length") == 1 else f"shorter than {context.get('min_length')}"
    return f"longer than {context.get('max_length'):,}"


def _hint(kind: str, error: ErrorDetails) -> str:
    value = error["input"]
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off"):
        meant = "true" if value.lower() in ("yes", "on") else "false"
        return f"In YAML 1.2 {value} is text; write {meant}."
    if kind == "string_type" and isinstance(value, bool):
        return "Quote it if you mean the word itself."
    return ""


def _describe(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case Number():
            return f"the number {value[:40]}"
        case str():
            return f"“{value[:40]}{'…' if len(value) > 40 else ''}”"
        case dict():
            return "a map"
        case list():
            return "a list"
        case _:
            return "something else"


def _keys(model: type[BaseModel] | None) -> dict[str, Any]:
    """The keys of a map that ``model`` describes, each with the annotation of its value; none without a model."""
    fields = model.model_fields if model is not None else {}
    return {info.alias or name: info.annotation for name, info in fields.items()}


def _at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model of what is at ``loc`` in ``model``, by its annotations; None if that is not a map with keys."""
    annotation: Any = model
    for part in loc:
        annotation = _bare(annotation)
        if _is_model(annotation):
            annotation = _keys(annotation).get(str(part))
        elif get_origin(annotation) in (tuple, list, dict):
            annotation = next((item for item in reversed(get_args(annotation)) if item is not ...), None)
    annotation = _bare(annotation)
    return annotation if _is_model(annotation) else None


def _bare(annotation: Any) -> Any:
    """An annotation without what is added to it, and without None."""
    while get_origin(annotation) is Annotated or isinstance(annotation, UnionType) or get_origin(annotation) is Union:
        annotation = next(item for item in get_args(annotation) if item is not NoneType)
    return annotation


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
