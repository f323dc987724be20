"""``offerkit diff``."""

from __future__ import annotations

import click

from offerkit.cli.complete import addresses, states
from offerkit.cli.options import exclude_option, exitcode_option, format_option, full_option, pass_shell
from offerkit.cli.shell import Shell, markdown_limit, width


@click.command("diff")
@click.argument("a", metavar="A", shell_complete=states)
@click.argument("b", metavar="B", shell_complete=states)
@click.argument("targets", nargs=-1, metavar="[ADDRESS]...", shell_complete=addresses)
@exclude_option
@exitcode_option
@format_option
@full_option
@pass_shell
def command(
    shell: Shell,
    a: str,
    b: str,
    targets: tuple[str, ...],
    exclude: tuple[str, ...],
    detailed_exitcode: bool,
    form: str,
    full: bool,
) -> int:
    """Compare any two states: stages, revisions, plans, specs.

    A and B are each one of: design, live, ENVIRONMENT@design, ENVIRONMENT@live (all also with :REVISION or
    :TIME), PLAN.json (what it leads to), specs (on disk), git:REF (the specs at a git revision), git:REF...REF
    (at the merge base of two). Shown is what B has against A. Two environments are compared by the names of
    their resources; a rename is shown as one.

    TIME is a day (its end) or a time such as 2026-11-01T12:00, in the environment's time zone; where several
    environments with different ones are meant, in UTC.
    """
    from offerkit.planning.make import Patterns
    from offerkit.reports import diff as report
    from offerkit.reports.style import CONCISE
    from offerkit.workflow.diff import difference
    from offerkit.workflow.state_refs import opened

    session = shell.session()
    with opened(session, a, b) as (left, right):
        found = difference(session, left, right, Patterns.of(targets, exclude))
    steps, bodies, across = found.steps, found.bodies, found.across
    titles = (left.title, right.title)
    layout = (CONCISE.everything() if full else CONCISE)._replace(width=width())
    if form == "json":
        text = report.diff_json(steps, titles, across=across)
    elif form == "markdown":
        text = report.diff_markdown(steps, bodies, titles, layout, across=across, limit=markdown_limit(layout))
    elif form == "html":
        text = report.diff_html(steps, bodies, titles, layout, across=across)
    else:
        text = report.diff_text(steps, bodies, titles, shell.style, layout, across=across)
    click.echo(text, nl=False, color=True)
    return 2 if detailed_exitcode and steps else 0
