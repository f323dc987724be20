"""``offerkit export``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.complete import stages
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("export")
@click.argument("stage", metavar="STAGE", shell_complete=stages)
@click.option(
    "--to", "target", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The folder to write."
)
@click.option("--force", is_flag=True, help="Replace specs/ and environments/ if DIR is not empty.")
@pass_shell
def command(shell: Shell, stage: str, target: Path, force: bool) -> None:
    """Write a stage as YAML.

    STAGE is ENVIRONMENT@design or ENVIRONMENT@live, or design or live for all environments; add :REVISION or :TIME for
    an earlier state. DIR becomes a project of its own that loads to exactly what the stage holds, with the dimensions
    and operators that it needs, formatted as by fmt. Environments that are referred to are included; deactivated offers
    are not; live campaigns come with either stage. TIME is a day (its end) or a time, in the environment's time zone,
    or in UTC if several time zones are involved.
    """
    from offerkit.reports.escape import visible
    from offerkit.usecases.export import export

    exported, count = export(shell.session(), stage, target, force=force)
    shell.done = True
    files = "1 file" if count == 1 else f"{count:,} files"
    stages = ", ".join(exported.stages)
    text = f"{len(exported.entries):,} resources of {stages} in {files} below {visible(str(target))}."
    click.echo(shell.style.green(text), color=True)
    for note in dict.fromkeys(exported.notes):
        click.echo(f"Note: {visible(note)}", err=True)
