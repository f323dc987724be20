"""``offerkit ci comment``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.ci_options import forge_options, given_bundle_option, read
from offerkit.cli.options import WholeNumber

if TYPE_CHECKING:
    from offerkit.forges.forge import Forge


@click.command("comment")
@given_bundle_option
@click.option(
    "--pull-request",
    "number",
    type=WholeNumber(1),
    envvar="OFFERKIT_PULL_REQUEST",
    metavar="NUMBER",
    help="The pull request's number (default: the CI's).",
)
@click.option(
    "--head",
    default="",
    metavar="COMMIT",
    help="The head, in full, that the bundle has to be of, and by which the pull request is found without its number.",
)
@click.option(
    "--name",
    default="",
    metavar="NAME",
    help="Tells the comments of several projects in one repository apart (default: there is one).",
)
@click.option("--artifact", default="", metavar="URL", help="Where the whole report can be had.")
@forge_options
def command(path: Path, number: int | None, head: str, name: str, artifact: str, forge: Forge) -> None:
    """Say what a pull request changes in a comment on it, kept up to date.

    There is one comment for each environment that changes, none where nothing does. The token in GITHUB_TOKEN or
    GITLAB_TOKEN has to be that of one account always, which may comment. The text is made from the bundle's data: the
    bundle may come from a run that nobody trusts.
    """
    from offerkit.usecases.ci_comment import Commenting, comment, told
    from offerkit.usecases.ci_states import number_of

    how = Commenting(forge, number or number_of(os.environ), head.lower(), name, artifact)
    for line in told(how, comment(how, read(path))):
        click.echo(line)
