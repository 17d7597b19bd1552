import subprocess
from pathlib import Path

import pytest

from tests.stand_ins.git_host import GitHost, Link

URL = "https://github.com/acme/widget"


@pytest.fixture
def host(tmp_path: Path) -> GitHost:
    return GitHost(tmp_path / "host")


def git(host: GitHost, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    who = ["-c", "user.name=Bot", "-c", "user.email=bot@example.org"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, env=host.environment(), capture_output=True, text=True, check=False)


def clone(host: GitHost, tmp_path: Path) -> Path:
    done = git(host, tmp_path, "clone", "--quiet", URL, "copy")
    assert done.returncode == 0, done.stderr
    return tmp_path / "copy"


def test_what_git_would_get_from_github_it_gets_from_here(host: GitHost, tmp_path: Path) -> None:
    host.create("acme/widget", {"README.md": "# widget\n", "src/a.py": b"x = 1\n"})

    assert (clone(host, tmp_path) / "src/a.py").read_text() == "x = 1\n"


def test_what_is_pushed_can_be_looked_at(host: GitHost, tmp_path: Path) -> None:
    repo = host.create("acme/widget", {"README.md": "# widget\n"})
    before = repo.sha("main")
    copy = clone(host, tmp_path)
    (copy / "new.txt").write_text("new\n")
    git(host, copy, "add", ".")
    git(host, copy, "commit", "--quiet", "-m", "Add a file\n\nBecause.")
    assert git(host, copy, "push", "--quiet", "origin", "HEAD:refs/heads/topic").returncode == 0

    assert repo.branches().keys() == {"main", "topic"}
    assert repo.sha("main") == before
    assert repo.files("topic") == {"README.md": b"# widget\n", "new.txt": b"new\n"}
    (commit,) = repo.log("topic", since=before)
    assert (commit.subject, commit.message, commit.author) == (
        "Add a file",
        "Add a file\n\nBecause.",
        "Bot <bot@example.org>",
    )
    assert before is not None
    assert repo.is_merged(before, "topic")
    assert not repo.is_merged(commit.sha, "main")


def test_commits_change_add_and_take_away(host: GitHost) -> None:
    repo = host.create("acme/widget", {"a": "1", "b": "2"})

    sha = repo.commit({"a": None, "b": "3", "c": Link("/etc/passwd")}, branch="topic", message="More")

    assert repo.files("topic") == {"b": b"3", "c": b"/etc/passwd"}
    assert repo.files("main") == {"a": b"1", "b": b"2"}
    assert [commit.subject for commit in repo.log("topic")] == ["The beginning", "More"]
    assert repo.sha("topic") == sha
    assert repo.refs().keys() == {"refs/heads/main", "refs/heads/topic"}


def test_a_repository_may_hold_what_no_file_system_would(host: GitHost) -> None:
    files = {'we"ird\\name\n': "x", "é/\udcff.txt": "y"}

    assert host.create("acme/widget", files).files().keys() == files.keys()


def test_a_repository_may_have_no_commits(host: GitHost) -> None:
    repo = host.create("acme/widget", branch="trunk")

    assert (repo.branches(), repo.default_branch, repo.sha("trunk")) == ({}, "trunk", None)


def test_a_protected_branch_takes_no_push_and_others_do(host: GitHost, tmp_path: Path) -> None:
    repo = host.create("acme/widget", {"a": "1"})
    repo.protect("main")
    copy = clone(host, tmp_path)
    git(host, copy, "commit", "--quiet", "--allow-empty", "-m", "x")

    refused = git(host, copy, "push", "origin", "HEAD:main")

    assert refused.returncode != 0
    assert "GH006: Protected branch update failed" in refused.stderr
    assert git(host, copy, "push", "origin", "HEAD:other").returncode == 0


def test_a_renamed_repository_is_found_under_its_new_name_only(host: GitHost) -> None:
    host.create("acme/widget", {"a": "1"})
    host.rename("acme/widget", "other/gadget")

    assert host.repo("acme/widget") is None
    gadget = host.repo("other/gadget")
    assert gadget is not None
    assert gadget.files() == {"a": b"1"}


def test_the_settings_of_the_environment_stay() -> None:
    with GitHost() as host:
        variables = host.environment({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"})

    assert variables["GIT_CONFIG_COUNT"] == "2"
    assert variables["GIT_CONFIG_KEY_0"] == "a.b"
    assert variables["GIT_CONFIG_VALUE_1"] == "https://github.com/"
    assert not Path(host.url.removeprefix("file://")).exists()
