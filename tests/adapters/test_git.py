import base64
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitoma.adapters.git import checkout as checkouts
from gitoma.adapters.git import failures, process, work_folders
from gitoma.adapters.git.cli import GitCli
from gitoma.adapters.git.environment import NETWORK, NO_TRANSPORT, credentials, environment
from gitoma.adapters.git.process import Completed
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import RepoUrl

URL = RepoUrl.parse("https://github.com/acme/widget")


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def instead_of(base: str) -> dict[str, str]:
    return {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{base}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout with one commit, where a clone of `URL` finds it."""
    folder = tmp_path / "remote" / "acme" / "widget"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "README.md").write_text("# widget\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


Make = Callable[..., GitCli]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(variables: dict[str, str] | None = None, **options: object) -> GitCli:
        chosen = {
            "work": tmp_path / "work",
            "variables": variables or instead_of(f"file://{tmp_path}/remote/"),
            "token": None,
            "redact": str,
            "notice": notices.append,
            **options,
        }
        return GitCli(**chosen)  # type: ignore[arg-type]

    notices: list[str] = []
    return make


def work_of(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "work").glob("*"))


def config_of(variables: dict[str, str]) -> list[tuple[str, str]]:
    count = int(variables["GIT_CONFIG_COUNT"])
    return [(variables[f"GIT_CONFIG_KEY_{n}"], variables[f"GIT_CONFIG_VALUE_{n}"]) for n in range(count)]


def test_the_operators_settings_come_first_and_ours_behind_them() -> None:
    config = config_of(environment(instead_of("file:///r/"), protocols=NETWORK, config=(("a.b", "c"),)))

    assert config[0] == ("url.file:///r/.insteadOf", "https://github.com/")
    assert ("core.hooksPath", "/dev/null") in config
    assert config[-1] == ("a.b", "c")


def test_what_says_where_a_repository_is_or_runs_programs_is_not_inherited() -> None:
    names = ("GIT_DIR", "GIT_WORK_TREE", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_TRACE", "GIT_CONFIG_PARAMETERS")
    inherited = dict.fromkeys(names, "x")

    assert not inherited.keys() & environment(inherited, protocols=NETWORK).keys()


def test_the_way_to_the_server_is_inherited() -> None:
    inherited = {"HTTPS_PROXY": "http://p", "GIT_SSL_CAINFO": "/ca", "PATH": "/bin", "GITOMA_GIT_CONFIG": "/my/config"}
    variables = environment(inherited, protocols=NETWORK)

    assert variables.items() >= {("HTTPS_PROXY", "http://p"), ("GIT_SSL_CAINFO", "/ca"), ("PATH", "/bin")}
    assert variables["GIT_CONFIG_GLOBAL"] == "/my/config"


def test_nothing_of_the_users_or_the_machines_configuration_is_read() -> None:
    variables = environment({"HOME": "/home/x"}, protocols=NO_TRANSPORT)

    assert variables["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert variables["GIT_CONFIG_NOSYSTEM"] == "1"
    assert variables["GIT_ALLOW_PROTOCOL"] == "none"
    assert variables["GIT_TERMINAL_PROMPT"] == "0"


def test_a_count_that_is_no_number_is_the_operators_mistake() -> None:
    with pytest.raises(AgentError) as raised:
        environment({"GIT_CONFIG_COUNT": "two"}, protocols=NETWORK)

    assert raised.value.code is Code.CONFIG


def test_a_token_is_sent_to_github_only_and_no_redirect_is_followed() -> None:
    config = dict(credentials("secret"))

    header = config.pop("http.https://github.com/.extraHeader")
    assert base64.b64decode(header.removeprefix("Authorization: Basic ")) == b"x-access-token:secret"
    assert config == {"http.followRedirects": "false"}
    assert credentials(None) == ()


def test_a_clone_is_removed_when_its_context_ends(make: Make, repo: Path, tmp_path: Path) -> None:
    with make().clone(URL) as checkout:
        assert checkout.read("README.md", 100) == b"# widget\n"
        (folder,) = work_of(tmp_path)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "work").stat().st_mode & 0o777 == 0o700

    assert work_of(tmp_path) == []


def test_a_clone_is_removed_when_its_context_fails(make: Make, repo: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), make().clone(URL):
        raise KeyboardInterrupt

    assert work_of(tmp_path) == []


def test_a_clone_that_fails_leaves_nothing(make: Make, tmp_path: Path) -> None:
    with pytest.raises(AgentError), make().clone(URL):
        pass

    assert work_of(tmp_path) == []


def test_a_clone_has_no_work_tree_and_is_of_one_commit(make: Make, repo: Path, tmp_path: Path) -> None:
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "second")

    with make().clone(URL):
        (folder,) = work_of(tmp_path)
        assert [path.name for path in (folder / "repo").iterdir()] == [".git"]
        assert git(folder / "repo", "rev-list", "--count", "HEAD") == "1"


def test_a_token_is_neither_in_the_clone_nor_in_any_argument(make: Make, repo: Path, tmp_path: Path) -> None:
    shim = tmp_path / "bin"
    shim.mkdir()
    real = shutil.which("git")
    (shim / "git").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\nexec {real} "$@"\n')
    (shim / "git").chmod(0o755)
    variables = {**instead_of(f"file://{tmp_path}/remote/"), "PATH": f"{shim}:{os.environ['PATH']}"}
    encoded = base64.b64encode(b"x-access-token:t0k3n-of-mine").decode()

    with make(variables, token="t0k3n-of-mine").clone(URL):
        (folder,) = work_of(tmp_path)
        config = (folder / "repo" / ".git" / "config").read_text()

    arguments = (tmp_path / "arguments").read_text()
    assert "clone" in arguments
    for secret in ("t0k3n-of-mine", encoded):
        assert secret not in arguments
        assert secret not in config


def test_a_pack_over_the_limit_is_too_large(make: Make, repo: Path, tmp_path: Path) -> None:
    (repo / "big").write_bytes(os.urandom(300_000))
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "big")

    with pytest.raises(AgentError) as raised, make(pack_max_bytes=100_000).clone(URL):
        pass

    assert raised.value.code is Code.TOO_LARGE
    assert work_of(tmp_path) == []


def test_a_repository_with_too_many_files_is_too_large(make: Make, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "second").write_text("x")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "second")
    monkeypatch.setattr(checkouts, "ENTRIES_MAX", 1)

    with make().clone(URL) as checkout, pytest.raises(AgentError) as raised:
        checkout.entries()

    assert raised.value.code is Code.TOO_LARGE


def test_a_tree_that_multiplies_itself_is_too_large_and_ends_soon(
    make: Make, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts, "_LISTING_MAX", 100_000)
    tree = git(repo, "rev-parse", "HEAD^{tree}")
    for _ in range(9):  # ten to the ninth files
        records = "".join(f"040000 tree {tree}\tf{n}\n" for n in range(10))
        done = subprocess.run(["git", "mktree"], cwd=repo, input=records, capture_output=True, text=True, check=True)
        tree = done.stdout.strip()
    git(repo, "update-ref", "refs/heads/main", git(repo, "commit-tree", tree, "-m", "bomb"))

    with make().clone(URL) as checkout, pytest.raises(AgentError) as raised:
        checkout.entries()

    assert raised.value.code is Code.TOO_LARGE


def test_a_clone_that_takes_too_long_is_stopped_with_all_its_children(tmp_path: Path, make: Make, repo: Path) -> None:
    shim = tmp_path / "bin"
    shim.mkdir()
    pid_file = tmp_path / "pid"
    (shim / "git").write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {pid_file}\nwait\n")
    (shim / "git").chmod(0o755)

    variables = {**os.environ, "PATH": f"{shim}:{os.environ['PATH']}"}
    with pytest.raises(AgentError) as raised, make(variables, clone_timeout_s=1.0).clone(URL):
        pass

    assert raised.value.code is Code.NETWORK
    assert "longer than 1 s" in str(raised.value)
    wait_until_ended(int(pid_file.read_text()))
    assert work_of(tmp_path) == []


def wait_until_ended(pid: int, limit_s: float = 30.0) -> None:
    """A signal that was sent is not yet a process that has ended: the kernel takes its time on a busy machine."""
    deadline = time.monotonic() + limit_s
    while not ended(pid):
        assert time.monotonic() < deadline, f"process {pid} still lives after {limit_s:g} s"
        time.sleep(0.01)


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("base", ["ext::sh -c 'touch %s' ", "ssh://host/", "git://host/"])
def test_a_transport_that_could_run_programs_is_refused(base: str, make: Make, tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    with pytest.raises(AgentError) as raised, make(instead_of(base.replace("%s", str(marker)))).clone(URL):
        pass

    assert raised.value.code is Code.GIT_FAILED
    assert "transport" in str(raised.value)
    assert not marker.exists()


def test_a_home_that_cannot_be_written_stops_nothing_and_is_said(make: Make, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    notices: list[str] = []

    with make(work=tmp_path / "file" / "work", notice=notices.append).clone(URL) as checkout:
        assert checkout.read("README.md", 100) == b"# widget\n"

    (notice,) = notices
    assert "cannot be used" in notice


def test_the_folders_of_dead_processes_are_swept_and_those_of_living_ones_are_not(tmp_path: Path) -> None:
    work = tmp_path / "work"
    program = (
        "import sys, pathlib\n"
        "from gitoma.adapters.git import work_folders\n"
        "context = work_folders.held(pathlib.Path(sys.argv[1]))\n"
        "print(context.__enter__(), flush=True)\n"
        "sys.stdin.read()\n"
        "import os; os._exit(1)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with work_folders.held(work) as ours:
            work_folders.sweep(work)
            assert ours.is_dir()
            assert theirs.is_dir()
        other.kill()
        other.wait()

    assert theirs.is_dir()
    work_folders.sweep(work)
    assert not theirs.exists()


def test_a_sweep_touches_only_folders_of_clones(tmp_path: Path) -> None:
    for name in ("mine", "clone-file"):
        (tmp_path / name).write_text("x")
    (tmp_path / "clone-link").symlink_to(tmp_path.parent)
    (tmp_path / "other-folder").mkdir()

    work_folders.sweep(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"mine", "clone-file", "clone-link", "other-folder"}


def test_a_folder_that_a_sweep_holds_is_not_taken(tmp_path: Path) -> None:
    with work_folders.held(tmp_path) as folder:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("fatal: Could not resolve host: github.com", Code.NETWORK),
        ("fatal: unable to access 'x': Failed to connect to github.com port 443", Code.NETWORK),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", Code.AUTH),
        ("remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found", Code.NOT_FOUND),
        ("fatal: Remote branch x not found in upstream origin", Code.NOT_FOUND),
        ("fatal: unable to access 'x': The requested URL returned error: 403", Code.FORBIDDEN),
        ("fatal: unable to access 'x': The requested URL returned error: 429", Code.RATE_LIMITED),
        ("fatal: unable to access 'x': The requested URL returned error: 503", Code.NETWORK),
        ("fatal: write error: No space left on device", Code.GIT_FAILED),
        ("error: index-pack died of signal 25\nfatal: index-pack failed", Code.TOO_LARGE),
        ("fatal: something new", Code.GIT_FAILED),
    ],
)
def test_a_failed_clone_is_told_by_gits_words(said: str, code: Code) -> None:
    error = failures.of_clone("a/b", Completed(128, b"", False, said), 300, str)

    assert error.code is code
    assert error.details == tuple(said.splitlines())


def test_only_the_last_lines_of_git_are_shown_and_without_credentials() -> None:
    said = "\n".join(f"line {n} https://user:secret@host" for n in range(20))

    error = failures.of_clone("a/b", Completed(1, b"", False, said), 300, lambda line: line.replace("secret", "***"))

    assert error.details == tuple(f"line {n} https://user:***@host" for n in range(15, 20))


def test_git_that_is_missing_is_the_installations_fault(make: Make, tmp_path: Path) -> None:
    with pytest.raises(AgentError) as raised, make({"PATH": str(tmp_path)}).clone(URL):
        pass

    assert raised.value.code is Code.CONFIG
    assert "git" in str(raised.value)


def test_standard_error_without_end_is_bounded(tmp_path: Path) -> None:
    shim = tmp_path / "bin"
    shim.mkdir()
    (shim / "git").write_text("#!/bin/sh\nhead -c 5000000 /dev/zero | tr '\\0' x >&2\necho last >&2\n")
    (shim / "git").chmod(0o755)

    done = process.run(["x"], folder=tmp_path, variables={"PATH": f"{shim}:{os.environ['PATH']}"})

    assert done.code == 0
    assert len(done.errors) <= 1 << 16
    assert done.errors.endswith("last\n")


# A checkout on this machine: its own configuration may be hostile.


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    marker = tmp_path / "a-program-of-the-repository-ran"
    yield marker
    assert not marker.exists()


def test_a_checkout_is_read_as_committed_from_any_folder_inside(make: Make, repo: Path) -> None:
    (repo / "README.md").write_text("changed, and not committed")
    (repo / "sub").mkdir()

    with make().local(str(repo / "sub")) as checkout:
        assert checkout.read("README.md", 100) == b"# widget\n"
        assert checkout.head is not None
        assert checkout.head.branch == "main"


def test_a_detached_head_has_no_branch(make: Make, repo: Path) -> None:
    git(repo, "checkout", "--quiet", "--detach")

    with make().local(str(repo)) as checkout:
        assert checkout.head is not None
        assert checkout.head.branch == ""


def test_a_linked_work_tree_is_a_checkout(make: Make, repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "linked")

    with make().local(str(tmp_path / "linked")) as checkout:
        assert checkout.head is not None
        assert checkout.head.branch == "linked"


def test_programs_named_by_a_checkouts_configuration_do_not_run(make: Make, repo: Path, marker: Path) -> None:
    program = repo / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    (repo / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "attributes")
    for name in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"):
        shutil.copy(program, repo / ".git" / "hooks" / name)
    included = repo / "included"
    included.write_text(
        f"[core]\n\tfsmonitor = {program}\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {program}\n"
    )
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy"),
        *("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv", "diff.external"),
        *("gpg.program", "pager.ls-tree", "pager.cat-file", "pager.rev-parse", "uploadpack.packObjectsHook"),
        *("alias.ls-tree", "alias.cat-file", "alias.rev-parse", "credential.helper"),
    ):
        git(repo, "config", key, f"!{program}" if key.startswith(("alias", "credential")) else str(program))
    git(repo, "config", "core.hooksPath", str(repo / ".git" / "hooks"))
    git(repo, "config", "include.path", str(included))
    git(repo, "config", f"includeIf.gitdir:{repo}/.path", str(included))
    git(repo, "config", "filter.evil.required", "true")
    marker.unlink(missing_ok=True)  # what the commands above ran

    with make().local(str(repo)) as checkout:
        paths = [entry.path for entry in checkout.entries()]
        assert [checkout.read(path, 10_000) for path in paths].count(None) == 0


def test_what_a_partial_clone_lacks_is_not_fetched(make: Make, repo: Path, tmp_path: Path, marker: Path) -> None:
    """Fetching would run the program that the checkout names for the purpose."""
    program = tmp_path / "upload-pack"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    partial = tmp_path / "partial"
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repo}", str(partial))
    git(partial, "config", "remote.origin.uploadpack", str(program))

    with make().local(str(partial)) as checkout, pytest.raises(AgentError) as raised:
        checkout.entries()

    assert raised.value.code is Code.GIT_FAILED
    assert "partial clone" in raised.value.hint


def test_a_folder_in_no_checkout_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(AgentError) as raised, make().local(str(tmp_path)):
        pass

    assert raised.value.code is Code.USAGE


@pytest.mark.parametrize("inside", [".git", ".git/objects"])
def test_the_inside_of_a_repository_is_no_checkout(make: Make, repo: Path, inside: str) -> None:
    with pytest.raises(AgentError) as raised, make().local(str(repo / inside)):
        pass

    assert raised.value.code is Code.USAGE


def test_a_bare_repository_that_a_checkout_contains_is_refused(make: Make, repo: Path) -> None:
    git(repo, "init", "--bare", "--quiet", "innocent")

    with pytest.raises(AgentError) as raised, make().local(str(repo / "innocent")):
        pass

    assert raised.value.code is Code.USAGE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_checkout_of_another_user_is_refused_until_the_operator_trusts_it(
    make: Make, repo: Path, tmp_path: Path
) -> None:
    for path in [repo, *repo.rglob("*")]:
        os.lchown(path, 12345, 12345)

    with pytest.raises(AgentError) as raised, make().local(str(repo)):
        pass
    assert raised.value.code is Code.USAGE
    assert "safe.directory" in raised.value.hint

    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repo}\n")
    with make({**instead_of("file:///nowhere/"), "HOME": str(home)}).local(str(repo)) as checkout:
        assert checkout.read("README.md", 100) == b"# widget\n"


def test_where_the_repository_is_is_not_taken_from_the_environment(make: Make, repo: Path, tmp_path: Path) -> None:
    """A hook of another repository that starts us sets these."""
    variables = {**instead_of(f"file://{tmp_path}/remote/"), "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere"}

    with make(variables).local(str(repo)) as checkout:
        assert [entry.path for entry in checkout.entries()] == ["README.md"]


@pytest.mark.parametrize(("written", "year"), [("99999999999999", 9999), ("0", 1970), ("1700000000", 2023)])
def test_a_commit_may_claim_any_time(make: Make, repo: Path, written: str, year: int) -> None:
    tree = git(repo, "rev-parse", "HEAD^{tree}")
    text = f"tree {tree}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> {written} +0000\n\ncommitter x <y> 5 +0000\n"
    command = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    done = subprocess.run(command, cwd=repo, input=text, capture_output=True, text=True, check=True)
    git(repo, "update-ref", "refs/heads/main", done.stdout.strip())

    with make().local(str(repo)) as checkout:
        assert checkout.head is not None
        assert checkout.head.time.year == year


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"(GIT_[A-Z_]{1,12}|[A-Z]{1,5})", fullmatch=True), st.text(max_size=5)))
def test_whatever_is_inherited_the_hardening_holds(inherited: dict[str, str]) -> None:
    inherited.pop("GIT_CONFIG_COUNT", None)

    variables = environment(inherited, protocols=NO_TRANSPORT)

    assert variables["GIT_ALLOW_PROTOCOL"] == "none"
    assert dict(config_of(variables))["core.fsmonitor"] == "false"
    assert not variables.keys() & {"GIT_DIR", "GIT_CONFIG_PARAMETERS", "GIT_SSH", "GIT_EXEC_PATH"}
