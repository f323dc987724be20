"""Propositions whose retention is over: what was offered to people is kept as long as their dimension says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.engine.durations import duration
from offerkit.governance.rights import ADMINISTRATOR
from offerkit.store import Store
from offerkit.workflow.catalogs import Catalogs, live
from offerkit.workflow.history import before
from offerkit.workflow.session import Session, who_is

BATCH = 1_000
"""Propositions that one transaction removes: calls go on between two."""


@dataclass(frozen=True)
class Expired:
    """What an environment has that is older than its dimension's ``retention`` (empty: it keeps everything).

    ``before`` is UTC as the store writes it. ``longest``: how far its presentation rules look back; ``counted`` says
    that they count some of what would be removed.
    """

    environment: str
    retention: str
    before: str
    count: int
    longest: timedelta

    @property
    def counted(self) -> bool:
        """Whether presentation rules would count less afterwards."""
        return bool(self.retention) and self.longest > duration(self.retention)


def expired(session: Session, store: Store, names: Sequence[str] = ()) -> list[Expired]:
    """What is over in the live environments ``names`` (none: all). Raises Refused for a name that is not live."""
    catalogs = live(store)
    unknown = [name for name in names if name not in catalogs]
    if unknown:
        raise refuse(
            Code.NO_MATCH,
            f"there is no live environment “{unknown[0][:80]}”",
            hint=suggestion(unknown[0], catalogs.names),
        )
    return [_of(store, catalogs, name, session.now) for name in names or catalogs.names if name in catalogs]


def purge(session: Session, found: Sequence[Expired]) -> Iterator[int]:
    """Remove what :func:`expired` found, oldest first; the size of each batch, once it is removed for good.

    Only administrators may. Killed on its way, it has removed whole batches; the rest is found the next time.
    """
    with session.writing() as store:
        actor = who_is(session, store)
        if actor.profile not in (None, ADMINISTRATOR):
            raise refuse(
                Code.NOT_ALLOWED,
                f"operator {actor.name} may not remove propositions",
                hint="Administrators may.",
            )
        for each in found:
            while each.retention:
                count = store.purge_propositions(each.environment, each.before, BATCH)
                yield count
                if count < BATCH:
                    break


def _of(store: Store, catalogs: Catalogs, name: str, now: str) -> Expired:
    catalog = catalogs[name]
    body = catalogs.view(f"dimension.{catalog.dimension.name}") or {}
    history = body.get("history")
    kept = str(history.get("retention", "")) if isinstance(history, dict) else ""
    until = before(now, kept) if kept else ""
    count = store.count_before(name, until) if kept else 0
    return Expired(name, kept, until, count, catalog.longest_period)
