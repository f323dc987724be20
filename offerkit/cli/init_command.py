"""``offerkit init``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import brought_templates, folder_environments
from offerkit.cli.complete import files as files_of
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell
from offerkit.specs.git import git_email

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from offerkit.usecases.init import InitResult


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path())
@click.option(
    "--environment",
    metavar="NAME",
    shell_complete=folder_environments,
    help="The name of its environment (default: recipients, or the only existing one).",
)
@click.option(
    "--template",
    "templates",
    multiple=True,
    metavar="TEMPLATE[=NAME]",
    shell_complete=brought_templates,
    help="Also add a space with a template for its offers: app, banner, call-center, fallback, sms or email; may be"
    " repeated.",
)
@click.option(
    "--install",
    default="",
    metavar="SOURCE",
    shell_complete=files_of,
    help="The source from which its CI installs offerkit.",
)
@click.option(
    "--ci",
    "forge",
    type=click.Choice(["github", "gitlab"]),
    help=("Also write a pipeline: plans in pull requests, apply after the merge, reviews as approvals."),
)
@pass_shell
def command(
    shell: Shell,
    folder: str | None,
    environment: str | None,
    templates: tuple[str, ...],
    install: str,
    forge: str | None,
) -> None:
    """Create a new project in a folder.

    DIR gets a small, commented project that can be planned at once: an environment, two spaces, two offers and their
    rules. Existing files are not changed. An existing project gets the files that it lacks besides its resources:
    schemas for editors, a README, and with --ci the pipeline, at the top of its git repository. With --ci, DIR defaults
    to the current folder; with --template, to the project that it is in.

    A template adds one file with a ready space and a template for its offers (fallback: a category that belongs to
    every call). NAME is what they are called. If a name is taken, or the project would not be valid with it, nothing is
    written.

    SOURCE is written to requirements.txt, from which the pipeline installs: git+https://HOST/REPOSITORY@COMMIT, an
    https URL of a wheel, offerkit==VERSION from your own index, or the path of a wheel, which is copied to vendor/. It
    defaults to where this offerkit was installed from, if that is git or the web.
    """
    from shlex import quote

    from offerkit.diagnostics import Code, refuse
    from offerkit.reports.escape import visible
    from offerkit.usecases.init import REQUIREMENTS, STARTER_ENVIRONMENT, init_project, install_source, pipeline_of
    from offerkit.usecases.init_templates import only_environment, template_files

    if folder is None:
        if forge is None and not templates:
            raise click.UsageError("Missing argument 'DIR'.")
        folder = _enclosing_project() if templates else "."
    if not folder.strip():
        raise refuse(Code.BAD_VALUE, "DIR is empty", hint="Name a folder; “.” is the current one.")
    target, source = Path(folder), install_source(install)
    package = files("offerkit.cli")
    starter = dict(_starter(package.joinpath("starter")))
    pipeline = pipeline_of(target, dict(_starter(package.joinpath("pipelines", forge)))) if forge else None
    if environment is None:
        environment = (only_environment(target) if templates else "") or STARTER_ENVIRONMENT
    brought = None
    if templates:
        texts = {entry.partition(".")[0]: text for entry, text in _starter(package.joinpath("brought"))}
        brought = partial(template_files, target, environment=environment, wanted=templates, texts=texts)
    begun = init_project(target, starter, environment, git_email(Path.cwd()), source, pipeline, brought)
    shell.done = True
    for path in begun.written:
        click.echo(f"  + {visible(str(path))}")
    existed = begun.project or any(str(path).startswith("environments/") for path in begun.kept)
    adds = bool(templates and begun.written) and existed
    for path in begun.kept:
        if (note := _renewing(path, begun)) or not adds:
            click.echo(f"  = {visible(str(path))} (exists; not changed{note})")
    is_current = target == Path()
    shown = "this folder" if is_current else visible(str(target))
    if begun.project and not adds:
        click.echo("  = specs/, environments/ (the project's own; not changed)")
    result = "A new project in"
    if adds:
        result = "Added to the project in"
    elif not begun.fresh:
        result = f"{'Added what was missing to' if begun.written else 'Nothing is missing in'} the project in"
    click.echo(shell.style.green(f"{result} {shown}."), color=True)
    if begun.unnamed and source.line:
        click.echo(f"{REQUIREMENTS} is not changed; name the source of offerkit there with the line: {source.line}")
    elif begun.unnamed:
        click.echo(f"Colleagues and CI install what {REQUIREMENTS} names: name the source of offerkit there.")
    if adds:
        click.echo("How to write an offer of it: see the head of each new file.")
    if begun.fresh or adds:
        click.echo("Now: offerkit plan" if is_current else f"Now: cd {visible(quote(str(target)))} && offerkit plan")


def _enclosing_project() -> str:
    """The project that the current folder is in, as a path from there; the current folder if it is in none."""
    from os import path

    from offerkit.diagnostics import Refused
    from offerkit.specs.project import find_project

    try:
        return path.relpath(find_project(Path.cwd()).root)
    except Refused:
        return "."


def _renewing(path: str, begun: InitResult) -> str:
    """How to bring an existing file up to date with what this offerkit would write."""
    if path in begun.outdated:
        return "; renew it with: offerkit schema --out .schema"
    own = _OWN.get(Path(path).name)
    if path in begun.unaware and own:
        return f"; {own.format(project=begun.folder)}"
    if path in begun.unlike and not own:
        return "; this offerkit writes another one: rename it, run this again and compare"
    return ""


_OWN = {
    ".gitlab-ci.yml": "add to it: include: [{{local: /.gitlab/offerkit.yml, inputs: {{project: {project}}}}}]",
    ".pre-commit-config.yaml": "its hooks may be “offerkit validate” and “offerkit fmt”, too",
}
"""Files that also serve other tools, and what to add to them for offerkit."""


def _starter(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """The starter's files by path. Names that begin with a dot in a project begin with “dot-” in the package."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith(("__", ".")):
            continue
        path = above + entry.name.replace("dot-", ".", 1) if entry.name.startswith("dot-") else above + entry.name
        if entry.is_dir():
            yield from _starter(entry, f"{path}/")
        else:
            yield path, entry.read_bytes()
