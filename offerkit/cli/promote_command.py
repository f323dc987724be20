"""``offerkit promote``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.options import (
    changing,
    exclude_option,
    exitcode_option,
    format_option,
    full_option,
    out_option,
    pass_shell,
)
from offerkit.cli.shell import Shell


@click.command("promote")
@click.argument("what", nargs=-1, metavar="[ENVIRONMENT]... [ADDRESS]...")
@exclude_option
@click.option("--include-rolled-back", is_flag=True, help="Also what a rollback took back and design still has.")
@click.option("--plan-only", is_flag=True, help="Show the plan and stop.")
@out_option
@exitcode_option
@format_option
@full_option
@changing
@pass_shell
def command(
    shell: Shell,
    what: tuple[str, ...],
    exclude: tuple[str, ...],
    include_rolled_back: bool,
    plan_only: bool,
    out: str | None,
    detailed_exitcode: bool,
    form: str,
    full: bool,
    yes: bool,
    message: str,
    lock_timeout: float,
) -> int:
    """Take what is approved from design to live: shown as a plan, then applied all at once.

    With --out or --plan-only the plan is only made; “offerkit apply PLAN” carries it out later. ENVIRONMENT
    and ADDRESS narrow it; what the chosen offers need rides along.
    """
    from offerkit.planning.select import Patterns
    from offerkit.workflow.main_path import allowed, apply, promote, save

    session = shell.session(lock_timeout=lock_timeout, message=message)
    environments = tuple(word for word in what if not set(word) & set("/.*?["))
    targets = tuple(word for word in what if word not in environments)
    made = promote(session, environments, Patterns.of(targets, exclude), include_rolled_back=include_rolled_back)
    shell.plan(made, form, full=full)
    if out is not None:
        path = save(made, Path(out))
        click.echo(f"Saved to {path}. Apply exactly this with: offerkit apply {path}", err=True)
    if out is None and not plan_only and form == "text" and not made.empty:
        allowed(session, made)
        shell.confirm("Promote this to live?", yes=yes)
        shell.applied(apply(session, made), "Live.")
    return 2 if detailed_exitcode and not made.empty else 0
