"""``offerkit ci drift``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from offerkit.cli.ci_options import forge_options
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.forges.forge import Forge


@click.command("drift")
@click.option(
    "--name",
    default="",
    metavar="NAME",
    help="Tells the issues of several projects in one repository apart (default: there is one).",
)
@forge_options
@pass_shell
def command(shell: Shell, name: str, forge: Forge) -> None:
    """Keep one issue about what differs between the store and the default branch.

    Meant for every night, with the default branch checked out: the issue is opened when something differs, brought up
    to date, and closed when nothing does any more. The token in GITHUB_TOKEN or GITLAB_TOKEN has to be that of one
    account always, which may write issues.
    """
    from offerkit.usecases.ci_drift import Keeping, drifted, keep, told

    found = drifted(shell.session(), forge)
    click.echo(told(found, keep(Keeping(forge, name), found)))
