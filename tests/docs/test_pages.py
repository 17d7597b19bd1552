"""What the pages say of the code is so."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gitoma.adapters
import gitoma.domain
from gitoma.adapters.testing import process_runner_checks
from gitoma.app import asgi, settings
from gitoma.app.settings import VARIABLES
from gitoma.domain.jobs.lifecycle import TERMINAL, TRANSITIONS, Phase

from .pages import PAGES, ROOT, blocks, prose, rows

DOCS = ROOT / "docs"
UNSET = "—"


def default(value: Any) -> str:
    """A default as the tables write it."""
    if value is None or value == ():
        return UNSET
    if isinstance(value, bool):
        return "`on`" if value else "`off`"
    if isinstance(value, tuple):
        words = ["python" if word == sys.executable else word for word in value]
        return f"`{' '.join(words)}`" if words[0] == "python" else f"`{','.join(words)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


@pytest.mark.parametrize(
    ("page", "heading"), [("README.md", "## Configuration"), ("docs/operations.md", "## Settings")]
)
def test_the_table_of_settings_has_every_variable_and_its_default(page: str, heading: str) -> None:
    table = [(row[0], row[1]) for row in rows(ROOT / page, heading)]

    home = ("`GITOMA_HOME`", "`~/.gitoma`")
    assert table == [home, *((f"`{variable.name}`", default(variable.default)) for variable in VARIABLES)]
    assert settings.load({"HOME": "/home/you"}).home == Path("/home/you/.gitoma")


def test_the_shown_config_is_one_that_is_taken(tmp_path: Path) -> None:
    (shown,) = blocks(DOCS / "operations.md", "toml")
    (tmp_path / "config.toml").write_text(shown.text, encoding="utf-8")

    found = settings.load({"GITOMA_HOME": str(tmp_path)})

    for name in tomllib.loads(shown.text):
        field = next(variable.field for variable in VARIABLES if variable.name == name)
        assert found.source(field) == "config.toml"


def test_a_setting_that_makes_no_sense_is_refused_in_the_words_of_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gitoma", "serve"],
        env={"GITOMA_MAX_RUNNING": "0", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 3
    assert done.stderr in [block.text for block in blocks(DOCS / "operations.md", "text")]


def test_the_list_of_endpoints_is_that_of_the_description() -> None:
    described = {
        (method.upper(), path): next(status for status in operation["responses"] if status < "300")
        for path, operations in description()["paths"].items()
        for method, operation in operations.items()
    }

    table = {(row[0], row[1].strip("`")): row[3] for row in rows(DOCS / "rest.md", "## Endpoints")}

    assert table == described


def test_every_type_of_a_bad_field_is_explained() -> None:
    shown = {row[0].strip("`") for row in rows(DOCS / "rest.md", "### Errors")}

    known = {"missing", "string_type", "bool_type", "string_too_long", "value_error", "json_invalid"}
    assert shown == {*known, "model_attributes_type"}


def test_every_status_of_the_description_is_explained() -> None:
    statuses = {
        status
        for operations in description()["paths"].values()
        for operation in operations.values()
        for status in operation["responses"]
    }

    text = prose(DOCS / "rest.md")

    assert {status for status in statuses if not re.search(rf"\b{status}\b", text)} == set()


def description() -> dict[str, Any]:
    """The description of the API, from the application itself."""
    application = asgi.application(asgi.build(settings.load({})))
    sent: list[Any] = []

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await application(
            {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": "GET",
                "scheme": "http",
                "path": "/openapi.json",
                "raw_path": b"/openapi.json",
                "root_path": "",
                "query_string": b"",
                "headers": [(b"host", b"localhost")],
                "client": ("127.0.0.1", 1),
                "server": ("127.0.0.1", 80),
            },
            receive,
            send,
        )

    asyncio.run(ask())
    found: dict[str, Any] = json.loads(sent[1]["body"])
    return found


def diagram() -> str:
    """The lifecycle, as Mermaid draws it."""
    rows = ["stateDiagram-v2", f"    [*] --> {Phase.QUEUED.name}"]
    rows += [
        f"    {phase.name} --> {following.name}: {event.value}" for (phase, event), following in TRANSITIONS.items()
    ]
    rows += [f"    {phase.name} --> [*]" for phase in Phase if phase in TERMINAL]
    return "\n".join(rows) + "\n"


def test_the_diagram_is_the_table_of_the_lifecycle() -> None:
    (shown,) = blocks(DOCS / "design.md", "mermaid")

    assert shown.text == diagram()


def modules(package: Any) -> Iterator[Any]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2] != "job_parent":  # a program of its own
            yield importlib.import_module(found.name)


def ports() -> dict[str, type]:
    """Every port, by its name."""
    classes = {value for module in modules(gitoma.domain) for value in vars(module).values() if inspect.isclass(value)}
    return {
        port.__name__: port
        for port in classes
        if getattr(port, "_is_protocol", False) and port.__module__.startswith("gitoma.domain")
    }


def table_of_ports() -> list[list[str]]:
    text = gitoma.domain.__doc__ or ""
    lines = re.search(r"^ +port .*\n((?: +\S.*\n)+)", text, re.M)
    assert lines
    return [re.split(r" {2,}", line.strip()) for line in lines[1].splitlines()]


def test_the_table_of_ports_has_each_port_with_adapters_that_are_ones() -> None:
    found = ports()
    table = table_of_ports()

    assert sorted(row[0] for row in table) == sorted(found)
    for name, place, _, adapter in table:
        assert found[name].__module__ == f"gitoma.domain.{place}"
        module, _, adapter_name = adapter.rpartition(".")
        package = "gitoma" if module.startswith("app.") else "gitoma.adapters"
        assert found[name] in getattr(importlib.import_module(f"{package}.{module}"), adapter_name).__mro__


def test_each_port_is_told_of_where_it_is_told_how_to_extend() -> None:
    told = {
        name for row in rows(DOCS / "extending.md", "# Ports, adapters, and their checks") for name in names(row[0])
    }

    assert told == set(ports())


def test_the_checks_that_a_page_names_exist() -> None:
    named = {
        name for row in rows(DOCS / "extending.md", "# Ports, adapters, and their checks") for name in names(row[3])
    }

    package = process_runner_checks.__name__.rpartition(".")[0]
    for name in named:
        module, _, checks = name.partition(".")
        loaded = importlib.import_module(f"{package}.{module}")
        assert not checks or getattr(loaded, checks)


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_file_that_is_named_exists(page: Path) -> None:
    places = [ROOT, ROOT / "src" / "gitoma", ROOT / "src/gitoma/domain", *(ROOT / "src/gitoma/adapters").glob("*/")]
    named = [name for name in names(prose(page)) if re.fullmatch(r"[\w./-]+/[\w-]+\.(py|md|html)", name)]

    missing = [name for name in named if not any((place / name).exists() for place in places)]

    assert not missing


def test_the_make_targets_that_are_named_exist_and_all_are_explained() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    everything = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:`|^|\$ )(?:\w+=\S+ )*make ([a-z-]+)\b", everything, re.M))

    assert named <= targets
    explained = {row[0].strip("`").removeprefix("make ") for row in rows(ROOT / "CONTRIBUTING.md", "## Set-up")}
    assert explained == targets - {"install"}
    assert "`make install`" in everything
