"""A limit on the work of a block, for tests of what might go on or wait for ever."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["at_once"]

FOR_EVER = 200.0  # seconds by the clock, after which a block is taken to wait for what never comes


@contextmanager
def at_once(seconds: float) -> Iterator[None]:
    """Fail where the block takes more seconds of the processor, whatever else the machine does."""

    def fail(number: int, frame: object) -> None:
        waits = number == signal.SIGALRM
        raise AssertionError("waits for ever" if waits else f"takes more than {seconds} s")

    timers = ((signal.SIGPROF, signal.ITIMER_PROF), (signal.SIGALRM, signal.ITIMER_REAL))
    before = [signal.signal(number, fail) for number, _ in timers]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, FOR_EVER)
    try:
        yield
    finally:
        for (number, timer), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
