"""The interface against its own description: calls made up by schemathesis find no 500 and no answer undescribed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from helpers.repeats import often
from helpers.serving import with_people
from helpers.workspace import Workspace
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from offerkit.server.app import application
from offerkit.server.config import ServerConfig

pytestmark = pytest.mark.slow
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
EXAMPLES = often(36, 150)
"""Calls of each operation."""


@pytest.fixture
def interface(shop: Workspace) -> Iterator[schemathesis.BaseSchema]:
    live = with_people(shop).go_live()
    app = application(live.session(), ServerConfig(str(live.root)))
    yield schemathesis.openapi.from_asgi("/openapi.json", app)


def test_no_call_breaks_it(interface: schemathesis.BaseSchema) -> None:
    asked = 0
    for found in interface.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), derandomize=True,
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            response = case.call()
            case.validate_response(response, checks=CHECKS)
            assert "Traceback" not in response.text

        ask()
    assert asked > EXAMPLES
