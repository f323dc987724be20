"""``offerkit propose``."""

from __future__ import annotations

import click

from offerkit.cli.asking import at_option, data_option, status_url_option, warn
from offerkit.cli.complete import anonymous_categories, categories, live_spaces, themes
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("propose")
@click.option(
    "--space",
    "spaces",
    multiple=True,
    required=True,
    metavar="ENVIRONMENT/SPACE",
    help="The space that shows the offers; may be repeated: no offer is then shown twice.",
    shell_complete=live_spaces,
)
@click.option(
    "--contact",
    "-c",
    default="",
    metavar="KEY",
    help="The contact, by one of the space's keys; the parts of a key are joined by |.",
)
@click.option("--cookie", default="", metavar="VALUE", help="The visitor's permanent or session cookie.")
@click.option("--session", default="", metavar="VALUE", help="The id of the visitor's session, for hooks.")
@click.option("--count", "-n", type=int, default=1, metavar="NUMBER", help="Offers wanted on each space (default: 1).")
@click.option(
    "--category",
    "categories",
    multiple=True,
    metavar="PATH",
    shell_complete=categories,
    help="Only offers in this category or below; may be repeated.",
)
@click.option(
    "--anonymous-category",
    "anonymous",
    multiple=True,
    metavar="PATH",
    shell_complete=anonymous_categories,
    help=(
        "Only offers in this category or below, if the linked anonymous space answers (default: as the space declares)."
    ),
)
@click.option(
    "--theme",
    "themes",
    multiple=True,
    metavar="NAME",
    shell_complete=themes,
    help="Only offers with this theme; may be repeated.",
)
@data_option
@at_option
@click.option(
    "--live-now",
    is_flag=True,
    help="For a time in the past: decide with what is live now, not with what was live then.",
)
@click.option("--seed", default="", metavar="TEXT", help="The seed that orders offers of equal weight.")
@click.option("--no-store", is_flag=True, help="Do not store the propositions.")
@click.option(
    "--explain",
    is_flag=True,
    help="Explain for every offer why it is proposed or left out; previews what deliveries give on their spaces.",
)
@status_url_option
@format_of("AnswerReport")
@pass_shell
def command(
    shell: Shell,
    spaces: tuple[str, ...],
    contact: str,
    cookie: str,
    session: str,
    count: int,
    categories: tuple[str, ...],
    anonymous: tuple[str, ...],
    themes: tuple[str, ...],
    data: tuple[str, ...],
    at: str,
    live_now: bool,
    seed: str,
    no_store: bool,
    explain: bool,
    status_url: str,
    form: str,
) -> None:
    """Ask the engine which offers a contact gets now, and store the propositions.

    Only live offers are proposed. Without --contact and --cookie, no contact is identified and the space's fallback
    answers. --explain shows the decision step by step, with the rule, its position in the specs and the value that
    failed. For a time in the past (--at), the answer comes from what was live then; it cannot be stored (--no-store).
    """
    from offerkit.reports.answer import AnswerReport
    from offerkit.usecases.argument_values import parse_call_data, parse_time
    from offerkit.usecases.open_engine import RulePositions, open_live
    from offerkit.usecases.past_live import catalogs_then, is_past, with_present_contact
    from offerkit.usecases.propose import propose, stores, zone_of
    from offerkit.usecases.requests import ProposeRequest

    opened = shell.session()
    shell.form = form
    with open_live(opened, write=not no_store) as (catalogs, people, store):
        moment = parse_time(at, zone_of(catalogs, spaces), opened.now)
        request = ProposeRequest(
            spaces=spaces,
            at=moment,
            contact=contact,
            cookie=cookie,
            session=session,
            n=count,
            categories=categories,
            themes=themes,
            data=parse_call_data(data),
            store=not no_store,
            explain=explain,
            seed=seed,
            outputs=(form,) if form in ("html", "xml") else (),
            status_base=status_url,
            anonymous_categories=anonymous,
        )
        if not live_now and is_past(opened, moment):
            request = request._replace(store=stores(catalogs, request))  # a preview of what is for batches now
            catalogs = catalogs_then(store, catalogs, spaces, moment, stored=request.store)
            people.follow(catalogs)
            warn(shell, [with_present_contact()])
        answer = propose(catalogs, people, store, request)
        shown = AnswerReport(answer, RulePositions(opened, catalogs)) if explain else AnswerReport(answer)
        text = shell.text(shown, form)
    warn(shell, (found for space in answer.spaces for found in space.reports))
    click.echo(text, nl=False, color=True)
