"""What the sums are good for, on random arguments of models of every kind."""

from __future__ import annotations

from functools import cache
from math import isclose
from pathlib import Path

import numpy as np
import pytest
from arguments import Arguments

import symelbo
from symelbo.api import Derivation
from symelbo.uses.given import Given
from symelbo.uses.split_gap import slopes_at_rest, split_gap

MODELS = Path(__file__).resolve().parents[1] / "models"


@cache
def derived(stem: str) -> Derivation:
    return symelbo.derive(MODELS / f"{stem}.yaml")


# ---------------------------------------------------------------- which parameter is off

# parameters alone move, or q is the exact posterior
SPLIT = (
    *("gmm_full", "gmm_tied", "poisson_mixture", "sbn", "hidden_markov", "naive_bayes"),
    *("ppca", "factor_analysis", "bayesian_regression", "mixed_model", "softmax_regression"),
)


@pytest.mark.parametrize("stem", SPLIT)
def test_the_parts_of_the_gap_add_up_to_it(stem: str) -> None:
    derivation = derived(stem)
    module = derivation.function()
    for seed in (1, 2, 3):
        given = Arguments(derivation, seed)
        parts = split_gap(derivation, given)
        moved = {symbol.name for symbol in derivation.motion.parameters}
        assert {name.rstrip("_") for name in parts} == moved
        assert isclose(sum(parts.values()), given.call(module.gap), rel_tol=1e-6, abs_tol=1e-7)
        assert any(abs(part) > 1e-4 for part in parts.values())


def test_the_parameter_that_is_off_has_the_gap() -> None:
    """Means, variances and proportions of the data, of which the variances are then doubled."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), np.arange(60) % 2 + 1
    groups = [x[y == 1], x[y == 2]]
    fitted = {
        "x": x,
        "y": y,
        "pi": np.array([0.5, 0.5]),
        "mu": np.array([group.mean(axis=0) for group in groups]),
        "sigma2": np.array([group.var(axis=0) for group in groups]),
    }
    derivation = derived("naive_bayes")
    assert all(abs(part) < 1e-9 for part in split_gap(derivation, fitted).values())
    assert slopes_at_rest(derivation, fitted)["mu"] < 1e-9
    doubled = {**fitted, "sigma2": 2 * fitted["sigma2"]}
    parts = split_gap(derivation, doubled)
    # F = -(log v + w/v)/2 per dimension, w the best v: along v' = -v it gains (1 - w/v)/2
    assert isclose(parts["sigma2"], 3 / 4, rel_tol=1e-9)
    assert abs(parts["pi"]) < 1e-9


def test_the_gradient_of_a_parameter_at_rest_is_its_length() -> None:
    """F is quadratic in mu: the gradient at a distance d is the sum of d/sigma2 by weights."""
    x, y = np.zeros((4, 1)), np.ones(4, int)
    given = {
        "x": x,
        "y": y,
        "pi": np.array([1.0]),
        "mu": np.array([[0.3]]),
        "sigma2": np.array([[0.5]]),
    }
    assert isclose(slopes_at_rest(derived("naive_bayes"), given)["mu"], 0.6, rel_tol=1e-9)


def test_parameters_stay_in_their_domain() -> None:
    """A rare category: log pi is large against pi, and the step must not leave the simplex."""
    derivation = derived("gmm_scalar")
    given = Arguments(derivation, 1, lengths={"C": 2, "D": 2, "N": 3, "S": 2})
    given["pi"] = np.array([1e-300, 1.0])
    parts = split_gap(derivation, given)
    total = given.call(derivation.function().gap)
    assert isclose(sum(parts.values()), total, rel_tol=1e-5)


def test_sizes_are_read_off_the_arguments() -> None:
    derivation = derived("hidden_markov")
    lengths = {"D": 2, "K": 3, "T": 4, "N": 5, "S": 6}
    given = Given(derivation, Arguments(derivation, 0, lengths=lengths))
    assert given.sizes == {"D": 2, "K": 3, "T": 4}
    module = derivation.function()
    left = given.call(module.elbo)
    assert isclose(left, given.call(module.entropy_sum) + given.call(module.gap), rel_tol=1e-9)
