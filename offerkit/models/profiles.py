"""The words of rights (domain.md §1); a separate module, so that rights do not import pydantic."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

from offerkit.address import ADMINISTRATIVE_KINDS, Kind

BuiltInProfile = Literal["administrator", "offer-manager", "delivery-manager"]
"""The three profiles that every project has."""
BUILT_IN_PROFILES: tuple[str, ...] = get_args(BuiltInProfile)


class Verb(StrEnum):
    """One thing that a profile can allow. What administrators alone may do is no verb, so nobody can grant it."""

    READ = "read"
    WRITE = "write"
    APPROVE = "approve"
    PROMOTE = "promote"
    PURGE = "purge"
    STOP = "stop"
    DELIVER = "deliver"
    KEEP_SIMULATIONS = "keep-simulations"
    CONTACTS = "read-contacts"


GRANTABLE_KINDS = tuple(kind for kind in Kind if kind not in ADMINISTRATIVE_KINDS)
"""The kinds that a declared profile can let somebody write: never those that decide who may do what."""
