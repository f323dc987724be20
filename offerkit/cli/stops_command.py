"""``offerkit stops``."""

from __future__ import annotations

import click

from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("stops")
@format_of("StopList")
@pass_shell
def command(shell: Shell, form: str) -> None:
    """List what is stopped: by whom, since when and why.

    Each stop lists the offers that it keeps out of live.
    """
    from offerkit.reports.stops import StopList
    from offerkit.usecases.stop import list_stops

    with shell.session().existing() as store:
        stops = list_stops(store)
    shell.show(StopList(stops), form)
