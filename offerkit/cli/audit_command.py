"""``offerkit audit``."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import files
from offerkit.cli.options import (
    format_of,
    lock_option,
    message_option,
    not_empty,
    pass_shell,
    renamed_option,
    sign_option,
)
from offerkit.cli.shell import Shell, progress_bar
from offerkit.diagnostics import Refused

if TYPE_CHECKING:
    from offerkit.diagnostics import Diagnostic
    from offerkit.store import Store
    from offerkit.usecases.audit import CompareAnchors


@click.group("audit")
def audit() -> None:
    """Verify the history, export it, and read exports."""


@audit.command("verify")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path), shell_complete=files)
@renamed_option(
    "--expect",
    former=("--head",),
    callback=not_empty,
    metavar="DIGEST",
    help="The digest of a revision, or its first 12 characters, as you recorded it elsewhere.",
)
@click.option("--anchors", is_flag=True, help="Compare the history with the anchors that environments declare.")
@click.option(
    "--anchor",
    "places",
    multiple=True,
    metavar="PLACE",
    help="Compare it with anchors there: git, file:PATH or a URL; may be repeated.",
)
@format_of("VerifiedRecord")
@pass_shell
def verify(shell: Shell, file: Path | None, expect: str, anchors: bool, places: tuple[str, ...], form: str) -> None:
    """Find every row of the history that was edited, removed or reordered, and every revision against the rules.

    Every revision's digest covers its changes, its approvals and the revision before it. Tokens are compared with the
    revisions that created and revoked them, and the store's tables and indexes with its format. Record the printed
    digest somewhere else: with --expect, a history that was rewritten as a whole is detected as well. With --store, no
    project is needed.

    Each revision is judged again with what the history had before it: that a promotion had the approvals that it
    needed, and that whoever decided, promoted or applied had the right to.

    With --anchors, the history is compared with what was anchored when it went live: that finds a store that was
    replaced as a whole by an older or another one.

    With FILE, an export of the history is verified instead, without a store, a project or the network: each byte of it,
    every digest, and its revisions.
    """
    from offerkit.usecases.audit import audit

    compare = _comparing(shell, places, declared=anchors) if anchors or places else None
    gc.enable()  # the command line turns it off, but what judges one revision must not stay for all others
    if file is not None:
        from offerkit.usecases.audit_file import audit_file

        with progress_bar("Verifying", _size(file)) as advance:
            result = audit_file(file, expect, advance, compare)
        shell.show(result, form)
        return
    with shell.audited(verify=True) as audited:
        sound = audit(audited, expect, compare, progress_bar)
    shell.show(sound, form)


def _comparing(shell: Shell, places: tuple[str, ...], *, declared: bool) -> CompareAnchors:
    """Compares a store with the anchors in ``places``, and with those that its environments or the specs declare."""
    from offerkit.usecases import anchor

    def compare(store: Store) -> tuple[int, list[Diagnostic]]:
        wanted = dict.fromkeys(places)
        if declared:
            with suppress(Refused):  # outside of a project
                wanted |= dict.fromkeys(anchor.declared_in_specs(shell.session()))
            wanted |= dict.fromkeys(anchor.declared_in(store))
        if not wanted:
            raise anchor.nothing_declared()
        return anchor.compared(store, list(wanted), shell.root or Path.cwd(), os.environ)

    return compare


@audit.command("anchor")
@click.option("--accept-lost", is_flag=True, help="Accept that the history lacks anchored revisions, after a restore.")
@message_option
@sign_option
@lock_option
@format_of("AnchoredRevision")
@pass_shell
def anchor(shell: Shell, accept_lost: bool, message: str, lock_timeout: float, form: str) -> None:
    """Anchor the newest revision of live in every declared place that lacks it.

    Promotions and stops do so themselves. Run this after a failure, or by a timer. The newest anchor covers the whole
    history before it.

    After a restore, places have anchors of revisions that it took back, and “audit verify --anchors” finds them. With
    --accept-lost and a reason in --message, an administrator accepts exactly those, as a revision, which is anchored,
    too. “audit verify” shows it from then on, always.
    """
    from offerkit.usecases import accept_lost as accepting
    from offerkit.usecases.anchor import anchor

    if message and not accept_lost:
        raise click.UsageError("--message goes with --accept-lost.")
    session = shell.session(message=message, lock_timeout=lock_timeout)
    anchored, failed = accepting.accept_lost(session, message) if accept_lost else anchor(session)
    shell.done = True
    shell.show(anchored, form)
    if failed:
        raise Refused(failed)


@audit.command("export")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file instead of standard output."
)
@pass_shell
def export(shell: Shell, out: Path | None) -> None:
    """Write the whole history as JSON lines: everything that “audit verify FILE” needs to prove it.

    All bodies, then every revision with its changes, its approvals and the digests of the stages after it, then an end,
    by which a file that was cut off is found. The same history gives the same bytes.
    """
    from offerkit.reports.escape import visible
    from offerkit.reports.words import count
    from offerkit.specs.output_files import HISTORY, writing
    from offerkit.usecases.audit import write_history

    with shell.audited(verify=False) as audited:
        if out is None:
            write_history(audited.store, sys.stdout.buffer)
            return
        with writing(out, HISTORY) as file, progress_bar("Exporting", audited.store.last_serial()) as advance:
            end = write_history(audited.store, file, advance)
    click.echo(
        f"{count(end.revisions, 'revision')} written to {visible(str(out))}; the last one {end.digest}.", err=True
    )


@audit.command("show")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path), shell_complete=files)
@click.option(
    "--live-at", metavar="TIME", help="What was live at this time (a day means its end), or after this revision."
)
@click.option("--environment", metavar="NAME", default="", help="Only this environment, with --live-at.")
@format_of("LiveThen")
@pass_shell
def show(shell: Shell, file: Path, live_at: str | None, environment: str, form: str) -> None:
    """Show what an export of the history holds, or what was live at a time.

    Offers, spaces and what was stopped, each with the revision that did it and by whom. No store and no project is
    needed. A time without a zone is read in the environment's time zone.
    """
    from offerkit.usecases.audit_file import live_then, overview

    if environment and live_at is None:
        raise click.UsageError("--environment goes with --live-at.")
    shell.show(overview(file) if live_at is None else live_then(file, live_at, environment), form)


def _size(file: Path) -> int:
    """Bytes of a file; 0 if unknown."""
    try:
        return file.stat().st_size
    except (OSError, ValueError):
        return 0


command: click.Command = audit
