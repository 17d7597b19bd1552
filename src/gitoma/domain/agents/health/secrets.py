"""The check that no key is in the repository: Secrets.

Only what a vendor made recognisable counts: tokens with a fixed prefix, length and alphabet, and whole private keys. A
variable that is called `password` says nothing; `password = request.form["password"]` is how it ought to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.snapshot import Snapshot, folders, is_binary

# What makes each token recognisable, a text that is in every one of them, and the pattern. The text is looked for
# first, because that is a hundred times faster than the pattern, and almost no file has it.
_TOKENS: tuple[tuple[str, bytes, re.Pattern[bytes]], ...] = (
    ("AWS key id", b"AKIA", re.compile(rb"\bAKIA[A-Z2-7]{16}\b")),
    ("GitHub token", b"ghp_", re.compile(rb"\bghp_[A-Za-z0-9]{36}\b")),
    ("GitHub token", b"gho_", re.compile(rb"\bgho_[A-Za-z0-9]{36}\b")),
    ("GitHub token", b"ghs_", re.compile(rb"\bghs_[A-Za-z0-9]{36}\b")),
    ("GitHub token", b"ghu_", re.compile(rb"\bghu_[A-Za-z0-9]{36}\b")),
    ("GitHub token", b"github_pat_", re.compile(rb"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b")),
    ("GitLab token", b"glpat-", re.compile(rb"\bglpat-[A-Za-z0-9_-]{20}\b")),
    ("Slack token", b"xox", re.compile(rb"\bxox[abprs]-\d{10,13}-[A-Za-z0-9-]{20,}")),
    ("Slack webhook", b"hooks.slack.com", re.compile(rb"hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{24}")),
    ("Google API key", b"AIza", re.compile(rb"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("Stripe key", b"k_live_", re.compile(rb"\b[sr]k_live_[A-Za-z0-9]{24,}\b")),
    ("OpenAI key", b"T3BlbkFJ", re.compile(rb"\bsk-[A-Za-z0-9_-]{10,200}T3BlbkFJ[A-Za-z0-9_-]{10,200}")),
    ("Anthropic key", b"sk-ant-", re.compile(rb"\bsk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{80,}")),
    ("npm token", b"npm_", re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b")),
    ("PyPI token", b"pypi-AgEIcHlwaS5vcmc", re.compile(rb"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}")),
    ("SendGrid key", b"SG.", re.compile(rb"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b")),
    (
        "private key",
        b"PRIVATE KEY-----",
        # A body of at least 150 characters of base64: the header alone is in every program that reads keys.
        re.compile(rb"-----BEGIN (?:[A-Z]{2,9} )?PRIVATE KEY-----(?:\\n|[\sA-Za-z0-9+/=]){150,}-----END"),
    ),
)
_MAKE_BELIEVE = (b"EXAMPLE", b"example", b"1234567890", b"0123456789", b"abcdefghij", b"ABCDEFGHIJ", b"xxxx", b"XXXX")
_DISTINCT = 8  # a real token of 20 and more random characters has more distinct ones than this, practically always
_HARMLESS_FOLDERS = re.compile(
    r"tests?|__tests__|testing|testdata|specs?|fixtures?|docs?|examples?|samples?|demos?|mocks?|e2e", re.I
)
_HARMLESS_NAME = re.compile(r"test_.*|.*_test\.\w+|.*\.(?:test|spec)\.\w+|.*\.(?:md|rst|adoc)", re.I)


def secrets(snapshot: Snapshot) -> Finding:
    """0 if a vendor's token or a private key is tracked, 7 if only under tests or docs, else 10."""
    found = [(entry.path, kind) for entry in snapshot.files for kind in _kinds(snapshot, entry.path)]
    # The evidence names file and kind. Never the value: a report is read by more people than the file.
    serious = tuple(f"{path}: {kind}" for path, kind in found if not _harmless(path))
    if serious:
        return Finding(0, f"{len(serious)} places look like a live key", serious)
    if found:
        return Finding(7, "keys in tests or docs only", tuple(f"{path}: {kind}" for path, kind in found))
    return Finding(10, "no vendor's token and no private key")


def _kinds(snapshot: Snapshot, path: str) -> Iterator[str]:
    content = snapshot.content(path)
    if content is not None and not is_binary(content):
        yield from kinds_in(content)


def kinds_in(content: bytes) -> Iterator[str]:
    """What kinds of tokens and keys are in `content`, in words; a kind may come more than once."""
    for kind, mark, pattern in _TOKENS:
        if mark in content and any(_real(match[0]) for match in pattern.finditer(content)):
            yield kind


def _real(token: bytes) -> bool:
    """It is not one of the tokens that documentation uses, nor one that somebody typed."""
    return len(set(token)) > _DISTINCT and not any(mark in token for mark in _MAKE_BELIEVE)


def _harmless(path: str) -> bool:
    name = path.rpartition("/")[2]
    return bool(_HARMLESS_NAME.fullmatch(name)) or any(map(_HARMLESS_FOLDERS.fullmatch, folders(path)))
