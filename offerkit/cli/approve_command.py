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
    """Approve offers: content on spaces, eligibility.

    Bound to exactly what stands in design now: a later change of it resets the approval. Without --content
    and --eligibility both are approved, as far as you may. Of many offers, those that are refused are listed with
    the reason and the others are approved; the exit code is 1 only when all are refused.
    """
    carry_out(shell, "approved", **options)
