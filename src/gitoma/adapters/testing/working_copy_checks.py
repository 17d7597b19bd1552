"""What every `WorkingCopy` promises: one check for each promise.

Whoever runs the checks makes a `VersionControl` with the repositories that `version_control_checks` describes, afresh
for each check, because the checks push to them.

    @pytest.mark.parametrize("check", WORKING_COPY_CHECKS, ids=lambda check: check.__name__)
    def test_my_working_copies_keep_their_promise(check):
        check(my_version_control())

A check raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from gitoma.adapters.testing.version_control_checks import ACME, EMPTY, FILES
from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import Kind, VersionControl, WorkingCopy
from gitoma.domain.repos.names import Branch

Check: TypeAlias = Callable[[VersionControl], None]

MAIN, OTHER, NEW = Branch("main"), Branch("other"), Branch("gitoma/new")
README = "# widget\r\n"


def change(*files: FileChange) -> ChangeSet:
    """A change of these files."""
    return ChangeSet(tuple(sorted(files, key=lambda file: file.path)))


def one_file(path: str = "new.txt", text: str = "new") -> ChangeSet:
    """A change that adds one file."""
    return change(FileChange(path, None, text))


def check_a_commit_is_what_the_working_copy_then_shows(control: VersionControl) -> None:
    """Head, entries and contents are those of the newest commit; its name is what `commit` returned."""
    with control.working_copy(ACME) as copy:
        before = copy.head
        first = copy.commit(one_file("a/b/c.txt", "one"), "first")
        second = copy.commit(change(FileChange("a/b/c.txt", "one", "two")), "second")

        assert copy.head is not None
        assert before is not None
        assert len({before.sha, first, second}) == 3
        assert (copy.head.sha, copy.head.branch) == (second, "main")
        assert copy.read("a/b/c.txt", 10) == b"two"
        assert [entry.path for entry in copy.entries()] == sorted([*FILES, "a/b/c.txt"])


def check_what_a_change_does_not_name_stays_as_it_was(control: VersionControl) -> None:
    """Contents, links, submodules, odd names."""
    with control.working_copy(ACME) as copy:
        before = {entry: copy.read(entry.path, 1000) for entry in copy.entries()}
        copy.commit(one_file(), "one more")

        after = {entry: copy.read(entry.path, 1000) for entry in copy.entries() if entry.path != "new.txt"}
        assert after == before


def check_a_file_keeps_its_mode_and_a_new_one_is_ordinary(control: VersionControl) -> None:
    """An executable stays one."""
    with control.working_copy(ACME) as copy:
        copy.commit(change(FileChange("run.sh", "#!/bin/sh\n", "#!/bin/sh -e\n"), FileChange("new.sh", None, "")), "m")

        kinds = {entry.path: entry.kind for entry in copy.entries()}
        assert (kinds["run.sh"], kinds["new.sh"]) == (Kind.EXECUTABLE, Kind.FILE)


def check_text_is_written_as_it_is(control: VersionControl) -> None:
    """No conversion of line ends, no final newline added, UTF-8."""
    text = "\ufeffé\r\n\r mixed \n and no end\0"
    with control.working_copy(ACME) as copy:
        copy.commit(change(FileChange("README.md", README, text)), "m")

        assert copy.read("README.md", 1000) == text.encode()


def check_a_deleted_file_is_gone(control: VersionControl) -> None:
    """And a folder may come in its place, in the same change; or a file in that of a folder."""
    with control.working_copy(ACME) as copy:
        copy.commit(change(FileChange("empty", "", None), FileChange("empty/inside", None, "x")), "m")
        assert copy.read("empty", 10) is None
        assert copy.read("empty/inside", 10) == b"x"

        copy.commit(change(FileChange("empty", None, "y"), FileChange("empty/inside", "x", None)), "m")
        assert copy.read("empty", 10) == b"y"


def check_a_change_of_other_files_than_there_are_is_refused(control: VersionControl) -> None:
    """Another old text, one that is not there, one that is; a link and a submodule are no files."""
    stale = (
        *(FileChange("README.md", "# gadget\r\n", "x"), FileChange("README.md", "# widget\n", "x")),
        *(FileChange("README.md", None, "x"), FileChange("absent", "", "x"), FileChange("absent", "", None)),
        *(FileChange("folder/link", "/etc/passwd", "x"), FileChange("folder/link", None, "x")),
        *(FileChange("module", "", "x"), FileChange("module", None, "x"), FileChange("module", "", None)),
    )
    for file in stale:
        _refused(control, change(FileChange("fine", None, "fine"), file))


def check_a_path_that_git_does_not_take_is_refused(control: VersionControl) -> None:
    """Out of the repository, into its own folder, of no name, or beside a file in its own place."""
    outside = ("../x", "/x", "a/../../x", "./x", "a//x", "x/", "", ".git/config", "a/.GIT/config", "a\0b")
    for path in (*outside, "README.md/x", "folder", "module/x", "folder/link/x"):
        _refused(control, one_file(path))


def check_a_change_of_nothing_is_refused(control: VersionControl) -> None:
    """No files, the same text again, or a text that UTF-8 cannot hold."""
    for nothing in (change(), change(FileChange("README.md", README, README)), one_file(text="\ud800")):
        _refused(control, nothing)


def check_a_commit_is_nobodys_before_it_is_pushed(control: VersionControl) -> None:
    """Then others find it, on that branch and on no other."""
    with control.working_copy(ACME) as copy:
        sha = copy.commit(one_file(), "m")
        assert copy.remote_sha(NEW) is None

        copy.push(NEW, expect=None)
        assert copy.remote_sha(NEW) == sha
        assert copy.remote_sha(MAIN) not in (None, sha)
    with control.clone(ACME, NEW) as checkout:
        assert checkout.head is not None
        assert (checkout.head.sha, checkout.head.branch) == (sha, NEW.name)
        assert checkout.read("new.txt", 10) == b"new"
    with control.clone(ACME) as checkout:
        assert checkout.read("new.txt", 10) is None


def check_a_branch_is_moved_forward_again_and_again(control: VersionControl) -> None:
    """Also by a later working copy, of that branch."""
    with control.working_copy(ACME) as copy:
        first = copy.commit(one_file("1"), "m")
        copy.push(NEW, expect=None)
        second = copy.commit(one_file("2"), "m")
        copy.push(NEW, expect=first)
    with control.working_copy(ACME, NEW) as copy:
        copy.commit(one_file("3"), "m")
        copy.push(NEW, expect=second)
        assert copy.contains(first)
    with control.clone(ACME, NEW) as checkout:
        assert {"1", "2", "3"} <= {entry.path for entry in checkout.entries()}


def check_a_push_that_was_done_may_be_done_again(control: VersionControl) -> None:
    """Whoever did not hear that it succeeded asks again, with what was expected then."""
    with control.working_copy(ACME) as copy:
        copy.commit(one_file(), "m")
        for _ in range(2):
            copy.push(NEW, expect=None)
        main = copy.remote_sha(MAIN)
        for _ in range(2):
            copy.push(MAIN, expect=main)


def check_a_branch_that_is_there_is_not_made_anew(control: VersionControl) -> None:
    """Though ours may come after it."""
    for branch in (MAIN, OTHER):
        with control.working_copy(ACME) as copy:
            copy.commit(one_file(), "m")
            _push_fails(copy, branch, None, Code.BRANCH_EXISTS)


def check_a_branch_that_moved_is_left_alone(control: VersionControl) -> None:
    """Somebody pushed meanwhile, or it is not where it should be, or not there at all."""
    with control.working_copy(ACME) as ours, control.working_copy(ACME) as theirs:
        main = ours.remote_sha(MAIN)
        theirs.commit(one_file("theirs"), "m")
        theirs.push(MAIN, expect=main)

        ours.commit(one_file("ours"), "m")
        _push_fails(ours, MAIN, main, Code.BRANCH_MOVED)
        _push_fails(ours, OTHER, main, Code.BRANCH_MOVED)
        _push_fails(ours, NEW, main, Code.BRANCH_MOVED)


def check_no_push_is_forced(control: VersionControl) -> None:
    """A branch that ours does not come after stays, though it is where it was expected to be."""
    with control.working_copy(ACME) as copy:
        copy.commit(one_file(), "m")
        _push_fails(copy, OTHER, copy.remote_sha(OTHER), Code.BRANCH_MOVED)


def check_a_working_copy_contains_its_own_commits_and_no_others(control: VersionControl) -> None:
    """What is no name of a commit is not contained either."""
    with control.working_copy(ACME) as copy:
        assert copy.head is not None
        start = copy.head.sha
        first = copy.commit(one_file("1"), "m")
        second = copy.commit(one_file("2"), "m")

        assert all(map(copy.contains, (start, first, second)))
        other = copy.remote_sha(OTHER)
        assert other is not None
        assert not any(map(copy.contains, (other, "0" * 40, "", "HEAD", "--help", start[:7], start.upper())))


def check_the_first_commit_of_an_empty_repository(control: VersionControl) -> None:
    """It has no parent; its branch becomes the first one."""
    with control.working_copy(EMPTY) as copy:
        nothing = copy.head
        assert nothing is None
        assert not copy.contains("0" * 40)
        with pytest.raises(AgentError):
            copy.push(MAIN, expect=None)
        sha = copy.commit(one_file("README.md", "# new\n"), "first")
        assert copy.head is not None
        assert (copy.head.sha, copy.head.branch) == (sha, "main")
        copy.push(MAIN, expect=None)
    with control.clone(EMPTY) as checkout:
        assert checkout.head is not None
        assert checkout.head.sha == sha


def _refused(control: VersionControl, wrong: ChangeSet) -> None:
    with control.working_copy(ACME) as copy:
        before = (copy.head, copy.entries())
        with pytest.raises(AgentError) as raised:
            copy.commit(wrong, "m")
        assert raised.value.code is Code.GIT_FAILED, wrong
        assert (copy.head, copy.entries()) == before, wrong


def _push_fails(copy: WorkingCopy, branch: Branch, expect: str | None, code: Code) -> None:
    before = copy.remote_sha(branch)
    with pytest.raises(AgentError) as raised:
        copy.push(branch, expect=expect)
    assert raised.value.code is code, raised.value
    assert copy.remote_sha(branch) == before


WORKING_COPY_CHECKS: tuple[Check, ...] = (
    check_a_commit_is_what_the_working_copy_then_shows,
    check_what_a_change_does_not_name_stays_as_it_was,
    check_a_file_keeps_its_mode_and_a_new_one_is_ordinary,
    check_text_is_written_as_it_is,
    check_a_deleted_file_is_gone,
    check_a_change_of_other_files_than_there_are_is_refused,
    check_a_path_that_git_does_not_take_is_refused,
    check_a_change_of_nothing_is_refused,
    check_a_commit_is_nobodys_before_it_is_pushed,
    check_a_branch_is_moved_forward_again_and_again,
    check_a_push_that_was_done_may_be_done_again,
    check_a_branch_that_is_there_is_not_made_anew,
    check_a_branch_that_moved_is_left_alone,
    check_no_push_is_forced,
    check_a_working_copy_contains_its_own_commits_and_no_others,
    check_the_first_commit_of_an_empty_repository,
)
