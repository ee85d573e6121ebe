"""Hidden Markov model: numeric entropy sum and ELBO.

Reference: Rabiner (1989), Proc. IEEE 77(2); a product of the papers' mixtures.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
b8fb005b18ad7daf48b1990fdd00e0c1f08bf751471db195314eeef5fa0d240b.
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
    p: ArrayLike,
    A: ArrayLike,
    mu: ArrayLike | None = None,
    v: ArrayLike,
    entropy_q: float,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real. Only checked: the value does not depend on it.
        v: shape (K, D); positive.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, T) or (N, S, T); samples or an enumeration of the latent, a
            category, counted from 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    p = _array("p", p, "K", "weights", sizes)
    A = _array("A", A, "K K", "weights", sizes)
    v = _array("v", v, "K D", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    z = _samples("z", z, "N S T", "category", sizes, "sets", sizes["K"])
    if mu is not None:
        _array("mu", mu, "K D", "real", sizes)
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # entropy of z[1]
    entropy_z_1 = np.sum(special.entr(p))
    # entropy of z[t]
    entropy_z_t = np.sum(np.sum(special.entr(A[z[:, :, :-1] - 1]), axis=-1), axis=-1)
    # entropy of x
    entropy_x = 0.5 * np.sum(np.log(2 * np.e * np.pi * v[z - 1]), axis=(-2, -1))
    mean_weights = _mean_weights(weights, sets)
    return float(
        entropy_q
        - entropy_z_1
        - np.sum(mean_weights * entropy_z_t)
        - np.sum(mean_weights * entropy_x)
    )


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    p: ArrayLike,
    A: ArrayLike,
    mu: ArrayLike,
    v: ArrayLike,
    entropy_q: float,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, T, D); data, real.
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real.
        v: shape (K, D); positive.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, T) or (N, S, T); samples or an enumeration of the latent, a
            category, counted from 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N T D", "real", sizes)
    p = _array("p", p, "K", "weights", sizes)
    A = _array("A", A, "K K", "weights", sizes)
    mu = _array("mu", mu, "K D", "real", sizes)
    v = _array("v", v, "K D", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    z = _samples("z", z, "N S T", "category", sizes, "sets", sizes["K"])
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # log-density of z[1]
    log_z_1 = _log(p[z[:, :, 0] - 1])
    # log-density of z[t]
    log_z_t = np.sum(_log(A[z[:, :, :-1] - 1, z[:, :, 1:] - 1]), axis=-1)
    # log-density of x
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = _sampled_mean(weights, deviation_x**2, sets)
    mean_x = _sampled_mean(weights, deviation_x, sets)
    log_x = (
        np.sum(
            mean_weights
            * np.sum(
                -0.5 * np.log(2 * np.pi * v[z - 1])
                - 0.5
                * ((center_x[:, None, :, :] - mu[z - 1]) / np.sqrt(v[z - 1])) ** 2,
                axis=(-2, -1),
            )
        )
        - 0.5 * np.sum(mean_xx / v[z - 1])
        - np.sum(mean_x * (center_x[:, None, :, :] - mu[z - 1]) / v[z - 1])
    )
    return float(
        entropy_q
        + np.sum(_weigh(mean_weights, log_z_1))
        + np.sum(_weigh(mean_weights, log_z_t))
        + log_x
    )


@_within_floats
def gap(
    *,
    x: ArrayLike,
    p: ArrayLike,
    A: ArrayLike,
    mu: ArrayLike,
    v: ArrayLike,
    entropy_q: float | None = None,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds A[k,i] = A[k,i]*(log(A[k,i]) - sum(A[k,j]*log(A[k,j]) for j in 1:K))
        d/ds p[k] = p[k]*(log(p[k]) - sum(p[i]*log(p[i]) for i in 1:K))
        d/ds v[k,d] = -v[k,d]
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, T, D); data, real.
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real.
        v: shape (K, D); positive.
        entropy_q: mean entropy of q over the data, in nats. Only checked: the value
            does not depend on it.
        z: shape (S, T) or (N, S, T); samples or an enumeration of the latent, a
            category, counted from 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N T D", "real", sizes)
    p = _array("p", p, "K", "weights", sizes)
    A = _array("A", A, "K K", "weights", sizes)
    mu = _array("mu", mu, "K D", "real", sizes)
    v = _array("v", v, "K D", "positive", sizes)
    z = _samples("z", z, "N S T", "category", sizes, "sets", sizes["K"])
    if entropy_q is not None:
        _number("entropy_q", entropy_q)
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # derivative of log p(z[1]) along the motion
    slope_z_1 = _log(p[z[:, :, 0] - 1]) + np.sum(special.entr(p))
    # derivative of log p(z[t]) along the motion
    slope_z_t = np.sum(
        _log(A[z[:, :, :-1] - 1, z[:, :, 1:] - 1])
        + np.sum(special.entr(A[z[:, :, :-1] - 1]), axis=-1),
        axis=-1,
    )
    # derivative of log p(x) along the motion
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = _mean_weights(weights, sets)
    mean_xx = _sampled_mean(weights, deviation_x**2, sets)
    mean_x = _sampled_mean(weights, deviation_x, sets)
    slope_x = (
        np.sum(
            mean_weights
            * np.sum(
                0.5
                - 0.5
                * ((center_x[:, None, :, :] - mu[z - 1]) / np.sqrt(v[z - 1])) ** 2,
                axis=(-2, -1),
            )
        )
        - 0.5 * np.sum(mean_xx / v[z - 1])
        - np.sum(mean_x * (center_x[:, None, :, :] - mu[z - 1]) / v[z - 1])
    )
    return float(
        np.sum(_weigh(mean_weights, slope_z_1))
        + np.sum(_weigh(mean_weights, slope_z_t))
        + slope_x
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
