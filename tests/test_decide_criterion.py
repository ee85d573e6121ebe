"""One motion for all factors, in the order of preference: its answers, and (U) along it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from factors import model_of
from judge import worlds

from symelbo.criterion.decide_criterion import decide_criterion
from symelbo.criterion.result import (
    Closure,
    Decision,
    Holds,
    Outside,
    Refuted,
    Result,
    Undecided,
)
from symelbo.trial.evaluate import evaluate
from symelbo.trial.identity import velocities_at
from tests.oracle import rank as oracle

H, R, O = Holds, Refuted, Outside
LINEAR = "x[d] ~ Normal(sum(W[d,h]*z[h] for h in 1:H), s) for d in 1:D"
WEIGHTS = {"W": "real[D, H]", "s": "positive"}
UNIT = "z[h] ~ Normal(0, 1) for h in 1:H"

# statements, parameters, other keys; what is found of each factor, which latents move, and whether
# q is known to follow
CASES: dict[
    str, tuple[list[str], dict[str, str], dict[str, Any], list[type[Result]], str, Closure]
] = {
    "no latent has to move": (
        ["z[h] ~ Normal(0, t) for h in 1:H", LINEAR],
        {**WEIGHTS, "t": "positive"},
        {},
        [H, H],
        "",
        Closure.NOT_NEEDED,
    ),
    "a prior without parameters": ([UNIT, LINEAR], WEIGHTS, {}, [H, H], "z", Closure.ASSUMED),
    "the same, of the exact posterior": (
        [UNIT, LINEAR],
        WEIGHTS,
        {"variational": "exact"},
        [H, H],
        "z",
        Closure.EXACT,
    ),
    "the same, of a q that scales": (
        [UNIT, LINEAR],
        WEIGHTS,
        {"variational": ["z[h] ~ Normal(m[h], g[h]) for h in 1:H"]},
        [H, H],
        "z",
        Closure.SHOWN,
    ),
    "the same, of a q that does not": (
        [UNIT, LINEAR],
        WEIGHTS,
        {"variational": ["z[h] ~ Normal(m[h], 1) for h in 1:H"]},
        [H, H],
        "z",
        Closure.BROKEN,
    ),
    "where no latent may move": (
        [UNIT, LINEAR],
        WEIGHTS,
        {"reparameterize": "never"},
        [R, H],
        "",
        Closure.NOT_NEEDED,
    ),
    "one of two moves": (
        ["y ~ Normal(0, t)", "z ~ Gamma(2, 1)", "x ~ Normal(w*y, s*z)"],
        {"t": "positive", "w": "real", "s": "positive"},
        {},
        [H, H, H],
        "z",
        Closure.ASSUMED,
    ),
    "counts": (
        ["z ~ Poisson(l)", "x ~ Poisson(w*v**z)"],
        {"l": "positive", "w": "positive", "v": "positive"},
        {},
        [H, H],
        "",
        Closure.NOT_NEEDED,
    ),
    "one factor fails, and the others hold": (
        ["z ~ Poisson(l)", "y ~ Normal(w*z, s)", "x ~ Poisson(1 + z + v)"],
        {"l": "positive", "w": "real", "s": "positive", "v": "positive"},
        {"observed": "xy"},
        [H, H, R],
        "",
        Closure.NOT_NEEDED,
    ),
    "each alone holds, together they do not": (
        ["z ~ Poisson(s)", "x ~ Normal(r*z, s)"],
        {"r": "real", "s": "positive"},
        {},
        [R, R],
        "",
        Closure.NOT_NEEDED,
    ),
    "a variance that falls exponentially, along a chain": (
        [
            "z[1] ~ Normal(0, s)",
            "z[t] ~ Normal(exp(-k)*z[t-1], s*(1 - exp(-2*k))) for t in 2:T",
            "x[t] ~ Normal(z[t], v) for t in 1:T",
        ],
        {"k": "positive", "s": "positive", "v": "positive"},
        {"sizes": "T"},
        [H, H, H],
        "",
        Closure.NOT_NEEDED,
    ),
    "a variance of one and squares of inner sums": (
        [
            UNIT,
            "x[d] ~ Normal(0, v[d]*(1 + sum((sum(W[j,h]*z[h] for h in 1:H) + b[j])**2"
            " for j in 1:D))) for d in 1:D",
        ],
        {"W": "real[D, H]", "b": "real[D]", "v": "positive[D]"},
        {},
        [H, H],
        "z",
        Closure.ASSUMED,
    ),
    "a mean over one and sizes of inner sums": (
        [
            UNIT,
            "x[d] ~ Normal(b[d]/(1 + sum(abs(sum(W[j,h]*z[h] for h in 1:H)) for j in 1:D)),"
            " v[d]) for d in 1:D",
        ],
        {"W": "real[D, H]", "b": "real[D]", "v": "positive[D]"},
        {},
        [H, H],
        "z",
        Closure.ASSUMED,
    ),
    "a logarithm of a logarithm": (
        ["x ~ Normal(log(-log(1 - p)), -v*log(p))"],
        {"p": "unit", "v": "positive"},
        {"observed": "x"},
        [H],
        "",
        Closure.NOT_NEEDED,
    ),
    "a stated condition": (
        ["x ~ Normal(0, a**2 + b**2)"],
        {"a": "real", "b": "real"},
        {"observed": "x"},
        [H],
        "",
        Closure.NOT_NEEDED,
    ),
    "a q that follows under a stated condition": (
        [UNIT, LINEAR],
        WEIGHTS,
        {
            "variational": [
                "z[h] ~ Normal(m[h], g[h]/(1 + sum(W[d,h]**2 for d in 1:D)/s)) for h in 1:H"
            ]
        },
        [H, H],
        "z",
        Closure.SHOWN,
    ),
    "a velocity that divides by one parameter beside another": (
        ["z ~ Bernoulli(p)", "x ~ Gamma(v, (w*z + b)**2 + v)"],
        {"p": "unit", "v": "positive", "w": "real", "b": "real"},
        {},
        [H, H],
        "",
        Closure.NOT_NEEDED,
    ),
    "a probability that is a variance": (
        ["z ~ Bernoulli(p)", "x ~ Normal(m*z, p)"],
        {"p": "unit", "m": "real"},
        {},
        [R, R],
        "",
        Closure.NOT_NEEDED,
    ),
    "a probability and its square": (
        ["z ~ Bernoulli(a)", "x ~ Bernoulli(a**2*z + b*(1-z))"],
        {"a": "unit", "b": "unit"},
        {},
        [R, R],
        "",
        Closure.NOT_NEEDED,
    ),
    "the same, of densities one of which has no separation": (
        ["z ~ Poisson(l)", "x ~ Laplace(w*z, s)", "y ~ Normal(w*z, s**2)"],
        {"l": "positive", "w": "real", "s": "positive"},
        {"observed": "xy"},
        [H, R, R],
        "",
        Closure.NOT_NEEDED,
    ),
    "a support that moves": (
        ["z ~ Pareto(t, 2)", "x ~ Normal(w*z, s)"],
        {"t": "positive", "w": "real", "s": "positive"},
        {},
        [O, H],
        "",
        Closure.NOT_NEEDED,
    ),
}


def decide(name: str) -> Decision:
    statements, parameters, keys, *_ = CASES[name]
    return decide_criterion(model_of(statements, parameters, **keys))


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_that_of_the_theory(name: str) -> None:
    *_, results, moving, closure = CASES[name]
    decision = decide(name)
    assert [type(result) for result in decision.results] == results
    assert decision.holds is all(kind is Holds for kind in results)
    assert "".join(sorted(node.name for node in decision.motion.latents)) == moving
    assert decision.closure is closure
    assert bool(decision.broken) is (closure is Closure.BROKEN)


@pytest.mark.parametrize("name", CASES)
def test_the_identity_holds_of_every_factor_along_the_one_motion(name: str) -> None:
    """log p - D log p - b + H~ - d = 0, D along the motion of the whole decision."""
    decision = decide(name)
    motion = decision.motion.velocities()
    parameters = [p for r in decision.results for p in sorted(r.factor.parameters(), key=repr)]
    holding = [result for result in decision.results if isinstance(result, Holds)]
    assert holding or not decision.holds
    for result in holding:
        factor, identity = result.factor, result.identity
        terms = [factor.statement.log_density, identity.base, identity.entropy, identity.divergence]
        count = 0
        for world in worlds(
            [*parameters, *terms, *motion, *motion.values(), *factor.plates], draws=2
        ):
            here = world.along(velocities_at(motion, world))
            for place in product(
                *(range(i.low, world.length(i.extent) + 1) for i in factor.plates)
            ):
                env = dict(zip(factor.plates, place, strict=True))
                log_p, change = evaluate(terms[0], here, env)
                b, h, d = (evaluate(term, world, env).value for term in terms[1:])
                size = 1 + abs(log_p) + abs(change) + abs(b) + abs(h)
                assert abs(log_p - change - b + h - d) < 1e-9 * size
                count += 1
        assert count > 1


def test_theorem_1_with_a_motion_stands_beside_theorem_2_without() -> None:
    """The base measure exp(-z**2/2) is not constant at rest; where z moves, none is needed."""
    statements = ["z ~ Normal(m, 1)", "x ~ Normal(w*z, s)"]
    parameters = {"m": "real", "w": "real", "s": "positive"}
    decision = decide_criterion(model_of(statements, parameters))
    other = decision.alternative
    assert decision.holds and not decision.motion.latents and other is not None
    assert other.holds and [node.name for node in other.motion.latents] == ["z"]
    for found, expected in ((decision, [False, True]), (other, [True, True])):
        kinds = [r.identity.is_entropy for r in found.results if isinstance(r, Holds)]
        assert kinds == expected
    still = decide_criterion(model_of(statements, parameters, reparameterize="never"))
    assert still.holds and still.alternative is None


# two layers of which the upper one moves by itself with exp(-y**2/2) for the lower one
CHAIN = ["z ~ Normal(0, 1)", "y ~ Normal(a*z, 1)", "x ~ Normal(b*y, s)"]
CHAINED = {"a": "real", "b": "real", "s": "positive"}
LAYERS = [
    "z[c] ~ Normal(0, 1) for c in 1:C",
    "y[h] ~ Normal(sum(A[h,c]*z[c] for c in 1:C), 1) for h in 1:H",
    "x[d] ~ Normal(sum(W[d,h]*y[h] for h in 1:H), s) for d in 1:D",
]
CONSTANT: dict[str, tuple[list[str], dict[str, str], dict[str, Any], str]] = {
    "two layers": (CHAIN, CHAINED, {}, "yz"),
    "two layers, under a q": (
        CHAIN,
        CHAINED,
        {"variational": ["z ~ Normal(m, g)", "y ~ Normal(n, h)"]},
        "yz",
    ),
    "two layers, under the posterior": (CHAIN, CHAINED, {"variational": "exact"}, "yz"),
    "three layers": (
        ["w ~ Normal(0, 1/2)", "z ~ Normal(c*w, 1)", *CHAIN[1:]],
        {**CHAINED, "c": "real"},
        {},
        "wyz",
    ),
    "layers of any size": (LAYERS, {**WEIGHTS, "A": "real[H, C]"}, {}, "yz"),
    "a learned mean, under the posterior": (
        ["z ~ Normal(m, 1)", "x ~ Normal(w*z, s)"],
        {"m": "real", "w": "real", "s": "positive"},
        {"variational": "exact"},
        "z",
    ),
}


@pytest.mark.parametrize("name", CONSTANT)
def test_a_constant_base_measure_is_worth_a_larger_motion(name: str) -> None:
    """Where latents move anyway, or where the condition on q holds."""
    statements, parameters, keys, moving = CONSTANT[name]
    decision = decide_criterion(model_of(statements, parameters, **keys))
    assert decision.by_theorem_1
    assert "".join(sorted(node.name for node in decision.motion.latents)) == moving
    assert decision.alternative is None


def test_a_motion_that_q_does_not_follow_leaves_theorem_2() -> None:
    """The variance of y is fixed under q, so that y cannot be scaled with z."""
    q = ["z ~ Normal(m, g)", "y ~ Normal(n, 1)"]
    decision = decide_criterion(model_of(CHAIN, CHAINED, variational=q))
    assert decision.holds and decision.closure is Closure.SHOWN and not decision.by_theorem_1
    assert [node.name for node in decision.motion.latents] == ["z"]


def test_a_constant_base_measure_is_worth_no_further_condition() -> None:
    """z' = m' = -s/w makes that of x constant, but only where w is not 0."""
    learned = {"m": "real", "t": "positive", "w": "real", "s": "positive"}
    for slope, beside in (("exp(w)", True), ("w", False)):
        statements = ["z ~ Normal(m, t)", f"x ~ LogNormal({slope}*z, s)"]
        decision = decide_criterion(model_of(statements, learned))
        assert decision.holds and not decision.by_theorem_1 and not decision.nonzero
        assert (decision.alternative is not None) is beside


def test_a_joint_refutation_names_all_its_factors() -> None:
    decision = decide("each alone holds, together they do not")
    for result in decision.results:
        assert isinstance(result, Refuted) and len(result.factors) == 2
        assert len(result.joint) == 1 and result.joint[0] != result.factor.name


def missing(decision: Decision) -> str:
    found = decision.results[-1]
    assert isinstance(found, Undecided)
    return found.missing


@pytest.mark.parametrize(
    ("mean", "texts"),
    [
        ("log(a)*z", ["0 < a"]),
        ("z/(1 + a)", ["a + 1 != 0"]),
        ("z/(1 - a^2) + log(abs(b))", ["0 < abs(b)", "1 - a**2 != 0"]),
        ("sum(w[h]*z/(2 + u[h]) for h in 1:H)", ["u[h] + 2 != 0 for h in 1:H"]),
        ("sqrt(a)*z + exp(b)/v", ["0 < a"]),
        ("z/(a*v)", ["a != 0"]),
        ("a*z", []),
        ("sum(w[h]*(a^2)^h for h in 1:H)*z", []),
    ],
)
def test_where_a_mean_has_no_value_nothing_is_said(mean: str, texts: list[str]) -> None:
    """It is a condition, under which the rest is proved."""
    learned = {"a": "real", "b": "real", "u": "real[H]", "w": "real[H]", "v": "positive"}
    used = {name: kind for name, kind in learned.items() if name in set(mean) | {"v"}}
    model = model_of(["z ~ Normal(0, 1)", f"x ~ Normal({mean}, v)"], used)
    assert sorted(c.text for c in model.conditions) == sorted(texts)
    assert decide_criterion(model).holds


@pytest.mark.parametrize(
    ("power", "texts"),
    [("(-1)^h", []), ("a^h", []), ("(1 + a)^(-h)", ["a + 1 != 0"]), ("a^b", ["0 < a"])],
)
def test_a_power_by_a_place_asks_for_no_sign(power: str, texts: list[str]) -> None:
    learned = {"a": "real", "b": "real", "w": "real[H]", "v": "positive"}
    used = {name: kind for name, kind in learned.items() if name in set(power) | {"w", "v"}}
    mean = f"sum(w[h]*{power} for h in 1:H)*z"
    model = model_of(["z ~ Normal(0, 1)", f"x ~ Normal({mean}, v)"], used)
    assert [c.text for c in model.conditions] == texts


def test_a_base_measure_that_is_not_written_apart_is_said_to_be_none() -> None:
    """It is constant where b' = 0 for all but a common factor, which no rule sees."""
    statements = [
        "p[c] = b[c]*exp(u[c])/sum(b[j]*exp(u[j]) for j in 1:C) for c in 1:C",
        "x ~ Categorical(p)",
    ]
    decision = decide_criterion(model_of(statements, {"b": "positive[C]"}, inputs={"u": "real[C]"}))
    assert missing(decision).endswith("the base measure of x is not written without b")


@pytest.mark.parametrize("length", ["C", "3"])
@pytest.mark.parametrize("trials", [1, 3])
def test_counts_of_one_trial_have_a_constant_base_measure(length: str, trials: int) -> None:
    """log 0! = log 1! = 0: a one-hot vector is categorical; of three trials log x! stays."""
    model = model_of(
        [
            f"z ~ Multinomial({trials}, p)",
            f"x ~ Normal(sum(z[k]*m[k] for k in 1:{length}), s)",
        ],
        {"p": f"simplex[{length}]", "m": f"real[{length}]", "s": "positive"},
    )
    decision = decide_criterion(model)
    entropies = [result.identity.is_entropy for result in decision.results if isinstance(result, H)]
    assert entropies == [trials == 1, True]


# parameters, the variances or means of x, y and w, which read single entries; what is found
SINGLE_ENTRIES: dict[str, tuple[dict[str, str], list[str], type[Result]]] = {
    "two of three": ({"p": "simplex[3]"}, ["x ~ Normal(0, p[1])", "y ~ Normal(0, p[2])"], H),
    "the last takes no rest": (
        {"p": "simplex[4]"},
        ["x ~ Normal(0, p[1])", "y ~ Normal(0, p[4])"],
        H,
    ),
    "all of them": ({"p": "simplex[2]"}, ["x ~ Normal(0, p[1])", "y ~ Normal(0, p[2])"], R),
    "one of each row": (
        {"A": "simplex[D, 3]"},
        ["x[d] ~ Normal(0, A[d,2]) for d in 1:D", "y[d] ~ Normal(0, A[d,3]) for d in 1:D"],
        H,
    ),
    "of one row": (
        {"A": "simplex[2, 3]"},
        ["x ~ Normal(0, A[2,1])", "y ~ Normal(0, A[2,2])"],
        H,
    ),
    "above the diagonal": (
        {"S": "posdef[2, 2]"},
        ["x ~ Normal(u*S[1,2], 1)", "y ~ Normal(0, S[1,1])"],
        H,
    ),
    "on both sides of the diagonal": (
        {"S": "posdef[3, 3]"},
        ["x ~ Normal(u*S[1,3] + S[2,3], 1)", "y ~ Normal(S[3,1] - S[2,1], 1)"],
        H,
    ),
}


@pytest.mark.parametrize("name", SINGLE_ENTRIES)
def test_single_entries_of_what_has_no_free_entries(name: str) -> None:
    parameters, statements, kind = SINGLE_ENTRIES[name]
    model = model_of(statements, parameters, observed="xy", inputs={"u": "real"})
    decision = decide_criterion(model)
    assert [type(result) for result in decision.results] == [kind, kind]
    spec = {"sizes": ["D"], "parameters": parameters, "inputs": {"u": "real"}}
    answers = oracle.decide({**spec, "name": "m", "model": statements, "observed": ["x", "y"]})
    holds = all(answer.verdict == "HOLDS" for answer in answers)
    assert holds is (kind is H)


@pytest.mark.parametrize(
    ("own", "closed"), [("u", True), ("t", False), ("exp(t)", False), ("nu^2 + t", False)]
)
def test_what_moves_in_one_statement_of_q_moves_in_all(own: str, closed: bool) -> None:
    """z has to move, and t with it; y is at rest, so that its q may not name t."""
    statements = ["z ~ Normal(0, 1)", "y ~ Laplace(m, s)", "x ~ Normal(w*z + y, v)"]
    learned = {"m": "real", "s": "positive", "w": "real", "v": "positive"}
    q = ["z ~ Normal(nu, t)", f"y ~ Normal(mu, {own})"]
    decision = decide_criterion(model_of(statements, learned, variational=q))
    assert decision.holds and set(decision.motion.latents) == {decision.results[0].factor.node}
    assert (decision.closure is Closure.SHOWN) is closed
    assert decision.broken == (() if closed else ("y",))
