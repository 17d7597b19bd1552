"""Which `Host` a request may name: the guard against DNS rebinding and forged hosts."""

from __future__ import annotations

from collections.abc import Iterable


class HostAllowList:
    """Names without regard to case or port; `*.x` is any depth below x but not x itself; `*` is every host."""

    def __init__(self, allowed: Iterable[str]) -> None:
        patterns = [_name_of(pattern) for pattern in allowed]
        self._any = "*" in patterns
        self._exact = frozenset(pattern for pattern in patterns if not pattern.startswith("*"))
        self._suffixes = tuple(pattern[1:] for pattern in patterns if pattern.startswith("*."))
        self._passed: dict[bytes, bool] = {}

    def allows(self, host: bytes) -> bool:
        """Whether a request with this header may pass."""
        known = self._passed.get(host)
        if known is None:
            known = self._judge(host)
            if len(self._passed) < 64:  # clients use a few spellings; an attacker must not fill the memory
                self._passed[host] = known
        return known

    def _judge(self, host: bytes) -> bool:
        try:
            name = _name_of(host.decode("ascii"))
        except UnicodeDecodeError:
            return False
        if not name or any(character in name for character in " \t/@\\,"):
            return False
        if self._any or name in self._exact:
            return True
        return any(name.endswith(suffix) and len(name) > len(suffix) for suffix in self._suffixes)


def _name_of(host: str) -> str:
    """The host without its port, in lower case; the brackets of an IPv6 address stay."""
    host = host.strip().lower()
    if host.startswith("["):
        address, bracket, port = host.partition("]")
        return address + bracket if not port or _is_port(port) else ""
    name, colon, port = host.partition(":")
    return name if not colon or _is_port(colon + port) else ""


def _is_port(text: str) -> bool:
    return text.startswith(":") and (text == ":" or (text[1:].isascii() and text[1:].isdigit()))
