"""What an agent is given: the adapters behind the ports of `gitoma.domain.agents.toolbox`, as the settings want them.

By hand and not by the container: every job is a process of its own, and the container alone would take longer to import
than everything else that an agent imports together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gitoma.adapters.chat_completions.model import ChatCompletionsModel
from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.artifacts import FileArtifacts
from gitoma.adapters.files.run_states import FileRunStates
from gitoma.adapters.git.cli import GitCli
from gitoma.adapters.github.rest import GitHubRest
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.app.settings import Settings, without_credentials
from gitoma.domain.agents.budget import LIMITS, RUN_WITH_CRITIC, Budget, Limits
from gitoma.domain.agents.ports import Progress
from gitoma.domain.agents.progress import Detail
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.clock import Clock
from gitoma.domain.jobs.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Outside:
    """How whoever speaks with other servers waits, and whom it tells.

    Attributes:
        clock: Tells the time.
        sleep: Waits so many seconds.
        notice: Is told, in a line, that and why we wait.
        redact: Takes credentials out of the servers' words.
        remaining: How many seconds are left for the work as a whole.
    """

    clock: Clock
    sleep: Callable[[float], None]
    notice: Callable[[str], None]
    redact: Redactor
    remaining: Callable[[], float]


def toolbox(
    kind: str, settings: Settings, environment: Mapping[str, str], progress: Progress, reached: dict[str, object]
) -> Toolbox:
    """The ports of one agent.

    Args:
        kind: `run`, `review` or `fix-ci`.
        settings: The settings.
        environment: The process's variables; `GITOMA_JOB_ID` says that it is a job.
        progress: Where it tells what it does.
        reached: Where it leaves what it has come to, however it ends.
    """
    clock = SystemClock()
    redact = Redactor(settings.secrets)
    budget = Budget(limits(kind, settings), clock)
    job_id = environment.get("GITOMA_JOB_ID") or None

    outside = Outside(
        clock=clock,
        sleep=time.sleep,
        notice=lambda line: progress.emit(Detail(line)),
        redact=redact,
        remaining=lambda: budget.remaining_s,
    )
    return Toolbox(
        vcs=GitCli(
            work=settings.home / "work",
            variables=without_credentials(environment),
            token=settings.github_token,
            redact=redact,
            notice=outside.notice,
            bot_name=settings.bot_name,
            bot_email=settings.bot_email,
        ),
        host=code_host(settings, outside),
        has_token=settings.github_token is not None,
        model=language_model(settings, outside),
        states=FileRunStates(settings.home / "state", progress=progress, clock=clock, job_id=job_id),
        artifacts=FileArtifacts(settings.home / "artifacts"),
        yaml=PyYamlReader(),
        clock=clock,
        progress=progress,
        is_secret=redact.knows,
        mask=redact.mask,
        token_hex=lambda digits: os.urandom(digits).hex()[:digits],
        budget=budget,
        waits=job_id is not None,
        job_id=job_id,
        reached=reached,
    )


def code_host(settings: Settings, outside: Outside) -> GitHubRest:
    """GitHub, as the settings want it."""
    return GitHubRest(
        api_url=settings.github_api_url,
        token=settings.github_token,
        clock=outside.clock,
        sleep=outside.sleep,
        notice=outside.notice,
        redact=outside.redact,
        remaining=outside.remaining,
    )


def language_model(settings: Settings, outside: Outside) -> ChatCompletionsModel:
    """The model, as the settings want it."""
    return ChatCompletionsModel(
        base_url=settings.lm_studio_base_url,
        api_key=settings.lm_studio_api_key,
        model=settings.lm_studio_model,
        critic=settings.critic_model,
        context_tokens=settings.llm_context,
        max_tokens=settings.lm_studio_max_tokens,
        no_think=settings.llm_no_think,
        allow_http=settings.llm_allow_http,
        clock=outside.clock,
        sleep=outside.sleep,
        notice=outside.notice,
        redact=outside.redact,
        remaining=outside.remaining,
    )


def limits(kind: str, settings: Settings) -> Limits:
    """What an agent of this kind may spend."""
    usual = RUN_WITH_CRITIC if kind == "run" and settings.run_critic else LIMITS[kind]
    return replace(
        usual,
        seconds=settings.agent_max_s or usual.seconds,
        calls=settings.agent_max_calls or usual.calls,
        completion_tokens=settings.agent_max_tokens or usual.completion_tokens,
    )
