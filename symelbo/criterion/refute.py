"""Find a certificate that no motion satisfies (U): weights on finitely many points.

Ranks modulo a prime say where the linear system (U) has no solution; a small inconsistent set of
its rows then gets exact weights.  What is found is proposed; `verify.certificate` disposes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from symelbo.criterion.factor import Factor
from symelbo.criterion.sample import Instance, interpretations, small_sizes
from symelbo.criterion.system import Assignment, System
from symelbo.criterion.weigh_rows import weigh_rows
from symelbo.verify.certificate import Certificate

__all__ = ["Budget", "find_certificate", "is_solvable"]

MAX_DEPTH = 4  # latent entries whose motion and rest are told apart
MAX_ROWS = 400  # of an instance, for each factor
MAX_WORK = 8000  # rows and ranks, for one model
QUICK = 2  # instances of a quick look
POINTS = (1, 2, 3)  # parameter values that are tried together
CELLS = 4000  # of a matrix that cost as much as one row


@dataclass
class Budget:
    """Counted work, so that the answer is the same on every machine."""

    left: int = field(default_factory=lambda: MAX_WORK)

    @property
    def exhausted(self) -> bool:
        """Whether the search was cut."""
        return self.left <= 0

    def spend(self, amount: int) -> None:
        """Take some of it; what has begun may end."""
        self.left -= amount


# ---------------------------------------------------------------- feasibility


def is_solvable(
    factors: Sequence[Factor], budget: Budget, *, quick: bool = False, still: bool = False
) -> bool:
    """Whether (U) has a solution at every small generic instance that was tried.

    False means almost surely that it has none at one of them, True only that none was excluded.
    quick: at the smallest instances only; still: no latent may move.
    """
    systems = _systems(factors, budget, generic=True, still=still)
    if quick:
        systems = islice(systems, QUICK)
    return all(_tree(system, Assignment(), budget) is None for system in systems)


def _systems(
    factors: Sequence[Factor], budget: Budget, *, generic: bool, still: bool
) -> Iterator[System]:
    for functions in interpretations(factors):
        for number_of, sizes in enumerate(small_sizes(factors)):
            # sizes that are given may be large; a part of the rows refutes as well
            most = MAX_ROWS if number_of == 0 else None
            for points in POINTS if not generic else POINTS[-1:]:
                if budget.exhausted:
                    return
                instance = Instance(
                    factors, sizes, functions, generic, points, still=still, most=most
                )
                if instance.most_rows() > MAX_ROWS * len(factors):
                    continue
                budget.spend(instance.most_rows())
                instance.fill()
                if instance.rows:
                    yield System(instance)


def _tree(system: System, assignment: Assignment, budget: Budget) -> list[Assignment] | None:
    """Cases of moving and resting entries without a solution; None if some case has one."""
    budget.spend(len(system.rows) ** 2 // CELLS)
    if not system.is_consistent(system.rows, assignment):
        return [assignment]
    decided = assignment.moving | assignment.resting
    if len(decided) >= MAX_DEPTH:
        return None
    for entry in system.entries():
        if entry in decided:
            continue
        leaves: list[Assignment] = []
        for branch in (
            Assignment(assignment.moving, assignment.resting | {entry}),
            Assignment(assignment.moving | {entry}, assignment.resting),
        ):
            found = _tree(system, branch, budget)
            if found is None:
                return None
            leaves += found
        return leaves
    return None


# ---------------------------------------------------------------- certificates


def find_certificate(
    factors: Sequence[Factor], budget: Budget, *, still: bool = False
) -> Certificate | None:
    """factors -> a certificate that no motion serves them all; None if none was found.

    still: no latent may move, since the specification forbids it.
    """
    if is_solvable(factors, budget, still=still):
        return None
    for system in _systems(factors, budget, generic=False, still=still):
        leaves = _tree(system, Assignment(), budget)
        if leaves is None:
            continue
        certificate = _certify(system, leaves)
        if certificate is not None:
            return certificate
    return None


def _certify(system: System, leaves: Sequence[Assignment]) -> Certificate | None:
    instance = system.instance
    cases = []
    for assignment in leaves:
        case = weigh_rows(system, assignment, system.rows)
        if case is None:
            return None
        cases.append(case)
    functions = sorted(instance.functions.items(), key=lambda item: item[0].name)
    return Certificate(
        tuple(sorted(instance.sizes.items())),
        tuple((f, meaning.formals, meaning.array) for f, meaning in functions),
        tuple(sorted(instance.known.items())),
        tuple(tuple(sorted(values.items())) for values in instance.parameters),
        tuple(cases),
        still=instance.still,
    )
