"""Softmax regression: numeric entropy sum and ELBO.

Reference: McCullagh & Nelder (1989), Generalized Linear Models, Chapter 5.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> a = rng.normal(size=(4, 3))
>>> w = rng.normal(size=(2, 3))
>>> b = rng.normal(size=2)
>>> y = rng.integers(1, 2 + 1, size=4)
>>> F = elbo(y=y, a=a, w=w, b=b)
>>> S = entropy_sum(w=w, b=b, a=a)
>>> G = gap(y=y, a=a, w=w, b=b)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
1a775f4baf9181c4b492efe8d4a9b40d9497718f065e436f29764587f7e8bef8.
It belongs to its user, who may use and change it without conditions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeAlias

import numpy as np

__all__ = [
    "Statistics",
    "Terms",
    "check",
    "elbo",
    "entropy_sum",
    "gap",
    "statistics",
    "terms",
]

# of NumPy, PyTorch, JAX or CuPy; numbers and lists of Python go with any of them
Array: TypeAlias = Any
P = ParamSpec("P")


def _within_floats(function: Callable[P, Any]) -> Callable[P, Any]:
    """In NumPy, raise ValueError where a number is undetermined or exceeds floats."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Any:
        own: Any = args[0] if args else ()  # the sums, of a method
        if any(map(_is_foreign, (*own, *kwargs.values()))):
            return function(*args, **kwargs)
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                value = function(*args, **kwargs)
            if isinstance(value, dict):
                return value
            if isinstance(value, tuple):
                return type(value)(*(part[()] for part in value))
            if not np.isfinite(value):
                raise FloatingPointError(f"found {value}")
        except ArithmeticError as error:
            message = f"{function.__name__} is undetermined or exceeds floats: {error}"
            raise ValueError(message) from None
        return value[()]

    return checked


@_within_floats
def entropy_sum(*, w: Array, b: Array, a: Array) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        w: shape (C, K); real.
        b: shape (C,); real.
        a: shape (N, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(w, b, a)
    sizes: dict[str, int] = {}
    w = _array(xp, real, "w", w, "C K", "real", sizes)
    b = _array(xp, real, "b", b, "C", "real", sizes)
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    # entropy of y
    score = b + a @ w.T
    entropy_y = -xp.sum(_log_softmax(xp, real, score) * _softmax(xp, score), axis=-1)
    return -xp.mean(entropy_y)


@_within_floats
def elbo(*, y: Array, a: Array, w: Array, b: Array) -> Array:
    """ELBO per data point, in nats.

    Args:
        y: shape (N,); data, a category, counted from 1.
        a: shape (N, K); covariates, real.
        w: shape (C, K); real.
        b: shape (C,); real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, a, w, b)
    sizes: dict[str, int] = {}
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    w = _array(xp, real, "w", w, "C K", "real", sizes)
    b = _array(xp, real, "b", b, "C", "real", sizes)
    y = _array(xp, real, "y", y, "N", "category", sizes, sizes["C"])
    N = sizes["N"]
    # log-density of y
    score = b + a @ w.T
    log_y = _log_softmax(xp, real, score)[xp.arange(N), y - 1]
    return xp.mean(log_y)


@_within_floats
def gap(*, y: Array, a: Array, w: Array, b: Array) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds b[c] = b[c]
        d/ds w[c,k] = w[c,k]
    It vanishes at stationary points.

    Args:
        y: shape (N,); data, a category, counted from 1.
        a: shape (N, K); covariates, real.
        w: shape (C, K); real.
        b: shape (C,); real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, a, w, b)
    sizes: dict[str, int] = {}
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    w = _array(xp, real, "w", w, "C K", "real", sizes)
    b = _array(xp, real, "b", b, "C", "real", sizes)
    y = _array(xp, real, "y", y, "N", "category", sizes, sizes["C"])
    N = sizes["N"]
    # derivative of log p(y) along the motion
    score = b + a @ w.T
    slope_y = _log_softmax(xp, real, score)[xp.arange(N), y - 1] - xp.sum(
        _log_softmax(xp, real, score) * _softmax(xp, score), axis=-1
    )
    return xp.mean(slope_y)


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_y: entropy of y.
        gap_y: derivative of log p(y) along the motion.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_y: Array
    gap_y: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_y: a number.
        sum_slope_y: a number.
    """

    points: Array
    sum_entropy_y: Array
    sum_slope_y: Array

    def __add__(self, other: Any) -> Any:
        """The sums over the data points of both."""
        return Statistics(*(one + two for one, two in zip(self, other)))

    def __radd__(self, other: Any) -> Statistics:
        """The sums themselves: `sum` starts with 0."""
        return self

    @_within_floats
    def terms(self, *, w: Array | None = None, b: Array | None = None) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            w: shape (C, K); real. Only checked: the value does not depend on it.
            b: shape (C,); real. Only checked: the value does not depend on it.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, w, b)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_y = _array(
            xp, real, "sum_entropy_y", self.sum_entropy_y, "", "real", sizes
        )
        sum_slope_y = _array(
            xp, real, "sum_slope_y", self.sum_slope_y, "", "real", sizes
        )
        if w is not None:
            _array(xp, real, "w", w, "C K", "real", sizes)
        if b is not None:
            _array(xp, real, "b", b, "C", "real", sizes)
        mean_entropy_y = sum_entropy_y / points
        mean_slope_y = sum_slope_y / points
        elbo = mean_slope_y - mean_entropy_y
        entropy_sum = -mean_entropy_y
        gap = mean_slope_y
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_y=mean_entropy_y,
            gap_y=mean_slope_y,
        )


@_within_floats
def statistics(
    *,
    y: Array,
    a: Array,
    w: Array,
    b: Array,
    data_weights: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Not all of log p can be taken apart into data and parameters: these are sums at w
    and b, and what is made of them has to be given the same.

    Args:
        y: shape (N,); data, a category, counted from 1.
        a: shape (N, K); covariates, real.
        w: shape (C, K); real.
        b: shape (C,); real.
        data_weights: shape (N,); how much each data point counts, 1 if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, a, w, b, data_weights)
    sizes: dict[str, int] = {}
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    w = _array(xp, real, "w", w, "C K", "real", sizes)
    b = _array(xp, real, "b", b, "C", "real", sizes)
    y = _array(xp, real, "y", y, "N", "category", sizes, sizes["C"])
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    N = sizes["N"]
    # entropy of y
    score = b + a @ w.T
    entropy_y = -xp.sum(_log_softmax(xp, real, score) * _softmax(xp, score), axis=-1)
    mean_entropy_y = data_weights @ entropy_y / N
    # derivative of log p(y) along the motion
    slope_y = _log_softmax(xp, real, score)[xp.arange(N), y - 1] - xp.sum(
        _log_softmax(xp, real, score) * _softmax(xp, score), axis=-1
    )
    mean_slope_y = data_weights @ slope_y / N
    means = (mean_entropy_y, mean_slope_y)
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(*, y: Array, a: Array, w: Array, b: Array) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        y: shape (N,); data, a category, counted from 1.
        a: shape (N, K); covariates, real.
        w: shape (C, K); real.
        b: shape (C,); real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(y=y, a=a, w=w, b=b)
    return sums.terms(w=w, b=b)


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


def _softmax(xp: Any, a: Array) -> Array:
    """exp(a)/sum(exp(a)) over the last axis."""
    shares = xp.exp(a - xp.max(a, axis=-1, keepdims=True))
    return shares / xp.sum(shares, axis=-1, keepdims=True)


def _log_softmax(xp: Any, real: dict[str, Any], a: Array) -> Array:
    """a - log(sum(exp(a))) over the last axis, exact where one entry is far above."""
    largest = xp.argmax(a, axis=-1, keepdims=True)
    shifted = a - xp.take_along_axis(a, largest, axis=-1)
    is_largest = xp.arange(a.shape[-1], device=real["device"]) == largest
    others = xp.where(is_largest, 0, xp.exp(shifted))
    return shifted - xp.log1p(xp.sum(others, axis=-1, keepdims=True))


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
    if any(a.ndim for a in own) or any(_namespace(a) is not xp for a in foreign):
        names = {type(array).__module__.split(".")[0] for array in (*own, *foreign)}
        found = " and ".join(sorted(names))
        raise ValueError(f"arrays must be of one library, found {found}")
    dtypes = [a.dtype for a in foreign if xp.isdtype(a.dtype, "real floating")]
    dtype = xp.result_type(xp.float32, *(dtypes or [xp.asarray(0.0).dtype]))
    device = None  # that of the arrays it meets, but in PyTorch
    if hasattr(foreign[0], "__torch_function__"):
        arrays = [array for array in foreign if array.ndim] or foreign
        device = arrays[0].device
    return xp, {"dtype": dtype, "device": device}


def _namespace(array: Array) -> Any:
    """The functions of a library, by the names of the array API standard."""
    if hasattr(array, "__torch_function__"):  # PyTorch's own names are others
        import array_api_compat.torch

        return array_api_compat.torch
    import array_api_compat

    return array_api_compat.array_namespace(array)


def _array(
    xp: Any,
    real: dict[str, Any],
    name: str,
    value: Array,
    dims: str,
    domain: str,
    sizes: dict[str, int],
    upper: Array = math.inf,
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
        return xp.astype(array, xp.int32) if domain == "category" else array
    least = array.min()
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "category":
        if least < 1 or largest > upper or np.any(array != np.floor(array)):
            raise ValueError(f"{name} must be a category in 1..{upper}")
        return array.astype(int)
    return array


def _length(dim: str, sizes: dict[str, int]) -> int | None:
    """The length of an axis, None while it is unknown."""
    return int(dim) if dim.isdigit() else sizes.get(dim)


def _data_weights(
    xp: Any, real: dict[str, Any], weights: Array, data: str, sizes: dict[str, int]
) -> tuple[Array, Array]:
    """Weights of the data points, of mean one, and their sum."""
    if weights is None:
        return xp.ones(sizes[data], **real), xp.asarray(sizes[data], **real)
    weights = _array(xp, real, "data_weights", weights, data, "real", sizes)
    if xp is np and (weights.min() < 0 or not weights.any()):
        raise ValueError("data_weights must be non-negative, and not all 0")
    points = xp.sum(weights)
    return weights * (sizes[data] / points), points


def _real(xp: Any, real: dict[str, Any], name: str, value: Array) -> Array:
    """An array of real numbers; no text, complex numbers or rows of unequal lengths."""
    if isinstance(value, (int, float)):
        return xp.asarray(value, **real)
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
