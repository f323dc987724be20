"""``offerkit sent``."""

from __future__ import annotations

import click

from offerkit.cli.complete import deliveries
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("sent")
@click.argument("name", metavar="CAMPAIGN/DELIVERY", shell_complete=deliveries)
@pass_shell
def command(shell: Shell, name: str) -> None:
    """Record that a delivery was sent: its propositions get the status presented.

    Propositions that already have a later status keep it. Running the command again changes nothing.
    """
    from offerkit.usecases.deliver import mark_sent
    from offerkit.usecases.session import who_is

    session = shell.session()
    with session.writing() as store:
        run, count, before = mark_sent(store, name, who_is(session, store), session.now)
    shell.done = True
    if before:
        click.echo(f"{run.name} was sent at {before} already; {count:,} more propositions are presented now.")
    else:
        click.echo(
            shell.style.green(f"{run.name} is sent: {count:,} of {run.propositions:,} propositions became presented."),
            color=True,
        )
