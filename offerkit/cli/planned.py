"""What commands that make a plan do with it: save it, carry it out, and leave with the right code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.planning.plan import Plan
    from offerkit.workflow.session import Session


def carry_out(shell: Shell, session: Session, plan: Plan, question: str, done: str, *, yes: bool) -> None:
    """Apply ``plan`` if the operator may and says so; an empty one needs neither."""
    from offerkit.workflow.main_path import allowed, apply

    if plan.empty:
        return
    allowed(session, plan)
    shell.confirm(question, yes=yes)
    shell.applied(apply(session, plan), done)


def finish(plan: Plan, out: str | None, detailed_exitcode: bool) -> int:
    """Save the plan where ``out`` says; the exit code, 2 for changes when it was asked for."""
    if out is not None:
        from offerkit.workflow.main_path import save

        path = save(plan, Path(out))
        after = "There is nothing in it to apply." if plan.empty else f"Apply exactly this with: offerkit apply {path}"
        click.echo(f"Saved to {path}. {after}", err=True)
    return 2 if detailed_exitcode and not plan.empty else 0


def to_be_applied(form: str, out: str | None, plan_only: bool, yes: bool) -> bool:
    """Whether a command that plans is to carry the plan out as well.

    Raises UsageError where --yes contradicts an option that only makes the plan.
    """
    if yes and (out is not None or plan_only):
        raise click.UsageError("--yes applies the plan; --out and --plan-only only make it. Leave one of them out.")
    return out is None and not plan_only and (form == "text" or yes)
