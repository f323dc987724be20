"""What commands that make a plan do with it: save it, carry it out, and leave with the right code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, refuse
from offerkit.reports.words import count

if TYPE_CHECKING:
    from offerkit.planning.plan import Plan
    from offerkit.workflow.session import Session

_LISTED = 5
"""Names in a warning."""


def carry_out(shell: Shell, session: Session, plan: Plan, question: str, done: str, *, yes: bool) -> None:
    """Apply ``plan`` if the operator may and says so; an empty one needs neither."""
    from offerkit.planning.plan import PlanKind
    from offerkit.reports.impact_record import override_of
    from offerkit.workflow.apply import allowed, apply, held_to_impact

    if session.override_impact and plan.kind is not PlanKind.PROMOTE:
        raise click.UsageError("--override-impact is for promotions; nothing else is held to an impact.")
    if plan.empty:
        return
    allowed(session, plan)
    if not yes:  # before anybody is asked; it is judged again when the store is locked
        held_to_impact(session, plan)
    shell.confirm(question, yes=yes)
    applied = apply(session, plan)
    shell.applied(applied, done)
    if session.override_impact and not override_of(applied.revision.details):
        click.echo("Nothing had to be overridden: the reason of --override-impact is not kept.", err=True)


def foresee(shell: Shell, session: Session, plan: Plan) -> None:
    """Warn, on standard error, that a promotion which is only planned would be refused for its impact."""
    from offerkit.diagnostics import Refused, Severity
    from offerkit.workflow.apply import held_to_impact

    if session.override_impact:
        raise click.UsageError("--override-impact goes with the command that applies the plan.")
    try:
        held_to_impact(session, plan)
    except Refused as refused:
        shell.tell([replace(found, severity=Severity.WARNING) for found in refused.diagnostics])


def warn_if_older(shell: Shell, session: Session, plan: Plan) -> None:
    """Warn, on standard error, of deletions that only mean that the checkout is older than what git knows."""
    import shlex

    from offerkit.address import parse_address
    from offerkit.diagnostics import Diagnostic, Severity
    from offerkit.planning.plan import PlanKind
    from offerkit.reports.words import listing
    from offerkit.state.changes import Action

    gone = [step.address for step in plan.steps if step.action is Action.DELETE]
    if plan.kind is not PlanKind.APPLY or not gone:
        return
    from offerkit.loader.older import declared_ahead

    found = declared_ahead(session.project.root, gone, session.environ)
    if found is None:
        return
    files = listing(sorted(set(found.declared.values())), _LISTED)
    them = listing(sorted(found.declared, key=lambda address: parse_address(address).sort_key), _LISTED)
    summary = (
        f"the plan deletes {count(len(found.declared), 'resource')} that {found.branch} declares:"
        f" your checkout is {count(found.commits, 'commit')} behind"
    )
    merge = f"git merge {shlex.quote(found.branch)}"
    hint = f"Update the checkout ({merge}) and plan again; to delete them, do so on top of that."
    detail = f"{them}, in {files} there."
    shell.tell([Diagnostic(Code.OLDER_CHECKOUT, summary, detail, hint, severity=Severity.WARNING)])


def finish(plan: Plan, out: str | None, detailed_exitcode: bool, *, fail_on_blocked: bool = False) -> int:
    """Save the plan where ``out`` says; the exit code, 2 for changes when it was asked for.

    Raises Refused with ``fail_on_blocked`` when something is: nobody may have applied such a plan then.
    """
    if out is not None:
        from offerkit.reports.escape import visible
        from offerkit.workflow.plan_files import save

        path = visible(str(save(plan, out)))
        after = "There is nothing in it to apply." if plan.empty else f"Apply exactly this with: offerkit apply {path}"
        click.echo(f"Saved to {path}. {after}", err=True)
    if fail_on_blocked and plan.blocked:
        raise refuse(
            Code.BLOCKED,
            f"{count(len({(item.stage, item.address) for item in plan.blocked}), 'resource')} blocked",
            detail="--fail-on-blocked asks that all of it can go. Nothing was changed.",
            hint="The plan says what holds each of them back, and who can lift it; or leave them out with --exclude.",
        )
    return 2 if detailed_exitcode and not plan.empty else 0


def to_be_applied(form: str, out: str | None, plan_only: bool, yes: bool) -> bool:
    """Whether a command that plans is to carry the plan out as well.

    Raises UsageError where --yes contradicts an option that only makes the plan.
    """
    if yes and (out is not None or plan_only):
        raise click.UsageError("--yes applies the plan; --out and --plan-only only make it. Leave one of them out.")
    return out is None and not plan_only and (form == "text" or yes)
