import pytest

from gitoma.adapters.testing.checkouts import snapshot
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.health import quality
from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.workflow_checks import (
    dangerous_workflow,
    pinned_dependencies,
    sast,
    token_permissions,
)
from gitoma.domain.agents.health.workflows import ci

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def workflow(*steps: str, on: str = "push", top: str = "permissions: {contents: read}") -> bytes:
    lines = [f"on: {on}", top, "jobs:", "  build:", "    runs-on: ubuntu-latest", "    steps:", *steps]
    return "\n".join(lines).encode()


def judged(check: object, text: bytes, path: str = ".github/workflows/ci.yml") -> Finding:
    assert callable(check)
    finding = check(snapshot({path: text}, PyYamlReader()))
    assert isinstance(finding, Finding)
    return finding


@pytest.mark.parametrize(
    "expression",
    [
        "github.event.issue.title",
        "github.event.pull_request.body",
        "github['event']['issue'].title",
        "github.event.commits[0].message",
        "github.event.commits.*.author.name",
        "github.head_ref",
        "GitHub.Head_Ref",
        "format('{0}', github.event.comment.body)",
        "github.event.pull_request.head.label",
        "github.event.workflow_run.head_branch",
    ],
)
def test_untrusted_text_in_a_script_is_dangerous(expression: str) -> None:
    finding = judged(dangerous_workflow, workflow(f'      - run: echo "${{{{ {expression} }}}}"'))

    assert finding.score == 0
    assert ".github/workflows/ci.yml" in finding.evidence[0]


@pytest.mark.parametrize(
    "expression",
    [
        "github.sha",
        "github.event.pull_request.number",
        "github.event.pull_request.base.ref",
        "github.event.issue.id",
    ],
)
def test_trusted_text_in_a_script_is_not_dangerous(expression: str) -> None:
    assert judged(dangerous_workflow, workflow(f"      - run: echo ${{{{ {expression} }}}}")).score == 10


def test_untrusted_text_in_a_variable_is_not_dangerous() -> None:
    steps = ("      - run: echo $TITLE", "        env: {TITLE: '${{ github.event.issue.title }}'}")

    assert judged(dangerous_workflow, workflow(*steps)).score == 10


def test_untrusted_text_in_a_comment_of_the_file_is_not_dangerous() -> None:
    assert judged(dangerous_workflow, workflow("      - run: true # ${{ github.head_ref }}")).score == 10


@pytest.mark.parametrize("trigger", ["pull_request_target", "[push, workflow_run]", "{pull_request_target: {}}"])
def test_checking_out_a_pull_request_with_write_rights_is_dangerous(trigger: str) -> None:
    steps = ("      - uses: actions/checkout@v4", "        with: {ref: '${{ github.event.pull_request.head.sha }}'}")

    assert judged(dangerous_workflow, workflow(*steps, on=trigger)).score == 0
    assert judged(dangerous_workflow, workflow(*steps, on="pull_request")).score == 10


def test_checking_out_the_base_with_write_rights_is_not_dangerous() -> None:
    steps = ("      - uses: actions/checkout@v4", "        with: {ref: '${{ github.event.pull_request.base.sha }}'}")

    assert judged(dangerous_workflow, workflow(*steps, on="pull_request_target")).score == 10


@pytest.mark.parametrize("check", [dangerous_workflow, token_permissions])
def test_a_check_of_workflows_does_not_apply_without_workflows(check: object) -> None:
    assert judged(check, b"x", path="README.md").score is None


@pytest.mark.parametrize(
    ("top", "score"),
    [
        ("permissions: {contents: read}", 10),
        ("permissions: read-all", 10),
        ("permissions: {}", 10),
        ("permissions: {issues: write}", 10),
        ("permissions: write-all", 0),
        ("permissions: {contents: write}", 0),
        ("permissions: {security-events: write}", 0),
        ("name: none", 0),
    ],
)
def test_token_permissions_go_by_what_the_top_declares(top: str, score: int) -> None:
    assert judged(token_permissions, workflow("      - run: true", top=top)).score == score


def test_permissions_on_every_job_are_almost_as_good() -> None:
    every = b"on: push\njobs:\n  a: {permissions: {contents: write}, steps: []}\n"

    assert judged(token_permissions, every).score == 9
    assert judged(token_permissions, every + b"  b: {steps: []}\n").score == 0


def test_pinned_is_a_commit_or_a_digest() -> None:
    uses = workflow(
        f"      - uses: a/b@{COMMIT}",
        "      - uses: a/b@v1",
        "      - uses: ./local",
        f"      - uses: docker://x@sha256:{'0' * 64}",
        "      - uses: docker://x:1",
    )

    finding = judged(pinned_dependencies, uses)

    assert finding.score == 5
    assert len(finding.evidence) == 2


def test_base_images_are_pinned_by_digest_and_stages_are_none() -> None:
    text = (
        f"FROM --platform=x python@sha256:{'a' * 64} AS base\nFROM base\nFROM scratch\nFROM ${{IMAGE}}\nfrom alpine:3\n"
    )

    finding = judged(pinned_dependencies, text.encode(), path="docker/Dockerfile.dev")

    assert (finding.score, finding.evidence) == (5, ("docker/Dockerfile.dev: alpine:3",))


def test_an_action_or_a_command_that_looks_for_mistakes_is_sast() -> None:
    assert judged(sast, workflow("      - uses: github/codeql-action/analyze@v3")).score == 10
    assert judged(sast, workflow("      - run: uvx bandit -r src")).score == 10
    assert judged(sast, workflow("      - run: pip install bandit")).score == 0
    assert judged(sast, workflow("      - run: echo bandit")).score == 0


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "python -m pytest -q",
        ".venv/bin/python3.12 -m pytest",
        "uv run --extra test pytest tests",
        "poetry run pytest",
        "coverage run -m pytest",
        "set -e; cd x && npm test",
        "npm run test -- --ci",
        "yarn test",
        "CI=1 go test ./...",
        "cargo test --all",
        "cargo nextest run",
        "make -C sub test",
        "make check",
        "mvn -B verify",
        "./gradlew check",
        "tox -e py311",
        "tox",
        "nox -s tests-3.12",
        "./scripts/test.sh",
        "xvfb-run -a npm test",
        "timeout 60 pytest",
        "python manage.py test",
        "ctest --output-on-failure",
    ],
)
def test_a_command_that_runs_tests_makes_tests_in_ci(command: str) -> None:
    assert judged(quality.ci_tests, workflow(f"      - run: {command}")).score == 10


@pytest.mark.parametrize(
    "command",
    [
        "echo hello",
        "echo pytest",
        "pip install pytest",
        "python -m pip install pytest",
        "npm install",
        "npm install --save-dev jest",
        "'# pytest'",
        "tox -e lint",
        "nox -s docs",
        "apt-get install test-tools",
        "cargo build",
        "go build ./...",
        "make",
        "ls tests",
        "cat latest",
    ],
)
def test_a_command_that_names_tests_makes_none(command: str) -> None:
    assert judged(quality.ci_tests, workflow(f"      - run: {command}")).score == 3


def test_no_ci_is_worth_nothing() -> None:
    assert judged(quality.ci_tests, b"x", path="main.py").score == 0


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".gitlab-ci.yml", b"unit:\n  script:\n    - pip install .\n    - pytest\n"),
        (".circleci/config.yml", b"jobs: {b: {steps: [{run: {command: make test}}]}}"),
        (".travis.yml", b"script: npm test\n"),
        ("azure-pipelines.yml", b"steps:\n- bash: |\n    dotnet test\n"),
        ("Jenkinsfile", b"steps { sh 'make test' }"),
    ],
)
def test_other_systems_of_ci_count_too(path: str, text: bytes) -> None:
    assert judged(quality.ci_tests, text, path=path).score == 10
    assert judged(quality.ci_tests, b"stages: []", path=path).score == 3


def test_a_script_given_to_an_action_is_a_script() -> None:
    steps = ("      - uses: nick-fields/retry@v3", "        with: {command: pytest}")

    assert judged(quality.ci_tests, workflow(*steps)).score == 10


def test_a_workflow_may_hold_anything_anywhere() -> None:
    steps = (b"{steps: {x: y}}", b"{steps: [1, [], {uses: []}]}", b"[]", b"{permissions: [x], steps: [{with: 3}]}")
    for text in (b"[]", b"jobs: 3", b"on: {x: 1}", *(b"jobs: {a: " + each + b"}" for each in steps)):
        running = ci(snapshot({".github/workflows/x.yml": text}, PyYamlReader()))

        assert running.files == (".github/workflows/x.yml",)
        assert running.scripts == ()


@pytest.mark.parametrize(
    ("files", "score"),
    [
        ({"main.py": b"x"}, 0),
        ({"main.py": b"x", ".flake8": b"[flake8]"}, 5),
        ({"pyproject.toml": b"[tool.ruff]\nline-length = 100"}, 5),
        ({"pyproject.toml": b"[tool.other]\nx = 1"}, 0),
        ({".github/workflows/a.yml": workflow("      - run: ruff check .")}, 5),
        ({".github/workflows/a.yml": workflow("      - run: npm run lint"), "eslint.config.js": b"x"}, 10),
        (
            {
                ".github/workflows/a.yml": workflow("      - uses: pre-commit/action@v3"),
                ".pre-commit-config.yaml": b"x",
            },
            10,
        ),
        ({".github/workflows/a.yml": workflow("      - run: pip install ruff")}, 0),
    ],
)
def test_linting_is_half_configuration_and_half_ci(files: dict[str, bytes], score: int) -> None:
    assert quality.lint_and_types(snapshot(files, PyYamlReader())).score == score
