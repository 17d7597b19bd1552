"""What the state of a repository asks of people: the next command, or nothing."""

from __future__ import annotations

from gitoma.domain.repos.state import Liveness, Phase, RepoState

_WORKING = (Phase.IDLE, Phase.ANALYZING, Phase.PLANNING, Phase.WORKING)


def standing(state: RepoState, judged: Liveness) -> str:
    """In a word or two, whether somebody works on it: `works`, `silent`, `died`, `ended`."""
    if judged.is_orphaned:
        return "silent" if judged.is_alive else "died"
    return "works" if judged.is_alive and not state.exit_clean else "ended"


def next_step(state: RepoState, judged: Liveness) -> str:
    """What to do now, fit to be pasted where it is a command; "" where there is nothing to do.

    Args:
        state: What was written down.
        judged: Whether its process lives.
    """
    address = f"https://github.com/{state.slug}"
    match standing(state, judged):
        case "works":
            return ""
        case "silent":
            return f"see whether process {state.pid} hangs, and end it; then what it left can be gone on with"
    if state.phase in _WORKING:
        return f"gitoma run {address}"  # goes on with it, or says why it starts anew
    if state.phase is Phase.DONE:
        return ""
    return f"gitoma review {address} --integrate"
