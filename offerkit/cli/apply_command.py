"""``offerkit apply``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import addresses_or_files, operators
from offerkit.cli.impact import override_option
from offerkit.cli.options import blocked_option, changing, exclude_option, full_option, pass_shell, sign_option
from offerkit.cli.proving import proofs_of, prove_option
from offerkit.cli.shell import Shell, carry_out, finish, is_file, warn_if_older

if TYPE_CHECKING:
    from offerkit.plans.plan import Plan
    from offerkit.usecases.session import Session


@click.command("apply")
@click.argument("what", nargs=-1, metavar="[PLAN | ADDRESS...]", shell_complete=addresses_or_files)
@exclude_option
@full_option
@blocked_option
@prove_option
@override_option
@click.option(
    "--author",
    "authors",
    multiple=True,
    metavar="OPERATOR",
    help="Also record this operator as an author; may be repeated.",
    shell_complete=operators,
)
@changing
@sign_option
@pass_shell
def command(
    shell: Shell,
    what: tuple[str, ...],
    exclude: tuple[str, ...],
    full: bool,
    fail_on_blocked: bool,
    prove: bool | None,
    override_impact: str,
    authors: tuple[str, ...],
    yes: bool,
    message: str,
    lock_timeout: float,
) -> None:
    """Apply the specs, or a saved plan, to the design stage.

    A saved PLAN is applied exactly as it is. Without one, the specs are planned (ADDRESS narrows them) and that plan is
    applied. The operator who applies is recorded as an author, and so are the authors of the commits it is based on;
    --author adds others. A PLAN of any kind can be applied: specs, a promotion, a rollback, a purge. It is refused if
    anything it touches or relies on has changed since. All steps are applied in one transaction, or none.
    """
    from offerkit.diagnostics import Code, refuse
    from offerkit.plans.make import AddressPatterns
    from offerkit.usecases.plan import plan
    from offerkit.usecases.plan_files import load_plan

    session = shell.session(lock_timeout=lock_timeout, message=message, override_impact=override_impact)
    named = [word for word in what if word.endswith((".json", "/")) or word in (".", "..")]  # no address is like that
    if named and len(what) > 1:
        raise refuse(
            Code.BAD_VALUE,
            f"{named[0]:.200} is given with other names",
            hint="A saved plan is applied on its own and whole; apply several plans one after another.",
        )
    from_file = len(what) == 1 and (bool(named) or is_file(what[0]))
    new_plan = load_plan(Path(what[0])) if from_file else plan(session, AddressPatterns.of(what, exclude))
    if not from_file:
        warn_if_older(shell, session, new_plan)
    proofs = proofs_of(session, new_plan, prove) if prove or not yes else None
    shell.plan(new_plan, full=full, proofs=proofs)
    if not (fail_on_blocked and new_plan.blocked):
        session = _with_origin(session, new_plan, authors, whole=not (from_file or what or exclude))
        carry_out(shell, session, new_plan, "Apply this plan?", "Applied.", yes=yes)
    finish(new_plan, None, detailed_exitcode=False, fail_on_blocked=fail_on_blocked)


def _with_origin(session: Session, new_plan: Plan, authors: tuple[str, ...], *, whole: bool) -> Session:
    """``session``, which knows where ``made`` comes from; ``whole``: it is all that the specs say."""
    from offerkit.diagnostics import Refused
    from offerkit.plans.make import AddressPatterns
    from offerkit.plans.plan import PlanKind
    from offerkit.usecases.authorship import origin_of
    from offerkit.usecases.plan import plan

    if new_plan.kind is not PlanKind.APPLY:
        if authors:
            raise click.UsageError("--author only applies to plans of the specs; other plans have no new authors.")
        return session
    if new_plan.empty:
        return session
    declared: Plan | None = new_plan
    if not whole:
        try:
            declared = plan(session, AddressPatterns.of((), ()))
        except Refused:  # a saved plan, or a part, can be applied all the same: it is only not what is checked out
            declared = None
    return replace(session, origin=origin_of(session, new_plan, declared, authors))
