"""Whether the conditions of a model may hold at values of its parameters.

A sample is drawn by it: points at which they fail say nothing about the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product

from symelbo.criterion.factor import Factor, is_parent
from symelbo.index.concretize import index_tuples
from symelbo.index.interpret import Interpretation, interpret_functions
from symelbo.index.modular import Dual, Modular, NoResidue, Place
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Array, Domain, Index, Role, Symbol
from symelbo.limits import CONDITION_NODES, CONDITION_VALUES
from symelbo.values import dataclass

__all__ = ["Stated", "state_conditions"]

Options = Callable[[Symbol], list[dict[Place, Fraction]]]


@dataclass(frozen=True, slots=True)
class Stated:
    """A condition at all places of its statement: the array lies in the domain there."""

    plates: tuple[Index, ...]
    array: Array
    domain: Domain

    @property
    def is_known(self) -> bool:
        """Whether no parameter enters it."""
        return all(symbol.role is not Role.PARAMETER for symbol in symbols_of(self.array))

    def may_hold(
        self, machine: Modular, values: Mapping[Place, Fraction], options: Options
    ) -> bool:
        """False if numbers say that it fails, at some value of the nodes, or at all of the inputs.

        values: of constants and parameters; options: a few values of a node.
        """
        named = sorted(filter(is_parent, symbols_of(self.array)), key=lambda s: s.name)
        if len(named) > CONDITION_NODES or any(symbol.domain.rank for symbol in named):
            return True
        inputs = [symbol for symbol in named if symbol.role is Role.INPUT]
        nodes = [symbol for symbol in named if symbol.role is not Role.INPUT]
        known = _duals(values)
        try:
            return any(
                all(
                    self.holds(machine, {**known, **_duals({**given, **chosen})})
                    for chosen in _choices(nodes, options)
                )
                for given in _choices(inputs, options)
            )
        except (NoResidue, LookupError, ZeroDivisionError, ValueError):
            return True

    def holds(self, machine: Modular, entries: Mapping[Place, Dual]) -> bool:
        """Whether it holds at these entries, as far as signs tell."""
        machine.move_to(entries)
        indices, body = self.array.indices, self.array.body
        for outer in index_tuples(self.plates, machine.sizes):
            env = dict(zip(self.plates, outer, strict=True))
            if self.domain.is_definite:
                matrix = [
                    machine.term(body, {**env, **dict(zip(indices, where, strict=True))}).size
                    for where in index_tuples(indices, machine.sizes)
                ]
                if not _is_definite(matrix):
                    return False
                continue
            for where in index_tuples(indices, machine.sizes):
                inner = {**env, **dict(zip(indices, where, strict=True))}
                for margin in self.domain.margins(body):
                    if machine.term(margin, inner).sign in (0, -1):
                        return False
        return True


def state_conditions(
    factors: Sequence[Factor], functions: Mapping[Symbol, Interpretation]
) -> list[Stated]:
    """The conditions of some factors, abstract functions put in."""
    return [
        Stated(
            factor.plates,
            Array(condition.array.indices, interpret_functions(condition.array.body, functions)),
            condition.domain,
        )
        for factor in factors
        for condition in factor.statement.conditions
    ]


def _choices(symbols: Sequence[Symbol], options: Options) -> Iterator[dict[Place, Fraction]]:
    """Joint values of some nodes, of each a few."""
    for chosen in product(*(options(symbol)[:CONDITION_VALUES] for symbol in symbols)):
        yield {at: x for values in chosen for at, x in values.items()}


def _duals(values: Mapping[Place, Fraction]) -> dict[Place, Dual]:
    return {at: Modular.rational(x) for at, x in values.items()}


def _is_definite(matrix: Sequence[float]) -> bool:
    """Whether the pivots of a matrix, row by row, are positive as floats."""
    n = int(len(matrix) ** 0.5)
    rows = [list(matrix[k * n : (k + 1) * n]) for k in range(n)]
    for k in range(n):
        if rows[k][k] <= 0:
            return False
        for i in range(k + 1, n):
            share = rows[i][k] / rows[k][k]
            rows[i] = [x - share * y for x, y in zip(rows[i], rows[k], strict=True)]
    return True
