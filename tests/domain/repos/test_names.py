"""Repository URLs, slugs and branches: what is taken and what is not."""

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.errors import InvalidName
from gitoma.domain.repos.names import Branch, RepoUrl, Slug

# The rules of the REST page, which say less than ours: whatever we take must pass them.
REFERENCE_URL = re.compile(r"https://github\.com/[^/\s]+/[^/\s]+(?:\.git)?/?")
REFERENCE_BRANCH = re.compile(r"(?!-)[A-Za-z0-9._/-]{1,255}")

OWNERS = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}_?[A-Za-z0-9-]{1,15})?", fullmatch=True).filter(
    lambda owner: "__" not in owner
)
NAMES = st.from_regex(r"[A-Za-z0-9._][A-Za-z0-9._-]{0,99}", fullmatch=True).filter(
    lambda name: name not in (".", "..") and not name.endswith(".git")
)


@given(OWNERS, NAMES, st.sampled_from(["", "/", ".git", ".git/"]))
def test_a_github_address_is_read_with_or_without_its_ending(owner: str, name: str, ending: str):
    url = RepoUrl.parse(f"https://github.com/{owner}/{name}{ending}")

    assert url.slug == Slug(owner, name)
    assert url.text == f"https://github.com/{owner}/{name}{ending}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme/widget",
        "http://github.com/acme/widget",
        "HTTPS://github.com/acme/widget",
        "https://GitHub.com/acme/widget",
        "https://github.com.evil.example/acme/widget",
        "https://evil.example/github.com/acme/widget",
        "https://user@github.com/acme/widget",
        "https://user:secret@github.com/acme/widget",
        "https://github.com:443/acme/widget",
        "https://github.com/acme/widget\n",
        "\nhttps://github.com/acme/widget",
        "https://github.com/acme/widget//",
        "https://github.com/acme//widget",
        "https://github.com/acme",
        "https://github.com/acme/",
        "https://github.com/acme/widget/tree/main",
        "https://github.com/acme/widget?x=1",
        "https://github.com/acme/widget#readme",
        "https://github.com/acme/..",
        "https://github.com/acme/.",
        "https://github.com/acme/.git",
        "https://github.com/acme/-widget",
        "https://github.com/acme/wid get",
        "https://github.com/acme/widg\u0435t",
        "https://github.com/-acme/widget",
        "https://github.com/_acme/widget",
        "https://github.com/acme_/widget",
        "https://github.com/ac__me/widget",
        f"https://github.com/{'a' * 40}/widget",
        f"https://github.com/acme/{'w' * 101}",
        "https://github.com/acme/widget%2f..",
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=x",
    ],
)
def test_anything_else_is_refused_and_never_quoted(text: str):
    with pytest.raises(InvalidName) as refusal:
        RepoUrl.parse(text)
    assert "secret" not in str(refusal.value)


def test_one_git_ending_is_cut_before_the_name_is_judged():
    assert RepoUrl.parse("https://github.com/acme/widget.git.git").slug.name == "widget.git"
    with pytest.raises(InvalidName):
        RepoUrl.parse("https://github.com/acme/...git")


@given(st.text())
def test_whatever_is_taken_passes_the_rule_of_the_rest_page(text: str):
    try:
        RepoUrl.parse(text)
    except InvalidName:
        return
    assert REFERENCE_URL.fullmatch(text)


@given(OWNERS, NAMES, OWNERS, NAMES)
def test_no_two_repositories_share_a_file(owner: str, name: str, other_owner: str, other_name: str):
    one, other = Slug(owner, name), Slug(other_owner, other_name)

    assert (one.file_stem == other.file_stem) == (one == other)


def test_the_two_repositories_that_would_share_a_file_are_not_both_names():
    with pytest.raises(InvalidName):
        Slug("a__b", "c")
    assert Slug("a", "b__c").file_stem == "a__b__c"


def test_a_slug_in_an_address_is_taken_as_it_is():
    assert Slug("acme", "widget.git").name == "widget.git"
    assert Slug.problems("acme", "..").keys() == {"name"}
    assert Slug.problems("-", "..").keys() == {"owner", "name"}
    assert not Slug.problems("acme", "widget")


@pytest.mark.parametrize("name", ["main", "topic/x", "v1.0", "a", "x" * 255, "a/b/c", "under_score", "a.b", "a-"])
def test_an_ordinary_branch_is_taken(name: str):
    assert Branch(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "-x", "--force", "a b", "a\n", "a\t", "ä", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{1}", "@"),
        *("a..b", "..", "a//b", "/a", "a/", ".", "a.", ".a", "a/.b", "a.lock", "a.lock/b", "HEAD"),
    ],
)
def test_a_branch_that_the_page_or_git_refuses_is_refused(name: str):
    with pytest.raises(InvalidName) as refusal:
        Branch(name)
    assert refusal.value.kind == "value_error"


def test_a_branch_that_is_too_long_says_so():
    with pytest.raises(InvalidName) as refusal:
        Branch("x" * 256)
    assert refusal.value.kind == "string_too_long"


@given(st.text(alphabet="ab./-_lock", max_size=12))
def test_every_branch_that_is_taken_is_one_that_git_takes(name: str):
    try:
        Branch(name)
    except InvalidName:
        return
    assert REFERENCE_BRANCH.fullmatch(name)
    assert not re.search(r"\.\.|//|(^|/)\.|\.lock(/|$)|\.$|/$|^/", name)


def test_git_itself_agrees_on_every_hard_case():
    cases = ["a", "a.b", "a..b", "a/b", "a//b", "/a", "a/", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "lock", "HEAD"]
    for name in cases:
        git = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, check=False)
        try:
            Branch(name)
        except InvalidName:
            assert git.returncode != 0, name
        else:
            assert git.returncode == 0, name
