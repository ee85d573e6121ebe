"""Marginals of steps and neighbours of weighted paths, and the entropy of a chain with these."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symelbo.code.setting import Setting

__all__ = ["entropy_of_chain", "marginals_of_paths"]

Floats = NDArray[Any]


def marginals_of_paths(
    setting: Setting, paths: Any, weights: Any, states: int
) -> dict[str, Floats]:
    """paths: (S, T) or (S, T, K), categories counted from 1; weights: (N, S)."""
    assert setting.chain is not None
    names = [setting.names[symbol] for symbol in setting.chain.symbols]
    paths = np.asarray(paths)
    if setting.chain.spread is None:
        one = paths[:, :, None] == np.arange(1, states + 1)
        gamma = np.einsum("ns,stk->ntk", weights, one)
        xi = np.einsum("ns,sti,stj->ntij", weights, one[:, :-1], one[:, 1:])
        return dict(zip(names, (gamma, xi), strict=True))
    whole = paths.reshape(*paths.shape[:2], -1)
    mean = np.einsum("ns,stk->ntk", weights, whole)
    off = whole - mean[:, None]
    cov = np.einsum("ns,nsti,nstj->ntij", weights, off, off)
    lag = np.einsum("ns,nsti,nstj->ntij", weights, off[:, :, 1:], off[:, :, :-1])
    rest = paths.shape[2:]
    found = []
    for value, axes in ((mean, rest), (cov, rest * 2), (lag, rest * 2)):
        found.append(value.reshape(*value.shape[:2], *axes))
    return dict(zip(names, found, strict=True))


def entropy_of_chain(setting: Setting, given: Any) -> Floats:
    """Of each data point: pairs less what is counted twice, by loops."""
    assert setting.chain is not None
    values = [np.asarray(given[setting.names[symbol]]) for symbol in setting.chain.symbols]
    count, steps = values[0].shape[:2]
    if setting.chain.spread is None:
        gamma, xi = values
        pairs = np.array([[_of_weights(xi[n, t]) for t in range(steps - 1)] for n in range(count)])
        inner = [[_of_weights(gamma[n, t]) for t in range(1, steps - 1)] for n in range(count)]
        if steps == 1:
            return np.array([_of_weights(gamma[n, 0]) for n in range(count)])
        return pairs.sum(axis=1) - np.sum(inner, axis=1)
    _, cov, lag = values
    size = int(np.prod(cov.shape[2:])) and round(np.sqrt(np.prod(cov.shape[2:])))
    cov, lag = (v.reshape(*v.shape[:2], size, size) for v in (cov, lag))
    found = np.zeros(count)
    for n in range(count):
        for t in range(steps - 1):
            pair = np.block([[cov[n, t], lag[n, t].T], [lag[n, t], cov[n, t + 1]]])
            found[n] += _of_normal(pair) - (_of_normal(cov[n, t]) if t else 0)
        if steps == 1:
            found[n] = _of_normal(cov[n, 0])
    return found


def _of_weights(weights: Floats) -> float:
    positive = weights[weights > 0]
    return float(-np.sum(positive * np.log(positive)))


def _of_normal(covariance: Floats) -> float:
    return float(np.linalg.slogdet(2 * np.pi * np.e * covariance)[1] / 2)
