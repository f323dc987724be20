"""``offerkit show``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.options import format_of, full_option, pass_shell
from offerkit.cli.shell import Shell


@click.command("show")
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path))
@format_of("PlanReport")
@full_option
@pass_shell
def command(shell: Shell, plan_file: Path, form: str, full: bool) -> None:
    """Show a saved plan.

    The plan is shown as it was made, without reading the store.
    """
    from offerkit.usecases.plan_files import load_plan

    shell.plan(load_plan(plan_file), form, full=full)
