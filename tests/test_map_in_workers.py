"""Worker processes: results in order, and one that dies costs its own item only."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from symelbo.map_in_workers import Killed, map_in_workers

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def obey(order: str) -> tuple[str, int]:
    """What a worker does here: `sleep`, `die`, `exit`, or nothing."""
    if order == "sleep":
        time.sleep(0.5)
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "exit":
        os._exit(3)
    return order, os.getpid()


def outcomes(orders: list[str], jobs: int) -> list[str]:
    results = map_in_workers(obey, orders, jobs)
    return [str(result) if isinstance(result, Killed) else result[0] for result in results]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_order(jobs: int) -> None:
    orders = ["sleep", "a", "b", "sleep", "c"]
    assert outcomes(orders, jobs) == orders
    assert outcomes([], jobs) == []


def test_workers_work_at_the_same_time_and_again() -> None:
    pids = {pid for _, pid in map_in_workers(obey, ["sleep"] * 4, 2)}  # type: ignore[misc]
    assert len(pids) == 2
    assert os.getpid() not in pids


@posix
@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_a_worker_that_dies_costs_its_own_item_only(jobs: int) -> None:
    orders = ["a", "die", "sleep", "b", "exit", "die", "c"]
    expected = ["a", "SIGKILL", "sleep", "b", "exit status 3", "SIGKILL", "c"]
    assert outcomes(orders, jobs) == expected


@posix
def test_a_worker_that_dies_while_it_has_nothing_to_do_costs_no_item() -> None:
    results = map_in_workers(obey, ["a", "b"], 1)
    first = next(results)
    assert not isinstance(first, Killed)
    os.kill(first[1], signal.SIGKILL)
    time.sleep(0.2)
    (second,) = results
    assert not isinstance(second, Killed)
    assert second[0] == "b"
    assert second[1] != first[1]


@posix
def test_no_worker_outlives_the_call() -> None:
    results = map_in_workers(obey, ["a", "b", "sleep", "sleep"], 2)
    pids = [result[1] for result in (next(results), next(results))]  # type: ignore[index]
    assert all(map(is_alive, pids))
    results.close()  # type: ignore[attr-defined]
    assert not any(map(is_alive, pids))
