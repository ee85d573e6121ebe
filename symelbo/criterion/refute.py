"""Find a certificate that no motion satisfies (U): weights on finitely many points.

Ranks modulo a prime say where the linear system (U) has no solution; a small inconsistent set of
its rows then gets exact weights.  What is found is proposed; the checker disposes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

from symelbo.certify.certificate import Case, Certificate, Moved, Unknown
from symelbo.criterion.choose_functions import interpretations
from symelbo.criterion.factor import Factor
from symelbo.criterion.find_cases import Assignment, find_cases
from symelbo.criterion.open_factors import find_opening, has_many_entries, open_factor
from symelbo.criterion.sample import Instance, blocks_named, small_sizes
from symelbo.criterion.system import System
from symelbo.criterion.weigh_rows import weigh_rows
from symelbo.limits import (
    CUT_ROWS,
    FACTORS_OF_WORK,
    GENERIC_PAIRS,
    GENERIC_POINTS,
    LOOKS,
    REFUSED_ROWS,
    REFUTED_PAIRS,
    REFUTED_POINTS,
    REFUTED_ROWS,
    REFUTED_WORK,
    SINGLE_POINTS,
    WEIGHING,
)
from symelbo.values import dataclass, field, replace

__all__ = ["Budget", "find_certificates", "is_known_to_fail", "is_solvable"]


@dataclass
class Budget:
    """Counted work, so that the answer is the same on every machine; for factors of one model.

    model: all its factors, whose conditions hold at all points; least: of the sizes of the model;
    solvable: answers that are known, by the names of the factors; failing: instances at which some
    factors have no solution; known_to_fail: whether these have none at one of them; untried:
    whether an instance at the sizes that are given was too large.
    """

    left: int = field(default_factory=lambda: REFUTED_WORK)
    least: Mapping[str, int] = field(default_factory=dict)
    model: Sequence[Factor] = ()
    solvable: dict[tuple[tuple[str, ...], int | None, bool], bool] = field(default_factory=dict)
    failing: list[System] = field(default_factory=list)
    known_to_fail: dict[tuple[int, frozenset[str]], bool] = field(default_factory=dict)
    untried: bool = False
    opened: Budget | None = None

    @classmethod
    def of_model(cls, factors: Sequence[Factor], least: Mapping[str, int]) -> Budget:
        """That of a model with so many factors."""
        work = REFUTED_WORK + REFUTED_WORK * len(factors) // FACTORS_OF_WORK
        return cls(work, least, tuple(factors))

    @property
    def exhausted(self) -> bool:
        """Whether the search was cut."""
        return self.left <= 0

    def for_any_lengths(self) -> Budget:
        """That of the same factors, their literal lengths opened."""
        if self.opened is None:
            self.opened = Budget(least=self.least)
        return self.opened

    def pay_for_cut(self) -> None:
        """The checker was cut: what is proposed next is no smaller."""
        self.spend(CUT_ROWS)

    def spend(self, amount: int) -> None:
        """Take some of it; what has begun may end."""
        self.left -= amount


# ---------------------------------------------------------------- feasibility


def is_solvable(
    factors: Sequence[Factor],
    budget: Budget,
    *,
    instances: int | None = None,
    still: bool = False,
) -> bool:
    """Whether (U) has a solution at every small instance that was tried: generic ones, and at last
    simple ones, where values lie on both sides of a kink.

    False means almost surely that it has none at one of them, True only that none was excluded.
    instances: how many of the smallest ones are tried, None for all; still: no latent may move.
    """
    names = tuple(f.name for f in factors)
    key = (names, instances, still)
    if not all(budget.solvable.get((names, fewer, still), True) for fewer in LOOKS):
        return False
    if key not in budget.solvable and (opening := find_opening(factors)) is not None:
        # of any lengths, and of those that are given
        others = [open_factor(factor, opening) for factor in factors]
        own = budget.for_any_lengths()
        holds = is_solvable(others, own, instances=instances, still=still)
        quick = holds and instances is not None
        if has_many_entries(factors):
            budget.untried = budget.untried or not quick
            return True
        if quick:
            return True
    if key not in budget.solvable:
        budget.solvable[key] = not is_known_to_fail(factors, budget, still=still)
        systems = _systems(factors, budget, generic=True, still=still)
        if instances is None:
            systems = chain(
                systems,
                _systems(factors, budget, generic=True, still=still, narrow=True),
                _systems(factors, budget, generic=False, still=still),
            )
        for system in islice(systems, instances) if budget.solvable[key] else ():
            if _cases(system, budget) is not None:
                budget.solvable[key] = False
                budget.failing.append(system)
                break
    return budget.solvable[key]


def is_known_to_fail(factors: Sequence[Factor], budget: Budget, *, still: bool = False) -> bool:
    """Whether (U) has no solution at an instance at which more factors had none: no new rows."""
    names = frozenset(factor.name for factor in factors)
    for number, system in enumerate(budget.failing):
        if system.instance.still != still or not names <= system.names:
            continue
        key = (number, names)
        if key not in budget.known_to_fail:
            found = _cases(system.of(names), budget)
            budget.known_to_fail[key] = found is not None
        if budget.known_to_fail[key]:
            return True
    return False


def _systems(
    factors: Sequence[Factor],
    budget: Budget,
    *,
    generic: bool,
    still: bool,
    single: bool = False,
    narrow: bool = False,
    origin: bool = False,
) -> Iterator[System]:
    if budget.exhausted:
        return
    most = REFUTED_ROWS * len(factors)
    names = frozenset(factor.name for factor in factors)
    shapes = [
        (number_of, sizes, blocks)
        for number_of, sizes in enumerate(small_sizes(factors, budget.least))
        for blocks in ({}, *(blocks_named(factors, sizes) if narrow else ()))
    ]
    for choose in interpretations(factors):
        for number_of, sizes, blocks in shapes:
            counts = GENERIC_POINTS if generic else REFUTED_POINTS
            for block in blocks.values():  # one more than a quadratic form and four others settle
                counts = (*counts, 5 + len(block) * (len(block) + 1) // 2)
            instance = Instance(
                factors,
                sizes,
                choose(sizes),
                generic,
                counts[-1],
                still=still,
                single=single,
                origin=origin,
                narrow=narrow,
                blocks=blocks,
                # sizes that are given may be large; a part of the rows refutes as well
                most=REFUTED_ROWS if number_of == 0 else None,
                beside=budget.model,
            )
            if narrow and not instance.is_wide:
                continue
            each, work, filled = instance.most_rows(), instance.row_work(), 0
            pairs = GENERIC_PAIRS if generic else REFUTED_PAIRS
            for points, inputs in pairs if instance.is_linked else ((n, 1) for n in counts):
                if budget.exhausted:
                    return
                if each * points * inputs > (most if inputs == 1 else 2 * most):
                    continue
                instance.fill(points, inputs)
                budget.spend(work * (len(instance.filled) - filled))
                filled = len(instance.filled)
                if instance.rows:
                    yield System(instance, points, instance.rows, names, inputs)


def _cases(system: System, budget: Budget) -> list[Assignment] | None:
    """Cases of the motion of entries without a solution; None if some case has one."""

    def has_solution(assignment: Assignment) -> bool:
        if budget.exhausted:
            return True  # none is excluded
        budget.spend(system.rank_work)
        return system.is_consistent(system.rows, assignment)

    return find_cases(system.entries(), system.ways, has_solution)


# ---------------------------------------------------------------- certificates


# how parameter values are drawn: columns of which one is e times the other are none where only one
# parameter differs, and of what is e^b or sigmoid(b) a rational number is left at 0
_WAYS: Sequence[Mapping[str, bool]] = (
    {},
    {"single": True},
    {"single": True, "origin": True},
    {"narrow": True},
)


def find_certificates(
    factors: Sequence[Factor], budget: Budget, *, still: bool = False
) -> Iterator[Certificate]:
    """factors -> proposals for a certificate that no motion serves them all; none if one does.

    still: no latent may move, since the specification forbids it.
    """
    if is_solvable(factors, budget, still=still):
        return
    for way in _WAYS:
        systems = _systems(factors, budget, generic=False, still=still, **way)
        for system in islice(systems, SINGLE_POINTS) if way.get("single") else systems:
            leaves = _cases(system, budget)
            certificate = None if leaves is None else _certify(system, leaves, budget)
            if certificate is not None:
                yield certificate
                budget.spend(REFUSED_ROWS)  # asked for another one


def _certify(system: System, leaves: Sequence[Assignment], budget: Budget) -> Certificate | None:
    instance = system.instance
    cases = []
    for assignment in leaves:
        if budget.exhausted:
            return None
        budget.spend(WEIGHING * system.rank_work)
        case = weigh_rows(system, assignment, system.rows)
        if case is None:
            return None
        cases.append(case)
    inputs, cases = _used_inputs(cases)
    functions = sorted(instance.functions.items(), key=lambda item: item[0].name)
    return Certificate(
        tuple(sorted(instance.sizes.items())),
        tuple((f, meaning.formals, meaning.array) for f, meaning in functions),
        tuple(sorted(instance.known.items())),
        tuple(tuple(sorted(values.items())) for values in instance.parameters[: system.points]),
        tuple(tuple(sorted(instance.inputs[n].items())) for n in inputs),
        tuple(cases),
        still=instance.still,
    )


def _used_inputs(cases: Sequence[Case]) -> tuple[list[int], list[Case]]:
    """The values of the inputs that cases speak of, and the cases with these numbered from 0."""
    used = {row.inputs for case in cases for row in case.rows}
    used |= {n for case in cases for _, n in (*case.moving, *case.resting)}
    order = sorted(used)
    number = {n: k for k, n in enumerate(order)}

    def renamed(unknown: Unknown) -> Unknown:
        at = unknown.inputs
        return replace(unknown, inputs=None if at is None else number[at])

    def moved(entries: Sequence[Moved]) -> tuple[Moved, ...]:
        return tuple((at, number[n]) for at, n in entries)

    return order, [
        replace(
            case,
            moving=moved(case.moving),
            resting=moved(case.resting),
            shifted=moved(case.shifted),
            rows=tuple(replace(row, inputs=number[row.inputs]) for row in case.rows),
            unknowns=tuple(map(renamed, case.unknowns)),
            dependent=tuple((renamed(unknown), factors) for unknown, factors in case.dependent),
        )
        for case in cases
    ]
