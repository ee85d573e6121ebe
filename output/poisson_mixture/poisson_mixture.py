"""Poisson mixture: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Section 4.2.
Verdict: proved (Theorem 2). The ELBO and the entropy sum, made of pseudo-entropies
relative to the base measures, are equal at stationary points.
All values are per data point and in nats. Names: lambda_ is `lambda`.

Written by symelbo 0.1.0 from a specification with SHA-256
fe34f590fe23562ea9dfa7870632a3ffdbdacb4452d4b4abeb36e607d34eefe4.
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
    lambda_: ArrayLike,
    x: ArrayLike,
    q: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        lambda_: shape (C, D); positive (`lambda` in the model).
        x: shape (N, D); data, whole numbers from 0 on.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    pi = _array("pi", pi, "C", "weights", sizes)
    lambda_ = _array("lambda_", lambda_, "C D", "positive", sizes)
    x = _array("x", x, "N D", "naturals", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # entropy of q
    entropy_q = np.sum(special.entr(q), axis=1)
    # entropy of c
    entropy_c = np.sum(special.entr(pi))
    # pseudo-entropy of x
    entropy_x = np.sum(lambda_ * (1 - np.log(lambda_)), axis=-1)
    # logarithm of the base measure of x
    log_base_x = -np.sum(special.gammaln(x + 1), axis=-1)
    return float(
        np.mean(entropy_q)
        + np.mean(log_base_x)
        - entropy_c
        - q.mean(axis=0) @ entropy_x
    )


@_within_floats
def elbo(*, x: ArrayLike, pi: ArrayLike, lambda_: ArrayLike, q: ArrayLike) -> float:
    """ELBO per data point, in nats.

    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        pi: shape (C,); non-negative, summing to one over the last axis.
        lambda_: shape (C, D); positive (`lambda` in the model).
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "naturals", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    lambda_ = _array("lambda_", lambda_, "C D", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # entropy of q
    entropy_q = np.sum(special.entr(q), axis=1)
    # log-density of c
    log_c = _log(pi)
    # log-density of x
    center_x = np.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = q.mean(axis=0)
    mean_x = np.mean(
        np.sum(special.gammaln(center_x + 1) - special.gammaln(x + 1), axis=-1)
    )
    mean_x_ = _weighted_mean(q, deviation_x)
    log_x = (
        mean_x
        + np.sum(
            mean_q
            * np.sum(
                -_deviance(center_x, lambda_, np.log(lambda_))
                - _log_stirling(center_x),
                axis=-1,
            )
        )
        + np.sum(mean_x_ * np.log(lambda_))
    )
    return float(np.mean(entropy_q) + np.sum(_weigh(mean_q, log_c)) + log_x)


@_within_floats
def gap(*, x: ArrayLike, pi: ArrayLike, lambda_: ArrayLike, q: ArrayLike) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds lambda[c,d] = lambda[c,d]*log(lambda[c,d])
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        pi: shape (C,); non-negative, summing to one over the last axis.
        lambda_: shape (C, D); positive (`lambda` in the model).
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "naturals", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    lambda_ = _array("lambda_", lambda_, "C D", "positive", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # derivative of log p(c) along the motion
    slope_c = _log(pi) + np.sum(special.entr(pi))
    # derivative of log p(x) along the motion
    center_x = np.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = q.mean(axis=0)
    mean_x = _weighted_mean(q, deviation_x)
    slope_x = np.sum(
        mean_q * np.sum(np.log(lambda_) * (center_x - lambda_), axis=-1)
    ) + np.sum(mean_x * np.log(lambda_))
    return float(np.sum(_weigh(mean_q, slope_c)) + slope_x)


@_within_floats
def profiled_scales(*, x: ArrayLike, q: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """pi and lambda_ where the ELBO is stationary in them.

    All else is held fixed. `entropy_sum` at these values equals the ELBO there,
    whatever the other parameters and q are.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "naturals", sizes)
    q = _array("q", q, "N C", "weights", sizes)
    # pi, where the ELBO is stationary in it
    pi = q.mean(axis=0)
    # lambda_, where the ELBO is stationary in it
    sum_lambda = x
    sum_lambda_ = 1
    lambda_ = _weighted_mean(q, sum_lambda) / (pi * sum_lambda_)[:, None]
    pi = _array("pi", pi, "C", "weights", sizes)
    lambda_ = _array("lambda_", lambda_, "C D", "positive", sizes)
    return {"pi": pi, "lambda_": lambda_}


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
    counts = domain in ("naturals", "counts")
    if counts and (least < 0 or np.any(array != np.floor(array))):
        raise ValueError(f"{name} must be a whole number that is not negative")
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
