"""Linear mixed model: numeric entropy sum and ELBO.

Reference: Laird & Ware (1982), Biometrics 38(4).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
78252ccbb130df41b3d706576e61bad7e2864b7354b0f15d1fbebbdfa9327747.
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
    beta: ArrayLike | None = None,
    Psi: ArrayLike,
    sigma2: ArrayLike,
    u: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        beta: shape (L,); real. Only checked: the value does not depend on it.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.
        u: shape (N, M, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    Psi = _array("Psi", Psi, "K K", "posdef", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    u = _array("u", u, "N M K", "real", sizes)
    if beta is not None:
        _array("beta", beta, "L", "real", sizes)
    K, M = sizes["K"], sizes["M"]
    # entropy of q
    entropy_q = (
        0.5 * K * np.log(2 * np.e * np.pi)
        - 0.5
        * np.linalg.slogdet(
            np.linalg.inv(Psi) + np.einsum("nij,nik->njk", u, u) / sigma2
        )[1]
    )
    # entropy of z
    entropy_z = 0.5 * np.linalg.slogdet(Psi)[1] + 0.5 * K * np.log(2 * np.e * np.pi)
    # entropy of y
    entropy_y = 0.5 * M * np.log(2 * np.e * np.pi * sigma2)
    return float(np.mean(entropy_q) - entropy_z - entropy_y)


@_within_floats
def elbo(
    *,
    y: ArrayLike,
    a: ArrayLike,
    u: ArrayLike,
    beta: ArrayLike,
    Psi: ArrayLike,
    sigma2: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    With the exact posterior this is the mean log-likelihood.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, L); covariates, real.
        u: shape (N, M, K); covariates, real.
        beta: shape (L,); real.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    y = _array("y", y, "N M", "real", sizes)
    a = _array("a", a, "N M L", "real", sizes)
    u = _array("u", u, "N M K", "real", sizes)
    beta = _array("beta", beta, "L", "real", sizes)
    Psi = _array("Psi", Psi, "K K", "posdef", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    K = sizes["K"]
    # exact posterior of z: normal with this precision and mode
    inverse_Psi = np.linalg.inv(Psi)
    precision = inverse_Psi + np.einsum("nih,nik->nhk", u, u) / sigma2
    covariance = np.linalg.inv(precision)
    mode = (
        1
        / sigma2
        * np.sum(
            covariance
            * np.sum(u * (y - np.sum(a * beta, axis=-1))[:, :, None], axis=1)[
                :, None, :
            ],
            axis=-1,
        )
    )
    # log-density of z
    log_z = (
        -0.5 * np.linalg.slogdet(Psi)[1]
        - 0.5 * np.einsum("ni,nj,ij->n", mode, mode, inverse_Psi, optimize=True)
        - 0.5 * K * np.log(2 * np.pi)
    )
    # log-density of y
    m = np.sum(mode[:, None, :] * u, axis=-1) + np.sum(a * beta, axis=-1)
    log_y = np.sum(
        -0.5 * np.log(2 * np.pi * sigma2) - 0.5 * ((y - m) / np.sqrt(sigma2)) ** 2,
        axis=-1,
    )
    # the posterior is normal, so log p(x) = log p(x, mode) + this
    log_volume = 0.5 * K * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1]
    return float(np.mean(log_z) + np.mean(log_y) + np.mean(log_volume))


@_within_floats
def gap(
    *,
    y: ArrayLike,
    a: ArrayLike,
    u: ArrayLike,
    beta: ArrayLike,
    Psi: ArrayLike,
    sigma2: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds Psi[k,i] = -Psi[k,i]
        d/ds sigma2 = -sigma2
    It vanishes at stationary points.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, L); covariates, real.
        u: shape (N, M, K); covariates, real.
        beta: shape (L,); real.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    y = _array("y", y, "N M", "real", sizes)
    a = _array("a", a, "N M L", "real", sizes)
    u = _array("u", u, "N M K", "real", sizes)
    beta = _array("beta", beta, "L", "real", sizes)
    Psi = _array("Psi", Psi, "K K", "posdef", sizes)
    sigma2 = _array("sigma2", sigma2, "", "positive", sizes)
    K = sizes["K"]
    # exact posterior of z: normal with this precision and mode
    inverse_Psi = np.linalg.inv(Psi)
    precision = inverse_Psi + np.einsum("nih,nik->nhk", u, u) / sigma2
    covariance = np.linalg.inv(precision)
    mode = (
        1
        / sigma2
        * np.sum(
            covariance
            * np.sum(u * (y - np.sum(a * beta, axis=-1))[:, :, None], axis=1)[
                :, None, :
            ],
            axis=-1,
        )
    )
    # derivative of log p(z) along the motion
    curvature_z = -inverse_Psi
    slope_z = 0.5 * K - 0.5 * np.einsum(
        "ni,nj,ij->n", mode, mode, inverse_Psi, optimize=True
    )
    slope_z_spread = 0.5 * np.sum(covariance * curvature_z, axis=(-2, -1))
    # derivative of log p(y) along the motion
    curvature_y = -np.einsum("nic,nir->ncr", u, u) / sigma2
    m = np.sum(mode[:, None, :] * u, axis=-1) + np.sum(a * beta, axis=-1)
    slope_y = np.sum(0.5 - 0.5 * ((y - m) / np.sqrt(sigma2)) ** 2, axis=-1)
    slope_y_spread = 0.5 * np.sum(covariance * curvature_y, axis=(-2, -1))
    return float(
        np.mean(slope_z)
        + np.mean(slope_z_spread)
        + np.mean(slope_y)
        + np.mean(slope_y_spread)
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
