"""``simulate --save`` and ``simulations``: runs kept by name with what was simulated, and compared.

What is kept are counts, for all operators. Values of a contact's field that only a few contacts have could name them,
so they are counted together, and a population of a few contacts cannot be kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson

from offerkit.address import Stage
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.engine.counts import FEWEST
from offerkit.engine.simulation import AxisValue, GroupResult, Simulation, SpaceResult
from offerkit.engine.simulation_comparison import ComparedCount, ComparedSimulations, ComparedSpace
from offerkit.fingerprint import Json, canonical, manifest_digest
from offerkit.governance.rights import Actor, may_keep_simulations, may_remove_simulation
from offerkit.store import Store, errors
from offerkit.store.simulations import SavedSimulation, already_kept
from offerkit.usecases.design_access import check_design_reader, design_readable, without_suggestions
from offerkit.usecases.list_propositions import check_environment
from offerkit.usecases.open_engine import StageEngine
from offerkit.usecases.requests import KeptSimulation, KeptSimulations, SimulationsRequest
from offerkit.usecases.session import Session, who_is
from offerkit.usecases.simulate import SimulationRequest

OTHERS = "(other values)"
LARGEST = 16 * 1024 * 1024
"""Bytes of a kept run, at most."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_OPTIONS = ("spaces", "categories", "themes", "axes", "population", "offers", "n", "seed")
_IN_WORDS = {"n": "number of offers wanted"}
"""Options whose name says too little."""


def check_saving(session: Session, name: str, environment: str, *, replaced: bool) -> None:
    """Before a long run: may they keep it, and is the name free? Raises Refused."""
    if not _NAME.fullmatch(name):
        raise refuse(
            Code.BAD_VALUE,
            f"“{name[:80]}” cannot be the name of a simulation",
            detail="A name has 1 to 100 letters, digits, dots, hyphens and underscores, a letter or digit first.",
            hint="Choose another name.",
        )
    with session.existing() as store:
        _keeper(session, store, name, environment, replaced=replaced)


def _keeper(session: Session, store: Store, name: str, environment: str, *, replaced: bool) -> Actor:
    """The operator who keeps a run by ``name``. Raises Refused unless they may do that."""
    actor = who_is(session, store)
    earlier = next((run for run in store.simulations() if run.name == name), None)
    diagnostics = [may_keep_simulations(actor, environment)]
    if earlier is not None and replaced:
        diagnostics.append(may_remove_simulation(actor, earlier.actor))
    if refused := list(filter(None, diagnostics)):
        raise Refused(refused)
    if earlier is not None and not replaced:
        raise already_kept(earlier)
    return actor


def save_simulation(
    session: Session, name: str, simulation: Simulation, about: Mapping[str, Json], *, replaced: bool
) -> None:
    """Keep a run by ``name``; ``about``: what was simulated (:func:`about_run`). Raises Refused."""
    if simulation.population and any(space.contacts < FEWEST for space in simulation.spaces):
        raise refuse(
            Code.SIMULATION_OPTIONS,
            f"the population has fewer than {FEWEST} contacts, so its simulation cannot be kept",
            detail="Operators who may not read contacts would learn what single ones get. Nothing was kept.",
            hint="Choose a wider population, or leave out --save.",
        )
    body = canonical({"about": dict(about), "simulation": _plain(_without_few(simulation))})
    if len(body) > LARGEST:
        raise refuse(
            Code.BAD_VALUE,
            f"the simulation is too large to be kept: {len(body):,} bytes; {LARGEST:,} are allowed",
            hint="Simulate fewer spaces, or leave out axes.",
        )
    with session.writing() as store, store.recording():
        actor = _keeper(session, store, name, simulation.environment, replaced=replaced)
        run = SavedSimulation(name, simulation.environment, simulation.stage, session.now, actor.name, body.decode())
        store.save_simulation(run, replaced=replaced)


def about_run(engine: StageEngine, request: SimulationRequest) -> dict[str, Json]:
    """What identifies what was simulated: the state by its digest, the revision of its stage, and the options."""
    digest = manifest_digest(
        (str(address), entry.fingerprint, "-" if entry.activation is None else ",".join(entry.activation))
        for address, entry in engine.catalogs.snapshot.entries.items()
    )
    heads = engine.store.heads() if engine.store is not None else {}
    revisions = [
        head.revision
        for stage, head in heads.items()
        if stage.environment == request.environment and stage.stage == engine.catalogs.stage
    ]
    options = {name: value for name in _OPTIONS if (value := getattr(request, name))}
    return {
        "digest": digest,
        "revision": max(revisions, default=0),
        "options": orjson.loads(orjson.dumps(options)),
    }


def simulations(session: Session, request: SimulationsRequest) -> KeptSimulations:
    """List, read or remove kept runs, in the local store or a server's. Raises Refused."""
    return session.backend.simulations(session, request)


def simulations_here(session: Session, request: SimulationsRequest) -> KeptSimulations:
    """:func:`simulations` where the store is. Runs of design are for those who may read it."""
    with session.existing() as store:
        may_read = design_readable(session, store)
    with without_suggestions(known=may_read("")):
        if request.action == "remove":
            return _removed(session, request.names)
        with session.existing() as store:
            if request.action == "list":
                runs = store.simulations(request.environment)
                if request.environment and not runs:  # those of an environment that is gone stay
                    check_environment(store, request.environment)
                return KeptSimulations([_kept(run) for run in runs if _of_live(run) or may_read(run.environment)])
            runs = [store.simulation(name) for name in request.names]
    for run in runs:
        if not _of_live(run):
            check_design_reader(session, run.environment)
    return KeptSimulations([_kept(run) for run in runs])


def _of_live(run: SavedSimulation) -> bool:
    return run.stage == Stage.LIVE


def _removed(session: Session, names: Sequence[str]) -> KeptSimulations:
    with session.writing() as store:
        actor = who_is(session, store)
        with store.recording():
            runs = [store.simulation(name) for name in dict.fromkeys(names)]
            if diagnostics := list(filter(None, (may_remove_simulation(actor, run.actor) for run in runs))):
                raise Refused(diagnostics)
            for run in runs:
                store.remove_simulation(run.name)
    return KeptSimulations([replace(_kept(run), body=None) for run in runs])


def _kept(run: SavedSimulation) -> KeptSimulation:
    try:
        body: Json = orjson.loads(run.body) if run.body else None
    except orjson.JSONDecodeError:
        raise errors.damaged("the store", f"The simulation {run.name} was edited") from None
    return KeptSimulation(
        run.name, run.environment, run.stage, run.time, run.actor, body if isinstance(body, dict) else None
    )


def simulation_of(run: KeptSimulation) -> Simulation:
    """The result of a kept run. Raises Refused if it was edited."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Simulation).validate_python((run.body or {}).get("simulation"))
    except ValidationError:
        raise errors.damaged("the store", f"The simulation {run.name} was edited") from None


def compare(before: KeptSimulation, after: KeptSimulation) -> ComparedSimulations:
    """Two runs side by side. Raises Refused if they have no space in common."""
    old, new = simulation_of(before), simulation_of(after)
    spaces_before, spaces_after = ({space.space: space for space in run.spaces} for run in (old, new))
    common = [name for name in spaces_before if name in spaces_after]
    if not common:
        raise refuse(
            Code.SIMULATIONS_APART,
            f"{before.name} and {after.name} cannot be compared: they have no space in common",
            hint="Compare runs of the same spaces: offerkit simulations list",
        )
    return ComparedSimulations(
        _about(before, old),
        _about(after, new),
        [_space(spaces_before[name], spaces_after[name]) for name in common],
        _differs(before, after, old, new),
        [name for name in spaces_before if name not in spaces_after],
        [name for name in spaces_after if name not in spaces_before],
    )


def _about(run: KeptSimulation, simulation: Simulation) -> dict[str, Json]:
    about: Any = (run.body or {}).get("about")
    known = about if isinstance(about, dict) else {}
    facts: dict[str, Json] = {"name": run.name, "environment": run.environment, "stage": run.stage, "at": simulation.at}
    return {
        **facts,
        "time": run.time,
        "actor": run.actor,
        **{key: known.get(key) for key in ("revision", "digest", "options")},
    }


def _differs(before: KeptSimulation, after: KeptSimulation, old: Simulation, new: Simulation) -> list[str]:
    """In what two runs differ besides the state that was simulated, in words; it explains differences."""
    one, other = _about(before, old)["options"], _about(after, new)["options"]
    options_before, options_after = (given if isinstance(given, dict) else {} for given in (one, other))
    names = options_before.keys() | options_after.keys()
    differing = [_IN_WORDS.get(name, name) for name in names if options_before.get(name) != options_after.get(name)]
    facts = {
        "environment": old.environment != new.environment,
        "time of the decisions": old.at != new.at,
        "call data": dict(old.data) != dict(new.data),
        "number of contacts": [s.contacts for s in old.spaces[:1]] != [s.contacts for s in new.spaces[:1]],
    }
    return [*(name for name, differs in facts.items() if differs), *sorted(differing)]


def _space(before: SpaceResult, after: SpaceResult) -> ComparedSpace:
    old, new = ({offer.offer: offer for offer in space.offers} for space in (before, after))
    offers = [
        ComparedCount(
            name,
            old[name].contacts if name in old else 0,
            new[name].contacts if name in new else 0,
            before.contacts,
            after.contacts,
            old[name].mean_rank if name in old else None,
            new[name].mean_rank if name in new else None,
        )
        for name in dict.fromkeys((*old, *new))
    ]
    offers.sort(key=lambda count: (-abs(count.gained), count.name))
    served, served_after = (space.contacts - space.by_count[0] for space in (before, after))
    return ComparedSpace(
        before.space,
        ComparedCount("any offer", served, served_after, before.contacts, after.contacts),
        offers,
        [*_axes(before, after), *_groups(before, after)],
    )


def _axes(before: SpaceResult, after: SpaceResult) -> Iterable[tuple[str, list[ComparedCount]]]:
    """By axis on contacts, those who get anything."""
    olds, news = dict(before.axes), dict(after.axes)
    for axis in (axis for axis in olds if axis in news):
        old, new = ({value.value: value for value in values} for values in (olds[axis], news[axis]))
        nobody = AxisValue("", 0, 0, ())
        pairs = [(name, old.get(name, nobody), new.get(name, nobody)) for name in dict.fromkeys((*old, *new))]
        yield (
            axis,
            [
                ComparedCount(name, a.contacts - a.nothing, b.contacts - b.nothing, a.contacts, b.contacts)
                for name, a, b in pairs
            ],
        )


def _groups(before: SpaceResult, after: SpaceResult) -> Iterable[tuple[str, list[ComparedCount]]]:
    """By axis on offers, the contacts that get one of the group."""
    olds, news = dict(before.groups), dict(after.groups)
    for axis in (axis for axis in olds if axis in news):
        old, new = ({tuple(group.values): group for group in groups} for groups in (olds[axis], news[axis]))
        counts = []
        for values in dict.fromkeys((*old, *new)):
            a, b = old.get(values), new.get(values)
            counts.append(
                ComparedCount(
                    " · ".join(values),
                    a.contacts if a else 0,
                    b.contacts if b else 0,
                    a.whole if a else before.contacts,
                    b.whole if b else after.contacts,
                    a.mean_rank if a else None,
                    b.mean_rank if b else None,
                )
            )
        yield axis, counts


def _plain(simulation: Simulation) -> dict[str, Json]:
    plain: dict[str, Json] = orjson.loads(orjson.dumps(asdict(simulation)))
    return plain


def _without_few(simulation: Simulation) -> Simulation:
    """The result without values of contacts' fields that so few contacts have that they could be named by them."""
    return replace(simulation, spaces=[_space_without_few(space) for space in simulation.spaces])


def _space_without_few(space: SpaceResult) -> SpaceResult:
    axes = []
    for axis, values in space.axes:
        few = [value for value in values if value.contacts < FEWEST]
        kept = [value for value in values if value.contacts >= FEWEST]
        if few:
            contacts, nothing = sum(value.contacts for value in few), sum(value.nothing for value in few)
            kept.append(AxisValue(OTHERS, contacts, nothing, ()))
        axes.append((axis, kept))
    groups = [(axis, _groups_without_few(list(results), axis)) for axis, results in space.groups]
    return replace(space, axes=axes, groups=groups)


def _groups_without_few(results: list[GroupResult], axis: str) -> list[GroupResult]:
    """Combined with a field of contacts, a value of few contacts is left out; it is in no other sum."""
    return [result for result in results if "," not in axis or result.whole >= FEWEST]
