"""``offerkit token``."""

from __future__ import annotations

import click

from offerkit.cli.complete import operators
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.group("token")
def token() -> None:
    """Manage operators' tokens, for who asks over the network."""


@token.command("create")
@click.argument("whose", metavar="OPERATOR", shell_complete=operators)
@click.option("--name", default="", metavar="TEXT", help="What it is for.")
@click.option("--expires", default="90d", metavar="DURATION", help="How long it counts (default: 90d).")
@pass_shell
def create(shell: Shell, whose: str, name: str, expires: str) -> None:
    """Make a token for an operator, and print it: this once, it is kept as a hash only."""
    from offerkit.workflow import tokens

    row, text = tokens.create(shell.session(), whose, name, expires)
    click.echo(text)
    click.echo(f"Token {row.id} of {row.operator} counts until {row.expires[:16]}Z. It is not shown again.", err=True)


@token.command("list")
@pass_shell
def listed(shell: Shell) -> None:
    """List the tokens: whose they are, what for, and whether they count."""
    from offerkit.reports.escape import visible
    from offerkit.workflow import tokens

    session = shell.session()
    session.people_needed()
    with session.existing() as store:
        rows = store.tokens()
        orphaned = {row.id: tokens.orphaned(store, row) for row in rows}
    if not rows:
        click.echo("No tokens.")
    for row in rows:
        word, when = ("revoked", row.revoked) if row.revoked else ("until", row.expires)
        if not row.revoked and row.expires <= session.now:
            word = "expired"
        if not row.revoked and orphaned[row.id]:
            word, when = "removed", orphaned[row.id]
        state = f"{word:<7} {when[:16]}Z"
        click.echo(f"{row.id}  {row.operator:<16}  {state}  by {row.created_by}  {visible(row.name)}".rstrip())


@token.command("revoke")
@click.argument("id_", metavar="ID")
@pass_shell
def revoke(shell: Shell, id_: str) -> None:
    """Let a token count no more; a server hears of it within five seconds."""
    from offerkit.workflow import tokens

    row = tokens.revoke(shell.session(), id_)
    shell.done = True
    click.echo(f"Token {row.id} of {row.operator} counts no more.")


command = token
