"""Options and answers that the commands about the engine share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.cli.complete import call_data, environments, files
from offerkit.cli.options import service_url
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from offerkit.engine.report import Report

data_option = click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=call_data,
    help="Call data, with the type that the environment declares; may be repeated.",
)
at_option = click.option(
    "--at",
    default="",
    metavar="TIME",
    help=("Decide as at this time: a day (its noon) or a time, in the environment's time zone (default: now)."),
)
environment_option = click.option(
    "--environment", "-e", default="", metavar="NAME", help="The environment.", shell_complete=environments
)
set_aside_option = click.option(
    "--set-aside",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Skip contacts that cannot be read, and list them in this CSV file.",
)
contacts_option = click.option(
    "--contacts",
    default="",
    metavar="FILE",
    shell_complete=files,
    help="Read the contacts from this CSV, JSON Lines or Parquet file of the project.",
)
status_url_option = click.option(
    "--status-url",
    default="",
    metavar="URL",
    callback=service_url,
    help="The service that records statuses, for tracked links.",
)
stage_option = click.option(
    "--stage",
    type=click.Choice(["specs", "design", "live"]),
    default="specs",
    help="The state to use (default: the specs on disk).",
)


def warn(shell: Shell, reports: Iterable[Report]) -> None:
    """Print warnings beside the answer."""
    found = [
        Diagnostic(report.code, report.message.rstrip("."), severity=Severity.WARNING, address=_place(report))
        for report in reports
    ]
    if found:
        shell.tell(found)


def _place(report: Report) -> str:
    """The address, or the offer that a dynamic-offer hook was asked about."""
    where = report.where
    if report.hook is not None:
        return f"offer {where}" if where != report.hook[1] else ""
    return where if "." in where and " " not in where else ""
