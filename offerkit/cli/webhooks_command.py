"""``offerkit webhooks``: send events to receivers, and list them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from offerkit.cli.complete import dead_events
from offerkit.cli.options import count_option, every_option, format_of, pass_shell
from offerkit.cli.shell import Shell


@click.group("webhooks")
def command() -> None:
    """Send events to the receivers that webhooks declare, and list them."""


@command.command("send")
@click.option("--watch", is_flag=True, help="Go on until interrupted, and send what is written meanwhile.")
@every_option(5, " for events")
@pass_shell
def send(shell: Shell, watch: bool, every: int) -> int:
    """Send the events that are due, each until its receiver takes it.

    “offerkit serve” does this by itself. Several senders can run at once: none sends an event that another one is
    sending. A receiver that does not take an event gets it again later, 14 times over about 17 hours.
    """
    from offerkit.diagnostics import Code, Refused, Severity
    from offerkit.usecases.webhooks import Sender, SendResult

    session = shell.session()
    session.backend.require_local()
    sender = Sender(session.environ, lambda: datetime.now(UTC))
    told: set[str] = set()
    while True:
        try:
            with session.writing() as store:
                result = sender.send_due(store)
        except Refused as refused:
            if not watch or any(one.code is not Code.STORE_LOCKED for one in refused.diagnostics):
                raise
            result = SendResult(findings=list(refused.diagnostics))  # another writer takes long; events wait
        if result.sent or result.failed or result.dead or not watch:
            click.echo(f"Sent {result.sent:,}, to be sent again {result.failed:,}, given up {result.dead:,}.")
        shell.tell([finding for finding in result.findings if finding.summary not in told])
        if not watch:
            return int(any(finding.severity is Severity.ERROR for finding in result.findings))
        told = {finding.summary for finding in result.findings}  # a missing secret is not told every few seconds
        time.sleep(every)


@command.command("list")
@click.option("--dead", is_flag=True, help="Only events that were given up.")
@click.option("--all", "everything", is_flag=True, help="Also events of the last 7 days that were sent.")
@count_option
@format_of("OutboxReport")
@pass_shell
def list_(shell: Shell, dead: bool, everything: bool, limit: int, form: str) -> None:
    """List events that wait or were given up, newest first."""
    from offerkit.governance.notices import OutboxState
    from offerkit.reports.outbox import OutboxReport
    from offerkit.usecases.webhooks import list_events

    session = shell.session()
    session.backend.require_local()
    states = (OutboxState.DEAD,) if dead else (OutboxState.WAITING, OutboxState.DEAD)
    with session.existing() as store:
        rows = list_events(store, tuple(OutboxState) if everything else states, limit)
    shell.show(OutboxReport(rows), form)


@command.command("retry")
@click.argument("ids", nargs=-1, metavar="[EVENT]...", shell_complete=dead_events)
@click.option("--all", "everything", is_flag=True, help="Retry all events that were given up.")
@pass_shell
def retry(shell: Shell, ids: tuple[str, ...], everything: bool) -> None:
    """Let events that were given up wait again, under the same ids."""
    from offerkit.diagnostics import Code, refuse
    from offerkit.reports.words import count
    from offerkit.usecases.webhooks import retry as revive

    if bool(ids) is everything:
        raise refuse(Code.BAD_VALUE, "name events, or use --all", hint="“offerkit webhooks list --dead” shows them.")
    session = shell.session()
    session.backend.require_local()
    click.echo(f"{count(len(revive(session, ids)), 'event')} will be sent again.")
