"""What `fix-ci` writes down for its next call: which commit mends which failure, and which pull request proposes it.

Two fields of `RepoState.kept`: `ci_fixes`, commits by the run and the failure that they mend, and `ci_pulls`, numbers
of pull requests by the two branches that they join. Whatever is in their place, reading them never fails; commits that
were written down by their run alone say too little, and are not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitoma.domain.agents.cilog import SharedFailure
from gitoma.domain.agents.code_host import CiRun
from gitoma.domain.agents.ports import WorkingCopy
from gitoma.domain.agents.session import Session
from gitoma.domain.repos.names import Branch

KEPT = 50
"""How many commits, and how many pull requests, are remembered: the last ones."""

_DIGEST = 16  # hex digits that tell the failures of one run apart


class Record:
    """What is remembered in the state of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def fix_of(self, shared: SharedFailure, copy: WorkingCopy) -> str | None:
        """The commit that mends a failure in all its runs, if it is on this branch."""
        fixes = self._read("ci_fixes")
        shas = [fixes.get(key) for key in _keys(shared)]
        on_branch = [sha for sha in shas if isinstance(sha, str) and copy.contains(sha)]
        return on_branch[-1] if len(on_branch) == len(shas) else None

    def mends_any(self, runs: Sequence[CiRun], copy: WorkingCopy) -> bool:
        """Whether a commit on this branch was made for one of these runs."""
        ids = {str(run.id) for run in runs}
        fixes = self._read("ci_fixes").items()
        return any(key.partition(":")[0] in ids and isinstance(sha, str) and copy.contains(sha) for key, sha in fixes)

    def keep_fix(self, shared: SharedFailure, sha: str) -> None:
        """Remember a commit, before it is pushed."""
        self._keep("ci_fixes", dict.fromkeys(_keys(shared), sha))

    def pull_of(self, head: Branch, base: Branch) -> int | None:
        """The number of the pull request that we opened last from one branch to the other."""
        number = self._read("ci_pulls").get(_joined(head, base))
        return number if isinstance(number, int) else None

    def keep_pull(self, head: Branch, base: Branch, number: int) -> None:
        """Remember a pull request."""
        self._keep("ci_pulls", {_joined(head, base): number})

    def _read(self, field: str) -> Mapping[str, object]:
        known = self._session.state.kept.get(field)
        return dict(known) if isinstance(known, dict) else {}

    def _keep(self, field: str, news: Mapping[str, object]) -> None:
        older = {key: value for key, value in self._read(field).items() if key not in news}
        self._session.keep(**{field: dict(list({**older, **news}.items())[-KEPT:])})


def _keys(shared: SharedFailure) -> list[str]:
    return list(dict.fromkeys(f"{job.run_id}:{shared.failure.digest[:_DIGEST]}" for job in shared.jobs))


def _joined(head: Branch, base: Branch) -> str:
    return f"{head} {base}"  # no branch has a blank in its name
