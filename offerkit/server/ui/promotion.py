"""The plan of a promotion, and the form that applies exactly the plan that was shown."""

from __future__ import annotations

import asyncio
import hmac
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from offerkit.diagnostics import Diagnostic, Refused
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import Plan, PlanRequest, plan_digest
from offerkit.reports.plan_html import blocked_html
from offerkit.reports.proof_words import StatedProofs, stated
from offerkit.reports.proofs import proofs_html
from offerkit.reports.words import particulars, resets_sentence, summary
from offerkit.server.background import anchored
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages, first, query_flag
from offerkit.server.ui.scheduled import schedule_facts, schedule_shown
from offerkit.server.ui.steps import layout_of, linked, shown
from offerkit.store.stage_snapshots import environments
from offerkit.usecases.apply import apply, entitled_actor
from offerkit.usecases.contact_access import contact_rights
from offerkit.usecases.promote import promote
from offerkit.usecases.session import Session

LONGEST = 2_000
"""Characters of a message or reason."""


def routes(pages: Pages) -> list[Operation]:
    """The promotion, to see and to carry out."""
    promoting = asyncio.Lock()  # a limit on the impact is measured on all contacts: one at a time
    counted = ImpactCounts()
    proved = PlanProofs()

    async def planned(request: Request) -> Response:
        names = tuple(request.query_params.getlist("environment")[:50])
        full = query_flag(request, "full")
        return await pages.show(
            request, "promote.html", lambda session: _facts(session, counted, proved, names, full=full)
        )

    async def carried_out(request: Request) -> Response:
        try:
            viewer, fields = await pages.form(request)
            session = pages.session(viewer, first(fields, "message").strip()[:LONGEST])
            names = tuple(fields.get("environment", ()))[:50]
            digest_shown, at = first(fields, "plan"), first(fields, "at").strip()
            async with promoting:
                serial, changed = await asyncio.to_thread(
                    _apply_shown, session, counted, proved, names, digest_shown, at
                )
        except Refused as refused:
            return await pages.form_refused(request, refused)
        if changed is not None:
            return await asyncio.to_thread(pages.written, request, "promote.html", changed, viewer, 409)
        return RedirectResponse(f"/ui/history/{serial}", 303)

    return [
        Operation("GET", "/ui/promote", planned),
        Operation("POST", "/ui/promote", carried_out),
    ]


def _planned(session: Session, names: tuple[str, ...]) -> Plan:
    return promote(session, names, AddressPatterns.of())


def _apply_shown(
    session: Session, counted: ImpactCounts, proved: PlanProofs, names: tuple[str, ...], digest_shown: str, at: str
) -> tuple[int, Facts | None]:
    """Apply the plan, or schedule it ``at`` a time, if it still is the one that was shown; else what to show now.

    Raises Refused.
    """
    plan = _planned(session, names)
    if plan.empty or not hmac.compare_digest(plan_digest(plan).encode(), digest_shown.encode()):
        return 0, _page(session, counted, proved, plan, names, changed=True)
    if at:
        return schedule_shown(session, plan, at), None
    with counted.alone:
        revision = apply(session, plan).revision
    anchored(session, revision)
    return revision.serial, None


def _facts(session: Session, counted: ImpactCounts, proved: PlanProofs, names: tuple[str, ...], *, full: bool) -> Facts:
    return _page(session, counted, proved, _planned(session, names), names, full=full)


def _page(
    session: Session,
    counted: ImpactCounts,
    proved: PlanProofs,
    plan: Plan,
    names: tuple[str, ...],
    *,
    changed: bool = False,
    full: bool = False,
) -> Facts:
    digest = plan_digest(plan)
    with session.existing() as store:
        known = environments(store)
        reading = contact_rights(session, store)
    query = urlencode([*(("environment", name) for name in names), *([("full", "true")] if full else [])])
    # what was asked for decides nothing of the count: the same steps are counted once
    count = counted.of(session, plan, plan_digest(replace(plan, asked=PlanRequest())))
    proofs = proved.of(session, plan, digest)
    answers = len(proofs.changes) if proofs is not None else 0
    verdict = count.verdict.for_reader(reading) if count.verdict is not None else None
    return {
        "empty": plan.empty,
        "changed": changed,
        "digest": digest,
        "summary": f"{summary(plan)} {resets_sentence(plan.steps)}",
        "particulars": particulars(plan, digest),
        **shown(plan.steps, plan.bodies, full=full, by_stage=True),
        "blocked": Markup(blocked_html(plan.blocked, layout_of(len(plan.blocked), full=full), linked)),  # noqa: S704 - escaped there
        "proofs": Markup(proofs_html(proofs, layout_of(answers, full=full))),  # noqa: S704 - escaped there
        "notes": plan.notes,
        "known": known,
        "chosen": names,
        "may_not": _may_not(session, plan),
        **schedule_facts(session, plan),
        "count": count,
        "again": AGAIN if count.counting else 0,
        "address": "/ui/promote" + (f"?{query}" if query else ""),
        "verdict": verdict,
        "too_much": verdict.findings if verdict is not None else (),
    }


def _may_not(session: Session, plan: Plan) -> tuple[Diagnostic, ...]:
    """Why the operator who is logged in may not apply ``plan``; empty when they may, or nobody is logged in."""
    if not session.operator or plan.empty:
        return ()
    try:
        entitled_actor(session, plan)
    except Refused as refused:
        return refused.diagnostics
    return ()


if TYPE_CHECKING:
    from offerkit.usecases.impact_limit import PromotionLoss

FRESH = 60.0
"""Seconds that a verdict is shown again."""
PATIENCE = 1.0
"""Seconds that a page waits for a count before it says that one is under way."""
PROVING = 3.0
"""Seconds for the proofs of a page; what is left is not decided."""
AGAIN = 5
"""Seconds after which a page that waits for a count looks again."""


@dataclass(frozen=True)
class ImpactCount:
    """What is known of a plan now: the verdict (None: nothing limits it), or that it is not there yet.

    ``since``: for how many seconds it has been counted; ``behind``: that another plan's count has to end first.
    """

    verdict: PromotionLoss | None = None
    counting: bool = False
    behind: bool = False
    since: int = 0


@dataclass
class _CountJob:
    begun: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    until: float = 0.0
    verdict: PromotionLoss | None = None
    failed: BaseException | None = None

    @property
    def fresh(self) -> bool:
        return not self.done.is_set() or time.monotonic() < self.until


class PlanProofs:
    """Proves what plans mean, one at a time and briefly, and keeps it for a minute, so that a reload proves nothing.

    What is promoted does not depend on it.
    """

    def __init__(self) -> None:
        """Nothing is proved yet."""
        self._alone = threading.Lock()
        self._known: dict[str, tuple[float, StatedProofs]] = {}

    def of(self, session: Session, plan: Plan, digest: str) -> StatedProofs | None:
        """What is proved of ``plan``; None while another page is being proved about."""
        from offerkit.usecases.proofs import proofs_of_plan
        from offerkit.usecases.requests import ProofRequest

        if not self._alone.acquire(timeout=PATIENCE):
            return None
        try:
            now = time.monotonic()
            self._known = {each: known for each, known in self._known.items() if known[0] > now}
            if digest not in self._known:
                proofs = stated(proofs_of_plan(session, plan, ProofRequest(session.now, seconds=PROVING)))
                self._known[digest] = now + FRESH, proofs
            return self._known[digest][1]
        finally:
            self._alone.release()


class ImpactCounts:
    """Counts impacts, one at a time, and keeps each verdict for a minute, so that reloading a page counts nothing.

    Verdicts have exact numbers; a page shows those that its reader is allowed to see.

    Promoting always counts again. Hold ``alone`` for that.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self.alone = threading.Lock()
        self._choosing = threading.Lock()
        self._jobs: dict[str, _CountJob] = {}

    def of(self, session: Session, plan: Plan, digest: str) -> ImpactCount:
        """What ``plan`` takes, as it is judged when it is carried out. Raises Refused when it cannot be told."""
        if plan.empty:
            return ImpactCount()
        with self._choosing:
            self._jobs = {name: job for name, job in self._jobs.items() if job.fresh}
            job = self._jobs.get(digest)
            if job is None:
                if not all(other.done.is_set() for other in self._jobs.values()):
                    return ImpactCount(counting=True, behind=True)
                job = self._jobs[digest] = _CountJob()
                # it only reads: a server that stops does not wait for it
                threading.Thread(target=self._count, args=(job, session, plan), daemon=True).start()
        if not job.done.wait(PATIENCE):
            return ImpactCount(counting=True, since=int(time.monotonic() - job.begun))
        if job.failed is not None:
            raise job.failed
        return ImpactCount(job.verdict)

    def _count(self, job: _CountJob, session: Session, plan: Plan) -> None:
        try:
            # imported here: it loads the engine, which other pages need not wait for
            from offerkit.usecases.impact_limit import measure_losses

            with self.alone, session.existing() as store:
                job.verdict = measure_losses(session, store, plan)
        except BaseException as error:
            job.failed = error
        known = job.failed is None and (job.verdict is None or not job.verdict.unmeasured)
        # Contacts may become readable any moment; but what nobody waited for has to be seen once.
        unseen = 3.0 * AGAIN if time.monotonic() - job.begun > PATIENCE else 0.0
        job.until = time.monotonic() + (FRESH if known else unseen)
        job.done.set()
