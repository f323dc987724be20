"""``propositions``: stored propositions by id, contact, offer or space."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo

from offerkit.address import Kind, Stage, parse_address
from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.engine.report import Report
from offerkit.models.status import Status, parse_status
from offerkit.reports.propositions import PropositionLine
from offerkit.rules.values import show
from offerkit.store import PropositionQuery, PropositionRow, Store
from offerkit.store.stage_snapshots import environments, stage_view
from offerkit.times import utc
from offerkit.usecases.argument_values import DAY_BEGINS, known_environments, parse_time, zone_of_stage


@dataclass(frozen=True)
class PropositionFilter:
    """Which propositions to list; empty fields do not filter. ``limit`` 0: all."""

    proposition: str = ""
    offer: str = ""
    contact: str = ""
    space: str = ""
    environment: str = ""
    status: str = ""
    since: str = ""
    until: str = ""
    limit: int = 50


def list_propositions(store: Store, filters: PropositionFilter, now: str) -> list[PropositionLine]:
    """The propositions that match ``wanted``, newest first, those of one call by rank.

    Raises Refused if the filter is invalid.
    """
    rows = sorted(_rows(store, filters, now), key=lambda row: (row.interaction, row.space, row.rank))
    return [proposition_line(row) for row in sorted(rows, key=lambda row: row.time, reverse=True)]


def proposition_line(row: PropositionRow) -> PropositionLine:
    """A stored proposition as it is shown and exported."""
    return PropositionLine(
        id=row.id,
        time=row.time,
        environment=row.environment,
        contact=row.contact,
        space=row.space,
        channel=row.channel,
        offer=row.offer,
        category=row.category,
        interaction=row.interaction,
        rank=row.rank,
        weight=show(row.weight),
        status=row.status.value,
        changed=row.changed,
        revision=row.revision,
        proposed=row.proposed,
        accepted=row.accepted,
        statuses=row.statuses,
        product=row.product,
    )


def _rows(store: Store, filters: PropositionFilter, now: str) -> list[PropositionRow]:
    if filters.proposition:
        row = store.proposition(filters.proposition)
        if row is None or (filters.environment and row.environment != filters.environment):
            raise refuse(
                Code.UNKNOWN_PROPOSITION,
                f"there is no proposition “{filters.proposition[:80]}”",
                hint="Search instead: --contact KEY, --offer OFFER or --space SPACE.",
            )
        return [row]
    environment, space, offer = _names(filters)
    zone = zone_of(store, filters) if filters.since or filters.until else UTC
    return store.propositions(
        PropositionQuery(
            environment=environment,
            contact=filters.contact,
            offer=offer,
            space=space,
            status=_status(filters.status) if filters.status else None,
            since=utc(parse_time(filters.since, zone, now, DAY_BEGINS)) if filters.since else "",
            until=utc(parse_time(filters.until, zone, now, DAY_BEGINS)) if filters.until else "",
        ),
        limit=filters.limit,
    )


def check_environment(store: Store, environment: str) -> None:
    """Raise Refused for an environment that no stage has."""
    known_environments([environment], environments(store))


def zone_of(store: Store, filters: PropositionFilter) -> tzinfo:
    """The time zone of ``since`` and ``until`` if they name none: that of the environment, or common to all."""
    environment, _, _ = _names(filters)
    return zone_of_stage(store, Stage.LIVE, [environment] if environment else ())


def unknown_names(store: Store, filters: PropositionFilter) -> tuple[Report, ...]:
    """Warnings for an environment, space or offer in ``wanted`` that no stage has, with similar names."""
    environment, *names = _names(filters)
    if environment and environment not in (known := environments(store)):
        return (_unknown("environment", environment, set(known)),)
    reports = []
    for kind, name in zip((Kind.SPACE, Kind.OFFER), names, strict=True):
        names_in_use = {
            address.name
            for stage in (Stage.DESIGN, Stage.LIVE)
            for address in stage_view(store, stage).of_kind(kind, environment)
        }
        if name and name not in names_in_use:
            reports.append(_unknown(f"{kind}", name, names_in_use))
    return tuple(reports)


def _unknown(what: str, name: str, known: set[str]) -> Report:
    message = f"There is no {what} “{name[:80]}” in design or live. {suggestion(name, known)}"
    return Report(Code.NO_MATCH, message.rstrip(), "")


def _names(filters: PropositionFilter) -> tuple[str, str, str]:
    """The environment, space and offer of the filter, however they are written."""
    environment, space = _split(filters.space, filters.environment)
    offer = filters.offer
    if "." in offer and "/" in offer:
        environment, offer = _offer(offer)
    return environment, space, offer


def _split(space: str, environment: str) -> tuple[str, str]:
    if "/" in space:
        own, _, name = space.partition("/")
        return own, name
    return environment, space


def _offer(text: str) -> tuple[str, str]:
    try:
        address = parse_address(text)
    except ValueError as error:
        raise refuse(Code.BAD_ADDRESS, str(error)) from None
    if address.kind is not Kind.OFFER:
        raise refuse(Code.BAD_ADDRESS, f"{text[:80]} is not an offer", hint="Write ENVIRONMENT/offer.NAME.")
    return address.environment, address.name


def _status(text: str) -> Status:
    try:
        return parse_status(text)
    except ValueError as error:
        raise refuse(Code.UNKNOWN_STATUS, str(error)) from None
