"""Sigmoid belief network, three layers: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Eqns 18-21.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.integers(0, 2, size=(2, 4))
>>> pi = rng.uniform(0.1, 0.9, size=2)
>>> M = rng.normal(size=(3, 2))
>>> nu = rng.normal(size=3)
>>> W = rng.normal(size=(4, 3))
>>> mu = rng.normal(size=4)
>>> entropy_q = 0.5
>>> z = rng.integers(0, 2, size=(2, 3, 2))
>>> y = rng.integers(0, 2, size=(2, 3, 3))
>>> F = elbo(x=x, pi=pi, M=M, nu=nu, W=W, mu=mu, entropy_q=entropy_q, z=z, y=y)
>>> S = entropy_sum(pi=pi, M=M, nu=nu, W=W, mu=mu, entropy_q=entropy_q, z=z, y=y)
>>> G = gap(x=x, pi=pi, M=M, nu=nu, W=W, mu=mu, z=z, y=y)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
ebcdf1f9ba0de4deeefeb4216d5d50a30200e67f2a2f5b044ab63220ca71c302.
It belongs to its user, who may use and change it without conditions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeAlias

import numpy as np

__all__ = [
    "Statistics",
    "Terms",
    "check",
    "elbo",
    "entropy_sum",
    "gap",
    "statistics",
    "terms",
]

# of NumPy, PyTorch, JAX or CuPy; numbers and lists of Python go with any of them
Array: TypeAlias = Any
P = ParamSpec("P")


def _within_floats(function: Callable[P, Any]) -> Callable[P, Any]:
    """In NumPy, raise ValueError where a number is undetermined or exceeds floats."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Any:
        own: Any = args[0] if args else ()  # the sums, of a method
        if any(map(_is_foreign, (*own, *kwargs.values()))):
            return function(*args, **kwargs)
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                value = function(*args, **kwargs)
            if isinstance(value, dict):
                return value
            if isinstance(value, tuple):
                return type(value)(*(part[()] for part in value))
            if not np.isfinite(value):
                raise FloatingPointError(f"found {value}")
        except ArithmeticError as error:
            message = f"{function.__name__} is undetermined or exceeds floats: {error}"
            raise ValueError(message) from None
        return value[()]

    return checked


@_within_floats
def entropy_sum(
    *,
    pi: Array,
    M: Array,
    nu: Array,
    W: Array,
    mu: Array,
    entropy_q: Array,
    z: Array,
    y: Array,
    weights: Array | None = None,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (H,); strictly between 0 and 1.
        M: shape (I, H); real.
        nu: shape (I,); real.
        W: shape (D, I); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        y: shape (S, I) or (N, S, I); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(pi, M, nu, W, mu, entropy_q, z, y, weights)
    special = _special(xp)
    sizes: dict[str, int] = {}
    pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
    M = _array(xp, real, "M", M, "I H", "real", sizes)
    nu = _array(xp, real, "nu", nu, "I", "real", sizes)
    W = _array(xp, real, "W", W, "D I", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    entropy_q = _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    y = _samples(xp, real, "y", y, "N S I", "binary", sizes, "sets")
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # entropy of z
    entropy_z = xp.sum(-pi * xp.log(pi) - xp.log1p(-pi) * (1 - pi))
    # entropy of y
    a = nu + z @ M.T
    entropy_y = xp.sum(_entropy_of_logit(xp, special, a), axis=-1)
    # entropy of x
    a_x = mu + y @ W.T
    entropy_x = xp.sum(_entropy_of_logit(xp, special, a_x), axis=-1)
    mean_weights = _mean_weights(xp, weights, sets)
    return (
        entropy_q
        - entropy_z
        - xp.sum(mean_weights * entropy_y)
        - xp.sum(mean_weights * entropy_x)
    )


@_within_floats
def elbo(
    *,
    x: Array,
    pi: Array,
    M: Array,
    nu: Array,
    W: Array,
    mu: Array,
    entropy_q: Array,
    z: Array,
    y: Array,
    weights: Array | None = None,
) -> Array:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.

    Args:
        x: shape (N, D); data, 0 or 1.
        pi: shape (H,); strictly between 0 and 1.
        M: shape (I, H); real.
        nu: shape (I,); real.
        W: shape (D, I); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        y: shape (S, I) or (N, S, I); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, M, nu, W, mu, entropy_q, z, y, weights)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "binary", sizes)
    pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
    M = _array(xp, real, "M", M, "I H", "real", sizes)
    nu = _array(xp, real, "nu", nu, "I", "real", sizes)
    W = _array(xp, real, "W", W, "D I", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    entropy_q = _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    y = _samples(xp, real, "y", y, "N S I", "binary", sizes, "sets")
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # log-density of z
    log_z = xp.sum(z * xp.log(pi) + xp.log1p(-pi) * (1 - z), axis=-1)
    # log-density of y
    a = nu + z @ M.T
    log_y = -xp.sum(_softplus(xp, a * (1 - 2 * y)), axis=-1)
    # log-density of x
    a_ = mu + y @ W.T
    mean_weights = _mean_weights(xp, weights, sets)
    mean_x = _sampled_mean(xp, weights, x, sets)
    log_x = xp.sum(a_ * mean_x) - xp.sum(
        mean_weights * xp.sum(_softplus(xp, a_), axis=-1)
    )
    return (
        entropy_q + xp.sum(mean_weights * log_z) + xp.sum(mean_weights * log_y) + log_x
    )


@_within_floats
def gap(
    *,
    x: Array,
    pi: Array,
    M: Array,
    nu: Array,
    W: Array,
    mu: Array,
    entropy_q: Array | None = None,
    z: Array,
    y: Array,
    weights: Array | None = None,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds M[i,h] = M[i,h]
        d/ds W[d,i] = W[d,i]
        d/ds mu[d] = mu[d]
        d/ds nu[i] = nu[i]
        d/ds pi[h] = pi[h]*(1 - pi[h])*log(pi[h]/(1 - pi[h]))
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, 0 or 1.
        pi: shape (H,); strictly between 0 and 1.
        M: shape (I, H); real.
        nu: shape (I,); real.
        W: shape (D, I); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats. Only checked: the value
            does not depend on it.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        y: shape (S, I) or (N, S, I); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, M, nu, W, mu, entropy_q, z, y, weights)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "binary", sizes)
    pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
    M = _array(xp, real, "M", M, "I H", "real", sizes)
    nu = _array(xp, real, "nu", nu, "I", "real", sizes)
    W = _array(xp, real, "W", W, "D I", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    y = _samples(xp, real, "y", y, "N S I", "binary", sizes, "sets")
    if entropy_q is not None:
        _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # derivative of log p(z) along the motion
    slope_z = xp.sum((pi - z) * (xp.log1p(-pi) - xp.log(pi)), axis=-1)
    # derivative of log p(y) along the motion
    a = nu + z @ M.T
    slope_y = xp.sum(a * (y * special.expit(-a) - special.expit(a) * (1 - y)), axis=-1)
    # derivative of log p(x) along the motion
    a_ = mu + y @ W.T
    mean_weights = _mean_weights(xp, weights, sets)
    mean_x = _sampled_mean(xp, weights, x, sets)
    slope_x = xp.sum(a_ * mean_x) - xp.sum(
        mean_weights * xp.sum(a_ * special.expit(a_), axis=-1)
    )
    return xp.sum(mean_weights * slope_z) + xp.sum(mean_weights * slope_y) + slope_x


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_z: entropy of z.
        entropy_y: entropy of y.
        entropy_x: entropy of x.
        gap_z: derivative of log p(z) along the motion.
        gap_y: derivative of log p(y) along the motion.
        gap_x: derivative of log p(x) along the motion.
        ratio_pi: shape (H,); pi divided by its value where the ELBO is stationary in
            it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_z: Array
    entropy_y: Array
    entropy_x: Array
    gap_z: Array
    gap_y: Array
    gap_x: Array
    ratio_pi: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_entropy_y: a number.
        sum_entropy_x: a number.
        sum_weights: shape (H,).
        sum_slope_y: a number.
        sum_slope_x: a number.
        sum_pi__: shape (H,).
    """

    points: Array
    sum_entropy_q: Array
    sum_entropy_y: Array
    sum_entropy_x: Array
    sum_weights: Array
    sum_slope_y: Array
    sum_slope_x: Array
    sum_pi__: Array

    def __add__(self, other: Any) -> Any:
        """The sums over the data points of both."""
        return Statistics(*(one + two for one, two in zip(self, other)))

    def __radd__(self, other: Any) -> Statistics:
        """The sums themselves: `sum` starts with 0."""
        return self

    @_within_floats
    def terms(
        self,
        *,
        pi: Array,
        M: Array | None = None,
        nu: Array | None = None,
        W: Array | None = None,
        mu: Array | None = None,
    ) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            pi: shape (H,); strictly between 0 and 1.
            M: shape (I, H); real. Only checked: the value does not depend on it.
            nu: shape (I,); real. Only checked: the value does not depend on it.
            W: shape (D, I); real. Only checked: the value does not depend on it.
            mu: shape (D,); real. Only checked: the value does not depend on it.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, pi, M, nu, W, mu)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_entropy_y = _array(
            xp, real, "sum_entropy_y", self.sum_entropy_y, "", "real", sizes
        )
        sum_entropy_x = _array(
            xp, real, "sum_entropy_x", self.sum_entropy_x, "", "real", sizes
        )
        sum_weights = _array(
            xp, real, "sum_weights", self.sum_weights, "H", "real", sizes
        )
        sum_slope_y = _array(
            xp, real, "sum_slope_y", self.sum_slope_y, "", "real", sizes
        )
        sum_slope_x = _array(
            xp, real, "sum_slope_x", self.sum_slope_x, "", "real", sizes
        )
        sum_pi__ = _array(xp, real, "sum_pi__", self.sum_pi__, "H", "real", sizes)
        pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
        if M is not None:
            _array(xp, real, "M", M, "I H", "real", sizes)
        if nu is not None:
            _array(xp, real, "nu", nu, "I", "real", sizes)
        if W is not None:
            _array(xp, real, "W", W, "D I", "real", sizes)
        if mu is not None:
            _array(xp, real, "mu", mu, "D", "real", sizes)
        mean_entropy_q = sum_entropy_q / points
        mean_entropy_y = sum_entropy_y / points
        mean_entropy_x = sum_entropy_x / points
        mean_weights = sum_weights / points
        mean_slope_y = sum_slope_y / points
        mean_slope_x = sum_slope_x / points
        mean_pi = sum_pi__ / points
        # entropy of z
        entropy_z = xp.sum(-pi * xp.log(pi) - xp.log1p(-pi) * (1 - pi))
        slope_z = xp.sum(
            mean_weights
            * (
                (pi - 1) * (xp.log1p(-pi) - xp.log(pi))
                - pi * (xp.log1p(-pi) - xp.log(pi))
            )
        ) + xp.sum(pi * (xp.log1p(-pi) - xp.log(pi)))
        sum_pi_ = 1
        ratio_pi = _ratio(xp, pi * sum_pi_, mean_pi)
        elbo = (
            mean_entropy_q
            + mean_slope_x
            + mean_slope_y
            + slope_z
            - entropy_z
            - mean_entropy_x
            - mean_entropy_y
        )
        entropy_sum = mean_entropy_q - entropy_z - mean_entropy_x - mean_entropy_y
        gap = mean_slope_x + mean_slope_y + slope_z
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_z=entropy_z,
            entropy_y=mean_entropy_y,
            entropy_x=mean_entropy_x,
            gap_z=slope_z,
            gap_y=mean_slope_y,
            gap_x=mean_slope_x,
            ratio_pi=ratio_pi,
        )


@_within_floats
def statistics(
    *,
    x: Array,
    M: Array,
    nu: Array,
    W: Array,
    mu: Array,
    entropy_q: Array,
    z: Array,
    y: Array,
    weights: Array | None = None,
    data_weights: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Not all of log p can be taken apart into data and parameters: these are sums at M,
    nu, W and mu, and what is made of them has to be given the same.

    Args:
        x: shape (N, D); data, 0 or 1.
        M: shape (I, H); real.
        nu: shape (I,); real.
        W: shape (D, I); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        y: shape (S, I) or (N, S, I); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.
        data_weights: shape (N,); how much each data point counts, 1 if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, M, nu, W, mu, entropy_q, z, y, weights, data_weights)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "binary", sizes)
    M = _array(xp, real, "M", M, "I H", "real", sizes)
    nu = _array(xp, real, "nu", nu, "I", "real", sizes)
    W = _array(xp, real, "W", W, "D I", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    entropy_q = _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    y = _samples(xp, real, "y", y, "N S I", "binary", sizes, "sets")
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    sets = sizes["sets"]
    mean_entropy_q = entropy_q
    # entropy of y
    a = nu + z @ M.T
    entropy_y = xp.sum(_entropy_of_logit(xp, special, a), axis=-1)
    # weights of data points and of q
    weighted_q = data_weights[:, None] * weights
    mean_weighted_q = _mean_weights(xp, weighted_q, sets)
    mean_entropy_y = xp.sum(mean_weighted_q * entropy_y)
    # entropy of x
    a_x = mu + y @ W.T
    entropy_x = xp.sum(_entropy_of_logit(xp, special, a_x), axis=-1)
    mean_entropy_x = xp.sum(mean_weighted_q * entropy_x)
    # derivative of log p(z) along the motion
    mean_weights = xp.einsum("ns,nsr->r", mean_weighted_q, z)
    # derivative of log p(y) along the motion
    slope_y = xp.sum(a * (y * special.expit(-a) - special.expit(a) * (1 - y)), axis=-1)
    mean_slope_y = xp.sum(mean_weighted_q * slope_y)
    # derivative of log p(x) along the motion
    a_ = mu + y @ W.T
    mean_weights_ = mean_weighted_q
    mean_x = _sampled_mean(xp, weighted_q, x, sets)
    slope_x = xp.sum(a_ * mean_x) - xp.sum(
        mean_weights_ * xp.sum(a_ * special.expit(a_), axis=-1)
    )
    mean_slope_x = slope_x
    sum_pi = z
    mean_pi = xp.einsum("ns,nsh->h", mean_weighted_q, sum_pi)
    means = (
        mean_entropy_q,
        mean_entropy_y,
        mean_entropy_x,
        mean_weights,
        mean_slope_y,
        mean_slope_x,
        mean_pi,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(
    *,
    x: Array,
    pi: Array,
    M: Array,
    nu: Array,
    W: Array,
    mu: Array,
    entropy_q: Array,
    z: Array,
    y: Array,
    weights: Array | None = None,
) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, D); data, 0 or 1.
        pi: shape (H,); strictly between 0 and 1.
        M: shape (I, H); real.
        nu: shape (I,); real.
        W: shape (D, I); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        y: shape (S, I) or (N, S, I); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(
        x=x, M=M, nu=nu, W=W, mu=mu, entropy_q=entropy_q, z=z, y=y, weights=weights
    )
    return sums.terms(pi=pi, M=M, nu=nu, W=W, mu=mu)


def check(function: Callable[..., Any], **arguments: Array) -> Any:
    """The value of a function of this module in NumPy, after all its checks.

    Values are checked in NumPy alone.  For arrays of another library, and before these
    are traced or compiled: `check(entropy_sum, ...)`.
    """
    return function(**{name: _to_numpy(value) for name, value in arguments.items()})


def _to_numpy(value: Array) -> Array:
    """An array of any library, copied to NumPy; anything else as it is."""
    if _is_foreign(value):
        for method in ("detach", "cpu", "get"):  # PyTorch's and CuPy's
            value = getattr(value, method)() if hasattr(value, method) else value
        return np.asarray(value)
    return value


def _weighted_mean(xp: Any, weights: Array, values: Array) -> Array:
    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""
    if len(weights) < len(values):
        values = xp.mean(values, axis=0, keepdims=True)
    return xp.tensordot(weights, values, axes=((0,), (0,))) / len(values)


def _mean_weights(xp: Any, weights: Array, sets: int) -> Array:
    """The mean weight of each sample, or each weight over N where none is shared."""
    if sets == 1:
        return xp.mean(weights, axis=0, keepdims=True)
    return xp.broadcast_to(weights / sets, (sets, weights.shape[1]))


def _sampled_mean(xp: Any, weights: Array, values: Array, sets: int) -> Array:
    """(1/N) sum_n weights[n, s]*values[n, ...], or its terms where no s is shared."""
    if sets == 1:
        return _weighted_mean(xp, weights, values)[None, ...]
    shape = (*weights.shape, *(1,) * (values.ndim - 1))
    return xp.reshape(weights, shape) * values[:, None, ...] / sets


def _softplus(xp: Any, a: Array) -> Array:
    """log(1 + exp(a))"""
    return xp.logaddexp(xp.zeros_like(a), a)


def _entropy_of_logit(xp: Any, special: Any, a: Array) -> Array:
    """softplus(a) - a*sigmoid(a), the entropy of a binary value with log-odds a."""
    a = xp.where(a < 0, -a, a)
    return _softplus(xp, -a) + a * special.expit(-a)


def _ratio(xp: Any, above: Array, below: Array) -> Array:
    """above/below: one where both are 0, infinity where below is."""
    quotient = xp.where(below != 0, above / xp.where(below != 0, below, 1), math.inf)
    return xp.where(above == below, 1, quotient)


def _is_foreign(value: Array) -> bool:
    """Whether it is an array of another library than NumPy."""
    own = (np.ndarray, np.generic, int, float, list, tuple)
    return not isinstance(value, own) and hasattr(value, "__dlpack__")


def _library(*values: Array) -> tuple[Any, dict[str, Any]]:
    """The library of some arrays, and the dtype and device of its real numbers.

    The dtype is the largest of those given, and at least that of single precision.
    """
    foreign = [value for value in values if _is_foreign(value)]
    own = [value for value in values if isinstance(value, np.ndarray)]
    if not foreign:
        widths = [array.itemsize for array in own if array.dtype.kind == "f"]
        single = 0 < max(widths, default=0) <= 4
        return np, {"dtype": np.float32 if single else np.float64, "device": None}
    xp = _namespace(foreign[0])
    if any(a.ndim for a in own) or any(_namespace(a) is not xp for a in foreign):
        names = {type(array).__module__.split(".")[0] for array in (*own, *foreign)}
        found = " and ".join(sorted(names))
        raise ValueError(f"arrays must be of one library, found {found}")
    dtypes = [a.dtype for a in foreign if xp.isdtype(a.dtype, "real floating")]
    dtype = xp.result_type(xp.float32, *(dtypes or [xp.asarray(0.0).dtype]))
    device = None  # that of the arrays it meets, but in PyTorch
    if hasattr(foreign[0], "__torch_function__"):
        arrays = [array for array in foreign if array.ndim] or foreign
        device = arrays[0].device
    return xp, {"dtype": dtype, "device": device}


def _namespace(array: Array) -> Any:
    """The functions of a library, by the names of the array API standard."""
    if hasattr(array, "__torch_function__"):  # PyTorch's own names are others
        import array_api_compat.torch

        return array_api_compat.torch
    import array_api_compat

    return array_api_compat.array_namespace(array)


def _special(xp: Any) -> Any:
    """The special functions of a library, which have the names of SciPy's."""
    if xp is np:
        import scipy.special

        return scipy.special
    if xp.__name__ == "array_api_compat.torch":
        import torch

        return torch.special
    if xp.__name__ == "jax.numpy":
        import jax.scipy.special

        return jax.scipy.special
    import cupyx.scipy.special

    return cupyx.scipy.special


def _array(
    xp: Any,
    real: dict[str, Any],
    name: str,
    value: Array,
    dims: str,
    domain: str,
    sizes: dict[str, int],
) -> Array:
    """Check the shape of an array, and its values in NumPy; `sizes` keeps lengths."""
    array = _real(xp, real, name, value)
    names = dims.split()
    if array.ndim == len(names):
        for dim, length in zip(names, array.shape):
            if not dim.isdigit():
                sizes.setdefault(dim, length)
    expected = tuple([_length(dim, sizes) for dim in names])
    if tuple(array.shape) != expected:
        symbols = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        numbers = str(expected).replace("None", "?")
        shape = f"have shape {symbols} = {numbers}" if names else "be a number"
        raise ValueError(f"{name} must {shape}, found {tuple(array.shape)}")
    if 0 in array.shape:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if xp is not np:  # values may be unknown yet: see `check`
        return array
    if domain == "binary":
        if not np.all((array == 0) | (array == 1)):
            raise ValueError(f"{name} must be 0 or 1")
        return array
    precision = np.result_type(np.float32, np.asarray(value).dtype)
    tolerance = np.finfo(precision).eps ** 0.5
    least = array.min()
    if domain in ("simplex", "weights"):
        if least < 0 or (domain == "simplex" and least == 0):
            sign = "positive" if domain == "simplex" else "non-negative"
            raise ValueError(f"{name} must be {sign}, found {least}")
        sums = array @ np.ones(array.shape[-1], array.dtype)
        if not np.all(np.abs(sums - 1) <= tolerance):
            raise ValueError(f"{name} must sum to one over its last axis")
        return array
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "unit" and (least <= 0 or largest >= 1):
        raise ValueError(f"{name} must lie strictly between 0 and 1")
    return array


def _length(dim: str, sizes: dict[str, int]) -> int | None:
    """The length of an axis, None while it is unknown."""
    return int(dim) if dim.isdigit() else sizes.get(dim)


def _samples(
    xp: Any,
    real: dict[str, Any],
    name: str,
    value: Array,
    dims: str,
    domain: str,
    sizes: dict[str, int],
    sets: str,
    *bounds: Array,
) -> Array:
    """Check what varies with samples; without an axis of data points these share it."""
    shared = _real(xp, real, name, value).ndim < len(dims.split())
    own = dims.partition(" ")[2] if shared else dims
    array = _array(xp, real, name, value, own, domain, sizes, *bounds)
    array = array[None, ...] if shared else array
    if sizes.setdefault(sets, len(array)) != len(array):
        raise ValueError(f"{name} has an axis of data points, or other samples have it")
    return array


def _weights(
    xp: Any,
    real: dict[str, Any],
    name: str,
    weights: Array,
    data: str,
    samples: str,
    sizes: dict[str, int],
) -> Array:
    """Weights of the samples with a leading axis of data points (or of length one)."""
    if weights is None:
        return xp.full((1, sizes[samples]), 1 / sizes[samples], **real)
    if _real(xp, real, name, weights).ndim == 1:
        return _array(xp, real, name, weights, samples, "weights", sizes)[None, :]
    return _array(xp, real, name, weights, f"{data} {samples}", "weights", sizes)


def _data_weights(
    xp: Any, real: dict[str, Any], weights: Array, data: str, sizes: dict[str, int]
) -> tuple[Array, Array]:
    """Weights of the data points, of mean one, and their sum."""
    if weights is None:
        return xp.ones(sizes[data], **real), xp.asarray(sizes[data], **real)
    weights = _array(xp, real, "data_weights", weights, data, "real", sizes)
    if xp is np and (weights.min() < 0 or not weights.any()):
        raise ValueError("data_weights must be non-negative, and not all 0")
    points = xp.sum(weights)
    return weights * (sizes[data] / points), points


def _real(xp: Any, real: dict[str, Any], name: str, value: Array) -> Array:
    """An array of real numbers; no text, complex numbers or rows of unequal lengths."""
    if isinstance(value, (int, float)):
        return xp.asarray(value, **real)
    if _is_foreign(value):
        if xp.isdtype(value.dtype, ("bool", "integral", "real floating")):
            return xp.astype(value, real["dtype"], copy=False, device=real["device"])
    else:
        try:
            array = np.asarray(value)
        except ValueError:
            array = np.asarray(None)
        if array.dtype.kind in "biuf":
            return xp.asarray(array if xp is np else value, **real)
    raise ValueError(f"{name} must be an array of real numbers")
