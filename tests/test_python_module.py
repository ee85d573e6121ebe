"""The emitted numeric module: it runs, it is clean, and ELBO = entropy sum + gap everywhere."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arguments import Arguments
from numpy.typing import NDArray
from scipy import special, stats
from velocities import velocities_of

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.setting import Setting

ROOT = Path(__file__).resolve().parents[1]
MODELS = sorted((ROOT / "models").glob("*.yaml"))
Spec = dict[str, Any]
Floats = NDArray[np.float64]


def _mixture(statement: str, parameters: dict[str, str], **more: object) -> Spec:
    return {
        "name": "Mixture",
        "sizes": ["C", "D"],
        "parameters": {"pi": "simplex[C]", **parameters},
        "model": ["c ~ Categorical(pi)", statement],
        "observed": ["x"],
        **more,
    }


def _linear(prior: str, noise: str, parameters: dict[str, str], **more: object) -> Spec:
    mean = "sum(W[d,h]*z[h] for h in 1:H) + mu[d]"
    return {
        "name": "Linear model",
        "sizes": ["D", "H"],
        "parameters": {"W": "real[D,H]", "mu": "real[D]", **parameters},
        "model": [f"z[h] ~ {prior} for h in 1:H", f"x[d] ~ Normal({mean}, {noise}) for d in 1:D"],
        "observed": ["x"],
        **more,
    }


def _plates(family: str) -> str:
    return f"x[d] ~ {family} for d in 1:D"


_Q = ["z[h] ~ Normal(nu[h], tau2[h]) for h in 1:H"]
_BOTH = {"mu": "real[C,D]", "s2": "positive[C,D]"}

SPECS: dict[str, Spec] = {
    "bernoulli_mixture": _mixture(_plates("Bernoulli(p[c,d])"), {"p": "unit[C,D]"}),
    "poisson_mixture": _mixture(_plates("Poisson(rate[c,d])"), {"rate": "positive[C,D]"}),
    "exponential_mixture": _mixture(_plates("Exponential(r[c,d])"), {"r": "positive[C,D]"}),
    "gamma_mixture": _mixture(
        _plates("Gamma(a[c,d], b[c,d])"), {"a": "positive[C,D]", "b": "positive[C,D]"}
    ),
    "laplace_mixture": _mixture(
        _plates("Laplace(m[c,d], b[c])"), {"m": "real[C,D]", "b": "positive[C]"}
    ),
    "normal_mixture": _mixture(_plates("Normal(mu[c,d], s2[c,d])"), _BOTH),
    "normal_mixture_declared_q": _mixture(
        _plates("Normal(mu[c,d], s2[c,d])"), _BOTH, variational=["c ~ Categorical(r)"]
    ),
    "mvnormal_mixture_exact": _mixture(
        "x ~ MvNormal(mu[c], S[c])",
        {"mu": "real[C,D]", "S": "posdef[C,D,D]"},
        variational="exact",
    ),
    "mvnormal_mixture_tied": _mixture(
        "x ~ MvNormal(mu[c], S)", {"mu": "real[C,D]", "S": "posdef[D,D]"}
    ),
    "categorical_mixture": _mixture(
        _plates("Categorical(th[c,d])"), {"th": "simplex[C,D,V]"}, sizes=["C", "D", "V"]
    ),
    "factor_analysis": _linear("Normal(0, 1)", "s2[d]", {"s2": "positive[D]"}, variational="exact"),
    "learned_prior": _linear(
        "Normal(0, tau[h])",
        "s2[d]",
        {"s2": "positive[D]", "tau": "positive[H]"},
        variational="exact",
    ),
    "known_noise": _linear("Normal(0, tau[h])", "1", {"tau": "positive[H]"}, variational="exact"),
    "linear_any_q": _linear("Normal(0, 1)", "s2", {"s2": "positive"}),
    "linear_declared_q": _linear("Normal(0, 1)", "s2", {"s2": "positive"}, variational=_Q),
    "tied_variances": _linear("Normal(0, s2)", "s2", {"s2": "positive"}, variational="exact"),
    "linear_full_q": _linear(
        "Normal(0, 1)", "s2", {"s2": "positive"}, variational=["z ~ MvNormal(nu, S)"]
    ),
    "chain_full_q": {
        "name": "Gaussian chain",
        "sizes": ["T"],
        "parameters": {"w": "real", "s2": "positive", "t2": "positive"},
        "model": [
            "z[1] ~ Normal(0, s2)",
            "z[t+1] ~ Normal(w*z[t], s2) for t in 1:T-1",
            "x[t] ~ Normal(z[t], t2) for t in 1:T",
        ],
        "observed": ["x"],
        "variational": ["z ~ MvNormal(m, S)"],
    },
    "system_full_q": {
        "name": "Linear system, one normal q for each step",
        "sizes": ["D", "K", "T"],
        "parameters": {"A": "real[K,K]", "Q": "positive[K]", "C": "real[D,K]", "R": "positive[D]"},
        "model": [
            "z[1,k] ~ Normal(0, 1) for k in 1:K",
            "z[t,k] ~ Normal(sum(A[k,j]*z[t-1,j] for j in 1:K), Q[k]) for t in 2:T, k in 1:K",
            "x[t,d] ~ Normal(sum(C[d,k]*z[t,k] for k in 1:K), R[d]) for t in 1:T, d in 1:D",
        ],
        "observed": ["x"],
        "variational": ["z[t] ~ MvNormal(m[t], S[t]) for t in 1:T"],
    },
    "binary_declared_q": _linear(
        "Bernoulli(p[h])",
        "s2",
        {"p": "unit[H]", "s2": "positive"},
        variational=["z[h] ~ Bernoulli(r[h]) for h in 1:H"],
    ),
    "curved_decoder": {
        "name": "Not quadratic in the latents",
        "sizes": ["D", "H"],
        "parameters": {"W": "real[D,H]", "t": "positive", "s2": "positive"},
        "model": [
            "z[h] ~ Normal(0, t) for h in 1:H",
            "x[d] ~ Normal(sum(W[d,h]*z[h]**2 for h in 1:H), s2) for d in 1:D",
        ],
        "observed": ["x"],
        "variational": _Q,
    },
    "deep_belief_net": {
        "name": "Three layers",
        "sizes": ["K", "H", "D"],
        "parameters": {
            "pi": "unit[K]",
            "M": "real[H,K]",
            "nu": "real[H]",
            "W": "real[D,H]",
            "mu": "real[D]",
        },
        "model": [
            "y[k] ~ Bernoulli(pi[k]) for k in 1:K",
            "a[h] = sum(M[h,k]*y[k] for k in 1:K) + nu[h] for h in 1:H",
            "z[h] ~ Bernoulli(logit=a[h]) for h in 1:H",
            "x[d] ~ Bernoulli(logit=sum(W[d,h]*z[h] for h in 1:H) + mu[d]) for d in 1:D",
        ],
        "observed": ["x"],
    },
    "vae": {
        "name": "VAE",
        "sizes": ["D", "H", "K", "P"],
        "parameters": {"W": "real[K,H]", "b": "real[K]", "w": "real[P]", "sigma2": "positive"},
        "functions": {"m": "real[D]"},
        "model": [
            "z[h] ~ Normal(0, 1) for h in 1:H",
            "a[k] = sum(W[k,h]*z[h] for h in 1:H) + b[k] for k in 1:K",
            "x[d] ~ Normal(m(a, w)[d], sigma2) for d in 1:D",
        ],
        "observed": ["x"],
        "variational": _Q,
    },
    "clashing_names": {
        "name": 'Hostile """ name \\',
        "sizes": ["N", "S"],
        "parameters": {"np": "simplex[N]", "lambda": "positive[N,S]", "q": "positive[N,S]"},
        "model": [
            "special ~ Categorical(np)",
            "sizes[k] ~ Gamma(lambda[special,k], q[special,k]) for k in 1:S",
        ],
        "observed": ["sizes"],
    },
    "constants": {
        "name": "Known shapes",
        "sizes": ["C"],
        "parameters": {"beta": "simplex[C]", "rate": "positive[C]"},
        "constants": {"k": "positive[C]"},
        "model": ["c ~ Categorical(beta)", "x ~ Gamma(k[c], rate[c])"],
        "observed": ["x"],
    },
    "covariates": {
        "name": "Mixture of regressions",
        "sizes": ["P", "C"],
        "parameters": {"pi": "simplex[C]", "W": "real[C,P]", "b": "real[C]"},
        "inputs": {"u": "real[P]"},
        "model": [
            "c ~ Categorical(pi)",
            "x ~ Poisson(log_rate=sum(W[c,p]*u[p] for p in 1:P) + b[c])",
        ],
        "observed": ["x"],
    },
    "hidden_chain": {
        "name": "Hidden Markov model",
        "sizes": ["K", "T"],
        "parameters": {
            "p0": "simplex[K]",
            "A": "simplex[K,K]",
            "mu": "real[K]",
            "s2": "positive[K]",
        },
        "model": [
            "z[1] ~ Categorical(p0)",
            "z[t+1] ~ Categorical(A[z[t]]) for t in 1:T-1",
            "x[t] ~ Normal(mu[z[t]], s2[z[t]]) for t in 1:T",
        ],
        "observed": ["x"],
    },
    "gaussian_chain": {
        "name": "Gaussian chain",
        "sizes": ["T"],
        "parameters": {"w": "real", "s2": "positive", "t2": "positive"},
        "model": [
            "z[1] ~ Normal(0, s2)",
            "z[t+1] ~ Normal(w*z[t], s2) for t in 1:T-1",
            "x[t] ~ Normal(z[t], t2) for t in 1:T",
        ],
        "observed": ["x"],
        "variational": "exact",
    },
    "two_categories": {
        "name": "Two categories",
        "sizes": ["A", "B", "D"],
        "parameters": {
            "p": "simplex[A]",
            "r": "simplex[A,B]",
            "mu": "real[A,B,D]",
            "s2": "positive[D,B]",
        },
        "model": [
            "a ~ Categorical(p)",
            "b ~ Categorical(r[a])",
            "x[d] ~ Normal(mu[a,b,d], s2[d,b]) for d in 1:D",
        ],
        "observed": ["x"],
    },
    "linear_declared_q_learned": _linear(
        "Normal(0, tau[h])",
        "s2[d]",
        {"s2": "positive[D]", "tau": "positive[H]"},
        variational=_Q,
    ),
    "laplace_prior_with_location": _linear(
        "Laplace(b[h], scale)",
        "s2[d]",
        {"s2": "positive[D]", "b": "real[H]", "scale": "positive"},
        variational=_Q,
    ),
    "laplace_noise": {
        "name": "Laplace observable",
        "sizes": ["D"],
        "parameters": {"w": "real[D]", "b": "positive", "s2": "positive"},
        "model": ["z ~ Normal(0, s2)", "x[d] ~ Laplace(w[d] + 2*z, b) for d in 1:D"],
        "observed": ["x"],
        "variational": ["z ~ Normal(nu, tau2)"],
    },
    "laplace_noise_binary_q": {
        "name": "Laplace observable",
        "sizes": ["D"],
        "parameters": {"w": "real[D]", "b": "positive", "p": "unit"},
        "model": ["z ~ Bernoulli(p)", "x[d] ~ Laplace(w[d] + 2*z, b) for d in 1:D"],
        "observed": ["x"],
        "variational": ["z ~ Bernoulli(r)"],
    },
    "precision_mixture": _mixture(
        _plates("Normal(mu[c,d], precision=t[c])"), {"mu": "real[C,D]", "t": "positive[C]"}
    ),
    "shared_variances": _mixture(
        _plates("Normal(mu[c,d], s2[d])"), {"mu": "real[C,D]", "s2": "positive[D]"}
    ),
    "transposed_variances": _mixture(
        _plates("Normal(mu[c,d], s2[d,c])"), {"mu": "real[C,D]", "s2": "positive[D,C]"}
    ),
    "inverse_gaussian_mixture": _mixture(
        _plates("InverseGaussian(m[c,d], s[d])"), {"m": "positive[C,D]", "s": "positive[D]"}
    ),
    "known_variance_mixture": _mixture(_plates("Normal(mu[c,d], 1)"), {"mu": "real[C,D]"}),
    "log_normal_mixture": _mixture(  # mean and variance move: one value depends on the other
        _plates("LogNormal(m[c,d], s2[c,d])"), {"m": "real[C,D]", "s2": "positive[C,D]"}
    ),
    "bayesian_regression": {  # the precision of the posterior depends on the covariates
        "name": "Bayesian linear regression",
        "sizes": ["M", "K"],
        "parameters": {"t2": "positive", "b": "real", "s2": "positive"},
        "inputs": {"a": "real[M,K]"},
        "model": [
            "w[k] ~ Normal(0, t2) for k in 1:K",
            "y[m] ~ Normal(sum(a[m,k]*w[k] for k in 1:K) + b, s2) for m in 1:M",
        ],
        "observed": ["y"],
        "variational": "exact",
    },
    "mixed_model": {
        "name": "Linear mixed model",
        "sizes": ["M", "K"],
        "parameters": {"beta": "real", "S": "posdef[K,K]", "s2": "positive"},
        "inputs": {"a": "real[M]", "u": "real[M,K]"},
        "model": [
            "origin[k] = 0 for k in 1:K",
            "z ~ MvNormal(origin, S)",
            "y[m] ~ Normal(beta*a[m] + sum(u[m,k]*z[k] for k in 1:K), s2) for m in 1:M",
        ],
        "observed": ["y"],
        "variational": "exact",
    },
    "random_persistence": {  # .. and here on the data
        "name": "Autoregression with a random coefficient",
        "sizes": ["T"],
        "parameters": {"b": "real", "t2": "positive", "s2": "positive"},
        "model": [
            "z ~ Normal(0, t2)",
            "x[1] ~ Normal(b, s2)",
            "x[t] ~ Normal(b + z*x[t-1], s2) for t in 2:T",
        ],
        "observed": ["x"],
        "variational": "exact",
    },
    "one_probability": _linear("Bernoulli(p)", "s2", {"p": "unit", "s2": "positive"}),
    "driven_system": {  # the sums within the mean and around it have the same letters
        "name": "Linear system with full covariances and a known input",
        "sizes": ["T", "K"],
        "parameters": {"A": "real[K,K]", "Q": "posdef[K,K]", "b": "real[K]", "R": "positive[K]"},
        "inputs": {"u": "real[T]"},
        "model": [
            "m[k] = 0 for k in 1:K",
            "a[t,k] = sum(A[k,j]*z[t-1,j] for j in 1:K) + b[k]*u[t] for t in 2:T, k in 1:K",
            "z[1] ~ MvNormal(m, Q)",
            "z[t] ~ MvNormal(a[t], Q) for t in 2:T",
            "x[t,k] ~ Normal(z[t,k], R[k]) for t in 1:T, k in 1:K",
        ],
        "observed": ["x"],
    },
    "selected_latent": {  # a category that is sampled selects an entry that is sampled
        "name": "Normal mixture with random means",
        "sizes": ["D", "K"],
        "parameters": {"pi": "simplex[K]", "s2": "positive", "t2": "positive"},
        "model": [
            "c ~ Categorical(pi)",
            "z[k] ~ Normal(0, t2) for k in 1:K",
            "x[d] ~ Normal(z[c], s2) for d in 1:D",
        ],
        "observed": ["x"],
    },
    "selected_value": {
        "name": "Mixture of the values of a network",
        "sizes": ["D", "K", "P"],
        "parameters": {"pi": "simplex[K]", "s2": "positive", "t2": "positive", "w": "real[P]"},
        "functions": {"f": "real[K]"},
        "model": [
            "c[d] ~ Categorical(pi) for d in 1:D",
            "z ~ Normal(0, t2)",
            "x[d] ~ Normal(f(z, w)[c[d]], s2) for d in 1:D",
        ],
        "observed": ["x"],
    },
}

SOURCES: dict[str, Path | Spec] = {path.stem: path for path in MODELS} | SPECS
NAMES = sorted(SOURCES)


@cache
def derived(name: str) -> Derivation:
    return symelbo.derive(SOURCES[name])


def with_gap() -> list[str]:
    return [name for name in NAMES if hasattr(derived(name).function(), "gap")]


@pytest.mark.parametrize("name", with_gap())
def test_elbo_is_entropy_sum_plus_gap(name: str) -> None:
    module, gaps = derived(name).function(), []
    for seed in range(12):
        given = Arguments(derived(name), seed, ones=seed == 0, own=seed % 3 == 2)
        elbo, gap = given.call(module.elbo), given.call(module.gap)
        total = given.call(module.entropy_sum) + gap
        assert isclose(elbo, total, rel_tol=1e-10, abs_tol=1e-10), (seed, elbo, total)
        gaps.append(gap)
    assert sum(abs(gap) > 1e-12 for gap in gaps) > 9  # 0 where sizes of 1 leave no parameter


@pytest.mark.parametrize("name", [name for name in with_gap() if name in SPECS])
def test_terms_are_what_the_functions_compute(name: str) -> None:
    module = derived(name).function()
    for seed in range(3):
        given = Arguments(derived(name), seed, own=seed == 2)
        names = inspect.signature(module.terms).parameters
        terms = module.terms(**{name: given[name] for name in names if name in given})
        for part in ("elbo", "entropy_sum", "gap"):
            value = given.call(getattr(module, part))
            assert isclose(getattr(terms, part), value, rel_tol=1e-9, abs_tol=1e-9), (part, seed)


@pytest.mark.parametrize("name", with_gap())
def test_shared_samples_are_those_that_every_data_point_has(name: str) -> None:
    derivation = derived(name)
    module, setting = derivation.function(), Setting(derivation)
    shared = [v.symbol.name for v in setting.variables.values() if v.shared]
    for seed in range(4):
        given = Arguments(derivation, seed, ones=seed == 0)
        count = len(given[setting.weights_name])
        tiled = {n: np.broadcast_to(given[n], (count, *np.shape(given[n]))) for n in shared}
        even = {setting.weights_name: given[setting.weights_name].mean(axis=0)}
        for function in (module.entropy_sum, module.elbo, module.gap):
            for weights in ({}, even):
                value = given.call(function, **weights)
                assert isclose(value, given.call(function, **weights, **tiled), rel_tol=1e-9)
        if hasattr(module, "profiled_scales"):
            try:
                wanted = _profile(name, given)
            except ValueError:  # few data: at the boundary of the domain
                continue
            for key, value in _profile(name, {**given, **tiled}).items():
                assert np.allclose(value, wanted[key], rtol=1e-9)


@pytest.mark.parametrize("name", with_gap())
def test_data_points_with_samples_of_their_own_are_averaged_one_by_one(name: str) -> None:
    derivation = derived(name)
    module, setting = derivation.function(), Setting(derivation)
    by_point = {v.symbol.name for v in setting.variables.values() if setting.data in v.batch}
    by_point |= {setting.weights_name} if setting.mixture is None else {setting.q_name}
    given = Arguments(derivation, 5, own=True)
    count = len(given[setting.weights_name])
    assert count > 1
    for function in (module.elbo, module.gap):
        single = [{n: given[n][k : k + 1] for n in by_point} for k in range(count)]
        values = [given.call(function, **one) for one in single]
        assert isclose(given.call(function), np.mean(values), rel_tol=1e-9, abs_tol=1e-9)


def _slope(derivation: Derivation, given: Arguments, moved: dict[str, Floats]) -> float:
    elbo, step = derivation.function().elbo, 1e-5
    moved = {n: v for n, v in moved.items() if n in given}
    ahead = {n: given[n] + step * v for n, v in moved.items()}
    behind = {n: given[n] - step * v for n, v in moved.items()}
    return (given.call(elbo, **ahead) - given.call(elbo, **behind)) / (2 * step)


@pytest.mark.parametrize("name", with_gap())
def test_gap_is_the_derivative_of_the_elbo_along_the_field(name: str) -> None:
    derivation = derived(name)
    for seed in range(1, 5):
        given = Arguments(derivation, seed, own=seed == 4)
        slope = _slope(derivation, given, velocities_of(derivation, given))
        gap = given.call(derivation.function().gap)
        assert isclose(slope, gap, rel_tol=1e-6, abs_tol=1e-6), (seed, slope, gap)


def test_gap_of_ppca_is_a_derivative_by_its_parameters_alone() -> None:
    """With the exact posterior the motion of z costs nothing: q is stationary."""
    derivation = derived("ppca")
    given = Arguments(derivation, 3)
    moved = {"W": -given["W"] / 2, "sigma2": -given["sigma2"]}
    gap = given.call(derivation.function().gap)
    assert isclose(_slope(derivation, given, moved), gap, rel_tol=1e-6)


# ---------------------------------------------------------------- independent values


def test_ppca_elbo_is_the_log_likelihood() -> None:
    module = derived("ppca").function()
    given = Arguments(derived("ppca"), 5)
    W, mu, sigma2, x = (given[n] for n in ("W", "mu", "sigma2", "x"))
    covariance = W @ W.T + sigma2 * np.eye(len(mu))
    expected = stats.multivariate_normal(mu, covariance).logpdf(x).mean()
    assert isclose(given.call(module.elbo), expected, rel_tol=1e-11)


def test_gaussian_chain_elbo_is_the_log_likelihood() -> None:
    module = derived("gaussian_chain").function()
    given = Arguments(derived("gaussian_chain"), 4)
    w, s2, t2, x = (given[n] for n in ("w", "s2", "t2", "x"))
    length = x.shape[1]
    step = np.eye(length) - w * np.eye(length, k=-1)
    covariance = s2 * np.linalg.inv(step) @ np.linalg.inv(step).T + t2 * np.eye(length)
    expected = stats.multivariate_normal(np.zeros(length), covariance).logpdf(x).mean()
    assert isclose(given.call(module.elbo), expected, rel_tol=1e-11)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 3, 2), (4, 2, 3)])
def test_a_full_covariance_reaches_the_log_likelihood(sizes: tuple[int, int, int]) -> None:
    """With the mean and the covariance of the exact posterior"""
    n, d, h = sizes
    rng = np.random.default_rng(d)
    W, mu, x = rng.normal(size=(d, h)), rng.normal(size=d), rng.normal(size=(n, d))
    covariance = np.linalg.inv(np.eye(h) + W.T @ W / 0.4)
    nu, S = (x - mu) @ W @ covariance / 0.4, np.broadcast_to(covariance, (n, h, h))
    found = derived("linear_full_q").function().elbo(x=x, W=W, mu=mu, s2=0.4, nu=nu, S=S)
    whole = np.atleast_2d(W @ W.T + 0.4 * np.eye(d))
    wanted = np.mean(stats.multivariate_normal(mu, whole).logpdf(x))
    assert isclose(found, wanted, rel_tol=1e-11)


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_full_covariance_over_a_chain_reaches_the_log_likelihood(length: int) -> None:
    rng = np.random.default_rng(length)
    w, s2, t2, x = 0.7, 0.5, 0.3, rng.normal(size=(3, length))
    step = np.eye(length) - w * np.eye(length, k=-1)
    S = np.linalg.inv(step.T @ step / s2 + np.eye(length) / t2)
    given = {"m": x @ S / t2, "S": np.broadcast_to(S, (3, length, length))}
    found = derived("chain_full_q").function().elbo(x=x, w=w, s2=s2, t2=t2, **given)
    whole = s2 * np.linalg.inv(step) @ np.linalg.inv(step).T + t2 * np.eye(length)
    wanted = np.mean(stats.multivariate_normal(np.zeros(length), whole).logpdf(x))
    assert isclose(found, wanted, rel_tol=1e-11)


def test_log_variances_are_not_exponentiated_and_logged() -> None:
    """q by what an encoder gives: exp(-2000) is no float, and its logarithm is -2000."""
    parameters = {"s2": "positive", "tau": "positive[H]"}
    q = ["z[h] ~ Normal(nu[h], exp(l[h])) for h in 1:H"]
    derivation = symelbo.derive(_linear("Normal(0, tau[h])", "s2", parameters, variational=q))
    module, given = derivation.function(), Arguments(derivation, 4)
    plain = derived("linear_declared_q_learned").function()
    shared = {n: given[n] for n in ("x", "W", "mu", "tau", "nu")}
    found = module.elbo(**shared, s2=0.7, l=given["l"])
    many = np.full(len(given["mu"]), 0.7)
    assert isclose(found, plain.elbo(**shared, s2=many, tau2=np.exp(given["l"])), rel_tol=1e-12)
    far = np.full_like(given["l"], -2000.0)
    near = np.full_like(given["l"], -700.0)
    change = module.elbo(**shared, s2=0.7, l=far) - module.elbo(**shared, s2=0.7, l=near)
    assert isclose(change, -650.0 * far.shape[1], rel_tol=1e-12)


def _mixture_elbo(q: Floats, pi: Floats, log_x: Floats) -> float:
    return float((special.entr(q) + q * np.log(pi) + q * log_x).sum(axis=1).mean())


def test_mixture_elbos_by_scipy() -> None:
    given = Arguments(derived("gmm_full"), 6)
    parts = zip(given["mu"], given["Sigma"], strict=True)
    log_x = np.stack(
        [np.atleast_1d(stats.multivariate_normal(m, S).logpdf(given["x"])) for m, S in parts], 1
    )
    expected = _mixture_elbo(given["q"], given["pi"], log_x)
    assert isclose(given.call(derived("gmm_full").function().elbo), expected, rel_tol=1e-11)

    given = Arguments(derived("poisson_mixture"), 6)
    log_x = stats.poisson(given["rate"]).logpmf(given["x"][:, None, :]).sum(axis=-1)
    expected = _mixture_elbo(given["q"], given["pi"], log_x)
    assert isclose(given.call(derived("poisson_mixture").function().elbo), expected, rel_tol=1e-11)

    given = Arguments(derived("gamma_mixture"), 7)
    law = stats.gamma(given["a"], scale=1 / given["b"])
    log_x = law.logpdf(given["x"][:, None, :]).sum(axis=-1)
    expected = _mixture_elbo(given["q"], given["pi"], log_x)
    assert isclose(given.call(derived("gamma_mixture").function().elbo), expected, rel_tol=1e-11)


def test_exact_mixture_elbo_is_the_log_likelihood() -> None:
    given = Arguments(derived("mvnormal_mixture_exact"), 2)
    parts = zip(given["mu"], given["S"], strict=True)
    log_x = np.stack(
        [np.atleast_1d(stats.multivariate_normal(m, S).logpdf(given["x"])) for m, S in parts], 1
    )
    expected = special.logsumexp(log_x + np.log(given["pi"]), axis=1).mean()
    module = derived("mvnormal_mixture_exact").function()
    assert isclose(given.call(module.elbo), expected, rel_tol=1e-11)
    assert "q" not in inspect.signature(module.entropy_sum).parameters


def test_belief_net_elbo_by_enumeration_is_the_log_likelihood() -> None:
    rng = np.random.default_rng(0)
    pi, W, mu = rng.uniform(0.1, 0.9, 3), rng.normal(size=(4, 3)), rng.normal(size=4)
    x = rng.integers(0, 2, (5, 4))
    z = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, -1).T
    p = special.expit(z @ W.T + mu)
    joint = stats.bernoulli(pi).logpmf(z).sum(axis=1)
    joint = joint + stats.bernoulli(p).logpmf(x[:, None, :]).sum(axis=-1)
    weights = special.softmax(joint, axis=1)
    module = derived("sbn").function()
    entropy_q = special.entr(weights).sum(axis=1).mean()
    given = {"pi": pi, "W": W, "mu": mu, "entropy_q": entropy_q, "z": z, "weights": weights}
    elbo = module.elbo(x=x, **given)
    assert isclose(elbo, special.logsumexp(joint, axis=1).mean(), rel_tol=1e-11)
    # E_qbar of the entropies needs the mean weights alone
    mean = module.entropy_sum(**{**given, "weights": weights.mean(axis=0)})
    assert isclose(module.entropy_sum(**given), mean, rel_tol=1e-12)


def test_declared_normal_q_by_sampling() -> None:
    given = Arguments(derived("linear_declared_q"), 8)
    rng = np.random.default_rng(1)
    nu, tau2 = given["nu"], given["tau2"]
    z = nu + np.sqrt(tau2) * rng.normal(size=(200_000, *nu.shape))
    log_q = stats.norm(nu, np.sqrt(tau2)).logpdf(z).sum(axis=-1)
    log_p = stats.norm.logpdf(z).sum(axis=-1)
    law = stats.norm(z @ given["W"].T + given["mu"], np.sqrt(given["s2"]))
    values = (log_p + law.logpdf(given["x"]).sum(axis=-1) - log_q).mean(axis=1)
    elbo = given.call(derived("linear_declared_q").function().elbo)
    assert abs(elbo - values.mean()) < 5 * values.std() / np.sqrt(len(values))


def test_von_mises_entropy_does_not_overflow() -> None:
    spec = {
        "name": "Directions",
        "parameters": {"m": "real", "k": "positive"},
        "model": ["x ~ VonMises(m, k)"],
        "observed": ["x"],
    }
    module = symelbo.derive(spec).function()
    for k in (0.1, 2.0, 900.0):
        expected = -stats.vonmises(k).entropy()
        assert isclose(module.entropy_sum(m=0.3, k=k), expected, rel_tol=1e-9)


# ---------------------------------------------------------------- profiled scales

# where every parameter that the field moves has a stationary value in closed form
PROFILED = {
    "bernoulli_mixture": {"pi", "p"},
    "binary_declared_q": {"p", "s2"},
    "categorical_mixture": {"pi", "th"},
    "curved_decoder": {"t", "s2"},
    "exponential_mixture": {"pi", "r"},
    "gmm_diagonal": {"pi", "sigma2"},
    "gmm_scalar": {"pi", "sigma2"},
    "inverse_gaussian_mixture": {"pi", "s"},
    "known_variance_mixture": {"pi", "mu"},
    "laplace_mixture": {"pi", "b"},
    "laplace_noise": {"b", "s2"},
    "laplace_noise_binary_q": {"b", "p"},
    "laplace_prior_with_location": {"scale", "s2"},
    "linear_declared_q_learned": {"tau", "s2"},
    "negative_binomial": {"pi", "p"},
    "normal_mixture": {"pi", "s2"},
    "normal_mixture_declared_q": {"pi", "s2"},
    "one_probability": {"p", "s2"},
    "poisson_mixture": {"pi", "rate"},
    "precision_mixture": {"pi", "t"},
    "selected_latent": {"pi", "s2", "t2"},
    "selected_value": {"pi", "s2", "t2"},
    "shared_variances": {"pi", "s2"},
    "sparse_coding": {"lambda_", "sigma2"},
    "transposed_variances": {"pi", "s2"},
    "vae2": {"alpha2", "sigma2"},
    "vae_bernoulli": {"pi", "sigma2"},
    "vae_laplace": {"lambda_", "sigma2"},
}


def _profile(name: str, given: Mapping[str, Any]) -> dict[str, Floats]:
    function = derived(name).function().profiled_scales
    names = inspect.signature(function).parameters
    result: dict[str, Floats] = function(**{n: given[n] for n in names if n in given})
    return result


def test_profiled_scales_are_emitted_where_they_apply() -> None:
    found = [name for name in NAMES if hasattr(derived(name).function(), "profiled_scales")]
    assert found == sorted(PROFILED)


@pytest.mark.parametrize("name", PROFILED)
def test_sum_is_the_elbo_at_profiled_scales(name: str) -> None:
    """gap = 0 to 1e-10 whatever the rest is, and no entry of a profiled parameter has a slope."""
    module, tried, step = derived(name).function(), 0, 1e-5
    setting = Setting(derived(name))
    kinds = {name: symbol.domain.kind for symbol, name in setting.names.items()}
    for seed in range(30):
        given = Arguments(derived(name), seed, ones=seed == 0)
        try:
            profiled = _profile(name, given)
        except ValueError:  # few data: at the boundary of the domain
            continue
        tried += 1
        assert set(profiled) == PROFILED[name]
        assert {n: v.shape for n, v in profiled.items()} == {n: given[n].shape for n in profiled}
        gap, elbo = given.call(module.gap, **profiled), given.call(module.elbo, **profiled)
        total = given.call(module.entropy_sum, **profiled)
        assert abs(gap) < 1e-10, (seed, gap)
        assert isclose(elbo, total, rel_tol=1e-10, abs_tol=1e-10), (seed, elbo, total)
        rng = np.random.default_rng(seed)
        for parameter, value in profiled.items():
            direction = value * rng.normal(size=value.shape)
            if kinds[parameter] == "simplex":  # tangent to it
                direction -= value * direction.sum(axis=-1, keepdims=True)
            if kinds[parameter] == "unit":
                direction *= 1 - value
            ahead = {**profiled, parameter: value + step * direction}
            behind = {**profiled, parameter: value - step * direction}
            slope = given.call(module.elbo, **ahead) - given.call(module.elbo, **behind)
            assert abs(slope / (2 * step)) < 1e-6, (seed, parameter, slope / (2 * step))
            moved = given.call(module.gap, **{**profiled, parameter: value + 0.01 * direction})
            assert not direction.any() or value.size == 1 or abs(moved) > 1e-9
    assert tried >= 5


def test_profiled_scales_of_sparse_coding() -> None:
    """By the formulas of Velychko et al. (2024), and the mean of |z| by quadrature."""
    given = Arguments(derived("sparse_coding"), 7)
    x, W, nu, tau2 = (given[n] for n in ("x", "W", "nu", "tau2"))
    s = np.sqrt(tau2)
    absolute = np.sqrt(2 / np.pi) * s * np.exp(-(nu**2) / (2 * tau2))
    absolute = absolute + nu * special.erf(nu / (s * np.sqrt(2)))
    grid = np.linspace(-12, 12, 200_001)[:, None, None]
    direct = np.trapezoid(np.abs(nu + s * grid) * stats.norm.pdf(grid), grid, axis=0)
    assert np.allclose(absolute, direct, rtol=1e-7, atol=0)
    traces = [np.trace(np.diag(v) @ W.T @ W) for v in tau2]
    sigma2 = np.mean(traces + ((nu @ W.T - x) ** 2).sum(axis=1)) / x.shape[1]
    profiled = _profile("sparse_coding", given)
    assert np.allclose(profiled["lambda_"], absolute.mean(axis=0), rtol=1e-13, atol=0)
    assert isclose(profiled["sigma2"], sigma2, rel_tol=1e-13)
    lambda_ = given["lambda_"]
    log_z = -(absolute / lambda_ + np.log(2 * lambda_)).sum(axis=1).mean()
    log_x = -x.shape[1] * (np.log(2 * np.pi * given["sigma2"]) + sigma2 / given["sigma2"]) / 2
    expected = 0.5 * np.log(2 * np.pi * np.e * tau2).sum(axis=1).mean() + log_z + log_x
    elbo = given.call(derived("sparse_coding").function().elbo)
    assert isclose(elbo, expected, rel_tol=1e-12)


def test_profiled_scales_of_mixtures_by_hand() -> None:
    given = Arguments(derived("transposed_variances"), 5)
    q, x, mu = given["q"], given["x"], given["mu"]
    profiled = _profile("transposed_variances", given)
    squares = (x[:, None, :] - mu) ** 2
    expected = (q[:, :, None] * squares).sum(axis=0) / q.sum(axis=0)[:, None]
    assert np.allclose(profiled["s2"], expected.T, rtol=1e-12)
    shared = _profile("shared_variances", given)["s2"]
    assert np.allclose(shared, (q[:, :, None] * squares).sum(axis=(0, 1)) / len(x), rtol=1e-12)


def test_profiled_scales_need_every_component() -> None:
    given = Arguments(derived("gmm_diagonal"), 5)
    q = np.zeros_like(given["q"])
    q[:, 0] = 1
    assert q.shape[1] > 1
    with pytest.raises(ValueError, match="profiled_scales is undetermined"):
        _profile("gmm_diagonal", {**given, "q": q})


def test_profiled_scales_with_equal_weights() -> None:
    """Samples without weights count the same, for all data points."""
    given = Arguments(derived("one_probability"), 6)
    function = derived("one_probability").function().profiled_scales
    values = {n: given[n] for n in inspect.signature(function).parameters if n in given}
    count = len(given["z"])
    even = function(**{**values, "weights": np.full((len(given["x"]), count), 1 / count)})
    del values["weights"]
    for name, value in function(**values).items():
        assert np.allclose(value, even[name], rtol=1e-13)


# ---------------------------------------------------------------- the text


@pytest.mark.parametrize("name", [name for name in NAMES if derived(name).python()])
def test_the_example_runs(name: str) -> None:
    """That of the documentation: the ELBO is the sum and the gap"""
    module = derived(name).function()
    session = doctest.DocTestParser().get_doctest(
        module.__doc__ or "", vars(module), name, None, None
    )
    assert doctest.DocTestRunner().run(session) == (0, len(session.examples))
    asked = [example.source for example in session.examples if example.want]
    assert len(asked) == 1 and ("isclose" in asked[0]) is hasattr(module, "gap")


@pytest.mark.parametrize("name", NAMES)
def test_source_stands_alone(name: str) -> None:
    derivation = derived(name)
    source = derivation.python()
    if not source:
        assert derivation.entropy_sum is None
        return
    tree = ast.parse(source)
    libraries = {"array_api_compat", "cupyx", "jax", "scipy", "torch"}  # imported where needed
    standard = {"__future__", "collections", "functools", "math", "numpy", "typing"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            known = standard if node in tree.body else libraries
            assert {name.split(".")[0] for name in named} <= known
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert not [n for n in ast.walk(node) if isinstance(n, ast.For | ast.While)]
    assert max(map(len, source.splitlines())) <= 88
    assert source.replace("\n", "").isprintable()
    document = ast.get_docstring(tree) or ""
    assert derivation.model.sha256 in document and symelbo.__version__ in document
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            assert ast.get_docstring(function)


def test_sources_are_clean(tmp_path: Path) -> None:
    beside = str(Path(sys.executable).parent)
    ruff = shutil.which("ruff", path=os.pathsep.join([beside, os.environ["PATH"]]))
    if ruff is None:
        pytest.skip("ruff is not installed")
    for name in NAMES:
        (tmp_path / f"m_{name}.py").write_text(derived(name).python())
    rules = "E,F,W,I,B,UP,SIM,RET,ARG"
    checked = [ruff, "check", "--isolated", "--no-cache", f"--select={rules}", "--ignore=B905"]
    result = subprocess.run([*checked, str(tmp_path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("stem", ["gmm_full", "sbn_deep", "factor_analysis"])
def test_text_does_not_depend_on_the_hash_seed(stem: str) -> None:
    path = ROOT / "models" / f"{stem}.yaml"
    code = f"import symelbo; print(symelbo.derive({str(path)!r}).python())"
    texts = set()
    for seed in ("0", "1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
        )
        texts.add(run.stdout)
    assert len(texts) == 1


def test_ppca_reads_as_written_by_hand() -> None:
    source = derived("ppca").python()
    assert (
        """\
    D, H = sizes["D"], sizes["H"]
    log_det = xp.linalg.slogdet(xp.eye(H, **real) + W.T @ W / sigma2)[1]
    # closed form of the entropy sum
    return -0.5 * log_det - 0.5 * D * xp.log(2 * math.e * math.pi * sigma2)
"""
        in source
    )
    assert "scipy" not in source
    assert "at stationary points" in source and ">=" not in source.split("def entropy_sum")[0]


# ---------------------------------------------------------------- the contract


def test_parameters_that_do_not_occur_are_optional() -> None:
    module = derived("ppca").function()
    given = Arguments(derived("ppca"), 1)
    value = module.entropy_sum(W=given["W"], sigma2=given["sigma2"])
    assert value == module.entropy_sum(W=given["W"], mu=given["mu"], sigma2=given["sigma2"])
    with pytest.raises(ValueError, match=r"mu must have shape \(D,\)"):
        module.entropy_sum(W=given["W"], mu=np.zeros(99), sigma2=given["sigma2"])


def test_sizes_that_no_array_determines_are_arguments() -> None:
    module = derived("vae").function()
    tau2 = np.array([[0.5, 2.0], [1.0, 0.1]])
    value = module.entropy_sum(sigma2=0.3, D=7, tau2=tau2)
    expected = np.log(tau2).sum() / 4 - 3.5 * np.log(2 * np.pi * np.e * 0.3)
    assert isclose(value, expected, rel_tol=1e-12)
    assert module.entropy_sum(sigma2=0.3, D=np.int64(7), tau2=tau2) == value
    linear = derived("linear_vae").function()
    with pytest.raises(ValueError, match="D, or an argument that has this size, must be given"):
        linear.entropy_sum(sigma2=0.3, tau2=tau2)
    W = np.ones((7, 2))
    value = linear.entropy_sum(sigma2=0.3, D=7, tau2=tau2)
    assert linear.entropy_sum(sigma2=0.3, W=W, tau2=tau2) == value
    assert linear.entropy_sum(sigma2=0.3, mu=np.ones(7), tau2=tau2) == value
    with pytest.raises(ValueError, match=r"W must have shape \(D, H\) = \(6, 2\)"):
        linear.entropy_sum(sigma2=0.3, D=6, W=W, tau2=tau2)
    for wrong in (0, 2.5, True, "7"):
        with pytest.raises(ValueError, match="D must be a positive integer"):
            module.entropy_sum(sigma2=0.3, D=wrong, tau2=tau2)


@pytest.mark.parametrize("name", ["curved_decoder", "laplace_noise_binary_q", "vae"])
def test_samples_are_asked_for_where_the_expectation_has_no_closed_form(name: str) -> None:
    """Of the factors alone whose expectation has none; H[q] is that of the declared q."""
    module = derived(name).function()
    names = set(inspect.signature(module.elbo).parameters)
    assert "weights" in names and "entropy_q" not in names
    assert ("z" in names) == (name != "vae") and ("m" in names) == (name == "vae")


@pytest.mark.parametrize("name", with_gap())
def test_gap_takes_the_arguments_of_elbo(name: str) -> None:
    module = derived(name).function()
    names = [tuple(inspect.signature(f).parameters) for f in (module.elbo, module.gap)]
    assert names[0] == names[1]


def test_abstract_functions_are_given_by_their_values() -> None:
    module = derived("vae3").function()
    rng = np.random.default_rng(0)
    v, b = rng.normal(size=(5, 3)), rng.normal(size=3)
    tau2 = np.ones((4, 2))
    value = module.entropy_sum(b=b, tau2=tau2, v=v)
    expected = -0.5 * (np.log(2 * np.pi * np.e) * 3 + (b + v).sum(axis=1).mean())
    assert isclose(value, expected, rel_tol=1e-12)
    own = rng.normal(size=(4, 5, 3))
    expected = -0.5 * (np.log(2 * np.pi * np.e) * 3 + (b + own).sum(axis=-1).mean())
    assert isclose(module.entropy_sum(b=b, tau2=tau2, v=own), expected, rel_tol=1e-12)
    with pytest.raises(ValueError, match=r"v must have shape \(S, D\) = \(\?, 3\)"):
        module.entropy_sum(b=b, tau2=tau2, v=np.zeros(3))
    with pytest.raises(ValueError, match=r"v must have shape \(N, S, D\) = \(4, 5, 3\)"):
        module.entropy_sum(b=b, tau2=tau2, v=own[:3])


def test_no_digits_are_lost_where_samples_are_close_to_their_data_point() -> None:
    """x far from its mean, m(z) close to x: the square is that of a small number."""
    module, rng = derived("vae2").function(), np.random.default_rng(0)
    x = 1e6 * rng.normal(size=(6, 2))
    near = x[:, None, :] + 1e-3 * rng.normal(size=(6, 4, 2))
    given = {"alpha2": [1.0], "nu": np.zeros((6, 1)), "tau2": np.ones((6, 1))}
    elbo = module.elbo(x=x, sigma2=1e-6, m=near, **given)
    log_x = stats.norm(x[:, None, :], 1e-3).logpdf(near).sum(axis=-1).mean()
    assert isclose(elbo, log_x, rel_tol=1e-6)  # H[q] and log p(z) cancel


def test_functions_of_the_same_name_at_other_arguments_are_other_arrays() -> None:
    spec = {
        "name": "One network, read at two layers",
        "sizes": ["D", "H", "T"],
        "parameters": {"s2": "positive", "r2": "positive", "t2": "positive"},
        "functions": {"f": "real[H]", "g": "real"},
        "inputs": {"u": "real"},
        "model": [
            "z[h] ~ Normal(0, s2) for h in 1:H",
            "y[h] ~ Normal(f(z)[h], r2) for h in 1:H",
            "x[t, h] ~ Normal(f(y)[h] + g(u)*g(y[h]), t2) for t in 1:T, h in 1:H",
        ],
        "observed": ["x"],
    }
    derivation = symelbo.derive(spec)
    module, rng = derivation.function(), np.random.default_rng(0)
    n, s, h, t = 3, 4, 2, 5
    given = {
        "x": rng.normal(size=(n, t, h)),
        "z": rng.normal(size=(s, h)),
        "y": rng.normal(size=(s, h)),
        "f_z": rng.normal(size=(s, h)),
        "f_y": rng.normal(size=(s, h)),
        "g_u": rng.normal(size=n),
        "g_y": rng.normal(size=(s, h)),
        "s2": 0.5,
        "r2": 0.7,
        "t2": 1.5,
        "entropy_q": 0.3,
    }
    names = set(inspect.signature(module.elbo).parameters)
    assert names == {*given, "weights"}
    mean = given["f_y"][:, None, :] + given["g_u"][:, None, None, None] * given["g_y"][:, None, :]
    log_x = stats.norm(mean, np.sqrt(1.5)).logpdf(given["x"][:, None]).sum(axis=(2, 3)).mean()
    log_y = stats.norm(given["f_z"], np.sqrt(0.7)).logpdf(given["y"]).sum(axis=-1).mean()
    log_z = stats.norm(0, np.sqrt(0.5)).logpdf(given["z"]).sum(axis=-1).mean()
    assert isclose(module.elbo(**given), 0.3 + log_x + log_y + log_z, rel_tol=1e-12)


def test_names_that_clash_get_an_underscore() -> None:
    module = derived("clashing_names").function()
    names = set(inspect.signature(module.elbo).parameters)
    assert names == {"sizes_", "np_", "lambda_", "q", "q_"}
    assert "lambda_ is `lambda`" in " ".join((module.__doc__ or "").split())


def test_refuted_factors_give_entropy_terms() -> None:
    module = derived("sbn_rigid").function()
    assert not hasattr(module, "entropy_sum") and not hasattr(module, "gap")
    assert "NOT the ELBO" in (module.entropy_terms.__doc__ or "")
    value = module.entropy_terms(pi=0.3, entropy_q=0.25)
    assert isclose(value, 0.25 - stats.bernoulli(0.3).entropy(), rel_tol=1e-12)


GMM = {
    "pi": np.array([0.25, 0.75]),
    "mu": np.zeros((2, 3)),
    "Sigma": np.stack([np.eye(3), 2 * np.eye(3)]),
    "q": np.array([[1.0, 0.0], [0.5, 0.5]]),
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("pi", [0.5, 0.6], "pi must sum to one"),
        ("pi", [-0.5, 1.5], "pi must be non-negative"),
        ("pi", [[0.5, 0.5]], r"pi must have shape \(C,\) = .*found \(1, 2\)"),
        ("pi", ["a", "b"], "pi must be an array of real numbers"),
        ("pi", [], "pi is empty"),
        ("mu", np.zeros((2, 4)), r"mu must have shape \(C, D\) = \(2, 3\), found \(2, 4\)"),
        ("mu", np.full((2, 3), np.nan), "mu must be finite"),
        ("Sigma", np.stack([np.eye(3), -np.eye(3)]), "Sigma must be positive definite"),
        ("Sigma", np.eye(3) + np.triu(np.ones((2, 3, 3)), 1), "Sigma must be symmetric"),
        ("Sigma", np.ones((2, 3)), r"Sigma must have shape \(C, D, D\)"),
        ("q", [[0.4, 0.4], [0.5, 0.5]], "q must sum to one"),
        ("q", [[1.5, -0.5], [0.5, 0.5]], "q must be non-negative"),
        ("q", [[1.0], [1.0]], r"q must have shape \(N, C\)"),
    ],
)
def test_wrong_arguments_are_named(name: str, value: object, words: str) -> None:
    module = derived("gmm_full").function()
    module.entropy_sum(**GMM)
    with pytest.raises(ValueError, match=words):
        module.entropy_sum(**{**GMM, name: value})


def test_data_and_scalars_leave_their_domains() -> None:
    poisson = derived("poisson_mixture").function()
    rate = np.ones((2, 1))
    with pytest.raises(ValueError, match="x must be a whole number"):
        poisson.entropy_sum(x=[[0.5]], pi=[0.5, 0.5], rate=rate, q=[[0.5, 0.5]])
    ppca = derived("ppca").function()
    with pytest.raises(ValueError, match="sigma2 must be positive, found -1"):
        ppca.entropy_sum(W=np.ones((3, 1)), sigma2=-1)
    with pytest.raises(ValueError, match=r"sigma2 must be a number"):
        ppca.entropy_sum(W=np.ones((3, 1)), sigma2=[1.0])
    pair = derived("two_categories").function()
    given = Arguments(derived("two_categories"), 1)
    with pytest.raises(ValueError, match="b must be a category in 1"):
        given.call(pair.entropy_sum, b=given["b"] - 1)
    with pytest.raises(ValueError, match="entropy_q must be finite"):
        given.call(pair.entropy_sum, entropy_q=float("nan"))


def test_one_trial_has_one_category() -> None:
    spec = {
        "name": "One trial",
        "sizes": ["K"],
        "parameters": {"p": "simplex[K]"},
        "model": ["x ~ Multinomial(1, p)"],
        "observed": "x",
    }
    module = symelbo.derive(spec).function()
    assert module.elbo(x=[[0.0, 1.0]], p=[0.25, 0.75]) == pytest.approx(np.log(0.75))
    for x, words in (([0.5, 0.5], "a whole number"), ([1, 1], "sum to 1"), ([0, 0], "sum to 1")):
        with pytest.raises(ValueError, match=f"x must (be )?{words}"):
            module.elbo(x=[x], p=[0.25, 0.75])


def test_the_entropy_of_an_abstract_family_is_asked_for_where_the_sum_has_a_closed_form() -> None:
    spec = {
        "name": "Abstract data",
        "parameters": {"theta": "real[2]", "w": "positive"},
        "families": {"F": {"abstract": True, "parameters": {"t": "real[2]"}}},
        "model": ["x ~ F(theta)", "y ~ Normal(0, w)"],
        "observed": ["x", "y"],
    }
    derivation = symelbo.derive(spec)
    assert derivation.entropy_sum is not None and derivation.entropy_sum.closed_form is not None
    found = derivation.function().entropy_sum(w=2.0, entropy_x=0.25)
    assert found == pytest.approx(-0.25 - np.log(2 * np.pi * np.e * 2.0) / 2)


# ---------------------------------------------------------------- chains


def _all_paths(states: int, steps: int) -> Floats:
    return np.array(np.meshgrid(*[np.arange(states)] * steps, indexing="ij")).reshape(steps, -1).T


@pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 2), (3, 1, 2, 2), (1, 2, 1, 3), (4, 3, 2, 2), (2, 4, 1, 3)]
)
def test_a_hidden_markov_model_by_all_its_paths(sizes: tuple[int, int, int, int]) -> None:
    """gamma and xi of the posterior, and of another Markov chain, against sums over paths"""
    n, steps, d, k = sizes
    rng = np.random.default_rng(sum(sizes))
    module = derived("hidden_markov").function()
    p, A = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), k)
    mu, v, x = rng.normal(size=(k, d)), rng.uniform(0.5, 2, (k, d)), rng.normal(size=(n, steps, d))
    paths = _all_paths(k, steps)
    prior = np.log(p)[paths[:, 0]] + np.log(A)[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    law = stats.norm(mu[paths], np.sqrt(v[paths]))
    joint = prior + law.logpdf(x[:, None]).sum(axis=(2, 3))
    given = {"p": p, "A": A, "mu": mu, "v": v}
    for q in (special.softmax(joint, axis=1), special.softmax(3 * prior + 0 * joint, axis=1)):
        one = paths[:, :, None] == np.arange(k)
        gamma = np.einsum("np,ptk->ntk", q, one)
        xi = np.einsum("np,pti,ptj->ntij", q, one[:, :-1], one[:, 1:])
        found = module.elbo(x=x, gamma=gamma, xi=xi, **given)
        wanted = (q * (joint - np.log(q))).sum(axis=1).mean()
        assert isclose(found, wanted, rel_tol=1e-11)
        total = module.entropy_sum(gamma=gamma, xi=xi, **given)
        assert isclose(found, total + module.gap(x=x, gamma=gamma, xi=xi, **given), rel_tol=1e-10)


def test_a_path_that_is_certain_has_zeros() -> None:
    """One-hot marginals, and probabilities that are 0 where nothing goes."""
    module = derived("hidden_markov").function()
    A = np.array([[0.0, 1.0], [1.0, 0.0]])
    gamma = np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    xi = gamma[:, :-1, :, None] * gamma[:, 1:, None, :]
    x = np.zeros((1, 3, 1))
    given = {"x": x, "p": [1.0, 0.0], "mu": np.zeros((2, 1)), "v": np.ones((2, 1))}
    found = module.elbo(A=A, gamma=gamma, xi=xi, **given)
    assert isclose(found, -1.5 * np.log(2 * np.pi))
    assert module.elbo(A=np.eye(2), gamma=gamma, xi=xi, **given) == -np.inf
    for name, wrong in (("gamma", gamma / 2), ("xi", xi / 2), ("xi", -xi)):
        with pytest.raises(ValueError, match=f"{name} must"):
            module.elbo(A=A, **{"gamma": gamma, "xi": xi, **given, name: wrong})


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (2, 1, 2, 2), (1, 2, 3, 1), (3, 4, 2, 3)])
def test_a_linear_dynamical_system_by_exact_smoothing(sizes: tuple[int, int, int, int]) -> None:
    """At the exact posterior F is the log-likelihood; away from it, F by the whole covariance."""
    n, steps, d, k = sizes
    rng = np.random.default_rng(sum(sizes))
    module = derived("linear_dynamical_system").function()
    A, C = rng.normal(size=(k, k)) / 2, rng.normal(size=(d, k))
    Q, R, x = rng.uniform(0.5, 2, k), rng.uniform(0.5, 2, d), rng.normal(size=(n, steps, d))
    lower = np.eye(steps * k)
    for t in range(1, steps):
        lower[t * k : (t + 1) * k, (t - 1) * k : t * k] = -A
    noise = np.concatenate([np.ones(k), np.tile(Q, steps - 1)])
    precision = lower.T @ np.diag(1 / noise) @ lower
    loadings = np.kron(np.eye(steps), C)
    whole = loadings @ np.linalg.inv(precision) @ loadings.T + np.diag(np.tile(R, steps))
    flat = x.reshape(n, -1)
    likelihood = np.mean(stats.multivariate_normal(np.zeros(steps * d), whole).logpdf(flat))
    given = {"A": A, "Q": Q, "C": C, "R": R}
    for scale in (1.0, 1.7):  # the exact posterior; all variances times a number
        joint = precision + loadings.T @ np.diag(1 / np.tile(R, steps)) @ loadings
        S = scale * np.linalg.inv(joint)
        mean = flat @ np.diag(1 / np.tile(R, steps)) @ loadings @ np.linalg.inv(joint)
        blocks = S.reshape(steps, k, steps, k)
        cov = np.stack([blocks[t, :, t] for t in range(steps)])
        lag = np.array([blocks[t, :, t - 1] for t in range(1, steps)]).reshape(steps - 1, k, k)
        q = {
            "mean_z": mean.reshape(n, steps, k),
            "cov_z": np.broadcast_to(cov, (n, *cov.shape)),
            "lag_cov_z": np.broadcast_to(lag, (n, *lag.shape)),
        }
        size = steps * k  # F - log p(x) = -KL
        divergence = (size * scale - size - size * np.log(scale)) / 2
        elbo = module.elbo(x=x, **given, **q)
        assert isclose(elbo, likelihood - divergence, rel_tol=1e-10)
        gap = module.gap(x=x, **given, **q)
        del q["mean_z"]
        total = module.entropy_sum(Q=Q, R=R, **q) + gap
        assert isclose(elbo, total, rel_tol=1e-10)
