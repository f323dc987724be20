"""Who holds a store's lock, and the refusal that names them."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.diagnostics import Code, Refused, refuse


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: ``pid`` is 0 when that is not known (yet); ``host`` is empty on this machine."""

    pid: int
    who: str
    since: str
    host: str = ""

    def __str__(self) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"{self.who} (process {self.pid}{where}), since {self.since}" if self.pid else "another process"


UNKNOWN = Holder(0, "", "")


def held(name: str, holder: Holder, timeout: float) -> Refused:
    """The refusal for a lock that another still holds after ``timeout`` seconds."""
    waited = f"This run waited {timeout:g} s." if timeout else "This run does not wait."
    return refuse(
        Code.STORE_LOCKED,
        f"the store is locked by {holder}",
        detail=f"{name} is changed by one process at a time. {waited}",
        hint="Run the command again later, or let it wait longer with --lock-timeout SECONDS.",
    )
