"""Models over plates that start at 2 (or 3), against plain Python loops at T = 1..6."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import erf, exp, isclose, lgamma, log, log1p, pi, sqrt, tanh
from typing import Any

import numpy as np
import pytest
from chains import entropy_of_chain, marginals_of_paths

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.code.setting import Setting

Values = dict[str, Any]
LOG_2PI = log(2 * pi)


def normal(x: float, mean: float, variance: float) -> float:
    return -((x - mean) ** 2) / (2 * variance) - (LOG_2PI + log(variance)) / 2


def normal_entropy(variance: float) -> float:
    return (LOG_2PI + 1 + log(variance)) / 2


def bernoulli(x: float, logit: float) -> float:
    return x * logit - log1p(exp(logit))


def bernoulli_entropy(logit: float) -> float:
    return log1p(exp(logit)) - logit / (1 + exp(-logit))


def poisson(x: float, rate: float) -> float:
    return x * log(rate) - rate - lgamma(x + 1)


def mean_absolute(mean: float, variance: float) -> float:
    """E |z| for a normal z"""
    bell = sqrt(2 * variance / pi) * exp(-(mean**2) / (2 * variance))
    return bell + mean * erf(mean / sqrt(2 * variance))


def steps(given: Values, start: int = 2) -> range:
    """The places start..T, counted from 0."""
    return range(start - 1, given["T"])


@dataclass(frozen=True)
class Series:
    """A model with its ELBO and its entropy sum, each as a loop, and the field by hand."""

    spec: Values
    shapes: dict[str, tuple[str, tuple[str, ...]]]  # argument: domain, dims
    elbo: Callable[[Values, int], float]  # of one data point
    entropy_sum: Callable[[Values, int], float]  # likewise
    field: tuple[str, ...]  # the parameters that move by minus their value: variances, scales
    least: int = 1
    samples: bool = False

    @staticmethod
    def model(parameters: dict[str, str], *model: str, **more: object) -> Values:
        return {
            "name": "Series",
            "sizes": ["T"],
            "parameters": parameters,
            "model": list(model),
            "observed": ["x"],
            **more,
        }


POSITIVE, REAL = ("positive", ()), ("real", ())
ALL: dict[str, Series] = {}

# ---------------------------------------------------------------- observed series


def ar1(g: Values, n: int) -> float:
    x = g["x"][n]
    total = normal(x[0], 0, g["s0"])
    for t in steps(g):
        total += normal(x[t], g["w"] * x[t - 1] + g["b"], g["s2"])
    return total


def two_variances(g: Values, n: int) -> float:
    total = -normal_entropy(g["s0"])
    for _ in steps(g):
        total -= normal_entropy(g["s2"])
    return total


AR1 = {
    "x": ("real", ("N", "T")),
    "w": REAL,
    "b": REAL,
    "s0": POSITIVE,
    "s2": POSITIVE,
}
_AR1 = {"w": "real", "b": "real", "s0": "positive", "s2": "positive"}
ALL["ar1"] = Series(
    Series.model(_AR1, "x[1] ~ Normal(0, s0)", "x[t] ~ Normal(w*x[t-1] + b, s2) for t in 2:T"),
    AR1,
    ar1,
    two_variances,
    ("s0", "s2"),
)
ALL["ar1_shifted"] = Series(
    Series.model(_AR1, "x[1] ~ Normal(0, s0)", "x[t+1] ~ Normal(w*x[t] + b, s2) for t in 1:T-1"),
    AR1,
    ar1,
    two_variances,
    ("s0", "s2"),
)


def ar1_per_step(g: Values, n: int) -> float:
    x = g["x"][n]
    total = normal(x[0], 0, g["s0"])
    for t in steps(g):
        total += normal(x[t], g["w"][t - 1] * x[t - 1], g["s2"][t - 1])
    return total


ALL["ar1_per_step"] = Series(
    Series.model(
        {"w": "real[T-1]", "s0": "positive", "s2": "positive[T-1]"},
        "x[1] ~ Normal(0, s0)",
        "x[t] ~ Normal(w[t-1]*x[t-1], s2[t-1]) for t in 2:T",
    ),
    {
        "x": ("real", ("N", "T")),
        "w": ("real", ("T-1",)),
        "s0": POSITIVE,
        "s2": ("positive", ("T-1",)),
    },
    ar1_per_step,
    lambda g, n: -normal_entropy(g["s0"]) - sum(normal_entropy(g["s2"][t - 1]) for t in steps(g)),
    ("s0", "s2"),
)


def with_inputs(g: Values, n: int) -> float:
    x, u = g["x"][n], g["u"][n]
    total = normal(x[0], 0, g["s0"])
    for t in steps(g):
        mean = g["w"] * x[t - 1]
        for p in range(g["P"]):
            mean += g["v"][p] * u[t - 1][p] * u[t][p]
        total += normal(x[t], mean, g["s2"])
    return total


ALL["inputs"] = Series(
    Series.model(
        {"w": "real", "v": "real[P]", "s0": "positive", "s2": "positive"},
        "x[1] ~ Normal(0, s0)",
        "x[t] ~ Normal(w*x[t-1] + sum(v[p]*u[t-1,p]*u[t,p] for p in 1:P), s2) for t in 2:T",
        inputs={"u": "real[T,P]"},
        sizes=["T", "P"],
    ),
    {
        "x": ("real", ("N", "T")),
        "u": ("real", ("N", "T", "P")),
        "w": REAL,
        "v": ("real", ("P",)),
        "s0": POSITIVE,
        "s2": POSITIVE,
    },
    with_inputs,
    two_variances,
    ("s0", "s2"),
)


def second_order(g: Values, n: int) -> float:
    x = g["x"][n]
    total = normal(x[0], 0, g["s0"]) + normal(x[1], x[0], g["s0"])
    for t in steps(g, 3):
        total += normal(x[t], g["w"] * x[t - 1] + g["v"] * x[t - 2], g["s2"])
    return total


ALL["second_order"] = Series(
    Series.model(
        {"w": "real", "v": "real", "s0": "positive", "s2": "positive"},
        "x[1] ~ Normal(0, s0)",
        "x[2] ~ Normal(x[1], s0)",
        "x[t] ~ Normal(w*x[t-1] + v*x[t-2], s2) for t in 3:T",
    ),
    {"x": ("real", ("N", "T")), "w": REAL, "v": REAL, "s0": POSITIVE, "s2": POSITIVE},
    second_order,
    lambda g, n: -2 * normal_entropy(g["s0"]) - sum(normal_entropy(g["s2"]) for _ in steps(g, 3)),
    ("s0", "s2"),
    least=2,
)


def vector_ar(g: Values, n: int) -> float:
    x, total = g["x"][n], 0.0
    for d in range(g["D"]):
        total += normal(x[0][d], 0, g["s0"][d])
        for t in steps(g):
            mean = sum(g["A"][d][e] * x[t - 1][e] for e in range(g["D"]))
            total += normal(x[t][d], mean, g["s2"][d])
    return total


ALL["vector_ar"] = Series(
    Series.model(
        {"A": "real[D,D]", "s0": "positive[D]", "s2": "positive[D]"},
        "x[1,d] ~ Normal(0, s0[d]) for d in 1:D",
        "x[t,d] ~ Normal(sum(A[d,e]*x[t-1,e] for e in 1:D), s2[d]) for t in 2:T, d in 1:D",
        sizes=["T", "D"],
    ),
    {
        "x": ("real", ("N", "T", "D")),
        "A": ("real", ("D", "D")),
        "s0": ("positive", ("D",)),
        "s2": ("positive", ("D",)),
    },
    vector_ar,
    lambda g, n: (
        -sum(
            normal_entropy(g["s0"][d]) + sum(normal_entropy(g["s2"][d]) for _ in steps(g))
            for d in range(g["D"])
        )
    ),
    ("s0", "s2"),
)


def gaussian_walk(g: Values, n: int) -> float:
    x, total = g["x"][n], 0.0
    for t in range(g["T"]):
        S = g["S0"] if t == 0 else g["S"]
        residual = x[t] - (g["m"] if t == 0 else x[t - 1])
        total -= (residual @ np.linalg.inv(S) @ residual + log(np.linalg.det(2 * pi * S))) / 2
    return total


ALL["gaussian_walk"] = Series(  # the residual is a variable over t in 2:T and the entries
    Series.model(
        {"m": "real[D]", "S0": "posdef[D,D]", "S": "posdef[D,D]"},
        "x[1] ~ MvNormal(m, S0)",
        "x[t] ~ MvNormal(x[t-1], S) for t in 2:T",
        sizes=["T", "D"],
    ),
    {
        "x": ("real", ("N", "T", "D")),
        "m": ("real", ("D",)),
        "S0": ("posdef", ("D", "D")),
        "S": ("posdef", ("D", "D")),
    },
    gaussian_walk,
    lambda g, n: (
        -log(np.linalg.det(2 * pi * math.e * g["S0"])) / 2
        - sum(log(np.linalg.det(2 * pi * math.e * g["S"])) / 2 for _ in steps(g))
    ),
    ("S0", "S"),
)


def binary_logit(g: Values, n: int, t: int) -> float:
    logit = g["b"] + g["w"] * g["x"][n][t - 1]
    return float(logit + sum(g["v"][p] * g["u"][n][t - 1][p] for p in range(g["P"])))


ALL["binary"] = Series(  # the entropy depends on the data: the variable is an abbreviation
    Series.model(
        {"b": "real", "w": "real", "v": "real[P]"},
        "x[1] ~ Bernoulli(logit=b)",
        "x[t] ~ Bernoulli(logit=b + w*x[t-1] + sum(v[p]*u[t-1,p] for p in 1:P)) for t in 2:T",
        inputs={"u": "real[T,P]"},
        sizes=["T", "P"],
    ),
    {
        "x": ("binary", ("N", "T")),
        "u": ("real", ("N", "T", "P")),
        "b": REAL,
        "w": REAL,
        "v": ("real", ("P",)),
    },
    lambda g, n: (
        bernoulli(g["x"][n][0], g["b"])
        + sum(bernoulli(g["x"][n][t], binary_logit(g, n, t)) for t in steps(g))
    ),
    lambda g, n: (
        -bernoulli_entropy(g["b"]) - sum(bernoulli_entropy(binary_logit(g, n, t)) for t in steps(g))
    ),
    (),
)


def counts(g: Values, n: int) -> float:
    x = g["x"][n]
    total = poisson(x[0], exp(g["b"]))
    for t in steps(g):
        total += poisson(x[t], exp(g["b"] + g["w"] * g["u"][n][t] * tanh(x[t - 1])))
    return total


def counts_entropy(g: Values, n: int) -> float:
    x, total = g["x"][n], exp(g["b"]) * (g["b"] - 1) - lgamma(g["x"][n][0] + 1)
    for t in steps(g):
        a = g["b"] + g["w"] * g["u"][n][t] * tanh(x[t - 1])
        total += exp(a) * (a - 1) - lgamma(x[t] + 1)
    return total


ALL["counts"] = Series(
    Series.model(
        {"b": "real", "w": "real"},
        "x[1] ~ Poisson(log_rate=b)",
        "x[t] ~ Poisson(log_rate=b + w*u[t]*tanh(x[t-1])) for t in 2:T",
        inputs={"u": "real[T]"},
    ),
    {"x": ("naturals", ("N", "T")), "u": ("real", ("N", "T")), "b": REAL, "w": REAL},
    counts,
    counts_entropy,
    (),
)


def two_series(g: Values, n: int) -> float:
    x, y = g["x"][n], g["y"][n]
    total = normal(x[0], 0, g["s0"]) + normal(y[0], x[0], g["t2"])
    for t in steps(g):
        total += normal(x[t], g["w"] * x[t - 1], g["s0"])
        total += normal(y[t], x[t] - y[t - 1] + g["v"] * x[t - 1], g["t2"])
    return total


ALL["two_series"] = Series(
    Series.model(
        {"w": "real", "v": "real", "s0": "positive", "t2": "positive"},
        "x[1] ~ Normal(0, s0)",
        "y[1] ~ Normal(x[1], t2)",
        "x[t] ~ Normal(w*x[t-1], s0) for t in 2:T",
        "y[t] ~ Normal(x[t] - y[t-1] + v*x[t-1], t2) for t in 2:T",
        observed=["x", "y"],
    ),
    {
        "x": ("real", ("N", "T")),
        "y": ("real", ("N", "T")),
        "w": REAL,
        "v": REAL,
        "s0": POSITIVE,
        "t2": POSITIVE,
    },
    two_series,
    lambda g, n: -g["T"] * (normal_entropy(g["s0"]) + normal_entropy(g["t2"])),
    ("s0", "t2"),
)


def star(g: Values, n: int) -> float:
    x = g["x"][n]
    return normal(x[0], 0, g["s0"]) + sum(normal(x[t], g["w"] * x[0], g["s2"]) for t in steps(g))


ALL["star"] = Series(
    Series.model(
        {"w": "real", "s0": "positive", "s2": "positive"},
        "x[1] ~ Normal(0, s0)",
        "x[t] ~ Normal(w*x[1], s2) for t in 2:T",
    ),
    {"x": ("real", ("N", "T")), "w": REAL, "s0": POSITIVE, "s2": POSITIVE},
    star,
    two_variances,
    ("s0", "s2"),
)


def cross_lagged(g: Values, n: int) -> float:
    x, y = g["x"][n], g["y"][n]
    total = normal(x[0], 0, g["s0"]) + normal(y[0], 0, g["t0"])
    for t in steps(g):
        total += normal(x[t], g["w"] * x[t - 1] + g["v"] * y[t - 1], g["s2"])
        total += normal(y[t], g["a"] * y[t - 1] + g["b"] * x[t - 1], g["t2"])
    return total


ALL["cross_lagged"] = Series(
    Series.model(
        {**dict.fromkeys("wvab", "real"), **dict.fromkeys(["s0", "s2", "t0", "t2"], "positive")},
        "x[1] ~ Normal(0, s0)",
        "x[t] ~ Normal(w*x[t-1] + v*y[t-1], s2) for t in 2:T",
        "y[1] ~ Normal(0, t0)",
        "y[t] ~ Normal(a*y[t-1] + b*x[t-1], t2) for t in 2:T",
        observed=["x", "y"],
    ),
    {
        "x": ("real", ("N", "T")),
        "y": ("real", ("N", "T")),
        **dict.fromkeys("wvab", REAL),
        **dict.fromkeys(["s0", "s2", "t0", "t2"], POSITIVE),
    },
    cross_lagged,
    lambda g, n: two_variances(g, n) + two_variances({**g, "s0": g["t0"], "s2": g["t2"]}, n),
    ("s0", "s2", "t0", "t2"),
)


def full_normal(x: Any, mean: Any, covariance: Any) -> float:
    off = np.asarray(x) - mean
    root = np.linalg.slogdet(covariance)[1]
    return float(-(off @ np.linalg.solve(covariance, off) + root + len(off) * LOG_2PI) / 2)


def full_vector_ar(g: Values, n: int) -> float:
    x = g["x"][n]
    total = full_normal(x[0], g["m"], g["S0"])
    return total + sum(full_normal(x[t], g["A"] @ x[t - 1], g["S"]) for t in steps(g))


def full_entropy(covariance: Any) -> float:
    return float(np.linalg.slogdet(covariance)[1] + len(covariance) * (LOG_2PI + 1)) / 2


ALL["full_vector_ar"] = Series(  # the mean of x[t] is a quantity over t in 2:T of x itself
    Series.model(
        {"A": "real[D,D]", "m": "real[D]", "S0": "posdef[D,D]", "S": "posdef[D,D]"},
        "x[1] ~ MvNormal(m, S0)",
        "Ax[t,d] = sum(A[d,e]*x[t-1,e] for e in 1:D) for t in 2:T, d in 1:D",
        "x[t] ~ MvNormal(Ax[t], S) for t in 2:T",
        sizes=["T", "D"],
    ),
    {
        "x": ("real", ("N", "T", "D")),
        "A": ("real", ("D", "D")),
        "m": ("real", ("D",)),
        "S0": ("posdef", ("D", "D")),
        "S": ("posdef", ("D", "D")),
    },
    full_vector_ar,
    lambda g, n: -full_entropy(g["S0"]) - sum(full_entropy(g["S"]) for _ in steps(g)),
    ("S0", "S"),
)


def parted(g: Values, n: int) -> float:
    x, total = g["x"][n], 0.0
    for t in range(g["T"]):
        mean, variance = (g["w"], g["s0"]) if t == 0 else (g["w"] * g["u"][n][t - 1], g["s2"])
        total += normal(x[t], mean, variance)
    return total


ALL["parted"] = Series(  # quantities in parts, read over all of them
    Series.model(
        {"w": "real", "s0": "positive", "s2": "positive"},
        "m[1] = w",
        "m[t+1] = w*u[t] for t in 1:T-1",
        "s[t] = s2 for t in 2:T",
        "s[1] = s0",
        "x[t] ~ Normal(m[t], s[t]) for t in 1:T",
        inputs={"u": "real[T]"},
    ),
    {
        "x": ("real", ("N", "T")),
        "u": ("real", ("N", "T")),
        "w": REAL,
        "s0": POSITIVE,
        "s2": POSITIVE,
    },
    parted,
    two_variances,
    ("s0", "s2"),
)


def backward(g: Values, n: int) -> float:
    x = g["x"][n]
    total = normal(x[-1], 0, g["s0"])
    return total + sum(normal(x[t - 1], g["w"] * x[t], g["s2"]) for t in steps(g))


ALL["backward"] = Series(
    Series.model(
        {"w": "real", "s0": "positive", "s2": "positive"},
        "x[t] ~ Normal(w*x[t+1], s2) for t in 1:T-1",
        "x[T] ~ Normal(0, s0)",
    ),
    {"x": ("real", ("N", "T")), "w": REAL, "s0": POSITIVE, "s2": POSITIVE},
    backward,
    two_variances,
    ("s0", "s2"),
)


def bridge(g: Values, n: int) -> float:
    x = g["x"][n]
    total = normal(x[0], 0, g["s0"]) + normal(x[-1], x[0], g["s0"])
    return total + sum(normal(x[t], g["w"] * (x[t - 1] + x[-1]), g["s2"]) for t in steps(g)[:-1])


ALL["bridge"] = Series(
    Series.model(
        {"w": "real", "s0": "positive", "s2": "positive"},
        "x[1] ~ Normal(0, s0)",
        "x[t] ~ Normal(w*(x[t-1] + x[T]), s2) for t in 2:T-1",
        "x[T] ~ Normal(x[1], s0)",
    ),
    {"x": ("real", ("N", "T")), "w": REAL, "s0": POSITIVE, "s2": POSITIVE},
    bridge,
    lambda g, n: -2 * normal_entropy(g["s0"]) - sum(normal_entropy(g["s2"]) for _ in steps(g, 3)),
    ("s0", "s2"),
    least=2,
)

# ---------------------------------------------------------------- latent series


def walk(g: Values, x: Any, z: Any) -> float:
    """log p(x, z) of a random walk with noise"""
    total = normal(z[0], 0, g["s0"])
    for t in steps(g):
        total += normal(z[t], z[t - 1], g["s2"])
    for t in range(g["T"]):
        total += normal(x[t], z[t], g["t2"])
    return total


def averaged(
    joint: Callable[[Values, Any, Any], float],
) -> Callable[[Values, int], float]:
    """H[q] and the mean of log p(x, z) by the weights of the samples"""

    def elbo(g: Values, n: int) -> float:
        pairs = zip(g["weights"][n], g["z"], strict=True)
        return own_entropy(g, n) + sum(w * joint(g, g["x"][n], z) for w, z in pairs)

    return elbo


def own_entropy(g: Values, n: int) -> float:
    """H[q] of a data point, where it differs between these"""
    return float(g["entropy_q"][n] if np.ndim(g["entropy_q"]) else g["entropy_q"])


def walk_entropy(g: Values, n: int) -> float:
    return float(
        own_entropy(g, n)
        - normal_entropy(g["s0"])
        - sum(normal_entropy(g["s2"]) for _ in steps(g))
        - g["T"] * normal_entropy(g["t2"])
    )


_WALK = {"s0": "positive", "s2": "positive", "t2": "positive"}
WALK = {"x": ("real", ("N", "T")), "s0": POSITIVE, "s2": POSITIVE, "t2": POSITIVE}
SAMPLES = {"z": ("real", ("S", "T")), "entropy_q": REAL}
ALL["walk_any"] = Series(
    Series.model(
        _WALK,
        "z[1] ~ Normal(0, s0)",
        "z[t] ~ Normal(z[t-1], s2) for t in 2:T",
        "x[t] ~ Normal(z[t], t2) for t in 1:T",
    ),
    {**WALK, **SAMPLES},
    averaged(walk),
    walk_entropy,
    ("s0", "s2", "t2"),
    samples=True,
)


def curved_walk(g: Values, x: Any, z: Any) -> float:
    """Transitions that are not linear, and noise that starts at place 2."""
    total = normal(z[0], 0, g["s0"]) + normal(x[0], 0, g["t2"])
    for t in steps(g):
        total += normal(z[t], tanh(g["w"] * z[t - 1]) + z[t - 1] / 2, g["s2"])
        total += normal(x[t], g["w"] * z[t] * z[t - 1], g["t2"])
    return total


ALL["curved_walk_samples"] = Series(
    Series.model(
        {**_WALK, "w": "real"},
        "z[1] ~ Normal(0, s0)",
        "z[t] ~ Normal(tanh(w*z[t-1]) + z[t-1]/2, s2) for t in 2:T",
        "x[1] ~ Normal(0, t2)",
        "x[t] ~ Normal(w*z[t]*z[t-1], t2) for t in 2:T",
    ),
    {**WALK, **SAMPLES, "w": REAL},
    averaged(curved_walk),
    walk_entropy,
    ("s0", "s2", "t2"),
    samples=True,
)


def switching(g: Values, x: Any, z: Any) -> float:
    """A chain of categories: the data depend on the one before."""
    total = log(g["p"][z[0] - 1]) + normal(x[0], g["mu"][z[0] - 1], g["s2"][z[0] - 1])
    for t in steps(g):
        total += log(g["A"][z[t - 1] - 1][z[t] - 1])
        total += normal(x[t], g["mu"][z[t] - 1] + g["w"] * x[t - 1], g["s2"][z[t] - 1])
    return total


def switching_entropy(g: Values, n: int) -> float:
    total = own_entropy(g, n) + sum(p * log(p) for p in g["p"])
    for n, z in enumerate(g["z"]):
        weight = g["weights"].mean(axis=0)[n]
        total -= weight * normal_entropy(g["s2"][z[0] - 1])
        for t in steps(g):
            total += weight * sum(p * log(p) for p in g["A"][z[t - 1] - 1])
            total -= weight * normal_entropy(g["s2"][z[t] - 1])
    return float(total)


ALL["switching_any"] = Series(
    Series.model(
        {"p": "simplex[K]", "A": "simplex[K,K]", "mu": "real[K]", "s2": "positive[K]", "w": "real"},
        "z[1] ~ Categorical(p)",
        "z[t] ~ Categorical(A[z[t-1]]) for t in 2:T",
        "x[1] ~ Normal(mu[z[1]], s2[z[1]])",
        "x[t] ~ Normal(mu[z[t]] + w*x[t-1], s2[z[t]]) for t in 2:T",
        sizes=["K", "T"],
    ),
    {
        "x": ("real", ("N", "T")),
        "p": ("simplex", ("K",)),
        "A": ("simplex", ("K", "K")),
        "mu": ("real", ("K",)),
        "s2": ("positive", ("K",)),
        "w": REAL,
        "z": ("category", ("S", "T")),
        "entropy_q": REAL,
    },
    averaged(switching),
    switching_entropy,
    (),
    samples=True,
)


def declared(g: Values, n: int) -> tuple[Any, Any, float]:
    """Means, variances and entropy of the declared q"""
    nu, tau2 = g["nu"][n], g["tau2"][n]
    return nu, tau2, sum(normal_entropy(v) for v in tau2)


def walk_declared(g: Values, n: int) -> float:
    nu, tau2, total = declared(g, n)
    x = g["x"][n]
    total += normal(nu[0], 0, g["s0"]) - tau2[0] / (2 * g["s0"])
    for t in steps(g):
        total += normal(nu[t], g["a"] * nu[t - 1] + g["b"] * g["u"][n][t - 1], g["s2"])
        total -= (tau2[t] + g["a"] ** 2 * tau2[t - 1]) / (2 * g["s2"])
    for t in range(g["T"]):
        total += normal(x[t], nu[t], g["t2"]) - tau2[t] / (2 * g["t2"])
    return total


_Q = ["z[t] ~ Normal(nu[t], tau2[t]) for t in 1:T"]
DECLARED = {"nu": ("real", ("N", "T")), "tau2": ("positive", ("N", "T"))}
ALL["walk_declared"] = Series(
    Series.model(
        {**_WALK, "a": "real", "b": "real"},
        "z[1] ~ Normal(0, s0)",
        "z[t] ~ Normal(a*z[t-1] + b*u[t-1], s2) for t in 2:T",
        "x[t] ~ Normal(z[t], t2) for t in 1:T",
        inputs={"u": "real[T]"},
        variational=_Q,
    ),
    {**WALK, **DECLARED, "u": ("real", ("N", "T")), "a": REAL, "b": REAL},
    walk_declared,
    lambda g, n: walk_entropy({**g, "entropy_q": declared(g, n)[2]}, n),
    ("s0", "s2", "t2"),
)


def jumps_declared(g: Values, n: int) -> float:
    nu, tau2, total = declared(g, n)
    total += normal(nu[0], 0, g["s0"]) - tau2[0] / (2 * g["s0"])
    for t in steps(g):
        mean, variance = nu[t] - g["a"] * nu[t - 1], tau2[t] + g["a"] ** 2 * tau2[t - 1]
        total -= log(2 * g["b"]) + mean_absolute(mean, variance) / g["b"]
    for t in range(g["T"]):
        total += normal(g["x"][n][t], nu[t], g["t2"]) - tau2[t] / (2 * g["t2"])
    return total


ALL["jumps_declared"] = Series(  # |z[t] - z[t-1]| has a mean under q, by a variable over t in 2:T
    Series.model(
        {"s0": "positive", "b": "positive", "t2": "positive", "a": "real"},
        "z[1] ~ Normal(0, s0)",
        "z[t] ~ Laplace(a*z[t-1], b) for t in 2:T",
        "x[t] ~ Normal(z[t], t2) for t in 1:T",
        variational=_Q,
    ),
    {
        "x": ("real", ("N", "T")),
        "s0": POSITIVE,
        "b": POSITIVE,
        "t2": POSITIVE,
        "a": REAL,
        **DECLARED,
    },
    jumps_declared,
    lambda g, n: (
        declared(g, n)[2]
        - normal_entropy(g["s0"])
        - sum(1 + log(2 * g["b"]) for _ in steps(g))
        - g["T"] * normal_entropy(g["t2"])
    ),
    ("s0", "b", "t2"),
)


def filtered(g: Values, n: int) -> float:
    """log p(x) by the Kalman filter: with the exact posterior this is the ELBO."""
    mean, variance, total = 0.0, g["s0"], 0.0
    for t in range(g["T"]):
        if t:
            mean, variance = g["a"] * mean, g["a"] ** 2 * variance + g["s2"]
        x = g["x"][n][t]
        total += normal(x, mean, variance + g["t2"])
        gain = variance / (variance + g["t2"])
        mean, variance = mean + gain * (x - mean), (1 - gain) * variance
    return total


def posterior_entropy(g: Values) -> float:
    precision = np.eye(g["T"]) / g["t2"]
    precision[0, 0] += 1 / g["s0"]
    for t in steps(g):
        step = np.zeros(g["T"])
        step[t], step[t - 1] = 1, -g["a"]
        precision += np.outer(step, step) / g["s2"]
    return float(g["T"] * (LOG_2PI + 1) - log(np.linalg.det(precision))) / 2


ALL["walk_exact"] = Series(
    Series.model(
        {**_WALK, "a": "real"},
        "z[1] ~ Normal(0, s0)",
        "z[t] ~ Normal(a*z[t-1], s2) for t in 2:T",
        "x[t] ~ Normal(z[t], t2) for t in 1:T",
        variational="exact",
    ),
    {**WALK, "a": REAL},
    filtered,
    lambda g, n: walk_entropy({**g, "entropy_q": posterior_entropy(g)}, n),
    (),  # in the loop q follows the parameters, in the gap it does not
)


def smoothed(g: Values, n: int) -> float:
    """log p(x) of the chain that begins at the last place."""
    return filtered({**g, "x": {n: g["x"][n][::-1]}}, n)


ALL["backward_exact"] = Series(
    Series.model(
        {**_WALK, "a": "real"},
        "z[T] ~ Normal(0, s0)",
        "z[t] ~ Normal(a*z[t+1], s2) for t in 1:T-1",
        "x[t] ~ Normal(z[t], t2) for t in 1:T",
        variational="exact",
    ),
    {**WALK, "a": REAL},
    smoothed,
    lambda g, n: walk_entropy({**g, "entropy_q": posterior_entropy(g)}, n),
    (),
)

# ---------------------------------------------------------------- the tests


@cache
def derived(name: str) -> Derivation:
    return symelbo.derive(ALL[name].spec)


def draw(rng: np.random.Generator, domain: str, shape: tuple[int, ...], upper: int) -> Any:
    match domain:
        case "positive":
            return rng.uniform(0.3, 2.5, shape)
        case "simplex":
            parts = rng.uniform(0.2, 1, shape)
            return parts / parts.sum(-1, keepdims=True)
        case "posdef":
            root = rng.normal(size=shape)
            return root @ root.T + np.eye(len(root)) / 2
        case "binary":
            return rng.integers(0, 2, shape)
        case "naturals":
            return rng.integers(0, 5, shape)
        case "category":
            return rng.integers(1, upper + 1, shape)
    return rng.normal(size=shape)


def arguments(series: Series, length: int, seed: int, setting: Setting | None = None) -> Values:
    rng = np.random.default_rng([length, seed])
    sizes = {"T": length, "P": 2, "D": 2, "K": 3, "N": 3, "S": 4}
    given: Values = dict(sizes)
    for name, (domain, dims) in series.shapes.items():
        shape = tuple(length - 1 if dim == "T-1" else sizes[dim] for dim in dims)
        given[name] = draw(rng, domain, shape, sizes["K"])
    weights = rng.uniform(size=(sizes["N"], sizes["S"]))
    given["weights"] = weights / weights.sum(axis=1, keepdims=True)
    if setting is not None and setting.chain is not None:
        given |= marginals_of_paths(setting, given["z"], given["weights"], sizes["K"])
        given["entropy_q"] = entropy_of_chain(setting, given)
    return given


def call(function: Any, given: Values) -> float:
    names = inspect.signature(function).parameters
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return float(function(**{name: given[name] for name in names if name in given}))


def cases() -> list[tuple[str, int]]:
    return [(name, t) for name, series in ALL.items() for t in range(series.least, 7)]


def mean(loop: Callable[[Values, int], float], given: Values) -> float:
    return sum(loop(given, n) for n in range(given["N"])) / given["N"]


def test_every_model_is_proved() -> None:
    assert {derived(name).verdict for name in ALL} == {"proved"}


@pytest.mark.parametrize(("name", "length"), cases())
def test_elbo_and_entropy_sum_are_the_loops(name: str, length: int) -> None:
    series, module = ALL[name], derived(name).function()
    for seed in range(3):
        given = arguments(series, length, seed, Setting(derived(name)))
        elbo, total = call(module.elbo, given), call(module.entropy_sum, given)
        assert isclose(elbo, mean(series.elbo, given), rel_tol=1e-11, abs_tol=1e-11)
        assert isclose(total, mean(series.entropy_sum, given), rel_tol=1e-11, abs_tol=1e-11)
        assert isclose(elbo, total + call(module.gap, given), rel_tol=1e-11, abs_tol=1e-11)


@pytest.mark.parametrize(("name", "length"), [c for c in cases() if ALL[c[0]].field])
def test_gap_is_the_slope_of_the_loop(name: str, length: int) -> None:
    """Along the field by hand: variances and scales move by minus their value."""
    series, module, step = ALL[name], derived(name).function(), 1e-5
    given = arguments(series, length, 7, Setting(derived(name)))
    ahead, behind = (
        {**given, **{n: given[n] * (1 + sign * step) for n in series.field}} for sign in (-1, 1)
    )
    slope = (mean(series.elbo, ahead) - mean(series.elbo, behind)) / (2 * step)
    assert isclose(slope, call(module.gap, given), rel_tol=1e-7, abs_tol=1e-7)


@pytest.mark.parametrize("name", [n for n in ALL if "profiled_scales" in derived(n).python()])
@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_sum_is_the_elbo_at_profiled_scales(name: str, length: int) -> None:
    """A scale of an empty range is undetermined: that is refused, not warned of."""
    series, module = ALL[name], derived(name).function()
    if length < series.least:
        return
    given = arguments(series, length, 3, Setting(derived(name)))
    names = inspect.signature(module.profiled_scales).parameters
    chosen = {n: given[n] for n in names if n in given}
    if length == 1 or (length == 2 and series.least == 2):
        with warnings.catch_warnings(), pytest.raises(ValueError, match="undetermined"):
            warnings.simplefilter("error")
            module.profiled_scales(**chosen)
        return
    given |= module.profiled_scales(**chosen)
    assert isclose(call(module.elbo, given), call(module.entropy_sum, given), rel_tol=1e-10)
    assert abs(call(module.gap, given)) < 1e-10


# ---------------------------------------------------------------- places outside the sizes


def outside(*model: str, **more: object) -> Any:
    spec = Series.model({"w": "real", "s2": "positive"}, *model, **more)
    return symelbo.derive(spec).function()


@pytest.mark.parametrize(
    ("place", "least"), [("z[2]", 2), ("z[T-1]", 2), ("z[T-2]", 3), ("z[3]", 3)]
)
def test_a_place_outside_the_sizes_is_refused(place: str, least: int) -> None:
    module = outside("z[t] ~ Normal(0, s2) for t in 1:T", f"x ~ Normal(w*{place}, s2)")
    place = place.replace("[", r"\[").replace("]", r"\]")
    for length in range(1, 5):
        given = {"T": length, "w": 0.5, "s2": 1.5, "entropy_q": 0.1, "x": np.ones(2)}
        given["z"] = np.random.default_rng(0).normal(size=(3, length))
        for function in (module.entropy_sum, module.elbo, module.gap):
            names = inspect.signature(function).parameters
            chosen = {n: given[n] for n in names if n in given}
            if length >= least:
                function(**chosen)
                continue
            with pytest.raises(ValueError, match=f"T must be at least {least}.*{place}"):
                function(**chosen)


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    module = derived("second_order").function()
    given = arguments(ALL["second_order"], 1, 0)
    for function in (module.elbo, module.gap):
        with pytest.raises(ValueError, match="T must be at least 2"):
            call(function, given)
    with pytest.raises(ValueError, match="T must be at least 2"):
        module.entropy_sum(s0=1.0, s2=1.0, T=1)


def test_only_a_range_may_be_empty() -> None:
    module = derived("ar1_per_step").function()
    given = arguments(ALL["ar1_per_step"], 1, 0)
    call(module.elbo, given)
    with pytest.raises(ValueError, match="x is empty"):
        module.elbo(**{**{n: given[n] for n in ("w", "s0", "s2")}, "x": np.ones((0, 1))})


def test_a_stack_of_no_matrices() -> None:
    """posdef[T-1, D, D] at T = 1"""
    model = {"m": "real[D]", "S0": "posdef[D,D]", "S": "posdef[T-1,D,D]"}
    steps = ("x[1] ~ MvNormal(m, S0)", "x[t] ~ MvNormal(x[t-1], S[t-1]) for t in 2:T")
    module = symelbo.derive(Series.model(model, *steps, sizes=["T", "D"])).function()
    rng = np.random.default_rng(2)
    for length in range(1, 5):
        x, m = rng.normal(size=(3, length, 2)), rng.normal(size=2)
        S = np.stack([(t + 1) * np.eye(2) + t / 2 for t in range(length)])
        expected = 0.0
        for n in range(3):
            for t in range(length):
                residual = x[n, t] - (x[n, t - 1] if t else m)
                quadratic = residual @ np.linalg.inv(S[t]) @ residual
                expected -= (quadratic + log(np.linalg.det(2 * pi * S[t]))) / 6
        given = {"x": x, "m": m, "S0": S[0], "S": S[1:]}
        assert isclose(call(module.elbo, given), expected, rel_tol=1e-12)
        total = call(module.entropy_sum, given) + call(module.gap, given)
        assert isclose(total, expected, rel_tol=1e-12)
