"""Gaussian naive Bayes: numeric entropy sum and ELBO.

Reference: Murphy (2012), Machine Learning, Section 3.5.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(4, 3))
>>> pi = rng.dirichlet(np.ones(2))
>>> mu = rng.normal(size=(2, 3))
>>> sigma2 = rng.uniform(0.5, 2, size=(2, 3))
>>> y = rng.integers(1, 2 + 1, size=4)
>>> F = elbo(y=y, x=x, pi=pi, mu=mu, sigma2=sigma2)
>>> S = entropy_sum(pi=pi, sigma2=sigma2, y=y)
>>> G = gap(y=y, x=x, pi=pi, mu=mu, sigma2=sigma2)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
c5b7e7a328aaf30cb71b059a2831578b8ebc169230f854d2a9cbbc9a2a6c0bdf.
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
            if not value < np.inf:
                raise FloatingPointError(f"found {value}")
        except ArithmeticError as error:
            message = f"{function.__name__} is undetermined or exceeds floats: {error}"
            raise ValueError(message) from None
        return value[()]

    return checked


@_within_floats
def entropy_sum(
    *,
    pi: Array,
    mu: Array | None = None,
    sigma2: Array,
    y: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real. Only checked: the value does not depend on it.
        sigma2: shape (C, D); positive.
        y: shape (N,); data, a category, counted from 1.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(pi, mu, sigma2, y)
    special = _special(xp)
    sizes: dict[str, int] = {}
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "C D", "positive", sizes)
    y = _array(xp, real, "y", y, "N", "category", sizes, sizes["C"])
    if mu is not None:
        _array(xp, real, "mu", mu, "C D", "real", sizes)
    # entropy of y
    entropy_y = xp.sum(special.entr(pi))
    # entropy of x
    entropy_x = 0.5 * xp.sum(xp.log(2 * math.e * math.pi * sigma2[y - 1]), axis=-1)
    return -entropy_y - xp.mean(entropy_x)


@_within_floats
def elbo(*, y: Array, x: Array, pi: Array, mu: Array, sigma2: Array) -> Array:
    """ELBO per data point, in nats.

    Minus infinity where a category of probability 0 has weight.

    Args:
        y: shape (N,); data, a category, counted from 1.
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C, D); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, x, pi, mu, sigma2)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    mu = _array(xp, real, "mu", mu, "C D", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "C D", "positive", sizes)
    y = _array(xp, real, "y", y, "N", "category", sizes, sizes["C"])
    # log-density of y
    log_y = _log(xp, pi[y - 1])
    # log-density of x
    log_x = xp.sum(
        -0.5 * xp.log(2 * math.pi * sigma2[y - 1])
        - 0.5 * ((x - mu[y - 1]) / xp.sqrt(sigma2[y - 1])) ** 2,
        axis=-1,
    )
    return xp.mean(log_y) + xp.mean(log_x)


@_within_floats
def gap(*, y: Array, x: Array, pi: Array, mu: Array, sigma2: Array) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
        d/ds sigma2[c,d] = -sigma2[c,d]
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        y: shape (N,); data, a category, counted from 1.
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C, D); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, x, pi, mu, sigma2)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    mu = _array(xp, real, "mu", mu, "C D", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "C D", "positive", sizes)
    y = _array(xp, real, "y", y, "N", "category", sizes, sizes["C"])
    D = sizes["D"]
    # derivative of log p(y) along the motion
    slope_y = _log(xp, pi[y - 1]) + xp.sum(special.entr(pi))
    # derivative of log p(x) along the motion
    slope_x = 0.5 * D - 0.5 * _sum_squares(
        xp, (x - mu[y - 1]) / xp.sqrt(sigma2[y - 1]), axis=-1
    )
    return xp.mean(slope_y) + xp.mean(slope_x)


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_y: entropy of y.
        entropy_x: entropy of x.
        gap_y: derivative of log p(y) along the motion.
        gap_x: derivative of log p(x) along the motion.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_y: Array
    entropy_x: Array
    gap_y: Array
    gap_x: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_x: a number.
        sum_slope_y: a number.
        sum_slope_x: a number.
    """

    points: Array
    sum_entropy_x: Array
    sum_slope_y: Array
    sum_slope_x: Array

    def __add__(self, other: Any) -> Any:
        """The sums over the data points of both."""
        return Statistics(*(one + two for one, two in zip(self, other)))

    def __radd__(self, other: Any) -> Statistics:
        """The sums themselves: `sum` starts with 0."""
        return self

    @_within_floats
    def terms(
        self,
        *,
        pi: Array,
        mu: Array | None = None,
        sigma2: Array | None = None,
    ) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            pi: shape (C,); non-negative, summing to one over the last axis.
            mu: shape (C, D); real. Only checked: the value does not depend on it.
            sigma2: shape (C, D); positive. Only checked: the value does not depend on
                it.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, pi, mu, sigma2)
        special = _special(xp)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_x = _array(
            xp, real, "sum_entropy_x", self.sum_entropy_x, "", "real", sizes
        )
        sum_slope_y = _array(
            xp, real, "sum_slope_y", self.sum_slope_y, "", "real", sizes
        )
        sum_slope_x = _array(
            xp, real, "sum_slope_x", self.sum_slope_x, "", "real", sizes
        )
        pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
        if mu is not None:
            _array(xp, real, "mu", mu, "C D", "real", sizes)
        if sigma2 is not None:
            _array(xp, real, "sigma2", sigma2, "C D", "positive", sizes)
        mean_entropy_x = sum_entropy_x / points
        mean_slope_y = sum_slope_y / points
        mean_slope_x = sum_slope_x / points
        # entropy of y
        entropy_y = xp.sum(special.entr(pi))
        elbo = mean_slope_x + mean_slope_y - entropy_y - mean_entropy_x
        entropy_sum = -entropy_y - mean_entropy_x
        gap = mean_slope_x + mean_slope_y
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_y=entropy_y,
            entropy_x=mean_entropy_x,
            gap_y=mean_slope_y,
            gap_x=mean_slope_x,
        )


@_within_floats
def statistics(
    *,
    y: Array,
    x: Array,
    pi: Array,
    mu: Array,
    sigma2: Array,
    data_weights: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Not all of log p can be taken apart into data and parameters: these are sums at pi,
    mu and sigma2, and what is made of them has to be given the same.

    Args:
        y: shape (N,); data, a category, counted from 1.
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C, D); positive.
        data_weights: shape (N,); how much each data point counts, 1 if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, x, pi, mu, sigma2, data_weights)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    mu = _array(xp, real, "mu", mu, "C D", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "C D", "positive", sizes)
    y = _array(xp, real, "y", y, "N", "category", sizes, sizes["C"])
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    D, N = sizes["D"], sizes["N"]
    # entropy of x
    entropy_x = 0.5 * xp.sum(xp.log(2 * math.e * math.pi * sigma2[y - 1]), axis=-1)
    mean_entropy_x = data_weights @ entropy_x / N
    # derivative of log p(y) along the motion
    slope_y = _log(xp, pi[y - 1]) + xp.sum(special.entr(pi))
    mean_slope_y = data_weights @ slope_y / N
    # derivative of log p(x) along the motion
    slope_x = 0.5 * D - 0.5 * _sum_squares(
        xp, (x - mu[y - 1]) / xp.sqrt(sigma2[y - 1]), axis=-1
    )
    mean_slope_x = data_weights @ slope_x / N
    means = (mean_entropy_x, mean_slope_y, mean_slope_x)
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(*, y: Array, x: Array, pi: Array, mu: Array, sigma2: Array) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        y: shape (N,); data, a category, counted from 1.
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        sigma2: shape (C, D); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(y=y, x=x, pi=pi, mu=mu, sigma2=sigma2)
    return sums.terms(pi=pi, mu=mu, sigma2=sigma2)


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


def _log(xp: Any, p: Array) -> Array:
    """log(p), minus infinity at 0."""
    return xp.where(p > 0, xp.log(xp.where(p > 0, p, 1)), -math.inf)


def _sum_squares(xp: Any, a: Array, axis: int | None = None) -> Array:
    """The sum of a**2 over one axis, or over all of them."""
    if axis is None:
        a, axis = xp.reshape(a, (-1,)), -1
    return xp.linalg.vecdot(a, a, axis=axis)


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
    precision = np.result_type(np.float32, np.asarray(value).dtype)
    tolerance = np.finfo(precision).eps ** 0.5
    least = array.min()
    if domain in ("simplex", "weights"):
        if least < 0 or (domain == "simplex" and least == 0):
            sign = "positive" if domain == "simplex" else "non-negative"
            raise ValueError(f"{name} must be {sign}, found {least}")
        sums = array @ np.ones(array.shape[-1], array.dtype)
        if not np.all(np.abs(sums - 1) <= tolerance):
            raise ValueError(f"{name} must sum to one over its last axis")
        return array
    largest = array.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ValueError(f"{name} must be finite, found NaN or infinity")
    if domain == "positive" and least <= 0:
        raise ValueError(f"{name} must be positive, found {least}")
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
