"""``offerkit simulate``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.asking import at_option, set_aside_option, warn
from offerkit.cli.complete import axes, categories, environments, files, spaces, themes
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell, progress_bar


@click.command("simulate")
@click.argument("environment", shell_complete=environments)
@click.option(
    "--space", "names", multiple=True, metavar="SPACE", help="On this space (default: all).", shell_complete=spaces
)
@click.option(
    "--category",
    "-c",
    "categories",
    multiple=True,
    metavar="PATH",
    shell_complete=categories,
    help="Only offers below this category.",
)
@click.option(
    "--theme", "-t", "themes", multiple=True, metavar="NAME", shell_complete=themes, help="Only offers with this theme."
)
@at_option
@click.option("-n", "count", type=int, default=3, metavar="NUMBER", help="Offers for each contact (default: 3).")
@click.option(
    "--stage",
    type=click.Choice(["specs", "design", "live"]),
    default="live",
    help="What to look at (default: what is live).",
)
@click.option(
    "--contacts",
    default="",
    metavar="FILE",
    shell_complete=files,
    help="Contacts from this CSV or Parquet file of the project.",
)
@click.option(
    "--axis",
    "axes",
    multiple=True,
    metavar="FIELD",
    shell_complete=axes,
    help="Also by this field, such as recipient.country.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write every contact's offers to this .parquet or .csv file.",
)
@set_aside_option
@click.option(
    "--emit-sql",
    "dialect",
    type=click.Choice(["spark", "snowflake", "bigquery", "postgres", "duckdb"]),
    help="Decide nothing here: print the query that another engine runs.",
)
@click.option(
    "--engine",
    "runner",
    type=click.Choice(["embedded", "spark"]),
    default="embedded",
    help="Who decides (default: embedded); spark needs PySpark, and writes --out only.",
)
@click.option("--table", default="", metavar="NAME", help="The contacts' table there (default: the dimension's name).")
@click.option("--seed", default="", metavar="TEXT", help="How ties are shuffled.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a page with plots.",
)
@pass_shell
def command(
    shell: Shell,
    environment: str,
    names: tuple[str, ...],
    categories: tuple[str, ...],
    themes: tuple[str, ...],
    at: str,
    count: int,
    stage: str,
    contacts: str,
    axes: tuple[str, ...],
    out: Path | None,
    set_aside: Path | None,
    dialect: str | None,
    runner: str,
    table: str,
    seed: str,
    form: str,
    page: Path | None,
) -> None:
    """Show who would get what: every contact's offers, counted by offer, rank and axis.

    Nothing is stored and nobody is told. On spaces with hooks each contact is decided by itself, hooks included.
    """
    from offerkit.loader.output import SIMULATION_PAGE, check_output, writing
    from offerkit.reports.simulation import simulation_json, simulation_text
    from offerkit.workflow.engine import trying
    from offerkit.workflow.moments import moment
    from offerkit.workflow.simulating import Asked, by_spark, emitted, simulate

    session = shell.session()
    if page is not None:
        check_output(page, SIMULATION_PAGE)
    asked = Asked(environment, names, categories, themes, axes, count, seed, out, set_aside)
    with trying(session, stage) as engine:
        when = moment(at, engine.catalogs[environment].zone, session.now)
        if dialect is not None:
            click.echo(emitted(engine, asked, when, dialect, table), nl=False)
            return
        source = engine.people.of(environment, contacts)
        with progress_bar("Contacts", source.count()) as told:
            if runner == "spark":
                rows = by_spark(engine, source, asked, when, told)
                click.echo(f"{rows:,} rows are in {out}.")
                return
            made, reports = simulate(engine, source, asked, when, told)
    warn(reports)
    if page is not None:
        from offerkit.reports.simulation_html import simulation_html

        with writing(page, SIMULATION_PAGE) as file:
            file.write(simulation_html(made).encode())
    click.echo(simulation_json(made) if form == "json" else simulation_text(made, shell.style), nl=False, color=True)
