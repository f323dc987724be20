"""``offerkit ci apply``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.ci_options import bundle_option, confirmed, findings_option, found, subject_options
from offerkit.cli.options import lock_option, message_option, pass_shell
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.usecases.ci_bundle import Subject

LONGEST_REASON = 2_000
_NOTHING = "Nothing to apply: the specs are in design already."


@click.command("apply")
@findings_option
@bundle_option
@subject_options
@click.option(
    "--allow-different",
    default="",
    metavar="REASON",
    help="Apply it even though it differs from what was reviewed; the reason is recorded.",
)
@message_option
@lock_option
@pass_shell
def command(
    shell: Shell, path: Path | None, subject: Subject, allow_different: str, message: str, lock_timeout: float
) -> None:
    """Apply what was reviewed in a pull request, and nothing else.

    The checked-out specs are planned again. If that plan does not have the meaning recorded in the bundle, every
    difference is shown and nothing is applied. Rights, authors and the single transaction are as with “apply”. The
    history records the meaning, the pull request and its head.
    """
    from offerkit.diagnostics import Refused
    from offerkit.usecases.ci import apply_read, check, compare, nothing_to_apply

    if allow_different and not 0 < len(allow_different.strip()) <= LONGEST_REASON:
        raise click.UsageError(f"--allow-different needs a reason, of {LONGEST_REASON:,} characters at most.")
    session = shell.session(lock_timeout=lock_timeout, message=message)
    try:
        read, wanted = found(session, path, subject)
    except Refused:
        # A push of nothing but a README was read in no pull request, and needs none.
        if path is None and nothing_to_apply(session):
            click.echo(_NOTHING)
            return
        raise
    compared = compare(session, read.bundle, wanted, begins=True)
    if compared.plan.empty:
        click.echo(_NOTHING)
        return
    if not allow_different:
        check(compared, read)
    shell.plan(compared.plan)
    applied = apply_read(session, compared, allow_different, confirmed(session, wanted.number))
    shell.applied(applied, "Applied.")
    if allow_different and compared.same:
        click.echo("Nothing differed: the reason given with --allow-different is not recorded.", err=True)
