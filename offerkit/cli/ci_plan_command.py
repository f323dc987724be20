"""``offerkit ci plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.ci_options import findings_option, subject_options
from offerkit.cli.options import WholeNumber, pass_shell, renamed_option
from offerkit.cli.proving import prove_option
from offerkit.cli.shell import Shell
from offerkit.engine.estimate import MAX_SAMPLE

if TYPE_CHECKING:
    from offerkit.diagnostics import Diagnostic
    from offerkit.usecases.ci_bundle import PullRequestRef


@click.command("plan")
@findings_option
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR|ZIP",
    help="Write the bundle to this folder, or to a .zip file.",
)
@subject_options
@click.option("--no-impact", is_flag=True, help="Do not measure the impact on contacts.")
@prove_option
@renamed_option(
    "--sample",
    former=("--impact-sample",),
    type=WholeNumber(1, MAX_SAMPLE),
    metavar="NUMBER",
    help="Estimate the impact on this many contacts, the same ones in every run (default: all).",
)
@pass_shell
def command(
    shell: Shell, out: Path, subject: PullRequestRef, no_impact: bool, prove: bool | None, sample: int | None
) -> tuple[Diagnostic, ...]:
    """Plan what a pull request changes, and write the bundle for its review.

    The plan is made against the store; without a store, against the commit where the branch left its target branch.
    Nothing is changed. For each environment that changes, the bundle holds a comment, a page and a report. It also
    holds the meaning of the whole plan, with which “ci check” and “ci apply” verify that they do what was reviewed. If
    a policy denies a change, the bundle says so and the exit code is 1. What “offerkit lint” finds in the specs and not
    in what they are compared with is reported, too, without changing the exit code. Specs are read from disk if the
    files are those of --head, alone or merged, and from git otherwise.
    """
    from offerkit.diagnostics import Refused
    from offerkit.reports.escape import visible
    from offerkit.reports.pull_request import verdict
    from offerkit.usecases.ci import planned, save
    from offerkit.usecases.requests import ImpactRequest

    impact = None if no_impact else ImpactRequest(sample=sample or 0)
    changes = planned(shell.session(), subject, impact, prove=prove is not False)
    save(changes, out)
    for request in changes.requests:
        click.echo(f"{request.environment}: {visible(verdict(request))}")
    if not changes.requests:
        click.echo("Nothing changes.")
    click.echo(f"Saved to {visible(str(out))}. It means {changes.bundle.meaning}.", err=True)
    if changes.denied:
        raise Refused([*changes.denied, *changes.findings])
    return changes.findings
