import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

GITOMA = [sys.executable, "-m", "gitoma"]
URL = "https://github.com/acme/widget"


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project of somebody's; its bare repository is where a clone of `URL` finds it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "README.md").write_text("# widget\n\n## Usage\n")
    (folder / "main.py").write_text("def f() -> None: ...\n")
    return folder


def publish(checkout: Path) -> Path:
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "-m", "all")
    bare = checkout.parent / "remote" / "acme" / "widget.git"
    git(checkout.parent, "clone", "--quiet", "--bare", str(checkout), str(bare))
    return bare


def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB", "LM_STUDIO", "GITOMA"))}
    return {
        **kept,
        "GITOMA_HOME": str(tmp_path / "home"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/remote/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def gitoma(tmp_path: Path) -> Run:
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {**environment(tmp_path), **variables}
        return subprocess.run([*GITOMA, *arguments], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return run


def result(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines == done.stdout.splitlines()[-1:]
    assert len(lines[0].encode()) <= 3 * 1024
    document = json.loads(lines[0].removeprefix("RESULT "))
    assert isinstance(document, dict)
    return document


def test_a_repository_is_analysed_offline_and_without_secrets(gitoma: Run, checkout: Path, tmp_path: Path) -> None:
    bare = publish(checkout)
    refs = git(bare, "for-each-ref")

    done = gitoma("analyze", URL)

    assert (done.returncode, done.stderr) == (0, "")
    document = result(done)
    assert document["kind"] == "analyze"
    assert document["repo"] == "acme/widget"
    assert 0 <= float(str(document["score"])) <= 10
    assert isinstance(document["checks"], dict)
    assert len(document["checks"]) == 22
    assert git(bare, "for-each-ref") == refs
    assert list((tmp_path / "home" / "work").iterdir()) == []
    assert not (tmp_path / "home" / "state").exists()
    report = json.loads((tmp_path / "home" / "artifacts" / "acme__widget" / "report.json").read_text())
    assert report["score"] == document["score"]


def test_the_lines_are_phases_details_and_the_result(gitoma: Run, checkout: Path) -> None:
    publish(checkout)

    lines = gitoma("analyze", URL).stdout.splitlines()

    assert lines[0] == "[IDLE] gitoma analyze acme/widget"
    assert lines[1].startswith("[ANALYZING] cloned main@")
    assert sum(line.startswith("  ") for line in lines) == 22
    assert all(line.startswith(("[", "  ", "RESULT ")) for line in lines)
    assert all(len(line.encode()) <= 1000 for line in lines[:-1])


def test_a_fully_equipped_project_scores_high(gitoma: Run, checkout: Path) -> None:
    sha = "0123456789abcdef0123456789abcdef01234567"
    steps = "".join(f"      - run: {command}\n" for command in ("ruff check", "pytest", "bandit -r ."))
    steps += f"      - uses: actions/checkout@{sha}\n"
    for path, text in {
        ".github/workflows/ci.yml": "on: push\npermissions: {contents: read}\njobs:\n  a:\n    steps:\n" + steps,
        ".github/dependabot.yml": "version: 2\n",
        ".github/ISSUE_TEMPLATE/bug.md": "bug\n",
        ".github/PULL_REQUEST_TEMPLATE.md": "pull\n",
        ".gitignore": "*.pyc\n",
        "SECURITY.md": "Report a vulnerability to security@example.org; we answer within 5 days.\n",
        "LICENSE": "Apache License\nVersion 2.0, January 2004\n",
        "README.md": "# x\n" + "word " * 150 + "\n## Install\n## Usage\n```\nx\n```\nLicence: Apache\n",
        "CONTRIBUTING.md": "how\n",
        "CODE_OF_CONDUCT.md": "how\n",
        "CHANGELOG.md": "what\n",
        "tests/test_main.py": "def test_it() -> None: ...\n",
        "pyproject.toml": '[build-system]\nrequires=["x"]\n[tool.ruff]\n[project]\nname="x"\nversion="1"\n'
        'description="x"\n'
        'readme="README.md"\nrequires-python=">=3.11"\nlicense="Apache-2.0"\nauthors=[{name="a"}]\nurls={a="b"}\n',
    }.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    publish(checkout)

    document = result(gitoma("analyze", URL))

    assert document["checks"] == dict.fromkeys(document["checks"], 10)  # type: ignore[call-overload]
    assert document["score"] == document["scorecard_score"] == 10


@pytest.mark.parametrize("local", [False, True])
def test_nothing_of_the_repository_runs_and_no_link_is_followed(
    gitoma: Run, checkout: Path, tmp_path: Path, local: bool
) -> None:
    marker = tmp_path / "marker"
    touch = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
    for path in (
        "setup.py",
        "conftest.py",
        "tests/conftest.py",
        "sitecustomize.py",
        "noxfile.py",
        "yaml.py",
        "json.py",
    ):
        (checkout / path).parent.mkdir(exist_ok=True)
        (checkout / path).write_text(touch)
    (checkout / "build.rs").write_text(f'fn main() {{ std::fs::write("{marker}", ""); }}')
    (checkout / "package.json").write_text(json.dumps({"scripts": {"prepare": f"touch {marker}"}}))
    (checkout / ".gitattributes").write_text("*.py filter=evil\n")
    hooks = checkout / ".githooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (hooks / "post-checkout").chmod(0o755)
    (tmp_path / "secret").write_text("the-secret-outside " * 10)
    for name, target in (("SECURITY.md", tmp_path / "secret"), ("LICENSE", "/etc/passwd"), ("x.json", ".git/config")):
        (checkout / name).symlink_to(target)
    publish(checkout)
    git(checkout, "config", "core.hooksPath", str(hooks))
    git(checkout, "config", "core.fsmonitor", str(hooks / "post-checkout"))
    git(checkout, "config", "filter.evil.smudge", str(hooks / "post-checkout"))
    marker.unlink(missing_ok=True)

    done = gitoma("analyze", str(checkout) if local else URL)

    assert done.returncode == 0
    assert not marker.exists()
    checks = result(done)["checks"]
    assert isinstance(checks, dict)
    assert checks["Security-Policy"] == checks["License"] == 0
    (report,) = (tmp_path / "home" / "artifacts").rglob("report.json")
    for text in (done.stdout, done.stderr, report.read_text()):
        assert "the-secret-outside" not in text
        assert "root:" not in text


def test_a_local_checkout_is_analysed_under_its_folders_name(gitoma: Run, checkout: Path, tmp_path: Path) -> None:
    publish(checkout)

    done = gitoma("analyze", "checkout")

    assert done.returncode == 0
    assert result(done)["repo"] == "checkout"
    assert "read main@" in done.stdout
    (folder,) = (tmp_path / "home" / "artifacts").iterdir()
    assert folder.name.startswith("_local__checkout-")


def test_a_repository_without_commits_is_analysed(gitoma: Run, checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "remote/acme/widget.git")

    done = gitoma("analyze", URL)

    assert done.returncode == 0
    assert result(done)["commit"] is None


def test_a_repository_that_is_not_there_ends_with_what_to_do(gitoma: Run, tmp_path: Path) -> None:
    done = gitoma("analyze", URL)

    assert done.returncode == 4
    assert done.stderr.splitlines()[0] == "gitoma analyze: acme/widget was not found"
    assert "GITHUB_TOKEN" in done.stderr
    assert result(done) == {"kind": "analyze", "exit": 4, "error": "not_found"}
    assert list((tmp_path / "home" / "work").iterdir()) == []


def test_credentials_in_gits_words_are_masked(gitoma: Run, tmp_path: Path) -> None:
    base = f"file://user:hunter22pass@{tmp_path}/remote/"

    done = gitoma("analyze", URL, GIT_CONFIG_KEY_0=f"url.{base}.insteadOf")

    assert done.returncode != 0
    assert "hunter22pass" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "target",
    [
        "https://user:hunter22pass@github.com/acme/widget",
        "https://gitlab.com/acme/widget",
        "git@github.com:acme/widget.git",
        "no/such/folder",
        "ext::sh -c true",
        "",
    ],
)
def test_a_target_that_is_neither_is_wrong_usage_in_one_line(gitoma: Run, target: str) -> None:
    done = gitoma("analyze", "--", target)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "hunter22pass" not in done.stderr


def test_a_folder_in_no_checkout_is_wrong_usage(gitoma: Run, tmp_path: Path) -> None:
    done = gitoma("analyze", str(tmp_path))

    assert done.returncode == 2
    assert done.stderr == "gitoma analyze: this folder is in no git checkout\n"


def test_a_home_that_cannot_be_written_stops_nothing_and_is_said(gitoma: Run, checkout: Path, tmp_path: Path) -> None:
    publish(checkout)
    (tmp_path / "file").write_text("no folder")

    done = gitoma("analyze", URL, GITOMA_HOME=str(tmp_path / "file" / "home"))

    assert done.returncode == 0
    assert "cannot be used" in done.stdout
    assert "the report is not kept" in done.stdout
    assert result(done)["report"] is None


def test_a_setting_that_makes_no_sense_is_the_installations_fault(gitoma: Run) -> None:
    done = gitoma("analyze", URL, GITOMA_MAX_JOBS="none")

    assert done.returncode == 3
    assert "GITOMA_MAX_JOBS" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_soon_with_the_clone_removed(
    checkout: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    publish(checkout)
    shim = tmp_path / "bin"
    shim.mkdir()
    (shim / "git").write_text("#!/bin/sh\nexec sleep 600\n")  # a clone that never ends
    (shim / "git").chmod(0o755)
    variables = {**environment(tmp_path), "PATH": f"{shim}:{os.environ['PATH']}"}

    with subprocess.Popen(
        [*GITOMA, "analyze", URL], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        work = tmp_path / "home" / "work"
        try:
            until(lambda: work.is_dir() and any(work.iterdir()) and len(children(process.pid)) == 2)
            left = children(process.pid)  # git, and the leader of its group
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == code
    assert list(work.iterdir()) == []
    assert not any(Path(f"/proc/{child}").exists() for child in left)
    assert "cancelled" in errors
    assert json.loads(output.splitlines()[-1].removeprefix("RESULT "))["error"] == "cancelled"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(condition: Callable[[], object], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_a_reader_that_goes_away_ends_it_quietly_and_leaves_no_clone(checkout: Path, tmp_path: Path) -> None:
    publish(checkout)
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [*GITOMA, "analyze", URL],
        env=environment(tmp_path),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")
    work = tmp_path / "home" / "work"
    assert not work.exists() or list(work.iterdir()) == []


def test_the_stale_clone_of_a_killed_analysis_is_swept(gitoma: Run, checkout: Path, tmp_path: Path) -> None:
    publish(checkout)
    stale = tmp_path / "home" / "work" / "clone-stale"
    stale.mkdir(parents=True)

    gitoma("analyze", URL)

    assert not stale.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", URL],
        ["run", "https://gitlab.com/a/b"],
        ["run", URL, "--branch", "a..b"],
        ["run", URL, "--resume", "--fresh"],
        ["review", URL, "--pr", "0"],
        ["fix-ci", URL],
        ["fix-ci", URL, "--branch", "-x"],
        ["serve", "--port", "65536"],
        ["unknown"],
        [],
    ],
)
def test_a_command_that_is_asked_for_wrongly_says_so_in_one_line(gitoma: Run, arguments: list[str]) -> None:
    done = gitoma(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_help_loads_neither_a_server_nor_a_client(gitoma: Run) -> None:
    program = (
        "import sys\nfrom gitoma.app.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as ended:\n    assert ended.code == 0\n"
        "print(sorted({'litestar', 'httpx', 'yaml', 'msgspec', 'uvicorn'} & sys.modules.keys()))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert done.stdout.splitlines()[-1] == "[]"
    assert "analyze" in gitoma("--help").stdout
    assert gitoma("--version").stdout.startswith("gitoma ")


def test_output_is_utf_8_whatever_the_locale_says(gitoma: Run, checkout: Path) -> None:
    (checkout / "grün-\udcff.py").write_text("def f(:\n")
    publish(checkout)

    done = gitoma("analyze", URL, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert done.returncode == 0
    assert r"grün-\udcff.py" in done.stdout
