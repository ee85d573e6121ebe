"""A function of many items in worker processes; one that dies costs the item it had, and no other.

The pools of the standard library give up all items when one worker is killed, and do not say whose
it was.  Here each worker has a pipe of its own, whose end says that it died, and of what.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from symelbo.values import dataclass

__all__ = ["Killed", "map_in_workers"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Killed:
    """Instead of a result: its worker ended before it was there."""

    exit_code: int | None

    def __str__(self) -> str:
        code = self.exit_code or 0
        if code >= 0:
            return f"exit status {code}"
        with suppress(ValueError):  # not every signal has a name
            return signal.Signals(-code).name
        return f"signal {-code}"


def map_in_workers(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Iterator[Result | Killed]:
    """function(item) for each item, in their order, `jobs` at a time; the caller may stop early."""
    waiting = deque(enumerate(items))
    workers = [_Worker(function) for _ in range(min(jobs, len(items)))]
    done: dict[int, Result | Killed] = {}
    try:
        for index in range(len(items)):
            while index not in done:
                for worker in workers:
                    if worker.index is None and waiting:
                        worker.give(*waiting.popleft())
                for worker in _wait([worker for worker in workers if worker.index is not None]):
                    number, result = worker.take()
                    done[number] = result
            yield done.pop(index)
    finally:
        for worker in workers:
            worker.end()


class _Worker(Generic[Item, Result]):
    """A process that computes one item at a time, and is replaced when it has died."""

    def __init__(self, function: Callable[[Item], Result]) -> None:
        self._function = function
        self.index: int | None = None  # of the item it has
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        arguments = (self._function, theirs)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()  # so that the pipe ends with the worker

    def give(self, index: int, item: Item) -> None:
        if not self._process.is_alive():  # killed while it had nothing to do
            self.end()
            self._start()
        self.index = index
        with suppress(OSError):  # it died this very moment: `take` will see
            self.connection.send(item)

    def take(self) -> tuple[int, Result | Killed]:
        """The item it was given and what became of it, once there is something to read."""
        assert self.index is not None
        index, self.index = self.index, None
        try:
            return index, self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return index, Killed(self._process.exitcode)

    def end(self) -> None:
        self._process.terminate()
        self._process.join()
        self.connection.close()


def _wait(workers: Sequence[_Worker[Item, Result]]) -> list[_Worker[Item, Result]]:
    """Those that have finished or died, one at least."""
    ready = wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in ready]


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    """What a worker does, until the other end of the pipe is closed."""
    # Ctrl-C ends a worker at once and without a word; the parent reports
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(EOFError, BrokenPipeError):
        while True:
            connection.send(function(connection.recv()))
