"""Hidden Markov model: numeric entropy sum and ELBO.

Reference: Rabiner (1989), Proc. IEEE 77(2); a product of the papers' mixtures.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(2, 4, 2))
>>> p = rng.dirichlet(np.ones(3))
>>> A = rng.dirichlet(np.ones(3), size=3)
>>> mu = rng.normal(size=(3, 2))
>>> v = rng.uniform(0.5, 2, size=(3, 2))
>>> gamma = np.full((2, 4, 3), 0.3333333333333333)
>>> xi = np.full((2, 3, 3, 3), 0.1111111111111111)
>>> F = elbo(x=x, p=p, A=A, mu=mu, v=v, gamma=gamma, xi=xi)
>>> S = entropy_sum(p=p, A=A, v=v, gamma=gamma, xi=xi)
>>> G = gap(x=x, p=p, A=A, mu=mu, v=v, gamma=gamma, xi=xi)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
b8fb005b18ad7daf48b1990fdd00e0c1f08bf751471db195314eeef5fa0d240b.
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
            if not value < np.inf:
                raise FloatingPointError(f"found {value}")
        except ArithmeticError as error:
            message = f"{function.__name__} is undetermined or exceeds floats: {error}"
            raise ValueError(message) from None
        return value[()]

    return checked


@_within_floats
def entropy_sum(
    *,
    p: Array,
    A: Array,
    mu: Array | None = None,
    v: Array,
    gamma: Array,
    xi: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real. Only checked: the value does not depend on it.
        v: shape (K, D); positive.
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(p, A, mu, v, gamma, xi)
    special = _special(xp)
    sizes: dict[str, int] = {}
    p = _array(xp, real, "p", p, "K", "weights", sizes)
    A = _array(xp, real, "A", A, "K K", "weights", sizes)
    v = _array(xp, real, "v", v, "K D", "positive", sizes)
    gamma = _array(xp, real, "gamma", gamma, "N T K", "weights", sizes)
    xi = _array(xp, real, "xi", xi, "N T-1 K K", "joint", sizes)
    if mu is not None:
        _array(xp, real, "mu", mu, "K D", "real", sizes)
    D, T = sizes["D"], sizes["T"]
    # entropy of q
    entropy_q = (
        xp.sum(special.entr(gamma), axis=(-2, -1))
        - xp.sum(special.entr(gamma[:, 1:]), axis=(-2, -1))
        - xp.sum(special.entr(gamma[:, :-1]), axis=(-2, -1))
        + xp.sum(special.entr(xi), axis=(-3, -2, -1))
    )
    # entropy of z[1]
    entropy_z_1 = xp.sum(special.entr(p))
    # entropy of z[t]
    entropy_z_t = xp.sum(
        gamma[:, :-1] * xp.sum(special.entr(A), axis=-1), axis=(-2, -1)
    )
    # entropy of x
    entropy_x = 0.5 * xp.sum(
        gamma * xp.sum(xp.log(v), axis=-1), axis=(-2, -1)
    ) + 0.5 * D * T * math.log(2 * math.e * math.pi)
    return xp.mean(entropy_q) - entropy_z_1 - xp.mean(entropy_z_t) - xp.mean(entropy_x)


@_within_floats
def elbo(
    *,
    x: Array,
    p: Array,
    A: Array,
    mu: Array,
    v: Array,
    gamma: Array,
    xi: Array,
) -> Array:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is quadratic in the latents.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, T, D); data, real.
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real.
        v: shape (K, D); positive.
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, p, A, mu, v, gamma, xi)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    p = _array(xp, real, "p", p, "K", "weights", sizes)
    A = _array(xp, real, "A", A, "K K", "weights", sizes)
    mu = _array(xp, real, "mu", mu, "K D", "real", sizes)
    v = _array(xp, real, "v", v, "K D", "positive", sizes)
    gamma = _array(xp, real, "gamma", gamma, "N T K", "weights", sizes)
    xi = _array(xp, real, "xi", xi, "N T-1 K K", "joint", sizes)
    N = sizes["N"]
    # entropy of q
    entropy_q = (
        xp.sum(special.entr(gamma), axis=(-2, -1))
        - xp.sum(special.entr(gamma[:, 1:]), axis=(-2, -1))
        - xp.sum(special.entr(gamma[:, :-1]), axis=(-2, -1))
        + xp.sum(special.entr(xi), axis=(-3, -2, -1))
    )
    # log-density of z[1]
    mean_gamma = xp.mean(gamma[:, 0], axis=0)
    log_z_1 = xp.sum(_weigh(xp, mean_gamma, _log(xp, p)))
    # log-density of z[t]
    mean_xi = xp.mean(xp.sum(xi, axis=1), axis=0)
    log_z_t = xp.sum(_weigh(xp, mean_xi, _log(xp, A)))
    # log-density of x
    center_x = xp.mean(x, axis=0)
    deviation_x = x - center_x
    mean_gamma_ = xp.mean(gamma, axis=0)
    mean_gamma_x_x = xp.einsum("ntr,nti->ri", gamma, deviation_x**2) / N
    mean_x_gamma = xp.einsum("nri,nrj->rij", deviation_x, gamma) / N
    log_x = (
        xp.sum(
            mean_gamma_
            * (
                -0.5 * xp.sum(xp.log(2 * math.pi * v), axis=-1)
                - 0.5
                * _sum_squares(xp, (center_x[:, :, None] - mu.T) / xp.sqrt(v).T, axis=1)
            )
        )
        - 0.5 * xp.sum(mean_gamma_x_x / v)
        - xp.sum(mean_x_gamma * (center_x[:, :, None] - mu.T) / v.T)
    )
    return xp.mean(entropy_q) + log_z_1 + log_z_t + log_x


@_within_floats
def gap(
    *,
    x: Array,
    p: Array,
    A: Array,
    mu: Array,
    v: Array,
    gamma: Array,
    xi: Array,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds A[k,i] = A[k,i]*(log(A[k,i]) - sum(A[k,j]*log(A[k,j]) for j in 1:K))
        d/ds p[k] = p[k]*(log(p[k]) - sum(p[i]*log(p[i]) for i in 1:K))
        d/ds v[k,d] = -v[k,d]
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, T, D); data, real.
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real.
        v: shape (K, D); positive.
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, p, A, mu, v, gamma, xi)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    p = _array(xp, real, "p", p, "K", "weights", sizes)
    A = _array(xp, real, "A", A, "K K", "weights", sizes)
    mu = _array(xp, real, "mu", mu, "K D", "real", sizes)
    v = _array(xp, real, "v", v, "K D", "positive", sizes)
    gamma = _array(xp, real, "gamma", gamma, "N T K", "weights", sizes)
    xi = _array(xp, real, "xi", xi, "N T-1 K K", "joint", sizes)
    D, N = sizes["D"], sizes["N"]
    # derivative of log p(z[1]) along the motion
    mean_gamma = xp.mean(gamma[:, 0], axis=0)
    slope_z_1 = xp.sum(_weigh(xp, mean_gamma, _log(xp, p) + xp.sum(special.entr(p))))
    # derivative of log p(z[t]) along the motion
    mean_xi = xp.mean(xp.sum(xi, axis=1), axis=0)
    slope_z_t = xp.sum(
        _weigh(xp, mean_xi, _log(xp, A) + xp.sum(special.entr(A), axis=-1)[:, None])
    )
    # derivative of log p(x) along the motion
    center_x = xp.mean(x, axis=0)
    deviation_x = x - center_x
    mean_gamma_ = xp.mean(gamma, axis=0)
    mean_gamma_x_x = xp.einsum("ntr,nti->ri", gamma, deviation_x**2) / N
    mean_x_gamma = xp.einsum("nri,nrj->rij", deviation_x, gamma) / N
    slope_x = (
        xp.sum(
            mean_gamma_
            * (
                0.5 * D
                - 0.5
                * _sum_squares(xp, (center_x[:, :, None] - mu.T) / xp.sqrt(v).T, axis=1)
            )
        )
        - 0.5 * xp.sum(mean_gamma_x_x / v)
        - xp.sum(mean_x_gamma * (center_x[:, :, None] - mu.T) / v.T)
    )
    return slope_z_1 + slope_z_t + slope_x


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_z_1: entropy of z[1].
        entropy_z_t: entropy of z[t].
        entropy_x: entropy of x.
        gap_z_1: derivative of log p(z[1]) along the motion.
        gap_z_t: derivative of log p(z[t]) along the motion.
        gap_x: derivative of log p(x) along the motion.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_z_1: Array
    entropy_z_t: Array
    entropy_x: Array
    gap_z_1: Array
    gap_z_t: Array
    gap_x: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_gamma: shape (K,).
        sum_gamma_: shape (K,).
        sum_gamma__: shape (K,).
        sum_xi: shape (K, K).
        sum_gamma___: shape (T, K).
        sum_gamma_x_x: shape (K, D).
        sum_x_gamma: shape (T, D, K).
        sum_center_x: shape (T, D).
    """

    points: Array
    sum_entropy_q: Array
    sum_gamma: Array
    sum_gamma_: Array
    sum_gamma__: Array
    sum_xi: Array
    sum_gamma___: Array
    sum_gamma_x_x: Array
    sum_x_gamma: Array
    sum_center_x: Array

    def __add__(self, other: Any) -> Any:
        """The sums over the data points of both."""
        here, there = self.sum_center_x * other.points, other.sum_center_x * self.points
        if not (_is_foreign(here) or np.allclose(here, there, rtol=1e-6, atol=0)):
            raise ValueError("sums about different centers cannot be added")
        return Statistics(*(one + two for one, two in zip(self, other)))

    def __radd__(self, other: Any) -> Statistics:
        """The sums themselves: `sum` starts with 0."""
        return self

    @_within_floats
    def terms(self, *, p: Array, A: Array, mu: Array, v: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            p: shape (K,); non-negative, summing to one over the last axis.
            A: shape (K, K); non-negative, summing to one over the last axis.
            mu: shape (K, D); real.
            v: shape (K, D); positive.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, p, A, mu, v)
        special = _special(xp)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_gamma = _array(xp, real, "sum_gamma", self.sum_gamma, "K", "real", sizes)
        sum_gamma_ = _array(xp, real, "sum_gamma_", self.sum_gamma_, "K", "real", sizes)
        sum_gamma__ = _array(
            xp, real, "sum_gamma__", self.sum_gamma__, "K", "real", sizes
        )
        sum_xi = _array(xp, real, "sum_xi", self.sum_xi, "K K", "real", sizes)
        sum_gamma___ = _array(
            xp, real, "sum_gamma___", self.sum_gamma___, "T K", "real", sizes
        )
        sum_gamma_x_x = _array(
            xp, real, "sum_gamma_x_x", self.sum_gamma_x_x, "K D", "real", sizes
        )
        sum_x_gamma = _array(
            xp, real, "sum_x_gamma", self.sum_x_gamma, "T D K", "real", sizes
        )
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "T D", "real", sizes
        )
        p = _array(xp, real, "p", p, "K", "weights", sizes)
        A = _array(xp, real, "A", A, "K K", "weights", sizes)
        mu = _array(xp, real, "mu", mu, "K D", "real", sizes)
        v = _array(xp, real, "v", v, "K D", "positive", sizes)
        D, T = sizes["D"], sizes["T"]
        mean_entropy_q = sum_entropy_q / points
        mean_gamma = sum_gamma / points
        mean_gamma_ = sum_gamma_ / points
        mean_gamma__ = sum_gamma__ / points
        mean_xi = sum_xi / points
        mean_gamma___ = sum_gamma___ / points
        mean_gamma_x_x = sum_gamma_x_x / points
        mean_x_gamma = sum_x_gamma / points
        center_x = sum_center_x / points
        # entropy of z[1]
        entropy_z_1 = xp.sum(special.entr(p))
        entropy_z_t = xp.sum(mean_gamma * xp.sum(special.entr(A), axis=-1))
        entropy_x = 0.5 * D * T * math.log(2 * math.e * math.pi) + 0.5 * xp.sum(
            mean_gamma_ * xp.sum(xp.log(v), axis=-1)
        )
        slope_z_1 = xp.sum(
            _weigh(xp, mean_gamma__, _log(xp, p) + xp.sum(special.entr(p)))
        )
        slope_z_t = xp.sum(
            _weigh(xp, mean_xi, _log(xp, A) + xp.sum(special.entr(A), axis=-1)[:, None])
        )
        slope_x = (
            xp.sum(
                mean_gamma___
                * (
                    0.5 * D
                    - 0.5
                    * _sum_squares(
                        xp, (center_x[:, :, None] - mu.T) / xp.sqrt(v).T, axis=1
                    )
                )
            )
            - 0.5 * xp.sum(mean_gamma_x_x / v)
            - xp.sum(mean_x_gamma * (center_x[:, :, None] - mu.T) / v.T)
        )
        elbo = (
            mean_entropy_q
            + slope_x
            + slope_z_1
            + slope_z_t
            - entropy_x
            - entropy_z_1
            - entropy_z_t
        )
        entropy_sum = mean_entropy_q - entropy_x - entropy_z_1 - entropy_z_t
        gap = slope_x + slope_z_1 + slope_z_t
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_z_1=entropy_z_1,
            entropy_z_t=entropy_z_t,
            entropy_x=entropy_x,
            gap_z_1=slope_z_1,
            gap_z_t=slope_z_t,
            gap_x=slope_x,
        )


@_within_floats
def statistics(
    *,
    x: Array,
    gamma: Array,
    xi: Array,
    data_weights: Array | None = None,
    center_x: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, T, D); data, real.
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.
        data_weights: shape (N,); how much each data point counts, 1 if not given.
        center_x: shape (T, D); what is taken off x, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, gamma, xi, data_weights, center_x)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    gamma = _array(xp, real, "gamma", gamma, "N T K", "weights", sizes)
    xi = _array(xp, real, "xi", xi, "N T-1 K K", "joint", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    center_x = _center(xp, real, "center_x", center_x, "T D", sizes)
    N = sizes["N"]
    # entropy of q
    entropy_q_ = (
        xp.sum(special.entr(gamma), axis=(-2, -1))
        - xp.sum(special.entr(gamma[:, 1:]), axis=(-2, -1))
        - xp.sum(special.entr(gamma[:, :-1]), axis=(-2, -1))
        + xp.sum(special.entr(xi), axis=(-3, -2, -1))
    )
    mean_entropy_q = data_weights @ entropy_q_ / N
    # entropy of z[t]
    mean_gamma = data_weights @ xp.sum(gamma[:, :-1], axis=1) / N
    # entropy of x
    mean_gamma_ = data_weights @ xp.sum(gamma, axis=1) / N
    # derivative of log p(z[1]) along the motion
    mean_gamma__ = data_weights @ gamma[:, 0] / N
    # derivative of log p(z[t]) along the motion
    mean_xi = xp.einsum("n,nri->ri", data_weights, xp.sum(xi, axis=1)) / N
    # derivative of log p(x) along the motion
    deviation_x = x - center_x
    mean_gamma___ = xp.einsum("n,nri->ri", data_weights, gamma) / N
    mean_gamma_x_x = (
        xp.einsum("ntr,nti->ri", data_weights[:, None, None] * gamma, deviation_x**2)
        / N
    )
    mean_x_gamma = (
        xp.einsum("nri,nrj->rij", data_weights[:, None, None] * deviation_x, gamma) / N
    )
    means = (
        mean_entropy_q,
        mean_gamma,
        mean_gamma_,
        mean_gamma__,
        mean_xi,
        mean_gamma___,
        mean_gamma_x_x,
        mean_x_gamma,
        center_x,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(
    *,
    x: Array,
    p: Array,
    A: Array,
    mu: Array,
    v: Array,
    gamma: Array,
    xi: Array,
) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, T, D); data, real.
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real.
        v: shape (K, D); positive.
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(x=x, gamma=gamma, xi=xi, center_x=_mean(x))
    return sums.terms(p=p, A=A, mu=mu, v=v)


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


def _log(xp: Any, p: Array) -> Array:
    """log(p), minus infinity at 0."""
    return xp.where(p > 0, xp.log(xp.where(p > 0, p, 1)), -math.inf)


def _weigh(xp: Any, weights: Array, values: Array) -> Array:
    """weights * values, where a weight of 0 takes out minus infinity."""
    return weights * xp.where(weights > 0, values, 0)


def _sum_squares(xp: Any, a: Array, axis: int | None = None) -> Array:
    """The sum of a**2 over one axis, or over all of them."""
    if axis is None:
        a, axis = xp.reshape(a, (-1,)), -1
    return xp.linalg.vecdot(a, a, axis=axis)


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
            size, offset = dim, 0
            for sign in "+-":
                if sign in dim:
                    size = dim.split(sign)[0]
                    offset = int(dim[len(size) :])
            if not size.isdigit():
                sizes.setdefault(size, length - offset)
    expected = tuple([_length(dim, sizes) for dim in names])
    if tuple(array.shape) != expected:
        symbols = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        numbers = str(expected).replace("None", "?")
        shape = f"have shape {symbols} = {numbers}" if names else "be a number"
        raise ValueError(f"{name} must {shape}, found {tuple(array.shape)}")
    if any(n == 0 and "-" not in dim for dim, n in zip(names, array.shape)):
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if xp is not np:  # values may be unknown yet: see `check`
        return array
    if array.size == 0:
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
    if domain == "joint":
        if least < 0:
            raise ValueError(f"{name} must be non-negative, found {least}")
        if not np.all(np.abs(array.sum(axis=(-2, -1)) - 1) <= tolerance):
            raise ValueError(f"{name} must sum to one over its last two axes")
        return array
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
    return array


def _length(dim: str, sizes: dict[str, int]) -> int | None:
    """The length of an axis, None while it is unknown."""
    for sign in "+-":
        if sign in dim:
            size = dim.split(sign)[0]
            return sizes[size] + int(dim[len(size) :]) if size in sizes else None
    return int(dim) if dim.isdigit() else sizes.get(dim)


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


def _center(
    xp: Any,
    real: dict[str, Any],
    name: str,
    value: Array,
    dims: str,
    sizes: dict[str, int],
) -> Array:
    """What is taken off the data: zero if it is not given."""
    if value is None:
        return xp.zeros(tuple(_length(dim, sizes) or 0 for dim in dims.split()), **real)
    return _array(xp, real, name, value, dims, "real", sizes)


def _mean(x: Array) -> Array:
    """The mean over the data points, of data whose shape is checked later."""
    xp, real = _library(x)
    array = _real(xp, real, "the data", x)
    return xp.mean(array, axis=0) if array.ndim else array


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
