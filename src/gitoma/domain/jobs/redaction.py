"""Keeps credentials out of what is shown of a job: each one is replaced by `REDACTED`.

What is found:

* the values that this server knows to be secret, wherever they stand;
* GitHub tokens, OpenAI-style keys and AWS key ids, by their prefixes;
* what follows `Bearer`, and the value of an `Authorization` or `Proxy-Authorization` header;
* what stands between `://` and `@` in a URL.

Where a rule must guess, it hides too much rather than too little. Redacting twice is redacting once, every rule stays
within one line, and the number of lines never changes.

Jobs may print as fast as they can, so text is taken in blocks of many lines, and a block without a secret must cost
little: each rule has a sign that is cheap to search for, and is applied only where that shows. Jobs may be hostile,
too, so no pattern may take more than linear time: what repeats is possessive, capped, or made of characters that cannot
begin another match.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "REDACTED"

SECRET_MIN_CHARACTERS = 5
"""A known value shorter than this is not masked: words of up to four letters ("main", "test") are in ordinary output by
chance, and a mask over each of them would tell the secret rather than hide it."""

NO_SECRETS = frozenset({"lm-studio", "ollama", "EMPTY"})
"""Values that stand where a secret would and are none: keys for model servers that want none, the default one among
them. They are names of programs that jobs talk about, and a word."""

CREDENTIAL_MIN_CHARACTERS = 8
"""A value shorter than this is in a file by chance rather than as a credential."""

# Up to three or four words, as people choose them for a key that nobody checks ("password", "Not-Needed", "CHANGE_ME",
# "sk-no-key-required"). Sixteen letters without a break, and twenty characters, are no words that stand in files.
_WORDS = re.compile(r"(?=.{,19}\Z)(?:[A-Z]?[a-z]{1,15}(?:[-_. ][A-Z]?[a-z]{1,15})*|[A-Z]{1,15}(?:[-_. ][A-Z]{1,15})*)")

# What makes the rest of a token look random: at least ten characters, and among the first of them a digit or a capital,
# or else sixteen letters without a break, behind the names that some keys carry ("sk-proj-"). Real tokens have 20 and
# more; ten catches shortened ones, and lets "sk-learn-estimators" and "ghs_release_notes" through.
_RANDOM = r"(?=[A-Za-z0-9_-]{10})(?:(?=[a-z_-]{0,64}+[A-Z0-9])|(?=(?:[a-z]{1,8}-){0,2}[a-z]{16}))"

# A GitHub prefix counts inside a word too, since no word has it. The dots are those of tokens in several parts.
_GITHUB = re.compile(rf"g(?:h[pousr]|ithub_pat)_{_RANDOM}[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]{{10,}}+)*")

# "task-", "risk-" and "disk-" are no keys, so a letter or digit before "sk-" forbids it; unless that is the end of
# something that is not text: a colour (ESC [ 1 ; 31 m), an escaped line end (\n), or a percent-encoded character.
_OPENAI = re.compile(
    r"sk-(?:(?<![A-Za-z0-9]sk-)|(?<=[\[;]msk-)|(?<=[\[;]\dmsk-)|(?<=[\[;]\d\dmsk-)|(?<=;\d\d\dmsk-)"
    rf"|(?<=\\[nrt]sk-)|(?<=%[0-9A-Fa-f]{{2}}sk-)){_RANDOM}[A-Za-z0-9_-]++(?::[A-Za-z0-9]{{16,}}+)?"
)

_AWS = re.compile(r"A(?:KI|SI)A[A-Z0-9]{16}")

# For each rule a character without which it finds nothing (to look for one costs a fiftieth of any other search), and
# the pattern of a sign, which begins with its rarest character, because the search runs on that.
_TOKENS = (
    ("_", re.compile(r"_(?<=[gh][hu][bopsru]_)"), _GITHUB),  # gho_ ghp_ ghr_ ghs_ ghu_, and what ends in "hub_"
    ("-", re.compile(r"k-(?<=sk-)[A-Za-z0-9_-]{10}"), _OPENAI),
    ("A", _AWS, _AWS),
)

_COLOUR = r"\x1b\[[0-9;]{0,16}m"

# "Bearer", and a token of six characters or more. "bearer of bad news", "Bearer authentication", "bearer tokens": one
# plain word of up to 15 letters, however capitalised at its start, is prose. A dot may separate because the subprotocol
# of web sockets carries our own token as "gitoma-bearer.<base64url>"; a dot at the end is the sentence's.
_BEARER = re.compile(
    rf"((?i:bearer(?:[ \t]token(?=[ \t:=\"']))?)(?:[ \t\"'\\=.]|:(?!//)|%20|{_COLOUR}){{1,8}}+)"
    r"(?![A-Za-z][a-z]{0,14}[.=~+/-]*+(?![A-Za-z0-9_]))(?=[A-Za-z0-9._~+/=-]{6})[A-Za-z0-9._~+/=-]*[A-Za-z0-9_~+/=-]"
)

# A header, printed raw, as JSON, as a dictionary or as an argument of curl: to the end of the line, quoted or not.
# Stopping at a closing quote would spare what follows, but values have quotes in them (`Digest username="…"`), with
# and without backslashes. Behind `=` (assignments), or a comma and a quote (lists of pairs), only a value that names
# its scheme counts, so that program text which merely handles the header stays readable.
_SCHEME = r"(?=[bfru]{0,2}[\"'\\]{0,4}(?:basic|bearer|digest|negotiate|token)[ \t])"
_AUTHORIZATION = re.compile(
    rf"(authorization(?:[\"'\\\] \t]|{_COLOUR}){{0,8}}+"
    rf"(?::(?!:|//)|=>|=[ \t]*+{_SCHEME}|,[ \t]*+(?=[bfru]{{0,2}}[\"']){_SCHEME})[ \t]*+)[^\s][^\r\n]*+",
    re.IGNORECASE,
)

# From the first "://" to the end of the word: what may hold userinfo.
_URL = re.compile(r"://\S+")

# Userinfo within the authority: up to its last "@", so that "@" in a password is covered. A quote that is followed by
# a delimiter ends a string, so `"https://host","a@b"` has none.
_USERINFO = re.compile(r"://(?:[^/?#\"'<>@]*+(?:[\"'](?![,:;)\]}])[^/?#\"'<>@]*+)*+@)+")

_MASKED_USERINFO = f"://{MASK}@"

# The beginning of "user:password", with which "/", "?" and "#" may follow too: nobody can write them there, but people
# do, and git prints such a URL back. No password: a port (`//host:8080/pkg@1.2`), what an IPv6 address has behind its
# first colon, and the scheme of another URL (`//a,https://b/@user`). Without a colon, "/" ends the authority, which
# leaves `//medium.com/@user` and `//cdn/npm/pkg@1.2.3` alone.
_PASSWORD = re.compile(r"://[^/?#@:\[\"'<>]*+:(?!//|[0-9]{1,5}(?:[/?#\"'<>)\]},;]|\Z))")


def looks_like_a_credential(value: str) -> bool:
    """Whether where `value` stands in a text, it stands as the credential, and not as a word like any other."""
    return len(value) >= CREDENTIAL_MIN_CHARACTERS and _WORDS.fullmatch(value) is None


class Redactor:
    """Replaces credentials in text by `REDACTED`.

    Output is people's to read, so a word too much may be masked there (`redact`). A file is worked with: who has a word
    of it replaced cannot find the place again. So only what `looks_like_a_credential` is masked in files (`mask`).

    Args:
        secrets: What this server knows to be secret: its API token, the code host's, the model server's. Masked by
            value, each line of a value on its own. Those of fewer than `SECRET_MIN_CHARACTERS` and the `NO_SECRETS`
            are passed over.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        parts = {part.strip() for secret in secrets for part in secret.splitlines()}
        values = {part for part in parts if len(part) >= SECRET_MIN_CHARACTERS and part not in MASK} - NO_SECRETS
        self._values = sorted(values, key=len, reverse=True)  # one may be part of another
        self._credentials = [value for value in self._values if looks_like_a_credential(value)]

    def __call__(self, text: str) -> str:
        """The same as `redact`, for those who take a function."""
        return self.redact(text)

    def mask(self, text: str) -> str:
        """`text` without the credentials that were named and nothing else changed: for files, which are worked with."""
        return _without(self._credentials, text)

    def knows(self, text: str) -> bool:
        """Whether one of the credentials that were named is in `text`."""
        return any(value in text for value in self._credentials)

    def redact(self, text: str) -> str:
        """`text`, one line or many joined by newlines, without the credentials; as many lines as before."""
        text = _without(self._values, text)
        for character, sign, token in _TOKENS:
            if character in text and sign.search(text):
                text = token.sub(MASK, text)
        folded = _folded(text)
        if b"authorization" in folded:
            text = _without_value(text, folded, b"authorization", _AUTHORIZATION)
            folded = _folded(text)
        if b"bearer" in folded:
            text = _without_value(text, folded, b"bearer", _BEARER)
        if "@" in text and "://" in text:
            text = _URL.sub(_without_userinfo, text)
        return text


def _without(values: Iterable[str], text: str) -> str:
    for value in values:
        text = text.replace(value, MASK)
    return text


def _folded(text: str) -> bytes:
    """`text` in small letters, a byte for each character, whatever it is.

    To search this for a word is ten times faster than to search the text without regard to case.
    """
    return text.encode("ascii", "replace").lower()


def _without_value(text: str, folded: bytes, word: bytes, rule: re.Pattern[str]) -> str:
    """`text` with what follows `word` masked: what `rule`, which begins with the word, matches behind its group."""
    kept: list[str] = []
    done = 0
    at = folded.find(word)
    while at >= 0:
        found = rule.match(text, at)
        if found:
            kept += text[done : found.end(1)], MASK
            done = found.end()
        at = folded.find(word, found.end() if found else at + len(word))
    kept.append(text[done:])
    return "".join(kept)


def _without_userinfo(found: re.Match[str]) -> str:
    """The end of a word, from its first "://", with every userinfo in it masked."""
    word: str = found[0]
    last = word.rfind("@")
    if last < 0:
        return word
    password = _PASSWORD.search(word, 0, last)
    if not password:
        return _USERINFO.sub(_MASKED_USERINFO, word)
    before = _USERINFO.sub(_MASKED_USERINFO, word[: password.start()])
    return f"{before}{_MASKED_USERINFO}{word[last + 1 :]}"  # a password may go on to the very last "@"
