"""What holds for all tests."""

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings

# No deadline: on a machine that others use too, how long an example takes says nothing about the code.
settings.register_profile("gitoma", deadline=None)
settings.load_profile("gitoma")


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """Gives the path of a program that a test needs and not every machine has.

    Without it the test is skipped, with the reason; where `GITOMA_TESTS_REQUIRE=all` is set, as in CI, it fails.
    """

    def require(name: str) -> str:
        path = shutil.which(name)
        if path is None and os.environ.get("GITOMA_TESTS_REQUIRE") == "all":
            pytest.fail(f"{name} is not installed, and GITOMA_TESTS_REQUIRE=all asks for it")
        return path or pytest.skip(f"{name} is not installed")

    return require
