"""``offerkit stop``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses
from offerkit.cli.options import format_of, lock_option, pass_shell, required_message_option, sign_option
from offerkit.cli.shell import Shell


@click.command("stop")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...", shell_complete=addresses)
@required_message_option
@sign_option
@format_of("StopReport")
@lock_option
@pass_shell
def command(shell: Shell, patterns: tuple[str, ...], message: str, form: str, lock_timeout: float) -> None:
    """Take offers, a category or a space's offers out of live at once.

    The command asks for no confirmation and does not wait for the store lock. Stopping a category stops everything
    below it, including what is added later; stopping a space stops every offer on it. What is stopped stays out of
    promotions, rollbacks and restored stores, even if it is renamed, until it is approved again and resumed (offerkit
    resume). Administrators, offer managers and the operators named in promotion.stoppers may stop.
    """
    from offerkit.reports.stops import StopReport
    from offerkit.usecases.anchor import anchor_places
    from offerkit.usecases.requests import StopRequest
    from offerkit.usecases.stop import stop

    session = shell.session(lock_timeout=lock_timeout)
    places = anchor_places(session)
    outcome = stop(session, StopRequest(patterns, message))
    shell.done = True
    if outcome.out and outcome.revision is not None and (warnings := places.write_new(outcome.revision)):
        shell.tell(warnings)
    revision = outcome.revision.serial if outcome.revision is not None else None
    shell.show(StopReport(revision, outcome.named, outcome.out, outcome.refused, outcome.done), form)
