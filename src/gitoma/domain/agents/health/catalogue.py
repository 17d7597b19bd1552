"""Every check there is, in the order in which they run and are shown: its weight, its rule, and who can mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitoma.domain.agents.health import community, hygiene, licences, manifests, quality, secrets, syntax
from gitoma.domain.agents.health import workflow_checks as workflow
from gitoma.domain.agents.health.score import CheckResult, Finding, Fix, Mender, Risk, Standard
from gitoma.domain.agents.health.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Check:
    """One check: pure, total, and the same for every order of the entries."""

    name: str
    risk: Risk
    standard: Standard
    judge: Callable[[Snapshot], Finding]
    fix: Fix

    def result(self, finding: Finding) -> CheckResult:
        """The row of a report for what this check found."""
        return CheckResult(
            self.name, self.risk, self.standard, finding.score, finding.reason, finding.evidence, self.fix
        )


def _check(
    name: str,
    risk: Risk,
    standard: Standard,
    judge: Callable[[Snapshot], Finding],
    kind: Mender,
    hint: str,
    *files: str,
) -> Check:
    return Check(name, risk, standard, judge, Fix(kind, files, hint))


_CRITICAL, _HIGH, _MEDIUM, _LOW = Risk.CRITICAL, Risk.HIGH, Risk.MEDIUM, Risk.LOW
_S, _COMMUNITY, _LINTER, _OWN = Standard.SCORECARD, Standard.COMMUNITY, Standard.REPOLINTER, Standard.OWN
_AGENT, _HUMAN, _RECIPE, _NOBODY = Mender.AGENT, Mender.HUMAN, Mender.RECIPE, Mender.NOBODY

FRESH_COMMITS = "Fresh-Commits"
"""The check that any commit mends, whatever is in it."""

# fmt: off
CHECKS: tuple[Check, ...] = (
    _check("Dangerous-Workflow", _CRITICAL, _S, workflow.dangerous_workflow, _HUMAN,
           "Hand untrusted text to scripts through env, and check out no pull request code with write rights."),
    _check("Token-Permissions", _HIGH, _S, workflow.token_permissions, _HUMAN,
           "Declare `permissions: contents: read` at the top of each workflow, and more only for jobs that need it."),
    _check("Binary-Artifacts", _HIGH, _S, hygiene.binary_artifacts, _HUMAN,
           "Build these files in CI instead of tracking them."),
    _check("Dependency-Update-Tool", _HIGH, _S, hygiene.dependency_update_tool, _RECIPE,
           "Let Dependabot propose updates.", ".github/dependabot.yml"),
    _check("Pinned-Dependencies", _MEDIUM, _S, workflow.pinned_dependencies, _HUMAN,
           "Name actions by commit and base images by digest."),
    _check("SAST", _MEDIUM, _S, workflow.sast, _HUMAN,
           "Run CodeQL or another scanner in CI."),
    _check("Security-Policy", _MEDIUM, _S, community.security_policy, _AGENT,
           "Say where to report a vulnerability, and when to expect an answer.", "SECURITY.md"),
    _check("License", _LOW, _S, licences.license_file, _HUMAN,
           "Choose a licence and put its text into LICENSE.", "LICENSE"),
    _check("Readme", _MEDIUM, _COMMUNITY, community.readme, _AGENT,
           "Explain what it is, how to install and how to use it, with an example.", "README.md"),
    _check("Contributing", _LOW, _COMMUNITY, community.contributing, _AGENT,
           "Say how to set up, test and propose a change.", "CONTRIBUTING.md"),
    _check("Code-Of-Conduct", _LOW, _COMMUNITY, community.code_of_conduct, _HUMAN,
           "Choose a code of conduct and name who answers for it.", "CODE_OF_CONDUCT.md"),
    _check("Issue-Template", _LOW, _COMMUNITY, community.issue_template, _RECIPE,
           "Ask reporters for what is needed.", ".github/ISSUE_TEMPLATE/bug_report.md"),
    _check("Pull-Request-Template", _LOW, _COMMUNITY, community.pull_request_template, _RECIPE,
           "Ask contributors for what is needed.", ".github/PULL_REQUEST_TEMPLATE.md"),
    _check("Changelog", _LOW, _LINTER, community.changelog, _AGENT,
           "Tell users what changed in each version.", "CHANGELOG.md"),
    _check("Tests", _HIGH, _OWN, quality.tests, _AGENT,
           "Add tests for the sources that have none.", "tests/"),
    _check("CI-Tests", _MEDIUM, _OWN, quality.ci_tests, _HUMAN,
           "Run the tests on every push and pull request."),
    _check("Lint-And-Types", _LOW, _OWN, quality.lint_and_types, _AGENT,
           "Configure a linter or a type checker, and run it in CI.", "pyproject.toml"),
    _check("Manifest", _MEDIUM, _OWN, manifests.manifest, _AGENT,
           "Fill in what registries and readers expect.", "pyproject.toml", "package.json", "Cargo.toml", "go.mod"),
    _check("Valid-Syntax", _HIGH, _OWN, syntax.valid_syntax, _AGENT,
           "Mend the files that do not parse."),
    _check("Secrets", _HIGH, _OWN, secrets.secrets, _HUMAN,
           "Revoke the key where it was issued; removing it from the files is not enough."),
    _check("Repo-Hygiene", _LOW, _OWN, hygiene.repo_hygiene, _AGENT,
           "Ignore what builds and editors leave behind, and remove it from the index.", ".gitignore"),
    _check(FRESH_COMMITS, _LOW, _OWN, hygiene.fresh_commits, _NOBODY,
           "Nothing has changed for long; say in the README whether the project is maintained."),
)
# fmt: on
