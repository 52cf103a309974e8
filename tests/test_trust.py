"""In a project that is not trusted nothing runs that it brings along."""

from __future__ import annotations

import pytest

from assistant.app import knowledge
from assistant.settings import Settings
from assistant.types import CompletionRequest
from language_servers.catalog import CATALOG, READERS


@pytest.mark.parametrize(("is_trusted", "name"), [(True, "pyrefly"), (False, "ty")])
def test_a_server_that_asks_the_project_s_interpreter_is_not_taken(tmp_path, is_trusted, name):
    known = knowledge(Settings(language_servers={"python": "pyrefly"}, trust_project=is_trusted))
    request = CompletionRequest(tmp_path / "shop.py", "python", "", 0, root=tmp_path)
    assert known.analysis.analyzer(request).name.startswith(name)
    known.close()


def test_for_each_language_it_is_decided_whether_a_server_is_harmless():
    assert set(READERS) == {language for entry in CATALOG for language in entry.languages}
    assert {name for name in READERS.values() if name} == {"ty", "clangd"}
