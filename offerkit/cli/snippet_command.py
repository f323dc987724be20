"""``offerkit snippet``."""

from __future__ import annotations

import click

from offerkit.cli.asking import stage_option
from offerkit.cli.complete import web_spaces
from offerkit.cli.options import pass_shell, renamed_option
from offerkit.cli.shell import Shell


@click.command("snippet")
@click.argument("place", metavar="ENVIRONMENT/SPACE", shell_complete=web_spaces)
@renamed_option(
    "--public-url",
    former=("--url",),
    default="",
    metavar="URL",
    help="The URL at which browsers reach the service (default: an example).",
)
@stage_option
@pass_shell
def command(shell: Shell, place: str, public_url: str, stage: str) -> None:
    """Print the HTML to paste into a web page for a space.

    One script fills all spaces of the page with one call. The call data that it must pass is listed in a comment, with
    samples to replace.
    """
    from offerkit.usecases.open_engine import open_stage
    from offerkit.usecases.snippets import snippet

    with open_stage(shell.session(), stage) as engine:
        click.echo(snippet(engine.catalogs, place, public_url), nl=False)
