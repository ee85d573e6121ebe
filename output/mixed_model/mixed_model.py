"""Linear mixed model: numeric entropy sum and ELBO.

Reference: Laird & Ware (1982), Biometrics 38(4).
Verdict: proved (Theorem 1). The ELBO and the entropy sum, made of entropies, are equal
at stationary points.
All values are per data point and in nats.

>>> rng = np.random.default_rng(0)
>>> y = rng.normal(size=(2, 4))
>>> a = rng.normal(size=(2, 4, 3))
>>> u = rng.normal(size=(2, 4, 2))
>>> beta = rng.normal(size=3)
>>> Psi = np.eye(2)
>>> sigma2 = rng.uniform(0.5, 2)
>>> F = elbo(y=y, a=a, u=u, beta=beta, Psi=Psi, sigma2=sigma2)
>>> S = entropy_sum(Psi=Psi, sigma2=sigma2, u=u)
>>> G = gap(y=y, a=a, u=u, beta=beta, Psi=Psi, sigma2=sigma2)
>>> bool(np.isclose(F, S + G))
True

Written by symelbo 0.1.0 from a specification with SHA-256
78252ccbb130df41b3d706576e61bad7e2864b7354b0f15d1fbebbdfa9327747.
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
    beta: Array | None = None,
    Psi: Array,
    sigma2: Array,
    u: Array,
) -> Array:
    """Entropy sum per data point, in nats.

    Equal to the ELBO where the ELBO is stationary along the motion (see `gap`);
    elsewhere it is not a bound.

    Args:
        beta: shape (L,); real. Only checked: the value does not depend on it.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.
        u: shape (N, M, K); covariates, real.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(beta, Psi, sigma2, u)
    sizes: dict[str, int] = {}
    Psi = _array(xp, real, "Psi", Psi, "K K", "posdef", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    u = _array(xp, real, "u", u, "N M K", "real", sizes)
    if beta is not None:
        _array(xp, real, "beta", beta, "L", "real", sizes)
    K, M = sizes["K"], sizes["M"]
    # entropy of q
    log_det = xp.linalg.slogdet(
        xp.linalg.inv(Psi) + xp.einsum("nij,nik->njk", u, u) / sigma2
    )[1]
    entropy_q = 0.5 * K * math.log(2 * math.e * math.pi) - 0.5 * log_det
    # entropy of z
    entropy_z = 0.5 * xp.linalg.slogdet(Psi)[1] + 0.5 * K * math.log(
        2 * math.e * math.pi
    )
    # entropy of y
    entropy_y = 0.5 * M * xp.log(2 * math.e * math.pi * sigma2)
    return xp.mean(entropy_q) - entropy_z - entropy_y


@_within_floats
def elbo(
    *,
    y: Array,
    a: Array,
    u: Array,
    beta: Array,
    Psi: Array,
    sigma2: Array,
) -> Array:
    """ELBO per data point, in nats.

    With the exact posterior this is the mean log-likelihood.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, L); covariates, real.
        u: shape (N, M, K); covariates, real.
        beta: shape (L,); real.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, a, u, beta, Psi, sigma2)
    sizes: dict[str, int] = {}
    y = _array(xp, real, "y", y, "N M", "real", sizes)
    a = _array(xp, real, "a", a, "N M L", "real", sizes)
    u = _array(xp, real, "u", u, "N M K", "real", sizes)
    beta = _array(xp, real, "beta", beta, "L", "real", sizes)
    Psi = _array(xp, real, "Psi", Psi, "K K", "posdef", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    K, M = sizes["K"], sizes["M"]
    # exact posterior of z: normal with this precision and mode
    inverse_Psi = xp.linalg.inv(Psi)
    precision = inverse_Psi + xp.einsum("nih,nik->nhk", u, u) / sigma2
    covariance = xp.linalg.inv(precision)
    mode = (
        1
        / sigma2
        * xp.sum(
            covariance
            * xp.sum(u * (y - xp.sum(a * beta, axis=-1))[:, :, None], axis=1)[
                :, None, :
            ],
            axis=-1,
        )
    )
    # log-density of z
    log_z = (
        -0.5 * xp.linalg.slogdet(Psi)[1]
        - 0.5 * xp.einsum("nij,ij->n", mode[:, :, None] * mode[:, None, :], inverse_Psi)
        - 0.5 * K * math.log(2 * math.pi)
    )
    # log-density of y
    m = xp.sum(mode[:, None, :] * u, axis=-1) + xp.sum(a * beta, axis=-1)
    log_y = -0.5 * M * xp.log(2 * math.pi * sigma2) - 0.5 * _sum_squares(
        xp, (y - m) / xp.sqrt(sigma2), axis=-1
    )
    # the posterior is normal, so log p(x) = log p(x, mode) + this
    log_volume = 0.5 * K * math.log(2 * math.pi) - 0.5 * xp.linalg.slogdet(precision)[1]
    return xp.mean(log_z) + xp.mean(log_y) + xp.mean(log_volume)


@_within_floats
def gap(
    *,
    y: Array,
    a: Array,
    u: Array,
    beta: Array,
    Psi: Array,
    sigma2: Array,
) -> Array:
    """ELBO minus entropy sum, per data point, in nats.

    Computed as the derivative of the ELBO along the motion
        d/ds Psi[k,i] = -Psi[k,i]
        d/ds sigma2 = -sigma2
    It vanishes at stationary points.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, L); covariates, real.
        u: shape (N, M, K); covariates, real.
        beta: shape (L,); real.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, a, u, beta, Psi, sigma2)
    sizes: dict[str, int] = {}
    y = _array(xp, real, "y", y, "N M", "real", sizes)
    a = _array(xp, real, "a", a, "N M L", "real", sizes)
    u = _array(xp, real, "u", u, "N M K", "real", sizes)
    beta = _array(xp, real, "beta", beta, "L", "real", sizes)
    Psi = _array(xp, real, "Psi", Psi, "K K", "posdef", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    K, M = sizes["K"], sizes["M"]
    # exact posterior of z: normal with this precision and mode
    inverse_Psi = xp.linalg.inv(Psi)
    precision = inverse_Psi + xp.einsum("nih,nik->nhk", u, u) / sigma2
    covariance = xp.linalg.inv(precision)
    mode = (
        1
        / sigma2
        * xp.sum(
            covariance
            * xp.sum(u * (y - xp.sum(a * beta, axis=-1))[:, :, None], axis=1)[
                :, None, :
            ],
            axis=-1,
        )
    )
    # derivative of log p(z) along the motion
    curvature_z = -inverse_Psi
    slope_z = 0.5 * K - 0.5 * xp.einsum(
        "nij,ij->n", mode[:, :, None] * mode[:, None, :], inverse_Psi
    )
    slope_z_spread = 0.5 * xp.sum(covariance * curvature_z, axis=(-2, -1))
    # derivative of log p(y) along the motion
    curvature_y = -xp.einsum("nic,nir->ncr", u, u) / sigma2
    m = xp.sum(mode[:, None, :] * u, axis=-1) + xp.sum(a * beta, axis=-1)
    slope_y = 0.5 * M - 0.5 * _sum_squares(xp, (y - m) / xp.sqrt(sigma2), axis=-1)
    slope_y_spread = 0.5 * xp.sum(covariance * curvature_y, axis=(-2, -1))
    return (
        xp.mean(slope_z)
        + xp.mean(slope_z_spread)
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
        entropy_z: entropy of z.
        entropy_y: entropy of y.
        gap_z: derivative of log p(z) along the motion.
        gap_y: derivative of log p(y) along the motion.
        ratio_sigma2: sigma2 divided by its value where the ELBO is stationary in it.
    """

    elbo: Array
    entropy_sum: Array
    gap: Array
    entropy_q: Array
    entropy_z: Array
    entropy_y: Array
    gap_z: Array
    gap_y: Array
    ratio_sigma2: Array


class Statistics(NamedTuple):
    """Sums over data points; those of batches are added by `+` or `sum`.

    Attributes:
        points: number of data points, or the sum of their weights.
        sum_entropy_q: a number.
        sum_slope_z: a number.
        sum_slope_z_spread: a number.
        sum_slope_y: a number.
        sum_slope_y_spread: a number.
        sum_sigma2___: a number.
        sum_sigma2_spread_: a number.
    """

    points: Array
    sum_entropy_q: Array
    sum_slope_z: Array
    sum_slope_z_spread: Array
    sum_slope_y: Array
    sum_slope_y_spread: Array
    sum_sigma2___: Array
    sum_sigma2_spread_: Array

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
        beta: Array | None = None,
        Psi: Array,
        sigma2: Array,
        M: int,
    ) -> Terms:
        """The ELBO and its parts, per data point, in nats.

        Args:
            beta: shape (L,); real. Only checked: the value does not depend on it.
            Psi: shape (K, K); symmetric positive definite in the last two axes.
            sigma2: a number; positive.
            M: a positive integer; no array above determines it.

        Raises:
            ValueError: an argument has a wrong shape, leaves its domain or is not
                finite; or a number on the way is undetermined or leaves the range of
                floats.
        """
        xp, real = _library(*self, beta, Psi, sigma2)
        sizes: dict[str, int] = _sizes(M=M)
        points = _array(xp, real, "points", self.points, "", "real", sizes)
        sum_entropy_q = _array(
            xp, real, "sum_entropy_q", self.sum_entropy_q, "", "real", sizes
        )
        sum_slope_z = _array(
            xp, real, "sum_slope_z", self.sum_slope_z, "", "real", sizes
        )
        sum_slope_z_spread = _array(
            xp, real, "sum_slope_z_spread", self.sum_slope_z_spread, "", "real", sizes
        )
        sum_slope_y = _array(
            xp, real, "sum_slope_y", self.sum_slope_y, "", "real", sizes
        )
        sum_slope_y_spread = _array(
            xp, real, "sum_slope_y_spread", self.sum_slope_y_spread, "", "real", sizes
        )
        sum_sigma2___ = _array(
            xp, real, "sum_sigma2___", self.sum_sigma2___, "", "real", sizes
        )
        sum_sigma2_spread_ = _array(
            xp, real, "sum_sigma2_spread_", self.sum_sigma2_spread_, "", "real", sizes
        )
        Psi = _array(xp, real, "Psi", Psi, "K K", "posdef", sizes)
        sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
        if beta is not None:
            _array(xp, real, "beta", beta, "L", "real", sizes)
        K = sizes["K"]
        mean_entropy_q = sum_entropy_q / points
        mean_slope_z = sum_slope_z / points
        mean_slope_z_spread = sum_slope_z_spread / points
        mean_slope_y = sum_slope_y / points
        mean_slope_y_spread = sum_slope_y_spread / points
        mean_sigma2 = sum_sigma2___ / points
        mean_sigma2_spread = sum_sigma2_spread_ / points
        # entropy of z
        entropy_z = 0.5 * xp.linalg.slogdet(Psi)[1] + 0.5 * K * math.log(
            2 * math.e * math.pi
        )
        # entropy of y
        entropy_y = 0.5 * M * xp.log(2 * math.e * math.pi * sigma2)
        gap_z = mean_slope_z + mean_slope_z_spread
        gap_y = mean_slope_y + mean_slope_y_spread
        sum_sigma2_ = M
        sum_sigma2__ = mean_sigma2 + mean_sigma2_spread
        ratio_sigma2 = _ratio(xp, sigma2 * sum_sigma2_, sum_sigma2__)
        elbo = gap_y + gap_z + mean_entropy_q - entropy_y - entropy_z
        entropy_sum = mean_entropy_q - entropy_y - entropy_z
        gap = gap_y + gap_z
        return Terms(
            elbo=elbo,
            entropy_sum=entropy_sum,
            gap=gap,
            entropy_q=mean_entropy_q,
            entropy_z=entropy_z,
            entropy_y=entropy_y,
            gap_z=gap_z,
            gap_y=gap_y,
            ratio_sigma2=ratio_sigma2,
        )


@_within_floats
def statistics(
    *,
    y: Array,
    a: Array,
    u: Array,
    beta: Array,
    Psi: Array,
    sigma2: Array,
    data_weights: Array | None = None,
) -> Statistics:
    """Sums over the data points, of which those of batches add up.

    Not all of log p can be taken apart into data and parameters: these are sums at
    beta, Psi and sigma2, and what is made of them has to be given the same.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, L); covariates, real.
        u: shape (N, M, K); covariates, real.
        beta: shape (L,); real.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.
        data_weights: shape (N,); how much each data point counts, 1 if not given.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    xp, real = _library(y, a, u, beta, Psi, sigma2, data_weights)
    sizes: dict[str, int] = {}
    y = _array(xp, real, "y", y, "N M", "real", sizes)
    a = _array(xp, real, "a", a, "N M L", "real", sizes)
    u = _array(xp, real, "u", u, "N M K", "real", sizes)
    beta = _array(xp, real, "beta", beta, "L", "real", sizes)
    Psi = _array(xp, real, "Psi", Psi, "K K", "posdef", sizes)
    sigma2 = _array(xp, real, "sigma2", sigma2, "", "positive", sizes)
    data_weights, points = _data_weights(xp, real, data_weights, "N", sizes)
    K, M, N = sizes["K"], sizes["M"], sizes["N"]
    # exact posterior of z: normal with this precision and mode
    inverse_Psi = xp.linalg.inv(Psi)
    precision = inverse_Psi + xp.einsum("nih,nik->nhk", u, u) / sigma2
    covariance = xp.linalg.inv(precision)
    mode = (
        1
        / sigma2
        * xp.sum(
            covariance
            * xp.sum(u * (y - xp.sum(a * beta, axis=-1))[:, :, None], axis=1)[
                :, None, :
            ],
            axis=-1,
        )
    )
    # entropy of q
    entropy_q_ = (
        0.5 * K * math.log(2 * math.e * math.pi) - 0.5 * xp.linalg.slogdet(precision)[1]
    )
    mean_entropy_q = data_weights @ entropy_q_ / N
    # derivative of log p(z) along the motion
    curvature_z = -inverse_Psi
    # derivative of log p(z) along the motion
    slope_z = 0.5 * K - 0.5 * xp.einsum(
        "nij,ij->n", mode[:, :, None] * mode[:, None, :], inverse_Psi
    )
    mean_slope_z = data_weights @ slope_z / N
    slope_z_spread = 0.5 * xp.sum(covariance * curvature_z, axis=(-2, -1))
    mean_slope_z_spread = data_weights @ slope_z_spread / N
    # derivative of log p(y) along the motion
    curvature_y = -xp.einsum("nic,nir->ncr", u, u) / sigma2
    # derivative of log p(y) along the motion
    m = xp.sum(mode[:, None, :] * u, axis=-1) + xp.sum(a * beta, axis=-1)
    slope_y = 0.5 * M - 0.5 * _sum_squares(xp, (y - m) / xp.sqrt(sigma2), axis=-1)
    mean_slope_y = data_weights @ slope_y / N
    slope_y_spread = 0.5 * xp.sum(covariance * curvature_y, axis=(-2, -1))
    mean_slope_y_spread = data_weights @ slope_y_spread / N
    curvature_sigma2 = 2 * xp.einsum("nic,nir->ncr", u, u)
    sum_sigma2 = _sum_squares(xp, y - m, axis=-1)
    mean_sigma2 = data_weights @ sum_sigma2 / N
    sum_sigma2_spread = 0.5 * xp.sum(covariance * curvature_sigma2, axis=(-2, -1))
    mean_sigma2_spread = data_weights @ sum_sigma2_spread / N
    means = (
        mean_entropy_q,
        mean_slope_z,
        mean_slope_z_spread,
        mean_slope_y,
        mean_slope_y_spread,
        mean_sigma2,
        mean_sigma2_spread,
    )
    return Statistics(points, *(points * mean for mean in means))


@_within_floats
def terms(
    *,
    y: Array,
    a: Array,
    u: Array,
    beta: Array,
    Psi: Array,
    sigma2: Array,
) -> Terms:
    """The ELBO and its parts, per data point, in nats.

    They are made of sums about the mean of the data: about 2 log10(k) digits are lost
    where values are k standard deviations away from it. `elbo` and `gap` keep more.

    Args:
        y: shape (N, M); data, real.
        a: shape (N, M, L); covariates, real.
        u: shape (N, M, K); covariates, real.
        beta: shape (L,); real.
        Psi: shape (K, K); symmetric positive definite in the last two axes.
        sigma2: a number; positive.

    Raises:
        ValueError: an argument has a wrong shape, leaves its domain or is not finite;
            or a number on the way is undetermined or leaves the range of floats.
    """
    sums = statistics(y=y, a=a, u=u, beta=beta, Psi=Psi, sigma2=sigma2)
    return sums.terms(beta=beta, Psi=Psi, sigma2=sigma2, M=np.shape(y)[-1])


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
