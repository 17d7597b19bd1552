"""How results are shown: a line each, `name  ratio  absolute`, and what the ratio should be at least."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from statistics import median


def show_machine() -> None:
    """What all of it was measured on."""
    load = " ".join(f"{load:.2f}" for load in os.getloadavg())
    print(f"machine: {os.cpu_count()} cores, load {load}, {platform.system()}, Python {platform.python_version()}")


def show(name: str, ratio: float | None, absolute: str, at_least: float | None = None) -> None:
    """Print one result.

    Args:
        name: What was measured.
        ratio: To what it is compared with; None where there is nothing to compare with.
        absolute: The numbers themselves.
        at_least: The least ratio that is good enough.
    """
    shown = "     -" if ratio is None else f"{ratio:6.1%}" if ratio < 2 else f"{ratio:5.1f}x"
    verdict = ""
    if ratio is not None and at_least is not None:
        verdict = f"  (at least {at_least:.0%}: {'met' if ratio >= at_least else 'MISSED'})"
    print(f"{name:<46} {shown}  {absolute}{verdict}", flush=True)


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of the rounds: what else the machine did in a round, it did to both."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def milliseconds(seconds: Sequence[float]) -> str:
    """A median, in words."""
    return f"{median(seconds) * 1000:.2f} ms"
