"""``offerkit import``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.complete import folder_environments
from offerkit.cli.options import pass_shell, renamed_option
from offerkit.cli.shell import Shell


@click.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--environment",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=folder_environments,
    help="Import only this environment, and what it needs; may be repeated.",
)
@renamed_option("--dry-run", former=("--check",), is_flag=True, help="Write nothing; show what would be added.")
@pass_shell
def command(shell: Shell, folder: Path, names: tuple[str, ...], dry_run: bool) -> None:
    """Import the specs of another project into this one.

    DIR is another project: an export or another team's checkout. Resources that this project lacks are written to new
    files (specs/ENVIRONMENT/imported-SECTION.yaml), and identical ones are skipped. If a resource differs from one of
    the same name here, the import is refused and nothing is written. The result must be valid as a whole. Comments and
    renames (moved) are not imported.
    """
    from offerkit.usecases.import_specs import plan_import, write_import

    session = shell.session()
    planned = plan_import(session, folder, names)
    if not dry_run:
        write_import(session, planned)
        shell.done = True
    for path in sorted(planned.files):
        click.echo(path)
    verb = "would be added" if dry_run else "added"
    text = f"{len(planned.added):,} resources {verb}; {len(planned.same):,} were here already."
    click.echo(shell.style.green(text), color=True)
