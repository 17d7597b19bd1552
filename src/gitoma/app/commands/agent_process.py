"""What every agent's command has around it: its lines, its ends, and the signals that end it early."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import NoReturn, TypeAlias

from gitoma.adapters.files.private_files import ensure_folder
from gitoma.app import console
from gitoma.app.settings import Settings
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import Progress
from gitoma.domain.agents.progress import Detail, Event, Result, Step, line_of, printable
from gitoma.domain.errors import CallerError, OperatorError
from gitoma.domain.jobs.redaction import Redactor

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOG_NAME = "agents.log"


class Cancelled(BaseException):
    """A signal asked the agent to end. No `Exception`: nothing that mends a failure may take it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class ConsoleProgress(Progress):
    """Progress as lines on standard output, credentials masked before anything is cut.

    Attributes:
        reached: What the work has come to, as far as it can be told from outside; whoever does it fills this.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self.reached: dict[str, object] = {}

    def emit(self, event: Event) -> None:
        """See the port."""
        console.say(line_of(self._masked(event)))

    def _masked(self, event: Event) -> Event:
        match event:
            case Step(phase, text):
                return Step(phase, self._redact(text))
            case Detail(text):
                return Detail(self._redact(text))
            case Result(fields):
                masked = {k: self._redact(v) if isinstance(v, str) else v for k, v in fields.items()}
                return Result(masked)


Reached: TypeAlias = Mapping[str, object]
"""What an agent has come to: the fields of its result beside `kind`, `exit` and `error`."""


def run(kind: str, settings: Settings, work: Callable[[ConsoleProgress], Reached]) -> int:
    """Run an agent's work, and turn however it ends into lines, one result, and an exit code.

    The result is said when everything that the work had open is closed: nothing can come after it.

    Args:
        kind: The command's name.
        settings: The settings.
        work: Does it all, and returns what it has come to.

    Raises:
        BrokenPipeError: Nobody reads the output any more; what the work had open is closed by then.
        CallerError: It was asked for wrongly; the result is said all the same.
        OperatorError: The installation is at fault; likewise.
    """
    with suppress(OSError):  # whatever cannot be kept in it says so where it happens
        ensure_folder(settings.home)
    redact = Redactor(settings.secrets)
    progress = ConsoleProgress(redact)
    try:
        with _signals_cancel():
            reached = work(progress)
    except Cancelled as cancelled:
        console.complain(f"gitoma {kind}: cancelled ({cancelled})")
        return _result(progress, kind, "cancelled", cancelled.exit_code, progress.reached)
    except AgentError as error:
        _tell(kind, error, redact)
        return _result(progress, kind, error.code.text, error.code.exit_code, {**progress.reached, **error.reached})
    except BrokenPipeError:
        raise
    except CallerError:
        _result(progress, kind, Code.USAGE.text, Code.USAGE.exit_code)
        raise
    except OperatorError:
        _result(progress, kind, Code.CONFIG.text, Code.CONFIG.exit_code)
        raise
    except Exception as error:  # noqa: BLE001 - an agent's edge: whatever it is must end in a line, and in the log
        _tell_internal(kind, error, settings.home, redact)
        return _result(progress, kind, Code.INTERNAL.text, Code.INTERNAL.exit_code, progress.reached)
    return _result(progress, kind, None, 0, reached)


def _result(
    progress: ConsoleProgress, kind: str, error: str | None, exit_code: int, reached: Reached = MappingProxyType({})
) -> int:
    outcome = {"kind": kind, "exit": exit_code, **({} if error is None else {"error": error})}
    progress.emit(Result({**outcome, **reached}))
    return exit_code


def _tell(kind: str, error: AgentError, redact: Callable[[str], str]) -> None:
    lines = [f"gitoma {kind}: {error}", *([f"  {error.hint}"] if error.hint else [])]
    lines += [f"  git: {line}" for line in error.details]
    for line in lines:
        console.complain(printable(redact(line)))


def _tell_internal(kind: str, error: Exception, home: Path, redact: Callable[[str], str]) -> None:
    """The trace goes to the log, where the operator can find it by the id that everybody is told."""
    error_id = os.urandom(8).hex()
    trace = redact("".join(traceback.format_exception(error)))
    try:
        folder = home / "logs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOG_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"gitoma {kind} error_id={error_id}\n{trace}\n")
        place = f"the trace is in {folder / _LOG_NAME}"
    except OSError as failure:
        console.complain(trace)  # it must not be lost
        place = f"the trace is above, because there is no log: {failure.strerror}"
    console.complain(f"gitoma {kind}: internal error (error_id={error_id}); {place}")


@contextmanager
def _signals_cancel() -> Iterator[None]:
    """SIGTERM, SIGINT and SIGHUP raise `Cancelled` in here; those that our parent has us ignore stay ignored.

    After the first one the others are ignored, so that what it interrupted can tidy up in peace.
    """

    def cancel(number: int, _: FrameType | None) -> NoReturn:
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise Cancelled(number)

    taken = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, cancel)) for number in taken]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
