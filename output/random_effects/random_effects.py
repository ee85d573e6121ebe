"""Non-centred random effects: numeric entropy sum and ELBO.

Reference: Papaspiliopoulos, Roberts & Skoeld (2007), Stat. Sci. 22(1).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
dfa0edffe3ad21ad5e993e405ae4e1d5f16db45c2439865fa8a35f4743708f06.
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
    mu: ArrayLike | None = None,
    tau: ArrayLike | None = None,
    v: ArrayLike,
    J: int,
    K: int,
    entropy_q: float,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        mu: a number; real. Only checked: the value does not depend on it.
        tau: a number; real. Only checked: the value does not depend on it.
        v: a number; positive.
        J: a positive integer; no array above determines it.
        K: a positive integer; no array above determines it.
        entropy_q: mean entropy of q over the data, in nats.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {"J": _size("J", J), "K": _size("K", K)}
    v = _array("v", v, "", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    if mu is not None:
        _array("mu", mu, "", "real", sizes)
    if tau is not None:
        _array("tau", tau, "", "real", sizes)
    # entropy of z
    entropy_z = 0.5 * J * np.log(2 * np.e * np.pi)
    # entropy of x
    entropy_x = 0.5 * J * K * np.log(2 * np.e * np.pi * v)
    return float(entropy_q - entropy_z - entropy_x)


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    mu: ArrayLike,
    tau: ArrayLike,
    v: ArrayLike,
    entropy_q: float,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.

    Args:
        x: shape (N, J, K); data, real.
        mu: a number; real.
        tau: a number; real.
        v: a number; positive.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, J) or (N, S, J); samples or an enumeration of the latent, real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N J K", "real", sizes)
    mu = _array("mu", mu, "", "real", sizes)
    tau = _array("tau", tau, "", "real", sizes)
    v = _array("v", v, "", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    z = _samples("z", z, "N S J", "real", sizes, "sets")
    weights = _weights("weights", weights, "N", "S", sizes)
    J, K, S, sets = sizes["J"], sizes["K"], sizes["S"], sizes["sets"]
    # log-density of z
    log_z = np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi), axis=-1)
    # log-density of x
    m = np.broadcast_to((mu + tau * z)[:, :, :, None], (sets, S, J, K))
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = np.mean(np.sum(deviation_x**2, axis=(-2, -1)))
    mean_x = _sampled_mean(weights, deviation_x, sets)
    log_x = (
        np.sum(
            mean_weights
            * np.sum(
                -0.5 * np.log(2 * np.pi * v)
                - 0.5 * ((center_x[:, None, :, :] - m) / np.sqrt(v)) ** 2,
                axis=(-2, -1),
            )
        )
        - 0.5 * mean_xx / v
        - 1 / v * np.sum(mean_x * (center_x[:, None, :, :] - m))
    )
    return float(entropy_q + np.sum(mean_weights * log_z) + log_x)


@_within_floats
def gap(
    *,
    x: ArrayLike,
    mu: ArrayLike,
    tau: ArrayLike,
    v: ArrayLike,
    entropy_q: float | None = None,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds tau = -tau/2
        d/ds v = -v
        d/ds z[j] = z[j]/2
    It vanishes at stationary points.

    Args:
        x: shape (N, J, K); data, real.
        mu: a number; real.
        tau: a number; real.
        v: a number; positive.
        entropy_q: mean entropy of q over the data, in nats. Only checked: the value
            does not depend on it.
        z: shape (S, J) or (N, S, J); samples or an enumeration of the latent, real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N J K", "real", sizes)
    mu = _array("mu", mu, "", "real", sizes)
    tau = _array("tau", tau, "", "real", sizes)
    v = _array("v", v, "", "positive", sizes)
    z = _samples("z", z, "N S J", "real", sizes, "sets")
    if entropy_q is not None:
        _number("entropy_q", entropy_q)
    weights = _weights("weights", weights, "N", "S", sizes)
    J, K, S, sets = sizes["J"], sizes["K"], sizes["S"], sizes["sets"]
    # derivative of log p(z) along the motion
    slope_z = 0.5 * np.sum(1 - z**2, axis=-1)
    # derivative of log p(x) along the motion
    m = np.broadcast_to((mu + tau * z)[:, :, :, None], (sets, S, J, K))
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = np.mean(np.sum(deviation_x**2, axis=(-2, -1)))
    mean_x = _sampled_mean(weights, deviation_x, sets)
    slope_x = (
        np.sum(
            mean_weights
            * np.sum(
                0.5 - 0.5 * ((center_x[:, None, :, :] - m) / np.sqrt(v)) ** 2,
                axis=(-2, -1),
            )
        )
        - 0.5 * mean_xx / v
        - 1 / v * np.sum(mean_x * (center_x[:, None, :, :] - m))
    )
    return float(np.sum(mean_weights * slope_z) + slope_x)


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


def _number(name: str, value: float) -> float:
    """Check a finite number."""
    number = _real(name, value)
    if number.shape:
        raise ValueError(f"{name} must be a number, found an array")
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, found {number}")
    return float(number)


def _real(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Refuse text, complex numbers, objects and rows of unequal lengths."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers")
    return np.asarray(array, dtype=float)
