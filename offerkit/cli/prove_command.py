"""``offerkit prove``."""

from __future__ import annotations

import click

from offerkit.cli.asking import environment_option
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("prove")
@click.argument("old", metavar="OLD_CONDITION")
@click.argument("new", metavar="NEW_CONDITION")
@environment_option
@click.option(
    "--at",
    default="",
    metavar="TIME",
    help="Prove from this time on: a day or a time, in the environment's time zone (default: now).",
)
@format_of("ComparedConditions")
@pass_shell
def command(shell: Shell, old: str, new: str, environment: str, at: str, form: str) -> None:
    """Prove what NEW_CONDITION in place of OLD_CONDITION means, for every contact there can be.

    Both are written as in the specs, such as "recipient.age >= 18". The answer has two readings of the clock: at this
    moment, and at every moment from then on. Examples are invented. Put “--” before a condition that begins with a
    minus.
    """
    from offerkit.usecases.prove_conditions import compare_conditions

    shell.show(compare_conditions(shell.session(), old, new, environment, at), form)
