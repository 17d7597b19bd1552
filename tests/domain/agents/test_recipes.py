import pytest
from hypothesis import given

from gitoma.adapters.testing.checkouts import Files, MemoryCheckout, snapshot, trees
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents import paths
from gitoma.domain.agents.health.catalogue import CHECKS, Check
from gitoma.domain.agents.health.score import Mender
from gitoma.domain.agents.ports import Kind
from gitoma.domain.agents.recipes import FOLDERS_MAX, recipe
from gitoma.domain.agents.tree import Tree

RECIPES = [check for check in CHECKS if check.fix.kind is Mender.RECIPE]
A_PROJECT: Files = {
    "pyproject.toml": b"[project]\n",
    ".github/workflows/ci.yml": b"on: push\n",
    "web/package.json": b"{}",
}


def dependabot(files: Files) -> list[tuple[str, str]]:
    """Ecosystem and folder of each update that would be asked for."""
    change = recipe("Dependency-Update-Tool", Tree(MemoryCheckout(files)))
    if change is None:
        return []
    document = PyYamlReader().read(change.files[0].new or "")
    assert isinstance(document, dict)
    assert document["version"] == "2"
    assert all(update["schedule"] == {"interval": "weekly"} for update in document["updates"])
    return [(update["package-ecosystem"], update["directory"]) for update in document["updates"]]


@pytest.mark.parametrize("check", RECIPES, ids=lambda check: check.name)
def test_a_recipe_makes_its_check_pass(check: Check) -> None:
    assert check.judge(snapshot(A_PROJECT, PyYamlReader())).score == 0

    change = recipe(check.name, Tree(MemoryCheckout(A_PROJECT)))

    assert change is not None
    assert change.paths == check.fix.files
    made = {file.path: (file.new or "").encode() for file in change.files}
    assert check.judge(snapshot({**A_PROJECT, **made}, PyYamlReader())).score == 10


def test_dependabot_watches_what_the_tree_holds() -> None:
    assert dependabot(A_PROJECT) == [("github-actions", "/"), ("npm", "/web"), ("pip", "/")]
    assert dependabot({"go.mod": b"", "Dockerfile": b"", "a/Cargo.toml": b"", "b/c/Cargo.toml": b""}) == [
        ("cargo", "/a"),
        ("cargo", "/b/c"),
        ("docker", "/"),
        ("gomod", "/"),
    ]
    assert dependabot({"x.csproj": b"", "main.tf": b"", "build.gradle.kts": b""}) == [
        ("gradle", "/"),
        ("nuget", "/"),
        ("terraform", "/"),
    ]


def test_a_lock_file_says_which_tool_reads_the_manifest_beside_it() -> None:
    assert dependabot({"pyproject.toml": b"", "uv.lock": b"", "old/requirements.txt": b""}) == [
        ("pip", "/old"),
        ("uv", "/"),
    ]
    assert dependabot({"package.json": b"", "bun.lock": b""}) == [("bun", "/")]


def test_what_others_wrote_and_what_is_an_example_is_not_watched() -> None:
    assert (
        dependabot({"vendor/go.mod": b"", "tests/fixtures/package.json": b"", "node_modules/x/package.json": b""}) == []
    )
    assert dependabot({'a"\n- b/package.json': b"", "a: b/package.json": b"", "*/package.json": b""}) == []
    many = {f"{number}/package.json": b"" for number in range(9)}
    assert len(dependabot(many)) == FOLDERS_MAX


def test_where_there_is_nothing_to_watch_there_is_no_recipe() -> None:
    assert dependabot({"main.c": b""}) == []


@pytest.mark.parametrize(
    "files",
    [
        {".github/PULL_REQUEST_TEMPLATE.md": b""},
        {".github/pull_request_template.md": b""},
        {".github": (Kind.LINK, b"elsewhere")},
        {".github": b"a file"},
    ],
)
def test_a_recipe_overwrites_nothing_and_follows_no_link(files: Files) -> None:
    assert recipe("Pull-Request-Template", Tree(MemoryCheckout(files))) is None


def test_there_are_recipes_for_the_checks_that_say_so_and_no_others() -> None:
    tree = Tree(MemoryCheckout(A_PROJECT))

    assert {check.name for check in CHECKS if recipe(check.name, tree)} == {check.name for check in RECIPES}
    assert recipe("No-Such-Check", tree) is None


@given(trees())
def test_whatever_the_tree_a_recipe_is_new_files_that_may_be_written(files: Files) -> None:
    tree = Tree(MemoryCheckout(files))

    for check in RECIPES:
        change = recipe(check.name, tree)
        for file in change.files if change else ():
            assert file.old is None
            assert file.path not in tree
            assert paths.check(file.path, tree.special) == file.path
            if file.path.endswith(".yml"):
                PyYamlReader().check(file.new or "")
