"""The emitted functions against the usual way of computing the same number; one run, no assertion.

python benchmarks/benchmark_numeric.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from timeit import Timer

import numpy as np
from sklearn.decomposition import PCA

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import symelbo
from examples.ppca_digits import fit, load_pixels

ROOT = Path(__file__).resolve().parents[1]


def seconds(function: Callable[[], object]) -> float:
    """The best mean time of one call, out of five repetitions of about 0.2 s."""
    timer = Timer(function)
    count, _ = timer.autorange()
    return min(timer.repeat(5, count)) / count


def compare(title: str, quick: Callable[[], object], usual: Callable[[], object]) -> None:
    """Print the times of both and their ratio."""
    fast, slow = seconds(quick), seconds(usual)
    print(f"{title}: {1e6 * fast:.0f} us against {1e6 * slow:.0f} us, factor {slow / fast:.1f}")


def main() -> None:
    """p-PCA of the digits, and a Gaussian mixture of random numbers."""
    x = load_pixels()
    ppca = symelbo.derive(ROOT / "models" / "ppca.yaml").function()
    for latents in (5, 20):
        fitted, pca = fit(x, range(latents)), PCA(latents).fit(x)
        title = f"p-PCA, digits, H = {latents}: entropy_sum against PCA.score"
        compare(title, lambda f=fitted: ppca.entropy_sum(**f), lambda p=pca: p.score(x))
    mixture = symelbo.derive(ROOT / "models" / "gmm_full.yaml").function()
    rng = np.random.default_rng(0)
    for points, count, length in ((1_000, 5, 10), (20_000, 10, 20)):
        data = rng.normal(size=(points, length))
        given = {
            "pi": rng.dirichlet(np.ones(count)),
            "mu": rng.normal(size=(count, length)),
            "Sigma": np.stack([np.eye(length)] * count),
            "q": rng.dirichlet(np.ones(count), points),
        }
        title = f"mixture, N = {points}, C = {count}, D = {length}: entropy_sum against elbo"
        compare(
            title,
            lambda g=given: mixture.entropy_sum(**g),
            lambda g=given, d=data: mixture.elbo(x=d, **g),
        )


if __name__ == "__main__":
    main()
