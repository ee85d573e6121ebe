"""Ten million data points from a file, in the memory of one block: sums of batches add up.

    python -m examples.large_data [--points 10000000] [--dimensions 64] [--components 8]

A Gaussian mixture of data on disk is fitted by expectation maximization.  Every block of rows gives
its sums; the sums of all blocks give the ELBO, the entropy sum, the gap and the scales at which the
ELBO is stationary, exactly as all data at once would.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import symelbo

MODEL = Path(__file__).resolve().parents[1] / "models" / "gmm_diagonal.yaml"
ROWS = 50_000  # of a block


def write_data(path: Path, points: int, dimensions: int, components: int) -> None:
    """Data around some centres, in a file."""
    rng = np.random.default_rng(0)
    centres = 4 * rng.normal(size=(components, dimensions))
    shape = (points, dimensions)
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, points, ROWS):
        rows = np.load(path, mmap_mode="r+")[start : start + ROWS]
        rows[:] = centres[rng.integers(components, size=len(rows))]
        rows += rng.normal(size=rows.shape)


def blocks(path: Path) -> Iterator[Any]:
    """The rows of a file, some at a time; it is mapped anew, so that no pages of it are kept."""
    for start in range(0, len(np.load(path, mmap_mode="r")), ROWS):
        yield np.array(np.load(path, mmap_mode="r")[start : start + ROWS], dtype=np.float64)


def responsibilities(x: Any, pi: Any, mu: Any, sigma2: Any) -> Any:
    """q[n, c] in proportion to p(c, x[n])"""
    precise = mu / sigma2
    logits = np.log(pi) - 0.5 * np.sum(np.log(sigma2) + mu * precise, axis=1)
    logits = logits + x @ precise.T - 0.5 * x**2 @ (1 / sigma2).T
    logits -= logits.max(axis=1, keepdims=True)
    q = np.exp(logits)
    return q / q.sum(axis=1, keepdims=True)


def start(path: Path, components: int) -> Any:
    """Parameters from the first rows."""
    first = next(blocks(path))[:1000]
    return {
        "pi": np.full(components, 1 / components),
        "mu": first[:: len(first) // components][:components],
        "sigma2": np.tile(first.var(axis=0), (components, 1)),
    }


def climb(path: Path, theta: Any, center: Any) -> tuple[Any, Any]:
    """The sums at some parameters, and the parameters at which the ELBO is highest for these."""
    module = symelbo.derive(MODEL).function()
    sums = sum(
        module.statistics(x=x, q=responsibilities(x, **theta), center_x=center)
        for x in blocks(path)
    )
    mu = center + sums.sum_x / sums.sum_q[:, None]
    return sums, {"mu": mu, **sums.profiled_scales(mu=mu)}


def fit(path: Path, components: int, steps: int) -> tuple[Any, Any]:
    """Expectation maximization: the sums at the end, and their terms."""
    theta = start(path, components)
    center = theta["mu"].mean(axis=0)
    for step in range(steps):
        before = theta
        sums, theta = climb(path, theta, center)
        terms = sums.terms(**before)
        print(f"step {step}: ELBO {terms.elbo:.6f}, gap {terms.gap:+.6f}")
    return sums, sums.terms(**theta)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--components", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npy"
        write_data(path, given.points, given.dimensions, given.components)
        sums, terms = fit(path, given.components, given.steps)
        size = path.stat().st_size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = f"ELBO {terms.elbo:.6f}, entropy sum {terms.entropy_sum:.6f}"
    print(f"{sums.points:.0f} data points; {found}")
    print(f"largest memory {memory:.0f} MB; the data {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
