"""Poisson regression: numeric entropy sum and ELBO.

Reference: McCullagh & Nelder (1989), Generalized Linear Models, Chapter 6.
Verdict: proved (Theorem 2). The ELBO and the entropy sum, made of pseudo-entropies
relative to the base measures, are equal at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.integers(1, 6, size=3)
>>> a = rng.normal(size=(3, 2))
>>> w = rng.normal(size=2)
>>> b = rng.normal()
>>> F = elbo(x=x, a=a, w=w, b=b)
>>> S = entropy_sum(w=w, b=b, x=x, a=a)
>>> G = gap(x=x, a=a, w=w, b=b)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
373a71313b346eb8cde8b7e9ee8bb9a4649149de8186f9eda2ec7e03ec4bca4a.
It belongs to its user, who may use and change it without conditions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
def entropy_sum(*, w: Array, b: Array, x: Array, a: Array) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        w: shape (K,); real.
        b: a number; real.
        x: shape (N,); data, whole numbers from 0 on.
        a: shape (N, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(w, b, x, a)
    special = _special(xp)
    sizes: dict[str, int] = {}
    w = _array(xp, real, "w", w, "K", "real", sizes)
    b = _array(xp, real, "b", b, "", "real", sizes)
    x = _array(xp, real, "x", x, "N", "naturals", sizes)
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    # pseudo-entropy of x
    a_x = b + xp.sum(a * w, axis=-1)
    entropy_x = xp.exp(a_x) * (1 - a_x)
    # logarithm of the base measure of x
    log_base_x = -special.gammaln(x + 1)
    return xp.mean(log_base_x) - xp.mean(entropy_x)


@_within_floats
def elbo(*, x: Array, a: Array, w: Array, b: Array) -> Array:
    """ELBO per data point, in nats.

    Args:
        x: shape (N,); data, whole numbers from 0 on.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, a, w, b)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N", "naturals", sizes)
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    w = _array(xp, real, "w", w, "K", "real", sizes)
    b = _array(xp, real, "b", b, "", "real", sizes)
    # log-density of x
    a_ = b + xp.sum(a * w, axis=-1)
    log_x = -_deviance(xp, x, xp.exp(a_), a_) - _log_stirling(xp, special, x)
    return xp.mean(log_x)


@_within_floats
def gap(*, x: Array, a: Array, w: Array, b: Array) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds b = b
        d/ds w[k] = w[k]
    It vanishes at stationary points.

    Args:
        x: shape (N,); data, whole numbers from 0 on.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, a, w, b)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N", "naturals", sizes)
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    w = _array(xp, real, "w", w, "K", "real", sizes)
    b = _array(xp, real, "b", b, "", "real", sizes)
    # derivative of log p(x) along the motion
    a_ = b + xp.sum(a * w, axis=-1)
    slope_x = a_ * (x - xp.exp(a_))
    return xp.mean(slope_x)


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_x: pseudo-entropy of x.
        base_x: logarithm of the base measure of x.
        gap_x: derivative of log p(x) along the motion.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_x: Array
    base_x: Array
    gap_x: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_x: a number.
        sum_base_x: a number.
        sum_slope_x: a number.
    """

    points: Array
    sum_entropy_x: Array
    sum_base_x: Array
    sum_slope_x: Array

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
            w: shape (K,); real. Only checked: the value does not depend on it.
            b: a number; real. Only checked: the value does not depend on it.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, w, b)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_x = _array(
            xp, real, "sum_entropy_x", self.sum_entropy_x, "", "real", sizes
        )
        sum_base_x = _array(xp, real, "sum_base_x", self.sum_base_x, "", "real", sizes)
        sum_slope_x = _array(
            xp, real, "sum_slope_x", self.sum_slope_x, "", "real", sizes
        )
        if w is not None:
            _array(xp, real, "w", w, "K", "real", sizes)
        if b is not None:
            _array(xp, real, "b", b, "", "real", sizes)
        mean_entropy_x = sum_entropy_x / points
        mean_base_x = sum_base_x / points
        mean_slope_x = sum_slope_x / points
        elbo = mean_base_x + mean_slope_x - mean_entropy_x
        entropy_sum = mean_base_x - mean_entropy_x
        gap = mean_slope_x
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_x=mean_entropy_x,
            base_x=mean_base_x,
            gap_x=mean_slope_x,
        )


@_within_floats
def statistics(
    *,
    x: Array,
    a: Array,
    w: Array,
    b: Array,
    data_weights: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Not all of log p can be taken apart into data and parameters: these are sums at w
    and b, and what is made of them has to be given the same.

    Args:
        x: shape (N,); data, whole numbers from 0 on.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.
        data_weights: shape (N,); how much each data point counts, 1 if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, a, w, b, data_weights)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N", "naturals", sizes)
    a = _array(xp, real, "a", a, "N K", "real", sizes)
    w = _array(xp, real, "w", w, "K", "real", sizes)
    b = _array(xp, real, "b", b, "", "real", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    N = sizes["N"]
    # pseudo-entropy of x
    a_x = b + xp.sum(a * w, axis=-1)
    entropy_x = xp.exp(a_x) * (1 - a_x)
    mean_entropy_x = data_weights @ entropy_x / N
    # logarithm of the base measure of x
    base_x = -special.gammaln(x + 1)
    mean_base_x = data_weights @ base_x / N
    # derivative of log p(x) along the motion
    a_ = b + xp.sum(a * w, axis=-1)
    slope_x = a_ * (x - xp.exp(a_))
    mean_slope_x = data_weights @ slope_x / N
    means = (mean_entropy_x, mean_base_x, mean_slope_x)
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(*, x: Array, a: Array, w: Array, b: Array) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N,); data, whole numbers from 0 on.
        a: shape (N, K); covariates, real.
        w: shape (K,); real.
        b: a number; real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(x=x, a=a, w=w, b=b)
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


def _log_stirling(xp: Any, special: Any, x: Array) -> Array:
    """log(x!) - x*log(x) + x, which tends to log(2*pi*x)/2."""
    small, large = xp.where(x < 10, x, 10), xp.where(x < 10, 10, x)
    exact = special.gammaln(small + 1) - special.xlogy(small, small) + small
    series = _polynomial(
        [1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12],
        (1 / large) ** 2,
    )
    asymptotic = 0.5 * (math.log(2 * math.pi) + xp.log(large)) + series / large
    return xp.where(x < 10, exact, asymptotic)


def _deviance(xp: Any, x: Array, mean: Array, log_mean: Array) -> Array:
    """x*log(x/mean) - x + mean, exact also where x is close to the mean."""
    ratio = (x - mean) / xp.where(x + mean > 0, x + mean, 1)
    # Loader (2000): log(x/mean) is twice r + r**3/3 + r**5/5 + ..., r the ratio
    series = _polynomial([1 / k for k in range(17, 1, -2)], ratio**2)
    close = (x - mean) * ratio + 2 * x * ratio**3 * series
    positive = xp.where(x > 0, x, 1)
    far = xp.where(x > 0, positive * (xp.log(positive) - log_mean), 0) - x + mean
    return xp.where(xp.abs(ratio) < 0.1, close, far)


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """The polynomial with these coefficients, the highest first."""
    value: Array = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
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


def _special(xp: Any) -> Any:
    """The special functions of a library, which have the names of SciPy's."""
    if xp is np:
        import scipy.special

        return scipy.special
    if xp.__name__ == "array_api_compat.torch":
        import torch

        return torch.special
    if xp.__name__ == "jax.numpy":
        import jax.scipy.special

        return jax.scipy.special
    import cupyx.scipy.special

    return cupyx.scipy.special


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
    counts = domain in ("naturals", "counts")
    if counts and (least < 0 or np.any(array != np.floor(array))):
        raise ValueError(f"{name} must be a whole number that is not negative")
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
