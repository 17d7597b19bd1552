"""What an agent is given: the adapters behind the ports of `gitoma.domain.agents.toolbox`, as the settings want them.

By hand and not by the container: every job is a process of its own, and the container alone would take longer to import
than everything else that an agent imports together.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace

from gitoma.adapters.chat_completions.model import ChatCompletionsModel
from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.artifacts import FileArtifacts
from gitoma.adapters.files.run_states import FileRunStates
from gitoma.adapters.git.cli import GitCli
from gitoma.adapters.github.rest import GitHubRest
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.app.settings import Settings
from gitoma.domain.agents.budget import LIMITS, RUN_WITH_CRITIC, Budget, Limits
from gitoma.domain.agents.ports import Progress
from gitoma.domain.agents.progress import Detail
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.jobs.redaction import Redactor


def toolbox(kind: str, settings: Settings, environment: Mapping[str, str], progress: Progress) -> Toolbox:
    """The ports of one agent.

    Args:
        kind: `run`, `review` or `fix-ci`.
        settings: The settings.
        environment: The process's variables; `GITOMA_JOB_ID` says that it is a job.
        progress: Where it tells what it does.
    """
    clock = SystemClock()
    redact = Redactor(settings.secrets)
    budget = Budget(limits(kind, settings), clock)
    job_id = environment.get("GITOMA_JOB_ID") or None

    def notice(line: str) -> None:
        progress.emit(Detail(line))

    def remaining() -> float:
        return budget.remaining_s

    return Toolbox(
        vcs=git(settings, environment, redact, progress),
        host=GitHubRest(
            api_url=settings.github_api_url,
            token=settings.github_token,
            clock=clock,
            sleep=time.sleep,
            notice=notice,
            redact=redact,
            remaining=remaining,
        ),
        has_token=settings.github_token is not None,
        model=ChatCompletionsModel(
            base_url=settings.lm_studio_base_url,
            api_key=settings.lm_studio_api_key,
            model=settings.lm_studio_model,
            critic=settings.critic_model,
            context_tokens=settings.llm_context,
            max_tokens=settings.lm_studio_max_tokens,
            no_think=settings.llm_no_think,
            allow_http=settings.llm_allow_http,
            clock=clock,
            sleep=time.sleep,
            notice=notice,
            redact=redact,
            remaining=remaining,
        ),
        states=FileRunStates(settings.home / "state", progress=progress, clock=clock, job_id=job_id),
        artifacts=FileArtifacts(settings.home / "artifacts"),
        yaml=PyYamlReader(),
        clock=clock,
        progress=progress,
        is_secret=redact.knows,
        mask=redact.mask,
        token_hex=lambda digits: secrets.token_hex(digits)[:digits],
        budget=budget,
        waits=job_id is not None,
        job_id=job_id,
    )


def git(settings: Settings, environment: Mapping[str, str], redact: Redactor, progress: Progress) -> GitCli:
    """Version control, as every agent has it."""
    return GitCli(
        work=settings.home / "work",
        variables=environment,
        token=settings.github_token,
        redact=redact,
        notice=lambda line: progress.emit(Detail(line)),
        bot_name=settings.bot_name,
        bot_email=settings.bot_email,
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
