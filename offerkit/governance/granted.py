"""What an operator may do, as data for reports."""

from __future__ import annotations

from typing import NamedTuple

from offerkit.models.profiles import Verb


class GrantedRight(NamedTuple):
    """One right: for ``write`` the kinds; the environments, none for all; and what gives it."""

    verb: Verb
    kinds: tuple[str, ...]
    environments: tuple[str, ...]
    why: str

    @property
    def what(self) -> str:
        """``write rules and typologies in recipients``."""
        what = f"{self.verb} {', '.join(self.kinds)}" if self.kinds else self.verb.value
        return what + (f" in {', '.join(self.environments)}" if self.environments else "")


class OperatorRights(NamedTuple):
    """An operator and their rights; a disabled one has none, and an automation never approves or stops."""

    operator: str
    profile: str
    enabled: bool
    automation: bool
    rights: tuple[GrantedRight, ...]
