"""``offerkit serve``."""

from __future__ import annotations

import os
from typing import Any

import click

from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, refuse

_DEMO = "recipients@live"


@click.command("serve")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Where to listen (default: 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, help="The port (default: 8080); 0: a free one.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes (default: 1).")
@click.option("--public-url", default="", metavar="URL", help="How browsers reach the service, for links in offers.")
@click.option(
    "--grace", type=click.IntRange(1, 600), default=10, metavar="SECONDS", help="How long calls may take at the end."
)
@click.option(
    "--proxies", default="127.0.0.1", metavar="ADDRESSES", help="Whose X-Forwarded-For is believed, with commas."
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="What is logged."
)
@click.option("--demo", is_flag=True, help="Show the bundled bank's page at /demo/.")
@click.option(
    "--ui",
    type=click.Choice(["local", "login", "off"]),
    default="local",
    help="Who reads /ui without a login: callers on this machine (local) or nobody (login); off: no pages.",
)
@pass_shell
def command(shell: Shell, /, **options: Any) -> None:
    """Answer calls over the network with what is live.

    A new live revision is picked up within a second, with no call dropped; an answer is from one revision, and names
    it. SIGTERM and Ctrl-C end it once the calls under way are answered and stored. Logs are JSON lines on standard
    error; the interface is described at /openapi.json.
    """
    try:
        from offerkit.server.run import serve
        from offerkit.server.settings import Settings
    except ImportError as error:
        raise refuse(
            Code.PACKAGE_MISSING,
            f"serving needs a package that is not installed: {error.name}",
            hint="pip install 'offerkit[serve]'",
        ) from None
    session = shell.session()
    session.people_needed()
    settings = Settings(str(session.project.root), **options)
    with session.existing() as store:  # what is wrong with it is told before anything listens
        if settings.demo and _DEMO not in store.heads():
            hint = "Serve it from the bundled project, with everything promoted (offerkit promote)."
            raise refuse(
                Code.UNKNOWN_SPACE, "the page of the demo shows recipients, which are not live here", hint=hint
            )
    serve(settings, shell.store or os.environ.get("OFFERKIT_STORE", ""))
