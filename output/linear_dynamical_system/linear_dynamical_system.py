"""Linear dynamical system: numeric entropy sum and ELBO.

Reference: Roweis & Ghahramani (1999), Neural Computation 11(2).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

Written by symelbo 0.1.0 from a specification with SHA-256
a67b89e84762393704bea3844b5baa57995202ab0aab1f3a0c12ca0e4ba75dd1.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeAlias

import numpy as np

__all__ = ["check", "elbo", "entropy_sum", "gap"]

# of NumPy, PyTorch, JAX or CuPy; numbers and lists of Python go with any of them
Array: TypeAlias = Any
P = ParamSpec("P")


def _within_floats(function: Callable[P, Any]) -> Callable[P, Any]:
    """In NumPy, raise ValueError where a number is undetermined or exceeds floats."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Any:
        if any(map(_is_foreign, kwargs.values())):
            return function(*args, **kwargs)
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                value = function(*args, **kwargs)
            if isinstance(value, dict):
                return value
            if not np.isfinite(value):
                raise FloatingPointError(f"found {value}")
        except ArithmeticError as error:
            message = f"{function.__name__} is undetermined or exceeds floats: {error}"
            raise ValueError(message) from None
        return value[()]

    return checked


@_within_floats
def entropy_sum(
    *,
    A: Array | None = None,
    Q: Array,
    C: Array | None = None,
    R: Array,
    cov_z: Array,
    lag_cov_z: Array,
) -> Array:
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
    xp, real = _library(A, Q, C, R, cov_z, lag_cov_z)
    sizes: dict[str, int] = {}
    Q = _array(xp, real, "Q", Q, "K", "positive", sizes)
    R = _array(xp, real, "R", R, "D", "positive", sizes)
    cov_z = _array(xp, real, "cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array(xp, real, "lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    if A is not None:
        _array(xp, real, "A", A, "K K", "real", sizes)
    if C is not None:
        _array(xp, real, "C", C, "D K", "real", sizes)
    K, T = sizes["K"], sizes["T"]
    # entropy of q
    log_det = xp.linalg.slogdet(cov_z[:, 0])[1]
    # entropy of q
    log_det_ = xp.linalg.slogdet(
        cov_z[:, 1:]
        - xp.einsum(
            "nijk,nilk->nijl",
            xp.einsum("nijk,nikl->nijl", lag_cov_z, xp.linalg.inv(cov_z[:, :-1])),
            lag_cov_z,
        )
    )[1]
    entropy_q = (
        0.5 * log_det
        + 0.5 * xp.sum(log_det_, axis=-1)
        + 0.5 * K * T * math.log(2 * math.e * math.pi)
    )
    # entropy of z[1,k]
    entropy_z_1_k = 0.5 * K * math.log(2 * math.e * math.pi)
    # entropy of z[t,k]
    entropy_z_t_k = 0.5 * (T - 1) * xp.sum(xp.log(2 * math.e * math.pi * Q))
    # entropy of x
    entropy_x = 0.5 * T * xp.sum(xp.log(2 * math.e * math.pi * R))
    return xp.mean(entropy_q) - entropy_z_1_k - entropy_z_t_k - entropy_x


@_within_floats
def elbo(
    *,
    x: Array,
    A: Array,
    Q: Array,
    C: Array,
    R: Array,
    mean_z: Array,
    cov_z: Array,
    lag_cov_z: Array,
) -> Array:
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
    xp, real = _library(x, A, Q, C, R, mean_z, cov_z, lag_cov_z)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    A = _array(xp, real, "A", A, "K K", "real", sizes)
    Q = _array(xp, real, "Q", Q, "K", "positive", sizes)
    C = _array(xp, real, "C", C, "D K", "real", sizes)
    R = _array(xp, real, "R", R, "D", "positive", sizes)
    mean_z = _array(xp, real, "mean_z", mean_z, "N T K", "real", sizes)
    cov_z = _array(xp, real, "cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array(xp, real, "lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    K, T = sizes["K"], sizes["T"]
    # entropy of q
    log_det = xp.linalg.slogdet(cov_z[:, 0])[1]
    # entropy of q
    log_det_ = xp.linalg.slogdet(
        cov_z[:, 1:]
        - xp.einsum(
            "nijk,nilk->nijl",
            xp.einsum("nijk,nikl->nijl", lag_cov_z, xp.linalg.inv(cov_z[:, :-1])),
            lag_cov_z,
        )
    )[1]
    entropy_q = (
        0.5 * log_det
        + 0.5 * xp.sum(log_det_, axis=-1)
        + 0.5 * K * T * math.log(2 * math.e * math.pi)
    )
    # log-density of z[1,k]
    log_z_1_k = xp.sum(-0.5 * mean_z[:, 0] ** 2 - 0.5 * math.log(2 * math.pi), axis=-1)
    log_z_1_k_spread = -0.5 * xp.sum(cov_z[:, 0, xp.arange(K), xp.arange(K)], axis=-1)
    # log-density of z[t,k]
    m = mean_z[:, :-1] @ A.T
    log_z_t_k = xp.sum(
        -0.5 * xp.log(2 * math.pi * Q) - 0.5 * ((mean_z[:, 1:] - m) / xp.sqrt(Q)) ** 2,
        axis=(-2, -1),
    )
    log_z_t_k_spread = (
        xp.sum(A * lag_cov_z / Q[:, None], axis=(-3, -2, -1))
        - 0.5 * xp.sum(cov_z[:, 1:, xp.arange(K), xp.arange(K)] / Q, axis=(-2, -1))
        - 0.5 * xp.einsum("jk,nijk->n", (A / Q[:, None]).T @ A, cov_z[:, :-1])
    )
    # log-density of x
    m_ = mean_z @ C.T
    log_x = xp.sum(
        -0.5 * xp.log(2 * math.pi * R) - 0.5 * ((x - m_) / xp.sqrt(R)) ** 2,
        axis=(-2, -1),
    )
    log_x_spread = -0.5 * xp.einsum("jk,nijk->n", (C / R[:, None]).T @ C, cov_z)
    return (
        xp.mean(entropy_q)
        + xp.mean(log_z_1_k)
        + xp.mean(log_z_1_k_spread)
        + xp.mean(log_z_t_k)
        + xp.mean(log_z_t_k_spread)
        + xp.mean(log_x)
        + xp.mean(log_x_spread)
    )


@_within_floats
def gap(
    *,
    x: Array,
    A: Array,
    Q: Array,
    C: Array,
    R: Array,
    mean_z: Array,
    cov_z: Array,
    lag_cov_z: Array,
) -> Array:
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
    xp, real = _library(x, A, Q, C, R, mean_z, cov_z, lag_cov_z)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N T D", "real", sizes)
    A = _array(xp, real, "A", A, "K K", "real", sizes)
    Q = _array(xp, real, "Q", Q, "K", "positive", sizes)
    C = _array(xp, real, "C", C, "D K", "real", sizes)
    R = _array(xp, real, "R", R, "D", "positive", sizes)
    mean_z = _array(xp, real, "mean_z", mean_z, "N T K", "real", sizes)
    cov_z = _array(xp, real, "cov_z", cov_z, "N T K K", "posdef", sizes)
    lag_cov_z = _array(xp, real, "lag_cov_z", lag_cov_z, "N T-1 K K", "real", sizes)
    K = sizes["K"]
    # derivative of log p(z[1,k]) along the motion
    slope_z_1_k = (
        0.5 * K
        - 0.5 * xp.sum(cov_z[:, 0, xp.arange(K), xp.arange(K)], axis=-1)
        - 0.5 * xp.sum(mean_z[:, 0] ** 2, axis=-1)
    )
    # derivative of log p(z[t,k]) along the motion
    m = mean_z[:, :-1] @ A.T
    slope_z_t_k = xp.sum(
        0.5 - 0.5 * ((mean_z[:, 1:] - m) / xp.sqrt(Q)) ** 2, axis=(-2, -1)
    )
    slope_z_t_k_spread = (
        xp.sum(A * lag_cov_z / Q[:, None], axis=(-3, -2, -1))
        - 0.5 * xp.sum(cov_z[:, 1:, xp.arange(K), xp.arange(K)] / Q, axis=(-2, -1))
        - 0.5 * xp.einsum("jk,nijk->n", (A / Q[:, None]).T @ A, cov_z[:, :-1])
    )
    # derivative of log p(x) along the motion
    m_ = mean_z @ C.T
    slope_x = xp.sum(0.5 - 0.5 * ((x - m_) / xp.sqrt(R)) ** 2, axis=(-2, -1))
    slope_x_spread = -0.5 * xp.einsum("jk,nijk->n", (C / R[:, None]).T @ C, cov_z)
    return (
        xp.mean(slope_z_1_k)
        + xp.mean(slope_z_t_k)
        + xp.mean(slope_z_t_k_spread)
        + xp.mean(slope_x)
        + xp.mean(slope_x_spread)
    )


def check(function: Callable[..., Any], **arguments: Array) -> Any:
    """The value of a function of this module in NumPy, after all its checks.

    Values are checked in NumPy alone.  For arrays of another library, and before these
    are traced or compiled: `check(entropy_sum, ...)`.
    """
    return function(**{name: _to_numpy(value) for name, value in arguments.items()})


def _to_numpy(value: Array) -> Array:
    """An array of any library, copied to NumPy; anything else as it is."""
    if _is_foreign(value):
        for method in ("detach", "cpu", "get"):  # PyTorch's and CuPy's
            value = getattr(value, method)() if hasattr(value, method) else value
        return np.asarray(value)
    return value


def _is_foreign(value: Array) -> bool:
    """Whether it is an array of another library than NumPy."""
    own = (np.ndarray, np.generic, int, float, list, tuple)
    return not isinstance(value, own) and hasattr(value, "__dlpack__")


def _library(*values: Array) -> tuple[Any, dict[str, Any]]:
    """The library of some arrays, and the dtype and device of its real numbers.

    The dtype is the largest of those given, and at least that of single precision.
    """
    foreign = [value for value in values if _is_foreign(value)]
    own = [value for value in values if isinstance(value, np.ndarray)]
    if not foreign:
        widths = [array.itemsize for array in own if array.dtype.kind == "f"]
        single = 0 < max(widths, default=0) <= 4
        return np, {"dtype": np.float32 if single else np.float64, "device": None}
    xp = _namespace(foreign[0])
    if own or any(_namespace(array) is not xp for array in foreign):
        names = {type(array).__module__.split(".")[0] for array in (*own, *foreign)}
        found = " and ".join(sorted(names))
        raise ValueError(f"arrays must be of one library, found {found}")
    dtypes = [a.dtype for a in foreign if xp.isdtype(a.dtype, "real floating")]
    dtype = xp.result_type(xp.float32, *(dtypes or [xp.asarray(0.0).dtype]))
    device = None  # that of the arrays it meets, but in PyTorch
    if hasattr(foreign[0], "__torch_function__"):
        device = max(foreign, key=lambda array: array.ndim).device
    return xp, {"dtype": dtype, "device": device}


def _namespace(array: Array) -> Any:
    """The functions of a library, by the names of the array API standard."""
    if hasattr(array, "__torch_function__"):  # it has no `__array_namespace__`
        return importlib.import_module("array_api_compat.torch")
    return importlib.import_module("array_api_compat").array_namespace(array)


def _array(
    xp: Any,
    real: dict[str, Any],
    name: str,
    value: Array,
    dims: str,
    domain: str,
    sizes: dict[str, int],
) -> Array:
    """Check the shape of an array, and its values in NumPy; `sizes` keeps lengths."""
    array = _real(xp, real, name, value)
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
    expected = tuple([_length(dim, sizes) for dim in names])
    if tuple(array.shape) != expected:
        symbols = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        numbers = str(expected).replace("None", "?")
        shape = f"have shape {symbols} = {numbers}" if names else "be a number"
        raise ValueError(f"{name} must {shape}, found {tuple(array.shape)}")
    if any(n == 0 and "-" not in dim for dim, n in zip(names, array.shape)):
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if xp is not np:  # values may be unknown yet: see `check`
        return array
    if array.size == 0:
        return array
    precision = np.result_type(np.float32, np.asarray(value).dtype)
    tolerance = np.finfo(precision).eps ** 0.5
    least = array.min()
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
    if domain == "posdef":
        asymmetry = np.abs(array - np.swapaxes(array, -1, -2))
        if np.any(asymmetry > tolerance * np.abs(array).max((-2, -1), keepdims=True)):
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


def _real(xp: Any, real: dict[str, Any], name: str, value: Array) -> Array:
    """An array of real numbers; no text, complex numbers or rows of unequal lengths."""
    if _is_foreign(value):
        if xp.isdtype(value.dtype, ("bool", "integral", "real floating")):
            return xp.astype(value, real["dtype"], copy=False, device=real["device"])
    else:
        try:
            array = np.asarray(value)
        except ValueError:
            array = np.asarray(None)
        if array.dtype.kind in "biuf":
            return xp.asarray(array if xp is np else value, **real)
    raise ValueError(f"{name} must be an array of real numbers")
