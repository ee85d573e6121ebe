"""Counted work: a bound that is the same on every machine, where one is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from symelbo.values import dataclass

__all__ = ["Allowance", "OutOfWork", "TooLong", "limit_work", "spend_work"]

_LEFT: ContextVar[list[int] | None] = ContextVar("work that is left", default=None)


class OutOfWork(Exception):
    """The work that was allowed is done."""


class TooLong(Exception):
    """A pass came to a bound of its own, which depends on what it was given alone; the text names
    the pass.
    """


@dataclass
class Allowance:
    """The work that a pass may do for one model: `TooLong` with its name where more is asked."""

    left: int
    name: str
    spent: int = 0

    def spend(self, units: int) -> None:
        """Count work: the same count for the same model, whatever ran before."""
        self.left -= units
        self.spent += units
        if self.left < 0:
            raise TooLong(self.name)


@contextmanager
def limit_work(units: int) -> Iterator[None]:
    """Allow so much work inside; `OutOfWork` where more is asked for."""
    token = _LEFT.set([units])
    try:
        yield
    finally:
        _LEFT.reset(token)


def spend_work(units: int) -> None:
    """Count work that is not cached: the same count for the same input, whatever ran before."""
    left = _LEFT.get()
    if left is not None:
        left[0] -= units
        if left[0] < 0:
            raise OutOfWork
