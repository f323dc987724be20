"""``offerkit run-due``."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from offerkit.cli.options import every_option, format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("run-due")
@click.option("--watch", is_flag=True, help="Go on until interrupted, and carry out what becomes due meanwhile.")
@every_option(30)
@format_of("DueReport")
@pass_shell
def command(shell: Shell, watch: bool, every: int, form: str) -> int:
    """Carry out the scheduled promotions whose time has come.

    Each is judged again, as if its operator promoted it now: rights, approvals, policies, cases, stops, freezes, and
    whether it is stale. It is carried out exactly as it was scheduled, or the reasons are recorded and the exit code is
    1. “offerkit serve” does this by itself; several can run at once. Run it from cron where nothing serves.
    """
    from offerkit.diagnostics import Code, Refused
    from offerkit.reports.scheduled import DueItem, DueReport
    from offerkit.usecases.anchor import anchor_places
    from offerkit.usecases.run_due import run_due

    session = shell.session()
    session.backend.require_local()
    told: set[str] = set()
    while True:
        items: list[DueItem] = []
        try:
            for outcome in run_due(session, lambda: datetime.now(UTC)):
                shell.done = True
                findings = outcome.findings
                items.append(
                    DueItem(outcome.promotion.serial, outcome.revision.serial, outcome.revision.actor, findings)
                )
                shell.tell(findings)
                if not findings and (warnings := anchor_places(session).write_new(outcome.revision)):
                    shell.tell(warnings)
            told = set()
        except Refused as refused:
            if not watch or any(one.code is not Code.STORE_LOCKED for one in refused.diagnostics):
                raise
            shell.tell([one for one in refused.diagnostics if one.summary not in told])
            told = {one.summary for one in refused.diagnostics}  # another writer takes long; what is due waits
        if items or not watch:
            shell.show(DueReport(items), form)
        if not watch:
            return int(any(item.findings for item in items))
        time.sleep(every)
