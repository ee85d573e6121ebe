"""Every family against SciPy: entropies, and grad A = E[T] by summation or quadrature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise, product
from math import exp, isclose, log
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from symelbo.expfam.derive_moments import derive_means, derive_moments
from symelbo.expfam.form import ExponentialForm, Gauge, Inseparable
from symelbo.expfam.respond import Travel, respond, value_at
from symelbo.expfam.separate_change import separate_change, speed
from symelbo.expfam.separate_density import separate_density
from symelbo.families.density import Density
from symelbo.families.family import Family, Form
from symelbo.families.registry import FAMILIES
from symelbo.index.build import ZERO, add, mul, negate, subtract, total
from symelbo.index.normal import is_zero, normal
from symelbo.index.substitute import replace_symbols
from symelbo.index.terms import Array, Extent, Symbol, Term
from symelbo.index.tidy import sum_over
from symelbo.language.density import resolve_density
from symelbo.trial.evaluate import World, evaluate, places

K = 3
Arguments = dict[str, Any]


def draw_argument(symbol: Symbol, random: Random) -> Any:
    """An admissible random value of a formal argument, as nested NumPy arrays."""
    shape = tuple(K + extent.offset if extent.size else extent.offset for extent in symbol.shape)
    rng = np.random.default_rng(random.randrange(10**6))
    match symbol.domain.kind:
        case "positive":
            return rng.uniform(0.4, 2.5, shape) + (K if symbol.name == "dof" else 0)
        case "unit":
            return rng.uniform(0.1, 0.9, shape)
        case "simplex":
            return rng.dirichlet(np.full(shape[-1], 3.0))
        case "posdef":
            root = rng.normal(size=shape)
            return root @ root.T + np.eye(shape[0])
        case "naturals":
            return np.asarray(float(rng.integers(2, 6)))
    return rng.normal(size=shape)


SCIPY: dict[str, Callable[[Arguments], Any]] = {
    "Bernoulli(p)": lambda a: stats.bernoulli(a["p"]),
    "Bernoulli(logit)": lambda a: stats.bernoulli(1 / (1 + np.exp(-a["logit"]))),
    "Categorical(p)": lambda a: stats.rv_discrete(values=(np.arange(1, K + 1), a["p"])),
    "Categorical(logits)": lambda a: stats.rv_discrete(
        values=(np.arange(1, K + 1), np.exp(a["logits"]) / np.exp(a["logits"]).sum())
    ),
    "Poisson(rate)": lambda a: stats.poisson(a["rate"]),
    "Poisson(log_rate)": lambda a: stats.poisson(np.exp(a["log_rate"])),
    "Exponential(rate)": lambda a: stats.expon(scale=1 / a["rate"]),
    "Gamma(shape, rate)": lambda a: stats.gamma(a["shape"], scale=1 / a["rate"]),
    "Laplace(location, scale)": lambda a: stats.laplace(a["location"], a["scale"]),
    "Normal(mean, variance)": lambda a: stats.norm(a["mean"], np.sqrt(a["variance"])),
    "Normal(mean, precision)": lambda a: stats.norm(a["mean"], a["precision"] ** -0.5),
    "Binomial(n, p)": lambda a: stats.binom(int(a["n"]), a["p"]),
    "Binomial(n, logit)": lambda a: stats.binom(int(a["n"]), 1 / (1 + np.exp(-a["logit"]))),
    "Geometric(p)": lambda a: stats.geom(a["p"], loc=-1),
    "NegativeBinomial(r, p)": lambda a: stats.nbinom(a["r"], a["p"]),
    "Multinomial(n, p)": lambda a: stats.multinomial(int(a["n"]), a["p"]),
    "Beta(a, b)": lambda a: stats.beta(a["a"], a["b"]),
    "Dirichlet(concentration)": lambda a: stats.dirichlet(a["concentration"]),
    "VonMises(mean, concentration)": lambda a: stats.vonmises(a["concentration"], a["mean"]),
    "HalfNormal(scale2)": lambda a: stats.halfnorm(scale=np.sqrt(a["scale2"])),
    "Wishart(dof, scale)": lambda a: stats.wishart(float(a["dof"]), a["scale"]),
    "LogNormal(mean, variance)": lambda a: stats.lognorm(
        np.sqrt(a["variance"]), scale=np.exp(a["mean"])
    ),
    "InverseGamma(shape, scale)": lambda a: stats.invgamma(a["shape"], scale=a["scale"]),
    "InverseGaussian(mean, shape)": lambda a: stats.invgauss(
        a["mean"] / a["shape"], scale=a["shape"]
    ),
    "Weibull(shape, scale)": lambda a: stats.weibull_min(a["shape"], scale=a["scale"]),
    "Rayleigh(scale2)": lambda a: stats.rayleigh(scale=np.sqrt(a["scale2"])),
    "Pareto(minimum, shape)": lambda a: stats.pareto(a["shape"], scale=a["minimum"]),
    "ChiSquared(dof)": lambda a: stats.chi2(a["dof"]),
    "MvNormal(mean, covariance)": lambda a: stats.multivariate_normal(a["mean"], a["covariance"]),
}


# known, so that the rest is an exponential family or the support does not move
FIXED = {
    "Binomial(n, p)": ("n",),
    "Binomial(n, logit)": ("n",),
    "Multinomial(n, p)": ("n",),
    "NegativeBinomial(r, p)": ("r",),
    "Weibull(shape, scale)": ("shape",),
    "Pareto(minimum, shape)": ("minimum",),
    "Laplace(location, scale)": ("location",),
}
# logits that shift together: J' does not determine E[T]; Wishart: log det has wide samples
NOT_SAMPLED = {"Categorical(logits)", "Wishart(dof, scale)"}


def key_of(family: Family, form: Form) -> str:
    return f"{family.name}({', '.join(a.name for a in form.arguments)})"


CASES = {
    key_of(family, form): (family, form) for family in FAMILIES.values() for form in family.forms
}


def make_density(family: Family, form: Form) -> Density:
    names = {name for argument in form.arguments for name in argument.shape} | set(family.shape)
    return resolve_density(family, form, {name: Extent("K") for name in names})


def forms_of(density: Density, form: Form) -> Iterator[ExponentialForm]:
    """The forms in all arguments that may move together, else in each one alone."""
    moving = tuple(
        s for s, a in zip(density.arguments, form.arguments, strict=True) if not a.constant
    )
    separation = separate_density(density, moving)
    if not isinstance(separation, Inseparable):
        yield from separation.forms
        return
    for symbol in moving:
        separation = separate_density(density, (symbol,))
        if not isinstance(separation, Inseparable):
            yield from separation.forms


def world_of(density: Density, arguments: Arguments) -> World:
    values: dict[tuple[str, tuple[int, ...]], float] = {}
    world = World({"K": K}, values)
    for symbol in density.arguments:
        array = np.asarray(arguments[symbol.name])
        for place in places(world, symbol.shape):
            values[symbol.name, place] = float(array[tuple(i - 1 for i in place)])
    return world


def with_value(world: World, density: Density, value: Any) -> World:
    values = dict(world.values)
    array = np.asarray(value, dtype=float)
    for place in places(world, density.value.shape):
        values[density.value.name, place] = float(array[tuple(i - 1 for i in place)])
    return World(world.sizes, values)


def number_of(term: Term, world: World) -> float:
    return evaluate(term, world).value


def expect(function: Callable[[float], float], distribution: Any, support: str) -> float:
    """E[f(v)] for a scalar v by summation or adaptive quadrature."""
    if support in ("binary", "naturals", "category"):
        start = 1 if support == "category" else 0
        stop = {"binary": 2, "category": K + 1}.get(support, 200)
        masses = ((n, distribution.pmf(n)) for n in range(start, stop))
        return float(sum(mass * function(n) for n, mass in masses if mass > 0))
    edges = [distribution.ppf(u) for u in (1e-14, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-14)]
    if support == "positive" or edges[0] > 0:  # heavy tails: integrate over log v
        return _integrate(
            lambda t: distribution.pdf(exp(t)) * function(exp(t)) * exp(t), map(log, edges)
        )
    return _integrate(lambda v: distribution.pdf(v) * function(v), edges)


def _integrate(function: Callable[[float], float], edges: Iterable[float]) -> float:
    pieces = (integrate.quad(function, a, b, limit=200)[0] for a, b in pairwise(edges))
    return float(sum(pieces))


def expect_counts(function: Callable[[Any], float], distribution: Any) -> float:
    """E[f(v)] over all counts of K categories that sum to n."""
    n = int(distribution.n)
    counts = (v for v in product(range(n + 1), repeat=K) if sum(v) == n)
    return float(sum(distribution.pmf(v) * function(v) for v in counts))


def draw_value(density: Density, distribution: Any, seed: int) -> Any:
    """One random value, shaped as the density's."""
    return np.squeeze(distribution.rvs(random_state=seed))


def test_every_form_has_a_reference() -> None:
    assert set(SCIPY) == set(CASES)


@pytest.mark.parametrize("key", CASES)
@pytest.mark.parametrize("seed", range(4))
def test_log_density_is_scipys(key: str, seed: int) -> None:
    family, form = CASES[key]
    density = make_density(family, form)
    random = Random(seed)
    arguments = {s.name: draw_argument(s, random) for s in density.arguments}
    distribution = SCIPY[key](arguments)
    value = draw_value(density, distribution, seed)
    world = with_value(world_of(density, arguments), density, value)
    discrete = family.support.kind in ("binary", "naturals", "category", "counts")
    expected = distribution.logpmf(value) if discrete else distribution.logpdf(value)
    assert isclose(
        number_of(density.term, world), float(np.sum(expected)), rel_tol=1e-9, abs_tol=1e-9
    )


@pytest.mark.parametrize("key", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_entropy_is_scipys(key: str, seed: int) -> None:
    """By (U) without a motion of the value, H~ - E[b] is the entropy, whatever b is."""
    family, form = CASES[key]
    density = make_density(family, form)
    random = Random(100 + seed)
    arguments = {s.name: draw_argument(s, random) for s in density.arguments}
    distribution = SCIPY[key](arguments)
    world = world_of(density, arguments)
    checked = 0
    for base, entropy in identities(key):

        def log_base(v: Any, term: Term = base) -> float:
            return number_of(term, with_value(world, density, v))

        reached = number_of(entropy, world)
        if base != ZERO and not density.value.shape:
            reached -= expect(log_base, distribution, family.support.kind)
        elif base != ZERO and family.support.kind == "counts":
            reached -= expect_counts(log_base, distribution)
        elif base != ZERO:
            continue  # by sampling only; the constant base measure of the same density is compared
        assert isclose(reached, float(distribution.entropy()), rel_tol=1e-7, abs_tol=1e-8)
        checked += 1
    assert checked


def identities(key: str) -> Iterator[tuple[Term, Term]]:
    """(b, H~) in the family's own symbols, for every base measure that it has.

    An argument of its own is free to move as the criterion asks; one that is known rests.
    """
    family, form = CASES[key]
    density = make_density(family, form)
    moving = tuple(s for s in density.arguments if s.name not in FIXED.get(key, ()))
    change = separate_change(Density(density.value, moving, density.term))
    for gauge in (Gauge.CONSTANT, Gauge.TEXTBOOK):
        response = respond(change, gauge, Travel.REST)
        if response is None or response.left:
            continue
        speeds = {speed(a): array for a, array in response.values.items()}
        still = value_at(density.value, Travel.REST)
        left = [
            replace_symbols(replace_symbols(part.coefficient, speeds), still)
            for part in change.parts
        ]
        base = ZERO
        for part, rest in zip(change.parts, left, strict=True):
            share = mul(normal(rest), part.statistic)
            for index in reversed(part.indices):
                share = total(index, share)
            base = add(base, share)
        entropy = negate(replace_symbols(replace_symbols(change.rest, speeds), still))
        yield normal(base), normal(entropy)


@pytest.mark.parametrize("key", [k for k in CASES if k not in NOT_SAMPLED])
@pytest.mark.parametrize("seed", range(2))
def test_means_are_expectations_of_the_statistics(key: str, seed: int) -> None:
    """grad A = E[T], by summation, quadrature, or (vectors) a large sample."""
    family, form = CASES[key]
    density = make_density(family, form)
    random = Random(200 + seed)
    arguments = {s.name: draw_argument(s, random) for s in density.arguments}
    distribution = SCIPY[key](arguments)
    world = world_of(density, arguments)
    for exponential in forms_of(density, form):
        means = derive_means(exponential)
        assert means is not None
        for block, mean in zip(exponential.blocks, means, strict=True):
            for place in places(world, tuple(i.extent for i in block.indices)):
                env = dict(zip(mean.indices, place, strict=True))
                derived = evaluate(mean.body, world, env).value
                at = dict(zip(block.indices, place, strict=True))

                def statistic(v: Any, term: Term = block.statistic, env: Any = at) -> float:
                    return evaluate(term, with_value(world, density, v), env).value

                if density.value.shape:
                    sample = distribution.rvs(20_000, random_state=seed)
                    reached = np.mean([statistic(v) for v in sample[:4000]])
                    assert abs(derived - reached) < 0.25 * (1 + abs(derived))
                else:
                    reached = expect(statistic, distribution, family.support.kind)
                    assert isclose(derived, reached, rel_tol=1e-6, abs_tol=1e-7)


# whose value is a statistic with a covariance that the arguments determine
WITH_COVARIANCE = {
    "Bernoulli(p)",
    "Bernoulli(logit)",
    "Binomial(n, p)",
    "Binomial(n, logit)",
    "Exponential(rate)",
    "Gamma(shape, rate)",
    "Geometric(p)",
    "InverseGaussian(mean, shape)",
    "MvNormal(mean, covariance)",
    "NegativeBinomial(r, p)",
    "Normal(mean, variance)",
    "Normal(mean, precision)",
    "Poisson(rate)",
    "Poisson(log_rate)",
    "Wishart(dof, scale)",
}


@pytest.mark.parametrize("key", CASES)
def test_the_covariance_is_the_second_derivative_of_the_log_partition(key: str) -> None:
    """grad^2 A = Cov(v, v), which SciPy knows in closed form; here for vectors and matrices too."""
    family, form = CASES[key]
    density = make_density(family, form)
    random = Random(5)
    arguments = {s.name: draw_argument(s, random) for s in density.arguments}
    world = world_of(density, arguments)
    moments = [derive_moments(exponential) for exponential in forms_of(density, form)]
    assert any(moments) == (key in WITH_COVARIANCE)
    for _, covariance in (pair for pair in moments if pair is not None):
        event = list(places(world, density.value.shape))
        reached = np.array(
            [[evaluate_at(covariance, (*left, *right), world) for right in event] for left in event]
        )
        assert np.allclose(reached, covariance_of(family.name, SCIPY[key](arguments), arguments))


def evaluate_at(array: Array, place: tuple[int, ...], world: World) -> float:
    return evaluate(array.body, world, dict(zip(array.indices, place, strict=True))).value


def covariance_of(name: str, distribution: Any, arguments: Arguments) -> Any:
    match name:
        case "MvNormal":
            return distribution.cov
        case "Wishart":  # dof (s_ik s_jl + s_il s_jk), in the order of the entries (i, j), (k, l)
            s = arguments["scale"]
            both = np.einsum("ik,jl->ijkl", s, s) + np.einsum("il,jk->ijkl", s, s)
            spread = np.einsum("ijij->ij", both) * arguments["dof"]
            assert np.allclose(spread, distribution.var())
            return (both * arguments["dof"]).reshape(K * K, K * K)
    return [[distribution.var()]]


@pytest.mark.parametrize("key", CASES)
def test_separation_gives_the_density_back(key: str) -> None:
    """eta' T - A + log h is the log-density, for symbolic K."""
    family, form = CASES[key]
    density = make_density(family, form)
    for exponential in forms_of(density, form):
        rebuilt = add(
            *(sum_over(b.indices, mul(b.natural, b.statistic)) for b in exponential.blocks),
            negate(exponential.log_partition),
            exponential.log_base,
        )
        random = Random(7)
        if family.support.kind != "category":  # a category selects: compared by value below
            assert is_zero(subtract(rebuilt, density.term))
        for _ in range(3):
            arguments = {s.name: draw_argument(s, random) for s in density.arguments}
            value = draw_value(density, SCIPY[key](arguments), random.randrange(1000))
            world = with_value(world_of(density, arguments), density, value)
            assert isclose(number_of(rebuilt, world), number_of(density.term, world), abs_tol=1e-9)


def test_minimal_category_has_one_parameter_less() -> None:
    density = make_density(*CASES["Categorical(p)"])
    (form,) = forms_of(density, CASES["Categorical(p)"][1])
    (block,) = form.blocks
    assert [index.extent for index in block.indices] == [Extent("K", -1)]


def test_laplace_is_refused_with_the_piece_unless_its_location_is_known() -> None:
    density = make_density(*CASES["Laplace(location, scale)"])
    refused = separate_density(density, density.arguments)
    assert isinstance(refused, Inseparable)
    assert refused.piece is not None
    location, scale = density.arguments
    assert not isinstance(separate_density(density, (scale,)), Inseparable)
    assert isinstance(separate_density(density, (location,)), Inseparable)


def test_gamma_offers_both_base_measures_and_the_constant_one_first() -> None:
    density = make_density(*CASES["Gamma(shape, rate)"])
    gauges = [form.gauge for form in forms_of(density, CASES["Gamma(shape, rate)"][1])]
    assert gauges == [Gauge.CONSTANT, Gauge.TEXTBOOK]
