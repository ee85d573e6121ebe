"""Poisson mixture: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Section 4.2.
Verdict: proved (Theorem 2). The ELBO and the entropy sum, made of pseudo-entropies
relative to the base measures, are equal at stationary points.
All values are per data point and in nats. Names: lambda_ is `lambda`.

>>> rng = np.random.default_rng(0)
>>> x = rng.integers(1, 6, size=(4, 3))
>>> pi = rng.dirichlet(np.ones(2))
>>> lambda_ = rng.uniform(0.5, 2, size=(2, 3))
>>> q = rng.dirichlet(np.ones(2), size=4)
>>> F = elbo(x=x, pi=pi, lambda_=lambda_, q=q)
>>> S = entropy_sum(pi=pi, lambda_=lambda_, x=x, q=q)
>>> G = gap(x=x, pi=pi, lambda_=lambda_, q=q)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
fe34f590fe23562ea9dfa7870632a3ffdbdacb4452d4b4abeb36e607d34eefe4.
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
    "profiled_scales",
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
def entropy_sum(*, pi: Array, lambda_: Array, x: Array, q: Array) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        lambda_: shape (C, D); positive (`lambda` in the model).
        x: shape (N, D); data, whole numbers from 0 on.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(pi, lambda_, x, q)
    special = _special(xp)
    sizes: dict[str, int] = {}
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "C D", "positive", sizes)
    x = _array(xp, real, "x", x, "N D", "naturals", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    # entropy of q
    entropy_q = xp.sum(special.entr(q), axis=1)
    # entropy of c
    entropy_c = xp.sum(special.entr(pi))
    # pseudo-entropy of x
    entropy_x = xp.sum(lambda_ * (1 - xp.log(lambda_)), axis=-1)
    # logarithm of the base measure of x
    log_base_x = -xp.sum(special.gammaln(x + 1), axis=-1)
    return (
        xp.mean(entropy_q)
        + xp.mean(log_base_x)
        - entropy_c
        - xp.mean(q, axis=0) @ entropy_x
    )


@_within_floats
def elbo(*, x: Array, pi: Array, lambda_: Array, q: Array) -> Array:
    """ELBO per data point, in nats.

    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        pi: shape (C,); non-negative, summing to one over the last axis.
        lambda_: shape (C, D); positive (`lambda` in the model).
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, lambda_, q)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "naturals", sizes)
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "C D", "positive", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    # entropy of q
    entropy_q = xp.sum(special.entr(q), axis=1)
    # log-density of c
    log_c = _log(xp, pi)
    # log-density of x
    center_x = xp.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = xp.mean(q, axis=0)
    mean_x = xp.mean(
        xp.sum(special.gammaln(center_x + 1) - special.gammaln(x + 1), axis=-1)
    )
    mean_x_ = _weighted_mean(xp, q, deviation_x)
    log_x = (
        mean_x
        + xp.sum(
            mean_q
            * xp.sum(
                -_deviance(xp, center_x, lambda_, xp.log(lambda_))
                - _log_stirling(xp, special, center_x),
                axis=-1,
            )
        )
        + xp.sum(mean_x_ * xp.log(lambda_))
    )
    return xp.mean(entropy_q) + xp.sum(_weigh(xp, mean_q, log_c)) + log_x


@_within_floats
def gap(*, x: Array, pi: Array, lambda_: Array, q: Array) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds lambda[c,d] = lambda[c,d]*log(lambda[c,d])
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        pi: shape (C,); non-negative, summing to one over the last axis.
        lambda_: shape (C, D); positive (`lambda` in the model).
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, lambda_, q)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "naturals", sizes)
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "C D", "positive", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    # derivative of log p(c) along the motion
    slope_c = _log(xp, pi) + xp.sum(special.entr(pi))
    # derivative of log p(x) along the motion
    center_x = xp.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = xp.mean(q, axis=0)
    mean_x = _weighted_mean(xp, q, deviation_x)
    slope_x = xp.sum(
        mean_q * xp.sum(xp.log(lambda_) * (center_x - lambda_), axis=-1)
    ) + xp.sum(mean_x * xp.log(lambda_))
    return xp.sum(_weigh(xp, mean_q, slope_c)) + slope_x


@_within_floats
def profiled_scales(*, x: Array, q: Array) -> dict[str, Array]:
    """pi and lambda_ where the ELBO is stationary in them.

    All else is held fixed. `entropy_sum` at these values equals the ELBO there,
    whatever the other parameters and q are.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, q)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "naturals", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    # pi, where the ELBO is stationary in it
    pi = xp.mean(q, axis=0)
    # lambda_, where the ELBO is stationary in it
    sum_lambda = x
    sum_lambda_ = 1
    lambda_ = _weighted_mean(xp, q, sum_lambda) / (pi * sum_lambda_)[:, None]
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    lambda_ = _array(xp, real, "lambda_", lambda_, "C D", "positive", sizes)
    return {"pi": pi, "lambda_": lambda_}


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_c: entropy of c.
        entropy_x: pseudo-entropy of x.
        base_x: logarithm of the base measure of x.
        gap_c: derivative of log p(c) along the motion.
        gap_x: derivative of log p(x) along the motion.
        ratio_lambda_: shape (C, D); lambda_ divided by its value where the ELBO is
            stationary in it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_c: Array
    entropy_x: Array
    base_x: Array
    gap_c: Array
    gap_x: Array
    ratio_lambda_: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_q: shape (C,).
        sum_base_x: a number.
        sum_x: shape (C, D).
    """

    points: Array
    sum_entropy_q: Array
    sum_q: Array
    sum_base_x: Array
    sum_x: Array

    def __add__(self, other: Any) -> Any:
        """The sums over the data points of both."""
        return Statistics(*(one + two for one, two in zip(self, other)))

    def __radd__(self, other: Any) -> Statistics:
        """The sums themselves: `sum` starts with 0."""
        return self

    @_within_floats
    def terms(self, *, pi: Array, lambda_: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            pi: shape (C,); non-negative, summing to one over the last axis.
            lambda_: shape (C, D); positive (`lambda` in the model).

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, pi, lambda_)
        special = _special(xp)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_q = _array(xp, real, "sum_q", self.sum_q, "C", "real", sizes)
        sum_base_x = _array(xp, real, "sum_base_x", self.sum_base_x, "", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "C D", "real", sizes)
        pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
        lambda_ = _array(xp, real, "lambda_", lambda_, "C D", "positive", sizes)
        mean_entropy_q = sum_entropy_q / points
        mean_q = sum_q / points
        mean_base_x = sum_base_x / points
        mean_x = sum_x / points
        # entropy of c
        entropy_c = xp.sum(special.entr(pi))
        # pseudo-entropy of x
        entropy_x = xp.sum(lambda_ * (1 - xp.log(lambda_)), axis=-1)
        entropy_x_ = mean_q @ entropy_x
        # derivative of log p(c) along the motion
        slope_c = _log(xp, pi) + xp.sum(special.entr(pi))
        gap_c = xp.sum(_weigh(xp, mean_q, slope_c))
        slope_x = xp.sum(mean_x * xp.log(lambda_)) - xp.sum(
            mean_q * xp.sum(lambda_ * xp.log(lambda_), axis=-1)
        )
        sum_lambda = mean_x
        sum_lambda_ = 1
        weight_lambda = mean_q * sum_lambda_
        ratio_lambda = _ratio(xp, lambda_ * weight_lambda[:, None], sum_lambda)
        elbo = gap_c + mean_base_x + mean_entropy_q + slope_x - entropy_c - entropy_x_
        entropy_sum = mean_base_x + mean_entropy_q - entropy_c - entropy_x_
        gap = gap_c + slope_x
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_c=entropy_c,
            entropy_x=entropy_x_,
            base_x=mean_base_x,
            gap_c=gap_c,
            gap_x=slope_x,
            ratio_lambda_=ratio_lambda,
        )

    @_within_floats
    def profiled_scales(self) -> dict[str, Array]:
        """pi and lambda_ where the ELBO is stationary in them.

        All else is held fixed. `entropy_sum` at these values equals the ELBO there,
        whatever the other parameters and q are.
        """
        xp, real = _library(*self)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_q = _array(xp, real, "sum_q", self.sum_q, "C", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "C D", "real", sizes)
        mean_q = sum_q / points
        mean_x = sum_x / points
        sum_lambda = mean_x
        sum_lambda_ = 1
        # pi, where the ELBO is stationary in it
        pi = mean_q
        # lambda_, where the ELBO is stationary in it
        lambda_ = sum_lambda / (mean_q * sum_lambda_)[:, None]
        pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
        lambda_ = _array(xp, real, "lambda_", lambda_, "C D", "positive", sizes)
        return {"pi": pi, "lambda_": lambda_}


@_within_floats
def statistics(*, x: Array, q: Array, data_weights: Array | None = None) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.
        data_weights: shape (N,); how much each data point counts, 1 if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, q, data_weights)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "naturals", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    N = sizes["N"]
    # entropy of q
    entropy_q = xp.sum(special.entr(q), axis=1)
    mean_entropy_q = data_weights @ entropy_q / N
    # weights of data points and of q
    weighted_q = data_weights[:, None] * q
    mean_q = xp.mean(weighted_q, axis=0)
    # logarithm of the base measure of x
    base_x = -xp.sum(special.gammaln(x + 1), axis=-1)
    mean_base_x = data_weights @ base_x / N
    # derivative of log p(x) along the motion
    mean_x = _weighted_mean(xp, weighted_q, x)
    means = (mean_entropy_q, mean_q, mean_base_x, mean_x)
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(*, x: Array, pi: Array, lambda_: Array, q: Array) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, D); data, whole numbers from 0 on.
        pi: shape (C,); non-negative, summing to one over the last axis.
        lambda_: shape (C, D); positive (`lambda` in the model).
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(x=x, q=q)
    return sums.terms(pi=pi, lambda_=lambda_)


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


def _weigh(xp: Any, weights: Array, values: Array) -> Array:
    """weights * values, where a weight of 0 takes out minus infinity."""
    return weights * xp.where(weights > 0, values, 0)


def _weighted_mean(xp: Any, weights: Array, values: Array) -> Array:
    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""
    if len(weights) < len(values):
        values = xp.mean(values, axis=0, keepdims=True)
    return xp.tensordot(weights, values, axes=((0,), (0,))) / len(values)


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


def _ratio(xp: Any, above: Array, below: Array) -> Array:
    """above/below: one where both are 0, infinity where below is."""
    quotient = xp.where(below != 0, above / xp.where(below != 0, below, 1), math.inf)
    return xp.where(above == below, 1, quotient)


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
