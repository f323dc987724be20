"""A store behind a server of this process, asked by a client's own code, as over the network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from helpers.tokens import token
from helpers.workspace import Workspace
from offerkit.store.remote import RemoteStore, _refused
from offerkit.usecases.backends import ServerBackend
from offerkit.usecases.session import Session


@dataclass(frozen=True)
class Far(RemoteStore):
    """A server in this process."""

    asking: TestClient = field(kw_only=True, repr=False)

    def post(self, path: str, body: Any) -> Any:
        sent = json.loads(json.dumps(body))
        answer = self.asking.post(path, json=sent, headers={"Authorization": f"Bearer {self.token}"})
        if answer.status_code != 200:
            raise _refused(self.url, answer.status_code, answer.content)
        return answer.json()


def far_session(shop: Workspace, asking: TestClient, operator: str, *scopes: str, **more: Any) -> Session:
    """A run by ``operator`` through the server, with a token for everything unless ``scopes`` are named."""
    far = Far("http://far", token(shop, operator, *scopes), asking=asking)
    return shop.session(operator, backend=ServerBackend(far), **more)
