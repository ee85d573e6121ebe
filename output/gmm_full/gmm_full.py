"""Gaussian mixture, full covariance: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Proposition 4.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(4, 3))
>>> pi = rng.dirichlet(np.ones(2))
>>> mu = rng.normal(size=(2, 3))
>>> Sigma = np.broadcast_to(np.eye(3), (2, 3, 3))
>>> q = rng.dirichlet(np.ones(2), size=4)
>>> F = elbo(x=x, pi=pi, mu=mu, Sigma=Sigma, q=q)
>>> S = entropy_sum(pi=pi, Sigma=Sigma, q=q)
>>> G = gap(x=x, pi=pi, mu=mu, Sigma=Sigma, q=q)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
3487a9b3b68efd144ecfd03670c974f2dc16928a95e0c4801d6734b696831c99.
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
def entropy_sum(*, pi: Array, mu: Array | None = None, Sigma: Array, q: Array) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real. Only checked: the value does not depend on it.
        Sigma: shape (C, D, D); symmetric positive definite in the last two axes.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(pi, mu, Sigma, q)
    special = _special(xp)
    sizes: dict[str, int] = {}
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    Sigma = _array(xp, real, "Sigma", Sigma, "C D D", "posdef", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    if mu is not None:
        _array(xp, real, "mu", mu, "C D", "real", sizes)
    D = sizes["D"]
    # entropy of q
    entropy_q = xp.sum(special.entr(q), axis=1)
    # entropy of c
    entropy_c = xp.sum(special.entr(pi))
    # entropy of x
    entropy_x = 0.5 * xp.linalg.slogdet(Sigma)[1] + 0.5 * D * math.log(
        2 * math.e * math.pi
    )
    return xp.mean(entropy_q) - entropy_c - xp.mean(q, axis=0) @ entropy_x


@_within_floats
def elbo(*, x: Array, pi: Array, mu: Array, Sigma: Array, q: Array) -> Array:
    """ELBO per data point, in nats.

    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        Sigma: shape (C, D, D); symmetric positive definite in the last two axes.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, mu, Sigma, q)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    mu = _array(xp, real, "mu", mu, "C D", "real", sizes)
    Sigma = _array(xp, real, "Sigma", Sigma, "C D D", "posdef", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    D = sizes["D"]
    # entropy of q
    entropy_q = xp.sum(special.entr(q), axis=1)
    # log-density of c
    log_c = _log(xp, pi)
    # log-density of x
    center_x = xp.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = xp.mean(q, axis=0)
    mean_xx = _weighted_products(xp, q, deviation_x, deviation_x)
    mean_x = _weighted_mean(xp, q, deviation_x)
    inverse_Sigma = xp.linalg.inv(Sigma)
    log_x = (
        xp.sum(
            mean_q
            * (
                -0.5 * xp.linalg.slogdet(Sigma)[1]
                - 0.5
                * xp.sum(
                    inverse_Sigma
                    * (center_x - mu)[:, :, None]
                    * (center_x - mu)[:, None, :],
                    axis=(-2, -1),
                )
                - 0.5 * D * math.log(2 * math.pi)
            )
        )
        - 0.5
        * xp.sum(mean_x * xp.sum(inverse_Sigma * (center_x - mu)[:, None, :], axis=-1))
        - 0.5
        * xp.sum(mean_x * xp.sum(inverse_Sigma * (center_x - mu)[:, :, None], axis=1))
        - 0.5 * xp.sum(mean_xx * inverse_Sigma)
    )
    return xp.mean(entropy_q) + xp.sum(_weigh(xp, mean_q, log_c)) + log_x


@_within_floats
def gap(*, x: Array, pi: Array, mu: Array, Sigma: Array, q: Array) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds Sigma[c,d,i] = -Sigma[c,d,i]
        d/ds pi[c] = pi[c]*(log(pi[c]) - sum(pi[i]*log(pi[i]) for i in 1:C))
    It vanishes at stationary points.
    Minus infinity where a category of probability 0 has weight.

    Args:
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        Sigma: shape (C, D, D); symmetric positive definite in the last two axes.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, pi, mu, Sigma, q)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
    mu = _array(xp, real, "mu", mu, "C D", "real", sizes)
    Sigma = _array(xp, real, "Sigma", Sigma, "C D D", "posdef", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    D = sizes["D"]
    # derivative of log p(c) along the motion
    slope_c = _log(xp, pi) + xp.sum(special.entr(pi))
    # derivative of log p(x) along the motion
    center_x = xp.mean(x, axis=0)
    deviation_x = x - center_x
    mean_q = xp.mean(q, axis=0)
    mean_xx = _weighted_products(xp, q, deviation_x, deviation_x)
    mean_x = _weighted_mean(xp, q, deviation_x)
    inverse_Sigma = xp.linalg.inv(Sigma)
    slope_x = (
        xp.sum(
            mean_q
            * (
                0.5 * D
                - 0.5
                * xp.sum(
                    inverse_Sigma
                    * (center_x - mu)[:, :, None]
                    * (center_x - mu)[:, None, :],
                    axis=(-2, -1),
                )
            )
        )
        - 0.5
        * xp.sum(mean_x * xp.sum(inverse_Sigma * (center_x - mu)[:, None, :], axis=-1))
        - 0.5 * xp.sum(mean_xx * inverse_Sigma)
        - 0.5
        * xp.sum(mean_x * xp.sum(inverse_Sigma * (center_x - mu)[:, :, None], axis=1))
    )
    return xp.sum(_weigh(xp, mean_q, slope_c)) + slope_x


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_c: entropy of c.
        entropy_x: entropy of x.
        gap_c: derivative of log p(c) along the motion.
        gap_x: derivative of log p(x) along the motion.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_c: Array
    entropy_x: Array
    gap_c: Array
    gap_x: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_q: shape (C,).
        sum_xx: shape (C, D, D).
        sum_x: shape (C, D).
        sum_center_x: shape (D,).
    """

    points: Array
    sum_entropy_q: Array
    sum_q: Array
    sum_xx: Array
    sum_x: Array
    sum_center_x: Array

    def __add__(self, other: Any) -> Any:
        """The sums over the data points of both."""
        here, there = self.sum_center_x * other.points, other.sum_center_x * self.points
        if not (_is_foreign(here) or np.allclose(here, there, rtol=1e-6, atol=0)):
            raise ValueError("sums about different centers cannot be added")
        return Statistics(*(one + two for one, two in zip(self, other)))

    def __radd__(self, other: Any) -> Statistics:
        """The sums themselves: `sum` starts with 0."""
        return self

    @_within_floats
    def terms(self, *, pi: Array, mu: Array, Sigma: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            pi: shape (C,); non-negative, summing to one over the last axis.
            mu: shape (C, D); real.
            Sigma: shape (C, D, D); symmetric positive definite in the last two axes.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, pi, mu, Sigma)
        special = _special(xp)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_q = _array(xp, real, "sum_q", self.sum_q, "C", "real", sizes)
        sum_xx = _array(xp, real, "sum_xx", self.sum_xx, "C D D", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "C D", "real", sizes)
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "D", "real", sizes
        )
        pi = _array(xp, real, "pi", pi, "C", "weights", sizes)
        mu = _array(xp, real, "mu", mu, "C D", "real", sizes)
        Sigma = _array(xp, real, "Sigma", Sigma, "C D D", "posdef", sizes)
        D = sizes["D"]
        mean_entropy_q = sum_entropy_q / points
        mean_q = sum_q / points
        mean_xx = sum_xx / points
        mean_x = sum_x / points
        center_x = sum_center_x / points
        # entropy of c
        entropy_c = xp.sum(special.entr(pi))
        # entropy of x
        entropy_x = 0.5 * xp.linalg.slogdet(Sigma)[1] + 0.5 * D * math.log(
            2 * math.e * math.pi
        )
        entropy_x_ = mean_q @ entropy_x
        # derivative of log p(c) along the motion
        slope_c = _log(xp, pi) + xp.sum(special.entr(pi))
        gap_c = xp.sum(_weigh(xp, mean_q, slope_c))
        inverse_Sigma = xp.linalg.inv(Sigma)
        slope_x = (
            xp.sum(
                mean_q
                * (
                    0.5 * D
                    - 0.5
                    * xp.sum(
                        inverse_Sigma
                        * (center_x - mu)[:, :, None]
                        * (center_x - mu)[:, None, :],
                        axis=(-2, -1),
                    )
                )
            )
            - 0.5
            * xp.sum(
                mean_x * xp.sum(inverse_Sigma * (center_x - mu)[:, None, :], axis=-1)
            )
            - 0.5 * xp.sum(mean_xx * inverse_Sigma)
            - 0.5
            * xp.sum(
                mean_x * xp.sum(inverse_Sigma * (center_x - mu)[:, :, None], axis=1)
            )
        )
        elbo = gap_c + mean_entropy_q + slope_x - entropy_c - entropy_x_
        entropy_sum = mean_entropy_q - entropy_c - entropy_x_
        gap = gap_c + slope_x
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_c=entropy_c,
            entropy_x=entropy_x_,
            gap_c=gap_c,
            gap_x=slope_x,
        )


@_within_floats
def statistics(
    *,
    x: Array,
    q: Array,
    data_weights: Array | None = None,
    center_x: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, D); data, real.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.
        data_weights: shape (N,); how much each data point counts, 1 if not given.
        center_x: shape (D,); what is taken off x, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, q, data_weights, center_x)
    special = _special(xp)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    q = _array(xp, real, "q", q, "N C", "weights", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    center_x = _center(xp, real, "center_x", center_x, "D", sizes)
    N = sizes["N"]
    # entropy of q
    entropy_q = xp.sum(special.entr(q), axis=1)
    mean_entropy_q = data_weights @ entropy_q / N
    # weights of data points and of q
    weighted_q = data_weights[:, None] * q
    mean_q = xp.mean(weighted_q, axis=0)
    # derivative of log p(x) along the motion
    deviation_x = x - center_x
    mean_xx = _weighted_products(xp, weighted_q, deviation_x, deviation_x)
    mean_x = _weighted_mean(xp, weighted_q, deviation_x)
    means = (mean_entropy_q, mean_q, mean_xx, mean_x, center_x)
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(*, x: Array, pi: Array, mu: Array, Sigma: Array, q: Array) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, D); data, real.
        pi: shape (C,); non-negative, summing to one over the last axis.
        mu: shape (C, D); real.
        Sigma: shape (C, D, D); symmetric positive definite in the last two axes.
        q: shape (N, C); responsibilities: q[n, c] is the probability that data point n
            has category c; rows sum to one, zeros are allowed.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(x=x, q=q, center_x=_mean(x))
    return sums.terms(pi=pi, mu=mu, Sigma=Sigma)


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


def _weighted_products(xp: Any, weights: Array, left: Array, right: Array) -> Array:
    """(1/N) sum_n weights[n, k]*left[n, ...]*right[n, ...], in blocks of data."""
    if len(weights) < len(left):
        products = xp.tensordot(left, right, axes=((0,), (0,))) / len(left)
        return xp.tensordot(weights[0, ...], products, axes=0)
    step = 1 + 2**18 // (math.prod(weights.shape[1:]) * math.prod(left.shape[1:]))
    if xp is not np:  # few blocks: a compiler unrolls them
        step = max(step, 1 + len(left) // 16)
    total: Array = 0
    for start in range(0, len(left), step):
        rows = slice(start, start + step)
        weighted = xp.einsum("nk,n...->nk...", weights[rows, ...], left[rows, ...])
        total = total + xp.tensordot(weighted, right[rows, ...], axes=((0,), (0,)))
    return total / len(left)


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


def _center(
    xp: Any,
    real: dict[str, Any],
    name: str,
    value: Array,
    dims: str,
    sizes: dict[str, int],
) -> Array:
    """What is taken off the data: zero if it is not given."""
    if value is None:
        return xp.zeros(tuple(_length(dim, sizes) or 0 for dim in dims.split()), **real)
    return _array(xp, real, name, value, dims, "real", sizes)


def _mean(x: Array) -> Array:
    """The mean over the data points, of data whose shape is checked later."""
    xp, real = _library(x)
    array = _real(xp, real, "the data", x)
    return xp.mean(array, axis=0) if array.ndim else array


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
