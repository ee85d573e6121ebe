"""Functions that a module may need: each is copied into the modules that use it.

They are elementwise unless they say otherwise, and neither warn nor return NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special


def _log(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p), minus infinity at 0."""
    p = np.asarray(p)
    return np.log(p, out=np.full(p.shape, -np.inf), where=p > 0)


def _weigh(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """weights * values, where a weight of 0 takes out minus infinity."""
    shape = np.broadcast_shapes(weights.shape, values.shape)
    return np.multiply(weights, values, out=np.zeros(shape), where=weights > 0)


def _weighted_mean(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, k]*values[n, ...]; one row of weights stands for all."""
    if len(weights) < len(values):
        values = values.mean(axis=0, keepdims=True)
    return np.tensordot(weights, values, axes=(0, 0)) / len(values)


def _weighted_products(
    weights: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, k]*left[n, ...]*right[n, ...], in blocks of data."""
    if len(weights) < len(left):
        products = np.tensordot(left, right, axes=(0, 0)) / len(left)
        return np.multiply.outer(weights[0], products)
    total = np.zeros((*weights.shape[1:], *left.shape[1:], *right.shape[1:]))
    step = 1 + 2**18 // (weights[0].size * left[0].size)
    for start in range(0, len(left), step):
        rows = slice(start, start + step)
        weighted = np.einsum("nk,n...->nk...", weights[rows], left[rows])
        total += np.tensordot(weighted, right[rows], axes=(0, 0))
    return total / len(left)


def _pool(values: NDArray[np.float64], sets: int) -> NDArray[np.float64]:
    """The mean over the data where they share the samples, else the values."""
    return values.mean(axis=0, keepdims=True) if sets == 1 else values


def _mean_weights(weights: NDArray[np.float64], sets: int) -> NDArray[np.float64]:
    """The mean weight of each sample, or each weight over N where none is shared."""
    if sets == 1:
        return weights.mean(axis=0, keepdims=True)
    return np.broadcast_to(weights / sets, (sets, weights.shape[1]))


def _sampled_mean(
    weights: NDArray[np.float64], values: NDArray[np.float64], sets: int
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, s]*values[n, ...], or its terms where no s is shared."""
    if sets == 1:
        return _weighted_mean(weights, values)[None]
    shape = (*weights.shape, *(1 for _ in values.shape[1:]))
    return weights.reshape(shape) * values[:, None] / sets


def _sampled_products(
    weights: NDArray[np.float64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    sets: int,
) -> NDArray[np.float64]:
    """(1/N) sum_n weights[n, s]*left[n, ...]*right[n, ...], or its terms likewise."""
    if sets == 1:
        return _weighted_products(weights, left, right)[None]
    weighted = _sampled_mean(weights, left, sets)
    shape = (*weighted.shape, *(1 for _ in right.shape[1:]))
    ones = (1 for _ in left.shape)
    return weighted.reshape(shape) * right.reshape(len(right), *ones, *right.shape[1:])


def _log_softmax(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """a - log(sum(exp(a))) over the last axis, exact where one entry is far above."""
    largest = a.argmax(axis=-1, keepdims=True)
    shifted = a - np.take_along_axis(a, largest, axis=-1)
    others = np.exp(shifted)
    np.put_along_axis(others, largest, 0.0, axis=-1)
    return shifted - np.log1p(others.sum(axis=-1, keepdims=True))


def _entropy_of_logit(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """softplus(a) - a*sigmoid(a), the entropy of a binary value with log-odds a."""
    a = np.abs(a)
    return np.logaddexp(0, -a) + a * special.expit(-a)


def _log_stirling(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(x!) - x*log(x) + x, which tends to log(2*pi*x)/2."""
    small, large = np.minimum(x, 10), np.maximum(x, 10)
    exact = special.gammaln(small + 1) - special.xlogy(small, small) + small
    series = np.polyval(
        [1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12],
        (1 / large) ** 2,
    )
    asymptotic = 0.5 * (np.log(2 * np.pi) + np.log(large)) + series / large
    return np.where(x < 10, exact, asymptotic)


def _log_minus_digamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(x) - digamma(x), which tends to 1/(2*x)."""
    small, large = np.minimum(x, 10), np.maximum(x, 10)
    exact = np.log(small) - special.digamma(small)
    series = np.polyval(
        [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12],
        (1 / large) ** 2,
    )
    return np.where(x < 10, exact, (0.5 + series / large) / large)


def _deviance(
    x: NDArray[np.float64], mean: NDArray[np.float64], log_mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """x*log(x/mean) - x + mean, exact also where x is close to the mean."""
    ratio = (x - mean) / np.where(x + mean > 0, x + mean, 1)
    # Loader (2000): log(x/mean) is twice r + r**3/3 + r**5/5 + ..., r the ratio
    series = np.polyval(1 / np.arange(17, 1, -2), ratio**2)
    close = (x - mean) * ratio + 2 * x * ratio**3 * series
    positive = np.where(x > 0, x, 1)
    far = np.where(x > 0, positive * (np.log(positive) - log_mean), 0) - x + mean
    return np.where(np.abs(ratio) < 0.1, close, far)


def _log_choose(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """log((x + y)!/(x!*y!)) for real x and y from 0 on."""
    less, more, both = np.minimum(x, y), np.maximum(x, y), x + y
    share = less / np.where(both > 0, both, 1)
    mixing = special.xlogy(less, share) + special.xlog1py(more, -share)
    return _log_stirling(both) - _log_stirling(x) - _log_stirling(y) - mixing


def _log_ratio(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(x/y), exact where x is close to y; x/y need not be a float."""
    excess = np.where(np.abs(x - y) < 0.5 * y, x - y, 0) / y
    return np.where(excess == 0, np.log(x) - np.log(y), np.log1p(excess))


def _bessel_gap(k: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - I1(k)/I0(k) for Bessel functions, which tends to 1/(2*k)."""
    small, large = np.minimum(k, 200), np.maximum(k, 200)
    exact = 1 - special.i1e(small) / special.i0e(small)
    series = np.polyval(
        [103 / 32, 1073 / 1024, 13 / 32, 25 / 128, 1 / 8, 1 / 8, 1 / 2], 1 / large
    )
    return np.where(k < 200, exact, series / large)


def _versine(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - cos(a), exact for small angles."""
    return 2 * np.sin(0.5 * a) ** 2


def _ratio(
    above: NDArray[np.float64], below: NDArray[np.float64]
) -> NDArray[np.float64]:
    """above/below: one where both are 0, infinity where below is."""
    quotient = above / np.where(below != 0, below, 1)
    return np.where(above == below, 1.0, np.where(below != 0, quotient, np.inf))
