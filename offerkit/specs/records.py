"""Raw resources → records and canonical bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from offerkit.address import Kind
from offerkit.diagnostics import Code, Diagnostic
from offerkit.fingerprint import JsonPath, canonical, fingerprint
from offerkit.models import model_of
from offerkit.models.base import Resource
from offerkit.specs.facts import expressions, given, themes, types
from offerkit.specs.inside import Source
from offerkit.specs.project import SpecFile
from offerkit.specs.record import Facts, Misfit, Record
from offerkit.specs.schema_errors import diagnose
from offerkit.specs.sections import Raw
from offerkit.specs.yaml_events import YamlMap, locate, unpack
from offerkit.state.references import resource_refs
from offerkit.templates.scan import is_template
from offerkit.templates.templates import inspect
from offerkit.templates.urls import names_database, template_fault, url_fault

_PLAIN_FIELDS = frozenset({"title", "html", "text"})
"""What every offer has and no space makes a URL of: it is not asked for each of many offers whether it could be one."""
INBOUND = ("inbound-web", "inbound-call-center", "inbound-mobile")


def validate(file: str, document: YamlMap, raw: Raw, found: list[Diagnostic]) -> Resource | None:
    """The typed resource, or None with every mistake in it appended to ``found``."""
    model = model_of(raw.address.kind)
    try:
        return model.model_validate(raw.value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] == "too_short" and detail["input"]:
                continue  # only because of items with mistakes of their own
            found.append(diagnose(file, document, raw, model, detail))
        return None


def record_of(
    source: SpecFile, document: YamlMap, raw: Raw, resource: Resource | None, found: list[Diagnostic]
) -> tuple[Record, bytes]:
    """The record and canonical body of a resource; an invalid one keeps its name and has neither."""
    address = raw.address
    position = unpack(source.path, locate(document, raw.path, on_key=True))
    if resource is None:
        return Record(address, address.environment, address.kind, address.name, "", position, valid=False), b""
    body = canonical(resource.body())
    before = len(found)
    facts = _facts(source, document, raw, resource, found)._replace(themes=themes(address.kind, resource))
    record = Record(
        address, address.environment, address.kind, address.name, fingerprint(address.kind, body), position,
        tuple(resource_refs(address, resource)), facts, valid=len(found) == before,
    )  # fmt: skip
    return record, body


def _facts(source: SpecFile, document: YamlMap, raw: Raw, resource: Any, found: list[Diagnostic]) -> Facts:
    kind = raw.address.kind
    written = expressions(kind, resource)
    found += _unreachable(source, document, raw, resource)
    match kind:
        case Kind.OFFER | Kind.TEMPLATE:
            return Facts(
                fields=tuple(resource.content),
                representations={name: tuple(fields) for name, fields in resource.representations.items()},
                spaces=resource.spaces,
                variables=_variables(source, document, raw, _texts(resource), found),
                misfits=tuple(_misfits(_texts(resource))),
                expressions=written,
                given=given(resource),
            )
        case Kind.SPACE:
            web, outbound = resource.channel == INBOUND[0], resource.channel not in INBOUND
            marks = (("unitary", resource.unitary), ("outbound", outbound), ("web", web))
            markup = frozenset(field.name for field in resource.fields if field.format == "html")
            outputs: dict[JsonPath, str] = {
                ("render", name): text for name, text in resource.render if text is not None
            }
            return Facts(
                fields=tuple(field.name for field in resource.fields),
                required=tuple(field.name for field in resource.fields if field.required),
                keys=resource.identification.keys,
                flags=tuple(flag for flag, on in marks if on),
                variables=_variables(source, document, raw, outputs, found, markup),
                types=tuple((field.name, field.format, ()) for field in resource.fields),
                expressions=written,
            )
        case Kind.DIMENSION:
            return Facts(fields=tuple(resource.fields), keys=resource.key, types=types(resource.fields))
        case Kind.ENVIRONMENT:
            flags = ("anonymous",) if resource.anonymous else ()
            data = resource.call_data
            return Facts(fields=tuple(data), flags=flags, types=types(data), expressions=written)
        case Kind.FILTER:
            needed = tuple(name for name, parameter in resource.parameters.items() if parameter.default is None)
            return Facts(required=needed, types=types(resource.parameters), expressions=written)
        case Kind.OPERATOR:
            flags = ("automation",) if resource.automation else ()
            accounts = resource.accounts.model_dump(exclude_none=True).items()
            return Facts(
                fields=tuple(f"{forge}:{account}" for forge, account in accounts),
                flags=flags,
                keys=(resource.email,) if resource.email else (),
            )
        case Kind.POLICY:
            return Facts(keys=resource.applies_to, expressions=written)
        case _:
            return Facts(expressions=written)


def _unreachable(source: SpecFile, document: YamlMap, raw: Raw, resource: Any) -> Iterator[Diagnostic]:
    """The addresses that lead nowhere: of contacts' databases, and of the sites that may ask.

    Models take them: what is live with them must stay readable.
    """
    wrong: list[tuple[JsonPath, str, str]] = []
    if raw.address.kind is Kind.DIMENSION and resource.source and resource.source.url:
        if not names_database(resource.source.url):
            hint = "Write postgresql://USER@HOST/DATABASE, or sqlite:///PATH for a file of the project."
            wrong.append((("source", "url"), "“url” is not the URL of a database", hint))
    elif raw.address.kind is Kind.ENVIRONMENT:
        written: Any = raw.value  # in the order of the file; the model sorts them
        for place, origin in enumerate(written["inbound"]["origins"] if resource.inbound.origins else ()):
            if fault := url_fault(str(origin)):
                hint = "Write scheme and host, with the port if need be, as in https://www.bank.example:8443."
                wrong.append((("inbound", "origins", place), f"“{origin:.80}” is not an origin: {fault.reason}", hint))
    for path, summary, hint in wrong:
        position = unpack(source.path, locate(document, (*raw.path, *path)))
        yield Diagnostic(Code.BAD_VALUE, summary, hint=hint, address=str(raw.address), position=position)


def _texts(resource: Any) -> dict[JsonPath, str]:
    texts: dict[JsonPath, str] = {("content", field): text for field, text in resource.content.items()}
    for space, fields in resource.representations.items():
        texts |= {("representations", space, field): text for field, text in fields.items()}
    return texts


def _misfits(texts: dict[JsonPath, str]) -> Iterator[Misfit]:
    """The texts that are no URL, or no HTML; whether a space's field asks for that is seen with the spaces."""
    for path, text in texts.items():
        if path[-1] not in _PLAIN_FIELDS and not inspect(text).error and (fault := template_fault(text)):
            yield Misfit(path, "url", fault.reason, fault.at)
        if path[-1] != "html" and "<" in text and (seen := inspect(text, html=True)).error and not inspect(text).error:
            yield Misfit(path, "html", seen.error, seen.at or 0)


def _variables(
    source: SpecFile,
    document: YamlMap,
    raw: Raw,
    texts: dict[JsonPath, str],
    found: list[Diagnostic],
    markup: frozenset[str] = frozenset(),
) -> tuple[tuple[str, JsonPath], ...]:
    used: list[tuple[str, JsonPath]] = []
    for path, text in texts.items():
        html, xml = path[-1] == "html", path == ("render", "xml")
        if not (html or is_template(text)):
            continue
        seen = inspect(text, html=html, xml=xml, markup=markup if html else frozenset())
        if seen.error:
            at = start = locate(document, (*raw.path, *path))
            if seen.at is not None or seen.line > 1:
                offset = seen.at if seen.at is not None else _line_start(text, seen.line)
                at = Source(source.content).inside(start, text, offset)
            where = f" (line {seen.line} of it)" if seen.line > 1 and at == start else ""
            what, hint = (
                "the template cannot be read",
                "Values are written {{ recipient.first_name }}; blocks {% if … %}…{% endif %}.",
            )
            if not is_template(text):  # links are all that is wrong with plain HTML
                what, hint = "this HTML could not be shown", "Let links lead to https://host/path."
            found.append(
                Diagnostic(
                    Code.TEMPLATE_SYNTAX, f"{what}: {seen.error}{where}", hint=hint,
                    address=str(raw.address), position=unpack(source.path, at),
                )
            )  # fmt: skip
        used += [(variable, path) for variable in seen.variables]
    return tuple(used)


def _line_start(text: str, line: int) -> int:
    """The offset of the first character of a line (from 1) that is no space."""
    lines = text.split("\n")
    start = sum(len(before) + 1 for before in lines[: line - 1])
    return start + len(lines[line - 1]) - len(lines[line - 1].lstrip()) if line <= len(lines) else len(text)
