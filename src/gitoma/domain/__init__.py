"""What gitoma is, on the standard library alone: no I/O, no event loop, no framework.

What it needs from the outside are ports, each in the `ports.py` next to the code that calls it:

    port            in                callers                     adapters
    Clock           clock             all that need the time      clock.SystemClock
    ModelServer     health            health.HealthCheck          chat_completions.health.ChatCompletionsServer
    JobStore        jobs.ports        jobs.service, supervisor    memory.MemoryJobStore
    OutputLog       jobs.ports        jobs.service, supervisor    memory.MemoryOutputLog
    Follower        jobs.ports        adapters.http.stream        memory.MemoryFollower
    ProcessRunner   jobs.ports        jobs.supervisor             posix.process_group.ProcessGroupRunner
    JobProcesses    jobs.ports        jobs.supervisor             posix.process_group.PosixJobProcesses
    Dispatcher      jobs.ports        jobs.service                local.LocalDispatcher
    RepoStates      repos.ports       repos.overview, REST API    files.repo_states.FileRepoStates
    ProcessTable    repos.ports       repos.overview              posix.process_table.PosixProcessTable
    CodeHost        agents.code_host  the agents                  github.rest.GitHubRest
    LanguageModel   agents.language_model  the agents             chat_completions.model.ChatCompletionsModel
    VersionControl  agents.ports      the agents                  git.cli.GitCli
    Checkout        agents.ports      the agents                  git.checkout.GitCheckout
    WorkingCopy     agents.ports      the agents                  git.working_copy.GitWorkingCopy
    RunStates       agents.ports      the agents                  files.run_states.FileRunStates
    HeldState       agents.ports      agents.session              files.run_states.FileHeldState
    YamlReader      agents.ports      agents.health               yaml_documents.PyYamlReader
    Progress        agents.ports      agents.analyze              app.commands.agent_process.ConsoleProgress
    ArtifactStore   agents.ports      agents.analyze              files.artifacts.FileArtifacts

Adapters are below `gitoma.adapters` where nothing else is said; fakes for tests, and the checks that hold an adapter
against its port, are in `gitoma.adapters.testing`.
"""
