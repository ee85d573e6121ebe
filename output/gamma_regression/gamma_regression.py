"""Gamma regression: numeric entropy sum and ELBO.

Reference: McCullagh & Nelder (1989), Generalized Linear Models, Chapter 8.
Verdict: proved (Theorem 2). The ELBO and the entropy sum, made of pseudo-entropies
relative to the base measures, are equal at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
2518fe59d26a514f8723eaf7e7c453a91a8d6a6839bdc909e76c7c0459df430e.
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
            if isinstance(value, float) and not np.isfinite(value):
                raise FloatingPointError(f"found {value}")
        except FloatingPointError as error:
            message = f"{function.__name__} is undetermined or exceeds floats: {error}"
            raise ValueError(message) from None
        return value

    return checked


@_within_floats
def entropy_sum(
    *,
    w: ArrayLike,
    b: ArrayLike,
    shape: ArrayLike,
    y: ArrayLike,
    a: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        w: shape (K,); real.
        b: a number; real.
        shape: a number; a known constant, positive.
        y: shape (N,); data, positive.
        a: shape (N, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    w = _array("w", w, "K", "real", sizes)
    b = _array("b", b, "", "real", sizes)
    shape = _array("shape", shape, "", "positive", sizes)
    y = _array("y", y, "N", "positive", sizes)
    a = _array("a", a, "N K", "real", sizes)
    # pseudo-entropy of y
    entropy_y = shape * (1 + b - np.log(shape) + np.sum(a * w, axis=-1))
    # logarithm of the base measure of y
    log_base_y = shape * np.log(y) - np.log(y) - special.gammaln(shape)
    return float(np.mean(log_base_y) - np.mean(entropy_y))


@_within_floats
def elbo(
    *,
    y: ArrayLike,
    a: ArrayLike,
    w: ArrayLike,
    b: ArrayLike,
    shape: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    Args:
        y: shape (N,); data, positive.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.
        shape: a number; a known constant, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    y = _array("y", y, "N", "positive", sizes)
    a = _array("a", a, "N K", "real", sizes)
    w = _array("w", w, "K", "real", sizes)
    b = _array("b", b, "", "real", sizes)
    shape = _array("shape", shape, "", "positive", sizes)
    # log-density of y
    log_rate = -(b + np.sum(a * w, axis=-1))
    log_y = (
        np.log(shape)
        - _deviance(
            shape, shape * y * np.exp(log_rate), log_rate + np.log(shape) + np.log(y)
        )
        - np.log(y)
        - _log_stirling(shape)
    )
    return float(np.mean(log_y))


@_within_floats
def gap(
    *,
    y: ArrayLike,
    a: ArrayLike,
    w: ArrayLike,
    b: ArrayLike,
    shape: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds b = -1
    It vanishes at stationary points.

    Args:
        y: shape (N,); data, positive.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.
        shape: a number; a known constant, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    y = _array("y", y, "N", "positive", sizes)
    a = _array("a", a, "N K", "real", sizes)
    w = _array("w", w, "K", "real", sizes)
    b = _array("b", b, "", "real", sizes)
    shape = _array("shape", shape, "", "positive", sizes)
    # derivative of log p(y) along the motion
    log_rate = -(b + np.sum(a * w, axis=-1))
    slope_y = shape - shape * y * np.exp(log_rate)
    return float(np.mean(slope_y))


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
