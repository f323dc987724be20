"""``offerkit rollback``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses, held_stages, revisions
from offerkit.cli.impact import ImpactAsked, impact_options
from offerkit.cli.options import (
    WholeNumber,
    changing,
    exitcode_option,
    format_of,
    full_option,
    out_option,
    pass_shell,
    sign_option,
)
from offerkit.cli.proving import proofs_of, prove_option
from offerkit.cli.shell import Shell, carry_out, finish, to_be_applied


@click.command("rollback")
@click.argument("stage", metavar="[STAGE]", default="", shell_complete=held_stages)
@click.argument("what", nargs=-1, metavar="[ADDRESS]...", shell_complete=addresses)
@click.option(
    "--to",
    "to",
    default="",
    metavar="REVISION|TIME",
    shell_complete=revisions,
    help=("The revision to return to, or the last one of a day or before a time, in the environment's time zone."),
)
@click.option(
    "--undo",
    type=WholeNumber(1, 2**63 - 1),
    metavar="REVISION",
    shell_complete=revisions,
    help="Undo everything that this revision changed, in every stage; instead of STAGE.",
)
@click.option(
    "--include-withdrawn",
    is_flag=True,
    help=("Also restore what was rejected, disabled or retired since; recorded. What is stopped stays out."),
)
@click.option("--plan-only", is_flag=True, help="Show the plan, and change nothing.")
@out_option
@exitcode_option
@impact_options
@prove_option
@format_of("PlanReport")
@full_option
@changing
@sign_option
@pass_shell
def command(
    shell: Shell,
    stage: str,
    what: tuple[str, ...],
    to: str,
    undo: int | None,
    include_withdrawn: bool,
    plan_only: bool,
    out: str | None,
    detailed_exitcode: bool,
    impact: ImpactAsked,
    prove: bool | None,
    form: str,
    full: bool,
    yes: bool,
    message: str,
    lock_timeout: float,
) -> int:
    """Roll a stage, or part of it, back to an earlier revision.

    A rollback is a plan like any other: it is shown, then applied as a new revision, and the history stays complete.
    ADDRESS narrows it; resources that must go back together are included. What is rolled back in live is not promoted
    again until it changes in design. What was rejected, disabled, stopped or retired since stays out of live.
    """
    from offerkit.usecases.rollback import plan_rollback, plan_undo

    if undo is None and not (stage and to):
        raise click.UsageError("Name a stage and --to, or a revision with --undo.")
    if undo is not None and (stage or to):
        raise click.UsageError("--undo takes no stage and no --to.")
    session = shell.session(lock_timeout=lock_timeout, message=message)
    with session.existing() as store:
        if undo is not None:
            plan = plan_undo(store, undo, withdrawn=include_withdrawn)
        else:
            plan = plan_rollback(session, store, stage, to, what, withdrawn=include_withdrawn)
    proofs = proofs_of(session, plan, prove, at=impact.at, form=form, yes=yes)
    shell.plan(plan, form, full=full, impact=impact.of(session, plan), proofs=proofs)
    if to_be_applied(form, out, plan_only, yes):
        carry_out(shell, session, plan, "Roll back?", "Rolled back.", yes=yes)
    return finish(plan, out, detailed_exitcode)
