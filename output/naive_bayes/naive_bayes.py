"""Gaussian naive Bayes: numeric entropy sum and ELBO.

Reference: Murphy (2012), Machine Learning, Section 3.5.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
c5b7e7a328aaf30cb71b059a2831578b8ebc169230f854d2a9cbbc9a2a6c0bdf.
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
    mu: ArrayLike | None = None,
    sigma2: ArrayLike,
    y: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real. Only checked: the value does not depend on it.
        sigma2: shape (C, D); positive.
        y: shape (N,); data, a category, counted from 1.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    pi = _array("pi", pi, "C", "weights", sizes)
    sigma2 = _array("sigma2", sigma2, "C D", "positive", sizes)
    y = _array("y", y, "N", "category", sizes, sizes["C"])
    if mu is not None:
        _array("mu", mu, "C D", "real", sizes)
    # entropy of y
    entropy_y = np.sum(special.entr(pi))
    # entropy of x
    entropy_x = 0.5 * np.sum(np.log(2 * np.e * np.pi * sigma2[y - 1]), axis=-1)
    return float(-entropy_y - np.mean(entropy_x))


@_within_floats
def elbo(
    *,
    y: ArrayLike,
    x: ArrayLike,
    pi: ArrayLike,
    mu: ArrayLike,
    sigma2: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    Minus infinity where a category of probability 0 has weight.

    Args:
        y: shape (N,); data, a category, counted from 1.
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C, D); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    mu = _array("mu", mu, "C D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "C D", "positive", sizes)
    y = _array("y", y, "N", "category", sizes, sizes["C"])
    # log-density of y
    log_y = _log(pi[y - 1])
    # log-density of x
    log_x = np.sum(
        -0.5 * np.log(2 * np.pi * sigma2[y - 1])
        - 0.5 * ((x - mu[y - 1]) / np.sqrt(sigma2[y - 1])) ** 2,
        axis=-1,
    )
    return float(np.mean(log_y) + np.mean(log_x))


@_within_floats
def gap(
    *,
    y: ArrayLike,
    x: ArrayLike,
    pi: ArrayLike,
    mu: ArrayLike,
    sigma2: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
        d/ds sigma2[c,d] = -sigma2[c,d]
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        y: shape (N,); data, a category, counted from 1.
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C, D); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    mu = _array("mu", mu, "C D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "C D", "positive", sizes)
    y = _array("y", y, "N", "category", sizes, sizes["C"])
    # derivative of log p(y) along the motion
    slope_y = _log(pi[y - 1]) + np.sum(special.entr(pi))
    # derivative of log p(x) along the motion
    slope_x = np.sum(
        0.5 - 0.5 * ((x - mu[y - 1]) / np.sqrt(sigma2[y - 1])) ** 2, axis=-1
    )
    return float(np.mean(slope_y) + np.mean(slope_x))


def _log(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p), minus infinity at 0."""
    p = np.asarray(p)
    return np.log(p, out=np.full(p.shape, -np.inf), where=p > 0)


def _array(
    name: str,
    value: ArrayLike,
    dims: str,
    domain: str,
    sizes: dict[str, int],
    upper: ArrayLike = np.inf,
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
    if domain == "category":
        if least < 1 or largest > upper or np.any(array != np.floor(array)):
            raise ValueError(f"{name} must be a category in 1..{upper}")
        return array.astype(int)
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
