"""Factor analysis: numeric entropy sum and ELBO.

Reference: Warnken et al. (2025), Proposition 3.
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(4, 2))
>>> W = rng.normal(size=(2, 3))
>>> mu = rng.normal(size=2)
>>> sigma2 = rng.uniform(0.5, 2, size=2)
>>> F = elbo(x=x, W=W, mu=mu, sigma2=sigma2)
>>> S = entropy_sum(W=W, sigma2=sigma2)
>>> G = gap(x=x, W=W, mu=mu, sigma2=sigma2)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
aeecf401f4fee25e5bcada9aba5baa8be95a2f32fa5e10067b4d3bfbd01d9dfd.
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
def entropy_sum(*, W: Array, mu: Array | None = None, sigma2: Array) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        W: shape (D, H); real.
        mu: shape (D,); real. Only checked: the value does not depend on it.
        sigma2: shape (D,); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(W, mu, sigma2)
    sizes: dict[str, int] = {}
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
    if mu is not None:
        _array(xp, real, "mu", mu, "D", "real", sizes)
    H = sizes["H"]
    log_det = xp.linalg.slogdet(xp.eye(H, **real) + (W / sigma2[:, None]).T @ W)[1]
    # closed form of the entropy sum
    return -0.5 * xp.sum(xp.log(2 * math.e * math.pi * sigma2)) - 0.5 * log_det


@_within_floats
def elbo(*, x: Array, W: Array, mu: Array, sigma2: Array) -> Array:
    """ELBO per data point, in nats.

    With the exact posterior this is the mean log-likelihood.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: shape (D,); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, mu, sigma2)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
    H = sizes["H"]
    # exact posterior of z: normal with this precision and mode
    precision = xp.eye(H, **real) + (W / sigma2[:, None]).T @ W
    mode = xp.linalg.solve(precision, ((x - mu) @ (W / sigma2[:, None])).T).T
    # log-density of z
    log_z = -0.5 * _sum_squares(xp, mode, axis=-1) - 0.5 * H * math.log(2 * math.pi)
    # log-density of x
    m = mu + mode @ W.T
    log_x = -0.5 * xp.sum(xp.log(2 * math.pi * sigma2)) - 0.5 * _sum_squares(
        xp, (x - m) / xp.sqrt(sigma2), axis=-1
    )
    # the posterior is normal, so log p(x) = log p(x, mode) + this
    log_volume = 0.5 * H * math.log(2 * math.pi) - 0.5 * xp.linalg.slogdet(precision)[1]
    return xp.mean(log_z) + xp.mean(log_x) + log_volume


@_within_floats
def gap(*, x: Array, W: Array, mu: Array, sigma2: Array) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds W[d,h] = -W[d,h]/2
        d/ds sigma2[d] = -sigma2[d]
        d/ds z[h] = z[h]/2
    It vanishes at stationary points.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: shape (D,); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, W, mu, sigma2)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    W = _array(xp, real, "W", W, "D H", "real", sizes)
    mu = _array(xp, real, "mu", mu, "D", "real", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
    D, H = sizes["D"], sizes["H"]
    # exact posterior of z: normal with this precision and mode
    precision = xp.eye(H, **real) + (W / sigma2[:, None]).T @ W
    covariance = xp.linalg.inv(precision)
    mode = xp.linalg.solve(precision, ((x - mu) @ (W / sigma2[:, None])).T).T
    # derivative of log p(z) along the motion
    curvature_z = -xp.eye(H, **real)
    slope_z = (
        0.5 * H
        - 0.5 * _sum_squares(xp, mode, axis=-1)
        + 0.5 * xp.sum(covariance * curvature_z)
    )
    # derivative of log p(x) along the motion
    curvature_x = -(W / sigma2[:, None]).T @ W
    m = mu + mode @ W.T
    slope_x = 0.5 * D - 0.5 * _sum_squares(xp, (x - m) / xp.sqrt(sigma2), axis=-1)
    slope_x_spread = 0.5 * xp.sum(covariance * curvature_x)
    return xp.mean(slope_z) + xp.mean(slope_x) + slope_x_spread


class Terms(NamedTuple):
    """The ELBO and its parts, per data point, in nats.

    Attributes:
        elbo: ELBO.
        entropy_sum: entropy sum.
        gap: ELBO minus entropy sum.
        entropy_q: entropy of q.
        entropy_z: entropy of z.
        entropy_x: entropy of x.
        gap_z: derivative of log p(z) along the motion.
        gap_x: derivative of log p(x) along the motion.
        ratio_sigma2: shape (D,); sigma2 divided by its value where the ELBO is
            stationary in it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_z: Array
    entropy_x: Array
    gap_z: Array
    gap_x: Array
    ratio_sigma2: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_x: shape (D,).
        sum_xx: shape (D, D).
        sum_xx_: shape (D,).
        sum_center_x: shape (D,).
    """

    points: Array
    sum_x: Array
    sum_xx: Array
    sum_xx_: Array
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
    def terms(self, *, W: Array, mu: Array, sigma2: Array) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            W: shape (D, H); real.
            mu: shape (D,); real.
            sigma2: shape (D,); positive.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, W, mu, sigma2)
        sizes: dict[str, int] = {}
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_x = _array(xp, real, "sum_x", self.sum_x, "D", "real", sizes)
        sum_xx = _array(xp, real, "sum_xx", self.sum_xx, "D D", "real", sizes)
        sum_xx_ = _array(xp, real, "sum_xx_", self.sum_xx_, "D", "real", sizes)
        sum_center_x = _array(
            xp, real, "sum_center_x", self.sum_center_x, "D", "real", sizes
        )
        W = _array(xp, real, "W", W, "D H", "real", sizes)
        mu = _array(xp, real, "mu", mu, "D", "real", sizes)
        sigma2 = _array(xp, real, "sigma2", sigma2, "D", "positive", sizes)
        H = sizes["H"]
        mean_x = sum_x / points
        mean_xx = sum_xx / points
        mean_xx_ = sum_xx_ / points
        center_x = sum_center_x / points
        # exact posterior of z: normal with this precision and mode
        precision = xp.eye(H, **real) + (W / sigma2[:, None]).T @ W
        covariance = xp.linalg.inv(precision)
        offset = xp.sum(
            covariance
            * xp.sum(
                W * center_x[:, None] / sigma2[:, None]
                - W * mu[:, None] / sigma2[:, None],
                axis=0,
            ),
            axis=-1,
        )
        gain = ((1 / sigma2)[:, None] * (W @ covariance.T)).T
        # entropy of q
        entropy_q_ = (
            0.5 * H * math.log(2 * math.e * math.pi)
            - 0.5 * xp.linalg.slogdet(precision)[1]
        )
        # entropy of z
        entropy_z = 0.5 * H * math.log(2 * math.e * math.pi)
        # entropy of x
        entropy_x = 0.5 * xp.sum(xp.log(2 * math.e * math.pi * sigma2))
        # derivative of log p(z) along the motion
        curvature_z = -xp.eye(H, **real)
        slope_z = (
            0.5 * H
            - 0.5 * _sum_squares(xp, offset)
            + 0.5 * xp.sum(covariance * curvature_z)
            - xp.sum(mean_x * xp.sum(gain * offset[:, None], axis=0))
            - 0.5 * xp.sum(mean_xx * (gain.T @ gain))
        )
        # derivative of log p(x) along the motion
        curvature_x = -(W / sigma2[:, None]).T @ W
        slope_x = (
            xp.sum(
                mean_x
                * (xp.sum(W * offset, axis=-1) / sigma2 - (center_x - mu) / sigma2)
            )
            - 0.5 * xp.sum(mean_xx_ / sigma2)
            + xp.sum(
                0.5
                - 0.5 * ((center_x - mu) / xp.sqrt(sigma2)) ** 2
                - 0.5 * (xp.sum(W * offset, axis=-1) / xp.sqrt(sigma2)) ** 2
                + (center_x - mu) * xp.sum(W * offset, axis=-1) / sigma2
            )
            + xp.sum(
                mean_x
                * xp.sum(
                    (center_x - mu)[:, None] * (W @ gain) / sigma2[:, None]
                    - W @ gain * xp.sum(W * offset, axis=-1)[:, None] / sigma2[:, None],
                    axis=0,
                )
            )
            + xp.sum(mean_xx * (W @ gain) / sigma2[:, None])
            - xp.sum(0.5 * mean_xx * ((W @ gain / sigma2[:, None]).T @ (W @ gain)))
        )
        slope_x_spread = 0.5 * xp.sum(covariance * curvature_x)
        gap_x = slope_x + slope_x_spread
        sum_sigma2 = (
            mean_xx_
            + (center_x - mu) ** 2
            + xp.sum(W * offset, axis=-1) ** 2
            + mean_x * (2 * center_x - 2 * mu - 2 * xp.sum(W * offset, axis=-1))
            - 2 * (center_x - mu) * xp.sum(W * offset, axis=-1)
            + xp.sum(
                mean_x
                * (
                    2 * (W @ gain) * xp.sum(W * offset, axis=-1)[:, None]
                    - 2 * (center_x - mu)[:, None] * (W @ gain)
                ),
                axis=-1,
            )
            - 2 * xp.sum(mean_xx * (W @ gain), axis=-1)
            + xp.einsum("md,dm->d", mean_xx.T @ (W @ gain).T, W @ gain)
        )
        sum_sigma2_spread = xp.einsum(
            "dij,ij->d", W[:, :, None] * W[:, None, :], covariance
        )
        sum_sigma2_ = 1
        sum_sigma2__ = sum_sigma2 + sum_sigma2_spread
        ratio_sigma2 = _ratio(xp, sigma2 * sum_sigma2_, sum_sigma2__)
        elbo = entropy_q_ + gap_x + slope_z - entropy_x - entropy_z
        entropy_sum = entropy_q_ - entropy_x - entropy_z
        gap = gap_x + slope_z
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=entropy_q_,
            entropy_z=xp.asarray(entropy_z, **real),
            entropy_x=entropy_x,
            gap_z=slope_z,
            gap_x=gap_x,
            ratio_sigma2=ratio_sigma2,
        )


@_within_floats
def statistics(
    *,
    x: Array,
    data_weights: Array | None = None,
    center_x: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Args:
        x: shape (N, D); data, real.
        data_weights: shape (N,); how much each data point counts, 1 if not given.
        center_x: shape (D,); what is taken off x, zero if not given: a value near the
            mean keeps digits. Sums of one centre alone can be added.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(x, data_weights, center_x)
    sizes: dict[str, int] = {}
    x = _array(xp, real, "x", x, "N D", "real", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    center_x = _center(xp, real, "center_x", center_x, "D", sizes)
    N = sizes["N"]
    deviation_x = x - center_x
    mean_x = data_weights @ deviation_x / N
    mean_xx = (data_weights[:, None] * deviation_x).T @ deviation_x / N
    mean_xx_ = data_weights @ deviation_x**2 / N
    means = (mean_x, mean_xx, mean_xx_, center_x)
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(*, x: Array, W: Array, mu: Array, sigma2: Array) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        x: shape (N, D); data, real.
        W: shape (D, H); real.
        mu: shape (D,); real.
        sigma2: shape (D,); positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(x=x, center_x=_mean(x))
    return sums.terms(W=W, mu=mu, sigma2=sigma2)


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
