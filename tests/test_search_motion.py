"""Components, latents that may move and base measures, against enumeration; motions in numbers."""

from __future__ import annotations

import math
from random import Random

import pytest
from factors import change_of, factors_of, model_of

from symelbo.criterion.factor import Factor, make_factor, symbols_of_statement
from symelbo.criterion.find_motion import Proposal
from symelbo.criterion.motion import Motion
from symelbo.criterion.search_motion import ALIKE, Component, Search, is_idle
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel
from symelbo.index.build import ONE
from symelbo.index.solve import NotFound
from symelbo.index.terms import Array, Role, Symbol
from symelbo.trial.evaluate import World
from symelbo.trial.identity import velocities_at

AFFINE = Travel.AFFINE

CHAIN = (
    [
        "y ~ Normal(0, a)",
        "z ~ Gamma(b, 1)",
        "u ~ Bernoulli(1/2)",
        "v ~ Normal(c*y, a)",
        "w ~ Poisson(z)",
        "x ~ Normal(d*u + e*v, 1)",
    ],
    {"a": "positive", "b": "positive", "c": "real", "d": "real", "e": "real"},
)
Q_OF_CHAIN = ["y ~ Normal(m, s)", "v ~ Normal(n, t)", "z ~ Gamma(g, 1)"]


def chain() -> Search:
    model = model_of(*CHAIN, observed="xw", variational=[*Q_OF_CHAIN, "u ~ Bernoulli(p)"])
    factors = tuple(make_factor(s) for s in model.statements)
    return Search(factors, tuple(make_factor(s) for s in model.declared))


def nodes(search: Search, names: str) -> list[Symbol]:
    return [f.node for f in search.factors if f.node.name in names]


# ---------------------------------------------------------------- components


def linked_sets(items: list[tuple[tuple[str, int], set[Symbol]]]) -> set[frozenset[object]]:
    """The connected components of a graph, by following edges from each item."""
    found = set()
    for name, _ in items:
        reached = {name}
        while True:
            inside = set().union(*(s for n, s in items if n in reached))
            more = reached | {n for n, s in items if s & inside}
            if more == reached:
                break
            reached = more
        found.add(frozenset(reached))
    return found


@pytest.mark.parametrize("with_q", [False, True])
@pytest.mark.parametrize("moving", ["", "y", "z", "v", "yz", "yv", "yzv"])
def test_factors_are_linked_by_parameters_moving_latents_and_q(moving: str, with_q: bool) -> None:
    search = chain()
    chosen = dict.fromkeys(nodes(search, moving), AFFINE)
    items = []
    for kind, factors in (("p", search.factors), ("q", search.variational if with_q else ())):
        for n, factor in enumerate(factors):
            own = {factor.node, *symbols_of_statement(factor.statement)}
            live = {s for s in own if s.role is Role.PARAMETER or s in chosen}
            items.append(((kind, n), live))
    expected = {group for group in linked_sets(items) if any(kind == "p" for kind, _ in group)}
    found = search.components(chosen, with_q)
    assert {frozenset([("p", n) for n in m] + [("q", n) for n in q]) for m, q in found} == expected
    assert found == sorted(found) and all(list(m) == sorted(m) for m, _ in found)


# ---------------------------------------------------------------- which latents may move


@pytest.mark.parametrize(
    ("statement", "may_move"),
    [
        ("z ~ Normal(0, s)", True),
        ("z ~ Laplace(0, s)", True),
        ("z ~ Gamma(2, s)", True),
        ("z ~ Pareto(3, s)", True),  # v >= 3, about 3
        ("z ~ VonMises(0, s)", True),  # rotated
        ("z ~ Beta(s, 2)", False),
        ("z ~ Bernoulli(1/2)", False),
        ("z ~ Poisson(s)", False),
    ],
)
def test_latents_may_move_where_an_affine_motion_keeps_the_support(
    statement: str, may_move: bool
) -> None:
    factors = factors_of([statement, "x ~ Normal(z, s)"], {"s": "positive"})
    assert Search(factors, ()).movable() == ((factors[0].node,) if may_move else ())


def failing(search: Search) -> list[Component]:
    return [c for c in search.decide({}) if not c.holds]


def test_what_fails_is_served_by_what_has_to_move_then_by_all_that_is_linked() -> None:
    model = ["y ~ Normal(0, 1)", "z ~ Normal(0, s)", "x ~ Normal(r*y + z, s)"]
    search = Search(factors_of(model, {"r": "real", "s": "positive"}), ())
    found = [{n.name: t for n, t in m.items()} for m in search.movings(failing(search))]
    assert found == [{"y": AFFINE}, {"y": AFFINE, "z": AFFINE}]


def test_nothing_moves_where_no_motion_serves() -> None:
    search = Search(factors_of(["z ~ Normal(0, 1)", "x ~ Bernoulli(logit=z)"], {}), ())
    assert not list(search.movings(failing(search)))


def test_components_without_a_common_motion_are_served_one_by_one() -> None:
    model = [
        "a ~ Normal(0, 1)",
        "b ~ Normal(0, 1)",
        "x ~ Normal(q*a, r)",
        "y ~ Normal(b*s, t)",
    ]
    parameters = {"q": "real", "r": "positive", "s": "real", "t": "positive"}
    search = Search(factors_of(model, parameters, observed="xy"), ())
    first, *more = search.movings(failing(search))
    assert {node.name for node in first} == {"a", "b"} and not more


def test_q_has_a_say_in_what_moves() -> None:
    """Of two latents that serve alike the last one rests, but for a q that does not follow."""
    model = ["a ~ Gamma(s, t)", "b ~ Gamma(s, t)", "y ~ Exponential(a*b)"]
    parameters = {"s": "positive", "t": "positive"}
    free, held = ["a ~ Gamma(m, n)", "b ~ Gamma(k, l)"], "a ~ Gamma(m, 1)"
    for q, moving in ((free, {"a"}), ([held, free[1]], {"b"}), ([held, "b ~ Gamma(k, 1)"], None)):
        read = model_of(model, parameters, observed="y", variational=q)
        factors = tuple(make_factor(s) for s in read.statements)
        search = Search(factors, tuple(make_factor(s) for s in read.declared))
        found = next(search.movings(failing(search)), None)
        assert (None if found is None else {node.name for node in found}) == moving


# ---------------------------------------------------------------- base measures


def table(factor: Factor) -> list[float]:
    """Admissible values of the factor's node."""
    match factor.value.domain.kind:
        case "binary":
            return [0, 1]
        case "naturals":
            return [0, 1, 2, 5]
    return [0.4, 1.0, 1.7, 3.1]


def is_solved(factor: Factor, motion: Motion, *, with_base: bool, seed: int) -> bool:
    """Whether log p - D log p = b(v) - H(theta, parents), or the same with b = 0, in numbers."""
    random = Random(seed)
    symbols = sorted(symbols_of_statement(factor.statement), key=lambda s: s.name)
    worlds = []
    for _ in range(3):
        worlds.append({(s.name, ()): random.uniform(0.3, 2.0) for s in symbols})
    rows = []
    for world in worlds:
        row = []
        for value in table(factor):
            values = {**world, (factor.node.name, ()): value}
            velocities = velocities_at(motion.velocities(), World({}, values))
            row.append(change_of(factor, {}, (), values, velocities))
        rows.append(row)
    first = rows[0] if with_base else [0.0] * len(rows[0])
    return all(
        math.isclose(a - b, row[0] - first[0], rel_tol=1e-9, abs_tol=1e-9)
        for row in rows
        for a, b in zip(row, first, strict=True)
    )


# the base measure of the last factor that the theory says is needed; None: there is no motion
GAUGES: dict[str, tuple[list[str], Gauge | None]] = {
    "all parameters scale": (["x ~ Bernoulli(logit=r)"], Gauge.CONSTANT),
    "a variance": (["x ~ Normal(r, s)"], Gauge.CONSTANT),
    "x!": (["x ~ Poisson(s)"], Gauge.TEXTBOOK),
    "exp(-x**2)": (["x ~ Normal(r, 1)"], Gauge.TEXTBOOK),
    "log x": (["x ~ Gamma(3, s)"], Gauge.TEXTBOOK),
    "a constant in eta": (
        ["z ~ Bernoulli(1/2)", "x ~ Bernoulli(logit=2 + r*z)"],
        Gauge.SHIFTED,
    ),
    "a function of z alone": (["z ~ Bernoulli(1/2)", "x ~ Bernoulli(logit=r + z)"], None),
    "z**2 in a Poisson": (["z ~ Poisson(2)", "x ~ Poisson(r**2 + z**2)"], None),
}


@pytest.mark.parametrize("name", GAUGES)
def test_the_strongest_base_measure_that_serves_is_taken(name: str) -> None:
    statements, gauge = GAUGES[name]
    factors = factors_of(statements, {"r": "real", "s": "positive"})
    search = Search(factors, ())
    last = len(factors) - 1
    answer = search.solve((last,), (), {}, ALIKE)
    if gauge is None:
        assert isinstance(answer, NotFound)
        return
    assert isinstance(answer, Proposal)
    assert answer.attempt.gauges == (gauge,)
    with_base = gauge is not Gauge.CONSTANT
    assert is_solved(factors[last], answer.motion, with_base=with_base, seed=1)
    # the numbers tell a base measure from none, and the motion from another
    if with_base:
        assert not is_solved(factors[last], answer.motion, with_base=False, seed=1)
    assert not is_solved(factors[last], Motion(), with_base=True, seed=1)


def test_one_motion_serves_all_factors_of_a_component() -> None:
    """x asks for r' = r/2 + .., by which y, too, is solved with a base measure of its own."""
    factors = factors_of(
        ["x ~ Normal(r, s)", "y ~ Poisson(s)"], {"r": "real", "s": "positive"}, observed="xy"
    )
    search = Search(factors, ())
    assert search.components({}, True) == [((0, 1), ())]
    answer = search.solve((0, 1), (), {}, ALIKE)
    # s' = -s of the variance, s' = s of the rate: alone each has a motion, together none
    assert isinstance(answer, NotFound)
    for number in (0, 1):
        assert isinstance(search.solve((number,), (), {}, ALIKE), Proposal)


# ---------------------------------------------------------------- attempts


def test_a_density_that_rests_is_no_answer() -> None:
    """With log p as its own base measure every factor satisfies (U), unless something moves."""
    known, moves, flat = factors_of(
        ["x ~ Poisson(2)", "y ~ Poisson(s)", "z ~ Bernoulli(1/2)"],
        {"s": "positive"},
        observed="xyz",
    )
    search = Search((known, moves, flat), ())
    assert isinstance(search.solve((0,), (), {}, ALIKE), NotFound)
    assert isinstance(search.solve((1,), (), {}, ALIKE), Proposal)
    assert isinstance(search.solve((2,), (), {}, ALIKE), Proposal)
    (s,) = search.learned
    motion = Motion({s: Array((), ONE)})
    assert [is_idle(f, motion) for f in search.factors] == [True, False, True]
    assert all(is_idle(f, Motion()) for f in search.factors)


def test_an_attempt_is_made_once_and_no_more_than_the_limit() -> None:
    factors = factors_of(["x ~ Normal(r, s)"], {"r": "real", "s": "positive"})
    search = Search(factors, (), limit=1)
    first = search.attempt((0,), (Gauge.CONSTANT,), {}, (), ALIKE)
    assert search.attempt((0,), (Gauge.CONSTANT,), {}, (), ALIKE) is first
    assert isinstance(first, Proposal) and not search.exhausted
    second = search.attempt((0,), (Gauge.TEXTBOOK,), {}, (), ALIKE)
    assert isinstance(second, NotFound) and search.exhausted
