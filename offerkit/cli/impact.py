"""The option --impact of the commands that plan: what the plan changes for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from offerkit.cli.shell import Shell, width

if TYPE_CHECKING:
    from offerkit.planning.plan import Plan
    from offerkit.workflow.session import Session

F = TypeVar("F", bound=Callable[..., Any])


def impact_options(function: F) -> F:
    """``--impact``, ``--impact-n`` and ``--at``."""
    for option in (
        click.option("--at", default="", metavar="TIME", help="With --impact: what it means then, beside today."),
        click.option(
            "--impact-n",
            "count",
            type=int,
            default=3,
            metavar="NUMBER",
            help="With --impact: offers for each (default: 3).",
        ),
        click.option("--impact", is_flag=True, help="Also show for whom it changes which offers; nothing is stored."),
    ):
        function = option(function)
    return function


def check_impact(*, impact: bool, at: str, form: str) -> None:
    """Raises UsageError, before anything is planned, for options that do not go together."""
    if at and not impact:
        raise click.UsageError("--at goes with --impact.")
    if impact and form == "html":
        raise click.UsageError("--impact is shown as text, markdown or json.")


def show_impact(shell: Shell, session: Session, plan: Plan, *, impact: bool, n: int, at: str, form: str) -> None:
    """Print the impact behind the plan, if it is asked for. In JSON it goes to standard error, apart from the plan."""
    if not impact:
        return
    from offerkit.reports.impact import impact_json, impact_markdown, impact_text
    from offerkit.workflow.impact import of_plan

    made = of_plan(session, plan, n, at)
    if form == "json":
        click.echo(impact_json(made), nl=False, err=True)
    elif form == "markdown":
        click.echo("\n" + impact_markdown(made), nl=False)
    else:
        click.echo("\n" + impact_text(made, shell.style, width()), nl=False, color=True)
