"""Weights of rows, against the rows in plain numbers; elimination modulo the prime by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest
from factors import Rows, assert_contradiction, factors_of

from symelbo.certify.certificate import CertificateRow
from symelbo.criterion.find_cases import Assignment
from symelbo.criterion.residues import rational_of
from symelbo.criterion.sample import Instance, Row, small_sizes
from symelbo.criterion.system import System
from symelbo.criterion.weigh_rows import (
    _collapse,
    _column_basis,
    _kernel,
    _solve_exactly,
    _square_systems,
    _whole,
    weigh_rows,
)
from symelbo.index.modular import PRIME
from symelbo.index.terms import Number
from symelbo.limits import WEIGHT_PARTS

COUNT = "z ~ Poisson(l)"
L = {"l": "positive"}

# model, parameters, what is said of z, how many unknowns the certificate is left with
REFUTED: dict[str, tuple[list[str], dict[str, str], str, int]] = {
    "logarithms": ([COUNT, "x ~ Poisson(1 + z + w)"], {"w": "positive", **L}, "", 0),
    "rational": ([COUNT, "x ~ Normal(w*z**2 + z, 1)"], {"w": "real", **L}, "", 0),
    "exponentials": (
        [COUNT, "x ~ Poisson(exp(w*z/4) + v)"],
        {"w": "positive", "v": "positive", **L},
        "",
        2,
    ),
    "a simplex": (
        [COUNT, "x[c] ~ Poisson(p[c] + exp(p[c]*z)) for c in 1:C"],
        {"p": "simplex[C]", **L},
        "",
        1,
    ),
    "one depends on others": (
        ["z ~ Normal(0, 1)", "x ~ Normal(exp(z)*w + z, 1)"],
        {"w": "real"},
        "",
        2,
    ),
    "z rests": (["z ~ Normal(0, 1)", "x ~ Normal(w*z**2 + z, 1)"], {"w": "real"}, "rest", 0),
    "z moves": (["z ~ Normal(0, 1)", "x ~ Normal(w*z**2 + z, 1)"], {"w": "real"}, "move", 0),
    "z is shifted": (["z ~ Normal(0, 1)", "x ~ Normal(w*z**2 + z, 1)"], {"w": "real"}, "shift", 0),
    "from 2 on": (["z ~ Pareto(2, 3)", "x ~ Poisson(z + w)"], {"w": "positive"}, "move", 0),
}


def system_of(statements: list[str], parameters: dict[str, str]) -> System:
    factors = factors_of(statements, parameters)
    instance = Instance(factors, next(iter(small_sizes(factors))), {}, False, 1)
    instance.fill(1)
    return System(instance, 1, instance.rows, frozenset(f.name for f in factors))


def assignment_of(system: System, said: str) -> Assignment:
    entries = frozenset(system.entries())
    return {
        "": Assignment(),
        "rest": Assignment(resting=entries),
        "move": Assignment(moving=entries),
        "shift": Assignment(moving=entries, shifted=entries),
    }[said]


def rows_of(system: System) -> Rows:
    instance = system.instance
    factors = {factor.name: factor for factor in instance.factors}
    return Rows(factors, instance.sizes, instance.known, instance.parameters, instance.inputs)


@pytest.mark.parametrize("name", REFUTED)
def test_the_weighted_rows_contradict_each_other(name: str) -> None:
    statements, parameters, said, unknowns = REFUTED[name]
    system = system_of(statements, parameters)
    assignment = assignment_of(system, said)
    case = weigh_rows(system, assignment, system.rows)
    assert case is not None
    assert len(case.unknowns) == unknowns
    assert bool(case.dependent) is (name == "one depends on others")
    assert set(case.moving) == assignment.moving and set(case.resting) == assignment.resting
    assert set(case.shifted) == assignment.shifted
    weights = [w for row in case.rows for w in row.weights]
    assert all(any(row.weights) for row in case.rows)
    assert all(weight.denominator == 1 for weight in weights)
    assert_contradiction(rows_of(system), case)


@pytest.mark.parametrize(
    ("statements", "parameters"),
    [
        ([COUNT, "x ~ Normal(w*z, s)"], {"w": "real", "s": "positive", **L}),
        ([COUNT, "x ~ Poisson(w*l**z)"], {"w": "positive", **L}),
    ],
)
def test_rows_with_a_solution_have_no_weights(
    statements: list[str], parameters: dict[str, str]
) -> None:
    system = system_of(statements, parameters)
    assert weigh_rows(system, Assignment(), system.rows) is None


def test_a_row_less_of_a_minimal_contradiction_is_none() -> None:
    statements, parameters, _, _ = REFUTED["rational"]
    system = system_of(statements, parameters)
    case = weigh_rows(system, Assignment(), system.rows)
    assert case is not None
    named = [
        next(row for row in system.rows if is_row(system, row, stated)) for stated in case.rows
    ]
    assert weigh_rows(system, Assignment(), named) is not None
    for n in range(len(named)):
        assert weigh_rows(system, Assignment(), named[:n] + named[n + 1 :]) is None


@pytest.mark.parametrize("power", [2, 25])
def test_weights_are_solved_for_exactly(power: int) -> None:
    """However long: of z**25 one is 2**25, which no small residue stands for."""
    parameters = {"w": "real", **L}
    system = system_of([COUNT, f"x ~ Normal(w*z**{power} + z, 1)"], parameters)
    rows = [
        row
        for row in system.rows
        if row.factor == 1 and row.value[0][1] in (0, 1) and row.parents[0][1] in (0, 1, 2)
    ]
    columns = {m: system.columns(row, Assignment()) for m, row in enumerate(rows)}
    keys = list(dict.fromkeys(key for found in columns.values() for key in found))
    weights = _solve_exactly(system, rows, columns, keys)
    assert weights is not None and len(weights) == 6
    for key in keys:
        left = Fraction(0)
        for m, found in columns.items():
            if key in found:
                coefficient = system.coefficient(rows[m], key)
                assert isinstance(coefficient, Number)
                left += weights[m] * coefficient.value
        assert left == 0
    assert max(map(abs, weights.values())) == 2**power
    assert math.gcd(*(int(weight) for weight in weights.values())) == 1
    # one row less leaves no choice, and one unknown less leaves two
    assert _solve_exactly(system, rows[1:], {m: columns[m + 1] for m in range(5)}, keys) is None
    assert _solve_exactly(system, rows, columns, [k for k in keys if k[0] != "beta"]) is None


def is_row(system: System, row: Row, stated: CertificateRow) -> bool:
    fields = ("place", "point", "parents", "value")
    same = all(getattr(row, name) == getattr(stated, name) for name in fields)
    return same and system.instance.factors[row.factor].name == stated.factor


# ---------------------------------------------------------------- residues


def residue(value: Fraction) -> int:
    return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


def test_small_rationals_are_found_from_their_residues() -> None:
    for p, q in product(range(-12, 13), range(1, 13)):
        assert rational_of(residue(Fraction(p, q))) == Fraction(p, q)
    random = Random(0)
    most = WEIGHT_PARTS - 1
    pairs = [(most, 1), (-most, 1), (1, most), (most, most - 1)]
    pairs += [(random.randint(-most, most), random.randint(1, most)) for _ in range(500)]
    for p, q in pairs:
        assert rational_of(residue(Fraction(p, q))) == Fraction(p, q)


def test_what_is_no_small_rational_is_none() -> None:
    """2**20 * 2**20 pairs of 2**61 and more residues."""
    random = Random(1)
    assert sum(rational_of(random.randrange(PRIME)) is not None for _ in range(300)) <= 1
    for value in (WEIGHT_PARTS, 4 * WEIGHT_PARTS):
        assert rational_of(residue(Fraction(value))) is None
        assert rational_of(residue(Fraction(1, value))) is None


def test_combinations_of_combinations_are_added_up() -> None:
    """2 (a + 2 b) + 5 (3 b + c) = 2 a + 19 b + 5 c, and what cancels is left out."""
    assert _collapse([{0: 1, 1: 2}, {1: 3, 2: 1}], [2, 5]) == {0: 2, 1: 19, 2: 5}
    assert _collapse([{0: 1, 1: 3}, {1: 1}], [2, PRIME - 6]) == {0: 2}
    assert _collapse([{0: 1}], [residue(Fraction(WEIGHT_PARTS))]) is None


def test_weights_become_whole_numbers_without_a_common_factor() -> None:
    for given in ([1, 2, 3], ["1/2", "1/3"], ["-4/3", "2/9", "6"], ["5/7"], [6, -9]):
        wanted = [Fraction(x) for x in given]
        found = _whole({m: residue(x) for m, x in enumerate(wanted)})
        assert found is not None
        ratios = {found[m] / x for m, x in enumerate(wanted)}
        assert len(ratios) == 1 and ratios.pop() > 0
        assert all(x.denominator == 1 for x in found.values())
        assert math.gcd(*(int(x) for x in found.values())) == 1
    assert _whole({0: residue(Fraction(4 * WEIGHT_PARTS))}) is None


@pytest.mark.parametrize("seed", range(8))
def test_the_kernel_is_a_basis_of_what_the_matrix_sends_to_zero(seed: int) -> None:
    random = Random(seed)
    height, width = random.randint(1, 4), random.randint(1, 6)
    lines = [[random.randint(-2, 2) for _ in range(width)] for _ in range(height)]
    basis = _kernel([dict(enumerate(line)) for line in lines], width)
    rank = int(np.linalg.matrix_rank(np.array(lines)))
    assert len(basis) == width - rank
    for vector in basis:
        for line in lines:
            assert sum(line[m] * weight for m, weight in vector.items()) % PRIME == 0
    # independent: each has a last place of its own
    assert len({max(vector) for vector in basis}) == len(basis)


def test_square_systems_are_sets_of_lines_that_contradict_each_other() -> None:
    random = Random(3)
    met = 0
    for _ in range(20):
        width = random.randint(1, 3)
        lines = [
            [*(random.randint(-1, 1) for _ in range(width)), random.randint(0, 3)] for _ in range(5)
        ]
        table = np.array(lines, dtype=float)
        slopes = np.linalg.matrix_rank(table[:, :-1])
        found = _square_systems([[x % PRIME for x in line] for line in lines], [1] * len(lines))
        assert bool(found) == (np.linalg.matrix_rank(table) > slopes)
        for chosen in found:
            met += 1
            for k in range(width):
                assert sum(w * lines[i][k] for i, w in chosen.items()) % PRIME == 0
            assert sum(w * lines[i][-1] for i, w in chosen.items()) % PRIME
            # smallest: their rank is one less, and no line can be left out
            part = table[sorted(chosen), :-1]
            assert np.linalg.matrix_rank(part) == len(chosen) - 1
    assert met > 10


def test_columns_are_rational_combinations_of_a_basis_of_them() -> None:
    lines = [[0, 2, 1, 4], [0, 4, 2, 1], [0, 6, 3, 5]]
    found = _column_basis(lines)
    assert found is not None
    basis, others = found
    table = np.array(lines, dtype=float)
    assert len(basis) == np.linalg.matrix_rank(table) == 2
    assert 0 not in basis and 0 not in others  # a column of zeros is left out
    assert {*basis, *others} == {1, 2, 3}
    for n, combination in others.items():
        expected = table[:, basis] @ np.array([float(x) for x in combination])
        assert np.allclose(table[:, n], expected)
    assert _column_basis([[1, residue(Fraction(4 * WEIGHT_PARTS))]]) is None
