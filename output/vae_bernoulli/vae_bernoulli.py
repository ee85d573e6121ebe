"""VAE with binary latents: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Proposition 2.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
1c2775ec81936278a0de494bf2a1326990c8fc66209f9188d41a62434eee0b4e.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["elbo", "entropy_sum", "gap", "profiled_scales"]

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
    w: ArrayLike | None = None,
    sigma2: ArrayLike,
    D: int,
    entropy_q: float,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (H,); strictly between 0 and 1.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        D: a positive integer; no array above determines it.
        entropy_q: mean entropy of q over the data, in nats.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {"D": _size("D", D)}
    pi = _array("pi", pi, "H", "unit", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    if w is not None:
        _array("w", w, "P", "real", sizes)
    # entropy of z
    entropy_z = np.sum(-pi * np.log(pi) - np.log1p(-pi) * (1 - pi))
    # entropy of x
    entropy_x = 0.5 * D * np.log(2 * np.e * np.pi * sigma2)
    return float(entropy_q - entropy_z - entropy_x)


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    w: ArrayLike | None = None,
    sigma2: ArrayLike,
    entropy_q: float,
    z: ArrayLike,
    m: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are weighted sums over the given samples: exact for an
    enumeration, an estimate otherwise.

    Args:
        x: shape (N, D); data, real.
        pi: shape (H,); strictly between 0 and 1.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        entropy_q: mean entropy of q over the data, in nats.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "H", "unit", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    entropy_q = _number("entropy_q", entropy_q)
    z = _samples("z", z, "N S H", "binary", sizes, "sets")
    m = _samples("m", m, "N S D", "real", sizes, "sets")
    if w is not None:
        _array("w", w, "P", "real", sizes)
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # log-density of z
    log_z = np.sum(z * np.log(pi) + np.log1p(-pi) * (1 - z), axis=-1)
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
    return float(entropy_q + np.sum(mean_weights * log_z) + log_x)


@_within_floats
def gap(
    *,
    x: ArrayLike,
    pi: ArrayLike,
    w: ArrayLike | None = None,
    sigma2: ArrayLike,
    entropy_q: float | None = None,
    z: ArrayLike,
    m: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds pi[h] = pi[h]*(1 - pi[h])*log(pi[h]/(1 - pi[h]))
        d/ds sigma2 = -sigma2
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        pi: shape (H,); strictly between 0 and 1.
        w: shape (P,); real. Only checked: the value does not depend on it.
        sigma2: a number; positive.
        entropy_q: mean entropy of q over the data, in nats. Only checked: the value
            does not depend on it.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    pi = _array("pi", pi, "H", "unit", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    z = _samples("z", z, "N S H", "binary", sizes, "sets")
    m = _samples("m", m, "N S D", "real", sizes, "sets")
    if w is not None:
        _array("w", w, "P", "real", sizes)
    if entropy_q is not None:
        _number("entropy_q", entropy_q)
    weights = _weights("weights", weights, "N", "S", sizes)
    sets = sizes["sets"]
    # derivative of log p(z) along the motion
    slope_z = np.sum((pi - z) * (np.log1p(-pi) - np.log(pi)), axis=-1)
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
    return float(np.sum(mean_weights * slope_z) + slope_x)


@_within_floats
def profiled_scales(
    *,
    x: ArrayLike,
    w: ArrayLike | None = None,
    z: ArrayLike,
    m: ArrayLike,
    weights: ArrayLike | None = None,
) -> dict[str, NDArray[np.float64]]:
    """pi and sigma2 where the ELBO is stationary in them.

    All else is held fixed. `entropy_sum` at these values equals the ELBO there,
    whatever the other parameters and q are.

    Args:
        x: shape (N, D); data, real.
        w: shape (P,); real. Only checked: the value does not depend on it.
        z: shape (S, H) or (N, S, H); samples or an enumeration of the latent, 0 or 1.
        m: shape (S, D) or (N, S, D); values of m(z, w), real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N D", "real", sizes)
    z = _samples("z", z, "N S H", "binary", sizes, "sets")
    m = _samples("m", m, "N S D", "real", sizes, "sets")
    if w is not None:
        _array("w", w, "P", "real", sizes)
    weights = _weights("weights", weights, "N", "S", sizes)
    D, sets = sizes["D"], sizes["sets"]
    # pi, where the ELBO is stationary in it
    sum_pi = z
    sum_pi_ = 1
    mean_weights_ = _mean_weights(weights, sets)
    pi = np.einsum("ns,nsh->h", mean_weights_, sum_pi) / sum_pi_
    # sigma2, where the ELBO is stationary in it
    center_x = _pool(x, sets)
    deviation_x = x - center_x
    mean_weights = mean_weights_
    mean_xx = np.mean(np.sum(deviation_x**2, axis=-1))
    mean_x = _sampled_mean(weights, deviation_x, sets)
    sum_sigma2 = (
        mean_xx
        + np.sum(mean_weights * np.sum((center_x[:, None, :] - m) ** 2, axis=-1))
        + np.sum(mean_x * ((2 * center_x)[:, None, :] - 2 * m))
    )
    sum_sigma2_ = D
    sigma2 = sum_sigma2 / sum_sigma2_
    pi = _array("pi", pi, "H", "unit", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    return {"pi": pi, "sigma2": sigma2}


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
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
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
