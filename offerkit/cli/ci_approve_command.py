"""``offerkit ci approve``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.ci_options import forge_options, read
from offerkit.cli.options import WholeNumber, format_of, lock_option, message_option, pass_shell
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Severity

if TYPE_CHECKING:
    from offerkit.forges.forge import Forge


@click.command("approve")
@click.option(
    "--bundle",
    "path",
    type=click.Path(path_type=Path),
    metavar="DIR|ZIP",
    help=("The bundle that “ci plan” wrote for the pull request (default: the artifact of its trusted run)."),
)
@click.option(
    "--pull-request",
    "number",
    type=WholeNumber(1),
    envvar="OFFERKIT_PULL_REQUEST",
    metavar="NUMBER",
    help="The pull request's number (default: the one whose merge is checked out and was applied).",
)
@forge_options
@format_of("RelayReport")
@message_option
@lock_option
@pass_shell
def command(
    shell: Shell, forge: Forge, path: Path | None, number: int | None, form: str, message: str, lock_timeout: float
) -> None:
    """Record the reviews of a pull request as its reviewers' approvals of what was applied.

    The forge says who approved the merged head and who wrote it. A review counts for the operator whose account it is
    (accounts), and approves what the pull request changed, as far as that operator is allowed to: nobody approves what
    they wrote. A review counts once, and only if what was applied is what was reviewed and nothing else has changed
    since. Run this command as an automation, after “ci apply”; through a server, with a token of the scope relay. The
    forge's token is read from GITHUB_TOKEN or GITLAB_TOKEN.
    """
    from offerkit.reports.approvals import RelayedReview, RelayReport
    from offerkit.usecases.ci_approve import approve
    from offerkit.usecases.requests import RelayOutcome

    session = shell.session(lock_timeout=lock_timeout, message=message)
    made = approve(session, forge, read(path).bundle if path is not None else None, number or 0)
    found, done = made or (None, RelayOutcome())
    shell.done, notes = bool(done.recorded), found.notes if found is not None else ()
    rows = [RelayedReview(one.reviewer, one.review, one.revision.serial, one.keys, one.left) for one in done.recorded]
    refused = [*done.refused, *(each for one in done.recorded for each in one.refused)]
    if form == "text":
        if found is None:
            click.echo("Nothing to do: what is checked out was not applied from a pull request.")
            return
        shell.tell([replace(each, severity=Severity.WARNING) for each in refused])
    shell.show(RelayReport(rows, done.standing, notes, refused), form)
