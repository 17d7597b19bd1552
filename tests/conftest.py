"""What holds for all tests."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.stand_ins import node_stack as stacks

# No deadline: on a machine that others use too, how long an example takes says nothing about the code.
settings.register_profile("gitoma", deadline=None)
settings.load_profile("gitoma")


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """Gives the path of a program that a test needs and not every machine has.

    Without it the test is skipped, with the reason; where `GITOMA_TESTS_REQUIRE=all` is set, as in CI, it fails.
    """

    def require(name: str) -> str:
        return shutil.which(name) or _lacking(f"{name} is not installed")

    return require


@pytest.fixture
def node_stack(tmp_path: Path) -> Iterator[stacks.NodeStack]:
    """A GitHub and a model server of parts that nobody here wrote, as `require_program` does where they are missing."""
    reason = stacks.missing()
    if reason is not None:
        _lacking(reason)
    folder = tmp_path / "node-stack"
    folder.mkdir()
    with stacks.NodeStack(folder) as stack:
        yield stack


@pytest.fixture
def needs_stand_ins() -> None:
    """As `node_stack`, for tests that need a program of those and not the stack."""
    reason = stacks.missing()
    if reason is not None:
        _lacking(reason)


def _lacking(reason: str) -> NoReturn:
    if os.environ.get("GITOMA_TESTS_REQUIRE") == "all":
        pytest.fail(f"{reason}, and GITOMA_TESTS_REQUIRE=all asks for it")
    pytest.skip(reason)
