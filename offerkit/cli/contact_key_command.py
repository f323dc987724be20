"""``offerkit contact-key``."""

from __future__ import annotations

import os
import time

import click

from offerkit.cli.asking import stage_option
from offerkit.cli.complete import environments
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, refuse


@click.command("contact-key")
@click.argument("environment", metavar="ENVIRONMENT", shell_complete=environments)
@click.argument("key", metavar="KEY")
@click.option(
    "--expires",
    default="1d",
    metavar="DURATION",
    help="How long the signature is valid: 6h, 1d or 1d 6h (default: 1d).",
)
@stage_option
@pass_shell
def command(shell: Shell, environment: str, key: str, expires: str, stage: str) -> None:
    """Sign a contact's key, as environments with contact_keys: signed require it.

    The secret is read from the environment variable that the environment names (inbound: key_secret_env). Sites sign
    keys themselves; use this command to try it out and to compare.
    """
    from offerkit.server.contact_keys import secret_of, sign
    from offerkit.server.inbound import inbound_rules
    from offerkit.store.proposition_rows import LONGEST_KEY
    from offerkit.times import duration
    from offerkit.usecases.open_engine import open_stage

    try:
        span = duration(expires)
    except ValueError as error:
        raise refuse(Code.BAD_VALUE, str(error), hint="Write --expires 6h.") from None
    if not 0 < len(key) <= LONGEST_KEY:
        raise refuse(Code.BAD_REQUEST, f"a contact's key has 1 to {LONGEST_KEY} characters")
    environment = environment.removesuffix("@live")
    with open_stage(shell.session(), stage) as engine:
        environment = engine.catalogs[environment].environment
        inbound = inbound_rules(engine.catalogs).environments[environment]
    secret = secret_of(environment, inbound, os.environ)
    expiry = int(time.time() + span.total_seconds())
    click.echo(sign(secret, environment, key, expiry))
