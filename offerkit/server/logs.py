"""Structured logs: one JSON object a line on standard error, with the request's id where there is one."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

request_id: ContextVar[str] = ContextVar("request_id", default="")
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class JsonLines(logging.Formatter):
    """A record as JSON: time, level, logger, message, request, and what was passed as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        made: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := request_id.get():
            made["request"] = request
        made |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.exc_info:
            made["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(made, default=str).decode()


def set_up(level: str) -> None:
    """Log in JSON lines from ``level`` on: debug, info, warning or error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)  # Python prints its warnings, such as those of a hook's imports, as plain text
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"  # our own line says more
    logging.getLogger("uvicorn.access").disabled = True
