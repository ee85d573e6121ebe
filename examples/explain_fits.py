"""Fits of scikit-learn against their own entropy sums: what `explain` says of them.

A mixture as it comes stops early, and its covariances carry the ridge that keeps them invertible; a
second one runs until nothing is gained.  PCA divides by N - 1, and is off the maximum of its own
score by D/(2N).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from symelbo.sklearn import Explanation, explain

Floats = NDArray[np.float64]


def explain_mixture(x: Floats, **options: float) -> Explanation:
    """Three components with full covariances."""
    return explain(GaussianMixture(3, random_state=0, **options).fit(x), x)


def explain_components(x: Floats, count: int) -> Explanation:
    """The leading principal components."""
    return explain(PCA(count, random_state=0).fit(x), x)


def load_pixels() -> Floats:
    """The 61 pixels of the digits that are not constant, (1797, 61)."""
    pixels = load_digits().data
    return pixels[:, pixels.std(axis=0) > 0]


def main() -> None:
    """A mixture before and after convergence, and PCA."""
    x = np.asarray(load_iris().data)
    print(explain_mixture(x))
    print(explain_mixture(x, tol=1e-13, max_iter=20000, reg_covar=0))
    print(explain_components(load_pixels(), 20))


if __name__ == "__main__":
    main()
