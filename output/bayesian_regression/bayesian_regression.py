"""Bayesian linear regression: numeric entropy sum and ELBO.

Reference: MacKay (1992), Neural Computation 4(3).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats. Names: lambda_ is `lambda`.

Written by symelbo 0.1.0 from a specification with SHA-256
14d1416ecd88b522119eaceecbc5bfa83ed793226aa862d7020370e9965fcbdc.
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
    alpha: ArrayLike,
    lambda_: ArrayLike,
    b: ArrayLike | None = None,
    a: ArrayLike,
) -> float:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        alpha: a number; positive.
        lambda_: a number; positive (`lambda` in the model).
        b: a number; real. Only checked: the value does not depend on it.
        a: shape (N, M, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    alpha = _array("alpha", alpha, "", "positive", sizes)
    lambda_ = _array("lambda_", lambda_, "", "positive", sizes)
    a = _array("a", a, "N M K", "real", sizes)
    if b is not None:
        _array("b", b, "", "real", sizes)
    K, M = sizes["K"], sizes["M"]
    # entropy of q
    entropy_q = (
        0.5 * K * np.log(2 * np.e * np.pi)
        - 0.5
        * np.linalg.slogdet(
            alpha * np.einsum("nij,nik->njk", a, a) + lambda_ * np.eye(K)
        )[1]
    )
    # entropy of w
    entropy_w = K * (0.5 * np.log(2 * np.e * np.pi) - 0.5 * np.log(lambda_))
    # entropy of y
    entropy_y = M * (0.5 * np.log(2 * np.e * np.pi) - 0.5 * np.log(alpha))
    return float(np.mean(entropy_q) - entropy_w - entropy_y)


@_within_floats
def elbo(
    *,
    y: ArrayLike,
    a: ArrayLike,
    alpha: ArrayLike,
    lambda_: ArrayLike,
    b: ArrayLike,
) -> float:
    """ELBO per data point, in nats.

    With the exact posterior this is the mean log-likelihood.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, K); covariates, real.
        alpha: a number; positive.
        lambda_: a number; positive (`lambda` in the model).
        b: a number; real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    y = _array("y", y, "N M", "real", sizes)
    a = _array("a", a, "N M K", "real", sizes)
    alpha = _array("alpha", alpha, "", "positive", sizes)
    lambda_ = _array("lambda_", lambda_, "", "positive", sizes)
    b = _array("b", b, "", "real", sizes)
    K = sizes["K"]
    # exact posterior of w: normal with this precision and mode
    precision = alpha * np.einsum("nih,nik->nhk", a, a) + lambda_ * np.eye(K)
    covariance = np.linalg.inv(precision)
    mode = alpha * np.sum(
        covariance * np.sum(a * (y - b)[:, :, None], axis=1)[:, None, :], axis=-1
    )
    # log-density of w
    log_w = np.sum(
        0.5 * np.log(0.5 * lambda_ / np.pi) - 0.5 * (mode * np.sqrt(lambda_)) ** 2,
        axis=-1,
    )
    # log-density of y
    m = b + np.sum(a * mode[:, None, :], axis=-1)
    log_y = np.sum(
        0.5 * np.log(0.5 * alpha / np.pi) - 0.5 * (np.sqrt(alpha) * (y - m)) ** 2,
        axis=-1,
    )
    # the posterior is normal, so log p(x) = log p(x, mode) + this
    log_volume = 0.5 * K * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(precision)[1]
    return float(np.mean(log_w) + np.mean(log_y) + np.mean(log_volume))


@_within_floats
def gap(
    *,
    y: ArrayLike,
    a: ArrayLike,
    alpha: ArrayLike,
    lambda_: ArrayLike,
    b: ArrayLike,
) -> float:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds alpha = alpha
        d/ds lambda = lambda
    It vanishes at stationary points.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, K); covariates, real.
        alpha: a number; positive.
        lambda_: a number; positive (`lambda` in the model).
        b: a number; real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sizes: dict[str, int] = {}
    y = _array("y", y, "N M", "real", sizes)
    a = _array("a", a, "N M K", "real", sizes)
    alpha = _array("alpha", alpha, "", "positive", sizes)
    lambda_ = _array("lambda_", lambda_, "", "positive", sizes)
    b = _array("b", b, "", "real", sizes)
    K = sizes["K"]
    # exact posterior of w: normal with this precision and mode
    precision = alpha * np.einsum("nih,nik->nhk", a, a) + lambda_ * np.eye(K)
    covariance = np.linalg.inv(precision)
    mode = alpha * np.sum(
        covariance * np.sum(a * (y - b)[:, :, None], axis=1)[:, None, :], axis=-1
    )
    # derivative of log p(w) along the motion
    curvature_w = -lambda_ * np.eye(K)
    slope_w = 0.5 * np.sum(1 - (mode * np.sqrt(lambda_)) ** 2, axis=-1)
    slope_w_spread = 0.5 * np.sum(covariance * curvature_w, axis=(-2, -1))
    # derivative of log p(y) along the motion
    curvature_y = -alpha * np.einsum("nic,nir->ncr", a, a)
    m = b + np.sum(a * mode[:, None, :], axis=-1)
    slope_y = 0.5 * np.sum(1 - (np.sqrt(alpha) * (y - m)) ** 2, axis=-1)
    slope_y_spread = 0.5 * np.sum(covariance * curvature_y, axis=(-2, -1))
    return float(
        np.mean(slope_w)
        + np.mean(slope_w_spread)
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
