"""A term is an entry of a named array only if it is that entry, and the array has the place."""

from __future__ import annotations

import pytest

from symelbo.index.build import add, call, mul, total
from symelbo.index.domains import Real
from symelbo.index.known_arrays import KnownArrays
from symelbo.index.terms import (
    Array,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Offset,
    Position,
    Role,
    Symbol,
    Term,
)

D, H = Extent("D"), Extent("H")
d, k, h, j = Index("d", D), Index("k", D), Index("h", H), Index("j", H)
V = Symbol("v", Role.PARAMETER, Real(), (D,))
W = Symbol("W", Role.PARAMETER, Real(), (D, H))
A = Symbol("a", Role.ARGUMENT, Real(), (D,))


def body(place: IndexTerm) -> Term:
    return add(call("tanh", Entry(V, (place,))), total(h, Entry(W, (place, h))))


KNOWN = KnownArrays([(A, Array((d,), body(d)))])


@pytest.mark.parametrize("place", [d, k, Position(D), Index("k", D, 2)])
def test_an_entry_is_found_at_its_place(place: IndexTerm) -> None:
    assert KNOWN.entry_of(body(place)) is Entry(A, (place,))


@pytest.mark.parametrize(
    "term",
    [
        body(Offset(k, 1)),  # may lie beyond D
        body(Index("k", Extent("D", 1))),  # lies beyond D at its end
        add(call("tanh", Entry(V, (d,))), total(h, Entry(W, (k, h)))),  # two places
        add(call("tanh", Entry(V, (d,))), total(h, Entry(W, (d, Position(H))))),
        mul(call("tanh", Entry(V, (d,))), total(h, Entry(W, (d, h)))),
        call("tanh", Entry(V, (d,))),
    ],
)
def test_what_is_no_entry_is_not_found(term: Term) -> None:
    assert KNOWN.entry_of(term) is None


def test_an_array_that_does_not_say_its_place_is_no_name() -> None:
    known = KnownArrays([(A, Array((d,), call("tanh", Entry(V, (k,))))), (A, Array((), Entry(V)))])
    assert known.entry_of(call("tanh", Entry(V, (k,)))) is None
    assert known.entry_of(Entry(V)) is None


def test_of_two_names_the_first_one_counts() -> None:
    pair = Symbol("b", Role.ARGUMENT, Real(), (D, H)), Array((d, h), call("exp", Entry(W, (d, h))))
    swapped = Symbol("c", Role.ARGUMENT, Real(), (H, D)), Array((h, d), pair[1].body)
    term = call("exp", Entry(W, (k, j)))
    assert KnownArrays([pair, swapped]).entry_of(term) is Entry(pair[0], (k, j))
    assert KnownArrays([swapped, pair]).entry_of(term) is Entry(swapped[0], (j, k))
