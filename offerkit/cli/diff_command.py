"""``offerkit diff``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses, files, states
from offerkit.cli.impact import ImpactAsked, impact_options
from offerkit.cli.options import exclude_option, exitcode_option, format_of, full_option, pass_shell, renamed_option
from offerkit.cli.proving import proofs_between, prove_option
from offerkit.cli.shell import Shell


@click.command("diff")
@click.argument("a", metavar="A", shell_complete=states)
@click.argument("b", metavar="[B]", default="specs", shell_complete=states)
@click.argument("targets", nargs=-1, metavar="[ADDRESS]...", shell_complete=addresses)
@exclude_option
@exitcode_option
@impact_options
@prove_option
@renamed_option(
    "--contacts",
    former=("--impact-contacts",),
    multiple=True,
    metavar="[DIMENSION=]FILE",
    shell_complete=files,
    help=(
        "With --impact: read the contacts from this CSV, JSON Lines or Parquet file of the project, such as a sample."
    ),
)
@format_of("DiffReport")
@full_option
@pass_shell
def command(
    shell: Shell,
    a: str,
    b: str,
    targets: tuple[str, ...],
    exclude: tuple[str, ...],
    detailed_exitcode: bool,
    impact: ImpactAsked,
    prove: bool | None,
    contacts: tuple[str, ...],
    form: str,
    full: bool,
) -> int:
    """Compare any two states: stages, revisions, plans, specs.

    A and B are each one of: design, live, ENVIRONMENT@design, ENVIRONMENT@live (all also with :REVISION or :TIME),
    PLAN.json (the state after it), specs (on disk), git:REF (the specs at a git revision), git:REF...REF (at the merge
    base of two). B defaults to specs. The output shows how B differs from A. Two environments are compared by the names
    of their resources; renames are shown as renames.

    If A is a git revision and B lacks some of its commits, differences due only to those commits are shown separately.
    Offers whose effective eligibility changes because of another resource, such as a category or a filter, are listed.
    Comparing specs needs no store.

    The HTML page can be filed: it shortens nothing, and says who made it and when, and the digest of each state, as
    revisions record it.

    TIME is a day (its end) or a time such as 2026-11-01T12:00, in the environment's time zone, or in UTC if several
    environments with different time zones are compared.
    """
    from offerkit.plans.make import AddressPatterns
    from offerkit.reports.diff import DiffReport
    from offerkit.usecases.diff import compare, stamp_of

    if contacts and not impact.wanted:
        raise click.UsageError("--contacts goes with --impact.")
    session = shell.session()
    difference = compare(session, a, b, AddressPatterns.of(targets, exclude), whole=impact.wanted)
    if difference.behind.doubt is not None:
        shell.tell([difference.behind.doubt])
    proofs = proofs_between(session, difference, prove, at=impact.at)
    beside = difference.beside(impact.between(session, difference, contacts), proofs)
    stamp = stamp_of(session, difference) if form == "html" else None
    report = DiffReport(difference.steps, difference.bodies, difference.titles, difference.across, beside, stamp)
    shell.show(report, form, full=full or form == "html")
    return 2 if detailed_exitcode and (difference.steps or difference.behind.steps) else 0
