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
    help=("The full commit that the bundle must be of; also finds the pull request if no number is given."),
)
@click.option(
    "--name",
    default="",
    metavar="NAME",
    help="The project's name, if the repository has several projects.",
)
@click.option("--artifact", default="", metavar="URL", help="The URL of the complete report.")
@forge_options
def command(path: Path, number: int | None, head: str, name: str, artifact: str, forge: Forge) -> None:
    """Comment on a pull request with what it changes, and keep the comment up to date.

    Each environment that changes gets one comment; an environment that does not change gets none. GITHUB_TOKEN or
    GITLAB_TOKEN must always hold a token of the same account, which must be allowed to comment. The text is made from
    the bundle's data, so the bundle may come from an untrusted run.
    """
    from offerkit.usecases.ci_comment import Commenting, comment, told
    from offerkit.usecases.ci_states import number_of

    how = Commenting(forge, number or number_of(os.environ), head.lower(), name, artifact)
    for line in told(how, comment(how, read(path))):
        click.echo(line)
