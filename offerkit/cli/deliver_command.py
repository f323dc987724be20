"""``offerkit deliver``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.asking import contacts_option, data_option, set_aside_option, status_url_option, warn
from offerkit.cli.complete import axes, deliveries, files
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell, progress_bar

if TYPE_CHECKING:
    from offerkit.fingerprint import Json
    from offerkit.governance.rights import Actor
    from offerkit.store import DeliveryRun, Store


@click.command("deliver")
@click.argument("name", metavar="CAMPAIGN/DELIVERY", shell_complete=deliveries)
@click.option("--dry-run", is_flag=True, help="Store nothing; with --out, the files are still written.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The new folder for the files (default: deliveries/CAMPAIGN/DELIVERY).",
)
@click.option(
    "--at",
    default="",
    metavar="TIME",
    help="The contact date: a day (its noon) or a time, in the environment's time zone (default: as declared).",
)
@contacts_option
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="FIELD",
    shell_complete=axes,
    help="Write this field, such as recipient.email, with each message; may be repeated.",
)
@status_url_option
@data_option
@click.option(
    "--data-from",
    default="",
    metavar="SOURCE",
    shell_complete=files,
    help="The data for each recipient that the delivery declares: a file of the project, or DATABASE-URL#TABLE.",
)
@set_aside_option
@click.option("--seed", default="", metavar="TEXT", help="The seed that orders offers of equal weight.")
@click.option(
    "--withdraw", is_flag=True, help="Withdraw a delivery that was made but not sent, so that it can be made again."
)
@format_of("DeliveryResult")
@pass_shell
def command(
    shell: Shell,
    name: str,
    dry_run: bool,
    out: Path | None,
    at: str,
    contacts: str,
    fields: tuple[str, ...],
    status_url: str,
    data: tuple[str, ...],
    data_from: str,
    set_aside: Path | None,
    seed: str,
    withdraw: bool,
    form: str,
) -> None:
    """Make a delivery of a campaign: a message with its propositions for each recipient.

    The messages are written to a new folder for a sender: one JSON line each, HTML and text, in messages-*.jsonl; the
    contacts without a message, and why, in set-aside.csv; the first few messages as pages to look at. Then the
    propositions are stored, all or none. An interrupted run continues when it is started again. A delivery is never
    made twice.
    """

    from offerkit.reports.escape import visible
    from offerkit.times import instant
    from offerkit.usecases.argument_values import parse_call_data, parse_time
    from offerkit.usecases.deliver import DeliveryRequest, deliver, finish_interrupted, unfinished_date
    from offerkit.usecases.delivery_data import contact_data
    from offerkit.usecases.open_engine import open_live
    from offerkit.usecases.planned_delivery import check_named, find_delivery, plan_delivery
    from offerkit.usecases.session import who_is

    session = shell.session()
    shell.form = form
    with open_live(session, write=not dry_run) as (catalogs, people, store):
        actor = who_is(session, store)
        delivery = find_delivery(catalogs, name)
        if withdraw:
            _withdraw(shell, store, delivery, actor)
            return
        folder = out or (None if dry_run else session.project.root / "deliveries" / delivery[1] / delivery[2])
        if not dry_run and (run := finish_interrupted(store, delivery, folder)) is not None:
            where = visible(str(folder))
            message = f"{run.name} was stored before the interruption; its files are complete now, in {where}."
            _tell(shell, run, message, stored=run.propositions, folder=str(folder))
            return
        now = instant(session.now)
        check_named(catalogs, delivery)  # where the environment itself is gone, there is no zone to ask for
        zone = catalogs[delivery[0]].zone
        when = parse_time(at, zone, session.now) if at else None
        if when is None and folder is not None:
            when = unfinished_date(folder, delivery, now, zone)
        run_plan = plan_delivery(catalogs, delivery, now, when)
        source = people.of(run_plan.environment, contacts)
        given = parse_call_data(data)
        own = contact_data(run_plan, people, data_from, given)
        request = DeliveryRequest(
            actor, now, folder, dry_run, fields, status_url, seed, data=given, set_aside=set_aside, contact_data=own
        )
        with progress_bar("Contacts", source.count()) as told:
            result, reports = deliver(catalogs, run_plan, source, store, request, told)
    shell.done = not dry_run or out is not None
    warn(shell, reports)
    shell.show(result, form)


def _withdraw(shell: Shell, store: Store, place: tuple[str, str, str], actor: Actor) -> None:
    from offerkit.reports.escape import visible
    from offerkit.usecases.deliver import withdraw

    run, count = withdraw(store, place, actor, shell.session().now)
    shell.done = True
    where = visible(run.folder)
    files = f"Its files stay, with contacts' data, in {where}." if where else "Its files stay, with contacts' data."
    said = shell.style.green(f"{run.name} is withdrawn, with {count:,} propositions. {files}")
    _tell(shell, run, said, withdrawn=count, folder=run.folder)


def _tell(shell: Shell, run: DeliveryRun, said: str, **facts: Json) -> None:
    """Print the outcome for an existing run, as text or as JSON."""
    from offerkit.reports.escape import json_text

    if shell.form == "json":
        about = {"delivery": run.name, "environment": run.environment, "space": run.space, "run": run.id}
        click.echo(json_text({**about, **facts}), nl=False)
    else:
        click.echo(said, color=True)
