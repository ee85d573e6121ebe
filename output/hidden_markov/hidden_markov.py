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
    gamma: ArrayLike,
    xi: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real. Only checked: the value does not depend on it.
        v: shape (K, D); positive.
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    p = _array("p", p, "K", "weights", sizes)
    A = _array("A", A, "K K", "weights", sizes)
    v = _array("v", v, "K D", "positive", sizes)
    gamma = _array("gamma", gamma, "N T K", "weights", sizes)
    xi = _array("xi", xi, "N T-1 K K", "joint", sizes)
    if mu is not None:
        _array("mu", mu, "K D", "real", sizes)
    D, T = sizes["D"], sizes["T"]
    # entropy of q
    entropy_q = (
        np.sum(special.entr(gamma), axis=(-2, -1))
        - np.sum(special.entr(gamma[:, 1:]), axis=(-2, -1))
        - np.sum(special.entr(gamma[:, :-1]), axis=(-2, -1))
        + np.sum(special.entr(xi), axis=(-3, -2, -1))
    )
    # entropy of z[1]
    entropy_z_1 = np.sum(special.entr(p))
    # entropy of z[t]
    entropy_z_t = np.sum(
        gamma[:, :-1] * np.sum(special.entr(A), axis=-1), axis=(-2, -1)
    )
    # entropy of x
    entropy_x = 0.5 * np.sum(
        gamma * np.sum(np.log(v), axis=-1), axis=(-2, -1)
    ) + 0.5 * D * T * np.log(2 * np.e * np.pi)
    return float(
        np.mean(entropy_q) - entropy_z_1 - np.mean(entropy_z_t) - np.mean(entropy_x)
    )


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    p: ArrayLike,
    A: ArrayLike,
    mu: ArrayLike,
    v: ArrayLike,
    gamma: ArrayLike,
    xi: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is quadratic in the latents.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, T, D); data, real.
        p: shape (K,); non-negative, summing to one over the last axis.
        A: shape (K, K); non-negative, summing to one over the last axis.
        mu: shape (K, D); real.
        v: shape (K, D); positive.
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.

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
    gamma = _array("gamma", gamma, "N T K", "weights", sizes)
    xi = _array("xi", xi, "N T-1 K K", "joint", sizes)
    N = sizes["N"]
    # entropy of q
    entropy_q = (
        np.sum(special.entr(gamma), axis=(-2, -1))
        - np.sum(special.entr(gamma[:, 1:]), axis=(-2, -1))
        - np.sum(special.entr(gamma[:, :-1]), axis=(-2, -1))
        + np.sum(special.entr(xi), axis=(-3, -2, -1))
    )
    # log-density of z[1]
    mean_gamma = np.mean(gamma[:, 0], axis=0)
    log_z_1 = np.sum(_weigh(mean_gamma, _log(p)))
    # log-density of z[t]
    mean_xi = np.mean(np.sum(xi, axis=1), axis=0)
    log_z_t = np.sum(_weigh(mean_xi, _log(A)))
    # log-density of x
    center_x = np.mean(x, axis=0)
    deviation_x = x - center_x
    mean_gamma_ = np.mean(gamma, axis=0)
    mean_gamma_x_x = np.einsum("ntr,nti->ri", gamma, deviation_x**2) / N
    mean_x_gamma = np.einsum("nri,nrj->rij", deviation_x, gamma) / N
    log_x = (
        np.sum(
            mean_gamma_
            * (
                -0.5 * np.sum(np.log(2 * np.pi * v), axis=-1)
                - 0.5
                * np.sum(((center_x[:, :, None] - mu.T) / np.sqrt(v).T) ** 2, axis=1)
            )
        )
        - 0.5 * np.sum(mean_gamma_x_x / v)
        - np.sum(mean_x_gamma * (center_x[:, :, None] - mu.T) / v.T)
    )
    return float(np.mean(entropy_q) + log_z_1 + log_z_t + log_x)


@_within_floats
def gap(
    *,
    x: ArrayLike,
    p: ArrayLike,
    A: ArrayLike,
    mu: ArrayLike,
    v: ArrayLike,
    gamma: ArrayLike,
    xi: ArrayLike,
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
        gamma: shape (N, T, K); q of each step of z, non-negative, summing to one over
            the last axis.
        xi: shape (N, T-1, K, K); q of each step of z and the next, non-negative,
            summing to one over the last two axes.

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
    gamma = _array("gamma", gamma, "N T K", "weights", sizes)
    xi = _array("xi", xi, "N T-1 K K", "joint", sizes)
    D, N = sizes["D"], sizes["N"]
    # derivative of log p(z[1]) along the motion
    mean_gamma = np.mean(gamma[:, 0], axis=0)
    slope_z_1 = np.sum(_weigh(mean_gamma, _log(p) + np.sum(special.entr(p))))
    # derivative of log p(z[t]) along the motion
    mean_xi = np.mean(np.sum(xi, axis=1), axis=0)
    slope_z_t = np.sum(
        _weigh(mean_xi, _log(A) + np.sum(special.entr(A), axis=-1)[:, None])
    )
    # derivative of log p(x) along the motion
    center_x = np.mean(x, axis=0)
    deviation_x = x - center_x
    mean_gamma_ = np.mean(gamma, axis=0)
    mean_gamma_x_x = np.einsum("ntr,nti->ri", gamma, deviation_x**2) / N
    mean_x_gamma = np.einsum("nri,nrj->rij", deviation_x, gamma) / N
    slope_x = (
        np.sum(
            mean_gamma_
            * (
                0.5 * D
                - 0.5
                * np.sum(((center_x[:, :, None] - mu.T) / np.sqrt(v).T) ** 2, axis=1)
            )
        )
        - 0.5 * np.sum(mean_gamma_x_x / v)
        - np.sum(mean_x_gamma * (center_x[:, :, None] - mu.T) / v.T)
    )
    return float(slope_z_1 + slope_z_t + slope_x)


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
            size, offset = dim, 0
            for sign in "+-":
                if sign in dim:
                    size = dim.split(sign)[0]
                    offset = int(dim[len(size) :])
            if not size.isdigit():
                sizes.setdefault(size, length - offset)
    expected = tuple(_length(dim, sizes) for dim in names)
    if array.shape != expected:
        symbols = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        numbers = str(expected).replace("None", "?")
        raise ValueError(
            f"{name} must have shape {symbols} = {numbers}, found {array.shape}"
        )
    if any(n == 0 and "-" not in dim for dim, n in zip(names, array.shape)):
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if array.size == 0:
        return array
    least = array.min()
    if domain in ("simplex", "weights"):
        if least < 0 or (domain == "simplex" and least == 0):
            sign = "positive" if domain == "simplex" else "non-negative"
            raise ValueError(f"{name} must be {sign}, found {least}")
        if not np.all(np.abs(array @ np.ones(array.shape[-1]) - 1) <= 1e-8):
            raise ValueError(f"{name} must sum to one over its last axis")
        return array
    if domain == "joint":
        if least < 0:
            raise ValueError(f"{name} must be non-negative, found {least}")
        if not np.all(np.abs(array.sum(axis=(-2, -1)) - 1) <= 1e-8):
            raise ValueError(f"{name} must sum to one over its last two axes")
        return array
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
    return array


def _length(dim: str, sizes: dict[str, int]) -> int | None:
    """The length of an axis, None while it is unknown."""
    for sign in "+-":
        if sign in dim:
            size = dim.split(sign)[0]
            return sizes[size] + int(dim[len(size) :]) if size in sizes else None
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
