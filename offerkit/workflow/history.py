"""Looking back and going back: differences, the history, rollback, purge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from offerkit import __version__
from offerkit.address import Kind, Stage, StageRef, parse_address, parse_stage
from offerkit.diagnostics import Code, Refused, refuse, suggestion
from offerkit.engine.durations import duration
from offerkit.governance.approval import Approval
from offerkit.planning.plan import Plan, PlanKind, Reason, StageBase, Step
from offerkit.planning.select import Patterns
from offerkit.planning.steps import Context, protected, steps_for
from offerkit.reports.history import HistoryLine
from offerkit.reports.impact_record import RecordedSpace, overridden, recorded
from offerkit.reports.words import DONE, count
from offerkit.state.changes import Action, Delta, by_environment, delta
from offerkit.state.entries import Body
from offerkit.state.snapshot import Snapshot, refs_of
from offerkit.store import ChangeRow, RevisionRow, Store
from offerkit.store.tokens import TokenEvent, events
from offerkit.store.views import StoredBodies
from offerkit.times import instant, utc
from offerkit.workflow.points import (
    Point,
    comparable,
    in_environment,
    is_across,
    is_time,
    serial_of,
    zone_of,
    zone_said,
)
from offerkit.workflow.renames import renames_between, renames_of_specs
from offerkit.workflow.session import Session, promotion_settings


@dataclass(frozen=True)
class Difference:
    """What one state has against another, as steps, with the bodies of both sides.

    ``across``: which environment is compared with which, where they are two: names then are those without it.
    """

    steps: list[Step]
    bodies: dict[str, Body]
    across: tuple[str, str] | None = None


def difference(session: Session, a: Point, b: Point, patterns: Patterns) -> Difference:
    """What ``b`` has against ``a``. Raises Refused: a pattern matches nothing, or the two have nothing in common."""
    across = is_across(a, b)

    def names(address: str) -> list[str]:
        return [address] if across is None else [in_environment(address, name) for name in across]

    patterns.check_known({name for address in (*a.entries, *b.entries) for name in names(address)})
    chosen = [
        d
        for d in differing(a, b)
        if patterns.targeted(*names(d.address), d.moved_from) and not patterns.excluded(*names(d.address), d.moved_from)
    ]
    bodies = _gathered(chosen, a, b)
    with session.progress("Comparing", len(chosen)) as advance:
        return Difference(steps_for(chosen, Context(bodies, {}, {}, advance)), bodies, across)


def differing(a: Point, b: Point) -> list[Delta]:
    """Where ``b`` differs from ``a``, environment by environment; what differs there is not looked into."""
    before, after = comparable(a, b)
    renames = _renames(a, b)
    found: list[Delta] = []
    was, will, moves = by_environment(before), by_environment(after), by_environment(renames)
    for environment in sorted(was.keys() | will.keys()):
        stage = f"{environment}@{b.stage}"
        found += delta(stage, was.get(environment, {}), will.get(environment, {}), moves.get(environment))
    return found


def _renames(a: Point, b: Point) -> dict[str, str]:
    """What both hold under two names."""
    if is_across(a, b) is not None:
        return {}
    if a.moved is not None and b.moved is not None:
        return renames_of_specs(a.moved, b.moved, a.entries, b.entries)
    return renames_between(a.entries, b.entries, a.names, b.names)


def _gathered(deltas: list[Delta], a: Point, b: Point) -> dict[str, Body]:
    bodies: dict[str, Body] = {}
    for point, side in ((a, "before"), (b, "after")):
        wanted = {entry.fingerprint for d in deltas if (entry := getattr(d, side)) is not None}
        bodies |= point.snapshot.bodies_of(wanted)
    return bodies


def history(store: Store, stage: str, address: str, limit: int) -> list[HistoryLine]:
    """The revisions, newest first, that touched a stage or an address (empty: all)."""
    if stage:
        try:
            ref = parse_stage(stage)
        except ValueError as error:
            raise refuse(Code.BAD_POINT, str(error)) from None
        stage = f"{ref.environment}@{ref.stage}"
        if stage not in store.heads():
            raise refuse(Code.BAD_POINT, f"there is no stage {stage}", hint=suggestion(stage, store.heads()))
    if address:
        try:
            address = str(parse_address(address))
        except ValueError as error:
            raise refuse(Code.BAD_ADDRESS, str(error)) from None
    rows = store.revisions(stage=stage, address=address, limit=limit)
    decisions = _decisions(store, rows)
    return [_line(store, row, decisions.get(row.serial, "")) for row in rows]


def _line(store: Store, row: RevisionRow, decided: str) -> HistoryLine:
    changes = store.changes(row.serial)
    stages = tuple(sorted({change.stage for change in changes}))
    told = _tokens(row)
    summary = _summary(changes) or decided or "; ".join(map(_token_words, told))
    override = overridden(row.details)
    time = row.time[:19] + "Z"
    return HistoryLine(
        row.serial,
        time,
        row.actor,
        row.action,
        stages,
        summary,
        row.message,
        row.digest,
        override,
        tuple(map(_token_facts, told)),
    )


@dataclass(frozen=True)
class Revision:
    """One revision, looked into: what it changed as steps with their ``bodies``, what it decided, and took from people.

    ``unmeasured``: environments whose contacts could not be read then.
    """

    line: HistoryLine
    steps: list[Step]
    bodies: Mapping[str, Body]
    approvals: list[Approval]
    impact: list[RecordedSpace]
    unmeasured: list[str]


def revision(store: Store, serial: int) -> Revision:
    """The revision ``serial``. Raises Refused when there is none."""
    row = store.revision(serial)
    if row is None:
        raise refuse(Code.BAD_POINT, f"there is no revision {serial}", hint=f"The last one is {store.last_serial()}.")
    bodies = StoredBodies(store)
    deltas = [
        Delta(change.address, change.stage, Action(change.action), change.before, change.after, change.moved_from)
        for change in store.changes(serial)
    ]
    bodies.fetch(entry.fingerprint for d in deltas for entry in (d.before, d.after) if entry is not None)
    line = _line(store, row, _decisions(store, [row]).get(serial, ""))
    made = [approval for approval in store.approvals() if approval.revision == serial]
    return Revision(line, steps_for(deltas, Context(bodies, {}, {})), bodies, made, *recorded(row.details))


def _tokens(row: RevisionRow) -> tuple[TokenEvent, ...]:
    try:
        return tuple(events(row.action, row.details))
    except ValueError:  # edited: an audit tells
        return ()


def _token_facts(token: TokenEvent) -> dict[str, str]:
    names = ("id", "operator", "name", "scope", "created", "created_by", "expires", "revoked")
    return {name: str(getattr(token, name)) for name in names}


def _token_words(token: TokenEvent) -> str:
    text = f"token {token.id} of {token.operator}, for {token.scope.replace(',', ', ')}, until {token.expires[:10]}"
    return f"{text}: {token.name}" if token.name else text


def _summary(changes: Sequence[ChangeRow]) -> str:
    counts = Counter(change.action for change in changes)
    return ", ".join(f"{counts[action]:,} {word}" for action, word in DONE.items() if counts[action])


def _decisions(store: Store, rows: list[RevisionRow]) -> dict[int, str]:
    """What the approvals and rejections among ``rows`` were about, by revision."""
    wanted = {row.serial for row in rows if row.action in ("approve", "reject")}
    offers: dict[int, list[str]] = {}
    for approval in store.approvals() if wanted else ():
        if approval.revision in wanted:
            offers.setdefault(approval.revision, []).append(approval.key.address)
    return {
        serial: f"{count(len(made), 'decision')} on {count(len(set(made)), 'offer')}" for serial, made in offers.items()
    }


def plan_rollback(session: Session, store: Store, text: str, to: str) -> Plan:
    """The plan that takes a stage back to what it was at a revision or time.

    Taking live back needs no approval: it was live before. What it takes back is not promoted again until
    design changes (domain.md §4).
    """
    try:
        ref = parse_stage(text)
    except ValueError as error:
        raise refuse(Code.BAD_POINT, str(error)) from None
    stage = f"{ref.environment}@{ref.stage}"
    heads = store.heads()
    if stage not in heads:
        raise refuse(Code.BAD_POINT, f"there is no stage {stage}", hint=suggestion(stage, heads))
    wanted = StageRef(ref.environment, ref.stage, to)
    zone = zone_of(store, [wanted])
    serial = serial_of(store, wanted, zone)
    now, then = store.entries(stage), store.entries_at(stage, serial)
    every = delta(stage, now, then, store.renames_since(stage, serial))
    deltas = [d for d in every if parse_address(d.address).kind is not Kind.CAMPAIGN]
    bodies = StoredBodies(store)
    if deltas:
        bodies.fetch(entry.fingerprint for entry in (*now.values(), *then.values()))
    states = Snapshot({**now, **then}, bodies)
    context = Context(bodies, refs_of(states, states.entries if deltas else ()), {})
    steps = steps_for(deltas, context, dict.fromkeys((d.address for d in deltas), Reason.ROLLED_BACK))
    if ref.stage is Stage.DESIGN and (refused := protected(deltas, bodies)):
        raise Refused(refused)
    at = f", the last one at {to}{zone_said(to, zone)}" if is_time(to) else ""
    note = f"Takes {stage} back to what it was at revision {serial}{at}."
    if len(every) > len(deltas):
        note += " Campaigns stay as they are."
    if ref.stage is Stage.LIVE:
        note += " What it takes back is promoted again only once design changes, or with --include-rolled-back."
    return replace(_plan_of(store, PlanKind.ROLLBACK, steps, (note,) if steps else (), (stage,), bodies), to=serial)


def _plan_of(
    store: Store,
    kind: PlanKind,
    steps: list[Step],
    notes: tuple[str, ...],
    stages: tuple[str, ...],
    bodies: StoredBodies,
) -> Plan:
    heads = store.heads()
    kept = {step.after.fingerprint for step in steps if step.after is not None}
    return Plan(
        kind,
        store.project,
        __version__,
        base=tuple(StageBase(stage, heads[stage].revision, heads[stage].digest) for stage in stages),
        steps=tuple(steps),
        notes=notes,
        bodies={key: bodies[key] for key in sorted(kept)},
    )


def plan_purge(session: Session, store: Store, names: tuple[str, ...]) -> Plan:
    """The plan that removes deactivated offers whose retention is over from live; the history keeps them."""
    settings = promotion_settings(store)
    for name in names:
        if name not in settings:
            raise refuse(Code.NO_MATCH, f"there is no environment “{name[:80]}”", hint=suggestion(name, settings))
    bodies = StoredBodies(store)
    steps: list[Step] = []
    waiting = []
    heads = store.heads()
    stages = tuple(stage for n in (names or sorted(settings)) if (stage := f"{n}@{Stage.LIVE}") in heads)
    for stage in stages:
        kept = store.entries(stage, Kind.OFFER)
        gone = {address: entry for address, entry in kept.items() if entry.activation == ()}
        days = str(settings[stage.partition("@")[0]].get("retention", "90d"))
        limit = before(session.now, days)
        over = {}
        for address, change in store.last_change(stage, gone).items():
            revision = store.revision(change.serial)
            if revision is not None and revision.time <= limit:
                over[address] = gone[address]
            else:
                waiting.append(f"{address} is kept: it was deactivated less than {days} ago.")
        deltas = delta(stage, over, {})
        bodies.fetch(entry.fingerprint for entry in over.values())
        steps += steps_for(deltas, Context(bodies, {}, {}), dict.fromkeys(over, Reason.RETENTION_OVER))
    return _plan_of(store, PlanKind.PURGE, steps, tuple(waiting), stages, bodies)


def before(now: str, span: str) -> str:
    """The moment ``span`` (``180d``) before ``now``, both UTC as the store writes it where ``now`` is."""
    return utc(instant(now) - duration(span))
