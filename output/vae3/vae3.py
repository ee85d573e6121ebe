"""VAE-3: numeric entropy sum.

Reference: Damm et al. (2023), Definition 3 and Theorem 3.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
6a30c86fcfaeb2275d492b3f7f879f9c53b94756a802cd4f488c33d899545523.
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
    W: ArrayLike,
    c: ArrayLike,
    w: ArrayLike,
    b: ArrayLike,
    v: Callable[..., ArrayLike],
    tau2: ArrayLike,
    z: ArrayLike,
    weights: ArrayLike | None = None,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (K, H); real.
        c: shape (K,); real.
        w: shape (P,); real.
        b: shape (D,); real.
        v: callable; maps the arrays of its arguments to an array of shape (S, D), the
            leading axis being that of the samples among them.
        tau2: shape (N, H); parameters of q, positive.
        z: shape (S, H); samples or an enumeration of the latent, real.
        weights: shape (S,) or (N, S); weights of the samples, summing to one over the
            last axis; 1/S if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    W = _array("W", W, "K H", "real", sizes)
    c = _array("c", c, "K", "real", sizes)
    w = _array("w", w, "P", "real", sizes)
    b = _array("b", b, "D", "real", sizes)
    tau2 = _array("tau2", tau2, "N H", "positive", sizes)
    z = _array("z", z, "S H", "real", sizes)
    weights = _weights("weights", weights, "N", "S", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * np.sum(np.log(tau2), axis=-1) + 0.5 * H * np.log(2 * np.e * np.pi)
    # entropy of z
    entropy_z = 0.5 * H * np.log(2 * np.e * np.pi)
    # entropy of x
    entropy_x = np.sum(
        0.5 * b
        + 0.5 * np.log(2 * np.e * np.pi)
        + 0.5 * _array("v", v(c + z @ W.T, w), "S D", "real", sizes),
        axis=-1,
    )
    return float(np.mean(entropy_q) - entropy_z - weights.mean(axis=0) @ entropy_x)


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


def _weights(
    name: str, weights: ArrayLike | None, data: str, samples: str, sizes: dict[str, int]
) -> NDArray[np.float64]:
    """Weights of the samples with a leading axis of data points (or of length one)."""
    if weights is None:
        count = sizes[samples]
        return np.full((1, count), 1 / count)
    dims = samples if np.ndim(weights) == 1 else f"{data} {samples}"
    return np.atleast_2d(_array(name, weights, dims, "weights", sizes))


def _real(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Refuse text, complex numbers, objects and rows of unequal lengths."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers")
    return np.asarray(array, dtype=float)
