"""Lists of words in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["join_words"]


def join_words(words: Sequence[str], last: str = "and") -> str:
    """a, b and c"""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + f" {last} {words[-1]}"
