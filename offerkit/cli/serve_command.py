"""``offerkit serve``."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from offerkit.cli.options import WholeNumber, pass_shell, service_url
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, install_hint, refuse

if TYPE_CHECKING:
    from offerkit.usecases.session import Session

_DEMO = "recipients@live"


@click.command("serve")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="The address to listen on (default: 127.0.0.1).")
@click.option(
    "--port",
    type=WholeNumber(0, 65535),
    default=8080,
    help="The port to listen on; 0 picks a free one (default: 8080).",
)
@click.option("--workers", type=WholeNumber(1, 64), default=1, help="The number of worker processes (default: 1).")
@click.option(
    "--public-url",
    default="",
    metavar="URL",
    callback=service_url,
    help="How browsers reach the service, for links in offers.",
)
@click.option(
    "--grace",
    type=WholeNumber(1, 600),
    default=10,
    metavar="SECONDS",
    help="Seconds that calls under way get to finish at shutdown.",
)
@click.option(
    "--proxies",
    default="127.0.0.1",
    metavar="ADDRESSES",
    help="Proxies whose X-Forwarded-For is trusted, separated by commas.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    help="The lowest level that is logged.",
)
@click.option("--demo", is_flag=True, help="Serve the bundled demonstration page at /demo/.")
@click.option(
    "--ui",
    type=click.Choice(["local", "login", "off"]),
    default="local",
    help=("Who may read /ui without a login: local callers (local) or nobody (login); off serves no pages."),
)
@pass_shell
def command(shell: Shell, /, **options: Any) -> None:
    """Serve what is live over the network.

    A new live revision is picked up within a second, without dropping a call; each answer comes from one revision and
    names it. SIGTERM and Ctrl-C stop the server after the calls under way are answered and stored. Logs are JSON lines
    on standard error; /openapi.json describes the API.
    """
    try:
        import uvicorn  # noqa: F401 - serve() imports it too, when it is too late to say what is missing

        from offerkit.server.config import ServerConfig
        from offerkit.server.run import serve
    except ImportError as error:
        raise refuse(
            Code.PACKAGE_MISSING,
            f"serving needs a package that is not installed: {error.name}",
            hint=install_hint("serve"),
        ) from None
    session = shell.session()
    session.backend.require_local()
    settings = ServerConfig(str(session.project.root), **options)
    store = _handed_over(shell, session)
    if settings.demo and not _is_live(session):
        with tempfile.TemporaryDirectory(prefix="offerkit-demo-") as folder:
            copy = _live_copy(session, Path(folder))
            click.echo(f"The bank's page: http://{settings.host}:{settings.port}/demo/ (Ctrl-C ends it)", err=True)
            serve(replace(settings, project=str(copy.project.root)), "")
        return
    with session.existing():  # a broken store is reported before the server listens
        pass
    serve(settings, store)


def _handed_over(shell: Shell, session: Session) -> str:
    """The store's address, valid in any working directory of a worker; empty for the project's own store."""
    from offerkit.store.location import PostgresAddress

    if session.store_path is None:
        return ""
    return shell.store or "" if isinstance(session.store_path, PostgresAddress) else f"sqlite://{session.store_path}"


def _is_live(session: Session) -> bool:
    with session.reading() as store:
        return store is not None and _DEMO in store.heads()


def _live_copy(session: Session, folder: Path) -> Session:
    """The project taken live where nobody keeps it, for there is nothing to show here."""
    from offerkit.usecases.demonstration import live_copy

    click.echo("The bank is not live here: a temporary copy of the project is promoted to live …", err=True)
    copy = live_copy(session, folder)
    if not _is_live(copy):
        hint = "Run it in the bundled project: a checkout of offerkit."
        raise refuse(
            Code.UNKNOWN_SPACE,
            "the demonstration page needs the environment recipients, which this project does not declare",
            hint=hint,
        )
    return copy
