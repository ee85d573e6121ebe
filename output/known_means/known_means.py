"""Factor analysis with known prior means: numeric entropy sum and ELBO.

Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(4, 2))
>>> a = rng.normal(size=(4, 3))
>>> W = rng.normal(size=(2, 3))
>>> V = rng.normal(size=(2, 3))
>>> mu = rng.normal(size=2)
>>> sigma2 = rng.uniform(0.5, 2, size=2)
>>> nu = rng.normal(size=(4, 3))
>>> tau2 = rng.uniform(0.5, 2, size=(4, 3))
>>> F = elbo(x=x, a=a, W=W, V=V, mu=mu, sigma2=sigma2, nu=nu, tau2=tau2)
>>> S = entropy_sum(sigma2=sigma2, tau2=tau2)
>>> G = gap(x=x, a=a, W=W, V=V, mu=mu, sigma2=sigma2, nu=nu, tau2=tau2)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
9e97d74bc3c45f432729585ae52a111ad6c5cca272ff1f2cc7fc3a2f386a00cd.
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
    W: Array | None = None,
    V: Array | None = None,
    mu: Array | None = None,
    sigma2: Array,
    tau2: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (D, H); real. Only checked: the value does not depend on it.
        V: shape (D, H); real. Only checked: the value does not depend on it.
        mu: shape (D,); real. Only checked: the value does not depend on it.
        sigma2: shape (D,); positive.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(W, V, mu, sigma2, tau2)
    sizes: dict[str, int] = {}
    sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    if W is not None:
        _array(xp, real, "W", W, "D H", "real", sizes)
    if V is not None:
        _array(xp, real, "V", V, "D H", "real", sizes)
    if mu is not None:
        _array(xp, real, "mu", mu, "D", "real", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    # entropy of z
    entropy_z = 0.5 * H * math.log(2 * math.e * math.pi)
    # entropy of x
    entropy_x = 0.5 * xp.sum(xp.log(2 * math.e * math.pi * sigma2))
    return xp.mean(entropy_q) - entropy_z - entropy_x


@_within_floats
def elbo(
    *,
    x: Array,
    a: Array,
    W: Array,
    V: Array,
    mu: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Array:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is quadratic in the latents.

    Args:
        x: shape (N, D); data, real.
        a: shape (N, H); covariates, real.
        W: shape (D, H); real.
        V: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: shape (D,); positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, a, W, V, mu, sigma2, nu, tau2)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    a = _array(xp, real, "a", a, "N H", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    V = _array(xp, real, "V", V, "D H", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    # log-density of z
    log_z = -0.5 * _sum_squares(xp, nu - a, axis=-1) - 0.5 * H * math.log(2 * math.pi)
    log_z_spread = -0.5 * xp.sum(tau2, axis=-1)
    # log-density of x
    m = mu + xp.sum(V * a[:, None, :] + W * nu[:, None, :], axis=-1)
    log_x = -0.5 * xp.sum(xp.log(2 * math.pi * sigma2)) - 0.5 * _sum_squares(
        xp, (x - m) / xp.sqrt(sigma2), axis=-1
    )
    log_x_spread = -0.5 * (tau2 @ xp.sum(W**2 / sigma2[:, None], axis=0))
    return (
        xp.mean(entropy_q)
        + xp.mean(log_z)
        + xp.mean(log_z_spread)
        + xp.mean(log_x)
        + xp.mean(log_x_spread)
    )


@_within_floats
def gap(
    *,
    x: Array,
    a: Array,
    W: Array,
    V: Array,
    mu: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds V[d,h] = W[d,h]/2
        d/ds W[d,h] = -W[d,h]/2
        d/ds sigma2[d] = -sigma2[d]
        d/ds z[h] = 1/2*(z[h] - a[h])
        d/ds nu[h] = 1/2*(nu[h] - a[h])
        d/ds tau2[h] = tau2[h]
    It vanishes at stationary points.
    An encoder has to follow the motion: that of tau2 by a free bias of the logarithm,
    not by a softplus.

    Args:
        x: shape (N, D); data, real.
        a: shape (N, H); covariates, real.
        W: shape (D, H); real.
        V: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: shape (D,); positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, a, W, V, mu, sigma2, nu, tau2)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    a = _array(xp, real, "a", a, "N H", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    V = _array(xp, real, "V", V, "D H", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    D, H = sizes["D"], sizes["H"]
    # derivative of log p(z) along the motion
    slope_z = (
        0.5 * H
        - 0.5 * xp.sum(tau2, axis=-1)
        - 0.5 * _sum_squares(xp, a, axis=-1)
        - 0.5 * _sum_squares(xp, nu, axis=-1)
        + xp.sum(a * nu, axis=-1)
    )
    # derivative of log p(x) along the motion
    m = mu + xp.sum(V * a[:, None, :] + W * nu[:, None, :], axis=-1)
    slope_x = 0.5 * D - 0.5 * _sum_squares(xp, (x - m) / xp.sqrt(sigma2), axis=-1)
    slope_x_spread = -0.5 * (tau2 @ xp.sum(W**2 / sigma2[:, None], axis=0))
    return xp.mean(slope_z) + xp.mean(slope_x) + xp.mean(slope_x_spread)


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_z: entropy of z.
        entropy_x: entropy of x.
        gap_z: derivative of log p(z) along the motion.
        gap_x: derivative of log p(x) along the motion.
        ratio_sigma2: shape (D,); sigma2 divided by its value where the ELBO is
            stationary in it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_z: Array
    entropy_x: Array
    gap_z: Array
    gap_x: Array
    ratio_sigma2: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_slope_z: a number.
        sum_a: shape (H,).
        sum_nu: shape (H,).
        sum_x: shape (D,).
        sum_aa: shape (H, H).
        sum_a_nu: shape (H, H).
        sum_ax: shape (H, D).
        sum_nu_nu: shape (H, H).
        sum_x_nu: shape (D, H).
        sum_xx: shape (D,).
        sum_tau2: shape (H,).
        sum_center_a: shape (H,).
        sum_center_x: shape (D,).
    """

    points: Array
    sum_entropy_q: Array
    sum_slope_z: Array
    sum_a: Array
    sum_nu: Array
    sum_x: Array
    sum_aa: Array
    sum_a_nu: Array
    sum_ax: Array
    sum_nu_nu: Array
    sum_x_nu: Array
    sum_xx: Array
    sum_tau2: Array
    sum_center_a: Array
    sum_center_x: Array

    def __add__(self, other: Any) -> Any:
        """The sums over the data points of both."""
        here, there = self.sum_center_a * other.points, other.sum_center_a * self.points
        if not (_is_foreign(here) or np.allclose(here, there, rtol=1e-6, atol=0)):
            raise ValueError("sums about different centers cannot be added")
        here, there = self.sum_center_x * other.points, other.sum_center_x * self.points
        if not (_is_foreign(here) or np.allclose(here, there, rtol=1e-6, atol=0)):
            raise ValueError("sums about different centers cannot be added")
        return Statistics(*(one + two for one, two in zip(self, other)))

    def __radd__(self, other: Any) -> Statistics:
        """The sums themselves: `sum` starts with 0."""
        return self

    @_within_floats
    def terms(self, *, W: Array, V: Array, mu: Array, sigma2: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            W: shape (D, H); real.
            V: shape (D, H); real.
            mu: shape (D,); real.
            sigma2: shape (D,); positive.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, W, V, mu, sigma2)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_slope_z = _array(
            xp, real, "sum_slope_z", self.sum_slope_z, "", "real", sizes
        )
        sum_a = _array(xp, real, "sum_a", self.sum_a, "H", "real", sizes)
        sum_nu = _array(xp, real, "sum_nu", self.sum_nu, "H", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "D", "real", sizes)
        sum_aa = _array(xp, real, "sum_aa", self.sum_aa, "H H", "real", sizes)
        sum_a_nu = _array(xp, real, "sum_a_nu", self.sum_a_nu, "H H", "real", sizes)
        sum_ax = _array(xp, real, "sum_ax", self.sum_ax, "H D", "real", sizes)
        sum_nu_nu = _array(xp, real, "sum_nu_nu", self.sum_nu_nu, "H H", "real", sizes)
        sum_x_nu = _array(xp, real, "sum_x_nu", self.sum_x_nu, "D H", "real", sizes)
        sum_xx = _array(xp, real, "sum_xx", self.sum_xx, "D", "real", sizes)
        sum_tau2 = _array(xp, real, "sum_tau2", self.sum_tau2, "H", "real", sizes)
        sum_center_a = _array(
            xp, real, "sum_center_a", self.sum_center_a, "H", "real", sizes
        )
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "D", "real", sizes
        )
        W = _array(xp, real, "W", W, "D H", "real", sizes)
        V = _array(xp, real, "V", V, "D H", "real", sizes)
        mu = _array(xp, real, "mu", mu, "D", "real", sizes)
        sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
        H = sizes["H"]
        mean_entropy_q = sum_entropy_q / points
        mean_slope_z = sum_slope_z / points
        mean_a = sum_a / points
        mean_nu = sum_nu / points
        mean_x = sum_x / points
        mean_aa = sum_aa / points
        mean_a_nu = sum_a_nu / points
        mean_ax = sum_ax / points
        mean_nu_nu = sum_nu_nu / points
        mean_x_nu = sum_x_nu / points
        mean_xx = sum_xx / points
        mean_tau2 = sum_tau2 / points
        center_a = sum_center_a / points
        center_x = sum_center_x / points
        # entropy of z
        entropy_z = 0.5 * H * math.log(2 * math.e * math.pi)
        # entropy of x
        entropy_x = 0.5 * xp.sum(xp.log(2 * math.e * math.pi * sigma2))
        slope_x = (
            xp.sum(
                mean_x
                * (xp.sum(V * center_a, axis=-1) / sigma2 - (center_x - mu) / sigma2)
            )
            - 0.5 * xp.sum(mean_xx / sigma2)
            + xp.sum(
                0.5
                - 0.5 * ((center_x - mu) / xp.sqrt(sigma2)) ** 2
                - 0.5 * (xp.sum(V * center_a, axis=-1) / xp.sqrt(sigma2)) ** 2
                + (center_x - mu) * xp.sum(V * center_a, axis=-1) / sigma2
            )
            + xp.sum(
                mean_a
                * xp.sum(
                    V * (center_x - mu)[:, None] / sigma2[:, None]
                    - V * xp.sum(V * center_a, axis=-1)[:, None] / sigma2[:, None],
                    axis=0,
                )
            )
            + xp.sum(
                mean_nu
                * xp.sum(
                    W * (center_x - mu)[:, None] / sigma2[:, None]
                    - W * xp.sum(V * center_a, axis=-1)[:, None] / sigma2[:, None],
                    axis=0,
                )
            )
            + xp.sum(V * mean_ax.T / sigma2[:, None])
            + xp.sum(W * mean_x_nu / sigma2[:, None])
            - xp.sum(0.5 * mean_a_nu * ((V / sigma2[:, None]).T @ W))
            - xp.sum(0.5 * mean_a_nu * ((V / sigma2[:, None]).T @ W))
            - xp.sum(0.5 * mean_aa * ((V / sigma2[:, None]).T @ V))
            - xp.sum(0.5 * mean_nu_nu * ((W / sigma2[:, None]).T @ W))
        )
        slope_x_spread = -0.5 * xp.sum(
            mean_tau2 * xp.sum(W**2 / sigma2[:, None], axis=0)
        )
        gap_x = slope_x + slope_x_spread
        sum_sigma2 = (
            mean_xx
            + (center_x - mu) ** 2
            + xp.sum(V * center_a, axis=-1) ** 2
            + mean_x * (2 * center_x - 2 * mu - 2 * xp.sum(V * center_a, axis=-1))
            - 2 * (center_x - mu) * xp.sum(V * center_a, axis=-1)
            + xp.sum(
                mean_a
                * (
                    2 * V * xp.sum(V * center_a, axis=-1)[:, None]
                    - 2 * V * (center_x - mu)[:, None]
                ),
                axis=-1,
            )
            + xp.sum(
                mean_nu
                * (
                    2 * W * xp.sum(V * center_a, axis=-1)[:, None]
                    - 2 * W * (center_x - mu)[:, None]
                ),
                axis=-1,
            )
            - 2 * xp.sum(V * mean_ax.T, axis=-1)
            - 2 * xp.sum(W * mean_x_nu, axis=-1)
            + xp.einsum("dhi,hi->d", V[:, :, None] * V[:, None, :], mean_aa)
            + xp.einsum("dhi,hi->d", V[:, :, None] * W[:, None, :], mean_a_nu)
            + xp.einsum("dih,ih->d", V[:, :, None] * W[:, None, :], mean_a_nu)
            + xp.einsum("dhi,hi->d", W[:, :, None] * W[:, None, :], mean_nu_nu)
        )
        sum_sigma2_spread = xp.sum(mean_tau2 * W**2, axis=-1)
        sum_sigma2_ = 1
        sum_sigma2__ = sum_sigma2 + sum_sigma2_spread
        ratio_sigma2 = _ratio(xp, sigma2 * sum_sigma2_, sum_sigma2__)
        elbo = gap_x + mean_entropy_q + mean_slope_z - entropy_x - entropy_z
        entropy_sum = mean_entropy_q - entropy_x - entropy_z
        gap = gap_x + mean_slope_z
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_z=xp.asarray(entropy_z, **real),
            entropy_x=entropy_x,
            gap_z=mean_slope_z,
            gap_x=gap_x,
            ratio_sigma2=ratio_sigma2,
        )


@_within_floats
def statistics(
    *,
    x: Array,
    a: Array,
    nu: Array,
    tau2: Array,
    data_weights: Array | None = None,
    center_a: Array | None = None,
    center_x: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, D); data, real.
        a: shape (N, H); covariates, real.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.
        data_weights: shape (N,); how much each data point counts, 1 if not given.
        center_a: shape (H,); what is taken off a, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.
        center_x: shape (D,); what is taken off x, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, a, nu, tau2, data_weights, center_a, center_x)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    a = _array(xp, real, "a", a, "N H", "real", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    center_a = _center(xp, real, "center_a", center_a, "H", sizes)
    center_x = _center(xp, real, "center_x", center_x, "D", sizes)
    H, N = sizes["H"], sizes["N"]
    # entropy of q
    entropy_q_ = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    mean_entropy_q = data_weights @ entropy_q_ / N
    # derivative of log p(z) along the motion
    slope_z = (
        0.5 * H
        - 0.5 * xp.sum(tau2, axis=-1)
        - 0.5 * _sum_squares(xp, a, axis=-1)
        - 0.5 * _sum_squares(xp, nu, axis=-1)
        + xp.sum(a * nu, axis=-1)
    )
    mean_slope_z = data_weights @ slope_z / N
    # derivative of log p(x) along the motion
    deviation_a = a - center_a
    deviation_x = x - center_x
    mean_a = data_weights @ deviation_a / N
    mean_nu = data_weights @ nu / N
    mean_x = data_weights @ deviation_x / N
    mean_aa = (data_weights[:, None] * deviation_a).T @ deviation_a / N
    mean_a_nu = (data_weights[:, None] * deviation_a).T @ nu / N
    mean_ax = (data_weights[:, None] * deviation_a).T @ deviation_x / N
    mean_nu_nu = (data_weights[:, None] * nu).T @ nu / N
    mean_x_nu = (data_weights[:, None] * deviation_x).T @ nu / N
    mean_xx = data_weights @ deviation_x**2 / N
    mean_tau2 = data_weights @ tau2 / N
    means = (
        mean_entropy_q,
        mean_slope_z,
        mean_a,
        mean_nu,
        mean_x,
        mean_aa,
        mean_a_nu,
        mean_ax,
        mean_nu_nu,
        mean_x_nu,
        mean_xx,
        mean_tau2,
        center_a,
        center_x,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(
    *,
    x: Array,
    a: Array,
    W: Array,
    V: Array,
    mu: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, D); data, real.
        a: shape (N, H); covariates, real.
        W: shape (D, H); real.
        V: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: shape (D,); positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(x=x, a=a, nu=nu, tau2=tau2, center_a=_mean(a), center_x=_mean(x))
    return sums.terms(W=W, V=V, mu=mu, sigma2=sigma2)


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
    least = array.min()
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
    return array


def _length(dim: str, sizes: dict[str, int]) -> int | None:
    """The length of an axis, None while it is unknown."""
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
