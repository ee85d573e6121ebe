"""Smooth functions to stand for abstract ones in a refutation: as generic as a formula can be.

What refutes (U) for one function refutes it for almost all, if the slopes by the entries of its
arguments are as independent as those of any function: as functions of what varies with the data
point, over the places of the result, and over all functions together.  A function that knew but
the sum of an array would be refuted where almost every other has a motion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import TypeAlias

from symelbo.criterion.factor import Factor, is_parent
from symelbo.index.build import MINUS_ONE, ONE, add, mul, number, power, total
from symelbo.index.concretize import extent_value
from symelbo.index.domains import Real
from symelbo.index.interpret import Interpretation
from symelbo.index.substitute import formal_indices, symbols_of, walk_parts
from symelbo.index.terms import (
    Apply,
    Array,
    Entry,
    Extent,
    Index,
    IndexValue,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.limits import CURVED_LEVELS, WRITTEN_OUT
from symelbo.values import dataclass

__all__ = ["interpretations"]


def interpretations(
    factors: Sequence[Factor],
) -> tuple[Callable[[Mapping[str, int]], dict[Symbol, Interpretation]], ...]:
    """Choices for the abstract functions of some factors at given sizes, simple ones first."""
    calls: dict[Symbol, list[Apply]] = {}
    for factor in factors:
        for part in walk_parts(factor.log_density):
            if isinstance(part, Apply):
                calls.setdefault(part.function, []).append(part)
    bodies = (_linear_body, _square_body) if calls else (_linear_body,)
    plain = _plain_functions(calls)
    return tuple(partial(_interpret, calls, body, plain) for body in bodies)


def _plain_functions(calls: Mapping[Symbol, Sequence[Apply]]) -> frozenset[Symbol]:
    """The functions of functions of functions, which are of as low a degree as can be.

    Polynomials of polynomials have a degree, and numbers, that grow exponentially with the depth.
    """
    levels: dict[Symbol, int] = {}
    inside = {
        function: {
            symbol
            for call in called
            for argument in call.arguments
            for symbol in symbols_of(argument)
            if symbol in calls and symbol != function
        }
        for function, called in calls.items()
    }
    for _ in calls:  # the innermost are known first; those that are in each other stay plain
        for function in sorted(calls.keys() - levels.keys(), key=lambda f: f.name):
            if inside[function] <= levels.keys():
                levels[function] = 1 + max((levels[f] for f in inside[function]), default=0)
    return frozenset(f for f in calls if levels.get(f, CURVED_LEVELS + 1) > CURVED_LEVELS)


def _interpret(
    calls: Mapping[Symbol, Sequence[Apply]],
    curved: _Body,
    plain: frozenset[Symbol],
    sizes: Mapping[str, int],
) -> dict[Symbol, Interpretation]:
    functions = sorted(calls, key=lambda function: function.name)
    lengths = [_lengths(function, sizes) for function in functions]
    results, before = sum(map(prod, lengths)), 0
    chosen = {}
    for function, own in zip(functions, lengths, strict=True):
        given = _arguments_of(function, calls[function], sizes)
        indices = formal_indices(function.shape)
        places = [index if length > 1 else 1 for index, length in zip(indices, own, strict=True)]
        build_body = _plain_body if function in plain else curved
        body = build_body(given, _number_of(places, own, before), results)
        chosen[function] = Interpretation(
            given.formals, Array(indices, function.domain.from_real(body))
        )
        before += prod(own)
    return chosen


# ---------------------------------------------------------------- formulas


def _linear_body(given: _Arguments, place: Term, results: int) -> Term:
    """sum_h (h+1)^(i-1) (z_h^(K+1) + z_h^(K+3)) + sum_k (w_k + 1) t^k, t = n sum_h h^2 z_h + i.

    For the entries z_1, ... that vary and w_1, ..., w_K that are known, at place i of n results.
    The powers of t, which is another one at each place and for any few zeros and ones, are
    independent, so are those of h + 1; and a scaling of z changes two degrees that t^k has not.
    """
    across = _across(given, place, results)
    tail = given.sum_known(lambda w, k: mul(add(w, ONE), power(across, k)))
    powers = _powers(given, place, given.slopes + 1, given.slopes + 3)
    return add(powers, tail if given.known else across)


def _square_body(given: _Arguments, place: Term, results: int) -> Term:
    """sum_h (h+1)^(i-1) z_h^(2K+1) + (t^K + sum_k w_k t^(k-1))^2: slopes by w that vary with w."""
    across = _across(given, place, results)
    inner = given.sum_known(lambda w, k: mul(w, power(across, add(k, MINUS_ONE))))
    square = power(add(power(across, given.slopes), inner), 2)
    return add(_powers(given, place, 2 * given.slopes + 1), square)


def _plain_body(given: _Arguments, place: Term, results: int) -> Term:
    """sum_h (h+1)^(i-1) z_h + sum_k (w_k + 1) t^k, as `_linear_body` without its higher powers."""
    across = _across(given, place, results)
    tail = given.sum_known(lambda w, k: mul(add(w, ONE), power(across, k)))
    return add(_powers(given, place, 1), tail if given.known else across)


def _across(given: _Arguments, place: Term, results: int) -> Term:
    """t = n sum_h h^2 z_h + i"""
    return add(mul(number(results), given.sum_varying(lambda z, h: mul(power(h, 2), z))), place)


def _powers(given: _Arguments, place: Term, *degrees: int) -> Term:
    """sum_h (h+1)^(i-1) (z_h^2 + ...)"""
    last = add(place, MINUS_ONE)
    return given.sum_varying(
        lambda z, h: mul(power(add(h, ONE), last), add(*(power(z, degree) for degree in degrees)))
    )


# ---------------------------------------------------------------- arguments


@dataclass(frozen=True, slots=True)
class _Arguments:
    """Formal arguments that vary with the data point, and that are known; one that does the former
    in some of the calls only is both.  slopes: the number of the known entries, 1 if there is none.
    """

    formals: tuple[Symbol, ...]
    varying: tuple[Symbol, ...]
    known: tuple[Symbol, ...]
    slopes: int
    sizes: Mapping[str, int]

    def sum_varying(self, body: Callable[[Term, Term], Term]) -> Term:
        """f -> the sum of f(z, h) over the entries that vary, and their numbers."""
        return _sum_entries(self.varying, "p", body, self.sizes)

    def sum_known(self, body: Callable[[Term, Term], Term]) -> Term:
        """f -> the sum of f(w, k) over the entries that are known, and their numbers."""
        return _sum_entries(self.known, "q", body, self.sizes)


_Body: TypeAlias = Callable[[_Arguments, Term, int], Term]


def _arguments_of(function: Symbol, calls: Sequence[Apply], sizes: Mapping[str, int]) -> _Arguments:
    formals, varying, known = [], [], []
    for n, first in enumerate(calls[0].arguments):
        shape = tuple(Extent(None, extent_value(index.extent, sizes)) for index in first.indices)
        formal = Symbol(f"{function.name}_{n}", Role.ARGUMENT, Real(), shape)
        formals.append(formal)
        kinds = {any(map(is_parent, symbols_of(call.arguments[n]))) for call in calls}
        varying += [formal] * (True in kinds)
        known += [formal] * (False in kinds)
    slopes = sum(prod(_lengths(formal, sizes)) for formal in known) or 1
    return _Arguments(tuple(formals), tuple(varying), tuple(known), slopes, sizes)


# ---------------------------------------------------------------- entries by their numbers


def _lengths(symbol: Symbol, sizes: Mapping[str, int]) -> list[int]:
    return [extent_value(extent, sizes) for extent in symbol.shape]


def _number_of(places: Sequence[Index | int], lengths: Sequence[int], before: int) -> Term:
    """[i, j], [D, 3], 5 -> 5 + 3 (i - 1) + j, the last axis being the innermost one."""
    found: Term = number(before + 1)
    stride = 1
    for place, length in zip(reversed(places), reversed(lengths), strict=True):
        value = number(place) if isinstance(place, int) else IndexValue(place)
        found = add(found, mul(number(stride), add(value, MINUS_ONE)))
        stride *= length
    return found


def _sum_entries(
    symbols: Sequence[Symbol],
    letter: str,
    body: Callable[[Term, Term], Term],
    sizes: Mapping[str, int],
) -> Term:
    """f -> the sum of f(entry, its number) over the entries of some arrays.

    It is written out along short axes, which is how it is read.
    """
    found, before = [], 0
    for symbol in symbols:
        lengths = _lengths(symbol, sizes)
        formal = formal_indices(symbol.shape, letter)
        axes: list[Sequence[Index | int]] = [
            range(1, length + 1) if length <= WRITTEN_OUT else (index,)
            for index, length in zip(formal, lengths, strict=True)
        ]
        for places in product(*axes):
            at = (Position(Extent(None, p)) if isinstance(p, int) else p for p in places)
            term = body(Entry(symbol, tuple(at)), _number_of(places, lengths, before))
            for place in reversed(places):
                term = total(place, term) if isinstance(place, Index) else term
            found.append(term)
        before += prod(lengths)
    return add(*found)
