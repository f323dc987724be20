"""``offerkit validate``."""

from __future__ import annotations

import click

from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell, tell


@click.command("validate")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="How to print; github: annotations in a workflow (default: text).",
)
@pass_shell
def command(shell: Shell, form: str) -> int:
    """Check all specs and report every mistake.

    Each is told with its place, the reason, and how to mend it.

    Reads files only: no store is needed, nothing is written but the parse cache.
    """
    from offerkit.diagnostics import Refused
    from offerkit.workflow.main_path import validate

    try:
        loaded = validate(shell.session())
    except Refused as refused:
        if form == "text":
            tell(refused.diagnostics)
        else:
            from offerkit.reports.diagnostics_json import diagnostics_github, diagnostics_json

            render = diagnostics_json if form == "json" else diagnostics_github
            click.echo(render(refused.diagnostics).rstrip("\n"))
        return 1
    if form == "json":
        click.echo("[]")
    elif form == "text":
        count = len(loaded.records)
        click.echo(shell.style.green(f"{count:,} resources in {len(loaded.files):,} files are valid."), color=True)
    return 0
