"""``offerkit reject``."""

from __future__ import annotations

from typing import Any

import click

from offerkit.cli.deciding import carry_out, deciding
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("reject")
@deciding
@pass_shell
def command(shell: Shell, /, **options: Any) -> None:
    """Reject offers: their content on spaces and their eligibility.

    The last decision counts: a rejection revokes an approval, and the next promotion removes what was rejected from
    live.
    """
    carry_out(shell, "rejected", **options)
