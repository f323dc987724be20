"""``offerkit approve``."""

from __future__ import annotations

from typing import Any

import click

from offerkit.cli.deciding import carry_out, deciding
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("approve")
@deciding
@pass_shell
def command(shell: Shell, /, **options: Any) -> None:
    """Approve offers: their content on spaces and their eligibility.

    An approval holds for exactly what design has now; a later change resets it. Without --content and --eligibility,
    both are approved, as far as you are allowed to. Offers that are refused are listed with the reason, and the others
    are approved; the exit code is 1 only if all are refused.
    """
    carry_out(shell, "approved", **options)
