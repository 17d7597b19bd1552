"""What the model is scripted to say in the tests of `run`: a plan of three tasks, and good work on each."""

from .world import plan, task, whole_file

THREE_TASKS = plan(
    task("Security-Policy", "SECURITY.md"), task("Contributing", "CONTRIBUTING.md"), task("Changelog", "CHANGELOG.md")
)
POLICY = whole_file("SECURITY.md", "# Security\n\nWrite to security@example.org. We answer within 5 days.\n")
GUIDE = whole_file("CONTRIBUTING.md", "# Contributing\n\nRun the tests, then open a pull request.\n")
CHANGES = whole_file("CHANGELOG.md", "# Changelog\n\n## 0.1.0\n\n- The first release.\n")
GOOD_WORK = (POLICY, GUIDE, CHANGES)

SUBJECTS = [
    "docs(security): say how to report a vulnerability",
    "docs(contributing): say how to contribute",
    "docs(changelog): tell what changed",
]
"""The first lines of the commits, in order."""
