"""``offerkit purge``."""

from __future__ import annotations

import click

from offerkit.cli.complete import environments
from offerkit.cli.options import changing, format_of, full_option, out_option, pass_shell, sign_option
from offerkit.cli.shell import Shell, carry_out, finish, to_be_applied


@click.command("purge")
@click.argument("environments", nargs=-1, metavar="[ENVIRONMENT]...", shell_complete=environments)
@click.option("--plan-only", is_flag=True, help="Show the plan, and change nothing.")
@out_option
@format_of("PlanReport")
@full_option
@changing
@sign_option
@pass_shell
def command(
    shell: Shell,
    environments: tuple[str, ...],
    plan_only: bool,
    out: str | None,
    form: str,
    full: bool,
    yes: bool,
    message: str,
    lock_timeout: float,
) -> int:
    """Remove offers from live whose retention has ended.

    Offers that were removed from design stay in live, deactivated, for the environment's promotion.retention. The
    history keeps them permanently.
    """
    from offerkit.usecases.purge import plan_purge

    session = shell.session(lock_timeout=lock_timeout, message=message)
    with session.existing() as store:
        plan = plan_purge(session, store, environments)
    shell.plan(plan, form, full=full)
    if to_be_applied(form, out, plan_only, yes):
        carry_out(shell, session, plan, "Purge these offers?", "Purged.", yes=yes)
    return finish(plan, out, False)
