"""``offerkit override``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses
from offerkit.cli.options import format_of, lock_option, pass_shell, required_message_option
from offerkit.cli.shell import Shell


@click.command("override")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...", shell_complete=addresses)
@required_message_option
@click.option("--reviewers", "lifts", flag_value="reviewers", multiple=True, help="The word of reviewers who are gone.")
@click.option("--settings", "lifts", flag_value="settings", multiple=True, help="A second person for settings.")
@click.option("--cases", "lifts", flag_value="cases", multiple=True, help="Cases that say otherwise.")
@click.option("--policies", "lifts", flag_value="policies", multiple=True, help="What a policy denies.")
@format_of("OverrideReport")
@lock_option
@pass_shell
def command(
    shell: Shell, patterns: tuple[str, ...], message: str, lifts: tuple[str, ...], form: str, lock_timeout: float
) -> None:
    """Lift what keeps a change out of live, as a second person and with a reason.

    For what nobody can resolve by approving: reviewers who are gone for good, settings whose author is the only one
    who may promote them, cases of live that an intended change contradicts, what a policy denies (also of the specs
    here, before they are applied). The second person is never an author of the change. An override lifts exactly what
    waits now, no later change. Without an option, all that waits.
    """
    from offerkit.governance.overrides import OverrideKind
    from offerkit.reports.approvals import OverrideReport
    from offerkit.usecases.override import override
    from offerkit.usecases.requests import OverrideRequest

    session = shell.session(lock_timeout=lock_timeout)
    made = override(session, OverrideRequest(patterns, message, tuple(map(OverrideKind, lifts))))
    shell.done = True
    done = f"Revision {made.revision.serial} by {made.revision.actor}, {made.revision.digest[:12]}."
    shell.show(OverrideReport(made.revision.serial, made.says, done), form)
