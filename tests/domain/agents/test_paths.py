import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.paths import PATH_MAX_BYTES, check, folded, is_manifest

SPECIAL = frozenset({"cfg", "vendor/lib"})

HOSTILE = {
    "bad-path": [
        "",
        ".",
        "./",
        "..",
        "../x",
        "a/../b",
        "foo/../.github/workflows/evil.yml",
        "a/..",
        "a//b",
        "/etc/passwd",
        "~/.bashrc",
        "~root/x",
        "C:/x",
        "c:x",
        "a\\b",
        "a/",
        "a/.",
        "a\nb",
        "a\tb",
        "a\x00b",
        "a\u202eb",
        "src/\u200ba.py",
        ".g\u200cit/config",
        "\ufeffa.py",
        "a\udcff",
        "a\u2028b",
        "a\ue000b",
        ".../x",
        "a/ /b",
        "\u2025/x",
        "a\uff0f..\uff0fb",
        "a\uff3cb",
        ":x",
        "a/..:x/b",
        "a.py.",
        "a.py ",
        "x" * (PATH_MAX_BYTES + 1),
        "é" * 121,
    ],
    "denied": [
        ".pre-commit-config.yaml",
        "lefthook.yml",
        ".lefthook-local.yml",
        ".devcontainer/devcontainer.json",
        ".vscode/tasks.json",
        "action.yml",
        "tools/build/Action.yaml",
        ".git/config",
        ".GIT/config",
        "a/.git/x",
        ".git",
        "./.git/hooks/pre-commit",
        ".git /config",
        ".git./config",
        ".git . ./config",
        ".git::$INDEX_ALLOCATION/config",
        ".git :x/config",
        "\uff0egit/config",
        "git~1/config",
        "GIT~1/config",
        "GITMOD~1",
        ".github/workflows/ci.yml",
        ".github/Workflows/ci.yml",
        ".GitHub/workflows./ci.yml",
        "./.github/./workflows/x.yml",
        ".github/actions/a/action.yml",
        "template/.github/workflows/ci.yml",
        ".ssh/config",
        ".aws/credentials",
        ".doc\u212aer/config.json",
        ".husky/pre-commit",
        ".circleci/config.yml",
        ".gitattributes",
        "docs/.gitattributes",
        ".gitmodules",
        ".env",
        ".ENV",
        ".env.local",
        ".env:stream",
        ".envrc",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".yarnrc.yml",
        "CODEOWNERS",
        "docs/codeowners",
        ".gitlab-ci.yml",
        "Jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        "certs/server.pem",
        "id.KEY",
        "package-lock.json",
        "web/yarn.lock",
        "pnpm-lock.yaml",
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "Pipfile.lock",
        "Cargo.lock",
        "Gemfile.lock",
        "composer.lock",
        "go.sum",
        "bun.lockb",
        "bun.lock",
        "npm-shrinkwrap.json",
    ],
    "special": ["cfg", "cfg/x", "CFG", "./cfg/a/b", "vendor/lib", "vendor/lib/a.py", "Vendor/LIB/a.py"],
}
LEGITIMATE = [
    "README.md",
    "src/gitoma/app.py",
    ".github/dependabot.yml",
    ".github/ISSUE_TEMPLATE/bug.md",
    ".gitignore",
    ".editorconfig",
    "docs/grün 日本.md",
    "src/my module.py",
    "cfg2/a.py",
    "vendor/other/a.py",
    "keys.py",
    "environment.py",
    "git/a.py",
    "a.git/b",
    "lock.py",
    "src/[id].tsx",
    "pyproject.toml",
    "a..b",
]


@pytest.mark.parametrize(("code", "path"), [(code, path) for code, paths in HOSTILE.items() for path in paths])
def test_a_hostile_path_is_refused_with_its_code(code: str, path: str) -> None:
    refusal = check(path, SPECIAL)

    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert len(refusal.message) < 400


@pytest.mark.parametrize("path", LEGITIMATE)
def test_a_legitimate_path_is_left_as_it_is(path: str) -> None:
    assert check(path, SPECIAL) == path


def test_segments_of_one_dot_are_dropped() -> None:
    assert check("./src/./a.py", SPECIAL) == "src/a.py"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pyproject.toml", True),
        ("sub/PYPROJECT.toml", True),
        ("setup.cfg", True),
        ("requirements-dev.txt", True),
        ("requirements/dev.txt", True),
        ("package.json", True),
        ("build.gradle.kts", True),
        ("go.mod", True),
        ("tsconfig.json", True),
        ("setup_helpers.py", False),
        ("src/package.py", False),
        ("notes.txt", False),
        ("requirements.md", False),
    ],
)
def test_build_manifests_are_known_by_name(path: str, expected: bool) -> None:
    assert is_manifest(path) is expected


PARTS = st.sampled_from(
    [
        ".git",
        ".GIT",
        "..",
        ".",
        "",
        "src",
        "a.py",
        ".github",
        "workflows",
        "cfg",
        "vendor",
        "lib",
        ".env",
        "git~1",
        "C:",
    ]
) | st.text("./\\ ~:.agitGIT\u200b\uff0e\u2025\uff0f", max_size=6)


@given(st.lists(PARTS, max_size=6).map("/".join) | st.text(max_size=300))
@example(".\u200dgit/x")
def test_what_passes_is_a_plain_path_inside_the_repository(path: str) -> None:
    judged = check(path, SPECIAL)

    if isinstance(judged, Refusal):
        assert judged.code in ("bad-path", "denied", "special")
        assert len(judged.message.splitlines()) == 1
        return
    parts = folded(judged).split("/")
    assert judged.split("/") == [part for part in path.split("/") if part != "."]
    assert not {"", ".", ".."}.intersection(parts)
    assert ".git" not in parts
    assert parts[0] != "cfg"
    assert not judged.startswith("/")
    assert "\\" not in judged
    assert check(judged, SPECIAL) == judged
