"""The graph of objects: which adapter stands behind which port, and what each is given.

Called, not wired: `Container(settings=…, environment=…)` builds nothing until a provider is called, and tests override
providers. This is the only module that knows dependency-injector.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping

from dependency_injector import containers, providers

from gitoma.adapters.chat_completions.health import ChatCompletionsServer
from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.repo_states import FileRepoStates
from gitoma.adapters.local import LocalDispatcher
from gitoma.adapters.memory import MemoryJobStore, MemoryOutputLog
from gitoma.adapters.posix.process_group import ProcessGroupRunner
from gitoma.adapters.posix.process_table import PosixProcessTable
from gitoma.app.settings import Settings
from gitoma.domain.clock import Clock
from gitoma.domain.health import HealthCheck, ModelServer
from gitoma.domain.jobs.admission import Queue, RateLimit
from gitoma.domain.jobs.eviction import Retention
from gitoma.domain.jobs.ports import Dispatcher, JobStore, OutputLog, ProcessRunner
from gitoma.domain.jobs.redaction import Redactor
from gitoma.domain.jobs.service import JobService
from gitoma.domain.jobs.supervisor import Limits, Supervisor
from gitoma.domain.repos.overview import RepoOverview
from gitoma.domain.repos.ports import ProcessTable, RepoStates


def new_job_id() -> str:
    """A UUID4, as text."""
    return str(uuid.uuid4())


def new_error_id() -> str:
    """Sixteen hex digits: enough never to meet twice in one log, short enough to be read out."""
    return secrets.token_hex(8)


def runner(settings: Settings, environment: Mapping[str, str]) -> ProcessGroupRunner:
    """What starts the processes of jobs."""
    return ProcessGroupRunner(environment, also_inherit=settings.job_env, grace_s=settings.cancel_grace_s)


def health_check(settings: Settings, server: ModelServer) -> HealthCheck:
    """What the health endpoint asks."""
    return HealthCheck(
        server=server, wanted=settings.lm_studio_model, github_token_set=settings.github_token is not None
    )


class Container(containers.DeclarativeContainer):
    """One server's objects; every one is made once, at its first use."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)
    environment: providers.Provider[Mapping[str, str]] = providers.Dependency(instance_of=dict)

    clock: providers.Provider[Clock] = providers.Singleton(SystemClock)
    redact: providers.Provider[Redactor] = providers.Singleton(Redactor, settings.provided.secrets)
    job_store: providers.Provider[JobStore] = providers.Singleton(MemoryJobStore)
    output: providers.Provider[OutputLog] = providers.Singleton(MemoryOutputLog)
    process_runner: providers.Provider[ProcessRunner] = providers.Singleton(runner, settings, environment)
    supervisor: providers.Provider[Supervisor] = providers.Singleton(
        Supervisor,
        store=job_store,
        output=output,
        runner=process_runner,
        clock=clock,
        redact=redact,
        limits=providers.Factory(
            Limits,
            timeout_s=settings.provided.job_timeout_s,
            grace_s=settings.provided.cancel_grace_s,
        ),
        new_error_id=providers.Object(new_error_id),
    )
    dispatcher: providers.Provider[Dispatcher] = providers.Singleton(
        LocalDispatcher,
        queue=providers.Factory(
            Queue,
            max_running=settings.provided.max_running,
            max_waiting=settings.provided.max_queued,
        ),
        supervisor=supervisor,
    )
    job_service: providers.Provider[JobService] = providers.Singleton(
        JobService,
        store=job_store,
        output=output,
        dispatcher=dispatcher,
        clock=clock,
        rate_limit=providers.Factory(RateLimit, settings.provided.dispatch_rate_limit),
        retention=providers.Factory(
            Retention,
            ttl_s=settings.provided.job_ttl_s,
            cap=settings.provided.max_jobs,
        ),
        agent_command=settings.provided.agent_command,
        redact=redact,
        new_job_id=providers.Object(new_job_id),
    )

    repo_states: providers.Provider[RepoStates] = providers.Singleton(
        FileRepoStates, settings.provided.home.joinpath.call("state")
    )
    process_table: providers.Provider[ProcessTable] = providers.Singleton(PosixProcessTable)
    repo_overview: providers.Provider[RepoOverview] = providers.Singleton(
        RepoOverview, states=repo_states, processes=process_table, clock=clock
    )

    model_server: providers.Provider[ModelServer] = providers.Singleton(
        ChatCompletionsServer,
        base_url=settings.provided.lm_studio_base_url,
        api_key=settings.provided.lm_studio_api_key,
    )
    health_check: providers.Provider[HealthCheck] = providers.Singleton(health_check, settings, model_server)
