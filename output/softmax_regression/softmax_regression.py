"""Softmax regression: numeric entropy sum and ELBO.

Reference: McCullagh & Nelder (1989), Generalized Linear Models, Chapter 5.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
1a775f4baf9181c4b492efe8d4a9b40d9497718f065e436f29764587f7e8bef8.
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
def entropy_sum(*, w: ArrayLike, b: ArrayLike, a: ArrayLike) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        w: shape (C, K); real.
        b: shape (C,); real.
        a: shape (N, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    w = _array("w", w, "C K", "real", sizes)
    b = _array("b", b, "C", "real", sizes)
    a = _array("a", a, "N K", "real", sizes)
    # entropy of y
    score = b + a @ w.T
    entropy_y = -np.sum(_log_softmax(score) * special.softmax(score, axis=-1), axis=-1)
    return float(-np.mean(entropy_y))


@_within_floats
def elbo(*, y: ArrayLike, a: ArrayLike, w: ArrayLike, b: ArrayLike) -> float:
    """ELBO per data point, in nats.

    Args:
        y: shape (N,); data, a category, counted from 1.
        a: shape (N, K); covariates, real.
        w: shape (C, K); real.
        b: shape (C,); real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    a = _array("a", a, "N K", "real", sizes)
    w = _array("w", w, "C K", "real", sizes)
    b = _array("b", b, "C", "real", sizes)
    y = _array("y", y, "N", "category", sizes, sizes["C"])
    N = sizes["N"]
    # log-density of y
    score = b + a @ w.T
    log_y = _log_softmax(score)[np.arange(N), y - 1]
    return float(np.mean(log_y))


@_within_floats
def gap(*, y: ArrayLike, a: ArrayLike, w: ArrayLike, b: ArrayLike) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds b[c] = b[c]
        d/ds w[c,k] = w[c,k]
    It vanishes at stationary points.

    Args:
        y: shape (N,); data, a category, counted from 1.
        a: shape (N, K); covariates, real.
        w: shape (C, K); real.
        b: shape (C,); real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    a = _array("a", a, "N K", "real", sizes)
    w = _array("w", w, "C K", "real", sizes)
    b = _array("b", b, "C", "real", sizes)
    y = _array("y", y, "N", "category", sizes, sizes["C"])
    N = sizes["N"]
    # derivative of log p(y) along the motion
    score = b + a @ w.T
    slope_y = _log_softmax(score)[np.arange(N), y - 1] - np.sum(
        _log_softmax(score) * special.softmax(score, axis=-1), axis=-1
    )
    return float(np.mean(slope_y))


def _log_softmax(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """a - log(sum(exp(a))) over the last axis, exact where one entry is far above."""
    largest = a.argmax(axis=-1, keepdims=True)
    shifted = a - np.take_along_axis(a, largest, axis=-1)
    others = np.exp(shifted)
    np.put_along_axis(others, largest, 0.0, axis=-1)
    return shifted - np.log1p(others.sum(axis=-1, keepdims=True))


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
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
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
