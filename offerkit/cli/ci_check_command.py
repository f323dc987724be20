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
    from offerkit.usecases.ci_bundle import PullRequestRef
    from offerkit.usecases.session import Session


@click.command("check")
@findings_option
@bundle_option
@subject_options
@click.option(
    "--open",
    "every",
    is_flag=True,
    help="Check every open pull request that has a bundle (default in scheduled CI runs).",
)
@pass_shell
def command(shell: Shell, path: Path | None, subject: PullRequestRef, every: bool) -> None:
    """Check that what would be applied is still what was reviewed.

    The checked-out specs are planned again. If that plan does not have the meaning recorded in the bundle, every
    difference is shown and the exit code is 1. Require this check before a merge and in merge queues, and run it on a
    schedule: others may have applied changes since.
    """
    from offerkit.usecases.ci import check, compare

    if every and (path is not None or subject.number or subject.head):
        raise click.UsageError("--open checks every open pull request; leave out the number.")
    session = shell.session()
    if every or (path is None and not subject.number and scheduled(session)):
        _check_open(shell, session, subject.base)
        return
    read, wanted = found(session, path, subject)
    check(compare(session, read.bundle, wanted, merged=True), read)
    click.echo(shell.style.green(f"What would be applied is what was reviewed: {read.bundle.meaning}."), color=True)


def _check_open(shell: Shell, session: Session, base: str) -> None:
    """Check all open pull requests. Raises Refused, after reporting all, if one differs from what was reviewed."""
    from offerkit.diagnostics import Diagnostic, Refused
    from offerkit.usecases.ci_forge import check_open

    differences: list[Diagnostic] = []
    idle = True
    for checked in check_open(session, forge_of(session), base):
        idle = False
        result = (
            f"not checked: {checked.skipped}"
            if checked.skipped
            else "differs from what was reviewed"
            if checked.found
            else "as read"
        )
        click.echo(f"{checked.number} at {checked.head[:12]}: {result}")
        differences += [
            replace(diagnostic, summary=f"{checked.number}: {diagnostic.summary}") for diagnostic in checked.found
        ]
    if idle:
        click.echo("No pull request is open.")
    if differences:
        raise Refused(differences)
