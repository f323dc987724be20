"""``offerkit promote``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses
from offerkit.cli.impact import ImpactAsked, impact_options, override_option
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


@click.command("promote")
@click.argument("what", nargs=-1, metavar="[ENVIRONMENT]... [ADDRESS]...", shell_complete=addresses)
@exclude_option
@click.option(
    "--include-rolled-back", is_flag=True, help="Also promote what was rolled back in live and is unchanged in design."
)
@click.option("--plan-only", is_flag=True, help="Show the plan, and change nothing.")
@out_option
@exitcode_option
@blocked_option
@impact_options
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
    """
    from offerkit.plans.make import AddressPatterns
    from offerkit.usecases.promote import promote, tell_blocked

    session = shell.session(lock_timeout=lock_timeout, message=message, override_impact=override_impact)
    environments = tuple(word for word in what if not set(word) & set("/.*?["))
    targets = tuple(word for word in what if word not in environments)
    plan = promote(session, environments, AddressPatterns.of(targets, exclude), include_rolled_back=include_rolled_back)
    proofs = proofs_of(session, plan, prove, at=impact.at, form=form, yes=yes)
    shell.plan(plan, form, full=full, impact=impact.of(session, plan), proofs=proofs)
    if not to_be_applied(form, out, plan_only, yes):
        foresee(shell, session, plan)
    elif not plan.steps and plan.blocked:
        tell_blocked(session, plan)
    elif not (fail_on_blocked and plan.blocked):
        carry_out(shell, session, plan, "Promote this to live?", "Live.", yes=yes)
    return finish(plan, out, detailed_exitcode, fail_on_blocked=fail_on_blocked)
