"""``offerkit history``."""

from __future__ import annotations

import click

from offerkit.cli.complete import offer_patterns, operators, touched
from offerkit.cli.options import count_option, format_of, full_option, not_empty, pass_shell
from offerkit.cli.shell import Shell


@click.command("history")
@click.argument("what", nargs=-1, metavar="[STAGE] [ADDRESS]", shell_complete=touched)
@click.option("--since", callback=not_empty, metavar="TIME", help="Only from this day or time on.")
@click.option("--until", callback=not_empty, metavar="TIME", help="Only before this day or time.")
@click.option(
    "--by",
    callback=not_empty,
    metavar="OPERATOR",
    shell_complete=operators,
    help="Only what this operator made, wrote, approved or rejected.",
)
@click.option(
    "--offer",
    "offers",
    multiple=True,
    metavar="PATTERN",
    shell_complete=offer_patterns,
    help="Only what touched these offers, under any of their names, or decided on them.",
)
@click.option("--patch", is_flag=True, help="Show what each revision changed, as “offerkit diff” does.")
@count_option
@full_option
@format_of("RevisionHistory")
@pass_shell
def command(
    shell: Shell,
    what: tuple[str, ...],
    since: str,
    until: str,
    by: str,
    offers: tuple[str, ...],
    patch: bool,
    limit: int,
    full: bool,
    form: str,
) -> None:
    """List the revisions of the store, a stage or a resource.

    Newest first: who did what, when and why. STAGE is such as recipients@live, ADDRESS such as
    recipients/offer.canada-rockies. An ADDRESS is listed by that name only, --offer follows renames. A TIME without a
    zone is read in the environments' time zone.
    """
    from offerkit.reports.history import RevisionHistory
    from offerkit.usecases.history import history
    from offerkit.usecases.history_filters import HistoryFilter

    stages = [word for word in what if "@" in word]
    addresses = [word for word in what if "@" not in word]
    if len(stages) > 1 or len(addresses) > 1:
        raise click.UsageError("At most one STAGE and one ADDRESS can be named.")
    asked = HistoryFilter(since, until, by, offers)
    session = shell.session()
    with session.existing() as store:
        named = "".join(stages), "".join(addresses)
        lines = history(store, *named, limit, asked, now=session.now, patch=patch)
        shell.show(RevisionHistory(lines, narrowed=asked.narrows), form, full=full)
