"""Which latents have to move, and which base measures serve together: against all cases, and in
chains and trees of many latents.
"""

from __future__ import annotations

import re
from itertools import product

import pytest
from factors import factors_of

from symelbo.criterion.factor import Factor
from symelbo.criterion.find_motion import Attempt
from symelbo.criterion.probe import allow_probes
from symelbo.criterion.search_motion import Search
from symelbo.criterion.tableau import Tableau, make_tableau
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel
from symelbo.index.terms import Symbol
from symelbo.pipeline import derive

REST, SHIFT, AFFINE = Travel.REST, Travel.SHIFT, Travel.AFFINE
CONSTANT, TEXTBOOK, SHIFTED = Gauge.CONSTANT, Gauge.TEXTBOOK, Gauge.SHIFTED
GUMBEL = {
    "value": "v",
    "support": "real",
    "parameters": {"m": "real"},
    "log_density": "m - v - exp(m - v)",
}
PARAMETERS = {"a": "real", "d": "positive", "c": "real", "q": "positive", "r": "positive"}


def chain(n: int) -> list[str]:
    steps = (f"z{i} ~ Normal(a*z{i - 1}, q)" for i in range(2, n + 1))
    return ["z1 ~ Normal(0, 1)", *steps, *(f"x{i} ~ Normal(c*z{i}, r)" for i in range(1, n + 1))]


def tree(n: int) -> list[str]:
    """Each latent below the one of half its number; the leaves are observed."""
    steps = (f"z{i} ~ Normal(a*z{i // 2}, q)" for i in range(2, n + 1))
    leaves = (f"x{i} ~ Normal(c*z{i}, r)" for i in range(n // 2 + 1, n + 1))
    return ["z1 ~ Normal(0, 1)", *steps, *leaves]


def observed_of(statements: list[str]) -> list[str]:
    return [s.split()[0] for s in statements if s.startswith("x")]


def parameters_of(statements: list[str]) -> dict[str, str]:
    """Those that occur."""
    words = set(re.findall(r"\w+", " ".join(statements)))
    return {name: domain for name, domain in PARAMETERS.items() if name in words}


def tableau_of(statements: list[str]) -> tuple[tuple[Factor, ...], Tableau]:
    own, observed = parameters_of(statements), observed_of(statements)
    families = {"Gumbel": GUMBEL}
    factors = factors_of(statements, own, observed=observed, families=families)
    moving = dict.fromkeys(Search(factors, ()).movable(), AFFINE)
    tableau = make_tableau(Attempt(factors, (), moving, common=False), allow_probes())
    assert tableau is not None
    return factors, tableau


CASES = {
    "one latent that is known": ["z1 ~ Normal(0, 1)", "x1 ~ Normal(c*z1, r)"],
    "a chain": chain(3),
    "a tree": tree(4),
    "two that serve each other": ["z1 ~ Normal(0, 1)", "z2 ~ Normal(z1, 1)", "x1 ~ Normal(z2, r)"],
    "a scale that has to be passed on": ["z1 ~ Gamma(2, 1)", "x1 ~ Exponential(z1)"],
    "a level that is moved": ["z1 ~ Normal(a, q)", "x1 ~ Normal(0, exp(z1))"],
    "a shift alone": ["z1 ~ Gumbel(0)", "x1 ~ Normal(a + c*z1, r)"],
    "nothing serves": ["z1 ~ Normal(0, 1)", "x1 ~ Bernoulli(logit=z1)"],
    "parameters alone": ["z1 ~ Normal(0, q)", "x1 ~ Normal(c*z1, r)"],
    "one that is free beside one that is not": [
        "z1 ~ Normal(0, q)",
        "z2 ~ Normal(0, 1)",
        "x1 ~ Normal(a*z1 + c*z2, r)",
    ],
}


def travels_of(node: Symbol) -> tuple[Travel, ...]:
    return (REST, SHIFT, AFFINE) if node.domain.lower is None else (REST, AFFINE)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_what_is_found_to_move_is_a_least_set_of_all(name: str, constant: bool) -> None:
    """Against all choices of how every latent moves."""
    factors, tableau = tableau_of(CASES[name])
    gauges = [CONSTANT if constant else None] * len(factors)
    solvable = [
        case
        for travels in product(*map(travels_of, tableau.moving))
        if tableau.is_solvable(case := dict(zip(tableau.moving, travels, strict=True)), gauges)
    ]
    found = tableau.find_moving(constant=constant)
    if found is None:
        assert not solvable
        return

    def moved(case: dict[Symbol, Travel]) -> set[Symbol]:
        return {node for node, travel in case.items() if travel is not REST}

    whole = {**dict.fromkeys(tableau.moving, REST), **found}
    assert whole in solvable
    assert not any(moved(case) < moved(whole) for case in solvable)


def test_the_cases_above_are_of_every_kind() -> None:
    found = {
        name: tableau_of(statements)[1].find_moving(constant=False)
        for name, statements in CASES.items()
    }
    assert found["nothing serves"] is None and found["parameters alone"] == {}
    assert {t for moving in found.values() for t in (moving or {}).values()} == {SHIFT, AFFINE}


@pytest.mark.parametrize("shape", [chain, tree])
def test_the_cases_that_are_asked_for_grow_with_the_latents(
    shape: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    solve = Tableau.is_solvable
    for n in (4, 8, 16):
        _, tableau = tableau_of(chain(n) if shape is chain else tree(n))
        count = 0

        def counted(*arguments: object) -> bool:
            nonlocal count
            count += 1
            return solve(*arguments)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(Tableau, "is_solvable", counted)
            found = tableau.find_moving(constant=False)
        assert found == dict.fromkeys(tableau.moving, AFFINE)
        asked.append(count)
    assert asked[2] < 2.2 * asked[1] < 2.2**2 * asked[0]


GAUGES = {
    "by itself": ["x1 ~ Normal(a, r)"],
    "one for the other": ["x1 ~ Poisson(r)", "x2 ~ Normal(a, r)"],
    "what all need": ["x1 ~ Poisson(r)", "x2 ~ Poisson(r + 1)"],
    "known": ["x1 ~ Normal(a, 1)", "x2 ~ Normal(2*a + 1, 1)"],
    "in conflict": [f"x{i} ~ Poisson(r + {i})" for i in range(1, 5)],
    "a shift": ["z1 ~ Bernoulli(1/2)", "x1 ~ Bernoulli(logit=2 + a*z1)", "x2 ~ Poisson(exp(a))"],
}


@pytest.mark.parametrize("name", GAUGES)
def test_base_measures_are_the_first_of_all_choices(name: str) -> None:
    """In the order of the factors, each the strongest that those before it leave."""
    factors, tableau = tableau_of(GAUGES[name])
    options = [(CONSTANT, TEXTBOOK, SHIFTED)] * len(factors)
    choices = [gauges for gauges in product(*options) if tableau.is_solvable({}, gauges)]
    assert tableau.find_gauges({}, options) == (choices[0] if choices else None)


def test_many_factors_in_conflict_are_told_at_once() -> None:
    """A constant is the same at all parameter values, of which one alone would not tell."""
    model = {
        "name": "m",
        "parameters": {"a": "positive"},
        "model": [f"x{i} ~ Poisson(a + {i})" for i in range(12)],
        "observed": [f"x{i}" for i in range(12)],
    }
    assert derive(model).verdict == "refuted"


# ---------------------------------------------------------------- whole models


def written_out(statements: list[str]) -> dict[str, object]:
    parameters, observed = parameters_of(statements), observed_of(statements)
    return {"name": "m", "parameters": parameters, "model": statements, "observed": observed}


def as_arrays(n: int) -> dict[str, object]:
    statements = [
        "z[1] ~ Normal(0, 1)",
        f"z[t] ~ Normal(a*z[t-1], q) for t in 2:{n}",
        f"x[t] ~ Normal(c*z[t], r) for t in 1:{n}",
    ]
    return {
        "name": "m",
        "parameters": parameters_of(statements),
        "model": statements,
        "observed": ["x"],
    }


@pytest.mark.parametrize("n", [2, 3, 4, 7, 20])
def test_a_chain_is_proved_by_the_same_motion_written_out_and_as_arrays(n: int) -> None:
    whole, parts = derive(as_arrays(n)), derive(written_out(chain(n)))
    assert whole.verdict == parts.verdict == "proved"
    assert whole.theorem == parts.theorem
    motion, other = parts.decision.motion, whole.decision.motion
    assert {s.name: a.body for s, a in motion.parameters.items()} == {
        s.name: a.body for s, a in other.parameters.items()
    }
    rates = {latent.rate.body for m in (motion, other) for latent in m.latents.values()}
    assert len(rates) == 1 and len(motion.latents) == n


@pytest.mark.parametrize("n", [3, 10, 20])
def test_trees_are_proved(n: int) -> None:
    """At a depth of two the weights alone follow the root, then no more."""
    derivation = derive(written_out(tree(n)))
    moving = len(derivation.decision.motion.latents)
    assert derivation.verdict == "proved" and moving == (1 if n == 3 else n)


def test_what_no_motion_serves_is_refuted_beside_a_chain_that_holds() -> None:
    """The work of the search for certificates is not spent on what a motion serves."""
    shares = [f"b{i} ~ Beta(d, 2)" for i in range(1, 5)]
    shares += [f"x{i}_ ~ Bernoulli(b{i})" for i in range(1, 5)]
    assert derive(written_out([*chain(6), *shares])).verdict == "refuted"


def test_some_move_beside_others_that_may_not() -> None:
    """What a learned variance serves rests, and a share of what is known may not move."""
    statements = [
        "z1 ~ Normal(0, 1)",
        "z2 ~ Normal(a*z1, q)",
        "z3 ~ Beta(2, 3)",
        "z4 ~ Normal(0, r)",
        "x1 ~ Normal(c*z2 + z4, r)",
        "x2 ~ Bernoulli(z3)",
    ]
    alone = derive(written_out([s for s in statements if "z3" not in s]))
    assert alone.verdict == "proved"
    assert {s.name for s in alone.decision.motion.latents} == {"z1"}
    assert derive(written_out(statements)).verdict == "refuted"
