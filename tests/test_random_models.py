"""symelbo against the oracle on 2,000 random models: no disagreement, no crash, few undecided.

For as many models as one likes:  python -m tests.oracle.compare --count 20000 --seed 2000 --jobs 8
"""

from __future__ import annotations

import os

import pytest

from tests.oracle.compare import Result, causes, count_open, report, run

COUNT = int(os.environ.get("SYMELBO_RANDOM_MODELS", "2000"))
BOLDNESS = 0.5
MOST_UNDECIDED = 0.023  # of all models, those included whose declared q is not closed
MOST_OPEN = 0.011  # those not included
LEAST_SUMS = 0.7  # of the proved models, of which the sum is compared as well


@pytest.fixture(scope="module")
def results() -> list[Result]:
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return list(run(range(COUNT), BOLDNESS, jobs))


def test_no_disagreement_and_no_crash(results: list[Result]) -> None:
    assert report(results, BOLDNESS) == 0


def test_no_specification_is_refused(results: list[Result]) -> None:
    assert not [r.said.cause for r in results if r.said.verdict == "refused"]


def test_few_models_are_undecided(results: list[Result]) -> None:
    undecided = causes(results)
    assert undecided.total() <= max(1, MOST_UNDECIDED * len(results)), undecided
    assert count_open(results) <= max(1, MOST_OPEN * len(results)), undecided


def test_every_verdict_and_many_sums_are_compared(results: list[Result]) -> None:
    assert {"proved", "refuted", "outside"} <= {r.said.verdict for r in results}
    proved = [r for r in results if r.said.verdict == "proved"]
    assert sum(r.said.gap is not None for r in proved) > LEAST_SUMS * len(proved)
