"""Functions that a module may need: each is copied into the modules that use it.

They are elementwise unless they say otherwise, and neither warn nor return NaN.  Those that need
the library of their arrays take it first: `xp`, its special functions, and the dtype and device of
real numbers.  Nothing is done in place, and what is not chosen of two cases is finite, so that
derivatives are numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any


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


def _sum_squares(xp: Any, a: Array, axis: int | None = None) -> Array:
    """The sum of a**2 over one axis, or over all of them."""
    if axis is None:
        a, axis = xp.reshape(a, (-1,)), -1
    return xp.linalg.vecdot(a, a, axis=axis)


def _pool(xp: Any, values: Array, sets: int) -> Array:
    """The mean over the data where they share the samples, else the values."""
    return xp.mean(values, axis=0, keepdims=True) if sets == 1 else values


def _mean_weights(xp: Any, weights: Array, sets: int) -> Array:
    """The mean weight of each sample, or each weight over N where none is shared."""
    if sets == 1:
        return xp.mean(weights, axis=0, keepdims=True)
    return xp.broadcast_to(weights / sets, (sets, weights.shape[1]))


def _sampled_mean(xp: Any, weights: Array, values: Array, sets: int) -> Array:
    """(1/N) sum_n weights[n, s]*values[n, ...], or its terms where no s is shared."""
    if sets == 1:
        return _weighted_mean(xp, weights, values)[None, ...]
    shape = (*weights.shape, *(1,) * (values.ndim - 1))
    return xp.reshape(weights, shape) * values[:, None, ...] / sets


def _sampled_products(
    xp: Any, weights: Array, left: Array, right: Array, sets: int
) -> Array:
    """(1/N) sum_n weights[n, s]*left[n, ...]*right[n, ...], or its terms likewise."""
    if sets == 1:
        return _weighted_products(xp, weights, left, right)[None, ...]
    weighted = _sampled_mean(xp, weights, left, sets)
    shape = (*weighted.shape, *(1,) * (right.ndim - 1))
    spread = xp.reshape(right, (len(right), *(1,) * left.ndim, *right.shape[1:]))
    return xp.reshape(weighted, shape) * spread


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


def _exprel(xp: Any, a: Array) -> Array:
    """(exp(a) - 1)/a, which is 1 at 0, and infinity beyond the floats."""
    small, large = xp.abs(a) < 1e-3, a > math.log(xp.finfo(a.dtype).max)
    near, far = xp.where(small, a, 0), xp.where(small | large, 1, a)
    series = _polynomial([1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1], near)
    return xp.where(large, math.inf, xp.where(small, series, xp.expm1(far) / far))


def _softplus(xp: Any, a: Array) -> Array:
    """log(1 + exp(a))"""
    return xp.logaddexp(xp.zeros_like(a), a)


def _entropy_of_logit(xp: Any, special: Any, a: Array) -> Array:
    """softplus(a) - a*sigmoid(a), the entropy of a binary value with log-odds a."""
    a = xp.where(a < 0, -a, a)
    return _softplus(xp, -a) + a * special.expit(-a)


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


def _log_minus_digamma(xp: Any, special: Any, x: Array) -> Array:
    """log(x) - digamma(x), which tends to 1/(2*x)."""
    small, large = xp.where(x < 10, x, 10), xp.where(x < 10, 10, x)
    exact = xp.log(small) - special.digamma(small)
    series = _polynomial(
        [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12],
        (1 / large) ** 2,
    )
    return xp.where(x < 10, exact, (0.5 + series / large) / large)


def _deviance(xp: Any, x: Array, mean: Array, log_mean: Array) -> Array:
    """x*log(x/mean) - x + mean, exact also where x is close to the mean."""
    ratio = (x - mean) / xp.where(x + mean > 0, x + mean, 1)
    # Loader (2000): log(x/mean) is twice r + r**3/3 + r**5/5 + ..., r the ratio
    series = _polynomial([1 / k for k in range(17, 1, -2)], ratio**2)
    close = (x - mean) * ratio + 2 * x * ratio**3 * series
    positive = xp.where(x > 0, x, 1)
    far = xp.where(x > 0, positive * (xp.log(positive) - log_mean), 0) - x + mean
    return xp.where(xp.abs(ratio) < 0.1, close, far)


def _log_choose(xp: Any, special: Any, x: Array, y: Array) -> Array:
    """log((x + y)!/(x!*y!)) for real x and y from 0 on."""
    less, more, both = xp.minimum(x, y), xp.maximum(x, y), x + y
    share = less / xp.where(both > 0, both, 1)
    mixing = less * xp.log(xp.where(share > 0, share, 1)) + more * xp.log1p(-share)
    factorials = _log_stirling(xp, special, x) + _log_stirling(xp, special, y)
    return _log_stirling(xp, special, both) - factorials - mixing


def _log_ratio(xp: Any, x: Array, y: Array) -> Array:
    """log(x/y), exact where x is close to y; x/y need not be a float."""
    excess = xp.where(xp.abs(x - y) < 0.5 * y, x - y, 0) / y
    return xp.where(excess == 0, xp.log(x) - xp.log(y), xp.log1p(excess))


def _bessel_gap(xp: Any, special: Any, k: Array) -> Array:
    """1 - I1(k)/I0(k) for Bessel functions, which tends to 1/(2*k)."""
    small, large = xp.where(k < 200, k, 200), xp.where(k < 200, 200, k)
    exact = 1 - special.i1e(small) / special.i0e(small)
    series = _polynomial(
        [103 / 32, 1073 / 1024, 13 / 32, 25 / 128, 1 / 8, 1 / 8, 1 / 2], 1 / large
    )
    return xp.where(k < 200, exact, series / large)


def _versine(xp: Any, a: Array) -> Array:
    """1 - cos(a), exact for small angles."""
    return 2 * xp.sin(0.5 * a) ** 2


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
