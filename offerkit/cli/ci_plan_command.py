"""``offerkit ci plan``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.options import WholeNumber, pass_shell
from offerkit.cli.shell import Shell


@click.command("plan")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Write the bundle here.")
@click.option(
    "--pull-request",
    "number",
    type=WholeNumber(1),
    default=None,
    metavar="NUMBER",
    help="The pull request's number.",
)
@click.option("--head", default="", metavar="COMMIT", help="The pull request's head (default: what is checked out).")
@pass_shell
def command(shell: Shell, out: Path, number: int | None, head: str) -> None:
    """Plan what a pull request changes, and write what is said of it.

    The bundle is a folder: for each environment that changes a comment, a page and a report; the plan; and what all of
    it means, by which “ci check” and “ci apply” tell whether they do what was read. Nothing is changed.
    """
    from offerkit.reports.pull_request import verdict
    from offerkit.workflow.ci import planned, save
    from offerkit.workflow.ci_bundle import Subject

    found = planned(shell.session(), Subject(number or 0, head))
    save(found, out)
    for each in found.requests:
        click.echo(f"{each.environment}: {verdict(each)}")
    if not found.requests:
        click.echo("Nothing changes.")
