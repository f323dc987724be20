"""What is stopped, and what that keeps out of live."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.address import Address


@dataclass(frozen=True)
class Stopped:
    """What is stopped by its name: by whom, since when, why; ``offers`` is what that keeps out of live.

    ``declared``: whether design or live still have it.
    """

    address: Address
    by: str
    since: str
    reason: str
    revision: int
    offers: tuple[Address, ...]
    declared: bool
