"""Linear VAE: numeric entropy sum and ELBO.

Reference: Damm et al. (2023); Warnken et al. (2025), after Eqn 29.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
3f19d3e60384c6d70571a559856aafaee615873d9738107906228d1c7548ccda.
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
    W: ArrayLike | None = None,
    mu: ArrayLike | None = None,
    sigma2: ArrayLike,
    D: int,
    tau2: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (D, H); real. Only checked: the value does not depend on it.
        mu: shape (D,); real. Only checked: the value does not depend on it.
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
        _array("W", W, "D H", "real", sizes)
    if mu is not None:
        _array("mu", mu, "D", "real", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * np.sum(np.log(tau2), axis=-1) + 0.5 * H * np.log(2 * np.e * np.pi)
    # entropy of z
    entropy_z = 0.5 * H * np.log(2 * np.e * np.pi)
    # entropy of x
    entropy_x = 0.5 * D * np.log(2 * np.e * np.pi * sigma2)
    return float(np.mean(entropy_q) - entropy_z - entropy_x)


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    W: ArrayLike,
    mu: ArrayLike,
    sigma2: ArrayLike,
    nu: ArrayLike,
    tau2: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is quadratic in the latents.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    W = _array("W", W, "D H", "real", sizes)
    mu = _array("mu", mu, "D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    nu = _array("nu", nu, "N H", "real", sizes)
    tau2 = _array("tau2", tau2, "N H", "positive", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * np.sum(np.log(tau2), axis=-1) + 0.5 * H * np.log(2 * np.e * np.pi)
    # log-density of z
    log_z = np.sum(-0.5 * nu**2 - 0.5 * np.log(2 * np.pi), axis=-1)
    log_z_spread = -0.5 * np.sum(tau2, axis=-1)
    # log-density of x
    m = mu + nu @ W.T
    log_x = np.sum(
        -0.5 * np.log(2 * np.pi * sigma2) - 0.5 * ((x - m) / np.sqrt(sigma2)) ** 2,
        axis=-1,
    )
    log_x_spread = -0.5 * np.einsum("ni,ji->n", tau2, W**2) / sigma2
    return float(
        np.mean(entropy_q)
        + np.mean(log_z)
        + np.mean(log_z_spread)
        + np.mean(log_x)
        + np.mean(log_x_spread)
    )


@_within_floats
def gap(
    *,
    x: ArrayLike,
    W: ArrayLike,
    mu: ArrayLike,
    sigma2: ArrayLike,
    nu: ArrayLike,
    tau2: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds W[d,h] = -W[d,h]/2
        d/ds sigma2 = -sigma2
        d/ds z[h] = z[h]/2
        d/ds nu[h] = nu[h]/2
        d/ds tau2[h] = tau2[h]
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    W = _array("W", W, "D H", "real", sizes)
    mu = _array("mu", mu, "D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    nu = _array("nu", nu, "N H", "real", sizes)
    tau2 = _array("tau2", tau2, "N H", "positive", sizes)
    H = sizes["H"]
    # derivative of log p(z) along the motion
    slope_z = 0.5 * H - 0.5 * np.sum(tau2, axis=-1) - 0.5 * np.sum(nu**2, axis=-1)
    # derivative of log p(x) along the motion
    m = mu + nu @ W.T
    slope_x = np.sum(0.5 - 0.5 * ((x - m) / np.sqrt(sigma2)) ** 2, axis=-1)
    slope_x_spread = -0.5 * np.einsum("ni,ji->n", tau2, W**2) / sigma2
    return float(np.mean(slope_z) + np.mean(slope_x) + np.mean(slope_x_spread))


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
