"""Version control by git's command line."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from gitoma.adapters.git import failures, process, work_folders
from gitoma.adapters.git.checkout import opened
from gitoma.adapters.git.environment import NETWORK, NO_TRANSPORT, ORIGIN, Config, credentials, environment
from gitoma.adapters.git.remote import Remote
from gitoma.adapters.git.working_copy import Identity, opened_for_writing
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import Checkout, VersionControl, WorkingCopy
from gitoma.domain.repos.names import Branch, RepoUrl

CLONE_TIMEOUT_S = 300.0
"""How long a clone may take."""

WORKING_DEPTH = 20
"""How many commits a working copy reaches back: a run's own are five, and people may have added some."""

PACK_MAX_BYTES = 2 * 1024**3
"""The largest file that a clone may write: its one pack."""


class GitCli(VersionControl):
    """Git, hardened.

    Args:
        work: Where clones are made; created when first needed. Those of dead processes are swept before each clone.
        variables: Our own environment.
        token: For `github.com`, or None; public repositories need none.
        redact: Takes credentials out of a line.
        notice: Is told, in a line, when `work` cannot be used and the system's folder for temporary files is.
        bot_name: Author and committer of commits.
        bot_email: The same.
        clone_timeout_s: How long a clone may take.
        push_timeout_s: How long a push, or a look at the host's branches, may take.
        pack_max_bytes: The largest file that a clone may write.
    """

    def __init__(
        self,
        *,
        work: Path,
        variables: Mapping[str, str],
        token: str | None,
        redact: Callable[[str], str],
        notice: Callable[[str], None],
        bot_name: str = "gitoma",
        bot_email: str = "gitoma@users.noreply.github.com",
        clone_timeout_s: float = CLONE_TIMEOUT_S,
        push_timeout_s: float = process.COMMAND_TIMEOUT_S,
        pack_max_bytes: int = PACK_MAX_BYTES,
    ) -> None:
        self._work = work
        self._variables = variables
        self._token = token
        self._redact = redact
        self._notice = notice
        self._bot = Identity(bot_name, bot_email)
        self._clone_timeout_s = clone_timeout_s
        self._push_timeout_s = push_timeout_s
        self._pack_max_bytes = pack_max_bytes

    @contextmanager
    def clone(self, repo: RepoUrl, branch: Branch | None = None) -> Iterator[Checkout]:
        """See the port."""
        work_folders.sweep(self._work)
        with ExitStack() as stack:
            folder = stack.enter_context(self._folder())
            yield stack.enter_context(opened(self._clone(repo, branch, folder, depth=1), self._offline(())))

    @contextmanager
    def working_copy(self, repo: RepoUrl, branch: Branch | None = None) -> Iterator[WorkingCopy]:
        """See the port."""
        work_folders.sweep(self._work)
        with ExitStack() as stack:
            folder = self._clone(repo, branch, stack.enter_context(self._folder()), depth=WORKING_DEPTH)
            remote = Remote(repo.slug, folder, self._online(), self._redact, self._push_timeout_s)
            variables = {**self._offline(()), **self._bot.variables()}
            yield stack.enter_context(opened_for_writing(folder, variables, remote))

    @contextmanager
    def local(self, folder: str) -> Iterator[Checkout]:
        """See the port."""
        path = Path(folder)
        variables = self._offline(self._trusted())
        top = process.run(("rev-parse", "--is-inside-work-tree"), folder=path, variables=variables)
        if "dubious ownership" in top.errors:
            raise AgentError(
                Code.USAGE,
                "this checkout belongs to another user, and git does not trust it",
                hint="clone it, or let git trust it: git config --global --add safe.directory PATH",
            )
        if top.code != 0 or top.output.strip() != b"true":
            raise AgentError(Code.USAGE, "this folder is in no git checkout")
        with opened(path, variables) as checkout:
            yield checkout

    def _folder(self) -> AbstractContextManager[Path]:
        stack = ExitStack()
        try:
            folder = stack.enter_context(work_folders.held(self._work))
        except OSError as error:
            self._notice(f"{self._work} cannot be used ({error.strerror}): cloning into a temporary folder")
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gitoma-")))
        return _entered(stack, folder)

    def _clone(self, repo: RepoUrl, branch: Branch | None, folder: Path, *, depth: int) -> Path:
        """Clone into a folder below `folder`, and return it."""
        variables = self._online()
        variables["GIT_CEILING_DIRECTORIES"] = str(folder.parent)  # the home may itself be in somebody's checkout
        named = ("--branch", branch.name) if branch else ()
        target = folder / "repo"
        arguments = (
            *("clone", "--quiet", "--no-checkout", "--depth", str(depth), "--no-tags", "--single-branch"),
            *("--no-recurse-submodules", "--template=", *named, "--", f"{ORIGIN}/{repo.slug}", str(target)),
        )
        ended = process.run(
            arguments,
            folder=folder,
            variables=variables,
            timeout_s=self._clone_timeout_s,
            file_limit=self._pack_max_bytes,
        )
        if ended.code != 0:
            raise failures.of_clone(str(repo.slug), ended, self._clone_timeout_s, self._redact)
        return target

    def _online(self) -> dict[str, str]:
        # The name of the first branch, where the host's repository has no commit and does not say one.
        config = (*credentials(self._token), ("init.defaultBranch", "main"))
        return environment(self._variables, protocols=NETWORK, config=config)

    def _offline(self, config: Config) -> dict[str, str]:
        return environment(self._variables, protocols=NO_TRANSPORT, config=config)

    def _trusted(self) -> Config:
        """The operator's own list of folders that git trusts, which switching off their configuration would lose.

        Asked for in the root folder, where no repository's configuration can add to it.
        """
        arguments = ("config", "--null", "--get-all", "safe.directory")
        own = {name: value for name, value in self._variables.items() if not name.startswith("GIT_")}
        listed = process.run(arguments, folder=Path("/"), variables=own)
        paths = listed.output.decode("utf-8", "surrogateescape").split("\0")[:-1] if listed.code == 0 else []
        return tuple(("safe.directory", path) for path in paths)


@contextmanager
def _entered(stack: ExitStack, folder: Path) -> Iterator[Path]:
    with stack:
        yield folder
