"""Gaussian mixtures fitted by scikit-learn: the entropy sum is their log-likelihood.

Iris is used as it is; wine is standardised and reduced to its first four principal components, so
that no component collapses (178 points in 13 dimensions are too few for three full covariances).
The seed is fixed for the same reason.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

import symelbo

MODEL = Path(__file__).resolve().parents[1] / "models" / "gmm_full.yaml"
Floats = NDArray[np.float64]


def load(name: str) -> Floats:
    """iris (150, 4), or four principal components of the standardised wine (178, 4)."""
    if name == "iris":
        return np.asarray(load_iris().data)
    return np.asarray(PCA(4).fit_transform(StandardScaler().fit_transform(load_wine().data)))


def fit(x: Floats, steps: int = 20000) -> GaussianMixture:
    """scikit-learn's EM with three full covariances and nothing added to them."""
    mixture = GaussianMixture(3, tol=1e-13, max_iter=steps, reg_covar=0, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(x)


def arguments(mixture: GaussianMixture, x: Floats) -> dict[str, Floats]:
    """The fitted mixture by the names of the specification; q are its responsibilities."""
    return {
        "pi": mixture.weights_,
        "mu": mixture.means_,
        "Sigma": mixture.covariances_,
        "q": mixture.predict_proba(x),
    }


def polish(
    x: Floats, given: dict[str, Floats], steps: int = 300
) -> tuple[dict[str, Floats], float]:
    """More EM steps, ending with an E-step; the arguments and the mean log-likelihood."""
    q = given["q"]
    for _ in range(steps):
        pi = q.mean(axis=0)
        mu = q.T @ x / q.sum(axis=0)[:, None]
        residual = x[:, None, :] - mu
        Sigma = np.einsum("nc,nci,ncj->cij", q, residual, residual) / q.sum(axis=0)[:, None, None]
        distance = np.einsum("nci,cij,ncj->nc", residual, np.linalg.inv(Sigma), residual)
        joint = np.log(pi) - 0.5 * distance - 0.5 * np.linalg.slogdet(2 * np.pi * Sigma)[1]
        evidence = np.logaddexp.reduce(joint, axis=1, keepdims=True)
        q = np.exp(joint - evidence)
    return {"pi": pi, "mu": mu, "Sigma": Sigma, "q": q}, float(evidence.mean())


def report(module: ModuleType, name: str) -> None:
    """Print entropy sum and log-likelihood at, beyond and far from convergence."""
    x = load(name)
    mixture = fit(x)
    given = arguments(mixture, x)
    print(f"{name}: log-likelihood {mixture.score(x):.12f}")
    print(f"  entropy sum      {module.entropy_sum(**given):.12f}")
    polished, exact = polish(x, given)
    print(f"  after more steps {module.entropy_sum(**polished):.12f} ({exact:.12f})")
    early = arguments(fit(x, 1), x)
    elbo, gap = module.elbo(x=x, **early), module.gap(x=x, **early)
    entropies = module.entropy_sum(**early)
    print(f"  one step: ELBO {elbo:.6f} = entropy sum {entropies:.6f} + gap {gap:.6f}")


def main() -> None:
    """Both data sets."""
    module = symelbo.derive(MODEL).function()
    report(module, "iris")
    report(module, "wine")


if __name__ == "__main__":
    main()
