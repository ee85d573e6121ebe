"""Sparse coding: numeric entropy sum and ELBO.

Reference: Velychko et al. (2024).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats. Names: lambda_ is `lambda`.

Written by symelbo 0.1.0 from a specification with SHA-256
209aa272871e770d038a2b7430a4dc70ba44d0e0086da283140153592d4969a9.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeAlias

import numpy as np

__all__ = ["check", "elbo", "entropy_sum", "gap", "profiled_scales"]

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
    W: Array | None = None,
    lambda_: Array,
    sigma2: Array,
    D: int,
    tau2: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (D, H); real. Only checked: the value does not depend on it.
        lambda_: shape (H,); positive (`lambda` in the model).
        sigma2: a number; positive.
        D: a positive integer; no array above determines it.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(W, lambda_, sigma2, tau2)
    sizes: dict[str, int] = {"D": _size("D", D)}
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    if W is not None:
        _array(xp, real, "W", W, "D H", "real", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    # entropy of z
    entropy_z = xp.sum(xp.log(2 * math.e * lambda_))
    # entropy of x
    entropy_x = 0.5 * D * xp.log(2 * math.e * math.pi * sigma2)
    return xp.mean(entropy_q) - entropy_z - entropy_x


@_within_floats
def elbo(
    *,
    x: Array,
    W: Array,
    lambda_: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Array:
    """ELBO per data point, in nats.

    Expectations under q are exact: log p(x, z) is made of squares and absolute values
    of sums of latents, and q is normal.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        lambda_: shape (H,); positive (`lambda` in the model).
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, lambda_, sigma2, nu, tau2)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    H = sizes["H"]
    # entropy of q
    entropy_q = 0.5 * xp.sum(xp.log(tau2), axis=-1) + 0.5 * H * math.log(
        2 * math.e * math.pi
    )
    # mean of the absolute value under q
    ratio = nu / xp.sqrt(2 * tau2)
    absolute = nu * special.erf(ratio) + xp.sqrt(2 * tau2 / math.pi) * xp.exp(
        -(ratio**2)
    )
    # log-density of z
    log_z = (
        -xp.sum(xp.log(lambda_)) - xp.sum(absolute / lambda_, axis=-1) - H * math.log(2)
    )
    # log-density of x
    m = nu @ W.T
    log_x = xp.sum(
        -0.5 * xp.log(2 * math.pi * sigma2) - 0.5 * ((x - m) / xp.sqrt(sigma2)) ** 2,
        axis=-1,
    )
    log_x_spread = -0.5 * xp.einsum("ni,ji->n", tau2, W**2) / sigma2
    return xp.mean(entropy_q) + xp.mean(log_z) + xp.mean(log_x) + xp.mean(log_x_spread)


@_within_floats
def gap(
    *,
    x: Array,
    W: Array,
    lambda_: Array,
    sigma2: Array,
    nu: Array,
    tau2: Array,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds lambda[h] = -lambda[h]
        d/ds sigma2 = -sigma2
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        lambda_: shape (H,); positive (`lambda` in the model).
        sigma2: a number; positive.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, lambda_, sigma2, nu, tau2)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    H = sizes["H"]
    # mean of the absolute value under q
    ratio = nu / xp.sqrt(2 * tau2)
    absolute = nu * special.erf(ratio) + xp.sqrt(2 * tau2 / math.pi) * xp.exp(
        -(ratio**2)
    )
    # derivative of log p(z) along the motion
    slope_z = H - xp.sum(absolute / lambda_, axis=-1)
    # derivative of log p(x) along the motion
    m = nu @ W.T
    slope_x = xp.sum(0.5 - 0.5 * ((x - m) / xp.sqrt(sigma2)) ** 2, axis=-1)
    slope_x_spread = -0.5 * xp.einsum("ni,ji->n", tau2, W**2) / sigma2
    return xp.mean(slope_z) + xp.mean(slope_x) + xp.mean(slope_x_spread)


@_within_floats
def profiled_scales(*, x: Array, W: Array, nu: Array, tau2: Array) -> dict[str, Array]:
    """lambda_ and sigma2 where the ELBO is stationary in them.

    All else is held fixed. `entropy_sum` at these values equals the ELBO there,
    whatever the other parameters and q are.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        nu: shape (N, H); parameters of q, real.
        tau2: shape (N, H); parameters of q, positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, nu, tau2)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    nu = _array(xp, real, "nu", nu, "N H", "real", sizes)
    tau2 = _array(xp, real, "tau2", tau2, "N H", "positive", sizes)
    D = sizes["D"]
    # mean of the absolute value under q
    ratio = nu / xp.sqrt(2 * tau2)
    absolute = nu * special.erf(ratio) + xp.sqrt(2 * tau2 / math.pi) * xp.exp(
        -(ratio**2)
    )
    # lambda_, where the ELBO is stationary in it
    sum_lambda = absolute
    sum_lambda_ = 1
    lambda_ = xp.mean(sum_lambda, axis=0) / sum_lambda_
    # sigma2, where the ELBO is stationary in it
    m = nu @ W.T
    sum_sigma2 = xp.sum((x - m) ** 2, axis=-1)
    sum_sigma2_spread = xp.einsum("ni,ji->n", tau2, W**2)
    sum_sigma2_ = D
    sum_sigma2__ = xp.mean(sum_sigma2) + xp.mean(sum_sigma2_spread)
    sigma2 = sum_sigma2__ / sum_sigma2_
    lambda_ = _array(xp, real, "lambda_", lambda_, "H", "positive", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    return {"lambda_": lambda_, "sigma2": sigma2}


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


def _special(xp: Any) -> Any:
    """The special functions of a library, which have the names of SciPy's."""
    homes = {
        "numpy": "scipy.special",
        "array_api_compat.torch": "torch.special",
        "array_api_compat.cupy": "cupyx.scipy.special",
        "jax.numpy": "jax.scipy.special",
    }
    return importlib.import_module(homes[xp.__name__])


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
            if not dim.isdigit():
                sizes.setdefault(dim, length)
    expected = tuple([_length(dim, sizes) for dim in names])
    if tuple(array.shape) != expected:
        symbols = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
        numbers = str(expected).replace("None", "?")
        shape = f"have shape {symbols} = {numbers}" if names else "be a number"
        raise ValueError(f"{name} must {shape}, found {tuple(array.shape)}")
    if 0 in array.shape:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    if xp is not np:  # values may be unknown yet: see `check`
        return array
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


def _size(name: str, value: int) -> int:
    """Check a size."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, found {value!r}")
    return int(value)


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
