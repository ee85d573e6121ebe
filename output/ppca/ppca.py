"""Probabilistic PCA: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Eqns 27-29.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
693933fffab472a2867aab8e94c5af3c9c39149f183d24ed236ccc766ed434d4.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    W: ArrayLike,
    mu: ArrayLike | None = None,
    sigma2: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (D, H); real.
        mu: shape (D,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    W = _array("W", W, "D H", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    if mu is not None:
        _array("mu", mu, "D", "real", sizes)
    D, H = sizes["D"], sizes["H"]
    # closed form of the entropy sum
    return float(
        -0.5 * np.linalg.slogdet(np.eye(H) + W.T @ W / sigma2)[1]
        - 0.5 * D * np.log(2 * np.e * np.pi * sigma2)
    )


@_within_floats
def elbo(*, x: ArrayLike, W: ArrayLike, mu: ArrayLike, sigma2: ArrayLike) -> float:
    """ELBO per data point, in nats.

    With the exact posterior this is the mean log-likelihood.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    W = _array("W", W, "D H", "real", sizes)
    mu = _array("mu", mu, "D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    H = sizes["H"]
    # exact posterior of z: normal with this precision and mode
    precision = np.eye(H) + W.T @ W / sigma2
    mode = np.linalg.solve(precision, ((x - mu) @ W / sigma2).T).T
    # log-density of z
    log_z = np.sum(-0.5 * mode**2 - 0.5 * np.log(2 * np.pi), axis=-1)
    # log-density of x
    m = mu + mode @ W.T
    log_x = np.sum(
        -0.5 * np.log(2 * np.pi * sigma2) - 0.5 * ((x - m) / np.sqrt(sigma2)) ** 2,
        axis=-1,
    )
    # the posterior is normal, so log p(x) = log p(x, mode) + this
    log_volume = 0.5 * H * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1]
    return float(np.mean(log_z) + np.mean(log_x) + log_volume)


@_within_floats
def gap(*, x: ArrayLike, W: ArrayLike, mu: ArrayLike, sigma2: ArrayLike) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds W[d,h] = -W[d,h]/2
        d/ds sigma2 = -sigma2
        d/ds z[h] = z[h]/2
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    W = _array("W", W, "D H", "real", sizes)
    mu = _array("mu", mu, "D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    H = sizes["H"]
    # exact posterior of z: normal with this precision and mode
    precision = np.eye(H) + W.T @ W / sigma2
    covariance = np.linalg.inv(precision)
    mode = np.linalg.solve(precision, ((x - mu) @ W / sigma2).T).T
    # derivative of log p(z) along the motion
    curvature_z = -np.eye(H)
    slope_z = (
        0.5 * H
        - 0.5 * np.sum(mode**2, axis=-1)
        + 0.5 * np.sum(covariance * curvature_z)
    )
    # derivative of log p(x) along the motion
    curvature_x = -W.T @ W / sigma2
    m = mu + mode @ W.T
    slope_x = np.sum(0.5 - 0.5 * ((x - m) / np.sqrt(sigma2)) ** 2, axis=-1)
    slope_x_spread = 0.5 * np.sum(covariance * curvature_x)
    return float(np.mean(slope_z) + np.mean(slope_x) + slope_x_spread)


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
