"""``offerkit rollback``."""

from __future__ import annotations

import click

from offerkit.cli.complete import held_stages, revisions
from offerkit.cli.options import changing, exitcode_option, format_option, full_option, out_option, pass_shell
from offerkit.cli.shell import Shell, carry_out, finish, to_be_applied


@click.command("rollback")
@click.argument("stage", metavar="STAGE", shell_complete=held_stages)
@click.option(
    "--to",
    "to",
    required=True,
    metavar="REVISION|TIME",
    shell_complete=revisions,
    help="The revision to go back to, or the last one of a day or at a time in the environment's time zone.",
)
@click.option("--plan-only", is_flag=True, help="Show the plan and stop.")
@out_option
@exitcode_option
@format_option
@full_option
@changing
@pass_shell
def command(
    shell: Shell,
    stage: str,
    to: str,
    plan_only: bool,
    out: str | None,
    detailed_exitcode: bool,
    form: str,
    full: bool,
    yes: bool,
    message: str,
    lock_timeout: float,
) -> int:
    """Take a stage back to an earlier revision.

    A plan like any other: shown, then applied as a new revision; nothing of the history goes. What is taken
    back from live is not promoted again before it changes in design.
    """
    from offerkit.workflow.rollback import plan_rollback

    session = shell.session(lock_timeout=lock_timeout, message=message)
    with session.existing() as store:
        made = plan_rollback(session, store, stage, to)
    shell.plan(made, form, full=full)
    if to_be_applied(form, out, plan_only, yes):
        carry_out(shell, session, made, "Roll back?", "Rolled back.", yes=yes)
    return finish(made, out, detailed_exitcode)
