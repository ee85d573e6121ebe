"""`symelbo.sklearn.explain`: fitted estimators against their entropy sums."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from math import inf, isclose
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import (
    BayesianRidge,
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
)
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from symelbo.sklearn import Explanation, explain
from symelbo.uses import bic

IRIS, SPECIES = load_iris(return_X_y=True)
RAW_WINE, CULTIVARS = load_wine(return_X_y=True)
WINE = StandardScaler().fit_transform(RAW_WINE)
DIABETES, PROGRESS = load_diabetes(return_X_y=True)
SHORT = DIABETES[:, 2:6]
COUNTS = np.random.default_rng(0).poisson(np.exp(1 + SHORT @ [3.0, -2.0, 1.0, 4.0]))
NEWTON = {"solver": "newton-cholesky", "tol": 1e-11}


def explained(estimator: Any, X: Any, *y: Any) -> Explanation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return explain(estimator.fit(X, *y), X, *y)


def mixture(kind: str, count: int = 2, **options: Any) -> GaussianMixture:
    tight = {"reg_covar": 0, "tol": 1e-13, "max_iter": 5000, **options}
    return GaussianMixture(count, covariance_type=kind, random_state=0, **tight)


KINDS = {"full": "Sigma", "tied": "Sigma", "diag": "sigma2", "spherical": "sigma2"}

# fits that leave nothing to be gained, with the largest gap that they may have
TIGHT = {
    **{kind: (lambda kind=kind: explained(mixture(kind), IRIS), 1e-7) for kind in KINDS},
    "FactorAnalysis": (
        lambda: explained(FactorAnalysis(2, tol=1e-12, max_iter=50000, svd_method="lapack"), WINE),
        1e-7,
    ),
    "GaussianNB": (lambda: explained(GaussianNB(var_smoothing=0), IRIS, SPECIES), 1e-12),
    "BayesianRidge": (
        lambda: explained(
            BayesianRidge(tol=1e-13, max_iter=9000, alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0),
            DIABETES,
            PROGRESS,
        ),
        1e-7,
    ),
    "LogisticRegression": (
        lambda: explained(LogisticRegression(C=inf, **NEWTON), IRIS[50:, :2], SPECIES[50:]),
        1e-9,
    ),
    "LogisticRegression, three classes": (
        lambda: explained(LogisticRegression(C=inf, **NEWTON), WINE[:, :2], CULTIVARS),
        1e-9,
    ),
    "PoissonRegressor": (
        lambda: explained(PoissonRegressor(alpha=0, **NEWTON), SHORT, COUNTS),
        1e-9,
    ),
    "GammaRegressor": (
        lambda: explained(GammaRegressor(alpha=0, **NEWTON), SHORT, PROGRESS),
        1e-9,
    ),
}


@pytest.mark.parametrize("name", TIGHT)
def test_a_tight_fit_is_a_stationary_point(name: str) -> None:
    make, most = TIGHT[name]
    found = make()
    assert found.derivation.verdict == "proved"
    assert abs(found.gap) < most
    assert isclose(found.entropy_sum + found.gap, found.elbo, rel_tol=1e-12)
    assert all(abs(part) < 10 * most for part in found.gaps.values())
    assert all(slope < 1e-4 for slope in found.at_rest.values())
    if found.score is not None:  # q is exact: the ELBO is the log-likelihood
        assert isclose(found.elbo, found.score, rel_tol=1e-10)
    assert found.stationary and found.most_off is None
    assert "the ELBO is the entropy sum" in str(found)
    assert not any(cause in str(found) for cause in found.causes)


# fits that stop early or are held off the optimum: the parameter that shows it, and what is said
OFF = {
    "stopped early": (
        lambda: explained(mixture("full", 3, max_iter=3), IRIS),
        "Sigma",
        "It has not converged in 3 steps.",
    ),
    "ridge on the covariances": (
        lambda: explained(mixture("diag", reg_covar=0.1), IRIS),
        "sigma2",
        "reg_covar=0.1 is added to the covariances.",
    ),
    "smoothed variances": (
        lambda: explained(GaussianNB(var_smoothing=1e-2), IRIS, SPECIES),
        "sigma2",
        "var_smoothing=0.01 adds 0.031 to the variances.",
    ),
    "given priors": (
        lambda: explained(GaussianNB(priors=[0.6, 0.3, 0.1], var_smoothing=0), IRIS, SPECIES),
        "pi",
        "The priors are given",
    ),
    "penalised weights": (
        lambda: explained(LogisticRegression(C=0.1, **NEWTON), IRIS[50:, :2], SPECIES[50:]),
        "w",
        "The penalty (C=0.1) moves the weights",
    ),
    "penalised rates": (
        lambda: explained(PoissonRegressor(alpha=1, **NEWTON), SHORT, COUNTS),
        "w",
        "The penalty (alpha=1) moves the weights.",
    ),
    "no intercept": (
        lambda: explained(GammaRegressor(alpha=0, fit_intercept=False, **NEWTON), SHORT, PROGRESS),
        "b",
        "fit_intercept=False holds b at 0.",
    ),
    "informative priors": (
        lambda: explained(BayesianRidge(alpha_1=50), DIABETES, PROGRESS),
        "alpha",
        "alpha_1=50",
    ),
}


@pytest.mark.parametrize("name", OFF)
def test_what_holds_a_fit_off_the_optimum_is_named(name: str) -> None:
    make, parameter, cause = OFF[name]
    found = make()
    assert not found.stationary and found.most_off == parameter
    assert isclose(sum(found.gaps.values()), found.gap, rel_tol=1e-5)
    assert isclose(found.entropy_sum + found.gap, found.elbo, rel_tol=1e-12)
    said = " ".join(str(found).split())
    assert f"furthest off: {parameter}." in said and cause in said
    if found.score is not None:
        assert isclose(found.elbo, found.score, rel_tol=1e-10)


def test_fits_as_they_come_are_as_far_off_as_the_page_says() -> None:
    """docs/clients.md: the default tolerance of EM, and hyperpriors of 1e-6 on two precisions."""
    early = explained(GaussianMixture(3, random_state=0), IRIS)
    assert 1e-4 < early.gap < 1e-2
    ridge = explained(BayesianRidge(tol=1e-13, max_iter=9000), DIABETES, PROGRESS)
    assert isclose(ridge.gap, -2e-6, rel_tol=0.05)


def test_a_penalty_on_what_is_at_rest_is_named_though_the_sum_holds() -> None:
    found = explained(GammaRegressor(alpha=1, **NEWTON), SHORT, PROGRESS)
    assert found.stationary and found.at_rest["w"] > 1e-3
    said = " ".join(str(found).split())
    assert "The gradient in w, at rest, is not 0. The penalty (alpha=1)" in said


@pytest.mark.parametrize(("data", "kept"), [(IRIS, 1), (IRIS, 3), (WINE, 4)])
def test_pca_is_off_its_own_score_by_the_divisor(data: Any, kept: int) -> None:
    """Covariances are divided by N - 1: the gap is D/(2N), whatever the data are."""
    found = explained(PCA(kept), data)
    rows, columns = data.shape
    assert isclose(found.gap, columns / (2 * rows), rel_tol=1e-9)
    assert found.score is not None and isclose(found.elbo, found.score, rel_tol=1e-12)
    assert "D/(2N)" in str(found)
    scale = (rows - 1) / rows
    args = dict(found.arguments)
    args |= {"W": args["W"] * scale**0.5, "sigma2": args["sigma2"] * scale}
    module = found.derivation.function()
    assert abs(module.gap(**args)) < 1e-9
    assert module.elbo(**args) > found.elbo


def test_pca_of_few_points_has_too_large_a_noise() -> None:
    found = explained(PCA(2), WINE[:8])
    assert not found.stationary and "noise_variance_ is a mean over the 6 variances" in " ".join(
        str(found).split()
    )
    assert isclose(found.entropy_sum + found.gap, found.elbo, rel_tol=1e-12)
    args = found.arguments
    sigma2 = args["sigma2"] * 6 / 11 * 7 / 8  # of 11 dimensions, divided by N
    W = args["W"] @ np.diag(np.sqrt(np.sum(args["W"] ** 2, axis=0) + args["sigma2"]))
    W *= np.sqrt(7 / 8) / np.linalg.norm(args["W"], axis=0)
    W *= np.sqrt(1 - sigma2 / np.sum(W**2, axis=0))
    module = found.derivation.function()
    assert abs(module.gap(**{**args, "W": W, "sigma2": sigma2})) < 1e-9


def test_whitening_changes_neither_components_nor_the_sum() -> None:
    plain, white = (explained(PCA(2, whiten=on), IRIS) for on in (False, True))
    assert white.score is None and isclose(white.elbo, plain.elbo, rel_tol=1e-12)


def test_the_evidence_of_a_ridge_is_that_of_its_covariance() -> None:
    """The exact posterior is derived: the ELBO is log N(y; b, X X'/lambda + 1/alpha)."""
    ridge = BayesianRidge().fit(DIABETES, PROGRESS)
    found = explain(ridge, DIABETES, PROGRESS)
    centred = DIABETES - DIABETES.mean(axis=0)
    covariance = centred @ centred.T / ridge.lambda_ + np.eye(len(centred)) / ridge.alpha_
    rest = PROGRESS - PROGRESS.mean()
    log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
    assert isclose(found.elbo, -(log_det + rest @ np.linalg.solve(covariance, rest)) / 2)


def test_a_data_frame_is_taken_by_its_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(IRIS, columns=list("abcd"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # scikit-learn warns where the names are lost
        found = explain(PCA(2).fit(frame), frame)
        classes = explain(GaussianNB().fit(frame, SPECIES), frame, pandas.Series(SPECIES))
    assert isclose(found.elbo, explained(PCA(2), IRIS).elbo)
    assert isclose(classes.elbo, explained(GaussianNB(), IRIS, SPECIES).elbo)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown(kind: str) -> None:
    found = explained(mixture(kind), IRIS)
    assert str(found).startswith("GaussianMixture as Gaussian mixture, ")
    assert repr(found) == str(found)
    for name in ("pi", KINDS[kind]):
        assert re.search(rf"^  {name} +gap -?\d\.\d\de-\d\d, ", str(found), re.M)
    assert re.search(r"^  mu +at rest, gradient ", str(found), re.M)
    assert found.sources[KINDS[kind]] == "covariances_"
    assert found.model.startswith("#") and "sizes: [C, D]" in found.model
    assert set(found.arguments) == {"x", "pi", "mu", KINDS[kind], "q"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_bic_of_a_mixture_is_its_own(kind: str) -> None:
    estimator = mixture(kind, 3).fit(IRIS)
    found = explain(estimator, IRIS)
    value = bic(found.derivation.model, found.elbo, count=len(IRIS), sizes={"C": 3, "D": 4})
    assert isclose(value, estimator.bic(IRIS), rel_tol=1e-12)


# ---------------------------------------------------------------- what cannot be explained


def test_without_scikit_learn_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import symelbo.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith("symelbo.sklearn needs scikit-learn: pip install 'symelbo[sklearn]'")


def test_an_estimator_without_a_model_is_refused_by_name() -> None:
    with pytest.raises(
        TypeError, match=r"KMeans has no model here; known are GaussianMixture, PCA"
    ):
        explain(KMeans(2), IRIS)


def test_an_estimator_has_to_be_fitted() -> None:
    with pytest.raises(NotFittedError, match="GaussianMixture"):
        explain(GaussianMixture(2), IRIS)


@pytest.mark.parametrize(
    ("estimator", "given", "message"),
    [
        (PCA(2), (IRIS[:, :3],), "X has 3 columns, and PCA was fitted to 4"),
        (PCA(2), (np.full((2, 4), np.nan),), "NaN"),
        (PCA(4), (IRIS,), "keeps all components"),
        (GaussianNB(), (IRIS,), "GaussianNB is a model of y given X: y is needed"),
        (GaussianNB(), (IRIS, SPECIES[:5]), "inconsistent numbers of samples"),
        (GaussianNB(), (IRIS, SPECIES + 1), "y has .*3.*, which was no class of the fit"),
        (LogisticRegression(), (IRIS,), "y is needed"),
    ],
)
def test_data_that_do_not_fit_are_refused(
    estimator: Any, given: tuple[Any, ...], message: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(IRIS, SPECIES)
    with pytest.raises(ValueError, match=message):
        explain(estimator, *given)
