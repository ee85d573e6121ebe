"""The entropy sum: each term by enumeration, and what is merged for reading is the same sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from factors import log_density_at, model_of
from judge import is_true

from symelbo.criterion.decide_criterion import decide_criterion
from symelbo.criterion.factor import Factor
from symelbo.criterion.result import Holds
from symelbo.entropy.exact_posterior import derive_exact_posterior
from symelbo.entropy.sum_entropies import (
    abbreviate_arguments,
    merge_summands,
    sum_entropies,
)
from symelbo.entropy.summand import Average, EntropySum, Kind, Summand, varying
from symelbo.index.build import (
    ONE,
    ZERO,
    add,
    call,
    divide,
    has_minus_sign,
    log,
    mul,
    negate,
    number,
    subtract,
    total,
)
from symelbo.index.domains import Positive, Real
from symelbo.index.known_arrays import KnownArrays
from symelbo.index.substitute import count_subterms, replace_symbols
from symelbo.index.terms import Add, Array, Entry, Extent, Index, Role, Symbol, Term
from symelbo.model.model import Model
from symelbo.trial.evaluate import World, evaluate

# ---------------------------------------------------------------- the theorem's terms

SIZES = {"D": 3, "H": 2, "C": 2}
VALUES: dict[tuple[str, tuple[int, ...]], float] = {
    **{("w", (d,)): [0.7, -0.4, 1.3][d - 1] for d in (1, 2, 3)},
    **{("s", (d,)): [0.5, 1.1, 2.0][d - 1] for d in (1, 2, 3)},
    **{("pi", (h,)): [0.3, 0.8][h - 1] for h in (1, 2)},
    **{("z", (h,)): [1.0, 0.0][h - 1] for h in (1, 2)},
    ("t", ()): 1.7,
    ("v", ()): 0.6,
    ("z", ()): 1.0,
}

MODELS: dict[str, tuple[list[str], dict[str, str]]] = {
    "normal": (
        ["z ~ Normal(0, t)", "x[d] ~ Normal(w[d]*z, s[d]) for d in 1:D"],
        {"w": "real[D]", "s": "positive[D]", "t": "positive"},
    ),
    "a base measure": (
        ["z ~ Normal(0, t)", "x[d] ~ Normal(w[d]*z, 1) for d in 1:D"],
        {"w": "real[D]", "t": "positive"},
    ),
    "counts": (
        ["z[h] ~ Bernoulli(pi[h]) for h in 1:H", "x[d] ~ Poisson(s[d]*v**z[1]) for d in 1:D"],
        {"pi": "unit[H]", "s": "positive[D]", "v": "positive"},
    ),
    "a positive latent": (
        ["z ~ Gamma(3, t)", "x[d] ~ Exponential(s[d]*z) for d in 1:D"],
        {"s": "positive[D]", "t": "positive"},
    ),
}


def whole_of(model: Model) -> tuple[list[Factor], EntropySum]:
    results = decide_criterion(model).results
    posterior = derive_exact_posterior(model) if model.variational == "exact" else None
    whole = sum_entropies(model, results, posterior)
    assert whole is not None
    return [result.factor for result in results if isinstance(result, Holds)], whole


def nodes(factor: Factor) -> tuple[np.ndarray, np.ndarray]:
    """Values of a factor's node, and what each counts in a sum or in an integral."""
    match factor.value.domain.kind:
        case "binary":
            return np.array([0.0, 1.0]), np.ones(2)
        case "naturals":
            return np.arange(60.0), np.ones(60)
    logs = np.linspace(-14, 5, 150)  # of positive values, whose image under exp is everything
    step = logs[1] - logs[0]
    positive = np.exp(logs)
    if factor.value.domain.kind == "positive":
        return positive, positive * step
    return np.concatenate([-positive, positive]), np.tile(positive * step, 2)


def mean_log_density(factor: Factor, base: Term) -> float:
    """E[log p - b] of a factor, summed over its plates, by enumeration or quadrature."""
    world = World(SIZES, {})
    ranges = [range(i.low, world.length(i.extent) + 1) for i in factor.plates]
    whole = 0.0
    assert len(ranges) <= 1
    for place in [()] if not ranges else [(n,) for n in ranges[0]]:
        mass = 0.0
        for value, weight in zip(*nodes(factor), strict=True):
            values = {**VALUES, (factor.node.name, place): float(value)}
            logarithm, _ = log_density_at(factor, SIZES, place, values)
            env = dict(zip(factor.plates, place, strict=True))
            b = evaluate(base, World(SIZES, values), env).value
            mass += weight * math.exp(logarithm)
            whole += weight * math.exp(logarithm) * (logarithm - b)
        assert math.isclose(mass, 1, abs_tol=1e-4)
    return whole


@pytest.mark.parametrize("name", MODELS)
def test_each_term_is_the_entropy_relative_to_its_base_measure(name: str) -> None:
    """H~ = -E[log p - b], over all plates."""
    model = model_of(*MODELS[name])
    results = decide_criterion(model).results
    factors, whole = whole_of(model)
    assert [s.node for s in whole.entropies] == [factor.name for factor in factors]
    for result, factor, summand in zip(results, factors, whole.entropies, strict=True):
        assert isinstance(result, Holds)
        found = evaluate(summand.known, World(SIZES, VALUES)).value
        expected = -mean_log_density(factor, result.identity.base)
        assert math.isclose(found, expected, rel_tol=1e-3), summand.node
        assert summand.sign == -1
        pseudo = summand.kind is Kind.PSEUDO_ENTROPY
        assert pseudo == any(base.node == summand.node for base in whole.bases)
    assert bool(whole.bases) == (name != "normal")
    for base in whole.bases:
        assert base.sign == 1


def test_the_base_measure_of_counts_is_summed_over_the_data() -> None:
    """b = -log x!"""
    _, whole = whole_of(model_of(*MODELS["counts"]))
    (base,) = whole.bases
    counts = {("x", (d,)): float(x) for d, x in ((1, 0), (2, 3), (3, 5))}
    found = evaluate(base.known, World(SIZES, {**VALUES, **counts})).value
    assert math.isclose(found, -math.log(6) - math.log(120))
    assert base.average is Average.DATA


@pytest.mark.parametrize(
    ("variational", "entropy"),
    [
        ("any", None),
        ("exact", math.log(2 * math.pi * math.e / (1 / 1.7 + 0.49 / 0.5 + 0.16 / 1.1 + 1.69 / 2))),
        (["z ~ Normal(m, g)"], math.log(2 * math.pi * math.e * 0.9)),
    ],
)
def test_the_entropy_of_q_stands_in_front(variational: Any, entropy: float | None) -> None:
    model = model_of(*MODELS["normal"], variational=variational)
    _, whole = whole_of(model)
    first, *others = whole.summands
    assert first.kind is Kind.OF_Q and first.sign == 1
    assert not any(s.kind is Kind.OF_Q for s in others)
    if entropy is None:
        assert first.term is None
        return
    world = World(SIZES, {**VALUES, ("g", ()): 0.9, ("m", ()): -2.0})
    assert math.isclose(evaluate(first.known, world).value, entropy / 2)


def test_the_entropy_of_q_is_open_if_that_of_a_part_is() -> None:
    own = {
        "value": "v",
        "support": "real",
        "parameters": {"m": "real"},
        "log_density": "m - v - 2*softplus(m - v)",
    }
    statements = ["z ~ Normal(0, t)", "y ~ Normal(0, t)", "x ~ Normal(v*z + y, t)"]
    for family, is_open in (("F(m)", True), ("Normal(m, g)", False)):
        model = model_of(
            statements,
            {"t": "positive", "v": "real"},
            families={"F": own},
            variational=["z ~ Normal(n, h)", f"y ~ {family}"],
        )
        _, whole = whole_of(model)
        assert (whole.summands[0].term is None) is is_open


def test_without_latents_there_is_no_q() -> None:
    _, whole = whole_of(model_of(["x ~ Normal(v, t)"], {"v": "real", "t": "positive"}))
    assert not whole.of(Kind.OF_Q) and whole.q_entropy == ZERO


def test_a_factor_that_fails_keeps_its_cross_entropy() -> None:
    statements = ["z ~ Poisson(t)", "x ~ Poisson(1 + z + v)"]
    model = model_of(statements, {"t": "positive", "v": "positive"})
    _, whole = whole_of(model)
    assert whole.remainders == ("x",)
    assert [s.node for s in whole.entropies] == ["z"]
    (rest,) = whole.of(Kind.REMAINDER)
    assert rest.sign == 1 and rest.term is None and rest.average is Average.Q
    alone = model_of(["x ~ Normal(v + v**3 + 1, 1)"], {"v": "real"})
    results = [r for r in decide_criterion(model).results if not isinstance(r, Holds)]
    assert sum_entropies(alone, results, None) is None


# ---------------------------------------------------------------- merged for reading


def scalar(name: str, role: Role, domain: Real | Positive) -> Term:
    return Entry(Symbol(name, role, domain))


T = scalar("t", Role.PARAMETER, Positive())
S = scalar("s", Role.PARAMETER, Positive())
Z = scalar("z", Role.LATENT, Positive())
Y = scalar("y", Role.LATENT, Positive())
X = scalar("x", Role.OBSERVED, Positive())
NU = scalar("nu", Role.VARIATIONAL, Positive())
HALF_LOG = divide(log(mul(number(2), T)), number(2))


def summand(kind: Kind, sign: int, node: str, term: Term | None) -> Summand:
    over = () if term is None else varying(term)
    return Summand(kind, sign, (node,) if node else (), over, term, term)


def entropy(node: str, term: Term) -> Summand:
    return summand(Kind.ENTROPY, -1, node, term)


SUMS: dict[str, list[Summand]] = {
    "q is open": [
        summand(Kind.OF_Q, 1, "", None),
        entropy("z", HALF_LOG),
        entropy("x", log(Z)),
        entropy("y", log(Z)),
        summand(Kind.BASE, 1, "x", negate(log(X))),
    ],
    "it cancels": [
        summand(Kind.OF_Q, 1, "", add(HALF_LOG, log(NU))),
        entropy("z", HALF_LOG),
        entropy("x", log(S)),
    ],
    "all of it cancels": [
        summand(Kind.OF_Q, 1, "", HALF_LOG),
        entropy("z", HALF_LOG),
        entropy("x", log(S)),
    ],
    "three averages": [
        summand(Kind.OF_Q, 1, "", add(log(NU), mul(number(2), S), mul(NU, S), mul(T, T))),
        entropy("z", mul(T, T)),
        entropy("y", mul(NU, T)),
        entropy("x", mul(Z, S)),
        summand(Kind.PSEUDO_ENTROPY, -1, "w", mul(Y, S)),
        summand(Kind.BASE, 1, "w", log(mul(X, Y))),
    ],
    "a minus in front": [
        summand(Kind.OF_Q, 1, "", None),
        entropy("z", negate(mul(Z, S))),
        entropy("x", negate(log(S))),
        summand(Kind.BASE, 1, "x", mul(number(-3), Z)),
    ],
    "the same three times": [
        summand(Kind.OF_Q, 1, "", log(NU)),
        entropy("z", log(Z)),
        entropy("y", log(Z)),
        entropy("x", log(Z)),
        summand(Kind.PSEUDO_ENTROPY, -1, "w", log(Z)),
    ],
    "of opposite signs": [
        entropy("y", log(Z)),
        summand(Kind.BASE, 1, "x", mul(S, Z)),
        summand(Kind.BASE, -1, "w", mul(S, Z)),
        summand(Kind.BASE, -1, "y", mul(S, Z)),
    ],
    "no latent": [entropy("x", HALF_LOG), summand(Kind.BASE, 1, "x", negate(log(X)))],
}


def sum_of(summands: Sequence[Summand], *, shown: bool) -> Term:
    terms = []
    for item in summands:
        if item.term is not None:
            term = item.display if shown else item.known
            terms.append(mul(number(item.sign), term))
    return add(*terms)


@pytest.mark.parametrize("name", SUMS)
def test_what_is_merged_is_the_same_sum(name: str) -> None:
    given = SUMS[name]
    for order in permutations(given[1:]) if given[0].kind is Kind.OF_Q else [given]:
        summands = [*given[:1], *order] if given[0].kind is Kind.OF_Q else given
        merged = merge_summands(summands, ["x"])
        difference = subtract(sum_of(summands, shown=False), sum_of(merged, shown=True))
        assert is_true(difference)
        assert is_true(subtract(sum_of(merged, shown=False), sum_of(merged, shown=True)))
        assert not is_true(add(difference, number(1)))
        # what stays H[q] stays
        open_terms = [[s.kind for s in part if s.term is None] for part in (summands, merged)]
        assert open_terms[0] == open_terms[1]


@pytest.mark.parametrize("name", SUMS)
def test_merged_terms_are_read_without_a_minus(name: str) -> None:
    for item in merge_summands(SUMS[name], ["x"]):
        if item.term is None or (item.average is Average.NONE and isinstance(item.display, Add)):
            continue
        assert not has_minus_sign(item.display), item


@pytest.mark.parametrize("name", SUMS)
def test_no_two_merged_terms_are_equal(name: str) -> None:
    merged = [s for s in merge_summands(SUMS[name], ["x"]) if s.term is not None]
    keys = [(s.kind, s.sign, s.term) for s in merged]
    assert len(set(keys)) == len(keys)
    for item in merged:
        if item.kind is Kind.MERGED and isinstance(item.known, Add):
            # what is merged is apart by what it is averaged over
            averages = {averaged(part) for part in item.known.terms}
            assert averages == {item.average}


def averaged(term: Term) -> Average:
    roles = {symbol.role for symbol in varying(term)}
    if Role.LATENT in roles:
        return Average.Q
    return Average.DATA if roles else Average.NONE


def test_equal_entropies_are_counted() -> None:
    merged = merge_summands(SUMS["the same three times"], ["x"])
    counted = [s for s in merged if s.kind is Kind.ENTROPY]
    (item,) = counted
    assert item.nodes == ("z", "y", "x")
    assert is_true(subtract(item.known, mul(number(3), log(Z))))
    assert [s.nodes for s in merged if s.kind is Kind.PSEUDO_ENTROPY] == [("w",)]


def test_the_entropies_of_the_data_stay_whole() -> None:
    """-log(2 t)/2 of x does not cancel with that of q; of a latent it does."""
    of_q = summand(Kind.OF_Q, 1, "", HALF_LOG)
    for node, left in (("x", 2), ("x[1]", 2), ("z", 0)):
        assert len(merge_summands([of_q, entropy(node, HALF_LOG)], ["x", "x[1]"])) == left


def test_a_fixed_sum_has_a_sign_for_each_of_its_terms() -> None:
    """-(-log s - t) is read as it is, where it would be log s + t of anything averaged."""
    fixed = add(negate(log(S)), negate(T))
    averaged_one = add(negate(log(S)), negate(mul(T, Z)))
    (found,) = merge_summands([entropy("x", fixed)], ["x"])
    assert (found.sign, found.display) == (-1, fixed)
    (found,) = merge_summands([entropy("x", averaged_one)], ["x"])
    assert (found.sign, found.display) == (1, add(log(S), mul(T, Z)))


def test_merged_terms_stand_in_order() -> None:
    """H[q], fixed entropies, averaged entropies, base measures, cross-entropies."""
    given = [
        summand(Kind.OF_Q, 1, "", None),
        summand(Kind.REMAINDER, 1, "v", None),
        summand(Kind.BASE, 1, "x", log(X)),
        entropy("y", log(Z)),
        entropy("z", HALF_LOG),
    ]
    found = [(s.kind, s.average) for s in merge_summands(given, ["x"])]
    assert found == [
        (Kind.OF_Q, Average.DATA),
        (Kind.ENTROPY, Average.NONE),
        (Kind.ENTROPY, Average.Q),
        (Kind.BASE, Average.DATA),
        (Kind.REMAINDER, Average.DATA),
    ]


# ---------------------------------------------------------------- abbreviations

LONG = "sum(W[d,h]*z[h] for h in 1:H) + sum(V[d,h]*z[h]**2 for h in 1:H) + mu[d]"
ABBREVIATED: dict[str, tuple[str, list[str]]] = {  # and the names that there are
    "a long logit": (f"x[d] ~ Bernoulli(logit={LONG}) for d in 1:D", ["a_x"]),  # a is taken
    "a long rate": (f"x[d] ~ Poisson(a*exp({LONG})) for d in 1:D", ["rate"]),
    "a long shape": (f"x[d] ~ Beta(exp({LONG}), 2*exp({LONG})) for d in 1:D", ["a_x", "b"]),
    "a short one": ("x[d] ~ Bernoulli(logit=mu[d]) for d in 1:D", []),
    "a mean that the entropy does not have": (f"x[d] ~ Normal({LONG}, a) for d in 1:D", []),
    "one that stands there once": (f"x[d] ~ Normal(0, a*exp({LONG})) for d in 1:D", []),
}


@pytest.mark.parametrize("name", ABBREVIATED)
def test_an_abbreviated_argument_is_what_it_stands_for(name: str) -> None:
    statement, names = ABBREVIATED[name]
    parameters = {"W": "real[D,H]", "V": "real[D,H]", "mu": "real[D]", "a": "positive"}
    latents = ["z[h] ~ Bernoulli(1/2) for h in 1:H"] if "z[h]" in statement else []
    model = model_of([*latents, statement], parameters)
    results = decide_criterion(model).results
    found = next(r for r in results if r.factor.name == "x")
    assert isinstance(found, Holds)
    whole = found.identity.entropy
    short, chosen = abbreviate_arguments(
        found.factor, found.identity, whole, frozenset("a"), KnownArrays(), {}
    )
    assert [symbol.name for symbol, _ in chosen] == names
    assert is_true(subtract(replace_symbols(short, dict(chosen)), whole))
    for symbol, array in chosen:
        assert symbol.role is Role.ARGUMENT
        assert symbol.shape == tuple(index.extent for index in array.indices)
    if names:
        length = sum(count_subterms(array.body) for _, array in chosen)
        assert count_subterms(short) + length < count_subterms(whole)


def test_a_closed_form_has_no_abbreviations() -> None:
    """Where nothing is averaged, a name would have no meaning."""
    D = Extent("D")
    d = Index("d", D)
    name = Symbol("a", Role.ARGUMENT, Real(), (D,))
    mean = Symbol("mu", Role.PARAMETER, Real(), (D,))
    of_mean = call("softplus", Entry(mean, (d,)))
    item = Summand(
        Kind.ENTROPY,
        -1,
        ("x",),
        (),
        total(d, of_mean),
        call("softplus", Entry(name, (d,))),
        (d,),
        ((name, Array((d,), Entry(mean, (d,)))),),
    )
    (closed,) = merge_summands([item], ["x"])
    assert not closed.abbreviations and is_true(subtract(closed.display, total(d, of_mean)))
    beside, _ = merge_summands([item, entropy("y", mul(Z, ONE))], ["x"])
    assert beside.abbreviations == item.abbreviations
