"""Lists of words in a sentence, counted things, and names that are free."""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import chain, count

__all__ = ["count_of", "fresh_name", "join_words"]


def join_words(words: Sequence[str], last: str = "and") -> str:
    """a, b and c"""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + f" {last} {words[-1]}"


def count_of(number: int, noun: str) -> str:
    """1 point, 2 points"""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def fresh_name(name: str, taken: Container[str], *others: str) -> str:
    """The first of name, others, name1, name2, ... that is not taken."""
    names = chain((name, *others), (f"{name}{n}" for n in count(1)))
    return next(candidate for candidate in names if candidate not in taken)
