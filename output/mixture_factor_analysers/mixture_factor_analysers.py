"""Mixture of factor analysers: numeric entropy sum and ELBO.

Reference: Ghahramani & Hinton (1996), technical report CRG-TR-96-1.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
b5072abe5f7290b2b18152cbeed4a421a3983c190ae5df47abfe8f639429d4d9.
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
    W: ArrayLike | None = None,
    mu: ArrayLike | None = None,
    v: ArrayLike,
    H: int,
    entropy_q: float,
    c: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        W: shape (C, D, H); real. Only checked: the value does not depend on it.
        mu: shape (C, D); real. Only checked: the value does not depend on it.
        v: shape (C, D); positive.
        H: a positive integer; no array above determines it.
        entropy_q: mean entropy of q over the data, in nats.
        c: shape (S,) or (N, S); samples or an enumeration of the latent, a category,
            counted from 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {"H": _size("H", H)}
    pi = _array("pi", pi, "C", "weights", sizes)
    v = _array("v", v, "C D", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    c = _samples("c", c, "N S", "category", sizes, "sets", sizes["C"])
    if W is not None:
        _array("W", W, "C D H", "real", sizes)
    if mu is not None:
        _array("mu", mu, "C D", "real", sizes)
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # entropy of c
    entropy_c = np.sum(special.entr(pi))
    # entropy of z
    entropy_z = 0.5 * H * np.log(2 * np.e * np.pi)
    # entropy of x
    entropy_x = 0.5 * np.sum(np.log(2 * np.e * np.pi * v[c - 1]), axis=-1)
    return float(
        entropy_q
        - entropy_c
        - entropy_z
        - np.sum(_mean_weights(weights, sets) * entropy_x)
    )


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    W: ArrayLike,
    mu: ArrayLike,
    v: ArrayLike,
    entropy_q: float,
    c: ArrayLike,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        W: shape (C, D, H); real.
        mu: shape (C, D); real.
        v: shape (C, D); positive.
        entropy_q: mean entropy of q over the data, in nats.
        c: shape (S,) or (N, S); samples or an enumeration of the latent, a category,
            counted from 1.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    W = _array("W", W, "C D H", "real", sizes)
    mu = _array("mu", mu, "C D", "real", sizes)
    v = _array("v", v, "C D", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    z = _samples("z", z, "N S H", "real", sizes, "sets")
    c = _samples("c", c, "N S", "category", sizes, "sets", sizes["C"])
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # log-density of c
    log_c = _log(pi[c - 1])
    # log-density of z
    log_z = np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi), axis=-1)
    # log-density of x
    m = mu[c - 1] + np.sum(W[c - 1] * z[:, :, None, :], axis=-1)
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = _sampled_mean(weights, deviation_x**2, sets)
    mean_x = _sampled_mean(weights, deviation_x, sets)
    log_x = (
        np.sum(
            mean_weights
            * np.sum(
                -0.5 * np.log(2 * np.pi * v[c - 1])
                - 0.5 * ((center_x[:, None, :] - m) / np.sqrt(v[c - 1])) ** 2,
                axis=-1,
            )
        )
        - 0.5 * np.sum(mean_xx / v[c - 1])
        - np.sum(mean_x * (center_x[:, None, :] - m) / v[c - 1])
    )
    return float(
        entropy_q
        + np.sum(_weigh(mean_weights, log_c))
        + np.sum(mean_weights * log_z)
        + log_x
    )


@_within_floats
def gap(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    W: ArrayLike,
    mu: ArrayLike,
    v: ArrayLike,
    entropy_q: float | None = None,
    c: ArrayLike,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds W[c,d,h] = -W[c,d,h]/2
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
        d/ds v[c,d] = -v[c,d]
        d/ds z[h] = z[h]/2
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        W: shape (C, D, H); real.
        mu: shape (C, D); real.
        v: shape (C, D); positive.
        entropy_q: mean entropy of q over the data, in nats. Only checked: the value
            does not depend on it.
        c: shape (S,) or (N, S); samples or an enumeration of the latent, a category,
            counted from 1.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "C", "weights", sizes)
    W = _array("W", W, "C D H", "real", sizes)
    mu = _array("mu", mu, "C D", "real", sizes)
    v = _array("v", v, "C D", "positive", sizes)
    z = _samples("z", z, "N S H", "real", sizes, "sets")
    c = _samples("c", c, "N S", "category", sizes, "sets", sizes["C"])
    if entropy_q is not None:
        _number("entropy_q", entropy_q)
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # derivative of log p(c) along the motion
    slope_c = _log(pi[c - 1]) + np.sum(special.entr(pi))
    # derivative of log p(z) along the motion
    slope_z = 0.5 * np.sum(1 - z**2, axis=-1)
    # derivative of log p(x) along the motion
    m = mu[c - 1] + np.sum(W[c - 1] * z[:, :, None, :], axis=-1)
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = _sampled_mean(weights, deviation_x**2, sets)
    mean_x = _sampled_mean(weights, deviation_x, sets)
    slope_x = (
        np.sum(
            mean_weights
            * np.sum(
                0.5 - 0.5 * ((center_x[:, None, :] - m) / np.sqrt(v[c - 1])) ** 2,
                axis=-1,
            )
        )
        - 0.5 * np.sum(mean_xx / v[c - 1])
        - np.sum(mean_x * (center_x[:, None, :] - m) / v[c - 1])
    )
    return float(
        np.sum(_weigh(mean_weights, slope_c)) + np.sum(mean_weights * slope_z) + slope_x
    )


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
