"""``offerkit show``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from offerkit.cli.complete import addresses_or_files, states
from offerkit.cli.options import format_of, full_option, pass_shell
from offerkit.cli.shell import Shell


@click.command("show")
@click.argument("what", metavar="ADDRESS|PLAN", shell_complete=addresses_or_files)
@click.option(
    "--at",
    metavar="STATE",
    default="",
    help="Show the resource as it is in this state (default: design, else live).",
    shell_complete=states,
)
@format_of("WholeResource")
@full_option
@pass_shell
def command(shell: Shell, what: str, at: str, form: str, full: bool) -> None:
    """Show a resource whole, or a saved plan.

    ADDRESS names a resource, such as recipients/offer.gold-card. Each of its parts is shown with what gives it: the
    resource itself, a template, a category, a filter or the environment. Then come where it is live and since when, who
    decided on what, what waits for whom, what differs from live, and what refers to it.

    STATE is one of: design, live, ENVIRONMENT@design, ENVIRONMENT@live (each also with :REVISION or :TIME), PLAN.json
    (the state after it), specs (on disk), git:REF. In a state of the past, live and decisions are those of that time.

    PLAN is a file of a saved plan. It is shown as it was made, without reading the store. A file that exists is a plan,
    even if its name is an address.
    """
    if _is_plan(what):
        from offerkit.usecases.plan_files import load_plan

        if at:
            raise click.UsageError("--at goes with an address: a plan is shown as it was made.")
        shell.plan(load_plan(Path(what)), form, full=full)
        return
    from offerkit.usecases.show import whole_resource

    shell.show(whole_resource(shell.session(), what, at), form, full=full)


def _is_plan(text: str) -> bool:
    """Whether ``text`` names a file: one that exists, or one that is no address and ends as plans do."""
    from offerkit.address import parse_address

    if os.path.lexists(text.replace("\0", "")):
        return True
    try:
        parse_address(text)
    except ValueError:
        return text.endswith(".json")
    return False
