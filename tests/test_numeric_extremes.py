"""Every family, parameterization and usual link at extreme numbers, against mpmath.

The references are the formulas of the literature, in 400 digits; nothing of symelbo is in them.
A function gives the number or raises ValueError; warnings are errors here.
"""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
from chains import marginals_of_paths
from mpmath import mp, mpf

import symelbo
from symelbo.code.setting import Setting

DIGITS = 400
Numbers = dict[str, Any]
Formula = Callable[..., mpf]

TINY, SMALL, LARGE, HUGE = 1e-300, 1e-8, 1e8, 1e300
POSITIVE = [TINY, SMALL, 0.3, 1.0, 2.5, LARGE, HUGE]
UNIT = [TINY, 1e-16, SMALL, 0.3, 0.5, 1 - SMALL, 1 - 2.0**-53]
REAL = [0.0, TINY, -SMALL, 1.0, -3.5, LARGE, -HUGE]
LOGITS = [0.0, 1e-300, -1e-8, 1.0, -1.0, 36.0, -36.0, 37.0, -40.0, 700.0, 1e3, -1e3, 1e300, -1e300]
LOGS = [-690.0, -20.0, -1e-8, 0.0, 1.0, 18.0, 690.0]  # of positive numbers


# ---------------------------------------------------------------- formulas of the literature


def sigmoid(a: mpf) -> mpf:
    return 1 / (1 + mp.exp(-a)) if a >= 0 else mp.exp(a) / (1 + mp.exp(a))


def softplus(a: mpf) -> mpf:
    return mp.log1p(mp.exp(-abs(a))) + max(a, mpf(0))


def plogp(p: mpf) -> mpf:
    return p * mp.log(p) if p else mpf(0)


def log_factorial(x: mpf) -> mpf:
    return mp.loggamma(x + 1)


def log_choose(n: mpf, x: mpf) -> mpf:
    return log_factorial(n) - log_factorial(x) - log_factorial(n - x)


def bernoulli(x: mpf, p: mpf) -> mpf:
    return mp.log(p) if x else mp.log(1 - p)


def binary_entropy(p: mpf) -> mpf:
    return -plogp(p) - plogp(1 - p)


def logit_density(x: mpf, a: mpf) -> mpf:
    return -softplus(-a if x else a)


def logit_entropy(a: mpf) -> mpf:
    """of a Bernoulli value with log-odds a: p log(1/p) + (1 - p) log(1/(1 - p))"""
    return sigmoid(a) * softplus(-a) + sigmoid(-a) * softplus(a)


def normal(x: mpf, m: mpf, s2: mpf) -> mpf:
    return -((x - m) ** 2) / (2 * s2) - mp.log(2 * mp.pi * s2) / 2


def gamma_density(x: mpf, a: mpf, b: mpf) -> mpf:
    return a * mp.log(b) - mp.loggamma(a) + (a - 1) * mp.log(x) - b * x


def gamma_entropy(a: mpf, b: mpf) -> mpf:
    return a - mp.log(b) + mp.loggamma(a) + (1 - a) * mp.digamma(a)


def beta_density(x: mpf, a: mpf, b: mpf) -> mpf:
    norm = mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
    return norm + (a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x)


def beta_entropy(a: mpf, b: mpf) -> mpf:
    norm = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    digammas = (a - 1) * mp.digamma(a) + (b - 1) * mp.digamma(b) - (a + b - 2) * mp.digamma(a + b)
    return norm - digammas


def inverse_gamma_density(x: mpf, a: mpf, b: mpf) -> mpf:
    return a * mp.log(b) - mp.loggamma(a) - (a + 1) * mp.log(x) - b / x


def inverse_gamma_entropy(a: mpf, b: mpf) -> mpf:
    return a + mp.log(b) + mp.loggamma(a) - (1 + a) * mp.digamma(a)


def log_bessel(k: mpf) -> tuple[mpf, mpf]:
    """log I0(k) and I1(k)/I0(k)"""
    if k < 2000:
        return mp.log(mp.besseli(0, k)), mp.besseli(1, k) / mp.besseli(0, k)
    sums = []
    for order in (0, 1):  # DLMF 10.40.1
        term, total = mpf(1), mpf(1)
        for n in range(1, 200):
            term *= -(4 * mpf(order) ** 2 - (2 * n - 1) ** 2) / (n * 8 * k)
            total += term
        sums.append(total)
    return k - mp.log(2 * mp.pi * k) / 2 + mp.log(sums[0]), sums[1] / sums[0]


def von_mises_density(x: mpf, m: mpf, k: mpf) -> mpf:
    return k * mp.cos(x - m) - mp.log(2 * mp.pi) - log_bessel(k)[0]


def von_mises_entropy(k: mpf) -> mpf:
    log_i0, ratio = log_bessel(k)
    return mp.log(2 * mp.pi) + log_i0 - k * ratio


def dirichlet_density(x: list[mpf], a: list[mpf]) -> mpf:
    norm = mp.loggamma(mp.fsum(a)) - mp.fsum(map(mp.loggamma, a))
    return norm + mp.fsum((p - 1) * mp.log(v) for p, v in zip(a, x, strict=True))


def dirichlet_entropy(a: list[mpf]) -> mpf:
    total = mp.fsum(a)
    norm = mp.fsum(map(mp.loggamma, a)) - mp.loggamma(total)
    return norm + (total - len(a)) * mp.digamma(total) - mp.fsum((p - 1) * mp.digamma(p) for p in a)


def multigamma(n: mpf, rows: int) -> mpf:
    """log of the multivariate gamma function at n/2"""
    parts = [mp.loggamma((n + 1 - j) / 2) for j in range(1, rows + 1)]
    return rows * (rows - 1) * mp.log(mp.pi) / 4 + mp.fsum(parts)


def wishart_entropy(n: mpf, V: mp.matrix) -> mpf:
    rows = V.rows
    digammas = mp.fsum(mp.digamma((n + 1 - j) / 2) for j in range(1, rows + 1))
    log_det = mp.log(mp.det(V))
    return (
        (rows + 1) * (log_det + rows * mp.log(2)) / 2
        + multigamma(n, rows)
        - (n - rows - 1) * digammas / 2
        + n * rows / 2
    )


def wishart_density(X: mp.matrix, n: mpf, V: mp.matrix) -> mpf:
    rows = V.rows
    product = mp.inverse(V) * X
    trace = mp.fsum(product[i, i] for i in range(rows))
    logs = (n - rows - 1) * mp.log(mp.det(X)) - n * mp.log(mp.det(V)) - n * rows * mp.log(2)
    return (logs - trace) / 2 - multigamma(n, rows)


def mv_normal(x: list[mpf], m: list[mpf], S: mp.matrix) -> mpf:
    r = mp.matrix([a - b for a, b in zip(x, m, strict=True)])
    return -(r.T * mp.inverse(S) * r)[0] / 2 - mp.log(mp.det(2 * mp.pi * S)) / 2


def log_softmax(a: list[mpf]) -> list[mpf]:
    top = max(a)
    total = top + mp.log(mp.fsum(mp.exp(v - top) for v in a))
    return [v - total for v in a]


def multinomial_base(n: mpf, x: list[mpf]) -> mpf:
    return log_factorial(n) - mp.fsum(map(log_factorial, x))


def weighted_log(x: mpf, p: mpf) -> mpf:
    if not x:
        return mpf(0)
    return x * mp.log(p) if p else mpf("-inf")


# ---------------------------------------------------------------- the cases


@dataclass(frozen=True)
class Case:
    """A model x ~ family: the values to try, and the two numbers as formulas.

    density: log p(x); total: the entropy sum, i.e. minus the entropy, or minus the pseudo-entropy
    plus the logarithm of the base measure.  Both take the arguments by name.
    """

    family: str
    types: Mapping[str, str]
    grid: Mapping[str, list[Any]]
    density: Formula
    total: Formula
    constants: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[str, ...] = ()
    value: str = "x"
    beyond: Callable[..., bool] = lambda **_: False  # where ValueError is the honest answer
    floor: int = 0  # 64 last places of 1, where logarithms or parts of the size of 1 cancel
    base: Formula = lambda **_: mpf(0)  # log of the base measure, averaged apart in the sum

    @property
    def spec(self) -> Numbers:
        spec: Numbers = {
            "name": "Extremes",
            "parameters": dict(self.types),
            "model": [f"{self.value} ~ {self.family}"],
            "observed": [self.value],
        }
        if self.sizes:
            spec["sizes"] = list(self.sizes)
        if self.constants:
            spec["constants"] = dict(self.constants)
        return spec


CASES: dict[str, Case] = {}
BITS = [0, 1]
CASES["bernoulli"] = Case(
    "Bernoulli(p)",
    {"p": "unit"},
    {"p": UNIT, "x": BITS},
    lambda x, p: bernoulli(x, p),
    lambda x, p: -binary_entropy(p),
)
for _name, _family, _scale in (
    ("bernoulli_logit", "Bernoulli(logit=a)", 1),
    ("bernoulli_sigmoid", "Bernoulli(sigmoid(a))", 1),
    ("bernoulli_tanh", "Bernoulli((1 + tanh(a))/2)", 2),
):
    CASES[_name] = Case(
        _family,
        {"a": "real"},
        {"a": LOGITS if _scale == 1 else [a for a in LOGITS if abs(a) < 50], "x": BITS},
        lambda x, a, _k=_scale: logit_density(x, _k * a),
        lambda x, a, _k=_scale: -logit_entropy(_k * a),
        floor=int(_scale == 2),
    )
TRIALS = [(1, 0), (1, 1), (5, 2), (100_000_000, 0), (100_000_000, 30_000_100)]
TRIALS += [(100_000_000, 100_000_000), (10**12, 3), (10**12, 5 * 10**11)]
CASES["binomial"] = Case(
    "Binomial(n, p)",
    {"p": "unit"},
    {"p": UNIT, "n,x": TRIALS},
    lambda x, n, p: log_choose(n, x) + x * mp.log(p) + (n - x) * mp.log(1 - p),
    lambda x, n, p: log_choose(n, x) - n * binary_entropy(p),
    sizes=("n",),
    base=lambda x, n, p: log_choose(n, x),
    floor=1,
)
for _name, _family in (
    ("binomial_logit", "Binomial(n, logit=a)"),
    ("binomial_sigmoid", "Binomial(n, sigmoid(a))"),
):
    CASES[_name] = Case(
        _family,
        {"a": "real"},
        {"a": [a for a in LOGITS if abs(a) < HUGE], "n,x": TRIALS},
        lambda x, n, a: log_choose(n, x) - x * softplus(-a) - (n - x) * softplus(a),
        lambda x, n, a: log_choose(n, x) - n * logit_entropy(a),
        sizes=("n",),
        base=lambda x, n, a: log_choose(n, x),
        floor=1,
    )
COUNTS = [0, 1, 5, 10**8, 10**15]
CASES["geometric"] = Case(
    "Geometric(p)",
    {"p": "unit"},
    {"p": UNIT, "x": COUNTS},
    lambda x, p: mp.log(p) + x * mp.log(1 - p),
    lambda x, p: -binary_entropy(p) / p,
)
CASES["geometric_sigmoid"] = Case(
    "Geometric(sigmoid(a))",
    {"a": "real"},
    {"a": [a for a in LOGITS if abs(a) < HUGE], "x": COUNTS},
    lambda x, a: -softplus(-a) - x * softplus(a),
    lambda x, a: -softplus(-a) - softplus(a) * mp.exp(-a),
    floor=1,
)


def negative_binomial_base(x: mpf, r: mpf) -> mpf:
    return mp.loggamma(x + r) - mp.loggamma(r) - log_factorial(x)


CASES["negative_binomial"] = Case(
    "NegativeBinomial(r, p)",
    {"p": "unit"},
    {"p": UNIT, "r": [TINY, SMALL, 1.0, 2.5, LARGE, 1e12], "x": COUNTS},
    lambda x, r, p: negative_binomial_base(x, r) + r * mp.log(p) + x * mp.log(1 - p),
    lambda x, r, p: negative_binomial_base(x, r) - r * binary_entropy(p) / p,
    constants={"r": "positive"},
    beyond=lambda x, r, p: r / mpf(p) > 1e308,  # the mean is no float
    floor=1,
)
CASES["negative_binomial_sigmoid"] = Case(
    "NegativeBinomial(r, sigmoid(a))",
    {"a": "real"},
    {"a": [a for a in LOGITS if abs(a) < HUGE], "r": [TINY, 1.0, LARGE], "x": COUNTS},
    lambda x, r, a: negative_binomial_base(x, r) - r * softplus(-a) - x * softplus(a),
    lambda x, r, a: negative_binomial_base(x, r) - r * (softplus(-a) + softplus(a) * mp.exp(-a)),
    constants={"r": "positive"},
    floor=1,
)
MANY = [0, 1, 5, 10**8, 10**8 + 10**4, 10**12]
CASES["poisson"] = Case(
    "Poisson(l)",
    {"l": "positive"},
    {"l": [*POSITIVE, 1e12], "x": MANY},
    lambda x, l: x * mp.log(l) - l - log_factorial(x),
    lambda x, l: l * (mp.log(l) - 1) - log_factorial(x),
)
for _name, _family in (("poisson_log", "Poisson(log_rate=a)"), ("poisson_exp", "Poisson(exp(a))")):
    CASES[_name] = Case(
        _family,
        {"a": "real"},
        {"a": [*LOGS, -1e3, -1e300, float(np.log(1e12))], "x": MANY},
        lambda x, a: x * a - mp.exp(a) - log_factorial(x),
        lambda x, a: mp.exp(a) * (a - 1) - log_factorial(x),
        beyond=lambda x, a: a > -HUGE and x * abs(a) > HUGE,
        floor=1,
    )
SIMPLEX = [
    [0.25, 0.25, 0.5],
    [0.0, 0.25, 0.75],
    [1.0, 0.0, 0.0],
    [TINY, 1e-16, 1.0],
    [0.5, 0.5, TINY],
]
CASES["categorical"] = Case(
    "Categorical(p)",
    {"p": "simplex[K]"},
    {"p": SIMPLEX, "x": [1, 2, 3]},
    lambda x, p: weighted_log(mpf(1), p[int(x) - 1]),
    lambda x, p: mp.fsum(map(plogp, p)),
    sizes=("K",),
)
SOFT = [
    [0.0, 0.0, 0.0],
    [1e3, 1e3, -1e3],
    [1e3, 0.0, -40.0],
    [0.0, -40.0, -50.0],
    [1e10, 1e10, 1e10],
    [HUGE, -HUGE, HUGE],
    [TINY, 700.0, 710.0],
]
CASES["categorical_logits"] = Case(
    "Categorical(logits=a)",
    {"a": "real[K]"},
    {"a": SOFT, "x": [1, 2, 3]},
    lambda x, a: log_softmax(a)[int(x) - 1],
    lambda x, a: mp.fsum(mp.exp(v) * v for v in log_softmax(a)),
    sizes=("K",),
    floor=1,
)
SPLITS = [(1, [0, 0, 1]), (6, [1, 2, 3]), (10**8, [25_000_000, 25_001_000, 49_999_000])]
SPLITS += [(10**8, [0, 0, 10**8]), (10**8, [1, 10**8 - 1, 0]), (5, [5, 0, 0])]
CASES["multinomial"] = Case(
    "Multinomial(n, p)",
    {"p": "simplex[K]"},
    {"p": SIMPLEX, "n,x": SPLITS},
    lambda x, n, p: multinomial_base(n, x) + sum(map(weighted_log, x, p)),
    lambda x, n, p: multinomial_base(n, x) + n * mp.fsum(map(plogp, p)),
    sizes=("n", "K"),
)


def squares_overflow(x: float, m: float, s: float) -> bool:
    """Only where the squared standardized residual is no float."""
    return (mpf(x) - mpf(m)) ** 2 / mpf(s) > mpf(10) ** 307


for _name, _family, _variance in (
    ("normal", "Normal(m, s)", lambda s: s),
    ("normal_precision", "Normal(m, precision=s)", lambda s: 1 / s),
    ("normal_deviation", "Normal(m, s**2)", lambda s: s**2),
):
    CASES[_name] = Case(
        _family,
        {"m": "real", "s": "positive"},
        {"m": REAL, "s": POSITIVE, "x": REAL},
        lambda x, m, s, _v=_variance: normal(x, m, _v(s)),
        lambda x, m, s, _v=_variance: -mp.log(2 * mp.pi * mp.e * _v(s)) / 2,
    )
CASES["normal_product"] = Case(
    "Normal(0, s*t)",
    {"s": "positive", "t": "positive"},
    {"s": POSITIVE, "t": POSITIVE, "x": REAL},
    lambda x, s, t: normal(x, mpf(0), s * t),
    lambda x, s, t: -mp.log(2 * mp.pi * mp.e * s * t) / 2,
)
CASES["normal_log"] = Case(
    "Normal(m, exp(s))",
    {"m": "real", "s": "real"},
    {"m": REAL, "s": [*LOGS, -1e3, 1e3], "x": REAL},
    lambda x, m, s: normal(x, m, mp.exp(s)),
    lambda x, m, s: -(mp.log(2 * mp.pi * mp.e) + s) / 2,
)
CASES["log_normal"] = Case(
    "LogNormal(m, s)",
    {"m": "real", "s": "positive"},
    {"m": REAL, "s": POSITIVE, "x": POSITIVE},
    lambda x, m, s: normal(mp.log(x), m, s) - mp.log(x),
    lambda x, m, s: -m - mp.log(2 * mp.pi * mp.e * s) / 2,
)
CASES["half_normal"] = Case(
    "HalfNormal(s)",
    {"s": "positive"},
    {"s": POSITIVE, "x": POSITIVE},
    lambda x, s: mp.log(2) + normal(x, mpf(0), s),
    lambda x, s: -mp.log(mp.pi * mp.e * s / 2) / 2,
)
CASES["rayleigh"] = Case(
    "Rayleigh(s)",
    {"s": "positive"},
    {"s": POSITIVE, "x": POSITIVE},
    lambda x, s: mp.log(x) - mp.log(s) - x**2 / (2 * s),
    lambda x, s: mp.log(x) - mp.log(s) - 1,
)
CASES["laplace"] = Case(
    "Laplace(m, s)",
    {"s": "positive"},
    {"m": REAL, "s": POSITIVE, "x": REAL},
    lambda x, m, s: -mp.log(2 * s) - abs(x - m) / s,
    lambda x, m, s: -mp.log(2 * mp.e * s),
    constants={"m": "real"},
)
CASES["laplace_log"] = Case(
    "Laplace(0, exp(s))",
    {"s": "real"},
    {"s": [*LOGS, -1e3, 1e3, 1e300], "x": REAL},
    lambda x, s: -mp.log(2) - s - abs(x) / mp.exp(s) if s < 1e5 else -mp.log(2) - s,
    lambda x, s: -mp.log(2 * mp.e) - s,
    beyond=lambda x, s: s == -1e3,  # exp(1000) is on the way, also where it is times 0
)
CASES["exponential"] = Case(
    "Exponential(r)",
    {"r": "positive"},
    {"r": POSITIVE, "x": POSITIVE},
    lambda x, r: mp.log(r) - r * x,
    lambda x, r: mp.log(r) - 1,
)
CASES["exponential_log"] = Case(
    "Exponential(exp(a))",
    {"a": "real"},
    {"a": [*LOGS, -1e3], "x": POSITIVE},
    lambda x, a: a - mp.exp(a) * x,
    lambda x, a: a - 1,
)
FEW = [TINY, SMALL, 1.0, 9.99, 170.0, LARGE, HUGE]
SHAPES = [TINY, SMALL, 0.3, 1.0, 2.5, 9.99, 10.01, 170.0, LARGE, 1e15, HUGE]
CASES["gamma"] = Case(
    "Gamma(a, b)",
    {"a": "positive", "b": "positive"},
    {"a": SHAPES, "b": POSITIVE, "x": [*POSITIVE, 1.0001e8]},
    lambda x, a, b: gamma_density(x, a, b),
    lambda x, a, b: -gamma_entropy(a, b),
)
CASES["gamma_log"] = Case(
    "Gamma(exp(a), exp(b))",
    {"a": "real", "b": "real"},
    {"a": LOGS, "b": LOGS, "x": POSITIVE},
    lambda x, a, b: gamma_density(x, mp.exp(a), mp.exp(b)),
    lambda x, a, b: -gamma_entropy(mp.exp(a), mp.exp(b)),
    floor=8,
)
CASES["inverse_gamma"] = Case(
    "InverseGamma(a, b)",
    {"a": "positive", "b": "positive"},
    {"a": SHAPES, "b": POSITIVE, "x": [*POSITIVE, 1.0001e-8]},
    lambda x, a, b: inverse_gamma_density(x, a, b),
    lambda x, a, b: -inverse_gamma_entropy(a, b),
)
CASES["chi_squared"] = Case(
    "ChiSquared(n)",
    {"n": "positive"},
    {"n": SHAPES, "x": [*POSITIVE, 1.0001e8]},
    lambda x, n: gamma_density(x, n / 2, mpf(1) / 2),
    lambda x, n: n / 2 * mp.digamma(n / 2) - mp.loggamma(n / 2) - mp.log(x) - x / 2,
)
CASES["inverse_gaussian"] = Case(
    "InverseGaussian(m, s)",
    {"m": "positive", "s": "positive"},
    {"m": POSITIVE, "s": POSITIVE, "x": POSITIVE},
    lambda x, m, s: (
        mp.log(s / (2 * mp.pi)) / 2 - 3 * mp.log(x) / 2 - s * (x - m) ** 2 / (2 * m**2 * x)
    ),
    lambda x, m, s: mp.log(s) / 2 - mpf(1) / 2 - 3 * mp.log(x) / 2 - mp.log(2 * mp.pi) / 2,
    beyond=lambda x, m, s: x / mpf(m) > 1e150,  # the square of x/m is no float
)
CASES["weibull"] = Case(
    "Weibull(k, s)",
    {"s": "positive"},
    {
        "k": [SMALL, 0.3, 1.0, 2.0, 50.0, LARGE],
        "s": [*POSITIVE, 1 + SMALL],
        "x": [*POSITIVE, 2.5 - SMALL],
    },
    lambda x, k, s: mp.log(k) - mp.log(s) + (k - 1) * mp.log(x / s) - (x / s) ** k,
    lambda x, k, s: mp.log(k) + (k - 1) * mp.log(x) - k * mp.log(s) - 1,
    constants={"k": "positive"},
    base=lambda x, k, s: k * mp.log(x),
)
CASES["weibull_log"] = Case(
    "Weibull(2, exp(s))",
    {"s": "real"},
    {"s": LOGS, "x": POSITIVE},
    lambda x, s: mp.log(2) - 2 * s + mp.log(x) - (x / mp.exp(s)) ** 2,
    lambda x, s: mp.log(2) + mp.log(x) - 2 * s - 1,
)
CASES["pareto"] = Case(
    "Pareto(k, s)",
    {"s": "positive"},
    {
        "s": POSITIVE,
        "k,x": [
            (TINY, TINY),
            (TINY, 1.0),
            (1.0, 1.0 + 1e-8),
            (1e200, 1e200 * (1 + 1e-8)),
            (2.5, HUGE),
            (HUGE, HUGE),
        ],
    },
    lambda x, k, s: mp.log(s) + s * mp.log(k) - (s + 1) * mp.log(x),
    lambda x, k, s: mp.log(s) - mp.log(k) - 1 - 1 / s,
    constants={"k": "positive"},
)
CASES["beta"] = Case(
    "Beta(a, b)",
    {"a": "positive", "b": "positive"},
    {"a": FEW, "b": FEW, "x": [*UNIT, 0.5001]},
    lambda x, a, b: beta_density(x, a, b),
    lambda x, a, b: -beta_entropy(a, b),
    floor=16,
)
CASES["beta_mean"] = Case(
    "Beta(m*t, (1 - m)*t)",
    {"m": "unit", "t": "positive"},
    {
        "m": [SMALL, 0.3, 0.5, 1 - SMALL, 1 - 2.0**-53],
        "t": [SMALL, 1.0, LARGE],
        "x": [SMALL, 0.3001, 0.5],
    },
    lambda x, m, t: beta_density(x, m * t, (1 - m) * t),
    lambda x, m, t: -beta_entropy(m * t, (1 - m) * t),
)
POINTS = [[0.25, 0.25, 0.5], [TINY, 0.5, 0.5], [1e-16, SMALL, 1 - SMALL]]
CASES["dirichlet"] = Case(
    "Dirichlet(a)",
    {"a": "positive[K]"},
    {
        "a": [
            [1.0, 1.0, 1.0],
            [0.3, 2.5, 9.99],
            [TINY, 1.0, LARGE],
            [SMALL, SMALL, SMALL],
            [25e6, 25e6, 50e6],
            [LARGE, 2 * LARGE, 0.3],
            [1e15, 1.0, 1.0],
            [HUGE, HUGE, HUGE],
        ],
        "x": POINTS,
    },
    dirichlet_density,
    lambda x, a: -dirichlet_entropy(a),
    sizes=("K",),
)
CASES["von_mises"] = Case(
    "VonMises(m, k)",
    {"m": "real", "k": "positive"},
    {
        "m": [0.0, 1.0, -2.5, 1.0 + 1e-5, 1e3],
        "k": [TINY, SMALL, 1.0, 30.0, 199.0, 201.0, 1e4, LARGE, 1e15, HUGE],
        "x": [0.0, 1.0, -3.0, 1.0 + 1e-8],
    },
    von_mises_density,
    lambda x, m, k: -von_mises_entropy(k),
)


def matrices(scale: float) -> list[Any]:
    return [scale * np.array([[2.0, 0.5], [0.5, 1.0]])]


CASES["mv_normal"] = Case(
    "MvNormal(m, S)",
    {"m": "real[K]", "S": "posdef[K,K]"},
    {
        "m": [[0.0, 0.0], [1.0, -LARGE]],
        "S": [*matrices(1.0), *matrices(LARGE), *matrices(SMALL), *matrices(HUGE), *matrices(TINY)],
        "x": [[0.0, 0.0], [1.0, 2.0], [LARGE, SMALL]],
    },
    mv_normal,
    lambda x, m, S: -mp.log(mp.det(2 * mp.pi * mp.e * S)) / 2,
    sizes=("K",),
)
CASES["wishart"] = Case(
    "Wishart(n, V)",
    {"n": "positive", "V": "posdef[K,K]"},
    {
        "n": [1 + SMALL, 1.5, 2.0, 7.0, 170.0, 1e4, LARGE, 1e15],
        "V": [*matrices(1.0), *matrices(LARGE), *matrices(HUGE), *matrices(TINY)],
        "X": [np.array([[1.0, 0.3], [0.3, 2.0]]), np.array([[LARGE, 1.0], [1.0, 2 * SMALL]])],
    },
    wishart_density,
    lambda X, n, V: -wishart_entropy(n, V),
    sizes=("K",),
    value="X",
)

# ---------------------------------------------------------------- comparison


@cache
def module(name: str) -> Any:
    return symelbo.derive(CASES[name].spec).function()


def exact(value: Any) -> Any:
    """The same numbers, in mpmath"""
    if isinstance(value, list):
        return [mpf(v) for v in value]
    if isinstance(value, np.ndarray):
        return mp.matrix([[mpf(float(v)) for v in row] for row in value])
    return mpf(value)


def points(case: Case) -> Iterator[Numbers]:
    for values in itertools.product(*case.grid.values()):
        point: Numbers = {}
        for names, value in zip(case.grid, values, strict=True):
            keys = names.split(",")
            point |= dict(zip(keys, value, strict=True)) if len(keys) > 1 else {names: value}
        yield point


def call(function: Any, case: Case, point: Numbers) -> float:
    known = {**point, case.value: [point[case.value]], "K": 3}
    names = inspect.signature(function).parameters
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return float(function(**{n: known[n] for n in names if n in known}))


def condition(formula: Formula, case: Case, point: Numbers) -> mpf:
    """sum |v df/dv| over the real arguments: what an error of one unit in the last place does."""
    step, total = mpf(10) ** -60, mpf(0)
    own = {n: exact(v) for n, v in point.items()}
    base = formula(**own)
    for name, value in point.items():
        if isinstance(value, int):
            continue
        moved = exact(value)
        if isinstance(moved, list):
            for n, entry in enumerate(moved):
                if isinstance(value[n], float) and entry:
                    ahead = [*moved[:n], entry * (1 + step), *moved[n + 1 :]]
                    total += abs(formula(**{**own, name: ahead}) - base) / step
        elif isinstance(moved, mp.matrix):
            total += abs(formula(**{**own, name: moved * (1 + step)}) - base) / step
        else:
            total += abs(formula(**{**own, name: moved * (1 + step)}) - base) / step
    return total


def is_close(
    found: float, wanted: mpf, formula: Formula, case: Case, point: Numbers, part: mpf
) -> bool:
    """To 1e-10; where the number itself is uncertain by the last place of an argument, to that.

    Likewise by the last place of a part that is averaged apart, and of the `floor`.
    """
    if mp.isinf(wanted) or np.isinf(found):
        return bool(wanted == found)
    error = abs(mpf(found) - wanted)
    if error <= mpf("1e-10") * abs(wanted) or error < mpf("1e-300"):
        return True
    known = case.floor + part + condition(formula, case, point)
    return bool(error <= 64 * mpf(2) ** -53 * known)


@pytest.mark.parametrize("name", CASES)
def test_extremes(name: str) -> None:
    case, tried, failures = CASES[name], 0, []

    def gap(**given: Any) -> mpf:
        return case.density(**given) - case.total(**given)

    formulas = {"entropy_sum": case.total, "elbo": case.density, "gap": gap}
    with mp.workdps(DIGITS):
        for point in points(case):
            for what, formula in formulas.items():
                wanted = formula(**{n: exact(v) for n, v in point.items()})
                if mp.isnan(wanted):
                    continue  # minus infinity on both sides
                too_large = abs(wanted) > mpf(10) ** 303 and not mp.isinf(wanted)
                try:
                    found = call(getattr(module(name), what), case, point)
                except ValueError as error:
                    if not too_large and not case.beyond(**point):
                        failures.append((what, point, mp.nstr(wanted, 8), str(error)))
                    continue
                tried += 1
                own = {n: exact(v) for n, v in point.items()}
                part = abs(case.base(**own)) if what == "entropy_sum" else mpf(0)
                if not is_close(found, wanted, formula, case, point, part):
                    failures.append((what, point, mp.nstr(wanted, 17), found))
    assert not failures, (len(failures), failures[:8])
    assert tried > 5


def call_all(module: Any, given: Numbers) -> list[float]:
    """entropy_sum, elbo and gap, with warnings as errors"""
    values = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (module.entropy_sum, module.elbo, module.gap):
            names = inspect.signature(function).parameters
            values.append(float(function(**{n: given[n] for n in names if n in given})))
    return values


# ---------------------------------------------------------------- plates

# a case and the same over d in 1:D, where the sums over d stand outside or inside
PLATES = {
    "bernoulli_sigmoid": "Bernoulli(sigmoid(a[d]))",
    "binomial": "Binomial(n, p[d])",
    "binomial_logit": "Binomial(n, logit=a[d])",
    "negative_binomial": "NegativeBinomial(r[d], p[d])",
    "poisson": "Poisson(l[d])",
    "multinomial": "Multinomial(n, p[d])",
    "categorical_logits": "Categorical(logits=a[d])",
    "gamma": "Gamma(a[d], b[d])",
    "chi_squared": "ChiSquared(n[d])",
    "beta": "Beta(a[d], b[d])",
    "dirichlet": "Dirichlet(a[d])",
    "von_mises": "VonMises(m[d], k[d])",
    "pareto": "Pareto(k[d], s[d])",
    "weibull": "Weibull(k[d], s[d])",
}


def over_plates(types: Mapping[str, str]) -> dict[str, str]:
    """positive -> positive[D];  real[K] -> real[D,K]"""
    return {n: t.replace("[", "[D,") if "[" in t else f"{t}[D]" for n, t in types.items()}


def is_moderate(point: Numbers) -> bool:
    """No part of the size of 1e8, which may cancel"""
    flat = [v for value in point.values() for v in np.ravel(value)]
    return all(abs(v) < 1e4 and (v == 0 or abs(v) > 1e-9) for v in flat)


@pytest.mark.parametrize("name", PLATES)
def test_plates_are_sums(name: str) -> None:
    case = CASES[name]
    spec = {
        **case.spec,
        "sizes": ["D", *case.sizes],
        "parameters": over_plates(case.types),
        "constants": over_plates(case.constants),
        "model": [f"x[d] ~ {PLATES[name]} for d in 1:D"],
    }
    plates = symelbo.derive(spec).function()
    shared = set(case.sizes)
    chosen = [p for p in points(case) if is_moderate(p)]
    chosen = chosen[len(chosen) // 3 :: max(1, len(chosen) // 40)]
    tried = 0
    for first, second in itertools.pairwise([*chosen, chosen[0]]):
        if any(first.get(n) != second.get(n) for n in shared):
            second = {**first, "x": first["x"]}
        given: Numbers = {n: np.array([first[n], second[n]]) for n in first if n not in shared}
        given |= {n: first[n] for n in first if n in shared}
        given |= {"x": given["x"][None], "K": 3, "D": 2}
        try:
            wanted = [
                call(getattr(module(name), what), case, first)
                + call(getattr(module(name), what), case, second)
                for what in ("entropy_sum", "elbo", "gap")
            ]
            found = call_all(plates, given)
        except ValueError:
            continue
        tried += 1
        for number, other in zip(found, wanted, strict=True):
            assert number == other or abs(number - other) <= 1e-12 * abs(other), (first, second)
    assert tried > 1


def test_bounds_over_plates() -> None:
    """Each entry has its own: below a Pareto minimum the density is 0."""
    spec = {
        "name": "Tails",
        "sizes": ["T", "D"],
        "parameters": {"s": "positive[D]"},
        "constants": {"k": "positive[D]"},
        "model": ["x[t,d] ~ Pareto(k[d], s[d]) for t in 1:T, d in 1:D"],
        "observed": ["x"],
    }
    tails = symelbo.derive(spec).function()
    given: Numbers = {"k": [1.0, 2.0], "s": [0.5, 3.0], "x": [[[1.0, 2.0], [7.0, 9.0]]]}
    expected = sum(
        np.log(s) + s * np.log(k) - (s + 1) * np.log(x)
        for row in given["x"][0]
        for k, s, x in zip(given["k"], given["s"], row, strict=True)
    )
    assert np.isclose(tails.elbo(**given), expected, rtol=1e-14)
    for x in ([[[1.0, 1.5], [7.0, 9.0]]], [[[0.5, 2.0], [7.0, 9.0]]]):
        with pytest.raises(ValueError, match="x must lie between"):
            tails.elbo(**{**given, "x": x})


# ---------------------------------------------------------------- probabilities of zero


MIXTURES = {
    "normal": ("Normal(m[c,d], s[c,d])", {"m": "real[C,D]", "s": "positive[C,D]"}),
    "poisson": ("Poisson(s[c,d])", {"s": "positive[C,D]"}),
    "bernoulli": ("Bernoulli(logit=m[c,d])", {"m": "real[C,D]"}),
    "gamma": ("Gamma(s[c,d], s[c,d])", {"s": "positive[C,D]"}),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_an_empty_component_is_as_if_it_were_not_there(name: str) -> None:
    family, types = MIXTURES[name]
    spec = {
        "name": "Mixture",
        "sizes": ["C", "D"],
        "parameters": {"pi": "simplex[C]", **types},
        "model": ["c ~ Categorical(pi)", f"x[d] ~ {family} for d in 1:D"],
        "observed": ["x"],
    }
    mixture = symelbo.derive(spec).function()
    rng = np.random.default_rng(1)
    q = rng.dirichlet(np.ones(2), size=5)
    given: Numbers = {
        "pi": np.array([0.3, 0.7]),
        "m": rng.normal(size=(2, 3)),
        "s": rng.uniform(0.5, 2, size=(2, 3)),
        "x": rng.integers(0, 2, size=(5, 3)) + (name == "gamma"),
        "q": q,
    }
    wanted = call_all(mixture, given)
    extreme = np.array([[1e300, -1e300, 1e8]])
    more = {
        **given,
        "pi": np.array([0.3, 0.0, 0.7]),
        "q": np.insert(q, 1, 0.0, axis=1),
        "m": np.insert(given["m"], 1, 0.5, axis=0),
        "s": np.insert(given["s"], 1, 1.5, axis=0),
    }
    assert np.allclose(call_all(mixture, more), wanted, rtol=1e-13)
    if name == "bernoulli":
        more["m"] = np.insert(given["m"], 1, extreme, axis=0)
        assert np.allclose(call_all(mixture, more), wanted, rtol=1e-13)
    # weight on what is impossible: the ELBO is minus infinity, the entropy sum is not
    more["q"] = np.full((5, 3), 1 / 3)
    total, elbo, gap = call_all(mixture, more)
    assert np.isfinite(total) and elbo == gap == -np.inf


def test_exact_responsibilities_of_an_empty_component() -> None:
    spec = {
        "name": "Mixture",
        "sizes": ["C"],
        "parameters": {"pi": "simplex[C]", "m": "real[C]", "s": "positive[C]"},
        "model": ["c ~ Categorical(pi)", "x ~ Normal(m[c], s[c])"],
        "observed": ["x"],
        "variational": "exact",
    }
    mixture = symelbo.derive(spec).function()
    x = np.array([0.5, -1.0, 3.0])
    given = {"pi": [0.4, 0.6], "m": [0.0, 2.0], "s": [1.0, 0.5], "x": x}
    more = {"pi": [0.4, 0.6, 0.0], "m": [0.0, 2.0, 0.5], "s": [1.0, 0.5, 2.0], "x": x}
    assert np.allclose(call_all(mixture, more), call_all(mixture, given), rtol=1e-13)


def test_impossible_steps_of_a_chain() -> None:
    """A transition of probability 0 on a path of weight 0, in an enumeration."""
    spec = {
        "name": "Chain",
        "sizes": ["K", "T"],
        "parameters": {"p": "simplex[K]", "A": "simplex[K,K]", "m": "real[K]", "s": "positive"},
        "model": [
            "z[1] ~ Categorical(p)",
            "z[t] ~ Categorical(A[z[t-1]]) for t in 2:T",
            "x[t] ~ Normal(m[z[t]], s) for t in 1:T",
        ],
        "observed": ["x"],
    }
    derivation = symelbo.derive(spec)
    chain = derivation.function()
    p, A = np.array([1.0, 0.0]), np.array([[0.5, 0.5], [0.0, 1.0]])
    paths = np.array(list(itertools.product([1, 2], repeat=3)))
    prior = p[paths[:, 0] - 1]
    for t in (1, 2):
        prior = prior * A[paths[:, t - 1] - 1, paths[:, t] - 1]
    x, m, s = np.array([[0.1, 0.7, 1.9]]), np.array([0.0, 2.0]), 0.8
    density = np.exp(-((x - m[paths - 1]) ** 2).sum(axis=1) / (2 * s)) / (2 * np.pi * s) ** 1.5
    joint = prior * density
    q = joint / joint.sum()
    setting = Setting(derivation)
    given = {"p": p, "A": A, "m": m, "s": s, "x": x}
    total, elbo, gap = call_all(chain, given | marginals_of_paths(setting, paths, q[None], 2))
    assert np.isclose(elbo, np.log(joint.sum()), rtol=1e-13)
    assert np.isclose(total + gap, elbo, rtol=1e-13)
    even = marginals_of_paths(setting, paths, np.full((1, 8), 1 / 8), 2)
    total, elbo, gap = call_all(chain, given | even)
    assert np.isfinite(total) and elbo == gap == -np.inf


def test_a_simplex_that_serves_for_more_is_positive() -> None:
    """Zeros are allowed where all of the model is made for them: probabilities of categories."""
    spec = {
        "name": "Blend",
        "sizes": ["K"],
        "parameters": {"a": "simplex[K]", "b": "real[K]", "s": "positive"},
        "model": ["x ~ Normal(sum(a[k]*b[k] for k in 1:K), s)"],
        "observed": ["x"],
    }
    blend = symelbo.derive(spec).function()
    assert "a: shape (K,); positive" in (blend.elbo.__doc__ or "")
    with pytest.raises(ValueError, match="a must be positive"):
        blend.elbo(a=[0.0, 1.0], b=[1.0, 2.0], s=1.0, x=[0.5])


# ---------------------------------------------------------------- links of sums, and latents


@pytest.mark.parametrize("logit", [30.0, 36.0, 37.0, 40.0, 700.0, 1000.0, -36.0, -1000.0])
@pytest.mark.parametrize("family", ["Bernoulli(logit={})", "Bernoulli(sigmoid({}))"])
def test_belief_net_far_from_the_origin(family: str, logit: float) -> None:
    """The link of a sum is a variable of its own; both ways of writing it keep their digits."""
    spec = {
        "name": "Belief net",
        "sizes": ["D", "H"],
        "parameters": {"pi": "unit[H]", "W": "real[D,H]", "mu": "real[D]"},
        "model": [
            "z[h] ~ Bernoulli(pi[h]) for h in 1:H",
            f"x[d] ~ {family.format('sum(W[d,h]*z[h] for h in 1:H) + mu[d]')} for d in 1:D",
        ],
        "observed": ["x"],
    }
    z = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    given: Numbers = {
        "pi": np.array([1e-300, 1 - 2.0**-53]),
        "W": np.array([[logit, -logit / 3], [0.25, logit]]),
        "mu": np.array([0.125, -logit / 2]),
        "z": z,
        "weights": np.array([0.125, 0.25, 0.5, 0.125]),
        "entropy_q": 1.25,
        "x": np.array([[1, 0], [0, 1]]),
    }
    found = call_all(symelbo.derive(spec).function(), given)
    with mp.workdps(DIGITS):
        pi, W, mu = (exact(list(map(float, given[n].ravel()))) for n in ("pi", "W", "mu"))
        elbo = total = mpf(given["entropy_q"])
        total += -mp.fsum(map(binary_entropy, pi))
        for weight, row in zip(given["weights"], z.tolist(), strict=True):
            a = [W[2 * d] * row[0] + W[2 * d + 1] * row[1] + mu[d] for d in (0, 1)]
            total -= weight * mp.fsum(map(logit_entropy, a))
            for x in given["x"].tolist():
                prior = mp.fsum(bernoulli(mpf(v), p) for v, p in zip(row, pi, strict=True))
                data = mp.fsum(logit_density(mpf(v), b) for v, b in zip(x, a, strict=True))
                elbo += weight * (prior + data) / 2
        for number, wanted in zip(found, (total, elbo, elbo - total), strict=True):
            assert abs(mpf(number) - wanted) <= mpf("1e-13") * (1 + abs(wanted))


@pytest.mark.parametrize("scale", [1e-290, 1e-8, 1.0, 1e8, 1e290])
def test_declared_normal_q_at_any_scale(scale: float) -> None:
    """z ~ Normal(0, tau), x ~ Normal(w z, s2), q normal: all lengths times the root of a scale."""
    spec = {
        "name": "Line",
        "parameters": {"w": "real", "tau": "positive", "s2": "positive"},
        "model": ["z ~ Normal(0, tau)", "x ~ Normal(w*z, s2)"],
        "observed": ["x"],
        "variational": ["z ~ Normal(nu, v)"],
    }
    module = symelbo.derive(spec).function()
    root = float(np.sqrt(scale))
    given = {"w": 0.75, "tau": 2 * scale, "s2": 0.5 * scale, "x": [1.5 * root]}
    given |= {"nu": [0.5 * root], "v": [0.25 * scale]}
    # the entropy of q has the same change of scale as the densities of z and x, less one
    shift = np.log(scale) / 2
    one = {"w": 0.75, "tau": 2.0, "s2": 0.5, "x": [1.5], "nu": [0.5], "v": [0.25]}
    total, elbo, gap = call_all(module, one)
    wanted = [total - shift, elbo - shift, gap]
    assert np.allclose(call_all(module, given), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("r", [1e-300, 1e-16, 0.5, 1 - 2.0**-53])
@pytest.mark.parametrize("p", [1e-300, 1e-16, 0.5, 1 - 2.0**-53])
def test_declared_binary_q_near_the_ends(r: float, p: float) -> None:
    spec = {
        "name": "Switch",
        "parameters": {"w": "real", "p": "unit", "s2": "positive"},
        "model": ["z ~ Bernoulli(p)", "x ~ Normal(w*z, s2)"],
        "observed": ["x"],
        "variational": ["z ~ Bernoulli(r)"],
    }
    given = {"w": 0.75, "p": p, "s2": 0.5, "x": [1.5], "r": [r]}
    found = call_all(symelbo.derive(spec).function(), given)
    with mp.workdps(DIGITS):
        P, R, w, s2, x = map(mpf, (p, r, 0.75, 0.5, 1.5))
        total = binary_entropy(R) - binary_entropy(P) - mp.log(2 * mp.pi * mp.e * s2) / 2
        elbo = binary_entropy(R) + R * mp.log(P) + (1 - R) * mp.log(1 - P)
        elbo += R * normal(x, w, s2) + (1 - R) * normal(x, mpf(0), s2)
        for number, wanted in zip(found, (total, elbo, elbo - total), strict=True):
            assert abs(mpf(number) - wanted) <= mpf("1e-13") * (1 + abs(wanted))


# ---------------------------------------------------------------- what is no number


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1.0 + 0j]]),
        [[1j]],
        [["1.0"]],
        [[None]],
        [[1.0], [1.0, 2.0]],
        np.array([["2020-01-01"]], dtype="M8[D]"),
        [[object()]],
    ],
)
def test_what_is_no_real_number_is_refused(value: Any) -> None:
    spec = {
        "name": "Line",
        "sizes": ["D"],
        "parameters": {"m": "real[D]", "s2": "positive"},
        "model": ["z ~ Normal(0, s2)", "x[d] ~ Normal(m[d] + tanh(z), s2) for d in 1:D"],
        "observed": ["x"],
    }
    module = symelbo.derive(spec).function()
    given: Numbers = {"m": [0.0], "s2": 1.0, "z": [0.5], "entropy_q": 0.0, "x": [[1.0]], "D": 1}
    call_all(module, given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="x must be an array of real numbers"):
            call_all(module, {**given, "x": value})
        for wrong in (1j, "1", None, [0.0], np.complex128(1)):
            with pytest.raises(ValueError, match="entropy_q must be"):
                call_all(module, {**given, "entropy_q": wrong})


def test_a_number_on_the_way_that_is_no_float() -> None:
    """Neither a warning nor NaN: ValueError."""
    with pytest.raises(ValueError, match="elbo is undetermined or exceeds floats: overflow"):
        call(module("normal").elbo, CASES["normal"], {"m": 0.0, "s": 1.0, "x": 1e200})
    with pytest.raises(ValueError, match="elbo is undetermined or exceeds floats"):
        point = {"m": [0.0, 0.0], "S": np.eye(2), "x": [1e200, -1e200]}
        call(module("mv_normal").elbo, CASES["mv_normal"], point)


@pytest.mark.parametrize(
    ("name", "point", "words"),
    [
        ("binomial", {"n": 3, "p": 0.5, "x": 4}, "x must be a whole number up to 3"),
        ("multinomial", {"n": 3, "p": [0.5, 0.5], "x": [1, 1]}, "x must sum to 3"),
        ("pareto", {"k": 2.0, "s": 1.0, "x": 1.5}, "x must lie between 2.0"),
        (
            "wishart",
            {"n": 0.5, "V": np.eye(2), "X": np.eye(2)},
            "n must exceed K-1",
        ),
        ("categorical", {"p": [-0.5, 1.5], "x": 1}, "p must be non-negative"),
        ("poisson", {"l": 0.0, "x": 1}, "l must be positive"),
    ],
)
def test_values_outside_the_support(name: str, point: Numbers, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(module(name).elbo, CASES[name], point)
