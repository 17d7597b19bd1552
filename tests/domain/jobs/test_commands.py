"""What each command hands to the agent's command line."""

import pytest

from gitoma.domain.jobs.commands import Analyze, Command, FixCi, Review, Run
from gitoma.domain.repos.names import Branch, RepoUrl

URL = "https://github.com/acme/widget"
REPO = RepoUrl.parse(URL)
BRANCH = Branch("topic/x")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (Run(REPO), ["run", URL, "--yes"]),
        (Run(REPO, BRANCH), ["run", URL, "--yes", "--branch", "topic/x"]),
        (Run(REPO, dry_run=True), ["run", URL, "--yes", "--dry-run"]),
        (Run(REPO, BRANCH, dry_run=True), ["run", URL, "--yes", "--branch", "topic/x", "--dry-run"]),
        (Analyze(REPO), ["analyze", URL]),
        (Review(REPO), ["review", URL]),
        (Review(REPO, integrate=True), ["review", URL, "--integrate"]),
        (FixCi(REPO, BRANCH), ["fix-ci", URL, "--branch", "topic/x"]),
        (FixCi(REPO, BRANCH, dry_run=True), ["fix-ci", URL, "--branch", "topic/x", "--dry-run"]),
    ],
)
def test_a_command_becomes_the_arguments_of_the_contract(command: Command, arguments: list[str]):
    assert list(command.arguments()) == arguments
    assert command.label == arguments[0]
