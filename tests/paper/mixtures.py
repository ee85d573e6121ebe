"""The mixtures of Section 4, as the paper prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy import log, pi
from scipy import stats
from scipy.special import digamma, gammaln, loggamma, polygamma

from paper.case import Case, Check, Draw, make_case
from paper.family import FiniteFamily
from paper.point import Point, Values, Vector, draw_domain


def categorical_entropy(p: Vector) -> float:
    return float(-np.sum(p * log(p)))


def mixture(
    draw: Draw,
    stem: str,
    sizes: dict[str, int],
    components: Values,
    data: Sequence[Any],
    log_component: Callable[[Any, int, Values], Any],
    entropy: Callable[[int, Values], float],
    functions: dict[str, Any] | None = None,
) -> Case:
    """Definition 5: log p(x | Theta_c) and its entropy, c counted from 0."""
    C = sizes["C"]

    def log_likelihood(v: Values) -> Any:
        return np.array([[log_component(x, c, v) for c in range(C)] for x in data])

    def entropies(v: Values) -> dict[str, Vector]:
        return {
            "c": np.full(C, categorical_entropy(v["pi"])),
            "x": np.array([entropy(c, v) for c in range(C)]),
        }

    return make_case(
        stem,
        sizes,
        {"pi": draw.rng.dirichlet(np.full(C, 3.0)), **components},
        [{"c": c + 1} for c in range(C)],
        [{"x": x} for x in data],
        draw.rng,
        log_prior=lambda v: log(v["pi"]),
        log_likelihood=log_likelihood,
        entropies=entropies,
        functions=functions or {},
    )


def family_mixture(draw: Draw, constant: bool) -> tuple[Case, FiniteFamily]:
    """Definition 5 with a finite exponential family, of a constant base measure or not."""
    sizes = draw.sizes("C", "L")
    family = FiniteFamily(sizes["L"], draw.rng, constant)
    case = mixture(
        draw,
        "mixture_constant" if constant else "mixture_general",
        sizes,
        {"Theta": draw.rng.normal(size=(sizes["C"], sizes["L"]))},
        list(draw.rng.choice(family.support, 5)),
        lambda x, c, v: family.log_density(x, v["Theta"][c]),
        lambda c, v: family.entropy(v["Theta"][c]),
        family.functions(),
    )
    return case, family


def normal_mixture(draw: Draw, kind: str) -> Case:
    """Scalar, diagonal or full covariances."""
    sizes, rng = draw.sizes("C", "D"), draw.rng
    C, D = sizes["C"], sizes["D"]
    shape = {"scalar": (C,), "diagonal": (C, D), "full": (C, D, D)}[kind]
    name = "Sigma" if kind == "full" else "sigma2"
    spread = draw_domain("posdef" if kind == "full" else "positive", shape, rng)

    def covariance(c: int, v: Values) -> Any:
        if kind == "full":
            return v[name][c]
        return np.diag(v[name][c] + np.zeros(D))

    def log_component(x: Any, c: int, v: Values) -> Any:
        matrix, centred = covariance(c, v), x - v["mu"][c]
        quadratic = centred @ np.linalg.inv(matrix) @ centred
        return -(D * log(2 * pi) + log(np.linalg.det(matrix)) + quadratic) / 2

    return mixture(
        draw,
        f"gmm_{kind}",
        sizes,
        {"mu": rng.normal(size=(C, D)), name: spread},
        list(rng.normal(size=(12, D))),
        log_component,
        lambda c, v: float(stats.multivariate_normal(cov=covariance(c, v)).entropy()),
    )


def gamma_entropy(a: Any, b: Any) -> Any:
    """Eqn 57"""
    return a - log(b) + gammaln(a) + (1 - a) * digamma(a)


def gamma_mixture(draw: Draw) -> Case:
    """Section 4.1"""
    C, rng = draw.sizes("C")["C"], draw.rng

    def log_component(x: float, c: int, v: Values) -> Any:
        a, b = v["alpha"][c], v["beta"][c]
        return (a - 1) * log(x) - b * x - (loggamma(a) - a * log(b))

    return mixture(
        draw,
        "gamma_mixture",
        {"C": C},
        {"alpha": rng.uniform(0.5, 4.0, C), "beta": rng.uniform(0.4, 2.5, C)},
        list(rng.gamma(2.0, 1.0, 12)),
        log_component,
        lambda c, v: float(gamma_entropy(v["alpha"][c], v["beta"][c])),
    )


def poisson_mixture(draw: Draw) -> Case:
    """Section 4.2; the entropies are the pseudo-entropies of Eqn 61."""
    sizes, rng = draw.sizes("C", "D"), draw.rng
    C, D = sizes["C"], sizes["D"]

    def log_component(x: Any, c: int, v: Values) -> Any:
        rates = v["lambda"][c]
        return np.sum(x * log(rates) - rates - gammaln(x + 1))

    return mixture(
        draw,
        "poisson_mixture",
        sizes,
        {"lambda": rng.uniform(0.4, 5.0, (C, D))},
        list(rng.poisson(2.5, (12, D)).astype(float)),
        log_component,
        lambda c, v: float(np.sum(v["lambda"][c] * (1 - log(v["lambda"][c])))),
    )


def weighted(case: Case) -> tuple[Vector, Vector]:
    """Per component: the share of each data point, and the data as an array."""
    return (case.q / case.q.sum(axis=0)).T, np.array([datum["x"] for datum in case.data])


def stationary(case: Case) -> Case:
    """The parameters at which the ELBO is stationary for the given q, in closed form (M-step)."""
    shares, xs = weighted(case)
    means = shares @ xs
    if "lambda" in case.parameters:
        return case.at(pi=case.mean_q, **{"lambda": means})
    if "alpha" in case.parameters:
        gaps = log(means) - shares @ log(xs)
        shapes = np.array([solve_shape(gap) for gap in gaps])
        return case.at(pi=case.mean_q, alpha=shapes, beta=shapes / means)
    centred = xs[None] - means[:, None]
    Sigma = np.einsum("cn,cni,cnj->cij", shares, centred, centred)
    if "Sigma" in case.parameters:
        return case.at(pi=case.mean_q, mu=means, Sigma=Sigma)
    sigma2 = np.einsum("cii->ci", Sigma)
    if case.parameters["sigma2"].ndim == 1:
        sigma2 = sigma2.mean(axis=1)
    return case.at(pi=case.mean_q, mu=means, sigma2=sigma2)


def solve_shape(gap: float) -> float:
    """log a - psi(a) = gap, by Newton's method."""
    a = 0.5 / gap
    for _ in range(50):
        a /= 1 + (log(a) - digamma(a) - gap) / (1 - a * polygamma(1, a))
    return float(a)


def at_stationary_point(case: Case) -> Iterator[Check]:
    """F = S there, and so L >= S."""
    still = stationary(case)
    assert still.log_marginal() >= still.derived_sum() - 1e-12
    yield "F at a stationary point", still.elbo(), still.derived_sum()


def prior_of_mixture(draw: Draw) -> Point:
    """The categorical prior of models/mixture_constant.yaml."""
    return family_mixture(draw, constant=True)[0].point()


def printed_zeta(p: Vector) -> Vector:
    """log(pi_i / (1 - sum of the first C - 1))"""
    return np.asarray(log(p[:-1] / (1 - p[:-1].sum())))


def alpha_of(point: Point) -> Vector:
    """The derived alpha_1 ... alpha_{C-1}."""
    return point.field_vector("c", "pi")


def symmetric_directions(n: int) -> list[Vector]:
    """One per entry of the upper triangle."""
    directions = []
    for i, j in zip(*np.triu_indices(n), strict=True):
        direction = np.zeros((n, n))
        direction[i, j] = direction[j, i] = 1
        directions.append(direction)
    return directions


def full_block(case: Case, c: int) -> tuple[Vector, Vector]:
    """J_c and eta_c of a normal with full covariance, in minimal parameters; from derived eta."""
    point, D, C = case.point(c), case.sizes["D"], case.sizes["C"]
    minimal = [*range(D), *(D + i * D + j for i, j in zip(*np.triu_indices(D), strict=True))]
    columns = []
    for name, units in (("mu", list(np.eye(D))), ("Sigma", symmetric_directions(D))):
        for unit in units:
            velocity = np.zeros((C, *unit.shape))
            velocity[c] = unit
            columns.append(point.natural_along("x", {name: velocity})[minimal])
    return np.array(columns).T, point.natural("x")[minimal]


def printed_log_base(case: Case, family: FiniteFamily | None = None) -> float:
    """(1/N) sum_n log h(x_n)"""
    xs = [datum["x"] for datum in case.data]
    if family is not None:
        return float(np.mean([family.log_base(x) for x in xs]))
    return float(np.mean([-np.sum(gammaln(x + 1)) for x in xs]))


def without_base(case: Case) -> float:
    """F~ with the derived exp(eta' T - A) as p~."""
    logs = [
        point.log_density("c")
        + point.natural("x") @ point.statistic("x")
        - point.log_partition("x")
        for point in case.points()
    ]
    table = np.reshape(logs, (len(case.latents), len(case.data))).T
    return case.q_entropy() + float(case.expected(table))


def rows_of_paper(point: Point) -> list[int]:
    """The rows of eta whose statistics are log x and x, in this order."""
    x = point.values["x"]
    return [int(np.argmin(abs(point.statistic("x") - t))) for t in (log(x), x)]
