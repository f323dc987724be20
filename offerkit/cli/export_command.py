"""``offerkit export``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.complete import stages
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("export")
@click.argument("stage", metavar="STAGE", shell_complete=stages)
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where to.")
@click.option("--force", is_flag=True, help="Replace specs/ and environments/ of a DIR that holds something.")
@pass_shell
def command(shell: Shell, stage: str, target: Path, force: bool) -> None:
    """Write the YAML of a stage.

    STAGE is ENVIRONMENT@design or ENVIRONMENT@live, or design or live for all environments; each also as it
    was, with :REVISION or :TIME. DIR becomes a project of its own that loads to exactly what the stage holds,
    with the dimensions and operators it needs, in the form that fmt gives. What refers to another environment
    takes that along; offers that are deactivated are left out; live campaigns come with either stage.
    TIME is a day (its end) or a time, in the environment's time zone; UTC where several of them differ.
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
