"""Which pull request a review is about, and whether its branch may be pushed to.

Anybody may open a pull request from a fork, under any branch name. So one of a run is one whose branch is in the
repository itself; only those who may push there can have made it.
"""

from __future__ import annotations

from gitoma.domain.agents import run_state
from gitoma.domain.agents.code_host import HostedRepo, PullRequest
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.progress import Detail, Step
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.errors import InvalidName
from gitoma.domain.repos.names import Branch, Slug
from gitoma.domain.repos.state import Phase, RepoState

_LISTED = 10  # open pull requests that are named where none is an agent's

_IN_REVIEW = (Phase.PR_OPEN, Phase.REVIEWING)


def find(number: int | None, slug: Slug, state: RepoState | None, tools: Toolbox, *, ended: bool) -> PullRequest:
    """The one that was asked for; else the one of the last run, if it is open; else the newest one of a run.

    Args:
        number: The one that was asked for.
        slug: The repository, by its present name.
        state: What the last run left behind.
        tools: The ports.
        ended: The one of the last run is wanted also where it has been merged or closed, and nobody knows it yet.

    Raises:
        AgentError: `no_pull`, and what the host says.
    """
    if number is not None:
        return tools.host.pull(slug, number)
    if state is not None and state.pr_number is not None:
        known = tools.host.pull(slug, state.pr_number)
        if known.is_open or (ended and is_of(state, known)):
            return known
    opened = tools.host.open_pulls(slug)
    for pull in opened:
        if pull.head_branch.startswith(run_state.PREFIX) and is_at_home(pull, slug):
            return pull
    for pull in opened[:_LISTED]:
        tools.progress.emit(Detail(f"#{pull.number} {pull.head_branch} {pull.url}"))
    raise _none(slug, len(opened))


def _none(slug: Slug, others: int) -> AgentError:
    if not others:
        return AgentError(Code.NO_PULL, f"{slug} has no open pull request", hint="start a run first")
    which = "the open pull request" if others == 1 else f"none of the {others} open pull requests"
    verb = "is not" if others == 1 else "is"
    return AgentError(Code.NO_PULL, f"{which} of {slug} {verb} an agent's", hint="name the one that is meant with --pr")


def is_of(state: RepoState, pull: PullRequest) -> bool:
    """Whether a state is about this pull request, and does not know yet of its end."""
    return state.pr_number == pull.number and state.phase in _IN_REVIEW


def is_at_home(pull: PullRequest, slug: Slug) -> bool:
    """Whether its branch is in the repository itself."""
    return pull.head_repo is not None and pull.head_repo.casefold() == str(slug).casefold()


def introduce(pull: PullRequest, tools: Toolbox) -> None:
    """Say which one it is."""
    what = "merged" if pull.is_merged else "open" if pull.is_open else "closed"
    text = f"#{pull.number} {pull.head_branch} into {pull.base_branch} ({what}): {pull.url}"
    tools.progress.emit(Step(Phase.REVIEWING.value, text))


def pushable(pull: PullRequest, hosted: HostedRepo) -> Branch:
    """The branch of the repository that the pull request is about, where it may be pushed to.

    Raises:
        AgentError: `forbidden`: it comes from elsewhere, it is the default branch, or its name is not pushed to.
    """
    if not is_at_home(pull, hosted.slug):
        raise AgentError(
            Code.FORBIDDEN,
            f"#{pull.number} comes from {pull.head_repo or 'a fork that is gone'}, which is not pushed to",
            hint="only pull requests from the repository's own branches can be integrated",
        )
    if pull.head_branch == hosted.default_branch:
        raise AgentError(
            Code.FORBIDDEN,
            f"#{pull.number} comes from {pull.head_branch}, the default branch, which agents do not push to",
            hint="open the same pull request from a branch of its own, and review that one",
        )
    try:
        return Branch(pull.head_branch)
    except InvalidName as error:
        raise AgentError(
            Code.FORBIDDEN, f"the branch of #{pull.number} is not pushed to: its name {error}", hint="rename it"
        ) from None
