"""``offerkit validate``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from offerkit.address import Kind
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.diagnostics import Diagnostic
    from offerkit.specs import Loaded
    from offerkit.usecases.session import Session


@click.command("validate")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif", "gitlab"]),
    default="text",
    help=("The output format; github: annotations in a workflow; gitlab: a code quality report (default: text)."),
)
@click.option("--strict", is_flag=True, help="Also report what “offerkit lint” finds, and exit with 1 for warnings.")
@pass_shell
def command(shell: Shell, form: str, strict: bool) -> int:
    """Check all specs and report every mistake.

    Each diagnostic gives the position, the reason and how to mend it. What is allowed but looks like a mistake is a
    warning, which changes the exit code only with --strict. Policies are evaluated on everything declared; what they
    deny is an error unless it was overridden in the store, which is read if it exists. Otherwise only files are read,
    and only the parse cache is written.
    """
    from offerkit.diagnostics import Refused, Severity, ordered

    failed = False
    diagnostics: Sequence[Diagnostic]
    try:
        session = shell.session()
        loaded = session.load()
        found = _lint(session, loaded) if strict else []
        diagnostics = ordered([*loaded.doubts(), *_policies(session, loaded), *found])
        severe = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
        failed = any(diagnostic.severity in severe for diagnostic in diagnostics)
        loaded.keep_bodies()
    except Refused as refused:
        diagnostics, failed = refused.diagnostics, True
    if form == "text" and diagnostics:
        shell.tell(diagnostics)
    elif form != "text":
        click.echo(shell.rendered(diagnostics, form), nl=False)
    if failed:
        return 1
    if form == "text":
        count = len(loaded.records)
        click.echo(shell.style.green(f"{count:,} resources in {len(loaded.files):,} files are valid."), color=True)
    return 0


def _policies(session: Session, loaded: Loaded) -> list[Diagnostic]:
    if not any(record.kind is Kind.POLICY for record in loaded.records.values()):
        return []
    from offerkit.usecases.policy_checks import check_declared

    return check_declared(session, loaded)


def _lint(session: Session, loaded: Loaded) -> list[Diagnostic]:
    from offerkit.usecases.lint import lint_specs

    linted = lint_specs(session, loaded)
    if linted.note:
        click.echo(linted.note, err=True)
    return list(linted.diagnostics)
