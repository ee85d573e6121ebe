"""Lists of words in a sentence, and counted things."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["count_of", "join_words"]


def join_words(words: Sequence[str], last: str = "and") -> str:
    """a, b and c"""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + f" {last} {words[-1]}"


def count_of(number: int, noun: str) -> str:
    """1 point, 2 points"""
    return f"{number} {noun}{'' if number == 1 else 's'}"
