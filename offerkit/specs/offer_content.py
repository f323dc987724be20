"""Whether the content of offers and templates fits the fields of the spaces that show it."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, or_list, suggestion
from offerkit.fingerprint import JsonMap, JsonPath
from offerkit.specs.record import Index, Misfit, Mistake, Record
from offerkit.state.effective import EffectiveOffer, Inheritance
from offerkit.templates.space import is_image

_TEMPLATE: JsonPath = ("template",)


def inheritance_of(index: Index, environment: str) -> Inheritance:
    """What the offers of an environment inherit, as far as records know: which fields they have, not their texts."""

    def body(address: Address) -> JsonMap | None:
        record = index.by_address.get(address)
        return _outline(record) if record is not None else None

    return Inheritance(environment, body, [r.address for r in index.group(environment, Kind.SPACE).values()])


def _outline(record: Record) -> JsonMap:
    """The part of a body that its facts know: the fields that an offer or template gives, or a space declares."""
    facts = record.facts
    if record.kind is Kind.SPACE:
        return {"fields": [{"name": name, "required": name in facts.required} for name in facts.fields]}
    template = record.target_at(_TEMPLATE)
    body: JsonMap = {
        "template": template.name if template is not None else None,
        "content": dict.fromkeys(facts.fields, ""),
        "representations": {space: dict.fromkeys(fields, "") for space, fields in facts.representations.items()},
        "spaces": list(facts.spaces),
    }
    return {key: value for key, value in body.items() if value}


def content_mistakes(index: Index, environment: str, inheritance: Inheritance) -> Iterator[Mistake]:
    """Mistakes in the content of offers and templates. Many offers have the same shape; each shape is checked once."""
    sound: set[object] = set()
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for offer in index.group(environment, kind).values():
            facts = offer.facts
            shape = kind, facts.fields, *facts.representations.items(), facts.spaces, offer.target_at(_TEMPLATE)
            if not offer.valid or shape in sound:
                continue
            findings = list(_content(index, offer, inheritance))
            yield from findings
            if not findings:
                sound.add(shape)


def _content(index: Index, offer: Record, inheritance: Inheritance) -> Iterator[Mistake]:
    every = index.group(offer.environment, Kind.SPACE)
    spaces = {name: space for name, space in every.items() if space.valid}
    for name, fields in offer.facts.representations.items():
        if name in spaces:
            for field in fields:
                if field not in spaces[name].facts.fields:
                    yield _not_on_space(
                        offer, ("representations", name, field), f"space {name} has no", spaces[name].facts.fields
                    )
    if offer.kind is Kind.TEMPLATE:
        return
    effective = inheritance.offer(offer.address)
    named = effective.named_spaces
    targets = [spaces[name] for name in named if name in spaces] if named else list(spaces.values())
    fields_of_targets = {field for space in targets for field in space.facts.fields}
    # The fields of an invalid space or template are not known: its own mistakes are reported instead.
    all_valid = len(targets) == len([name for name in named if name in every] if named else every)
    if targets and all_valid:
        for field in offer.facts.fields:
            if field not in fields_of_targets:
                prefix = f"space {or_list(named)} has no" if named else "no space of this environment has a"
                yield _not_on_space(offer, ("content", field), prefix, tuple(fields_of_targets))
    for name in offer.facts.representations:
        if named and name in spaces and name not in named:
            yield Mistake(
                offer,
                ("representations", name),
                Code.FIELD_NOT_ON_SPACE,
                f"a representation for {name}, but the offer is not published there",
                on_key=True,
                hint=f"Add {name} to the offer's spaces, or remove the representation.",
            )
    if all(index.by_address[layer.address].valid for layer in effective.layers) and (named or all_valid):
        yield from _required(offer, effective, targets)


def _required(offer: Record, effective: EffectiveOffer, targets: list[Record]) -> Iterator[Mistake]:
    lacking = {space.name: effective.missing(space.name) for space in targets}
    if effective.named_spaces:
        for space, fields in lacking.items():
            if fields:
                yield Mistake(
                    offer,
                    ("content",),
                    Code.REQUIRED_FIELD,
                    f"space {space} requires {_fields(fields)}, which this offer lacks",
                    on_key=True,
                    hint=f"Give {or_list(fields)} in content, or take {space} out of the offer's spaces.",
                )
    elif lacking and all(lacking.values()):
        space, fields = min(lacking.items(), key=lambda item: (len(item[1]), item[0]))
        yield Mistake(
            offer,
            ("content",),
            Code.REQUIRED_FIELD,
            "this offer cannot be shown on any space",
            on_key=True,
            detail=f"The closest is {space}, which also requires {_fields(fields)}.",
            hint=f"Give {or_list(fields)} in content.",
        )


def _fields(names: list[str]) -> str:
    return f"field{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _not_on_space(offer: Record, path: JsonPath, prefix: str, fields: tuple[str, ...]) -> Mistake:
    field = str(path[-1])
    return Mistake(
        offer,
        path,
        Code.FIELD_NOT_ON_SPACE,
        f"{prefix} field “{field}”",
        on_key=True,
        hint=suggestion(field, fields, "Declare the field on the space, or remove it here."),
    )


_FINE = {False: ("path",), True: ("asset",), None: ("path", "asset")}
"""Which misfits are no mistake, by whether the environment has ``assets``; None: it could not be read."""


def misfits(index: Index, environment: str, inheritance: Inheritance) -> Iterator[Mistake]:
    """Texts of offers and templates that do not fit a space's field, whatever the contact's values are."""
    formats = {
        name: {field: format_ for field, format_, _ in space.facts.types}
        for name, space in index.group(environment, Kind.SPACE).items()
        if space.valid
    }
    own = index.group(environment, Kind.ENVIRONMENT)[environment]
    has_assets = "assets" in own.facts.flags if own.fingerprint else None
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for record in index.group(environment, kind).values():
            if not record.facts.misfits:
                continue
            effective = inheritance.offer(record.address)
            # A mistake in one text does not hide others; but the spaces of an unreadable resource are not known.
            if all(index.by_address[layer.address].fingerprint for layer in effective.layers):
                named = effective.named_spaces
                targets = {name: formats[name] for name in named or formats if name in formats}
                for misfit in record.facts.misfits:
                    if misfit.format not in _FINE[has_assets]:
                        yield from _misfit(record, effective, misfit, targets, has_assets=has_assets is True)


def _misfit(
    record: Record,
    effective: EffectiveOffer,
    misfit: Misfit,
    targets: dict[str, dict[str, str]],
    *,
    has_assets: bool,
) -> Iterator[Mistake]:
    path, format_, reason, offset = misfit
    field, declared = str(path[-1]), "html" if format_ == "html" else "url"
    spaces = [
        name
        for name, fields in targets.items()
        # A representation, also one of a template, replaces the text, so nobody sees it.
        if fields.get(field) == declared and effective.content_origin(name, field) == (record.address, path)
    ]
    if not spaces:
        return
    if format_ == "path":
        yield Mistake(
            record,
            path,
            Code.BAD_VALUE,
            f"“{field}” is an image on {', '.join(sorted(spaces))}, and this is not a path below assets: {reason}",
            "The environment's assets and the path together must be the image's address.",
            "Write a relative path such as banners/a.png, or https://host/path.",
            offset=offset or None,
        )
    elif declared == "url":
        path_too = ""
        if format_ == "asset":
            path_too = " With assets in the environment, a path such as banners/a.png is enough."
        elif has_assets and is_image(field):
            path_too = " A path such as banners/a.png, which does not begin with /, is enough."
        yield Mistake(
            record,
            path,
            Code.BAD_VALUE,
            f"“{field}” is a URL on {', '.join(sorted(spaces))}, and this is not an http(s) URL: {reason}",
            "It is used in links and images.",
            "Write https://host/path; scheme, host and port are written out on every branch, and values may stand"
            f" behind them.{path_too}",
            offset=offset or None,
        )
    else:
        yield Mistake(
            record,
            path,
            Code.TEMPLATE_SYNTAX,
            f"“{field}” is HTML on {', '.join(sorted(spaces))}: {reason}",
            "A value could run as a script in the contact's browser, or the offer could never be shown.",
            "Put values between tags or in quoted attributes.",
            offset=offset or None,
        )
