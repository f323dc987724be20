"""``offerkit override``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses
from offerkit.cli.options import format_of, lock_option, pass_shell, required_message_option, sign_option
from offerkit.cli.shell import Shell


@click.command("override")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...", shell_complete=addresses)
@required_message_option
@sign_option
@click.option(
    "--reviewers", "lifts", flag_value="reviewers", multiple=True, help="The approval of reviewers who are gone."
)
@click.option("--settings", "lifts", flag_value="settings", multiple=True, help="The second operator for settings.")
@click.option("--cases", "lifts", flag_value="cases", multiple=True, help="Cases that fail.")
@click.option("--policies", "lifts", flag_value="policies", multiple=True, help="Policies that deny it.")
@click.option(
    "--calendar", "lifts", flag_value="calendar", multiple=True, help="A freeze, or a time outside of all windows."
)
@format_of("OverrideReport")
@lock_option
@pass_shell
def command(
    shell: Shell, patterns: tuple[str, ...], message: str, lifts: tuple[str, ...], form: str, lock_timeout: float
) -> None:
    """Override what keeps a change out of live, as a second operator and with a reason.

    Use it for what no approval can resolve: reviewers who are gone for good, settings whose author is the only operator
    who may promote them, live cases that an intended change contradicts, changes that a policy denies (also in the
    specs, before they are applied), promotions during a freeze. An author of the change cannot override it. An override
    holds for exactly what is blocked now, not for later changes. Without an option, everything that is blocked is
    overridden.
    """
    from offerkit.governance.overrides import OverrideKind
    from offerkit.reports.approvals import OverrideReport
    from offerkit.usecases.override import override
    from offerkit.usecases.requests import OverrideRequest

    session = shell.session(lock_timeout=lock_timeout)
    overridden = override(session, OverrideRequest(patterns, message, tuple(map(OverrideKind, lifts))))
    shell.done = True
    confirmation = (
        f"Revision {overridden.revision.serial} by {overridden.revision.actor}, {overridden.revision.digest[:12]}."
    )
    shell.show(OverrideReport(overridden.revision.serial, overridden.says, confirmation), form)
