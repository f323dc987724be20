"""``offerkit init``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell
from offerkit.loader.git import git_email

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@click.command("init")
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--environment", default="recipients", metavar="NAME", help="Its environment (default: recipients).")
@pass_shell
def command(shell: Shell, target: Path, environment: str) -> None:
    """Begin a new project in a folder.

    DIR gets a small project with comments that can be planned at once: an environment, two spaces, two offers,
    their rules, and a workflow for pull requests. Files that are there already stay as they are. A project that
    is there gets what it lacks around its resources: schemas for editors, the workflow, a README.
    """
    from offerkit.workflow.begin import begin

    starter = dict(_starter(files("offerkit.cli").joinpath("starter")))
    begun = begin(target, starter, environment, git_email(Path.cwd()))
    shell.done = True
    for path in begun.written:
        click.echo(f"  + {path}")
    for path in begun.kept:
        also = "; renew it with: offerkit schema --out .schema" if path in begun.outdated else ""
        click.echo(f"  = {path} (was there; left as it is{also})")
    if begun.project:
        click.echo("  = specs/, environments/ (the project's own; left as they are)")
    if begun.project or not begun.written:
        said = "Added what was missing to" if begun.written else "Nothing is missing in"
        click.echo(shell.style.green(f"{said} the project in {target}."), color=True)
        return
    click.echo(shell.style.green(f"A new project in {target}."), color=True)
    click.echo(f"Now: cd {target} && offerkit plan")


def _starter(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """The starter's files by path. What begins with a dot in a project begins with “dot-” in the package."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith(("__", ".")):
            continue
        path = above + entry.name.replace("dot-", ".", 1) if entry.name.startswith("dot-") else above + entry.name
        if entry.is_dir():
            yield from _starter(entry, f"{path}/")
        else:
            yield path, entry.read_bytes()
