"""Gaussian mixture, scalar variances: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Proposition 4.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
8b16c528800e7b472e75236fdbf88875092dd8d093b383c804db5088d5efb7e9.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["elbo", "entropy_sum", "gap", "profiled_scales"]

P = ParamSpec("P")
R = TypeVar("R")


def _within_floats(function: Callable[P, R]) -> Callable[P, R]:
    """Raise ValueError where a number is undetermined or leaves the range of floats."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                value = function(*args, **kwargs)
            if isinstance(value, float) and not value < np.inf:
                raise FloatingPointError(f"found {value}")
        except FloatingPointError as error:
            message = f"{function.__name__} is undetermined or exceeds floats: {error}"
            raise ValueError(message) from None
        return value

    return checked


@_within_floats
def entropy_sum(
    *,
    pi: ArrayLike,
    mu: ArrayLike | None = None,
    sigma2: ArrayLike,
    D: int,
    q: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real. Only checked: the value does not depend on it.
        sigma2: shape (C,); positive.
        D: a positive integer; no array above determines it.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {"D": _size("D", D)}
    pi = _array("pi", pi, "C", "weights", sizes)
    sigma2 = _array("sigma2", sigma2, "C", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    if mu is not None:
        _array("mu", mu, "C D", "real", sizes)
    # entropy of q
    entropy_q = np.sum(special.entr(q), axis=1)
    # entropy of c
    entropy_c = np.sum(special.entr(pi))
    # entropy of x
    entropy_x = 0.5 * D * np.log(2 * np.e * np.pi * sigma2)
    return float(np.mean(entropy_q) - entropy_c - q.mean(axis=0) @ entropy_x)


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    mu: ArrayLike,
    sigma2: ArrayLike,
    q: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C,); positive.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    mu = _array("mu", mu, "C D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "C", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # entropy of q
    entropy_q = np.sum(special.entr(q), axis=1)
    # log-density of c
    log_c = _log(pi)
    # log-density of x
    center_x = np.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = q.mean(axis=0)
    mean_xx = _weighted_mean(q, np.sum(deviation_x**2, axis=-1))
    mean_x = _weighted_mean(q, deviation_x)
    log_x = (
        np.sum(
            mean_q
            * np.sum(
                -(0.5 * np.log(2 * np.pi * sigma2))[:, None]
                - 0.5 * ((center_x - mu) / np.sqrt(sigma2)[:, None]) ** 2,
                axis=-1,
            )
        )
        - 0.5 * np.sum(mean_xx / sigma2)
        - np.sum(mean_x * (center_x - mu) / sigma2[:, None])
    )
    return float(np.mean(entropy_q) + np.sum(_weigh(mean_q, log_c)) + log_x)


@_within_floats
def gap(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    mu: ArrayLike,
    sigma2: ArrayLike,
    q: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
        d/ds sigma2[c] = -sigma2[c]
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C,); positive.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    mu = _array("mu", mu, "C D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "C", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # derivative of log p(c) along the motion
    slope_c = _log(pi) + np.sum(special.entr(pi))
    # derivative of log p(x) along the motion
    center_x = np.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = q.mean(axis=0)
    mean_xx = _weighted_mean(q, np.sum(deviation_x**2, axis=-1))
    mean_x = _weighted_mean(q, deviation_x)
    slope_x = (
        np.sum(
            mean_q
            * np.sum(
                0.5 - 0.5 * ((center_x - mu) / np.sqrt(sigma2)[:, None]) ** 2, axis=-1
            )
        )
        - 0.5 * np.sum(mean_xx / sigma2)
        - np.sum(mean_x * (center_x - mu) / sigma2[:, None])
    )
    return float(np.sum(_weigh(mean_q, slope_c)) + slope_x)


@_within_floats
def profiled_scales(
    *,
    x: ArrayLike,
    mu: ArrayLike,
    q: ArrayLike,
) -> dict[str, NDArray[np.float64]]:
    """pi and sigma2 where the ELBO is stationary in them.

    All else is held fixed. `entropy_sum` at these values equals the ELBO there,
    whatever the other parameters and q are.

    Args:
        x: shape (N, D); data, real.
        mu: shape (C, D); real.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    mu = _array("mu", mu, "C D", "real", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    D = sizes["D"]
    # pi, where the ELBO is stationary in it
    pi = q.mean(axis=0)
    # sigma2, where the ELBO is stationary in it
    center_x = np.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = pi
    mean_xx = _weighted_mean(q, np.sum(deviation_x**2, axis=-1))
    mean_x = _weighted_mean(q, deviation_x)
    sum_sigma2 = (
        mean_xx
        + mean_q * np.sum((center_x - mu) ** 2, axis=-1)
        + np.sum(mean_x * (2 * center_x - 2 * mu), axis=-1)
    )
    sum_sigma2_ = D
    sigma2 = sum_sigma2 / (pi * sum_sigma2_)
    pi = _array("pi", pi, "C", "weights", sizes)
    sigma2 = _array("sigma2", sigma2, "C", "positive", sizes)
    return {"pi": pi, "sigma2": sigma2}


def _log(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p), minus infinity at 0."""
    p = np.asarray(p)
    return np.log(p, out=np.full(p.shape, -np.inf), where=p > 0)


def _weigh(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """weights * values, where a weight of 0 takes out minus infinity."""
    shape = np.broadcast_shapes(weights.shape, values.shape)
    return np.multiply(weights, values, out=np.zeros(shape), where=weights > 0)


def _weighted_mean(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""
    if len(weights) < len(values):
        values = values.mean(axis=0, keepdims=True)
    return np.tensordot(weights, values, axes=(0, 0)) / len(values)


def _array(
    name: str,
    value: ArrayLike,
    dims: str,
    domain: str,
    sizes: dict[str, int],
) -> NDArray[np.float64]:
    """Check the shape and domain of an array; sizes seen first are kept in `sizes`."""
    array = _real(name, value)
    names = dims.split()
    if array.ndim == len(names):
        for dim, length in zip(names, array.shape):
            if not dim.isdigit():
                sizes.setdefault(dim, length)
    expected = tuple(_length(dim, sizes) for dim in names)
    if array.shape != expected:
        symbols = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        numbers = str(expected).replace("None", "?")
        raise ValueError(
            f"{name} must have shape {symbols} = {numbers}, found {array.shape}"
        )
    if 0 in array.shape:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    least = array.min()
    if domain in ("simplex", "weights"):
        if least < 0 or (domain == "simplex" and least == 0):
            sign = "positive" if domain == "simplex" else "non-negative"
            raise ValueError(f"{name} must be {sign}, found {least}")
        if not np.all(np.abs(array @ np.ones(array.shape[-1]) - 1) <= 1e-8):
            raise ValueError(f"{name} must sum to one over its last axis")
        return array
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
    return array


def _length(dim: str, sizes: dict[str, int]) -> int | None:
    """The length of an axis, None while it is unknown."""
    return int(dim) if dim.isdigit() else sizes.get(dim)


def _size(name: str, value: int) -> int:
    """Check a size."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, found {value!r}")
    return int(value)


def _real(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Refuse text, complex numbers, objects and rows of unequal lengths."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers")
    return np.asarray(array, dtype=float)
