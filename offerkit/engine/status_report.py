"""A report: how many propositions were made, and their statuses, by groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from offerkit.models.status import Status


@dataclass(slots=True)
class StatusCounts:
    """Propositions by status: each is counted once, by the status that it has now.

    ``proposed``: all that were made. ``waiting``: those not known to be shown yet (generated or scheduled).
    """

    proposed: int = 0
    waiting: int = 0
    interested: int = 0
    accepted: int = 0
    rejected: int = 0

    def add(self, status: Status, count: int) -> None:
        """Count ``count`` more propositions with a status."""
        self.proposed += count
        match status:
            case Status.GENERATED | Status.SCHEDULED:
                self.waiting += count
            case Status.INTERESTED:
                self.interested += count
            case Status.ACCEPTED:
                self.accepted += count
            case Status.REJECTED:
                self.rejected += count
            case Status.PRESENTED:
                pass

    @property
    def numbers(self) -> tuple[int, int, int, int, int]:
        """The columns, in the order of :data:`COLUMNS`."""
        return self.proposed, self.waiting, self.interested, self.accepted, self.rejected

    @property
    def rates(self) -> tuple[float | None, float | None, float | None]:
        """Interested, accepted and rejected as shares of the proposed; None where nothing was proposed."""
        parts = self.interested, self.accepted, self.rejected
        interested, accepted, rejected = (part / self.proposed if self.proposed else None for part in parts)
        return interested, accepted, rejected


COLUMNS = ("proposed", "waiting", "interested", "accepted", "rejected")
RATES = ("interest rate", "acceptance rate", "rejection rate")


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One group: its values in the order of the report's ``by``, and its counts."""

    values: Sequence[str]
    counts: StatusCounts


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Counts by groups and in all. ``since`` and ``until``: as displayed, empty for no limit; ``zone``: of its days.

    ``filters``: what narrows it, by the name of the option. ``gone``: offers with propositions that are no longer live,
    so that their category, themes and fields are not known. ``several``: a proposition can be in several groups, those
    of its offer's themes, so that groups do not add up to the total.
    """

    by: Sequence[str]
    rows: Sequence[StatusRow]
    total: StatusCounts
    zone: str
    since: str = ""
    until: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gone: Sequence[str] = ()
    several: bool = False
