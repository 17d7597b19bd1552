"""gitoma dispatches autonomous GitHub agents as background jobs.

`gitoma.domain` says what a job, a repository and an agent are, on the standard library alone; `gitoma.adapters`
connects that to HTTP, processes and files; `gitoma.app` wires the two into the `gitoma` command.
"""

__version__ = "0.1.0"
