"""Poisson and gamma mixtures fitted by EM: counts (digits) and positive measurements (wine)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.datasets import load_digits, load_wine

import symelbo

MODELS = Path(__file__).resolve().parents[1] / "models"
Floats = NDArray[np.float64]


def load_counts() -> Floats:
    """Central pixels of the digits, counts 0..16 none of which is rare: (1797, 16)."""
    return np.asarray(load_digits().images[:, 2:6, 2:6].reshape(-1, 16))


def load_flavanoids() -> Floats:
    """A positive measurement of the wines, with several humps: (178,)."""
    return np.asarray(load_wine().data[:, 6])


def fit_poisson(x: Floats, count: int, steps: int) -> tuple[dict[str, Floats], float]:
    """EM for `count` products of Poisson distributions; arguments and mean log-likelihood."""
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(count), len(x))
    for _ in range(steps):
        pi = q.mean(axis=0)
        rate = q.T @ x / q.sum(axis=0)[:, None]
        joint = np.log(pi) + x @ np.log(rate).T - rate.sum(axis=1)
        q, evidence = _expect(joint)
    constant = special.gammaln(x + 1).sum(axis=1).mean()
    return {"pi": pi, "lambda_": rate, "q": q}, float(evidence - constant)


def fit_gamma(x: Floats, count: int, steps: int) -> tuple[dict[str, Floats], float]:
    """EM for gamma distributions; the shapes by Newton steps on their own equation."""
    bounds = np.quantile(x, np.linspace(0, 1, count + 1)[1:-1])
    q = np.eye(count)[np.searchsorted(bounds, x)]
    for _ in range(steps):
        size = q.sum(axis=0)
        mean, log_mean = q.T @ x / size, q.T @ np.log(x) / size
        contrast = np.log(mean) - log_mean
        alpha = 0.5 / contrast
        for _ in range(30):  # log a - psi(a) = contrast, in log a
            value = np.log(alpha) - special.digamma(alpha) - contrast
            slope = 1 - alpha * special.polygamma(1, alpha)
            alpha = alpha * np.exp(-value / slope)
        beta = alpha / mean
        joint = np.log(size / len(x)) + alpha * np.log(beta) - special.gammaln(alpha)
        joint = joint + (alpha - 1) * np.log(x)[:, None] - x[:, None] * beta
        pi = size / len(x)
        q, evidence = _expect(joint)
    return {"pi": pi, "alpha": alpha, "beta": beta, "q": q}, evidence


def _expect(joint: Floats) -> tuple[Floats, float]:
    """log joint (N, C) -> responsibilities and mean log-evidence."""
    evidence = special.logsumexp(joint, axis=1)
    return np.exp(joint - evidence[:, None]), float(evidence.mean())


def main() -> None:
    """Print entropy sum and log-likelihood of both."""
    poisson = symelbo.derive(MODELS / "poisson_mixture.yaml").function()
    counts = load_counts()
    given, exact = fit_poisson(counts, 5, 1000)
    value = poisson.entropy_sum(x=counts, **given)
    print(f"Poisson: log-likelihood {exact:.9f}, entropy sum {value:.9f}")
    gamma = symelbo.derive(MODELS / "gamma_mixture.yaml").function()
    given, exact = fit_gamma(load_flavanoids(), 2, 2000)
    print(f"gamma: log-likelihood {exact:.9f}, entropy sum {gamma.entropy_sum(**given):.9f}")


if __name__ == "__main__":
    main()
