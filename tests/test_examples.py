"""The examples give the numbers they claim: entropy sums equal log-likelihoods after fitting."""

from __future__ import annotations

import importlib.util
import re
import sys
from math import isclose
from pathlib import Path
from types import ModuleType

import pytest

import symelbo

ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("sklearn")


def load(stem: str) -> ModuleType:
    """examples/STEM.py as a module."""
    path = ROOT / "examples" / f"{stem}.py"
    spec = importlib.util.spec_from_file_location(f"example_{stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def emitted(stem: str) -> ModuleType:
    """The numeric module of a model."""
    return symelbo.derive(ROOT / "models" / f"{stem}.yaml").function()


@pytest.mark.parametrize("axes", [[0, 1], [0, 1, 2, 3, 4], list(range(20)), [0, 2, 3, 7], [1, 4]])
def test_ppca_of_the_digits(axes: list[int]) -> None:
    example, module = load("ppca_digits"), emitted("ppca")
    x = example.load_pixels()
    assert x.shape == (1797, 61)
    fitted = example.fit(x, axes)
    value, exact = module.entropy_sum(**fitted), example.log_likelihood(x, **fitted)
    assert isclose(value, exact, rel_tol=1e-9)
    assert isclose(module.elbo(x=x, **fitted), exact, rel_tol=1e-9)
    assert abs(module.gap(x=x, **fitted)) < 1e-9
    if len(axes) == 5:
        assert isclose(value, -162.402837, abs_tol=1e-6)


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_gaussian_mixture_of_scikit_learn(name: str) -> None:
    example, module = load("gaussian_mixture"), emitted("gmm_full")
    x = example.load(name)
    mixture = example.fit(x)
    given = example.arguments(mixture, x)
    assert given["pi"].min() > 0.1  # no component has collapsed
    assert isclose(module.entropy_sum(**given), mixture.score(x), abs_tol=1e-7)
    polished, exact = example.polish(x, given)
    assert isclose(module.entropy_sum(**polished), exact, rel_tol=1e-10)


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_gaussian_mixture_far_from_convergence(name: str) -> None:
    example, module = load("gaussian_mixture"), emitted("gmm_full")
    x = example.load(name)
    given = example.arguments(example.fit(x, 1), x)
    elbo, entropies = module.elbo(x=x, **given), module.entropy_sum(**given)
    assert isclose(elbo, entropies + module.gap(x=x, **given), rel_tol=1e-9)
    assert abs(elbo - entropies) > 1e-4


def test_poisson_mixture_of_the_digits() -> None:
    example, module = load("count_mixtures"), emitted("poisson_mixture")
    x = example.load_counts()
    given, exact = example.fit_poisson(x, 5, 1000)
    assert isclose(module.entropy_sum(x=x, **given), exact, rel_tol=1e-9)
    early, exact = example.fit_poisson(x, 5, 3)
    assert abs(module.entropy_sum(x=x, **early) - exact) > 1e-3
    assert isclose(module.elbo(x=x, **early), exact, rel_tol=1e-11)


def test_gamma_mixture_of_the_wines() -> None:
    example, module = load("count_mixtures"), emitted("gamma_mixture")
    x = example.load_flavanoids()
    given, exact = example.fit_gamma(x, 2, 2000)
    assert isclose(module.entropy_sum(**given), exact, rel_tol=1e-9)
    early, exact = example.fit_gamma(x, 2, 2)
    assert isclose(module.elbo(x=x, **early), exact, rel_tol=1e-11)
    assert abs(module.entropy_sum(**early) - exact) > 1e-4


def test_fits_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    example = load("explain_fits")
    example.main()
    printed = capsys.readouterr().out
    early, tight, components = re.split(r"\n(?=\w)", printed)
    assert "furthest off: Sigma. reg_covar=1e-06 is added" in " ".join(early.split())
    assert "Stationary along the motion" in tight
    assert components.startswith("PCA as Probabilistic PCA") and "D/(2N)" in components
    pixels = example.load_pixels()
    rows, columns = pixels.shape
    assert isclose(example.explain_components(pixels, 5).gap, columns / (2 * rows), rel_tol=1e-8)


@pytest.mark.parametrize("stem", ["vae1", "vae2", "vae3"])
def test_autoencoders_of_the_digits(stem: str) -> None:
    """A few steps: the ELBO rises, and the entropy sum is it but for the gap, sample by sample."""
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    example = load("vae_digits")
    run = example.train(stem, example.load_pixels()[:300], 4)
    first, *_, last = (epoch.terms for epoch in run.monitor.history)
    assert last["elbo"] > first["elbo"] + 1
    for terms in (first, last):
        assert isclose(terms["elbo"] - terms["entropy_sum"], terms["gap"], abs_tol=1e-9)
    assert isclose(run.elbo, last["elbo"], abs_tol=0.5) and 0 < run.error < 0.1
    above, below = example.draw({stem: run}).axes
    assert len(above.lines) == 2 and len(below.lines) == 1


def test_sparse_coding_by_profiled_scales() -> None:
    """At the same start the scales that are best are better, and so they stay for a while."""
    pytest.importorskip("torch")
    example = load("sparse_coding")
    x = example.load_bars()[:100]
    plain, profiled = (example.fit(x, 25, profiled=profiled) for profiled in (False, True))
    assert all(one < other for one, other in zip(plain, profiled, strict=True))
    assert profiled[-1] > profiled[0] + 1


def test_binary_latents_by_enumeration() -> None:
    pytest.importorskip("jax")
    found = load("sbn_jax").run(150)
    assert found.keys() == {"sbn", "vae_bernoulli"}
    elbo, entropies, slope = found["sbn"]
    assert slope < 1e-2 and isclose(elbo, entropies, abs_tol=1e-2)
    elbo, entropies, _ = found["vae_bernoulli"]
    assert elbo > 0 and isclose(elbo, entropies, abs_tol=0.2)


def test_sums_of_blocks_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fit by blocks is that of all rows at once"""
    example, module = load("large_data"), emitted("gmm_diagonal")
    path = tmp_path / "data.npy"
    example.ROWS = 300
    example.write_data(path, 1000, 3, 2)
    assert [len(rows) for rows in example.blocks(path)] == [300, 300, 300, 100]
    sums, terms = example.fit(path, 2, 4)
    values = [float(v) for v in re.findall(r"ELBO ([-.0-9]+)", capsys.readouterr().out)]
    assert len(values) == 4 and values == sorted(values)  # every step climbs
    assert sums.points == 1000 and isclose(terms.elbo, terms.entropy_sum, rel_tol=1e-12)
    theta = example.start(path, 2)
    parts, climbed = example.climb(path, theta, theta["mu"][0])
    example.ROWS = 1000
    whole, exact = example.climb(path, theta, theta["mu"][0])
    for name in exact:
        assert abs(climbed[name] - exact[name]).max() < 1e-12
    (x,) = example.blocks(path)
    q = example.responsibilities(x, **theta)
    assert isclose(parts.terms(**theta).elbo, module.elbo(x=x, q=q, **theta), rel_tol=1e-12)
    assert isclose(whole.terms(**theta).gap, module.gap(x=x, q=q, **theta), rel_tol=1e-9)
