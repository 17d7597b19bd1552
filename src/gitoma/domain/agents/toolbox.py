"""What the flows are given: every port, and what the operator has decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gitoma.domain.agents.budget import Budget
from gitoma.domain.agents.code_host import CodeHost
from gitoma.domain.agents.language_model import LanguageModel
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.ports import ArtifactStore, Progress, RunStates, VersionControl, YamlReader
from gitoma.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The ports of a flow, and its policy.

    Attributes:
        vcs: Clones, commits and pushes.
        host: The code host.
        has_token: There is a token for the code host.
        model: Plans, edits and judges.
        states: Keeps the states, one writer each.
        artifacts: Keeps reports, diffs and transcripts.
        yaml: Reads YAML.
        clock: Tells the time.
        progress: Tells whoever follows.
        is_secret: Whether a text holds a credential of this installation.
        mask: Takes these credentials out of a text, and changes nothing else in it.
        token_hex: Random hex digits, as many as asked for.
        budget: What this agent may spend; it begins to count with the work.
        waits: Wait for whoever works on the repository, instead of giving up: a job waits, a person decides.
        job_id: The job that this is; None on a command line.
        reached: What the work has come to by its end, for the result of an end that the flow itself does not get to
            tell: a cancel, a defect. A `Session` fills it.
    """

    vcs: VersionControl
    host: CodeHost
    has_token: bool
    model: LanguageModel
    states: RunStates
    artifacts: ArtifactStore
    yaml: YamlReader
    clock: Clock
    progress: Progress
    is_secret: Callable[[str], bool]
    mask: Callable[[str], str]
    token_hex: Callable[[int], str]
    budget: Budget
    waits: bool = False
    job_id: str | None = None
    reached: dict[str, object] = field(default_factory=dict)

    def metered_model(self) -> MeteredModel:
        """The model within the budget, and told no credential: the only way in which flows ask it."""
        return MeteredModel(self.model, self.budget, self.mask)
