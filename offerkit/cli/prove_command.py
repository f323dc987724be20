"""``offerkit prove``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from offerkit.cli.asking import environment_option
from offerkit.cli.complete import addresses, states
from offerkit.cli.options import exclude_option, format_of, full_option, pass_shell
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.reports.proof_words import StatedProofs
    from offerkit.usecases.session import Session


_NONE_OF_THEM = "None of the chosen changes changes who can be eligible. Changes at other addresses are left out."


@click.command("prove")
@click.argument("a", metavar="A|OLD_CONDITION", shell_complete=states)
@click.argument("b", metavar="B|NEW_CONDITION", shell_complete=states)
@click.argument("targets", nargs=-1, metavar="[ADDRESS]...", shell_complete=addresses)
@environment_option
@exclude_option
@click.option(
    "--at",
    default="",
    metavar="TIME",
    help="Prove from this time on: a day or a time, in the environment's time zone (default: now).",
)
@format_of("StatedProofs")
@full_option
@pass_shell
def command(
    shell: Shell,
    a: str,
    b: str,
    targets: tuple[str, ...],
    environment: str,
    exclude: tuple[str, ...],
    at: str,
    form: str,
    full: bool,
) -> None:
    """Prove what changes of conditions mean, for every contact there can be.

    A and B are states as in “offerkit diff”: git:main, recipients@live, specs. Each changed condition is compared with
    what it was, and so is the eligibility of each offer that the changes reach. ADDRESS narrows the changes.

    With --environment, A and B are two conditions, written as in the specs, such as "recipient.age >= 18"; the formats
    are then text and json. Put “--” before a condition that begins with a minus.

    The answer has two readings of the clock: at this moment, and at every moment from then on. Examples are invented.
    """
    session = shell.session()
    if not environment:
        shell.show(_between(shell, session, a, b, (targets, exclude), at), form, full=full)
        return
    if targets or exclude:
        raise click.BadParameter(
            "With --environment, two conditions are compared: addresses and --exclude do not apply."
        )
    from offerkit.reports.render import formats
    from offerkit.usecases.prove_conditions import compare_conditions

    if form not in formats("ComparedConditions"):
        raise click.BadParameter(
            f"With --environment, two conditions are compared: the formats are text and json, not {form}."
        )

    shell.show(compare_conditions(session, a, b, environment, at), form, full=full)


def _between(
    shell: Shell, session: Session, a: str, b: str, patterns: tuple[tuple[str, ...], tuple[str, ...]], at: str
) -> StatedProofs:
    """What is proved of how one state differs from another."""
    from offerkit.plans.make import AddressPatterns
    from offerkit.reports.proof_words import stated
    from offerkit.usecases.diff import compare
    from offerkit.usecases.proofs import PATIENT, prove_between
    from offerkit.usecases.requests import ProofRequest

    difference = compare(session, a, b, AddressPatterns.of(*patterns), whole=True)
    if difference.behind.doubt is not None:
        shell.tell([difference.behind.doubt])
    proofs = stated(prove_between(difference, ProofRequest(session.now, at, PATIENT, progress=session.progress)))
    if any(patterns) and not (proofs.changes or proofs.notes):
        return replace(proofs, notes=(("", _NONE_OF_THEM),))
    return proofs
