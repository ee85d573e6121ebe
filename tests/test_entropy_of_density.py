"""Entropies from a motion of the arguments: (U) with b = 0, in plain numbers, for every family."""

from __future__ import annotations

import math

import pytest
from factors import model_of
from judge import worlds

from symelbo.entropy.entropy_of_density import entropy_of_statement, radial_entropy
from symelbo.trial.evaluate import World, evaluate
from symelbo.trial.identity import velocities_at

# a statement of x, and whether a motion of all its arguments yields the entropy
CASES: dict[str, tuple[str, bool]] = {
    "Normal": ("x ~ Normal(m, s)", True),
    "Normal, known": ("x ~ Normal(0, 1)", True),
    "Laplace": ("x ~ Laplace(m, s)", True),
    "Gamma": ("x ~ Gamma(a, s)", True),
    "InverseGamma": ("x ~ InverseGamma(a, s)", True),
    "Beta": ("x ~ Beta(a, s)", True),
    "LogNormal": ("x ~ LogNormal(m, s)", True),
    "Exponential": ("x ~ Exponential(s)", True),
    "Bernoulli": ("x ~ Bernoulli(p)", True),
    "Geometric": ("x ~ Geometric(p)", True),
    "VonMises": ("x ~ VonMises(m, s)", True),
    "InverseGaussian": ("x ~ InverseGaussian(s, a)", False),  # x**(-3/2) is nobody's
    "Poisson": ("x ~ Poisson(s)", False),  # x! is nobody's
    "MvNormal": ("x ~ MvNormal(u, S)", True),
    "Dirichlet": ("x ~ Dirichlet(v)", True),
    "Categorical": ("x ~ Categorical(w)", True),
}
PARAMETERS = {
    "m": "real",
    "s": "positive",
    "a": "positive",
    "p": "unit",
    "u": "real[D]",
    "S": "posdef[D, D]",
    "v": "positive[C]",
    "w": "simplex[C]",
}


@pytest.mark.parametrize("name", CASES)
def test_along_the_speeds_log_p_changes_to_its_entropy(name: str) -> None:
    """log p - D log p + H = 0 at every value and all arguments, so that H = -E log p."""
    text, has_entropy = CASES[name]
    used = {k: v for k, v in PARAMETERS.items() if k in text.partition("(")[2]}
    (statement,) = model_of([text], used).statements
    found = radial_entropy(statement)
    assert (found is not None) is has_entropy
    if found is None:
        assert entropy_of_statement(statement) is None
        return
    density, speeds, entropy = found
    count = 0
    for world in worlds([density.term, *speeds, *speeds.values()], least={"C": 2}):
        here = world.along(velocities_at(speeds, world))
        try:
            value, slope = evaluate(density.term, here)
            h = evaluate(entropy, world).value
        except (ValueError, ZeroDivisionError):
            continue
        scale = 1 + abs(value) + abs(slope) + abs(h)
        assert abs(value - slope + h) < 1e-9 * scale
        count += 1
    assert count > 1


def test_the_entropy_of_a_statement_is_summed_over_its_plates() -> None:
    parameters = {"g": "positive[D]", "w": "real[D]"}
    (statement,) = model_of(["x[d] ~ Normal(w[d]**3, g[d]) for d in 1:D"], parameters).statements
    entropy = entropy_of_statement(statement)
    assert entropy is not None
    scales = {("g", (d,)): float(d) for d in (1, 2, 3)}
    expected = sum(math.log(2 * math.pi * math.e * g) / 2 for g in scales.values())
    assert math.isclose(evaluate(entropy, World({"D": 3}, scales)).value, expected)


def test_a_support_that_moves_has_no_score() -> None:
    """Of a Pareto density from 2 on only the shape moves: H = log(2/s) + 1/s + 1."""
    (statement,) = model_of(["x ~ Pareto(2, s)"], {"s": "positive"}).statements
    found = radial_entropy(statement)
    assert found is not None and [argument.name for argument in found[1]] == ["shape"]
    entropy = entropy_of_statement(statement)
    assert entropy is not None
    value = evaluate(entropy, World({}, {("s", ()): 3.0})).value
    assert math.isclose(value, math.log(2 / 3) + 1 / 3 + 1)
