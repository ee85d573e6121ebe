"""Certificates against all motions: each case in plain numbers, and the cases cover everything."""

from __future__ import annotations

from itertools import islice, product

import pytest
from factors import Rows, assert_contradiction, factors_of

import symelbo
from symelbo.certify.certificate import Certificate
from symelbo.criterion import confirm
from symelbo.criterion.confirm import confirm_refutation, first_confirmed
from symelbo.criterion.factor import Factor
from symelbo.criterion.refute import Budget, find_certificates, is_known_to_fail, is_solvable
from symelbo.index.terms import Number
from symelbo.limits import LOOKS, PROPOSALS

COUNT = "z ~ Poisson(l)"
L = {"l": "positive"}
S = {"s": "positive"}
NORMAL = "z ~ Normal(0, 1)"

Spec = tuple[list[str], dict[str, str]]

FAMILIES = {
    "Below": {
        "value": "v",
        "support": "-oo..2",
        "parameters": {"q": "positive"},
        "log_density": "log(q) + q*(v - 2)",
    },
    "Between": {
        "value": "v",
        "support": "0..1",
        "parameters": {"q": "positive"},
        "log_density": "log(q) - q*v - log(1 - exp(-q))",
    },
}

SOLVABLE: dict[str, Spec] = {
    "up to 2": (["z ~ Below(3)", "x ~ Normal(w*z + b, s)"], {"w": "real", "b": "real", **S}),
    "linear": (["z ~ Normal(0, t)", "x ~ Normal(w*z, s)"], dict.fromkeys("wts", "positive")),
    "z moves": ([NORMAL, "x ~ Normal(w*z, 1)"], {"w": "real"}),
    "b(x)": ([COUNT, "x ~ Poisson(w*l**z)"], {"w": "positive", **L}),
    "a category": (
        ["z ~ Categorical(p)", "x ~ Poisson(l[z])"],
        {"p": "simplex[C]", "l": "positive[C]"},
    ),
}
FAILING: dict[str, Spec] = {
    "logarithms": ([COUNT, "x ~ Poisson(1 + z + w)"], {"w": "positive", **L}),
    "rational": ([COUNT, "x ~ Normal(w*z**2 + z, 1)"], {"w": "real", **L}),
    "unknowns are left": (
        [COUNT, "x ~ Poisson(exp(w*z/4) + v)"],
        {"w": "positive", "v": "positive", **L},
    ),
    "a simplex": (
        [COUNT, "x[c] ~ Poisson(p[c] + exp(p[c]*z)) for c in 1:C"],
        {"p": "simplex[C]", **L},
    ),
    "the latent may rest, scale or shift": ([NORMAL, "x ~ Normal(w*z**2 + z, 1)"], {"w": "real"}),
    "the latent may rest or scale": (["z ~ Gamma(2, 1)", "x ~ Normal(w*exp(z), 1)"], {"w": "real"}),
    "whatever another one does": (
        ["y ~ Gamma(2, l)", "z ~ Gamma(2, 1)", "x ~ Normal(w*exp(z) + v*y, 1)"],
        {"w": "real", "v": "real", **L},
    ),
    "from 2 on": (["z ~ Pareto(2, 3)", "x ~ Poisson(z + w)"], {"w": "positive"}),
    "both sides of a kink": (["x ~ Laplace(exp(t), t/(1 + t))"], {"t": "positive"}),
    "entries of a matrix": (
        ["u ~ Poisson(exp(S[1,2]))", "x ~ MvNormal(m, S)"],
        {"S": "posdef[2, 2]", "m": "real[2]"},
    ),
    "a root": (["u ~ Normal(-t, 1)", "x ~ Normal(c, sqrt(t))"], {"t": "positive", "c": "real"}),
    "up to 2": (["z ~ Below(3)", "x ~ Poisson(3 - z + w)"], {"w": "positive"}),
    "between two ends": (["z ~ Between(2)", "x ~ Exponential(w*z)"], {"w": "positive"}),
    "under conditions": (
        ["u ~ Bernoulli(r + m)", "x ~ Normal(m, 1 - r**2)"],
        {"r": "real", "m": "real"},
    ),
    # of more latents than can be told apart one by one the fifth decides
    "a chain with one known step": (
        [
            "z1 ~ Normal(0, 1)",
            *(f"z{n} ~ Normal(a[{n}]*z{n - 1}, s)" for n in (2, 3, 4)),
            "z5 ~ Normal(z4, 1)",
            "x ~ Normal(a[1]*z5, s)",
        ],
        {"a": "real[4]", "s": "positive"},
    ),
    "one parameter, two speeds": (
        ["z ~ Poisson(s)", "x ~ Normal(z*r, s)"],
        {"r": "real", "s": "positive"},
    ),
}


def factors(spec: Spec) -> tuple[Factor, ...]:
    used = {n: f for n, f in FAMILIES.items() if any(f"{n}(" in line for line in spec[0])}
    observed = "xu" if any(line.startswith("u ") for line in spec[0]) else "x"
    keys = {"families": used} if used else {}
    return factors_of(*spec, observed=observed, **keys)


def rows_of(own: tuple[Factor, ...], certificate: Certificate) -> Rows:
    return Rows(
        {factor.name: factor for factor in own},
        dict(certificate.sizes),
        dict(certificate.constants),
        [dict(point) for point in certificate.points],
        [dict(values) for values in certificate.inputs],
    )


# ---------------------------------------------------------------- certificates


@pytest.mark.parametrize("name", FAILING)
def test_every_case_of_a_certificate_is_a_contradiction(name: str) -> None:
    own = factors(FAILING[name])
    certificate = next(find_certificates(own, Budget()))
    rows = rows_of(own, certificate)
    for case in certificate.cases:
        assert_contradiction(rows, case)


def test_a_shift_that_counts_as_a_bias_times_a_number_that_is_not_rational() -> None:
    spec = [NORMAL, "x ~ NegativeBinomial(3, sigmoid(exp(b)*z + w))"]
    own = factors_of(spec, {"b": "real", "w": "real"})[1:]
    certificate = next(find_certificates(own, Budget()))
    shares = {share for case in certificate.cases for _, some in case.dependent for share in some}
    assert any(not isinstance(share, Number) for share in shares)
    for case in certificate.cases:
        assert_contradiction(rows_of(own, certificate), case)
    assert confirm_refutation(certificate, own) == []


@pytest.mark.parametrize("name", FAILING)
def test_the_cases_are_all_there_are(name: str) -> None:
    """Every entry rests, or moves with r = 0, or with another r: each choice falls into a case."""
    own = factors(FAILING[name])
    certificate = next(find_certificates(own, Budget()))
    entries = {place for case in certificate.cases for place in (*case.moving, *case.resting)}
    lines = {factor.node.name for factor in own if factor.node.domain.is_line}
    states = [
        ("rests", "scales", "shifts") if entry[0][0] in lines else ("rests", "scales")
        for entry in sorted(entries)
    ]
    for choice in product(*states):
        chosen = dict(zip(sorted(entries), choice, strict=True))
        fitting = [
            case
            for case in certificate.cases
            if all(chosen[e] == "rests" for e in case.resting)
            and all(chosen[e] == ("shifts" if e in case.shifted else "scales") for e in case.moving)
        ]
        assert len(fitting) == 1, chosen


@pytest.mark.parametrize("name", SOLVABLE)
def test_what_has_a_motion_has_no_certificate(name: str) -> None:
    budget = Budget()
    assert is_solvable(factors(SOLVABLE[name]), budget)
    assert not list(find_certificates(factors(SOLVABLE[name]), budget))
    assert not budget.exhausted


@pytest.mark.parametrize("name", FAILING)
def test_what_has_a_certificate_is_not_solvable(name: str) -> None:
    assert not is_solvable(factors(FAILING[name]), Budget())


def test_a_latent_that_may_not_move_is_still() -> None:
    own = factors(SOLVABLE["z moves"])
    budget = Budget()
    assert is_solvable(own, budget)
    assert not is_solvable(own, budget, still=True)
    certificate = next(find_certificates(own, Budget(), still=True))
    assert certificate.still
    assert not any(case.moving or case.resting for case in certificate.cases)
    assert not list(find_certificates(own, Budget()))


# ---------------------------------------------------------------- work


def test_without_work_nothing_is_excluded() -> None:
    own = factors(FAILING["rational"])
    budget = Budget(left=0)
    assert budget.exhausted
    assert is_solvable(own, budget)
    assert not list(find_certificates(own, budget))


def test_a_check_that_is_cut_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is proposed next would be as large."""
    asked: list[Certificate] = []

    def cut(certificate: Certificate, *others: object) -> list[str]:
        asked.append(certificate)
        (*_, on_cut) = others
        assert callable(on_cut)
        on_cut()
        return ["too long"]

    own, budget = factors(FAILING["rational"]), Budget()
    assert len(list(islice(find_certificates(own, Budget()), PROPOSALS))) == PROPOSALS
    monkeypatch.setattr(confirm, "check_refutation", cut)
    assert first_confirmed(find_certificates(own, budget), own, budget) is None
    assert len(asked) == 1 and budget.exhausted


def test_large_numbers_that_cancel_are_calculated_with_more_digits() -> None:
    """A certificate through nested functions, whose statement is written in another way."""
    parts = ["a = tanh(w*z)", "b = a + tanh(w*a)", "c = b + tanh(w*b)"]
    derivation = symelbo.derive(
        {
            "name": "nested",
            "parameters": {"w": "real"},
            "model": [NORMAL, *parts, "x ~ Normal(c, 1)"],
            "observed": ["x"],
        },
        explain=False,
    )
    assert derivation.verdict == "refuted"


@pytest.mark.parametrize("size", ["D", "1"])
def test_a_matrix_that_would_have_to_move_is_refuted_at_one_entry(size: str) -> None:
    """L' = r L: the first density asks for r = 1 (b = c log L), the second one for r = -1."""
    derivation = symelbo.derive(
        {
            "name": "covariances",
            "sizes": ["D"] if size == "D" else [],
            "constants": {"R": f"posdef[{size}, {size}]"},
            "model": ["L ~ Wishart(5, R)", "X ~ Wishart(5, L)"],
            "observed": ["X"],
        },
        explain=False,
    )
    assert derivation.verdict == "refuted"


def test_work_is_counted_and_answers_are_kept() -> None:
    for spec, solvable in ((SOLVABLE["linear"], True), (FAILING["rational"], False)):
        budgets = [Budget(), Budget()]
        for budget in budgets:
            assert is_solvable(factors(spec), budget) is solvable
        first, second = budgets
        assert first.left == second.left < Budget().left
        for system in first.failing:
            assert Budget().left - first.left >= len(system.rows)
        assert is_solvable(factors(spec), first) is solvable
        assert first.left == second.left


def test_a_quick_look_sees_no_more_than_a_long_one() -> None:
    """What fails at the smallest instance fails; of no quick look follows that there is a motion.

    At H = 1 the two sums are one.
    """
    spec: Spec = (
        [
            "z[h] ~ Poisson(l) for h in 1:H",
            "x ~ Normal(w*sum(z[h] for h in 1:H) + sum(z[h]**2 for h in 1:H)*v - 3*z[1], 1)",
        ],
        {"w": "real", "v": "real", **L},
    )
    own = factors(spec)
    assert is_solvable(own, Budget(), instances=LOOKS[0])
    assert not is_solvable(own, Budget())
    own = factors(FAILING["rational"])
    budget = Budget()
    assert not is_solvable(own, budget, instances=LOOKS[0])
    left = budget.left
    assert not is_solvable(own, budget) and budget.left == left


def test_a_part_that_fails_is_known_from_the_whole() -> None:
    z, x, y = factors_of(
        [COUNT, "x ~ Normal(w*z**2 + z, 1)", "y ~ Normal(v*z, 1)"],
        {"w": "real", "v": "real", **L},
        observed="xy",
    )
    budget = Budget()
    assert not is_known_to_fail([x], budget)
    assert not is_solvable([z, x, y], budget)
    assert is_known_to_fail([x], budget) and is_known_to_fail([x, y], budget)
    assert not is_known_to_fail([y], budget) and not is_known_to_fail([z, y], budget)
    assert not is_known_to_fail([x], budget, still=True)  # of another question
    (other,) = factors_of(["u ~ Normal(0, s)"], {"s": "positive"}, observed="u")
    assert not is_known_to_fail([x, other], budget)  # not of all of these
