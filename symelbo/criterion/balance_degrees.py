"""Which multiples solve (U), read off the degrees of homogeneity of the arguments.

Where every parameter and latent is multiplied by a number, D is Euler's operator: D f = k f for
all f of degree k, and degrees add up along the graph of a term.  What is found here is proposed;
what is not found may exist all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from symelbo.criterion.factor import Factor
from symelbo.criterion.residues import solve_in_fractions
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel, respond
from symelbo.expfam.separate_change import rate_symbol, shift_symbol
from symelbo.index.build import ZERO
from symelbo.index.modular import PRIME, residue_of
from symelbo.index.normal import normal
from symelbo.index.substitute import formal_indices, operands, replace_symbols
from symelbo.index.terms import (
    Add,
    Array,
    Call,
    Entry,
    Inverse,
    Mul,
    Node,
    Number,
    Power,
    Sum,
    Symbol,
    Term,
)

__all__ = ["find_by_degrees"]

Degree: TypeAlias = Mapping[int | None, int]
"""A linear form in the multiples: their columns -> residues; None is that of the constant."""


class _NoDegree(Exception):
    """A velocity that is asked for is no multiple of what moves."""


def find_by_degrees(
    factors: Iterable[tuple[Factor, Gauge, Travel]],
    scaled: Mapping[Symbol, Symbol],
    unknowns: Sequence[Symbol],
) -> dict[Symbol, Fraction] | None:
    """Rational k for which every argument has the degree that (U) asks of it; None: not found.

    scaled: parameter or latent -> the unknown by which it is multiplied; what is in none rests.
    Unknowns that are left open are 0.  The work is that of the graphs of the arguments, and of a
    matrix as wide as the unknowns.
    """
    columns = {unknown: n for n, unknown in enumerate(unknowns)}
    degrees = _Degrees({symbol: {columns[u]: 1} for symbol, u in scaled.items()})
    degrees.rows += [{n: 1} for unknown, n in columns.items() if unknown.domain.entry_sum == 0]
    try:
        for factor, gauge, travel in factors:
            _ask(degrees, factor, gauge, travel)
    except _NoDegree:
        return None
    found = solve_in_fractions(
        [{n: x for n, x in row.items() if n is not None} for row in degrees.rows],
        [row.get(None, 0) for row in degrees.rows],
        len(columns),
    )
    return None if found is None else dict(zip(unknowns, found, strict=True))


class _Degrees:
    """Degrees of the nodes of some terms; rows: what must vanish for them to have these."""

    def __init__(self, of: Mapping[Symbol, Degree]) -> None:
        self.of = of
        self.rows: list[Degree] = []
        self.known: dict[Node, Degree] = {}

    def equate(self, left: Degree, right: Degree) -> None:
        """left = right is asked for."""
        row = _combine((left, 1), (right, -1))
        if row.keys() - {None}:  # what holds of numbers is seen at random points
            self.rows.append(row)

    def degree(self, item: Node) -> Degree:
        """k such that D f = k f, parts before what they are part of."""
        stack = [item]
        while stack:
            waiting = [part for part in operands(stack[-1]) if part not in self.known]
            if waiting:
                stack += waiting
            else:
                top = stack.pop()
                self.known[top] = self._degree(top)
        return self.known[item]

    def _degree(self, item: Node) -> Degree:
        known = self.known
        match item:
            case Entry(symbol):
                return self.of.get(symbol, {})
            case Add(terms):
                for term in terms[1:]:
                    self.equate(known[terms[0]], known[term])
                return known[terms[0]]
            case Mul(factors):
                return _combine(*((known[factor], 1) for factor in factors))
            case Power(base, Number(value)):
                return _combine((known[base], residue_of(value)))
            case Sum() | Array():
                return known[item.body]
            case Call("abs", (argument,)):
                return known[argument]
            case Inverse(matrix):
                return _combine((known[matrix], -1))
        for part in operands(item):  # functions, powers, determinants of what rests
            self.equate(known[part], {})
        return {}


def _ask(degrees: _Degrees, factor: Factor, gauge: Gauge, travel: Travel) -> None:
    """What (U) asks of the degrees of the arguments, and of r beside them."""
    response = respond(factor.change, gauge, travel)
    if response is None or gauge is Gauge.SHIFTED:
        raise _NoDegree
    rate = degrees.of.get(factor.node, {}) if travel.scales else {}
    shift = shift_symbol(factor.value)
    still = {shift: Array(formal_indices(shift.shape), ZERO)}

    def read(velocity: Term, own: Term | None) -> Degree | None:
        """(c + d r) own -> c + d r; None for what is no such multiple."""
        term = normal(replace_symbols(velocity, still))
        found: Degree = {}
        for part in term.terms if isinstance(term, Add) else (term,) if term != ZERO else ():
            number, rest = _split_number(part)
            if own is not None and own not in rest:
                return None
            match [factor for factor in rest if factor is not own]:
                case []:
                    found = _combine((found, 1), ({None: 1}, number))
                case [Entry(symbol)] if symbol is rate_symbol(factor.value):
                    found = _combine((found, 1), (rate, number))
                case _:
                    return None
        return found

    for argument, array in factor.arguments().items():
        velocity = response.values[argument]
        wanted = read(velocity.body, Entry(argument, velocity.indices))
        if wanted is None:
            raise _NoDegree
        degrees.equate(degrees.degree(array), wanted)
    for term in response.left:
        degrees.equate(read(term, None) or {}, {})


def _split_number(term: Term) -> tuple[int, tuple[Term, ...]]:
    """2 a b -> 2, (a, b)"""
    factors = term.factors if isinstance(term, Mul) else (term,)
    value = Fraction(1)
    for factor in factors:
        if isinstance(factor, Number):
            value *= factor.value
    return residue_of(value), tuple(f for f in factors if not isinstance(f, Number))


def _combine(*parts: tuple[Degree, int]) -> Degree:
    """Some multiples of linear forms, added."""
    found: dict[int | None, int] = {}
    for form, by in parts:
        for column, x in form.items():
            found[column] = (found.get(column, 0) + by * x) % PRIME
    return {column: x for column, x in found.items() if x}
