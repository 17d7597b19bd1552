"""Each YAML reader keeps the promises of the port."""

from collections.abc import Callable

import pytest

from gitoma.adapters.testing.yaml_readers import YAML_READER_CHECKS
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.ports import YamlReader


@pytest.mark.parametrize("check", YAML_READER_CHECKS, ids=lambda check: check.__name__)
def test_pyyaml_keeps_its_promise(check: Callable[[YamlReader], None]):
    check(PyYamlReader())
