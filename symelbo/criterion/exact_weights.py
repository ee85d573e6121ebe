"""Weights of a smallest inconsistent set of rows, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint

from symelbo.index import build
from symelbo.index.build import ONE, ZERO, add, mul, number
from symelbo.index.concretize import concretize, index_tuples
from symelbo.index.differentiate import derivative_along
from symelbo.index.modular import Place
from symelbo.index.normal import Monomial, Poly, normal, to_poly
from symelbo.index.solve import formal_indices
from symelbo.index.substitute import replace_index
from symelbo.index.terms import (
    Add,
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    Number,
    Position,
    Symbol,
    Term,
)

if TYPE_CHECKING:
    from symelbo.criterion.refute import Assignment, System
    from symelbo.criterion.sample import Row

__all__ = ["exact_weights"]

MAX_ROWS = 24
MAX_ATOMS = 8  # transcendental values that take part


def exact_weights(
    system: System, assignment: Assignment, rows: Sequence[Row]
) -> tuple[list[Term], Term] | None:
    """Weights that annihilate every unknown of the rows, and the weighted sum of log p; or None."""
    if len(rows) > MAX_ROWS:
        return None
    try:
        opened = [_open_row(system, row) for row in rows]
        exact = [
            _exact_columns(system, assignment, row, term)
            for row, term in zip(rows, opened, strict=True)
        ]
        logarithms = [_at_point(system, row, term) for row, term in zip(rows, opened, strict=True)]
    except (ZeroDivisionError, ValueError):
        return None
    keys = list(dict.fromkeys(key for columns in exact for key in columns))
    matrix = [[columns.get(key, ZERO) for key in keys] for columns in exact]
    weights = _left_null_vector(matrix)
    if weights is None:
        return None
    value = normal(add(*(mul(w, y) for w, y in zip(weights, logarithms, strict=True))))
    if value == ZERO:
        return None
    return weights, value


# ---------------------------------------------------------------- entries of the system


def _values(system: System, row: Row) -> dict[Place, Fraction]:
    instance = system.instance
    return {
        **instance.known,
        **instance.parameters[row.point],
        **dict(row.parents),
        **dict(row.value),
    }


def _open_row(system: System, row: Row) -> Term:
    """log p at the row's place and sizes, its entries still symbols."""
    instance = system.instance
    term = instance.densities[row.factor]
    plates = instance.factors[row.factor].plates
    for index, at in zip(plates, row.place, strict=True):
        term = replace_index(term, index, Position(Extent(None, at)))
    values = _values(system, row)
    categories = {s.name for s in instance.symbols if s.domain.kind == "category"}
    return concretize(
        term,
        instance.sizes,
        lambda name, at: values.get((name, at)) if name in categories else None,
    )


def _at_point(system: System, row: Row, term: Term) -> Term:
    values = _values(system, row)
    return normal(concretize(term, system.instance.sizes, lambda n, at: values.get((n, at))))


def _exact_columns(
    system: System, assignment: Assignment, row: Row, term: Term
) -> dict[object, Term]:
    """Every unknown of the row with its coefficient; the residues say which there are."""
    symbols = {s.name: s for s in system.instance.symbols}
    found: dict[object, Term] = {}
    for key in system.columns(row, assignment):
        match key:
            case ("beta", _, str(name), tuple(at)):
                direction = _tangent(system, symbols[name], at)
                found[key] = _slope(system, row, term, {symbols[name]: direction})
            case ("r" | "s" as kind, _, str(name), tuple(at)):
                direction = _moved(system, row, symbols[name], at, kind)
                found[key] = _slope(system, row, term, {symbols[name]: direction})
            case ("c", *_):
                found[key] = _moving_base(system, row)
            case _:
                found[key] = ONE
    return found


def _slope(system: System, row: Row, term: Term, field: Mapping[Symbol, Array]) -> Term:
    return _at_point(system, row, derivative_along(term, field))


def _unit(symbol: Symbol, at: tuple[int, ...]) -> Array:
    indices = formal_indices(symbol.shape)
    deltas = (Delta(i, Position(Extent(None, k))) for i, k in zip(indices, at, strict=True))
    return Array(indices, mul(*deltas))


def _tangent(system: System, symbol: Symbol, at: tuple[int, ...]) -> Array:
    """The tangent direction of one free coordinate of a parameter."""
    unit = _unit(symbol, at)
    if symbol.domain.kind == "simplex":
        indices = tuple(Index("p", e) for e in symbol.shape[-1:])
        last = max(place[0] for place in index_tuples(indices, system.instance.sizes))
        other = _unit(symbol, (*at[:-1], last))
        return Array(unit.indices, build.subtract(unit.body, other.body))
    if symbol.domain.kind == "posdef" and at[-1] != at[-2]:
        other = _unit(symbol, (*at[:-2], at[-1], at[-2]))
        return Array(unit.indices, add(unit.body, other.body))
    return unit


def _moved(system: System, row: Row, symbol: Symbol, at: tuple[int, ...], kind: str) -> Array:
    """The direction of one latent entry: z (or z - lower, or a whole matrix), or 1."""
    if symbol.domain.kind == "posdef":
        indices = formal_indices(symbol.shape)
        deltas = (Delta(i, Position(Extent(None, k))) for i, k in zip(indices, at, strict=False))
        return Array(indices, mul(*deltas, Entry(symbol, indices)))
    unit = _unit(symbol, at)
    if kind == "s":
        return unit
    value = _values(system, row)[symbol.name, at]
    lower = symbol.domain.lower if symbol.domain.kind == "interval" else None
    if isinstance(lower, Number):
        value -= lower.value
    return Array(unit.indices, mul(number(value), unit.body))


def _moving_base(system: System, row: Row) -> Term:
    domain = system.instance.factors[row.factor].value.domain
    value = row.value[0][1]
    if domain.kind in ("real", "angle"):
        return number(value)
    if isinstance(domain.lower, Number):
        value -= domain.lower.value
    return normal(build.log(number(value)))


# ---------------------------------------------------------------- exact null vectors


def _left_null_vector(matrix: Sequence[Sequence[Term]]) -> list[Term] | None:
    """w with w' M = 0, the last entry 1 up to a common factor; None if there is none, or many."""
    polys = [[to_poly(entry) for entry in line] for line in matrix]
    if all(set(entry) <= {_UNIT} for line in polys for entry in line):
        return _rational_null_vector([[e.get(_UNIT, Fraction(0)) for e in line] for line in polys])
    return _symbolic_null_vector(polys)


_UNIT = Monomial((), ())


def _rational_null_vector(matrix: Sequence[Sequence[Fraction]]) -> list[Term] | None:
    rows, columns = len(matrix), len(matrix[0])
    table = flint.fmpq_mat(
        columns,
        rows,
        [
            flint.fmpq(matrix[i][j].numerator, matrix[i][j].denominator)
            for j in range(columns)
            for i in range(rows)
        ],
    )
    reduced, rank = table.rref()
    if rank != rows - 1:
        return None
    pivots = []
    for i in range(rank):
        pivots.append(next(j for j in range(rows) if reduced[i, j] != 0))
    (free,) = set(range(rows)) - set(pivots)
    vector = [Fraction(0)] * rows
    vector[free] = Fraction(1)
    for i, j in enumerate(pivots):
        x = reduced[i, free]
        vector[j] = -Fraction(int(x.p), int(x.q))
    scale = Fraction(1)
    for x in vector:
        scale *= Fraction(x.denominator, _gcd(scale.numerator, x.denominator))
    return [number(x * scale) for x in vector]


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


class _Field:
    """Rational functions in the transcendental values that occur, as pairs of polynomials."""

    def __init__(self, polys: Sequence[Sequence[Poly]]) -> None:
        self.atoms: dict[tuple[Term, int], int] = {}
        for line in polys:
            for entry in line:
                self.collect(entry)
        if len(self.atoms) > MAX_ATOMS:
            raise ValueError("too many transcendental values")
        names = [f"t{n}" for n in range(max(1, len(self.atoms)))]
        self.ring = flint.fmpq_mpoly_ctx.get(names, flint.Ordering.lex)
        self.gens = self.ring.gens()
        self.one = self.ring.constant(1)
        self.zero = self.ring.constant(0)

    def collect(self, poly: Poly) -> None:
        for monomial in poly:
            for atom, exponent in monomial.factors:
                if isinstance(atom, Add):
                    self.collect(to_poly(atom))
                else:
                    self.atoms.setdefault((atom, exponent.denominator), len(self.atoms))

    def convert(self, poly: Poly) -> tuple[Any, Any]:
        total = (self.zero, self.one)
        for monomial, scale in poly.items():
            part = (self.ring.constant(flint.fmpq(scale.numerator, scale.denominator)), self.one)
            for atom, exponent in monomial.factors:
                if isinstance(atom, Add):
                    base = self.convert(to_poly(atom))
                else:
                    base = (self.gens[self.atoms[atom, exponent.denominator]], self.one)
                power = exponent.numerator
                if power < 0:
                    base, power = (base[1], base[0]), -power
                for _ in range(power):
                    part = self.mul(part, base)
            total = self.add(total, part)
        return total

    def reduce(self, top: Any, bottom: Any) -> tuple[Any, Any]:
        if top == self.zero:
            return self.zero, self.one
        common = top.gcd(bottom)
        return top / common, bottom / common

    def mul(self, left: Any, right: Any) -> tuple[Any, Any]:
        return self.reduce(left[0] * right[0], left[1] * right[1])

    def add(self, left: Any, right: Any) -> tuple[Any, Any]:
        return self.reduce(left[0] * right[1] + right[0] * left[1], left[1] * right[1])

    def minus(self, value: Any) -> tuple[Any, Any]:
        return -value[0], value[1]

    def inverse(self, value: Any) -> tuple[Any, Any]:
        return value[1], value[0]

    def is_zero(self, value: Any) -> bool:
        return bool(value[0] == self.zero)

    def term(self, poly: Any) -> Term:
        atoms = {n: atom for atom, n in self.atoms.items()}
        parts = []
        for exponents, coefficient in poly.to_dict().items():
            factors = [
                build.power(atoms[n][0], Fraction(int(e), atoms[n][1]))
                for n, e in enumerate(exponents)
                if e
            ]
            scale = Fraction(int(coefficient.p), int(coefficient.q))
            parts.append(mul(number(scale), *factors))
        return add(*parts)


def _symbolic_null_vector(polys: Sequence[Sequence[Poly]]) -> list[Term] | None:
    """By elimination of the transposed matrix; denominators are cleared at the end."""
    try:
        field = _Field(polys)
    except ValueError:
        return None
    width = len(polys)
    columns = [[field.convert(polys[i][j]) for i in range(width)] for j in range(len(polys[0]))]
    # numbers first: they keep the entries small
    columns.sort(
        key=lambda line: sum(not set(p[0].to_dict()) <= {(0,) * len(field.gens)} for p in line)
    )
    pivots: list[tuple[int, list[Any]]] = []
    for line in columns:
        for at, pivot in pivots:
            if not field.is_zero(line[at]):
                factor = field.minus(line[at])
                line = [
                    field.add(x, field.mul(factor, y)) for x, y in zip(line, pivot, strict=True)
                ]
        lead = next((n for n, x in enumerate(line) if not field.is_zero(x)), None)
        if lead is None:
            continue
        scale = field.inverse(line[lead])
        line = [field.mul(scale, x) for x in line]
        pivots = [
            (
                at,
                [
                    field.add(x, field.mul(field.minus(pivot[lead]), y))
                    for x, y in zip(pivot, line, strict=True)
                ],
            )
            for at, pivot in pivots
        ]
        pivots.append((lead, line))
        if len(pivots) >= width:
            return None
    if len(pivots) != width - 1:
        return None
    (free,) = set(range(width)) - {at for at, _ in pivots}
    vector: list[Any] = [None] * width
    vector[free] = (field.one, field.one)
    for at, pivot in pivots:
        vector[at] = field.minus(pivot[free])
    common = field.one
    for _, bottom in vector:
        common = common * (bottom / bottom.gcd(common))
    return [field.term(top * (common / bottom)) for top, bottom in vector]
