"""The paper's misprints: the printed formula fails where the corrected one, audited, holds.

docs/paper-misprints.md quotes the numbers of these tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy import exp, log, pi
from scipy import integrate, stats
from scipy.special import gammaln

import symelbo
from paper.audit import DRAWS, TWO_PI_E, assert_equal
from paper.case import Case, Draw, make_case
from paper.family import FiniteFamily
from paper.gaussians import (
    closed_form,
    fit_digits,
    gaussian,
    log_det_ppca,
    log_likelihood_digits,
    log_likelihood_ppca,
    log_normal,
    mean_at,
    ppca,
)
from paper.mixtures import (
    alpha_of,
    categorical_entropy,
    gamma_mixture,
    poisson_mixture,
    stationary,
    weighted,
)
from paper.point import Point, Values, Vector, derive_model
from symelbo.answer.derivation import Derivation
from symelbo.expfam.form import Gauge

PAGE = Path(__file__).parents[2] / "docs" / "paper-misprints.md"


def assert_cited(*numbers: str) -> None:
    """docs/paper-misprints.md quotes the numbers that a test has just produced."""
    text = PAGE.read_text(encoding="utf-8").replace("−", "-")
    for number in numbers:
        assert re.search(rf"(?<![\d.-]){re.escape(number)}(?!\d)", text), f"not quoted: {number}"


def test_the_page_names_the_test_of_every_misprint() -> None:
    named = re.findall(r"\btest_misprint_\w+", PAGE.read_text(encoding="utf-8"))
    assert set(named) == {name for name in globals() if name.startswith("test_misprint_")}


def printed_29(v: Values) -> float:
    """Eqn 29 with the sign as printed."""
    return log_det_ppca(v) / 2 - len(v["W"]) / 2 * float(log(TWO_PI_E * v["sigma2"]))


def test_misprint_eqns_28_29_sign() -> None:
    """The posterior covariance is the inverse of W'W/sigma2 + 1: its log-determinant is minus."""
    for seed in range(DRAWS):
        point, _ = ppca(Draw(seed))
        excess = printed_29(point.values) - closed_form(point)
        assert_equal("the printed excess", log_det_ppca(point.values), excess)
        assert excess > 1e-3
    point, data = fit_digits()
    likelihood = f"{log_likelihood_digits(point, data):.6f}"
    derived, printed = f"{closed_form(point):.6f}", f"{printed_29(point.values):.6f}"
    assert (likelihood, derived, printed) == ("-162.402837", "-162.402837", "-149.700981")
    assert_cited(derived, printed)


def test_misprint_proposition_2_natural_parameters() -> None:
    """eta = (mu; 1/(2s)) gives no normal density, and -s does not solve Eqn 7 for it."""
    point = gaussian(Draw(1), diagonal=False).point()
    s, mean, x = point.values["sigma2"], mean_at(point), point.values["x"]
    statistic = np.array([*x, x @ x])
    difference = statistic - np.array([*mean, mean @ mean])  # A cancels in log p(x) - log p(mean)
    right = stats.multivariate_normal(mean, s * np.eye(2))
    expected = right.logpdf(x) - right.logpdf(mean)
    derived = point.natural("x") @ (point.statistic("x") - point.with_values(x=mean).statistic("x"))
    assert_equal("log p(x) - log p(mean)", expected, derived)
    printed = np.array([*mean, 1 / (2 * s)])
    wrong = float(printed @ difference)
    assert abs(wrong - expected) > 0.5
    scaled = np.array([*np.zeros(2), -1 / (2 * s**2)]) * -s  # its Jacobian times beta = -s
    assert np.max(abs(scaled - printed)) > 0.1
    assert_cited(f"{expected:.4f}", f"{wrong:.4f}")


def test_misprint_eqn_41_last_term() -> None:
    """1/pi_c instead of 1/pi_C: at pi = (0.2, 0.3, 0.5)."""
    p = np.array([0.2, 0.3, 0.5])
    values = {"pi": p, "Theta": np.zeros((3, 1)), "c": 1, "x": 0.0}
    family = FiniteFamily(1, np.random.default_rng(0))
    point = Point(derive_model("mixture_constant"), {"C": 3, "L": 1}, values, family.functions())
    derived = point.jacobian("c", "pi")
    assert_equal("1/pi_C", np.diag(1 / p[:2]) + 1 / p[2], derived)
    printed = np.diag(1 / p[:2]) + np.tile(1 / p[:2], (2, 1))
    assert np.min(abs(printed - derived)) > 1
    zeta = point.natural("c")
    wrong, right = printed @ alpha_of(point), derived @ alpha_of(point)
    assert_equal("Eqn 42", zeta, right)
    assert np.max(abs(wrong - zeta)) > 0.3
    assert_cited(f"{printed[0, 1]:.4f}", f"{derived[0, 1]:.4f}")
    assert_cited(f"{wrong[0]:.4f}", f"{right[0]:.4f}")


POISSON_LATENT = {
    "name": "Poisson latent",
    "parameters": {"lam": "positive", "w": "real", "s": "positive"},
    "model": ["z ~ Poisson(lam)", "x ~ Normal(w*z, s)"],
    "observed": ["x"],
}


def poisson_latent(rng: np.random.Generator) -> Case:
    """A latent factor whose base measure, 1/z!, is not constant; q covers 0 ... 8."""
    zs, xs = np.arange(9.0), rng.normal(2.0, 1.5, 6)

    def log_prior(v: Values) -> Any:
        return zs * log(v["lam"]) - v["lam"] - gammaln(zs + 1)

    def log_likelihood(v: Values) -> Any:
        return -((xs[:, None] - v["w"] * zs) ** 2) / (2 * v["s"]) - log(2 * pi * v["s"]) / 2

    def entropies(v: Values) -> dict[str, Vector]:
        return {
            "z": np.full(len(zs), stats.poisson(v["lam"]).entropy()),
            "x": np.full(len(zs), log(TWO_PI_E * v["s"]) / 2),
        }

    return make_case(
        symelbo.derive(POISSON_LATENT),
        {},
        {"lam": 1.7, "w": 0.8, "s": 0.9},
        [{"z": z} for z in zs],
        [{"x": x} for x in xs],
        rng,
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        entropies=entropies,
    )


def test_misprint_eqns_49_50_latent_base_measure() -> None:
    """E_q log h_0 of the prior is missing: Eqn 50 holds for a constant prior base measure only."""
    case = poisson_latent(np.random.default_rng(3))
    assert case.derivation.theorem == 2
    for what, printed, derived in case.identity():
        assert_equal(what, printed, derived)
    zs = np.array([state["z"] for state in case.latents])
    xs = np.array([datum["x"] for datum in case.data])
    base = case.expected(-gammaln(zs + 1))
    assert_equal("E_q log h_0", base, case.derived_bases())
    w = xs @ (case.q @ zs) / np.sum(case.q @ zs**2)
    s = case.expected((xs[:, None] - w * zs) ** 2)
    still = case.at(lam=case.expected(zs), w=w, s=s)
    assert_equal("F at a stationary point", still.elbo(), still.derived_sum())
    alternative = still.elbo()  # F~ of Eqn 49 is F: the base measure of x is 1
    with_entropy = still.printed_sum()
    with_pseudo_entropy = still.derived_sum() - still.derived_bases()
    assert abs(alternative - with_entropy) > 0.1
    assert abs(alternative - with_pseudo_entropy) > 0.5
    assert_cited(f"{alternative:.4f}", f"{with_entropy:.4f}", f"{with_pseudo_entropy:.4f}")


def share_above(gaps: Sequence[float]) -> int:
    """How many of the sums S exceed the log-likelihood L, by more than rounding."""
    return sum(gap > 1e-6 for gap in gaps)


def test_misprint_eqns_55_56_62_bounds() -> None:
    """S is no lower bound of L away from stationary points, not even with the exact posterior."""
    gaps = []
    for seed in range(2, 302):
        point, data = ppca(Draw(seed))
        gaps.append(closed_form(point) - log_likelihood_ppca(point.values, data))
    counts = {"p-PCA": share_above(gaps)}
    assert counts["p-PCA"] >= 30
    makers: dict[str, Callable[[Draw], Case]] = {"gamma": gamma_mixture, "Poisson": poisson_mixture}
    for name, make in makers.items():
        gaps = []
        for seed in range(2, 102):
            case = make(Draw(seed))
            case = Case(**{**vars(case), "q": case.posterior()})
            assert_equal("L = F at the posterior", case.log_marginal(), case.derived_elbo())
            gaps.append(case.derived_sum() - case.log_marginal())
            still = stationary(case)
            assert still.log_marginal() >= still.derived_sum() - 1e-10
        counts[name] = share_above(gaps)
        assert counts[name] >= 10
        assert max(gaps) > 0.5
    assert_cited(f"{counts['p-PCA']} of 300", *(f"{counts[name]} of 100" for name in makers))


def test_misprint_sections_4_1_and_4_2_domains() -> None:
    """Gamma: x > 0, not all reals; Poisson: counts, not reals."""
    gamma, poisson = derive_model("gamma_mixture"), derive_model("poisson_mixture")
    domains = [d.model.statements[-1].node.domain.kind for d in (gamma, poisson)]
    assert domains == ["positive", "naturals"]
    values: dict[str, Any] = {"pi": [1.0], "alpha": [3.0], "beta": [1.0], "c": 1, "x": 1.0}
    point = Point(gamma, {"C": 1}, values, {})
    total, _ = integrate.quad(lambda x: exp(point.with_values(x=x).log_density("x")), 0, 60)
    assert total == pytest.approx(1, rel=1e-9)
    with pytest.raises(ValueError):
        point.with_values(x=-1.0).log_density("x")  # T = log x
    # x^(a - 1) e^(-b x) / Gamma(a) at a = 3, b = 1 exists at negative x, but is no density there
    below, _ = integrate.quad(lambda x: x**2 * exp(-x) / 2, -3, 0)
    assert below > 10
    values = {"pi": [1.0], "lambda": [[0.5]], "c": 1, "x": [0.0]}
    point = Point(poisson, {"C": 1, "D": 1}, values, {})

    def mass(x: float) -> float:
        return float(exp(point.with_values(x=[x]).log_density("x")))

    assert sum(mass(float(x)) for x in range(40)) == pytest.approx(1, rel=1e-12)
    over_reals, _ = integrate.quad(mass, 0, 40)
    assert abs(over_reals - 1) > 0.1
    assert_cited(f"{below:.4f}", f"{over_reals:.4f}")


KNOWN_VARIANCE = {
    "name": "Known variance",
    "sizes": ["D"],
    "parameters": {"pi": "unit", "W": "real[D]", "mu": "real[D]"},
    "model": ["z ~ Bernoulli(pi)", "x[d] ~ Normal(W[d]*z + mu[d], 1) for d in 1:D"],
    "observed": ["x"],
}


def known_variance(derivation: Derivation, rng: np.random.Generator) -> Case:
    """At the stationary point for a random q: weighted least squares."""
    D, xs = 2, rng.normal(0.0, 2.0, (8, 2))

    def log_likelihood(v: Values) -> Any:
        return np.array(
            [[log_normal(x, v["W"] * z + v["mu"], np.ones(D)) for z in (0, 1)] for x in xs]
        )

    def entropies(v: Values) -> dict[str, Vector]:
        of_z = categorical_entropy(np.array([v["pi"], 1 - v["pi"]]))
        return {"z": np.full(2, of_z), "x": np.full(2, D / 2 * log(TWO_PI_E))}

    case = make_case(
        derivation,
        {"D": D},
        {"pi": 0.4, "W": np.ones(D), "mu": np.zeros(D)},
        [{"z": 0.0}, {"z": 1.0}],
        [{"x": x} for x in xs],
        rng,
        log_prior=lambda v: log(np.array([1 - v["pi"], v["pi"]])),
        log_likelihood=log_likelihood,
        entropies=entropies,
    )
    shares, _ = weighted(case)
    off, on = shares @ xs
    return case.at(pi=float(case.mean_q[1]), mu=off, W=on - off)


def test_misprint_section_3_constant_base_measure() -> None:
    """With a known variance the Gaussian has none that serves: Theorem 2 holds, not Eqn 24."""
    derivation = symelbo.derive(KNOWN_VARIANCE)
    (of_x,) = (result for result in derivation.factors if result.node == "x")
    assert (derivation.verdict, derivation.theorem) == ("proved", 2)
    assert of_x.form is not None
    assert of_x.form.gauge is Gauge.TEXTBOOK
    assert derive_model("gaussian_scalar").theorem == 1
    still = known_variance(derivation, np.random.default_rng(5))
    for what, printed, derived in still.at(pi=0.3, W=still.parameters["W"] + 1).identity():
        assert_equal(what, printed, derived)
    assert_equal("F at a stationary point", still.elbo(), still.derived_sum())
    assert abs(still.elbo() - still.printed_sum()) > 1
    # with h = 1 the natural parameters are (m_d, -1/2): the last one never moves
    for point in still.points():
        jacobian = np.vstack([point.jacobian("x", "W", "mu"), np.zeros((2, 4))])
        natural = np.concatenate([point.natural("x"), np.full(2, -0.5)])
        missed = natural - jacobian @ np.linalg.lstsq(jacobian, natural, rcond=None)[0]
        assert np.linalg.norm(missed) > 0.5
    assert_cited(f"{still.elbo():.4f}", f"{still.printed_sum():.4f}")
