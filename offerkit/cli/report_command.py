"""``offerkit report``."""

from __future__ import annotations

import click

from offerkit.cli.asking import environment_option
from offerkit.cli.complete import categories, offers, report_groups, spaces
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("report")
@click.option(
    "--by",
    multiple=True,
    metavar="GROUP,...",
    shell_complete=report_groups,
    help="Group by these: date, environment, space, channel, campaign, delivery, offer, category, theme,"
    " offer.FIELD; may be repeated.",
)
@click.option(
    "--since", default="", metavar="TIME", help="Only from this day or time on, in the environment's time zone."
)
@click.option(
    "--until", default="", metavar="TIME", help="Only before this day or time, in the environment's time zone."
)
@environment_option
@click.option(
    "--space",
    "names",
    multiple=True,
    metavar="SPACE",
    shell_complete=spaces,
    help="Only on this space; may be repeated.",
)
@click.option(
    "--offer",
    "only",
    multiple=True,
    metavar="OFFER",
    shell_complete=offers,
    help="Only of this offer: its name or address; may be repeated.",
)
@click.option(
    "--category",
    "paths",
    multiple=True,
    metavar="PATH",
    shell_complete=categories,
    help="Only offers in this category or below, as they are live now; may be repeated.",
)
@format_of("StatusReport")
@pass_shell
def command(
    shell: Shell,
    by: tuple[str, ...],
    since: str,
    until: str,
    environment: str,
    names: tuple[str, ...],
    only: tuple[str, ...],
    paths: tuple[str, ...],
    form: str,
) -> None:
    """Report how many propositions were made, accepted and rejected, by groups of your choice.

    The database counts. Each proposition is counted by the status that it has now; categories, themes and fields are
    those that its offer has in live now.
    """
    from offerkit.usecases.requests import StatusReportRequest
    from offerkit.usecases.status_report import status_report

    request = StatusReportRequest(by, since, until, environment, names, only, paths)
    shell.show(status_report(shell.session(), request), form)
