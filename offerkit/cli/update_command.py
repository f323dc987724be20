"""``offerkit update``."""

from __future__ import annotations

import click

from offerkit.cli.asking import at_option, data_option, environment_option, warn
from offerkit.cli.complete import next_statuses
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("update")
@click.argument("proposition", metavar="PROPOSITION")
@click.argument("status", metavar="STATUS", shell_complete=next_statuses)
@data_option
@at_option
@environment_option
@pass_shell
def command(shell: Shell, proposition: str, status: str, data: tuple[str, ...], at: str, environment: str) -> None:
    """Set the status of a proposition: presented, interested, accepted or rejected.

    STATUS is a name or its number: generated 0, presented 1, interested 2, accepted 3, scheduled 4, rejected 5.
    Accepted and rejected are final. Setting the status that a proposition already has changes nothing. If the space
    stores data with the status, it is stored, too.
    """
    from datetime import UTC

    from offerkit.times import display_time
    from offerkit.usecases.argument_values import parse_call_data, parse_time
    from offerkit.usecases.open_engine import open_live
    from offerkit.usecases.update_status import StatusUpdate, update_status, zone_of

    session = shell.session()
    with open_live(session, write=True) as (catalogs, people, store):
        zone = zone_of(catalogs, store, proposition) if at else UTC
        when = parse_time(at, zone, session.now)
        change, reports = update_status(
            catalogs, people, store, StatusUpdate(proposition, status, parse_call_data(data), when, environment)
        )
    shell.done = True
    warn(shell, reports)
    row = change.proposition
    what = f"{row.id}: {row.environment}/offer.{row.offer} for {row.contact or 'a visitor'} on {row.space}"
    if not change.changed:
        click.echo(f"{what} is {row.status} already; nothing was changed.")
    else:
        since = f"since {display_time(when, zone)}" if at else "now"
        click.echo(shell.style.green(f"{what} is {row.status} {since}; it was {change.before}."), color=True)
