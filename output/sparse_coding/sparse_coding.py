"""Sparse coding: numeric entropy sum and ELBO.

Reference: Velychko et al. (2024).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats. Names: lambda_ is `lambda`.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(4, 2))
>>> W = rng.normal(size=(2, 3))
>>> lambda_ = rng.uniform(0.5, 2, size=3)
>>> sigma2 = rng.uniform(0.5, 2)
>>> nu = rng.normal(size=(4, 3))
>>> tau2 = rng.uniform(0.5, 2, size=(4, 3))
>>> F = elbo(x=x, W=W, lambda_=lambda_, sigma2=sigma2, nu=nu, tau2=tau2)
>>> S = entropy_sum(lambda_=lambda_, sigma2=sigma2, D=2, tau2=tau2)
>>> G = gap(x=x, W=W, lambda_=lambda_, sigma2=sigma2, nu=nu, tau2=tau2)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
209aa272871e770d038a2b7430a4dc70ba44d0e0086da283140153592d4969a9.
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
    "profiled_scales",
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
    lambda_: Array,
    sigma2: Array,
    D: int | None = None,
    tau2: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (D, H); real. Only checked: the value does not depend on it.
        lambda_: shape (H,); positive (`lambda` in the model).
        sigma2: a number; positive.
        D: a positive integer; not needed where W is given.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(W, lambda_, sigma2, tau2)
    sizes: dict[str, int] = _sizes(D=D)
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    if W is not None:
        _array(xp, real, "W", W, "D H", "real", sizes)
    if "D" not in sizes:
        raise ValueError("D, or an argument that has this size, must be given")
    D, H = sizes["D"], sizes["H"]
    # entropy of q
    entropy_q = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    # entropy of z
    entropy_z = xp.sum(xp.log(2 * math.e * lambda_))
    # entropy of x
    entropy_x = 0.5 * D * xp.log(2 * math.e * math.pi * sigma2)
    return xp.mean(entropy_q) - entropy_z - entropy_x


@_within_floats
def elbo(
    *,
    x: Array,
    W: Array,
    lambda_: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Array:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is made of squares and absolute values
    of sums of latents, and q is normal.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        lambda_: shape (H,); positive (`lambda` in the model).
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, lambda_, sigma2, nu, tau2)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    D, H = sizes["D"], sizes["H"]
    # entropy of q
    entropy_q = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    # mean of the absolute value under q
    ratio = nu / xp.sqrt(2 * tau2)
    absolute = nu * special.erf(ratio) + xp.sqrt(2 * tau2 / math.pi) * xp.exp(
        -(ratio**2)
    )
    # log-density of z
    log_z = (
        -xp.sum(xp.log(lambda_)) - xp.sum(absolute / lambda_, axis=-1) - H * math.log(2)
    )
    # log-density of x
    m = nu @ W.T
    log_x = -0.5 * D * xp.log(2 * math.pi * sigma2) - 0.5 * _sum_squares(
        xp, (x - m) / xp.sqrt(sigma2), axis=-1
    )
    log_x_spread = -0.5 * (tau2 @ _sum_squares(xp, W, axis=0)) / sigma2
    return xp.mean(entropy_q) + xp.mean(log_z) + xp.mean(log_x) + xp.mean(log_x_spread)


@_within_floats
def gap(
    *,
    x: Array,
    W: Array,
    lambda_: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds lambda[h] = -lambda[h]
        d/ds sigma2 = -sigma2
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        lambda_: shape (H,); positive (`lambda` in the model).
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, lambda_, sigma2, nu, tau2)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    D, H = sizes["D"], sizes["H"]
    # mean of the absolute value under q
    ratio = nu / xp.sqrt(2 * tau2)
    absolute = nu * special.erf(ratio) + xp.sqrt(2 * tau2 / math.pi) * xp.exp(
        -(ratio**2)
    )
    # derivative of log p(z) along the motion
    slope_z = H - xp.sum(absolute / lambda_, axis=-1)
    # derivative of log p(x) along the motion
    m = nu @ W.T
    slope_x = 0.5 * D - 0.5 * _sum_squares(xp, (x - m) / xp.sqrt(sigma2), axis=-1)
    slope_x_spread = -0.5 * (tau2 @ _sum_squares(xp, W, axis=0)) / sigma2
    return xp.mean(slope_z) + xp.mean(slope_x) + xp.mean(slope_x_spread)


@_within_floats
def profiled_scales(*, x: Array, W: Array, nu: Array, tau2: Array) -> dict[str, Array]:
    """lambda_ and sigma2 where the ELBO is stationary in them.

    All else is held fixed. `entropy_sum` at these values equals the ELBO there,
    whatever the other parameters and q are.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, nu, tau2)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    D = sizes["D"]
    # mean of the absolute value under q
    ratio = nu / xp.sqrt(2 * tau2)
    absolute = nu * special.erf(ratio) + xp.sqrt(2 * tau2 / math.pi) * xp.exp(
        -(ratio**2)
    )
    # lambda_, where the ELBO is stationary in it
    sum_lambda = absolute
    sum_lambda_ = 1
    lambda_ = xp.mean(sum_lambda, axis=0) / sum_lambda_
    # sigma2, where the ELBO is stationary in it
    m = nu @ W.T
    sum_sigma2 = _sum_squares(xp, x - m, axis=-1)
    sum_sigma2_spread = tau2 @ _sum_squares(xp, W, axis=0)
    sum_sigma2_ = D
    sum_sigma2__ = xp.mean(sum_sigma2) + xp.mean(sum_sigma2_spread)
    sigma2 = sum_sigma2__ / sum_sigma2_
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    return {"lambda_": lambda_, "sigma2": sigma2}


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
        ratio_lambda_: shape (H,); lambda_ divided by its value where the ELBO is
            stationary in it.
        ratio_sigma2: sigma2 divided by its value where the ELBO is stationary in it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_z: Array
    entropy_x: Array
    gap_z: Array
    gap_x: Array
    ratio_lambda_: Array
    ratio_sigma2: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_absolute: shape (H,).
        sum_nu_nu: shape (H, H).
        sum_x_nu: shape (D, H).
        sum_nu: shape (H,).
        sum_xx: a number.
        sum_x: shape (D,).
        sum_tau2: shape (H,).
        sum_lambda__: shape (H,).
        sum_lambda___: shape (H,).
        sum_center_x: shape (D,).
    """

    points: Array
    sum_entropy_q: Array
    sum_absolute: Array
    sum_nu_nu: Array
    sum_x_nu: Array
    sum_nu: Array
    sum_xx: Array
    sum_x: Array
    sum_tau2: Array
    sum_lambda__: Array
    sum_lambda___: Array
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
    def terms(self, *, W: Array, lambda_: Array, sigma2: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            W: shape (D, H); real.
            lambda_: shape (H,); positive (`lambda` in the model).
            sigma2: a number; positive.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, W, lambda_, sigma2)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_absolute = _array(
            xp, real, "sum_absolute", self.sum_absolute, "H", "real", sizes
        )
        sum_nu_nu = _array(xp, real, "sum_nu_nu", self.sum_nu_nu, "H H", "real", sizes)
        sum_x_nu = _array(xp, real, "sum_x_nu", self.sum_x_nu, "D H", "real", sizes)
        sum_nu = _array(xp, real, "sum_nu", self.sum_nu, "H", "real", sizes)
        sum_xx = _array(xp, real, "sum_xx", self.sum_xx, "", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "D", "real", sizes)
        sum_tau2 = _array(xp, real, "sum_tau2", self.sum_tau2, "H", "real", sizes)
        sum_lambda__ = _array(
            xp, real, "sum_lambda__", self.sum_lambda__, "H", "real", sizes
        )
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "D", "real", sizes
        )
        W = _array(xp, real, "W", W, "D H", "real", sizes)
        lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
        sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
        D, H = sizes["D"], sizes["H"]
        mean_entropy_q = sum_entropy_q / points
        mean_absolute = sum_absolute / points
        mean_nu_nu = sum_nu_nu / points
        mean_x_nu = sum_x_nu / points
        mean_nu = sum_nu / points
        mean_xx = sum_xx / points
        mean_x = sum_x / points
        mean_tau2 = sum_tau2 / points
        mean_lambda = sum_lambda__ / points
        center_x = sum_center_x / points
        # entropy of z
        entropy_z = xp.sum(xp.log(2 * math.e * lambda_))
        # entropy of x
        entropy_x = 0.5 * D * xp.log(2 * math.e * math.pi * sigma2)
        slope_z = H - xp.sum(mean_absolute / lambda_)
        slope_x = (
            xp.sum(0.5 - 0.5 * (center_x / xp.sqrt(sigma2)) ** 2)
            - 0.5 * mean_xx / sigma2
            - 1 / sigma2 * xp.sum(center_x * mean_x)
            + xp.sum(mean_nu * (1 / sigma2) * xp.sum(W * center_x[:, None], axis=0))
            + 1 / sigma2 * xp.sum(W * mean_x_nu)
            - xp.sum(mean_nu_nu * (0.5 / sigma2) * (W.T @ W))
        )
        slope_x_spread = -0.5 / sigma2 * xp.sum(mean_tau2 * _sum_squares(xp, W, axis=0))
        gap_x = slope_x + slope_x_spread
        sum_lambda_ = 1
        ratio_lambda = _ratio(xp, lambda_ * sum_lambda_, mean_lambda)
        sum_sigma2 = (
            mean_xx
            + _sum_squares(xp, center_x)
            + 2 * xp.sum(center_x * mean_x)
            - xp.sum(2 * mean_nu * xp.sum(W * center_x[:, None], axis=0))
            - 2 * xp.sum(W * mean_x_nu)
            + xp.sum(mean_nu_nu * (W.T @ W))
        )
        sum_sigma2_spread = xp.sum(mean_tau2 * _sum_squares(xp, W, axis=0))
        sum_sigma2_ = D
        sum_sigma2__ = sum_sigma2 + sum_sigma2_spread
        ratio_sigma2 = _ratio(xp, sigma2 * sum_sigma2_, sum_sigma2__)
        elbo = gap_x + mean_entropy_q + slope_z - entropy_x - entropy_z
        entropy_sum = mean_entropy_q - entropy_x - entropy_z
        gap = gap_x + slope_z
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_z=entropy_z,
            entropy_x=entropy_x,
            gap_z=slope_z,
            gap_x=gap_x,
            ratio_lambda_=ratio_lambda,
            ratio_sigma2=ratio_sigma2,
        )

    @_within_floats
    def profiled_scales(self, *, W: Array) -> dict[str, Array]:
        """lambda_ and sigma2 where the ELBO is stationary in them.

        All else is held fixed. `entropy_sum` at these values equals the ELBO there,
        whatever the other parameters and q are.

        Args:
            W: shape (D, H); real.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, W)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_nu_nu = _array(xp, real, "sum_nu_nu", self.sum_nu_nu, "H H", "real", sizes)
        sum_x_nu = _array(xp, real, "sum_x_nu", self.sum_x_nu, "D H", "real", sizes)
        sum_nu = _array(xp, real, "sum_nu", self.sum_nu, "H", "real", sizes)
        sum_xx = _array(xp, real, "sum_xx", self.sum_xx, "", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "D", "real", sizes)
        sum_tau2 = _array(xp, real, "sum_tau2", self.sum_tau2, "H", "real", sizes)
        sum_lambda___ = _array(
            xp, real, "sum_lambda___", self.sum_lambda___, "H", "real", sizes
        )
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "D", "real", sizes
        )
        W = _array(xp, real, "W", W, "D H", "real", sizes)
        D = sizes["D"]
        mean_nu_nu = sum_nu_nu / points
        mean_x_nu = sum_x_nu / points
        mean_nu = sum_nu / points
        mean_xx = sum_xx / points
        mean_x = sum_x / points
        mean_tau2 = sum_tau2 / points
        mean_lambda_ = sum_lambda___ / points
        center_x = sum_center_x / points
        sum_lambda_ = 1
        sum_sigma2 = (
            mean_xx
            + _sum_squares(xp, center_x)
            + 2 * xp.sum(center_x * mean_x)
            - xp.sum(2 * mean_nu * xp.sum(W * center_x[:, None], axis=0))
            - 2 * xp.sum(W * mean_x_nu)
            + xp.sum(mean_nu_nu * (W.T @ W))
        )
        sum_sigma2_spread = xp.sum(mean_tau2 * _sum_squares(xp, W, axis=0))
        sum_sigma2_ = D
        sum_sigma2___ = sum_sigma2 + sum_sigma2_spread
        # lambda_, where the ELBO is stationary in it
        lambda_ = mean_lambda_ / sum_lambda_
        # sigma2, where the ELBO is stationary in it
        sigma2 = sum_sigma2___ / sum_sigma2_
        lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
        sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
        return {"lambda_": lambda_, "sigma2": sigma2}


@_within_floats
def statistics(
    *,
    x: Array,
    nu: Array,
    tau2: Array,
    data_weights: Array | None = None,
    center_x: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, D); data, real.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.
        data_weights: shape (N,); how much each data point counts, 1 if not given.
        center_x: shape (D,); what is taken off x, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, nu, tau2, data_weights, center_x)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    center_x = _center(xp, real, "center_x", center_x, "D", sizes)
    H, N = sizes["H"], sizes["N"]
    # entropy of q
    entropy_q_ = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    mean_entropy_q = data_weights @ entropy_q_ / N
    # mean of the absolute value under q
    ratio = nu / xp.sqrt(2 * tau2)
    absolute = nu * special.erf(ratio) + xp.sqrt(2 * tau2 / math.pi) * xp.exp(
        -(ratio**2)
    )
    # derivative of log p(z) along the motion
    mean_absolute = data_weights @ absolute / N
    # derivative of log p(x) along the motion
    deviation_x = x - center_x
    mean_nu_nu = (data_weights[:, None] * nu).T @ nu / N
    mean_x_nu = (data_weights[:, None] * deviation_x).T @ nu / N
    mean_nu = data_weights @ nu / N
    mean_xx = data_weights @ _sum_squares(xp, deviation_x, axis=-1) / N
    mean_x = data_weights @ deviation_x / N
    mean_tau2 = data_weights @ tau2 / N
    sum_lambda = absolute
    mean_lambda = data_weights @ sum_lambda / N
    mean_lambda_ = data_weights @ sum_lambda / N
    means = (
        mean_entropy_q,
        mean_absolute,
        mean_nu_nu,
        mean_x_nu,
        mean_nu,
        mean_xx,
        mean_x,
        mean_tau2,
        mean_lambda,
        mean_lambda_,
        center_x,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(
    *,
    x: Array,
    W: Array,
    lambda_: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        lambda_: shape (H,); positive (`lambda` in the model).
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(x=x, nu=nu, tau2=tau2, center_x=_mean(x))
    return sums.terms(W=W, lambda_=lambda_, sigma2=sigma2)


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


def _sizes(**given: int | None) -> dict[str, int]:
    """Check sizes; those that are not given follow from the shape of an argument."""
    for name, value in given.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and (not whole or value < 1):
            raise ValueError(f"{name} must be a positive integer, found {value!r}")
    return {name: int(value) for name, value in given.items() if value is not None}


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
