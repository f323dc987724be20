"""``offerkit weights``."""

from __future__ import annotations

import click

from offerkit.cli.asking import at_option, stage_option
from offerkit.cli.complete import addresses
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("weights")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=addresses)
@at_option
@stage_option
@format_of("WeightTable")
@pass_shell
def command(shell: Shell, patterns: tuple[str, ...], at: str, stage: str, form: str) -> None:
    """Show the weights of offers side by side, and what changes them.

    PATTERN selects offers, as in recipients/offer.gold-*, or categories with all offers below them, as in
    recipients/category.travel (default: all offers). Each weight is shown with its value or formula, dates, spaces,
    condition and multipliers, and with its value times the multipliers that hold on that day. No contact is considered.
    """
    from offerkit.usecases.open_engine import open_stage
    from offerkit.usecases.weights import weight_table

    session = shell.session()
    shell.form = form
    with open_stage(session, stage) as engine:
        table = weight_table(engine.catalogs, patterns, at, session.now)
    shell.show(table, form)
