"""What was proposed, by id, contact, offer or space."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from offerkit.address import Kind, parse_address
from offerkit.diagnostics import Code, refuse
from offerkit.models.status import Status, parse
from offerkit.reports.propositions import PropositionLine
from offerkit.rules.values import show
from offerkit.store import PropositionQuery, PropositionRow, Store
from offerkit.workflow.moments import moment
from offerkit.workflow.proposing import utc


@dataclass(frozen=True)
class Wanted:
    """What is looked for; empty text does not narrow it. ``limit`` 0: all."""

    proposition: str = ""
    offer: str = ""
    contact: str = ""
    space: str = ""
    environment: str = ""
    status: str = ""
    since: str = ""
    until: str = ""
    limit: int = 50


def found(store: Store, wanted: Wanted, now: str) -> list[PropositionLine]:
    """The propositions that ``wanted`` describes, newest first, those of one call by rank.

    Raises Refused when it makes no sense.
    """
    rows = sorted(_rows(store, wanted, now), key=lambda row: (row.interaction, row.space, row.rank))
    return [_line(row) for row in sorted(rows, key=lambda row: row.time, reverse=True)]


def _line(row: PropositionRow) -> PropositionLine:
    return PropositionLine(
        row.id, row.time, row.environment, row.contact, row.space, row.channel, row.offer, row.category,
        row.interaction, row.rank, show(row.weight), row.status.value, row.changed, row.revision,
        row.proposed, row.accepted,
    )  # fmt: skip


def _rows(store: Store, wanted: Wanted, now: str) -> list[PropositionRow]:
    if wanted.proposition:
        row = store.proposition(wanted.proposition)
        if row is None or (wanted.environment and row.environment != wanted.environment):
            raise refuse(
                Code.UNKNOWN_PROPOSITION,
                f"there is no proposition “{wanted.proposition[:80]}”",
                hint="“--contact KEY” lists a contact's, “--offer OFFER” an offer's, “--space SPACE” a space's.",
            )
        return [row]
    environment, space = _split(wanted.space, wanted.environment)
    offer = wanted.offer
    if "." in offer and "/" in offer:
        place = _offer(offer)
        environment, offer = place
    return store.propositions(
        PropositionQuery(
            environment=environment,
            contact=wanted.contact,
            offer=offer,
            space=space,
            status=_status(wanted.status) if wanted.status else None,
            since=utc(moment(wanted.since, UTC, now)) if wanted.since else "",
            until=utc(moment(wanted.until, UTC, now)) if wanted.until else "",
        ),
        limit=wanted.limit,
    )


def _split(space: str, environment: str) -> tuple[str, str]:
    if "/" in space:
        own, _, name = space.partition("/")
        return own, name
    return environment, space


def _offer(text: str) -> tuple[str, str]:
    try:
        place = parse_address(text)
    except ValueError as error:
        raise refuse(Code.BAD_ADDRESS, str(error)) from None
    if place.kind is not Kind.OFFER:
        raise refuse(Code.BAD_ADDRESS, f"{text[:80]} is not an offer", hint="Write ENVIRONMENT/offer.NAME.")
    return place.environment, place.name


def _status(text: str) -> Status:
    try:
        return parse(text)
    except ValueError as error:
        raise refuse(Code.UNKNOWN_STATUS, str(error)) from None
