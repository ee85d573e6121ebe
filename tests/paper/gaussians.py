"""The Gaussian observables of Section 3, as the paper prints them; probabilistic PCA."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy import log, pi
from scipy import stats
from sklearn.datasets import load_digits

import symelbo
from paper.audit import TWO_PI_E
from paper.case import Case, Check, Draw, make_case
from paper.family import CurvedMean, FiniteFamily
from paper.point import Point, Values, Vector, derive_model, draw_domain, slope_along
from symelbo.answer.derivation import Derivation


def log_normal(x: Any, mean: Any, variance: Any) -> Any:
    """log N(x; mean, diag(variance)); one variance or one per dimension."""
    return np.sum(-((x - mean) ** 2) / (2 * variance) - log(2 * pi * variance) / 2)


def gaussian(draw: Draw, diagonal: bool) -> Case:
    """Definition 3 or 4, with a finite exponential-family prior and a nonlinear mean."""
    sizes, rng = draw.sizes("D", "L", "P"), draw.rng
    D, L, P = sizes["D"], sizes["L"], sizes["P"]
    family, mean = FiniteFamily(L, rng), CurvedMean(D, P, rng)
    xs = rng.normal(size=(3, D))
    parameters = {
        "Psi": rng.normal(size=L),
        "w": rng.normal(size=P),
        "sigma2": rng.uniform(0.4, 2.5, D if diagonal else ()),
    }

    def log_prior(v: Values) -> Any:
        return np.array([family.log_density(z, v["Psi"]) for z in family.support])

    def log_likelihood(v: Values) -> Any:
        means = [mean(z, v["w"]) for z in family.support]
        return np.array([[log_normal(x, m, v["sigma2"] + np.zeros(D)) for m in means] for x in xs])

    def entropies(v: Values) -> dict[str, Vector]:
        states = len(family.support)
        if diagonal:
            of_x = np.sum(log(TWO_PI_E * v["sigma2"])) / 2
        else:
            of_x = D / 2 * log(TWO_PI_E * v["sigma2"])
        return {"z": np.full(states, family.entropy(v["Psi"])), "x": np.full(states, of_x)}

    return make_case(
        "gaussian_diagonal" if diagonal else "gaussian_scalar",
        sizes,
        parameters,
        [{"z": z} for z in family.support],
        [{"x": x} for x in xs],
        rng,
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        entropies=entropies,
        functions=family.functions() | mean.functions() | {"numpy mean": mean},
    )


def mean_at(point: Point) -> Any:
    """mu(z; w), as NumPy has it."""
    return point.functions["numpy mean"](point.values["z"], point.values["w"])


def gaussian_density(case: Case) -> Iterator[Check]:
    D = case.sizes["D"]
    for point in case.points():
        covariance = np.diag(point.values["sigma2"] + np.zeros(D))
        normal = stats.multivariate_normal(mean_at(point), covariance)
        yield "log p(x | z)", float(normal.logpdf(point.values["x"])), point.log_density("x")


def gaussian_entropy(case: Case) -> Iterator[Check]:
    """An entropy free of the latents, and SciPy's."""
    total = case.derivation.entropy_sum
    assert total is not None
    assert next(e for e in total.entropies if e.node == "x").over == ()
    covariance = np.diag(case.parameters["sigma2"] + np.zeros(case.sizes["D"]))
    for point in case.points():
        yield "H of x", stats.multivariate_normal(cov=covariance).entropy(), point.entropy("x")
    yield "expectation", case.printed_entropy("x"), case.derived_entropy("x")


def ppca(draw: Draw) -> tuple[Point, Vector]:
    """Standard p-PCA with random parameters, and data."""
    sizes, rng = draw.sizes("D", "H"), draw.rng
    D, H = sizes["D"], sizes["H"]
    values = {
        "W": rng.normal(size=(D, H)),
        "mu": rng.normal(size=D),
        "sigma2": rng.uniform(0.4, 2.5),
    }
    return Point(derive_model("ppca"), sizes, values, {}), rng.normal(size=(5, D))


def log_likelihood_ppca(v: Values, data: Vector) -> Any:
    """(1/N) sum_n log N(x_n; mu, W W' + sigma2 1)"""
    D = data.shape[1]
    covariance = v["W"] @ v["W"].T + v["sigma2"] * np.eye(D)
    centred = data - v["mu"]
    quadratic = np.sum(centred @ np.linalg.inv(covariance) * centred) / len(data)
    return -(D * log(2 * pi) + log(np.linalg.det(covariance)) + quadratic) / 2


def elbo_ppca(v: Values, data: Vector) -> Any:
    """Eqn 2 of p-PCA with q_n = N(m_n, C_n)."""
    D, H = v["W"].shape
    log_dets = sum(log(np.linalg.det(C)) for C in v["C"]) / len(data)
    second = sum(np.outer(m, m) + C for m, C in zip(v["m"], v["C"], strict=True)) / len(data)
    rest = data - v["mu"] - v["m"] @ v["W"].T
    spread = v["W"] @ sum(v["C"]) @ v["W"].T / len(data)
    squared = np.sum(rest**2) / len(data) + np.trace(spread)
    entropy_q = (H * log(TWO_PI_E) + log_dets) / 2
    log_prior = -(H * log(2 * pi) + np.trace(second)) / 2
    return entropy_q + log_prior - (D * log(2 * pi * v["sigma2"]) + squared / v["sigma2"]) / 2


def latent_motion(point: Point) -> tuple[Vector, Vector]:
    """The derived r and s of z' = r z + s."""
    ((z, latent),) = point.derivation.motion.latents.items()
    assert z.name == "z"
    return point.array(latent.rate), point.array(latent.shift)


def motion_ppca(point: Point, data: Vector, rng: np.random.Generator) -> Iterator[Check]:
    """z' = z/2, and F = S + dF/ds at any parameters and normal q, which the motion carries along:
    m' = r m + s, C' = R C + C R.
    """
    v, H, N = point.values, point.sizes["H"], len(data)
    rate, shift = latent_motion(point)
    yield "r and s", [np.full(H, 0.5), np.zeros(H)], [rate, shift]
    field = point.field("x")
    assert sorted(field) == ["W", "sigma2"]  # mu stands still
    assert not point.field("z")
    yield "W'", -v["W"] / 2, field["W"]
    yield "sigma2'", -v["sigma2"], field["sigma2"]
    m, C = rng.normal(size=(N, H)), draw_domain("posdef", (N, H, H), rng)
    everything = {**v, "m": m, "C": C}
    carried = {"m": rate * m + shift, "C": rate[:, None] * C + C * rate}
    slope = slope_along(lambda u: elbo_ppca(u, data), everything, field | carried)
    entropy_q = np.mean([stats.multivariate_normal(cov=c).entropy() for c in C])
    derived = entropy_q - point.entropy("z") - point.entropy("x")
    yield "F less its derivative, at any q", elbo_ppca(everything, data) - slope, derived


REPARAMETERIZED = {
    "name": "p-PCA with a parameterized prior",
    "sizes": ["D", "H"],
    "parameters": {"W": "real[D,H]", "mu": "real[D]", "sigma2": "positive", "tau": "positive[H]"},
    "model": [
        "z[h] ~ Normal(0, tau[h]) for h in 1:H",
        "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H) + mu[d], sigma2) for d in 1:D",
    ],
    "observed": ["x"],
    "variational": "exact",
}


@lru_cache
def derive_reparameterized() -> Derivation:
    """Derived once."""
    return symelbo.derive(REPARAMETERIZED)


def reparameterized_ppca(point: Point, rng: np.random.Generator) -> Iterator[Check]:
    """What the paper does in place of a motion (L&W, Example 2): a prior N(0, diag(tau)), of which
    Definition 1 holds.  With V for its weights W = V diag(tau)^(1/2), and tau moves W.
    """
    tau = rng.uniform(0.4, 2.5, point.sizes["H"])
    derivation = derive_reparameterized()
    assert (derivation.verdict, derivation.theorem) == ("proved", 1)
    assert not derivation.motion.latents
    values = {**point.values, "tau": tau, "W": point.values["W"] / np.sqrt(tau)}
    with_prior = Point(derivation, point.sizes, values, {})
    alpha, beta = with_prior.field("z"), with_prior.field("x")
    assert (list(alpha), list(beta)) == (["tau"], ["sigma2"])
    yield "alpha", -tau, alpha["tau"]
    moved = values["W"] * alpha["tau"] / (2 * np.sqrt(tau))
    yield "W' through tau", moved, point.field("x")["W"]
    yield "sigma2' of both", beta["sigma2"], point.field("x")["sigma2"]
    yield "the sum of both", closed_form(with_prior), closed_form(point)


def closed_form(point: Point) -> float:
    """The derived entropy sum, in the parameters alone."""
    total = point.derivation.entropy_sum
    assert total is not None
    assert total.closed_form is not None
    return point.number(total.closed_form)


def posterior_entropy(point: Point) -> float:
    """The derived H[p(z | x)]."""
    assert point.derivation.posterior is not None
    return point.number(point.derivation.posterior.entropy)


def log_det_ppca(v: Values) -> float:
    """log det(W'W/sigma2 + 1)"""
    H = v["W"].shape[1]
    return float(np.linalg.slogdet(v["W"].T @ v["W"] / v["sigma2"] + np.eye(H))[1])


@lru_cache
def fit_digits() -> tuple[Point, Vector]:
    """p-PCA at its maximum likelihood (Tipping & Bishop): digits, H = 5, covariances with 1/N."""
    data = load_digits().data
    data = data[:, data.std(axis=0) > 0]
    H, D = 5, data.shape[1]
    eigenvalues, vectors = np.linalg.eigh(np.cov(data.T, bias=True))
    sigma2 = eigenvalues[: D - H].mean()
    W = vectors[:, D - H :] * np.sqrt(eigenvalues[D - H :] - sigma2)
    values = {"W": W, "mu": data.mean(axis=0), "sigma2": sigma2}
    return Point(derive_model("ppca"), {"D": D, "H": H}, values, {}), data


def log_likelihood_digits(point: Point, data: Vector) -> float:
    """L, by SciPy."""
    v = point.values
    covariance = v["W"] @ v["W"].T + v["sigma2"] * np.eye(data.shape[1])
    return float(np.mean(stats.multivariate_normal(v["mu"], covariance).logpdf(data)))


def digits_audit() -> Iterator[Check]:
    """L = S at an actual stationary point."""
    point, data = fit_digits()
    assert data.shape == (1797, 61)
    yield "digits", log_likelihood_digits(point, data), closed_form(point)
