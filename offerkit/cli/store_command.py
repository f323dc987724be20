"""``offerkit store``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import environments, files
from offerkit.cli.options import changing, pass_shell, renamed_option
from offerkit.cli.shell import Shell, located, progress_bar

if TYPE_CHECKING:
    from offerkit.store import StoreStatus


@click.group("store")
def store() -> None:
    """Inspect, migrate, copy and restore the store."""


@store.command("status")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="The output format (default: text)."
)
@pass_shell
def status(shell: Shell, form: str) -> None:
    """Show the store's location, format, contents and lock holder."""
    session = shell.session()
    session.backend.require_local()
    with session.existing() as opened:
        current = opened.status()
    if form == "json":
        from offerkit.fingerprint import canonical
        from offerkit.usecases.store_maintenance import status_json

        click.echo(canonical(status_json(current)))
        return
    for name, value in _lines(current):
        click.echo(f"{name:<14}{value}")


def _lines(current: StoreStatus) -> list[tuple[str, str]]:
    last = current.last
    newest = f"{last.serial}, {last.action} by {last.actor} at {last.time}, {last.digest[:12]}" if last else "none"
    rows = current.rows
    return [
        ("Store", current.name),
        ("Format", str(current.format)),
        ("Project", current.project),
        ("Size", f"{current.size / 1_000_000:,.1f} MB"),
        ("Revisions", f"{rows['revision']:,}"),
        ("Last", newest),
        ("Bodies", f"{rows['snapshot']:,}"),
        ("Approvals", f"{rows['approval']:,}"),
        ("Propositions", f"{rows['proposition']:,}"),
        ("Deliveries", f"{rows['delivery_run']:,}"),
        ("Cookies", f"{rows['cookie']:,}"),
        ("Lock", str(current.holder) if current.holder is not None else "free"),
    ]


@store.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if there is something to do.")
@pass_shell
def migrate(shell: Shell, check: bool) -> int:
    """Upgrade the store to the format of this offerkit, in one transaction.

    A SQLite store is upgraded by the first command that opens it. A PostgreSQL store is shared, so only this command
    upgrades it: older releases of offerkit cannot use it afterwards.
    """
    from offerkit.usecases.store_maintenance import migrate as upgrade

    session = shell.session()
    session.backend.require_local()
    migration = upgrade(session.store, check=check)
    shell.done = not check
    if migration.current:
        click.echo(f"Nothing to do: the store has format {migration.now}.")
    elif check:
        click.echo(f"The store has format {migration.before}; “offerkit store migrate” upgrades it to {migration.now}.")
        return 1
    else:
        click.echo(shell.style.green(f"Upgraded from format {migration.before} to {migration.now}."), color=True)
    return 0


@store.command("copy")
@click.argument("source", metavar="FROM", shell_complete=files)
@click.argument("target", metavar="TO", shell_complete=files)
@pass_shell
def copy(shell: Shell, source: str, target: str) -> None:
    """Copy a whole store, SQLite or PostgreSQL, to a new location.

    FROM and TO are paths or postgresql://USER@HOST/DATABASE?schema=NAME. The copy includes history, approvals,
    propositions, cookies, deliveries and tokens. It is written in one transaction and compared with FROM before it is
    committed. Writes to FROM during the copy are not included.
    """
    from offerkit.usecases.store_maintenance import copy as carry

    old, new = located(source), located(target)
    copied = carry(old, new, progress_bar)
    shell.done = True
    text = f"Copied and compared: {copied.revisions:,} revisions, {copied.rows['proposition']:,} propositions, "
    text += f"{sum(copied.rows.values()):,} rows in all. The copy is at {new}."
    click.echo(shell.style.green(text), color=True)


@store.command("backup")
@click.argument("target", metavar="FILE", shell_complete=files)
@pass_shell
def backup(shell: Shell, target: str) -> None:
    """Back up this project's store to a new FILE.

    Like “store copy” from the project's store: complete, from one moment, and compared before it is committed. Calls
    and commands continue meanwhile.
    """
    from offerkit.usecases.store_maintenance import copy as carry

    session = shell.session()
    session.backend.require_local()
    with session.existing():  # refuses if the named store does not exist
        pass
    copied = carry(session.store, located(target), progress_bar)
    shell.done = True
    text = f"Backed up and compared: {copied.revisions:,} revisions, {copied.rows['proposition']:,} propositions."
    click.echo(shell.style.green(text), color=True)


@store.command("restore")
@click.argument("source", metavar="FILE", shell_complete=files)
@click.option("--other-project", is_flag=True, help="Accept a backup of another project's store.")
@changing
@pass_shell
def restore(shell: Shell, source: str, other_project: bool, yes: bool, message: str, lock_timeout: float) -> None:
    """Restore the store from a backup, all at once.

    FILE is a backup of this store: a path, or postgresql://…. It is verified first, and what would be lost is shown:
    revisions, approvals and tokens made since. Propositions, deliveries and cookies are kept, and revoked tokens stay
    revoked. The replaced store is kept beside it. Servers continue. Only administrators may restore.
    """
    from offerkit.cli.restoring import after, before, not_cleared, unreadable
    from offerkit.usecases import restore

    session = shell.session(lock_timeout=lock_timeout, message=message)
    session.backend.require_local()
    with restore.prepare_restore(session, located(source), other_project=other_project) as restoration:
        for line in before(restoration):
            click.echo(line)
        if restoration.loss is None:
            shell.tell([unreadable(restoration)])
        if restoration.nothing:
            click.echo("Nothing to do: the store already equals the backup.")
            return
        shell.confirm("Restore this backup?", yes=yes)
        restored = restore.restore(restoration)
        shell.done = True
        for line in after(restored):
            click.echo(shell.style.green(line), color=True)
        if restored.left:
            shell.tell([not_cleared(restored.left)])


@store.command("purge")
@click.argument("names", metavar="[ENVIRONMENT]...", nargs=-1, shell_complete=environments)
@renamed_option("--dry-run", former=("--plan-only",), is_flag=True, help="Remove nothing; show what would be removed.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_shell
def purge(shell: Shell, names: tuple[str, ...], dry_run: bool, yes: bool) -> None:
    """Remove propositions older than their dimension's history.retention, and evidence older than its retention.

    They are removed in batches, oldest first; calls continue meanwhile. If interrupted, whole batches have been
    removed: run it again. If presentation rules still count some of them, a warning says so.
    """
    from offerkit.usecases.purge import expired_propositions, purge_propositions

    session = shell.session()
    session.backend.require_local()
    with session.existing() as opened:
        expired = expired_propositions(session, opened, names)
    for row in expired:
        age = f"{row.count:,} older than {row.retention}" if row.retention else "kept permanently"
        click.echo(f"{row.environment:<20}{age}")
        if row.counted and row.count:
            click.echo(
                f"  presentation rules look back {row.longest.days} days, and will count fewer propositions", err=True
            )
        for kept in row.evidence:
            click.echo(f"  {'evidence of ' + kept.space:<18}{kept.count:,} older than {kept.retention}")
    total = sum(row.count + sum(kept.count for kept in row.evidence) for row in expired)
    if dry_run or not total:
        return
    evidence = any(kept.count for row in expired for kept in row.evidence)
    what = "propositions and evidence" if evidence else "propositions"
    shell.confirm(f"Remove {total:,} {what} permanently?", yes=yes)
    removed = 0
    with progress_bar("Removing", total) as progress:
        for count in purge_propositions(session, expired):
            removed += count
            progress(count)
    shell.done = True
    click.echo(shell.style.green(f"Removed {removed:,} {what}."), color=True)


command: click.Command = store
