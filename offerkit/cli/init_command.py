"""``offerkit init``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import files as files_of
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell
from offerkit.loader.git import git_email

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--environment", default="recipients", metavar="NAME", help="Its environment (default: recipients).")
@click.option(
    "--install", default="", metavar="SOURCE", shell_complete=files_of, help="Where its CI installs offerkit from."
)
@pass_shell
def command(shell: Shell, folder: str, environment: str, install: str) -> None:
    """Begin a new project in a folder.

    DIR gets a small project with comments that can be planned at once: an environment, two spaces, two offers,
    their rules, and a workflow for pull requests. Files that are there already stay as they are. A project that
    is there gets what it lacks around its resources: schemas for editors, the workflow, a README.

    SOURCE is written to requirements.txt, from which the workflow installs: git+https://HOST/REPOSITORY@COMMIT, an
    https address of a wheel, offerkit==VERSION of your own index, or the path of a wheel, which is copied to vendor/.
    Without it: where this offerkit came from, if that is git or the web.
    """
    from shlex import quote

    from offerkit.diagnostics import Code, refuse
    from offerkit.reports.escape import visible
    from offerkit.workflow.begin import REQUIREMENTS, begin, source_of

    if not folder.strip():
        raise refuse(Code.BAD_VALUE, "DIR is empty", hint="Name a folder; “.” is the one you are in.")
    target, source = Path(folder), source_of(install)
    starter = dict(_starter(files("offerkit.cli").joinpath("starter")))
    begun = begin(target, starter, environment, git_email(Path.cwd()), source)
    shell.done = True
    for path in begun.written:
        click.echo(f"  + {visible(str(path))}")
    for path in begun.kept:
        also = "; renew it with: offerkit schema --out .schema" if path in begun.outdated else ""
        click.echo(f"  = {visible(str(path))} (was there; left as it is{also})")
    here = target == Path()
    shown = "this folder" if here else visible(str(target))
    if begun.project:
        click.echo("  = specs/, environments/ (the project's own; left as they are)")
    said = "A new project in"
    if not begun.fresh:
        said = f"{'Added what was missing to' if begun.written else 'Nothing is missing in'} the project in"
    click.echo(shell.style.green(f"{said} {shown}."), color=True)
    if begun.unnamed and source.line:
        click.echo(f"{REQUIREMENTS} is left as it is; name the source of offerkit there with the line: {source.line}")
    elif begun.unnamed:
        click.echo(f"Its workflow installs what {REQUIREMENTS} names: name the source of offerkit there.")
    if begun.fresh:
        click.echo("Now: offerkit plan" if here else f"Now: cd {visible(quote(str(target)))} && offerkit plan")


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
