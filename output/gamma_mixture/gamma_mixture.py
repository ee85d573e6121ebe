"""Gamma mixture: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Section 4.1.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
518920866ffcfc99c372bfa6b27e14a05a36c5adb8d1e3d3f9e68e9cbbc41ea8.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["elbo", "entropy_sum", "gap"]

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
    alpha: ArrayLike,
    beta: ArrayLike,
    q: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        alpha: shape (C,); positive.
        beta: shape (C,); positive.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    pi = _array("pi", pi, "C", "weights", sizes)
    alpha = _array("alpha", alpha, "C", "positive", sizes)
    beta = _array("beta", beta, "C", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # entropy of q
    entropy_q = np.sum(special.entr(q), axis=1)
    # entropy of c
    entropy_c = np.sum(special.entr(pi))
    # entropy of x
    entropy_x = (
        _log_stirling(alpha) - np.log(beta) + _log_minus_digamma(alpha) * (alpha - 1)
    )
    return float(np.mean(entropy_q) - entropy_c - q.mean(axis=0) @ entropy_x)


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    alpha: ArrayLike,
    beta: ArrayLike,
    q: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N,); data, positive.
        pi: shape (C,); non-negative, summing to one over the last axis.
        alpha: shape (C,); positive.
        beta: shape (C,); positive.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N", "positive", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    alpha = _array("alpha", alpha, "C", "positive", sizes)
    beta = _array("beta", beta, "C", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # entropy of q
    entropy_q = np.sum(special.entr(q), axis=1)
    # log-density of c
    log_c = _log(pi)
    # log-density of x
    center_x = np.mean(x)
    deviation_x = x - center_x
    mean_q = q.mean(axis=0)
    mean_x = _weighted_mean(q, _log_ratio(x, center_x))
    mean_x_ = _weighted_mean(q, deviation_x)
    log_x = (
        np.sum(
            mean_q
            * (
                np.log(alpha)
                - _deviance(alpha, beta * center_x, np.log(beta) + np.log(center_x))
                - np.log(center_x)
                - _log_stirling(alpha)
            )
        )
        + np.sum(mean_x * (alpha - 1))
        - np.sum(beta * mean_x_)
    )
    return float(np.mean(entropy_q) + np.sum(_weigh(mean_q, log_c)) + log_x)


@_within_floats
def gap(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    alpha: ArrayLike,
    beta: ArrayLike,
    q: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds alpha[c] = alpha[c] - 1
        d/ds beta[c] = beta[c]
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N,); data, positive.
        pi: shape (C,); non-negative, summing to one over the last axis.
        alpha: shape (C,); positive.
        beta: shape (C,); positive.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N", "positive", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    alpha = _array("alpha", alpha, "C", "positive", sizes)
    beta = _array("beta", beta, "C", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # derivative of log p(c) along the motion
    slope_c = _log(pi) + np.sum(special.entr(pi))
    # derivative of log p(x) along the motion
    center_x = np.mean(x)
    deviation_x = x - center_x
    mean_q = q.mean(axis=0)
    mean_x = _weighted_mean(q, _log_ratio(x, center_x))
    mean_x_ = _weighted_mean(q, deviation_x)
    slope_x = (
        np.sum(
            mean_q
            * (
                np.log(alpha)
                - _deviance(alpha, beta * center_x, np.log(beta) + np.log(center_x))
                - np.log(beta)
                - np.log(center_x)
                + _log_minus_digamma(alpha) * (alpha - 1)
            )
        )
        + np.sum(mean_x * (alpha - 1))
        - np.sum(beta * mean_x_)
    )
    return float(np.sum(_weigh(mean_q, slope_c)) + slope_x)


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


def _log_stirling(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(x!) - x*log(x) + x, which tends to log(2*pi*x)/2."""
    small, large = np.minimum(x, 10), np.maximum(x, 10)
    exact = special.gammaln(small + 1) - special.xlogy(small, small) + small
    series = np.polyval(
        [1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12],
        (1 / large) ** 2,
    )
    asymptotic = 0.5 * (np.log(2 * np.pi) + np.log(large)) + series / large
    return np.where(x < 10, exact, asymptotic)


def _log_minus_digamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(x) - digamma(x), which tends to 1/(2*x)."""
    small, large = np.minimum(x, 10), np.maximum(x, 10)
    exact = np.log(small) - special.digamma(small)
    series = np.polyval(
        [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12],
        (1 / large) ** 2,
    )
    return np.where(x < 10, exact, (0.5 + series / large) / large)


def _deviance(
    x: NDArray[np.float64], mean: NDArray[np.float64], log_mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """x*log(x/mean) - x + mean, exact also where x is close to the mean."""
    ratio = (x - mean) / np.where(x + mean > 0, x + mean, 1)
    # Loader (2000): log(x/mean) is twice r + r**3/3 + r**5/5 + ..., r the ratio
    series = np.polyval(1 / np.arange(17, 1, -2), ratio**2)
    close = (x - mean) * ratio + 2 * x * ratio**3 * series
    positive = np.where(x > 0, x, 1)
    far = np.where(x > 0, positive * (np.log(positive) - log_mean), 0) - x + mean
    return np.where(np.abs(ratio) < 0.1, close, far)


def _log_ratio(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(x/y), exact where x is close to y; x/y need not be a float."""
    excess = np.where(np.abs(x - y) < 0.5 * y, x - y, 0) / y
    return np.where(excess == 0, np.log(x) - np.log(y), np.log1p(excess))


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


def _real(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Refuse text, complex numbers, objects and rows of unequal lengths."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers")
    return np.asarray(array, dtype=float)
