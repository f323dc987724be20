"""``offerkit simulate``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from offerkit.cli.asking import at_option, contacts_option, data_option, set_aside_option, warn
from offerkit.cli.complete import categories, environments, simulation_axes, spaces, themes
from offerkit.cli.options import pass_shell, renamed_option
from offerkit.cli.shell import Shell, progress_bar


@click.command("simulate")
@click.argument("environment", shell_complete=environments)
@click.option(
    "--space",
    "names",
    multiple=True,
    metavar="SPACE",
    help="Only on this space (default: all); may be repeated.",
    shell_complete=spaces,
)
@renamed_option(
    "--category",
    "categories",
    former=("-c",),
    multiple=True,
    metavar="PATH",
    shell_complete=categories,
    help="Only offers in this category or below; may be repeated.",
)
@click.option(
    "--theme",
    "-t",
    "themes",
    multiple=True,
    metavar="NAME",
    shell_complete=themes,
    help="Only offers with this theme; may be repeated.",
)
@data_option
@at_option
@click.option(
    "--count", "-n", type=int, default=3, metavar="NUMBER", help="Offers wanted for each contact (default: 3)."
)
@click.option(
    "--stage",
    type=click.Choice(["specs", "design", "live"]),
    default="live",
    help="The state to use (default: live).",
)
@contacts_option
@renamed_option(
    "--by",
    "axes",
    former=("--axis",),
    multiple=True,
    metavar="FIELD",
    shell_complete=simulation_axes,
    help="Also count by this: a field of contacts such as recipient.country, offer.category, offer.theme, offer.FIELD,"
    " or one of each with a comma; may be repeated.",
)
@click.option("--population", default="", metavar="CONDITION", help="Only for contacts for whom this condition holds.")
@click.option(
    "--offers",
    "only",
    default="",
    metavar="CONDITION",
    help="Only offers for which this condition holds, such as offer.category like 'cards/%'.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write every contact's offers to this .parquet or .csv file; with --emit-sql, the query to a .sql file.",
)
@set_aside_option
@click.option(
    "--emit-sql",
    "dialect",
    type=click.Choice(["spark", "snowflake", "bigquery", "postgres", "duckdb"]),
    help="Decide nothing; print the query for another database to run.",
)
@click.option(
    "--engine",
    "runner",
    type=click.Choice(["embedded", "spark"]),
    default="embedded",
    help="The engine that decides (default: embedded); spark needs PySpark, and only writes --out.",
)
@click.option(
    "--table", default="", metavar="NAME", help="With --emit-sql: the contacts' table (default: the dimension's name)."
)
@click.option(
    "--save", default="", metavar="NAME", help="Keep the counts by this name, to compare: offerkit simulations compare."
)
@click.option("--replace", "replaced", is_flag=True, help="With --save: in place of an earlier run of that name.")
@click.option("--seed", default="", metavar="TEXT", help="The seed that orders offers of equal weight.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="The output format (default: text)."
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write an HTML page with charts.",
)
@pass_shell
def command(
    shell: Shell,
    environment: str,
    names: tuple[str, ...],
    categories: tuple[str, ...],
    themes: tuple[str, ...],
    data: tuple[str, ...],
    at: str,
    count: int,
    stage: str,
    contacts: str,
    axes: tuple[str, ...],
    population: str,
    only: str,
    out: Path | None,
    set_aside: Path | None,
    dialect: str | None,
    runner: str,
    table: str,
    save: str,
    replaced: bool,
    seed: str,
    form: str,
    page: Path | None,
) -> None:
    """Simulate which offers every contact would get, counted by offer, rank and field.

    Nothing is stored, and no contact is messaged. On spaces with hooks, each contact is decided separately, with the
    hooks.
    """
    from offerkit.reports.render import render
    from offerkit.specs.output_files import SIMULATION_PAGE, check_output, writing
    from offerkit.usecases.argument_values import parse_call_data, parse_time
    from offerkit.usecases.keep_simulations import about_run, check_saving, save_simulation
    from offerkit.usecases.open_engine import open_stage
    from offerkit.usecases.simulate import SimulationRequest, emit_queries, simulate, simulate_in_spark

    session = shell.session()
    _together(click.get_current_context().params)
    _apart(out=out, set_aside=set_aside, html=page)
    if page is not None:
        check_output(page, SIMULATION_PAGE)
    request = SimulationRequest(
        environment,
        spaces=names,
        categories=categories,
        themes=themes,
        axes=axes,
        population=population,
        offers=only,
        n=count,
        seed=seed,
        data=parse_call_data(data),
        out=out,
        set_aside=set_aside,
    )
    if save:
        check_saving(session, save, environment, replaced=replaced)
    with open_stage(session, stage) as engine:
        when = parse_time(at, engine.catalogs[environment].zone, session.now)
        if dialect is not None:
            queries, reports = emit_queries(engine, request, when, dialect, table)
            warn(shell, reports)
            _queries(queries, out, form)
            return
        source = engine.people.of(environment, contacts)
        with progress_bar("Contacts", source.count()) as told:
            if runner == "spark":
                rows, reports = simulate_in_spark(engine, source, request, when, told)
                warn(shell, reports)
                _rows_written(rows, out, form)
                return
            made, reports = simulate(engine, source, request, when, told)
        about = about_run(engine, request) if save else {}
    if save:
        save_simulation(session, save, made, about, replaced=replaced)
        shell.done = True
    warn(shell, reports)
    if page is not None:
        with writing(page, SIMULATION_PAGE) as file:
            file.write(render(made, "html").encode())
    shell.show(made, form)


def _rows_written(rows: int, out: Path | None, form: str) -> None:
    """Say where Spark wrote every contact's offers."""
    from offerkit.reports.escape import json_text, visible

    shown = json_text({"rows": rows, "out": str(out)}).rstrip()
    click.echo(shown if form == "json" else f"{rows:,} rows are in {visible(str(out))}.")


def _together(params: Mapping[str, object]) -> None:
    """Raises Refused with every option that has no meaning beside --emit-sql or --engine spark."""
    from offerkit.diagnostics import Code, Diagnostic, Refused

    names = {"axes": "by", "page": "html", "replaced": "replace"}
    given = {names.get(name, name): value for name, value in params.items()}
    given["format"] = given["form"] == "json"
    dialect, runner = given["dialect"], given["runner"]
    why = {"set_aside": "set-aside"}
    if dialect is not None:
        what, useless = "--emit-sql", ["by", "html", "set_aside", "contacts", "population", "save", "replace"]
        detail, hint = (
            "Nothing is decided here, so there is nothing to count, show or set aside.",
            "Leave it out.",
        )
        given["engine"] = runner == "spark"
        useless.append("engine")
    elif runner == "spark":
        what, useless = "--engine spark", ["by", "html", "format", "table", "save", "replace"]
        detail, hint = "Spark writes every contact's offers to the file of --out, and nothing else.", "Leave it out."
    else:
        what, useless = "a simulation without --emit-sql", ["table"]
        detail, hint = "It names the contacts' table of another engine.", "Add --emit-sql, or leave it out."
        if given["replace"] and not given["save"]:
            what, useless = "a simulation without --save", ["replace"]
            detail, hint = "It replaces what was kept by the same name.", "Add --save NAME, or leave it out."
    wrong = [name for name in useless if given[name]]
    if wrong:
        raise Refused(
            [
                Diagnostic(Code.SIMULATION_OPTIONS, f"--{why.get(name, name)} does not go with {what}", detail, hint)
                for name in wrong
            ]
        )


def _apart(**files: Path | None) -> None:
    """Raises Refused when two options name one file: the second would replace what the first wrote."""
    from offerkit.diagnostics import Code, refuse

    options: dict[Path, str] = {}
    for name, path in files.items():
        option = "--" + name.replace("_", "-")
        other = options.setdefault(path.resolve(), option) if path is not None else option
        if other != option:
            raise refuse(Code.SIMULATION_OPTIONS, f"{other} and {option} name the same file", hint="Name another.")


def _queries(queries: dict[str, str], out: Path | None, form: str) -> None:
    """Print the queries, or write them to a .sql file."""
    from offerkit.diagnostics import Code, refuse
    from offerkit.reports.escape import json_text
    from offerkit.specs.output_files import QUERY, writing

    if form == "json":
        text = json_text({"queries": [{"space": space, "sql": sql} for space, sql in queries.items()]})
    else:
        text = "\n".join(f"-- offerkit: {space}\n{sql}" for space, sql in queries.items())
    if out is None:
        click.echo(text, nl=False)
        return
    if out.suffix != (".json" if form == "json" else ".sql"):
        raise refuse(
            Code.UNREADABLE, f"{out!s:.200} is not named as a query", hint="Name it .sql (.json with --format json)."
        )
    with writing(out, QUERY) as file:
        file.write(text.encode())
    click.echo(f"{'The query is' if len(queries) == 1 else f'{len(queries)} queries are'} in {out}.")
