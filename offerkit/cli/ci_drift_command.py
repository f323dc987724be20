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
    help="The project's name, if the repository has several projects.",
)
@forge_options
@pass_shell
def command(shell: Shell, name: str, forge: Forge) -> None:
    """Keep one issue about the differences between the store and the default branch.

    Run it every night with the default branch checked out. The issue is opened when there are differences, kept up to
    date, and closed when there are none. GITHUB_TOKEN or GITLAB_TOKEN must always hold a token of the same account,
    which must be allowed to write issues.
    """
    from offerkit.usecases.ci_drift import Keeping, drifted, keep, told

    drift = drifted(shell.session(), forge)
    click.echo(told(drift, keep(Keeping(forge, name), drift)))
