"""Plans that came over the network to be asked about: what they would mean for the contacts that are here.

A plan file is only a file: before anybody's data is read for it, it is held to what is asked of a plan that is applied.
"""

from __future__ import annotations

from collections.abc import Mapping

from offerkit.address import Kind, parse_address
from offerkit.applier.verify import verify
from offerkit.fingerprint import Json
from offerkit.planning.plan import Plan
from offerkit.reports.impact import Impact
from offerkit.workflow.impact import Asked, of_plan
from offerkit.workflow.main_path import allowed, held_to_impact
from offerkit.workflow.session import Session


def impact_of(session: Session, plan: Plan, asked: Asked) -> Impact:
    """The impact of ``plan``. Raises Refused when it is stale or no plan of its kind, and as :func:`of_plan` does."""
    _trusted(session, plan)
    return of_plan(session, plan, asked)


def held(session: Session, plan: Plan) -> Mapping[str, Json]:
    """What would be recorded if ``plan`` were applied. Raises Refused when it takes more from people than it may."""
    _trusted(session, plan)
    return held_to_impact(session, plan)


def _trusted(session: Session, plan: Plan) -> None:
    """A dimension says which file or table is read, so that who sends another one has to be somebody who may set it."""
    with session.existing() as store:
        verify(plan, store)
    if any(parse_address(step.address).kind is Kind.DIMENSION for step in plan.steps):
        allowed(session, plan)
