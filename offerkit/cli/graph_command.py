"""``offerkit graph``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("graph")
@click.option(
    "--focus",
    multiple=True,
    metavar="ADDRESS",
    help="Only this, what it needs and what depends on it.",
    shell_complete=addresses,
)
@click.option("--format", "form", type=click.Choice(["text", "mermaid", "dot"]), default="text", help="How to print.")
@pass_shell
def command(shell: Shell, focus: tuple[str, ...], form: str) -> None:
    """Show who refers to whom.

    Every resource of the specs in an order in which each comes after what it refers to.
    """
    from offerkit.reports import graph as report
    from offerkit.usecases.graph import edges

    found = edges(shell.session(), focus)
    if form == "mermaid":
        text = report.graph_mermaid(found)
    elif form == "dot":
        text = report.graph_dot(found)
    else:
        text = report.graph_text(found, shell.style)
    click.echo(text, nl=False, color=True)
