"""The settings: every variable that the operator can set, read once, at start.

The environment comes first, then `$GITOMA_HOME/config.toml`, then the default. Blank counts as unset, at each step. A
value that makes no sense stops the start with `InvalidSetting`: one line with the variable, what it got and what it
takes. Secrets are in no message and in no `repr`.

In the environment, variables that are not in the table are let be: agents and others have their own. In `config.toml`,
which is ours alone, an unknown key is a misspelt one, and refused.

`WEB_CONCURRENCY` is the server's and is looked at by `serve`. Nothing here imports the server.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from gitoma.app import setting_values as values
from gitoma.domain.errors import InvalidSetting
from gitoma.domain.health import LEAST_CONTEXT

Source: TypeAlias = Literal["environment", "config.toml", "default"]

_MAX_CONFIG_BYTES = 64 * 1024  # some hundred times what all the settings take
_MAX_SHOWN_PATH = 300
_HOME = "GITOMA_HOME"
_LINE = re.compile(r"line \d+")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator has decided. Durations are seconds; the defaults are those of the REST contract.

    Attributes:
        home: Everything that we write, absolute. It need not exist.
        api_token: The bearer token of the API; None closes it.
        allowed_hosts: Host patterns, lower case, without ports.
        cors_origins: Origins that browsers may call from; empty: CORS is off.
        ws_allowed_origins: Origins for the state socket, beyond the same origin and loopback.
        agent_command: What jobs run, before the subcommand.
        job_timeout_s: One job's run time, above 0.
        cancel_grace_s: Between SIGTERM and SIGKILL.
        job_ttl_s: How long a finished job stays known.
        max_jobs: How many jobs are known, above 0.
        max_running: How many jobs run at once, above 0.
        max_queued: How many jobs wait; 0: none.
        job_env: Names of further variables that jobs inherit.
        dispatch_rate_limit: Dispatches of one token in 60 s; 0: no limit.
        github_token: For GitHub, or None.
        github_api_url: Without a slash at its end.
        lm_studio_base_url: Of the model server, without a slash at its end.
        lm_studio_model: None: the first one that the server lists.
        critic_model: None: the same as `lm_studio_model`.
        lm_studio_api_key: For the model server.
        lm_studio_max_tokens: The longest answer that is asked for; None: what each question needs.
        llm_context: Tokens that a question and its answer may take together, unless the server says that it takes less.
        llm_no_think: Ask a model that reasons at length to answer at once.
        llm_allow_http: Speak plain http also with a model server that is not on a private network.
        bot_name: Author and committer of the agents' commits.
        bot_email: The same.
        run_critic: `run` has a second look at each change.
        review_trust: Whose review comments are acted on: `members` of the repository, or `all`.
        fix_ci_direct: `fix-ci` pushes to the default branch instead of opening a pull request.
        agent_max_s: How long one agent may work; None: as is usual for its kind. The next two likewise.
        agent_max_calls: How many questions it may ask the model.
        agent_max_tokens: How many tokens the model may answer in all.
        sources: Field name to where its value came from.
    """

    home: Path
    api_token: str | None = field(repr=False)
    allowed_hosts: tuple[str, ...]
    cors_origins: tuple[str, ...]
    ws_allowed_origins: tuple[str, ...]
    agent_command: tuple[str, ...] = field(repr=False)
    job_timeout_s: float
    cancel_grace_s: float
    job_ttl_s: float
    max_jobs: int
    max_running: int
    max_queued: int
    job_env: tuple[str, ...]
    dispatch_rate_limit: int
    github_token: str | None = field(repr=False)
    github_api_url: str = field(repr=False)  # it, and the next one, may hold credentials
    lm_studio_base_url: str = field(repr=False)
    lm_studio_model: str | None
    critic_model: str | None
    lm_studio_api_key: str = field(repr=False)
    lm_studio_max_tokens: int | None
    llm_context: int
    llm_no_think: bool
    llm_allow_http: bool
    bot_name: str
    bot_email: str
    run_critic: bool
    review_trust: str
    fix_ci_direct: bool
    agent_max_s: float | None
    agent_max_calls: int | None
    agent_max_tokens: int | None
    sources: Mapping[str, Source] = field(repr=False)

    def source(self, name: str) -> Source:
        """Where the value of a field came from.

        Raises:
            KeyError: There is no such field.
        """
        return self.sources[name]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no output and in no log."""
        urls = (values.url_secrets(url) for url in (self.github_api_url, self.lm_studio_base_url))
        known = (self.api_token, self.github_token, self.lm_studio_api_key, *chain.from_iterable(urls))
        return tuple(secret for secret in known if secret)

    @property
    def api_token_bytes(self) -> bytes | None:
        """The token as the operator wrote it and as a client sends it: UTF-8, or the very bytes of the environment."""
        return None if self.api_token is None else self.api_token.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the table.

    Attributes:
        name: As the operator writes it.
        field: The attribute of `Settings`.
        read: What turns what was written into a value; see `setting_values`.
        default: The value where nothing was set.
        secret: Its value is never shown.
    """

    name: str
    field: str
    read: values.Reader
    default: Any = None
    secret: bool = False


VARIABLES = (
    Variable("GITOMA_API_TOKEN", "api_token", values.own_token, secret=True),
    Variable(
        "GITOMA_ALLOWED_HOSTS",
        "allowed_hosts",
        values.hosts,
        ("localhost", "127.0.0.1", "[::1]", "*.local", "testserver"),
    ),
    Variable("GITOMA_CORS_ORIGINS", "cors_origins", values.origins, ()),
    Variable("GITOMA_WS_ALLOWED_ORIGINS", "ws_allowed_origins", values.origins, ()),
    Variable("GITOMA_AGENT_COMMAND", "agent_command", values.command, (sys.executable, "-m", "gitoma")),
    Variable("GITOMA_JOB_TIMEOUT_S", "job_timeout_s", values.seconds(zero=False), 3600.0),
    Variable("GITOMA_CANCEL_GRACE_S", "cancel_grace_s", values.seconds(zero=True), 5.0),
    Variable("GITOMA_JOB_TTL_S", "job_ttl_s", values.seconds(zero=True), 900.0),
    Variable("GITOMA_MAX_JOBS", "max_jobs", values.whole(1), 50),
    Variable("GITOMA_MAX_RUNNING", "max_running", values.whole(1), 50),
    Variable("GITOMA_MAX_QUEUED", "max_queued", values.whole(0), 1000),
    Variable("GITOMA_JOB_ENV", "job_env", values.variables, ()),
    Variable("GITOMA_DISPATCH_RATE_LIMIT", "dispatch_rate_limit", values.whole(0), 600),
    Variable("GITHUB_TOKEN", "github_token", values.foreign_token, secret=True),
    Variable("GITHUB_API_URL", "github_api_url", values.base_url, "https://api.github.com"),
    Variable("LM_STUDIO_BASE_URL", "lm_studio_base_url", values.base_url, "http://localhost:1234/v1"),
    Variable("LM_STUDIO_MODEL", "lm_studio_model", values.text),
    Variable("CRITIC_MODEL", "critic_model", values.text),
    Variable("LM_STUDIO_API_KEY", "lm_studio_api_key", values.foreign_token, "lm-studio", secret=True),
    Variable("LM_STUDIO_MAX_TOKENS", "lm_studio_max_tokens", values.whole(1)),
    Variable("GITOMA_LLM_CONTEXT", "llm_context", values.whole(LEAST_CONTEXT), 8192),
    Variable("GITOMA_LLM_NO_THINK", "llm_no_think", values.switch, True),
    Variable("GITOMA_LLM_ALLOW_HTTP", "llm_allow_http", values.switch, False),
    Variable("BOT_NAME", "bot_name", values.identity, "gitoma"),
    Variable("BOT_EMAIL", "bot_email", values.identity, "gitoma@users.noreply.github.com"),
    Variable("GITOMA_RUN_CRITIC", "run_critic", values.switch, False),
    Variable("GITOMA_REVIEW_TRUST", "review_trust", values.one_of("members", "all"), "members"),
    Variable("GITOMA_FIX_CI_DIRECT", "fix_ci_direct", values.switch, False),
    Variable("GITOMA_AGENT_MAX_S", "agent_max_s", values.seconds(zero=False)),
    Variable("GITOMA_AGENT_MAX_CALLS", "agent_max_calls", values.whole(1)),
    Variable("GITOMA_AGENT_MAX_TOKENS", "agent_max_tokens", values.whole(1)),
)


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; see the rules at the top of this file.

    Args:
        environ: The environment variables.

    Raises:
        InvalidSetting: The first value that makes no sense.
    """
    home, home_source = _home(environ)
    path = home / "config.toml"
    config = _config(path)
    found: dict[str, Any] = {"home": home}
    sources: dict[str, Source] = {"home": home_source}
    for variable in VARIABLES:
        found[variable.field], sources[variable.field] = _find(variable, environ, config, path)
    return Settings(**found, sources=MappingProxyType(sources))


def without_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables but for our credentials: for programs, which are told what they need in other ways.

    A base URL may hold some, too.
    """
    ours = {variable.name for variable in VARIABLES if variable.secret or variable.read is values.base_url}
    return {name: value for name, value in environ.items() if name not in ours}


def _find(
    variable: Variable, environ: Mapping[str, str], config: Mapping[str, object], path: Path
) -> tuple[Any, Source]:
    value = _read(variable, environ.get(variable.name, ""), "")
    if value is not None:
        return value, "environment"
    value = _read(variable, config.get(variable.name, ""), f" (it is set in {_shown(path)})")
    if value is not None:
        return value, "config.toml"
    return variable.default, "default"


def _read(variable: Variable, raw: object, place: str) -> Any:
    if isinstance(raw, str) and not raw.strip():
        return None
    try:
        return variable.read(raw)
    except values.Refused as error:
        got = values.HIDDEN if variable.secret else error.got or values.show(raw)
        raise InvalidSetting(variable.name, got, error.takes + place) from None


def _home(environ: Mapping[str, str]) -> tuple[Path, Source]:
    written = environ.get(_HOME, "")
    source: Source = "environment" if written.strip() else "default"
    chosen = written.strip() or "~/.gitoma"
    try:
        path = _expand(chosen, environ.get("HOME", "")).absolute()
        if any(byte < 0x20 or byte == 0x7F for byte in os.fsencode(path)):
            raise ValueError("control characters")  # they would break every line that names the path
    except (OSError, RuntimeError, ValueError):  # no working directory; no such user; text that no path can be
        takes = "the path of a folder, without control characters"
        raise InvalidSetting(_HOME, values.show(chosen), takes) from None
    return path, source


def _expand(path: str, user_home: str) -> Path:
    if user_home.strip() and (path == "~" or path.startswith("~/")):
        return Path(user_home, path[2:])
    return Path(path).expanduser()


def _config(path: Path) -> Mapping[str, object]:
    """The contents of the file; nothing if there is none, or no home for it to be in.

    Raises:
        InvalidSetting: It cannot be read, or holds what is no setting.
    """
    name = _shown(path)
    try:
        data = _contents(path)
        config = tomllib.loads(data.decode())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InvalidSetting(name, error.strerror or str(error), "a readable file") from None
    except UnicodeDecodeError:
        raise InvalidSetting(name, "bytes that are not UTF-8", "TOML, in UTF-8") from None
    except (ValueError, RecursionError) as error:  # of a TOML error only the line: the text may quote what is written
        line = _LINE.search(str(error))
        raise InvalidSetting(name, f"an error in {line[0] if line else 'it'}", "TOML") from None
    for key in config:
        _check_key(key, name)
    return config


def _contents(path: Path) -> bytes:
    # A link is followed: people keep such files in a repository. O_NONBLOCK, because a FIFO would wait for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(_MAX_CONFIG_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _MAX_CONFIG_BYTES:
        raise OSError(f"more than {_MAX_CONFIG_BYTES} bytes")
    return data


def _check_key(key: str, file: str) -> None:
    known = [variable.name for variable in VARIABLES]
    if key == _HOME:
        raise InvalidSetting(file, key, f"no {_HOME}, which says where this file is: set it in the environment")
    if key not in known:
        near = get_close_matches(key.upper()[: values.SHOWN_CHARACTERS], known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidSetting(file, values.show(key), f"the names of settings as keys{hint}")


def _shown(path: Path) -> str:
    whole = ascii(str(path))[1:-1]
    return whole if len(whole) <= _MAX_SHOWN_PATH else f"…{whole[-_MAX_SHOWN_PATH:]}"
