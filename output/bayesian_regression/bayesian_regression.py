"""Bayesian linear regression: numeric entropy sum and ELBO.

Reference: MacKay (1992), Neural Computation 4(3).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats. Names: lambda_ is `lambda`.

>>> rng = np.random.default_rng(0)
>>> y = rng.normal(size=(4, 3))
>>> a = rng.normal(size=(4, 3, 2))
>>> alpha = rng.uniform(0.5, 2)
>>> lambda_ = rng.uniform(0.5, 2)
>>> b = rng.normal()
>>> F = elbo(y=y, a=a, alpha=alpha, lambda_=lambda_, b=b)
>>> S = entropy_sum(alpha=alpha, lambda_=lambda_, a=a)
>>> G = gap(y=y, a=a, alpha=alpha, lambda_=lambda_, b=b)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
14d1416ecd88b522119eaceecbc5bfa83ed793226aa862d7020370e9965fcbdc.
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
def entropy_sum(
    *,
    alpha: Array,
    lambda_: Array,
    b: Array | None = None,
    a: Array,
) -> Array:
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
    xp, real = _library(alpha, lambda_, b, a)
    sizes: dict[str, int] = {}
    alpha = _array(xp, real, "alpha", alpha, "", "positive", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "", "positive", sizes)
    a = _array(xp, real, "a", a, "N M K", "real", sizes)
    if b is not None:
        _array(xp, real, "b", b, "", "real", sizes)
    K, M = sizes["K"], sizes["M"]
    # entropy of q
    log_det = xp.linalg.slogdet(
        alpha * xp.einsum("nij,nik->njk", a, a) + lambda_ * xp.eye(K, **real)
    )[1]
    entropy_q = 0.5 * K * math.log(2 * math.e * math.pi) - 0.5 * log_det
    # entropy of w
    entropy_w = K * (0.5 * math.log(2 * math.e * math.pi) - 0.5 * xp.log(lambda_))
    # entropy of y
    entropy_y = M * (0.5 * math.log(2 * math.e * math.pi) - 0.5 * xp.log(alpha))
    return xp.mean(entropy_q) - entropy_w - entropy_y


@_within_floats
def elbo(*, y: Array, a: Array, alpha: Array, lambda_: Array, b: Array) -> Array:
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
    xp, real = _library(y, a, alpha, lambda_, b)
    sizes: dict[str, int] = {}
    y = _array(xp, real, "y", y, "N M", "real", sizes)
    a = _array(xp, real, "a", a, "N M K", "real", sizes)
    alpha = _array(xp, real, "alpha", alpha, "", "positive", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "", "positive", sizes)
    b = _array(xp, real, "b", b, "", "real", sizes)
    K, M = sizes["K"], sizes["M"]
    # exact posterior of w: normal with this precision and mode
    precision = alpha * xp.einsum("nih,nik->nhk", a, a) + lambda_ * xp.eye(K, **real)
    covariance = xp.linalg.inv(precision)
    mode = alpha * xp.sum(
        covariance * xp.sum(a * (y - b)[:, :, None], axis=1)[:, None, :], axis=-1
    )
    # log-density of w
    log_w = 0.5 * K * xp.log(0.5 * lambda_ / math.pi) - 0.5 * _sum_squares(
        xp, mode * xp.sqrt(lambda_), axis=-1
    )
    # log-density of y
    m = b + xp.sum(a * mode[:, None, :], axis=-1)
    log_y = 0.5 * M * xp.log(0.5 * alpha / math.pi) - 0.5 * _sum_squares(
        xp, xp.sqrt(alpha) * (y - m), axis=-1
    )
    # the posterior is normal, so log p(x) = log p(x, mode) + this
    log_volume = 0.5 * K * math.log(2 * math.pi) - 0.5 * xp.linalg.slogdet(precision)[1]
    return xp.mean(log_w) + xp.mean(log_y) + xp.mean(log_volume)


@_within_floats
def gap(*, y: Array, a: Array, alpha: Array, lambda_: Array, b: Array) -> Array:
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
    xp, real = _library(y, a, alpha, lambda_, b)
    sizes: dict[str, int] = {}
    y = _array(xp, real, "y", y, "N M", "real", sizes)
    a = _array(xp, real, "a", a, "N M K", "real", sizes)
    alpha = _array(xp, real, "alpha", alpha, "", "positive", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "", "positive", sizes)
    b = _array(xp, real, "b", b, "", "real", sizes)
    K = sizes["K"]
    # exact posterior of w: normal with this precision and mode
    precision = alpha * xp.einsum("nih,nik->nhk", a, a) + lambda_ * xp.eye(K, **real)
    covariance = xp.linalg.inv(precision)
    mode = alpha * xp.sum(
        covariance * xp.sum(a * (y - b)[:, :, None], axis=1)[:, None, :], axis=-1
    )
    # derivative of log p(w) along the motion
    curvature_w = -lambda_ * xp.eye(K, **real)
    slope_w = 0.5 * xp.sum(1 - (mode * xp.sqrt(lambda_)) ** 2, axis=-1)
    slope_w_spread = 0.5 * xp.sum(covariance * curvature_w, axis=(-2, -1))
    # derivative of log p(y) along the motion
    curvature_y = -alpha * xp.einsum("nic,nir->ncr", a, a)
    m = b + xp.sum(a * mode[:, None, :], axis=-1)
    slope_y = 0.5 * xp.sum(1 - (xp.sqrt(alpha) * (y - m)) ** 2, axis=-1)
    slope_y_spread = 0.5 * xp.sum(covariance * curvature_y, axis=(-2, -1))
    return (
        xp.mean(slope_w)
        + xp.mean(slope_w_spread)
        + xp.mean(slope_y)
        + xp.mean(slope_y_spread)
    )


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_w: entropy of w.
        entropy_y: entropy of y.
        gap_w: derivative of log p(w) along the motion.
        gap_y: derivative of log p(y) along the motion.
        ratio_lambda_: lambda_ divided by its value where the ELBO is stationary in it.
        ratio_alpha: alpha divided by its value where the ELBO is stationary in it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_w: Array
    entropy_y: Array
    gap_w: Array
    gap_y: Array
    ratio_lambda_: Array
    ratio_alpha: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_slope_w: a number.
        sum_slope_w_spread: a number.
        sum_slope_y: a number.
        sum_slope_y_spread: a number.
        sum_lambda___: a number.
        sum_lambda_spread_: a number.
        sum_alpha___: a number.
        sum_alpha_spread_: a number.
    """

    points: Array
    sum_entropy_q: Array
    sum_slope_w: Array
    sum_slope_w_spread: Array
    sum_slope_y: Array
    sum_slope_y_spread: Array
    sum_lambda___: Array
    sum_lambda_spread_: Array
    sum_alpha___: Array
    sum_alpha_spread_: Array

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
        alpha: Array,
        lambda_: Array,
        b: Array | None = None,
        K: int,
        M: int,
    ) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            alpha: a number; positive.
            lambda_: a number; positive (`lambda` in the model).
            b: a number; real. Only checked: the value does not depend on it.
            K: a positive integer; no array above determines it.
            M: a positive integer; no array above determines it.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, alpha, lambda_, b)
        sizes: dict[str, int] = _sizes(K=K, M=M)
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_slope_w = _array(
            xp, real, "sum_slope_w", self.sum_slope_w, "", "real", sizes
        )
        sum_slope_w_spread = _array(
            xp, real, "sum_slope_w_spread", self.sum_slope_w_spread, "", "real", sizes
        )
        sum_slope_y = _array(
            xp, real, "sum_slope_y", self.sum_slope_y, "", "real", sizes
        )
        sum_slope_y_spread = _array(
            xp, real, "sum_slope_y_spread", self.sum_slope_y_spread, "", "real", sizes
        )
        sum_lambda___ = _array(
            xp, real, "sum_lambda___", self.sum_lambda___, "", "real", sizes
        )
        sum_lambda_spread_ = _array(
            xp, real, "sum_lambda_spread_", self.sum_lambda_spread_, "", "real", sizes
        )
        sum_alpha___ = _array(
            xp, real, "sum_alpha___", self.sum_alpha___, "", "real", sizes
        )
        sum_alpha_spread_ = _array(
            xp, real, "sum_alpha_spread_", self.sum_alpha_spread_, "", "real", sizes
        )
        alpha = _array(xp, real, "alpha", alpha, "", "positive", sizes)
        lambda_ = _array(xp, real, "lambda_", lambda_, "", "positive", sizes)
        if b is not None:
            _array(xp, real, "b", b, "", "real", sizes)
        mean_entropy_q = sum_entropy_q / points
        mean_slope_w = sum_slope_w / points
        mean_slope_w_spread = sum_slope_w_spread / points
        mean_slope_y = sum_slope_y / points
        mean_slope_y_spread = sum_slope_y_spread / points
        mean_lambda = sum_lambda___ / points
        mean_lambda_spread = sum_lambda_spread_ / points
        mean_alpha = sum_alpha___ / points
        mean_alpha_spread = sum_alpha_spread_ / points
        # entropy of w
        entropy_w = K * (0.5 * math.log(2 * math.e * math.pi) - 0.5 * xp.log(lambda_))
        # entropy of y
        entropy_y = M * (0.5 * math.log(2 * math.e * math.pi) - 0.5 * xp.log(alpha))
        gap_w = mean_slope_w + mean_slope_w_spread
        gap_y = mean_slope_y + mean_slope_y_spread
        sum_lambda = K
        sum_lambda__ = mean_lambda + mean_lambda_spread
        ratio_lambda = _ratio(
            xp, lambda_ * sum_lambda__, xp.asarray(sum_lambda, **real)
        )
        sum_alpha = M
        sum_alpha__ = mean_alpha + mean_alpha_spread
        ratio_alpha = _ratio(xp, alpha * sum_alpha__, xp.asarray(sum_alpha, **real))
        elbo = gap_w + gap_y + mean_entropy_q - entropy_w - entropy_y
        entropy_sum = mean_entropy_q - entropy_w - entropy_y
        gap = gap_w + gap_y
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_w=entropy_w,
            entropy_y=entropy_y,
            gap_w=gap_w,
            gap_y=gap_y,
            ratio_lambda_=ratio_lambda,
            ratio_alpha=ratio_alpha,
        )


@_within_floats
def statistics(
    *,
    y: Array,
    a: Array,
    alpha: Array,
    lambda_: Array,
    b: Array,
    data_weights: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Not all of log p can be taken apart into data and parameters: these are sums at
    alpha, lambda_ and b, and what is made of them has to be given the same.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, K); covariates, real.
        alpha: a number; positive.
        lambda_: a number; positive (`lambda` in the model).
        b: a number; real.
        data_weights: shape (N,); how much each data point counts, 1 if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, a, alpha, lambda_, b, data_weights)
    sizes: dict[str, int] = {}
    y = _array(xp, real, "y", y, "N M", "real", sizes)
    a = _array(xp, real, "a", a, "N M K", "real", sizes)
    alpha = _array(xp, real, "alpha", alpha, "", "positive", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "", "positive", sizes)
    b = _array(xp, real, "b", b, "", "real", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    K, N = sizes["K"], sizes["N"]
    # exact posterior of w: normal with this precision and mode
    precision = alpha * xp.einsum("nih,nik->nhk", a, a) + lambda_ * xp.eye(K, **real)
    covariance = xp.linalg.inv(precision)
    mode = alpha * xp.sum(
        covariance * xp.sum(a * (y - b)[:, :, None], axis=1)[:, None, :], axis=-1
    )
    # entropy of q
    entropy_q_ = (
        0.5 * K * math.log(2 * math.e * math.pi) - 0.5 * xp.linalg.slogdet(precision)[1]
    )
    mean_entropy_q = data_weights @ entropy_q_ / N
    # derivative of log p(w) along the motion
    curvature_w = -lambda_ * xp.eye(K, **real)
    # derivative of log p(w) along the motion
    slope_w = 0.5 * xp.sum(1 - (mode * xp.sqrt(lambda_)) ** 2, axis=-1)
    mean_slope_w = data_weights @ slope_w / N
    slope_w_spread = 0.5 * xp.sum(covariance * curvature_w, axis=(-2, -1))
    mean_slope_w_spread = data_weights @ slope_w_spread / N
    # derivative of log p(y) along the motion
    curvature_y = -alpha * xp.einsum("nic,nir->ncr", a, a)
    # derivative of log p(y) along the motion
    m = b + xp.sum(a * mode[:, None, :], axis=-1)
    slope_y = 0.5 * xp.sum(1 - (xp.sqrt(alpha) * (y - m)) ** 2, axis=-1)
    mean_slope_y = data_weights @ slope_y / N
    slope_y_spread = 0.5 * xp.sum(covariance * curvature_y, axis=(-2, -1))
    mean_slope_y_spread = data_weights @ slope_y_spread / N
    curvature_lambda = 2 * xp.eye(K, **real)
    sum_lambda_ = _sum_squares(xp, mode, axis=-1)
    mean_lambda = data_weights @ sum_lambda_ / N
    sum_lambda_spread = 0.5 * xp.sum(covariance * curvature_lambda, axis=(-2, -1))
    mean_lambda_spread = data_weights @ sum_lambda_spread / N
    curvature_alpha = 2 * xp.einsum("nic,nir->ncr", a, a)
    sum_alpha_ = _sum_squares(xp, y - m, axis=-1)
    mean_alpha = data_weights @ sum_alpha_ / N
    sum_alpha_spread = 0.5 * xp.sum(covariance * curvature_alpha, axis=(-2, -1))
    mean_alpha_spread = data_weights @ sum_alpha_spread / N
    means = (
        mean_entropy_q,
        mean_slope_w,
        mean_slope_w_spread,
        mean_slope_y,
        mean_slope_y_spread,
        mean_lambda,
        mean_lambda_spread,
        mean_alpha,
        mean_alpha_spread,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(*, y: Array, a: Array, alpha: Array, lambda_: Array, b: Array) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

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
    sums = statistics(y=y, a=a, alpha=alpha, lambda_=lambda_, b=b)
    return sums.terms(
        alpha=alpha, lambda_=lambda_, b=b, K=np.shape(a)[-1], M=np.shape(y)[-1]
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


def _sum_squares(xp: Any, a: Array, axis: int | None = None) -> Array:
    """The sum of a**2 over one axis, or over all of them."""
    if axis is None:
        a, axis = xp.reshape(a, (-1,)), -1
    return xp.linalg.vecdot(a, a, axis=axis)


def _ratio(xp: Any, above: Array, below: Array) -> Array:
    """above/below: one where both are 0, infinity where below is."""
    quotient = xp.where(below != 0, above / xp.where(below != 0, below, 1), math.inf)
    return xp.where(above == below, 1, quotient)


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


def _sizes(**given: int | None) -> dict[str, int]:
    """Check sizes; those that are not given follow from the shape of an argument."""
    for name, value in given.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and (not whole or value < 1):
            raise ValueError(f"{name} must be a positive integer, found {value!r}")
    return {name: int(value) for name, value in given.items() if value is not None}


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
