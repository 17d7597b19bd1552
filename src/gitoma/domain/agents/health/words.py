"""Sets of names, written as the line of words that they are."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of `text`: a list of sixty names reads better as a line than as sixty literals."""
    return frozenset(text.split())
