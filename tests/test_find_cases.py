"""Cases cover every choice, say no more than they need; none where one choice has a solution."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from symelbo.certify.certificate import Moved
from symelbo.criterion.find_cases import Assignment, Way, find_cases

ENTRIES: list[Moved] = [((name, ()), 0) for name in "abcdef"]
REAL, POSITIVE = tuple(Way), (Way.RESTS, Way.MOVES)


def ways_of(entry: Moved) -> tuple[Way, ...]:
    return REAL if entry in ENTRIES[::2] else POSITIVE


def assignment(said: dict[Moved, Way]) -> Assignment:
    def those(*ways: Way) -> frozenset[Moved]:
        return frozenset(entry for entry, way in said.items() if way in ways)

    return Assignment(those(Way.MOVES, Way.SHIFTED), those(Way.RESTS), those(Way.SHIFTED))


def said_of(given: Assignment) -> dict[Moved, Way]:
    said = dict.fromkeys(given.resting, Way.RESTS) | dict.fromkeys(given.moving, Way.MOVES)
    return said | dict.fromkeys(given.shifted, Way.SHIFTED)


class Excluded:
    """Exactly what agrees with one of some cases has no solution; counts how often it is asked."""

    def __init__(self, cases: list[dict[Moved, Way]]) -> None:
        self.cases, self.asked = cases, 0

    def __call__(self, given: Assignment) -> bool:
        self.asked += 1
        said = said_of(given)
        return not any(case.items() <= said.items() for case in self.cases)


def tree(random: Random, entries: list[Moved], depth: int) -> list[dict[Moved, Way]]:
    """Cases of which one applies to every choice."""
    if not depth or not entries or random.random() < 0.2:
        return [{}]
    entry = random.choice(entries)
    others = [e for e in entries if e != entry]
    return [
        {entry: way, **case} for way in ways_of(entry) for case in tree(random, others, depth - 1)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_the_cases_cover_every_choice_and_say_what_they_need(seed: int) -> None:
    random = Random(seed)
    excluded = Excluded(tree(random, ENTRIES, 4))
    found = find_cases(ENTRIES, ways_of, excluded)
    assert found is not None
    cases = [said_of(case) for case in found]
    for choice in product(*map(ways_of, ENTRIES)):
        whole = dict(zip(ENTRIES, choice, strict=True))
        assert any(case.items() <= whole.items() for case in cases)
    for case in cases:
        assert not excluded(assignment(case))
        for entry in case:
            assert excluded(assignment({e: w for e, w in case.items() if e != entry}))


@pytest.mark.parametrize("seed", range(40))
def test_no_cases_where_a_choice_has_a_solution(seed: int) -> None:
    random = Random(seed)
    cases = tree(random, ENTRIES, 4)
    cases.remove(random.choice(cases))
    excluded = Excluded([case for case in cases if case])
    holds = any(
        excluded(assignment(dict(zip(ENTRIES, choice, strict=True))))
        for choice in product(*map(ways_of, ENTRIES))
    )
    assert (find_cases(ENTRIES, ways_of, excluded) is None) == holds


def test_no_entries() -> None:
    assert find_cases([], ways_of, lambda _: True) is None
    assert find_cases([], ways_of, lambda _: False) == [Assignment()]


def test_what_one_of_many_entries_decides_is_found_soon() -> None:
    many: list[Moved] = [((f"z{n}", ()), 0) for n in range(64)]
    excluded = Excluded([{many[50]: way} for way in POSITIVE])
    found = find_cases(many, lambda _: POSITIVE, excluded)
    assert found == [assignment({many[50]: way}) for way in POSITIVE]
    assert excluded.asked < 32
