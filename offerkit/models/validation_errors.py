"""Messages for invalid values in a resource; pydantic's own mention its types and our classes."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from offerkit.diagnostics import Code, suggestion
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


def explain(model: type[BaseModel], error: ErrorDetails, loc: tuple[str | int, ...]) -> tuple[Code, str, str]:
    """The code, message and hint for one of pydantic's errors in ``model``, at ``loc``."""
    kind = error["type"]
    field = str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        known = sorted(_keys(model, loc[:-1]))
        hint = suggestion(field, known, "Known here: " + ", ".join(known) + "." if known else "")
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
            _hint(kind, error),
        )
    if kind == "literal_error":
        allowed = [str(word).strip("'") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        text = str(error["input"])
        return (
            Code.BAD_VALUE,
            f"“{text[:80]}” is not a {field if field != 'of' else 'value of “of”'}",
            suggestion(text, allowed, f"Known: {', '.join(allowed)}."),
        )
    if kind in ("greater_than_equal", "less_than_equal"):
        word, bound = ("least", "ge") if kind == "greater_than_equal" else ("most", "le")
        return Code.BAD_VALUE, f"“{field}” must be at {word} {error['ctx'][bound]}, not {error['input']}", ""
    if kind in ("string_too_long", "string_too_short", "too_short", "too_long"):
        return Code.BAD_VALUE, f"“{field}” is {_length(kind, error)}", ""
    code = _CODES.get(kind, Code.BAD_VALUE)
    if kind == "name":
        return code, error["msg"], "A name consists of ASCII letters, digits, - and _, at most 64 characters."
    prefix = f"“{field}”: " if kind in ("integer", "amount", "day", "duration", "percentage", "share", "twice") else ""
    return code, prefix + error["msg"], ""


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
    if kind in ("tuple_type", "list_type"):
        return "Write it as a list: [a, b]."
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


def _keys(model: type[BaseModel], loc: tuple[str | int, ...]) -> set[str]:
    """The keys allowed at ``loc`` in ``model``, found through its annotations."""
    current: type[BaseModel] | None = model
    annotation: Any = None
    for part in loc:
        if current is not None:
            fields = {info.alias or name: info for name, info in current.model_fields.items()}
            if part not in fields:
                return set()
            annotation = fields[str(part)].annotation
        current = annotation if _is_model(annotation) else None
        if current is None:
            inner = [item for item in _flatten(annotation) if _is_model(item)]
            if inner and (not isinstance(annotation, type) and not _is_collection(annotation)):
                current = inner[0]
            elif inner:
                annotation = inner[0]
    target = current or (annotation if _is_model(annotation) else None)
    return {info.alias or name for name, info in target.model_fields.items()} if target is not None else set()


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_collection(annotation: object) -> bool:
    origin = getattr(annotation, "__origin__", None)
    return origin in (tuple, list, dict)


def _flatten(annotation: object) -> list[Any]:
    arguments = get_args(annotation)
    return [annotation] if not arguments else [leaf for part in arguments for leaf in _flatten(part)]
