"""Rules of the domain that hold between resources (domain.md §2); content and themes have modules of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from offerkit.address import SHARED, Kind
from offerkit.diagnostics import Code, suggestion
from offerkit.models.expression_scopes import CALL_FACTS, OFFER_VARIABLES, PROPOSITION_VARIABLES
from offerkit.models.profiles import BUILT_IN_PROFILES
from offerkit.specs.campaigns import bad_deliveries
from offerkit.specs.offer_content import content_mistakes, inheritance_of, misfits
from offerkit.specs.record import Index, Mistake, Record
from offerkit.specs.themes import unknown_themes

_DECIDING = frozenset(("reviewers", "stoppers", "override"))
"""The properties whose operators make decisions."""
_QUOTED = re.compile(r"'[^']*'")
_SPACE = re.compile(r'"?\b([a-z]+)"?\s*\.')


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
    yield from _webhooks(index)
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
            yield from content_mistakes(index, environment, inheritance)
            yield from unknown_themes(index, environment)
        yield from misfits(index, environment, inheritance)


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
            if owner is not operator and forge == "key":
                yield Mistake(
                    operator,
                    ("keys",),
                    Code.SHARED_KEY,
                    f"operator {owner.name} has the key {number}, too",
                    "A signature by this key could not be attributed to one of them.",
                    hint="Give each operator keys of their own.",
                    related=((f"operator {owner.name}", owner),),
                )
            elif owner is not operator:
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


def _webhooks(index: Index) -> Iterator[Mistake]:
    """Webhooks whose names lead to the same variable, so that each receiver could sign for the other."""
    webhooks = index.group(SHARED, Kind.WEBHOOK)
    if webhooks:
        from offerkit.models.webhook import variable_of  # imports pydantic; most projects have no webhooks
    owners: dict[str, Record] = {}
    for webhook in webhooks.values():
        owner = owners.setdefault(variable_of(webhook.name), webhook)
        if owner is not webhook:
            yield Mistake(
                webhook,
                (),
                Code.WEBHOOK_SECRET,
                f"the webhook {owner.name} has the same variable for its secret, {variable_of(webhook.name)}",
                "With one secret for both, each receiver could sign events for the other.",
                "Give it a name that differs in more than capitals, “-” and “_”.",
                on_key=True,
                related=((f"webhook {owner.name}", owner),),
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
    yield from _evidence(index, environment.name)


def _evidence(index: Index, environment: str) -> Iterator[Mistake]:
    """Spaces that ask for evidence and store nothing, or are filled by deliveries, which keep none."""
    spaces = index.group(environment, Kind.SPACE).values()
    keeping = {space.address: space for space in spaces if space.valid and "evidence" in space.facts.flags}
    why = "Evidence is what one call read; deliveries decide for all contacts at once, and keep none."
    for space in keeping.values():
        if "unstored" in space.facts.flags:
            summary = "a space that stores no propositions cannot keep evidence of them"
            hint = "Remove evidence, or enabled: false."
            yield Mistake(space, ("storage", "evidence"), Code.NO_EVIDENCE, summary, hint=hint)
        if "unitary" not in space.facts.flags:
            summary = "a space that is only for batches cannot keep evidence"
            hint = "Remove evidence, or declare the space with unitary: true."
            yield Mistake(space, ("storage", "evidence"), Code.NO_EVIDENCE, summary, why, hint)
    for campaign in index.group(environment, Kind.CAMPAIGN).values() if keeping else ():
        for target, path in campaign.refs:
            if target in keeping and "unitary" in keeping[target].facts.flags:
                summary = f"a delivery cannot fill the space “{target.name}”, which keeps evidence"
                hint = f"Let the delivery use a space of its own, or remove evidence from {target}."
                yield Mistake(campaign, path, Code.NO_EVIDENCE, summary, why, hint)


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
    target = environment.target_at(("dimension",))
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
            known = common.union(record.facts.fields, PROPOSITION_VARIABLES) if kind is Kind.SPACE else common
            for variable, path in record.facts.variables:
                if variable not in known:
                    yield Mistake(
                        record,
                        path,
                        Code.UNKNOWN_VARIABLE,
                        f"the template uses “{variable}”, which does not exist",
                        "It can use "
                        + ("this space's fields, " if kind is Kind.SPACE else "")
                        + f"{dimension.name}.<field>, interaction.<call data>{more} and offer.<field>.",
                        suggestion(variable, known, "Correct the name."),
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
