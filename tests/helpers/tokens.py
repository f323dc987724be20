"""Operators' tokens, that count now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from helpers.workspace import Workspace
from offerkit.usecases import tokens


def token(shop: Workspace, operator: str, *scopes: str) -> str:
    """A token of ``operator``, for everything unless said; the workspace's clock comes up to just before the server's."""
    shop.now = max(shop.now, datetime.now(UTC) - timedelta(hours=1))
    _, text = tokens.create(shop.session("ada"), operator, "test", "90d", scopes or ("all",))
    return text
