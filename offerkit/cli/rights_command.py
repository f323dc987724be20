"""``offerkit rights``."""

from __future__ import annotations

import click

from offerkit.cli.complete import operators
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("rights")
@click.argument("name", metavar="[OPERATOR]", required=False, default="", shell_complete=operators)
@format_of("RightsReport")
@pass_shell
def command(shell: Shell, name: str, form: str) -> None:
    """List what each operator may do, where, and why.

    A right comes from a profile, or from an environment that names the operator.
    """
    from offerkit.reports.rights import RightsReport
    from offerkit.usecases.rights import list_rights

    with shell.session().existing() as store:
        rights = list_rights(store, name)
    shell.show(RightsReport(rights), form)
