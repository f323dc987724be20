"""Whether the store that a worker serves is still in its place; all parts of the worker share this state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.store import Store, errors

_SAID = {
    Code.STORE_REPLACED: "the store was deleted or replaced",
    Code.STORE_MISSING: "the store is missing",
    Code.STORE_FOREIGN: "what is in the store's place is not an offerkit store",
    Code.HISTORY_BROKEN: "the store in its place does not verify",
    Code.STORE_DAMAGED: "the store in its place is damaged",
}
"""Reasons for everyone: they contain no paths of this machine."""


class StorePresence:
    """Of one worker. While the store is lost, calls are refused; each time it was found again is another epoch."""

    def __init__(self) -> None:
        """The store is there."""
        self.epoch = 0
        self.identity = ""
        """Of the store that is served; empty: any."""
        self._lost: Refused | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def lost(self) -> bool:
        """Whether the store is lost, so that calls cannot be answered."""
        return self._lost is not None

    @property
    def reason(self) -> str:
        """Why the store is lost, in public words; empty if it is not."""
        if self._lost is None:
            return ""
        diagnostic = self._lost.diagnostics[0]
        return (
            diagnostic.detail
            if diagnostic.code is Code.STORE_OTHER
            else _SAID.get(diagnostic.code, "the store cannot be used")
        )

    def listen(self, let_go: Callable[[], None]) -> None:
        """Call ``let_go``, in any thread, whenever the store is lost, to close it."""
        self._listeners.append(let_go)

    def lose(self, refused: Refused) -> None:
        """Mark the store as lost, for the reason in ``refused``."""
        before, self._lost = self._lost, refused
        if before is None:
            for let_go in self._listeners:
                with suppress(RuntimeError):  # a loop or a pool that has ended
                    let_go()

    def note(self, error: Exception) -> None:
        """Mark the store as lost if ``error`` says that it is no longer in its place."""
        if isinstance(error, Refused) and any(diagnostic.code in errors.GONE for diagnostic in error.diagnostics):
            self.lose(error)

    def check_is(self, store: Store) -> None:
        """Raise Refused if ``store`` is not the served one."""
        if self.identity not in ("", store.identity()):
            raise errors.replaced(str(store.location), "was replaced")

    def find(self, identity: str) -> None:
        """Note that a sound store of the project is back and was read completely."""
        self.epoch += 1
        self.identity = identity
        self._lost = None

    def check(self, epoch: int | None = None) -> None:
        """Raise Refused while the store is lost, or if it was lost and found since ``epoch``."""
        if self._lost is not None:
            raise self._lost
        if epoch not in (None, self.epoch):
            raise refuse(Code.STORE_REPLACED, "the store was replaced in the meantime", hint="Try again.")
