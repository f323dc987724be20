"""``offerkit lint``."""

from __future__ import annotations

import click

from offerkit.cli.complete import states
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("lint")
@click.argument("state", metavar="[STATE]", default="specs", shell_complete=states)
@click.option(
    "--at",
    default="",
    metavar="TIME",
    help="Find what holds from this time on: a day or a time, in the environment's time zone (default: now).",
)
@click.option("--strict", is_flag=True, help="Exit with 1 if there are warnings.")
@click.option(
    "--prove/--no-prove", "prove", default=True, help="Prove what conditions mean (default: if z3-solver is installed)."
)
@format_of("DiagnosticsReport")
@pass_shell
def command(shell: Shell, state: str, at: str, strict: bool, prove: bool, form: str) -> int:
    """Find what is valid but cannot be meant, such as offers that nobody can get.

    STATE is one of: specs (on disk, the default), git:REF, design, live, ENVIRONMENT@design, ENVIRONMENT@live (each
    also with :REVISION or :TIME), PLAN.json (the state after it). Each finding has a code, a position, the reason and
    how to mend it. Warnings do not change the exit code, unless --strict is given; notes never do.
    """
    from offerkit.diagnostics import Severity
    from offerkit.reports.diagnostics_text import counted
    from offerkit.reports.words import count
    from offerkit.usecases.lint import lint

    linted = lint(shell.session(), state, at, prove=prove)
    diagnostics = linted.diagnostics
    if form != "text":
        click.echo(shell.rendered(diagnostics, form), nl=False)
    else:
        if diagnostics:
            shell.tell(diagnostics)
        resources = count(linted.resources, "resource")
        text = f"{linted.title}: {resources} checked, {counted(diagnostics) if diagnostics else 'nothing found.'}"
        click.echo(text if diagnostics else shell.style.green(text), color=True)
    if linted.note:
        click.echo(linted.note, err=True)
    severe = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    return 1 if any(diagnostic.severity in severe for diagnostic in diagnostics) else 0
