from datetime import timedelta

import pytest

from gitoma.adapters.testing.checkouts import A_TIME, Files, snapshot
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.health import hygiene, manifests, quality, secrets, syntax
from gitoma.domain.agents.health.snapshot import Snapshot
from gitoma.domain.agents.ports import Kind

PROJECT = b"""
[build-system]
requires = ["hatchling"]
[project]
name = "x"
version = "1"
description = "x"
readme = "README.md"
requires-python = ">=3.11"
license = "MIT"
authors = [{ name = "a" }]
urls = { home = "https://example.org" }
"""
# Put together here, so that this file holds no token of its own.
TOKEN = b"gh" + b"p_" + b"Zk3Qw9Rt7Yb2Nm5Xc8Vl1Ka4Jh6Gf0Ds3Pq7"
KEY = b"-----BEGIN RSA PRIVATE " + b"KEY-----\n" + b"MIIEowIBAAKCAQEAu1SU\n" * 12 + b"-----END"


def of(files: Files) -> Snapshot:
    return snapshot(files, PyYamlReader())


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({"README.md": b"x"}, None),
        ({"a.py": b"x"}, 0),
        ({"a.py": b"x", "tests/test_a.py": b"x"}, 10),
        ({**{f"{n}.py": b"x" for n in range(10)}, "test_a.py": b"x"}, 6),
        ({**{f"{n}.py": b"x" for n in range(10)}, **{f"test_{n}.py": b"x" for n in range(3)}}, 10),
        ({"a.go": b"x", "a_test.go": b"x"}, 10),
        ({"a.ts": b"x", "a.spec.ts": b"x"}, 10),
        ({"A.java": b"x", "ATest.java": b"x"}, 10),
        ({"src/lib.rs": b"fn a() {}\n#[cfg(test)]\nmod tests {}"}, 10),
        ({"src/lib.rs": b"fn a() {}"}, 0),
        ({"a.py": b"x", "vendor/test_a.py": b"x", "node_modules/b.test.js": b"x"}, 0),
        ({"latest.py": b"x", "contest.py": b"x"}, 0),
        ({"tests/test_a.py": b"x", "setup.py": b"x", "conftest.py": b"x"}, None),
    ],
)
def test_tests_score_by_their_share_of_the_sources(files: Files, score: float | None) -> None:
    assert quality.tests(of(files)).score == score


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({"a.py": b"x"}, None),
        ({"pyproject.toml": PROJECT}, 10),
        ({"pyproject.toml": PROJECT.replace(b'version = "1"', b'dynamic = ["version"]')}, 10),
        ({"pyproject.toml": PROJECT.replace(b'description = "x"', b"")}, 8.9),
        ({"pyproject.toml": b"[tool.ruff]\nx = 1"}, None),
        ({"pyproject.toml": b"[tool.ruff]\nx = 1", "setup.py": b"x"}, 4),
        ({"pyproject.toml": b"[project"}, 0),
        ({"requirements.txt": b"x"}, 4),
        ({"package.json": b"{}"}, 0),
        ({"package.json": b"[]"}, 0),
        ({"package.json": b"{"}, 0),
        ({"package.json": b'{"private": true, "name": "x", "scripts": {"a": "b"}}'}, 10),
        ({"Cargo.toml": b"[workspace]\nmembers = []"}, None),
        ({"Cargo.toml": b'[package]\nname="x"\nversion="1"\nedition="2021"\ndescription="x"\nlicense="MIT"'}, 8),
        ({"go.mod": b"module example.org/x\n\ngo 1.22\n"}, 10),
        ({"go.mod": b"module example.org/x\n"}, 5),
    ],
)
def test_a_manifest_scores_by_the_share_of_its_metadata(files: Files, score: float | None) -> None:
    assert manifests.manifest(of(files)).score == score


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({"README.md": b"x"}, None),
        ({"a.py": b"x = 1", "b.json": b"{}", "c.toml": b"x = 1", "d.yml": b"x: 1"}, 10),
        ({"a.py": b"def f(:"}, 7),
        ({"a.json": b'{"a": 1,}', "b.yaml": b"a: [", "c.toml": b"x ="}, 1),
        ({f"{n}.py": b"(" for n in range(9)}, 0),
        ({"tests/a.py": b"(", "x/fixtures/a.json": b"{", "templates/a.yml": b"{{ x", "{{name}}/a.py": b"("}, None),
        ({"tsconfig.json": b"{ // x\n}", ".vscode/settings.json": b"{ // x\n}"}, None),
        (
            {
                "bom.json": b"\xef\xbb\xbf{}",
                "bom.py": b"\xef\xbb\xbfx = 1",
                "latin.py": b"# coding: latin-1\nx = '\xe9'",
            },
            10,
        ),
        ({"two.yml": b"a: 1\n---\nb: 2\n", "tag.yml": b"a: !Ref b\n"}, 10),
        ({"deep.py": b"(" * 5000, "deep.json": b"[" * 100_000}, 4),
        ({"warning.py": rb"'\d'"}, 10),
        ({"nul.py": b"\0"}, 7),
    ],
)
def test_syntax_scores_by_the_files_that_do_not_parse(files: Files, score: float | None) -> None:
    assert syntax.valid_syntax(of(files)).score == score


def test_a_repository_is_not_blamed_for_what_is_too_large_to_parse() -> None:
    assert syntax.valid_syntax(of({"a.json": b"[" + b"1," * 300_000})).score is None


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({"app.py": b'password = request.form["password"]'}, 10),
        ({"app.py": b'api_key = "changeme"\ntoken = os.environ["TOKEN"]'}, 10),
        ({"app.py": b'token = "' + TOKEN + b'"'}, 0),
        ({"tests/app.py": b'token = "' + TOKEN + b'"', "docs/x.md": TOKEN}, 7),
        ({"a.pem": KEY}, 0),
        ({"read.py": b'HEADER = "-----BEGIN RSA PRIVATE ' + b'KEY-----"'}, 10),
        ({"aws.py": b"AKIA" + b"IOSFODNN7EXAMPLE"}, 10),
        ({"aws.py": b"AKIA" + b"Z7Q3LMK2WXYB45RT"}, 0),
        ({"x.py": b"gh" + b"p_" + b"x" * 36}, 10),
        ({"x.py": b"gh" + b"p_" + b"abcdefghijklmnopqrstuvwxyz0123456789"}, 10),
        ({"binary": b"\0" + TOKEN}, 10),
        ({"link": (Kind.LINK, TOKEN)}, 10),
    ],
)
def test_secrets_are_what_a_vendor_made_recognisable(files: Files, score: int) -> None:
    assert secrets.secrets(of(files)).score == score


def test_a_secret_is_never_repeated() -> None:
    finding = secrets.secrets(of({"app.py": TOKEN}))

    assert finding.evidence == ("app.py: GitHub token",)


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({"a.py": b"x"}, 10),
        ({"a.exe": b"MZ\0", "b.so": b"\x7fELF\0"}, 8),
        ({"a.lib": b"plain text\n"}, 10),
        ({"gradle/wrapper/gradle-wrapper.jar": b"PK\0"}, 10),
        ({"tool": b"\x7fELF\0\1"}, 9),
        ({f"{n}.pyc": b"\0" for n in range(12)}, 0),
        ({"link.exe": (Kind.LINK, b"\0")}, 10),
    ],
)
def test_binaries_that_a_build_makes_cost_a_point_each(files: Files, score: int) -> None:
    assert hygiene.binary_artifacts(of(files)).score == score


@pytest.mark.parametrize("path", [".github/dependabot.yml", "renovate.json", ".renovaterc", ".github/RENOVATE.json5"])
def test_an_update_tool_is_found_by_its_configuration(path: str) -> None:
    assert hygiene.dependency_update_tool(of({path: b"x"})).score == 10
    assert hygiene.dependency_update_tool(of({f"other/{path}": b"x"})).score == 0


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({}, 6),
        ({".gitignore": b"x"}, 10),
        ({".gitignore": b"x", "a/.DS_Store": b"x"}, 7),
        ({".gitignore": b"x", "node_modules/a.js": b"x", "big": b"x" * (hygiene.LARGE_FILE + 1)}, 4),
        ({".gitignore": b"x", ".env": b"x"}, 7),
        ({".gitignore": b"x", ".env.example": b"x"}, 10),
    ],
)
def test_hygiene_scores_what_is_tracked(files: Files, score: int) -> None:
    assert hygiene.repo_hygiene(of(files)).score == score


@pytest.mark.parametrize(
    ("days", "score"), [(-30, 10), (0, 10), (90, 10), (91, 7), (180, 7), (181, 4), (365, 4), (366, 0)]
)
def test_freshness_goes_by_the_age_of_the_newest_commit(days: int, score: int) -> None:
    assert hygiene.fresh_commits(snapshot({}, PyYamlReader(), A_TIME + timedelta(days=days))).score == score
