"""Find a certificate that no motion satisfies (U): weights on finitely many points.

Ranks modulo a prime say where the linear system (U) has no solution; a smallest inconsistent set of
its rows is then solved for its weights in exact arithmetic.  What is found is proposed;
`verify.certificate` disposes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import flint

from symelbo.criterion.exact_weights import exact_weights
from symelbo.criterion.factor import Factor, symbols_of_statement
from symelbo.criterion.sample import Instance, Row, interpretations, small_sizes
from symelbo.index.modular import PRIME, Modular, Place
from symelbo.index.terms import Number, Role
from symelbo.verify.certificate import Case, Certificate, CertificateRow

__all__ = ["Assignment", "System", "find_certificate", "is_solvable"]

MAX_DEPTH = 4  # latent entries whose motion and rest are told apart
MAX_ROWS = 400
QUICK = 2  # instances of a quick look
POINTS = (1, 2, 3)  # parameter values that are tried together


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which latent entries are taken to move, and which to rest; of all others nothing is said."""

    moving: frozenset[Place] = frozenset()
    resting: frozenset[Place] = frozenset()


class System:
    """The linear system (U) at one instance, for sets of its rows, as residues."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.rows = instance.rows
        self.learned = {
            n: any(s.role is Role.PARAMETER for s in symbols_of_statement(f.statement))
            for n, f in enumerate(instance.factors)
        }

    def entries(self) -> list[Place]:
        """The latent entries whose motion is decided by cases: scalar values of the factors."""
        found: dict[Place, None] = {}
        for row in self.rows:
            if self.is_movable_value(row):
                found[row.value[0][0]] = None
        return list(found)

    def is_movable_value(self, row: Row) -> bool:
        """Whether the row's value is one entry of a continuous latent."""
        factor = self.instance.factors[row.factor]
        return len(row.value) == 1 and factor.node.name in self.instance.movable

    def columns(self, row: Row, assignment: Assignment) -> dict[tuple[object, ...], int]:
        """The unknowns of a row with their coefficients, as residues."""
        found = {
            key: slope
            for key, slope in row.slopes.items()
            if key[0] == "beta" or (key[2], key[3]) not in assignment.resting
        }
        found["H", row.factor, row.place, row.point, row.parents] = 1
        base = self.base_column(row, assignment)
        if base is not None:
            key, value = base
            if value:
                found[key] = value
        return found

    def base_column(
        self, row: Row, assignment: Assignment
    ) -> tuple[tuple[object, ...], int] | None:
        """What the base measure may be: any function of the value; of a moving latent c v, c log v
        or c log(v - lower); of a factor in which nothing moves a constant.
        """
        if self.is_movable_value(row) and row.value[0][0] in assignment.moving:
            return ("c", row.factor, row.place), self.moving_base(row)
        if self.is_idle(row, assignment):
            return None
        inputs = {s.name for s in self.instance.symbols if s.role is Role.INPUT}
        given = tuple(item for item in row.parents if item[0][0] in inputs)
        return ("b", row.factor, row.place, row.value, given), 1

    def moving_base(self, row: Row) -> int:
        factor = self.instance.factors[row.factor]
        value = row.value[0][1]
        if factor.value.domain.kind in ("real", "angle"):
            return Modular.rational(value).value
        lower = factor.value.domain.lower
        if isinstance(lower, Number):
            value -= lower.value
        machine = Modular({}, {}, self.instance.seed)
        return machine.log(Modular.rational(value)).value

    def is_idle(self, row: Row, assignment: Assignment) -> bool:
        """Whether nothing moves in the factor: no parameter, no parent, not its value."""
        if self.learned[row.factor]:
            return False
        factor = self.instance.factors[row.factor]
        movable = self.instance.movable
        if factor.node.name in movable and not all(
            place in assignment.resting for place, _ in row.value
        ):
            return False
        return all(place in assignment.resting for place, _ in row.parents if place[0] in movable)

    def is_consistent(self, rows: Sequence[Row], assignment: Assignment) -> bool:
        """Whether some velocities, base measures and entropies satisfy these rows."""
        if not rows:
            return True
        wide = [self.columns(row, assignment) for row in rows]
        keys = {key: n for n, key in enumerate(dict.fromkeys(k for found in wide for k in found))}
        left = flint.nmod_mat(len(rows), len(keys), PRIME)
        both = flint.nmod_mat(len(rows), len(keys) + 1, PRIME)
        for i, (row, found) in enumerate(zip(rows, wide, strict=True)):
            for key, value in found.items():
                left[i, keys[key]] = value
                both[i, keys[key]] = value
            both[i, len(keys)] = row.logarithm
        return bool(left.rank() == both.rank())

    def smallest(self, rows: Sequence[Row], assignment: Assignment) -> list[Row]:
        """An inconsistent set of rows of which none can be left out; the last ones go first."""
        kept = list(rows)
        size = max(1, len(kept) // 2)
        while True:
            start = len(kept) - size
            changed = False
            while start > -size:
                low = max(start, 0)
                rest = kept[:low] + kept[low + size :]
                if not self.is_consistent(rest, assignment):
                    kept, changed = rest, True
                start -= size
            if size == 1 and not changed:
                return kept
            if size > 1:
                size = max(1, size // 2)


# ---------------------------------------------------------------- feasibility


def is_solvable(factors: Sequence[Factor], *, quick: bool = False, still: bool = False) -> bool:
    """Whether (U) has a solution at every small generic instance that was tried.

    False means almost surely that it has none at one of them, True only that none was excluded.
    quick: at the smallest instances only; still: no latent may move.
    """
    systems = _systems(factors, generic=True, still=still)
    if quick:
        systems = islice(systems, QUICK)
    return all(_tree(system, Assignment()) is None for system in systems)


def _systems(factors: Sequence[Factor], *, generic: bool, still: bool = False) -> Iterator[System]:
    for functions in interpretations(factors):
        for sizes in small_sizes(factors):
            for points in POINTS if not generic else POINTS[-1:]:
                instance = Instance(factors, sizes, functions, generic, points, still=still)
                instance.fill()
                if instance.rows and len(instance.rows) <= MAX_ROWS * len(factors):
                    yield System(instance)


Leaf = tuple[Assignment, list[Row]]


def _tree(system: System, assignment: Assignment) -> list[Leaf] | None:
    """Cases of moving and resting entries, each with an inconsistent set of rows; None if some case
    is consistent.
    """
    if not system.is_consistent(system.rows, assignment):
        return [(assignment, system.smallest(system.rows, assignment))]
    decided = assignment.moving | assignment.resting
    if len(decided) >= MAX_DEPTH:
        return None
    for entry in system.entries():
        if entry in decided:
            continue
        leaves: list[Leaf] = []
        for branch in (
            Assignment(assignment.moving, assignment.resting | {entry}),
            Assignment(assignment.moving | {entry}, assignment.resting),
        ):
            found = _tree(system, branch)
            if found is None:
                return None
            leaves += found
        return leaves
    return None


# ---------------------------------------------------------------- certificates


def find_certificate(factors: Sequence[Factor], still: bool = False) -> Certificate | None:
    """factors -> a certificate that no motion serves them all; None if none was found.

    still: no latent may move, since the specification forbids it.
    """
    if is_solvable(factors, still=still):
        return None
    for system in _systems(factors, generic=False, still=still):
        leaves = _tree(system, Assignment())
        if leaves is None:
            continue
        certificate = _certify(system, leaves)
        if certificate is not None:
            return certificate
    return None


def _certify(system: System, leaves: Sequence[Leaf]) -> Certificate | None:
    instance = system.instance
    cases = []
    for assignment, rows in leaves:
        found = exact_weights(system, assignment, rows)
        if found is None:
            return None
        weights, value = found
        kept = [
            CertificateRow(
                instance.factors[row.factor].name,
                row.place,
                row.point,
                row.parents,
                row.value,
                weight,
            )
            for row, weight in zip(rows, weights, strict=True)
        ]
        cases.append(
            Case(
                tuple(sorted(assignment.moving)),
                tuple(sorted(assignment.resting)),
                tuple(kept),
                value,
            )
        )
    functions = sorted(instance.functions.items(), key=lambda item: item[0].name)
    return Certificate(
        tuple(sorted(instance.sizes.items())),
        tuple((f, meaning.formals, meaning.array) for f, meaning in functions),
        tuple(sorted(instance.known.items())),
        tuple(tuple(sorted(values.items())) for values in instance.parameters),
        tuple(cases),
        still=instance.still,
    )
