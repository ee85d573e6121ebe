"""Section 3: Gaussian observables, probabilistic PCA."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy import log
from scipy import stats

from paper.audit import TWO_PI_E, audited
from paper.belief_nets import sums
from paper.case import Check, Draw
from paper.gaussians import (
    closed_form,
    digits_audit,
    gaussian,
    gaussian_density,
    gaussian_entropy,
    log_det_ppca,
    log_likelihood_ppca,
    mean_at,
    motion_ppca,
    posterior_entropy,
    ppca,
    reparameterized_ppca,
)
from paper.point import slope_along


@audited
def test_eqn_23_gaussian_with_scalar_variance(draw: Draw) -> Iterator[Check]:
    yield from gaussian_density(gaussian(draw, diagonal=False))


@audited
def test_eqn_24_entropy_sum_with_scalar_variance(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=False)
    assert case.derivation.theorem == 1
    yield from sums(case)


@audited
def test_eqn_25_beta_of_the_scalar_variance(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=False).points():
        s, natural = point.values["sigma2"], point.natural("x")
        slope = point.jacobian("x", "sigma2")[:, 0]
        scaled = point.with_values(sigma2=3 * s).natural("x") * 3 * s
        yield "eta is 1/s times what is free of s", scaled, natural * s
        yield "-(1/s)(1/s) times that", -scaled / s**2, slope
        yield "-(1/s) eta", -natural / s, slope
        yield "beta", -s, point.field("x")["sigma2"]


@audited
def test_eqn_26_entropy_with_scalar_variance(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=False)
    s = case.parameters["sigma2"]
    yield "D/2 log(2 pi e s)", case.sizes["D"] / 2 * log(TWO_PI_E * s), case.derived_entropy("x")
    yield from gaussian_entropy(case)


@audited
def test_eqn_27_entropies_of_ppca(draw: Draw) -> Iterator[Check]:
    point, data = ppca(draw)
    v, D, H = point.values, point.sizes["D"], point.sizes["H"]
    of_data = v["W"] @ v["W"].T + v["sigma2"] * np.eye(D)
    of_posterior = np.eye(H) - v["W"].T @ np.linalg.solve(of_data, v["W"])
    printed = [
        stats.multivariate_normal(cov=covariance).entropy()
        for covariance in (of_posterior, np.eye(H), v["sigma2"] * np.eye(D))
    ]
    derived = [posterior_entropy(point), point.entropy("z"), point.entropy("x")]
    yield "H[p(z|x)], H[p(z)], H[p(x|z)]", printed, derived
    # L = F at the exact posterior, where no motion of q changes F to first order
    slope = slope_along(lambda u: log_likelihood_ppca(u, data), v, point.field("x"))
    likelihood = log_likelihood_ppca(v, data) - slope
    yield "L less its derivative", likelihood, derived[0] - derived[1] - derived[2]
    yield from motion_ppca(point, data, draw.rng)
    yield from reparameterized_ppca(point, draw.rng)
    if draw.seed == 0:
        yield from digits_audit()


@audited
def test_eqn_28_three_terms_of_ppca(draw: Draw) -> Iterator[Check]:
    """With the minus sign: the determinant is that of the posterior precision."""
    point, _ = ppca(draw)
    H, D = point.sizes["H"], point.sizes["D"]
    first = (H * log(TWO_PI_E) - log_det_ppca(point.values)) / 2
    second, third = H / 2 * log(TWO_PI_E), D / 2 * log(TWO_PI_E * point.values["sigma2"])
    derived = [posterior_entropy(point), point.entropy("z"), point.entropy("x")]
    yield "three terms", [first, second, third], derived


@audited
def test_eqn_29_closed_form_of_ppca(draw: Draw) -> Iterator[Check]:
    """With the minus sign."""
    point, _ = ppca(draw)
    noise = point.sizes["D"] / 2 * log(TWO_PI_E * point.values["sigma2"])
    yield "closed form", -log_det_ppca(point.values) / 2 - noise, closed_form(point)


@audited
def test_eqn_31_gaussian_with_diagonal_covariance(draw: Draw) -> Iterator[Check]:
    yield from gaussian_density(gaussian(draw, diagonal=True))


@audited
def test_eqn_32_entropy_sum_with_diagonal_covariance(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=True)
    assert case.derivation.theorem == 1
    yield from sums(case)


@audited
def test_eqn_33_natural_parameters_with_diagonal_covariance(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=True).points():
        s = point.values["sigma2"]
        assert list(point.field("x")) == ["sigma2"]
        printed = np.concatenate([mean_at(point) / s, -1 / (2 * s)])
        yield "eta = (a; b)", printed, point.natural("x")
        x = point.values["x"]
        yield "statistics", np.concatenate([x, x**2]), point.statistic("x")


@audited
def test_eqn_34_derivatives_by_the_diagonal(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=True).points():
        D = point.sizes["D"]
        columns = [point.natural_along("x", {"sigma2": unit}) for unit in np.eye(D)]
        of_a = np.array([column[:D] for column in columns]).T
        of_b = np.array([column[D:] for column in columns]).T
        yield "da over db, by dual numbers", np.vstack([of_a, of_b]), point.jacobian("x", "sigma2")


@audited
def test_eqn_35_beta_of_the_diagonal(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=True).points():
        s = point.values["sigma2"]
        A, B = np.diag(-mean_at(point) / s**2), np.diag(1 / (2 * s**2))
        yield "Jacobian (A; B)", np.vstack([A, B]), point.jacobian("x", "sigma2")
        yield "beta", -s, point.field("x")["sigma2"]


@audited
def test_eqn_36_entropy_with_diagonal_covariance(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=True)
    printed = np.sum(log(TWO_PI_E * case.parameters["sigma2"])) / 2
    yield "1/2 sum_d log(2 pi e s_d)", printed, case.derived_entropy("x")
    yield from gaussian_entropy(case)
