"""``offerkit eval``."""

from __future__ import annotations

import click

from offerkit.cli.asking import at_option, data_option, environment_option, stage_option
from offerkit.cli.complete import contact_fields, offers
from offerkit.cli.options import format_of, pass_shell
from offerkit.cli.shell import Shell


@click.command("eval")
@click.argument("expression", metavar="EXPR")
@click.option(
    "--contact",
    "-c",
    default="",
    metavar="KEY",
    shell_complete=contact_fields,
    help="For this contact: primary key, or FIELD=VALUE.",
)
@click.option(
    "--offer",
    default="",
    metavar="OFFER",
    shell_complete=offers,
    help="For this offer, as ENVIRONMENT/offer.NAME: EXPR can read its fields, as offer.<field>.",
)
@data_option
@at_option
@environment_option
@stage_option
@format_of("EvaluatedExpression")
@pass_shell
def command(
    shell: Shell,
    expression: str,
    contact: str,
    offer: str,
    data: tuple[str, ...],
    at: str,
    environment: str,
    stage: str,
    form: str,
) -> None:
    """Evaluate a condition or formula, for one contact or counted over all contacts.

    EXPR is written as in the specs, such as "recipient.age >= 18 and recipient.country = 'FR'". A condition is true,
    false or unknown; only true makes a contact eligible. Put “--” before an EXPR that begins with a minus.
    """
    from offerkit.usecases.argument_values import parse_call_data, parse_time
    from offerkit.usecases.evaluate import EvaluationRequest, environment_of, evaluate, same_environment
    from offerkit.usecases.open_engine import open_stage
    from offerkit.usecases.preview import named_offer

    session = shell.session()
    with open_stage(session, stage) as engine:
        if offer:
            catalog, offer = named_offer(engine.catalogs, offer)
            environment = same_environment(catalog, environment)
        name = environment_of(engine.catalogs, expression, environment)
        request = EvaluationRequest(name, contact, parse_call_data(data), offer)
        when = parse_time(at, engine.catalogs[name].zone, session.now)
        evaluation = evaluate(engine.catalogs, engine.people, expression, when, request)
    shell.show(evaluation, form)
