"""Section 4: mixtures of exponential families."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy import exp, log
from scipy import stats
from scipy.special import gammaln

from paper.audit import audited
from paper.belief_nets import sums
from paper.case import Check, Draw
from paper.mixtures import (
    alpha_of,
    at_stationary_point,
    categorical_entropy,
    family_mixture,
    full_block,
    gamma_entropy,
    gamma_mixture,
    normal_mixture,
    poisson_mixture,
    printed_log_base,
    printed_zeta,
    prior_of_mixture,
    rows_of_paper,
    stationary,
    without_base,
)
from paper.point import slope_along
from symelbo.entropy.summand import Kind
from symelbo.expfam.form import Gauge


@audited
def test_eqn_37_prior_of_mixtures(draw: Draw) -> Iterator[Check]:
    for point in family_mixture(draw, constant=True)[0].points():
        printed = point.values["pi"][point.values["c"] - 1]
        yield "p(c)", printed, exp(point.log_density("c"))


@audited
def test_eqn_38_observable_of_mixtures(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=True)
    for point in case.points():
        c, Theta = point.values["c"] - 1, point.values["Theta"]
        printed = family.log_density(point.values["x"], Theta[c])
        yield "log p(x | Theta_c)", printed, point.log_density("x")
        others = Theta + 1.0
        others[c] = Theta[c]
        elsewhere = point.with_values(Theta=others).log_density("x")
        yield "the other components do not matter", printed, elsewhere


@audited
def test_eqn_39_entropy_sum_of_mixtures(draw: Draw) -> Iterator[Check]:
    cases = [
        family_mixture(draw, constant=True)[0],
        gamma_mixture(draw),
        *(normal_mixture(draw, kind) for kind in ("scalar", "diagonal", "full")),
    ]
    for case in cases:
        assert case.derivation.theorem == 1
        yield from sums(case)
        if "Theta" not in case.parameters:
            yield from at_stationary_point(case)


@audited
def test_eqn_40_categorical_exponential_family(draw: Draw) -> Iterator[Check]:
    for point in family_mixture(draw, constant=True)[0].points():
        p, c = point.values["pi"], point.values["c"]
        yield "zeta", printed_zeta(p), point.natural("c")
        delta = [float(c == i) for i in range(1, len(p))]
        yield "T", delta, point.statistic("c")
        yield "A", -log(1 - p[:-1].sum()), point.log_partition("c")
        yield "log h", 0.0, point.log_base("c")


@audited
def test_eqn_41_jacobian_of_the_categorical(draw: Draw) -> Iterator[Check]:
    """With the last term 1/pi_C."""
    point = prior_of_mixture(draw)
    p = point.values["pi"]
    n = len(p) - 1
    printed = np.diag(1 / p[:-1]) + np.full((n, n), 1 / p[-1])
    yield "Jacobian", printed, point.jacobian("c", "pi")


@audited
def test_eqn_42_alpha_of_the_categorical(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p, alpha = point.values["pi"], alpha_of(point)
    middle = alpha / p[:-1] + alpha.sum() / p[-1]
    yield "Jacobian times alpha", middle, point.jacobian("c", "pi") @ alpha
    yield "is zeta", middle, point.natural("c")


@audited
def test_eqn_43_sum_of_alpha(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p, alpha = point.values["pi"], alpha_of(point)
    left = p[:-1] @ point.natural("c")
    yield "middle", alpha.sum() + p[:-1].sum() * alpha.sum() / p[-1], left
    yield "right", alpha.sum() / p[-1], left


@audited
def test_eqn_44_rho_of_the_categorical(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p = point.values["pi"]
    yield "rho", np.sum(p[:-1] * printed_zeta(p)), alpha_of(point).sum() / p[-1]


@audited
def test_eqn_45_alpha_in_closed_form(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p = point.values["pi"]
    zeta = printed_zeta(p)
    yield "alpha", p[:-1] * (zeta - np.sum(p[:-1] * zeta)), alpha_of(point)
    yield "all pi keep their sum", 0.0, point.field("c")["pi"].sum()


@audited
def test_eqn_46_block_jacobian_of_mixtures(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=True)
    L, C = case.sizes["L"], case.sizes["C"]
    for point in case.points():
        c = point.values["c"] - 1
        blocks = [np.zeros((L, L))] * C
        blocks[c] = family.jacobian(point.values["Theta"][c])
        yield "Jacobian", np.hstack(blocks), point.jacobian("x", "Theta")


@audited
def test_eqn_47_block_beta_of_mixtures(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=True)
    printed = [
        np.linalg.solve(family.jacobian(theta), family.natural(theta))
        for theta in case.parameters["Theta"]
    ]
    yield "any family", np.array(printed), case.field("x")["Theta"]
    case = gamma_mixture(draw)
    alpha, beta, field = case.parameters["alpha"], case.parameters["beta"], case.field("x")
    for c in range(case.sizes["C"]):
        block = np.linalg.solve(np.diag([1.0, -1.0]), [alpha[c] - 1, -beta[c]])
        yield "gamma", block, [field["alpha"][c], field["beta"][c]]
    case = poisson_mixture(draw)
    rates = case.parameters["lambda"]
    printed = [np.linalg.solve(np.diag(1 / row), log(row)) for row in rates]
    yield "Poisson", np.array(printed), case.field("x")["lambda"]
    case = normal_mixture(draw, "full")
    D, field = case.sizes["D"], case.field("x")
    still = np.zeros((case.sizes["C"], D))
    for c in range(case.sizes["C"]):
        upper = field["Sigma"][c][np.triu_indices(D)]
        derived = np.concatenate([field.get("mu", still)[c], upper])
        yield "normal", np.linalg.solve(*full_block(case, c)), derived


@audited
def test_eqn_48_jacobian_times_beta_of_mixtures(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=True)
    for point in case.points():
        c = point.values["c"] - 1
        product = point.jacobian("x", "Theta") @ point.field_vector("x", "Theta")
        printed = family.natural(point.values["Theta"][c])
        yield "Jacobian times beta", printed, product
        yield "eta(c; Theta)", printed, point.natural("x")


@audited
def test_eqn_49_alternative_elbo(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=False)
    yield "F~, any family", case.elbo() - printed_log_base(case, family), without_base(case)
    yield "log h, any family", printed_log_base(case, family), case.derived_bases()
    case = poisson_mixture(draw)
    yield "F~, Poisson", case.elbo() - printed_log_base(case), without_base(case)
    yield "log h, Poisson", printed_log_base(case), case.derived_bases()


@audited
def test_eqn_50_entropy_sum_with_base_measures(draw: Draw) -> Iterator[Check]:
    """Where the prior's base measure is constant."""
    case, family = family_mixture(draw, constant=False)
    assert case.derivation.theorem == 2
    slope = slope_along(case.elbo, case.parameters, case.field())
    alternative = case.elbo() - printed_log_base(case, family)
    derived = case.derived_sum() - case.derived_bases()
    yield "F~ less its derivative", alternative - slope, derived
    yield "right-hand side", case.printed_sum(), derived


@audited
def test_eqn_51_pseudo_entropy(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=False)
    for point in case.points():
        theta = point.values["Theta"][point.values["c"] - 1]
        yield "any family, by definition", family.entropy(theta), point.entropy("x")
        closed = family.log_partition(theta) - family.natural(theta) @ family.mean(theta)
        yield "any family, -eta' grad A + A", closed, point.entropy("x")
    counts = np.arange(80.0)
    for point in poisson_mixture(draw).points():
        rates = point.values["lambda"][point.values["c"] - 1]
        masses = stats.poisson.pmf(counts[:, None], rates)
        by_definition = -np.sum(masses * (counts[:, None] * log(rates) - rates))
        yield "Poisson, by definition", by_definition, point.entropy("x")
        closed = point.log_partition("x") - point.natural("x") @ point.means("x")
        yield "Poisson, -eta' grad A + A", closed, point.entropy("x")


@audited
def test_eqn_52_entropy_sum_of_general_mixtures(draw: Draw) -> Iterator[Check]:
    for case in (family_mixture(draw, constant=False)[0], poisson_mixture(draw)):
        assert case.derivation.theorem == 2
        yield from sums(case)


@audited
def test_eqn_53_pseudo_entropy_of_the_categorical(draw: Draw) -> Iterator[Check]:
    case, _ = family_mixture(draw, constant=False)
    point = case.point()
    assert point.form("c").gauge is Gauge.CONSTANT
    total = point.derivation.entropy_sum
    assert total is not None
    kinds = {e.node: e.kind for e in total.entropies}
    assert kinds == {"c": Kind.ENTROPY, "x": Kind.PSEUDO_ENTROPY}
    yield "H~[Cat] is H[Cat]", case.printed_entropy("c"), case.derived_entropy("c")
    yield from case.split_identity()


@audited
def test_eqn_54_gamma_exponential_family(draw: Draw) -> Iterator[Check]:
    case = gamma_mixture(draw)
    for point in case.points():
        c, x, rows = point.values["c"] - 1, point.values["x"], rows_of_paper(point)
        a, b = point.values["alpha"][c], point.values["beta"][c]
        yield "T", [log(x), x], point.statistic("x")[rows]
        yield "eta", [a - 1, -b], point.natural("x")[rows]
        yield "A", gammaln(a) - a * log(b), point.log_partition("x")
        yield "log h", 0.0, point.log_base("x")
        yield "log p", stats.gamma.logpdf(x, a, scale=1 / b), point.log_density("x")
        columns = [c, case.sizes["C"] + c]
        block = point.jacobian("x", "alpha", "beta")[rows][:, columns]
        yield "Jacobian", np.diag([1.0, -1.0]), block


@audited
def test_eqn_55_elbo_of_gamma_mixtures(draw: Draw) -> Iterator[Check]:
    """L >= F at all parameters; the gap is the mean KL divergence of q from the posterior."""
    case = gamma_mixture(draw)
    gap = case.expected(log(case.q / case.posterior()))
    assert gap >= -1e-12
    yield "L less the divergence is F", case.log_marginal() - gap, case.derived_elbo()


@audited
def test_eqn_56_entropy_sum_of_gamma_mixtures(draw: Draw) -> Iterator[Check]:
    """F = S, at stationary points."""
    case = gamma_mixture(draw)
    alpha, beta = case.parameters["alpha"], case.parameters["beta"]
    last = sum(case.mean_q[c] * gamma_entropy(alpha[c], beta[c]) for c in range(len(alpha)))
    printed = case.q_entropy() - categorical_entropy(case.parameters["pi"]) - last
    yield "entropy sum", printed, case.derived_sum()
    yield from case.identity()
    yield from at_stationary_point(case)


@audited
def test_eqn_57_entropy_of_the_gamma(draw: Draw) -> Iterator[Check]:
    for point in gamma_mixture(draw).points():
        c = point.values["c"] - 1
        a, b = point.values["alpha"][c], point.values["beta"][c]
        yield "as printed", gamma_entropy(a, b), point.entropy("x")
        yield "SciPy's", float(stats.gamma(a, scale=1 / b).entropy()), point.entropy("x")


@audited
def test_eqn_58_poisson_exponential_family(draw: Draw) -> Iterator[Check]:
    for point in poisson_mixture(draw).points():
        x, rates = point.values["x"], point.values["lambda"][point.values["c"] - 1]
        yield "eta", log(rates), point.natural("x")
        yield "T", x, point.statistic("x")
        yield "A", rates.sum(), point.log_partition("x")
        yield "log h", -np.sum(gammaln(x + 1)), point.log_base("x")
        yield "log p", stats.poisson.logpmf(x, rates).sum(), point.log_density("x")


@audited
def test_eqn_59_jacobian_of_the_poisson(draw: Draw) -> Iterator[Check]:
    case = poisson_mixture(draw)
    D = case.sizes["D"]
    for point in case.points():
        c = point.values["c"] - 1
        block = point.jacobian("x", "lambda")[:, c * D : (c + 1) * D]
        yield "Jacobian", np.diag(1 / point.values["lambda"][c]), block


@audited
def test_eqn_60_alternative_elbo_of_poisson_mixtures(draw: Draw) -> Iterator[Check]:
    case = poisson_mixture(draw)
    slope = slope_along(case.elbo, case.parameters, case.field())
    derived = case.derived_sum() - case.derived_bases()
    yield "F~ less its derivative", case.elbo() - printed_log_base(case) - slope, derived
    yield "right-hand side", case.printed_sum(), derived
    still = stationary(case)
    alternative = still.elbo() - printed_log_base(still)
    yield "at a stationary point", alternative, still.printed_sum()


@audited
def test_eqn_61_pseudo_entropy_of_the_poisson(draw: Draw) -> Iterator[Check]:
    for point in poisson_mixture(draw).points():
        rates = point.values["lambda"][point.values["c"] - 1]
        yield "pseudo-entropy", np.sum(rates * (1 - log(rates))), point.entropy("x")


@audited
def test_eqn_62_entropy_sum_of_poisson_mixtures(draw: Draw) -> Iterator[Check]:
    """At stationary points."""
    case = poisson_mixture(draw)
    rates, xs = case.parameters["lambda"], [datum["x"] for datum in case.data]
    third = sum(case.mean_q[c] * np.sum(r * (1 - log(r))) for c, r in enumerate(rates))
    fourth = np.mean([np.sum(gammaln(x + 1)) for x in xs])
    printed = case.q_entropy() - categorical_entropy(case.parameters["pi"]) - third - fourth
    yield "right-hand side", printed, case.derived_sum()
    yield from at_stationary_point(case)
