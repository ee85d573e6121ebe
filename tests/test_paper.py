"""The paper, equation by equation: what it prints against what symelbo derives.

Warnken, Velychko, Damm, Fischer, Lücke: Generative Models with ELBOs Converging to Entropy Sums.
Every check compares a formula as printed (plain NumPy) with a derived term (evaluated at the same
random numbers), at several sizes.  `pytest -k eqn_45` selects an equation.  Where the paper has a
misprint, the corrected formula stands in EQUATIONS, and a test `test_misprint_...` shows that the
printed one fails; docs/paper-misprints.md quotes the numbers of these tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy import exp, log, pi
from paper.case import Case, Check, Draw, make_case
from paper.family import CurvedMean, FiniteFamily
from paper.point import MODELS, Point, Values, Vector, derive_model, draw_domain, slope_along
from scipy import integrate, stats
from scipy.special import digamma, gammaln, loggamma, polygamma
from sklearn.datasets import load_digits

import symelbo
from symelbo.answer.derivation import Derivation
from symelbo.criterion.factor import Factor, is_parent, make_factor
from symelbo.criterion.result import Closure, Holds
from symelbo.entropy.summand import Kind
from symelbo.expfam.form import Gauge
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Entry, Offset, Role, Symbol, Term
from symelbo.trial.evaluate import Smooth, World, evaluate, walk

DRAWS = 6
PAGE = Path(__file__).parents[1] / "docs" / "paper-misprints.md"
TWO_PI_E = 2 * pi * np.e

NOT_FORMULAS = {
    22: "names the prior p_Psi(z) of Definition 3; Eqn 24 is audited with the abstract prior F",
    30: "names the prior p_Psi(z) of Definition 4; Eqn 32 is audited with the abstract prior F",
}

Audit = Callable[[Draw], Iterator[Check]]
EQUATIONS: dict[int, Audit] = {}


def equation(number: int) -> Callable[[Audit], Audit]:
    """Register the audit of one equation."""

    def register(audit: Audit) -> Audit:
        assert number not in EQUATIONS
        EQUATIONS[number] = audit
        return audit

    return register


# ------------------------------------------------------------------------------ Section 1


def random_points(stem: str, draw: Draw) -> Point:
    """A model of models/ at random sizes, values and functions."""
    derivation = derive_model(stem)
    model = derivation.model
    sizes = draw.sizes(*model.sizes)
    functions: dict[str, Any] = {}
    point = Point(derivation, sizes, {}, functions)
    length = point.world().length
    nodes = [statement.node for statement in model.statements]
    known = (*model.constants, *model.inputs)
    values = {
        symbol.name: draw_domain(
            symbol.domain.kind,
            tuple(map(length, symbol.shape)),
            draw.rng,
            categories(symbol, sizes),
        )
        for symbol in (*known, *model.parameters, *model.variational_symbols, *nodes)
    }
    for symbol in model.functions:
        functions[symbol.name] = Smooth(symbol, length, draw.seed)
    for statement in model.statements:
        if statement.family.abstract:
            functions |= FiniteFamily(sizes["L"], draw.rng).functions(statement.family.name)
    return Point(derivation, sizes, values, functions)


def categories(symbol: Symbol, sizes: Mapping[str, int]) -> int:
    """The last category of a node."""
    upper = symbol.domain.upper
    return sizes.get("C", 1) if upper is None else int(evaluate(upper, World(sizes, {})).value)


def criterion(draw: Draw, of_prior: bool) -> Iterator[Check]:
    """Definition 1 for every factor of every model, and (U), which contains it.

    A prior without parameters, as in the standard parameterization of p-PCA, has no field: its
    natural parameters are numbers.  There the latent moves itself, z' = r z + s; Definition 1 holds
    of the layer that reads z along the parameters and z together, and of the prior holds (U).
    """
    for path in sorted(MODELS.glob("*.yaml")):
        point = random_points(path.stem, draw)
        derivation = point.derivation
        for result in derivation.factors:
            node, name = result.node, f"{path.stem}, {result.node}"
            assert (result.verdict == "holds") is (name not in REFUTED), name
            is_prior = node not in derivation.model.observed and not point.factor(node).parents()
            if is_prior is not of_prior or name in REFUTED:
                continue
            for what, left, right in (*definition_1(point, node), *form_free(point, node)):
                yield f"{name}: {what}", left, right
        if of_prior:
            for what, left, right in closure_of_q(point):
                yield f"{path.stem}: {what}", left, right


REFUTED = {"sbn_rigid, x1", "sbn_rigid, x2"}  # L&W, Example 3


def definition_1(point: Point, node: str) -> Iterator[Check]:
    """The natural parameters scale: along the field, and along the motion where a parent moves."""
    result, motion = point.result(node), point.result(node).motion
    moving = {symbol.name for symbol in motion.latents}
    assert result.field or moving, node
    arrays = [*result.field.values()]
    arrays += [array for moved in motion.latents.values() for array in (moved.rate, moved.shift)]
    mentioned = [symbol for array in arrays for symbol in symbols_of(array)]
    assert not any(is_parent(symbol) for symbol in mentioned), f"{node}: depends on latents"
    natural, field = point.natural(node), point.field(node)
    if point.factor(node).node.name in moving:
        # where parameters or parents move as well, it is no Definition 1: (U) alone is of it
        if not field and not point.factor(node).parents():
            yield "nothing scales", 0 * natural, point.natural_along(node, point.velocities())
        return
    by_parents = {name: v for name, v in point.velocities().items() if name in moving}
    rest = point.natural_along(node, by_parents)
    assert bool(np.any(abs(rest) > 1e-6)) is bool(moving), node  # without it (B) fails
    product = point.jacobian(node) @ point.field_vector(node)
    yield "Jacobian times field", natural, product + rest
    yield "derivative along the field", natural, point.natural_along(node, field | by_parents)


def mentions_own_value(factor: Factor, term: Term) -> bool:
    """Whether v stands in the term: of a chain z[t-1] is a parent, and z[t] is v."""
    entries = [e for e in walk((term,)) if isinstance(e, Entry) and e.symbol == factor.node]
    return any(not any(isinstance(i, Offset) for i in e.indices) for e in entries)


def form_free(point: Point, node: str) -> Iterator[Check]:
    """(U): log p - D log p = b - H~ + d at a random point, D along one motion for all factors.

    The density is the model's, and the derived exponential family; d is the divergence of the
    motion in the factor's own value, by derivatives; b, H~ and D b depend on what they may.
    """
    factor, identity = point.factor(node), point.result(node).identity
    assert identity is not None
    others = {s for s in symbols_of(identity.base) if s != factor.node}
    assert not any(s.role in (Role.PARAMETER, Role.LATENT, Role.OBSERVED) for s in others), node
    assert not mentions_own_value(factor, identity.entropy), node
    assert factor.node not in symbols_of(identity.divergence), node
    assert factor.node not in symbols_of(identity.base_change), node
    assert identity.is_entropy is (factor.node not in symbols_of(identity.base))
    velocities, over = point.velocities(), factor.over_plates
    base, divergence = over(identity.base), point.divergence(node)
    yield "d", divergence, point.number(over(identity.divergence))
    change = point.number(over(identity.base_change))
    yield "D b", point.number_along(base, velocities), change
    density = over(factor.log_density)
    right = point.number(base) - point.entropy(node) + divergence
    left = point.number(density) - point.number_along(density, velocities)
    yield "(U)", right, left
    yield "the form is the density", point.number(density), point.log_density(node)
    along = point.log_density_along(node, velocities)
    yield "(U) of the form", right, point.log_density(node) - along


def closure_of_q(point: Point) -> Iterator[Check]:
    """D log q = -(the sum of r) for declared q: its own parameters follow the latents."""
    derivation = point.derivation
    motion, declared = derivation.motion, derivation.model.variational
    if not motion.latents:
        assert derivation.closure is Closure.NOT_NEEDED
        return
    if isinstance(declared, str):
        assert derivation.closure is {"exact": Closure.EXACT, "any": Closure.ASSUMED}[declared]
        return
    assert derivation.closure is Closure.SHOWN
    assert motion.variational
    for statement in declared:
        factor = make_factor(statement)
        change = point.number_along(factor.over_plates(factor.log_density), point.velocities())
        yield f"D log q of {factor.name}", -point.divergence(factor.name), change


@equation(6)
def _(draw: Draw) -> Iterator[Check]:
    yield from criterion(draw, of_prior=True)


@equation(7)
def _(draw: Draw) -> Iterator[Check]:
    yield from criterion(draw, of_prior=False)


# ------------------------------------------------------------------------------ Section 2


def sigmoid(a: Any) -> Any:
    return 1 / (1 + exp(-a))


def bernoulli(v: Any, p: Any) -> Any:
    """prod Bern(v; p), Bern(z; pi) = pi^z (1 - pi)^(1 - z)"""
    return np.prod(p**v * (1 - p) ** (1 - v))


def binary(n: int) -> list[Vector]:
    """{0, 1}^n"""
    return [np.array(bits, dtype=float) for bits in product((0, 1), repeat=n)]


def bernoulli_entropy(p: Vector) -> float:
    """-sum_v p(v) log p(v) over all states, by definition."""
    masses = np.array([bernoulli(v, p) for v in binary(len(p))])
    return float(-np.sum(masses * log(masses)))


def belief_net(draw: Draw) -> Case:
    """Definition 2."""
    sizes, rng = draw.sizes("H", "D"), draw.rng
    H, D = sizes["H"], sizes["D"]
    zs, xs = binary(H), [rng.integers(0, 2, D).astype(float) for _ in range(4)]
    parameters = {
        "pi": rng.uniform(0.1, 0.9, H),
        "W": rng.normal(size=(D, H)),
        "mu": rng.normal(size=D),
    }

    def log_prior(v: Values) -> Any:
        return np.array([log(bernoulli(z, v["pi"])) for z in zs])

    def log_likelihood(v: Values) -> Any:
        means = [sigmoid(v["W"] @ z + v["mu"]) for z in zs]
        return np.array([[log(bernoulli(x, p)) for p in means] for x in xs])

    def entropies(v: Values) -> dict[str, Vector]:
        return {
            "z": np.full(len(zs), bernoulli_entropy(v["pi"])),
            "x": np.array([bernoulli_entropy(sigmoid(v["W"] @ z + v["mu"])) for z in zs]),
        }

    return make_case(
        "sbn",
        sizes,
        parameters,
        [{"z": z} for z in zs],
        [{"x": x} for x in xs],
        rng,
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        entropies=entropies,
    )


def deep_belief_net(draw: Draw) -> Case:
    """Eqns 18 to 20."""
    sizes, rng = draw.sizes("H", "I", "D"), draw.rng
    H, I, D = sizes["H"], sizes["I"], sizes["D"]
    states = list(product(binary(H), binary(I)))
    xs = [rng.integers(0, 2, D).astype(float) for _ in range(3)]
    parameters = {
        "pi": rng.uniform(0.1, 0.9, H),
        "M": rng.normal(size=(I, H)),
        "nu": rng.normal(size=I),
        "W": rng.normal(size=(D, I)),
        "mu": rng.normal(size=D),
    }

    def log_prior(v: Values) -> Any:
        return np.array(
            [
                log(bernoulli(z, v["pi"])) + log(bernoulli(y, sigmoid(v["M"] @ z + v["nu"])))
                for z, y in states
            ]
        )

    def log_likelihood(v: Values) -> Any:
        means = [sigmoid(v["W"] @ y + v["mu"]) for _, y in states]
        return np.array([[log(bernoulli(x, p)) for p in means] for x in xs])

    def entropies(v: Values) -> dict[str, Vector]:
        return {
            "z": np.full(len(states), bernoulli_entropy(v["pi"])),
            "y": np.array([bernoulli_entropy(sigmoid(v["M"] @ z + v["nu"])) for z, _ in states]),
            "x": np.array([bernoulli_entropy(sigmoid(v["W"] @ y + v["mu"])) for _, y in states]),
        }

    return make_case(
        "sbn_deep",
        sizes,
        parameters,
        [{"z": z, "y": y} for z, y in states],
        [{"x": x} for x in xs],
        rng,
        log_prior=log_prior,
        log_likelihood=log_likelihood,
        entropies=entropies,
    )


def sums(case: Case) -> Iterator[Check]:
    """The entropies and their sum, as printed and as derived; the theorem through the identity."""
    for node in case.entropies(case.parameters):
        yield f"entropy of {node}", case.printed_entropy(node), case.derived_entropy(node)
    yield "entropy sum", case.printed_sum(), case.derived_sum() - case.derived_bases()
    yield from case.identity()


def bernoulli_layer(case: Case, node: str, logits: Callable[[Point], Any]) -> Iterator[Check]:
    """A layer's derived exponential family is the printed product of Bernoulli distributions."""
    for point in case.points():
        printed = bernoulli(point.values[node], sigmoid(logits(point)))
        yield f"p({node})", printed, exp(point.log_density(node))


@equation(8)
def _(draw: Draw) -> Iterator[Check]:
    for point in belief_net(draw).points():
        printed = bernoulli(point.values["z"], point.values["pi"])
        yield "p(z)", printed, exp(point.log_density("z"))


@equation(9)
def _(draw: Draw) -> Iterator[Check]:
    case = belief_net(draw)
    p = case.parameters
    yield from bernoulli_layer(case, "x", lambda at: p["W"] @ at.values["z"] + p["mu"])


@equation(10)
def _(draw: Draw) -> Iterator[Check]:
    yield from sums(belief_net(draw))


@equation(11)
def _(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    H, D = point.sizes["H"], point.sizes["D"]
    assert list(point.field("z")) == ["pi"]
    assert sorted(point.field("x")) == ["W", "mu"]
    yield "entries of Psi", H, len(point.field_vector("z"))
    yield "entries of Theta", H * D + D, len(point.field_vector("x"))


@equation(12)
def _(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    p = point.values["pi"]
    yield "zeta", log(p / (1 - p)), point.natural("z")


@equation(13)
def _(draw: Draw) -> Iterator[Check]:
    case = belief_net(draw)
    W, mu = case.parameters["W"], case.parameters["mu"]
    for point in case.points():
        z = point.values["z"]
        yield "eta", sum(W[:, h] * z[h] for h in range(len(z))) + mu, point.natural("x")


@equation(14)
def _(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    p = point.values["pi"]
    printed = np.diag(1 / (p * (1 - p)))
    yield "Jacobian", printed, point.jacobian("z", "pi")
    inverse = np.linalg.solve(printed, log(p / (1 - p)))
    yield "alpha, the inverse times zeta", inverse, point.field("z")["pi"]


def columns_of_paper(point: Point) -> list[int]:
    """W[d, h] row by row, then mu -> w_1 ... w_H, mu (Eqn 11)."""
    H, D = point.sizes["H"], point.sizes["D"]
    return [d * H + h for h in range(H) for d in range(D)] + [H * D + d for d in range(D)]


@equation(15)
def _(draw: Draw) -> Iterator[Check]:
    for point in belief_net(draw).points():
        unit = np.eye(point.sizes["D"])
        printed = np.hstack([*(z * unit for z in point.values["z"]), unit])
        yield "Jacobian", printed, point.jacobian("x", "W", "mu")[:, columns_of_paper(point)]


@equation(16)
def _(draw: Draw) -> Iterator[Check]:
    point = belief_net(draw).point()
    printed = np.concatenate([*point.values["W"].T, point.values["mu"]])
    yield "beta", printed, point.field_vector("x", "W", "mu")[columns_of_paper(point)]


@equation(17)
def _(draw: Draw) -> Iterator[Check]:
    case = belief_net(draw)
    assert case.derivation.theorem == 1
    yield from case.split_identity()


@equation(18)
def _(draw: Draw) -> Iterator[Check]:
    for point in deep_belief_net(draw).points():
        printed = bernoulli(point.values["z"], point.values["pi"])
        yield "p(z)", printed, exp(point.log_density("z"))


@equation(19)
def _(draw: Draw) -> Iterator[Check]:
    case = deep_belief_net(draw)
    p = case.parameters
    yield from bernoulli_layer(case, "y", lambda at: p["M"] @ at.values["z"] + p["nu"])


@equation(20)
def _(draw: Draw) -> Iterator[Check]:
    case = deep_belief_net(draw)
    p = case.parameters
    yield from bernoulli_layer(case, "x", lambda at: p["W"] @ at.values["y"] + p["mu"])


@equation(21)
def _(draw: Draw) -> Iterator[Check]:
    case = deep_belief_net(draw)
    assert case.derivation.theorem == 1
    yield from sums(case)


# ------------------------------------------------------------------------------ Section 3


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


@equation(23)
def _(draw: Draw) -> Iterator[Check]:
    yield from gaussian_density(gaussian(draw, diagonal=False))


@equation(24)
def _(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=False)
    assert case.derivation.theorem == 1
    yield from sums(case)


@equation(25)
def _(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=False).points():
        s, natural = point.values["sigma2"], point.natural("x")
        slope = point.jacobian("x", "sigma2")[:, 0]
        scaled = point.with_values(sigma2=3 * s).natural("x") * 3 * s
        yield "eta is 1/s times what is free of s", scaled, natural * s
        yield "-(1/s)(1/s) times that", -scaled / s**2, slope
        yield "-(1/s) eta", -natural / s, slope
        yield "beta", -s, point.field("x")["sigma2"]


def gaussian_entropy(case: Case) -> Iterator[Check]:
    """An entropy free of the latents, and SciPy's."""
    total = case.derivation.entropy_sum
    assert total is not None
    assert next(e for e in total.entropies if e.node == "x").over == ()
    covariance = np.diag(case.parameters["sigma2"] + np.zeros(case.sizes["D"]))
    for point in case.points():
        yield "H of x", stats.multivariate_normal(cov=covariance).entropy(), point.entropy("x")
    yield "expectation", case.printed_entropy("x"), case.derived_entropy("x")


@equation(26)
def _(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=False)
    s = case.parameters["sigma2"]
    yield "D/2 log(2 pi e s)", case.sizes["D"] / 2 * log(TWO_PI_E * s), case.derived_entropy("x")
    yield from gaussian_entropy(case)


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


@equation(27)
def _(draw: Draw) -> Iterator[Check]:
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


def log_det_ppca(v: Values) -> float:
    """log det(W'W/sigma2 + 1)"""
    H = v["W"].shape[1]
    return float(np.linalg.slogdet(v["W"].T @ v["W"] / v["sigma2"] + np.eye(H))[1])


@equation(28)
def _(draw: Draw) -> Iterator[Check]:
    """With the minus sign: the determinant is that of the posterior precision."""
    point, _ = ppca(draw)
    H, D = point.sizes["H"], point.sizes["D"]
    first = (H * log(TWO_PI_E) - log_det_ppca(point.values)) / 2
    second, third = H / 2 * log(TWO_PI_E), D / 2 * log(TWO_PI_E * point.values["sigma2"])
    derived = [posterior_entropy(point), point.entropy("z"), point.entropy("x")]
    yield "three terms", [first, second, third], derived


@equation(29)
def _(draw: Draw) -> Iterator[Check]:
    """With the minus sign."""
    point, _ = ppca(draw)
    noise = point.sizes["D"] / 2 * log(TWO_PI_E * point.values["sigma2"])
    yield "closed form", -log_det_ppca(point.values) / 2 - noise, closed_form(point)


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


@equation(31)
def _(draw: Draw) -> Iterator[Check]:
    yield from gaussian_density(gaussian(draw, diagonal=True))


@equation(32)
def _(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=True)
    assert case.derivation.theorem == 1
    yield from sums(case)


@equation(33)
def _(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=True).points():
        s = point.values["sigma2"]
        assert list(point.field("x")) == ["sigma2"]
        printed = np.concatenate([mean_at(point) / s, -1 / (2 * s)])
        yield "eta = (a; b)", printed, point.natural("x")
        x = point.values["x"]
        yield "statistics", np.concatenate([x, x**2]), point.statistic("x")


@equation(34)
def _(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=True).points():
        D = point.sizes["D"]
        columns = [point.natural_along("x", {"sigma2": unit}) for unit in np.eye(D)]
        of_a = np.array([column[:D] for column in columns]).T
        of_b = np.array([column[D:] for column in columns]).T
        yield "da over db, by dual numbers", np.vstack([of_a, of_b]), point.jacobian("x", "sigma2")


@equation(35)
def _(draw: Draw) -> Iterator[Check]:
    for point in gaussian(draw, diagonal=True).points():
        s = point.values["sigma2"]
        A, B = np.diag(-mean_at(point) / s**2), np.diag(1 / (2 * s**2))
        yield "Jacobian (A; B)", np.vstack([A, B]), point.jacobian("x", "sigma2")
        yield "beta", -s, point.field("x")["sigma2"]


@equation(36)
def _(draw: Draw) -> Iterator[Check]:
    case = gaussian(draw, diagonal=True)
    printed = np.sum(log(TWO_PI_E * case.parameters["sigma2"])) / 2
    yield "1/2 sum_d log(2 pi e s_d)", printed, case.derived_entropy("x")
    yield from gaussian_entropy(case)


# ------------------------------------------------------------------------------ Section 4


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


@equation(37)
def _(draw: Draw) -> Iterator[Check]:
    for point in family_mixture(draw, constant=True)[0].points():
        printed = point.values["pi"][point.values["c"] - 1]
        yield "p(c)", printed, exp(point.log_density("c"))


@equation(38)
def _(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=True)
    for point in case.points():
        c, Theta = point.values["c"] - 1, point.values["Theta"]
        printed = family.log_density(point.values["x"], Theta[c])
        yield "log p(x | Theta_c)", printed, point.log_density("x")
        others = Theta + 1.0
        others[c] = Theta[c]
        elsewhere = point.with_values(Theta=others).log_density("x")
        yield "the other components do not matter", printed, elsewhere


@equation(39)
def _(draw: Draw) -> Iterator[Check]:
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


def prior_of_mixture(draw: Draw) -> Point:
    """The categorical prior of models/mixture_constant.yaml."""
    return family_mixture(draw, constant=True)[0].point()


def printed_zeta(p: Vector) -> Vector:
    """log(pi_i / (1 - sum of the first C - 1))"""
    return np.asarray(log(p[:-1] / (1 - p[:-1].sum())))


@equation(40)
def _(draw: Draw) -> Iterator[Check]:
    for point in family_mixture(draw, constant=True)[0].points():
        p, c = point.values["pi"], point.values["c"]
        yield "zeta", printed_zeta(p), point.natural("c")
        delta = [float(c == i) for i in range(1, len(p))]
        yield "T", delta, point.statistic("c")
        yield "A", -log(1 - p[:-1].sum()), point.log_partition("c")
        yield "log h", 0.0, point.log_base("c")


@equation(41)
def _(draw: Draw) -> Iterator[Check]:
    """With the last term 1/pi_C."""
    point = prior_of_mixture(draw)
    p = point.values["pi"]
    n = len(p) - 1
    printed = np.diag(1 / p[:-1]) + np.full((n, n), 1 / p[-1])
    yield "Jacobian", printed, point.jacobian("c", "pi")


def alpha_of(point: Point) -> Vector:
    """The derived alpha_1 ... alpha_{C-1}."""
    return point.field_vector("c", "pi")


@equation(42)
def _(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p, alpha = point.values["pi"], alpha_of(point)
    middle = alpha / p[:-1] + alpha.sum() / p[-1]
    yield "Jacobian times alpha", middle, point.jacobian("c", "pi") @ alpha
    yield "is zeta", middle, point.natural("c")


@equation(43)
def _(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p, alpha = point.values["pi"], alpha_of(point)
    left = p[:-1] @ point.natural("c")
    yield "middle", alpha.sum() + p[:-1].sum() * alpha.sum() / p[-1], left
    yield "right", alpha.sum() / p[-1], left


@equation(44)
def _(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p = point.values["pi"]
    yield "rho", np.sum(p[:-1] * printed_zeta(p)), alpha_of(point).sum() / p[-1]


@equation(45)
def _(draw: Draw) -> Iterator[Check]:
    point = prior_of_mixture(draw)
    p = point.values["pi"]
    zeta = printed_zeta(p)
    yield "alpha", p[:-1] * (zeta - np.sum(p[:-1] * zeta)), alpha_of(point)
    yield "all pi keep their sum", 0.0, point.field("c")["pi"].sum()


@equation(46)
def _(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=True)
    L, C = case.sizes["L"], case.sizes["C"]
    for point in case.points():
        c = point.values["c"] - 1
        blocks = [np.zeros((L, L))] * C
        blocks[c] = family.jacobian(point.values["Theta"][c])
        yield "Jacobian", np.hstack(blocks), point.jacobian("x", "Theta")


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


@equation(47)
def _(draw: Draw) -> Iterator[Check]:
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


@equation(48)
def _(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=True)
    for point in case.points():
        c = point.values["c"] - 1
        product = point.jacobian("x", "Theta") @ point.field_vector("x", "Theta")
        printed = family.natural(point.values["Theta"][c])
        yield "Jacobian times beta", printed, product
        yield "eta(c; Theta)", printed, point.natural("x")


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


@equation(49)
def _(draw: Draw) -> Iterator[Check]:
    case, family = family_mixture(draw, constant=False)
    yield "F~, any family", case.elbo() - printed_log_base(case, family), without_base(case)
    yield "log h, any family", printed_log_base(case, family), case.derived_bases()
    case = poisson_mixture(draw)
    yield "F~, Poisson", case.elbo() - printed_log_base(case), without_base(case)
    yield "log h, Poisson", printed_log_base(case), case.derived_bases()


@equation(50)
def _(draw: Draw) -> Iterator[Check]:
    """Where the prior's base measure is constant."""
    case, family = family_mixture(draw, constant=False)
    assert case.derivation.theorem == 2
    slope = slope_along(case.elbo, case.parameters, case.field())
    alternative = case.elbo() - printed_log_base(case, family)
    derived = case.derived_sum() - case.derived_bases()
    yield "F~ less its derivative", alternative - slope, derived
    yield "right-hand side", case.printed_sum(), derived


@equation(51)
def _(draw: Draw) -> Iterator[Check]:
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


@equation(52)
def _(draw: Draw) -> Iterator[Check]:
    for case in (family_mixture(draw, constant=False)[0], poisson_mixture(draw)):
        assert case.derivation.theorem == 2
        yield from sums(case)


@equation(53)
def _(draw: Draw) -> Iterator[Check]:
    case, _ = family_mixture(draw, constant=False)
    point = case.point()
    assert point.form("c").gauge is Gauge.CONSTANT
    total = point.derivation.entropy_sum
    assert total is not None
    kinds = {e.node: e.kind for e in total.entropies}
    assert kinds == {"c": Kind.ENTROPY, "x": Kind.PSEUDO_ENTROPY}
    yield "H~[Cat] is H[Cat]", case.printed_entropy("c"), case.derived_entropy("c")
    yield from case.split_identity()


def rows_of_paper(point: Point) -> list[int]:
    """The rows of eta whose statistics are log x and x, in this order."""
    x = point.values["x"]
    return [int(np.argmin(abs(point.statistic("x") - t))) for t in (log(x), x)]


@equation(54)
def _(draw: Draw) -> Iterator[Check]:
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


@equation(55)
def _(draw: Draw) -> Iterator[Check]:
    """L >= F at all parameters; the gap is the mean KL divergence of q from the posterior."""
    case = gamma_mixture(draw)
    gap = case.expected(log(case.q / case.posterior()))
    assert gap >= -1e-12
    yield "L less the divergence is F", case.log_marginal() - gap, case.derived_elbo()


@equation(56)
def _(draw: Draw) -> Iterator[Check]:
    """F = S, at stationary points."""
    case = gamma_mixture(draw)
    alpha, beta = case.parameters["alpha"], case.parameters["beta"]
    last = sum(case.mean_q[c] * gamma_entropy(alpha[c], beta[c]) for c in range(len(alpha)))
    printed = case.q_entropy() - categorical_entropy(case.parameters["pi"]) - last
    yield "entropy sum", printed, case.derived_sum()
    yield from case.identity()
    yield from at_stationary_point(case)


@equation(57)
def _(draw: Draw) -> Iterator[Check]:
    for point in gamma_mixture(draw).points():
        c = point.values["c"] - 1
        a, b = point.values["alpha"][c], point.values["beta"][c]
        yield "as printed", gamma_entropy(a, b), point.entropy("x")
        yield "SciPy's", float(stats.gamma(a, scale=1 / b).entropy()), point.entropy("x")


@equation(58)
def _(draw: Draw) -> Iterator[Check]:
    for point in poisson_mixture(draw).points():
        x, rates = point.values["x"], point.values["lambda"][point.values["c"] - 1]
        yield "eta", log(rates), point.natural("x")
        yield "T", x, point.statistic("x")
        yield "A", rates.sum(), point.log_partition("x")
        yield "log h", -np.sum(gammaln(x + 1)), point.log_base("x")
        yield "log p", stats.poisson.logpmf(x, rates).sum(), point.log_density("x")


@equation(59)
def _(draw: Draw) -> Iterator[Check]:
    case = poisson_mixture(draw)
    D = case.sizes["D"]
    for point in case.points():
        c = point.values["c"] - 1
        block = point.jacobian("x", "lambda")[:, c * D : (c + 1) * D]
        yield "Jacobian", np.diag(1 / point.values["lambda"][c]), block


@equation(60)
def _(draw: Draw) -> Iterator[Check]:
    case = poisson_mixture(draw)
    slope = slope_along(case.elbo, case.parameters, case.field())
    derived = case.derived_sum() - case.derived_bases()
    yield "F~ less its derivative", case.elbo() - printed_log_base(case) - slope, derived
    yield "right-hand side", case.printed_sum(), derived
    still = stationary(case)
    alternative = still.elbo() - printed_log_base(still)
    yield "at a stationary point", alternative, still.printed_sum()


@equation(61)
def _(draw: Draw) -> Iterator[Check]:
    for point in poisson_mixture(draw).points():
        rates = point.values["lambda"][point.values["c"] - 1]
        yield "pseudo-entropy", np.sum(rates * (1 - log(rates))), point.entropy("x")


@equation(62)
def _(draw: Draw) -> Iterator[Check]:
    """At stationary points."""
    case = poisson_mixture(draw)
    rates, xs = case.parameters["lambda"], [datum["x"] for datum in case.data]
    third = sum(case.mean_q[c] * np.sum(r * (1 - log(r))) for c, r in enumerate(rates))
    fourth = np.mean([np.sum(gammaln(x + 1)) for x in xs])
    printed = case.q_entropy() - categorical_entropy(case.parameters["pi"]) - third - fourth
    yield "right-hand side", printed, case.derived_sum()
    yield from at_stationary_point(case)


# ------------------------------------------------------------------------------ the audit


def assert_equal(what: str, printed: Any, derived: Any) -> None:
    """Agreement to 1e-10, relatively; 1e-12 where the sum is 0."""
    assert np.shape(printed) == np.shape(derived), what
    np.testing.assert_allclose(derived, printed, rtol=1e-10, atol=1e-12, err_msg=what)


@pytest.mark.parametrize("number", sorted(EQUATIONS), ids=lambda number: f"eqn_{number:02}")
def test_equation(number: int) -> None:
    for seed in range(DRAWS):
        checks = list(EQUATIONS[number](Draw(seed)))
        assert checks
        for what, printed, derived in checks:
            assert_equal(f"Eqn {number}, draw {seed}: {what}", printed, derived)


def test_every_equation_is_audited_or_states_no_formula() -> None:
    assert set(EQUATIONS) & set(NOT_FORMULAS) == set()
    assert set(EQUATIONS) | set(NOT_FORMULAS) == set(range(6, 63))
    assert all(NOT_FORMULAS.values())


@pytest.mark.parametrize(
    "stem", ["mixture_constant", "mixture_general", "gaussian_scalar", "gaussian_diagonal"]
)
def test_the_invertible_jacobian_of_propositions_4_and_5_is_stated(stem: str) -> None:
    """The field of an abstract family contains the inverse: without it nothing is proved."""
    derivation = derive_model(stem)
    stated = [a.text for a in derivation.assumptions] + list(derivation.conditions)
    assert any("invertible" in text for text in stated)


def test_the_invertible_jacobian_of_propositions_4_and_5_is_needed() -> None:
    """Where it is singular, every data set makes the ELBO stationary, and the sum is wrong."""
    spec = {
        "name": "singular",
        "parameters": {"t": "real"},
        "model": ["x ~ Bernoulli(logit=1 + t**2)"],
        "observed": ["x"],
    }
    point = Point(symelbo.derive(spec), {}, {"t": 0.0, "x": 0.0}, {})
    result = point.result("x").result
    assert isinstance(result, Holds)
    assert [point.number(term) for term in result.nonzero] == [0.0]
    assert point.natural_along("x", {"t": 1.0}) == [0.0]
    assert abs(point.log_density("x") + point.entropy("x")) > 0.5


# ------------------------------------------------------------------------------ the misprints


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
