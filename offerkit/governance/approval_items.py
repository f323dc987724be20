"""What waits for whose approval, and what an approval is about."""

from __future__ import annotations

from typing import NamedTuple

from offerkit.address import Address
from offerkit.diagnostics import and_list, or_list
from offerkit.plans.plan import ApprovalKey, Aspect, FieldChange


class ApprovalItem(NamedTuple):
    """An aspect of an offer (content: on some spaces), its state, and who can decide on it.

    ``authors``: who wrote what waits, of all its aspects. ``since``: when it was first wanted, ``due``: its deadline;
    both in UTC, and empty where its environment sets no deadline. ``within``: of what an apply will make wait, how long
    reviewers will have. ``revision``, ``time``: of the decision, if decided.
    """

    address: Address
    label: str
    aspect: Aspect
    spaces: tuple[str, ...]
    state: str
    who: tuple[str, ...]
    by: str = ""
    comment: str = ""
    live: bool = False
    authors: tuple[str, ...] = ()
    since: str = ""
    due: str = ""
    overdue: bool = False
    revision: int = 0
    time: str = ""
    within: str = ""

    @property
    def what(self) -> str:
        """``content on email, web-home``."""
        return self.aspect.value + (f" on {', '.join(self.spaces)}" if self.spaces else "")

    @property
    def standing(self) -> str:
        """``waits for brand, written by omar``, ``approved by risk at 2026-11-01T12:00:00Z, revision 4``."""
        if self.state == "waiting":
            wrote = f", written by {and_list(self.authors)}" if self.authors else ""
            deadline = f"; {'overdue since' if self.overdue else 'due'} {self.due[:16]}Z" if self.due else ""
            return f"waits for {or_list(self.who)}{wrote}{deadline}"
        when = f" at {self.time[:19]}Z, revision {self.revision}" if self.revision else ""
        return f"{self.state} by {self.by}{when}" + (f": {self.comment}" if self.comment else "")


class ReviewedAspect(NamedTuple):
    """An aspect that is decided, and what it changes in live; ``new``: it is not live yet, and all of it is new."""

    key: ApprovalKey
    label: str
    changes: tuple[FieldChange, ...] = ()
    new: bool = False

    @property
    def what(self) -> str:
        """``content on email``, ``eligibility``."""
        return f"content on {self.key.space}" if self.key.space else self.key.aspect.value

    @property
    def beside_live(self) -> str:
        """That it is new, or as it is in live, in parentheses after a blank; empty where it changes live."""
        return " (not live yet)" if self.new else "" if self.changes else " (as it is in live, in all that is shown)"
