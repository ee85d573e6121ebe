"""VAE with binary latents: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Proposition 2.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(2, 2))
>>> pi = rng.uniform(0.1, 0.9, size=3)
>>> sigma2 = rng.uniform(0.5, 2)
>>> entropy_q = 0.5
>>> z = rng.integers(0, 2, size=(2, 3, 3))
>>> m = rng.normal(size=(2, 3, 2))
>>> F = elbo(x=x, pi=pi, sigma2=sigma2, entropy_q=entropy_q, z=z, m=m)
>>> S = entropy_sum(pi=pi, sigma2=sigma2, D=2, entropy_q=entropy_q)
>>> G = gap(x=x, pi=pi, sigma2=sigma2, z=z, m=m)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
1c2775ec81936278a0de494bf2a1326990c8fc66209f9188d41a62434eee0b4e.
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
    pi: Array,
    w: Array | None = None,
    sigma2: Array,
    D: int,
    entropy_q: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (H,); strictly between 0 and 1.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        D: a positive integer; no array above determines it.
        entropy_q: mean entropy of q over the data, in nats.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(pi, w, sigma2, entropy_q)
    sizes: dict[str, int] = _sizes(D=D)
    pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    entropy_q = _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    if w is not None:
        _array(xp, real, "w", w, "P", "real", sizes)
    # entropy of z
    entropy_z = xp.sum(-pi * xp.log(pi) - xp.log1p(-pi) * (1 - pi))
    # entropy of x
    entropy_x = 0.5 * D * xp.log(2 * math.e * math.pi * sigma2)
    return entropy_q - entropy_z - entropy_x


@_within_floats
def elbo(
    *,
    x: Array,
    pi: Array,
    w: Array | None = None,
    sigma2: Array,
    entropy_q: Array,
    z: Array,
    m: Array,
    weights: Array | None = None,
) -> Array:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.

    Args:
        x: shape (N, D); data, real.
        pi: shape (H,); strictly between 0 and 1.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, w, sigma2, entropy_q, z, m, weights)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    entropy_q = _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    m = _samples(xp, real, "m", m, "N S D", "real", sizes, "sets")
    if w is not None:
        _array(xp, real, "w", w, "P", "real", sizes)
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    D, sets = sizes["D"], sizes["sets"]
    # log-density of z
    log_z = xp.sum(z * xp.log(pi) + xp.log1p(-pi) * (1 - z), axis=-1)
    # log-density of x
    center_x = _pool(xp, x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(xp, weights, sets)
    mean_xx = xp.mean(_sum_squares(xp, deviation_x, axis=-1))
    mean_x = _sampled_mean(xp, weights, deviation_x, sets)
    log_x = (
        xp.sum(
            mean_weights
            * (
                -0.5 * D * xp.log(2 * math.pi * sigma2)
                - 0.5
                * _sum_squares(
                    xp, (center_x[:, None, :] - m) / xp.sqrt(sigma2), axis=-1
                )
            )
        )
        - 0.5 * mean_xx / sigma2
        - 1 / sigma2 * xp.sum(mean_x * (center_x[:, None, :] - m))
    )
    return entropy_q + xp.sum(mean_weights * log_z) + log_x


@_within_floats
def gap(
    *,
    x: Array,
    pi: Array,
    w: Array | None = None,
    sigma2: Array,
    entropy_q: Array | None = None,
    z: Array,
    m: Array,
    weights: Array | None = None,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds pi[h] = pi[h]*(1 - pi[h])*log(pi[h]/(1 - pi[h]))
        d/ds sigma2 = -sigma2
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        pi: shape (H,); strictly between 0 and 1.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        entropy_q: mean entropy of q over the data, in nats. Only checked: the value
            does not depend on it.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, w, sigma2, entropy_q, z, m, weights)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    m = _samples(xp, real, "m", m, "N S D", "real", sizes, "sets")
    if w is not None:
        _array(xp, real, "w", w, "P", "real", sizes)
    if entropy_q is not None:
        _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    D, sets = sizes["D"], sizes["sets"]
    # derivative of log p(z) along the motion
    slope_z = xp.sum((pi - z) * (xp.log1p(-pi) - xp.log(pi)), axis=-1)
    # derivative of log p(x) along the motion
    center_x = _pool(xp, x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(xp, weights, sets)
    mean_xx = xp.mean(_sum_squares(xp, deviation_x, axis=-1))
    mean_x = _sampled_mean(xp, weights, deviation_x, sets)
    slope_x = (
        xp.sum(
            mean_weights
            * (
                0.5 * D
                - 0.5
                * _sum_squares(
                    xp, (center_x[:, None, :] - m) / xp.sqrt(sigma2), axis=-1
                )
            )
        )
        - 0.5 * mean_xx / sigma2
        - 1 / sigma2 * xp.sum(mean_x * (center_x[:, None, :] - m))
    )
    return xp.sum(mean_weights * slope_z) + slope_x


@_within_floats
def profiled_scales(
    *,
    x: Array,
    w: Array | None = None,
    z: Array,
    m: Array,
    weights: Array | None = None,
) -> dict[str, Array]:
    """pi and sigma2 where the ELBO is stationary in them.

    All else is held fixed. `entropy_sum` at these values equals the ELBO there,
    whatever the other parameters and q are.

    Args:
        x: shape (N, D); data, real.
        w: shape (P,); real. Only checked: the value does not depend on it.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, w, z, m, weights)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    m = _samples(xp, real, "m", m, "N S D", "real", sizes, "sets")
    if w is not None:
        _array(xp, real, "w", w, "P", "real", sizes)
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    D, sets = sizes["D"], sizes["sets"]
    # pi, where the ELBO is stationary in it
    sum_pi = z
    sum_pi_ = 1
    mean_weights_ = _mean_weights(xp, weights, sets)
    pi = xp.einsum("ns,nsh->h", mean_weights_, sum_pi) / sum_pi_
    # sigma2, where the ELBO is stationary in it
    center_x = _pool(xp, x, sets)
    deviation_x = x - center_x
    mean_weights = mean_weights_
    mean_xx = xp.mean(_sum_squares(xp, deviation_x, axis=-1))
    mean_x = _sampled_mean(xp, weights, deviation_x, sets)
    sum_sigma2 = (
        mean_xx
        + xp.sum(mean_weights * _sum_squares(xp, center_x[:, None, :] - m, axis=-1))
        + xp.sum(mean_x * ((2 * center_x)[:, None, :] - 2 * m))
    )
    sum_sigma2_ = D
    sigma2 = sum_sigma2 / sum_sigma2_
    pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    return {"pi": pi, "sigma2": sigma2}


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
        ratio_pi: shape (H,); pi divided by its value where the ELBO is stationary in
            it.
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
    ratio_pi: Array
    ratio_sigma2: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_weights: shape (H,).
        sum_xx: a number.
        sum_x: shape (D,).
        sum_pi__: shape (H,).
        sum_sigma2__: a number.
        sum_pi___: shape (H,).
        sum_sigma2___: a number.
        sum_center_x: shape (D,).
    """

    points: Array
    sum_entropy_q: Array
    sum_weights: Array
    sum_xx: Array
    sum_x: Array
    sum_pi__: Array
    sum_sigma2__: Array
    sum_pi___: Array
    sum_sigma2___: Array
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
    def terms(self, *, pi: Array, w: Array | None = None, sigma2: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            pi: shape (H,); strictly between 0 and 1.
            w: shape (P,); real. Only checked: the value does not depend on it.
            sigma2: a number; positive.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, pi, w, sigma2)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_weights = _array(
            xp, real, "sum_weights", self.sum_weights, "H", "real", sizes
        )
        sum_xx = _array(xp, real, "sum_xx", self.sum_xx, "", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "D", "real", sizes)
        sum_pi__ = _array(xp, real, "sum_pi__", self.sum_pi__, "H", "real", sizes)
        sum_sigma2__ = _array(
            xp, real, "sum_sigma2__", self.sum_sigma2__, "", "real", sizes
        )
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "D", "real", sizes
        )
        pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
        sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
        if w is not None:
            _array(xp, real, "w", w, "P", "real", sizes)
        D = sizes["D"]
        mean_entropy_q = sum_entropy_q / points
        mean_weights = sum_weights / points
        mean_xx = sum_xx / points
        mean_x = sum_x / points
        mean_pi = sum_pi__ / points
        mean_sigma2 = sum_sigma2__ / points
        center_x = sum_center_x / points
        # entropy of z
        entropy_z = xp.sum(-pi * xp.log(pi) - xp.log1p(-pi) * (1 - pi))
        # entropy of x
        entropy_x = 0.5 * D * xp.log(2 * math.e * math.pi * sigma2)
        slope_z = xp.sum(
            mean_weights
            * (
                (pi - 1) * (xp.log1p(-pi) - xp.log(pi))
                - pi * (xp.log1p(-pi) - xp.log(pi))
            )
        ) + xp.sum(pi * (xp.log1p(-pi) - xp.log(pi)))
        slope_x = (
            xp.sum(0.5 - 0.5 * (center_x / xp.sqrt(sigma2)) ** 2)
            - 0.5 * mean_xx / sigma2
            - 1 / sigma2 * xp.sum(center_x * mean_x)
        )
        sum_pi_ = 1
        ratio_pi = _ratio(xp, pi * sum_pi_, mean_pi)
        sum_sigma2_ = D
        ratio_sigma2 = _ratio(xp, sigma2 * sum_sigma2_, mean_sigma2)
        elbo = mean_entropy_q + slope_x + slope_z - entropy_x - entropy_z
        entropy_sum = mean_entropy_q - entropy_x - entropy_z
        gap = slope_x + slope_z
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_z=entropy_z,
            entropy_x=entropy_x,
            gap_z=slope_z,
            gap_x=slope_x,
            ratio_pi=ratio_pi,
            ratio_sigma2=ratio_sigma2,
        )

    @_within_floats
    def profiled_scales(self, *, w: Array | None = None, D: int) -> dict[str, Array]:
        """pi and sigma2 where the ELBO is stationary in them.

        All else is held fixed. `entropy_sum` at these values equals the ELBO there,
        whatever the other parameters and q are.

        Args:
            w: shape (P,); real. Only checked: the value does not depend on it.
            D: a positive integer; no array above determines it.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, w)
        sizes: dict[str, int] = _sizes(D=D)
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_pi___ = _array(xp, real, "sum_pi___", self.sum_pi___, "H", "real", sizes)
        sum_sigma2___ = _array(
            xp, real, "sum_sigma2___", self.sum_sigma2___, "", "real", sizes
        )
        if w is not None:
            _array(xp, real, "w", w, "P", "real", sizes)
        mean_pi_ = sum_pi___ / points
        mean_sigma2_ = sum_sigma2___ / points
        sum_pi_ = 1
        sum_sigma2_ = D
        # pi, where the ELBO is stationary in it
        pi = mean_pi_ / sum_pi_
        # sigma2, where the ELBO is stationary in it
        sigma2 = mean_sigma2_ / sum_sigma2_
        pi = _array(xp, real, "pi", pi, "H", "unit", sizes)
        sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
        return {"pi": pi, "sigma2": sigma2}


@_within_floats
def statistics(
    *,
    x: Array,
    entropy_q: Array,
    z: Array,
    m: Array,
    weights: Array | None = None,
    data_weights: Array | None = None,
    center_x: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, D); data, real.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.
        data_weights: shape (N,); how much each data point counts, 1 if not given.
        center_x: shape (D,); what is taken off x, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, entropy_q, z, m, weights, data_weights, center_x)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    entropy_q = _array(xp, real, "entropy_q", entropy_q, "", "real", sizes)
    z = _samples(xp, real, "z", z, "N S H", "binary", sizes, "sets")
    m = _samples(xp, real, "m", m, "N S D", "real", sizes, "sets")
    weights = _weights(xp, real, "weights", weights, "N", "S", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    center_x = _center(xp, real, "center_x", center_x, "D", sizes)
    sets = sizes["sets"]
    mean_entropy_q = entropy_q
    # weights of data points and of q
    weighted_q = data_weights[:, None] * weights
    # derivative of log p(z) along the motion
    mean_weighted_q = _mean_weights(xp, weighted_q, sets)
    mean_weights = xp.einsum("ns,nsr->r", mean_weighted_q, z)
    # derivative of log p(x) along the motion
    deviation_x = x - center_x
    mean_xx = xp.mean(
        xp.sum(
            weighted_q * _sum_squares(xp, deviation_x[:, None, :] - m, axis=-1), axis=1
        )
    )
    mean_x = xp.mean(
        xp.sum(weighted_q[:, :, None] * (deviation_x[:, None, :] - m), axis=1), axis=0
    )
    sum_pi = z
    mean_pi = xp.einsum("ns,nsh->h", mean_weighted_q, sum_pi)
    sum_sigma2 = _sum_squares(xp, x[:, None, :] - m, axis=-1)
    mean_sigma2 = xp.mean(xp.sum(weighted_q * sum_sigma2, axis=1))
    mean_pi_ = xp.einsum("ns,nsh->h", mean_weighted_q, sum_pi)
    mean_sigma2_ = xp.mean(xp.sum(weighted_q * sum_sigma2, axis=1))
    means = (
        mean_entropy_q,
        mean_weights,
        mean_xx,
        mean_x,
        mean_pi,
        mean_sigma2,
        mean_pi_,
        mean_sigma2_,
        center_x,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(
    *,
    x: Array,
    pi: Array,
    w: Array | None = None,
    sigma2: Array,
    entropy_q: Array,
    z: Array,
    m: Array,
    weights: Array | None = None,
) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, D); data, real.
        pi: shape (H,); strictly between 0 and 1.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(
        x=x, entropy_q=entropy_q, z=z, m=m, weights=weights, center_x=_mean(x)
    )
    return sums.terms(pi=pi, w=w, sigma2=sigma2)


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


def _sum_squares(xp: Any, a: Array, axis: int | None = None) -> Array:
    """The sum of a**2 over one axis, or over all of them."""
    if axis is None:
        a, axis = xp.reshape(a, (-1,)), -1
    return xp.linalg.vecdot(a, a, axis=axis)


def _pool(xp: Any, values: Array, sets: int) -> Array:
    """The mean over the data where they share the samples, else the values."""
    return xp.mean(values, axis=0, keepdims=True) if sets == 1 else values


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
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
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
