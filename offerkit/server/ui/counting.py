"""What a promotion takes from people, counted beside the pages: with many contacts it takes a while."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offerkit.plans.plan import Plan
from offerkit.usecases.session import Session

if TYPE_CHECKING:
    from offerkit.usecases.impact_limit import PromotionLoss

FRESH = 60.0
"""Seconds that a verdict is shown again."""
PATIENCE = 1.0
"""Seconds that a page waits for a count before it says that one is under way."""
AGAIN = 5
"""Seconds after which a page that waits for a count looks again."""


@dataclass(frozen=True)
class Count:
    """What is known of a plan now: the verdict (None: nothing limits it), or that it is not there yet.

    ``since``: for how many seconds it has been counted; ``behind``: that another plan's count has to end first.
    """

    verdict: PromotionLoss | None = None
    counting: bool = False
    behind: bool = False
    since: int = 0


@dataclass
class _Job:
    begun: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    until: float = 0.0
    verdict: PromotionLoss | None = None
    failed: BaseException | None = None

    @property
    def fresh(self) -> bool:
        return not self.done.is_set() or time.monotonic() < self.until


class Counts:
    """One count at a time; verdicts stay for a minute, so that whoever looks meanwhile counts nothing again.

    They have exact numbers: a page shows what of them is for who looks.

    Promoting counts anew in any case. Hold ``alone`` for that.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self.alone = threading.Lock()
        self._choosing = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    def of(self, session: Session, plan: Plan, digest: str) -> Count:
        """What ``plan`` takes, as it is judged when it is carried out. Raises Refused when it cannot be told."""
        if plan.empty:
            return Count()
        with self._choosing:
            self._jobs = {name: job for name, job in self._jobs.items() if job.fresh}
            job = self._jobs.get(digest)
            if job is None:
                if not all(other.done.is_set() for other in self._jobs.values()):
                    return Count(counting=True, behind=True)
                job = self._jobs[digest] = _Job()
                # it only reads: a server that stops does not wait for it
                threading.Thread(target=self._count, args=(job, session, plan), daemon=True).start()
        if not job.done.wait(PATIENCE):
            return Count(counting=True, since=int(time.monotonic() - job.begun))
        if job.failed is not None:
            raise job.failed
        return Count(job.verdict)

    def _count(self, job: _Job, session: Session, plan: Plan) -> None:
        try:
            from offerkit.usecases.impact_limit import (
                measure_losses,  # decides for every contact: other pages need not load that
            )

            with self.alone, session.existing() as store:
                job.verdict = measure_losses(session, store, plan)
        except BaseException as error:
            job.failed = error
        known = job.failed is None and (job.verdict is None or not job.verdict.unmeasured)
        # Contacts may become readable any moment; but what nobody waited for has to be seen once.
        unseen = 3.0 * AGAIN if time.monotonic() - job.begun > PATIENCE else 0.0
        job.until = time.monotonic() + (FRESH if known else unseen)
        job.done.set()
