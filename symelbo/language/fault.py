"""Mistakes inside one text, by offset; the reader of the file turns the offset into a place."""

from __future__ import annotations

from collections.abc import Iterable

from symelbo.errors import SymelboError
from symelbo.limits import QUOTED_CHARACTERS
from symelbo.values import dataclass

__all__ = ["TextError", "TextFault", "closest", "quote", "suggest"]


@dataclass(frozen=True, slots=True)
class TextFault:
    """A mistake at the 0-based offset `at` of a text.

    missing: a name whose declaration would mend it, wherever it is used.
    """

    at: int
    found: str
    expected: str = ""
    hint: str = ""
    missing: str = ""

    def __str__(self) -> str:
        parts = [self.found, f"expected {self.expected}" if self.expected else "", self.hint]
        return f"column {self.at + 1}: " + "; ".join(part for part in parts if part)


class TextError(SymelboError):
    """A text that cannot be parsed (or, in a family's own density, resolved)."""

    def __init__(self, fault: TextFault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def quote(text: str) -> str:
    """text -> `text`, shortened, with what cannot be printed escaped: safe inside a message."""
    if len(text) > QUOTED_CHARACTERS:
        text = text[: QUOTED_CHARACTERS - 3] + "..."
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return f"`{shown}`"


def suggest(word: str, known: Iterable[str]) -> str:
    """word, known words -> "did you mean `w`?" where one is close, else ""."""
    close = closest(word, known)
    return f"did you mean `{close}`?" if close else ""


def closest(word: str, known: Iterable[str]) -> str:
    """word, known words -> the one that is close, else ""."""
    import difflib  # only a faulty text pays for it

    choices = sorted(set(known))
    folded = {choice.lower(): choice for choice in reversed(choices)}
    if word.lower() in folded and folded[word.lower()] != word:
        return folded[word.lower()]
    close = difflib.get_close_matches(word[:QUOTED_CHARACTERS], choices[:500], n=1, cutoff=0.6)
    return close[0] if close else ""
