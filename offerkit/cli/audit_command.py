"""``offerkit audit``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from offerkit.cli.options import pass_shell, renamed_option
from offerkit.cli.shell import Shell


@click.group("audit")
def audit() -> None:
    """Verify the history, or export it."""


@audit.command("verify")
@renamed_option(
    "--expect", former=("--head",), metavar="DIGEST", help="The digest of a revision, as you recorded it elsewhere."
)
@pass_shell
def verify(shell: Shell, expect: str | None) -> None:
    """Find every row of the history that was edited, removed or reordered.

    Every revision's digest covers its changes, its approvals and the revision before it. Tokens are compared with the
    revisions that created and revoked them, and the store's tables and indexes with its format. Record the printed
    digest somewhere else: with --expect, a history that was rewritten as a whole is detected as well. With --store, no
    project is needed.
    """
    from offerkit.reports.words import count
    from offerkit.usecases.audit import audit

    with shell.audited(verify=True) as audited:
        sound = audit(audited, expect or "")
    text = f"The history is sound: {count(sound.revisions, 'revision')}"
    text += f", the last one {sound.digest}." if sound.digest else "."
    there = "not the tokens, which stay on the server" if sound.tokens is None else ""
    text += f"\nAlso checked: the schema of format {sound.format}"
    text += f", {count(sound.signatures, 'signature')}" if sound.signatures else ""
    text += f"; {there}." if there else f", {count(sound.tokens or 0, 'token')}."
    click.echo(shell.style.green(text), color=True)


@audit.command("export")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file instead of standard output."
)
@pass_shell
def export(shell: Shell, out: Path | None) -> None:
    """Write the history as JSON lines, oldest revision first."""
    from offerkit.reports.escape import visible
    from offerkit.reports.words import count
    from offerkit.specs.output_files import HISTORY, writing
    from offerkit.usecases.audit import write_history

    with shell.audited(verify=False) as audited:
        if out is None:
            write_history(audited.store, sys.stdout.buffer)
            return
        with writing(out, HISTORY) as file:
            written = write_history(audited.store, file)
    click.echo(f"{count(written, 'revision')} written to {visible(str(out))}.", err=True)


command: click.Command = audit
