"""Our own OpenAPI description is true: whatever it allows is answered as it says, whatever it does not is refused."""

from __future__ import annotations

import pytest
import schemathesis
from fakes import ByteModel
from http_tools import PATIENCE, served
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from assistant.http.app import application

CHECKS = [
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
]
"""Not that all allowed data are accepted: an offset may be past the text's end, which no schema can say."""


schema = schemathesis.openapi.from_dict(application().openapi())


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def server(tmp_path_factory, monkeypatch_module):
    root = tmp_path_factory.mktemp("shop")
    monkeypatch_module.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    (root / ".git").mkdir()
    (root / "app.py").write_text("x = \n")
    with served(root, ByteModel("f(y)\n", context_length=200), knowledge=True) as server:
        yield server


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_description_is_true(case, server):
    case.call_and_validate(base_url=server.url, checks=CHECKS, timeout=PATIENCE)
