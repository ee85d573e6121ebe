"""Work is counted: whatever is asked of the checker ends.

Every pass counts what it makes against what is left for the part of a statement that is shown.  A
unit is about two microseconds: a short monomial, or a part of a term; long numbers are more.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = [
    "MAX_WORK",
    "PARTS",
    "Cut",
    "NotShown",
    "Work",
    "allow_depth",
    "bounded_work",
    "work_left",
]

MAX_WORK: Final = 800_000  # of one part of a statement
PARTS: Final = 5  # that may take as long as that


MAX_CALLS: Final = 4000  # that are nested; a term that needs more is nested too deeply


class NotShown(Exception):
    """The checker cannot show what was asked; never means that it is false."""


class Cut(NotShown):
    """It might be shown with more work."""


def allow_depth() -> None:
    """Let calls be nested as deep as the deepest term needs; a limit is only raised."""
    sys.setrecursionlimit(max(MAX_CALLS, sys.getrecursionlimit()))


class Work:
    """What may still be done.

    >>> work = Work(10)
    >>> work.spend(6, "a product")
    >>> work.spend(6, "a product")
    Traceback (most recent call last):
        ...
    symelbo.checker.work.Cut: a product: not shown within the bound on the work
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, amount: int, what: str) -> None:
        """Count work; NotShown, naming what is too long, where too much was done."""
        self.left -= amount
        if self.left < 0:
            raise Cut(f"{what}: not shown within the bound on the work")


_HERE: ContextVar[Work | None] = ContextVar("_HERE", default=None)


def work_left() -> Work:
    """That of the part which is being shown; outside of any, that of one call."""
    return _HERE.get() or Work(MAX_WORK)


@contextmanager
def bounded_work(most: int | None = None) -> Iterator[Work]:
    """One part of a statement, with work of its own; most: if there is less left for it."""
    work = Work(MAX_WORK if most is None else min(most, MAX_WORK))
    token = _HERE.set(work)
    try:
        yield work
    finally:
        _HERE.reset(token)
