"""``offerkit contact``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import environments
from offerkit.cli.options import changing, combined, format_of, pass_shell
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.usecases.requests import ContactRequest

STDIN = "-"
"""The key that stands for one on standard input."""
_LONGEST = 4_096
"""Bytes of a key on standard input, at most."""

_NOTHING = "Nothing is stored. Record the erasure, so that no restored backup brings the contact back?"

places = combined(
    click.argument("key", metavar="KEY"),
    click.option(
        "--environment",
        "-e",
        "names",
        multiple=True,
        metavar="NAME",
        shell_complete=environments,
        help="Only in this environment; may be repeated (default: in all of the contact's dimension).",
    ),
    click.option(
        "--files",
        "folders",
        multiple=True,
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Also in deliveries' files in this folder; may be repeated (default: only where they were written).",
    ),
)


@click.group("contact")
def contact() -> None:
    """Export or erase what is stored about a contact."""


@contact.command("export")
@places
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this file, which only you can read, instead of standard output.",
)
@pass_shell
def export(shell: Shell, key: str, names: tuple[str, ...], folders: tuple[Path, ...], out: Path | None) -> None:
    """Write everything that is stored about a contact, as JSON that says what each part is.

    KEY is the primary key, parts joined by “|”; “-” reads it from standard input, so that it is in no shell's history.
    The export has the contact's propositions, evidence of decisions, cookies and messages. If nothing is stored, it is
    empty, and a warning says what was searched. It is for operators who may read contacts.
    """
    from offerkit.reports.escape import json_text, visible
    from offerkit.specs.output_files import CONTACT_EXPORT, check_output, replacing
    from offerkit.usecases.contact_export import export_contact

    if out is not None:
        check_output(out, CONTACT_EXPORT)
    exported = export_contact(shell.session(), _request(key, names, folders))
    if exported.warnings:
        shell.tell(exported.warnings)
    text = json_text(dict(exported.data))
    if out is None:
        click.echo(text, nl=False)
        return
    with replacing(out, CONTACT_EXPORT) as path:
        if path != out:
            path.chmod(0o600)
        path.write_text(text, encoding="utf-8")
    click.echo(f"Written to {visible(str(out))}.", err=True)


@contact.command("erase")
@places
@click.option("--dry-run", is_flag=True, help="Erase nothing; show what would be erased.")
@click.option(
    "--no-clear", is_flag=True, help="Do not write the store again; the next erasure without this option does it."
)
@changing
@format_of("ContactErasure")
@pass_shell
def erase(
    shell: Shell,
    key: str,
    names: tuple[str, ...],
    folders: tuple[Path, ...],
    dry_run: bool,
    no_clear: bool,
    yes: bool,
    message: str,
    lock_timeout: float,
    form: str,
) -> None:
    """Erase a contact from propositions, evidence, cookies and the files of deliveries.

    KEY is as for “contact export”. Propositions stay as those of an unknown visitor, without what was stored with them,
    so reports count as before. Evidence, cookies and messages are removed. The history records who erased how much,
    without the key; also if nothing is stored, so that no restored backup brings the contact back. Then the store is
    written again, so nothing is left in its files. If interrupted, run it again. Remove the contact from its source
    first: otherwise it is stored again when it calls. Only administrators may erase; through a server, the token needs
    the scope erase. Backups, and what other systems received, are out of reach.
    """
    from offerkit.usecases.contact_erasure import clear_erased, erase_contact, plan_erasure

    session = shell.session(lock_timeout=lock_timeout, message=message)
    request = _request(key, names, folders)
    planned = plan_erasure(session, request)
    if dry_run or form == "text":
        shell.show(planned.erasure, form)
    if planned.warnings:
        shell.tell(planned.warnings)
    if dry_run:
        return
    shell.confirm(_NOTHING if planned.erasure.empty else "Erase this permanently?", yes=yes)
    outcome = erase_contact(session, request)
    erased = outcome.erasure
    shell.done = True
    if form != "text":
        shell.show(erased, form)
    else:
        done = "Recorded" if erased.empty else "Erased"
        click.echo(shell.style.green(f"{done}. Revision {erased.revision}, {erased.digest[:12]}."), color=True)
    if outcome.warnings:
        shell.tell(outcome.warnings)
    if no_clear:
        click.echo("The store's files can still have the key, until an erasure without --no-clear.", err=True)
        return
    click.echo("Clearing what was deleted from the store's files …", err=True)
    left = clear_erased(session, request)
    if left:
        from offerkit.diagnostics import Refused

        raise Refused(left)


def _request(key: str, names: tuple[str, ...], folders: tuple[Path, ...]) -> ContactRequest:
    from offerkit.usecases.requests import ContactRequest

    if key == STDIN:
        key = sys.stdin.buffer.readline(_LONGEST).decode(errors="surrogateescape").rstrip("\r\n")
    return ContactRequest(key, tuple(name.partition("@")[0] for name in names), folders)


command: click.Command = contact
