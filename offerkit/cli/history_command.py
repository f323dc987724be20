"""``offerkit history``."""

from __future__ import annotations

import click

from offerkit.cli.complete import touched
from offerkit.cli.options import count_option, format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("history")
@click.argument("what", nargs=-1, metavar="[STAGE] [ADDRESS]", shell_complete=touched)
@count_option
@format_of("RevisionHistory")
@pass_shell
def command(shell: Shell, what: tuple[str, ...], limit: int, form: str) -> None:
    """List the revisions of the store, a stage or a resource.

    Newest first: who did what, when and why. STAGE is such as recipients@live, ADDRESS such as
    recipients/offer.canada-rockies.
    """
    from offerkit.reports.history import RevisionHistory
    from offerkit.usecases.history import history

    stages = [word for word in what if "@" in word]
    addresses = [word for word in what if "@" not in word]
    if len(stages) > 1 or len(addresses) > 1:
        raise click.UsageError("At most one STAGE and one ADDRESS can be named.")
    with shell.session().existing() as store:
        lines = history(store, "".join(stages), "".join(addresses), limit)
    shell.show(RevisionHistory(lines), form)
