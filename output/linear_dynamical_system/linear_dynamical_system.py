"""Linear dynamical system: numeric entropy sum and ELBO.

Reference: Roweis & Ghahramani (1999), Neural Computation 11(2).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(2, 4, 2))
>>> A = rng.normal(size=(3, 3))
>>> Q = rng.uniform(0.5, 2, size=3)
>>> C = rng.normal(size=(2, 3))
>>> R = rng.uniform(0.5, 2, size=2)
>>> mean_z = rng.normal(size=(2, 4, 3))
>>> cov_z = np.broadcast_to(np.eye(3), (2, 4, 3, 3))
>>> lag_cov_z = np.zeros((2, 3, 3, 3))
>>> F = elbo(x=x, A=A, Q=Q, C=C, R=R, mean_z=mean_z, cov_z=cov_z, lag_cov_z=lag_cov_z)
>>> S = entropy_sum(Q=Q, R=R, cov_z=cov_z, lag_cov_z=lag_cov_z)
>>> G = gap(x=x, A=A, Q=Q, C=C, R=R, mean_z=mean_z, cov_z=cov_z, lag_cov_z=lag_cov_z)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
a67b89e84762393704bea3844b5baa57995202ab0aab1f3a0c12ca0e4ba75dd1.
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
    A: Array | None = None,
    Q: Array,
    C: Array | None = None,
    R: Array,
    cov_z: Array,
    lag_cov_z: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        A: shape (K, K); real. Only checked: the value does not depend on it.
        Q: shape (K,); positive.
        C: shape (D, K); real. Only checked: the value does not depend on it.
        R: shape (D,); positive.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(A, Q, C, R, cov_z, lag_cov_z)
    sizes: dict[str, int] = {}
    Q = _array(xp, real, "Q", Q, "K", "positive", sizes)
    R = _array(xp, real, "R", R, "D", "positive", sizes)
    cov_z = _array(xp, real, "cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array(xp, real, "lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    if A is not None:
        _array(xp, real, "A", A, "K K", "real", sizes)
    if C is not None:
        _array(xp, real, "C", C, "D K", "real", sizes)
    K, T = sizes["K"], sizes["T"]
    # entropy of q
    log_det = xp.linalg.slogdet(cov_z[:, 0])[1]
    # entropy of q
    log_det_ = xp.linalg.slogdet(
        cov_z[:, 1:]
        - xp.einsum(
            "nijk,nilk->nijl",
            xp.einsum("nijk,nikl->nijl", lag_cov_z, xp.linalg.inv(cov_z[:, :-1])),
            lag_cov_z,
        )
    )[1]
    entropy_q = (
        0.5 * log_det
        + 0.5 * xp.sum(log_det_, axis=-1)
        + 0.5 * K * T * math.log(2 * math.e * math.pi)
    )
    # entropy of z[1,k]
    entropy_z_1_k = 0.5 * K * math.log(2 * math.e * math.pi)
    # entropy of z[t,k]
    entropy_z_t_k = 0.5 * (T - 1) * xp.sum(xp.log(2 * math.e * math.pi * Q))
    # entropy of x
    entropy_x = 0.5 * T * xp.sum(xp.log(2 * math.e * math.pi * R))
    return xp.mean(entropy_q) - entropy_z_1_k - entropy_z_t_k - entropy_x


@_within_floats
def elbo(
    *,
    x: Array,
    A: Array,
    Q: Array,
    C: Array,
    R: Array,
    mean_z: Array,
    cov_z: Array,
    lag_cov_z: Array,
) -> Array:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is quadratic in the latents.

    Args:
        x: shape (N, T, D); data, real.
        A: shape (K, K); real.
        Q: shape (K,); positive.
        C: shape (D, K); real.
        R: shape (D,); positive.
        mean_z: shape (N, T, K); means of z under q, real.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, A, Q, C, R, mean_z, cov_z, lag_cov_z)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    A = _array(xp, real, "A", A, "K K", "real", sizes)
    Q = _array(xp, real, "Q", Q, "K", "positive", sizes)
    C = _array(xp, real, "C", C, "D K", "real", sizes)
    R = _array(xp, real, "R", R, "D", "positive", sizes)
    mean_z = _array(xp, real, "mean_z", mean_z, "N T K", "real", sizes)
    cov_z = _array(xp, real, "cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array(xp, real, "lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    K, T = sizes["K"], sizes["T"]
    # entropy of q
    log_det = xp.linalg.slogdet(cov_z[:, 0])[1]
    # entropy of q
    log_det_ = xp.linalg.slogdet(
        cov_z[:, 1:]
        - xp.einsum(
            "nijk,nilk->nijl",
            xp.einsum("nijk,nikl->nijl", lag_cov_z, xp.linalg.inv(cov_z[:, :-1])),
            lag_cov_z,
        )
    )[1]
    entropy_q = (
        0.5 * log_det
        + 0.5 * xp.sum(log_det_, axis=-1)
        + 0.5 * K * T * math.log(2 * math.e * math.pi)
    )
    # log-density of z[1,k]
    log_z_1_k = -0.5 * _sum_squares(xp, mean_z[:, 0], axis=-1) - 0.5 * K * math.log(
        2 * math.pi
    )
    log_z_1_k_spread = -0.5 * xp.sum(cov_z[:, 0, xp.arange(K), xp.arange(K)], axis=-1)
    # log-density of z[t,k]
    m = mean_z[:, :-1] @ A.T
    log_z_t_k = xp.sum(
        -0.5 * xp.log(2 * math.pi * Q) - 0.5 * ((mean_z[:, 1:] - m) / xp.sqrt(Q)) ** 2,
        axis=(-2, -1),
    )
    log_z_t_k_spread = (
        xp.sum(A * lag_cov_z / Q[:, None], axis=(-3, -2, -1))
        - 0.5 * xp.sum(cov_z[:, 1:, xp.arange(K), xp.arange(K)] / Q, axis=(-2, -1))
        - 0.5
        * xp.einsum("ij,nij->n", (A / Q[:, None]).T @ A, xp.sum(cov_z[:, :-1], axis=1))
    )
    # log-density of x
    m_ = mean_z @ C.T
    log_x = xp.sum(
        -0.5 * xp.log(2 * math.pi * R) - 0.5 * ((x - m_) / xp.sqrt(R)) ** 2,
        axis=(-2, -1),
    )
    log_x_spread = -0.5 * xp.einsum(
        "ij,nij->n", (C / R[:, None]).T @ C, xp.sum(cov_z, axis=1)
    )
    return (
        xp.mean(entropy_q)
        + xp.mean(log_z_1_k)
        + xp.mean(log_z_1_k_spread)
        + xp.mean(log_z_t_k)
        + xp.mean(log_z_t_k_spread)
        + xp.mean(log_x)
        + xp.mean(log_x_spread)
    )


@_within_floats
def gap(
    *,
    x: Array,
    A: Array,
    Q: Array,
    C: Array,
    R: Array,
    mean_z: Array,
    cov_z: Array,
    lag_cov_z: Array,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds C[d,k] = -C[d,k]/2
        d/ds R[d] = -R[d]
        d/ds z[t,k] = z[t,k]/2
    It vanishes at stationary points.

    Args:
        x: shape (N, T, D); data, real.
        A: shape (K, K); real.
        Q: shape (K,); positive.
        C: shape (D, K); real.
        R: shape (D,); positive.
        mean_z: shape (N, T, K); means of z under q, real.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, A, Q, C, R, mean_z, cov_z, lag_cov_z)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    A = _array(xp, real, "A", A, "K K", "real", sizes)
    Q = _array(xp, real, "Q", Q, "K", "positive", sizes)
    C = _array(xp, real, "C", C, "D K", "real", sizes)
    R = _array(xp, real, "R", R, "D", "positive", sizes)
    mean_z = _array(xp, real, "mean_z", mean_z, "N T K", "real", sizes)
    cov_z = _array(xp, real, "cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array(xp, real, "lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    K = sizes["K"]
    # derivative of log p(z[1,k]) along the motion
    slope_z_1_k = (
        0.5 * K
        - 0.5 * xp.sum(cov_z[:, 0, xp.arange(K), xp.arange(K)], axis=-1)
        - 0.5 * _sum_squares(xp, mean_z[:, 0], axis=-1)
    )
    # derivative of log p(z[t,k]) along the motion
    m = mean_z[:, :-1] @ A.T
    slope_z_t_k = xp.sum(
        0.5 - 0.5 * ((mean_z[:, 1:] - m) / xp.sqrt(Q)) ** 2, axis=(-2, -1)
    )
    slope_z_t_k_spread = (
        xp.sum(A * lag_cov_z / Q[:, None], axis=(-3, -2, -1))
        - 0.5 * xp.sum(cov_z[:, 1:, xp.arange(K), xp.arange(K)] / Q, axis=(-2, -1))
        - 0.5
        * xp.einsum("ij,nij->n", (A / Q[:, None]).T @ A, xp.sum(cov_z[:, :-1], axis=1))
    )
    # derivative of log p(x) along the motion
    m_ = mean_z @ C.T
    slope_x = xp.sum(0.5 - 0.5 * ((x - m_) / xp.sqrt(R)) ** 2, axis=(-2, -1))
    slope_x_spread = -0.5 * xp.einsum(
        "ij,nij->n", (C / R[:, None]).T @ C, xp.sum(cov_z, axis=1)
    )
    return (
        xp.mean(slope_z_1_k)
        + xp.mean(slope_z_t_k)
        + xp.mean(slope_z_t_k_spread)
        + xp.mean(slope_x)
        + xp.mean(slope_x_spread)
    )


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_z_1_k: entropy of z[1,k].
        entropy_z_t_k: entropy of z[t,k].
        entropy_x: entropy of x.
        gap_z_1_k: derivative of log p(z[1,k]) along the motion.
        gap_z_t_k: derivative of log p(z[t,k]) along the motion.
        gap_x: derivative of log p(x) along the motion.
        ratio_R: shape (D,); R divided by its value where the ELBO is stationary in it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_z_1_k: Array
    entropy_z_t_k: Array
    entropy_x: Array
    gap_z_1_k: Array
    gap_z_t_k: Array
    gap_x: Array
    ratio_R: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_slope_z_1_k: a number.
        sum_mean_z_mean_z: shape (K, K).
        sum_mean_z_mean_z_: shape (K, K).
        sum_mean_z_mean_z__: shape (K,).
        sum_cov_z: shape (K,).
        sum_cov_z_: shape (K, K).
        sum_lag_cov_z: shape (K, K).
        sum_mean_z_mean_z___: shape (K, K).
        sum_x_mean_z: shape (D, K).
        sum_mean_z: shape (T, K).
        sum_xx: shape (D,).
        sum_x: shape (T, D).
        sum_cov_z__: shape (K, K).
        sum_cov_z___: shape (K, K).
        sum_center_x: shape (T, D).
    """

    points: Array
    sum_entropy_q: Array
    sum_slope_z_1_k: Array
    sum_mean_z_mean_z: Array
    sum_mean_z_mean_z_: Array
    sum_mean_z_mean_z__: Array
    sum_cov_z: Array
    sum_cov_z_: Array
    sum_lag_cov_z: Array
    sum_mean_z_mean_z___: Array
    sum_x_mean_z: Array
    sum_mean_z: Array
    sum_xx: Array
    sum_x: Array
    sum_cov_z__: Array
    sum_cov_z___: Array
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
    def terms(self, *, A: Array, Q: Array, C: Array, R: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            A: shape (K, K); real.
            Q: shape (K,); positive.
            C: shape (D, K); real.
            R: shape (D,); positive.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, A, Q, C, R)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_slope_z_1_k = _array(
            xp, real, "sum_slope_z_1_k", self.sum_slope_z_1_k, "", "real", sizes
        )
        sum_mean_z_mean_z = _array(
            xp, real, "sum_mean_z_mean_z", self.sum_mean_z_mean_z, "K K", "real", sizes
        )
        sum_mean_z_mean_z_ = _array(
            xp,
            real,
            "sum_mean_z_mean_z_",
            self.sum_mean_z_mean_z_,
            "K K",
            "real",
            sizes,
        )
        sum_mean_z_mean_z__ = _array(
            xp,
            real,
            "sum_mean_z_mean_z__",
            self.sum_mean_z_mean_z__,
            "K",
            "real",
            sizes,
        )
        sum_cov_z = _array(xp, real, "sum_cov_z", self.sum_cov_z, "K", "real", sizes)
        sum_cov_z_ = _array(
            xp, real, "sum_cov_z_", self.sum_cov_z_, "K K", "real", sizes
        )
        sum_lag_cov_z = _array(
            xp, real, "sum_lag_cov_z", self.sum_lag_cov_z, "K K", "real", sizes
        )
        sum_mean_z_mean_z___ = _array(
            xp,
            real,
            "sum_mean_z_mean_z___",
            self.sum_mean_z_mean_z___,
            "K K",
            "real",
            sizes,
        )
        sum_x_mean_z = _array(
            xp, real, "sum_x_mean_z", self.sum_x_mean_z, "D K", "real", sizes
        )
        sum_mean_z = _array(
            xp, real, "sum_mean_z", self.sum_mean_z, "T K", "real", sizes
        )
        sum_xx = _array(xp, real, "sum_xx", self.sum_xx, "D", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "T D", "real", sizes)
        sum_cov_z__ = _array(
            xp, real, "sum_cov_z__", self.sum_cov_z__, "K K", "real", sizes
        )
        sum_cov_z___ = _array(
            xp, real, "sum_cov_z___", self.sum_cov_z___, "K K", "real", sizes
        )
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "T D", "real", sizes
        )
        A = _array(xp, real, "A", A, "K K", "real", sizes)
        Q = _array(xp, real, "Q", Q, "K", "positive", sizes)
        C = _array(xp, real, "C", C, "D K", "real", sizes)
        R = _array(xp, real, "R", R, "D", "positive", sizes)
        K, T = sizes["K"], sizes["T"]
        mean_entropy_q = sum_entropy_q / points
        mean_slope_z_1_k = sum_slope_z_1_k / points
        mean_mean_z_mean_z = sum_mean_z_mean_z / points
        mean_mean_z_mean_z_ = sum_mean_z_mean_z_ / points
        mean_mean_z_mean_z__ = sum_mean_z_mean_z__ / points
        mean_cov_z = sum_cov_z / points
        mean_cov_z_ = sum_cov_z_ / points
        mean_lag_cov_z = sum_lag_cov_z / points
        mean_mean_z_mean_z___ = sum_mean_z_mean_z___ / points
        mean_x_mean_z = sum_x_mean_z / points
        mean_mean_z = sum_mean_z / points
        mean_xx = sum_xx / points
        mean_x = sum_x / points
        mean_cov_z__ = sum_cov_z__ / points
        mean_cov_z___ = sum_cov_z___ / points
        center_x = sum_center_x / points
        # entropy of z[1,k]
        entropy_z_1_k = 0.5 * K * math.log(2 * math.e * math.pi)
        # entropy of z[t,k]
        entropy_z_t_k = 0.5 * (T - 1) * xp.sum(xp.log(2 * math.e * math.pi * Q))
        # entropy of x
        entropy_x = 0.5 * T * xp.sum(xp.log(2 * math.e * math.pi * R))
        slope_z_t_k = (
            xp.sum(A * mean_mean_z_mean_z_ / Q[:, None])
            - xp.sum(0.5 * mean_mean_z_mean_z * ((A / Q[:, None]).T @ A))
            - 0.5 * xp.sum(mean_mean_z_mean_z__ / Q)
            + 0.5 * K * (T - 1)
        )
        slope_z_t_k_spread = (
            xp.sum(A * mean_lag_cov_z / Q[:, None])
            - 0.5 * xp.sum(mean_cov_z / Q)
            - 0.5 * xp.sum(mean_cov_z_ * ((A / Q[:, None]).T @ A))
        )
        gap_z_t_k = slope_z_t_k + slope_z_t_k_spread
        slope_x = (
            xp.sum(C * mean_x_mean_z / R[:, None])
            - 0.5 * xp.sum(mean_xx / R)
            - xp.sum(center_x * mean_x / R)
            - xp.sum(0.5 * mean_mean_z_mean_z___ * ((C / R[:, None]).T @ C))
            + xp.sum(mean_mean_z * ((C / R[:, None]).T @ center_x.T).T)
            + xp.sum(0.5 - 0.5 * (center_x / xp.sqrt(R)) ** 2)
        )
        slope_x_spread = -0.5 * xp.sum(mean_cov_z__ * ((C / R[:, None]).T @ C))
        gap_x = slope_x + slope_x_spread
        sum_R = (
            mean_xx
            - 2 * xp.sum(C * mean_x_mean_z, axis=-1)
            + xp.einsum(
                "dik,ik->d", C[:, :, None] * C[:, None, :], mean_mean_z_mean_z___
            )
            - 2
            * xp.einsum(
                "dkt,tk->d", C[:, :, None] * center_x.T[:, None, :], mean_mean_z
            )
            + _sum_squares(xp, center_x, axis=0)
            + 2 * xp.sum(center_x * mean_x, axis=0)
        )
        sum_R_spread = xp.einsum(
            "dij,ij->d", C[:, :, None] * C[:, None, :], mean_cov_z___
        )
        sum_R_ = T
        sum_R__ = sum_R + sum_R_spread
        ratio_R = _ratio(xp, R * sum_R_, sum_R__)
        elbo = (
            gap_x
            + gap_z_t_k
            + mean_entropy_q
            + mean_slope_z_1_k
            - entropy_x
            - entropy_z_1_k
            - entropy_z_t_k
        )
        entropy_sum = mean_entropy_q - entropy_x - entropy_z_1_k - entropy_z_t_k
        gap = gap_x + gap_z_t_k + mean_slope_z_1_k
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_z_1_k=xp.asarray(entropy_z_1_k, **real),
            entropy_z_t_k=entropy_z_t_k,
            entropy_x=entropy_x,
            gap_z_1_k=mean_slope_z_1_k,
            gap_z_t_k=gap_z_t_k,
            gap_x=gap_x,
            ratio_R=ratio_R,
        )


@_within_floats
def statistics(
    *,
    x: Array,
    mean_z: Array,
    cov_z: Array,
    lag_cov_z: Array,
    data_weights: Array | None = None,
    center_x: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, T, D); data, real.
        mean_z: shape (N, T, K); means of z under q, real.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.
        data_weights: shape (N,); how much each data point counts, 1 if not given.
        center_x: shape (T, D); what is taken off x, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, mean_z, cov_z, lag_cov_z, data_weights, center_x)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    mean_z = _array(xp, real, "mean_z", mean_z, "N T K", "real", sizes)
    cov_z = _array(xp, real, "cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array(xp, real, "lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    center_x = _center(xp, real, "center_x", center_x, "T D", sizes)
    K, T, N = sizes["K"], sizes["T"], sizes["N"]
    # entropy of q
    log_det = xp.linalg.slogdet(cov_z[:, 0])[1]
    # entropy of q
    log_det_ = xp.linalg.slogdet(
        cov_z[:, 1:]
        - xp.einsum(
            "nijk,nilk->nijl",
            xp.einsum("nijk,nikl->nijl", lag_cov_z, xp.linalg.inv(cov_z[:, :-1])),
            lag_cov_z,
        )
    )[1]
    entropy_q_ = (
        0.5 * log_det
        + 0.5 * xp.sum(log_det_, axis=-1)
        + 0.5 * K * T * math.log(2 * math.e * math.pi)
    )
    mean_entropy_q = data_weights @ entropy_q_ / N
    # derivative of log p(z[1,k]) along the motion
    slope_z_1_k = (
        0.5 * K
        - 0.5 * xp.sum(cov_z[:, 0, xp.arange(K), xp.arange(K)], axis=-1)
        - 0.5 * _sum_squares(xp, mean_z[:, 0], axis=-1)
    )
    mean_slope_z_1_k = data_weights @ slope_z_1_k / N
    # derivative of log p(z[t,k]) along the motion
    mean_mean_z_mean_z = (
        xp.einsum(
            "ntr,nti->ri", data_weights[:, None, None] * mean_z[:, :-1], mean_z[:, :-1]
        )
        / N
    )
    mean_mean_z_mean_z_ = (
        xp.einsum(
            "ntr,nti->ri", data_weights[:, None, None] * mean_z[:, 1:], mean_z[:, :-1]
        )
        / N
    )
    mean_mean_z_mean_z__ = data_weights @ _sum_squares(xp, mean_z[:, 1:], axis=1) / N
    mean_cov_z = (
        data_weights @ xp.sum(cov_z[:, 1:, xp.arange(K), xp.arange(K)], axis=1) / N
    )
    mean_cov_z_ = (
        xp.einsum("n,nri->ri", data_weights, xp.sum(cov_z[:, :-1], axis=1)) / N
    )
    mean_lag_cov_z = xp.einsum("n,nri->ri", data_weights, xp.sum(lag_cov_z, axis=1)) / N
    # derivative of log p(x) along the motion
    deviation_x = x - center_x
    mean_mean_z_mean_z___ = (
        xp.einsum("ntr,nti->ri", data_weights[:, None, None] * mean_z, mean_z) / N
    )
    mean_x_mean_z = (
        xp.einsum("ntr,nti->ri", data_weights[:, None, None] * deviation_x, mean_z) / N
    )
    mean_mean_z = xp.einsum("n,nri->ri", data_weights, mean_z) / N
    mean_xx = data_weights @ _sum_squares(xp, deviation_x, axis=1) / N
    mean_x = xp.einsum("n,nri->ri", data_weights, deviation_x) / N
    mean_cov_z__ = xp.einsum("n,nri->ri", data_weights, xp.sum(cov_z, axis=1)) / N
    mean_cov_z___ = xp.einsum("n,nri->ri", data_weights, xp.sum(cov_z, axis=1)) / N
    means = (
        mean_entropy_q,
        mean_slope_z_1_k,
        mean_mean_z_mean_z,
        mean_mean_z_mean_z_,
        mean_mean_z_mean_z__,
        mean_cov_z,
        mean_cov_z_,
        mean_lag_cov_z,
        mean_mean_z_mean_z___,
        mean_x_mean_z,
        mean_mean_z,
        mean_xx,
        mean_x,
        mean_cov_z__,
        mean_cov_z___,
        center_x,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(
    *,
    x: Array,
    A: Array,
    Q: Array,
    C: Array,
    R: Array,
    mean_z: Array,
    cov_z: Array,
    lag_cov_z: Array,
) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, T, D); data, real.
        A: shape (K, K); real.
        Q: shape (K,); positive.
        C: shape (D, K); real.
        R: shape (D,); positive.
        mean_z: shape (N, T, K); means of z under q, real.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(
        x=x, mean_z=mean_z, cov_z=cov_z, lag_cov_z=lag_cov_z, center_x=_mean(x)
    )
    return sums.terms(A=A, Q=Q, C=C, R=R)


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


def _sum_squares(xp: Any, a: Array, axis: int | None = None) -> Array:
    """The sum of a**2 over one axis, or over all of them."""
    if axis is None:
        a, axis = xp.reshape(a, (-1,)), -1
    return xp.linalg.vecdot(a, a, axis=axis)


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
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
    if domain == "posdef":
        asymmetry = np.abs(array - np.swapaxes(array, -1, -2))
        if np.any(asymmetry > tolerance * np.abs(array).max((-2, -1), keepdims=True)):
            raise ValueError(f"{name} must be symmetric in its last two axes")
        try:
            np.linalg.cholesky(array)
        except np.linalg.LinAlgError:
            raise ValueError(f"{name} must be positive definite") from None
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
