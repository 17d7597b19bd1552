import base64
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitoma.adapters.git import failures
from gitoma.adapters.git.cli import GitCli
from gitoma.adapters.git.process import Completed
from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import Branch, RepoUrl

URL = RepoUrl.parse("https://github.com/acme/widget")
MAIN, NEW = Branch("main"), Branch("gitoma/new")
ADD = ChangeSet((FileChange("new.txt", None, "new\n"),))


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository with three commits, where a clone of `URL` finds it."""
    work = tmp_path / "elsewhere"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch", "main")
    for number in range(3):
        (work / "README.md").write_text(f"# {number}\n")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "-m", str(number))
    bare = tmp_path / "remote" / "acme" / "widget.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


Make = Callable[..., GitCli]


@pytest.fixture
def make(tmp_path: Path, remote: Path) -> Make:
    def make(variables: dict[str, str] | None = None, **options: object) -> GitCli:
        chosen = {
            "work": tmp_path / "work",
            "variables": {
                **os.environ,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/remote/.insteadOf",
                "GIT_CONFIG_VALUE_0": "https://github.com/",
                **(variables or {}),
            },
            "token": None,
            "redact": str,
            "notice": notices.append,
            **options,
        }
        return GitCli(**chosen)  # type: ignore[arg-type]

    notices: list[str] = []
    return make


Shim = Callable[[str], dict[str, str]]


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    """Puts a program in git's place, for which `$real` is git; gives the variables that make it found."""

    def shim(text: str) -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\nreal={shutil.which('git')}\n{text}\n")
        (folder / "git").chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}

    return shim


def hook(remote: Path, name: str, text: str) -> None:
    (remote / "hooks" / name).write_text(f"#!/bin/sh\n{text}\n")
    (remote / "hooks" / name).chmod(0o755)


def push(control: GitCli, branch: Branch = NEW, *, onto_head: bool = False) -> str:
    with control.working_copy(URL) as copy:
        assert copy.head is not None
        start = copy.head.sha
        sha = copy.commit(ADD, "feat: new")
        copy.push(branch, expect=start if onto_head else None)
    return sha


def test_a_commit_is_the_bots_and_of_this_moment(make: Make, remote: Path) -> None:
    somebody = {"GIT_AUTHOR_NAME": "Eve", "GIT_COMMITTER_EMAIL": "e@v", "GIT_AUTHOR_DATE": "1 +0000", "EMAIL": "e@v"}
    push(make(somebody, bot_name="A Bot", bot_email="bot@example.org"))

    shown = git(remote, "log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%at%n%ct%n%B", NEW.name).splitlines()
    assert shown[:2] == ["A Bot <bot@example.org>"] * 2
    assert int(shown[2]) > 1_700_000_000
    assert shown[2] == shown[3]
    assert shown[4:] == ["feat: new"]


def test_a_commit_stands_on_the_one_that_was_cloned(make: Make, remote: Path) -> None:
    sha = push(make())

    assert git(remote, "rev-list", "--count", sha) == "4"
    assert git(remote, "rev-parse", f"{sha}^") == git(remote, "rev-parse", "main")
    assert git(remote, "diff", "--name-status", "main", sha) == "A\tnew.txt"
    git(remote, "fsck", "--strict")


def test_a_push_into_a_branch_that_was_cloned_shallow_is_possible(make: Make, remote: Path) -> None:
    for number in range(30):
        push_elsewhere(remote, str(number))
    sha = push(make(), MAIN, onto_head=True)

    assert git(remote, "rev-parse", "main") == sha
    assert git(remote, "rev-list", "--count", "main") == "34"


def push_elsewhere(remote: Path, message: str, branch: str = "main") -> str:
    tree = git(remote, "rev-parse", "main^{tree}")
    sha = git(remote, "commit-tree", tree, "-p", branch, "-m", message)
    git(remote, "update-ref", f"refs/heads/{branch}", sha)
    return sha


def test_nothing_of_the_repository_is_checked_out_and_none_of_its_programs_run(make: Make, remote: Path) -> None:
    attributes = ChangeSet((FileChange(".gitattributes", None, "* filter=evil text eol=crlf\n"),))

    with make().working_copy(URL) as copy:
        copy.commit(attributes, "attributes")
        sha = copy.commit(ADD, "new")
        copy.push(NEW, expect=None)
        (folder,) = remote.parents[2].glob("work/*/repo")
        assert [path.name for path in folder.iterdir()] == [".git"]

    assert git(remote, "cat-file", "blob", f"{sha}:new.txt") == "new"


def test_a_message_is_kept_whatever_it_holds_except_nothing_at_all(make: Make, remote: Path) -> None:
    message = "feat: é 😀\n\n# no comment\n--amend\n\nGitoma-Run: r1"
    with make().working_copy(URL) as copy:
        copy.commit(ADD, message)
        copy.push(NEW, expect=None)
        with pytest.raises(AgentError) as raised:
            copy.commit(ChangeSet((FileChange("more", None, ""),)), "a NUL\0 in it")

    assert git(remote, "log", "-1", "--format=%B", NEW.name) == message
    assert raised.value.code is Code.GIT_FAILED


def test_no_record_can_be_smuggled_in_by_the_name_of_a_file(make: Make) -> None:
    name = f"a\x00100644 {'1' * 40}\t.git/config"

    with make().working_copy(URL) as copy, pytest.raises(AgentError):
        copy.commit(ChangeSet((FileChange(name, None, ""),)), "m")


def test_large_files_pass_through(make: Make, remote: Path) -> None:
    text = "0123456789abcde\n" * 100_000
    with make().working_copy(URL) as copy:
        sha = copy.commit(ChangeSet((FileChange("large", None, text),)), "m")
        assert copy.read("large", 10_000_000) == text.encode()
        assert copy.contains(sha)


@pytest.mark.parametrize("name", ["pre-receive", "update"])
def test_a_rule_of_the_host_is_told_in_its_words(name: str, make: Make, remote: Path) -> None:
    hook(remote, name, "echo 'GH006: Protected branch update failed for refs/heads/main.' >&2\nexit 1")

    with pytest.raises(AgentError) as raised:
        push(make(), MAIN, onto_head=True)

    assert raised.value.code is Code.PROTECTED
    assert any("GH006" in line for line in raised.value.details)
    assert git(remote, "rev-list", "--count", "main") == "3"


def test_a_branch_beside_another_of_its_folders_name_is_refused(make: Make, remote: Path) -> None:
    with pytest.raises(AgentError) as raised:
        push(make(), Branch("main/new"))

    assert raised.value.code is Code.BRANCH_EXISTS


def meanwhile(remote: Path, what: str) -> str:
    """A git in whose pushes somebody else is faster by a moment."""
    return f'case " $* " in *" push "*) $real --git-dir {remote} {what} ;; esac\nexec $real "$@"'


def test_a_branch_that_is_set_back_in_the_last_moment_is_left_there(make: Make, remote: Path, shim: Shim) -> None:
    """Ours would be a fast forward of that, too: only the lease keeps it from being moved."""
    earlier = git(remote, "rev-parse", "main~1")

    with pytest.raises(AgentError) as raised:
        push(make(shim(meanwhile(remote, f"update-ref refs/heads/main {earlier}"))), MAIN, onto_head=True)

    assert raised.value.code is Code.BRANCH_MOVED
    assert git(remote, "rev-parse", "main") == earlier


def test_a_branch_that_is_made_in_the_last_moment_is_left_alone(make: Make, remote: Path, shim: Shim) -> None:
    main = git(remote, "rev-parse", "main")

    with pytest.raises(AgentError) as raised:
        push(make(shim(meanwhile(remote, f"update-ref refs/heads/{NEW} {main}"))))

    assert raised.value.code is Code.BRANCH_EXISTS
    assert git(remote, "rev-parse", NEW.name) == main


def test_a_branch_that_moves_on_in_the_last_moment_keeps_what_was_pushed(make: Make, remote: Path, shim: Shim) -> None:
    tree, main = git(remote, "rev-parse", "main^{tree}"), git(remote, "rev-parse", "main")
    theirs = git(remote, "commit-tree", tree, "-p", main, "-m", "theirs")

    with pytest.raises(AgentError) as raised:
        push(make(shim(meanwhile(remote, f"update-ref refs/heads/main {theirs}"))), MAIN, onto_head=True)

    assert raised.value.code is Code.BRANCH_MOVED
    assert git(remote, "rev-parse", "main") == theirs


LOST = 'case " $* " in *" push "*) {what}; echo "fatal: the remote end hung up unexpectedly" >&2; exit 128 ;; esac'


def test_a_push_whose_answer_was_lost_has_arrived_if_the_branch_says_so(make: Make, remote: Path, shim: Shim) -> None:
    variables = shim(f"""{LOST.format(what='$real "$@"')}\nexec $real "$@" """)

    sha = push(make(variables))

    assert git(remote, "rev-parse", NEW.name) == sha


def test_a_push_that_did_not_arrive_is_a_fault_of_the_network(make: Make, remote: Path, shim: Shim) -> None:
    with pytest.raises(AgentError) as raised:
        push(make(shim(f"""{LOST.format(what=":")}\nexec $real "$@" """)))

    assert raised.value.code is Code.NETWORK
    assert git(remote, "for-each-ref", f"refs/heads/{NEW}") == ""


def test_a_push_that_takes_too_long_is_stopped(make: Make, remote: Path, shim: Shim) -> None:
    variables = shim('case " $* " in *" push "*) sleep 600 ;; esac\nexec $real "$@"')

    with pytest.raises(AgentError) as raised:
        push(make(variables, push_timeout_s=3.0))

    assert raised.value.code is Code.NETWORK
    assert "longer than 3 s" in str(raised.value)


def test_a_token_is_neither_in_the_clone_nor_in_any_argument_of_a_push(
    make: Make, remote: Path, shim: Shim, tmp_path: Path
) -> None:
    variables = shim(f'echo "$@" >> {tmp_path}/arguments\nexec $real "$@"')
    control = make(variables, token="t0k3n-of-mine", redact=lambda line: line.replace("t0k3n-of-mine", "***"))

    with control.working_copy(URL) as copy:
        copy.commit(ADD, "m")
        copy.push(NEW, expect=None)
        (folder,) = (tmp_path / "work").glob("*/repo")
        kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700

    arguments = (tmp_path / "arguments").read_text()
    assert "\npush " in arguments
    for secret in ("t0k3n-of-mine", base64.b64encode(b"x-access-token:t0k3n-of-mine").decode()):
        assert secret not in arguments
        assert secret.encode() not in kept
    assert "--force " not in arguments
    assert " +" not in arguments


@pytest.mark.parametrize(
    ("printed", "said", "code"),
    [
        ("!\tx:y\t[rejected] (stale info)", "error: failed to push some refs", Code.BRANCH_MOVED),
        ("!\tx:y\t[rejected] (fetch first)", "error: failed to push some refs", Code.BRANCH_MOVED),
        ("!\tx:y\t[rejected] (non-fast-forward)", "error: failed to push some refs", Code.BRANCH_MOVED),
        ("!\tx:y\t[remote rejected] (failed to update ref)", "remote: error: cannot lock ref", Code.BRANCH_MOVED),
        ("!\tx:y\t[remote rejected] (protected branch hook declined)", "remote: error: GH006: x", Code.PROTECTED),
        ("!\tx:y\t[remote rejected] (pre-receive hook declined)", "", Code.PROTECTED),
        ("!\tx:y\t[remote rejected] (push declined due to repository rule violations)", "", Code.PROTECTED),
        (
            "!\tx:y\t[remote rejected] (refusing to allow a Personal Access Token to create or update workflow)",
            "",
            Code.FORBIDDEN,
        ),
        ("", "remote: Permission to acme/widget.git denied to bot.\nfatal: returned error: 403", Code.FORBIDDEN),
        ("", "remote: This repository was archived so it is read-only.\nfatal: returned error: 403", Code.FORBIDDEN),
        ("", "fatal: could not read Username for 'https://github.com'", Code.AUTH),
        ("", "fatal: Authentication failed for 'https://github.com/acme/widget/'", Code.AUTH),
        ("", "remote: Repository not found.\nfatal: repository 'x' not found", Code.NOT_FOUND),
        ("", "fatal: unable to access 'x': The requested URL returned error: 429", Code.RATE_LIMITED),
        ("", "remote: secondary rate limit\nfatal: The requested URL returned error: 403", Code.RATE_LIMITED),
        ("", "error: RPC failed; HTTP 502\nfatal: the remote end hung up unexpectedly", Code.NETWORK),
        ("", "fatal: Could not resolve host: github.com", Code.NETWORK),
        ("!\tx:y\t[remote rejected] (shallow update not allowed)", "", Code.GIT_FAILED),
        ("", "fatal: something new", Code.GIT_FAILED),
    ],
)
def test_a_failed_push_is_told_by_the_words_of_git_and_of_the_host(printed: str, said: str, code: Code) -> None:
    error = failures.of_push("acme/widget", Completed(1, f"To x\n{printed}\nDone\n".encode(), False, said), 120, str)

    assert error.code is code
    assert str(error)


def test_what_the_host_said_is_shown_without_credentials() -> None:
    ended = Completed(1, b"", False, "remote: GH006 https://user:secret@host")

    error = failures.of_push("a/b", ended, 120, lambda line: line.replace("secret", "***"))

    assert error.details == ("remote: GH006 https://user:***@host",)


@pytest.mark.parametrize(
    "words",
    [
        "Remote branch {} not found",
        "permission to {} denied",
        "refusing to allow {} workflow",
        "repository {}not found",
    ],
)
def test_words_that_stand_far_apart_are_no_sentence(words: str) -> None:
    """To look for the end of one to the end of the text, from each of its beginnings, takes the square of the time."""
    near, far = (Completed(128, b"", False, words.format("x" * length)) for length in (200, 2000))

    assert failures.of_push("acme/widget", near, 1, str).code is not Code.GIT_FAILED
    assert failures.of_push("acme/widget", far, 1, str).code is Code.GIT_FAILED
