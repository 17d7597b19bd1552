import pytest

from gitoma.adapters.testing.checkouts import snapshot
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.health import community, licences
from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.snapshot import Snapshot

APACHE = """                                 Apache License
                           Version 2.0, January 2004
   Limitation of Liability. In no event and under no legal theory ... permitted ... submit
"""
MIT = """MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software. The above copyright notice and this permission notice shall be included.
"""
BSD = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted."


def one(path: str, text: str) -> Snapshot:
    return snapshot({path: text.encode()}, PyYamlReader())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (APACHE, "Apache-2.0"),
        (MIT, "MIT"),
        (BSD, "BSD-2-Clause"),
        (BSD + " Neither the name of", "BSD-3-Clause"),
        ("GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007\n GNU Affero General Public License", "GPL-3.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n the GNU General Public License", "LGPL-3.0"),
        ("Mozilla Public License Version 2.0\n 1.4. Covered Software", "MPL-2.0"),
        ("All rights reserved. Limitation of liability.", None),
        ("MIT", None),
    ],
)
def test_a_licence_is_recognised_by_its_text(text: str, name: str | None) -> None:
    assert licences.recognised(text) == name


def test_an_apache_licence_is_not_mit() -> None:
    finding = licences.license_file(one("LICENSE", APACHE))

    assert (finding.score, finding.reason) == (10, "Apache-2.0")


@pytest.mark.parametrize(
    ("path", "text", "score"),
    [
        ("LICENSE.md", MIT, 10),
        ("LICENCE", "all mine", 9),
        ("COPYING", MIT, 10),
        ("LICENSES/MIT.txt", MIT, 10),
        ("docs/LICENSE", MIT, 7),
        ("src/licence_checker.py", MIT, 0),
        ("LICENSE", "", 0),
    ],
)
def test_a_licence_scores_by_place_and_text(path: str, text: str, score: int) -> None:
    assert licences.license_file(one(path, text)).score == score


def test_the_plain_licence_goes_before_that_of_third_parties() -> None:
    both = snapshot({"LICENSE-3rdparty": APACHE.encode(), "LICENSE": MIT.encode()}, PyYamlReader())

    assert licences.license_file(both).reason == "MIT"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("", 0),
        ("https://example.org/report", 6),
        ("Tell us about it when you find something.", 3),
        ("Please write to security@example.org, and we will look at it.", 9),
        ("Report a vulnerability to security@example.org. We answer within 5 days.", 10),
    ],
)
def test_a_security_policy_scores_by_what_it_says(text: str, score: int) -> None:
    assert community.security_policy(one("SECURITY.md", text)).score == score


WORDS = "word " * community.README_WORDS


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("# x", 2),
        (WORDS, 4),
        ("# x\n\n## Installation\n\nuse pip", 4),
        ("x\n=\n\nInstalling\n----------\n", 4),
        ("## Usage\n", 4),
        ("```\ncode\n```\n", 3),
        (f"```\n{WORDS}\n## Install\n```\n", 3),
        ("Licensed under MIT.", 3),
        (f"{WORDS}\n## Install\n## Usage\n```\nx\n```\nLicence: MIT", 10),
        ("## Getting started\n", 6),
    ],
)
def test_a_readme_scores_by_what_it_tells(text: str, score: int) -> None:
    assert community.readme(one("README.md", text)).score == score


@pytest.mark.parametrize(
    ("check", "path"),
    [
        (community.contributing, "CONTRIBUTING.md"),
        (community.contributing, "docs/contribute.rst"),
        (community.contributing, ".GitHub/contributing"),
        (community.code_of_conduct, "code-of-conduct.md"),
        (community.issue_template, ".github/ISSUE_TEMPLATE/bug.yml"),
        (community.issue_template, "ISSUE_TEMPLATE.md"),
        (community.pull_request_template, ".github/pull_request_template.md"),
        (community.changelog, "CHANGES.rst"),
        (community.changelog, "docs/changelog.md"),
        (community.changelog, "changelog.d/1.md"),
    ],
)
def test_a_community_file_is_found_where_it_may_be(check: object, path: str) -> None:
    assert callable(check)
    finding = check(one(path, "text"))
    assert isinstance(finding, Finding)

    assert (finding.score, finding.evidence) == (10, (path,))
    assert check(one(path, "")).score == 0
    assert check(one(f"elsewhere/{path.replace('/', '-')}", "text")).score == 0


def test_the_configuration_of_issue_forms_is_no_form() -> None:
    assert community.issue_template(one(".github/ISSUE_TEMPLATE/config.yml", "x")).score == 0
