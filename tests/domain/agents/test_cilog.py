import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.cilog import EXCERPT_MAX, FILES_MAX, Failure, collapse, failure_of
from gitoma.domain.agents.code_host import CiJob
from gitoma.domain.agents.progress import printable

TREE = (
    ".github/workflows/ci.yml",
    "README.md",
    "conftest.py",
    "src/widget/gears.py",
    "src/widget/turning.py",
    "tests/test_gears.py",
    "tests/test_turning.py",
    "web/app.ts",
    "web/app.test.ts",
)
TEXTS = {
    "tests/test_turning.py": "import json\nfrom widget.turning import turn\n",
    "web/app.test.ts": "import { app } from './app'\n",
}

PYTEST = """\
##[group]Run pytest
pytest
shell: /usr/bin/bash -e {0}
##[endgroup]
collected 2 items
tests/test_gears.py::test_a_gear PASSED
tests/test_turning.py::test_it FAILED
=================================== FAILURES ===================================
    def test_it():
>       assert turn("a") == "b"
tests/test_turning.py:5: AssertionError
FAILED tests/test_turning.py::test_it - AssertionError: assert 'a' == 'b'
========================= 1 failed, 1 passed in 0.03s =========================
##[error]Process completed with exit code 1.
Post job cleanup.
"""


def stamped(log: str) -> str:
    return "".join(f"2026-04-21T10:00:0{n % 10}.1234567Z {line}\n" for n, line in enumerate(log.splitlines()))


def read(path: str) -> str | None:
    return TEXTS.get(path)


def failure(log: str, tree: tuple[str, ...] = TREE) -> Failure:
    return failure_of(log, tree, read)


def test_a_failed_test_is_told_with_its_file_its_line_and_the_module_it_imports() -> None:
    found = failure(stamped(PYTEST))

    assert found.files == ("tests/test_turning.py", "src/widget/turning.py")
    assert found.lines == {"tests/test_turning.py": (5,), "src/widget/turning.py": ()}
    assert "AssertionError: assert 'a' == 'b'" in found.excerpt
    assert not found.in_workflow


def test_time_stamps_colours_and_scripts_of_steps_are_left_out() -> None:
    excerpt = failure(stamped(PYTEST.replace("FAILED", "\x1b[31mFAILED\x1b[0m"))).excerpt

    assert "2026-04-21" not in excerpt
    assert "\x1b" not in excerpt
    assert "shell: " not in excerpt
    assert "##[group]Run pytest" in excerpt
    assert "Post job cleanup" not in excerpt


def test_a_group_that_tells_of_a_failure_is_shown() -> None:
    excerpt = failure("##[group]cargo test\nthread 'it' panicked at src/widget/gears.py:7:5:\n##[endgroup]\n").excerpt

    assert "panicked at" in excerpt


@pytest.mark.parametrize(
    ("line", "path", "number"),
    [
        ("src/widget/gears.py:12:5: error: no", "src/widget/gears.py", 12),
        ('  File "/home/runner/work/widget/widget/src/widget/gears.py", line 12, in turn', "src/widget/gears.py", 12),
        ("./src/widget/gears.py:12: AssertionError", "src/widget/gears.py", 12),
        (r"D:\a\widget\widget\src\widget\gears.py:12: AssertionError", "src/widget/gears.py", 12),
        ("  --> src/widget/gears.py:12:5", "src/widget/gears.py", 12),
        ("web/app.ts(12,5): error TS2304: no", "web/app.ts", 12),
        ("[ERROR] /home/runner/work/x/x/web/app.ts:[12,5] no", "web/app.ts", 12),
        ("    at app (file:///home/runner/work/x/x/web/app.ts:12:5)", "web/app.ts", 12),
        ("    gears.py:12: an abbreviated name", "src/widget/gears.py", 12),
        ("../src/widget/gears.py:12: from a folder below", "src/widget/gears.py", 12),
    ],
)
def test_every_tool_names_files_in_its_own_way(line: str, path: str, number: int) -> None:
    found = failure(f"##[error]it failed\n{line}\n")

    assert found.lines == {path: (number,)}


@pytest.mark.parametrize(
    "name",
    [
        "/usr/lib/python3.11/conftest.py",
        "/opt/hostedtoolcache/Python/3.11.4/x64/lib/python3.11/site-packages/conftest.py",
        "/home/runner/work/x/x/node_modules/left/web/app.ts",
        "/home/runner/work/_actions/actions/checkout/v4/web/app.ts",
        "/home/runner/.cargo/registry/src/x/src/widget/gears.py",
        "../../etc/passwd",
        "/etc/passwd",
    ],
)
def test_what_is_not_of_the_repository_is_not_named(name: str) -> None:
    assert failure(f"##[error]{name}:3: broken\n").files == ()


ESLINT = """\
##[group]Run npx eslint .
npx eslint .
shell: /usr/bin/bash -e {0}
##[endgroup]

/home/runner/work/widget/widget/web/app.ts
   1:7   error    'unused' is assigned a value but never used  @typescript-eslint/no-unused-vars
   4:1   warning  Unexpected console statement                 no-console
  12:15  error    Expected '===' and instead saw '=='          eqeqeq

/home/runner/work/widget/widget/web/app.test.ts
  2:1  warning  Unexpected console statement  no-console

/home/runner/work/widget/widget/dist/bundle.js
  9:1  error  Parsing error: Unexpected token

✖ 5 problems (3 errors, 2 warnings)
  1 error and 0 warnings potentially fixable with the `--fix` option.

##[error]Process completed with exit code 1.
"""
PRETTIER = """\
##[group]Run npx prettier --check .
npx prettier --check .
##[endgroup]
Checking formatting...
[warn] web/app.ts
[warn] README.md
[warn] Code style issues found in 2 files. Run Prettier with --write to fix.
##[error]Process completed with exit code 1.
"""
BLACK = """\
##[group]Run black --check .
black --check .
##[endgroup]
would reformat /home/runner/work/widget/widget/src/widget/gears.py
would reformat /home/runner/work/widget/widget/src/widget/turning.py

Oh no! 💥 💔 💥
2 files would be reformatted, 7 files would be left unchanged.
##[error]Process completed with exit code 1.
"""
RUFF = """\
Would reformat: src/widget/gears.py
1 file would be reformatted, 8 files already formatted
##[error]Process completed with exit code 1.
"""
GOFMT = """\
##[group]Run out=$(gofmt -l .); echo "$out"; test -z "$out"
out=$(gofmt -l .); echo "$out"; test -z "$out"
##[endgroup]
main.go
pkg/turn/turn.go
##[error]Process completed with exit code 1.
"""


@pytest.mark.parametrize("marked", [False, True])  # by the problem matcher that comes with setting up node
def test_of_eslint_the_numbers_below_a_path_are_its_lines(marked: bool) -> None:
    log = re.sub("^(?= +[0-9]+:[0-9]+ +error)", "##[error]", ESLINT, flags=re.M) if marked else ESLINT

    found = failure(stamped(log))

    assert found.lines == {"web/app.ts": (1, 12)}
    assert "web/app.ts" in found.excerpt


def test_of_stylelint_too() -> None:
    found = failure("\nweb/app.ts\n  3:5  ✖  Unexpected unit  unit-allowed-list\n\n1 problem (1 error)\n")

    assert found.lines == {"web/app.ts": (3,)}


def test_of_eslint_the_first_error_may_be_far_below_its_path() -> None:
    warnings = "".join(f"  {n}:1  warning  Unexpected console statement  no-console\n" for n in range(100, 200))

    found = failure(f"web/app.ts\n{warnings}  300:7  error  no  no-undef\n\n##[error]exit code 1\n")

    assert found.lines == {"web/app.ts": (300,)}


@pytest.mark.parametrize(
    ("log", "files"),
    [
        (PRETTIER, ("web/app.ts", "README.md")),
        (PRETTIER.replace("[warn] README.md\n", "[error] README.md\n"), ("web/app.ts", "README.md")),
        (PRETTIER.replace("[warn] README.md", "[warn] Ignored unknown option in README.md"), ("web/app.ts",)),
        (BLACK, ("src/widget/gears.py", "src/widget/turning.py")),
        (RUFF, ("src/widget/gears.py",)),
        (GOFMT, ("main.go", "pkg/turn/turn.go")),
        (GOFMT.replace("main.go", "+++ main.go").replace("pkg/turn/turn.go", "- pkg/"), ("main.go",)),
    ],
)
def test_of_a_formatter_the_files_that_it_would_change_are_named(log: str, files: tuple[str, ...]) -> None:
    found = failure(stamped(log), (*TREE, "main.go", "pkg/turn/turn.go"))

    assert found.files == files
    assert all(path in found.excerpt for path in files)


def test_paths_alone_count_only_where_nothing_else_is_named_and_near_the_end() -> None:
    log = "web/app.ts\nsrc/widget/gears.py:3: wrong\n##[error]exit code 1\n"
    far = "web/app.ts\n" + "working\n" * 100 + "##[error]exit code 1\n"

    assert failure(log).files == ("src/widget/gears.py",)
    assert failure(far).files == ()


def test_an_abbreviated_name_that_several_files_have_leads_to_none_of_them() -> None:
    assert failure("##[error]x\nutil.py:3: no\n", ("a/util.py", "b/util.py")).files == ()


def test_files_are_in_the_order_of_how_often_they_are_named() -> None:
    log = "##[error]x\n" + "src/widget/gears.py:1: a\n" + "web/app.ts:2:1: b\nweb/app.ts:3:1: b\n"

    assert failure(log).files == ("web/app.ts", "src/widget/gears.py")


def test_files_of_passing_tests_and_of_warnings_do_not_count() -> None:
    log = "FAILED tests/test_turning.py::test_it\ntests/test_gears.py::test_a PASSED\nweb/app.ts:1:1: warning: unused\n"

    assert failure(log).files == ("tests/test_turning.py", "src/widget/turning.py")


def test_a_script_is_found_behind_its_test() -> None:
    assert failure("FAIL web/app.test.ts\n").files == ("web/app.test.ts", "web/app.ts")


def test_a_module_is_found_by_its_tests_name_where_the_text_says_nothing() -> None:
    assert failure("FAILED tests/test_gears.py::test_a\n").files == ("tests/test_gears.py", "src/widget/gears.py")


def test_the_excerpt_begins_around_the_first_failure_and_ends_with_the_last() -> None:
    middle = "".join(f"line {n}\n" for n in range(500))
    excerpt = failure(
        f"before\nError: the cause\n{middle}##[error]Process completed with exit code 2.\nafter\n"
    ).excerpt

    assert excerpt.startswith("before\nError: the cause\nline 0\n")
    assert "\n[…]\n" in excerpt
    assert excerpt.endswith("line 499\n##[error]Process completed with exit code 2.")


def test_of_a_log_without_any_sign_of_failure_the_end_is_shown() -> None:
    excerpt = failure("".join(f"line {n}\n" for n in range(500))).excerpt

    assert excerpt.endswith("line 499")
    assert "line 0\n" not in excerpt


def test_long_lines_leave_room_for_the_first_failure() -> None:
    long = "x" * 1000
    excerpt = failure(f"{long}\n" * 10 + "Error: the cause\n" + f"{long}\n" * 100 + "##[error]the end\n").excerpt

    assert "Error: the cause" in excerpt
    assert "##[error]the end" in excerpt


@pytest.mark.parametrize(
    "log",
    [
        "##[error]Unable to resolve action `acme/nothing@v1`, unable to find version `v1`",
        "##[error].github/workflows/ci.yml (Line: 5, Col: 3): Unexpected value 'x'",
        "##[error]No space left on device",
        "##[error]Version 3.99 with arch x64 not found",
    ],
)
def test_a_workflow_or_a_runner_that_fails_is_for_people(log: str) -> None:
    found = failure(log)

    assert found.in_workflow
    assert found.files == ()


def test_a_test_that_prints_words_of_the_runner_is_still_a_test() -> None:
    assert not failure("Error: No space left on device\nFAILED tests/test_turning.py::test_it\n").in_workflow


def test_an_ordinary_failure_without_files_is_not_for_people_only() -> None:
    assert not failure("##[error]Process completed with exit code 1.").in_workflow


def job(number: int) -> CiJob:
    return CiJob(number, 1, f"job {number}")


def test_the_jobs_of_a_matrix_are_one_failure() -> None:
    slower = PYTEST.replace("0.03s", "1.2s").replace("collected", "platform linux -- Python 3.13.1\ncollected")
    faster = PYTEST.replace("collected", "platform linux -- Python 3.11.4\ncollected")
    other = PYTEST.replace("'b'", "'c'")

    shared = collapse([(job(1), failure(slower)), (job(2), failure(other)), (job(3), failure(faster))])

    assert [tuple(job.id for job in one.jobs) for one in shared] == [(1, 3), (2,)]


def test_the_same_words_at_another_place_are_another_failure() -> None:
    assert failure("src/widget/gears.py:1:1: error: x").digest != failure("src/widget/gears.py:2:1: error: x").digest


WORDS = st.sampled_from(
    [
        "##[group]",
        "##[endgroup]",
        "##[error]",
        "FAILED ",
        "Error: ",
        "\n",
        "\r",
        "\x1b[31m",
        "\ufeff",
        ":1:2",
        "(3,4)",
        *TREE,
        "../",
        "/",
        "\\",
        '"',
        ", line 9",
        "\u202e",
        "warning",
        "2026-04-21T10:00:00.1Z ",
        "  7:9  error  ",
        "[warn] ",
        "would reformat ",
    ]
)


@given(st.lists(WORDS | st.text(max_size=20), max_size=60).map("".join), st.sets(st.text(max_size=20), max_size=5))
def test_of_any_log_little_is_said_and_nothing_outside_the_tree(log: str, others: set[str]) -> None:
    tree = (*TREE, *others)
    found = failure(log, tree)

    assert len(found.excerpt) <= EXCERPT_MAX
    assert all(printable(line) == line for line in found.excerpt.split("\n"))
    assert len(found.files) <= FILES_MAX
    assert set(found.files) <= set(tree)
    assert found.lines.keys() == set(found.files)
    assert not any(path.startswith(".github/workflows") for path in found.files)
    assert re.fullmatch("[0-9a-f]{64}", found.digest)
    assert json.dumps(found.excerpt)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "/",
        "../",
        "a/",
        "a:1:",
        "(",
        "\x1b[",
        "\x1b]",
        "##[group]\n",
        "Error: a.py:1 ",
        "src/widget/gears.py:1\n",
        "from a ",
        "0",
        ".",
        "\x00",
        "2026-04-21T10:00:00",
        "error[E",
        "1 2 ",
        "  1:7  error  x\n",
        "web/app.ts\n  1:7  error  x\n",
        "a/b\n",
        "[warn] a.b",
        "- ",
    ],
)
def test_a_log_of_600_kib_of_anything_is_read_to_its_end(piece: str) -> None:
    found = failure_of(piece * (600 * 1024 // len(piece)), TREE, lambda _: piece * (256 * 1024 // len(piece)))

    assert len(found.excerpt) <= EXCERPT_MAX


def test_a_tree_of_many_files_of_one_name_costs_no_more_than_its_size() -> None:
    tree = tuple(f"{'d/' * 50}{n}/__init__.py" for n in range(20_000))
    log = "##[error]x\n" + "".join(f"{n}/__init__.py:{n}\n__init__.py:{n}\n" for n in range(15_000))

    assert len(failure(log, tree).files) == FILES_MAX
