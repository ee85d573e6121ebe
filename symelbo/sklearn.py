"""Fitted estimators of scikit-learn as models: entropy sum, ELBO, gap, and which parameter is off.

    from symelbo.sklearn import explain

    print(explain(GaussianMixture(3, reg_covar=0).fit(X), X))

Needs scikit-learn: `pip install 'symelbo[sklearn]'`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from textwrap import fill
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

try:
    from sklearn.decomposition import PCA, FactorAnalysis
    from sklearn.linear_model import (
        BayesianRidge,
        GammaRegressor,
        LogisticRegression,
        PoissonRegressor,
    )
    from sklearn.mixture import GaussianMixture
    from sklearn.naive_bayes import GaussianNB
    from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "symelbo.sklearn needs scikit-learn: pip install 'symelbo[sklearn]'", name=error.name
    ) from None

from symelbo.api import Derivation, derive
from symelbo.limits import KEPT_ESTIMATORS, STATIONARY_GAP
from symelbo.resources import models_directory
from symelbo.uses.given import Floats, Given
from symelbo.uses.parts_of_gap import slopes_at_rest, split_gap
from symelbo.values import dataclass, field
from symelbo.words import join_words

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class _Data:
    """X checked, y, and X as it was given, which the estimator's own methods know."""

    x: Floats
    y: NDArray[Any] | None
    own: Any


@dataclass(frozen=True, slots=True)
class _Reading:
    """A fitted estimator in the words of a model.

    stem: of the model's file; arguments: name in the emitted module -> (value, where from);
    score: scikit-learn's own mean log-likelihood; causes: what may keep the fit from a stationary
    point of the likelihood.
    """

    stem: str
    arguments: Mapping[str, tuple[Any, str]]
    score: float | None = None
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A fitted estimator against its entropy sum; values are per data point, in nats.

    model: the specification; derivation: what was derived of it; arguments: those of the emitted
    functions; sources: where each comes from; gaps: the gap, by the parameters that move (see
    `symelbo.uses.parts_of_gap`); at_rest: length of the gradient in the parameters that do not, of
    which the sum asks nothing; score: scikit-learn's own mean log-likelihood, where it gives one:
    the ELBO is the same number; causes: what may keep the fit from a stationary point.
    """

    estimator: str
    model: str
    derivation: Derivation
    arguments: Mapping[str, Any]
    sources: Mapping[str, str]
    entropy_sum: float
    elbo: float
    gap: float
    gaps: Mapping[str, float]
    at_rest: Mapping[str, float]
    score: float | None = None
    causes: tuple[str, ...] = field(default=())

    @property
    def stationary(self) -> bool:
        """Whether the ELBO is stationary along the motion, so that the entropy sum is the ELBO."""
        return not self._exceeds(self.gap)

    @property
    def most_off(self) -> str | None:
        """The parameter whose part of the gap is the largest, None at a stationary point."""
        if self.stationary:
            return None
        return max(self.gaps, key=lambda name: abs(self.gaps[name]))

    def __repr__(self) -> str:
        return str(self)

    def _exceeds(self, slope: float) -> bool:
        return abs(slope) > STATIONARY_GAP * (1 + abs(self.elbo))

    def __str__(self) -> str:
        rows = [
            ("entropy sum S", f"{self.entropy_sum:.9g}"),
            ("ELBO F", f"{self.elbo:.9g}"),
            ("gap F - S", f"{self.gap:.2e}"),
        ]
        if self.score is not None:
            rows.append(("score", f"{self.score:.9g} (scikit-learn's own)"))
        for name, source in self.sources.items():
            if name in self.gaps:
                found = f"gap {self.gaps[name]:.2e}"
            elif name in self.at_rest:
                found = f"at rest, gradient {self.at_rest[name]:.2e}"
            else:
                found = "given"
            rows.append((name, f"{found}, {source}"))
        width = max(len(name) for name, _ in rows)
        lines = [f"{self.estimator} as {self.derivation.model.name}"]
        lines += [f"  {name:<{width}}  {value}" for name, value in rows]
        moving = [name for name, slope in self.at_rest.items() if self._exceeds(slope)]
        found = f"Not stationary; furthest off: {self.most_off}."
        if self.stationary:
            found = "Stationary along the motion: the ELBO is the entropy sum."
        if self.stationary and moving:
            found += f" The gradient in {join_words(moving)}, at rest, is not 0."
        if not self.stationary or moving:
            found += "".join(f" {cause}" for cause in self.causes)
        lines.append(fill(found, 80, initial_indent="  ", subsequent_indent="  "))
        return "\n".join(lines)


def explain(estimator: Any, X: ArrayLike, y: ArrayLike | None = None) -> Explanation:
    """A fitted estimator and its data -> its model, entropy sum, ELBO and gap.

    Raises TypeError for an estimator whose model is not known here, NotFittedError before a fit,
    and ValueError for data or parameters that the model does not have.
    """
    found = [read for kind, read in _READERS.items() if isinstance(estimator, kind)]
    if not found:
        known = ", ".join(kind.__name__ for kind in _READERS)
        raise TypeError(f"{type(estimator).__name__} has no model here; known are {known}")
    check_is_fitted(estimator)
    data = check_array(X, dtype=float)
    if data.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {data.shape[1]} columns, and {type(estimator).__name__} was fitted to"
            f" {estimator.n_features_in_}"
        )
    targets = None
    if y is not None:
        targets = np.asarray(y)
        check_consistent_length(data, targets)
    reading = found[0](estimator, _Data(data, targets, X))
    derivation = _derive(reading.stem)
    module = derivation.function()
    arguments = {name: value for name, (value, _) in reading.arguments.items()}
    given = Given(derivation, arguments)
    return Explanation(
        type(estimator).__name__,
        (models_directory() / f"{reading.stem}.yaml").read_text(encoding="utf-8"),
        derivation,
        arguments,
        {name: source for name, (_, source) in reading.arguments.items()},
        given.call(module.entropy_sum),
        given.call(module.elbo),
        given.call(module.gap),
        split_gap(derivation, arguments),
        slopes_at_rest(derivation, arguments),
        reading.score,
        reading.causes,
    )


@lru_cache(maxsize=KEPT_ESTIMATORS)
def _derive(stem: str) -> Derivation:
    return derive(models_directory() / f"{stem}.yaml", explain=False)


# ---------------------------------------------------------------- one estimator each


def _read_mixture(mixture: GaussianMixture, data: _Data) -> _Reading:
    stem, covariances = {
        "full": ("gmm_full", "Sigma"),
        "tied": ("gmm_tied", "Sigma"),
        "diag": ("gmm_diagonal", "sigma2"),
        "spherical": ("gmm_scalar", "sigma2"),
    }[mixture.covariance_type]
    causes = []
    if mixture.reg_covar:
        causes.append(f"reg_covar={mixture.reg_covar:g} is added to the covariances.")
    causes.append(f"EM stops where a step gains less than tol={mixture.tol:g}.")
    if not mixture.converged_:
        causes.append(f"It has not converged in {mixture.n_iter_} steps.")
    return _Reading(
        stem,
        {
            "x": (data.x, "X"),
            "pi": (mixture.weights_, "weights_"),
            "mu": (mixture.means_, "means_"),
            covariances: (mixture.covariances_, "covariances_"),
            "q": (mixture.predict_proba(data.own), "predict_proba(X)"),
        },
        float(mixture.score(data.own)),
        tuple(causes),
    )


def _read_pca(pca: PCA, data: _Data) -> _Reading:
    if not pca.noise_variance_ > 0:
        raise ValueError("PCA keeps all components: without noise_variance_ there is no density")
    extra = np.maximum(pca.explained_variance_ - pca.noise_variance_, 0)
    cause = (
        "scikit-learn divides covariances by N - 1: W @ W.T and sigma2 are N/(N - 1) times those"
        " of the maximum of its own score, and the gap is D/(2N)."
    )
    if pca.n_samples_ < pca.n_features_in_:
        cause = (
            f"noise_variance_ is a mean over the {pca.n_samples_ - pca.n_components_} variances"
            " that N points can have, where the likelihood has D of them less those kept."
        )
    return _Reading(
        "ppca",
        {
            "x": (data.x, "X"),
            "W": (
                pca.components_.T * np.sqrt(extra),
                "components_.T * sqrt(explained_variance_ - noise_variance_)",
            ),
            "mu": (pca.mean_, "mean_"),
            "sigma2": (pca.noise_variance_, "noise_variance_"),
        },
        # of a whitened PCA the score is that of components scaled twice
        None if pca.whiten else float(pca.score(data.own)),
        (cause,),
    )


def _read_factors(factors: FactorAnalysis, data: _Data) -> _Reading:
    return _Reading(
        "factor_analysis",
        {
            "x": (data.x, "X"),
            "W": (factors.components_.T, "components_.T"),
            "mu": (factors.mean_, "mean_"),
            "sigma2": (factors.noise_variance_, "noise_variance_"),
        },
        float(factors.score(data.own)),
        (f"EM stops where a step gains less than tol={factors.tol:g} for all data together.",),
    )


def _read_naive_bayes(bayes: GaussianNB, data: _Data) -> _Reading:
    classes = _classes(bayes, data.y)
    joint = np.take_along_axis(bayes.predict_joint_log_proba(data.own), classes[:, None], axis=1)
    causes = []
    if bayes.epsilon_:
        causes.append(
            f"var_smoothing={bayes.var_smoothing:g} adds {bayes.epsilon_:.2g} to the variances."
        )
    if bayes.priors is not None:
        causes.append("The priors are given, not those of the data.")
    return _Reading(
        "naive_bayes",
        {
            "x": (data.x, "X"),
            "y": (classes + 1, "y, as places in classes_ from 1"),
            "pi": (bayes.class_prior_, "class_prior_"),
            "mu": (bayes.theta_, "theta_"),
            "sigma2": (bayes.var_, "var_"),
        },
        float(joint.mean()),
        tuple(causes),
    )


def _read_ridge(ridge: BayesianRidge, data: _Data) -> _Reading:
    targets = _targets(ridge, data.y)
    offset = np.broadcast_to(np.asarray(ridge.X_offset_, dtype=float), data.x.shape[1:])
    names = ("alpha_1", "alpha_2", "lambda_1", "lambda_2")
    priors = ", ".join(f"{name}={getattr(ridge, name):g}" for name in names)
    return _Reading(
        "bayesian_regression",
        {
            "a": ((data.x - offset)[None], "X - X_offset_, as one data point"),
            "y": (targets[None], "y, as one data point"),
            "alpha": (ridge.alpha_, "alpha_"),
            "lambda_": (ridge.lambda_, "lambda_"),
            "b": (ridge.intercept_ + offset @ ridge.coef_, "intercept_ + X_offset_ @ coef_"),
        },
        None,
        (
            f"The precisions have gamma priors ({priors}), which move them.",
            f"Iterations stop where the weights move less than tol={ridge.tol:g}.",
        ),
    )


def _read_logistic(logistic: LogisticRegression, data: _Data) -> _Reading:
    classes = _classes(logistic, data.y)
    count = len(logistic.classes_)
    if count > 2 and (
        logistic.solver == "liblinear" or getattr(logistic, "multi_class", "") == "ovr"
    ):
        raise ValueError("one logistic regression for each class is no model of the classes")
    chosen = np.take_along_axis(logistic.predict_log_proba(data.own), classes[:, None], axis=1)
    causes = []
    if getattr(logistic, "penalty", None) is not None and np.isfinite(np.max(logistic.C)):
        causes.append(f"The penalty (C={logistic.C:g}) moves the weights; C=inf has none.")
    if logistic.class_weight is not None:
        causes.append("class_weight weighs the data.")
    causes.append(f"The solver stops at tol={logistic.tol:g}.")
    if count > 2:
        stem, name, observed = "softmax_regression", "y", classes + 1
        weights, intercept = logistic.coef_, np.broadcast_to(logistic.intercept_, (count,))
        said = "y, as places in classes_ from 1"
    else:
        stem, name, observed = "logistic_regression", "x", classes
        weights, intercept = logistic.coef_[0], np.ravel(logistic.intercept_)[0]
        said = "y == classes_[1]"
    return _Reading(
        stem,
        {
            "a": (data.x, "X"),
            name: (observed, said),
            "w": (weights, "coef_"),
            "b": (intercept, "intercept_"),
        },
        float(chosen.mean()),
        tuple(causes),
    )


def _read_poisson(poisson: PoissonRegressor, data: _Data) -> _Reading:
    return _Reading(
        "poisson_regression",
        {"a": (data.x, "X"), "x": (_targets(poisson, data.y), "y"), **_linear(poisson)},
        None,
        _penalty(poisson),
    )


def _read_gamma(gamma: GammaRegressor, data: _Data) -> _Reading:
    return _Reading(
        "gamma_regression",
        {
            "a": (data.x, "X"),
            "y": (_targets(gamma, data.y), "y"),
            **_linear(gamma),
            "shape": (1.0, "1: w and b do not depend on it, and scikit-learn fits none"),
        },
        None,
        _penalty(gamma),
    )


_READERS: Final[Mapping[type, Callable[[Any, _Data], _Reading]]] = {
    GaussianMixture: _read_mixture,
    PCA: _read_pca,
    FactorAnalysis: _read_factors,
    GaussianNB: _read_naive_bayes,
    BayesianRidge: _read_ridge,
    LogisticRegression: _read_logistic,
    PoissonRegressor: _read_poisson,
    GammaRegressor: _read_gamma,
}


# ---------------------------------------------------------------- what several need


def _targets(estimator: Any, y: NDArray[Any] | None) -> NDArray[Any]:
    if y is None:
        raise ValueError(f"{type(estimator).__name__} is a model of y given X: y is needed")
    return y


def _classes(estimator: Any, y: NDArray[Any] | None) -> NDArray[np.intp]:
    """The place of each label in classes_, from 0."""
    labels = _targets(estimator, y)
    unknown = np.setdiff1d(labels, estimator.classes_)
    if unknown.size:
        raise ValueError(f"y has {unknown[0]!r}, which was no class of the fit")
    return np.searchsorted(estimator.classes_, labels)


def _linear(regressor: Any) -> dict[str, tuple[Any, str]]:
    return {"w": (regressor.coef_, "coef_"), "b": (regressor.intercept_, "intercept_")}


def _penalty(regressor: Any) -> tuple[str, ...]:
    causes = []
    if regressor.alpha:
        causes.append(f"The penalty (alpha={regressor.alpha:g}) moves the weights.")
    if not regressor.fit_intercept:
        causes.append("fit_intercept=False holds b at 0.")
    causes.append(f"The solver stops at tol={regressor.tol:g}.")
    return tuple(causes)
