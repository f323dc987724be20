"""What somebody saw of an offer before they decided on it, as a short name that a form can carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from offerkit.address import Stage
from offerkit.diagnostics import Code, Diagnostic
from offerkit.governance.aspects import keys_of
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.views import stage_view


def seen(store: Store, offers: Iterable[str]) -> dict[str, str]:
    """By offer, the name of all that is to be approved of it as it is in design now."""
    design = stage_view(store, Stage.DESIGN)
    return {address: name_of(design, address) for address in offers if address in design.entries}


def name_of(design: Snapshot, address: str) -> str:
    """The name of an offer's eligibility, and of its content on each space."""
    parts = (f"{key.aspect} {key.space} {key.fingerprint}" for key in keys_of(design, address))
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def changed_since(design: Snapshot, offers: Iterable[str], shown: Mapping[str, str]) -> Iterator[Diagnostic]:
    """A finding for each offer that is not as it was ``shown``."""
    for address in offers:
        if shown.get(address) != name_of(design, address):
            yield Diagnostic(
                Code.NOT_AS_SHOWN,
                f"{address} is not as it was when it was shown to you",
                "It was changed since, and a decision is about what you saw.",
                "Open the offer again, look at what is different, and decide then.",
                address,
            )
