"""``offerkit ci check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.ci_options import bundle_option, found, subject_options
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.workflow.ci_bundle import Subject


@click.command("check")
@bundle_option
@subject_options
@pass_shell
def command(shell: Shell, path: Path | None, subject: Subject) -> None:
    """Check that what would be applied is still what was read.

    What is checked out is planned again, and has to mean what the bundle says. Exits with 1, and shows every
    difference, when it does not. Meant to be required before a merge, in merge queues and on a schedule: others may
    have applied something since.
    """
    from offerkit.workflow.ci import check, compare

    session = shell.session()
    read, wanted = found(session, path, subject)
    check(compare(session, read.bundle, wanted, merged=True))
    click.echo(shell.style.green(f"What would be applied is what was read: {read.bundle.meaning}."), color=True)
