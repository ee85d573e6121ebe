"""VAE-1: numeric entropy sum.

Reference: Damm et al. (2023), Definition 1.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
40dd0c72b049a95f6e03ce09893e9843bf1cecf070a9728429cf0f8e0bfea166.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["entropy_sum"]

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
    W: ArrayLike | None = None,
    b: ArrayLike | None = None,
    w: ArrayLike | None = None,
    sigma2: ArrayLike,
    D: int,
    tau2: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (K, H); real. Only checked: the value does not depend on it.
        b: shape (K,); real. Only checked: the value does not depend on it.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        D: a positive integer; no array above determines it.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {"D": _size("D", D)}
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    tau2 = _array("tau2", tau2, "N H", "positive", sizes)
    if W is not None:
        _array("W", W, "K H", "real", sizes)
    if b is not None:
        _array("b", b, "K", "real", sizes)
    if w is not None:
        _array("w", w, "P", "real", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * np.sum(np.log(tau2), axis=-1) + 0.5 * H * np.log(2 * np.e * np.pi)
    # entropy of z
    entropy_z = 0.5 * H * np.log(2 * np.e * np.pi)
    # entropy of x
    entropy_x = 0.5 * D * np.log(2 * np.e * np.pi * sigma2)
    return float(np.mean(entropy_q) - entropy_z - entropy_x)


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
