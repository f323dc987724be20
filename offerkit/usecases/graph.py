"""The graph of references between resources, whole or around some addresses."""

from __future__ import annotations

from offerkit.address import Address, Kind, Stage
from offerkit.plans.make import AddressPatterns
from offerkit.state.references import closure, creation_order, dependents
from offerkit.store import Store
from offerkit.store.stage_snapshots import stage_view
from offerkit.usecases.session import Session


def edges(session: Session, focus: tuple[str, ...] = ()) -> dict[Address, list[Address]]:
    """What each resource in the specs refers to, in topological order; limited to ``focus``, its needs and its
    dependents.
    """
    loaded = session.load()
    refs = {
        address: sorted({ref.target for ref in record.refs if ref.path or ref.target.kind is not Kind.ENVIRONMENT})
        for address, record in loaded.records.items()
    }
    return _narrowed(refs, focus)


def stage_edges(store: Store, stage: Stage, focus: tuple[str, ...] = ()) -> dict[Address, list[Address]]:
    """The same for a stage of the store, without the references to environments that all resources have."""
    view = stage_view(store, stage)
    refs = {
        address: sorted(t for t in view.references(address) if t in view.entries and t.kind is not Kind.ENVIRONMENT)
        for address in view.entries
    }
    return _narrowed(refs, focus)


def _narrowed(refs: dict[Address, list[Address]], focus: tuple[str, ...]) -> dict[Address, list[Address]]:
    if focus:
        patterns = AddressPatterns.of(focus)
        patterns.check_known(refs)
        chosen = {address for address in refs if patterns.targeted(address)}
        around = set(chosen)
        for address in chosen:
            around |= closure(refs, address)
        for below in dependents(refs, chosen).values():
            around.update(below)
        refs = {address: [t for t in targets if t in around] for address, targets in refs.items() if address in around}
    return {address: refs[address] for address in creation_order(refs)}
