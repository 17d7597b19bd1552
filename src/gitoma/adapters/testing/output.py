"""Strategies for what jobs print: raw bytes, the ways to cut them into chunks, lines, and credentials among them."""

from __future__ import annotations

import string
from dataclasses import dataclass

from hypothesis import strategies as st

from gitoma.domain.jobs.output import CUT_MARK, HELD_BYTES, LINE_MAX_BYTES, SENTINEL_PREFIX

_ALPHANUMERIC = string.ascii_letters + string.digits

# What people print, and what resembles a credential and is none.
_WORDS = """
the job passed in 12.5s INFO [PHASE] src/app/main.py key=value task_id __init__ 100% ✓ … ÿ 😀 through authentication
https://host:8080/pkg@1.2 https://medium.com/@user https://cdn/npm/pkg@1.2.3 http://[::1]:80/p@1 @ :// a:/
https://a.com,https://b.com/@user https://github.com/o/r.git git@github.com:o/r.git dev@example.com authorization
task-force-of-seven-2024-01-01 risk-based-Analysis-No-1234567890 disk-0123456789abcdef sk-learn-estimators sk-
ghp_ ghs_release_notes github_pat_ AKIA ASIAN
"""
_ORDINARY = [
    *_WORDS.split(),
    "",
    "\t",
    "bearer of bad news",
    "Bearer authentication required",
    "Authorization, he said",
]


@dataclass(frozen=True, slots=True)
class Leak:
    """A line that holds a credential.

    Attributes:
        before: What stands before it; it must stay.
        credential: The part of the line that must change.
        secret: The part of `credential` that nobody must see.
        after: What stands behind it.
    """

    before: str
    credential: str
    secret: str
    after: str

    @property
    def line(self) -> str:
        """The whole line, as a job prints it."""
        return self.before + self.credential + self.after


def ordinary_lines() -> st.SearchStrategy[str]:
    """Lines without a credential, full of what resembles one."""
    return st.lists(st.sampled_from(_ORDINARY), max_size=12).map(" ".join)


def secrets(minimum: int = 20, maximum: int = 60) -> st.SearchStrategy[str]:
    """Random letters and digits, with at least one digit."""
    letters = st.text(_ALPHANUMERIC, min_size=minimum - 1, max_size=maximum - 1)
    return st.builds(str.__add__, letters, st.sampled_from(string.digits))


def passwords() -> st.SearchStrategy[str]:
    """What people choose: any visible characters, those with a meaning in URLs included. Not a port number."""
    visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x17E, exclude_categories=("C", "Z")), min_size=5)
    return visible.map("Pw".__add__)


def leaks() -> st.SearchStrategy[Leak]:
    """Lines with one credential each: of every kind, between ordinary words, quoted, in brackets, in colour."""
    scheme = st.sampled_from(["https", "HTTP", "git+https", "postgresql", "redis", "x.y-z+1"])
    user = st.sampled_from(["", "me", "x-access-token", "o%40auth"])
    urls = st.one_of(
        st.builds(lambda s, u, pw: (f"{s}://{u}:{pw}@", f":{pw}@"), scheme, user, passwords()),
        st.builds(lambda s, token: (f"{s}://{token}@", token), scheme, secrets()),
    )
    github = st.sampled_from(["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "github_pat_11AAAAAAA0_"])
    openai = st.sampled_from(["sk-", "sk-proj-", "sk-ant-api03-", "sk-svcacct-"])
    prefixed = st.builds(lambda prefix, secret: (prefix + secret, secret), github | openai, secrets())
    aws = st.builds(
        lambda prefix, rest: (prefix + rest, rest),
        st.sampled_from(["AKIA", "ASIA"]),
        st.text(string.ascii_uppercase + string.digits, min_size=16, max_size=16),
    )
    word = st.sampled_from(["Bearer ", "bearer ", "BEARER  ", "bearer: ", "Bearer token ", "gitoma-bearer."])
    bearer = st.builds(lambda prefix, secret: (prefix + secret, secret), word, secrets())
    kinds = st.one_of(urls, prefixed, aws, bearer)
    return st.builds(
        lambda before, around, kind, after: Leak(f"{before} {around[0]}", kind[0], kind[1], f"{around[1]} {after}"),
        ordinary_lines(),
        st.sampled_from(
            [("", ""), ('"', '"'), ("'", "',"), ("(", ")"), ("<", ">"), ("=", ";"), ("\x1b[1;31m", "\x1b[0m")]
        ),
        kinds,
        ordinary_lines(),
    )


def authorization_leaks() -> st.SearchStrategy[Leak]:
    """Lines with an `Authorization` header; everything behind its name is secret."""
    names = ["Authorization: ", "authorization:", "AUTHORIZATION : ", "Proxy-Authorization: ", '"Authorization": "']
    more = [
        "-H 'authorization: ",
        "{'Authorization': '",
        "\x1b[1mAuthorization\x1b[0m: ",
        "['authorization'] = 'Basic ",
    ]
    name = st.sampled_from([*names, *more])
    return st.builds(lambda name, secret: Leak(name, secret, secret, ""), name, secrets() | passwords())


def raw_output() -> st.SearchStrategy[bytes]:
    """Bytes as a job may write them: text, broken UTF-8, endless lines, carriage returns, forged sentinels, secrets."""
    pieces = st.one_of(
        ordinary_lines().map(str.encode),
        leaks().map(lambda leak: leak.line.encode()),
        st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r", b" ", b"\xff", b"\xe2\x82", b"\xf0\x9f\x98", b"\x00"]),
        st.sampled_from([SENTINEL_PREFIX, f"\n{SENTINEL_PREFIX}:completed\n", CUT_MARK]).map(str.encode),
        st.binary(max_size=20),
        st.builds(lambda unit, size, odd: (unit * size)[: size + odd], _UNITS, _SIZES, st.integers(-2, 2)),
    )
    return st.lists(pieces, max_size=20).map(b"".join)


_UNITS = st.sampled_from([b"x", b"word ", "é".encode(), "😀".encode(), b"https://u:p@h ", b"a\n"])
_SIZES = st.sampled_from([LINE_MAX_BYTES // 4, LINE_MAX_BYTES, HELD_BYTES, HELD_BYTES + LINE_MAX_BYTES])


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` as chunks, cut anywhere; some may be empty."""
    places = draw(st.lists(st.integers(0, len(data)), max_size=8).map(sorted))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
