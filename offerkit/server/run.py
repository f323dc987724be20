"""Starting and stopping: one process, or several that share a socket, under uvicorn."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp

from offerkit.server import garbage
from offerkit.server.app import application
from offerkit.server.logs import set_up as set_up_logs
from offerkit.server.seat import now
from offerkit.server.settings import STORE, Settings
from offerkit.specs import Project, find_project
from offerkit.store.location import Location, parse_location
from offerkit.times import utc
from offerkit.usecases.backends import LOCAL
from offerkit.usecases.session import Session

HEALTHCHECK = 60
"""Seconds in which a worker has to answer its supervisor, which ends it otherwise; also while it is still starting.

Importing the server takes longer than uvicorn's 5 seconds where the machine is busy: workers would be ended and started
again, and keep it busy. One that has died is noticed at once in any case.
"""


def serve(settings: Settings, store: str) -> None:
    """Serve until told to stop (SIGINT, SIGTERM): no new calls then, and those under way are answered and stored."""
    import uvicorn

    from offerkit.server.connections import Patient

    settings.hand_over(store)
    # uvicorn raises the signal again once it has ended well: that is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    set_up_logs(settings.log_level)
    with tempfile.TemporaryDirectory(prefix="offerkit-metrics-") as folder:
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run(
            "offerkit.server.run:worker",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            http=Patient,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=True,
            forwarded_allow_ips=settings.proxies,
            timeout_graceful_shutdown=settings.grace,
            timeout_keep_alive=15,
            timeout_worker_healthcheck=HEALTHCHECK,
            limit_concurrency=2_000,
        )


def worker() -> ASGIApp:
    """The application of one worker process, as :func:`serve` set it up."""
    return set_up(Settings.taken_over())


def set_up(settings: Settings) -> ASGIApp:
    """The application in this process. Raises Refused when there is no project, or its store cannot be opened."""
    set_up_logs(settings.log_level)
    made = application(session_of(settings), settings)
    garbage.set_up()
    return made


def session_of(settings: Settings) -> Session:
    """The session that the server's own reads and writes are made in."""
    store = os.environ.get(STORE)
    project = find_project(Path(settings.project))
    return _session(settings, project, parse_location(store, project.root) if store else None)


def session_at(settings: Settings, store: Location | None, store_project: str) -> Session:
    """The same with the store at ``store``, which has to be the one of ``store_project``."""
    return replace(_session(settings, find_project(Path(settings.project)), store), store_project=store_project)


def _session(settings: Settings, project: Project, store: Location | None) -> Session:
    return Session(project, utc(now()), store_path=store, environ=dict(os.environ), backend=LOCAL)
