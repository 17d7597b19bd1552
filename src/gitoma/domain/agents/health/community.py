"""The checks of what a project tells people: GitHub's community profile, and the policy for security reports.

Checks: Security-Policy, Readme, Contributing, Code-Of-Conduct, Issue-Template, Pull-Request-Template, Changelog.
"""

from __future__ import annotations

import re

from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.snapshot import Snapshot

_SUFFIX = r"(?:\.(?:md|markdown|rst|adoc|txt))?"

_SECURITY = re.compile(rf"security{_SUFFIX}", re.I)
_LINK = re.compile(r"https?://[^\s<>()\[\]]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.I)
_DISCLOSURE = re.compile(r"vuln|disclos|\b\d{1,4}[\s-]{0,3}(?:business[\s-]{0,3})?(?:hours?|days?|weeks?)", re.I)


def security_policy(snapshot: Snapshot) -> Finding:
    """A way to report (6), words about it (3), and how reports are handled (1): Scorecard's rule."""
    path = snapshot.community(_SECURITY)
    if path is None:
        return Finding(0, "no SECURITY.md")
    text = snapshot.text(path) or ""
    links = _LINK.findall(text)
    parts = {
        "a link or an address to report to": 6 if links else 0,
        # Scorecard: text beyond the links counts from a fifth of their length on.
        "words about reporting": 3 if len(text.strip()) > max(1, 1.2 * sum(map(len, links))) else 0,
        "how reports are handled": 1 if len(_DISCLOSURE.findall(text)) >= 2 else 0,
    }
    return _parts(path, parts, 0)


_README = re.compile(rf"readme{_SUFFIX}", re.I)
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.S | re.M)
_INDENTED = re.compile(r"(?:^|\n)[^\n]*::[ \t]*\n(?:[ \t]*\n)+ {2,}\S|^\.\. code|\n\n(?: {4}|\t)\S", re.M)
_HEADING = re.compile(
    r"^ {0,3}#{1,6}[ \t]+(.+)|^={1,5}[ \t]+(.+)"  # Markdown, AsciiDoc
    r"|^(\S.*)\n(?:=+|-+|~+|\^+)[ \t]*$|<h[1-6][^>]{0,200}>(.{0,200}?)</h",  # underlined, HTML
    re.M,
)
_INSTALL = re.compile(r"install|set[\s-]?up|getting[\s-]started|quick[\s-]?start|download|building", re.I)
_USAGE = re.compile(r"us(?:age|ing)|example|getting[\s-]started|quick[\s-]?start|how to|tutorial|first|demo", re.I)
_LICENCE = re.compile(r"licen[cs]e", re.I)
README_WORDS = 150
"""How many words outside code make a README one that explains something."""


def readme(snapshot: Snapshot) -> Finding:
    """It is there (2), has words, tells of installing and using (2 each), shows code, names the licence (1 each)."""
    path = snapshot.community(_README)
    if path is None:
        return Finding(0, "no README")
    text = snapshot.text(path) or ""
    prose = _FENCE.sub("\n", text)
    headings = ["".join(match) for match in _HEADING.findall(prose)]
    parts = {
        f"{README_WORDS} words": 2 if len(prose.split()) >= README_WORDS else 0,
        "a heading about installing": 2 if any(map(_INSTALL.search, headings)) else 0,
        "a heading about using": 2 if any(map(_USAGE.search, headings)) else 0,
        "a code example": 1 if prose != text or _INDENTED.search(text) else 0,
        "the licence": 1 if _LICENCE.search(text) else 0,
    }
    return _parts(path, parts, 2)


def _parts(path: str, parts: dict[str, int], base: int) -> Finding:
    """The finding for a file that is worth `base` by itself, and more for each part that is there."""
    missing = [name for name, points in parts.items() if not points]
    reason = f"{path} lacks {', '.join(missing)}" if missing else f"{path} has all that is asked"
    return Finding(base + sum(parts.values()), reason, (path,))


_CONTRIBUTING = re.compile(rf"contribut(?:ing|e|ion|ions|ors)?[\w-]*{_SUFFIX}", re.I)
_CONDUCT = re.compile(rf"code[_-]?of[_-]?conduct[\w-]*{_SUFFIX}", re.I)
_ISSUE_FORM = re.compile(r"(?:\.github/|docs/)?ISSUE_TEMPLATE/(?!config\.ya?ml$)[^/]+\.(?:md|ya?ml)", re.I)
_ISSUE_FILE = re.compile(rf"issue_template{_SUFFIX}", re.I)
_PULL_FORM = re.compile(r"(?:\.github/|docs/)?PULL_REQUEST_TEMPLATE/[^/]+\.(?:md|txt)", re.I)
_PULL_FILE = re.compile(rf"pull_request_template{_SUFFIX}", re.I)
_CHANGELOG = re.compile(rf"(?:changelog|changes|history|news|release[_-]?notes|releases)[\w-]*{_SUFFIX}", re.I)
_FRAGMENTS = re.compile(r"(?:changelog\.d|newsfragments|\.changeset|changes)/.+", re.I)


def contributing(snapshot: Snapshot) -> Finding:
    """10 if it is said how to contribute; else 0."""
    return _presence(snapshot.community(_CONTRIBUTING), "no CONTRIBUTING.md")


def code_of_conduct(snapshot: Snapshot) -> Finding:
    """10 if there is a code of conduct; else 0."""
    return _presence(snapshot.community(_CONDUCT), "no CODE_OF_CONDUCT.md")


def issue_template(snapshot: Snapshot) -> Finding:
    """10 if issues have a template or a form; else 0."""
    return _presence(snapshot.community(_ISSUE_FILE) or next(snapshot.matching(_ISSUE_FORM), None), "no issue template")


def pull_request_template(snapshot: Snapshot) -> Finding:
    """10 if pull requests have a template; else 0."""
    found = snapshot.community(_PULL_FILE) or next(snapshot.matching(_PULL_FORM), None)
    return _presence(found, "no pull request template")


def changelog(snapshot: Snapshot) -> Finding:
    """10 if it is told what changed; else 0."""
    return _presence(snapshot.community(_CHANGELOG) or next(snapshot.matching(_FRAGMENTS), None), "no changelog")


def _presence(path: str | None, absent: str) -> Finding:
    return Finding(10, f"{path} is there", (path,)) if path else Finding(0, absent)
