"""Rules of the domain that hold between resources (domain.md §2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from offerkit.address import SHARED, Address, Kind
from offerkit.diagnostics import Code, nearest, or_list, suggestion
from offerkit.fingerprint import JsonMap, JsonPath
from offerkit.models.expression_scopes import CALL_FACTS, OFFER_VARIABLES, PROPOSITION_VARIABLES
from offerkit.models.profiles import BUILT_IN_PROFILES
from offerkit.specs.campaigns import bad_deliveries
from offerkit.specs.facts import COUNTED
from offerkit.specs.record import Index, Misfit, Mistake, Record
from offerkit.state.effective import EffectiveOffer, Inheritance

_CARRIERS = (Kind.CATEGORY, Kind.TEMPLATE, Kind.OFFER)
_DECIDING = frozenset(("reviewers", "stoppers", "override"))
"""The properties whose operators make decisions."""
_QUOTED = re.compile(r"'[^']*'")
_SPACE = re.compile(r'"?\b([a-z]+)"?\s*\.')
_ASKING = (Kind.SPACE, Kind.RULE, Kind.CAMPAIGN)
_ALIKE = 0.74
"""Finds two swapped letters in words of four letters (city, ctiy) or more."""


def inconsistencies(index: Index, unsure: frozenset[str] = frozenset()) -> Iterator[Mistake]:
    """Every mistake between resources whose references are all valid."""
    yield from _operators(index)
    for profile in index.group(SHARED, Kind.PROFILE).values():
        if profile.name in BUILT_IN_PROFILES:
            yield Mistake(
                profile,
                (),
                Code.BUILT_IN_PROFILE,
                f"the profile {profile.name} is built in and cannot be declared",
                "Its rights are the same in every project.",
                f"Declare a profile with another name, with “extends: {profile.name}” if it allows more."
                if profile.name != "administrator"
                else "Declare a profile with another name.",
                on_key=True,
            )
    for environment in index.environments:
        record = index.group(environment, Kind.ENVIRONMENT)[environment]
        yield from _spaces(index, record)
        yield from _variables(index, record)
        yield from _product_names(index, record)
        if "anonymous" in record.facts.flags:
            for campaign in index.group(environment, Kind.CAMPAIGN).values():
                yield Mistake(
                    campaign,
                    (),
                    Code.ANONYMOUS,
                    f"{environment} is anonymous and cannot have outbound campaigns",
                    hint="Move the campaign to an environment with identified contacts.",
                    on_key=True,
                )
        yield from bad_deliveries(index, record, _dimension(index, record))
        yield from _policies(index, environment)
        inheritance = inheritance_of(index, environment)
        if environment not in unsure:  # the fields of an unread space would look unknown
            yield from _contents(index, environment, inheritance)
            yield from unknown_themes(index, environment)
        yield from _misfits(index, environment, inheritance)


def _operators(index: Index) -> Iterator[Mistake]:
    """Operators with the same e-mail or account, and automations named where a person must decide."""
    operators = index.group(SHARED, Kind.OPERATOR)
    owners: dict[str, Record] = {}
    for operator in operators.values():
        for email in operator.facts.keys:
            owner = owners.setdefault(email.lower(), operator)
            if owner is not operator:
                yield Mistake(
                    operator,
                    ("email",),
                    Code.SHARED_EMAIL,
                    f"operator {owner.name} has the same e-mail address",
                    "It identifies the authors of commits; upper and lower case are the same.",
                    hint="Give each operator a different one.",
                    related=((f"operator {owner.name}", owner),),
                )
        for account in operator.facts.fields:
            forge, _, number = account.partition(":")
            owner = owners.setdefault(account, operator)
            if owner is not operator:
                yield Mistake(
                    operator,
                    ("accounts", forge),
                    Code.SHARED_ACCOUNT,
                    f"operator {owner.name} has account {number} of {forge}, too",
                    "A review by this account could not be attributed to one of them.",
                    hint="Give each operator a different one.",
                    related=((f"operator {owner.name}", owner),),
                )
    automations = {record.address for record in operators.values() if "automation" in record.facts.flags}
    if not automations:
        return
    for record in index.by_address.values():
        for ref in record.refs:
            if ref.target in automations and _DECIDING.intersection(map(str, ref.path)):
                yield Mistake(
                    record,
                    ref.path,
                    Code.NOT_A_PERSON,
                    f"{ref.target.name} is an automation and cannot decide anything",
                    "Automations cannot review, stop or override.",
                    hint="Name an operator that is not an automation.",
                    named=ref.target.name,
                )


def _policies(index: Index, environment: str) -> Iterator[Mistake]:
    """Too many policies, and policies with properties of two kinds, which no resource has."""
    if policies := index.group(environment, Kind.POLICY):
        from offerkit.models.policy import GOVERNED, MAX_POLICIES  # imports pydantic; most projects have no policies
    for number, policy in enumerate(policies.values()):
        if number == MAX_POLICIES:
            yield Mistake(
                policy,
                (),
                Code.POLICIES_TOO_MANY,
                f"{environment} has more than {MAX_POLICIES} policies",
                "Every policy is checked for every offer.",
                "Combine conditions with “and”.",
                on_key=True,
            )
        for expression in policy.facts.expressions:
            bare = _QUOTED.sub("", expression.text)
            named = sorted({word for word in _SPACE.findall(bare) if word in GOVERNED})
            if len(named) > 1:
                yield Mistake(
                    policy,
                    expression.path,
                    Code.POLICY_ASKS_NOTHING,
                    f"no resource has both {named[0]}.<name> and {named[1]}.<name>",
                    "A condition is checked for one resource at a time, which has only the properties of its kind.",
                    "Write a policy for each kind, or use properties that all kinds have: resource.<name>.",
                )


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
    template = next((ref.target.partition(".")[2] for ref in record.refs if ref.path == ("template",)), None)
    body: JsonMap = {
        "template": template,
        "content": dict.fromkeys(facts.fields, ""),
        "representations": {space: dict.fromkeys(fields, "") for space, fields in facts.representations.items()},
        "spaces": list(facts.spaces),
    }
    return {key: value for key, value in body.items() if value}


def _contents(index: Index, environment: str, inheritance: Inheritance) -> Iterator[Mistake]:
    """Mistakes in the content of offers and templates. Many offers have the same shape; each shape is checked once."""
    sound: set[object] = set()
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for offer in index.group(environment, kind).values():
            facts = offer.facts
            template = next((ref.target for ref in offer.refs if ref.path == ("template",)), "")
            shape = (kind, facts.fields, tuple(facts.representations.items()), facts.spaces, template)
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


def _spaces(index: Index, environment: Record) -> Iterator[Mistake]:
    anonymous = "anonymous" in environment.facts.flags
    dimension = _dimension(index, environment)
    for space in index.group(environment.name, Kind.SPACE).values():
        if not space.valid:
            continue
        if anonymous and "outbound" in space.facts.flags:
            yield Mistake(
                space,
                ("channel",),
                Code.ANONYMOUS,
                f"{environment.name} is anonymous, so its spaces must be inbound",
                "Unknown contacts cannot be sent messages.",
                "Use an inbound channel.",
            )
        if "unitary" in space.facts.flags and not anonymous and not space.facts.keys:
            yield Mistake(
                space,
                (),
                Code.NO_IDENTIFICATION,
                "a unitary space for identified contacts needs identification keys",
                on_key=True,
                hint="Add identification: {keys: [" + ", ".join(dimension.facts.keys if dimension else ["id"]) + "]}.",
            )
        if dimension is not None and dimension.valid:
            for number, key in enumerate(space.facts.keys):
                if key not in dimension.facts.fields:
                    yield Mistake(
                        space,
                        ("identification", "keys", number),
                        Code.UNKNOWN_FIELD,
                        f"dimension {dimension.name} has no field “{key}”",
                        hint=suggestion(key, dimension.facts.fields),
                    )
        yield from _fallback(index, space)


def _fallback(index: Index, space: Record) -> Iterator[Mistake]:
    for ref in space.refs:
        target = index.by_address.get(ref.target)
        if ref.path == ("identification", "fallback") and target is not None:
            fallback_environment = index.group(target.environment, Kind.ENVIRONMENT).get(target.environment)
            if (
                fallback_environment is not None
                and fallback_environment.valid
                and "anonymous" not in fallback_environment.facts.flags
            ):
                yield Mistake(
                    space,
                    ref.path,
                    Code.ANONYMOUS,
                    f"the fallback points to {fallback_environment.name}, which is not anonymous",
                    "A fallback is for contacts who could not be identified.",
                    "Name a space of an anonymous environment.",
                )


def _dimension(index: Index, environment: Record) -> Record | None:
    target = next((ref.target for ref in environment.refs if ref.path == ("dimension",)), None)
    return index.by_address.get(target) if target is not None else None


def _variables(index: Index, environment: Record) -> Iterator[Mistake]:
    dimension = _dimension(index, environment)
    if dimension is None or not dimension.valid:
        return
    common = {
        *OFFER_VARIABLES,
        *(f"{dimension.name}.{field}" for field in dimension.facts.fields),
        *(f"interaction.{field}" for field in (*CALL_FACTS, *environment.facts.fields)),
        *(f"offer.{field.name}" for field in environment.facts.offer_fields),
        *(f"product.{name}" for name, _, _ in environment.facts.product_fields),
    }
    more = ", product.<field>" if environment.facts.product_fields else ""
    for kind in (Kind.SPACE, Kind.TEMPLATE, Kind.OFFER):
        for record in index.group(environment.name, kind).values():
            if not record.facts.variables:
                continue
            own = {*record.facts.fields, *PROPOSITION_VARIABLES} if kind is Kind.SPACE else set[str]()
            for variable, path in record.facts.variables:
                if variable not in common and variable not in own:
                    yield Mistake(
                        record,
                        path,
                        Code.UNKNOWN_VARIABLE,
                        f"the template uses “{variable}”, which does not exist",
                        "It can use "
                        + ("this space's fields, " if kind is Kind.SPACE else "")
                        + f"{dimension.name}.<field>, interaction.<call data>{more} and offer.<field>.",
                        suggestion(variable, common | own, "Correct the name."),
                        named=variable,
                    )


def _product_names(index: Index, environment: Record) -> Iterator[Mistake]:
    """A dimension or content fields named product, where the environment declares what its products have."""
    if not environment.facts.product_fields:
        return
    detail = f"{environment.name} declares product_fields, so product.<field> is a value of a product."
    dimension = _dimension(index, environment)
    if dimension is not None and dimension.name == "product":
        summary = "product_fields cannot be declared for the dimension product"
        hint = "Name the dimension after its contacts, as in recipient or visitor."
        yield Mistake(environment, ("product_fields",), Code.PRODUCT_TAKEN, summary, detail, hint, on_key=True)
    for space in index.group(environment.name, Kind.SPACE).values():
        if "product" in space.facts.fields:
            path = ("fields", space.facts.fields.index("product"), "name")
            summary, hint = "“product” cannot name a content field here", "Name it differently, as in product_text."
            yield Mistake(space, path, Code.PRODUCT_TAKEN, summary, detail, hint)


def _misfits(index: Index, environment: str, inheritance: Inheritance) -> Iterator[Mistake]:
    """Texts of offers and templates that do not fit a space's field, whatever the contact's values are."""
    formats = {
        name: {field: format_ for field, format_, _ in space.facts.types}
        for name, space in index.group(environment, Kind.SPACE).items()
        if space.valid
    }
    has_assets = "assets" in index.group(environment, Kind.ENVIRONMENT)[environment].facts.flags
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
                    if misfit.format == ("asset" if has_assets else "path"):
                        continue
                    yield from _misfit(record, effective, misfit, targets)


def _misfit(
    record: Record, effective: EffectiveOffer, misfit: Misfit, targets: dict[str, dict[str, str]]
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
        path_too = " With assets in the environment, a path such as banners/a.png is enough."
        yield Mistake(
            record,
            path,
            Code.BAD_VALUE,
            f"“{field}” is a URL on {', '.join(sorted(spaces))}, and this is not an http(s) URL: {reason}",
            "It is used in links and images.",
            "Write https://host/path; scheme, host and port are written out on every branch, and values may stand"
            f" behind them.{path_too if format_ == 'asset' else ''}",
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


def unknown_themes(index: Index, environment: str) -> Iterator[Mistake]:
    """Themes that a space, rule, delivery or ``eligible.history`` asks for and no offer, template or category has."""
    if not all(record.valid for kind in _CARRIERS for record in index.group(environment, kind).values()):
        return  # their themes are not known
    carried = {theme for _, theme, _ in _carried(index, environment)}
    for record, theme, path in _asked_for(index, environment):
        if theme not in carried:
            yield Mistake(
                record,
                path,
                Code.UNKNOWN_THEME,
                f"no offer, template or category has the theme “{theme}”",
                "Asking for a theme that no offer has finds nothing.",
                suggestion(theme, carried, "Add it to the themes of an offer or category."),
                named=theme if path[-1] != "theme" else "",
            )


def lonely_themes(index: Index) -> Iterator[Mistake]:
    """Themes that look misspelt: only one resource has it, nothing asks for it, and another theme is similar."""
    for environment in index.environments:
        carried = list(_carried(index, environment))
        asked_for = {theme for _, theme, _ in _asked_for(index, environment)}
        count = Counter(theme for _, theme, _ in carried)
        candidates = [theme for theme in count if count[theme] > 1 or theme in asked_for]
        for record, theme, path in carried:
            if count[theme] > 1 or theme in asked_for:
                continue
            near = nearest(theme, candidates, 1, _ALIKE)
            if near:
                yield Mistake(
                    record,
                    path,
                    Code.LONELY_THEME,
                    f"the theme “{theme}” is used only here, and nothing asks for it",
                    f"Other resources have or ask for “{near[0]}”.",
                    f"Did you mean {near[0]}? If not, ask for {theme} somewhere.",
                    named=theme,
                )


def _carried(index: Index, environment: str) -> Iterator[tuple[Record, str, JsonPath]]:
    return (each for each in _themes(index, environment, _CARRIERS) if each[2][: len(COUNTED)] != COUNTED)


def _asked_for(index: Index, environment: str) -> Iterator[tuple[Record, str, JsonPath]]:
    yield from _themes(index, environment, _ASKING)
    yield from (each for each in _themes(index, environment, _CARRIERS) if each[2][: len(COUNTED)] == COUNTED)


def _themes(index: Index, environment: str, kinds: tuple[Kind, ...]) -> Iterator[tuple[Record, str, JsonPath]]:
    for kind in kinds:
        for record in index.group(environment, kind).values():
            for theme, path in record.facts.themes:
                yield record, theme, path
