"""``offerkit ci check``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.ci_options import bundle_option, findings_option, forge_of, found, scheduled, subject_options
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.usecases.ci_bundle import Subject
    from offerkit.usecases.session import Session


@click.command("check")
@findings_option
@bundle_option
@subject_options
@click.option(
    "--open",
    "every",
    is_flag=True,
    help="Check every open pull request that has a bundle; so does a schedule of the CI.",
)
@pass_shell
def command(shell: Shell, path: Path | None, subject: Subject, every: bool) -> None:
    """Check that what would be applied is still what was read.

    What is checked out is planned again, and has to mean what the bundle says. Exits with 1, and shows every
    difference, when it does not. Meant to be required before a merge, in merge queues and on a schedule: others may
    have applied something since.
    """
    from offerkit.usecases.ci import check, compare

    if every and (path is not None or subject.number or subject.head):
        raise click.UsageError("--open checks all that are open; leave out which one.")
    session = shell.session()
    if every or (path is None and not subject.number and scheduled(session)):
        _check_open(shell, session, subject.base)
        return
    read, wanted = found(session, path, subject)
    check(compare(session, read.bundle, wanted, merged=True), read)
    click.echo(shell.style.green(f"What would be applied is what was read: {read.bundle.meaning}."), color=True)


def _check_open(shell: Shell, session: Session, base: str) -> None:
    """Check all that are open. Raises Refused, once all are told, when one is not what was read."""
    from offerkit.diagnostics import Diagnostic, Refused
    from offerkit.usecases.ci_forge import check_open

    found: list[Diagnostic] = []
    idle = True
    for each in check_open(session, forge_of(session), base):
        idle = False
        said = f"not checked: {each.skipped}" if each.skipped else "not as it was read" if each.found else "as read"
        click.echo(f"{each.number} at {each.head[:12]}: {said}")
        found += [replace(one, summary=f"{each.number}: {one.summary}") for one in each.found]
    if idle:
        click.echo("No pull request is open.")
    if found:
        raise Refused(found)
