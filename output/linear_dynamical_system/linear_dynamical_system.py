"""Linear dynamical system: numeric entropy sum and ELBO.

Reference: Roweis & Ghahramani (1999), Neural Computation 11(2).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
a67b89e84762393704bea3844b5baa57995202ab0aab1f3a0c12ca0e4ba75dd1.
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
    A: ArrayLike | None = None,
    Q: ArrayLike,
    C: ArrayLike | None = None,
    R: ArrayLike,
    cov_z: ArrayLike,
    lag_cov_z: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        A: shape (K, K); real. Only checked: the value does not depend on it.
        Q: shape (K,); positive.
        C: shape (D, K); real. Only checked: the value does not depend on it.
        R: shape (D,); positive.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    Q = _array("Q", Q, "K", "positive", sizes)
    R = _array("R", R, "D", "positive", sizes)
    cov_z = _array("cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array("lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    if A is not None:
        _array("A", A, "K K", "real", sizes)
    if C is not None:
        _array("C", C, "D K", "real", sizes)
    K, T = sizes["K"], sizes["T"]
    # entropy of q
    entropy_q = (
        0.5 * np.linalg.slogdet(cov_z[:, 0])[1]
        + 0.5
        * np.sum(
            np.linalg.slogdet(
                cov_z[:, 1:]
                - np.einsum(
                    "nijk,nilm,nikm->nijl",
                    lag_cov_z,
                    lag_cov_z,
                    np.linalg.inv(cov_z[:, :-1]),
                    optimize=True,
                )
            )[1],
            axis=-1,
        )
        + 0.5 * K * T * np.log(2 * np.e * np.pi)
    )
    # entropy of z[1,k]
    entropy_z_1_k = 0.5 * K * np.log(2 * np.e * np.pi)
    # entropy of z[t,k]
    entropy_z_t_k = 0.5 * (T - 1) * np.sum(np.log(2 * np.e * np.pi * Q))
    # entropy of x
    entropy_x = 0.5 * T * np.sum(np.log(2 * np.e * np.pi * R))
    return float(np.mean(entropy_q) - entropy_z_1_k - entropy_z_t_k - entropy_x)


@_within_floats
def elbo(
    *,
    x: ArrayLike,
    A: ArrayLike,
    Q: ArrayLike,
    C: ArrayLike,
    R: ArrayLike,
    mean_z: ArrayLike,
    cov_z: ArrayLike,
    lag_cov_z: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is quadratic in the latents.

    Args:
        x: shape (N, T, D); data, real.
        A: shape (K, K); real.
        Q: shape (K,); positive.
        C: shape (D, K); real.
        R: shape (D,); positive.
        mean_z: shape (N, T, K); means of z under q, real.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N T D", "real", sizes)
    A = _array("A", A, "K K", "real", sizes)
    Q = _array("Q", Q, "K", "positive", sizes)
    C = _array("C", C, "D K", "real", sizes)
    R = _array("R", R, "D", "positive", sizes)
    mean_z = _array("mean_z", mean_z, "N T K", "real", sizes)
    cov_z = _array("cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array("lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    K, T = sizes["K"], sizes["T"]
    # entropy of q
    entropy_q = (
        0.5 * np.linalg.slogdet(cov_z[:, 0])[1]
        + 0.5
        * np.sum(
            np.linalg.slogdet(
                cov_z[:, 1:]
                - np.einsum(
                    "nijk,nilm,nikm->nijl",
                    lag_cov_z,
                    lag_cov_z,
                    np.linalg.inv(cov_z[:, :-1]),
                    optimize=True,
                )
            )[1],
            axis=-1,
        )
        + 0.5 * K * T * np.log(2 * np.e * np.pi)
    )
    # log-density of z[1,k]
    log_z_1_k = np.sum(-0.5 * mean_z[:, 0] ** 2 - 0.5 * np.log(2 * np.pi), axis=-1)
    log_z_1_k_spread = -0.5 * np.sum(cov_z[:, 0, np.arange(K), np.arange(K)], axis=-1)
    # log-density of z[t,k]
    m = mean_z[:, :-1] @ A.T
    log_z_t_k = np.sum(
        -0.5 * np.log(2 * np.pi * Q) - 0.5 * ((mean_z[:, 1:] - m) / np.sqrt(Q)) ** 2,
        axis=(-2, -1),
    )
    log_z_t_k_spread = (
        np.sum(A * lag_cov_z / Q[:, None], axis=(-3, -2, -1))
        - 0.5 * np.sum(cov_z[:, 1:, np.arange(K), np.arange(K)] / Q, axis=(-2, -1))
        - 0.5
        * np.einsum("lj,lk,nijk->n", A / Q[:, None], A, cov_z[:, :-1], optimize=True)
    )
    # log-density of x
    m_ = mean_z @ C.T
    log_x = np.sum(
        -0.5 * np.log(2 * np.pi * R) - 0.5 * ((x - m_) / np.sqrt(R)) ** 2, axis=(-2, -1)
    )
    log_x_spread = -0.5 * np.einsum(
        "lj,lk,nijk->n", C / R[:, None], C, cov_z, optimize=True
    )
    return float(
        np.mean(entropy_q)
        + np.mean(log_z_1_k)
        + np.mean(log_z_1_k_spread)
        + np.mean(log_z_t_k)
        + np.mean(log_z_t_k_spread)
        + np.mean(log_x)
        + np.mean(log_x_spread)
    )


@_within_floats
def gap(
    *,
    x: ArrayLike,
    A: ArrayLike,
    Q: ArrayLike,
    C: ArrayLike,
    R: ArrayLike,
    mean_z: ArrayLike,
    cov_z: ArrayLike,
    lag_cov_z: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds C[d,k] = -C[d,k]/2
        d/ds R[d] = -R[d]
        d/ds z[t,k] = z[t,k]/2
    It vanishes at stationary points.

    Args:
        x: shape (N, T, D); data, real.
        A: shape (K, K); real.
        Q: shape (K,); positive.
        C: shape (D, K); real.
        R: shape (D,); positive.
        mean_z: shape (N, T, K); means of z under q, real.
        cov_z: shape (N, T, K, K); covariances under q of each step of z, symmetric
            positive definite in the last two axes.
        lag_cov_z: shape (N, T-1, K, K); covariances under q of each step of z (rows)
            with the one before, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    x = _array("x", x, "N T D", "real", sizes)
    A = _array("A", A, "K K", "real", sizes)
    Q = _array("Q", Q, "K", "positive", sizes)
    C = _array("C", C, "D K", "real", sizes)
    R = _array("R", R, "D", "positive", sizes)
    mean_z = _array("mean_z", mean_z, "N T K", "real", sizes)
    cov_z = _array("cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array("lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    K = sizes["K"]
    # derivative of log p(z[1,k]) along the motion
    slope_z_1_k = (
        0.5 * K
        - 0.5 * np.sum(cov_z[:, 0, np.arange(K), np.arange(K)], axis=-1)
        - 0.5 * np.sum(mean_z[:, 0] ** 2, axis=-1)
    )
    # derivative of log p(z[t,k]) along the motion
    m = mean_z[:, :-1] @ A.T
    slope_z_t_k = np.sum(
        0.5 - 0.5 * ((mean_z[:, 1:] - m) / np.sqrt(Q)) ** 2, axis=(-2, -1)
    )
    slope_z_t_k_spread = (
        np.sum(A * lag_cov_z / Q[:, None], axis=(-3, -2, -1))
        - 0.5 * np.sum(cov_z[:, 1:, np.arange(K), np.arange(K)] / Q, axis=(-2, -1))
        - 0.5
        * np.einsum("lj,lk,nijk->n", A / Q[:, None], A, cov_z[:, :-1], optimize=True)
    )
    # derivative of log p(x) along the motion
    m_ = mean_z @ C.T
    slope_x = np.sum(0.5 - 0.5 * ((x - m_) / np.sqrt(R)) ** 2, axis=(-2, -1))
    slope_x_spread = -0.5 * np.einsum(
        "lj,lk,nijk->n", C / R[:, None], C, cov_z, optimize=True
    )
    return float(
        np.mean(slope_z_1_k)
        + np.mean(slope_z_t_k)
        + np.mean(slope_z_t_k_spread)
        + np.mean(slope_x)
        + np.mean(slope_x_spread)
    )


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
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
    if domain == "posdef":
        asymmetry = np.abs(array - np.swapaxes(array, -1, -2))
        if np.any(asymmetry > 1e-8 * np.abs(array).max(axis=(-2, -1), keepdims=True)):
            raise ValueError(f"{name} must be symmetric in its last two axes")
        try:
            np.linalg.cholesky(array)
        except np.linalg.LinAlgError:
            raise ValueError(f"{name} must be positive definite") from None
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
