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
from symelbo.model.least_sizes import least_values
from symelbo.notation.print_text import print_text
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


# beside y ~ MvNormal(m, S), by which S' = S C S - S for one matrix C
BESIDE_A_COVARIANCE: dict[str, tuple[int, str, type[Result]]] = {
    "an entry beside the diagonal": (3, "x ~ Normal(S[1,2], 1)", R),
    "the last one": (3, "x ~ Normal(S[2,3], 1)", R),
    "a diagonal entry": (3, "x ~ Normal(S[1,1], 1)", R),
    "a mean with a free variance": (3, "x ~ Normal(S[1,2], s)", R),
    "a mean with another entry as its variance": (3, "x ~ Normal(S[1,2], S[3,3])", R),
    "a mean, a variance and a third": (4, "x ~ Normal(S[1,2] + S[4,4], S[2,2])", R),
    "five rows": (5, "x ~ Poisson(exp(S[1,5]))", R),
    "a variance": (3, "x ~ Normal(0, S[1,1])", H),
    "a known mean and the sum of two": (3, "x ~ Normal(u, S[1,1] + 2*S[2,2])", H),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE_A_COVARIANCE)
def test_entries_of_a_covariance_of_literal_size(name: str) -> None:
    size, statement, kind = BESIDE_A_COVARIANCE[name]
    parameters = {"S": f"posdef[{size}, {size}]", "m": f"real[{size}]"}
    parameters |= {"s": "positive"} if "s)" in statement else {}
    inputs = {"u": "real"} if "u" in statement else {}
    statements = [statement, "y ~ MvNormal(m, S)"]
    model = model_of(statements, parameters, observed="xy", inputs=inputs)
    decision = decide_criterion(model)
    assert [type(result) for result in decision.results] == [kind, kind]
    if size == 3:
        spec = {"name": "m", "parameters": parameters, "inputs": inputs, "model": statements}
        answers = oracle.decide({**spec, "observed": ["x", "y"]})
        assert all(a.verdict == "HOLDS" for a in answers) is (kind is H)


Kinds = list[type[Result]]
# parameters, statements and what is found of each, by theorem 1 or 2
OF_SHARES: dict[str, tuple[dict[str, str], list[str], Kinds, int]] = {
    "one row": ({"A": "simplex[2, 3]"}, ["x ~ Categorical(A[1])"], [H], 1),
    "two rows": (
        {"A": "simplex[2, 3]"},
        ["x ~ Categorical(A[1])", "y ~ Categorical(A[2])"],
        [H, H],
        1,
    ),
    "a row and all rows": (
        {"A": "simplex[C, C]"},
        ["z ~ Categorical(A[1])", "x ~ Categorical(A[z])"],
        [H, H],
        1,
    ),
    "a row and an entry": (
        {"A": "simplex[3, 2]"},
        ["x ~ Categorical(A[1])", "y ~ Bernoulli(A[2,1])"],
        [H, H],
        1,
    ),
    "a row, and shifts of another": (
        {"A": "simplex[2, C]"},
        ["x ~ Categorical(A[1])", "y[c] ~ Exponential(A[2,c]) for c in 1:C"],
        [H, H],
        2,
    ),
    "rates": ({"p": "simplex[C]"}, ["x[c] ~ Exponential(p[c]) for c in 1:C"], [H], 2),
    "rates of two": (
        {"p": "simplex[2]"},
        ["x ~ Exponential(p[1])", "y ~ Exponential(p[2])"],
        [H, H],
        2,
    ),
    "means": ({"p": "simplex[3]"}, ["x[k] ~ Normal(p[k], 1) for k in 1:3"], [H], 2),
    "rates of each row": (
        {"A": "simplex[D, C]"},
        ["x[d,c] ~ Exponential(A[d,c]) for d in 1:D, c in 1:C"],
        [H],
        2,
    ),
    "rates of a Poisson": ({"p": "simplex[C]"}, ["x[c] ~ Poisson(p[c]) for c in 1:C"], [R], 0),
    "rates and a category": (
        {"p": "simplex[C]"},
        ["x[c] ~ Exponential(p[c]) for c in 1:C", "y ~ Categorical(p)"],
        [R, R],
        0,
    ),
    "a probability": ({"p": "simplex[C]"}, ["x ~ Bernoulli(p[1])"], [H], 1),
    "two of three probabilities": (
        {"p": "simplex[3]"},
        ["x ~ Bernoulli(p[1])", "y ~ Bernoulli(p[2])"],
        [H, H],
        1,
    ),
    "all three": ({"p": "simplex[3]"}, ["x[k] ~ Bernoulli(p[k]) for k in 1:3"], [R], 0),
    "the second of all": ({"p": "simplex[C]"}, ["x ~ Exponential(p[2])"], [H], 1),
}


@pytest.mark.parametrize("name", OF_SHARES)
def test_rows_and_shifts_of_a_simplex(name: str) -> None:
    parameters, statements, kinds, theorem = OF_SHARES[name]
    observed = [node for node in "xy" if any(s.startswith(node) for s in statements)]
    decision = decide_criterion(model_of(statements, parameters, observed="".join(observed)))
    assert [type(result) for result in decision.results] == kinds
    assert not decision.holds or decision.by_theorem_1 is (theorem == 1)
    spec = {"sizes": ["C", "D"], "parameters": parameters, "name": "m", "model": statements}
    answers = oracle.decide({**spec, "observed": observed})
    assert all(answer.verdict == "HOLDS" for answer in answers) is (R not in kinds)


def test_a_share_is_a_probability_of_two_places_or_more() -> None:
    """C >= 2 is stated; of three places nothing is."""
    for extent, least in (("C", {"C": 2}), ("3", {})):
        model = model_of(["x ~ Bernoulli(1 - p[1])"], {"p": f"simplex[{extent}]"})
        assert not model.conditions
        assert least_values(model.statements) == least


# parameters, statements, the conditions that are stated
OF_SIGNS: dict[str, tuple[dict[str, str], list[str], list[str]]] = {
    "a variance": (
        {"a": "real", "b": "real", "m": "real"},
        ["z ~ Bernoulli(0.5)", "x ~ Normal(z*m, a*b)"],
        ["0 < a*b"],
    ),
    "a logarithm": (
        {"a": "real", "b": "real", "p": "unit"},
        ["z ~ Bernoulli(p)", "x ~ Normal(z*log(a*b), 1)"],
        ["0 < a*b"],
    ),
    "a quotient": ({"a": "real", "b": "real"}, ["x ~ Exponential(a/b)"], ["0 < a/b"]),
    "a negative product": ({"a": "real", "b": "real"}, ["x ~ Normal(0, -a*b)"], ["0 < -a*b"]),
    "of places": (
        {"a": "real[D]", "b": "real", "m": "real[D]"},
        ["x[d] ~ Normal(m[d], a[d]*b) for d in 1:D"],
        ["0 < a[d]*b for d in 1:D"],
    ),
    "two of them": (
        {"a": "real", "b": "real", "c": "real"},
        ["x ~ Normal(0, a*b)", "y ~ Poisson(b*c)"],
        ["0 < a*b", "0 < b*c"],
    ),
    "a difference": (
        {"a": "real", "b": "real", "c": "real"},
        ["x ~ Normal(0, a*(b - c))"],
        ["0 < a*(b - c)"],
    ),
}


@pytest.mark.parametrize("name", OF_SIGNS)
def test_a_stated_sign_of_a_product_is_enough(name: str) -> None:
    parameters, statements, conditions = OF_SIGNS[name]
    observed = "xy" if len(conditions) > 1 else "x"
    model = model_of(statements, parameters, observed=observed)
    assert [condition.text for condition in model.conditions] == conditions
    assert decide_criterion(model).holds


def test_a_variance_of_q_with_a_stated_sign() -> None:
    q = ["z ~ Normal(nu, u^2*t)"]
    learned, inputs = {"w": "real", "s": "positive"}, {"u": "real"}
    statements = ["z ~ Normal(0, 1)", "x ~ Normal(w*z + u, s)"]
    decision = decide_criterion(model_of(statements, learned, inputs=inputs, variational=q))
    assert decision.holds and decision.closure is Closure.SHOWN


SUM = "Q[d,e] = {} for d in 1:D, e in 1:D"
OF_MATRICES = {
    "a Gram matrix": "sum(W[d,h]*W[e,h] for h in 1:H) + s*K[d,e]",
    "a weighted one": "sum(W[d,h]*t[h]*W[e,h] for h in 1:H) + s*K[d,e]",
    "a product": "m[d]*m[e] + s*K[d,e]",
    "another one": "s*K[d,e] + S[d,e]",
}


@pytest.mark.parametrize("name", OF_MATRICES)
def test_a_covariance_that_is_a_sum(name: str) -> None:
    """It is definite without a condition, as a summand is and none is negative."""
    learned = {"W": "real[D, H]", "m": "real[D]", "s": "positive", "S": "posdef[D, D]"}
    known = {"K": "posdef[D, D]", "t": "positive[H]", "u": "real[D]"}
    statements = [SUM.format(OF_MATRICES[name]), "x ~ MvNormal(u, Q)"]
    model = model_of(statements, learned, constants=known)
    assert not model.conditions
    decision = decide_criterion(model)
    assert decision.holds and decision.by_theorem_1


def test_a_velocity_is_undefined_where_it_divides_by_0_and_nowhere_else() -> None:
    statements = ["z ~ Bernoulli(p)", "x ~ Normal(z*(a + b), 1)", "y ~ Normal(z*a*b, 1)"]
    model = model_of(statements, {"a": "real", "b": "real", "p": "unit"}, observed="xy")
    decision = decide_criterion(model)
    assert decision.holds
    assert [print_text(term) for term in decision.nonzero] == ["a - b"]


def test_what_others_refute_is_not_called_undecidable() -> None:
    statements = ["x ~ Normal(a, 1)", "y ~ Bernoulli(logit=a*z + (a + 1)*w)"]
    statements += ["z ~ Bernoulli(0.5)", "w ~ Bernoulli(0.5)"]
    decision = decide_criterion(model_of(statements, {"a": "real"}, observed="xy"))
    x, y = (result for result in decision.results if result.factor.name in "xy")
    assert isinstance(x, Undecided) and isinstance(y, Refuted)
    assert x.missing == "a motion that serves x together with y: there is none"


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
