"""Cases of what latent entries do, of which none has a solution and one always applies.

A case says of few entries that they rest, move, or are shifted.  What is said of an entry only
removes solutions; so a choice for all entries that has none is cut down to the few that matter,
and the next choice is one that no case so far applies to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import TypeAlias

from symelbo.certify.certificate import Moved
from symelbo.values import dataclass

__all__ = ["Assignment", "Way", "find_cases"]


class Way(IntEnum):
    """What an entry does, in the order in which cases are read."""

    RESTS = 0
    MOVES = 1
    SHIFTED = 2


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which latent entries are taken to move at which values of the inputs, and which to rest; of
    all others nothing is said.

    shifted: those of the moving ones, real, whose r is 0 at all parameter values.
    """

    moving: frozenset[Moved] = frozenset()
    resting: frozenset[Moved] = frozenset()
    shifted: frozenset[Moved] = frozenset()


Choice: TypeAlias = Mapping[Moved, Way]


def find_cases(
    entries: Sequence[Moved],
    ways: Callable[[Moved], Sequence[Way]],
    has_solution: Callable[[Assignment], bool],
) -> list[Assignment] | None:
    """entries -> cases without a solution, of which one applies whatever the entries do.

    None where some choice for all entries has a solution.  ways: what an entry may do.

    requires: what has no solution has none if more is said.
    ensures: each case says no more than it needs.
    """
    if not has_solution(Assignment()):
        return [Assignment()]
    if not entries:
        return None
    cases: list[Choice] = []

    def fails(said: Iterable[tuple[Moved, Way]]) -> bool:
        return not has_solution(_assignment(dict(said)))

    while (choice := _choice_beside(cases, entries, ways)) is not None:
        if not fails(choice.items()):
            return None
        cases.append(dict(_needed([], list(choice.items()), fails)))
    return [_assignment(case) for case in sorted(cases, key=lambda c: _reading(c, entries))]


def _choice_beside(
    cases: Sequence[Choice], entries: Sequence[Moved], ways: Callable[[Moved], Sequence[Way]]
) -> Choice | None:
    """A choice for all entries to which no case applies; all move if they may."""
    if any(not case for case in cases):
        return None
    entry = next((e for e in entries if any(e in case for case in cases)), None)
    if entry is None:
        return dict.fromkeys(entries, Way.MOVES)
    others = [e for e in entries if e != entry]
    for way in sorted(ways(entry), key=lambda way: way is not Way.MOVES):
        left = [
            {e: w for e, w in case.items() if e != entry}
            for case in cases
            if case.get(entry, way) is way
        ]
        found = _choice_beside(left, others, ways)
        if found is not None:
            return {entry: way, **found}
    return None


def _needed(
    kept: Sequence[tuple[Moved, Way]],
    said: Sequence[tuple[Moved, Way]],
    fails: Callable[[Iterable[tuple[Moved, Way]]], bool],
) -> list[tuple[Moved, Way]]:
    """The least part of what is said that has no solution beside what is kept: halves are tried.

    requires: all of it fails, what is kept alone does not; one entry or more is said.
    Source: Junker (2004), QuickXplain.
    """
    if len(said) == 1:
        return [*said]
    half = len(said) // 2
    first, second = said[:half], said[half:]
    if fails([*kept, *first]):
        return _needed(kept, first, fails)
    late = _needed([*kept, *first], second, fails)
    if fails([*kept, *late]):
        return late
    return [*_needed([*kept, *late], first, fails), *late]


def _assignment(choice: Choice) -> Assignment:
    return Assignment(
        frozenset(entry for entry, way in choice.items() if way is not Way.RESTS),
        frozenset(entry for entry, way in choice.items() if way is Way.RESTS),
        frozenset(entry for entry, way in choice.items() if way is Way.SHIFTED),
    )


def _reading(case: Choice, entries: Sequence[Moved]) -> list[tuple[int, Way]]:
    """By the first entries first, and what these do."""
    return [(n, case[entry]) for n, entry in enumerate(entries) if entry in case]
