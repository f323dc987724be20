"""``offerkit propositions``."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.asking import environment_option, warn
from offerkit.cli.complete import offers, spaces, statuses
from offerkit.cli.options import count_option, pass_shell
from offerkit.cli.shell import Shell
from offerkit.reports.render import formats

if TYPE_CHECKING:
    from offerkit.usecases.requests import ExportRequest

LINES = "jsonl"
PATIENCE = 5.0
"""Seconds to wait for older transactions of the database to end, which usually takes milliseconds."""


@click.command("propositions")
@click.argument("proposition", required=False, default="", metavar="[PROPOSITION]")
@click.option(
    "--offer", default="", metavar="OFFER", shell_complete=offers, help="Only of this offer: its name or address."
)
@click.option("--contact", "-c", default="", metavar="KEY", help="Only of this contact, by primary key.")
@click.option(
    "--space",
    default="",
    metavar="SPACE",
    help="Only on this space: its name or ENVIRONMENT/SPACE.",
    shell_complete=spaces,
)
@environment_option
@click.option(
    "--status", default="", metavar="STATUS", shell_complete=statuses, help="Only with this status, by name or number."
)
@click.option(
    "--since",
    default="",
    metavar="TIME|CURSOR",
    help="Only from this day or time on, in the environment's time zone; with --format jsonl, what came after this"
    " cursor (default: start).",
)
@click.option(
    "--until", default="", metavar="TIME", help="Only before this day or time, in the environment's time zone."
)
@count_option
@click.option(
    "--cursor-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --format jsonl: go on at the cursor in this file, and keep the new one there.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*formats("Propositions"), LINES]),
    default="text",
    help="The output format (default: text); jsonl prints every change since a cursor.",
)
@pass_shell
def command(
    shell: Shell,
    proposition: str,
    offer: str,
    contact: str,
    space: str,
    environment: str,
    status: str,
    since: str,
    until: str,
    limit: int,
    cursor_file: Path | None,
    form: str,
) -> None:
    """List stored propositions by contact, offer or space, newest first.

    With --format jsonl: export every proposition and every later change of its status since a cursor, once each, as
    lines of JSON. The last line is the new cursor.
    """
    from offerkit.reports.propositions import Propositions
    from offerkit.usecases.argument_values import names_zone
    from offerkit.usecases.list_propositions import PropositionFilter, list_propositions, unknown_names, zone_of
    from offerkit.usecases.requests import ExportRequest

    if form == LINES:
        _check_alone(shell)
        _export(shell, ExportRequest(since, environment), cursor_file)
        return
    _check_listed(since, cursor_file)
    proposition_filter = PropositionFilter(proposition, offer, contact, space, environment, status, since, until, limit)
    session = shell.session()
    session.backend.require_local()
    with session.existing() as store:
        rows = list_propositions(store, proposition_filter, session.now)
        if any(time and not names_zone(time) for time in (since, until)):
            click.echo(f"Times that name no time zone are read in {zone_of(store, proposition_filter)}.", err=True)
        if not rows:
            warn(shell, unknown_names(store, proposition_filter))
    shell.show(Propositions(rows), form)


def _check_alone(shell: Shell) -> None:
    """Raises Refused with every option that narrows a list: an export leaves nothing out."""
    from offerkit.diagnostics import Code, Diagnostic, Refused

    context = click.get_current_context()
    narrowing = ("proposition", "offer", "contact", "space", "status", "until", "limit")
    given = [name for name in narrowing if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    shown = {"proposition": "a single proposition", "limit": "--count"}
    if given:
        raise Refused(
            [
                Diagnostic(
                    Code.LISTING_OPTIONS,
                    f"{shown.get(name, f'--{name}')} does not go with --format {LINES}",
                    "A cursor counts what was exported, so nothing of an environment can be left out.",
                    "Leave it out, and filter the lines; only --environment narrows an export.",
                )
                for name in given
            ]
        )


def _check_listed(since: str, cursor_file: Path | None) -> None:
    """Raises Refused for what only an export takes."""
    from offerkit.diagnostics import Code, refuse
    from offerkit.usecases.export_propositions import is_cursor

    if is_cursor(since) or cursor_file is not None:
        what = "--cursor-file" if cursor_file is not None else "a cursor"
        raise refuse(
            Code.LISTING_OPTIONS,
            f"{what} goes only with --format {LINES}",
            hint=f"Add --format {LINES}, or leave it out.",
        )


def _export(shell: Shell, request: ExportRequest, kept: Path | None) -> None:
    """Print all pages after the cursor that is kept, or after that of the request."""
    from offerkit.diagnostics import Code, refuse
    from offerkit.specs.output_files import CURSOR, alone, check_output

    if kept is None:
        _print_pages(shell, request, None)
        return
    if request.since:
        raise refuse(
            Code.LISTING_OPTIONS,
            "--since and --cursor-file both say where to go on",
            hint="Leave one of them out; to start again, remove the file.",
        )
    check_output(kept, CURSOR)
    with alone(kept, CURSOR):
        if kept.exists():
            request = replace(request, since=_read_cursor(kept))
        _print_pages(shell, request, kept)


def _print_pages(shell: Shell, request: ExportRequest, kept: Path | None) -> None:
    """The cursor is printed and kept after each page, once the page is out."""
    from offerkit.specs.output_files import CURSOR, writing
    from offerkit.usecases.export_propositions import export_page, lines_text

    session = shell.session()
    out = sys.stdout.buffer
    patient_until = time.monotonic() + PATIENCE
    while True:
        page = export_page(session, request)
        request, last = replace(request, since=page.cursor), not page.more
        if last and page.waiting and time.monotonic() < patient_until:
            last = False
            time.sleep(0.05)
            if not page.lines:
                continue
        out.write(lines_text([*page.lines, {"cursor": page.cursor}]))
        out.flush()
        if getattr(getattr(out, "raw", None), "failure", None) is not None:
            return  # the page is lost, and the run says so at its end; the cursor stays before it
        if kept is not None:
            with writing(kept, CURSOR) as file:
                file.write(f"{page.cursor}\n".encode())
        if last:
            break
    if page.waiting:
        click.echo(
            "Newer changes wait for an older transaction of the database to end. Run the command again.", err=True
        )


def _read_cursor(path: Path) -> str:
    from offerkit.diagnostics import Code, reason_of, refuse
    from offerkit.usecases.export_propositions import LONGEST_CURSOR

    try:
        with path.open("rb") as file:
            return file.read(LONGEST_CURSOR + 1).decode().strip()
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not text"
        raise refuse(
            Code.UNREADABLE,
            f"the cursor in {path} cannot be read: {reason}",
            hint="Mend the file, or remove it to start again.",
        ) from error
