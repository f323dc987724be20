"""``offerkit approvals``."""

from __future__ import annotations

import click

from offerkit.cli.complete import offer_patterns
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell, width


@click.command("approvals")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=offer_patterns)
@click.option("--mine", "only_mine", is_flag=True, help="Only what you can decide on.")
@click.option("--all", "everything", is_flag=True, help="Also what is approved or rejected.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="How to print.")
@pass_shell
def command(shell: Shell, patterns: tuple[str, ...], only_mine: bool, everything: bool, form: str) -> None:
    """Show what waits for whose approval."""
    from offerkit.reports import approvals as report
    from offerkit.usecases.approve import decidable_by, list_approvals
    from offerkit.usecases.session import who_is

    session = shell.session()
    with session.existing() as store:
        found = list_approvals(store, patterns)
        if only_mine:
            found = decidable_by(found, who_is(session, store))
    shown = found if everything else [item for item in found if item.state == "waiting"]
    if form == "json":
        click.echo(report.approvals_json(shown), nl=False)
    elif form == "markdown":
        click.echo(report.approvals_markdown(shown), nl=False)
    else:
        click.echo(report.approvals_text(shown, shell.style, width()), nl=False, color=True)
