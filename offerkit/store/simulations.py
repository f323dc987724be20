"""Runs of simulations that are kept by name: what was simulated, and its counts. They hold no contact's data."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from offerkit.diagnostics import Code, Refused, refuse, suggestion
from offerkit.store.database import Clash, Database, recording
from offerkit.store.proposition_rows import keepable

COLUMNS = "name, environment, stage, time, actor, body"


@dataclass(frozen=True, slots=True)
class SavedSimulation:
    """A kept run: ``time`` (UTC) and ``actor`` who made it; ``body``: what was simulated and its result, as JSON."""

    name: str
    environment: str
    stage: str
    time: str
    actor: str
    body: str


def save(db: Database, run: SavedSimulation, *, replaced: bool) -> None:
    """Keep ``run``; with ``replaced``, in place of one of the same name. Raises Refused if that name is taken."""
    with recording(db):
        if replaced:
            db.run("DELETE FROM simulation WHERE name = ?", (run.name,))
        elif (earlier := _found(db, run.name)) is not None:
            raise already_kept(earlier)
        try:
            db.insert("simulation", COLUMNS, [astuple(run)])
        except Clash:
            raise _taken(run.name, "Another run kept one of that name meanwhile.") from None


def saved(db: Database, environment: str = "") -> list[SavedSimulation]:
    """All kept runs, newest first; of one environment if it is given. Their bodies are left out."""
    if not keepable([environment]):  # it is no environment, and no database takes it
        return []
    where, args = ("WHERE environment = ?", (environment,)) if environment else ("", ())
    rows: list[tuple[str, str, str, str, str]] = db.rows(
        f"SELECT name, environment, stage, time, actor FROM simulation {where} ORDER BY time DESC, name",  # noqa: S608
        args,
    )
    return [SavedSimulation(*row, "") for row in rows]


def named(db: Database, name: str) -> SavedSimulation:
    """The kept run of that name. Raises Refused if it does not exist."""
    found = _found(db, name)
    if found is None:
        names: list[tuple[str]] = db.rows("SELECT name FROM simulation ORDER BY name")
        raise refuse(
            Code.NO_SIMULATION,
            f"no simulation is kept as “{name[:80]}”",
            hint=suggestion(name, [known for (known,) in names], "List them: offerkit simulations list"),
        )
    return found


def remove(db: Database, name: str) -> None:
    """Forget the kept run of that name. Raises Refused if it does not exist."""
    with recording(db):
        if not db.run("DELETE FROM simulation WHERE name = ?", (name,)):
            named(db, name)


def _found(db: Database, name: str) -> SavedSimulation | None:
    if not keepable([name]):
        return None
    rows: list[tuple[str, str, str, str, str, str]] = db.rows(
        f"SELECT {COLUMNS} FROM simulation WHERE name = ?",  # noqa: S608 - constants
        (name,),
    )
    return SavedSimulation(*rows[0]) if rows else None


def already_kept(earlier: SavedSimulation) -> Refused:
    """The error for a name under which ``earlier`` is kept."""
    return _taken(earlier.name, f"{earlier.actor} kept it at {earlier.time}.")


def _taken(name: str, detail: str) -> Refused:
    return refuse(
        Code.SIMULATION_EXISTS,
        f"a simulation is already kept as “{name[:80]}”",
        detail=f"{detail} Nothing was kept.",
        hint="Choose another name, or replace it: --replace",
    )
