"""Parses and checks one file on its own, and locates mistakes in the files that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from offerkit.address import SECTION_OF, Address, Kind
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, suggestion
from offerkit.fingerprint import JsonPath, canonical, fingerprint
from offerkit.models import model_of
from offerkit.models.base import Resource
from offerkit.models.expression_scopes import CHANNELS
from offerkit.models.ssh_key import key_fingerprint
from offerkit.models.typed_values import type_error
from offerkit.models.validation_errors import EXPECTED, explain
from offerkit.specs.campaigns import (
    SLOTS,
    message_bodies,
    names_of_run,
    slots_by_delivery,
    tracking_bodies,
    unshown_slots,
)
from offerkit.specs.facts import expressions, filter_values, offer_fields, themes, types
from offerkit.specs.project import SpecFile
from offerkit.specs.record import Misfit, Mistake, Record, ResourceFacts
from offerkit.specs.sections import RawResource, moves, sections
from offerkit.specs.text_positions import TextPositions
from offerkit.specs.yaml_reader import parse
from offerkit.specs.yaml_values import Value, YamlList, YamlMap, locate, text_at, unpack, value_at
from offerkit.state.references import resource_refs
from offerkit.templates.assets import OUTWARDS, leads_out, path_fault
from offerkit.templates.inspection import inspect
from offerkit.templates.links import has_no_links
from offerkit.templates.scan import is_template, where_named
from offerkit.templates.space import is_image, is_path
from offerkit.templates.urls import names_database, service_trouble, template_fault, url_fault


@dataclass
class Parsed:
    """A parsed file: its records, canonical bodies by address, renames with their positions, and mistakes.

    ``row``: what the cache keeps of it, if it has no mistakes. ``names_lost``: some of the file could not be read, so
    that not all the names that it declares are known.
    """

    records: list[Record] = field(default_factory=list)
    bodies: dict[Address, bytes] = field(default_factory=dict)
    moves: dict[Address, tuple[Address, int, int]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    row: Any = None
    names_lost: bool = False

    def add(self, made: Iterable[tuple[Record, bytes]]) -> None:
        """Records with their canonical bodies."""
        for record, body in made:
            self.records.append(record)
            self.bodies[record.address] = body


def parse_file(file: SpecFile) -> Parsed:
    """Parse and check ``file``; its mistakes are collected, not raised."""
    parsed = Parsed()
    try:
        document, diagnostics = parse(file.path, file.content)
    except Refused as refused:
        parsed.diagnostics += refused.diagnostics
        parsed.names_lost = True
        return parsed
    parsed.diagnostics += diagnostics
    if file.has_cases:
        from offerkit.specs.cases import applied_cases

        parsed.add(applied_cases(file, document, parsed.diagnostics))
        return parsed
    structural: list[Diagnostic] = []
    for raw in sections(file, document, structural):
        assert isinstance(document, YamlMap)
        resource = validate(file.path, document, raw, parsed.diagnostics)
        record, body = record_of(file, document, raw, resource, parsed.diagnostics)
        parsed.add([(record, body)])
    parsed.diagnostics += structural
    parsed.names_lost = bool(structural)
    for move in moves(file, document, parsed.diagnostics):
        position = unpack(file.path, locate(document, move.path, on_key=True))
        parsed.moves[move.before] = (move.after, position.line, position.column)
    return parsed


def diagnostics_of(files: list[SpecFile], findings: list[Mistake]) -> list[Diagnostic]:
    """Mistakes as diagnostics, each at the exact key or value that it is about."""
    documents: dict[str, Value] = {}
    sources: dict[str, TextPositions] = {}
    contents = {file.path: file.content for file in files}

    def position(finding: Mistake) -> Position:
        record = finding.record
        file = record.position.file
        if not finding.path:
            return record.position
        if file not in documents:
            documents[file] = parse(file, contents[file])[0]
        path = _to_item(documents[file], (*_root(record), *finding.path), finding.named)
        at = locate(documents[file], path, on_key=finding.on_key)
        offset = finding.offset
        if finding.named:
            offset = where_named(text_at(documents[file], path), finding.named)
        if offset is not None:
            if file not in sources:
                sources[file] = TextPositions(contents[file])
            at = sources[file].inside(at, text_at(documents[file], path), offset)
        return unpack(file, at)

    return [
        Diagnostic(
            finding.code,
            finding.summary,
            finding.detail,
            finding.hint,
            finding.record.address,
            position(finding),
            related=tuple((text, record.position) for text, record in finding.related),
        )
        for finding in findings
    ]


def _to_item(document: Value, path: JsonPath, named: str) -> JsonPath:
    """``path``, which may count in another order than the file, to the item of a list of names that is ``named``."""
    items = value_at(document, path[:-1]) if isinstance(path[-1], int) else None
    return (*path[:-1], items.index(named)) if isinstance(items, YamlList) and named in items else path


def _root(record: Record) -> tuple[str, ...]:
    """Where the resource is in its file; a file of cases is one itself."""
    if record.kind is Kind.CASES:
        return ()
    return ("environment",) if record.kind is Kind.ENVIRONMENT else (SECTION_OF[record.kind], record.name)


_PLAIN_FIELDS = frozenset({"title", "html", "text"})
"""Fields that nearly every offer has and no space uses as a URL: skipped, to save time with many offers."""
INBOUND = tuple(channel for channel in CHANNELS if channel.startswith("inbound-"))


def validate(file: str, document: YamlMap, raw: RawResource, diagnostics: list[Diagnostic]) -> Resource | None:
    """The typed resource; None if it is invalid, with every mistake appended to ``diagnostics``."""
    model = model_of(raw.address.kind)
    try:
        return model.model_validate(
            dict(raw.value) if type(raw.value) is YamlMap else raw.value
        )  # exact maps are faster
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] == "too_short" and detail["input"]:
                continue  # only too short because its items have mistakes of their own
            diagnostics.append(diagnose(file, document, raw, model, detail))
        return None


def record_of(
    source: SpecFile, document: YamlMap, raw: RawResource, resource: Resource | None, diagnostics: list[Diagnostic]
) -> tuple[Record, bytes]:
    """The record and canonical body of a resource. An invalid one has a record without a fingerprint, and no body."""
    address = raw.address
    position = unpack(source.path, locate(document, raw.path, on_key=True))
    if resource is None:
        return Record(address, address.environment, address.kind, address.name, "", position, valid=False), b""
    body = canonical(resource.body())
    mistakes_before = len(diagnostics)
    facts = _facts(source, document, raw, resource, diagnostics)
    if asked := themes(address.kind, resource):
        facts = facts._replace(themes=asked)
    record = Record(
        address,
        address.environment,
        address.kind,
        address.name,
        fingerprint(address.kind, body),
        position,
        tuple(resource_refs(address, resource)),
        facts,
        valid=len(diagnostics) == mistakes_before,
    )
    return record, body


def _facts(
    source: SpecFile, document: YamlMap, raw: RawResource, resource: Any, diagnostics: list[Diagnostic]
) -> ResourceFacts:
    kind = raw.address.kind
    written = expressions(kind, resource)
    diagnostics += _unreachable(source, document, raw, resource)
    match kind:
        case Kind.OFFER | Kind.TEMPLATE:
            texts = _texts(resource)
            return ResourceFacts(
                fields=tuple(resource.content),
                representations={name: tuple(fields) for name, fields in resource.representations.items()},
                spaces=resource.spaces,
                variables=_variables(source, document, raw, texts, diagnostics),
                misfits=tuple(_misfits(texts)),
                expressions=written,
                filter_values=filter_values(resource),
                field_values=resource.fields,
            )
        case Kind.CATEGORY:
            return ResourceFacts(
                expressions=written, filter_values=filter_values(resource), field_values=resource.fields
            )
        case Kind.SPACE:
            web, outbound = resource.channel == "inbound-web", resource.channel not in INBOUND
            flags_set = {"unitary": resource.unitary, "outbound": outbound, "web": web}
            flags_set |= {"evidence": resource.storage.evidence, "unstored": not resource.storage.enabled}
            markup = frozenset(field.name for field in resource.fields if field.format == "html")
            outputs: dict[JsonPath, str] = {
                ("render", name): text for name, text in resource.render if text is not None
            }
            return ResourceFacts(
                fields=tuple(field.name for field in resource.fields),
                required=tuple(field.name for field in resource.fields if field.required),
                keys=resource.identification.keys,
                flags=tuple(flag for flag, on in flags_set.items() if on),
                variables=_variables(source, document, raw, outputs, diagnostics, markup),
                types=tuple((field.name, field.format, ()) for field in resource.fields),
                expressions=written,
            )
        case Kind.DIMENSION:
            return ResourceFacts(fields=tuple(resource.fields), keys=resource.key, types=types(resource.fields))
        case Kind.ENVIRONMENT:
            has = {"anonymous": resource.anonymous, "assets": resource.assets is not None}
            flags = tuple(flag for flag, on in has.items() if on)
            data = resource.call_data
            return ResourceFacts(
                fields=tuple(data),
                keys=tuple(resource.call_data_examples),
                flags=flags,
                types=types(data),
                expressions=written,
                filter_values=filter_values(resource),
                offer_fields=offer_fields(resource.offer_fields),
                product_fields=types(resource.product_fields),
            )
        case Kind.FILTER:
            needed = tuple(name for name, parameter in resource.parameters.items() if parameter.default is None)
            return ResourceFacts(required=needed, types=types(resource.parameters), expressions=written)
        case Kind.OPERATOR:
            flags = ("automation",) if resource.automation else ()
            accounts = resource.accounts.model_dump(exclude_none=True).items()
            signing_keys = (f"key:{key_fingerprint(each.key)}" for each in resource.keys)
            return ResourceFacts(
                fields=(*(f"{forge}:{account}" for forge, account in accounts), *signing_keys),
                flags=flags,
                keys=(resource.email,) if resource.email else (),
            )
        case Kind.POLICY:
            return ResourceFacts(keys=resource.applies_to, expressions=written)
        case Kind.CAMPAIGN:
            diagnostics += [*_unshown(source, document, raw, resource), *_tracking(source, document, raw, resource)]
            used = _variables(source, document, raw, message_bodies(resource), diagnostics, frozenset({SLOTS}))
            return ResourceFacts(
                variables=(*used, *names_of_run(resource)),
                representations=slots_by_delivery(resource),
                expressions=written,
            )
        case _:
            return ResourceFacts(expressions=written)


def _unreachable(source: SpecFile, document: YamlMap, raw: RawResource, resource: Any) -> Iterator[Diagnostic]:
    """Invalid addresses (URLs of contacts databases, of images, allowed origins), and examples that cannot be used.

    The models accept them, since what is live with them must stay readable.
    """
    wrong: list[tuple[JsonPath, str, str]] = []
    if raw.address.kind is Kind.DIMENSION and resource.source and resource.source.url:
        if not names_database(resource.source.url):
            hint = "Write postgresql://USER@HOST/DATABASE, or sqlite:///PATH for a file of the project."
            wrong.append((("source", "url"), "“url” is not the URL of a database", hint))
    elif raw.address.kind is Kind.ENVIRONMENT:
        if resource.assets is not None and (reason := _assets_trouble(resource.assets)):
            hint = "Write scheme, host and path, and end with /, as in https://cdn.example/img/."
            wrong.append((("assets",), f"“assets” is not the address of a folder of images: {reason}", hint))
        written: Any = raw.value  # in the file's order; the model sorts them
        for number, origin in enumerate(written["inbound"]["origins"] if resource.inbound.origins else ()):
            if fault := url_fault(str(origin)):
                hint = "Write scheme and host, with the port if needed, as in https://www.bank.example:8443."
                wrong.append((("inbound", "origins", number), f"“{origin:.80}” is not an origin: {fault.reason}", hint))
        wrong += _bad_examples(resource)
    for path, summary, hint in wrong:
        position = unpack(source.path, locate(document, (*raw.path, *path)))
        yield Diagnostic(Code.BAD_VALUE, summary, hint=hint, address=str(raw.address), position=position)


def _unshown(source: SpecFile, document: YamlMap, raw: RawResource, campaign: Any) -> Iterator[Diagnostic]:
    for path, slot in unshown_slots(campaign):
        yield Diagnostic(
            Code.SLOT_NOT_SHOWN,
            f"the body does not show slot “{slot}”",
            "Its offers would be stored as proposed, and no recipient would see them.",
            f"Write {{{{ slots.{slot} }}}} in the body, or remove the slot.",
            address=str(raw.address),
            position=unpack(source.path, locate(document, (*raw.path, *path))),
        )


def _bad_examples(environment: Any) -> Iterator[tuple[JsonPath, str, str]]:
    """The values of examples that no call of the environment could pass: path, summary, hint."""
    declared = environment.call_data
    for name, values in environment.call_data_examples.items():
        for key, value in values.items():
            path = ("call_data_examples", name, key)
            if key not in declared:
                hint = suggestion(key, declared, "Declare it under call_data, or remove it.")
                yield path, f"there is no call data “{key}”", hint
            elif why := type_error(list(value) if isinstance(value, tuple) else value, declared[key].value_type):
                type_ = declared[key].value_type
                known = f"Known: {', '.join(type_.values)}." if type_.values else ""
                hint = suggestion(str(value), type_.values, known) or f"It is declared as {type_.base}."
                yield path, f"the example “{name}” does not fit {key}: {why}", hint


def _tracking(source: SpecFile, document: YamlMap, raw: RawResource, campaign: Any) -> Iterator[Diagnostic]:
    for path in tracking_bodies(campaign):
        yield Diagnostic(
            Code.TEMPLATE_SYNTAX,
            "a body cannot use status_url",
            "It is around the offers, and a link in it has no proposition whose status it could set.",
            "Use it in the rendering functions of the space.",
            address=str(raw.address),
            position=unpack(source.path, locate(document, (*raw.path, *path))),
        )


def _assets_trouble(assets: str) -> str:
    if trouble := service_trouble(assets):
        return trouble
    if leads_out(assets):
        return OUTWARDS
    return "" if assets.endswith("/") else "it does not end with /"


def _texts(resource: Any) -> dict[JsonPath, str]:
    texts: dict[JsonPath, str] = {("content", field): text for field, text in resource.content.items()}
    for space, fields in resource.representations.items():
        texts |= {("representations", space, field): text for field, text in fields.items()}
    return texts


def _misfits(texts: dict[JsonPath, str]) -> Iterator[Misfit]:
    """The texts that are not valid as a URL, or as HTML; whether a space needs that is checked with the spaces."""
    for path, text in texts.items():
        as_url, as_html = path[-1] not in _PLAIN_FIELDS, "<" in text and path[-1] != "html"
        if not (as_url or as_html) or (is_template(text) and inspect(text).error):
            continue
        if as_url and (fault := template_fault(text)):
            is_asset = is_image(str(path[-1])) and is_path(text)
            if is_asset and (wrong := path_fault(text)):
                yield Misfit(path, "path", wrong.reason, wrong.at)
            yield Misfit(path, "asset" if is_asset else "url", fault.reason, fault.at)
        if as_html and (inspection := inspect(text, html=True)).error:
            yield Misfit(path, "html", inspection.error, inspection.at or 0)


def _variables(
    source: SpecFile,
    document: YamlMap,
    raw: RawResource,
    texts: dict[JsonPath, str],
    diagnostics: list[Diagnostic],
    markup: frozenset[str] = frozenset(),
) -> tuple[tuple[str, JsonPath], ...]:
    used: list[tuple[str, JsonPath]] = []
    for path, text in texts.items():
        html = path[-1] == "html"
        if not is_template(text) and (not html or has_no_links(text)):
            continue
        xml = path in (("render", "xml"), ("render", "proposition"))
        inspection = inspect(text, html=html, xml=xml, markup=markup if html else frozenset())
        if inspection.error:
            at = start = locate(document, (*raw.path, *path))
            if inspection.at is not None or inspection.line > 1:
                offset = inspection.at if inspection.at is not None else _line_start(text, inspection.line)
                at = TextPositions(source.content).inside(start, text, offset)
            suffix = f" (line {inspection.line} of it)" if inspection.line > 1 and at == start else ""
            summary, hint = (
                "the template cannot be read",
                "Values are written {{ recipient.first_name }}; blocks {% if … %}…{% endif %}.",
            )
            if not is_template(text):  # plain HTML can only have wrong links
                summary, hint = "this HTML could not be shown", "Links must point to https://host/path."
            diagnostics.append(
                Diagnostic(
                    Code.TEMPLATE_SYNTAX,
                    f"{summary}: {inspection.error}{suffix}",
                    hint=hint,
                    address=str(raw.address),
                    position=unpack(source.path, at),
                )
            )
        used += [(variable, path) for variable in inspection.variables]
    return tuple(used)


def _line_start(text: str, line: int) -> int:
    """The offset of the first character of line ``line`` (from 1) that is not a space."""
    lines = text.split("\n")
    start = sum(len(before) + 1 for before in lines[: line - 1])
    return start + len(lines[line - 1]) - len(lines[line - 1].lstrip()) if line <= len(lines) else len(text)


_BELOW = {
    "period": ("until",),
    "status_data": ("status_data", "{status}"),
    "key": ("key",),
    "fallback": ("fallback",),
    "sample": ("sample",),
    "default": ("default",),
}
"""For errors that pydantic reports on a whole map: the path of the mistake inside it."""


def diagnose(file: str, document: YamlMap, raw: RawResource, model: type[BaseModel], error: ErrorDetails) -> Diagnostic:
    """The diagnostic for one of pydantic's errors on the resource ``raw`` of ``document``."""
    loc = tuple(part for part in error["loc"] if part != "[key]")
    on_key = "[key]" in error["loc"] or error["type"] in ("extra_forbidden", "missing")
    path = _path(document, (*raw.path, *loc))
    code, summary, hint = explain(model, error, loc or (raw.address.name,))
    if error["type"] == "missing":
        path = path[: len(raw.path) + len(loc) - 1]
    elif below := error.get("ctx", {}).get("below"):
        path = (*path, *below)
    elif error["type"] in _BELOW:
        path = (*path, *(part.format(**error.get("ctx", {})) for part in _BELOW[error["type"]]))
        on_key = error["type"] == "period"
    elif not loc and error["type"] not in EXPECTED:
        on_key = True
    return Diagnostic(
        code, summary, hint=hint, address=str(raw.address), position=_place(file, document, path, on_key=on_key)
    )


def _path(document: YamlMap, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """``path`` without the parts that pydantic adds for unions, which are not keys of the document."""
    value: Any = document
    document_path: list[str | int] = []
    for part in path:
        if isinstance(value, YamlMap) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif part != path[-1]:
            continue
        document_path.append(part)
    return tuple(document_path)


def _place(file: str, document: YamlMap, path: tuple[str | int, ...], *, on_key: bool) -> Position:
    return unpack(file, locate(document, path, on_key=on_key))
