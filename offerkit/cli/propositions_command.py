"""``offerkit propositions``."""

from __future__ import annotations

import click

from offerkit.cli.asking import environment_option, warn
from offerkit.cli.complete import offers, spaces, statuses
from offerkit.cli.options import count_option, format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("propositions")
@click.argument("proposition", required=False, default="", metavar="[PROPOSITION]")
@click.option(
    "--offer", default="", metavar="OFFER", shell_complete=offers, help="Only of this offer: its name or address."
)
@click.option("--contact", "-c", default="", metavar="KEY", help="Only of this contact, by primary key.")
@click.option(
    "--space",
    default="",
    metavar="SPACE",
    help="Only on this space: its name or ENVIRONMENT/SPACE.",
    shell_complete=spaces,
)
@environment_option
@click.option(
    "--status", default="", metavar="STATUS", shell_complete=statuses, help="Only with this status, by name or number."
)
@click.option(
    "--since", default="", metavar="TIME", help="Only from this day or time on, in the environment's time zone."
)
@click.option(
    "--until", default="", metavar="TIME", help="Only before this day or time, in the environment's time zone."
)
@count_option
@format_of("Propositions")
@pass_shell
def command(
    shell: Shell,
    proposition: str,
    offer: str,
    contact: str,
    space: str,
    environment: str,
    status: str,
    since: str,
    until: str,
    limit: int,
    form: str,
) -> None:
    """List stored propositions by contact, offer or space, newest first."""
    from offerkit.reports.propositions import Propositions
    from offerkit.usecases.argument_values import names_zone
    from offerkit.usecases.list_propositions import PropositionFilter, list_propositions, unknown_names, zone_of

    proposition_filter = PropositionFilter(proposition, offer, contact, space, environment, status, since, until, limit)
    session = shell.session()
    session.backend.require_local()
    with session.existing() as store:
        rows = list_propositions(store, proposition_filter, session.now)
        if any(time and not names_zone(time) for time in (since, until)):
            click.echo(f"Times that name no time zone are read in {zone_of(store, proposition_filter)}.", err=True)
        if not rows:
            warn(shell, unknown_names(store, proposition_filter))
    shell.show(Propositions(rows), form)
