"""Resolves names of states: stages now and in the past, results of plans, specs on disk and in git."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from pathlib import Path

from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, Address, Kind, Stage, StageRef, parse_stage
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, refuse
from offerkit.fingerprint import JsonPath
from offerkit.plans.plan import Plan
from offerkit.specs import Loaded, load_folder
from offerkit.specs.record import Mistake
from offerkit.state.changes import Entry
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages, environments
from offerkit.times import utc
from offerkit.usecases.argument_values import DAY_ENDS, names_zone, time_or_none, zone_of_stage
from offerkit.usecases.plan_files import load_plan
from offerkit.usecases.renames import names_of_design, names_of_live, names_of_specs
from offerkit.usecases.session import Session


@dataclass(kw_only=True)
class NamedState(Snapshot):
    """A state and the environments that it covers.

    ``names``: by address, the current name in design if different. ``moved``: the renames that specs declare.
    ``beside``: other entries that decisions depend on, such as shared resources. ``specs``: the loaded specs, if it
    comes from specs. ``commit``: its git commit. ``serials``: by environment, the revision of a state in the past.
    ``revisions``: by environment, the revision of any state of a stage.
    """

    title: str
    environments: frozenset[str]
    stage: Stage
    names: Mapping[Address, Address] = field(default_factory=dict)
    moved: Mapping[Address, Address] | None = None
    beside: Mapping[Address, Entry] = field(default_factory=dict)
    specs: Loaded | None = field(default=None, repr=False)
    commit: str = ""
    serials: Mapping[str, int] = field(default_factory=dict)
    revisions: Mapping[str, int] = field(default_factory=dict)

    @property
    def own(self) -> frozenset[str]:
        """The environments without the shared one."""
        return self.environments - {SHARED}


_SERIAL = re.compile(r"[0-9]{1,12}")
_TIMES = 10
"""How many states with the same time to compare."""
FORMS = (
    "ENVIRONMENT@design, ENVIRONMENT@live, design or live (each with :REVISION or :TIME), PLAN.json, specs, git:REF,"
    " git:REF...REF"
)


@contextlib.contextmanager
def open_states(session: Session, *texts: str) -> Iterator[list[NamedState]]:
    """The states that ``texts`` name. The store stays open, because bodies are loaded on demand."""
    with session.reading() as store, store.reading() if store is not None else contextlib.nullcontext():
        yield [state_named(session, store, text) for text in texts]


def state_named(session: Session, store: Store | None, text: str, *, cases: bool = True) -> NamedState:
    """The state named ``text``; ``cases``: whether specs include cases. Raises Refused if it does not exist."""
    if text == "specs":
        return _specs(session.load(cases=cases), store, "specs")
    if text.startswith("git:"):
        return _at_revision(session, store, text)
    if text.endswith(".json"):
        return _planned(store, load_plan(Path(text)), text)
    side, _, at = text.partition(":")
    if side in tuple(Stage):
        named = environments(store) if store is not None else []
        refs = [StageRef(name, Stage(side), at or None) for name in (SHARED, *named)]
    else:
        try:
            ref = parse_stage(text)
        except ValueError as error:
            raise refuse(Code.BAD_POINT, str(error), hint=f"A state is one of: {FORMS}.") from None
        refs = [ref]
    return _stages(store, refs, text)


def _stages(store: Store | None, refs: list[StageRef], title: str) -> NamedState:
    if store is None:
        raise refuse(Code.STORE_MISSING, "there is no store yet", hint="The first “offerkit apply” creates it.")
    stages = Stages(store)
    zone = zone_of(store, refs)
    entries: dict[Address, Entry] = {}
    serials: dict[str, int] = {}
    revisions: dict[str, int] = {}
    for ref in refs:
        stage = ref.on(ref.stage)
        if stage not in stages.heads:
            if ref.environment not in (SHARED, *stages.environments):
                known = ", ".join(sorted(stages.heads))
                raise refuse(Code.BAD_POINT, f"there is no stage {stage}", hint=f"Stages: {known}.")
            continue
        if ref.at is None:
            entries |= stages.entries(stage)
            revisions[ref.environment] = stages.heads[stage].revision
        else:
            revisions[ref.environment] = serials[ref.environment] = serial_of(store, ref, zone)
            entries |= store.entries_at(stage, serials[ref.environment])
    lead = names_of_live if refs[0].stage is Stage.LIVE else names_of_design
    about = frozenset(ref.environment for ref in refs)
    shown = title + zone_said(refs[0].at, zone)
    names = lead(store, entries, serials)
    return NamedState(
        entries,
        stages.bodies,
        title=shown,
        environments=about,
        stage=refs[0].stage,
        names=names,
        beside=_shared(stages, refs[0], serials) if SHARED not in about else {},
        serials=serials,
        revisions=revisions,
    )


def _shared(stages: Stages, ref: StageRef, serials: Mapping[str, int]) -> Mapping[Address, Entry]:
    """The shared resources as of ``ref``."""
    shared = StageRef(SHARED, ref.stage)
    if ref.environment not in serials or shared not in stages.heads:
        return stages.entries(shared)
    assert stages.store is not None
    return stages.store.entries_at(shared, serials[ref.environment])


def zone_of(store: Store, refs: Sequence[StageRef]) -> tzinfo:
    """The time zone in which the time of ``refs`` (the same in all) is read if it names none."""
    names = [ref.environment for ref in refs if ref.environment != SHARED]
    return zone_of_stage(store, refs[0].stage, names) if is_time(refs[0].at) else UTC


def zone_said(at: str | None, zone: tzinfo) -> str:
    """The zone in which ``at`` was read, as a suffix; empty if ``at`` names its zone or is not a time."""
    return f" ({zone})" if is_time(at) and not names_zone(at or "") else ""


def is_time(at: str | None) -> bool:
    """Whether a state is given by a time."""
    return at is not None and not _SERIAL.fullmatch(at)


def serial_of(store: Store, ref: StageRef, zone: tzinfo) -> int:
    """The revision that ``ref.at`` means: a number, or the last revision at a time, read in ``zone`` if it names none.

    Raises Refused if it is neither, and for a time that matches several different states.
    """
    assert ref.at is not None
    if _SERIAL.fullmatch(ref.at):
        serial = int(ref.at)
        last = store.last_serial()
        if serial > last:
            raise refuse(Code.BAD_POINT, f"there is no revision {serial}", hint=f"The last one is {last}.")
        return serial
    return _at_time(store, ref, zone)


def _at_time(store: Store, ref: StageRef, zone: tzinfo) -> int:
    """The last revision at a time; if the clock was set back, only if all matching revisions have the same state."""
    assert ref.at is not None
    when = time_or_none(ref.at, zone, DAY_ENDS)
    if when is None:
        raise refuse(
            Code.BAD_POINT,
            f"“{ref.at[:60]}” is neither a revision nor a time",
            hint="Write a number, a day (2026-11-01) or a time (2026-11-01T12:00+01:00).",
        )
    moment = utc(when)
    serials = store.serials_at(moment)
    stage = ref.on(ref.stage)
    states = [store.entries_at(stage, serial) for serial in serials[: _TIMES + 1]]
    if len(serials) <= _TIMES and all(state == states[0] for state in states):
        return serials[-1]
    rows = ((serial, store.revision(serial)) for serial in serials[:_TIMES])
    choices = [
        f"{serial} (made at {row.time[:19]}Z)" if row is not None else f"{serial} (nothing)" for serial, row in rows
    ]
    more = f" and {len(serials) - _TIMES:,} others" if len(serials) > _TIMES else ""
    raise refuse(
        Code.AMBIGUOUS_TIME,
        f"“{ref.at[:60]}” is ambiguous: the clock was set back, so {moment[:19]}Z occurred more than once",
        detail=f"It may mean {stage} after revision {', or '.join(choices)}{more}, which differ.",
        hint="Name the revision instead; “offerkit history” lists them with their times.",
    )


def _specs(loaded: Loaded, store: Store | None, title: str) -> NamedState:
    state = loaded.snapshot
    return NamedState(
        state.entries,
        state.bodies,
        title=title,
        environments=frozenset(loaded.digests) | {SHARED},
        stage=Stage.DESIGN,
        names=names_of_specs(store, state.entries, loaded.moves, now=title == "specs") if store is not None else {},
        moved=loaded.moves,
        specs=loaded,
    )


def _at_revision(session: Session, store: Store | None, text: str) -> NamedState:
    from offerkit.specs.git import checkout

    with checkout(session.project.root, text.removeprefix("git:"), session.environ) as (folder, commit):
        for name in ("specs", "environments"):
            with contextlib.suppress(OSError):  # a file of that name: the loader reports it
                (folder / name).mkdir(exist_ok=True)
        try:
            return replace(_specs(load_folder(folder), store, text), commit=commit)
        except Refused as refused:
            raise Refused([_in(text.removeprefix("git:"), diagnostic) for diagnostic in refused.diagnostics]) from None


def _in(revision: str, diagnostic: Diagnostic) -> Diagnostic:
    """``found`` with its position in git's notation, since the file on disk may differ."""
    at = diagnostic.position
    return diagnostic if at is None else replace(diagnostic, position=at._replace(file=f"{revision[:60]}:{at.file}"))


def _planned(store: Store | None, plan: Plan, title: str) -> NamedState:
    """The stages that a plan changes, as they would be after applying it now."""
    bases = [base.stage for base in plan.base]
    side = Stage.LIVE if all(stage.stage is Stage.LIVE for stage in bases) else Stage.DESIGN
    stages = Stages(store)
    before = stages.snapshot(sorted({stage for stage in bases if stage.stage is side}))
    after = before.apply(plan.steps_on(side), plan.bodies)
    about = frozenset(stage.environment for stage in bases)
    names = _names_of_plan(store, plan, after.entries, side)
    beside = stages.entries(StageRef(SHARED, side)) if SHARED not in about else {}
    return NamedState(
        after.entries, after.bodies, title=title, environments=about, stage=side, names=names, beside=beside
    )


def _names_of_plan(
    store: Store | None, plan: Plan, entries: Mapping[Address, Entry], side: Stage
) -> dict[Address, Address]:
    """The current names in design of a plan's resources."""
    moved: dict[Address, Address] = {step.address: step.moved_from for step in plan.steps if step.moved_from}
    if store is None or side is Stage.DESIGN:
        return moved
    live_addresses = {moved.get(address, address) for address in entries}
    names = names_of_live(store, live_addresses, {})
    current_names = {
        address: names.get(moved.get(address, address), moved.get(address, address)) for address in entries
    }
    return {address: name for address, name in current_names.items() if address != name}


def spec_positions(specs: Loaded, paths_of: Iterable[tuple[Address, JsonPath]]) -> list[Position | None]:
    """The position of each path in the specs, in their order; None where they do not declare it."""
    records, pairs = specs.records, list(paths_of)
    findings = [
        Mistake(records[address], path, Code.NO_MATCH, "", on_key=True) for address, path in pairs if address in records
    ]
    placed = iter(specs.placed(findings) if findings else ())
    return [next(placed).position if address in records else None for address, _ in pairs]


def is_across(a: NamedState, b: NamedState) -> tuple[str, str] | None:
    """The two environments, if each state covers a single, different environment."""
    if len(a.own) == len(b.own) == 1 and a.own != b.own:
        return next(iter(a.own)), next(iter(b.own))
    return None


def in_environment(address: Address, other: str) -> Address:
    """The same address in another environment."""
    return Address(other, address.kind, other if address.kind is Kind.ENVIRONMENT else address.name)


def comparable(a: NamedState, b: NamedState) -> tuple[dict[Address, Entry], dict[Address, Entry]]:
    """The entries of both states that can be compared: of environments in both, and of kinds that both stages have.

    Different environments are compared under the names of the second. Operators exist only in design, campaigns only in
    live; activation counts only if both are live. Raises Refused if nothing can be compared.
    """
    both = a.environments & b.environments
    across = is_across(a, b)
    if across is not None:
        own = {x: entry for x, entry in a.entries.items() if x.environment == across[0]}
        renamed = {in_environment(x, across[1]): entry for x, entry in own.items()}
        a = replace(a, entries=renamed, memo={})
        both = b.own
    elif not both:
        raise refuse(
            Code.BAD_POINT,
            f"{a.title} and {b.title} cannot be compared: they have no environment in common",
            detail=f"The first is about {', '.join(sorted(a.environments))}, the second about"
            f" {', '.join(sorted(b.environments))}.",
            hint="Name one environment on each side, as in recipients@live visitors@live.",
        )
    both_live = a.stage is Stage.LIVE and b.stage is Stage.LIVE
    mixed = a.stage is not b.stage

    def kept(state: NamedState) -> dict[Address, Entry]:
        comparable_entries = {}
        for address, entry in state.entries.items():
            if address.environment not in both or (mixed and address.kind in (Kind.CAMPAIGN, *ADMINISTRATIVE_KINDS)):
                continue
            if state.stage is Stage.DESIGN and address.kind is Kind.CAMPAIGN:
                continue
            if mixed and entry.activation == ():
                continue
            comparable_entries[address] = entry if both_live else Entry(entry.fingerprint)
        return comparable_entries

    return kept(a), kept(b)
