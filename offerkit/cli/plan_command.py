"""``offerkit plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import addresses
from offerkit.cli.impact import ImpactAsked, impact_options
from offerkit.cli.options import (
    blocked_option,
    exclude_option,
    exitcode_option,
    full_option,
    out_option,
    pass_shell,
)
from offerkit.cli.proving import proofs_of, prove_option
from offerkit.cli.shell import Shell, finish, warn_if_older

if TYPE_CHECKING:
    from offerkit.plans.make import AddressPatterns
    from offerkit.usecases.session import Session


@click.command("plan")
@click.argument("targets", nargs=-1, metavar="[ADDRESS]...", shell_complete=addresses)
@exclude_option
@out_option
@exitcode_option
@blocked_option
@impact_options
@prove_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "html", "github", "sarif", "gitlab"]),
    default="text",
    help=(
        "The output format; github (annotations), sarif and gitlab (code quality) print "
        "diagnostics only (default: text)."
    ),
)
@full_option
@pass_shell
def command(
    shell: Shell,
    targets: tuple[str, ...],
    exclude: tuple[str, ...],
    out: str | None,
    detailed_exitcode: bool,
    fail_on_blocked: bool,
    impact: ImpactAsked,
    prove: bool | None,
    form: str,
    full: bool,
) -> int:
    """Show what applying the specs would change.

    Nothing is changed. ADDRESS narrows the plan: an address or a pattern such as 'recipients/offer.canada-*', 'offer.*'
    or 'recipients'. Resources that the chosen ones depend on are included.
    """
    from offerkit.plans.make import AddressPatterns
    from offerkit.usecases.plan import plan

    session = shell.session()
    if form in ("github", "sarif", "gitlab"):
        return _findings(shell, session, AddressPatterns.of(targets, exclude), form)
    new_plan = plan(session, AddressPatterns.of(targets, exclude))
    warn_if_older(shell, session, new_plan)
    proofs = proofs_of(session, new_plan, prove, at=impact.at, form=form)
    shell.plan(new_plan, form, full=full, impact=impact.of(session, new_plan), proofs=proofs)
    return finish(new_plan, out, detailed_exitcode, fail_on_blocked=fail_on_blocked)


def _findings(shell: Shell, session: Session, patterns: AddressPatterns, form: str) -> int:
    """Print what is wrong with the plan, for a forge."""
    from offerkit.diagnostics import Refused
    from offerkit.usecases.outdated_checkout import checkout_warnings
    from offerkit.usecases.plan import plan

    try:
        told, code = checkout_warnings(session, plan(session, patterns)), 0
    except Refused as refused:
        told, code = list(refused.diagnostics), 1
    click.echo(shell.rendered(told, form), nl=False)
    return code
