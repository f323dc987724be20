"""``offerkit approvals``."""

from __future__ import annotations

import click

from offerkit.cli.complete import offer_patterns
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("approvals")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=offer_patterns)
@click.option("--mine", "only_mine", is_flag=True, help="Only what you can approve or reject.")
@click.option("--overdue", is_flag=True, help="Only what waits for longer than its environment allows.")
@click.option(
    "--all", "everything", is_flag=True, help="Also what is already approved or rejected, when, and in which revision."
)
@format_of("Approvals")
@pass_shell
def command(
    shell: Shell, patterns: tuple[str, ...], only_mine: bool, overdue: bool, everything: bool, form: str
) -> None:
    """List what needs approval, and by whom."""
    from offerkit.reports.approvals import Approvals
    from offerkit.usecases.awaited_approvals import decidable_by, list_approvals
    from offerkit.usecases.session import who_is

    session = shell.session()
    with session.existing() as store:
        approvals = list_approvals(store, patterns, session.now)
        if only_mine:
            approvals = decidable_by(approvals, who_is(session, store))
    shown = approvals if everything else [item for item in approvals if item.state == "waiting"]
    shown = [item for item in shown if item.overdue] if overdue else shown
    shell.show(Approvals(shown), form)
