"""``offerkit graph``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("graph")
@click.option(
    "--focus",
    multiple=True,
    metavar="ADDRESS",
    help="Only this resource, what it needs and what depends on it.",
    shell_complete=addresses,
)
@format_of("Graph")
@pass_shell
def command(shell: Shell, focus: tuple[str, ...], form: str) -> None:
    """Show which resources refer to which.

    The resources of the specs are listed in dependency order: each one after those that it refers to.
    """
    from offerkit.reports.graph import Graph
    from offerkit.usecases.graph import edges

    references = edges(shell.session(), focus)
    shell.show(Graph(references), form)
