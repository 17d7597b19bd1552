import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitoma.adapters.git.cli import GitCli
from gitoma.adapters.testing.checkouts import Files, MemoryVersionControl
from gitoma.adapters.testing.version_control_checks import (
    ACME,
    EMPTY,
    FILES,
    OTHER_FILES,
    VERSION_CONTROL_CHECKS,
    Check,
)
from gitoma.adapters.testing.working_copy_checks import WORKING_COPY_CHECKS
from gitoma.domain.agents.ports import Kind

CHECKS = (*VERSION_CONTROL_CHECKS, *WORKING_COPY_CHECKS)
IDENTITY = {
    f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "A"), ("EMAIL", "a@b"))
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    variables = {**os.environ, **IDENTITY, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=variables, input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(repo: Path, branch: str, files: Files) -> None:
    """Make a commit of any tree at all, without a work tree in which some of the paths could not be."""
    records = b""
    for path, value in files.items():
        kind, content = value if isinstance(value, tuple) else (Kind.FILE, value)
        name = "1" * 40 if kind is Kind.SUBMODULE else git(repo, "hash-object", "-w", "--stdin", stdin=content)
        records += f"{kind.value} {name}\t".encode() + path.encode("utf-8", "surrogateescape") + b"\0"
    git(repo, "read-tree", "--empty")
    git(repo, "update-index", "-z", "--index-info", stdin=records)
    made = git(repo, "commit-tree", git(repo, "write-tree"), "-m", "files")
    git(repo, "update-ref", f"refs/heads/{branch}", made)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    for repo in (ACME, EMPTY):
        folder = tmp_path / "remote" / f"{repo.slug}.git"
        folder.mkdir(parents=True)
        git(folder, "init", "--bare", "--quiet", "--initial-branch", "main", ".")
    acme = tmp_path / "remote" / f"{ACME.slug}.git"
    commit(acme, "main", FILES)
    commit(acme, "other", OTHER_FILES)
    return tmp_path / "remote"


def no_notice(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture
def make_git(tmp_path: Path, remote: Path) -> Callable[[], GitCli]:
    variables = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{remote}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    return lambda: GitCli(work=tmp_path / "work", variables=variables, token=None, redact=str, notice=no_notice)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_version_control_in_memory(check: Check) -> None:
    check(MemoryVersionControl({ACME.slug: {"main": FILES, "other": OTHER_FILES}, EMPTY.slug: None}))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_version_control_by_git(check: Check, make_git: Callable[[], GitCli], tmp_path: Path) -> None:
    check(make_git())

    assert list((tmp_path / "work").iterdir()) == []
