"""``offerkit resume``."""

from __future__ import annotations

from dataclasses import replace

import click

from offerkit.cli.complete import stopped
from offerkit.cli.options import format_of, lock_option, message_option, pass_shell, sign_option
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Severity


@click.command("resume")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...", shell_complete=stopped)
@message_option
@sign_option
@format_of("ResumeReport")
@lock_option
@pass_shell
def command(shell: Shell, patterns: tuple[str, ...], message: str, form: str, lock_timeout: float) -> None:
    """Allow stopped resources to be promoted again.

    Resuming requires an approval given after the stop; earlier approvals no longer count, and what has not been
    approved since stays out of live. Operators who may promote may resume. Resources that are refused are listed with
    the reason, and the others are resumed; the exit code is 1 only if all are refused.
    """
    from offerkit.reports.stops import ResumeReport
    from offerkit.usecases.requests import StopRequest
    from offerkit.usecases.stop import resume

    outcome = resume(shell.session(lock_timeout=lock_timeout), StopRequest(patterns, message))
    shell.done = True
    revision = outcome.revision.serial if outcome.revision is not None else None
    if form == "text":
        shell.tell([replace(diagnostic, severity=Severity.WARNING) for diagnostic in outcome.refused])
    shell.show(ResumeReport(revision, outcome.named, outcome.out, outcome.refused, outcome.done), form)
