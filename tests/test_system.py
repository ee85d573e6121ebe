"""The rows of (U) at one instance, against log p and its slopes by dual numbers of plain floats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from factors import factors_of, log_density_at

from symelbo.criterion.find_cases import Assignment, Way
from symelbo.criterion.sample import Instance, Row, small_sizes
from symelbo.criterion.system import System
from symelbo.index.modular import Modular, Place
from symelbo.trial.evaluate import World, evaluate

Key = tuple[object, ...]

MODELS: dict[str, tuple[list[str], dict[str, str]]] = {
    "linear": (
        [
            "z[h] ~ Normal(0, t) for h in 1:H",
            "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D",
        ],
        {"W": "real[D, H]", "s": "positive", "t": "positive"},
    ),
    "a mean that is not linear": (
        ["z ~ Normal(0, 1)", "x ~ Normal(w*z**2 + z, 1)"],
        {"w": "real"},
    ),
    "a half line": (["z ~ Pareto(2, s)", "x ~ Exponential(z)"], {"s": "positive"}),
    "counts": (["z ~ Poisson(s)", "x ~ Normal(w*z, s)"], {"s": "positive", "w": "real"}),
    "a category": (
        ["z ~ Categorical(p)", "x ~ Poisson(l[z])"],
        {"p": "simplex[C]", "l": "positive[C]"},
    ),
    "a matrix": (
        ["z[h] ~ Wishart(D + 2, S) for h in 1:H", "x[h] ~ MvNormal(m, z[h]) for h in 1:H"],
        {"S": "posdef[D, D]", "m": "real[D]"},
    ),
    "a deep link": (
        ["z ~ Bernoulli(1/2)", "x ~ Bernoulli(logit=tanh(w*z + v))"],
        {"w": "real", "v": "real"},
    ),
}


def system_of(name: str, *, points: int = 2, number: int = 0) -> System:
    statements, parameters = MODELS[name]
    factors = factors_of(statements, parameters)
    choices = list(small_sizes(factors))
    sizes = choices[min(number, len(choices) - 1)]
    instance = Instance(factors, sizes, {}, False, points)
    instance.fill(points)
    return System(instance, points, instance.rows, frozenset(f.name for f in factors))


def direction(system: System, row: Row, key: Key) -> dict[Place, float]:
    """The velocity of which an unknown is the amount, written down from the domains' names."""
    kind, _, name, at, *_ = key
    assert isinstance(name, str) and isinstance(at, tuple)
    symbol = next(s for s in system.instance.symbols if s.name == name)
    values = system.values(row)
    if kind == "r":
        if symbol.domain.kind == "posdef":
            whole = {p: x for p, x in values.items() if p[0] == name and p[1][:-2] == at}
            return {p: float(x) for p, x in whole.items()}
        below = 2 if symbol.domain.kind == "interval" else 0
        return {(name, at): float(values[name, at] - below)}
    if symbol.domain.kind == "simplex":  # the last entry is what is left
        last = system.instance.length(symbol)
        return {(name, at): 1.0, (name, (*at[:-1], last)): -1.0}
    if symbol.domain.kind == "posdef":  # V + V'
        return {(name, at): 1.0, (name, at[::-1]): 1.0} if at[0] != at[1] else {(name, at): 2.0}
    return {(name, at): 1.0}


def numbers(
    system: System, row: Row, velocities: Mapping[Place, float] | None = None
) -> tuple[float, float]:
    instance = system.instance
    factor = instance.factors[row.factor]
    return log_density_at(factor, instance.sizes, row.place, system.values(row), velocities)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_rows_are_log_p_and_its_slopes(name: str, number: int) -> None:
    """Three times: in closed form, as a residue, and in floats."""
    system = system_of(name, number=number)
    everything = Assignment(frozenset(system.entries()))
    world, machine = World({}, {}), Modular({}, {}, system.instance.seed)
    assert {system.instance.factors[row.factor].name for row in system.rows} == system.names
    for row in system.rows[:: max(1, len(system.rows) // 12)]:
        exact = system.log_density(row)
        value, _ = numbers(system, row)
        assert math.isclose(evaluate(exact, world).value, value, rel_tol=1e-9, abs_tol=1e-9)
        assert machine.term(exact, {}).value == row.logarithm
        for key, residue in system.columns(row, everything).items():
            coefficient = system.coefficient(row, key)
            assert machine.term(coefficient, {}).value == residue, key
            if key[0] in ("beta", "r", "s"):
                _, slope = numbers(system, row, direction(system, row, key))
                found = evaluate(coefficient, world).value
                assert math.isclose(found, slope, rel_tol=1e-9, abs_tol=1e-9), key


@pytest.mark.parametrize("name", MODELS)
def test_no_slope_is_left_out(name: str) -> None:
    """Every free coordinate of a parameter that log p depends on is an unknown of its row."""
    system = system_of(name)
    for row in system.rows[:20]:
        columns = system.columns(row, Assignment())
        for symbol in system.instance.symbols:
            if symbol.role.value != "parameter":
                continue
            for at in system.instance.places(symbol):
                n = system.instance.length(symbol)
                kind = symbol.domain.kind
                if (kind == "simplex" and at[-1] == n) or (kind == "posdef" and at[0] < at[1]):
                    continue  # given by the others
                key = ("beta", row.point, symbol.name, at)
                _, slope = numbers(system, row, direction(system, row, key))
                assert (key in columns) == (abs(slope) > 1e-12), key


# ---------------------------------------------------------------- which unknowns there are


def unknowns(system: System, row: Row, assignment: Assignment) -> set[str]:
    return {str(key[0]) for key in system.columns(row, assignment)}


@pytest.mark.parametrize(
    ("model", "case", "of_z", "of_x"),
    [
        # nothing is said: r, s, and any b(v)
        ("linear", "none", {"beta", "r", "s", "H", "b"}, {"beta", "r", "s", "H", "b"}),
        # z rests: b(z) is any function
        ("linear", "rest", {"beta", "H", "b"}, {"beta", "H", "b"}),
        # z is scaled: of a real number that leaves a constant, which H has
        ("linear", "move", {"beta", "r", "s", "H"}, {"beta", "r", "s", "H", "b"}),
        # z is shifted: c z
        ("linear", "shift", {"beta", "s", "H", "c"}, {"beta", "s", "H", "b"}),
        # c log (z - 2)
        ("a half line", "move", {"beta", "r", "H", "c"}, {"r", "H", "b"}),
        # no parameter, parent or value moves: a constant as well
        ("a mean that is not linear", "rest", {"H"}, {"beta", "H", "b"}),
        ("a half line", "rest", {"beta", "H", "b"}, {"H"}),
        # z has no parameter, but may move
        ("a mean that is not linear", "none", {"r", "s", "H", "b"}, {"beta", "r", "s", "H", "b"}),
        # no motion keeps these
        ("counts", "none", {"beta", "H", "b"}, {"beta", "H", "b"}),
    ],
)
def test_what_may_be_unknown(model: str, case: str, of_z: set[str], of_x: set[str]) -> None:
    system = system_of(model)
    entries = frozenset(system.entries())
    assignment = {
        "none": Assignment(),
        "rest": Assignment(resting=entries),
        "move": Assignment(moving=entries),
        "shift": Assignment(moving=entries, shifted=entries),
    }[case]
    found: dict[str, set[str]] = {"z": set(), "x": set()}
    for row in system.rows:
        name = system.instance.factors[row.factor].name
        found[name] |= unknowns(system, row, assignment)
    assert found == {"z": of_z, "x": of_x}


def test_the_base_measure_of_a_latent_that_moves() -> None:
    for name, assignment, base in (
        ("linear", "shift", lambda v: v),
        ("a half line", "move", lambda v: math.log(v - 2)),
    ):
        system = system_of(name)
        entries = frozenset(system.entries())
        taken = Assignment(entries, shifted=entries if assignment == "shift" else frozenset())
        seen = 0
        for row in system.rows:
            keys = [key for key in system.columns(row, taken) if key[0] == "c"]
            for key in keys:
                value = float(row.value[0][1])
                found = evaluate(system.coefficient(row, key), World({}, {})).value
                assert math.isclose(found, base(value), abs_tol=1e-12)
                seen += 1
        assert seen > 2


def test_h_is_of_the_parents_and_the_parameters_and_b_of_the_value() -> None:
    """b has one unknown for each value, H~ one for each parameter value and configuration."""
    system = system_of("counts")
    rows = [row for row in system.rows if system.instance.factors[row.factor].name == "x"]
    for key_of, of in (
        ("H", lambda row: (row.point, row.parents)),
        ("b", lambda row: row.value),
    ):
        seen: dict[object, object] = {}
        for row in rows:
            (key,) = (k for k in system.columns(row, Assignment()) if k[0] == key_of)
            assert seen.setdefault(of(row), key) == key
        assert len(set(seen.values())) == len(seen) > 1


def test_an_entry_rests_or_moves_and_if_it_is_real_by_a_shift_or_not() -> None:
    for name, ways in (
        ("a mean that is not linear", (Way.RESTS, Way.MOVES, Way.SHIFTED)),
        ("a half line", (Way.RESTS, Way.MOVES)),
    ):
        system = system_of(name)
        (entry,) = system.entries()
        assert tuple(system.ways(entry)) == ways
    assert not system_of("counts").entries()
    assert all(len(at) == 3 for (_, at), _ in system_of("a matrix").entries())
    assert not system_of("a matrix", number=3).entries()  # no scalar


# ---------------------------------------------------------------- ranks


def is_solvable_in_floats(system: System, assignment: Assignment) -> bool:
    """Least squares of the same rows, each coefficient a float."""
    keys: dict[Key, int] = {}
    entries = []
    world = World({}, {})
    for i, row in enumerate(system.rows):
        for key in system.columns(row, assignment):
            value = evaluate(system.coefficient(row, key), world).value
            entries.append((i, keys.setdefault(key, len(keys)), value))
    table = np.zeros((len(system.rows), len(keys)))
    for i, n, value in entries:
        table[i, n] = value
    right = np.array([numbers(system, row)[0] for row in system.rows])
    scale = np.linalg.norm(table, axis=0)
    table /= np.where(scale > 0, scale, 1)
    left = right - table @ np.linalg.lstsq(table, right, rcond=1e-12)[0]
    distance = float(np.linalg.norm(left) / np.linalg.norm(right))
    assert distance < 1e-9 or distance > 1e-6  # it is clear
    return distance < 1e-9


@pytest.mark.parametrize(
    ("name", "case", "solvable"),
    [
        ("linear", "none", True),
        ("linear", "rest", True),
        ("a mean that is not linear", "none", None),
        ("a mean that is not linear", "rest", False),
        ("a half line", "none", None),
        ("counts", "none", None),
        ("a category", "none", True),
        ("a matrix", "none", None),
        ("a deep link", "none", None),
    ],
)
def test_ranks_modulo_a_prime_are_those_of_the_numbers(
    name: str, case: str, solvable: bool | None
) -> None:
    system = system_of(name)
    resting = frozenset(system.entries()) if case == "rest" else frozenset()
    assignment = Assignment(resting=resting)
    found = system.is_consistent(system.rows, assignment)
    assert found == is_solvable_in_floats(system, assignment)
    if solvable is not None:
        assert found is solvable


def test_some_factors_alone_have_the_rows_of_these() -> None:
    system = system_of("linear")
    alone = system.of(frozenset({"x"}))
    assert alone.rows and {alone.instance.factors[row.factor].name for row in alone.rows} == {"x"}
    assert len(alone.rows) < len(system.rows)
    assert not alone.entries() and alone.movable == system.movable


def test_no_rows_say_nothing() -> None:
    system = system_of("counts")
    assert system.is_consistent([], Assignment())


def test_values_are_those_of_the_point() -> None:
    system = system_of("counts")
    for row in system.rows:
        values = system.values(row)
        assert values.items() >= {*row.parents, *row.value}
        assert all(isinstance(value, Fraction) for value in values.values())
        of_point = system.instance.parameters[row.point]
        assert of_point and values.items() >= of_point.items()
