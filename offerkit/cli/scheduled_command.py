"""``offerkit scheduled``."""

from __future__ import annotations

import click

from offerkit.cli.asking import environment_option
from offerkit.cli.complete import scheduled_promotions
from offerkit.cli.options import (
    WholeNumber,
    format_of,
    full_option,
    lock_option,
    pass_shell,
    required_message_option,
    yes_option,
)
from offerkit.cli.shell import Shell

_number = click.argument(
    "serial", metavar="REVISION", type=WholeNumber(1, 2**31 - 1), shell_complete=scheduled_promotions
)


@click.group("scheduled")
def command() -> None:
    """List, show and withdraw promotions that were scheduled with “offerkit promote --at”."""


@command.command("list")
@environment_option
@click.option("--all", "everything", is_flag=True, help="Also those that were carried out, refused or withdrawn.")
@format_of("ScheduledList")
@pass_shell
def list_(shell: Shell, environment: str, everything: bool, form: str) -> None:
    """List what is scheduled, by time: for when, by whom, and whether a freeze is against it."""
    from offerkit.reports.scheduled import ScheduledList
    from offerkit.usecases.list_scheduled import list_scheduled

    with shell.session().existing() as store:
        items = list_scheduled(store, everything=everything, environment=environment)
    shell.show(ScheduledList(items), form)


@command.command("show")
@_number
@format_of("PlanReport")
@full_option
@pass_shell
def show(shell: Shell, serial: int, form: str, full: bool) -> None:
    """Show the plan that REVISION scheduled, exactly as it is to be carried out."""
    from offerkit.usecases.list_scheduled import scheduled_plan

    with shell.session().existing() as store:
        plan = scheduled_plan(store, serial)
    shell.plan(plan, form, full=full)


@command.command("withdraw")
@_number
@required_message_option
@yes_option
@lock_option
@pass_shell
def withdraw(shell: Shell, serial: int, message: str, yes: bool, lock_timeout: float) -> None:
    """Withdraw the promotion that REVISION scheduled: it is not carried out.

    Whoever scheduled it may, and everybody who may promote or stop something in its environments.
    """
    from offerkit.reports.escape import visible
    from offerkit.usecases.list_scheduled import scheduled_plan
    from offerkit.usecases.schedule import withdraw as withdraw_scheduled

    session = shell.session(lock_timeout=lock_timeout)
    with session.existing() as store:
        scheduled_plan(store, serial)
    shell.confirm(f"Withdraw what revision {serial} scheduled?", yes=yes)
    revision = withdraw_scheduled(session, serial, message)
    shell.done = True
    said = f"Withdrawn. Revision {revision.serial} by {visible(revision.actor)}, {revision.digest[:12]}."
    click.echo(shell.style.green(said), color=True)
