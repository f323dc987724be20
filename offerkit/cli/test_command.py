"""``offerkit test``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.asking import stage_option
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("-k", "part", default="", metavar="TEXT", help="Only cases whose name contains this text.")
@stage_option
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Also write a JUnit XML report.")
@click.option("--verbose", "-v", is_flag=True, help="Also list the cases that pass.")
@format_of("CaseResults")
@pass_shell
def command(
    shell: Shell, paths: tuple[Path, ...], part: str, stage: str, junit: Path | None, verbose: bool, form: str
) -> int:
    """Run the decision cases.

    A case describes a call (contact, space, time) and the offers that it must result in. Cases are in cases/*.yaml;
    PATH names other files or folders. The exit code is 1 if a case fails. In an environment with promotion: {tests:
    true}, the applied cases run before every promotion.
    """
    from offerkit.engine.case_results import CaseResults
    from offerkit.reports.render import render
    from offerkit.specs.cases import read_cases
    from offerkit.specs.output_files import JUNIT, check_output, writing
    from offerkit.usecases.open_engine import open_stage
    from offerkit.usecases.run_cases import failures, run_cases

    session = shell.session()
    if junit is not None:
        check_output(junit, JUNIT)
    files = read_cases(session.project.root, paths)
    outcomes = []
    if files:
        with open_stage(session, stage) as engine:
            outcomes = run_cases(engine.catalogs, engine.people, files, lambda case: part.lower() in case.name.lower())
    results = CaseResults(outcomes)
    if junit is not None:
        with writing(junit, JUNIT, folders=True) as out:
            out.write(render(results, "junit").encode())
    if form == "text" and not files:
        click.echo("There are no cases yet: write them in cases/*.yaml (docs/engine.md).")
    else:
        shell.show(results, form, verbose=verbose)
    return 1 if failures(outcomes) else 0
