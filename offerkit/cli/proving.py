"""The option with which commands prove what a change of a rule means, and what they show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from offerkit.plans.plan import Plan
    from offerkit.reports.proof_words import StatedProofs
    from offerkit.usecases.diff import Difference
    from offerkit.usecases.session import Session

prove_option = click.option(
    "--prove/--no-prove",
    "prove",
    default=None,
    help=(
        "Prove what the changes of rules mean for every contact there can be (default: if z3-solver is installed,"
        " in text, Markdown and HTML, and not with --yes)."
    ),
)


def proofs_of(
    session: Session, plan: Plan, prove: bool | None, *, at: str = "", form: str = "text", yes: bool = False
) -> StatedProofs | None:
    """What is proved of ``plan``, in words; None if that is not wanted. Raises Refused if ``at`` is not a time."""
    if not (prove or (prove is None and form != "json" and not yes)):
        return None
    if not plan.steps and not plan.blocked:
        return None
    from offerkit.usecases.proofs import proofs_of_plan
    from offerkit.usecases.requests import ProofRequest

    proofs = proofs_of_plan(session, plan, ProofRequest(session.now, at, progress=session.progress))
    if form != "json" and not proofs.tells:
        return None
    from offerkit.reports.proof_words import stated  # most plans need no words for proofs

    return stated(proofs)


def proofs_between(
    session: Session, difference: Difference, prove: bool | None, *, at: str = ""
) -> StatedProofs | None:
    """What is proved of a difference; None if that is not wanted. Raises Refused if ``at`` is not a time."""
    if prove is False or difference.across is not None:
        return None
    from offerkit.reports.proof_words import stated
    from offerkit.usecases.proofs import proofs_of_difference
    from offerkit.usecases.requests import ProofRequest

    return stated(proofs_of_difference(difference, ProofRequest(session.now, at, progress=session.progress)))
