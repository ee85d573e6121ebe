"""Probabilistic PCA of the digits: the entropy sum is the log-likelihood, without the data.

At the maximum-likelihood solution (Tipping & Bishop 1999, covariances with 1/N), and at saddle
points, which have principal axes other than the leading ones, the mean log-likelihood equals a sum
of entropies that needs the parameters alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

import symelbo

MODEL = Path(__file__).resolve().parents[1] / "models" / "ppca.yaml"
Floats = NDArray[np.float64]


def load_pixels() -> Floats:
    """The 61 pixels of the digits that are not constant, (1797, 61)."""
    pixels = load_digits().data
    return pixels[:, pixels.std(axis=0) > 0]


def fit(x: Floats, axes: Sequence[int]) -> dict[str, Floats]:
    """The stationary point with the given principal axes; 0..H-1 is maximum likelihood."""
    chosen = list(axes)
    mu = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - mu).T @ (x - mu) / len(x))
    values, vectors = values[::-1], vectors[:, ::-1]
    sigma2 = np.delete(values, chosen).mean()
    W = vectors[:, chosen] * np.sqrt(values[chosen] - sigma2)
    return {"W": W, "mu": mu, "sigma2": sigma2}


def log_likelihood(x: Floats, W: Floats, mu: Floats, sigma2: Floats) -> float:
    """Mean log-likelihood per data point, from the marginal covariance."""
    covariance = W @ W.T + sigma2 * np.eye(len(mu))
    distances = np.linalg.solve(covariance, (x - mu).T).T * (x - mu)
    log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
    return float(-0.5 * log_det - 0.5 * distances.sum(axis=1).mean())


def main() -> None:
    """Print both sides for several numbers of latents, and at a saddle point."""
    module = symelbo.derive(MODEL).function()
    x = load_pixels()
    for axes in (range(2), range(5), range(20), [0, 2, 3, 7]):
        fitted = fit(x, axes)
        entropies = module.entropy_sum(**fitted)
        exact = log_likelihood(x, **fitted)
        gap = module.gap(x=x, **fitted)
        print(f"principal axes {list(axes)}")
        print(f"  entropy sum {entropies:.9f}, log-likelihood {exact:.9f}, gap {gap:.1e}")


if __name__ == "__main__":
    main()
