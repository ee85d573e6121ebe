"""VAE-1: numeric entropy sum and ELBO.

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


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    W: ArrayLike | None = None,
    b: ArrayLike | None = None,
    w: ArrayLike | None = None,
    sigma2: ArrayLike,
    nu: ArrayLike,
    tau2: ArrayLike,
    m: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.

    Args:
        x: shape (N, D); data, real.
        W: shape (K, H); real. Only checked: the value does not depend on it.
        b: shape (K,); real. Only checked: the value does not depend on it.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.
        m: shape (S, D) or (N, S, D); values of m(a, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    nu = _array("nu", nu, "N H", "real", sizes)
    tau2 = _array("tau2", tau2, "N H", "positive", sizes)
    m = _samples("m", m, "N S D", "real", sizes, "sets")
    if W is not None:
        _array("W", W, "K H", "real", sizes)
    if b is not None:
        _array("b", b, "K", "real", sizes)
    if w is not None:
        _array("w", w, "P", "real", sizes)
    weights = _weights("weights", weights, "N", "S", sizes)
    H, sets = sizes["H"], sizes["sets"]
    # entropy of q
    entropy_q = 0.5 * np.sum(np.log(tau2), axis=-1) + 0.5 * H * np.log(2 * np.e * np.pi)
    # log-density of z
    log_z = np.sum(-0.5 * nu**2 - 0.5 * np.log(2 * np.pi), axis=-1)
    log_z_spread = -0.5 * np.sum(tau2, axis=-1)
    # log-density of x
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = np.mean(np.sum(deviation_x**2, axis=-1))
    mean_x = _sampled_mean(weights, deviation_x, sets)
    log_x = (
        np.sum(
            mean_weights
            * np.sum(
                -0.5 * np.log(2 * np.pi * sigma2)
                - 0.5 * ((center_x[:, None, :] - m) / np.sqrt(sigma2)) ** 2,
                axis=-1,
            )
        )
        - 0.5 * mean_xx / sigma2
        - 1 / sigma2 * np.sum(mean_x * (center_x[:, None, :] - m))
    )
    return float(np.mean(entropy_q) + np.mean(log_z) + np.mean(log_z_spread) + log_x)


@_within_floats
def gap(
    *,
    x: ArrayLike,
    W: ArrayLike | None = None,
    b: ArrayLike | None = None,
    w: ArrayLike | None = None,
    sigma2: ArrayLike,
    nu: ArrayLike,
    tau2: ArrayLike,
    m: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds W[k,h] = -W[k,h]/2
        d/ds sigma2 = -sigma2
        d/ds z[h] = z[h]/2
        d/ds nu[h] = nu[h]/2
        d/ds tau2[h] = tau2[h]
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        W: shape (K, H); real. Only checked: the value does not depend on it.
        b: shape (K,); real. Only checked: the value does not depend on it.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.
        m: shape (S, D) or (N, S, D); values of m(a, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    nu = _array("nu", nu, "N H", "real", sizes)
    tau2 = _array("tau2", tau2, "N H", "positive", sizes)
    m = _samples("m", m, "N S D", "real", sizes, "sets")
    if W is not None:
        _array("W", W, "K H", "real", sizes)
    if b is not None:
        _array("b", b, "K", "real", sizes)
    if w is not None:
        _array("w", w, "P", "real", sizes)
    weights = _weights("weights", weights, "N", "S", sizes)
    H, sets = sizes["H"], sizes["sets"]
    # derivative of log p(z) along the motion
    slope_z = 0.5 * H - 0.5 * np.sum(tau2, axis=-1) - 0.5 * np.sum(nu**2, axis=-1)
    # derivative of log p(x) along the motion
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = np.mean(np.sum(deviation_x**2, axis=-1))
    mean_x = _sampled_mean(weights, deviation_x, sets)
    slope_x = (
        np.sum(
            mean_weights
            * np.sum(
                0.5 - 0.5 * ((center_x[:, None, :] - m) / np.sqrt(sigma2)) ** 2, axis=-1
            )
        )
        - 0.5 * mean_xx / sigma2
        - 1 / sigma2 * np.sum(mean_x * (center_x[:, None, :] - m))
    )
    return float(np.mean(slope_z) + slope_x)


def _weighted_mean(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""
    if len(weights) < len(values):
        values = values.mean(axis=0, keepdims=True)
    return np.tensordot(weights, values, axes=(0, 0)) / len(values)


def _pool(values: NDArray[np.float64], sets: int) -> NDArray[np.float64]:
    """The mean over the data where they share the samples, else the values."""
    return values.mean(axis=0, keepdims=True) if sets == 1 else values


def _mean_weights(weights: NDArray[np.float64], sets: int) -> NDArray[np.float64]:
    """The mean weight of each sample, or each weight over N where none is shared."""
    if sets == 1:
        return weights.mean(axis=0, keepdims=True)
    return np.broadcast_to(weights / sets, (sets, weights.shape[1]))


def _sampled_mean(
    weights: NDArray[np.float64], values: NDArray[np.float64], sets: int
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, s]*values[n, ...], or its terms where no s is shared."""
    if sets == 1:
        return _weighted_mean(weights, values)[None]
    shape = (*weights.shape, *(1 for _ in values.shape[1:]))
    return weights.reshape(shape) * values[:, None] / sets


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


def _samples(
    name: str,
    value: ArrayLike,
    dims: str,
    domain: str,
    sizes: dict[str, int],
    sets: str,
    *bounds: ArrayLike,
) -> NDArray[np.float64]:
    """Check what varies with samples; without an axis of data points these share it."""
    shared = np.ndim(value) < len(dims.split())
    own = dims.partition(" ")[2] if shared else dims
    array = _array(name, value, own, domain, sizes, *bounds)
    array = array[None] if shared else array
    if sizes.setdefault(sets, len(array)) != len(array):
        raise ValueError(f"{name} has an axis of data points, or other samples have it")
    return array


def _weights(
    name: str, weights: ArrayLike | None, data: str, samples: str, sizes: dict[str, int]
) -> NDArray[np.float64]:
    """Weights of the samples with a leading axis of data points (or of length one)."""
    if weights is None:
        count = sizes[samples]
        return np.full((1, count), 1 / count)
    dims = samples if np.ndim(weights) == 1 else f"{data} {samples}"
    return np.atleast_2d(_array(name, weights, dims, "weights", sizes))


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
