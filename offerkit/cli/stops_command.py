"""``offerkit stops``."""

from __future__ import annotations

import click

from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("stops")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@pass_shell
def command(shell: Shell, form: str) -> None:
    """List what is stopped: by whom, since when, why. With each, the offers that it keeps out of live."""
    from offerkit.reports.stops import stops_json, stops_text
    from offerkit.usecases.stop import list_stops

    with shell.session().existing() as store:
        found = list_stops(store)
    click.echo(stops_json(found) if form == "json" else stops_text(found, shell.style), nl=False, color=True)
