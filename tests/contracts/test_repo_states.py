import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gitoma.adapters.files.repo_states import FileRepoStates
from gitoma.adapters.testing.repo_states import REPO_STATES_CHECKS, Check, MemoryRepoStates, states
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.ports import RepoStates
from gitoma.domain.repos.state import RepoState, UnreadableState

T = TypeVar("T")
SLUGS = [Slug("acme", "widget"), Slug("acme", "gadget"), Slug("a", "b__c"), Slug("a", "b")]


@pytest.mark.parametrize("check", REPO_STATES_CHECKS, ids=lambda check: check.__name__)
async def test_states_in_memory(check: Check) -> None:
    await check(MemoryRepoStates, MemoryRepoStates.put_raw)


@pytest.mark.parametrize("check", REPO_STATES_CHECKS, ids=lambda check: check.__name__)
async def test_states_in_files(check: Check, tmp_path: Path) -> None:
    folders: dict[RepoStates, Path] = {}
    number = itertools.count()

    def make() -> RepoStates:
        folder = tmp_path / str(next(number)) / "state"
        repos = FileRepoStates(folder)
        folders[repos] = folder
        return repos

    def put_raw(repos: RepoStates, slug: Slug, data: bytes) -> None:
        (folders[repos] / f"{slug.file_stem}.json").write_bytes(data)

    await check(make, put_raw)


class FilesAndMemoryAgree(RuleBasedStateMachine):
    """Whatever is done, the folder and the model say the same, also after the folder is opened anew."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.files = FileRepoStates(self.folder / "state")
        self.memory = MemoryRepoStates()

    def teardown(self) -> None:
        self.runner.close()
        shutil.rmtree(self.folder)

    def both(self, in_files: Awaitable[T], in_memory: Awaitable[T]) -> tuple[T, T]:
        async def run() -> tuple[T, T]:
            return await in_files, await in_memory

        return self.runner.run(run())

    @rule(state=states(st.sampled_from(SLUGS)))
    def save(self, state: RepoState) -> None:
        self.both(self.files.save(state), self.memory.save(state))

    @rule(slug=st.sampled_from(SLUGS))
    def delete(self, slug: Slug) -> None:
        one, other = self.both(self.files.delete(slug), self.memory.delete(slug))
        assert one == other

    @rule(slug=st.sampled_from(SLUGS))
    def load(self, slug: Slug) -> None:
        one, other = self.both(loaded(self.files, slug), loaded(self.memory, slug))
        assert one == other

    @rule(
        slug=st.sampled_from(SLUGS), data=st.sampled_from([b"", b"{", b'{"owner": "a", "name": "b", "phase": "DONE"}'])
    )
    def damage(self, slug: Slug, data: bytes) -> None:
        (self.folder / "state").mkdir(exist_ok=True)
        (self.folder / "state" / f"{slug.file_stem}.json").write_bytes(data)
        self.memory.put_raw(slug, data)

    @rule()
    def open_anew(self) -> None:
        self.files = FileRepoStates(self.folder / "state")

    @invariant()
    def all_are_the_same(self) -> None:
        one, other = self.both(self.files.all(), self.memory.all())
        assert sorted(one, key=lambda state: state.slug) == sorted(other, key=lambda state: state.slug)


async def loaded(repos: RepoStates, slug: Slug) -> RepoState | str | None:
    try:
        return await repos.load(slug)
    except UnreadableState as error:
        return error.reason


FilesAndMemoryAgree.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
test_files_and_memory_agree = FilesAndMemoryAgree.TestCase
