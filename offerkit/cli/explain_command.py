"""``offerkit explain``."""

from __future__ import annotations

import click

from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("explain")
@click.argument("proposition", metavar="PROPOSITION")
@click.option(
    "--with-present-contact",
    is_flag=True,
    help="Also decide again with the contact's fields and history of now; that is not what was decided.",
)
@format_of("ExplainedProposition")
@pass_shell
def command(shell: Shell, proposition: str, with_present_contact: bool, form: str) -> int:
    """Explain a stored proposition: what was live then, who had approved it, and the rules that decided.

    If its space keeps evidence (storage: evidence), the decision is repeated from what it read, and both answers are
    compared; the exit code is 1 if they differ. Otherwise it says what can no longer be known.
    """
    from offerkit.usecases.explain import explain_stored

    shell.form = form
    explained = explain_stored(shell.session(), proposition, present=with_present_contact)
    shell.show(explained, form)
    return 1 if explained.repeated is not None and explained.repeated.differences else 0
