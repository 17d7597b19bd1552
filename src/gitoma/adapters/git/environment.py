"""The environment of every git process: the operator's proxies and rewritten addresses, and nothing that runs programs.

All settings go through the environment, none through arguments: arguments can be read by every user of the machine.
Git gives settings from the environment precedence over those of any file, so a repository's own cannot undo them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from gitoma.domain.agents.errors import AgentError, Code

ORIGIN = "https://github.com"

Config = Sequence[tuple[str, str]]

# Of git's own variables, what concerns the way to a server. The rest would say where the repository is (a hook that
# starts us sets GIT_DIR), run programs, or print credentials.
_KEPT = re.compile(r"GIT_(?:SSL_\w+|PROXY_SSL_\w+|HTTP_\w+|CONFIG_(?:KEY|VALUE)_\d+)")
_CONFIG_COUNT = re.compile(r"\d{1,4}")

_ALWAYS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_PAGER": "cat",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",  # failures are told apart by git's words
}

_HARDENING: Config = (
    ("core.hooksPath", "/dev/null"),
    ("core.symlinks", "false"),
    ("core.fsmonitor", "false"),
    ("core.protectNTFS", "true"),
    ("core.protectHFS", "true"),
    ("commit.gpgSign", "false"),
    ("credential.helper", ""),  # the empty value forgets those that were configured before
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.ext.allow", "never"),
    ("safe.bareRepository", "explicit"),  # a folder of a checkout may look like a repository of its own
)

NETWORK = "https:http:file"
"""The transports of a clone; `file` is reached only through the operator's own `insteadOf`."""

NO_TRANSPORT = "none"
"""No transport of git's has this name: nothing may be fetched."""


def environment(inherited: Mapping[str, str], *, protocols: str, config: Config = ()) -> dict[str, str]:
    """The variables of a git process.

    Args:
        inherited: Our own variables. `GIT_CONFIG_COUNT` and its fellows are kept and added to.
        protocols: `NETWORK` or `NO_TRANSPORT`.
        config: Further settings, behind the hardening.

    Raises:
        AgentError: `GIT_CONFIG_COUNT` is no number (`config`).
    """
    count = inherited.get("GIT_CONFIG_COUNT") or "0"
    if not _CONFIG_COUNT.fullmatch(count):
        raise AgentError(Code.CONFIG, "GIT_CONFIG_COUNT is not a number", hint="set it to how many settings follow")
    result = {name: value for name, value in inherited.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)}
    result.pop("LANGUAGE", None)
    result |= _ALWAYS
    result["GIT_CONFIG_GLOBAL"] = inherited.get("GITOMA_GIT_CONFIG") or "/dev/null"
    result["GIT_ALLOW_PROTOCOL"] = protocols
    added = (*_HARDENING, *config)
    for number, (key, value) in enumerate(added, int(count)):
        result[f"GIT_CONFIG_KEY_{number}"] = key
        result[f"GIT_CONFIG_VALUE_{number}"] = value
    result["GIT_CONFIG_COUNT"] = str(int(count) + len(added))
    return result


def credentials(token: str | None) -> Config:
    """The settings that send `token` to `ORIGIN` and nowhere else; with it, no redirect is followed."""
    if not token:
        return ()
    basic = base64.b64encode(f"x-access-token:{token}".encode("utf-8", "surrogateescape")).decode()
    return ((f"http.{ORIGIN}/.extraHeader", f"Authorization: Basic {basic}"), ("http.followRedirects", "false"))
