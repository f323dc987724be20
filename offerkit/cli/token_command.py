"""``offerkit token``."""

from __future__ import annotations

import click

from offerkit.cli.complete import operators, tokens
from offerkit.cli.options import lock_option, pass_shell
from offerkit.cli.shell import Shell


@click.group("token")
def token() -> None:
    """Manage operators' API tokens."""


@token.command("create")
@click.argument("whose", metavar="OPERATOR", shell_complete=operators)
@click.option("--name", default="", metavar="TEXT", help="What the token is for.")
@click.option("--expires", default="90d", metavar="DURATION", help="How long the token is valid (default: 90d).")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(["read", "apply", "approve", "promote", "stop", "relay", "all"]),
    multiple=True,
    help=("What the token may be used for; may be repeated. Every scope includes read (the default)."),
)
@lock_option
@pass_shell
def create(shell: Shell, whose: str, name: str, expires: str, scopes: tuple[str, ...], lock_timeout: float) -> None:
    """Create an API token for an operator, and print it once; only its hash is stored.

    A token can be used only for its scopes, whatever its operator may do. apply: plans that change design, and
    campaigns. approve: approve and reject. promote: everything that changes offers in live, so promotions, rollbacks of
    live, purges, resume. stop: stop only. erase: erase contacts only. relay: record reviews of pull requests as their
    reviewers' approvals (ci approve); for automations, and never with another scope. No scope includes another one
    except read; all means every scope except relay. Creating a token is a revision of the history.
    """
    from offerkit.usecases import tokens

    row, text = tokens.create(shell.session(lock_timeout=lock_timeout), whose, name, expires, scopes)
    click.echo(text)
    click.echo(
        f"Token {row.id} of {row.operator}, for {row.scope.replace(',', ', ')}, counts until {row.expires[:16]}Z."
        " It is not shown again.",
        err=True,
    )


@token.command("list")
@pass_shell
def listed(shell: Shell) -> None:
    """List the tokens: owner, scopes, purpose, and whether they are valid."""
    from offerkit.reports.escape import visible
    from offerkit.usecases import tokens

    session = shell.session()
    session.backend.require_local()
    with session.existing() as store:
        rows = store.tokens()
        orphaned = {row.id: tokens.orphaned(store, row) for row in rows}
    if not rows:
        click.echo("No tokens.")
    wide = max((len(row.scope) for row in rows), default=0)
    for row in rows:
        word, when = ("revoked", row.revoked) if row.revoked else ("until", row.expires)
        if not row.revoked and row.expires <= session.now:
            word = "expired"
        if not row.revoked and orphaned[row.id]:
            word, when = "removed", orphaned[row.id]
        state = f"{word:<7} {when[:16]}Z"
        texts = [row.id, f"{row.operator:<16}", f"{row.scope:<{wide}}", state, f"by {row.created_by}", row.name]
        click.echo("  ".join(map(visible, texts)).rstrip())


@token.command("revoke")
@click.argument("id_", metavar="ID", shell_complete=tokens)
@lock_option
@pass_shell
def revoke(shell: Shell, id_: str, lock_timeout: float) -> None:
    """Revoke a token; servers refuse it within five seconds."""
    from offerkit.usecases import tokens

    row = tokens.revoke(shell.session(lock_timeout=lock_timeout), id_)
    shell.done = True
    click.echo(f"Token {row.id} of {row.operator} is revoked.")


command = token
