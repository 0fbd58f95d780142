"""Whatever the document lets one ask: no failure of the server, and no answer that the document does not have."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from archives import Home, copy_of
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import UNBOUND, settings_of

from benchmarks.browser import free_port
from spinecho.ui.server.api.app import create_api
from spinecho.ui.server.api.around.service import Door

pytestmark = pytest.mark.filterwarnings("ignore")
EXAMPLES = 6
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def address(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home, port = copy_of(indexed, tmp_path_factory.mktemp("openapi") / "home"), free_port()
    app = create_api(settings_of(home), door=Door(alone=True), limits=UNBOUND, wait=True, jobs_at_once=0)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


def test_every_operation_answers_as_the_document_says(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    wrong: list[str] = []
    asked: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck]
        )
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            response = case.call(base_url=address)
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as error:
                wrong.append(f"{case.method} {case.path}: {[str(one)[:500] for one in error.exceptions]}")

        answers()
        asked.append(operation.label)
    assert len(asked) > 35
    assert not wrong, "\n\n".join(wrong)
