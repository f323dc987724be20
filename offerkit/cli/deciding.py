"""What approve and reject share: their options, and the report of the decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from offerkit.cli.complete import categories, offer_patterns, spaces
from offerkit.cli.options import combined, format_of, lock_option, message_option, sign_option
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, Severity, refuse

F = TypeVar("F", bound=Callable[..., Any])

_what_to_decide: Callable[[F], F] = combined(
    click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=offer_patterns),
    click.option(
        "--category",
        "categories",
        multiple=True,
        metavar="PATH",
        shell_complete=categories,
        help="All offers below a category.",
    ),
    click.option(
        "--plan",
        "plan_file",
        type=click.Path(path_type=Path),
        help="Everything that this promotion plan needs approved.",
    ),
    click.option("--content", is_flag=True, help="Only the content; with --space, only on that space."),
    click.option(
        "--settings",
        is_flag=True,
        help="Settings that affect many offers: environments, spaces, rules, typologies, dimensions.",
    ),
    click.option(
        "--eligibility", is_flag=True, help="Only the eligibility: weights and conditions, own and inherited."
    ),
    click.option(
        "--space",
        "spaces",
        multiple=True,
        metavar="SPACE",
        help="Only the content on this space.",
        shell_complete=spaces,
    ),
)

deciding: Callable[[F], F] = combined(
    _what_to_decide,
    click.option(
        "--show", "only_show", is_flag=True, help="Decide nothing; show what would be decided, and its digest."
    ),
    click.option(
        "--expect", default="", metavar="DIGEST", help="Decide only if it is still what --show showed with this digest."
    ),
    message_option,
    sign_option,
    format_of("DecisionReport"),
    lock_option,
)


def carry_out(
    shell: Shell,
    decision: str,
    lock_timeout: float,
    plan_file: Path | None,
    *,
    form: str,
    message: str,
    only_show: bool = False,
    **wish: Any,
) -> None:
    """Decide; then show what was decided and what it changes, and what was not decided and why."""
    from offerkit.governance.approvals import Decision
    from offerkit.usecases.approve import approve_or_reject, preview_decision
    from offerkit.usecases.plan_files import load_plan
    from offerkit.usecases.requests import ApprovalRequest

    if not (wish["patterns"] or wish["categories"] or plan_file):
        raise refuse(
            Code.NO_MATCH,
            "no offer was named",
            hint="Name offers by pattern ('recipients/offer.*'), with --category PATH or with --plan FILE.",
        )
    plan = load_plan(plan_file) if plan_file is not None else None
    session = shell.session(lock_timeout=lock_timeout)
    decided = (preview_decision if only_show else approve_or_reject)(
        session, ApprovalRequest(plan=plan, comment=message, **wish), Decision(decision)
    )
    shell.done = not only_show
    from offerkit.reports.approvals import DecisionReport

    revision = decided.revision
    confirmation = (
        f"Revision {revision.serial} by {revision.actor}, {revision.digest[:12]}." if revision is not None else ""
    )
    report = DecisionReport(
        decision,
        decided.keys,
        decided.left,
        decided.refused,
        revision=revision.serial if revision is not None else None,
        digest=decided.digest,
        shown=decided.shown,
        done=confirmation,
        only_shown=only_show,
    )
    if form == "text":
        shell.tell([replace(diagnostic, severity=Severity.WARNING) for diagnostic in decided.refused])
    shell.show(report, form)
