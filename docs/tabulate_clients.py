"""Other people's software at its own optimum: python -m docs.tabulate_clients

Writes the table in docs/clients.md.  Each client is fitted to data of its own, and its parameters
go into the module that is emitted for its model: there the entropy sum is compared with the
client's own log-likelihood, and the gap says how stationary the fit is.  What is printed are the
bounds that the test holds the client to, so that the table is the same on every machine.

Needs scikit-learn, hmmlearn and statsmodels: pip install '.[test,clients]'
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

import symelbo
from symelbo.api import Derivation
from symelbo.uses.given import Given

__all__ = [
    "CLIENTS",
    "PAGE",
    "Client",
    "Measured",
    "derived",
    "dynamic_factor",
    "measure",
    "measure_fit",
    "page_with",
    "table",
]

HERE = Path(__file__).parent
PAGE = HERE / "clients.md"
FOLDERS = ("../models", "clients")  # of the models


@dataclass(frozen=True)
class Measured:
    """A fit in the arguments of a module, and its log-likelihood per data point by the client.

    others: arguments of data points of other sizes, of which there are as many.
    """

    arguments: Mapping[str, Any]
    log_likelihood: float
    others: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Client:
    """One row: who fits what, and the bounds that hold.

    model: the stem of its file; digits: of the entropy sum against the client's
    own log-likelihood, relative to 1 + its size; gap: the bound of its size; remark: how it is
    fitted.
    """

    name: str
    model: str
    fit: Callable[[], Measured]
    digits: int
    gap: float
    remark: str = ""


def path_of(model: str) -> str:
    """The file of a model, from here."""
    (found,) = [f"{folder}/{model}.yaml" for folder in FOLDERS if is_there(folder, model)]
    return found


def is_there(folder: str, model: str) -> bool:
    """Whether the folder has the model."""
    return (HERE / folder / f"{model}.yaml").is_file()


@cache
def derived(model: str) -> Derivation:
    """The model of a client."""
    return symelbo.derive(HERE / path_of(model))


def measure(client: Client) -> tuple[float, float, float]:
    """Entropy sum, log-likelihood by the client itself, and gap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = client.fit()
    return measure_fit(client.model, found)


def measure_fit(model: str, found: Measured) -> tuple[float, float, float]:
    """The same of one fit."""
    derivation = derived(model)
    module = derivation.function()
    parts = [Given(derivation, arguments) for arguments in (found.arguments, *found.others)]
    entropies = [given.call(module.entropy_sum) for given in parts]
    gaps = [given.call(module.gap) for given in parts]
    return float(np.mean(entropies)), found.log_likelihood, float(np.mean(gaps))


# ---------------------------------------------------------------- scikit-learn


def by_scikit_learn(estimator: Any, X: Any, *y: Any) -> Measured:
    """By the mapping of `symelbo.sklearn`, and the score of the estimator itself."""
    from symelbo.sklearn import explain

    found = explain(estimator.fit(X, *y), X, *y)
    assert found.score is not None
    return Measured(found.arguments, found.score)


def iris() -> Any:
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def mixture(kind: str) -> Measured:
    from sklearn.mixture import GaussianMixture

    options = {"reg_covar": 0, "tol": 1e-14, "max_iter": 9000, "random_state": 0}
    return by_scikit_learn(GaussianMixture(2, covariance_type=kind, **options), iris()[0])


def pca() -> Measured:
    """With covariances divided by N, as the likelihood has them."""
    from sklearn.decomposition import PCA

    x = iris()[0]
    estimator = PCA(2).fit(x)
    scale = (len(x) - 1) / len(x)
    estimator.explained_variance_ = estimator.explained_variance_ * scale
    estimator.noise_variance_ *= scale
    from symelbo.sklearn import explain

    found = explain(estimator, x)
    assert found.score is not None
    return Measured(found.arguments, found.score)


def factors() -> Measured:
    from sklearn.datasets import load_wine
    from sklearn.decomposition import FactorAnalysis
    from sklearn.preprocessing import StandardScaler

    x = StandardScaler().fit_transform(load_wine().data)
    return by_scikit_learn(FactorAnalysis(2, tol=1e-12, max_iter=50000, svd_method="lapack"), x)


def naive_bayes() -> Measured:
    from sklearn.naive_bayes import GaussianNB

    return by_scikit_learn(GaussianNB(var_smoothing=0), *iris())


def ridge() -> Measured:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import BayesianRidge

    from symelbo.sklearn import explain

    x, y = load_diabetes(return_X_y=True)
    flat = dict.fromkeys(("alpha_1", "alpha_2", "lambda_1", "lambda_2"), 0.0)
    fit = BayesianRidge(tol=1e-13, max_iter=9000, compute_score=True, **flat).fit(x, y)
    return Measured(explain(fit, x, y).arguments, float(fit.scores_[-1]))


def logistic(classes: int) -> Measured:
    from sklearn.linear_model import LogisticRegression

    x, y = iris()
    last = y >= 3 - classes
    estimator = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12)
    return by_scikit_learn(estimator, x[last, :2], y[last])


# ---------------------------------------------------------------- hmmlearn

STATES, LENGTH, SEQUENCES = 2, 5, 80


def markov(kind: str) -> Measured:
    """Sequences of a chain, short enough for all paths to be enumerated: q is exact."""
    from hmmlearn import hmm

    rng = np.random.default_rng(3)
    z = np.zeros((SEQUENCES, LENGTH), int)
    z[:, 0] = rng.random(SEQUENCES) < 0.4
    for t in range(1, LENGTH):
        z[:, t] = np.where(rng.random(SEQUENCES) < 0.8, z[:, t - 1], 1 - z[:, t - 1])
    options: dict[str, Any] = {"n_iter": 2000, "tol": 1e-10, "random_state": 0}
    if kind in ("diag", "full"):
        x = 4.0 * z[..., None] + rng.normal(size=(SEQUENCES, LENGTH, 2)) * [1, 0.5]
        model = hmm.GaussianHMM(
            STATES, kind, covars_prior=0, covars_weight=1, min_covar=0, **options
        )
    elif kind == "poisson":
        x = rng.poisson(1 + 4 * z[..., None] * np.array([1, 2]))
        model = hmm.PoissonHMM(STATES, **options)
    else:
        off = rng.choice(3, size=z.shape, p=[0.8, 0.15, 0.05])
        x = np.where(z == 0, off, 2 - off)[..., None]
        model = hmm.CategoricalHMM(STATES, **options)
    flat, lengths = x.reshape(-1, x.shape[-1]), [LENGTH] * SEQUENCES
    model.fit(flat, lengths)
    paths = np.array(list(product(range(STATES), repeat=LENGTH)))
    emission = model._compute_log_likelihood(flat).reshape(SEQUENCES, LENGTH, STATES)
    joint = np.log(model.startprob_)[paths[:, 0]]
    joint = joint + np.log(model.transmat_)[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    joint = joint + emission[:, np.arange(LENGTH), paths].sum(axis=-1)
    weights = np.exp(joint - special.logsumexp(joint, axis=1, keepdims=True))
    steps = (paths[:, :, None] == np.arange(STATES)).astype(float)
    arguments = {
        "p": model.startprob_,
        "A": model.transmat_,
        "gamma": np.einsum("np,ptk->ntk", weights, steps),
        "xi": np.einsum("np,pti,ptj->ntij", weights, steps[:, :-1], steps[:, 1:]),
        "x": x,
    }
    if kind == "diag":
        variances = np.array([np.diag(matrix) for matrix in model.covars_])
        arguments |= {"mu": model.means_, "v": variances}
    elif kind == "full":
        arguments |= {"mu": model.means_, "Sigma": model.covars_}
    elif kind == "poisson":
        arguments |= {"rate": model.lambdas_}
    else:
        arguments |= {"B": model.emissionprob_, "x": x[..., 0] + 1}
    return Measured(arguments, float(model.score(flat, lengths)) / SEQUENCES)


# ---------------------------------------------------------------- statsmodels


def covariates(rng: np.random.Generator, count: int) -> Any:
    return np.column_stack([np.ones(count), rng.uniform(0.2, 2, (count, 2))])


def binomial() -> Measured:
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    a = covariates(rng, 200)
    y = rng.binomial(10, special.expit(a @ [-1.0, 1.5, -0.5]))
    fit = sm.GLM(np.column_stack([y, 10 - y]), a, sm.families.Binomial()).fit(tol=1e-14)
    return Measured({"y": y, "a": a, "w": fit.params}, fit.llf / len(y))


def poisson() -> Measured:
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    a = covariates(rng, 200)
    y = rng.poisson(np.exp(a @ [0.5, 0.7, -0.4]))
    fit = sm.GLM(y, a, sm.families.Poisson()).fit(tol=1e-14)
    rest, first = fit.params[1:], fit.params[0]
    return Measured({"x": y, "a": a[:, 1:], "w": rest, "b": first}, fit.llf / len(y))


def gamma() -> Measured:
    """The canonical link; the shape, of which statsmodels takes a moment, from its likelihood."""
    import statsmodels.api as sm
    from scipy.optimize import brentq

    rng = np.random.default_rng(0)
    a = covariates(rng, 200)
    shape = 3.0
    y = rng.gamma(shape, 1 / (shape * (a @ [0.5, 1.0, 0.3])))
    family = sm.families.Gamma(sm.families.links.InversePower())
    fit = sm.GLM(y, a, family).fit(tol=1e-14)
    ratio = y / fit.fittedvalues
    excess = np.mean(np.log(ratio) - ratio) + 1
    shape = brentq(lambda s: np.log(s) - special.digamma(s) + excess, 0.1, 100, xtol=1e-14)
    likelihood = fit.family.loglike(y, fit.fittedvalues, scale=1 / shape)
    return Measured({"y": y, "a": a, "w": fit.params, "shape": shape}, likelihood / len(y))


def mixed(*rows: int) -> Measured:
    """Groups of each of these numbers of rows, with a random intercept and slope."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    groups = 60
    tables = []
    for count in rows:
        a = np.stack([np.ones((groups, count)), rng.normal(size=(groups, count))], axis=-1)
        z = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 0.5]], groups)
        noise = 0.7 * rng.normal(size=(groups, count))
        tables.append((a, a @ [1.0, 2.0] + np.einsum("gmk,gk->gm", a, z) + noise))
    flat = np.concatenate([a.reshape(-1, 2) for a, _ in tables])
    labels = np.repeat(np.arange(groups * len(rows)), np.repeat(rows, groups))
    model = sm.MixedLM(np.concatenate([y.ravel() for _, y in tables]), flat, labels, flat)
    fit = model.fit(reml=False, method="bfgs", gtol=1e-10)
    fitted = {"beta": fit.fe_params, "Psi": fit.cov_re, "sigma2": fit.scale}
    first, *others = ({"y": y, "a": a, "u": a, **fitted} for a, y in tables)
    return Measured(first, fit.llf / (groups * len(rows)), tuple(others))


def chain(rng: np.random.Generator, length: int) -> Any:
    x = np.zeros(length)
    for t in range(1, length):
        x[t] = 0.8 * x[t - 1] + rng.normal()
    return x


def maximised(model: Any, on: bool) -> Any:
    """The fit of a state-space model by L-BFGS; on: and carried on to a gradient near 0."""
    first = model.fit(disp=0, maxiter=500)
    if not on:
        return first
    return model.fit(start_params=first.params, method="bfgs", gtol=1e-10, maxiter=500, disp=0)


def autoregression() -> Measured:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    x = chain(rng, 120) + 0.7 * rng.normal(size=120)
    fit = maximised(sm.tsa.SARIMAX(x, order=(1, 0, 0), measurement_error=True), True)
    phi, r, q = fit.params
    return Measured({"x": x[None], "phi": phi, "q": q, "r": r}, fit.llf)


def dynamic_factor(on: bool = True) -> Measured:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    x = np.outer(chain(rng, 120), [1, 0.5, -0.8]) + 0.5 * rng.normal(size=(120, 3))
    fit = maximised(sm.tsa.DynamicFactor(x, k_factors=1, factor_order=1), on)
    loadings, variances, phi = fit.params[:3], fit.params[3:6], fit.params[6]
    return Measured({"x": x[None], "phi": phi, "C": loadings, "r": variances}, fit.llf)


# ---------------------------------------------------------------- the table

EM = "EM until nothing is gained"
CLIENTS = (
    Client("scikit-learn GaussianMixture, full", "gmm_full", lambda: mixture("full"), 7, 1e-6, EM),
    Client("scikit-learn GaussianMixture, tied", "gmm_tied", lambda: mixture("tied"), 7, 1e-6, EM),
    Client(
        "scikit-learn GaussianMixture, diag", "gmm_diagonal", lambda: mixture("diag"), 7, 1e-6, EM
    ),
    Client(
        "scikit-learn GaussianMixture, spherical",
        "gmm_scalar",
        lambda: mixture("spherical"),
        7,
        1e-6,
        EM,
    ),
    Client(
        "scikit-learn PCA",
        "ppca",
        pca,
        12,
        1e-11,
        "covariances divided by N; as it comes, by N - 1, its gap is D/(2N)",
    ),
    Client("scikit-learn FactorAnalysis", "factor_analysis", factors, 7, 1e-6, EM),
    Client("scikit-learn GaussianNB", "naive_bayes", naive_bayes, 12, 1e-11, "var_smoothing=0"),
    Client(
        "scikit-learn BayesianRidge",
        "bayesian_regression",
        ridge,
        9,
        1e-6,
        "no hyperpriors; the exact posterior is derived",
    ),
    Client(
        "scikit-learn LogisticRegression",
        "logistic_regression",
        lambda: logistic(2),
        9,
        1e-8,
        "C=inf",
    ),
    Client(
        "scikit-learn LogisticRegression, three classes",
        "softmax_regression",
        lambda: logistic(3),
        9,
        1e-8,
        "C=inf",
    ),
    Client(
        "hmmlearn GaussianHMM, diag",
        "hidden_markov",
        lambda: markov("diag"),
        7,
        1e-6,
        "no priors; all paths enumerated",
    ),
    Client(
        "hmmlearn GaussianHMM, full",
        "hidden_markov_full",
        lambda: markov("full"),
        7,
        1e-6,
        "no priors; all paths enumerated",
    ),
    Client(
        "hmmlearn PoissonHMM",
        "hidden_markov_poisson",
        lambda: markov("poisson"),
        7,
        1e-6,
        "all paths enumerated",
    ),
    Client(
        "hmmlearn CategoricalHMM",
        "hidden_markov_categorical",
        lambda: markov("categorical"),
        7,
        1e-6,
        "all paths enumerated",
    ),
    Client("statsmodels GLM, binomial", "binomial_regression", binomial, 10, 1e-9),
    Client("statsmodels GLM, Poisson", "poisson_regression", poisson, 10, 1e-9),
    Client(
        "statsmodels GLM, Gamma, inverse link",
        "gamma_regression_inverse",
        gamma,
        10,
        1e-9,
        "the shape where the likelihood is stationary in it",
    ),
    Client(
        "statsmodels MixedLM",
        "mixed_model",
        lambda: mixed(6),
        10,
        1e-9,
        "reml=False; the exact posterior is derived",
    ),
    Client(
        "statsmodels MixedLM, groups of 3, 5 and 8",
        "mixed_model",
        lambda: mixed(3, 5, 8),
        7,
        1e-6,
        "reml=False; sums over groups of each size add up",
    ),
    Client(
        "statsmodels SARIMAX (1, 0, 0) with noise",
        "gaussian_chain",
        autoregression,
        7,
        1e-4,
        "BFGS to a gradient of 1e-10; the exact posterior is derived",
    ),
    Client(
        "statsmodels DynamicFactor, one factor",
        "dynamic_factor",
        dynamic_factor,
        7,
        1e-4,
        "BFGS to a gradient of 1e-10; the exact posterior is derived",
    ),
)


def table() -> str:
    """The rows, from the derivations and the bounds."""
    lines = [
        "| client | model | verdict | S against its own log-likelihood | gap | how it is fitted |",
        "|---|---|---|---|---|---|",
    ]
    for client in CLIENTS:
        derivation = derived(client.model)
        name = f"[{derivation.model.name}]({path_of(client.model)})"
        lines.append(
            f"| {client.name} | {name} | {derivation.verdict}, theorem {derivation.theorem} |"
            f" {client.digits} digits | < {client.gap:.0e} | {client.remark} |"
        )
    return "\n".join(lines)


def page_with(rows: str) -> str:
    """The page with these rows in it."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- begin clients -->\n", "\n<!-- end clients -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    assert len(re.findall(pattern, text, re.DOTALL)) == 1
    return re.sub(pattern, lambda match: begin + rows + end, text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page_with(table()), encoding="utf-8")
