"""``show ADDRESS``: a resource whole, with the origin of every part, and how it stands.

resolve the state → its parts by origin → who refers to it → where it is live, who decided, what waits
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from offerkit.address import SHARED, Address, Kind, Stage, parse_address
from offerkit.diagnostics import Code, Position, Refused, or_list, refuse, suggestion
from offerkit.fingerprint import JsonMap, path_text
from offerkit.plans.fields import redacted_fields
from offerkit.reports.whole_resource import Referring, ShownPart, WholeResource
from offerkit.specs import Loaded
from offerkit.state.effective import EffectiveOffer
from offerkit.state.names import FirstNames
from offerkit.state.origins import GivenPart, content_parts, leaves, parts_of
from offerkit.state.referrers import NAMES_IT, Referrer, referrers
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages, promoted_as
from offerkit.usecases.design_access import check_design_reader, design_readable, visible
from offerkit.usecases.keep_simulations import simulation_of
from offerkit.usecases.requests import SimulationsRequest
from offerkit.usecases.session import Session
from offerkit.usecases.standing import standing_of
from offerkit.usecases.state_refs import NamedState, spec_positions, state_named

SIMULATIONS = 10
"""How many kept simulations of an environment, the newest, are searched for an offer."""
_SUGGESTED = 3
"""How many addresses are suggested for a name."""
_CHOSEN = (Kind.OFFER, Kind.TEMPLATE, Kind.CATEGORY)
"""The kinds whose parts are grouped by what they decide."""
_GROUPS = {
    "enabled": "Eligibility",
    "eligible": "Eligibility",
    "when": "Eligibility",
    "parameters": "Eligibility",
    "filters": "Eligibility",
    "time_zone": "Eligibility",
    "typology": "Eligibility",
    "weights": "Weight",
    "multiplier": "Weight",
    "themes": "Themes",
    "always_include": "Themes",
    "fields": "Fields",
    "reviewers": "Reviewers",
    "spaces": "Spaces",
}
"""The group of a part, by the first key of its path."""
_OTHERS = "Properties"
_TEXTS = ("content", "representations")
_NOT_SHOWN = "Content that no space shows"


def whole_resource(session: Session, text: str, at: str = "", *, placed: bool = True) -> WholeResource:
    """The resource named ``text`` in a state, in one of :data:`state_refs.FORMS`; by default in design, else in live.

    ``placed``: look for the file and line of each part in the project's specs. Operators who may not read design are
    shown live only. Raises Refused if the state or the resource does not exist, or they lack the right to read it.
    """
    address = _address(session, text)
    with session.reading() as store, store.reading() if store is not None else contextlib.nullcontext():
        readable = design_readable(session, store) if store is not None else lambda environment: True
        may_read = readable(_environment(address))
        shown = _shown_state(session, store, address, at, may_read=may_read)
        view, entry, live = shown.view, shown.view.entries.get(address), shown.stages.side(Stage.LIVE)

        def known(other: Address) -> bool:
            """Whether they may know of another resource, also of an environment whose design they may not read."""
            return readable(_environment(other)) or other in live.entries

        if entry is None:
            raise _missing(shown, address, known, may_read=may_read)
        parts = _parts(view, address)
        positions = _positions(session, shown, parts) if placed else [None] * len(parts)
        standing = standing_of(session, shown.stages, shown.state, view, address, design=may_read)
        body = view(address) or {}
        return WholeResource(
            address,
            str(body.get("label", "")),
            shown.state.title,
            tuple(_shown(*part, address, position) for part, position in zip(parts, positions, strict=True)),
            tuple(view.offer(address).shown_on) if address.kind is Kind.OFFER else (),
            standing,
            tuple(_referring(session, shown, address, known)),
        )


@dataclass(frozen=True)
class _ShownState:
    """The state that is shown, as one snapshot with what is shared, and the stages now."""

    state: NamedState
    view: Snapshot
    stages: Stages


def _address(session: Session, text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        named = sorted(_named_so(session, text), key=lambda address: (address.kind is not Kind.OFFER, address))
        kind = text.partition(".")[0].rpartition("/")[2]
        hint = suggestion(kind, list(Kind), f"Kinds: {', '.join(Kind)}.") if kind not in tuple(Kind) else ""
        raise refuse(
            Code.BAD_ADDRESS,
            str(error)[:300],
            detail=f"There is no file {text:.200} either." if text and "\0" not in text else "",
            hint=f"Did you mean {or_list(map(str, named[:_SUGGESTED]))}?" if named else hint,
        ) from None


def _named_so(session: Session, text: str) -> Iterator[Address]:
    """What the operator may know of that is named like the end of an address: ``gold-card``, ``offer.gold-card``."""
    with session.reading() as store:
        if store is None:
            return
        stages, may_read = Stages(store), design_readable(session, store)
        known = visible(stages.side(Stage.DESIGN), stages.side(Stage.LIVE), may_read)
        both = {*stages.side(Stage.DESIGN).entries, *stages.side(Stage.LIVE).entries}
        yield from (each for each in both if known(each) and str(each).endswith((f".{text}", f"/{text}")))


def _environment(address: Address) -> str:
    return "" if address.environment == SHARED else address.environment


def _shown_state(session: Session, store: Store | None, address: Address, at: str, *, may_read: bool) -> _ShownState:
    stages = Stages(store)
    if at in ("", *Stage) and store is not None and (may_read or at != Stage.DESIGN):
        sides = [Stage(at)] if at else [Stage.DESIGN, Stage.LIVE] if may_read else [Stage.LIVE]
        side = next((side for side in sides if address in stages.side(side).entries), sides[0])
        view = stages.side(side)
        environments = frozenset((SHARED, *stages.environments))
        state = NamedState(view.entries, view.bodies, title=side.value, environments=environments, stage=side)
        return _ShownState(state, view, stages)
    if not may_read and at.partition(":")[0].rpartition("@")[2] != Stage.LIVE:
        check_design_reader(session, _environment(address))
    state = state_named(session, store, at or "specs")
    entries = {**state.beside, **state.entries}
    return _ShownState(state, state.with_entries(entries, origins=_first_names(stages, state)), stages)


def _first_names(stages: Stages, state: NamedState) -> FirstNames:
    """The first names of what is in ``state``, by which approvals know it."""
    if stages.store is None or not stages.names:
        return FirstNames()
    if not state.serials:
        return stages.side(state.stage).origins
    known: dict[Address, str] = {}
    for address in stages.names.touched() & state.entries.keys():
        serial = state.serials.get(address.environment, stages.store.last_serial())
        came = address, serial
        if state.stage is Stage.LIVE:
            came = promoted_as(stages.store, address.stage(Stage.LIVE), [address], serial).get(address, (address, 0))
        known[address] = stages.names.origin(*came)
    return FirstNames(known)


def _missing(shown: _ShownState, address: Address, known: Callable[[Address], bool], *, may_read: bool) -> Refused:
    others = set(shown.view.entries)
    if may_read and shown.stages.store is not None:
        others |= {*shown.stages.side(Stage.DESIGN).entries, *shown.stages.side(Stage.LIVE).entries}
    removed = _removed(shown.stages.store, address) if may_read and shown.stages.store is not None else ""
    elsewhere = [side.value for side in Stage if may_read and address in shown.stages.side(side).entries]
    hint = f"It is in {elsewhere[0]}: --at {elsewhere[0]}" if elsewhere else ""
    alike = (each for each in others if each.kind is address.kind and known(each))
    what = "design or live" if shown.state.title == Stage.DESIGN and not elsewhere else shown.state.title
    return refuse(
        Code.NO_MATCH,
        f"there is no {address:.200} in {what:.100}",
        hint=hint or removed or suggestion(address, alike, "To show what is declared, but not applied yet: --at specs"),
    )


def _removed(store: Store, address: Address) -> str:
    """The state in which a resource was last, as a hint; empty if it never was."""
    for side in Stage:
        row = store.last_change(address.stage(side), [address]).get(address)
        if row is not None:
            gone = f"renamed it to {row.address}" if row.moved_from == address else "removed it"
            return f"Revision {row.serial} {gone}. To show it as it was before: --at {side}:{row.serial - 1}"
    return ""


def _parts(view: Snapshot, address: Address) -> list[tuple[str, GivenPart]]:
    """The parts by group; texts are grouped by the space that shows them."""
    if address.kind not in _CHOSEN:
        body = redacted_fields(address.kind, view(address) or {})
        return [(_OTHERS, GivenPart(path, value, address)) for path, value in leaves(body)]
    parts = [*parts_of(view, address)]
    texts: list[tuple[str, GivenPart]] = []
    if address.kind is not Kind.CATEGORY:
        texts = list(_texts(view.offer(address), [part for part in parts if part.path[0] in _TEXTS]))
    parts = list(_with_whole_multipliers(parts))
    grouped = [(_GROUPS.get(_decides(part), _OTHERS), part) for part in parts if part.path[0] not in _TEXTS]
    order = dict.fromkeys((_OTHERS, *_GROUPS.values()))
    places = {group: place for place, group in enumerate(order)}
    return sorted(grouped, key=lambda pair: places[pair[0]]) + texts


def _decides(part: GivenPart) -> str:
    """The property that a part belongs to; the condition of a weight's filter is one on that weight only."""
    return part.within if part.within == "weights" else str(part.path[0])


def _with_whole_multipliers(parts: Iterable[GivenPart]) -> Iterator[GivenPart]:
    """``parts``, each multiplier as one: its factor says nothing without its period."""
    multipliers: dict[Address, JsonMap] = {}
    for part in parts:
        if part.path[0] == "multiplier" and len(part.path) > 1:
            multipliers.setdefault(part.origin, {})[str(part.path[1])] = part.value
        else:
            yield part
    yield from (GivenPart(("multiplier",), value, origin) for origin, value in multipliers.items())


def _texts(offer: EffectiveOffer, given: Sequence[GivenPart]) -> Iterator[tuple[str, GivenPart]]:
    shown: set[GivenPart] = set()
    for space in offer.shown_on:
        for part in content_parts(offer, space):
            shown.add(part._replace(value=None))
            yield f"Content on {space}", part
    yield from ((_NOT_SHOWN, part) for part in given if part._replace(value=None) not in shown)


def _positions(session: Session, shown: _ShownState, parts: Iterable[tuple[str, GivenPart]]) -> list[Position | None]:
    """Where each part is written, if the project's specs declare exactly the body that gives it."""
    pairs = [(part.origin, part.path) for _, part in parts]
    specs = shown.state.specs or _specs(session)
    if specs is None:
        return [None] * len(pairs)
    entries = shown.view.entries
    same = {
        address
        for address in {address for address, _ in pairs}
        if address in specs.records and specs.records[address].fingerprint == entries[address].fingerprint
    }
    found = iter(spec_positions(specs, (pair for pair in pairs if pair[0] in same)))
    return [next(found) if address in same else None for address, _ in pairs]


def _specs(session: Session) -> Loaded | None:
    """The project's specs; None while they have mistakes, since positions are only an addition."""
    try:
        return session.load(cases=False)
    except Refused:
        return None


def _shown(group: str, part: GivenPart, address: Address, position: Position | None) -> ShownPart:
    path = part.path
    texts = path[0] in _TEXTS and group != _NOT_SHOWN
    name = str(path[-1]) if texts else path_text(path)
    source = "own" if part.origin == address else part.origin.kind.value
    return ShownPart(
        group, name, part.value, part.origin, source, position, part.user if part.user != address else None
    )


def _referring(
    session: Session, shown: _ShownState, address: Address, known: Callable[[Address], bool]
) -> Iterator[Referring]:
    view = shown.view
    if shown.stages.store is not None and shown.state.stage is Stage.DESIGN and not shown.state.serials:
        live = shown.stages.side(Stage.LIVE)  # campaigns belong to live
        campaigns = {each: live.entries[each] for each in live.of_kind(Kind.CAMPAIGN) if each not in view.entries}
        bodies = live.bodies_of(entry.fingerprint for entry in campaigns.values())
        view = view.with_entries({**view.entries, **campaigns}, bodies)
    yield from (_named(referrer) for referrer in referrers(view, address) if known(referrer.address))
    if address.kind is Kind.OFFER and shown.stages.store is not None and not shown.state.serials:
        yield from _simulations(session, address)


def _named(referrer: Referrer) -> Referring:
    path = referrer.path if referrer.path[:1] != ("applies_to",) or referrer.way == NAMES_IT else ()
    return Referring(referrer.address, _path(path), referrer.way)


def _path(path: Sequence[str | int]) -> str:
    """A path as plans write it, items counted from 1; without the position in a list of names, which says nothing."""
    keys = path[:-1] if path and isinstance(path[-1], int) else path
    return path_text(keys)


def _simulations(session: Session, address: Address) -> Iterator[Referring]:
    """The kept simulations that counted an offer."""
    listed = session.backend.simulations(session, SimulationsRequest("list", environment=address.environment)).runs
    names = [run.name for run in listed[:SIMULATIONS]]
    if not names:
        return
    for run in session.backend.simulations(session, SimulationsRequest("read", names)).runs:
        counted = (result.offer for space in simulation_of(run).spaces for result in space.offers)
        if address.name in counted:
            yield Referring(f"simulation {run.name}", run.stage, "counted it")
