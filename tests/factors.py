"""Factors of a few lines of a specification, and the rows of (U) of them in plain numbers.

    log p - D log p - b + H~ = 0,      linear in velocities, r, s, b and H~

written down from the theory alone, with dual numbers for the slopes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symelbo.certify.certificate import Case, CertificateRow
from symelbo.criterion.factor import Factor, make_factor, symbols_of_statement
from symelbo.index.terms import Role, Symbol
from symelbo.model.model import Model
from symelbo.model.read_model import read_model
from symelbo.trial.evaluate import Place, World, evaluate, places

__all__ = [
    "Equation",
    "Rows",
    "assert_contradiction",
    "change_of",
    "factors_of",
    "log_density_at",
    "model_of",
]

Values = Mapping[Place, Fraction]
Unknown = tuple[object, ...]


def model_of(
    model: Sequence[str],
    parameters: Mapping[str, str],
    *,
    observed: Sequence[str] = "x",
    **keys: Any,
) -> Model:
    """A model as `read_model` reads it; observed: names, of one letter each in a string."""
    source = {"name": "m", "sizes": ["D", "H", "C"], "parameters": dict(parameters), **keys}
    return read_model({**source, "model": list(model), "observed": list(observed)})


def factors_of(
    model: Sequence[str],
    parameters: Mapping[str, str],
    *,
    observed: Sequence[str] = "x",
    **keys: Any,
) -> tuple[Factor, ...]:
    """The factors of such a model, in its order."""
    read = model_of(model, parameters, observed=observed, **keys)
    return tuple(make_factor(statement) for statement in read.statements)


def log_density_at(
    factor: Factor,
    sizes: Mapping[str, int],
    plate: Sequence[int],
    values: Mapping[Place, Fraction | float],
    velocities: Mapping[Place, float] | None = None,
) -> tuple[float, float]:
    """log p at one point of the plates, and its slope along velocities, by dual numbers."""
    numbers = {place: float(value) for place, value in values.items()}
    world = World(sizes, numbers, velocities or {})
    return evaluate(
        factor.statement.log_density, world, dict(zip(factor.plates, plate, strict=True))
    )


def change_of(
    factor: Factor,
    sizes: Mapping[str, int],
    plate: Sequence[int],
    values: Mapping[Place, Fraction | float],
    velocities: Mapping[Place, float],
) -> float:
    """log p - D log p: by (U) the sum of a function of the value and of one of all else."""
    value, slope = log_density_at(factor, sizes, plate, values, velocities)
    return value - slope


# ---------------------------------------------------------------- rows


@dataclass(frozen=True)
class Equation:
    """log p = sum of coefficient * unknown."""

    coefficients: dict[Unknown, float]
    logarithm: float


@dataclass(frozen=True)
class Rows:
    """What makes the rows of some factors numbers; none of them has covariates."""

    factors: Mapping[str, Factor]
    sizes: Mapping[str, int]
    constants: Values
    points: Sequence[Values]
    inputs: Sequence[Values]

    def values(self, row: CertificateRow) -> dict[Place, Fraction]:
        """What is known at a row."""
        known = {**self.constants, **self.points[row.point], **self.inputs[row.inputs]}
        return {**known, **dict(row.parents), **dict(row.value)}

    def equation(self, row: CertificateRow, case: Case) -> Equation:
        """(U) at a row, if the latents move and rest as the case says."""
        factor, values = self.factors[row.factor], self.values(row)
        found: dict[Unknown, float] = {}
        for name, velocities in self._directions(factor, row, values, case):
            value, slope = log_density_at(factor, self.sizes, row.place, values, velocities)
            if abs(slope) > 1e-12:
                found[name] = slope
        value, _ = log_density_at(factor, self.sizes, row.place, values)
        found["H", row.factor, row.place, row.point, row.inputs, row.parents] = 1.0
        base = self._base(factor, row, values, case)
        if base is not None:
            found[base[0]] = base[1]
        return Equation(found, value)

    # ------------------------------------------------------------ what moves

    def _symbols(self, factor: Factor) -> list[Symbol]:
        return sorted({factor.node, *symbols_of_statement(factor.statement)}, key=lambda s: s.name)

    def _movable(self, symbol: Symbol) -> bool:
        if symbol.role is not Role.LATENT:
            return False
        own = [f for f in self.factors.values() if f.node == symbol]
        domains = [symbol.domain, *(f.value.domain for f in own)]
        if any(domain.lower is not None and domain.upper is not None for domain in domains):
            return False  # an affine motion that keeps both ends
        return {domain.kind for domain in domains} <= {"real", "positive", "interval"}

    def _directions(
        self, factor: Factor, row: CertificateRow, values: Values, case: Case
    ) -> Iterator[tuple[Unknown, dict[Place, float]]]:
        world = World(self.sizes, {})
        for symbol in self._symbols(factor):
            for at in places(world, symbol.shape):
                here = (symbol.name, at)
                if symbol.role is Role.PARAMETER:
                    if symbol.domain.kind == "simplex":
                        last = (*at[:-1], world.length(symbol.shape[-1]))
                        if at == last:
                            continue
                        yield (
                            ("velocity of " + symbol.name, at, row.point, None),
                            {here: 1.0, (symbol.name, last): -1.0},
                        )
                        continue
                    if symbol.domain.kind == "posdef":  # V + V'
                        *outer, i, j = at
                        if i <= j:
                            mirrored = (symbol.name, (*outer, j, i))
                            yield (
                                ("velocity of " + symbol.name, at, row.point, None),
                                {here: 2.0} if i == j else {here: 1.0, mirrored: 1.0},
                            )
                        continue
                    assert symbol.domain.rank == 0
                    yield ("velocity of " + symbol.name, at, row.point, None), {here: 1.0}
                elif self._movable(symbol) and here in values:
                    if (here, row.inputs) in case.resting:
                        continue
                    which = at, row.point, row.inputs
                    if (here, row.inputs) not in case.shifted:
                        distance = float(values[here]) - self._end(symbol)
                        yield ("rate of " + symbol.name, *which), {here: distance}
                    if symbol.domain.kind == "real":
                        yield ("shift of " + symbol.name, *which), {here: 1.0}

    def _end(self, symbol: Symbol) -> float:
        """What the latent is scaled about."""
        for factor in self.factors.values():
            if factor.node == symbol and factor.value.domain.kind == "interval":
                domain = factor.value.domain
                end = domain.upper if domain.lower is None else domain.lower
                assert end is not None
                return evaluate(end, World({}, {})).value
        return 0.0

    # ------------------------------------------------------------ base measures

    def _base(
        self, factor: Factor, row: CertificateRow, values: Values, case: Case
    ) -> tuple[Unknown, float] | None:
        node = factor.node
        (first, *more) = row.value
        moved = first[0], row.inputs
        if not more and self._movable(node) and moved in case.moving:
            if node.domain.kind == "real" and moved not in case.shifted:
                return None
            value = float(first[1]) - self._end(node)
            share = value if node.domain.kind == "real" else math.log(value)
            return ("base of " + row.factor, row.place, None, row.inputs), share
        symbols = self._symbols(factor)
        moves = any(s.role is Role.PARAMETER for s in symbols) or any(
            self._movable(s) and place[0] == s.name and (place, row.inputs) not in case.resting
            for s in symbols
            for place in values
        )
        return (("b", row.factor, row.place, row.value, row.inputs), 1.0) if moves else None


# ---------------------------------------------------------------- contradictions


def assert_contradiction(rows: Rows, case: Case) -> None:
    """That the weighted rows have no solution: they leave the square system alone, and its
    determinant is not 0.
    """
    equations = [rows.equation(row, case) for row in case.rows]
    count = len(case.matrix)
    assert count == len(case.unknowns) + 1 and all(len(line) == count for line in case.matrix)
    stated = np.array(
        [[evaluate(term, World({}, {})).value for term in line] for line in case.matrix]
    )
    scaled = stated / np.linalg.norm(stated, axis=1, keepdims=True)
    assert abs(np.linalg.det(scaled)) > 1e-8
    weights = np.array([[float(w) for w in row.weights] for row in case.rows])
    assert weights.shape == (len(case.rows), count)

    def left(values: list[float]) -> np.ndarray:
        """What each combination leaves of a column; nothing, if it is rounding alone."""
        terms = weights * np.array(values)[:, None]
        size = 1 + np.abs(terms).sum(axis=0)
        return np.where(np.abs(terms.sum(axis=0)) < 1e-9 * size, 0, terms.sum(axis=0))

    columns: dict[Unknown, np.ndarray] = {}
    for key in dict.fromkeys(k for equation in equations for k in equation.coefficients):
        columns[key] = left([equation.coefficients.get(key, 0.0) for equation in equations])
    of_unknowns = np.zeros((count, len(case.unknowns)))
    for n, unknown in enumerate(case.unknowns):
        of_unknowns[:, n] = columns.pop(
            (unknown.name, unknown.place, unknown.point, unknown.inputs)
        )
    assert np.allclose(of_unknowns, stated[:, :-1], rtol=1e-8, atol=1e-9)
    logarithms = left([equation.logarithm for equation in equations])
    assert np.allclose(logarithms, stated[:, -1], rtol=1e-8, atol=1e-9)
    for unknown, combination in case.dependent:
        found = columns.pop((unknown.name, unknown.place, unknown.point, unknown.inputs))
        expected = of_unknowns @ np.array([evaluate(x, World({}, {})).value for x in combination])
        assert np.allclose(found, expected, rtol=1e-8, atol=1e-9)
    assert not any(column.any() for column in columns.values())
