"""``offerkit promote``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import addresses
from offerkit.cli.impact import ImpactAsked, override_option, scheduling_options
from offerkit.cli.options import (
    blocked_option,
    changing,
    exclude_option,
    exitcode_option,
    format_of,
    full_option,
    out_option,
    pass_shell,
    sign_option,
)
from offerkit.cli.proving import proofs_of, prove_option
from offerkit.cli.shell import Shell, carry_out, finish, foresee, to_be_applied

if TYPE_CHECKING:
    from offerkit.plans.plan import Plan
    from offerkit.usecases.session import Session


@click.command("promote")
@click.argument("what", nargs=-1, metavar="[ENVIRONMENT]... [ADDRESS]...", shell_complete=addresses)
@exclude_option
@click.option(
    "--include-rolled-back", is_flag=True, help="Also promote what was rolled back in live and is unchanged in design."
)
@click.option(
    "--not-after",
    default="",
    metavar="TIME",
    help="With --at: the latest time at which it may be carried out (default: whenever it is found due).",
)
@click.option("--plan-only", is_flag=True, help="Show the plan, and change nothing.")
@out_option
@exitcode_option
@blocked_option
@scheduling_options
@prove_option
@format_of("PlanReport")
@full_option
@override_option
@changing
@sign_option
@pass_shell
def command(
    shell: Shell,
    what: tuple[str, ...],
    exclude: tuple[str, ...],
    include_rolled_back: bool,
    not_after: str,
    plan_only: bool,
    out: str | None,
    detailed_exitcode: bool,
    fail_on_blocked: bool,
    impact: ImpactAsked,
    prove: bool | None,
    form: str,
    full: bool,
    override_impact: str,
    yes: bool,
    message: str,
    lock_timeout: float,
) -> int:
    """Promote approved offers from design to live.

    The plan is shown and then applied, all at once. With --out or --plan-only, the plan is only made; “offerkit apply
    PLAN” applies it later. ENVIRONMENT and ADDRESS narrow the plan; resources that the chosen offers need are included.
    With --at, exactly this plan is stored and carried out then, if it still may be (offerkit scheduled).
    """
    from offerkit.plans.make import AddressPatterns
    from offerkit.state.snapshot import Snapshot
    from offerkit.usecases.promote import promote, tell_blocked

    at = impact.at
    if not_after and not at:
        raise click.UsageError("--not-after goes with --at.")
    session = shell.session(lock_timeout=lock_timeout, message=message, override_impact=override_impact)
    session = replace(session, known=Snapshot())
    environments = tuple(word for word in what if not set(word) & set("/.*?["))
    targets = tuple(word for word in what if word not in environments)
    plan = promote(session, environments, AddressPatterns.of(targets, exclude), include_rolled_back=include_rolled_back)
    proofs = proofs_of(session, plan, prove, at=impact.at, form=form, yes=yes)
    shell.plan(plan, form, full=full, impact=impact.of(session, plan), proofs=proofs)
    if not to_be_applied(form, out, plan_only, yes):
        foresee(shell, session, plan, later=bool(at))
        if at and plan.steps:
            _warn(shell, session, plan, at)
    elif not plan.steps and plan.blocked and not at:
        tell_blocked(session, plan)
    elif fail_on_blocked and plan.blocked:
        pass  # finish() refuses
    elif at:
        _schedule(shell, session, plan, (at, not_after), yes=yes)
    else:
        carry_out(shell, session, plan, "Promote this to live?", "Live.", yes=yes)
    return finish(plan, out, detailed_exitcode, fail_on_blocked=fail_on_blocked)


def _warn(shell: Shell, session: Session, plan: Plan, at: str) -> None:
    """Warn of freezes at the time that a promotion is planned for, if it names one."""
    from offerkit.diagnostics import Refused
    from offerkit.usecases.promotion_times import foreseen
    from offerkit.usecases.schedule import due_time

    with suppress(Refused):
        moment = due_time(session, plan, at)
        with session.existing() as store:
            warnings = foreseen(store, plan, moment, session.operator)
        shell.tell(warnings)


def _schedule(shell: Shell, session: Session, plan: Plan, times: tuple[str, str], *, yes: bool) -> None:
    """Store ``plan`` for the first of ``times``, not after the second (empty: no limit), once it is confirmed."""
    from offerkit.reports.escape import visible
    from offerkit.times import utc
    from offerkit.usecases.apply import entitled_actor
    from offerkit.usecases.argument_values import shown_time
    from offerkit.usecases.promotion_times import foreseen, promoted_environments
    from offerkit.usecases.requests import ScheduleRequest
    from offerkit.usecases.schedule import check_request, check_unscheduled, due_time, schedule

    at, not_after = times
    moment = due_time(session, plan, at)
    request = ScheduleRequest(utc(moment), utc(due_time(session, plan, not_after)) if not_after else "")
    check_request(session, plan, request)
    operator = entitled_actor(session, plan).name
    with session.existing() as store:
        check_unscheduled(store, plan)
        warnings = foreseen(store, plan, moment, operator)
        shown = shown_time(store, promoted_environments(store, plan), request.due)
    shell.tell(warnings)
    shell.confirm(f"Schedule this for {shown}?", yes=yes)
    revision = schedule(session, plan, request)
    shell.done = True
    text = f"Scheduled for {shown}. Revision {revision.serial} by {visible(revision.actor)}, {revision.digest[:12]}."
    beside = shell.form != "text"
    click.echo(text if beside else shell.style.green(text), err=beside, color=True)
