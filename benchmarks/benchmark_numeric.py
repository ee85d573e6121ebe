"""The emitted functions against what a person writes by hand, and against other software; one run.

    python -m benchmarks.benchmark_numeric [--points 100000] [--libraries] [MODEL...]

Each row is a function of models/: how far the two values are apart, the best time of five of both
and the ratio, and the largest amount of memory that each takes beyond its arguments.  Nothing is
asserted here; that the values agree is in the tests.  With --libraries, each row has instead the
times of NumPy, of PyTorch and of what JAX compiles, on one thread.
"""

from __future__ import annotations

import argparse
import inspect
import os
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time
from timeit import Timer
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # ratios of one thread are steadier
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

import symelbo
from benchmarks.by_hand import BY_HAND
from examples.ppca_digits import fit, load_pixels
from symelbo.answer.derivation import Derivation
from tests.arguments import Arguments
from tests.libraries import library

ROOT = Path(__file__).resolve().parents[1]
LENGTHS = {"S": 32, "C": 8, "D": 20, "H": 8, "I": 20, "K": 8}


def seconds(function: Callable[[], object]) -> float:
    """The best mean time of one call, out of five repetitions of about 0.2 s."""
    timer = Timer(function, timer=process_time)
    count, _ = timer.autorange()
    return min(timer.repeat(5, count)) / count


def megabytes(function: Callable[[], object]) -> float:
    """The largest amount of memory that a call takes."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def arguments_for(
    derivation: Derivation, function: Callable[..., Any], lengths: Mapping[str, int]
) -> dict[str, Any]:
    """Random values for the arguments of one function of a module."""
    every = Arguments(derivation, 1, lengths={**LENGTHS, **lengths})
    given = {name: every[name] for name in inspect.signature(function).parameters}
    return {n: np.asarray(v, float) if np.ndim(v) else v for n, v in given.items()}


def compare_by_hand(points: int, wanted: list[str]) -> None:
    """A table of the functions that somebody has written by hand."""
    print(f"{points} data points; {LENGTHS}; one thread")
    print(f"{'':30}{'apart':>9}{'emitted':>11}{'by hand':>11}{'ratio':>7}{'MB':>8}{'MB':>8}")
    for key, by_hand in BY_HAND.items():
        model, name = key.split(".")
        if wanted and model not in wanted:
            continue
        derivation = symelbo.derive(ROOT / "models" / f"{model}.yaml")
        emitted = getattr(derivation.function(), name)
        given = arguments_for(derivation, emitted, {"N": points})
        calls = [lambda f=f, g=given: f(**g) for f in (emitted, by_hand)]
        values = [call() for call in calls]
        apart = abs(values[0] - values[1]) / abs(values[1])
        (mine, theirs), memory = map(seconds, calls), [megabytes(call) for call in calls]
        print(
            f"{key:30}{apart:9.0e}{1e3 * mine:8.2f} ms{1e3 * theirs:8.2f} ms"
            f"{mine / theirs:7.2f}{memory[0]:8.1f}{memory[1]:8.1f}"
        )


def compare_libraries(points: int, wanted: list[str]) -> None:
    """A table of the same functions in other libraries."""
    import jax
    import torch

    torch.set_num_threads(1)
    print(f"{points} data points; {LENGTHS}; PyTorch as it is, JAX compiled; one thread")
    print(f"{'':30}{'NumPy':>11}{'PyTorch':>11}{'ratio':>7}{'JAX':>11}{'ratio':>7}")
    for key in BY_HAND:
        model, name = key.split(".")
        if wanted and model not in wanted:
            continue
        derivation = symelbo.derive(ROOT / "models" / f"{model}.yaml")
        emitted = getattr(derivation.function(), name)
        given = arguments_for(derivation, emitted, {"N": points})
        own = seconds(lambda f=emitted, g=given: f(**g))
        tensors = {n: library("torch").array(v) if np.ndim(v) else v for n, v in given.items()}
        eager = seconds(lambda f=emitted, g=tensors: f(**g))
        arrays = {n: library("jax").array(v) if np.ndim(v) else v for n, v in given.items()}
        compiled = jax.jit(lambda g, f=emitted: f(**g))
        compiled(arrays).block_until_ready()
        traced = seconds(lambda f=compiled, g=arrays: f(g).block_until_ready())
        print(
            f"{key:30}{1e3 * own:8.2f} ms{1e3 * eager:8.2f} ms{eager / own:7.2f}"
            f"{1e3 * traced:8.2f} ms{traced / own:7.2f}"
        )


def compare(title: str, emitted: Callable[[], object], usual: Callable[[], object]) -> None:
    """Print the times of both and their ratio."""
    mine, theirs = seconds(emitted), seconds(usual)
    print(f"{title}: {1e3 * mine:.2f} ms, {1e3 * theirs:.2f} ms, ratio {mine / theirs:.2f}")


def compare_scikit_learn(points: int) -> None:
    """p-PCA of the digits, and a fitted Gaussian mixture."""
    pixels = load_pixels()
    ppca = symelbo.derive(ROOT / "models" / "ppca.yaml").function()
    for latents in (5, 20):
        fitted, pca = fit(pixels, range(latents)), PCA(latents).fit(pixels)
        title = f"p-PCA of the digits, H = {latents}: entropy_sum, PCA.score"
        compare(title, lambda f=fitted: ppca.entropy_sum(**f), lambda p=pca: p.score(pixels))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(points, 20)) + rng.integers(0, 8, points)[:, None]
    model = GaussianMixture(8, max_iter=3, random_state=0).fit(x)
    given = {"pi": model.weights_, "mu": model.means_, "Sigma": model.covariances_}
    mixture = symelbo.derive(ROOT / "models" / "gmm_full.yaml").function()
    q = model.predict_proba(x)
    title = f"Gaussian mixture, N = {points}, C = 8, D = 20: elbo, GaussianMixture.score"
    compare(title, lambda: mixture.elbo(x=x, q=q, **given), lambda: model.score(x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names of models; all without them")
    parser.add_argument("--points", type=int, default=100_000, help="data points")
    parser.add_argument("--libraries", action="store_true", help="PyTorch and JAX against NumPy")
    given = parser.parse_args()
    if given.libraries:
        compare_libraries(given.points, given.models)
        return
    compare_by_hand(given.points, given.models)
    if not given.models:
        compare_scikit_learn(given.points)


if __name__ == "__main__":
    main()
