"""Rules of the domain that hold between resources (domain.md §2)."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code, or_list, suggestion
from offerkit.graph.effective import explicit_spaces, missing_fields, template_chain
from offerkit.graph.formats import misfits
from offerkit.graph.record import Finding, Index, PathInside, Record
from offerkit.graph.themes import unknown_themes

OFFER_VARIABLES = ("offer.category", "offer.code", "offer.label", "offer.name")
PROPOSITION_VARIABLES = ("proposition.id", "proposition.rank", "proposition.weight")


def inconsistencies(index: Index, unsure: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Everything that is wrong between resources whose references all hold."""
    for environment in index.environments:
        record = index.group(environment, Kind.ENVIRONMENT)[environment]
        yield from _spaces(index, record)
        yield from _variables(index, record)
        if "anonymous" in record.facts.flags:
            for campaign in index.group(environment, Kind.CAMPAIGN).values():
                yield Finding(
                    campaign, (), Code.ANONYMOUS, f"{environment} is anonymous: it has no outbound campaigns",
                    hint="Move the campaign to an environment of identified contacts.", on_key=True,
                )  # fmt: skip
        if environment not in unsure:  # an unread space would make its fields look unknown
            yield from _contents(index, environment)
            yield from unknown_themes(index, environment)
        yield from misfits(index, environment)


def _contents(index: Index, environment: str) -> Iterator[Finding]:
    """The content of all offers and templates. Many offers have one shape; each shape is checked once."""
    sound: set[object] = set()
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for offer in index.group(environment, kind).values():
            facts = offer.facts
            template = next((ref.target for ref in offer.refs if ref.path == ("template",)), "")
            shape = (kind, facts.fields, tuple(facts.representations.items()), facts.spaces, template)
            if not offer.valid or shape in sound:
                continue
            findings = list(_content(index, offer))
            yield from findings
            if not findings:
                sound.add(shape)


def _content(index: Index, offer: Record) -> Iterator[Finding]:
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
    chain = list(template_chain(index, offer))
    named = explicit_spaces(chain)
    targets = [spaces[name] for name in named if name in spaces] if named else list(spaces.values())
    known = {field for space in targets for field in space.facts.fields}
    # What an invalid space or template would give is not known: its own mistakes are enough.
    whole = len(targets) == len([name for name in named if name in every] if named else every)
    if targets and whole:
        for field in offer.facts.fields:
            if field not in known:
                where = f"space {or_list(named)} has no" if named else "no space of this environment has a"
                yield _not_on_space(offer, ("content", field), where, tuple(known))
    for name in offer.facts.representations:
        if named and name in spaces and name not in named:
            yield Finding(
                offer, ("representations", name), Code.FIELD_NOT_ON_SPACE,
                f"a representation for {name}, where the offer is not published", on_key=True,
                hint=f"Add {name} to the offer's spaces, or remove the representation.",
            )  # fmt: skip
    if all(record.valid for record in chain) and (named or whole):
        yield from _required(index, offer, chain, targets, bool(named))


def _required(
    index: Index, offer: Record, chain: list[Record], targets: list[Record], named: bool
) -> Iterator[Finding]:
    lacking = {space.name: missing_fields(index, chain, space) for space in targets}
    if named:
        for space, fields in lacking.items():
            if fields:
                yield Finding(
                    offer, ("content",), Code.REQUIRED_FIELD,
                    f"space {space} requires {_fields(fields)}, which this offer does not give", on_key=True,
                    hint=f"Give {or_list(fields)} in content, or take {space} out of the offer's spaces.",
                )  # fmt: skip
    elif lacking and all(lacking.values()):
        space, fields = min(lacking.items(), key=lambda item: (len(item[1]), item[0]))
        yield Finding(
            offer, ("content",), Code.REQUIRED_FIELD, "this offer can be shown on no space", on_key=True,
            detail=f"Nearest is {space}, which also requires {_fields(fields)}.",
            hint=f"Give {or_list(fields)} in content.",
        )  # fmt: skip


def _fields(names: list[str]) -> str:
    return f"field{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _not_on_space(offer: Record, path: PathInside, where: str, known: tuple[str, ...]) -> Finding:
    field = str(path[-1])
    return Finding(
        offer, path, Code.FIELD_NOT_ON_SPACE, f"{where} field “{field}”", on_key=True,
        hint=suggestion(field, known, "Declare the field on the space, or remove it here."),
    )  # fmt: skip


def _spaces(index: Index, environment: Record) -> Iterator[Finding]:
    anonymous = "anonymous" in environment.facts.flags
    dimension = _dimension(index, environment)
    for space in index.group(environment.name, Kind.SPACE).values():
        if not space.valid:
            continue
        if anonymous and "outbound" in space.facts.flags:
            yield Finding(
                space, ("channel",), Code.ANONYMOUS, f"{environment.name} is anonymous: its spaces are inbound only",
                "Nobody can be written to who is not known.", "Use an inbound channel.",
            )  # fmt: skip
        if "unitary" in space.facts.flags and not anonymous and not space.facts.keys:
            yield Finding(
                space, (), Code.NO_IDENTIFICATION,
                "a unitary space for identified contacts needs identification keys", on_key=True,
                hint="Add identification: {keys: [" + ", ".join(dimension.facts.keys if dimension else ["id"]) + "]}.",
            )  # fmt: skip
        if dimension is not None and dimension.valid:
            for place, key in enumerate(space.facts.keys):
                if key not in dimension.facts.fields:
                    yield Finding(
                        space, ("identification", "keys", place), Code.UNKNOWN_FIELD,
                        f"dimension {dimension.name} has no field “{key}”",
                        hint=suggestion(key, dimension.facts.fields),
                    )  # fmt: skip
        yield from _fallback(index, space)


def _fallback(index: Index, space: Record) -> Iterator[Finding]:
    for ref in space.refs:
        target = index.by_address.get(ref.target)
        if ref.path == ("identification", "fallback") and target is not None:
            other = index.group(target.environment, Kind.ENVIRONMENT).get(target.environment)
            if other is not None and other.valid and "anonymous" not in other.facts.flags:
                yield Finding(
                    space, ref.path, Code.ANONYMOUS, f"the fallback leads to {other.name}, which is not anonymous",
                    "A fallback is for those whom nobody could identify.",
                    "Name a space of an anonymous environment.",
                )  # fmt: skip


def _dimension(index: Index, environment: Record) -> Record | None:
    target = next((ref.target for ref in environment.refs if ref.path == ("dimension",)), "")
    return index.by_address.get(target)


def _variables(index: Index, environment: Record) -> Iterator[Finding]:
    dimension = _dimension(index, environment)
    if dimension is None or not dimension.valid:
        return
    common = {
        *OFFER_VARIABLES,
        *(f"{dimension.name}.{field}" for field in dimension.facts.fields),
        *(f"interaction.{field}" for field in environment.facts.fields),
    }
    for kind in (Kind.SPACE, Kind.TEMPLATE, Kind.OFFER):
        for record in index.group(environment.name, kind).values():
            if not record.facts.variables:
                continue
            own = {*record.facts.fields, *PROPOSITION_VARIABLES} if kind is Kind.SPACE else set[str]()
            for variable, path in record.facts.variables:
                if variable not in common and variable not in own:
                    yield Finding(
                        record, path, Code.UNKNOWN_VARIABLE, f"the template names “{variable}”, which does not exist",
                        "It may use " + ("this space's fields, " if kind is Kind.SPACE else "")
                        + f"{dimension.name}.<field>, interaction.<call data> and offer.<field>.",
                        suggestion(variable, common | own, "Correct the name."), named=variable,
                    )  # fmt: skip
