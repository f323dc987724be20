"""``offerkit preview``."""

from __future__ import annotations

import click

from offerkit.cli.asking import at_option, data_option, stage_option
from offerkit.cli.complete import call_data_examples, contact_fields, offers, spaces
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("preview")
@click.argument("offer", metavar="OFFER", shell_complete=offers)
@click.option(
    "--space",
    "on",
    multiple=True,
    metavar="SPACE",
    help="Only on this space (default: all); may be repeated.",
    shell_complete=spaces,
)
@click.option(
    "--contact",
    "-c",
    default="",
    metavar="KEY",
    shell_complete=contact_fields,
    help="Render for this contact: primary key, or FIELD=VALUE.",
)
@click.option(
    "--example",
    default="",
    metavar="NAME",
    shell_complete=call_data_examples,
    help="Use this call-data example of the environment.",
)
@data_option
@at_option
@stage_option
@format_of("Preview")
@pass_shell
def command(
    shell: Shell,
    offer: str,
    on: tuple[str, ...],
    contact: str,
    example: str,
    data: tuple[str, ...],
    at: str,
    stage: str,
    form: str,
) -> int:
    """Show an offer as each space renders it, before or after it is live.

    OFFER is an address such as recipients/offer.canada-rockies. Call data comes from
    --data, then from the --example, then from the environment's samples.
    Without --contact, the contact's fields are unknown. The exit code is 1 if the offer cannot be shown on a space: a
    required field is missing, or a URL or a template fails. Nothing is stored.
    """
    from offerkit.usecases.argument_values import parse_call_data
    from offerkit.usecases.open_engine import open_stage
    from offerkit.usecases.preview import preview
    from offerkit.usecases.requests import PreviewRequest

    session = shell.session()
    shell.form = form
    with open_stage(session, stage) as engine:
        request = PreviewRequest(offer, on, contact, parse_call_data(data), at, example)
        offer_preview = preview(engine, request, session.now)
    shell.show(offer_preview, form)
    return 1 if any(shown.trouble for shown in offer_preview.spaces) else 0
