"""``offerkit sent``."""

from __future__ import annotations

import click

from offerkit.cli.asking import warn
from offerkit.cli.complete import deliveries
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("sent")
@click.argument("name", metavar="CAMPAIGN/DELIVERY", shell_complete=deliveries)
@pass_shell
def command(shell: Shell, name: str) -> None:
    """Record that a delivery was sent: its propositions get the status presented.

    Propositions that already have a later status keep it. Running the command again changes nothing. If a space stores
    data with that status, it is stored for each proposition.
    """
    from offerkit.usecases.mark_sent import mark_sent
    from offerkit.usecases.open_engine import open_live
    from offerkit.usecases.session import who_is

    session = shell.session()
    with open_live(session, write=True) as (catalogs, people, store):
        sent = mark_sent(catalogs, people, store, name, who_is(session, store), session.now)
    shell.done = True
    warn(shell, sent.reports)
    run = sent.run
    if sent.before:
        click.echo(f"{run.name} was sent at {sent.before} already; {sent.count:,} more propositions are presented now.")
        return
    told = f"{run.name} is sent: {sent.count:,} of {run.propositions:,} propositions became presented."
    click.echo(shell.style.green(told), color=True)
