"""Who may call: the one rule of the bearer token.

The adapter takes the header apart; what a token is worth is decided here. Nothing here knows of HTTP.
"""

from __future__ import annotations

from enum import Enum, auto
from hmac import compare_digest


class Access(Enum):
    """What a caller's credential is worth."""

    GRANTED = auto()
    MISSING = auto()  # none, or malformed
    DENIED = auto()  # a credential, but not the right one
    UNCONFIGURED = auto()  # the server has no token to compare with


def judge(presented: bytes | None, configured: bytes | None) -> Access:
    """Compare a presented token with the configured one, in a time that does not depend on where they differ.

    Args:
        presented: The token as it came, or None where there was none or it was malformed. Bytes, because tokens that
            are not ASCII must be refused like any other and not raise.
        configured: The server's token, or None.
    """
    if not configured:
        return Access.UNCONFIGURED
    if not presented:
        return Access.MISSING
    return Access.GRANTED if compare_digest(presented, configured) else Access.DENIED
