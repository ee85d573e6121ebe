"""What the sums are good for, on random arguments of models of every kind."""

from __future__ import annotations

from functools import cache
from math import isclose
from pathlib import Path

import numpy as np
import pytest
from arguments import Arguments
from scipy import stats

import symelbo
from symelbo.api import Derivation
from symelbo.uses.given import Given
from symelbo.uses.model_selection import bic, count_dimensions, find_rotations
from symelbo.uses.parts_of_gap import slopes_at_rest, split_gap
from symelbo.uses.posterior_collapse import find_collapsed, latent_entropies

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


# ---------------------------------------------------------------- model selection

SIZES = {"C": 3, "D": 5, "H": 2, "I": 4, "J": 3, "K": 2, "L": 2, "M": 4, "P": 7, "T": 4}

# model -> the dimension of its distributions, at these sizes, as the literature counts it
DIMENSIONS = {
    "ppca": 5 * 2 + 5 + 1 - 1,  # W, mu, sigma2, less the rotation of two factors
    "factor_analysis": 5 * 2 + 5 + 5 - 1,
    "linear_vae": 5 * 2 + 5 + 1 - 1,
    "mixture_factor_analysers": 2 + 3 * (5 * 2 + 5 + 5 - 1),  # one rotation in each component
    "gmm_full": 2 + 3 * 5 + 3 * 15,
    "gmm_tied": 2 + 3 * 5 + 15,
    "gmm_diagonal": 2 + 3 * 5 + 3 * 5,
    "gmm_scalar": 2 + 3 * 5 + 3,
    "hidden_markov": 1 + 2 * 1 + 2 * 5 + 2 * 5,
    "poisson_mixture": 2 + 3 * 5,
    "sbn": 2 + 5 * 2 + 5,
    "sparse_coding": 2 + 5 * 2 + 1,  # Laplace priors turn with no rotation
    "vae1": 2 * 2 + 2 + 7 + 1 - 1,
    "vae2": 7 + 2 + 1,
    "bayesian_regression": 3,
    "mixed_model": 2 + 3 + 1,
    "linear_dynamical_system": 4 + 2 + 10 + 5,  # nor do variances along the axes
}


@pytest.mark.parametrize("stem", DIMENSIONS)
def test_dimensions_are_counted_from_the_model(stem: str) -> None:
    model = derived(stem).model
    sizes = {name: SIZES[name] for name in model.sizes}
    assert count_dimensions(model, sizes) == DIMENSIONS[stem]
    assert count_dimensions(model, sizes, networks=100) == DIMENSIONS[stem] + 100


@pytest.mark.parametrize(("D", "H"), [(3, 2), (4, 3), (3, 3), (2, 5), (1, 4)])
def test_the_dimension_of_ppca_is_the_rank_of_its_covariances(D: int, H: int) -> None:
    """Where there are more factors than data dimensions, only some rotations move W."""
    rng = np.random.default_rng(D + 10 * H)
    W = rng.normal(size=(D, H))
    rows = [np.concatenate([np.eye(D).ravel(), np.zeros(D)])]  # d/d sigma2 of covariance, mean
    for i in range(D):
        rows.append(np.concatenate([np.zeros(D * D), np.eye(D)[i]]))
        for h in range(H):
            unit = np.zeros((D, H))
            unit[i, h] = 1
            change = unit @ W.T + W @ unit.T
            rows.append(np.concatenate([change.ravel(), np.zeros(D)]))
    rank = np.linalg.matrix_rank(np.array(rows))
    redundant = 1 if H >= D else 0  # sigma2 is in W W' already, which no rotation shows
    assert count_dimensions(derived("ppca").model, {"D": D, "H": H}) == rank + redundant


def test_a_chain_with_unit_innovations_turns_as_one() -> None:
    model = symelbo.derive(
        {
            "name": "Chain",
            "sizes": ["D", "K", "T"],
            "parameters": {"A": "real[K,K]", "C": "real[D,K]", "r": "positive[D]"},
            "model": [
                "z[1, k] ~ Normal(0, 1) for k in 1:K",
                "z[t, k] ~ Normal(sum(A[k,j]*z[t-1,j] for j in 1:K), 1) for t in 2:T, k in 1:K",
                "x[t, d] ~ Normal(sum(C[d,k]*z[t,k] for k in 1:K), r[d]) for t in 1:T, d in 1:D",
            ],
            "observed": ["x"],
        }
    ).model
    ((size, copies, moved),) = find_rotations(model)
    assert size == "K" and not copies and {symbol.name for symbol in moved} == {"A", "C"}
    assert count_dimensions(model, {"D": 4, "K": 3, "T": 9}) == 9 + 12 + 4 - 3


def test_parameters_of_q_and_unused_ones_do_not_count() -> None:
    model = symelbo.derive(
        {
            "name": "Encoder",
            "sizes": ["D"],
            "parameters": {"w": "real", "s2": "positive", "V": "real[D]", "lost": "real"},
            "model": ["z ~ Normal(0, 1)", "x[d] ~ Normal(w*z, s2) for d in 1:D"],
            "observed": ["x"],
            "variational": ["z ~ Normal(sum(V[d]*x[d] for d in 1:D) + nu, tau2)"],
        }
    ).model
    assert count_dimensions(model, {"D": 3}) == 2


def test_the_criterion_weighs_dimensions_by_log_n() -> None:
    model = derived("gmm_full").model
    sizes = {"C": 3, "D": 5}
    assert isclose(bic(model, -2.5, count=100, sizes=sizes), 62 * np.log(100) + 500)
    more = bic(model, -2.5, count=100, sizes=sizes, networks=10)
    assert isclose(more, 72 * np.log(100) + 500)


def test_sizes_have_to_be_given() -> None:
    with pytest.raises(ValueError, match=r"the sizes D of Gaussian mixture.* are not given"):
        count_dimensions(derived("gmm_full").model, {"C": 3})


# ---------------------------------------------------------------- posterior collapse


def test_entropies_of_latents_are_those_of_q_and_of_the_learned_prior() -> None:
    rng = np.random.default_rng(0)
    tau2, alpha2 = rng.uniform(0.1, 2, (7, 3)), np.array([1.0, 2.0, 0.5])
    found = latent_entropies(derived("vae2"), {"nu": tau2, "tau2": tau2, "alpha2": alpha2})
    assert list(found) == ["z"]
    of_q, of_prior = found["z"]
    assert np.allclose(of_q, (0.5 * np.log(2 * np.pi * np.e * tau2)).mean(axis=0), rtol=1e-12)
    assert np.allclose(of_prior, 0.5 * np.log(2 * np.pi * np.e * alpha2), rtol=1e-12)


def test_a_latent_is_collapsed_where_q_is_as_wide_as_the_prior() -> None:
    """1 nat of a standard normal prior; as much less of a learned one."""
    of_q = np.array([0.99, 1.01, 1.01])
    standard = 0.5 * np.log(2 * np.pi * np.e)
    assert find_collapsed(of_q, standard).tolist() == [False, True, True]
    learned = standard + np.array([0, 0, 1.0])
    assert find_collapsed(of_q, learned).tolist() == [False, True, False]
    assert find_collapsed(of_q, learned, margin=2).all()


def test_entropies_of_places_of_a_chain() -> None:
    """Statements for single places fill one array; a prior that has a latent parent has none."""
    derivation = symelbo.derive(
        {
            "name": "Chain",
            "sizes": ["T"],
            "parameters": {"s2": "positive", "t2": "positive"},
            "model": [
                "z[1] ~ Normal(0, s2)",
                "z[t] ~ Normal(z[t-1], s2) for t in 2:T",
                "b ~ Laplace(0, t2)",
                "g ~ Gamma(2, exp(b))",
                "x[t] ~ Normal(z[t] + b + g, t2) for t in 1:T",
            ],
            "observed": ["x"],
            "variational": [
                "z[1] ~ Normal(m, v)",
                "z[t] ~ Normal(n[t], u[t]) for t in 2:T",
                "b ~ Normal(m2, v2)",
                "g ~ Gamma(k, r)",
            ],
        }
    )
    rng = np.random.default_rng(0)
    given = Arguments(derivation, 0, lengths={"T": 4, "N": 3, "S": 2})
    given["r"] = rng.uniform(1, 2, 3)
    found = latent_entropies(derivation, given)
    v, u = np.asarray(given["v"]), np.asarray(given["u"])[:, -3:]
    whole = np.concatenate([v[:, None], u], axis=1)
    assert np.allclose(found["z"][0], (0.5 * np.log(2 * np.pi * np.e * whole)).mean(axis=0))
    assert np.allclose(found["z"][1], 0.5 * np.log(2 * np.pi * np.e * given["s2"]))
    assert np.allclose(found["b"][1], np.log(2 * np.e * given["t2"]))
    assert found["g"][1] is None
    k, r = np.asarray(given["k"]), given["r"]
    assert np.allclose(found["g"][0], stats.gamma(k, scale=1 / r).entropy().mean())


def test_q_has_to_be_declared() -> None:
    with pytest.raises(ValueError, match="declares no q"):
        latent_entropies(derived("ppca"), {})
