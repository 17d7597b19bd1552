"""What every `VersionControl` promises, and every `Checkout` that it hands out: one check for each promise.

Whoever runs the checks makes a `VersionControl` that has the repository `ACME` with the files `FILES` on its default
branch `main`, and `OTHER_FILES` on the branch `other`; `EMPTY`, which has no commit; and none that is called `ABSENT`.

    @pytest.mark.parametrize("check", VERSION_CONTROL_CHECKS, ids=lambda check: check.__name__)
    def test_my_version_control_keeps_its_promise(check):
        check(my_version_control)

A check raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from gitoma.adapters.testing.checkouts import Files
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import Kind, VersionControl
from gitoma.domain.repos.names import Branch, RepoUrl

ACME = RepoUrl.parse("https://github.com/acme/widget")
EMPTY = RepoUrl.parse("https://github.com/acme/empty")
ABSENT = RepoUrl.parse("https://github.com/acme/absent")

FILES: Files = {
    "README.md": b"# widget\r\n",
    "empty": b"",
    "folder/a name with a blank, an \xc3\xa9 and a \n".encode("latin-1").decode(): b"x",
    "folder/not-utf8-\udcff": b"y",
    "folder/link": (Kind.LINK, b"/etc/passwd"),
    "folder/binary": bytes(range(256)),
    "module": (Kind.SUBMODULE, b""),
    "run.sh": (Kind.EXECUTABLE, b"#!/bin/sh\n"),
}
OTHER_FILES: Files = {"other.txt": b"other"}

Check: TypeAlias = Callable[[VersionControl], None]


def check_entries_are_sorted_and_say_what_they_are(control: VersionControl) -> None:
    """Every path, once, in order, with kind and size; the same each time."""
    with control.clone(ACME) as checkout:
        entries = checkout.entries()
        assert [entry.path for entry in entries] == sorted(FILES)
        for entry in entries:
            value = FILES[entry.path]
            kind, content = value if isinstance(value, tuple) else (Kind.FILE, value)
            assert (entry.kind, entry.size) == (kind, len(content)), entry
        assert checkout.entries() == entries


def check_a_file_is_read_as_it_was_committed(control: VersionControl) -> None:
    """No conversion of line ends, no decoding; as often as wanted, and in any order."""
    with control.clone(ACME) as checkout:
        for path in [*sorted(FILES, reverse=True), *FILES]:
            value = FILES[path]
            kind, content = value if isinstance(value, tuple) else (Kind.FILE, value)
            if kind in (Kind.FILE, Kind.EXECUTABLE):
                assert checkout.read(path, 1000) == content, path


def check_what_is_no_regular_file_is_not_read(control: VersionControl) -> None:
    """A link, a submodule, a folder, a path outside, and nothing at all."""
    with control.clone(ACME) as checkout:
        for path in ("folder/link", "module", "folder", "absent", "", "../README.md", "./README.md", "/etc/passwd"):
            assert checkout.read(path, 1000) is None, path


def check_a_limit_is_the_largest_size_that_is_read(control: VersionControl) -> None:
    """As many bytes as the limit are read; one more are not."""
    with control.clone(ACME) as checkout:
        assert checkout.read("folder/binary", 256) == bytes(range(256))
        assert checkout.read("folder/binary", 255) is None
        assert checkout.read("empty", 0) == b""


def check_the_head_is_the_default_branch_or_the_one_asked_for(control: VersionControl) -> None:
    """Its name, and an aware time."""
    with control.clone(ACME) as checkout:
        head = checkout.head
        assert head is not None
        assert head.branch == "main"
        assert len(head.sha) in (40, 64)
        assert head.time.utcoffset() is not None
    with control.clone(ACME, Branch("other")) as checkout:
        assert checkout.head is not None
        assert checkout.head.branch == "other"
        assert [entry.path for entry in checkout.entries()] == ["other.txt"]


def check_a_repository_without_commits_is_empty(control: VersionControl) -> None:
    """No head, no entries, nothing to read, and no error."""
    with control.clone(EMPTY) as checkout:
        assert checkout.head is None
        assert checkout.entries() == ()
        assert checkout.read("README.md", 1000) is None


def check_what_is_not_there_is_not_found(control: VersionControl) -> None:
    """Neither the repository nor the branch; on entering."""
    for repo, branch in ((ABSENT, None), (ACME, Branch("no/such/branch"))):
        with pytest.raises(AgentError) as raised, control.clone(repo, branch):
            pass
        assert raised.value.code is Code.NOT_FOUND, raised.value


def check_two_checkouts_are_open_at_once(control: VersionControl) -> None:
    """Neither disturbs the other, and closing one leaves the other as it was."""
    with control.clone(ACME) as outer:
        with control.clone(ACME, Branch("other")) as inner:
            assert inner.read("other.txt", 10) == b"other"
            assert outer.read("README.md", 100) == FILES["README.md"]
        assert outer.read("run.sh", 100) == b"#!/bin/sh\n"


VERSION_CONTROL_CHECKS: tuple[Check, ...] = (
    check_entries_are_sorted_and_say_what_they_are,
    check_a_file_is_read_as_it_was_committed,
    check_what_is_no_regular_file_is_not_read,
    check_a_limit_is_the_largest_size_that_is_read,
    check_the_head_is_the_default_branch_or_the_one_asked_for,
    check_a_repository_without_commits_is_empty,
    check_what_is_not_there_is_not_found,
    check_two_checkouts_are_open_at_once,
)
