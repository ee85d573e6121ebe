"""The families of the specification language as log-densities, written from their definitions.

Conventions where a page of the language is silent: `Geometric(p)` is p (1-p)^v and
`NegativeBinomial(r, p)` is C(v+r-1, v) p^r (1-p)^v on 0, 1, 2, ... (SciPy's and BUGS's);
`Weibull(shape, scale)` is exp(-(v/scale)^shape); `Wishart(dof, scale)` has mean dof * scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tests.oracle.tape import (
    Array,
    Num,
    absolute,
    choose,
    constant,
    cos,
    exp,
    log,
    log1p,
    log_i0,
    loggamma,
    pi,
    softplus,
    sqrt,
    total,
)

Value = Num | Array  # a number, or an array of them (dtype object)


def k(x: float | Fraction) -> Num:
    """A known number, in the present precision."""
    return constant(Fraction(x))


def log_2pi() -> Num:
    return log(Num(np.asarray(2 * pi())))


def items(value: Value) -> list[Num]:
    """The entries of a vector."""
    if isinstance(value, Num):
        raise TypeError("a vector is needed")
    return list(value.ravel())


def square(a: Num) -> Num:
    return a * a


# Matrices of numbers: plain loops; sizes are 1, 2 or 3.


def cholesky(matrix: Array) -> Array:
    """L with L L' = matrix."""
    size = len(matrix)
    lower = np.full((size, size), k(0), dtype=object)
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i, j]
            for m in range(j):
                rest = rest - lower[i, m] * lower[j, m]
            lower[i, j] = sqrt(rest) if i == j else rest / lower[j, j]
    return lower


def forward(lower: Array, right: list[Num]) -> list[Num]:
    """L^-1 right."""
    solved: list[Num] = []
    for i, r in enumerate(right):
        for m in range(i):
            r = r - lower[i, m] * solved[m]
        solved.append(r / lower[i, i])
    return solved


def log_det(lower: Array) -> Num:
    """log det L L'."""
    return k(2) * total([log(lower[i, i]) for i in range(len(lower))])


# Log-densities.


def bernoulli(v: Num, p: Num) -> Num:
    return v * log(p) + (k(1) - v) * log1p(-p)


def bernoulli_logit(v: Num, logit: Num) -> Num:
    return v * logit - softplus(logit)


def _choose_term(n: Num, v: Num) -> Num:
    return loggamma(n + k(1)) - loggamma(v + k(1)) - loggamma(n - v + k(1))


def binomial(v: Num, n: Num, p: Num) -> Num:
    return _choose_term(n, v) + v * log(p) + (n - v) * log1p(-p)


def binomial_logit(v: Num, n: Num, logit: Num) -> Num:
    return _choose_term(n, v) + v * logit - n * softplus(logit)


def geometric(v: Num, p: Num) -> Num:
    return log(p) + v * log1p(-p)


def negative_binomial(v: Num, r: Num, p: Num) -> Num:
    norm = loggamma(v + r) - loggamma(v + k(1)) - loggamma(r)
    return norm + r * log(p) + v * log1p(-p)


def poisson(v: Num, rate: Num) -> Num:
    return v * log(rate) - rate - loggamma(v + k(1))


def poisson_log(v: Num, log_rate: Num) -> Num:
    return v * log_rate - exp(log_rate) - loggamma(v + k(1))


def categorical(v: Num, p: Value) -> Num:
    return choose(v, [log(q) for q in items(p)])


def categorical_logits(v: Num, logits: Value) -> Num:
    terms = items(logits)
    return choose(v, terms) - log(total([exp(t) for t in terms]))


def multinomial(v: Value, n: Num, p: Value) -> Num:
    each = [x * log(q) - loggamma(x + k(1)) for x, q in zip(items(v), items(p), strict=True)]
    return loggamma(n + k(1)) + total(each)


def beta(v: Num, a: Num, b: Num) -> Num:
    norm = loggamma(a + b) - loggamma(a) - loggamma(b)
    return norm + (a - k(1)) * log(v) + (b - k(1)) * log1p(-v)


def dirichlet(v: Value, concentration: Value) -> Num:
    pairs = list(zip(items(v), items(concentration), strict=True))
    norm = loggamma(total([a for _, a in pairs])) - total([loggamma(a) for _, a in pairs])
    return norm + total([(a - k(1)) * log(x) for x, a in pairs])


def von_mises(v: Num, mean: Num, concentration: Num) -> Num:
    return concentration * cos(v - mean) - log_2pi() - log_i0(concentration)


def half_normal(v: Num, scale2: Num) -> Num:
    return k(Fraction(1, 2)) * (k(2) * log(k(2)) - log_2pi() - log(scale2) - v * v / scale2)


def wishart(v: Value, dof: Num, scale: Value) -> Num:
    assert not isinstance(v, Num) and not isinstance(scale, Num)
    size = len(scale)
    own, known = cholesky(v), cholesky(scale)
    # tr(V^-1 X) = |L_V^-1 L_X|^2
    trace = total([square(e) for j in range(size) for e in forward(known, list(own[:, j]))])
    half = dof / k(2)
    gammas = total([loggamma(half - k(Fraction(i, 2))) for i in range(size)])
    quarter = k(Fraction(size * (size - 1), 4)) * (log_2pi() - log(k(2)))
    return (
        k(Fraction(1, 2)) * ((dof - k(size + 1)) * log_det(own) - trace)
        - half * (k(size) * log(k(2)) + log_det(known))
        - quarter
        - gammas
    )


def normal(v: Num, mean: Num, variance: Num) -> Num:
    return -(log_2pi() + log(variance) + square(v - mean) / variance) / k(2)


def normal_precision(v: Num, mean: Num, precision: Num) -> Num:
    return (log(precision) - log_2pi() - square(v - mean) * precision) / k(2)


def mv_normal(v: Value, mean: Value, covariance: Value) -> Num:
    assert not isinstance(covariance, Num)
    lower = cholesky(covariance)
    centered = [a - b for a, b in zip(items(v), items(mean), strict=True)]
    squares = total([square(e) for e in forward(lower, centered)])
    return -(k(len(lower)) * log_2pi() + log_det(lower) + squares) / k(2)


def laplace(v: Num, location: Num, scale: Num) -> Num:
    return -log(k(2) * scale) - absolute(v - location) / scale


def log_normal(v: Num, mean: Num, variance: Num) -> Num:
    return normal(log(v), mean, variance) - log(v)


def exponential(v: Num, rate: Num) -> Num:
    return log(rate) - rate * v


def gamma(v: Num, shape: Num, rate: Num) -> Num:
    return shape * log(rate) - loggamma(shape) + (shape - k(1)) * log(v) - rate * v


def inverse_gamma(v: Num, shape: Num, scale: Num) -> Num:
    return shape * log(scale) - loggamma(shape) - (shape + k(1)) * log(v) - scale / v


def inverse_gaussian(v: Num, mean: Num, shape: Num) -> Num:
    norm = (log(shape) - log_2pi() - k(3) * log(v)) / k(2)
    return norm - shape * square(v - mean) / (k(2) * square(mean) * v)


def weibull(v: Num, shape: Num, scale: Num) -> Num:
    ratio = v / scale
    return log(shape / scale) + (shape - k(1)) * log(ratio) - ratio**shape


def rayleigh(v: Num, scale2: Num) -> Num:
    return log(v) - log(scale2) - v * v / (k(2) * scale2)


def pareto(v: Num, minimum: Num, shape: Num) -> Num:
    return log(shape) + shape * log(minimum) - (shape + k(1)) * log(v)


def chi_squared(v: Num, dof: Num) -> Num:
    return gamma(v, dof / k(2), k(Fraction(1, 2)))


@dataclass(frozen=True)
class Form:
    """One parameterization: the names and domains of the arguments, and log p."""

    slots: tuple[tuple[str, str], ...]
    log_density: Callable[..., Num]


@dataclass(frozen=True)
class Family:
    """support: real, positive, lower, interval, angle, binary, naturals, upto (0..n),
    category, counts, simplex, vector, posdef."""

    support: str
    forms: tuple[Form, ...]


def _family(support: str, *forms: tuple[str, Callable[..., Num]]) -> Family:
    made = []
    for text, density in forms:
        slots = tuple((s.split(":")[0], s.split(":")[1]) for s in text.split())
        made.append(Form(slots, density))
    return Family(support, tuple(made))


FAMILIES: dict[str, Family] = {
    "Bernoulli": _family("binary", ("p:unit", bernoulli), ("logit:real", bernoulli_logit)),
    "Binomial": _family(
        "upto", ("n:count p:unit", binomial), ("n:count logit:real", binomial_logit)
    ),
    "Geometric": _family("naturals", ("p:unit", geometric)),
    "NegativeBinomial": _family("naturals", ("r:positive p:unit", negative_binomial)),
    "Poisson": _family("naturals", ("rate:positive", poisson), ("log_rate:real", poisson_log)),
    "Categorical": _family(
        "category", ("p:simplex", categorical), ("logits:vector", categorical_logits)
    ),
    "Multinomial": _family("counts", ("n:count p:simplex", multinomial)),
    "Beta": _family("unit", ("a:positive b:positive", beta)),
    "Dirichlet": _family("simplex", ("concentration:positives", dirichlet)),
    "VonMises": _family("angle", ("mean:real concentration:positive", von_mises)),
    "HalfNormal": _family("positive", ("scale2:positive", half_normal)),
    "Wishart": _family("posdef", ("dof:positive scale:posdef", wishart)),
    "Normal": _family(
        "real",
        ("mean:real variance:positive", normal),
        ("mean:real precision:positive", normal_precision),
    ),
    "MvNormal": _family("vector", ("mean:vector covariance:posdef", mv_normal)),
    "Laplace": _family("real", ("location:real scale:positive", laplace)),
    "LogNormal": _family("positive", ("mean:real variance:positive", log_normal)),
    "Exponential": _family("positive", ("rate:positive", exponential)),
    "Gamma": _family("positive", ("shape:positive rate:positive", gamma)),
    "InverseGamma": _family("positive", ("shape:positive scale:positive", inverse_gamma)),
    "InverseGaussian": _family("positive", ("mean:positive shape:positive", inverse_gaussian)),
    "Weibull": _family("positive", ("shape:positive scale:positive", weibull)),
    "Rayleigh": _family("positive", ("scale2:positive", rayleigh)),
    "Pareto": _family("pareto", ("minimum:positive shape:positive", pareto)),
    "ChiSquared": _family("positive", ("dof:positive", chi_squared)),
}
