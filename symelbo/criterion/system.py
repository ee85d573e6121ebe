"""The linear system (U) at one instance: its unknowns, its rank modulo a prime, exact entries."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from heapq import merge

from symelbo.certify.certificate import Moved
from symelbo.criterion.factor import symbols_of_statement
from symelbo.criterion.find_cases import Assignment, Way
from symelbo.criterion.sample import Instance, Row
from symelbo.index.build import ONE, add, log, mul, number
from symelbo.index.concretize import concretize
from symelbo.index.differentiate import derivative_along
from symelbo.index.modular import Modular, Place
from symelbo.index.normal import normal
from symelbo.index.sparse import is_consistent
from symelbo.index.substitute import formal_indices, replace_index
from symelbo.index.terms import (
    Array,
    Delta,
    Entry,
    Extent,
    Number,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.limits import CELLS_OF_ROW, SLOPES_OF_ROW
from symelbo.values import dataclass, field

__all__ = ["System"]


@dataclass(frozen=True, slots=True)
class _Opened:
    """log p at a place, and its slopes along the directions that were asked for."""

    term: Term
    slopes: dict[Place, Term] = field(default_factory=dict)


class System:
    """The linear system (U) at one instance, for sets of its rows, as residues.

    rows: of the first `points` parameter values, and of the first `inputs` values of the inputs
    where these link the factors; names: of the factors that take part.
    """

    def __init__(
        self,
        instance: Instance,
        points: int,
        rows: Sequence[Row],
        names: frozenset[str],
        inputs: int = 1,
    ) -> None:
        self.instance, self.points, self.names, self.inputs = instance, points, names, inputs
        members = {n: f for n, f in enumerate(instance.factors) if f.name in names}
        self.rows = [
            row
            for row in rows
            if row.factor in members
            and row.point < points
            and (row.inputs < inputs or not instance.is_linked)
        ]
        still = {factor.node.name for factor in members.values() if not factor.can_move}
        self.movable = instance.continuous - still
        self.categories = {s.name for s in instance.symbols if s.domain.is_place}
        self.finite = {n: factor.is_finite for n, factor in members.items()}
        self.opened: dict[object, _Opened] = {}
        self.places: dict[str, list[int]] = {}  # of the rows of each factor
        self.learned = {
            n: any(s.role is Role.PARAMETER for s in symbols_of_statement(f.statement))
            for n, f in members.items()
        }

    def of(self, names: frozenset[str]) -> System:
        """The same for some of the factors alone; their parents are as free as these allow."""
        if not self.places:
            for place, row in enumerate(self.rows):
                self.places.setdefault(self.instance.factors[row.factor].name, []).append(place)
        places = merge(*(self.places.get(name, ()) for name in names))
        rows = [self.rows[n] for n in places]
        return System(self.instance, self.points, rows, names, self.inputs)

    @cached_property
    def rank_work(self) -> int:
        """The work of one rank, as so many short rows: of many rows most columns are empty."""
        count, slopes = len(self.rows), sum(len(row.slopes) for row in self.rows)
        return min(count, count**2 // CELLS_OF_ROW) + slopes // SLOPES_OF_ROW

    def entries(self) -> list[Moved]:
        """The latent entries whose motion is decided by cases: scalar values of the factors."""
        found: dict[Moved, None] = {}
        for row in self.rows:
            if self.is_movable_value(row):
                found[row.value[0][0], row.inputs] = None
        return list(found)

    def ways(self, entry: Moved) -> Sequence[Way]:
        """What an entry may do: only a real one is shifted."""
        (name, _), _ = entry
        line = self.instance.by_name[name].domain.is_line
        return tuple(Way) if line else (Way.RESTS, Way.MOVES)

    def is_movable_value(self, row: Row) -> bool:
        """Whether the row's value is one entry of a continuous latent."""
        factor = self.instance.factors[row.factor]
        return len(row.value) == 1 and factor.node.name in self.movable

    def columns(self, row: Row, assignment: Assignment) -> dict[tuple[object, ...], int]:
        """The unknowns of a row with their coefficients, as residues."""
        found = {
            key: slope
            for key, slope in row.slopes.items()
            if key[0] == "beta"
            or not (
                key[2] not in self.movable
                or ((key[2], key[3]), key[4]) in assignment.resting
                or (key[0] == "r" and ((key[2], key[3]), key[4]) in assignment.shifted)
            )
        }
        found["H", row.factor, row.place, row.point, row.numbers[0]] = 1
        base = self.base_column(row, assignment)
        if base is not None:
            key, value = base
            if value:
                found[key] = value
        return found

    def base_column(
        self, row: Row, assignment: Assignment
    ) -> tuple[tuple[object, ...], int] | None:
        """What the base measure may be: any function of the value; of a latent that is shifted
        c v, that is scaled c log v or c log|v - end|; of a real one that is scaled, if its density
        is finite everywhere, and of a factor in which nothing moves, a constant.
        """
        given = row.inputs
        own = (row.value[0][0], given)
        if self.is_movable_value(row) and own in assignment.moving:
            domain = self.instance.factors[row.factor].value.domain
            if not domain.is_line or own in assignment.shifted:
                return ("c", row.factor, row.place, given), self.moving_base(row)
            if self.finite[row.factor]:
                return None
        if self.is_idle(row, assignment):
            return None
        return ("b", row.factor, row.place, row.numbers[1], given), 1

    def moving_base(self, row: Row) -> int:
        value, shifts = self.from_centre(row)
        if shifts:
            return Modular.rational(value).value
        machine = Modular({}, {}, self.instance.seed)
        return machine.log(Modular.rational(value)).value

    def from_centre(self, row: Row) -> tuple[Fraction, bool]:
        """How far the row's value is from where it is scaled about, or it itself if it may be
        shifted.
        """
        motions = self.instance.factors[row.factor].value.domain.motions
        assert motions is not None
        value = row.value[0][1]
        if motions.shifts:
            return value, True
        about = motions.about.value if isinstance(motions.about, Number) else Fraction(0)
        return abs(value - about), False

    def is_idle(self, row: Row, assignment: Assignment) -> bool:
        """Whether nothing moves in the factor: no parameter, no parent, not its value."""
        if self.learned[row.factor]:
            return False
        factor = self.instance.factors[row.factor]
        movable = self.movable
        if factor.node.name in movable and not all(
            (place, row.inputs) in assignment.resting for place, _ in row.value
        ):
            return False
        return all(
            (place, row.inputs) in assignment.resting
            for place, _ in row.parents
            if place[0] in movable
        )

    def is_consistent(self, rows: Sequence[Row], assignment: Assignment) -> bool:
        """Whether some velocities, base measures and entropies satisfy these rows."""
        if not rows:
            return True
        wide = [self.columns(row, assignment) for row in rows]
        keys = {key: n for n, key in enumerate(dict.fromkeys(k for found in wide for k in found))}
        return is_consistent(
            [
                {**{keys[key]: value for key, value in found.items()}, len(keys): row.logarithm}
                for row, found in zip(rows, wide, strict=True)
            ],
            len(keys),
        )

    # ------------------------------------------------------------------ exact numbers

    def values(self, row: Row) -> dict[Place, Fraction]:
        """What is known at the row's point."""
        instance = self.instance
        return {
            **instance.known,
            **instance.parameters[row.point],
            **instance.inputs[row.inputs],
            **dict(row.parents),
            **dict(row.value),
        }

    def open_row(self, row: Row) -> _Opened:
        """log p at the row's place and sizes, its entries still symbols."""
        instance = self.instance
        values = self.values(row)
        selecting = {at: x for at, x in values.items() if at[0] in self.categories}
        key = (row.factor, row.place, tuple(sorted(selecting.items())))
        if key not in self.opened:
            term = instance.densities[row.factor]
            plates = instance.factors[row.factor].plates
            for index, at in zip(plates, row.place, strict=True):
                term = replace_index(term, index, Position(Extent(None, at)))
            term = concretize(term, instance.sizes, lambda name, at: selecting.get((name, at)))
            self.opened[key] = _Opened(term)
        return self.opened[key]

    def log_density(self, row: Row) -> Term:
        """log p at the row's point, in closed form."""
        return self.closed(row, self.open_row(row).term)

    def closed(self, row: Row, opened: Term) -> Term:
        values = self.values(row)
        return normal(concretize(opened, self.instance.sizes, lambda n, at: values.get((n, at))))

    def coefficient(self, row: Row, key: tuple[object, ...]) -> Term:
        """What an unknown that occurs in a row is multiplied with there, in closed form."""
        match key:
            case ("beta" | "r" | "s" as kind, _, str(name), tuple(at), *_):
                opened = self.open_row(row)
                if (name, at) not in opened.slopes:
                    symbol = self.instance.by_name[name]
                    direction = {symbol: self.tangent(symbol, at)}
                    opened.slopes[name, at] = derivative_along(opened.term, direction)
                slope = self.closed(row, opened.slopes[name, at])
                distance = self.distance(row, name, at) if kind == "r" else None
                return slope if distance is None else normal(mul(number(distance), slope))
            case ("c", *_):
                return self.exact_moving_base(row)
        return ONE

    def tangent(self, symbol: Symbol, at: tuple[int, ...]) -> Array:
        """The direction of one free coordinate of a parameter, or of one latent: by 1, or of a
        matrix by the row of the same place.
        """
        motions = symbol.domain.wider_motions
        if motions is not None and motions.whole and symbol.role is Role.LATENT:
            indices = formal_indices(symbol.shape)
            deltas = (
                Delta(i, Position(Extent(None, k))) for i, k in zip(indices, at, strict=False)
            )
            return Array(indices, mul(*deltas, Entry(symbol, indices)))
        if symbol.role is Role.LATENT:
            return _unit(symbol, at)
        moved = symbol.domain.direction(at, self.instance.length(symbol))
        units = [(_unit(symbol, place), by) for place, by in moved]
        body = add(*(mul(number(by), unit.body) for unit, by in units))
        return Array(units[0][0].indices, body)

    def distance(self, row: Row, name: str, at: tuple[int, ...]) -> Fraction | None:
        """z, or z - end: what r is multiplied with; None for a matrix, which it enters."""
        symbol = self.instance.by_name[name]
        motions = symbol.domain.wider_motions
        assert motions is not None
        if motions.whole:
            return None
        value = self.values(row)[name, at]
        return value - motions.about.value if isinstance(motions.about, Number) else value

    def exact_moving_base(self, row: Row) -> Term:
        value, shifts = self.from_centre(row)
        return number(value) if shifts else normal(log(number(value)))


def _unit(symbol: Symbol, at: tuple[int, ...]) -> Array:
    indices = formal_indices(symbol.shape)
    deltas = (Delta(i, Position(Extent(None, k))) for i, k in zip(indices, at, strict=True))
    return Array(indices, mul(*deltas))
