"""For whoever must survive it: ports of a process that dies, or loses its connection, at a moment of your choice.

    fate = Fate(at=17)
    try:
        flow(mortal(port, fate))
    except Death:
        ...  # and now the next process, over the same port

Every call of a port is two moments, one before it has its effect and one after. A death between them is one between
what happened and whoever was to be told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

from gitoma.domain.agents.errors import AgentError, Code

P = TypeVar("P")


class Death(BaseException):
    """The process is gone. Whatever it still wants to do while this passes through it has no effect any more."""


class Fate:
    """When a process dies.

    Args:
        at: The number of the moment, from 0; None: it lives.
        loses_connection: It does not die: the call fails with `network`, whether it has had its effect or not.

    Attributes:
        moments: All so far, in words.
        is_over: It has died, or lost its connection.
    """

    def __init__(self, at: int | None = None, *, loses_connection: bool = False) -> None:
        self._at = at
        self._loses_connection = loses_connection
        self.moments: list[str] = []
        self.is_over = False

    def live_through(self, moment: str, *, online: bool) -> None:
        """Live through a moment.

        Args:
            moment: What happens, in words.
            online: It is a call over the network: only there a connection is lost.

        Raises:
            Death: It was the last one, or that is behind us.
            AgentError: `network`, where that is what happens; once.
        """
        if len(self.moments) == self._at and (online or not self._loses_connection):
            self.is_over = True
        self.moments.append(moment)
        if self.is_over and not self._loses_connection:
            raise Death(moment)
        if self.is_over and len(self.moments) - 1 == self._at:
            raise AgentError(Code.NETWORK, f"the connection was lost {moment}")


# What changes nothing that lasts, and happens all the time: dying there is dying at the next call that matters.
_QUIET = frozenset({"emit", "entries", "read"})


def mortal(port: P, fate: Fate, *, online: bool = False) -> P:
    """The same port, in the hands of a process with this fate.

    What a context of it gives is a port in the same hands; the context itself ends whatever happens, as files and locks
    of a process do.

    Args:
        port: The port.
        fate: What happens to the process.
        online: Its calls go over the network.
    """
    return cast(P, _Mortal(port, fate, online))


class _Mortal:
    def __init__(self, port: object, fate: Fate, online: bool) -> None:
        self._port = port
        self._fate = fate
        self._online = online

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value) or name in _QUIET:
            return value

        def call(*args: Any, **more: Any) -> Any:
            return self._through(name, lambda: value(*args, **more))

        return call

    def _through(self, name: str, call: Callable[[], Any]) -> Any:
        if name in _CONTEXTS:
            return self._context(name, call())
        self._live_through("before", name)
        result = call()
        self._live_through("after", name)
        return result

    @contextmanager
    def _context(self, name: str, context: AbstractContextManager[object]) -> Iterator[object]:
        self._live_through("before", name)
        with context as port:
            self._live_through("after", name)
            yield _Mortal(port, self._fate, self._online)

    def _live_through(self, when: str, name: str) -> None:
        self._fate.live_through(f"{when} {name}", online=self._online and name not in _LOCAL)


_LOCAL = frozenset({"commit", "contains"})  # of a working copy, which is on this machine
_CONTEXTS = frozenset({"clone", "working_copy", "local", "hold"})
