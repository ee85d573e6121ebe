"""Logistic regression: numeric entropy sum and ELBO.

Reference: McCullagh & Nelder (1989), Generalized Linear Models, Chapter 4.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
e205dc1f85b5cff0095f33900afe251e3392df89795cfacdb49a7cc3b2fed85c.
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
        w: shape (K,); real.
        b: a number; real.
        a: shape (N, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    w = _array("w", w, "K", "real", sizes)
    b = _array("b", b, "", "real", sizes)
    a = _array("a", a, "N K", "real", sizes)
    # entropy of x
    a_x = b + np.sum(a * w, axis=-1)
    entropy_x = _entropy_of_logit(a_x)
    return float(-np.mean(entropy_x))


@_within_floats
def elbo(*, x: ArrayLike, a: ArrayLike, w: ArrayLike, b: ArrayLike) -> float:
    """ELBO per data point, in nats.

    Args:
        x: shape (N,); data, 0 or 1.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N", "binary", sizes)
    a = _array("a", a, "N K", "real", sizes)
    w = _array("w", w, "K", "real", sizes)
    b = _array("b", b, "", "real", sizes)
    # log-density of x
    a_ = b + np.sum(a * w, axis=-1)
    log_x = -np.logaddexp(0, a_ * (1 - 2 * x))
    return float(np.mean(log_x))


@_within_floats
def gap(*, x: ArrayLike, a: ArrayLike, w: ArrayLike, b: ArrayLike) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds b = b
        d/ds w[k] = w[k]
    It vanishes at stationary points.

    Args:
        x: shape (N,); data, 0 or 1.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N", "binary", sizes)
    a = _array("a", a, "N K", "real", sizes)
    w = _array("w", w, "K", "real", sizes)
    b = _array("b", b, "", "real", sizes)
    # derivative of log p(x) along the motion
    a_ = b + np.sum(a * w, axis=-1)
    slope_x = a_ * (x * special.expit(-a_) - special.expit(a_) * (1 - x))
    return float(np.mean(slope_x))


def _entropy_of_logit(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """softplus(a) - a*sigmoid(a), the entropy of a binary value with log-odds a."""
    a = np.abs(a)
    return np.logaddexp(0, -a) + a * special.expit(-a)


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
    if domain == "binary":
        if not np.all((array == 0) | (array == 1)):
            raise ValueError(f"{name} must be 0 or 1")
        return array
    least = array.min()
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
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
