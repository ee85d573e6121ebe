"""Sigmoid belief network: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Definition 2 and Proposition 1.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
dc7ac9883e15323a4b7446217e0ab5f83bdddc233114ab490bf6dbbea756b583.
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
    pi: ArrayLike,
    W: ArrayLike,
    mu: ArrayLike,
    entropy_q: float,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (H,); strictly between 0 and 1.
        W: shape (D, H); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    pi = _array("pi", pi, "H", "unit", sizes)
    W = _array("W", W, "D H", "real", sizes)
    mu = _array("mu", mu, "D", "real", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    z = _samples("z", z, "N S H", "binary", sizes, "sets")
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # entropy of z
    entropy_z = np.sum(-pi * np.log(pi) - np.log1p(-pi) * (1 - pi))
    # entropy of x
    a = mu + z @ W.T
    entropy_x = np.sum(_entropy_of_logit(a), axis=-1)
    return float(
        entropy_q - entropy_z - np.sum(_mean_weights(weights, sets) * entropy_x)
    )


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    W: ArrayLike,
    mu: ArrayLike,
    entropy_q: float,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.

    Args:
        x: shape (N, D); data, 0 or 1.
        pi: shape (H,); strictly between 0 and 1.
        W: shape (D, H); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "binary", sizes)
    pi = _array("pi", pi, "H", "unit", sizes)
    W = _array("W", W, "D H", "real", sizes)
    mu = _array("mu", mu, "D", "real", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    z = _samples("z", z, "N S H", "binary", sizes, "sets")
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # log-density of z
    log_z = np.sum(z * np.log(pi) + np.log1p(-pi) * (1 - z), axis=-1)
    # log-density of x
    a = mu + z @ W.T
    mean_weights = _mean_weights(weights, sets)
    mean_x = _sampled_mean(weights, x, sets)
    log_x = np.sum(a * mean_x) - np.sum(
        mean_weights * np.sum(np.logaddexp(0, a), axis=-1)
    )
    return float(entropy_q + np.sum(mean_weights * log_z) + log_x)


@_within_floats
def gap(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    W: ArrayLike,
    mu: ArrayLike,
    entropy_q: float | None = None,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds W[d,h] = W[d,h]
        d/ds mu[d] = mu[d]
        d/ds pi[h] = pi[h]*(1 - pi[h])*log(pi[h]/(1 - pi[h]))
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, 0 or 1.
        pi: shape (H,); strictly between 0 and 1.
        W: shape (D, H); real.
        mu: shape (D,); real.
        entropy_q: mean entropy of q over the data, in nats. Only checked: the value
            does not depend on it.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "binary", sizes)
    pi = _array("pi", pi, "H", "unit", sizes)
    W = _array("W", W, "D H", "real", sizes)
    mu = _array("mu", mu, "D", "real", sizes)
    z = _samples("z", z, "N S H", "binary", sizes, "sets")
    if entropy_q is not None:
        _number("entropy_q", entropy_q)
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # derivative of log p(z) along the motion
    slope_z = np.sum((pi - z) * (np.log1p(-pi) - np.log(pi)), axis=-1)
    # derivative of log p(x) along the motion
    a = mu + z @ W.T
    mean_weights = _mean_weights(weights, sets)
    mean_x = _sampled_mean(weights, x, sets)
    slope_x = np.sum(a * mean_x) - np.sum(
        mean_weights * np.sum(a * special.expit(a), axis=-1)
    )
    return float(np.sum(mean_weights * slope_z) + slope_x)


def _weighted_mean(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""
    if len(weights) < len(values):
        values = values.mean(axis=0, keepdims=True)
    return np.tensordot(weights, values, axes=(0, 0)) / len(values)


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
    if domain == "unit" and (least <= 0 or largest >= 1):
        raise ValueError(f"{name} must lie strictly between 0 and 1")
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
