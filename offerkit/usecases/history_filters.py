"""Narrows a history: to a time, to what an operator did, and to what touched an offer or decided on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from offerkit.address import SHARED, Address, AddressPattern, Kind, Stage, StageRef, parse_address
from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.governance.authors import authors_in
from offerkit.governance.overrides import overrides_in
from offerkit.plans.make import no_match
from offerkit.state.names import NameHistory, Span
from offerkit.store import RevisionRow, Store
from offerkit.times import utc
from offerkit.usecases.argument_values import DAY_BEGINS, parse_time, zone_of_stage


@dataclass(frozen=True)
class HistoryFilter:
    """Which revisions a history lists; empty: all.

    ``since``, ``until``: as users write times; ``until`` is left out. ``by``: an operator who made, wrote, approved or
    rejected it, by their current name or the name then. ``offers``: patterns of what it touched or decided on.
    """

    since: str = ""
    until: str = ""
    by: str = ""
    offers: Sequence[str] = ()

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return bool(self.since or self.until or self.by or self.offers)


def narrowed(store: Store, rows: list[RevisionRow], asked: HistoryFilter, now: str) -> list[RevisionRow]:
    """Those of ``rows`` that ``asked`` selects. Raises Refused for an invalid time, and for unknown names."""
    zone = zone_of_stage(store, Stage.LIVE) if asked.since or asked.until else UTC
    since = utc(parse_time(asked.since, zone, now, DAY_BEGINS)) if asked.since else ""
    until = utc(parse_time(asked.until, zone, now, DAY_BEGINS)) if asked.until else ""
    if since and until and since >= until:
        raise refuse(
            Code.LISTING_OPTIONS, "--since is not before --until", hint="--until is the first moment that is left out."
        )
    if asked.by:
        serials = _made_by(store, asked.by)
        rows = [row for row in rows if row.serial in serials]
    if asked.offers:
        serials = _about(store, asked.offers)
        rows = [row for row in rows if row.serial in serials]
    return [row for row in rows if (not since or row.time >= since) and (not until or row.time < until)]


def _made_by(store: Store, name: str) -> set[int]:
    """The revisions that an operator made, wrote, approved or rejected. Raises Refused if nobody had that name."""
    names = NameHistory(store.moves(StageRef(SHARED, Stage.DESIGN)))
    people: dict[int, set[str]] = {}
    for row in store.revisions():
        people[row.serial] = {row.actor, *authors_in(row)}
    for approval in store.approvals():
        people.setdefault(approval.revision, set()).add(approval.operator)
    known = {person for group in people.values() for person in group}
    known |= {address.name for address in store.entries(StageRef(SHARED, Stage.DESIGN), Kind.OPERATOR)}
    if name not in known:
        hint = suggestion(name, known, f"Names in the history: {', '.join(sorted(known)[:20])}.")
        raise refuse(Code.NO_MATCH, f"nobody in the history is called “{name[:80]}”", hint=hint)
    return {
        serial
        for serial, group in people.items()
        if name in group or any(names.operator(person, serial) == name for person in group)
    }


def _about(store: Store, patterns: Iterable[str]) -> set[int]:
    """The revisions that touched the offers of ``patterns``, under any of their names, or decided on them."""
    heads = list(store.heads())
    designs = NameHistory(move for stage in heads if stage.stage is Stage.DESIGN for move in store.moves(stage))
    lives = NameHistory(move for stage in heads if stage.stage is Stage.LIVE for move in store.moves(stage))
    overrides = [
        (row.serial, override.address)
        for row in store.revisions(action="override")
        for override in overrides_in(row.details, row.actor, row.message, row.serial)
    ]
    serials: set[int] = set()
    for offer in _offers(store, heads, designs, patterns):
        for span in designs.spans(offer):
            serials |= {serial for serial, address in overrides if address == span.name and span.covers(serial)}
            serials |= {row.revision for row in store.approvals([span.name]) if span.covers(row.revision)}
            serials |= set(_changes(store, offer.stage(Stage.DESIGN), designs.spans(offer), span.name))
            # In live a resource is renamed later; until then, whoever had the name first in design has it there.
            in_live = lives.spans(offer if lives.touches(offer) else span.name)
            if lives.touches(offer) or span.since == 0:
                serials |= set(_changes(store, offer.stage(Stage.LIVE), in_live, span.name))
    return serials


def _changes(store: Store, stage: StageRef, spans: Sequence[Span], name: Address) -> Iterator[int]:
    """The revisions that changed a resource in ``stage`` while it was called ``name``; ``spans``: its names there."""
    first = spans[-1]
    for span in (span for span in spans if span.name == name):
        # A name begins with the revision that gives it, unless it only became free then; another one takes it away.
        since = span.since + 1 if span is first and span.since else span.since
        for row in store.revisions(stage=stage, address=name):
            if since <= row.serial <= span.until:
                yield row.serial


def _offers(store: Store, stages: Iterable[StageRef], names: NameHistory, patterns: Iterable[str]) -> Iterator[Address]:
    """The offers that match. One that is gone is named by its whole address."""
    known = {address for stage in stages for address in store.entries(stage, Kind.OFFER)}
    for text in patterns:
        pattern = AddressPattern(text)
        found = sorted(address for address in known if pattern.matches(address))
        if not found:
            try:
                address = parse_address(text)
            except ValueError:
                address = None
            if address is None or not (names.touches(address) or store.revisions(address=address, limit=1)):
                names_known = {name for each in known for name in (each, f"{each.kind}.{each.name}")}
                raise no_match(text, suggestion(text, names_known, "An offer that is gone: ENVIRONMENT/offer.NAME."))
            found = [address]
        yield from found
