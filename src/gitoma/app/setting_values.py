"""What a setting may be set to: one reader for each kind of value.

A reader gets what the operator wrote: text from the environment, or from `config.toml` text, a number or an array. It
returns the value, or None where nothing was set (blank text, a list without entries), or raises `Refused`.

Nothing here knows which settings there are; `settings` has the table.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

Reader: TypeAlias = Callable[[object], Any]

MAX_NUMBER = 1_000_000_000  # seconds: 31 years. Above that, timers of operating systems and of Python overflow
SHOWN_CHARACTERS = 80  # of a refused value: enough to recognise it, and still one line
HIDDEN = "(not shown)"

_ASCII_BLANKS = " \t\n\r\v\f"  # a byte of a token above 127 is no blank, whatever Unicode calls it
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_WHOLE = re.compile(r"[0-9]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST = re.compile(r"(?P<host>\*|(\*\.)?[a-z0-9_][a-z0-9._-]*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_BARE_IPV6 = re.compile(r"[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*")
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9_][a-z0-9._-]*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_MAX_PORT = 65535


class Refused(ValueError):
    """A value that makes no sense.

    Args:
        takes: What the setting takes, in words.
        got: What to show of the value in its stead; None to show the value itself.
    """

    def __init__(self, takes: str, got: str | None = None) -> None:
        super().__init__(takes)
        self.takes = takes
        self.got = got


def show(raw: object) -> str:
    """A refused value, fit for one line: cut, and without credentials of a URL."""
    text = raw if isinstance(raw, str) else repr_of(raw)
    if "@" in text:
        return "(something with credentials in it)"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def repr_of(raw: object) -> str:
    """What a TOML value looks like; one that cannot be printed is named by its type."""
    try:
        return repr(raw)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        return type(raw).__name__


def whole(at_least: int) -> Reader:
    """A whole number from `at_least` to `MAX_NUMBER`."""
    takes = f"a whole number from {at_least} to {MAX_NUMBER}"

    def read(raw: object) -> int | None:
        if isinstance(raw, str):
            raw = raw.strip()
            if not raw:
                return None
            # The length is looked at first: Python refuses to convert thousands of digits.
            raw = int(raw) if len(raw) <= SHOWN_CHARACTERS and _WHOLE.fullmatch(raw) else raw
        if not isinstance(raw, int) or isinstance(raw, bool) or not at_least <= raw <= MAX_NUMBER:
            raise Refused(takes)
        return raw

    return read


def seconds(*, zero: bool) -> Reader:
    """Decimal seconds, with or without a fraction; 0 only if `zero`."""
    takes = f"decimal seconds {'from' if zero else 'above'} 0 to {MAX_NUMBER}"

    def read(raw: object) -> float | None:
        if isinstance(raw, str):
            raw = raw.strip()
            if not raw:
                return None
            raw = float(raw) if _DECIMAL.fullmatch(raw) else raw
        if not isinstance(raw, (int, float)) or isinstance(raw, bool):
            raise Refused(takes)
        if not 0 <= raw <= MAX_NUMBER or (raw == 0 and not zero):  # nan and infinite, too, are not in between
            raise Refused(takes)
        return float(raw)

    return read


def text(raw: object) -> str | None:
    """One line of printable text."""
    value = _string(raw, "text").strip()
    if not value.isprintable():
        raise Refused("one line of printable text")
    return value or None


_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def switch(raw: object) -> bool | None:
    """`on` or `off`, and the other usual words for them."""
    if isinstance(raw, bool):
        return raw
    word = _string(raw, "on or off").strip().lower()
    if word and word not in _SWITCH:
        raise Refused("on or off")
    return _SWITCH[word] if word else None


def one_of(*words: str) -> Reader:
    """One of these words, in any case."""
    takes = " or ".join(words)

    def read(raw: object) -> str | None:
        word = _string(raw, takes).strip().lower()
        if word and word not in words:
            raise Refused(takes)
        return word or None

    return read


def identity(raw: object) -> str | None:
    """A name or an address as git takes it: it writes `name <address>`, so neither may hold a bracket."""
    value = text(raw)
    # Git drops these from both ends, and refuses what is then empty.
    if value is not None and (not value.strip(".,:;\"\\' ") or "<" in value or ">" in value):
        raise Refused("one line of text without < and >")
    return value


def own_token(raw: object) -> str | None:
    """A token that callers present to us.

    It may hold what is not ASCII: it is compared as the bytes that the operator wrote, and a client can send those. A
    blank or a control character in it could never be presented behind `Bearer`, so it is refused.
    """
    value = _string(raw, "a token", hidden=True).strip(_ASCII_BLANKS)
    if any(c <= " " or c == "\x7f" for c in value):
        raise Refused("a token without blanks and control characters", HIDDEN)
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Refused("a token in UTF-8", HIDDEN) from None
    return value or None


def foreign_token(raw: object) -> str | None:
    """A token that we present to others, in a header: visible ASCII."""
    value = _string(raw, "a token", hidden=True).strip()
    if any(not "!" <= c <= "~" for c in value):
        raise Refused("a token of visible ASCII characters", HIDDEN)
    return value or None


def base_url(raw: object) -> str | None:
    """An http or https URL that paths can be appended to; a slash at its end is cut."""
    takes = "an http or https URL with a host, without a query or fragment"
    value = _string(raw, takes).strip()
    if not value:
        return None
    url = _split(value) if all("!" <= c <= "~" for c in value) else None
    if url is None or url.scheme not in ("http", "https") or not _is_host(url.hostname) or "?" in value or "#" in value:
        raise Refused(takes)
    return value.rstrip("/")


def url_secrets(url: str) -> tuple[str, ...]:
    """What is secret of a URL, as written and as meant: the password, or a name that stands without one."""
    parts = urlsplit(url)
    secret = parts.password or parts.username or ""
    return tuple(dict.fromkeys(each for each in (secret, unquote(secret)) if each))


def _is_host(name: str | None) -> bool:
    """Whether a resolver can be asked for it: for other names Python's raises what nobody expects."""
    return bool(name) and all(0 < len(label) < 64 for label in (name or "").removesuffix(".").split("."))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:  # an unclosed bracket, a port that is no number
        return None


def hosts(raw: object) -> tuple[str, ...] | None:
    """Host patterns: `name`, `[::1]`, `*.name`, `*`; lower-cased, ports cut, because neither counts."""
    takes = "a comma list of host names, addresses, *.name or *"
    return _each(raw, takes, lambda entry: _host(entry.lower(), takes))


def _host(entry: str, takes: str) -> str:
    if _BARE_IPV6.fullmatch(entry):  # unlike in a URL, nobody can mistake it here
        entry = f"[{entry}]"
    match = _HOST.fullmatch(entry)
    if match is None:
        raise Refused(takes)
    return match["host"]


def origins(raw: object) -> tuple[str, ...] | None:
    """Exact origins, spelled as browsers send them: in lower case, without the scheme's default port."""
    takes = "a comma list of exact origins, scheme://host or scheme://host:port, without a path"
    return _each(raw, takes, lambda entry: _origin(entry.lower(), takes))


def _origin(entry: str, takes: str) -> str:
    if entry == "*":
        raise Refused(f"{takes}; '*' would let every web site that a user visits call this server")
    match = _ORIGIN.fullmatch(entry)
    if match is None or int(match["port"] or 1) not in range(1, _MAX_PORT + 1):
        raise Refused(takes)
    scheme, host, port = match["scheme"], match["host"], match["port"]
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


def variables(raw: object) -> tuple[str, ...] | None:
    """Names of environment variables."""
    takes = "a comma list of names of environment variables"

    def one(entry: str) -> str:
        if not _VARIABLE.fullmatch(entry):
            raise Refused(takes)
        return entry

    return _each(raw, takes, one)


def command(raw: object) -> tuple[str, ...] | None:
    """A command and its first arguments: text split as a shell splits words, or an array of words."""
    takes = "a command, split as a shell splits words"
    try:
        words = _strings(raw, takes) if isinstance(raw, list) else shlex.split(_string(raw, takes))
    except ValueError:  # an unbalanced quote
        raise Refused(takes) from None
    if words and (not words[0] or any("\0" in word for word in words)):
        raise Refused(takes)
    return tuple(words) or None


def _each(raw: object, takes: str, read: Callable[[str], str]) -> tuple[str, ...] | None:
    """A list, from commas or an array: blank entries are passed over, and later ones that say the same."""
    entries = _strings(raw, takes) if isinstance(raw, list) else _string(raw, takes).split(",")
    return tuple(dict.fromkeys(read(entry.strip()) for entry in entries if entry.strip())) or None


def _string(raw: object, takes: str, *, hidden: bool = False) -> str:
    if not isinstance(raw, str):
        raise Refused(takes, HIDDEN if hidden else None)
    return raw


def _strings(raw: list[object], takes: str) -> list[str]:
    return [_string(entry, takes) for entry in raw]
